//! Borrowed views: what a learner may look at.

use super::features::FeatureMatrix;
use crate::task::Target;

/// Features of some rows, for prediction.
#[derive(Debug, Clone, Copy)]
pub struct FeatureView<'a> {
    /// The features of all rows.
    pub features: &'a FeatureMatrix,
    /// The rows asked for, in order; `None` is all rows.
    pub rows: Option<&'a [u32]>,
}

impl<'a> FeatureView<'a> {
    /// A view of all rows.
    pub fn all(features: &'a FeatureMatrix) -> Self {
        Self { features, rows: None }
    }

    /// A view of the given rows.
    pub fn of(features: &'a FeatureMatrix, rows: &'a [u32]) -> Self {
        Self { features, rows: Some(rows) }
    }

    /// How many rows are asked for.
    pub fn n_rows(&self) -> usize {
        self.rows.map_or(self.features.n_rows, <[u32]>::len)
    }

    /// The matrix row of the `i`-th row asked for.
    #[inline]
    pub fn row(&self, i: usize) -> usize {
        self.rows.map_or(i, |rows| rows[i] as usize)
    }
}

/// Everything a learner may see while it fits.
///
/// `target` and `weights` have one entry per row of `features`; only the entries of `rows`
/// (learning) and `validation` (early stopping) may be read.
#[derive(Debug, Clone, Copy)]
pub struct TrainView<'a> {
    /// The features of all rows.
    pub features: &'a FeatureMatrix,
    /// The target of all rows.
    pub target: &'a Target,
    /// Sample weights of all rows: finite, not negative; `None` is 1 for each.
    pub weights: Option<&'a [f64]>,
    /// The rows to learn from, ascending.
    pub rows: &'a [u32],
    /// The rows that may decide when to stop; empty when there are none.
    pub validation: &'a [u32],
}

impl TrainView<'_> {
    /// The weight of a matrix row.
    #[inline]
    pub fn weight(&self, row: u32) -> f64 {
        self.weights.map_or(1.0, |w| w[row as usize])
    }
}
