//! Groups of rows for which the model is worse than for the others.

use serde::{Deserialize, Serialize};

use super::evaluation::Interval;
use super::uncertainty::Coverage;

/// The loss of a row where it is known what a decision costs.
pub const COST_OF_A_DECISION: &str = "cost of a decision";

/// Weak slices of the untouched rows: searched on one half, tested on the other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SlicesRecord {
    /// The loss of a row: `error rate` (0 or 1), [`COST_OF_A_DECISION`] or `absolute error`.
    pub loss: String,
    /// Rows of the half on which slices were searched.
    pub n_rows_searched: usize,
    /// Rows of the half on which they were tested.
    pub n_rows_tested: usize,
    /// Slices that were tested.
    pub n_tested: usize,
    /// Mean loss on the rows tested.
    pub mean_loss: f64,
    /// What always giving the same answer loses on them; `None` in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constant_loss: Option<f64>,
    /// The level that intervals or sets state, where they were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<f64>,
    /// Slices whose loss is higher beyond chance, worst first.
    pub weak: Vec<WeakSlice>,
}

/// A slice with a higher loss than the other rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeakSlice {
    /// Its conditions in words, such as `age ≤ 23`; a row fulfils all of them.
    pub conditions: Vec<String>,
    /// Rows tested that are in it.
    pub n_rows: usize,
    /// Their mean loss.
    pub mean_loss: f64,
    /// What always giving the same answer loses on the same rows on average; `None` in records
    /// that were written before this was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constant_loss: Option<f64>,
    /// How often the model's intervals or sets of the first level held the truth of its rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Coverage>,
    /// The mean loss less that of the other rows.
    pub difference: f64,
    /// 95 % interval of the difference.
    pub ci95: Interval,
    /// One-sided p-value, corrected for the number of slices tested (Holm).
    pub p_value: f64,
    /// The rows of it with the largest losses, where single rows may be shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<SliceExample>,
}

/// A row of a slice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SliceExample {
    /// Columns and values, the most important columns first; `None` is missing.
    pub values: Vec<(String, Option<String>)>,
    /// The true answer.
    pub truth: String,
    /// What the model decided, or predicted.
    pub said: String,
}
