//! The leaf-wise grower: always splits the leaf that gains most, or depth-wise, the least deep one.
//!
//! ```text
//! leaves = [root]
//! while fewer than max_leaves:
//!     split the leaf of largest gain (ties: the oldest); depth-wise, among those least deep
//!     partition its rows; sum the smaller child, subtract for the larger; find both best splits
//! ```
//!
//! Reference: Shi, "Best-first decision tree learning", 2007; Ke et al., "LightGBM", NeurIPS 2017.
//! Work per tree is about rows × features × (1 + depth / 2) updates. Histograms of open leaves are
//! kept within a budget: beyond it the least promising leaf gives its own up, and its children are
//! summed from their rows should its turn come.

use std::ops::Range;

use modelwright_kernels::bounded::Bounds;
use modelwright_kernels::entry::{hessian_units, total};

use super::bins::TrainBins;
use super::constraints::Groups;
use super::grow::{GrowPolicy, Grown, Limits};
use super::histogram::{Candidate, Child, build_and_split, divide_and_split, split_again};
use super::model::Tree;
use super::partition::{Test, partition};
use super::split::{LeafSums, Place, Split, SplitRule};
use super::workspace::Workspace;

/// Bytes that the histograms of one tree's open leaves may take.
const HISTOGRAM_BYTES: usize = 128 << 20;
/// How often the estimate of rows per Hessian is corrected before a leaf is left as it is.
const MAX_DOUBLINGS: i32 = 4;

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
        bins,
        rule,
        limits,
        tree_features,
        workspace,
        leaves: Vec::new(),
        next_id: 0,
        grown: Grown {
            tree: Tree::default(),
            leaves: Vec::new(),
            node_sums: Vec::new(),
            directions: Vec::new(),
        },
    };
    grower.plant(n_entries);
    while grower.leaves.len() < limits.max_leaves {
        let Some(leaf) = grower.most_promising() else { break };
        grower.split(leaf);
    }
    grower.finish()
}

struct Grower<'a> {
    bins: &'a TrainBins<'a>,
    rule: &'a SplitRule,
    limits: Limits,
    tree_features: &'a [bool],
    workspace: &'a mut Workspace,
    leaves: Vec<Leaf>,
    next_id: u64,
    grown: Grown,
}

struct Leaf {
    rows: Range<usize>,
    sum: i64,
    depth: usize,
    id: u64,
    /// Inner node and side that lead here; `None` for the root.
    parent: Option<(usize, usize)>,
    bounds: Bounds,
    groups: Groups,
    histogram: Option<Vec<i64>>,
    best: Option<Split>,
    doublings: i32,
}

impl Leaf {
    fn sums(&self) -> LeafSums {
        LeafSums { total: self.sum, n_rows: self.rows.len(), id: self.id, bounds: self.bounds }
    }
}

impl Grower<'_> {
    /// The features that a leaf may use; `None` is all of the tree's.
    fn features_of(&self, leaf: &Leaf) -> Option<Vec<bool>> {
        let place = Place { id: leaf.id, depth: leaf.depth, groups: leaf.groups };
        self.rule.node_features(self.tree_features, &self.bins.constraints, place)
    }

    fn plant(&mut self, n_entries: usize) {
        let sum = total(&self.workspace.entries[..n_entries]);
        let mut root = self.leaf(0..n_entries, sum, 0, None);
        if self.is_splittable(&root) {
            let mut histogram = self.workspace.take_histogram(self.bins.histogram_len);
            let drawn = self.features_of(&root);
            let allowed = drawn.as_deref().unwrap_or(self.tree_features);
            let candidate = Candidate { sums: root.sums(), allowed };
            let entries = &self.workspace.entries[root.rows.clone()];
            root.best = build_and_split(self.bins, self.rule, entries, &mut histogram, &candidate);
            root.histogram = Some(histogram);
        }
        self.leaves.push(root);
    }

    fn leaf(
        &mut self,
        rows: Range<usize>,
        sum: i64,
        depth: usize,
        parent: Option<(usize, usize)>,
    ) -> Leaf {
        let id = self.next_id;
        self.next_id += 1;
        Leaf {
            rows,
            sum,
            depth,
            id,
            parent,
            bounds: Bounds::NONE,
            groups: Groups::MAX,
            histogram: None,
            best: None,
            doublings: 0,
        }
    }

    fn is_splittable(&self, leaf: &Leaf) -> bool {
        leaf.depth < self.limits.max_depth
            && leaf.rows.len() >= 2 * self.rule.min_samples_leaf.max(1)
            && !self.bins.features.is_empty()
    }

    fn most_promising(&self) -> Option<usize> {
        let by_depth = self.limits.policy == GrowPolicy::DepthWise;
        let mut best: Option<(usize, usize, f64)> = None;
        for (i, leaf) in self.leaves.iter().enumerate() {
            let Some(split) = &leaf.best else { continue };
            let depth = if by_depth { leaf.depth } else { 0 };
            let wins = best.is_none_or(|(_, best_depth, gain)| {
                depth < best_depth || (depth == best_depth && split.cut.gain > gain)
            });
            if wins {
                best = Some((i, depth, split.cut.gain));
            }
        }
        best.map(|(i, ..)| i)
    }

    fn split(&mut self, index: usize) {
        let leaf = &self.leaves[index];
        let Some(split) = leaf.best else { return };
        let rows = leaf.rows.clone();
        let missing_left = self.missing_side(leaf, &split);
        let n_left = self.partition(rows.clone(), &split, missing_left);
        let middle = rows.start + n_left;
        if n_left.min(rows.len() - n_left) < self.rule.min_samples_leaf.max(1) {
            self.reconsider(index);
            return;
        }
        let leaf = &mut self.leaves[index];
        let constraints = &self.bins.constraints;
        let groups = constraints.narrow(leaf.groups, split.feature);
        let sums = [split.cut.left, leaf.sum - split.cut.left];
        let direction = constraints.direction(split.feature);
        let bounds = self.rule.child_bounds(&leaf.sums(), direction, sums);
        let (sum, depth, parent, histogram) =
            (leaf.sum, leaf.depth + 1, leaf.parent, leaf.histogram.take());
        let node = self.add_node(index, parent, &split, missing_left, rows.len(), sum);
        let mut left = self.leaf(rows.start..middle, sums[0], depth, Some((node, 0)));
        let mut right = self.leaf(middle..rows.end, sums[1], depth, Some((node, 1)));
        for (child, bounds) in [&mut left, &mut right].into_iter().zip(bounds) {
            (child.bounds, child.groups) = (bounds, groups);
        }
        let full = self.leaves.len() + 1 >= self.limits.max_leaves;
        let (left, right) = match histogram {
            Some(histogram) if full => {
                self.workspace.give_histogram(histogram);
                (left, right)
            }
            Some(histogram) => self.search_from_parent(left, right, histogram),
            None if full => (left, right),
            None => (self.search_from_rows(left), self.search_from_rows(right)),
        };
        self.leaves[index] = left;
        self.leaves.push(right);
        self.keep_within_budget();
    }

    /// Where missing values go: as the cut says, or to the heavier side when the leaf has none.
    fn missing_side(&self, leaf: &Leaf, split: &Split) -> bool {
        let missing = self.bins.places[split.feature].end - 1;
        let none_here = leaf.histogram.as_ref().is_some_and(|histogram| histogram[missing] == 0);
        if none_here {
            2 * i64::from(hessian_units(split.cut.left)) > i64::from(hessian_units(leaf.sum))
        } else {
            split.cut.missing_left
        }
    }

    /// The estimate of rows per child was wrong: asks for more Hessian, or gives the leaf up.
    fn reconsider(&mut self, index: usize) {
        let drawn = self.features_of(&self.leaves[index]);
        let leaf = &mut self.leaves[index];
        leaf.doublings += 1;
        leaf.best = None;
        if leaf.doublings <= MAX_DOUBLINGS
            && let Some(histogram) = &leaf.histogram
        {
            let allowed = drawn.as_deref().unwrap_or(self.tree_features);
            let candidate = Candidate { sums: leaf.sums(), allowed };
            leaf.best = split_again(self.bins, self.rule, histogram, &candidate, leaf.doublings);
        }
    }

    #[expect(clippy::cast_possible_wrap, reason = "a tree has at most 4096 leaves")]
    fn add_node(
        &mut self,
        leaf: usize,
        parent: Option<(usize, usize)>,
        split: &Split,
        missing_left: bool,
        n_rows: usize,
        sum: i64,
    ) -> usize {
        let feature = &self.bins.features[split.feature];
        let tree = &mut self.grown.tree;
        let node = tree.features.len();
        if let Some((parent, side)) = parent {
            tree.children[parent][side] = node as i32;
        }
        tree.features.push(feature.index);
        tree.thresholds.push(feature.threshold(split.cut.bin));
        tree.missing_left.push(missing_left);
        tree.children.push([!(leaf as i32), !(self.leaves.len() as i32)]);
        tree.gains.push(split.cut.gain as f32);
        tree.covers.push(n_rows as f32);
        self.grown.node_sums.push(sum);
        if self.bins.constraints.is_monotone() {
            self.grown.directions.push(self.bins.constraints.direction(split.feature));
        }
        node
    }

    fn search_from_parent(
        &mut self,
        mut left: Leaf,
        mut right: Leaf,
        parent: Vec<i64>,
    ) -> (Leaf, Leaf) {
        let left_is_small = left.rows.len() <= right.rows.len();
        let (small, large) =
            if left_is_small { (&mut left, &mut right) } else { (&mut right, &mut left) };
        let searched = [self.is_splittable(small), self.is_splittable(large)];
        if searched == [false, false] {
            self.workspace.give_histogram(parent);
            return (left, right);
        }
        let mut of_large = parent;
        let mut of_small = self.workspace.take_histogram(self.bins.histogram_len);
        let drawn = [&*small, &*large].map(|leaf| self.features_of(leaf));
        let [for_small, for_large] =
            [&drawn[0], &drawn[1]].map(|d| d.as_deref().unwrap_or(self.tree_features));
        let candidates = [
            searched[0].then_some(Candidate { sums: small.sums(), allowed: for_small }),
            searched[1].then_some(Candidate { sums: large.sums(), allowed: for_large }),
        ];
        [small.best, large.best] = divide_and_split(
            self.bins,
            self.rule,
            &self.workspace.entries[small.rows.clone()],
            Child { sum: small.sum, histogram: &mut of_small, leaf: candidates[0].as_ref() },
            Child { sum: large.sum, histogram: &mut of_large, leaf: candidates[1].as_ref() },
        );
        for (leaf, histogram) in [(small, of_small), (large, of_large)] {
            if leaf.best.is_some() {
                leaf.histogram = Some(histogram);
            } else {
                self.workspace.give_histogram(histogram);
            }
        }
        (left, right)
    }

    fn search_from_rows(&mut self, mut leaf: Leaf) -> Leaf {
        if self.is_splittable(&leaf) {
            let mut histogram = self.workspace.take_histogram(self.bins.histogram_len);
            let drawn = self.features_of(&leaf);
            let allowed = drawn.as_deref().unwrap_or(self.tree_features);
            let candidate = Candidate { sums: leaf.sums(), allowed };
            let entries = &self.workspace.entries[leaf.rows.clone()];
            leaf.best = build_and_split(self.bins, self.rule, entries, &mut histogram, &candidate);
            leaf.histogram = Some(histogram);
        }
        leaf
    }

    fn keep_within_budget(&mut self) {
        let most = (HISTOGRAM_BYTES / (8 * self.bins.histogram_len.max(1))).max(4);
        let held = self.leaves.iter().filter(|l| l.histogram.is_some()).count();
        if held <= most {
            return;
        }
        let gain = |leaf: &Leaf| leaf.best.map_or(0.0, |s| s.cut.gain);
        let holders = self.leaves.iter_mut().filter(|l| l.histogram.is_some());
        if let Some(leaf) = holders.min_by(|a, b| gain(a).total_cmp(&gain(b)))
            && let Some(histogram) = leaf.histogram.take()
        {
            self.workspace.give_histogram(histogram);
        }
    }

    fn partition(&mut self, rows: Range<usize>, split: &Split, missing_left: bool) -> usize {
        let feature = &self.bins.features[split.feature];
        let entries = &mut self.workspace.entries[rows.clone()];
        let scratch = &mut self.workspace.scratch[rows];
        partition(entries, scratch, feature, Test { bin: split.cut.bin, missing_left })
    }

    fn finish(mut self) -> Grown {
        for leaf in &mut self.leaves {
            if let Some(histogram) = leaf.histogram.take() {
                self.workspace.give_histogram(histogram);
            }
        }
        let mut grown = self.grown;
        grown.leaves = self.leaves.iter().map(|l| l.rows.clone()).collect();
        grown.tree.values = vec![0.0; self.leaves.len()];
        grown.tree.leaf_covers = self.leaves.iter().map(|l| l.rows.len() as f32).collect();
        grown
    }
}
