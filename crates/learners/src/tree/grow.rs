//! What all growers share: their limits, their result, and the choice between them.

use super::bins::TrainBins;
use super::model::Tree;
use super::split::SplitRule;
use super::workspace::{LeafPlace, Workspace};
use super::{leaf_wise, oblivious};

/// In which order a tree is grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrowPolicy {
    /// The leaf that gains most is split first.
    LeafWise,
    /// Leaves nearest to the root are split first.
    DepthWise,
    /// All leaves of a level are split by the same cut.
    Oblivious,
}

/// When growing ends.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// In which order the tree is grown.
    pub policy: GrowPolicy,
    /// The most leaves; oblivious trees do not ask.
    pub max_leaves: usize,
    /// The most splits between root and leaf; at most [`oblivious::MAX_DEPTH`] for oblivious trees.
    pub max_depth: usize,
}

/// A grown tree whose leaves have no values yet.
#[derive(Debug)]
pub struct Grown {
    /// The tree; all values are 0.
    pub tree: Tree,
    /// The entries of each leaf in the workspace.
    pub leaves: Vec<LeafPlace>,
    /// Gradients and Hessians of each inner node, in units.
    pub node_sums: Vec<i64>,
    /// The direction of each inner node's feature; empty when no feature has one.
    pub directions: Vec<i8>,
}

/// Grows a tree on the first `n_entries` entries of the workspace.
///
/// `tree_features` says which of `bins.features` the tree may use.
pub fn grow(
    bins: &TrainBins<'_>,
    rule: &SplitRule,
    limits: Limits,
    tree_features: &[bool],
    workspace: &mut Workspace,
    n_entries: usize,
) -> Grown {
    match limits.policy {
        GrowPolicy::LeafWise | GrowPolicy::DepthWise => {
            leaf_wise::grow(bins, rule, limits, tree_features, workspace, n_entries)
        }
        GrowPolicy::Oblivious => {
            oblivious::grow(bins, rule, limits.max_depth, tree_features, workspace, n_entries)
        }
    }
}
