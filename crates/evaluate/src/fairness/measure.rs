//! The measures that are taken of every group.

use modelwright_core::record::Interval;
use modelwright_core::task::Task;

use super::sums::Sums;
use crate::curve::wilson;

/// A measure of a group of rows.
pub(super) struct Measure {
    pub(super) name: &'static str,
    pub(super) of: Of,
}

/// How a measure comes from the sums.
pub(super) enum Of {
    /// A share: part and whole, in weight.
    Share(fn(&Sums) -> (f64, f64)),
    /// Any other function of the sums.
    Value(fn(&Sums) -> Option<f64>),
    /// The area under the ROC curve, which needs the rows.
    Auc,
}

impl Measure {
    const fn share(name: &'static str, of: fn(&Sums) -> (f64, f64)) -> Self {
        Self { name, of: Of::Share(of) }
    }

    const fn value_of(name: &'static str, of: fn(&Sums) -> Option<f64>) -> Self {
        Self { name, of: Of::Value(of) }
    }

    /// The value; `None` where it is undefined.
    pub(super) fn value(&self, sums: &Sums) -> Option<f64> {
        match self.of {
            Of::Share(of) => {
                let (part, whole) = of(sums);
                (whole > 0.0).then(|| part / whole)
            }
            Of::Value(of) => of(sums),
            Of::Auc => None,
        }
    }

    /// How many rows a share rests on, in unweighted rows.
    pub(super) fn rows(&self, sums: &Sums) -> Option<f64> {
        match self.of {
            Of::Share(of) => Some(sums.rows(of(sums).1)),
            Of::Auc => Some(
                sums.rows(
                    (sums.true_positive + sums.false_negative)
                        .min(sums.true_negative + sums.false_positive),
                ),
            ),
            Of::Value(_) => None,
        }
    }

    /// Wilson's interval of a share that is worth so many rows; `None` for other measures.
    pub(super) fn interval(&self, sums: &Sums, n_rows: Option<f64>) -> Option<Interval> {
        match self.of {
            Of::Share(_) => Some(wilson(self.value(sums)?, n_rows?)),
            _ => None,
        }
    }
}

fn positives(s: &Sums) -> f64 {
    s.true_positive + s.false_negative
}

fn negatives(s: &Sums) -> f64 {
    s.true_negative + s.false_positive
}

fn selected(s: &Sums) -> f64 {
    s.true_positive + s.false_positive
}

fn rejected(s: &Sums) -> f64 {
    s.true_negative + s.false_negative
}

fn mean(sum: f64, s: &Sums) -> Option<f64> {
    (s.weight > 0.0).then(|| sum / s.weight)
}

/// Of a decision for or against one class; fairlearn's and scikit-learn's names.
const OF_CLASS: &[Measure] = &[
    Measure::share("selection_rate", |s| (selected(s), s.weight)),
    Measure::share("true_positive_rate", |s| (s.true_positive, positives(s))),
    Measure::share("false_positive_rate", |s| (s.false_positive, negatives(s))),
    Measure::share("precision", |s| (s.true_positive, selected(s))),
    Measure::share("false_omission_rate", |s| (s.false_negative, rejected(s))),
    Measure::share("true_negative_rate", |s| (s.true_negative, negatives(s))),
    Measure::share("false_negative_rate", |s| (s.false_negative, positives(s))),
    Measure::share("false_discovery_rate", |s| (s.false_positive, selected(s))),
    Measure::share("accuracy", |s| (s.true_positive + s.true_negative, s.weight)),
    Measure::share("base_rate", |s| (positives(s), s.weight)),
    Measure::value_of("treatment_equality", |s| {
        (s.false_positive > 0.0).then(|| s.false_negative / s.false_positive)
    }),
    Measure { name: "roc_auc", of: Of::Auc },
    Measure::value_of("brier_score", |s| mean(s.squared_error, s)),
    Measure::value_of("mean_prediction", |s| mean(s.prediction, s)),
    Measure::value_of("calibration_gap", |s| mean(s.prediction - s.truth, s)),
    Measure::value_of("expected_calibration_error", Sums::calibration_error),
];

/// Of predicted numbers; residuals are true less predicted.
const OF_NUMBERS: &[Measure] = &[
    Measure::value_of("mean_residual", |s| mean(s.truth - s.prediction, s)),
    Measure::value_of("rmse", |s| mean(s.squared_error, s).map(f64::sqrt)),
    Measure::value_of("mae", |s| mean(s.absolute_error, s)),
    Measure::value_of("mse", |s| mean(s.squared_error, s)),
    Measure::value_of("mean_prediction", |s| mean(s.prediction, s)),
    Measure::value_of("mean_target", |s| mean(s.truth, s)),
];

/// The measures of a task.
pub(super) fn measures_of(task: Task) -> &'static [Measure] {
    if task.is_classification() { OF_CLASS } else { OF_NUMBERS }
}
