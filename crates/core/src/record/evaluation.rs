//! How good the model is: metrics with intervals, curves, importances.

use serde::{Deserialize, Serialize};

use super::reliability::{Reliability, Usefulness};

/// A two-sided confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The whole search judged by outer folds, in the optimised metric's unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Nested {
    /// On each outer fold: the score of the model that was found without it.
    pub values: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// 95 % interval of the mean, corrected for training sets that overlap.
    pub ci95: Option<Interval>,
    /// What each search promised by its out-of-fold score, as selected.
    pub selected: Vec<f64>,
    /// The same, corrected for the selection.
    pub corrected: Vec<f64>,
    /// Mean of `selected` less the mean: the optimism of a selected score.
    pub selected_gap: Option<f64>,
    /// Mean of `corrected` less the mean.
    pub corrected_gap: Option<f64>,
}

/// A metric with its uncertainty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricValue {
    /// scikit-learn's name.
    pub name: String,
    /// The value; `None` where it is undefined on these rows.
    pub value: Option<f64>,
    /// 95 % interval; `None` when it could not be computed.
    pub ci95: Option<Interval>,
    /// Why value or interval is missing; beside an interval, why to take it with care.
    pub note: Option<String>,
}

/// By how much a metric of the model differs from the baseline's, on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// scikit-learn's name of the metric.
    pub name: String,
    /// The model's value less the baseline's.
    pub value: f64,
    /// 95 % interval of the difference, from a paired comparison.
    pub ci95: Interval,
}

/// Everything measured on one set of rows that took no part in training or selection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// `holdout`, or the name of the test file.
    pub on: String,
    /// Rows.
    pub n_rows: usize,
    /// How the intervals were computed, e.g. `stratified bootstrap, 1000 resamples`.
    pub interval_method: String,
    /// The metrics; the one that was optimised comes first.
    pub metrics: Vec<MetricValue>,
    /// The same metrics of the constant baseline, for comparison.
    pub baseline: Vec<MetricValue>,
    /// Paired comparisons with the baseline, of metrics whose own interval leaves open whether they
    /// are better, and of costs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against_baseline: Vec<Difference>,
    /// What the constant baseline answers, in words: the same for all metrics. `None` where that
    /// was not written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_is: Option<String>,
    /// Receiver operating characteristic (binary): x false positive rate, y true positive rate.
    pub roc: Vec<CurvePoint>,
    /// Precision–recall curve (binary): x recall, y precision.
    pub precision_recall: Vec<CurvePoint>,
    /// Reliability of the probabilities (binary; top label for multiclass).
    pub calibration: Vec<CalibrationBin>,
    /// How honest the probabilities are (classification).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reliability: Option<Reliability>,
    /// What decisions by them are worth (binary).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usefulness: Option<Usefulness>,
    /// Confusion at the decision threshold.
    pub confusion: Option<ConfusionMatrix>,
    /// Residuals (regression).
    pub residuals: Option<Residuals>,
    /// What says that the model learned from these very rows, in words: its scores are then too
    /// good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned_from: Option<String>,
}

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Horizontal.
    pub x: f64,
    /// Vertical.
    pub y: f64,
    /// The threshold that gives this point; `None` at the open end.
    pub threshold: Option<f64>,
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Mean predicted probability.
    pub predicted: f64,
    /// Observed share.
    pub observed: f64,
    /// 95 % interval of the observed share (Wilson), by whole groups where rows belong together.
    pub ci95: Interval,
    /// Rows in the bin.
    pub n_rows: usize,
    /// As how many independent rows of one weight they count; `None` where that is `n_rows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_effective: Option<f64>,
}

/// Rows by true and predicted class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    /// The labels, in class order.
    pub classes: Vec<String>,
    /// `counts[truth][predicted]`.
    pub counts: Vec<Vec<u64>>,
    /// How sure the shares are where rows belong together in groups; `None` where each row is a
    /// witness of its own, so that the counts tell it, and in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_groups: Option<ShareIntervals>,
}

/// 95 % intervals of the shares that a confusion matrix shows; `None` for shares of no rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShareIntervals {
    /// Of all rows that are right.
    pub accuracy: Option<Interval>,
    /// By class, of its rows that are found.
    pub recall: Vec<Option<Interval>>,
    /// By class, of the rows that are said to be of it, that are right.
    pub precision: Vec<Option<Interval>>,
}

/// Predicted against true values of a sample of rows, and the distribution of the residuals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Residuals {
    /// Up to 500 rows: x predicted, y true; empty where single rows must not be shown.
    pub sample: Vec<CurvePoint>,
    /// Histogram of true − predicted.
    pub histogram: Vec<super::Bin>,
    /// Quantiles 0.05, 0.25, 0.5, 0.75, 0.95 of true − predicted.
    pub quantiles: Vec<f64>,
    /// The true values of rows with like predictions, ascending; empty of few rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_prediction: Vec<PredictedBin>,
}

impl Evaluation {
    /// Without what shows single rows.
    #[must_use]
    pub fn without_rows(mut self) -> Self {
        self.residuals.iter_mut().for_each(|residuals| residuals.sample.clear());
        self
    }
}

/// True values of rows whose predictions are next to each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PredictedBin {
    /// Rows.
    pub n_rows: usize,
    /// Mean of the predictions.
    pub predicted: f64,
    /// Mean of the true values.
    pub mean: f64,
    /// Their quantile 0.05.
    pub low: f64,
    /// Their quantile 0.95.
    pub high: f64,
}

/// How much the optimised metric worsens when a raw column is permuted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The raw column.
    pub column: String,
    /// Mean loss of metric (positive is important), in the metric's unit.
    pub mean: f64,
    /// 95 % interval over the repeats.
    pub ci95: Interval,
    /// How often it was permuted.
    pub n_repeats: usize,
}
