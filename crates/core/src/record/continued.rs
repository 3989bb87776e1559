//! Boosters of an earlier model that went on learning.

use serde::{Deserialize, Serialize};

/// Of which model the boosters were continued, on how many rows, by how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContinuedRecord {
    /// SHA-256 of the model's file.
    pub parent_sha256: String,
    /// Rows that the delivered model learned from; those that judged it are among them.
    pub n_rows: usize,
    /// Rows that judged it before.
    pub n_judged: usize,
    /// The boosters, in the order of the members.
    pub members: Vec<ContinuedMember>,
}

/// A member that learned on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContinuedMember {
    /// The name of its trial in the earlier run.
    pub trial: String,
    /// Rounds that it had.
    pub before: usize,
    /// Rounds that came to them.
    pub added: usize,
}
