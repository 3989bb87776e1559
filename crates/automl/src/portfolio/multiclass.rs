//! Candidates for multiclass tasks, in the order in which they run on large tables.

use super::Candidate;
use super::members::{
    BASELINE, GBDT, LARGE_TREES, LINEAR, RANDOM_LARGE, RANDOM_SMALL, RANDOM_THRESHOLDS, SMALL_TREES,
};

/// All of them; a preset leaves some out.
pub(super) const CANDIDATES: &[Candidate] = &[
    BASELINE,
    LINEAR,
    GBDT,
    RANDOM_THRESHOLDS,
    LARGE_TREES,
    RANDOM_SMALL,
    SMALL_TREES,
    RANDOM_LARGE,
];
