//! Rows that belong together, such as the visits of one patient: as how many independent ones they
//! count.
//!
//! Values of one group are alike by their intraclass correlation `ρ`, so that `n` rows say of a
//! mean, or of a share, what `n / (1 + (m − 1) ρ)` independent ones say (Kish's design effect),
//! with `m = Σ nᵢ² / n` the size of a row's group. Tests of a column rest on so many rows; for
//! ranks and categories this is the first-order correction of Rao and Scott. `ρ` is that of the
//! analysis of variance of the ranks (of categories: of the indicators of all levels), from the
//! first [`ROWS_MAX`] rows of [`GROUPS_MAX`] groups that a hash draws; the doubt about it is given
//! by [`DOUBT`] standard errors. It is taken from the new rows, and holds for the reference too,
//! whose groups have sizes of their own.
//!
//! References: Kish, "Survey Sampling", 1965; Rao & Scott, JASA 76, 1981; Donner, "A review of
//! inference procedures for the intraclass correlation coefficient", 1986 (estimate and error).

use std::collections::BTreeMap;

use modelwright_core::data::{Column, Table};
use modelwright_core::random::number_at;
use modelwright_core::{Context, Result};
use modelwright_preprocess::profile::row_hashes;
use modelwright_preprocess::sketch::ColumnSketch;

use super::observed::Observed;
use super::tally::counts_of;

/// Groups, and rows of each, that show how alike rows of a group are.
const GROUPS_MAX: usize = 1_000;
const ROWS_MAX: u32 = 20;

/// Standard errors of the intraclass correlation that are given as the benefit of the doubt.
const DOUBT: f64 = 1.0;

/// The stream of numbers for groups, fixed: the same rows always give the same sample.
const STREAM: u64 = 0x6d6f_6e69_746f_7232;

/// The shares of the rows that count as independent ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Worth {
    /// Of the values: new rows, and those of the reference.
    pub(super) is: f64,
    pub(super) was: f64,
    /// Of whether there is a value.
    pub(super) missing_is: f64,
    pub(super) missing_was: f64,
}

impl Default for Worth {
    /// Every row is independent.
    fn default() -> Self {
        Self { is: 1.0, was: 1.0, missing_is: 1.0, missing_was: 1.0 }
    }
}

impl Worth {
    /// So large a share of all rows, of both sides.
    pub(super) fn of_all(share: f64) -> Self {
        Self { is: share, was: share, missing_is: share, missing_was: share }
    }
}

/// The groups of the rows of a side, as they pass.
pub(super) struct Witnesses {
    /// The column of groups.
    pub(super) name: String,
    /// Rows by group: how many there are, and how large; `None` before the first rows.
    sizes: Option<ColumnSketch>,
    /// Whether all parts of the rows have the column.
    is_known: bool,
    n_seen: u64,
    /// Numbers of groups beyond it are not in the sample.
    limit: u64,
    /// Rows of each group in the sample.
    counts: BTreeMap<u64, u32>,
    /// The number of the group of each row of the sample.
    groups: Vec<u64>,
    sample: Option<Table>,
}

impl Witnesses {
    /// No rows yet.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            sizes: None,
            is_known: true,
            n_seen: 0,
            limit: u64::MAX,
            counts: BTreeMap::new(),
            groups: Vec::new(),
            sample: None,
        }
    }

    /// Whether the rows have the column of groups.
    pub(super) fn is_known(&self) -> bool {
        self.is_known && self.sizes.is_some()
    }

    /// Whether there are rows, and a part of them lacks the column of groups.
    pub(super) fn is_lacking(&self) -> bool {
        !self.is_known
    }

    /// Adds rows with their groups, which are given up for all where a part lacks them; `columns`
    /// are held as those of the first part were.
    pub(super) fn add(
        &mut self,
        groups: Option<&Column>,
        columns: Vec<Column>,
        ctx: &Context,
    ) -> Result<()> {
        let Some(groups) = groups.filter(|_| self.is_known) else {
            self.is_known = false;
            return Ok(());
        };
        let n_rows = groups.n_rows();
        match &mut self.sizes {
            Some(sizes) => sizes.update(groups, 0..n_rows)?,
            None => self.sizes = Some(ColumnSketch::of(groups, 0..n_rows)),
        }
        let rows = self.drawn(groups, ctx)?;
        self.n_seen += n_rows as u64;
        if rows.is_empty() {
            return Ok(());
        }
        let chosen = Table::new(columns)?.select(&rows);
        match &mut self.sample {
            None => self.sample = Some(chosen),
            Some(sample) => sample.append(&chosen)?,
        }
        if self.counts.len() > 2 * GROUPS_MAX {
            self.thin_out();
        }
        Ok(())
    }

    /// The rows of the part that are in the sample. A row without a group is one of its own.
    fn drawn(&mut self, groups: &Column, ctx: &Context) -> Result<Vec<u32>> {
        let alone = Table::new(vec![groups.clone()])?;
        let hashes = row_hashes(&alone, &[&groups.name], ctx);
        let mut rows = Vec::new();
        for (row, hash) in hashes.into_iter().enumerate() {
            let is_missing = groups.is_missing(row);
            let place = if is_missing { !(self.n_seen + row as u64) } else { hash };
            let number = number_at(STREAM, place);
            if number > self.limit {
                continue;
            }
            let count = self.counts.entry(number).or_default();
            if *count < ROWS_MAX {
                *count += 1;
                rows.push(row as u32);
                self.groups.push(number);
            }
        }
        Ok(rows)
    }

    fn thin_out(&mut self) {
        let Some(limit) = self.counts.keys().nth(GROUPS_MAX.saturating_sub(1)).copied() else {
            return;
        };
        self.limit = limit;
        self.counts.retain(|number, _| *number <= limit);
        let stays = |row: &u32| self.groups[*row as usize] <= limit;
        let rows: Vec<u32> = (0..self.groups.len() as u32).filter(stays).collect();
        self.sample = self.sample.take().map(|sample| sample.into_selected(&rows));
        self.groups = rows.iter().map(|row| self.groups[*row as usize]).collect();
    }

    /// No more rows come.
    pub(super) fn finish(&mut self) {
        self.thin_out();
    }

    /// Groups among the rows.
    pub(super) fn n_groups(&self) -> u64 {
        self.sizes.as_ref().map_or(0, |sizes| sizes.distinct.count() as u64 + sizes.n_missing)
    }

    /// The size of the group of a row, on the average.
    pub(super) fn mean_size(&self) -> Option<f64> {
        self.sizes.as_ref().filter(|_| self.is_known).map(mean_size)
    }

    /// As how many the rows of a column of the sample count; `was_size` is the size of the group of
    /// a row of the reference, which is taken to be that of a new row where it is not known.
    pub(super) fn worth(&self, column: &str, is_category: bool, was_size: Option<f64>) -> Worth {
        let column = self.sample.as_ref().and_then(|sample| sample.column(column));
        let (Some(column), Some(size)) = (column, self.mean_size()) else {
            return Worth::default();
        };
        let alike = alike(column, &self.groups, is_category);
        let missing = Alike::of_levels(&self.groups, |row| Some(u64::from(column.is_missing(row))));
        let share = |size: f64, alike: f64| 1.0 / (1.0 + (size - 1.0).max(0.0) * alike);
        let was_size = was_size.unwrap_or(size);
        Worth {
            is: share(size, alike),
            was: share(was_size, alike),
            missing_is: share(size, missing.correlation()),
            missing_was: share(was_size, missing.correlation()),
        }
    }
}

/// The size of the group of a row, on the average over all rows: from the counts of a sketch, which
/// are exact for few groups. What is not counted one by one is taken to be of equal size.
pub(super) fn mean_size(sizes: &ColumnSketch) -> f64 {
    let counts = counts_of(sizes);
    let n_missing = sizes.n_missing as f64;
    let n_rows = counts.n() + n_missing;
    let counted: f64 = counts.values().map(|(_, n)| n * n).sum();
    let n_others = counts.n_distinct().saturating_sub(counts.values().count()).max(1) as f64;
    let squares = counted + counts.rest() * counts.rest() / n_others + n_missing;
    if n_rows > 0.0 { (squares / n_rows).max(1.0) } else { 1.0 }
}

/// How alike values of one group are, with the benefit of the doubt: their intraclass correlation.
fn alike(column: &Column, groups: &[u64], is_category: bool) -> f64 {
    let found = match Observed::of(column, is_category) {
        Observed::Numbers(values) => Alike::of_numbers(groups, |row| values[row]),
        Observed::Levels(levels) => Alike::of_levels(groups, |row| levels[row]),
    };
    found.correlation()
}

/// Sums of squares of an analysis of variance.
#[derive(Default)]
struct Alike {
    between: f64,
    within: f64,
    /// Rows of each group.
    sizes: Vec<f64>,
}

impl Alike {
    /// Of the ranks of numbers; rows without one are left out.
    fn of_numbers(groups: &[u64], value: impl Fn(usize) -> Option<f64>) -> Self {
        let known = (0..groups.len()).filter_map(|row| Some((value(row)?, groups[row])));
        let mut known: Vec<(f64, u64)> = known.collect();
        known.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let (n, mut before) = (known.len() as f64, 0.0);
        let mut of: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
        let mut squares = 0.0;
        for ties in known.chunk_by(|a, b| a.0 == b.0) {
            // Ranks around zero: the one in the middle of those that share a value.
            let rank = before + 0.5 * ties.len() as f64 - 0.5 * n;
            before += ties.len() as f64;
            for (_, group) in ties {
                let sums = of.entry(*group).or_default();
                (sums.0, sums.1) = (sums.0 + 1.0, sums.1 + rank);
                squares += rank * rank;
            }
        }
        let between: f64 = of.values().map(|(n, sum)| sum * sum / n).sum();
        let sizes = of.values().map(|(n, _)| *n).collect();
        Self { between, within: (squares - between).max(0.0), sizes }
    }

    /// Of the indicators of all levels; rows without one are left out.
    fn of_levels(groups: &[u64], level: impl Fn(usize) -> Option<u64>) -> Self {
        let mut of: BTreeMap<u64, (f64, BTreeMap<u64, f64>)> = BTreeMap::new();
        let mut all: BTreeMap<u64, f64> = BTreeMap::new();
        let mut n = 0.0;
        for (row, group) in groups.iter().enumerate() {
            let Some(level) = level(row) else { continue };
            let sums = of.entry(*group).or_default();
            sums.0 += 1.0;
            *sums.1.entry(level).or_default() += 1.0;
            *all.entry(level).or_default() += 1.0;
            n += 1.0;
        }
        let square = |counts: &BTreeMap<u64, f64>| counts.values().map(|n| n * n).sum::<f64>();
        let middle = if n > 0.0 { square(&all) / n } else { 0.0 };
        let of_groups: f64 = of.values().map(|(n, counts)| square(counts) / n).sum();
        Self {
            between: (of_groups - middle).max(0.0),
            within: (n - of_groups).max(0.0),
            sizes: of.values().map(|(n, _)| *n).collect(),
        }
    }

    /// The intraclass correlation and its doubt, at most 1: what is not known, as of one group or
    /// of values that are all the same, is taken to be alike.
    fn correlation(&self) -> f64 {
        let (k, n) = (self.sizes.len() as f64, self.sizes.iter().sum::<f64>());
        let total = self.between + self.within;
        if k < 2.0 || n <= k || total <= 1e-12 * n {
            return 1.0;
        }
        let squares: f64 = self.sizes.iter().map(|size| size * size).sum();
        // The size of a group in a balanced sample.
        let size = (n - squares / n) / (k - 1.0);
        let (between, within) = (self.between / (k - 1.0), self.within / (n - k));
        let correlation = (between - within) / (between + (size - 1.0) * within);
        let correlation = correlation.clamp(0.0, 1.0);
        let spread = (1.0 - correlation) * (1.0 + (size - 1.0) * correlation);
        let error = spread * (2.0 / (size * (size - 1.0) * (k - 1.0))).sqrt();
        (correlation + DOUBT * error).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    /// Values of `n` groups of `m` rows, of whose variance the group has the share `rho`.
    fn rows(n: usize, m: usize, rho: f64, stream: u64) -> (Column, Column) {
        let mut random = Random::stream(41, "monitor/witnesses", stream);
        let (mut groups, mut values) = (Vec::new(), Vec::new());
        for group in 0..n {
            let own = random.normal();
            for _ in 0..m {
                groups.push(Some(format!("g{group}")));
                values.push(rho.sqrt() * own + (1.0 - rho).sqrt() * random.normal());
            }
        }
        (Column::strings("group", groups), Column::numbers("value", values))
    }

    fn witnesses(groups: &Column, column: &Column, part_rows: u32) -> Witnesses {
        let ctx = Context::unlimited(1, 2);
        let mut witnesses = Witnesses::new("group");
        let rows: Vec<u32> = (0..groups.n_rows() as u32).collect();
        for part in rows.chunks(part_rows as usize) {
            let columns = vec![column.select(part)];
            witnesses.add(Some(&groups.select(part)), columns, &ctx).unwrap();
        }
        witnesses.finish();
        witnesses
    }

    #[test]
    fn rows_count_by_how_alike_those_of_a_group_are() {
        for (rho, least, most) in [(0.0, 0.75, 1.0), (0.3, 0.2, 0.35), (1.0, 0.1, 0.1001)] {
            let (groups, values) = rows(400, 10, rho, 1);
            let worth = witnesses(&groups, &values, 4000).worth("value", false, Some(1.0));
            assert!((least..=most).contains(&worth.is), "{rho}: {worth:?}");
            assert_eq!(worth.was, 1.0, "groups of one row");
        }
    }

    #[test]
    fn parts_of_rows_change_nothing_and_many_groups_are_a_sample() {
        let (groups, values) = rows(3_000, 4, 0.3, 2);
        let whole = witnesses(&groups, &values, 12_000);
        let parts = witnesses(&groups, &values, 700);
        assert_eq!(whole.groups, parts.groups);
        assert_eq!(whole.counts.len(), GROUPS_MAX);
        assert!((whole.mean_size().unwrap() - 4.0).abs() < 0.2, "{:?}", whole.mean_size());
        let of = |w: &Witnesses| w.worth("value", false, None);
        assert_eq!(of(&whole), of(&parts));
        let by_hand = 1.0 / (1.0 + 3.0 * 0.3);
        assert!((of(&whole).is - by_hand).abs() < 0.08, "{:?}", of(&whole));
    }

    #[test]
    fn one_group_is_one_witness_and_rows_without_a_group_are_one_each() {
        let (groups, values) = rows(1, 50, 0.0, 3);
        let worth = witnesses(&groups, &values, 50).worth("value", false, None);
        assert!((worth.is - 0.02).abs() < 1e-9, "{worth:?}");
        let none = Column::strings("group", vec![None::<&str>; 50]);
        let alone = witnesses(&none, &values, 50);
        assert_eq!(alone.worth("value", false, None).is, 1.0);
        assert_eq!((alone.n_groups(), alone.mean_size()), (50, Some(1.0)));
    }

    #[test]
    fn names_are_alike_by_their_shares() {
        let groups: Vec<Option<String>> = (0..2000).map(|i| Some(format!("g{}", i / 20))).collect();
        let groups = Column::strings("group", groups);
        let names = |of: &dyn Fn(usize) -> usize| {
            let name = |i: usize| Some(["red", "green", "blue"][of(i) % 3]);
            Column::strings("name", (0..2000).map(name))
        };
        let worth = |names: &Column| witnesses(&groups, names, 2000).worth("name", true, None).is;
        assert!(worth(&names(&|i| i / 20)) < 0.051, "one name in every group");
        assert!(worth(&names(&|i| (i * 7919) % 1009)) > 0.8, "names by chance");
    }
}
