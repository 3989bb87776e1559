//! What becomes of a model's quality when its inputs are strained.

use serde::{Deserialize, Serialize};

use super::Interval;

/// The metric on strained rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RobustnessRecord {
    /// `holdout`, or the name of the file.
    pub on: String,
    /// Rows that were strained.
    pub n_rows: usize,
    /// The metric's name.
    pub metric: String,
    /// The metric on these rows as they are; `None` where it is undefined.
    pub before: Option<f64>,
    /// The strains, in the order in which they were tried.
    pub strains: Vec<Strain>,
}

/// A strain on the inputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Strain {
    /// What was done to the rows, in words.
    pub what: String,
    /// The metric on the strained rows.
    pub after: f64,
    /// Its 95 % interval, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci95: Option<Interval>,
    /// By how much the metric is worse than before; negative where it is better.
    pub loss: f64,
    /// What sort of strain it is.
    #[serde(default)]
    pub kind: StrainKind,
}

/// Sorts of strains: what befalls data in every use, and what is an accident.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrainKind {
    /// Values are missing, less exact, mistyped, or the mix of classes changes.
    #[default]
    Wear,
    /// A column arrives in another unit.
    Unit,
    /// Some rows that are as they ever were become far more frequent than others.
    Mix,
}
