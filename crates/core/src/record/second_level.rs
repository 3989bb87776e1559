//! What came of a second level of models.

use serde::{Deserialize, Serialize};

/// Whether a correction of the members' mean is better beyond noise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SecondLevelRecord {
    /// What is used: `linear`, `booster`, or `none`, which leaves the mean as it is.
    pub kind: String,
    /// Why, in words.
    pub reason: String,
    /// Out-of-fold rows that decided.
    pub n_rows: usize,
    /// What was tried, each part of the rows by what learned from the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<SecondLevelTrial>,
}

/// A correction on rows that it was not fitted on, beside the ensemble without it; both calibrated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecondLevelTrial {
    /// `linear` or `booster`.
    pub kind: String,
    /// How much smaller its loss (log loss, squared error) is, as a share of the ensemble's.
    pub gain: f64,
    /// Its mean gain in standard errors.
    pub z: f64,
    /// In how many parts of the rows it gains.
    pub folds_better: usize,
    /// How many parts there are.
    pub n_folds: usize,
    /// Rounds of its trees, as the parts together like best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<usize>,
    /// Whether it could be let in: better beyond noise, and the metric of the run no worse.
    pub accepted: bool,
}
