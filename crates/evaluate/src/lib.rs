//! Is it good? Splits, metrics, intervals and paired tests.
//!
//! | module | what it answers |
//! |---|---|
//! | [`split`] | which rows to learn from, and which to be judged on |
//! | [`mod@metric`] | how good predictions are, with scikit-learn's names and semantics |
//! | [`resample`] | how uncertain a metric is; what remains of a score after selection |
//! | [`mod@compare`] | whether one model is better than another, by a paired test |
//! | [`curve`] | the curves, bins and tables behind the numbers |
//! | [`calibration`] | which map makes probabilities honest |
//! | [`learning_curve`] | whether more rows would help |
//! | [`mod@reliability`] | how honest probabilities are, and what decisions by them are worth |
//! | [`threshold`] | from which probability on to decide for the positive class |
//! | [`cost`] | what wrong decisions cost, and the decision of least expected cost |
//! | [`conformal`] | how wide an interval, how large a set must be to hold the truth |
//! | [`mod@fairness`] | whether groups of rows are treated alike |
//! | [`distribution`] | p-values and quantiles |
//! | [`estimate`] | which metrics to expect on rows without answers |
//! | [`evaluation`] | all of it for one set of rows, as the record keeps it |
//!
//! Everything is a pure function of values; randomness comes from named streams of the
//! [`Context`](modelwright_core::Context), and no result depends on the number of threads.
//!
//! ```
//! use modelwright_core::Context;
//! use modelwright_core::task::{Predictions, Target};
//! use modelwright_evaluate::{MetricInput, bootstrap_interval, metric};
//!
//! # fn main() -> modelwright_core::Result<()> {
//! let truth = Target::Class { codes: vec![0, 0, 1, 1], n_classes: 2 };
//! let predictions = Predictions::new(1, vec![0.1, 0.4, 0.35, 0.8]);
//! let input = MetricInput::new(&truth, &predictions);
//! let roc_auc = metric("roc_auc")?;
//! assert_eq!(roc_auc.value(&input)?, 0.75);
//! let ci95 = bootstrap_interval(roc_auc, &input, 1000, &Context::unlimited(1, 2))?;
//! assert!(ci95.low < 0.75 && 0.75 < ci95.high);
//! # Ok(())
//! # }
//! ```

pub mod calibration;
pub mod compare;
pub mod conformal;
pub mod cost;
mod cost_interval;
pub mod curve;
pub mod distribution;
pub mod estimate;
pub mod evaluation;
pub mod fairness;
pub mod learning_curve;
pub mod metric;
pub mod reliability;
pub mod resample;
pub mod split;
pub mod suspects;
pub mod threshold;
mod zeros;

pub use calibration::Calibrator;
pub use compare::{Comparison, Paired, compare};
pub use cost::CostMatrix;
pub use distribution::student_975;
pub use evaluation::{EvaluateInput, Unit, evaluate};
pub use metric::{
    METRICS, Metric, MetricEntry, MetricInput, MetricSpec, metric, metric_or_default, metrics_for,
};
pub use resample::{bootstrap_interval, bootstrap_intervals, corrected_score};
pub use split::{SplitInput, SplitKind, holdout, k_folds};
pub use threshold::best_threshold;
