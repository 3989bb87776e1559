//! Predictions of many trees for blocks of rows.
//!
//! Rows come in blocks of [`LANES`], feature after feature. Trees of up to 64 leaves are evaluated
//! without walking: leaves are numbered from left to right, and each inner node owns a mask with
//! zeros for the leaves of its left subtree. A row starts with all leaves alive; every node whose
//! test sends the row right removes its left leaves, and the lowest leaf still alive is the exit:
//!
//! ```text
//! alive = 111…1
//! for node in tree: if x[node.feature] > node.threshold: alive &= node.mask
//! score += value[lowest bit of alive]
//! ```
//!
//! All nodes are visited, but 64 rows at a time with one comparison and one `and` per vector, no
//! branch, and no load that depends on another. Reference: Lucchese et al., "QuickScorer", SIGIR
//! 2015 (here in tree order instead of feature order). Larger trees are walked, 64 rows
//! interleaved; one row alone walks all trees. The order of additions is the same everywhere, so
//! a prediction does not depend on how rows are batched.

use std::ops::Range;

use crate::dispatch::vectorised;

/// Rows of a block.
pub const LANES: usize = 64;

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
    trees: Vec<Compiled>,
    narrow: Vec<Node<u32>>,
    wide: Vec<Node<u64>>,
    walk: Vec<Step>,
    values: Vec<f64>,
}

#[derive(Debug, Clone)]
struct Compiled {
    shape: Shape,
    /// Nodes of the shape's own kind; those that send missing values left come first.
    nodes: Range<usize>,
    n_missing_left: usize,
    /// Inner nodes, then leaves, in `walk`.
    walk: Range<usize>,
    depth: usize,
    /// Where its leaves start in `values`, left to right; there are `shape.leaves()` places.
    values: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Narrow,
    Wide,
    Walk,
}

#[derive(Debug, Clone, Copy)]
struct Node<M> {
    /// Where the feature's lanes start in a block.
    column: u32,
    threshold: f32,
    mask: M,
}

/// A node for walking; a leaf leads to itself.
#[derive(Debug, Clone, Copy)]
struct Step {
    column: u32,
    threshold: f32,
    missing_left: bool,
    next: [u32; 2],
}

impl Forest {
    /// Compiles trees over features `0..n_features`.
    ///
    /// # Panics
    /// If arrays differ in length, a feature is out of range, or a tree is not a tree: every inner
    /// node but the root and every leaf must be the child of exactly one lower-numbered node.
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
            position[*feature as usize] = (i * LANES) as u32;
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

    /// Adds the given trees to the scores of a block of rows; tree `t` belongs to output
    /// `t % out.len()`.
    ///
    /// `block` holds [`LANES`] values of each used feature, feature after feature; NaN is missing.
    ///
    /// # Panics
    /// If the block is too short, `out` is empty, or there are no such trees.
    pub fn add_block(&self, trees: Range<usize>, block: &[f32], out: &mut [[f64; LANES]]) {
        assert!(block.len() >= self.used.len() * LANES, "a block has all used features");
        assert!(!out.is_empty() && trees.end <= self.trees.len(), "outputs and trees exist");
        add_block(self, trees, block, out);
    }

    /// Adds the given trees to the scores of one row; `row` has the used features in order.
    ///
    /// # Panics
    /// As [`Self::add_block`].
    pub fn add_row(&self, trees: Range<usize>, row: &[f32], out: &mut [f64]) {
        assert!(row.len() >= self.used.len(), "a row has all used features");
        let n_outputs = out.len();
        for (t, tree) in self.trees[trees.clone()].iter().enumerate() {
            let steps = &self.walk[tree.walk.clone()];
            let n_inner = steps.len() / 2;
            let mut at = 0;
            while at < n_inner {
                let step = &steps[at];
                at = step.next[usize::from(step.right(row[step.column as usize / LANES]))] as usize;
            }
            out[(trees.start + t) % n_outputs] += self.values[tree.values + at - n_inner];
        }
    }

    fn push(&mut self, tree: &TreeParts<'_>, position: &[u32]) {
        let n = tree.features.len();
        assert!(
            tree.thresholds.len() == n && tree.missing_left.len() == n && tree.children.len() == n,
            "arrays of one length"
        );
        assert_eq!(tree.values.len(), n + 1, "one leaf more than inner nodes");
        let order = Order::of(tree);
        let shape = match n {
            0..32 => Shape::Narrow,
            32..64 => Shape::Wide,
            _ => Shape::Walk,
        };
        let values = self.values.len();
        self.values.extend(order.leaves.iter().map(|leaf| tree.values[*leaf as usize]));
        // Leaves are looked up with a masked index, so that every index must have a place.
        match shape {
            Shape::Narrow => self.values.resize(values + 32, 0.0),
            Shape::Wide => self.values.resize(values + 64, 0.0),
            Shape::Walk => {}
        }
        let by_missing = || {
            let side = |left: bool| (0..n).filter(move |i| tree.missing_left[*i] == left);
            side(true).chain(side(false))
        };
        let column = |i: usize| position[tree.features[i] as usize];
        let nodes = match shape {
            Shape::Narrow => {
                let start = self.narrow.len();
                self.narrow.extend(by_missing().map(|i| Node {
                    column: column(i),
                    threshold: tree.thresholds[i],
                    mask: order.mask(i) as u32,
                }));
                start..self.narrow.len()
            }
            Shape::Wide => {
                let start = self.wide.len();
                self.wide.extend(by_missing().map(|i| Node {
                    column: column(i),
                    threshold: tree.thresholds[i],
                    mask: order.mask(i),
                }));
                start..self.wide.len()
            }
            Shape::Walk => 0..0,
        };
        let start = self.walk.len();
        let place = |child: i32| match usize::try_from(child) {
            Ok(inner) => inner as u32,
            Err(_) => n as u32 + order.rank[!child as usize],
        };
        self.walk.extend((0..n).map(|i| Step {
            column: column(i),
            threshold: tree.thresholds[i],
            missing_left: tree.missing_left[i],
            next: tree.children[i].map(place),
        }));
        let leaf = |i: u32| Step { column: 0, threshold: 0.0, missing_left: false, next: [i, i] };
        self.walk.extend((n as u32..=2 * n as u32).map(leaf));
        self.trees.push(Compiled {
            shape,
            nodes,
            n_missing_left: tree.missing_left.iter().filter(|m| **m).count(),
            walk: start..self.walk.len(),
            depth: order.depth,
            values,
        });
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

/// Leaves from left to right, and for each node the leaves of its left subtree.
struct Order {
    leaves: Vec<u32>,
    /// Position of each leaf in `leaves`.
    rank: Vec<u32>,
    left: Vec<Range<u32>>,
    depth: usize,
}

impl Order {
    fn of(tree: &TreeParts<'_>) -> Self {
        let n = tree.features.len();
        let mut order = Self {
            leaves: Vec::with_capacity(n + 1),
            rank: vec![u32::MAX; n + 1],
            left: vec![0..0; n],
            depth: 0,
        };
        if n == 0 {
            order.visit_leaf(0);
            return order;
        }
        let mut seen = vec![false; n];
        // (node, depth, whether its left subtree is done); a stack, since trees may be deep.
        let mut stack = vec![(0_usize, 1_usize, false)];
        while let Some((node, depth, left_done)) = stack.pop() {
            if left_done {
                order.left[node].end = order.leaves.len() as u32;
            } else {
                assert!(!std::mem::replace(&mut seen[node], true), "a node has one parent");
                order.left[node].start = order.leaves.len() as u32;
                order.depth = order.depth.max(depth);
                stack.push((node, depth, true));
            }
            let child = tree.children[node][usize::from(left_done)];
            match usize::try_from(child) {
                Ok(inner) => {
                    assert!(inner > node && inner < n, "children come after their parent");
                    stack.push((inner, depth + 1, false));
                }
                Err(_) => order.visit_leaf(!child as u32),
            }
        }
        assert_eq!(order.leaves.len(), n + 1, "every leaf is reached");
        order
    }

    fn visit_leaf(&mut self, leaf: u32) {
        assert_eq!(self.rank[leaf as usize], u32::MAX, "a leaf has one parent");
        self.rank[leaf as usize] = self.leaves.len() as u32;
        self.leaves.push(leaf);
    }

    fn mask(&self, node: usize) -> u64 {
        let bits = |n: u32| 1_u64.checked_shl(n).map_or(u64::MAX, |b| b - 1);
        !(bits(self.left[node].end) & !bits(self.left[node].start))
    }
}

vectorised! {
    fn add_block(
        forest: &Forest,
        trees: Range<usize>,
        block: &[f32],
        out: &mut [[f64; LANES]],
    ) = add_block_generic
}

#[inline(always)]
fn add_block_generic(
    forest: &Forest,
    trees: Range<usize>,
    block: &[f32],
    out: &mut [[f64; LANES]],
) {
    let n_outputs = out.len();
    let mut output = trees.start % n_outputs;
    for tree in &forest.trees[trees] {
        let out = &mut out[output];
        output = if output + 1 == n_outputs { 0 } else { output + 1 };
        match tree.shape {
            Shape::Narrow => narrow(forest, tree, block, out),
            Shape::Wide => wide(forest, tree, block, out),
            Shape::Walk => walk(forest, tree, block, out),
        }
    }
}

macro_rules! masked {
    ($name:ident, $nodes:ident, $mask:ty, $places:literal) => {
        #[inline(always)]
        fn $name(forest: &Forest, tree: &Compiled, block: &[f32], out: &mut [f64; LANES]) {
            let mut alive = [<$mask>::MAX; LANES];
            let nodes = &forest.$nodes[tree.nodes.clone()];
            let (missing_left, missing_right) = nodes.split_at(tree.n_missing_left);
            for node in missing_left {
                let x = lanes(block, node.column);
                for (alive, x) in alive.iter_mut().zip(x) {
                    *alive &= if *x > node.threshold { node.mask } else { <$mask>::MAX };
                }
            }
            for node in missing_right {
                let x = lanes(block, node.column);
                for (alive, x) in alive.iter_mut().zip(x) {
                    *alive &= if below(*x, node.threshold) { <$mask>::MAX } else { node.mask };
                }
            }
            let values: &[f64; $places] =
                forest.values[tree.values..].first_chunk().expect("values are padded");
            for (out, alive) in out.iter_mut().zip(alive) {
                *out += values[alive.trailing_zeros() as usize & ($places - 1)];
            }
        }
    };
}

masked!(narrow, narrow, u32, 32);
masked!(wide, wide, u64, 64);

#[inline(always)]
fn lanes(block: &[f32], column: u32) -> &[f32; LANES] {
    block[column as usize..].first_chunk().expect("the block has all used features")
}

#[inline(always)]
fn walk(forest: &Forest, tree: &Compiled, block: &[f32], out: &mut [f64; LANES]) {
    let steps = &forest.walk[tree.walk.clone()];
    let n_inner = steps.len() / 2;
    let mut at = [0_u32; LANES];
    for _ in 0..tree.depth {
        let mut inner = false;
        for (lane, at) in at.iter_mut().enumerate() {
            // SAFETY: `at` is 0 or a `next` of this tree; `push` makes those from checked children
            // only, all below `steps.len()`. A column plus a lane is below `used * LANES`, which
            // `add_block` has checked to be in the block (a tree that is walked uses a feature).
            let (step, x) = unsafe {
                let step = steps.get_unchecked(*at as usize);
                (step, *block.get_unchecked(step.column as usize + lane))
            };
            *at = step.next[usize::from(step.right(x))];
            inner |= (*at as usize) < n_inner;
        }
        if !inner {
            break;
        }
    }
    let values = &forest.values[tree.values..];
    for (out, at) in out.iter_mut().zip(at) {
        *out += values[at as usize - n_inner];
    }
}

#[cfg(test)]
#[path = "forest_tests.rs"]
mod tests;
