//! Why a model predicts what it predicts.

mod permutation;

pub use permutation::{RawPredictor, permutation_importance};
