//! What an audit of a model found, as a store keeps it.

use serde::{Deserialize, Serialize};

use super::fairness::FairnessRecord;
use super::robustness::RobustnessRecord;

/// An audit of a model on some rows: whether groups are treated alike, and what strains do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// What its page calls the model.
    pub model: String,
    /// The target column.
    pub target: String,
    /// What was found of groups.
    pub fairness: FairnessRecord,
    /// What becomes of the metric when inputs are strained.
    pub robustness: RobustnessRecord,
}
