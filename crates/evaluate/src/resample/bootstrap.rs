//! Percentile bootstrap intervals (Efron 1979), stratified by class.

use modelwright_core::record::{Interval, MetricValue};
use modelwright_core::task::{Target, Task};
use modelwright_core::{Context, Error, Result};

use super::Strata;
use super::strata::has_weight;
use crate::metric::{MetricEntry, MetricInput, Prepared, PreparedSet, Ranked};

/// Rows drawn in all, beyond which the number of resamples is cut. An interval of a large table
/// is narrow, so that a coarser one of it does no harm.
const ROWS_DRAWN_MAX: usize = 30_000_000;

/// Resamples that are never cut: below, a 95 % percentile says little.
const RESAMPLES_MIN: usize = 100;

/// The share of resamples on which a metric must be defined for an interval to be given.
const DEFINED_SHARE_MIN: f64 = 0.9;

const STREAM: &str = "evaluate/bootstrap";

/// How many resamples are made of `n_rows` rows when `wanted` are asked for.
///
/// A function of the row count alone, never of the clock.
pub fn n_resamples_for(n_rows: usize, wanted: usize) -> usize {
    wanted.min((ROWS_DRAWN_MAX / n_rows.max(1)).max(RESAMPLES_MIN))
}

/// The 95 % interval of one metric.
///
/// # Errors
/// Input error when the metric is undefined on these rows or on too many resamples of them.
pub fn bootstrap_interval(
    metric: &MetricEntry,
    input: &MetricInput<'_>,
    n_resamples: usize,
    ctx: &Context,
) -> Result<Interval> {
    metric.value(input)?;
    let draws = draw(&[metric], input, n_resamples, ctx)?;
    percentile_interval(draws.into_iter().map(|values| values[0]).collect())
}

/// Value and 95 % interval of each metric, from one resampling shared by all.
///
/// A metric that is undefined on these rows has no value, and a note that says why.
pub fn bootstrap_intervals(
    metrics: &[&MetricEntry],
    input: &MetricInput<'_>,
    n_resamples: usize,
    ctx: &Context,
) -> Vec<MetricValue> {
    let mut results = Vec::with_capacity(metrics.len());
    let mut defined = Vec::new();
    for metric in metrics {
        let name = metric.spec.name.to_owned();
        let (value, note) = match metric.value(input) {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(in_one_line(&error))),
        };
        if value.is_some() {
            defined.push(*metric);
        }
        results.push(MetricValue { name, value, ci95: None, note });
    }
    let draws = draw(&defined, input, n_resamples, ctx);
    let with_value = results.iter_mut().filter(|result| result.value.is_some());
    for (at, result) in with_value.enumerate() {
        let values = draws.as_ref().map(|d| d.iter().map(|values| values[at]).collect());
        match values.map(percentile_interval) {
            Ok(Ok(interval)) => result.ci95 = Some(interval),
            Ok(Err(error)) => result.note = Some(in_one_line(&error)),
            Err(error) => result.note = Some(in_one_line(error)),
        }
    }
    results
}

/// Value and 95 % interval of the weighted mean of one number per row.
///
/// Resamples are those of [`bootstrap_intervals`] on the same rows in their own order.
pub fn bootstrap_row_mean(
    name: &str,
    rows: Vec<f64>,
    truth: &Target,
    weights: Option<&[f64]>,
    n_resamples: usize,
    ctx: &Context,
) -> MetricValue {
    let name = name.to_owned();
    let n_resamples = n_resamples_for(rows.len(), n_resamples);
    let mean = Prepared::row_mean(rows);
    let value = match mean.value(weights) {
        Ok(value) => value,
        Err(error) => {
            return MetricValue { name, value: None, ci95: None, note: Some(in_one_line(&error)) };
        }
    };
    let of = |drawn: &[f64]| has_weight(drawn).then(|| mean.value_unchecked(Some(drawn)).ok());
    let draws =
        Strata::new(truth, weights).resample(STREAM, n_resamples, ctx, |drawn| of(drawn).flatten());
    let (ci95, note) = match percentile_interval(draws) {
        Ok(interval) => (Some(interval), None),
        Err(error) => (None, Some(in_one_line(&error))),
    };
    MetricValue { name, value: Some(value), ci95, note }
}

/// The values of each metric on each resample; `None` where it is undefined.
fn draw(
    metrics: &[&MetricEntry],
    input: &MetricInput<'_>,
    n_resamples: usize,
    ctx: &Context,
) -> Result<Vec<Vec<Option<f64>>>> {
    if metrics.is_empty() {
        return Ok(Vec::new());
    }
    let rows = in_score_order(input);
    let (truth, predictions) = (input.truth.select(&rows), input.predictions.select(&rows));
    let weights: Option<Vec<f64>> =
        input.weights.map(|w| rows.iter().map(|row| w[*row as usize]).collect());
    let weights = weights.as_deref();
    let threshold = input.threshold;
    let input = MetricInput { truth: &truth, predictions: &predictions, weights, threshold };
    let mut set = PreparedSet::default();
    for metric in metrics {
        set.add(metric, &input)?;
    }
    let n_resamples = n_resamples_for(truth.n_rows(), n_resamples);
    Ok(Strata::new(&truth, weights).resample(STREAM, n_resamples, ctx, |drawn| {
        if has_weight(drawn) { set.values_unchecked(drawn) } else { vec![None; set.len()] }
    }))
}

/// The rows of a binary target by falling probability, else in their own order.
///
/// Metrics that walk along sorted rows then read the weights of a resample one after the other,
/// which on large tables is several times faster than by chance.
fn in_score_order(input: &MetricInput<'_>) -> Vec<u32> {
    let n_rows = input.truth.n_rows();
    if input.truth.task() == Task::Binary {
        Ranked::new(n_rows, |row| input.predictions.values[row], |_| false).rows
    } else {
        (0..n_rows as u32).collect()
    }
}

/// The 2.5 % and 97.5 % quantiles (linear between order statistics) of the defined values.
pub(crate) fn percentile_interval(values: Vec<Option<f64>>) -> Result<Interval> {
    let n_resamples = values.len();
    let mut defined: Vec<f64> = values.into_iter().flatten().collect();
    if n_resamples == 0 || (defined.len() as f64) < DEFINED_SHARE_MIN * n_resamples as f64 {
        return Err(Error::input("the interval could not be computed")
            .expected("resamples on which the metric is defined")
            .got(format!("{} of {n_resamples}", defined.len()))
            .hint("use more rows"));
    }
    defined.sort_by(f64::total_cmp);
    let quantile = |q: f64| quantile_of_sorted(&defined, q);
    Ok(Interval { low: quantile(0.025), high: quantile(0.975) })
}

/// A quantile of sorted values, linear between neighbours; `q` in `[0, 1]`, at least one value.
pub(super) fn quantile_of_sorted(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let (low, part) = (sorted[place as usize], place.fract());
    let high = sorted[(place as usize + 1).min(sorted.len() - 1)];
    low + part * (high - low)
}

pub(super) fn in_one_line(error: &Error) -> String {
    match (error.expected_text(), error.got_text()) {
        (Some(expected), Some(got)) => {
            format!("{}: expected {expected}, got {got}", error.what())
        }
        (Some(expected), None) => format!("{}: expected {expected}", error.what()),
        (None, Some(got)) => format!("{}: got {got}", error.what()),
        (None, None) => error.what().to_owned(),
    }
}
