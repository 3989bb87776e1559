//! What becomes of a predictor's quality when its inputs are strained.
//!
//! Called by `fit` on the untouched rows and by `audit`. Strains imitate what happens to data on
//! their way: values get lost, are measured less exactly or in another unit, are mistyped, or come
//! in another mix. Each is one more prediction of at most [`ROWS_MAX`] rows, asked of
//! [`Context::proceed`] first; random choices come from named streams.

mod mix;

use modelwright_core::data::{Column, ColumnData, MISSING_CODE, MISSING_INSTANT, Table};
use modelwright_core::random::Random;
use modelwright_core::record::{Interval, RobustnessRecord, Strain, StrainKind};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_evaluate::resample::{Drawing, bootstrap_interval};
use modelwright_evaluate::{MetricEntry, MetricInput};

use self::mix::{MixInput, Mixed};
use crate::predictor::Predictor;

/// Rows that are strained at most: evenly spread over the table.
pub(crate) const ROWS_MAX: usize = 2_000;

/// Columns whose unit is mistaken, one at a time: those of numbers, the first ones.
const UNIT_COLUMNS_MAX: usize = 8;

/// Share of values that get lost or mistyped, and noise in standard deviations.
const SHARE: f64 = 0.1;

/// Resamples of the interval of a strained metric.
const N_RESAMPLES: usize = 200;

/// Differences of sums of the same numbers in other weights, relative to them.
const ROUNDING: f64 = 1e-9;

/// Predicted rows with known answers.
#[derive(Debug, Clone, Copy)]
pub struct StrainInput<'a> {
    /// What the rows are: `holdout`, or the name of the file.
    pub on: &'a str,
    /// The rows.
    pub table: &'a Table,
    /// Their truth.
    pub truth: &'a Target,
    /// What the predictor says of them.
    pub predictions: &'a Predictions,
    /// Row weights.
    pub weights: Option<&'a [f64]>,
    /// The unit of each row, where rows belong together.
    pub units: Option<&'a [u32]>,
    /// The metric whose change a strain is measured by.
    pub metric: &'a MetricEntry,
}

/// Strains the rows in every way, and measures each.
///
/// # Errors
/// Whatever the predictor answers to a strained table.
pub fn strained(
    predictor: &Predictor,
    input: &StrainInput<'_>,
    ctx: &Context,
) -> Result<RobustnessRecord> {
    let rows = Rows::drawn(input, predictor.threshold, ctx);
    let mut record = RobustnessRecord {
        on: input.on.to_owned(),
        n_rows: rows.truth.n_rows(),
        metric: input.metric.spec.name.to_owned(),
        before: input.metric.measured(&rows.input_of(&rows.plain, rows.weights())).ok(),
        strains: Vec::new(),
    };
    let Some(before) = record.before else { return Ok(record) };
    let strain = |what: String, (after, ci95): (f64, Option<Interval>), kind: StrainKind| Strain {
        what,
        after,
        ci95,
        loss: input.metric.spec.gain(before, after),
        kind,
    };
    let read: Vec<&str> = predictor.feature_columns().collect();
    for (index, change) in changes(&rows.table, &read).into_iter().enumerate() {
        if !ctx.proceed() {
            break;
        }
        let mut random = ctx.random("robustness/strain", index as u64);
        let Some(strained) = changed(&rows.table, &read, &change, &mut random)? else { continue };
        // A strain after which the model never says yes is the worst of all, whatever 0 of 0 is.
        let predictions = predictor.predict(&strained, ctx)?;
        if let Ok(after) = input.metric.value(&rows.input_of(&predictions, rows.weights())) {
            let ci95 = rows.interval(input.metric, &predictions, rows.weights(), ctx);
            record.strains.push(strain(change.what, (after, ci95), change.kind));
        }
    }
    if record.strains.is_empty() {
        // Another mix alone says nothing about wear.
        return Ok(record);
    }
    for (Mixed { what, after, weights }, kind) in rows.mixes(predictor, input.metric) {
        if is_moved(before, after) {
            let ci95 = rows.interval(input.metric, &rows.plain, Some(&weights), ctx);
            record.strains.push(strain(what, (after, ci95), kind));
        }
    }
    Ok(record)
}

/// The rows that are strained.
struct Rows {
    table: Table,
    truth: Target,
    /// What the predictor says of them as they are.
    plain: Predictions,
    weights: Option<Vec<f64>>,
    units: Option<Vec<u32>>,
    threshold: f64,
}

impl Rows {
    fn drawn(input: &StrainInput<'_>, threshold: f64, ctx: &Context) -> Self {
        let rows = ctx.random("robustness/rows", 0).sample(input.truth.n_rows(), ROWS_MAX);
        let weights = |w: &[f64]| rows.iter().map(|row| w[*row as usize]).collect();
        let units = |units: &[u32]| rows.iter().map(|row| units[*row as usize]).collect();
        Self {
            table: input.table.select(&rows),
            truth: input.truth.select(&rows),
            plain: input.predictions.select(&rows),
            weights: input.weights.map(weights),
            units: input.units.map(units),
            threshold,
        }
    }

    fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    fn input_of<'a>(
        &'a self,
        predictions: &'a Predictions,
        weights: Option<&'a [f64]>,
    ) -> MetricInput<'a> {
        MetricInput { truth: &self.truth, predictions, weights, threshold: self.threshold }
    }

    fn interval(
        &self,
        metric: &MetricEntry,
        predictions: &Predictions,
        weights: Option<&[f64]>,
        ctx: &Context,
    ) -> Option<Interval> {
        let drawing = Drawing { groups: self.units.as_deref(), ..Drawing::from(N_RESAMPLES) };
        bootstrap_interval(metric, &self.input_of(predictions, weights), drawing, ctx).ok()
    }

    /// Other mixes of the rows.
    fn mixes(&self, predictor: &Predictor, metric: &MetricEntry) -> Vec<(Mixed, StrainKind)> {
        let mix = MixInput {
            metric,
            truth: &self.truth,
            weights: self.weights(),
            predictions: &self.plain,
            threshold: self.threshold,
            classes: &predictor.classes,
        };
        // Classes drift in every use; that half of all numbers stays away is a thought experiment.
        let kind = match self.truth {
            Target::Class { .. } => StrainKind::Wear,
            Target::Real(_) => StrainKind::Mix,
        };
        let of_target = mix::of_target(&mix).map(|mixed| (mixed, kind));
        let of_columns = mix::of_columns(&mix, &self.table, &predictor.columns_by_gain())
            .map(|mixed| (mixed, StrainKind::Mix));
        of_target.into_iter().chain(of_columns).collect()
    }
}

/// The table under a strain; `None` where it changes nothing that is read.
fn changed(
    table: &Table,
    read: &[&str],
    change: &Change<'_>,
    random: &mut Random,
) -> Result<Option<Table>> {
    let mut is_changed = false;
    let columns = table.columns().iter().map(|column| {
        let is_read = read.contains(&column.name.as_str());
        let changed = is_read.then(|| (change.apply)(column, random)).flatten();
        is_changed |= changed.is_some();
        changed.unwrap_or_else(|| column.clone())
    });
    let strained = Table::new(columns.collect())?;
    Ok(is_changed.then_some(strained))
}

/// What a strain does to a column; `None` leaves it as it is.
type Apply<'a> = dyn Fn(&Column, &mut Random) -> Option<Column> + 'a;

/// A strain: its words, and what it does.
struct Change<'a> {
    what: String,
    kind: StrainKind,
    apply: Box<Apply<'a>>,
}

/// The strains that are tried.
fn changes<'a>(table: &Table, read: &[&str]) -> Vec<Change<'a>> {
    let percent = SHARE * 100.0;
    let kind = StrainKind::Wear;
    let mut all: Vec<Change<'a>> = vec![
        Change {
            what: format!("{percent:.0} % of all values are lost"),
            kind,
            apply: Box::new(|column, random| Some(lose(column, random))),
        },
        Change {
            what: "numbers are off by a tenth of their spread".to_owned(),
            kind,
            apply: Box::new(blur),
        },
        Change {
            what: format!("{percent:.0} % of words are mistyped"),
            kind,
            apply: Box::new(mistype),
        },
    ];
    let is_number =
        |c: &&Column| matches!(c.data, ColumnData::Number(_)) && read.contains(&c.name.as_str());
    for column in table.columns().iter().filter(is_number).take(UNIT_COLUMNS_MAX) {
        let name = column.name.clone();
        all.push(Change {
            what: format!("`{name}` is 1,000 times too large"),
            kind: StrainKind::Unit,
            apply: Box::new(move |c: &Column, _: &mut Random| {
                (c.name == name).then(|| scaled(c)).flatten()
            }),
        });
    }
    all
}

fn lose(column: &Column, random: &mut Random) -> Column {
    let mut column = column.clone();
    match &mut column.data {
        ColumnData::Number(values) => {
            let is_struck = |_: &usize| random.unit() < SHARE;
            (0..values.len()).filter(is_struck).for_each(|row| values.set_missing(row));
        }
        ColumnData::Instant(values) => strike(values, MISSING_INSTANT, random),
        ColumnData::String { codes, .. } => strike(codes, MISSING_CODE, random),
    }
    column
}

fn strike<T: Copy>(values: &mut [T], missing: T, random: &mut Random) {
    for value in values {
        if random.unit() < SHARE {
            *value = missing;
        }
    }
}

fn blur(column: &Column, random: &mut Random) -> Option<Column> {
    let ColumnData::Number(values) = &column.data else { return None };
    let known: Vec<f64> = values.iter().filter(|v| v.is_finite()).collect();
    let n = known.len() as f64;
    let mean = known.iter().sum::<f64>() / n;
    let spread = (known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    if !(spread.is_finite() && spread > 0.0) {
        return None;
    }
    let blurred: Vec<f64> = values.map(|v| v + SHARE * spread * random.normal());
    Some(Column::numbers(&column.name, blurred))
}

fn mistype(column: &Column, random: &mut Random) -> Option<Column> {
    let ColumnData::String { .. } = &column.data else { return None };
    let mistyped = (0..column.n_rows()).map(|row| {
        let text = column.text(row)?;
        Some(if random.unit() < SHARE { format!("{text}~") } else { text.to_owned() })
    });
    Some(Column::strings(&column.name, mistyped.collect::<Vec<_>>()))
}

fn scaled(column: &Column) -> Option<Column> {
    let ColumnData::Number(values) = &column.data else { return None };
    Some(Column::numbers(&column.name, values.map::<_, Vec<f64>>(|v| v * 1000.0)))
}

/// Whether a metric moved by more than rounding. Those that compare rows of two classes, such as
/// the area under the ROC curve, cannot be moved by another mix: that they hold is no news.
fn is_moved(before: f64, after: f64) -> bool {
    (after - before).abs() > ROUNDING * before.abs().max(1.0)
}

#[cfg(test)]
mod tests;
