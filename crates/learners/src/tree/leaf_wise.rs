//! The leaf-wise grower: always splits the leaf that gains most, or depth-wise, the least deep one.
//!
//! ```text
//! leaves = [root]
//! while fewer than max_leaves:
//!     split the leaf of largest gain (ties: the oldest); depth-wise, among those least deep
//!     partition its rows; sum the smaller child, subtract for the larger; find both best splits
//! ```
//!
//! Most of the work of a split ([`super::branch`]) is done ahead, together for the few leaves whose
//! turn is next: threads share the parts of their rows ([`super::workspace`]) while those are
//! divided and summed, and the leaves while splits are sought. How many are made ahead does not
//! depend on the number of threads, so that neither does the tree.
//!
//! Reference: Shi, "Best-first decision tree learning", 2007; Ke et al., "LightGBM", NeurIPS 2017.
//! Work per tree is about rows × features × (1 + depth / 2) updates. Histograms of open leaves are
//! kept within a budget: beyond it the least promising leaf gives its own up, and its children are
//! summed from their rows should its turn come.

use modelwright_kernels::entry::total;

use super::bins::TrainBins;
use super::branch::{Branch, Common, Leaf};
use super::grow::{GrowPolicy, Grown, Limits};
use super::histogram::{Candidate, Source, split_again, sum_parts};
use super::model::Tree;
use super::partition::{divide, levels};
use super::split::{Split, SplitRule};
use super::workspace::{LeafPlace, Workspace, by_part};
use crate::together::apart;

/// Bytes that the histograms of one tree's open leaves may take.
const HISTOGRAM_BYTES: usize = 128 << 20;
/// How often the estimate of rows per Hessian is corrected before a leaf is left as it is.
const MAX_DOUBLINGS: i32 = 4;
/// Leaves whose branches are made side by side.
const AHEAD: usize = 4;
/// Of so many splits that are to come one is made ahead: leaves that are next now will almost
/// certainly be split then.
const SPLITS_TO_COME: usize = 3;

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
    let mut grower = Grower {
        common: Common { bins, rule, limits, tree_features },
        workspace,
        n_entries,
        leaves: Vec::new(),
        grown: Grown {
            tree: Tree::default(),
            leaves: Vec::new(),
            node_sums: Vec::new(),
            directions: Vec::new(),
        },
    };
    grower.plant();
    while grower.leaves.len() < limits.max_leaves {
        let Some(leaf) = grower.next_leaves(1).pop() else { break };
        let updates = grower.leaves[leaf].n_rows() * bins.features.len();
        if !grower.workspace.may_do(updates) {
            break;
        }
        grower.split(leaf);
    }
    grower.finish()
}

struct Grower<'a> {
    common: Common<'a>,
    workspace: &'a mut Workspace,
    n_entries: usize,
    leaves: Vec<Leaf>,
    grown: Grown,
}

/// A branch that is to be made.
struct Work {
    /// Position of the leaf.
    index: usize,
    leaf: Leaf,
    split: Split,
    missing_left: bool,
    /// `None` before its rows are divided, or where a child would have too few.
    children: Option<[Leaf; 2]>,
    /// A histogram of any content.
    spare: Vec<i64>,
}

impl Grower<'_> {
    fn plant(&mut self) {
        // From the workspace, where it ends: one that is made anew each time would stay there.
        let mut spares = vec![self.workspace.take_histogram(self.common.bins.histogram_len)];
        let places = self.workspace.places(self.n_entries);
        let place = LeafPlace::root(self.n_entries);
        let sums = by_part(places.of(&place), self.common.bins.is_shared, total);
        let mut root = Leaf::at(place, sums.into_iter().sum());
        if self.common.is_splittable(&root) {
            let sources = sum_parts(self.common.bins, places, &[&root.place]);
            for source in &sources {
                self.common.search_from_rows(&mut root, source, &mut spares);
            }
        }
        for histogram in spares {
            self.workspace.give_histogram(histogram);
        }
        self.leaves.push(root);
    }

    /// The leaves whose turn is next, at most `n`, first comes first.
    fn next_leaves(&self, n: usize) -> Vec<usize> {
        let by_depth = self.common.limits.policy == GrowPolicy::DepthWise;
        let rank = |i: usize| {
            let leaf = &self.leaves[i];
            let depth = if by_depth { leaf.depth } else { 0 };
            leaf.best.map(|split| (depth, split.cut.gain, i))
        };
        let mut next: Vec<(usize, f64, usize)> = (0..self.leaves.len()).filter_map(rank).collect();
        next.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
        next.truncate(n);
        next.into_iter().map(|(_, _, i)| i).collect()
    }

    fn split(&mut self, index: usize) {
        if self.leaves[index].branch.is_none() {
            self.make_branches(index);
        }
        let leaf = &mut self.leaves[index];
        let (Some(split), Some(branch)) = (leaf.best, leaf.branch.take()) else { return };
        for histogram in branch.spare {
            self.workspace.give_histogram(histogram);
        }
        let Some(children) = branch.children else {
            self.reconsider(index);
            return;
        };
        let node = self.add_node(index, &split, branch.missing_left);
        let [mut left, mut right] = *children;
        (left.parent, right.parent) = (Some((node, 0)), Some((node, 1)));
        self.leaves[index] = left;
        self.leaves.push(right);
        self.keep_within_budget();
    }

    /// Makes the branch of a leaf, and of those that come after it.
    fn make_branches(&mut self, index: usize) {
        let to_come = self.common.limits.max_leaves.saturating_sub(self.leaves.len());
        let n_ahead = (to_come / SPLITS_TO_COME).min(AHEAD);
        let chosen = if n_ahead > 1 { self.next_leaves(n_ahead) } else { vec![index] };
        let work = self.divided(chosen);
        let common = self.common;
        let last = to_come == 1;
        let to_sum: Vec<Vec<&LeafPlace>> = work
            .iter()
            .map(|work| match &work.children {
                Some(children) if !last => common.summed_of(&work.leaf, children),
                _ => Vec::new(),
            })
            .collect();
        let places = self.workspace.places(self.n_entries);
        let mut sources = sum_parts(common.bins, places, &to_sum.concat()).into_iter();
        let sources: Vec<Vec<Source<'_>>> =
            to_sum.iter().map(|leaves| sources.by_ref().take(leaves.len()).collect()).collect();
        let make = |(work, sources): (Work, Vec<Source<'_>>)| {
            let Work { index, mut leaf, missing_left, children, spare, .. } = work;
            leaf.branch = Some(common.branch(&mut leaf, missing_left, children, &sources, spare));
            (index, leaf)
        };
        let work: Vec<(Work, Vec<Source<'_>>)> = work.into_iter().zip(sources).collect();
        let made: Vec<(usize, Leaf)> = if common.bins.is_shared {
            apart(work, make)
        } else {
            work.into_iter().map(make).collect()
        };
        for (i, leaf) in made {
            self.leaves[i] = leaf;
        }
    }

    /// The chosen leaves that have no branch yet, taken out, with their rows divided.
    fn divided(&mut self, chosen: Vec<usize>) -> Vec<Work> {
        let common = self.common;
        let (mut work, mut routes) = (Vec::new(), Vec::new());
        for index in chosen {
            let Some(split) = self.leaves[index].best else { continue };
            if self.leaves[index].branch.is_some() {
                continue;
            }
            let leaf = std::mem::replace(&mut self.leaves[index], Leaf::root(0, 0));
            let (route, missing_left) = common.route(&leaf, &split);
            let spare = self.workspace.take_histogram(common.bins.histogram_len);
            routes.push(route);
            work.push(Work { index, leaf, split, missing_left, children: None, spare });
        }
        let leaves = work.iter().map(|work| &work.leaf.place).zip(routes);
        let divided = divide(
            self.workspace,
            self.n_entries,
            common.bins.is_shared,
            &leaves.collect::<Vec<_>>(),
            |_| (),
        );
        for (work, parts) in work.iter_mut().zip(divided) {
            let n_left: Vec<usize> = parts.iter().map(|part| part.n_left).collect();
            work.children = common.children(&mut work.leaf, &work.split, &n_left);
        }
        work
    }

    /// The estimate of rows per child was wrong: asks for more Hessian, or gives the leaf up.
    fn reconsider(&mut self, index: usize) {
        let common = self.common;
        let leaf = &mut self.leaves[index];
        leaf.doublings += 1;
        leaf.best = None;
        if leaf.doublings <= MAX_DOUBLINGS
            && let Some(histogram) = &leaf.histogram
        {
            let drawn = common.features_of(leaf);
            let allowed = drawn.as_deref().unwrap_or(common.tree_features);
            let candidate = Candidate { sums: leaf.sums(), allowed };
            leaf.best =
                split_again(common.bins, common.rule, histogram, &candidate, leaf.doublings);
        }
    }

    #[expect(clippy::cast_possible_wrap, reason = "a tree has at most 4096 leaves")]
    fn add_node(&mut self, index: usize, split: &Split, missing_left: bool) -> usize {
        let bins = self.common.bins;
        let feature = &bins.features[split.feature];
        let leaf = &self.leaves[index];
        let tree = &mut self.grown.tree;
        let node = tree.features.len();
        if let Some((parent, side)) = leaf.parent {
            tree.children[parent][side] = node as i32;
        }
        tree.features.push(feature.index);
        if let Some(subset) = &split.subset {
            tree.sets.push(levels(node, feature, subset));
            tree.thresholds.push(0.0);
        } else {
            tree.thresholds.push(feature.threshold(split.cut.bin));
        }
        tree.missing_left.push(missing_left);
        tree.children.push([!(index as i32), !(self.leaves.len() as i32)]);
        tree.gains.push(split.cut.gain as f32);
        tree.covers.push(leaf.n_rows() as f32);
        self.grown.node_sums.push(leaf.sum);
        if bins.constraints.is_monotone() {
            self.grown.directions.push(bins.constraints.direction(split.feature));
        }
        node
    }

    fn keep_within_budget(&mut self) {
        let most = (HISTOGRAM_BYTES / (8 * self.common.bins.histogram_len.max(1))).max(4);
        let ahead = |leaf: &Leaf| leaf.branch.as_ref().map_or(0, Branch::n_histograms);
        let held: usize =
            self.leaves.iter().map(|l| usize::from(l.histogram.is_some()) + ahead(l)).sum();
        if held <= most {
            return;
        }
        let gain = |leaf: &Leaf| leaf.best.map_or(0.0, |s| s.cut.gain);
        let holders =
            self.leaves.iter_mut().filter(|l| l.histogram.is_some() && l.branch.is_none());
        if let Some(leaf) = holders.min_by(|a, b| gain(a).total_cmp(&gain(b)))
            && let Some(histogram) = leaf.histogram.take()
        {
            self.workspace.give_histogram(histogram);
        }
    }

    fn finish(mut self) -> Grown {
        for leaf in &mut self.leaves {
            if let Some(histogram) = leaf.histogram.take() {
                self.workspace.give_histogram(histogram);
            }
            for histogram in leaf.branch.take().into_iter().flat_map(Branch::into_histograms) {
                self.workspace.give_histogram(histogram);
            }
        }
        let mut grown = self.grown;
        grown.tree.values = vec![0.0; self.leaves.len()];
        grown.tree.leaf_covers = self.leaves.iter().map(|l| l.n_rows() as f32).collect();
        grown.leaves = self.leaves.into_iter().map(|leaf| leaf.place).collect();
        grown
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use modelwright_core::data::{BinnedColumn, FeatureColumn, FeatureMatrix};
    use modelwright_kernels::entry::{Scale, quantise};

    use super::*;

    #[test]
    fn a_workspace_holds_no_more_histograms_after_many_trees_than_after_a_few() {
        let codes: Vec<u8> = (0..=199).collect();
        let cuts = (0..199).map(|c| c as f32 + 0.5).collect();
        let values = codes.iter().map(|c| f32::from(*c)).collect();
        let bins = Some(Arc::new(BinnedColumn { codes: codes.into(), cuts }));
        let column = FeatureColumn { bins, ..FeatureColumn::dense("x", values) };
        let matrix = FeatureMatrix::new(200, vec![column]);
        let rows: Vec<u32> = (0..200).collect();
        let bins = TrainBins::new(&matrix, &rows).unwrap();
        let gradients: Vec<[f32; 2]> = (0..200).map(|i| [(i as f32 * 0.7).sin(), 1.0]).collect();
        let scale = Scale::for_rows(200, [1.0, 1.0]);
        let rule = SplitRule::plain(scale);
        let policy = GrowPolicy::LeafWise;
        let limits = Limits { policy, max_leaves: 40, max_depth: usize::MAX };
        let mut workspace = Workspace::default();
        let mut held = Vec::new();
        for _ in 0..6 {
            workspace.reserve(200);
            quantise(&gradients, 0, scale, 1, &mut workspace.entries);
            let grown = grow(&bins, &rule, limits, &[true], &mut workspace, 200);
            assert_eq!(grown.tree.n_leaves(), 40);
            held.push(workspace.n_free());
        }
        assert!(held.iter().all(|n| *n == held[0]), "{held:?}");
    }
}
