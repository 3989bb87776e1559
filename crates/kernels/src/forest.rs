//! Predictions of many trees for blocks of rows, and for single rows.
//!
//! A block has [`LANES`] rows. Trees of up to 256 leaves are evaluated without walking, in three
//! steps: [`codes`] replaces each value by the number of thresholds below it, one byte, once per
//! block; [`planes`], or [`oblivious`] for trees whose levels make one test each, compares bytes
//! and finds the exit leaf of all rows of a tree at once; [`leaves`] looks up their values. Larger
//! trees are walked, a block of rows interleaved. A single row walks many trees side by side
//! ([`single`]).
//!
//! The order of additions is the same everywhere, from the first tree to the last and in f64, so
//! that a prediction does not depend on how rows are batched, nor on the vector unit.

mod bytes;
mod codes;
mod compiled;
mod leaves;
mod levels;
mod oblivious;
mod order;
mod planes;
mod search;
mod sets;
mod shape;
mod single;

use std::ops::Range;
use std::sync::OnceLock;

use compiled::Compiled;
use shape::Shapes;
use single::Single;

/// Rows of a block.
pub const LANES: usize = 256;
/// Rows of a part: a block that is not full is evaluated part by part.
const PART: usize = 64;

/// A tree as flat arrays: the entry `i` of each describes inner node `i`; node 0 is the root.
#[derive(Debug, Clone, Default)]
pub struct TreeParts<'a> {
    /// The feature that is tested.
    pub features: &'a [u32],
    /// A value at most this goes left; without meaning at a node with a set.
    pub thresholds: &'a [f32],
    /// Whether a missing value goes left.
    pub missing_left: &'a [bool],
    /// Left and right child: an inner node above this one, or `!leaf`.
    pub children: &'a [[i32; 2]],
    /// The values of each leaf, one more than there are inner nodes: one number for each, or one
    /// per output for each.
    pub values: &'a [f64],
    /// Nodes that test levels: a value goes left when it is a whole number `v` that is not
    /// negative, and bit `v % 64` of word `v / 64` is set.
    pub sets: Vec<(u32, &'a [u64])>,
    /// Linear functions of the leaves: none, or a constant and features with coefficients for each
    /// leaf. A row in which one of the features is missing gets the leaf's plain value.
    pub linear: Vec<(f64, &'a [(u32, f64)])>,
}

/// Trees compiled for prediction.
///
/// A tree with one number per leaf belongs to one output: tree `t` to output `t % n_outputs`. One
/// with several has a number for each output.
#[derive(Debug, Clone, Default)]
pub struct Forest {
    used: Vec<u32>,
    shapes: Shapes,
    /// Compiled when the first block comes: single rows never need them.
    compiled: OnceLock<Compiled>,
    /// Compiled when the first single row comes.
    single: OnceLock<Single>,
}

/// Rows on their way through a forest; made by [`Forest::block`] and used again and again.
#[derive(Debug)]
pub struct Block {
    values: Vec<[f32; LANES]>,
    codes: Vec<[u8; LANES]>,
    /// The chapter that the codes are of, and for how many rows.
    encoded: Option<(usize, usize)>,
}

/// A row on its way through a forest; made by [`Forest::row`] and used again and again.
#[derive(Debug, Clone)]
pub struct Row {
    values: Vec<f32>,
    keys: Vec<i32>,
}

impl Block {
    /// The values of one used feature, for the caller to fill; NaN is missing.
    ///
    /// # Panics
    /// If there are not so many used features.
    pub fn column_mut(&mut self, column: usize) -> &mut [f32; LANES] {
        self.encoded = None;
        &mut self.values[column]
    }
}

impl Row {
    /// The values of the used features, for the caller to fill; NaN is missing.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
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
            let terms = tree.linear.iter().flat_map(|(_, terms)| terms.iter().map(|(f, _)| f));
            for feature in tree.features.iter().chain(terms) {
                position[*feature as usize] = 0;
            }
        }
        let used: Vec<u32> =
            (0..n_features as u32).filter(|f| position[*f as usize] == 0).collect();
        for (i, feature) in used.iter().enumerate() {
            position[*feature as usize] = i as u32;
        }
        let mut shapes = Shapes::default();
        for tree in trees {
            shapes.push(&tree, &position);
        }
        Self { used, shapes, ..Self::default() }
    }

    /// The features that occur, ascending: the columns of a block, in this order.
    pub fn used_features(&self) -> &[u32] {
        &self.used
    }

    /// How many trees there are.
    pub fn n_trees(&self) -> usize {
        self.shapes.trees.len()
    }

    /// Memory for a block of rows.
    pub fn block(&self) -> Block {
        Block {
            values: vec![[0.0; LANES]; self.used.len()],
            codes: vec![[0; LANES]; self.compiled().n_code_rows()],
            encoded: None,
        }
    }

    /// Memory for a single row.
    pub fn row(&self) -> Row {
        Row { values: vec![0.0; self.used.len()], keys: vec![0; self.single().n_keys()] }
    }

    /// Adds trees to the scores of the first `n_rows` rows of a block, one array per output (other
    /// scores end as anything).
    ///
    /// # Panics
    /// If the block is another forest's, has fewer rows, there are fewer trees, or `out` has not
    /// as many outputs as the trees.
    pub fn add_block(
        &self,
        block: &mut Block,
        n_rows: usize,
        trees: Range<usize>,
        out: &mut [[f64; LANES]],
    ) {
        self.check(block, n_rows, &trees);
        assert!(!out.is_empty(), "outputs exist");
        self.compiled().add(&self.shapes, trees, block, n_rows, out);
    }

    /// The leaves in which the first `n_rows` rows of a block end, one array per tree of `trees`
    /// (other entries end as anything).
    ///
    /// # Panics
    /// If the block is another forest's, has fewer rows, or `out` has not as many arrays as there
    /// are trees.
    pub fn leaves(
        &self,
        block: &mut Block,
        n_rows: usize,
        trees: Range<usize>,
        out: &mut [[u32; LANES]],
    ) {
        self.check(block, n_rows, &trees);
        assert_eq!(out.len(), trees.len(), "one array per tree");
        self.compiled().exits(&self.shapes, trees.clone(), block, n_rows, out);
        for (tree, out) in self.shapes.trees[trees].iter().zip(out) {
            let numbers = &self.shapes.leaf_numbers[tree.leaves..tree.leaves + tree.n_leaves()];
            for exit in &mut out[..n_rows] {
                *exit = numbers[*exit as usize];
            }
        }
    }

    /// Adds trees to the scores of one row. Allocates nothing.
    ///
    /// # Panics
    /// If the row is another forest's, there are fewer trees, or `out` has not as many outputs as
    /// the trees.
    pub fn add_row(&self, row: &mut Row, trees: Range<usize>, out: &mut [f64]) {
        assert!(trees.end <= self.n_trees() && !out.is_empty(), "trees and outputs exist");
        self.single().add(&self.shapes, trees, &row.values, &mut row.keys, out);
    }

    fn check(&self, block: &Block, n_rows: usize, trees: &Range<usize>) {
        assert_eq!(block.values.len(), self.used.len(), "a block has all used features");
        assert_eq!(block.codes.len(), self.compiled().n_code_rows(), "a block has all codes");
        assert!(n_rows <= LANES && trees.end <= self.n_trees(), "rows and trees exist");
    }

    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| Compiled::new(bytes::unit(), &self.shapes))
    }

    fn single(&self) -> &Single {
        self.single.get_or_init(|| Single::new(self.used.len(), &self.shapes))
    }
}

#[cfg(test)]
#[path = "forest_tests.rs"]
mod tests;
