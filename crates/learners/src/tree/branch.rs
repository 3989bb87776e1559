//! What becomes of a leaf when it is split: its rows divided, both children searched for splits.
//!
//! A branch depends on nothing but the leaf: not on what else the tree has become, nor on the order
//! in which leaves are split. So the branches of several leaves can be made side by side, before it
//! is known which of them is split first.

use modelwright_kernels::bounded::Bounds;
use modelwright_kernels::entry::{Entry, hessian_units};
use std::ops::Range;

use super::bins::TrainBins;
use super::constraints::Groups;
use super::grow::Limits;
use super::histogram::{Candidate, Child, build_and_split, divide_and_split};
use super::partition::{Test, partition};
use super::split::{LeafSums, Place, Split, SplitRule};

/// What all leaves of a tree have in common.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) bins: &'a TrainBins<'a>,
    pub(super) rule: &'a SplitRule,
    pub(super) limits: Limits,
    pub(super) tree_features: &'a [bool],
}

/// A node without children yet.
pub(super) struct Leaf {
    /// Its entries in the workspace.
    pub(super) rows: Range<usize>,
    /// Whether they are in its scratch: each split moves them over.
    pub(super) aside: bool,
    pub(super) sum: i64,
    pub(super) depth: usize,
    /// A number that follows from the path to it, for random draws.
    pub(super) id: u64,
    /// Inner node and side that lead here; `None` for the root.
    pub(super) parent: Option<(usize, usize)>,
    pub(super) bounds: Bounds,
    pub(super) groups: Groups,
    pub(super) histogram: Option<Vec<i64>>,
    pub(super) best: Option<Split>,
    pub(super) doublings: i32,
    /// Made ahead of its turn.
    pub(super) branch: Option<Branch>,
}

/// The result of splitting a leaf by its best split.
pub(super) struct Branch {
    pub(super) missing_left: bool,
    /// `None` when a child would have too few rows; then the leaf keeps its histogram.
    pub(super) children: Option<Box<[Leaf; 2]>>,
    /// Histograms that are no longer needed.
    pub(super) spare: Vec<Vec<i64>>,
}

impl Leaf {
    /// The root over so many entries.
    pub(super) fn root(n_entries: usize, sum: i64) -> Self {
        Self {
            rows: 0..n_entries,
            aside: false,
            sum,
            depth: 0,
            id: 1,
            parent: None,
            bounds: Bounds::NONE,
            groups: Groups::MAX,
            histogram: None,
            best: None,
            doublings: 0,
            branch: None,
        }
    }

    pub(super) fn sums(&self) -> LeafSums {
        LeafSums { total: self.sum, n_rows: self.rows.len(), id: self.id, bounds: self.bounds }
    }

    fn child(&self, side: usize, rows: Range<usize>, sum: i64, bounds: Bounds) -> Self {
        Self {
            rows,
            aside: self.aside,
            sum,
            depth: self.depth + 1,
            id: self.id.wrapping_mul(2).wrapping_add(side as u64),
            bounds,
            ..Self::root(0, 0)
        }
    }
}

impl Common<'_> {
    /// The features that a leaf may use; `None` is all of the tree's.
    pub(super) fn features_of(&self, leaf: &Leaf) -> Option<Vec<bool>> {
        let place = Place { id: leaf.id, depth: leaf.depth, groups: leaf.groups };
        self.rule.node_features(self.tree_features, &self.bins.constraints, place)
    }

    pub(super) fn is_splittable(&self, leaf: &Leaf) -> bool {
        leaf.depth < self.limits.max_depth
            && leaf.rows.len() >= 2 * self.rule.min_samples_leaf.max(1)
            && !self.bins.features.is_empty()
    }

    /// Splits a leaf that has a best split; `entries` is the leaf's part of where its entries are,
    /// and `over` that of the other place.
    ///
    /// `spare` is a histogram of any content. `last` says that the children will never be split.
    pub(super) fn branch(
        &self,
        leaf: &mut Leaf,
        split: &Split,
        entries: &mut [Entry],
        over: &mut [Entry],
        spare: Vec<i64>,
        last: bool,
    ) -> Branch {
        let missing_left = self.missing_side(leaf, split);
        let test = Test { bin: split.cut.bin, missing_left, subset: split.subset };
        let (n_left, moved) = partition(entries, over, self.bins.route(split.feature, &test));
        // Whether or not there are children: what the rows' order is must not depend on the place.
        leaf.aside ^= moved;
        let entries = if moved { &*over } else { &*entries };
        let least = self.rule.min_samples_leaf.max(1);
        if n_left.min(entries.len() - n_left) < least {
            return Branch { missing_left, children: None, spare: vec![spare] };
        }
        let [mut left, mut right] = self.children(leaf, split, n_left);
        let mut spares = vec![spare];
        let parts = entries.split_at(n_left);
        match leaf.histogram.take() {
            Some(histogram) if last => spares.push(histogram),
            Some(histogram) => {
                self.search_from_parent([&mut left, &mut right], parts, histogram, &mut spares);
            }
            None if last => {}
            None => {
                self.search_from_rows(&mut left, parts.0, &mut spares);
                self.search_from_rows(&mut right, parts.1, &mut spares);
            }
        }
        Branch { missing_left, children: Some(Box::new([left, right])), spare: spares }
    }

    fn children(&self, leaf: &Leaf, split: &Split, n_left: usize) -> [Leaf; 2] {
        let constraints = &self.bins.constraints;
        let sums = [split.cut.left, leaf.sum - split.cut.left];
        let direction = constraints.direction(split.feature);
        let bounds = self.rule.child_bounds(&leaf.sums(), direction, sums);
        let middle = leaf.rows.start + n_left;
        let mut children = [
            leaf.child(0, leaf.rows.start..middle, sums[0], bounds[0]),
            leaf.child(1, middle..leaf.rows.end, sums[1], bounds[1]),
        ];
        for child in &mut children {
            child.groups = constraints.narrow(leaf.groups, split.feature);
        }
        children
    }

    /// Where missing values go: as the cut says, or to the heavier side when the leaf has none.
    fn missing_side(&self, leaf: &Leaf, split: &Split) -> bool {
        if split.subset.is_some() {
            return split.cut.missing_left;
        }
        let missing = self.bins.places[split.feature].end - 1;
        let none_here = leaf.histogram.as_ref().is_some_and(|histogram| histogram[missing] == 0);
        if none_here {
            2 * i64::from(hessian_units(split.cut.left)) > i64::from(hessian_units(leaf.sum))
        } else {
            split.cut.missing_left
        }
    }

    fn search_from_parent(
        &self,
        children: [&mut Leaf; 2],
        (left_entries, right_entries): (&[Entry], &[Entry]),
        parent: Vec<i64>,
        spares: &mut Vec<Vec<i64>>,
    ) {
        let [left, right] = children;
        let (small, large, entries) = if left.rows.len() <= right.rows.len() {
            (left, right, left_entries)
        } else {
            (right, left, right_entries)
        };
        let searched = [self.is_splittable(small), self.is_splittable(large)];
        if searched == [false, false] {
            spares.push(parent);
            return;
        }
        let mut of_large = parent;
        let mut of_small = spares.pop().unwrap_or_else(|| vec![0; self.bins.histogram_len]);
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
            entries,
            Child { sum: small.sum, histogram: &mut of_small, leaf: candidates[0].as_ref() },
            Child { sum: large.sum, histogram: &mut of_large, leaf: candidates[1].as_ref() },
        );
        for (leaf, histogram) in [(small, of_small), (large, of_large)] {
            if leaf.best.is_some() {
                leaf.histogram = Some(histogram);
            } else {
                spares.push(histogram);
            }
        }
    }

    /// Finds the best split of a leaf from its rows, if it can be split.
    pub(super) fn search_from_rows(
        &self,
        leaf: &mut Leaf,
        entries: &[Entry],
        spares: &mut Vec<Vec<i64>>,
    ) {
        if !self.is_splittable(leaf) {
            return;
        }
        let mut histogram = spares.pop().unwrap_or_else(|| vec![0; self.bins.histogram_len]);
        let drawn = self.features_of(leaf);
        let allowed = drawn.as_deref().unwrap_or(self.tree_features);
        let candidate = Candidate { sums: leaf.sums(), allowed };
        leaf.best = build_and_split(self.bins, self.rule, entries, &mut histogram, &candidate);
        leaf.histogram = Some(histogram);
    }
}

impl Branch {
    /// How many histograms it holds.
    pub(super) fn n_histograms(&self) -> usize {
        let children = self.children.iter().flat_map(|c| c.iter());
        self.spare.len() + children.filter(|leaf| leaf.histogram.is_some()).count()
    }

    /// The histograms it holds, for those who can use the memory.
    pub(super) fn into_histograms(self) -> Vec<Vec<i64>> {
        let mut histograms = self.spare;
        for leaf in self.children.into_iter().flat_map(|children| *children) {
            histograms.extend(leaf.histogram);
        }
        histograms
    }
}
