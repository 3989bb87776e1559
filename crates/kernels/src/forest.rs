//! Predictions of many trees for blocks of rows.
//!
//! A block has [`LANES`] rows. Trees of up to 256 leaves are evaluated without walking, in two
//! steps: [`codes`] replaces each value by the number of thresholds below it, one byte, once per
//! block; [`planes`] compares bytes and finds the exit leaf of all rows of a tree at once. What
//! does not fit (a larger tree, a feature with more thresholds than a byte can count) is walked,
//! a block of rows interleaved; one row alone walks all trees.
//!
//! The order of additions is the same everywhere, so a prediction does not depend on how rows are
//! batched, nor on the vector unit.

mod bytes;
mod codes;
mod order;
mod planes;

use std::ops::Range;
use std::sync::OnceLock;

use crate::dispatch::isa;
use order::Order;
use planes::Planes;

/// Rows of a block.
pub const LANES: usize = 256;
/// Rows of a part: a block that is not full is evaluated part by part.
const PART: usize = 64;

/// A tree as flat arrays: the entry `i` of each describes inner node `i`; node 0 is the root.
#[derive(Debug, Clone, Copy)]
pub struct TreeParts<'a> {
    /// The feature that is tested.
    pub features: &'a [u32],
    /// A value at most this goes left.
    pub thresholds: &'a [f32],
    /// Whether a missing value goes left.
    pub missing_left: &'a [bool],
    /// Left and right child: an inner node above this one, or `!leaf`.
    pub children: &'a [[i32; 2]],
    /// The value of each leaf, one more than there are inner nodes.
    pub values: &'a [f64],
}

/// Trees compiled for prediction.
#[derive(Debug, Clone, Default)]
pub struct Forest {
    used: Vec<u32>,
    trees: Vec<Walk>,
    steps: Vec<Step>,
    /// Leaf values of all trees, those of one from left to right.
    values: Vec<f64>,
    /// Compiled when the first block comes: single rows never need them.
    planes: OnceLock<Planes>,
}

/// Rows on their way through a forest; made by [`Forest::block`] and used again and again.
#[derive(Debug)]
pub struct Block {
    values: Vec<[f32; LANES]>,
    codes: Vec<[u8; LANES]>,
}

/// Where a tree lies in the forest.
#[derive(Debug, Clone)]
struct Walk {
    /// One per inner node, in the tree's own order.
    steps: Range<usize>,
    depth: usize,
    /// Where its leaves start in `values`.
    values: usize,
}

/// An inner node.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Position among the used features.
    column: u32,
    threshold: f32,
    missing_left: bool,
    /// Inner nodes of the tree, or their number plus a leaf's position from the left.
    next: [u32; 2],
}

impl Block {
    /// The values of one used feature, for the caller to fill; NaN is missing.
    ///
    /// # Panics
    /// If there are not so many used features.
    pub fn column_mut(&mut self, column: usize) -> &mut [f32; LANES] {
        &mut self.values[column]
    }
}

impl Forest {
    /// Compiles trees over features `0..n_features`.
    ///
    /// # Panics
    /// If arrays differ in length, a feature is out of range, a threshold is not a number, or a
    /// tree is not a tree: every inner node but the root and every leaf must be the child of
    /// exactly one lower-numbered node.
    pub fn new<'a>(n_features: usize, trees: impl Iterator<Item = TreeParts<'a>> + Clone) -> Self {
        let mut position = vec![u32::MAX; n_features];
        for tree in trees.clone() {
            for feature in tree.features {
                position[*feature as usize] = 0;
            }
        }
        let used: Vec<u32> =
            (0..n_features as u32).filter(|f| position[*f as usize] == 0).collect();
        for (i, feature) in used.iter().enumerate() {
            position[*feature as usize] = i as u32;
        }
        let mut forest = Self { used, ..Self::default() };
        for tree in trees {
            forest.push(&tree, &position);
        }
        forest
    }

    /// The features that occur, ascending: the columns of a block, in this order.
    pub fn used_features(&self) -> &[u32] {
        &self.used
    }

    /// How many trees there are.
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// Memory for a block of rows.
    pub fn block(&self) -> Block {
        Block {
            values: vec![[0.0; LANES]; self.used.len()],
            codes: vec![[0; LANES]; self.planes().codes.n_rows()],
        }
    }

    /// Adds all trees to the scores of the first `n_rows` rows of a block (other scores end as
    /// anything); tree `t` belongs to output `t % out.len()`.
    ///
    /// # Panics
    /// If the block is another forest's, has fewer rows, or `out` is empty.
    pub fn add_block(&self, block: &mut Block, n_rows: usize, out: &mut [[f64; LANES]]) {
        let planes = self.planes();
        assert_eq!(block.values.len(), self.used.len(), "a block has all used features");
        assert_eq!(block.codes.len(), planes.codes.n_rows(), "a block has all rows of codes");
        assert!(n_rows <= LANES && !out.is_empty(), "rows and outputs exist");
        planes.codes.encode(&block.values, n_rows, &mut block.codes);
        let n_outputs = out.len();
        for run in &planes.runs {
            if run.walked {
                for t in run.trees.clone() {
                    self.walk(&self.trees[t], &block.values, n_rows, &mut out[t % n_outputs]);
                }
            } else {
                planes.add(isa(), run.trees.clone(), &block.codes, n_rows, out);
            }
        }
    }

    /// Adds all trees to the scores of one row; `row` has the used features in order, tree `t`
    /// belongs to output `t % out.len()`.
    ///
    /// # Panics
    /// If the row is too short or `out` is empty.
    pub fn add_row(&self, row: &[f32], out: &mut [f64]) {
        assert!(row.len() >= self.used.len(), "a row has all used features");
        let n_outputs = out.len();
        for (t, tree) in self.trees.iter().enumerate() {
            let steps = &self.steps[tree.steps.clone()];
            let mut at = 0;
            while let Some(step) = steps.get(at) {
                at = step.next[usize::from(step.right(row[step.column as usize]))] as usize;
            }
            out[t % n_outputs] += self.values[tree.values + at - steps.len()];
        }
    }

    fn planes(&self) -> &Planes {
        self.planes.get_or_init(|| Planes::new(self))
    }

    fn push(&mut self, tree: &TreeParts<'_>, position: &[u32]) {
        let n = tree.features.len();
        assert!(
            tree.thresholds.len() == n && tree.missing_left.len() == n && tree.children.len() == n,
            "arrays of one length"
        );
        assert_eq!(tree.values.len(), n + 1, "one leaf more than inner nodes");
        assert!(!tree.thresholds.iter().any(|t| t.is_nan()), "thresholds are numbers");
        let order = Order::of(tree.children);
        let values = self.values.len();
        self.values.extend(order.leaves.iter().map(|leaf| tree.values[*leaf as usize]));
        let place = |child: i32| match usize::try_from(child) {
            Ok(inner) => inner as u32,
            Err(_) => n as u32 + order.rank[!child as usize],
        };
        let start = self.steps.len();
        self.steps.extend((0..n).map(|i| Step {
            column: position[tree.features[i] as usize],
            threshold: tree.thresholds[i],
            missing_left: tree.missing_left[i],
            next: tree.children[i].map(place),
        }));
        self.trees.push(Walk { steps: start..self.steps.len(), depth: order.depth, values });
    }

    fn walk(&self, tree: &Walk, values: &[[f32; LANES]], n_rows: usize, out: &mut [f64; LANES]) {
        let steps = &self.steps[tree.steps.clone()];
        let mut at = [0_u32; LANES];
        for _ in 0..tree.depth {
            let mut inner = false;
            for (lane, at) in at[..n_rows].iter_mut().enumerate() {
                let Some(step) = steps.get(*at as usize) else { continue };
                let x = values[step.column as usize][lane];
                *at = step.next[usize::from(step.right(x))];
                inner = true;
            }
            if !inner {
                break;
            }
        }
        let leaves = &self.values[tree.values..];
        for (out, at) in out[..n_rows].iter_mut().zip(at) {
            *out += leaves[at as usize - steps.len()];
        }
    }
}

impl Step {
    #[inline(always)]
    fn right(&self, x: f32) -> bool {
        if self.missing_left { x > self.threshold } else { !below(x, self.threshold) }
    }
}

/// `x <= threshold`, false for NaN; a name of its own because `!(a <= b)` reads like a slip.
#[inline(always)]
fn below(x: f32, threshold: f32) -> bool {
    x <= threshold
}

#[cfg(test)]
#[path = "forest_tests.rs"]
mod tests;
