//! What becomes of a leaf when it is split: its rows divided, both children searched for splits.
//!
//! A branch depends on nothing but the leaf: not on what else the tree has become, nor on the order
//! in which leaves are split. So the branches of several leaves can be made side by side, before it
//! is known which of them is split first. It is made in steps, so that those of several leaves can
//! take each of them together: [`Common::route`], then the rows are divided, [`Common::children`],
//! then the sums of rows are found that [`Common::summed_of`] names, and [`Common::branch`].

use modelwright_kernels::bounded::Bounds;
use modelwright_kernels::entry::hessian_units;

use super::bins::TrainBins;
use super::constraints::Groups;
use super::grow::Limits;
use super::histogram::{Candidate, Child, Source, build_and_split, divide_and_split};
use super::partition::{Route, Test};
use super::split::{LeafSums, Place, Split, SplitRule};
use super::workspace::LeafPlace;

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
    pub(super) place: LeafPlace,
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
        Self::at(LeafPlace::root(n_entries), sum)
    }

    /// A leaf without a parent.
    pub(super) fn at(place: LeafPlace, sum: i64) -> Self {
        Self {
            place,
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

    /// How many rows it has.
    pub(super) fn n_rows(&self) -> usize {
        self.place.n_rows()
    }

    pub(super) fn sums(&self) -> LeafSums {
        let n_rows = self.n_rows();
        LeafSums { total: self.sum, n_rows, id: self.id, bounds: self.bounds }
    }

    fn child(&self, side: usize, place: LeafPlace, sum: i64, bounds: Bounds) -> Self {
        Self {
            depth: self.depth + 1,
            id: self.id.wrapping_mul(2).wrapping_add(side as u64),
            bounds,
            ..Self::at(place, sum)
        }
    }
}

impl<'a> Common<'a> {
    /// The features that a leaf may use; `None` is all of the tree's.
    pub(super) fn features_of(&self, leaf: &Leaf) -> Option<Vec<bool>> {
        let place = Place { id: leaf.id, depth: leaf.depth, groups: leaf.groups };
        self.rule.node_features(self.tree_features, &self.bins.constraints, place)
    }

    pub(super) fn is_splittable(&self, leaf: &Leaf) -> bool {
        leaf.depth < self.limits.max_depth
            && leaf.n_rows() >= 2 * self.rule.min_samples_leaf.max(1)
            && !self.bins.features.is_empty()
    }

    /// How the rows of a leaf are divided by its best split, and whether missing values go left.
    pub(super) fn route(&self, leaf: &Leaf, split: &Split) -> (Route<'a>, bool) {
        let missing_left = self.missing_side(leaf, split);
        let test = Test { bin: split.cut.bin, missing_left, subset: split.subset };
        (self.bins.route(split.feature, &test), missing_left)
    }

    /// The children of a leaf of whose parts so many rows went left; `None` when one of them would
    /// have too few.
    pub(super) fn children(
        &self,
        leaf: &mut Leaf,
        split: &Split,
        n_left: &[usize],
    ) -> Option<[Leaf; 2]> {
        let places = leaf.place.children(n_left);
        // Whether or not there are children: what the rows' order is must not depend on the place.
        leaf.place.aside = !leaf.place.aside;
        let least = self.rule.min_samples_leaf.max(1);
        if places.iter().any(|place| place.n_rows() < least) {
            return None;
        }
        let constraints = &self.bins.constraints;
        let sums = [split.cut.left, leaf.sum - split.cut.left];
        let direction = constraints.direction(split.feature);
        let bounds = self.rule.child_bounds(&leaf.sums(), direction, sums);
        let [left, right] = places;
        let mut children =
            [leaf.child(0, left, sums[0], bounds[0]), leaf.child(1, right, sums[1], bounds[1])];
        for child in &mut children {
            child.groups = constraints.narrow(leaf.groups, split.feature);
        }
        Some(children)
    }

    /// Which children are summed from their rows to find the best splits of both: the smaller one,
    /// or where the leaf has no histogram both, or none that cannot be split.
    pub(super) fn summed_of<'l>(&self, leaf: &Leaf, children: &'l [Leaf; 2]) -> Vec<&'l LeafPlace> {
        let splittable = || children.iter().filter(|child| self.is_splittable(child));
        if leaf.histogram.is_none() {
            return splittable().map(|child| &child.place).collect();
        }
        let [left, right] = children;
        let small = if left.n_rows() <= right.n_rows() { left } else { right };
        splittable().take(1).map(|_| &small.place).collect()
    }

    /// What becomes of a leaf with these children; `sources` are of those that had to be summed,
    /// none when the children will never be split.
    ///
    /// `spare` is a histogram of any content.
    pub(super) fn branch(
        &self,
        leaf: &mut Leaf,
        missing_left: bool,
        children: Option<[Leaf; 2]>,
        sources: &[Source<'_>],
        spare: Vec<i64>,
    ) -> Branch {
        let mut spares = vec![spare];
        let Some([mut left, mut right]) = children else {
            return Branch { missing_left, children: None, spare: spares };
        };
        match (leaf.histogram.take(), sources) {
            (Some(histogram), []) => spares.push(histogram),
            (Some(histogram), [source, ..]) => {
                self.search_from_parent([&mut left, &mut right], source, histogram, &mut spares);
            }
            (None, sources) => {
                let splittable = [&mut left, &mut right].into_iter();
                let splittable = splittable.filter(|child| self.is_splittable(child));
                for (child, source) in splittable.zip(sources) {
                    self.search_from_rows(child, source, &mut spares);
                }
            }
        }
        Branch { missing_left, children: Some(Box::new([left, right])), spare: spares }
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

    /// Finds the best splits of both children of a leaf with the histogram `parent`, when at least
    /// one of them can be split; `source` is of the smaller one.
    fn search_from_parent(
        &self,
        children: [&mut Leaf; 2],
        source: &Source<'_>,
        parent: Vec<i64>,
        spares: &mut Vec<Vec<i64>>,
    ) {
        let [left, right] = children;
        let (small, large) =
            if left.n_rows() <= right.n_rows() { (left, right) } else { (right, left) };
        let searched = [self.is_splittable(small), self.is_splittable(large)];
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
            source,
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

    /// Finds the best split of a leaf that can be split from its rows.
    pub(super) fn search_from_rows(
        &self,
        leaf: &mut Leaf,
        source: &Source<'_>,
        spares: &mut Vec<Vec<i64>>,
    ) {
        let mut histogram = spares.pop().unwrap_or_else(|| vec![0; self.bins.histogram_len]);
        let drawn = self.features_of(leaf);
        let allowed = drawn.as_deref().unwrap_or(self.tree_features);
        let candidate = Candidate { sums: leaf.sums(), allowed };
        leaf.best = build_and_split(self.bins, self.rule, source, &mut histogram, &candidate);
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
