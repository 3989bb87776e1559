//! A division of rows into a part to learn from and a part to be judged on.

/// One fold of a cross-validation, or one holdout split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Rows to learn from, ascending.
    pub train: Vec<u32>,
    /// Rows to be judged on, ascending; disjoint from `train`.
    pub validation: Vec<u32>,
}
