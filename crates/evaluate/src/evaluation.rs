//! Everything that is measured once on rows that took no part in training or selection.

use modelwright_core::record::{Evaluation, MetricValue};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Result};

use crate::curve;
use crate::metric::{MetricEntry, MetricInput, check_pair, check_weights, metrics_for};
use crate::resample::{bootstrap_intervals, n_resamples_for};

/// Bins of the reliability diagram.
const CALIBRATION_BINS: usize = 10;

/// What [`evaluate`] needs.
#[derive(Debug, Clone, Copy)]
pub struct EvaluateInput<'a> {
    /// What the rows are: `holdout`, or the name of the test file.
    pub on: &'a str,
    /// The truth of every row.
    pub truth: &'a Target,
    /// The predictions of the same rows.
    pub predictions: &'a Predictions,
    /// Row weights.
    pub weights: Option<&'a [f64]>,
    /// The decision threshold of a binary task.
    pub threshold: f64,
    /// The labels of the classes, in class order; empty for a regression.
    pub classes: &'a [String],
    /// The optimised metric, reported first.
    pub metric: &'a MetricEntry,
    /// Predictions of the constant baseline.
    pub baseline: Option<&'a Predictions>,
    /// Bootstrap resamples wanted; large tables take fewer.
    pub n_resamples: usize,
}

/// Measures predictions: the optimised metric and the task's default ones with 95 % intervals,
/// the same of the baseline, and the curves and tables of the task.
///
/// A metric or curve that is undefined on these rows is left out or noted, not an error.
///
/// # Errors
/// Input error when predictions, weights or labels do not fit the target.
pub fn evaluate(input: &EvaluateInput<'_>, ctx: &Context) -> Result<Evaluation> {
    let EvaluateInput { truth, predictions, weights, threshold, .. } = *input;
    let task = truth.task();
    check_pair(truth, predictions)?;
    if let Some(weights) = weights {
        check_weights(weights, truth.n_rows())?;
    }
    let mut metrics = vec![input.metric];
    for metric in metrics_for(task) {
        if metric.spec.name != input.metric.spec.name {
            metrics.push(metric);
        }
    }
    let measured = MetricInput { truth, predictions, weights, threshold };
    let values = bootstrap_intervals(&metrics, &measured, input.n_resamples, ctx);
    let baseline = match input.baseline {
        None => Vec::new(),
        Some(predictions) => {
            check_pair(truth, predictions)?;
            let of_baseline = MetricInput { predictions, ..measured };
            metrics.iter().map(|metric| value_only(metric, &of_baseline)).collect()
        }
    };
    let n_resamples = n_resamples_for(truth.n_rows(), input.n_resamples);
    let kind = if task.is_classification() { "stratified bootstrap" } else { "bootstrap" };
    let mut evaluation = Evaluation {
        on: input.on.to_owned(),
        n_rows: truth.n_rows(),
        interval_method: format!("{kind}, 95 % percentile, {n_resamples} resamples"),
        metrics: values,
        baseline,
        ..Evaluation::default()
    };
    if task.is_classification() {
        evaluation.calibration =
            curve::calibration_bins(truth, predictions, weights, CALIBRATION_BINS)?;
        evaluation.confusion =
            Some(curve::confusion_matrix(truth, predictions, threshold, input.classes)?);
    }
    match task {
        Task::Binary => {
            // Undefined with one class only; the metrics' notes say so.
            evaluation.roc = curve::roc_curve(truth, predictions, weights).unwrap_or_default();
            evaluation.precision_recall =
                curve::precision_recall_curve(truth, predictions, weights).unwrap_or_default();
        }
        Task::Multiclass => {}
        Task::Regression => {
            evaluation.residuals = Some(curve::residuals(truth, predictions, ctx)?);
        }
    }
    Ok(evaluation)
}

fn value_only(metric: &MetricEntry, input: &MetricInput<'_>) -> MetricValue {
    let name = metric.spec.name.to_owned();
    match metric.value(input) {
        Ok(value) => MetricValue { name, value: Some(value), ci95: None, note: None },
        Err(error) => {
            MetricValue { name, value: None, ci95: None, note: Some(error.what().to_owned()) }
        }
    }
}
