//! One tree of a forest.
//!
//! ```text
//! open = [root]
//! while open is not empty and fewer than max_leaves:
//!     take the node whose split gains most; divide its rows; look for a split of both children
//! ```
//!
//! A node tries random features until it has tried enough that are not constant in it, and found a
//! cut. The rows of a node are a contiguous slice, in their first order, so that the tree depends
//! on the draws alone.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

use modelwright_core::random::Random;

use super::bag::Drawn;
use super::criterion::{Criterion, ROWS, WEIGHT};
use super::cut::{Cut, Sums};
use crate::tree::Tree;
use crate::tree::bins::BinFeature;

/// When a tree stops growing, and how many features a node tries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) features_per_node: usize,
    pub(super) max_depth: usize,
    pub(super) max_leaves: usize,
    pub(super) min_samples_split: usize,
    pub(super) min_samples_leaf: usize,
    pub(super) random_cuts: bool,
}

/// A node that can be split.
struct Open {
    rows: Range<usize>,
    depth: usize,
    leaf: usize,
    /// Inner node and side that lead here.
    parent: Option<(usize, usize)>,
    feature: usize,
    cut: Cut,
    gain: f64,
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Open {}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(other.leaf.cmp(&self.leaf))
    }
}

struct Grower<'a, C> {
    features: &'a [BinFeature<'a>],
    criterion: &'a C,
    limits: Limits,
    random: Random,
    rows: Vec<Drawn>,
    scratch: Vec<Drawn>,
    sums: Sums,
    /// All features, in the order of the last draw.
    order: Vec<u32>,
    open: BinaryHeap<Open>,
    tree: Tree,
    /// Sums of each leaf.
    leaves: Vec<Vec<f64>>,
}

/// Grows a tree on drawn rows; returns it and the weight of each leaf.
pub(super) fn grow(
    features: &[BinFeature<'_>],
    criterion: &impl Criterion,
    limits: Limits,
    rows: Vec<Drawn>,
    random: Random,
) -> (Tree, Vec<f32>) {
    let mut grower = Grower {
        features,
        criterion,
        limits,
        random,
        scratch: Vec::with_capacity(rows.len()),
        sums: Sums::new(criterion.width()),
        order: (0..features.len() as u32).collect(),
        open: BinaryHeap::new(),
        tree: Tree::default(),
        leaves: Vec::new(),
        rows,
    };
    let n_rows = grower.rows.len();
    grower.add_leaf(0..n_rows, 0, None);
    while grower.leaves.len() < limits.max_leaves
        && let Some(node) = grower.open.pop()
    {
        grower.split(node);
    }
    grower.finish()
}

impl<C: Criterion> Grower<'_, C> {
    /// Opens a leaf, if it can be split; the leaf's number is the next one, or `parent`'s own.
    fn add_leaf(&mut self, rows: Range<usize>, depth: usize, parent: Option<(usize, usize)>) {
        let leaf = self.leaves.len();
        self.leaves.push(self.sum(rows.clone()));
        self.consider(rows, depth, parent, leaf);
    }

    fn sum(&self, rows: Range<usize>) -> Vec<f64> {
        let mut sums = vec![0.0; self.criterion.width()];
        for drawn in &self.rows[rows] {
            self.criterion.add(*drawn, &mut sums);
        }
        sums
    }

    fn consider(
        &mut self,
        rows: Range<usize>,
        depth: usize,
        parent: Option<(usize, usize)>,
        leaf: usize,
    ) {
        let limits = self.limits;
        let enough = limits.min_samples_split.max(2 * limits.min_samples_leaf);
        let total = std::mem::take(&mut self.leaves[leaf]);
        if depth < limits.max_depth && rows.len() >= enough && !self.criterion.is_pure(&total) {
            let own = self.criterion.score(&total);
            if let Some((feature, cut)) = self.search(rows.clone(), &total) {
                let gain = cut.score - own;
                self.open.push(Open { rows, depth, leaf, parent, feature, cut, gain });
            }
        }
        self.leaves[leaf] = total;
    }

    /// The best cut among enough random features.
    fn search(&mut self, rows: Range<usize>, total: &[f64]) -> Option<(usize, Cut)> {
        let limits = self.limits;
        let (mut tried, mut best): (usize, Option<(usize, Cut)>) = (0, None);
        for next in 0..self.order.len() {
            if tried >= limits.features_per_node && best.is_some() {
                break;
            }
            let drawn = next + self.random.below(self.order.len() - next);
            self.order.swap(next, drawn);
            let feature = self.order[next] as usize;
            let (codes, missing) =
                (&self.features[feature].codes, self.features[feature].missing_bin());
            self.sums.fill(self.criterion, &self.rows[rows.clone()], codes);
            let Some((first, last, with_missing)) = self.sums.span(missing) else { continue };
            if first == last && !with_missing {
                continue;
            }
            tried += 1;
            let least = limits.min_samples_leaf;
            let cut = if limits.random_cuts {
                let places = usize::from(last - first);
                let bin = first + if places == 0 { 0 } else { self.random.below(places) as u8 };
                self.sums.one_cut(self.criterion, total, missing, least, bin)
            } else {
                self.sums.best_cut(self.criterion, total, missing, least)
            };
            if let Some(cut) = cut
                && best.is_none_or(|(_, b)| cut.score > b.score)
            {
                best = Some((feature, cut));
            }
        }
        best
    }

    #[expect(clippy::cast_possible_wrap, reason = "a tree has fewer than 2^31 leaves")]
    fn split(&mut self, open: Open) {
        let Open { rows, depth, leaf, parent, feature, cut, gain } = open;
        let n_left = self.divide(rows.clone(), feature, cut);
        let middle = rows.start + n_left;
        let node = self.tree.features.len();
        if let Some((parent, side)) = parent {
            self.tree.children[parent][side] = node as i32;
        }
        let of = &self.features[feature];
        self.tree.features.push(of.index);
        self.tree.thresholds.push(of.threshold(cut.bin));
        self.tree.missing_left.push(cut.missing_left);
        self.tree.children.push([!(leaf as i32), !(self.leaves.len() as i32)]);
        self.tree.gains.push(gain.max(0.0) as f32);
        self.tree.covers.push(self.leaves[leaf][ROWS] as f32);
        self.leaves[leaf] = self.sum(rows.start..middle);
        self.consider(rows.start..middle, depth + 1, Some((node, 0)), leaf);
        self.add_leaf(middle..rows.end, depth + 1, Some((node, 1)));
    }

    /// Brings the rows that go left to the front, keeping the order; returns how many there are.
    fn divide(&mut self, rows: Range<usize>, feature: usize, cut: Cut) -> usize {
        let feature = &self.features[feature];
        let missing = feature.missing_bin();
        let rows = &mut self.rows[rows];
        self.scratch.clear();
        let mut n_left = 0;
        for at in 0..rows.len() {
            let drawn = rows[at];
            let bin = feature.codes[drawn.row as usize];
            let left = if bin == missing { cut.missing_left } else { bin <= cut.bin };
            if left {
                rows[n_left] = drawn;
                n_left += 1;
            } else {
                self.scratch.push(drawn);
            }
        }
        rows[n_left..].copy_from_slice(&self.scratch);
        n_left
    }

    fn finish(self) -> (Tree, Vec<f32>) {
        let mut tree = self.tree;
        let weights = self.leaves.iter().map(|sums| sums[WEIGHT] as f32).collect();
        for sums in &self.leaves {
            self.criterion.value(sums, &mut tree.values);
            tree.leaf_covers.push(sums[ROWS] as f32);
        }
        (tree, weights)
    }
}
