//! A small tree that says about the same as the model.

use serde::{Deserialize, Serialize};

/// A tree on raw columns, fitted to the model's own predictions; it explains the model only as far
/// as it agrees with it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SurrogateRecord {
    /// Rows that it was fitted to.
    pub n_rows: usize,
    /// Other rows, on which it was held against the model.
    pub n_rows_tested: usize,
    /// The share of the variation of the model's predictions that it tells, on those rows.
    pub r2: f64,
    /// The share of those rows for which both decide alike; `None` for numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// Its leaves, highest prediction first.
    pub leaves: Vec<SurrogateLeaf>,
}

/// A leaf of the tree.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SurrogateLeaf {
    /// What its rows have in common, such as `age ≤ 23`; a row fulfils all of it.
    pub conditions: Vec<String>,
    /// Rows that it was fitted to.
    pub n_rows: usize,
    /// What is predicted: the most probable class; `None` for numbers and for two classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The mean prediction: of that class, of the positive class, or of the number.
    pub value: f64,
}
