//! Rows that follow each other in time: as how many independent ones they count.
//!
//! Where a row is like the one before it (a sensor, a price), `n` rows say of a mean, or of a
//! share, what `n / τ` independent ones say, with `τ` the sum of all autocorrelations. It is found
//! from means of blocks of `b` rows in the order of time: half the mean square of the difference of
//! two blocks that follow each other, times `b`, over the variance of a row is 1 of independent
//! rows at every `b`, and comes up to `τ` where blocks are longer than the memory of the rows.
//! Blocks of 2, 4, 8 … rows are looked at, as long as there are [`BLOCKS_MIN`] of them; the largest
//! factor counts that is beyond chance, with a standard error as the benefit of the doubt. As only
//! neighbours are compared, a shift that happens once among the rows is in one difference of many,
//! and does not pass itself off as memory.
//!
//! Numbers are looked at by their ranks, categories by the indicators of their most frequent
//! levels. The reference is taken to have the memory of the new rows.
//!
//! A server's window has few rows when it begins: there the correlation of neighbours counts, too.
//!
//! References: von Neumann, "Distribution of the ratio of the mean square successive difference to
//! the variance", Annals of Mathematical Statistics 12, 1941 (differences of neighbours, and their
//! error); Flegal & Jones, "Batch means and spectral variance estimators in Markov chain Monte
//! Carlo", Annals of Statistics 38, 2010 (means of blocks, effective sample size); Bayley &
//! Hammersley, "The effective number of independent observations in an autocorrelated time series",
//! Supplement to the Journal of the Royal Statistical Society 8, 1946 (from one correlation).

use std::collections::BTreeMap;

use modelwright_core::Result;
use modelwright_core::data::{Column, ColumnData, MISSING_INSTANT, Table};
use modelwright_core::task::{Predictions, Target};

use super::answers::Answers;
use super::observed::Observed;
use super::witnesses::Worth;

/// Blocks of a length, at least.
const BLOCKS_MIN: usize = 16;
/// Standard errors beyond which rows have a memory, and those that are given as doubt then.
const BEYOND: f64 = 3.0;
const DOUBT: f64 = 1.0;
/// The most frequent levels of a category that are looked at one by one.
const LEVELS_MAX: usize = 16;
/// Rows that are kept; of more of them every second, fourth … one.
const ROWS_MAX: usize = 4_096;
/// The column of the sample with the time of each row; no column of a table is called so.
const TIME: &str = "\u{0}time";

/// Rows in the order of time, as they pass.
pub(super) struct Serial {
    /// The column with the time of each row.
    name: String,
    /// Of so many rows one is kept.
    step: u64,
    n_seen: u64,
    /// Which rows are kept, counted from 0.
    kept: Vec<u64>,
    sample: Option<Table>,
    /// The least share that was found of any column.
    pub(super) least: f64,
}

impl Serial {
    /// No rows yet.
    pub(super) fn new(name: &str) -> Self {
        let (name, kept) = (name.to_owned(), Vec::new());
        Self { name, step: 1, n_seen: 0, kept, sample: None, least: 1.0 }
    }

    /// Which of the next rows are to be added: those that have a time, as far as they are kept.
    pub(super) fn chosen(&mut self, table: &Table) -> Vec<u32> {
        let before = self.n_seen;
        self.n_seen += table.n_rows() as u64;
        let Some(ColumnData::Instant(times)) = table.column(&self.name).map(|c| &c.data) else {
            return Vec::new();
        };
        let is_kept = |row: &u32| {
            (before + u64::from(*row)).is_multiple_of(self.step)
                && times[*row as usize] != MISSING_INSTANT
        };
        let rows: Vec<u32> = (0..table.n_rows() as u32).filter(is_kept).collect();
        self.kept.extend(rows.iter().map(|row| before + u64::from(*row)));
        rows
    }

    /// Adds the rows of `table` that were [`Self::chosen`], all others left out. `columns` are of
    /// these, and held as those of the first part were.
    pub(super) fn add(&mut self, table: &Table, mut columns: Vec<Column>) -> Result<()> {
        let Some(ColumnData::Instant(times)) = table.column(&self.name).map(|c| &c.data) else {
            return Ok(());
        };
        columns.push(Column::instants(TIME, times.clone()));
        let chosen = Table::new(columns)?;
        match &mut self.sample {
            None => self.sample = Some(chosen),
            Some(sample) => sample.append(&chosen)?,
        }
        if self.kept.len() > 2 * ROWS_MAX {
            self.thin_out();
        }
        Ok(())
    }

    fn thin_out(&mut self) {
        while self.kept.len() > ROWS_MAX {
            self.step *= 2;
            let stays = |row: &u32| self.kept[*row as usize].is_multiple_of(self.step);
            let rows: Vec<u32> = (0..self.kept.len() as u32).filter(stays).collect();
            if rows.len() == self.kept.len() {
                // Rows whose numbers have a large common factor: thinned at a later step.
                continue;
            }
            self.sample = self.sample.take().map(|sample| sample.into_selected(&rows));
            self.kept = rows.iter().map(|row| self.kept[*row as usize]).collect();
        }
    }

    /// No more rows come: puts them into the order of time, and of equal times in that in which
    /// they came.
    pub(super) fn finish(&mut self) {
        self.thin_out();
        let Some(sample) = self.sample.take() else { return };
        let mut order: Vec<u32> = (0..sample.n_rows() as u32).collect();
        if let Some(ColumnData::Instant(times)) = sample.column(TIME).map(|c| &c.data) {
            order.sort_by_key(|row| times[*row as usize]);
        }
        self.sample = Some(sample.into_selected(&order));
    }

    /// What is left of the worth of a column's rows, as they are like their neighbours.
    pub(super) fn worth(&mut self, column: &str, is_category: bool, worth: Worth) -> Worth {
        let Some(column) = self.sample.as_ref().and_then(|sample| sample.column(column)) else {
            return worth;
        };
        let missing = (0..column.n_rows()).map(|row| Some(u64::from(column.is_missing(row))));
        let missing = share(&Observed::Levels(missing.collect()), self.step);
        let own = share(&Observed::of(column, is_category), self.step);
        self.least = self.least.min(own);
        Worth {
            is: worth.is.min(own),
            was: worth.was.min(own),
            missing_is: worth.missing_is.min(missing),
            missing_was: worth.missing_was.min(missing),
        }
    }

    /// As how many the rows count, in words; `None` where they have no memory.
    pub(super) fn note(&self) -> Option<String> {
        let n_rows = self.n_seen;
        let count = (self.least * n_rows as f64).round();
        (count < n_rows as f64).then(|| {
            format!(
                "{n_rows} rows follow each other in time (`{}`), and neighbours are alike: the \
                 tests of a column count them as what they are worth, from {count} independent \
                 rows on",
                self.name
            )
        })
    }
}

/// As how large a share numbers in the order of time count in a mean of them.
pub(super) fn share_of(values: impl Iterator<Item = Option<f64>>) -> f64 {
    share(&Observed::Numbers(values.collect()), 1)
}

/// As how large a share the answered rows count in a mean of their losses.
pub(super) fn share_of_losses(answers: &Answers) -> f64 {
    let times = &answers.times;
    let n_rows = answers.truth.n_rows();
    if times.len() != n_rows || times.contains(&MISSING_INSTANT) {
        return 1.0;
    }
    let mut order: Vec<u32> = (0..n_rows as u32).collect();
    order.sort_by_key(|row| times[*row as usize]);
    let of = |row: &u32| Some(loss(&answers.truth, &answers.predictions, *row as usize));
    share(&Observed::Numbers(order.iter().map(of).collect()), 1)
}

/// The squared error of a number, of a class that of its probability.
fn loss(truth: &Target, said: &Predictions, row: usize) -> f64 {
    let own = said.row(row);
    match truth {
        Target::Real(values) => (own[0] - values[row]).powi(2),
        Target::Class { codes, .. } if said.n_outputs == 1 => {
            (own[0] - f64::from(codes[row] == 1)).powi(2)
        }
        Target::Class { codes, .. } => {
            (1.0 - own.get(codes[row] as usize).copied().unwrap_or(0.0)).powi(2)
        }
    }
}

/// The share of rows that counts, of values in the order of time of which one in `step` is known.
fn share(observed: &Observed, step: u64) -> f64 {
    share_by(inflation(&parts(observed)), step)
}

/// As [`share`], of rows that may be few beside their memory, as those of a window are that has
/// just begun: where no block is longer than the memory, how alike neighbours are stands for it.
pub(super) fn share_of_few(observed: &Observed, step: u64) -> f64 {
    let parts = parts(observed);
    share_by(inflation(&parts).max(by_neighbours(&parts)), step)
}

fn share_by(found: f64, step: u64) -> f64 {
    // Rows between those that are known are as alike as they are; without a memory from one to the
    // next nothing is known of them, and they are taken for independent.
    if found > 1.0 { 1.0 / (found * step as f64) } else { 1.0 }
}

/// The parts of a value, each with one number for every row.
fn parts(observed: &Observed) -> Vec<Vec<f64>> {
    match observed {
        Observed::Numbers(values) => vec![ranks(values)],
        Observed::Levels(levels) => indicators(levels),
    }
}

/// By which factor the variance of a mean is that of independent rows if each row is like the one
/// before it by the same correlation, and remembers no more: 1 unless that is beyond chance, and no
/// more than blocks could show of so many rows.
fn by_neighbours(parts: &[Vec<f64>]) -> f64 {
    let n = parts.first().map_or(0, Vec::len) as f64;
    let variance: f64 = parts.iter().map(|part| variance(part)).sum();
    if n < 2.0 * BLOCKS_MIN as f64 || variance <= 1e-12 {
        return 1.0;
    }
    let squares = |part: &Vec<f64>| part.windows(2).map(|p| (p[1] - p[0]).powi(2)).sum::<f64>();
    let squares: f64 = parts.iter().map(squares).sum();
    let alike = 1.0 - squares / (2.0 * (n - 1.0)) / variance;
    if alike <= BEYOND / n.sqrt() {
        return 1.0;
    }
    let blocks_min = BLOCKS_MIN as f64;
    let most = n / blocks_min * (1.0 + DOUBT * (3.0 / blocks_min).sqrt());
    ((1.0 + alike) / (1.0 - alike)).min(most)
}

/// By which factor the variance of a mean is that of independent rows: 1 unless more is beyond
/// chance. The parts of a value have one number each for every row.
fn inflation(parts: &[Vec<f64>]) -> f64 {
    let n = parts.first().map_or(0, Vec::len);
    let variance: f64 = parts.iter().map(|part| variance(part)).sum();
    let (mut worst, mut length): (f64, usize) = (1.0, 2);
    while variance > 1e-12 && n / length >= BLOCKS_MIN {
        let n_blocks = (n / length) as f64;
        let of_part = |part: &Vec<f64>| {
            let blocks = part.chunks_exact(length);
            let means: Vec<f64> =
                blocks.map(|block| block.iter().sum::<f64>() / length as f64).collect();
            means.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum::<f64>()
        };
        let squares: f64 = parts.iter().map(of_part).sum();
        let found = length as f64 * squares / (2.0 * (n_blocks - 1.0)) / variance;
        let error = (3.0 / n_blocks).sqrt();
        if found > 1.0 + BEYOND * error {
            worst = worst.max(found * (1.0 + DOUBT * error));
        }
        length *= 2;
    }
    worst
}

fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)
}

/// Ranks from 0 to 1 of the numbers that are known; equal ones share the rank in their middle.
fn ranks(values: &[Option<f64>]) -> Vec<f64> {
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    let mut order: Vec<usize> = (0..known.len()).collect();
    order.sort_by(|a, b| known[*a].total_cmp(&known[*b]));
    let (n, mut before, mut ranks) = (known.len() as f64, 0.0, vec![0.0; known.len()]);
    for ties in order.chunk_by(|a, b| known[*a] == known[*b]) {
        let rank = (before + 0.5 * ties.len() as f64) / n;
        for row in ties {
            ranks[*row] = rank;
        }
        before += ties.len() as f64;
    }
    ranks
}

/// Whether each row has a level, for the most frequent ones; rows without one are left out.
fn indicators(levels: &[Option<u64>]) -> Vec<Vec<f64>> {
    let known: Vec<u64> = levels.iter().copied().flatten().collect();
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for level in &known {
        *counts.entry(*level).or_default() += 1;
    }
    let mut counts: Vec<(u64, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(level, n)| (std::cmp::Reverse(*n), *level));
    let of = |(level, _): &(u64, usize)| {
        known.iter().map(|own| f64::from(u8::from(own == level))).collect()
    };
    counts.iter().take(LEVELS_MAX).map(of).collect()
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    /// Values each of which is like the one before it; the first shift by `moved` half-way.
    fn chain(n: usize, like: f64, moved: f64, stream: u64) -> Vec<Option<f64>> {
        let mut random = Random::stream(71, "monitor/serial", stream);
        let mut value = random.normal();
        let next = |row: usize| {
            value = like * value + (1.0 - like * like).sqrt() * random.normal();
            Some(value + if row >= n / 2 { moved } else { 0.0 })
        };
        (0..n).map(next).collect()
    }

    fn mean_share(n: usize, like: f64, moved: f64) -> f64 {
        let of = |stream| share(&Observed::Numbers(chain(n, like, moved, stream)), 1);
        (0..40).map(of).sum::<f64>() / 40.0
    }

    #[test]
    fn rows_count_by_how_alike_neighbours_are() {
        // The sum of the autocorrelations of such a chain is (1 + r) / (1 - r).
        for (like, least, most) in [(0.5, 0.2, 0.4), (0.8, 0.07, 0.15), (0.95, 0.015, 0.05)] {
            let share = mean_share(4_000, like, 0.0);
            assert!((least..most).contains(&share), "{like}: {share}");
        }
    }

    #[test]
    fn few_rows_count_by_how_alike_neighbours_are() {
        let mean = |n: usize, like: f64, moved: f64| {
            let of = |i| share_of_few(&Observed::Numbers(chain(n, like, moved, i)), 1);
            (0..40).map(of).sum::<f64>() / 40.0
        };
        for (n, like, least, most) in
            [(400, 0.9, 0.05, 0.1), (400, 0.5, 0.25, 0.4), (4_000, 0.9, 0.04, 0.06)]
        {
            let share = mean(n, like, 0.0);
            assert!((least..most).contains(&share), "{n} rows, {like}: {share}");
        }
        // As many blocks as there are at least, with the benefit of the doubt.
        let floor = 16.0 / (1.0 + (3.0_f64 / 16.0).sqrt()) / 150.0;
        assert!((mean(150, 0.99, 0.0) / floor - 1.0).abs() < 0.05, "{}", mean(150, 0.99, 0.0));
        assert!(mean(400, 0.0, 0.0) > 0.97 && mean(1_000, 0.0, 1.0) > 0.1);
        let ramp = Observed::Numbers((0..20).map(|row| Some(f64::from(row))).collect());
        assert_eq!(share_of_few(&ramp, 1), 1.0, "too few to tell");
    }

    #[test]
    fn independent_rows_count_whole_and_a_shift_among_them_costs_little() {
        let is_whole = |stream| share(&Observed::Numbers(chain(1_000, 0.0, 0.0, stream)), 1) == 1.0;
        let n_whole = (0..200).filter(|stream| is_whole(*stream)).count();
        assert!(n_whole >= 185, "{n_whole} of 200");
        assert!(mean_share(1_000, 0.0, 0.5) > 0.9, "{}", mean_share(1_000, 0.0, 0.5));
        assert!(mean_share(1_000, 0.0, 1.0) > 0.1, "{}", mean_share(1_000, 0.0, 1.0));
    }

    #[test]
    fn levels_that_stay_a_while_count_by_how_long_they_stay() {
        let stays = |row: u64| Some((row / 10).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 62);
        let found = share(&Observed::Levels((0..4_000).map(stays).collect()), 1);
        assert!((0.05..0.13).contains(&found), "blocks of ten rows: {found}");
        assert_eq!(share(&Observed::Levels(vec![Some(1); 500]), 1), 1.0, "there is but one");
        assert_eq!(share(&Observed::Levels(vec![None; 500]), 1), 1.0);
    }

    #[test]
    fn parts_and_the_order_of_rows_change_nothing_and_many_are_thinned_out() {
        let n = 30_000;
        let values: Vec<f64> = chain(n, 0.99, 0.0, 3).into_iter().flatten().collect();
        let times: Vec<i64> = (0..).take(n).collect();
        let table =
            Table::new(vec![Column::instants("when", times), Column::numbers("value", values)])
                .unwrap();
        let found = |table: &Table, part_rows: usize| {
            let mut serial = Serial::new("when");
            let rows: Vec<u32> = (0..n as u32).collect();
            for part in rows.chunks(part_rows) {
                let part = table.select(part);
                let part = part.select(&serial.chosen(&part));
                serial.add(&part, vec![part.column("value").unwrap().clone()]).unwrap();
            }
            serial.finish();
            assert!(serial.kept.len() <= ROWS_MAX && serial.step > 1, "{}", serial.step);
            serial.worth("value", false, Worth::default()).is
        };
        let whole = found(&table, n);
        assert_eq!(whole, found(&table, 777));
        // 199 rows are one; so they are where they come backwards.
        assert!((0.0025..0.01).contains(&whole), "{whole}");
        let backwards: Vec<u32> = (0..n as u32).rev().collect();
        let other = found(&table.select(&backwards), 777);
        assert!((other / whole - 1.0).abs() < 0.5, "{other} and {whole}");
    }
}
