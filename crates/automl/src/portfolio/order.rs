//! The candidates by the size of the table, in the order in which they run.
//!
//! One order serves all tasks: those measured so far do not ask for different ones. A learner that
//! cannot learn a task is left out by what its specification says.

use super::Candidate;
use super::members::{
    BASELINE, DERIVED, EBM, EXTRA_TREES, GBDT, KNN, LARGE_TREES, LEVEL_SETS, LINEAR, LINEAR_SPARSE,
    NAIVE_BAYES, NEURAL_NET, OBLIVIOUS, RANDOM_FOREST, RANDOM_LARGE, RANDOM_SMALL,
    RANDOM_THRESHOLDS, SMALL_TREES,
};

/// On large tables; a preset leaves some out.
pub(super) const LARGE: &[Candidate] = &[
    BASELINE,
    LINEAR,
    GBDT,
    RANDOM_THRESHOLDS,
    DERIVED,
    LEVEL_SETS,
    LARGE_TREES,
    NEURAL_NET,
    OBLIVIOUS,
    EXTRA_TREES,
    RANDOM_SMALL,
    LINEAR_SPARSE,
    EBM,
    SMALL_TREES,
    RANDOM_FOREST,
    RANDOM_LARGE,
];

/// On small tables: random thresholds overfit less, which pays where rows are few.
pub(super) const SMALL: &[Candidate] = &[
    BASELINE,
    LINEAR,
    RANDOM_SMALL,
    RANDOM_THRESHOLDS,
    DERIVED,
    OBLIVIOUS,
    LEVEL_SETS,
    EXTRA_TREES,
    LINEAR_SPARSE,
    NEURAL_NET,
    EBM,
    GBDT,
    SMALL_TREES,
    KNN,
    RANDOM_FOREST,
    LARGE_TREES,
    NAIVE_BAYES,
    RANDOM_LARGE,
];
