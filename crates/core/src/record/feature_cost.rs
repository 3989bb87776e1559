//! What the raw columns cost that a model reads.

use serde::{Deserialize, Serialize};

/// The account of a fit that was told what columns cost, in the user's own unit for each row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FeatureCostRecord {
    /// What all columns together cost that could be learned from.
    pub of_all: f64,
    /// What those cost that the model reads.
    pub of_model: f64,
    /// The most that the model was allowed to cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// Columns that were left out to keep the limit, the least missed first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// How a small booster's score falls as columns are left out, from all of them on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<FeatureCostStep>,
}

/// The small booster with some columns left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FeatureCostStep {
    /// Columns left out since the step before.
    pub left_out: Vec<String>,
    /// What those cost that are left.
    pub cost: f64,
    /// Its score on rows that it did not learn from, in the optimised metric's unit.
    pub score: Option<f64>,
}
