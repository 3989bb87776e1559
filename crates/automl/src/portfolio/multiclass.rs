//! Candidates for multiclass tasks, in the order in which they run on large tables.

use super::Candidate;
use super::members::{
    BASELINE, EXTRA_TREES, GBDT, LARGE_TREES, LINEAR, OBLIVIOUS, RANDOM_FOREST, RANDOM_LARGE,
    RANDOM_SMALL, RANDOM_THRESHOLDS, SMALL_TREES,
};

/// All of them; a preset leaves some out.
pub(super) const CANDIDATES: &[Candidate] = &[
    BASELINE,
    LINEAR,
    GBDT,
    RANDOM_THRESHOLDS,
    LARGE_TREES,
    OBLIVIOUS,
    EXTRA_TREES,
    RANDOM_SMALL,
    SMALL_TREES,
    RANDOM_FOREST,
    RANDOM_LARGE,
];
