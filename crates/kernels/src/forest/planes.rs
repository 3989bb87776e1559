//! Exit leaves of whole blocks, by bytes: a test of a node is one comparison of byte vectors.
//!
//! The leaves of a tree are numbered from left to right, and a row starts with all of them alive.
//! Every node whose test sends the row right removes the leaves of its left subtree, and the
//! lowest leaf still alive is the exit, whatever the order of the nodes:
//!
//! ```text
//! alive = 111…1
//! for node in tree: if code(x[node.feature]) > node.rank: alive &= !node.left_leaves
//! exit = lowest bit of alive
//! ```
//!
//! The bits of `alive` are kept in planes of 8 leaves, one byte per row. A plane is finished by
//! itself with the nodes that have leaves of it on their left, most of which touch one plane only;
//! so the state of all rows stays in registers, and a node costs two or three vector instructions
//! per 64 rows. No branch and no address depends on a row. References: Lucchese et al.,
//! "QuickScorer", SIGIR 2015; Ye et al., "RapidScorer", KDD 2018 (here in tree order instead of
//! feature order, so that sums are those of a walk).

use std::ops::Range;

use super::LANES;
use super::bytes::Bytes;
use super::codes::Codes;
use super::shape::Step;

/// Leaves of a plane.
const BITS: usize = 8;
/// The most leaves: their numbers are bytes.
pub(super) const MAX_LEAVES: usize = 256;
/// More tests per leaf than this (a chain that goes left) make a walk cheaper.
const MAX_TESTS_PER_LEAF: usize = 8;

/// The tests of all trees whose exits are found by planes.
#[derive(Debug, Clone, Default)]
pub(super) struct Planes {
    trees: Vec<Tree>,
    /// Ends of the planes of each tree, last plane first.
    ends: Vec<u32>,
    tests: Vec<Test>,
}

#[derive(Debug, Clone)]
struct Tree {
    ends: Range<usize>,
    /// Where its tests start.
    tests: usize,
}

/// What a node does to one plane.
#[derive(Debug, Clone, Copy)]
struct Test {
    /// Row of codes.
    row: u32,
    rank: u8,
    /// The leaves of the plane that die when the code is above the rank.
    kill: u8,
}

/// Whether a tree's exits can be found, and are best found, by planes.
pub(super) fn suits(steps: &[Step]) -> bool {
    let n_leaves = steps.len() + 1;
    n_leaves <= MAX_LEAVES && {
        let tests = |l: &Range<u32>| (l.end as usize).div_ceil(BITS) - l.start as usize / BITS;
        let n_tests: usize = left_leaves(steps).iter().map(tests).sum();
        n_tests <= MAX_TESTS_PER_LEAF * n_leaves
    }
}

impl Planes {
    /// Appends a tree that [`suits`] and whose tests are in `codes`; returns its number.
    pub(super) fn push(&mut self, steps: &[Step], codes: &Codes) -> u32 {
        let left = left_leaves(steps);
        let n_planes = (steps.len() + 1).div_ceil(BITS);
        let ends = self.ends.len()..self.ends.len() + n_planes;
        self.trees.push(Tree { ends, tests: self.tests.len() });
        let tests: Vec<(u32, u8)> = steps.iter().map(|step| codes.test(step)).collect();
        for plane in (0..n_planes).rev() {
            for (left, (row, rank)) in left.iter().zip(&tests) {
                let kill = bits_of(left, plane);
                if kill != 0 {
                    self.tests.push(Test { row: *row, rank: *rank, kill });
                }
            }
            self.ends.push(self.tests.len() as u32);
        }
        self.trees.len() as u32 - 1
    }

    /// The exit leaves of the rows `first..first + K * V::N`: each is a leaf of the tree.
    ///
    /// # Safety
    /// The caller enables the vector unit of `V`.
    #[inline(always)]
    pub(super) unsafe fn find_exits<V: Bytes, const K: usize>(
        &self,
        tree: u32,
        codes: &[[u8; LANES]],
        first: usize,
        exits: &mut [u8],
    ) {
        assert!(first + K * V::N <= LANES && exits.len() == K * V::N, "the rows are in the block");
        let tree = &self.trees[tree as usize];
        let ends = &self.ends[tree.ends.clone()];
        // SAFETY: the caller enables the vector unit; a row of codes has `LANES` bytes, as many as
        // `first + K * V::N` or more, and `exits` has `K * V::N`. The rightmost leaf is never
        // removed, so that every row has an exit.
        unsafe {
            // Of the lowest plane with a leaf alive: its first leaf, and the bits of those alive.
            let mut lowest = [[V::splat(0); 2]; K];
            let mut start = tree.tests;
            for (plane, end) in (0..ends.len()).rev().zip(ends) {
                let end = *end as usize;
                let mut alive = [V::splat(u8::MAX); K];
                for test in &self.tests[start..end] {
                    let codes = &codes[test.row as usize];
                    let (rank, kill) = (V::splat(test.rank), V::kill(test.kill));
                    for (k, alive) in alive.iter_mut().enumerate() {
                        let codes = V::load(codes.get_unchecked(first + k * V::N..));
                        *alive = alive.without(kill, codes, rank);
                    }
                }
                start = end;
                let base = V::splat((plane * BITS) as u8);
                for (lowest, alive) in lowest.iter_mut().zip(alive) {
                    *lowest = V::choose(alive, [base, alive], *lowest);
                }
            }
            for ([base, alive], exits) in lowest.into_iter().zip(exits.chunks_exact_mut(V::N)) {
                base.plus(alive.lowest_bit()).store(exits);
            }
        }
    }
}

/// The leaves of the left subtree of each node.
fn left_leaves(steps: &[Step]) -> Vec<Range<u32>> {
    let n = steps.len() as u32;
    let mut all = vec![0..0; steps.len()];
    let mut left = all.clone();
    // Children come after their parents.
    for (node, step) in steps.iter().enumerate().rev() {
        let [l, r] = step.next.map(|next| match next.checked_sub(n) {
            Some(leaf) => leaf..leaf + 1,
            None => all[next as usize].clone(),
        });
        all[node] = l.start..r.end;
        left[node] = l;
    }
    left
}

/// The leaves of a plane that are in the range, as bits.
fn bits_of(leaves: &Range<u32>, plane: usize) -> u8 {
    let bits = |n: u32| ((1_u32 << n.saturating_sub((plane * BITS) as u32).min(8)) - 1) as u8;
    bits(leaves.end) & !bits(leaves.start)
}
