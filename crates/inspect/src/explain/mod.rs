//! Why a model predicts what it predicts.

mod permutation;
mod tree_plot;

pub use permutation::{RawPredictor, permutation_importance};
pub use tree_plot::{TreePlot, tree_svg};
