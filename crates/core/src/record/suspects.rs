//! Labels that contradict what all other rows say.

use serde::{Deserialize, Serialize};

/// Rows whose target looks wrong, by out-of-fold predictions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SuspectsRecord {
    /// Rows that were judged.
    pub n_rows: usize,
    /// Rows whose target looks wrong.
    pub n_suspects: usize,
    /// How they were found, in words.
    pub method: String,
    /// The most suspicious ones, first ones first.
    pub rows: Vec<Suspect>,
}

/// A row whose target looks wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// Its number in the table that was read, from 1 (a header does not count); `None` when the
    /// table was a sample.
    pub row: Option<u64>,
    /// The target as it is.
    pub given: String,
    /// What the model of the other rows expects.
    pub expected: String,
    /// Classification: the chance that the model of the other rows gives the label that is there.
    pub chance: Option<f64>,
    /// Regression: how many robust standard deviations the target is off.
    pub deviations: Option<f64>,
}
