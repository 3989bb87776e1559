//! A background without rows of anybody: every column drawn by itself from its sketch.
//!
//! Columns drawn by themselves go together in ways that nobody's do, so that the mean prediction of
//! such rows is not that of real ones (adult: 20 % instead of 24 %). Of many drawn rows those are
//! kept whose predictions are spread as those of the untouched rows were.

use modelwright_core::data::{Column, ColumnData, Field, MISSING_INSTANT, Storage, Table};
use modelwright_core::random::Random;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Result};
use modelwright_inspect::explain::shapley::{Background, Origin, evenly};
use modelwright_preprocess::encode::conform;
use modelwright_preprocess::sketch::{ColumnSketch, MICROS, TableSketch};

use super::subject;
use crate::predictor::Predictor;
use crate::reference::PredictionReference;

/// A value of a category must have occurred so often to be drawn: a rarer one could name somebody.
const COUNT_MIN: u64 = 5;
/// Rows that are drawn for each that is kept, and at least.
const DRAWN_PER_ROW: usize = 8;
const DRAWN_MIN: usize = 1024;
/// The seed of what is drawn: not the user's, so that a model has one background.
const SEED: u64 = 0;

/// At most `n` background rows whose columns are drawn independently of each other from the
/// sketches of the training data; `None` when the sketches lack a column (a model that was not
/// trained here). They depend on the model and `n` alone, on no seed.
///
/// Numbers are quantiles, strings are frequent values (at least 5 rows had them), missing values
/// are as frequent as they were. Of all rows drawn those are kept whose predictions are spread as
/// in `said`, where it is known. What else columns have in common is lost.
///
/// # Errors
/// As the predictor.
pub fn drawn_background(
    predictor: &Predictor,
    reference: &TableSketch,
    said: Option<&PredictionReference>,
    n: usize,
    ctx: &Context,
) -> Result<Option<Background>> {
    let subject = subject(predictor)?;
    let n_drawn = n.saturating_mul(DRAWN_PER_ROW).max(DRAWN_MIN);
    let mut columns = Vec::new();
    for name in &subject.columns {
        let (Some(sketch), Some(field)) = (reference.column(name), predictor.schema.field(name))
        else {
            return Ok(None);
        };
        let random = Random::stream(SEED, &format!("explain/drawn/{name}"), 0);
        columns.push(drawn(sketch, field, n_drawn, random)?);
    }
    let table = Table::new(columns)?;
    let origin = Origin::Sketches;
    let Some(said) = said.and_then(PredictionReference::predictions) else {
        return Background::representative(&subject, &table, origin, n, ctx).map(Some);
    };
    let predictions = predictor.predict(&table, ctx)?;
    let rows = match (said.numbers(), said.texts()) {
        (Some(numbers), _) => {
            let shares: Vec<f64> = (0..n).map(|i| (i as f64 + 0.5) / n as f64).collect();
            nearest(&predictions.values, &numbers.quantiles.quantiles(&shares))
        }
        (None, Some(texts)) => of_classes(predictor, &predictions, texts.frequent.entries(), n),
        (None, None) => Vec::new(),
    };
    if rows.is_empty() {
        return Background::representative(&subject, &table, origin, n, ctx).map(Some);
    }
    Ok(Some(Background::of_rows(table.into_selected(&rows), origin)))
}

/// For each of the ascending `wanted` numbers the row with the nearest value that is not taken.
fn nearest(values: &[f64], wanted: &[f64]) -> Vec<u32> {
    let mut left: Vec<u32> = (0..values.len() as u32).collect();
    left.sort_by(|a, b| values[*a as usize].total_cmp(&values[*b as usize]).then(a.cmp(b)));
    let mut rows = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        let away = |at: usize| left.get(at).map(|row| (values[*row as usize] - wanted).abs());
        let above = left.partition_point(|row| values[*row as usize] < *wanted);
        let below = above.checked_sub(1);
        let at = match (below.and_then(away), away(above)) {
            (Some(b), Some(a)) if b <= a => above - 1,
            (Some(_), None) => above - 1,
            (_, Some(_)) => above,
            (None, None) => break,
        };
        rows.push(left.remove(at));
    }
    rows
}

/// Rows that are decided for each class as often as its count tells, as far as there are such:
/// evenly in the order of the class's probability.
fn of_classes(
    predictor: &Predictor,
    predictions: &Predictions,
    counts: &[(String, u64)],
    n: usize,
) -> Vec<u32> {
    // Only decisions between two classes depend on the rows.
    let decided = predictor.decide(&Table::default(), predictions);
    let total = counts.iter().map(|(_, count)| count).sum::<u64>().max(1) as f64;
    let mut rows = Vec::with_capacity(n);
    let mut below = 0;
    for (k, class) in predictor.classes.iter().enumerate() {
        let before = below;
        below += counts.iter().find(|(label, _)| label == class).map_or(0, |(_, count)| *count);
        // Rounded sums, so that the parts of all classes are `n` together.
        let place = |sum: u64| (sum as f64 / total * n as f64).round() as usize;
        let probability = |row: u32| predictions.row(row as usize)[k];
        let is_decided = |row: &u32| decided[*row as usize] as usize == k;
        let mut of_class: Vec<u32> = (0..decided.len() as u32).filter(is_decided).collect();
        of_class.sort_by(|a, b| probability(*a).total_cmp(&probability(*b)).then(a.cmp(b)));
        let wanted = place(below) - place(before);
        rows.extend(evenly(of_class.len(), wanted).map(|i| of_class[i]));
    }
    rows
}

fn drawn(sketch: &ColumnSketch, field: &Field, n: usize, mut random: Random) -> Result<Column> {
    let share_missing = sketch.n_missing as f64 / sketch.n_rows.max(1) as f64;
    let name = &field.name;
    let data = match (sketch.numbers(), sketch.texts()) {
        (Some(numbers), _) => {
            let draws: Vec<(bool, f64)> =
                (0..n).map(|_| (random.unit() < share_missing, random.unit())).collect();
            let shares: Vec<f64> = draws.iter().map(|(_, share)| *share).collect();
            let of_shares = numbers.quantiles.quantiles(&shares);
            let value = |(i, (is_missing, _)): (usize, &(bool, f64))| match of_shares.get(i) {
                Some(value) if !is_missing => *value,
                _ => f64::NAN,
            };
            let values: Vec<f64> = draws.iter().enumerate().map(value).collect();
            if sketch.storage == Storage::Instant {
                let instant =
                    |v: &f64| if v.is_nan() { MISSING_INSTANT } else { (v * MICROS) as i64 };
                ColumnData::Instant(values.iter().map(instant).collect())
            } else {
                ColumnData::Number(values.into())
            }
        }
        (None, Some(texts)) => {
            let known = texts.frequent.entries().iter().filter(|(_, count)| *count >= COUNT_MIN);
            let known: Vec<(&str, u64)> = known.map(|(text, n)| (text.as_str(), *n)).collect();
            let total: u64 = known.iter().map(|(_, count)| count).sum();
            let mut draw = || {
                let is_missing = random.unit() < share_missing || total == 0;
                let mut place = random.below(total.max(1) as usize) as u64;
                let found = known.iter().find(|(_, count)| {
                    let is_here = place < *count;
                    place = place.saturating_sub(*count);
                    is_here
                });
                if is_missing { None } else { found.map(|(text, _)| *text) }
            };
            Column::strings(name, (0..n).map(|_| draw()).collect::<Vec<_>>()).data
        }
        (None, None) => return Ok(Column::strings(name, vec![None::<&str>; n])),
    };
    conform(&Column { name: name.clone(), data }, field.kind).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::Kind;

    use super::*;

    #[test]
    fn dates_are_drawn_where_those_of_training_lie() {
        let day = 86_400_000_000_i64;
        let trained: Vec<i64> = (0..200).map(|i| (18_000 + i) * day).collect();
        let mut sketch = ColumnSketch::new(Storage::Instant);
        sketch.update(&Column::instants("since", trained.clone()), 0..200).unwrap();
        let field = Field::new("since", Storage::Instant, Kind::Datetime);
        let column = drawn(&sketch, &field, 100, Random::stream(SEED, "drawn", 0)).unwrap();
        let ColumnData::Instant(values) = column.data else { panic!("dates stay dates") };
        let is_there = |v: &i64| (trained[0] - day..=trained[199] + day).contains(v);
        assert!(values.iter().all(is_there), "{values:?}");
    }

    #[test]
    fn unix_times_are_drawn_as_the_dates_that_they_are() {
        let seconds: Vec<f64> = (0..200).map(|i| 1.6e9 + f64::from(i)).collect();
        let mut sketch = ColumnSketch::new(Storage::Number);
        sketch.update(&Column::numbers("since", seconds), 0..200).unwrap();
        let field = Field::new("since", Storage::Number, Kind::Datetime);
        let column = drawn(&sketch, &field, 10, Random::stream(SEED, "drawn", 0)).unwrap();
        let ColumnData::Instant(values) = column.data else { panic!("they become dates") };
        assert!(values.iter().all(|v| *v / 1_000_000 / 1000 == 1_600_000), "{values:?}");
    }
}
