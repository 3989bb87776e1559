//! Other mixes of the same rows: another share of the classes, or of some values of a column.
//!
//! The predictions stay what they are; some rows count twice as much as they do now, the others in
//! proportion. Classes are a label shift, a column's values a covariate shift.

use modelwright_core::data::{Column, ColumnData, Table};
use modelwright_core::task::{Predictions, Target};
use modelwright_evaluate::{MetricEntry, MetricInput};

/// Columns whose values are mixed in other shares: the first ones.
const COLUMNS_MAX: usize = 6;

/// Levels of a column of strings that are doubled, one after the other: the most frequent ones.
const LEVELS_MAX: usize = 3;

/// What a half of the rows becomes.
const NEARLY_ALL: f64 = 0.9;

/// A part of the rows says something from this many on.
const ROWS_MIN: usize = 30;

/// Rows whose mix is changed.
pub(super) struct MixInput<'a> {
    pub metric: &'a MetricEntry,
    pub truth: &'a Target,
    pub weights: Option<&'a [f64]>,
    pub predictions: &'a Predictions,
    pub threshold: f64,
    pub classes: &'a [String],
}

/// Rows in another mix.
pub(super) struct Mixed {
    /// Which one, in words.
    pub what: String,
    /// The metric there.
    pub after: f64,
    /// The weights of the rows that make it.
    pub weights: Vec<f64>,
}

/// The metric, and the weights of the rows.
type Weighed = (f64, Vec<f64>);

impl MixInput<'_> {
    fn own(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// The metric where the rows that `is_in` names are twice as frequent; `None` where they are
    /// half of all rows or more, or the metric is undefined.
    fn doubled(&self, is_in: impl Fn(usize) -> bool) -> Option<Weighed> {
        let share = self.share(&is_in);
        (share < 0.5).then(|| self.at_share(is_in, share, 2.0 * share))?
    }

    /// The metric where they are [`NEARLY_ALL`] rows; `None` where they are more, or none.
    fn nearly_all(&self, is_in: impl Fn(usize) -> bool) -> Option<Weighed> {
        let share = self.share(&is_in);
        (share < NEARLY_ALL).then(|| self.at_share(is_in, share, NEARLY_ALL))?
    }

    /// The share of the rows, by weight.
    fn share(&self, is_in: &impl Fn(usize) -> bool) -> f64 {
        let mut sums = [0.0, 0.0];
        for row in 0..self.truth.n_rows() {
            sums[usize::from(is_in(row))] += self.own(row);
        }
        sums[1] / (sums[0] + sums[1])
    }

    fn at_share(&self, is_in: impl Fn(usize) -> bool, share: f64, becomes: f64) -> Option<Weighed> {
        if share <= 0.0 {
            return None;
        }
        let factors = [(1.0 - becomes) / (1.0 - share), becomes / share];
        let weight = |row: usize| self.own(row) * factors[usize::from(is_in(row))];
        let weights: Vec<f64> = (0..self.truth.n_rows()).map(weight).collect();
        let input = MetricInput {
            truth: self.truth,
            predictions: self.predictions,
            weights: Some(&weights),
            threshold: self.threshold,
        };
        let after = self.metric.value(&input).ok()?;
        Some((after, weights))
    }
}

fn mixed(what: String, (after, weights): Weighed) -> Mixed {
    Mixed { what, after, weights }
}

/// The rarest class twice as frequent as it is, or, of numbers, the half of the larger or of the
/// smaller values: whichever is worse.
pub(super) fn of_target(input: &MixInput<'_>) -> Option<Mixed> {
    match input.truth {
        Target::Class { codes, n_classes } => {
            let mut sums = vec![0.0; *n_classes];
            for (row, code) in codes.iter().enumerate() {
                sums[*code as usize] += input.own(row);
            }
            let total: f64 = sums.iter().sum();
            let there = sums.iter().enumerate().filter(|(_, n)| **n > 0.0);
            let (class, sum) = there.min_by(|a, b| a.1.total_cmp(b.1))?;
            if sum / total >= 0.5 {
                return None;
            }
            let after = input.doubled(|row| codes[row] as usize == class)?;
            let name =
                input.classes.get(class).map_or(String::new(), |name| format!(", `{name}`,"));
            Some(mixed(format!("the rarest class{name} is twice as frequent"), after))
        }
        Target::Real(values) => {
            let middle = median(values.iter().copied())?;
            let halves = [
                ("large", input.nearly_all(|row| values[row] > middle)),
                ("small", input.nearly_all(|row| values[row] < middle)),
            ];
            let found = halves.into_iter().filter_map(|(size, after)| {
                Some(mixed(format!("{size} answers are nearly all there are"), after?))
            });
            worst(input.metric, found)
        }
    }
}

/// The worst of other shares of the values of the columns `names`, and how many were looked at.
pub(super) fn of_columns(input: &MixInput<'_>, table: &Table, names: &[String]) -> Option<Mixed> {
    let columns = names.iter().filter_map(|name| table.column(name)).take(COLUMNS_MAX);
    let found: Vec<Mixed> = columns.flat_map(|column| of_column(input, column)).collect();
    let n = found.len();
    let worst = worst(input.metric, found.into_iter())?;
    Some(Mixed { what: format!("{} (worst of {n} mixes)", worst.what), ..worst })
}

fn of_column(input: &MixInput<'_>, column: &Column) -> Vec<Mixed> {
    let name = &column.name;
    let enough = |is_in: &dyn Fn(usize) -> bool| {
        (0..column.n_rows()).filter(|row| is_in(*row)).count() >= ROWS_MIN
    };
    let mut found = Vec::new();
    match &column.data {
        ColumnData::Number(values) => {
            let value = |row: usize| values.at(row);
            let Some(middle) = median((0..column.n_rows()).map(value)) else { return found };
            let (above, below) = (|row| value(row) > middle, |row| value(row) < middle);
            let sides: [(&str, &dyn Fn(usize) -> bool); 2] = [("large", &above), ("small", &below)];
            for (size, is_in) in sides.into_iter().filter(|(_, is_in)| enough(*is_in)) {
                let what = format!("nearly all rows have a {size} `{name}`");
                found.extend(input.nearly_all(is_in).map(|after| mixed(what, after)));
            }
        }
        ColumnData::String { codes, dictionary } => {
            let mut counts = vec![0_usize; dictionary.len()];
            for code in codes {
                if let Some(count) = counts.get_mut(*code as usize) {
                    *count += 1;
                }
            }
            let mut levels: Vec<usize> = (0..counts.len()).collect();
            levels.sort_by_key(|level| std::cmp::Reverse(counts[*level]));
            for level in levels.into_iter().filter(|level| counts[*level] >= ROWS_MIN) {
                if found.len() == LEVELS_MAX {
                    break;
                }
                let text = dictionary.get(level as u32);
                let what = format!("rows of `{name}` “{text}” are twice as frequent");
                let after = input.doubled(|row| codes[row] as usize == level);
                found.extend(after.map(|after| mixed(what, after)));
            }
        }
        ColumnData::Instant(_) => {}
    }
    found
}

/// The one that leaves the least of the metric.
fn worst(metric: &MetricEntry, found: impl Iterator<Item = Mixed>) -> Option<Mixed> {
    let sign = if metric.spec.larger_is_better { 1.0 } else { -1.0 };
    found.min_by(|a, b| (sign * a.after).total_cmp(&(sign * b.after)))
}

/// The middle one of the values that are there.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut known: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    known.sort_unstable_by(f64::total_cmp);
    known.get(known.len() / 2).copied()
}
