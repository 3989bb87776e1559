//! A metric with everything done that does not depend on row weights.
//!
//! Resampling asks one `Prepared` thousands of times, so an answer is a single pass over the
//! rows without sorting, logarithms or allocation of note. The two commonest shapes have
//! constructors: a weighted mean of per-row numbers, and a function of the confusion matrix.

use std::sync::Arc;

use modelwright_core::{Error, Result};

use super::confusion::{Cells, Confusion};
use super::{MetricInput, input};

type Value = dyn Fn(Option<&[f64]>) -> Result<f64> + Send + Sync;

/// A metric of given predictions, as a function of the row weights.
pub struct Prepared {
    n_rows: usize,
    value: Box<Value>,
    /// Set where the metric is a function of a mean over rows.
    mean: Option<Arc<RowMean>>,
}

/// A mean of one number per row, or the ratio of two, and what is made of it.
pub(crate) struct RowMean {
    /// One number per row.
    pub rows: Vec<f64>,
    /// What their mean is divided by the mean of; `None` is one.
    pub over: Option<Vec<f64>>,
    /// The metric from the mean; increasing or decreasing throughout.
    pub of: fn(f64) -> f64,
}

impl Prepared {
    /// From a closure over checked weights (`None` weighs every row 1).
    pub fn new(
        n_rows: usize,
        value: impl Fn(Option<&[f64]>) -> Result<f64> + Send + Sync + 'static,
    ) -> Self {
        Self { n_rows, value: Box::new(value), mean: None }
    }

    /// The weighted mean of one number per row.
    pub fn row_mean(values: Vec<f64>) -> Self {
        let n_rows = values.len();
        let mean = Arc::new(RowMean { rows: values, over: None, of: |mean| mean });
        let same = Arc::clone(&mean);
        let value = move |weights: Option<&[f64]>| Ok(weighted_mean(&same.rows, weights));
        Self { mean: Some(mean), ..Self::new(n_rows, value) }
    }

    /// With the mean over rows, or the ratio of two, that the metric is close to: its interval is
    /// found by that.
    #[must_use]
    pub(crate) fn near(self, rows: Vec<f64>, over: Vec<f64>, of: fn(f64) -> f64) -> Self {
        Self { mean: Some(Arc::new(RowMean { rows, over: Some(over), of })), ..self }
    }

    /// The mean that it is a function of, if it is one.
    pub(crate) fn mean(&self) -> Option<&RowMean> {
        self.mean.as_deref()
    }

    /// A function of the weighted confusion matrix at the input's threshold.
    pub(crate) fn of_confusion(
        input: &MetricInput<'_>,
        value: fn(&Confusion) -> Result<f64>,
    ) -> Self {
        let cells = Cells::new(input);
        Self::new(input.truth.n_rows(), move |weights| value(&cells.confusion(weights)))
    }

    /// Applies `f` to the value.
    #[must_use]
    pub fn map(self, f: fn(f64) -> f64) -> Self {
        // A mean that is already mapped is given up: nothing needs both.
        let plain = self.mean.as_ref().filter(|m| m.over.is_none());
        let mean = plain.map(|m| Arc::new(RowMean { rows: m.rows.clone(), over: None, of: f }));
        Self { mean, ..Self::new(self.n_rows, move |weights| (self.value)(weights).map(f)) }
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The value under the given row weights.
    ///
    /// # Errors
    /// Input error when the weights are unusable or the metric is undefined under them.
    pub fn value(&self, weights: Option<&[f64]>) -> Result<f64> {
        if let Some(weights) = weights {
            input::check_weights(weights, self.n_rows)?;
        }
        self.value_unchecked(weights)
    }

    /// As [`Self::value`], for weights that are known to be usable.
    pub(crate) fn value_unchecked(&self, weights: Option<&[f64]>) -> Result<f64> {
        let value = (self.value)(weights)?;
        if value.is_finite() {
            Ok(value)
        } else {
            Err(Error::input("the metric overflows on these rows").got(value.to_string()))
        }
    }
}

/// The sum of `weights[i] * values[i]`, in eight interleaved partial sums (a fixed order that the
/// processor can run in parallel); without weights the plain sum in the same order.
pub(crate) fn weighted_sum(values: &[f64], weights: Option<&[f64]>) -> f64 {
    let mut lanes = [0.0; 8];
    if let Some(weights) = weights {
        let (values, values_rest) = values.as_chunks::<8>();
        let (weights, weights_rest) = weights.as_chunks::<8>();
        for (v, w) in values.iter().zip(weights) {
            for lane in 0..8 {
                lanes[lane] += v[lane] * w[lane];
            }
        }
        for (lane, (v, w)) in values_rest.iter().zip(weights_rest).enumerate() {
            lanes[lane] += v * w;
        }
    } else {
        let (values, rest) = values.as_chunks::<8>();
        for v in values {
            for lane in 0..8 {
                lanes[lane] += v[lane];
            }
        }
        for (lane, v) in rest.iter().enumerate() {
            lanes[lane] += v;
        }
    }
    lanes.iter().sum()
}

/// The total weight of `n_rows` rows.
pub(crate) fn total_weight(n_rows: usize, weights: Option<&[f64]>) -> f64 {
    weights.map_or(n_rows as f64, |w| weighted_sum(w, None))
}

/// The weighted mean.
pub(crate) fn weighted_mean(values: &[f64], weights: Option<&[f64]>) -> f64 {
    weighted_sum(values, weights) / total_weight(values.len(), weights)
}
