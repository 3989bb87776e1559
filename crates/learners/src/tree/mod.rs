//! Decision trees over binned features: what the booster and the forests share.
//!
//! A tree is grown on integers: bins instead of values ([`bins`]) and quantised gradients whose
//! sums are exact ([`modelwright_kernels::entry`]). A grower ([`mod@grow`]: [`leaf_wise`] or
//! [`oblivious`]) asks for the best cut of each leaf ([`split`]) or level, which needs histograms
//! ([`histogram`]), and divides the rows ([`partition`]); it knows no loss, and leaves the values
//! of the leaves to its caller. The finished [`Tree`] compares real values with real thresholds, so
//! that prediction ([`predict`]) needs no bins. What it says of the data is told by [`shap`],
//! [`importance`] and [`describe`].
//!
//! Nothing here depends on the number of threads: sums are integers, and choices between features
//! are made in feature order.

pub mod bins;
pub mod block;
mod branch;
pub mod constraints;
pub mod describe;
mod dictionary;
pub mod grow;
pub mod histogram;
pub mod importance;
pub mod joint;
mod layout;
pub mod leaf_wise;
mod level;
pub mod model;
pub mod monotone;
pub mod oblivious;
pub mod pace;
pub mod partition;
pub mod predict;
mod row_bins;
pub mod shap;
pub mod split;
pub mod workspace;

pub use bins::TrainBins;
pub use constraints::{Constraints, named_features};
pub use grow::{GrowPolicy, Grown, Limits, grow};
pub use model::{LevelSet, LinearLeaf, Tree};
pub use pace::{Pace, UPDATES_PER_QUESTION};
pub use split::SplitRule;
pub use workspace::{LeafPlace, Places, Workspace, by_part};
