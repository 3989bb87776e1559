//! How far rows lie from the training rows, and what that says about their predictions; rows of the
//! training part that are nearly or wholly the same.

use serde::{Deserialize, Serialize};

/// Distances to the nearest training row: 0 is the same in all columns, 1 as different as can be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FamiliarityRecord {
    /// What the rows are: `holdout`, or the name of the file.
    pub on: String,
    /// Rows whose nearest training row was looked for.
    pub n_rows: usize,
    /// Training rows that it was looked for among.
    pub n_training: usize,
    /// Columns that count.
    pub n_columns: usize,
    /// The median distance, and those that nine of ten and 99 of 100 rows do not exceed.
    pub median: f64,
    /// See `median`.
    pub p90: f64,
    /// See `median`.
    pub p99: f64,
    /// The distance that one in a hundred training rows has from its nearest other one.
    pub far: f64,
    /// Rows beyond it: unlike anything that was learned from.
    pub n_far: usize,
    /// What a loss is: `error rate` or `absolute error`.
    pub loss: String,
    /// Parts of the rows by distance, the nearest first.
    pub bands: Vec<DistanceBand>,
    /// The one-sided p-value of "the farthest part is not predicted worse than the others".
    pub p_value: Option<f64>,
    /// Training rows that were looked at for twins: `n_near` have one that is nearly the same.
    pub n_looked_at: usize,
    /// See `n_looked_at`.
    pub n_near: usize,
    /// Training rows.
    pub n_train: usize,
    /// Training rows that have the same values in all columns as another one.
    pub n_same: usize,
    /// Of these, rows whose answer differs from that of most rows with the same values.
    pub n_conflicting: usize,
}

/// Rows of like distances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct DistanceBand {
    /// The smallest distance.
    pub from: f64,
    /// The largest.
    pub to: f64,
    /// Rows.
    pub n_rows: usize,
    /// Their mean loss.
    pub mean_loss: f64,
}
