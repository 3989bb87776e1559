//! Permutation importance of the raw columns.
//!
//! A column's values are shuffled among the rows, the whole pipeline predicts again, and the
//! optimised metric is compared with that of the unshuffled rows: what is lost is what the model
//! gets from the column. The columns are the raw ones, before any encoding, so the result is in
//! the user's own words and counts everything that was derived from a column.
//!
//! Method: L. Breiman, "Random Forests", Machine Learning 45 (2001), section 10, made model-free
//! by A. Fisher, C. Rudin and F. Dominici, JMLR 20 (2019). The interval is Student's over the
//! repeats: it covers the chance of shuffling, not the chance of which rows were held out.
//!
//! Every column gets [`FIRST_REPEATS`] repeats first, in the order given; further repeats go round
//! after that. A run that is stopped therefore has a complete interval for every column it
//! reports, and the columns it did not reach are left out.

use modelwright_core::data::{Column, ColumnData, Numbers, Table};
use modelwright_core::random::Random;
use modelwright_core::record::{Importance, Interval};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::{MetricEntry, MetricInput, student_975};

/// More rows than this are sampled down: the repeats matter more than the rows.
const ROWS_MAX: usize = 10_000;

/// Columns that are shuffled where no time is given, the first ones: each of thousands takes as
/// long as a few predictions of all rows.
pub(crate) const COLUMNS_UNHURRIED: usize = 300;

/// An interval needs at least two repeats.
pub(crate) const FIRST_REPEATS: usize = 2;

/// Predicts from a raw table; the same code path that serves.
pub trait RawPredictor: Sync {
    /// The predictions of every row, in row order.
    fn predict(&self, table: &Table, ctx: &Context) -> Result<Predictions>;

    /// The decision threshold on the positive class (binary).
    fn threshold(&self) -> f64 {
        0.5
    }
}

/// How much the metric worsens when each of the raw `columns` is shuffled, largest loss first.
///
/// `table` and `target` are untouched rows; at most 10,000 of them are used, drawn at random
/// (all, when the metric is undefined on the sample). Each column is shuffled `n_repeats` times
/// (at least twice). [`Context::proceed`] is asked before each shuffle; when it says no, columns
/// with fewer than two repeats are left out. Without a time limit the first 300 columns are
/// shuffled. The result does not depend on the thread count.
///
/// # Errors
/// Input error when a column is not in the table, lengths disagree, or the metric is undefined on
/// these rows; whatever the predictor answers.
#[expect(clippy::too_many_arguments, reason = "what is permuted, measured and allowed")]
pub fn permutation_importance(
    predictor: &dyn RawPredictor,
    table: &Table,
    target: &Target,
    weights: Option<&[f64]>,
    metric: &MetricEntry,
    columns: &[String],
    n_repeats: usize,
    ctx: &Context,
) -> Result<Vec<Importance>> {
    let n_columns = if ctx.remaining().is_some() { columns.len() } else { COLUMNS_UNHURRIED };
    let columns = &columns[..n_columns.min(columns.len())];
    let positions = positions(table, target, weights, columns)?;
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let mut work = Work::new(predictor, metric, ctx, table, target, weights)?;
    let n_repeats = n_repeats.max(FIRST_REPEATS);
    let mut losses: Vec<Vec<f64>> = vec![Vec::new(); columns.len()];
    let first = (0..columns.len()).flat_map(|c| (0..FIRST_REPEATS).map(move |r| (c, r)));
    let more = (FIRST_REPEATS..n_repeats).flat_map(|r| (0..columns.len()).map(move |c| (c, r)));
    for (column, repeat) in first.chain(more) {
        if !ctx.proceed() {
            break;
        }
        losses[column].push(work.loss(positions[column], repeat)?);
    }
    let mut importances: Vec<Importance> = columns
        .iter()
        .zip(&losses)
        .filter(|(_, losses)| losses.len() >= FIRST_REPEATS)
        .map(|(column, losses)| summarise(column, losses))
        .collect();
    importances.sort_by(|a, b| b.mean.total_cmp(&a.mean).then_with(|| a.column.cmp(&b.column)));
    Ok(importances)
}

fn positions(
    table: &Table,
    target: &Target,
    weights: Option<&[f64]>,
    columns: &[String],
) -> Result<Vec<usize>> {
    let n_rows = table.n_rows();
    if target.n_rows() != n_rows || weights.is_some_and(|w| w.len() != n_rows) {
        return Err(Error::input("table, target and weights differ in length")
            .expected(format!("{n_rows} rows"))
            .got(format!("{} targets", target.n_rows())));
    }
    columns
        .iter()
        .map(|name| {
            table.require(name)?;
            // Present, as `require` has just said.
            Ok(table.names().position(|n| n == name).unwrap_or(0))
        })
        .collect()
}

/// The rows in use and the score they are compared with.
struct Work<'a> {
    predictor: &'a dyn RawPredictor,
    metric: &'a MetricEntry,
    ctx: &'a Context,
    /// Always whole between two losses; taken apart only while a column is shuffled.
    table: Table,
    target: Target,
    weights: Option<Vec<f64>>,
    score: f64,
}

impl<'a> Work<'a> {
    fn new(
        predictor: &'a dyn RawPredictor,
        metric: &'a MetricEntry,
        ctx: &'a Context,
        table: &Table,
        target: &Target,
        weights: Option<&[f64]>,
    ) -> Result<Self> {
        let of_rows = |table: Table, target: Target, weights: Option<Vec<f64>>| {
            let mut work = Self { predictor, metric, ctx, table, target, weights, score: 0.0 };
            work.score = work.score()?;
            Ok(work)
        };
        if table.n_rows() > ROWS_MAX {
            let rows = ctx.random("explain/permutation/rows", 0).sample(table.n_rows(), ROWS_MAX);
            let weights = weights.map(|w| rows.iter().map(|r| w[*r as usize]).collect());
            let sample = of_rows(table.select(&rows), target.select(&rows), weights);
            if sample.is_ok() {
                return sample;
            }
        }
        of_rows(table.clone(), target.clone(), weights.map(<[f64]>::to_vec))
    }

    fn score(&self) -> Result<f64> {
        let predictions = self.predictor.predict(&self.table, self.ctx)?;
        self.metric.value(&MetricInput {
            truth: &self.target,
            predictions: &predictions,
            weights: self.weights.as_deref(),
            threshold: self.predictor.threshold(),
        })
    }

    /// The loss of the metric when one column is shuffled; the table is the same afterwards.
    fn loss(&mut self, position: usize, repeat: usize) -> Result<f64> {
        let name = &self.table.columns()[position].name;
        let random = self.ctx.random(&format!("explain/permutation/{name}"), repeat as u64);
        let order = order(self.table.n_rows(), random);
        let mut columns = std::mem::take(&mut self.table).into_columns();
        let original = shuffle(&mut columns[position], &order);
        self.table = Table::new(columns)?;
        let shuffled = self.score();
        let mut columns = std::mem::take(&mut self.table).into_columns();
        restore(&mut columns[position], original);
        self.table = Table::new(columns)?;
        let shuffled = shuffled?;
        Ok(self.metric.spec.gain(self.score, shuffled))
    }
}

fn order(n_rows: usize, mut random: Random) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n_rows as u32).collect();
    random.shuffle(&mut order);
    order
}

/// The values of a column without its dictionary.
enum Values {
    Number(Numbers),
    Instant(Vec<i64>),
    Codes(Vec<u32>),
}

/// Puts the values in the given order and returns them as they were; a dictionary stays.
fn shuffle(column: &mut Column, order: &[u32]) -> Values {
    fn apply<T: Copy>(values: &mut Vec<T>, order: &[u32]) -> Vec<T> {
        let shuffled = order.iter().map(|row| values[*row as usize]).collect();
        std::mem::replace(values, shuffled)
    }
    match &mut column.data {
        ColumnData::Number(values) => {
            let shuffled = values.select(order);
            Values::Number(std::mem::replace(values, shuffled))
        }
        ColumnData::Instant(values) => Values::Instant(apply(values, order)),
        ColumnData::String { codes, .. } => Values::Codes(apply(codes, order)),
    }
}

fn restore(column: &mut Column, original: Values) {
    match (&mut column.data, original) {
        (ColumnData::Number(values), Values::Number(original)) => *values = original,
        (ColumnData::Instant(values), Values::Instant(original)) => *values = original,
        (ColumnData::String { codes, .. }, Values::Codes(original)) => *codes = original,
        _ => unreachable!("a column keeps its storage"),
    }
}

fn summarise(column: &str, losses: &[f64]) -> Importance {
    let n = losses.len() as f64;
    let mean = losses.iter().sum::<f64>() / n;
    let variance = losses.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = student_975(losses.len() - 1) * (variance / n).sqrt();
    Importance {
        column: column.to_owned(),
        mean,
        ci95: Interval { low: mean - half, high: mean + half },
        n_repeats: losses.len(),
    }
}

#[cfg(test)]
#[path = "permutation_tests.rs"]
mod tests;
