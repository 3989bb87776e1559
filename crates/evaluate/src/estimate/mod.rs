//! Performance without labels: which metric values are to be expected on rows whose answers nobody
//! knows yet.
//!
//! * [`ExpectedBinary`], [`ExpectedMulticlass`]: confidence-based performance estimation (CBPE).
//!   A calibrated probability says how often a decision is right; summed over rows, it says how
//!   often all of them are. Reference: NannyML's CBPE; the idea goes back to Platanios et al.,
//!   "Estimating accuracy from unlabeled data", 2014.
//! * [`ErrorCurve`]: direct loss estimation (DLE) for regression in its smallest form: the mean
//!   error by the size of the prediction, learned on untouched rows.
//!
//! Both hold as long as the relation between columns and target stays as it was: they see what
//! drift of the *columns* does to the model, and are blind to drift of the *concept*. All of them
//! take rows one by one, in constant memory, and merge.

mod binary;
mod errors;
mod multiclass;
#[cfg(test)]
mod tests;

pub use binary::ExpectedBinary;
pub use errors::{ErrorCurve, ExpectedErrors};
pub use multiclass::ExpectedMulticlass;

use modelwright_core::record::MetricValue;

/// A metric value that is expected, with the interval in which it falls by chance of the labels.
pub(crate) fn expected(name: &str, value: f64, ci95: Option<(f64, f64)>) -> MetricValue {
    let ci95 = ci95.map(|(low, high)| modelwright_core::record::Interval { low, high });
    let name = name.to_owned();
    MetricValue { name, value: value.is_finite().then_some(value), ci95, note: None }
}
