//! Why a model predicts what it predicts.
//!
//! | module | question |
//! |---|---|
//! | [`shapley`] | what does each raw column add to a prediction? |
//! | `permutation` | what is lost without a column? |
//! | `profile` | how do predictions move along a column? |
//! | `dependence` | what does a column add along its values, and which other one changes that? |
//! | `response` | the same, drawn line by line, with the column that tells them apart |
//! | `ice` | how differently do rows respond to it? |
//! | [`counterfactual`] | what would have to be different for another answer? |
//! | `surrogate` | which few rules say about the same? |
//! | `summary` | all of it in counts and curves, for a record |
//! | `tree_plot` | what does a tree look like? |

pub mod counterfactual;
mod dependence;
mod ice;
mod permutation;
mod profile;
mod response;
pub mod shapley;
mod summary;
mod surrogate;
mod tree_plot;

pub use ice::{Ice, IceBand};
pub(crate) use permutation::{COLUMNS_UNHURRIED, FIRST_REPEATS};
pub use permutation::{RawPredictor, permutation_importance};
pub use profile::{ColumnProfile, ProfileKind, ProfilePoint, column_profile};
pub use response::responses;
pub use summary::{five_examples, summary};
pub use surrogate::{SurrogateInput, surrogate};
pub use tree_plot::{TreePlot, tree_svg};
