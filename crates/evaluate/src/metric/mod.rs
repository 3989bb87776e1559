//! Metrics: how good predictions are, with scikit-learn's names and exact semantics.
//!
//! A metric is a unit struct with a [`MetricSpec`] and one line in [`catalog::METRICS`]. What it
//! computes is split in two, because everything that is reported here also gets a bootstrap
//! interval: [`Metric::prepare`] does all that does not depend on row weights (sorting scores,
//! taking logarithms, deciding classes) once, and the [`Prepared`] value is then asked for the
//! score under many weightings, each a single pass. [`Metric::value`] is the same path, asked
//! once.
//!
//! Two rules hold for all of them:
//!
//! * **Defined like scikit-learn.** Where scikit-learn 1.9 gives a number (including its
//!   `zero_division=0` rules), the same number; where it gives NaN or raises, a typed error.
//!   Where that number is a convention and measures nothing, [`MetricEntry::measured`] says so.
//! * **Weights are row counts.** A row of weight 2 is the row twice; a row of weight 0 is absent.
//!
//! Where scikit-learn infers the labels from the data (macro averages, weighted kappa), the
//! labels are those that occur in the truth or the prediction, as its default does.

mod accuracy;
mod average_precision;
mod balanced_accuracy;
mod brier_score;
pub mod catalog;
#[cfg(test)]
mod checks;
mod cohen_kappa;
mod confusion;
mod deviance;
#[cfg(test)]
mod golden;
mod input;
mod log_loss;
mod matthews_corrcoef;
mod max_error;
mod mean_error;
mod median_error;
mod ndcg;
mod own;
mod percentage_error;
mod pinball;
mod precision_recall;
mod prepared;
mod prepared_set;
mod quantile;
mod r2;
mod ranked;
mod roc_auc;
mod squared_error;
mod top_k_accuracy;
mod undefined;

use modelwright_core::Result;
use modelwright_core::task::{Predictions, Target, Task};

pub use catalog::{METRICS, metric, metric_or_default, metrics_for};
pub use confusion::Confusion;
pub(crate) use input::{check_pair, check_weights};
pub use own::OwnMetric;
pub use prepared::Prepared;
pub(crate) use prepared::{RowMean, weighted_mean};
pub(crate) use prepared_set::PreparedSet;
pub use quantile::weighted_quantile;
pub use ranked::Ranked;
pub(crate) use undefined::{nothing_measured, nothing_measured_of_truth};

/// What a metric looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The decided class of each row (binary: at the decision threshold).
    Labels,
    /// The class probabilities.
    Probabilities,
    /// The predicted values of a regression.
    Values,
}

/// What is known of a metric without computing it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricSpec {
    /// scikit-learn's name, as used in flags, records and reports.
    pub name: &'static str,
    /// The name in words.
    pub title: &'static str,
    /// Whether more is better.
    pub larger_is_better: bool,
    /// The least and the greatest possible value; infinite where there is no limit.
    pub range: (f64, f64),
    /// The value of perfect predictions; infinite where it is not known.
    pub perfect: f64,
    /// The unit of the value: empty for a plain ratio, `target` for the target's own unit.
    pub unit: &'static str,
    /// The tasks it is defined for.
    pub tasks: &'static [Task],
    /// What it looks at.
    pub needs: Needs,
    /// What it says, in one or two sentences.
    pub text: &'static str,
    /// Where the definition comes from.
    pub reference: &'static str,
}

impl MetricSpec {
    /// Whether it reads the order of the probabilities alone, so that a rising map of them changes
    /// nothing.
    pub fn is_of_ranks(&self) -> bool {
        matches!(self.name, "roc_auc" | "average_precision")
    }

    /// By how much `value` is better than `other` (negative when it is worse).
    pub fn gain(&self, value: f64, other: f64) -> f64 {
        if self.larger_is_better { value - other } else { other - value }
    }

    /// The difference up to which two models are equal for all practical purposes where nobody says
    /// otherwise: 0.005 of a metric with two ends, else 1 % of `value`.
    pub fn rope(&self, value: f64) -> f64 {
        const OF_SHARES: f64 = 0.005;
        const OF_VALUES: f64 = 0.01;
        let is_bounded = self.range.0.is_finite() && self.range.1.is_finite();
        if is_bounded { OF_SHARES } else { OF_VALUES * value.abs() }
    }

    /// Whether `value` is strictly better than `other`.
    pub fn is_better(&self, value: f64, other: f64) -> bool {
        self.gain(value, other) > 0.0
    }
}

/// What a metric is computed from.
#[derive(Debug, Clone, Copy)]
pub struct MetricInput<'a> {
    /// The truth of every row.
    pub truth: &'a Target,
    /// The predictions of the same rows, in the shapes of [`Predictions`].
    pub predictions: &'a Predictions,
    /// Row weights: finite, not negative, not all zero; `None` weighs every row 1.
    pub weights: Option<&'a [f64]>,
    /// Binary tasks decide for the positive class from this probability on.
    pub threshold: f64,
}

impl<'a> MetricInput<'a> {
    /// Unweighted input with the binary decision at 0.5.
    pub fn new(truth: &'a Target, predictions: &'a Predictions) -> Self {
        Self { truth, predictions, weights: None, threshold: 0.5 }
    }

    /// The class that is decided for in every row: the first of the most probable ones, of two by
    /// the threshold.
    pub fn decided(&self) -> Vec<u32> {
        let of_row = |row: &[f64]| match row {
            [p] => u32::from(*p >= self.threshold),
            row => (0..row.len()).fold(0, |a, b| if row[b] > row[a] { b } else { a }) as u32,
        };
        self.predictions.values.chunks_exact(self.predictions.n_outputs).map(of_row).collect()
    }
}

/// A metric; see the module's text and the recipe in [`catalog`].
pub trait Metric {
    /// What is known of it.
    const SPEC: &'static MetricSpec;

    /// The value as a function of the confusion matrix, for metrics of decided labels.
    const OF_CONFUSION: Option<fn(&Confusion) -> Result<f64>> = None;

    /// Does all the work that does not depend on row weights.
    ///
    /// `input` has been checked: shapes agree, all numbers are finite, the task is one of the
    /// metric's, there is at least one row. `input.weights` must not be looked at.
    fn prepare(input: &MetricInput<'_>) -> Result<Prepared>;

    /// The value.
    ///
    /// # Errors
    /// Input error when shapes disagree or the metric is undefined on these rows.
    fn value(input: &MetricInput<'_>) -> Result<f64> {
        input::check(Self::SPEC, input)?;
        Self::prepare(input)?.value(input.weights)
    }
}

/// A metric of the catalog, or of the caller's own, with its type erased.
#[derive(Clone, Copy)]
pub struct MetricEntry {
    /// What is known of it.
    pub spec: &'static MetricSpec,
    /// The value of a confusion matrix, for metrics of decided labels.
    pub of_confusion: Option<fn(&Confusion) -> Result<f64>>,
    way: Way,
}

/// How an entry prepares.
#[derive(Clone, Copy)]
enum Way {
    /// As a metric of the catalog.
    Catalog(fn(&MetricInput<'_>) -> Result<Prepared>),
    /// As its author wants.
    Own(&'static own::Bound),
}

impl MetricEntry {
    /// The entry of metric `M`.
    pub const fn of<M: Metric>() -> Self {
        Self { spec: M::SPEC, of_confusion: M::OF_CONFUSION, way: Way::Catalog(M::prepare) }
    }

    /// The metric's name.
    pub const fn name(&self) -> &'static str {
        self.spec.name
    }

    /// The value; see [`Metric::value`].
    ///
    /// # Errors
    /// Input error when shapes disagree or the metric is undefined on these rows.
    pub fn value(&self, input: &MetricInput<'_>) -> Result<f64> {
        self.prepare(input)?.value(input.weights)
    }

    /// Checks the input and does all the work that does not depend on weights.
    pub fn prepare(&self, input: &MetricInput<'_>) -> Result<Prepared> {
        input::check(self.spec, input)?;
        match self.way {
            Way::Catalog(prepare) => prepare(input),
            Way::Own(own) => own.prepare(input),
        }
    }
}

impl std::fmt::Debug for MetricEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MetricEntry({})", self.spec.name)
    }
}

/// Both classification tasks.
const CLASSIFICATION: &[Task] = &[Task::Binary, Task::Multiclass];

/// Declares a metric: a unit struct whose doc comment is the spec's text.
macro_rules! declare_metric {
    (
        $(#[doc = $text:literal])+
        $metric:ident {
            $name:literal, $title:literal, larger_is_better: $larger:literal,
            range: $range:expr, perfect: $perfect:literal, unit: $unit:literal,
            tasks: $tasks:expr, needs: $needs:ident, reference: $reference:literal $(,)?
        }
        $kind:ident: $body:expr
    ) => {
        $(#[doc = $text])+
        pub(crate) struct $metric;

        impl $crate::metric::Metric for $metric {
            const SPEC: &'static $crate::metric::MetricSpec = &$crate::metric::MetricSpec {
                name: $name,
                title: $title,
                larger_is_better: $larger,
                range: $range,
                perfect: $perfect,
                unit: $unit,
                tasks: $tasks,
                needs: $crate::metric::Needs::$needs,
                text: concat!($($text),+).trim_ascii(),
                reference: $reference,
            };

            declare_metric!(@$kind $body);
        }
    };
    (@prepare $body:expr) => {
        fn prepare(
            input: &$crate::metric::MetricInput<'_>,
        ) -> modelwright_core::Result<$crate::metric::Prepared> {
            ($body)(input)
        }
    };
    (@confusion $body:expr) => {
        const OF_CONFUSION: Option<
            fn(&$crate::metric::Confusion) -> modelwright_core::Result<f64>,
        > = Some($body);

        fn prepare(
            input: &$crate::metric::MetricInput<'_>,
        ) -> modelwright_core::Result<$crate::metric::Prepared> {
            Ok($crate::metric::Prepared::of_confusion(input, $body))
        }
    };
}
use declare_metric;
