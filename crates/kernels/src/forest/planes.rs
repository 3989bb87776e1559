//! Exit leaves of whole blocks, by bytes: a test of a node is one comparison of byte vectors.
//!
//! The leaves of a tree are numbered from left to right, and a row starts with all of them alive.
//! Every node whose test sends the row right removes the leaves of its left subtree, and the
//! lowest leaf still alive is the exit, whatever the order of the nodes:
//!
//! ```text
//! alive = 111…1
//! for node in tree: if code(x[node.feature]) > node.rank: alive &= !node.left_leaves
//! score += value[lowest bit of alive]
//! ```
//!
//! The bits of `alive` are kept in planes of 8 leaves, one byte per row. A plane is finished by
//! itself with the nodes that have leaves of it on their left, most of which touch one plane only;
//! so the state of all rows stays in registers, and a node costs three vector instructions per 64
//! rows. No branch and no address depends on a row. References: Lucchese et al., "QuickScorer",
//! SIGIR 2015; Ye et al., "RapidScorer", KDD 2018 (here in tree order instead of feature order, so
//! that sums are those of a walk).

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::bytes::x86_64;
use super::bytes::{Bytes, Portable};
use super::codes::Codes;
use super::{Forest, LANES, PART, Step};
use crate::dispatch::{self, Isa};

/// Leaves of a plane.
const BITS: usize = 8;
/// The most leaves: their numbers are bytes.
const MAX_LEAVES: usize = 256;
/// More tests per leaf than this (a chain that goes left) make a walk cheaper.
const MAX_TESTS_PER_LEAF: usize = 8;

/// A forest compiled for blocks.
#[derive(Debug, Clone)]
pub(super) struct Planes {
    pub(super) codes: Codes,
    /// All trees in order.
    pub(super) runs: Vec<Run>,
    /// One per tree; without meaning for walked trees.
    trees: Vec<Tree>,
    /// Ends of the planes of each tree, last plane first.
    ends: Vec<u32>,
    tests: Vec<Test>,
    /// Leaves of each tree from left to right, padded to whole planes.
    values: Vec<f64>,
}

/// Consecutive trees that are evaluated in the same way.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) trees: Range<usize>,
    pub(super) walked: bool,
}

#[derive(Debug, Clone, Default)]
struct Tree {
    ends: Range<usize>,
    /// Where its tests start.
    tests: u32,
    values: usize,
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

impl Planes {
    pub(super) fn new(forest: &Forest) -> Self {
        let mut planes = Self {
            codes: Codes::new(forest.used.len(), &forest.steps),
            runs: Vec::new(),
            trees: Vec::with_capacity(forest.trees.len()),
            ends: Vec::new(),
            tests: Vec::new(),
            values: Vec::new(),
        };
        for (t, walk) in forest.trees.iter().enumerate() {
            let steps = &forest.steps[walk.steps.clone()];
            let tree = planes.push(steps, &forest.values[walk.values..=walk.values + steps.len()]);
            let walked = tree.is_none();
            planes.trees.push(tree.unwrap_or_default());
            match planes.runs.last_mut() {
                Some(run) if run.walked == walked => run.trees.end = t + 1,
                _ => planes.runs.push(Run { trees: t..t + 1, walked }),
            }
        }
        planes
    }

    /// Appends a tree, or returns `None` when it has to be walked.
    fn push(&mut self, steps: &[Step], leaves: &[f64]) -> Option<Tree> {
        if leaves.len() > MAX_LEAVES {
            return None;
        }
        let tests: Vec<(u32, u8)> =
            steps.iter().map(|step| self.codes.test(step)).collect::<Option<_>>()?;
        let left = left_leaves(steps);
        let n_planes = leaves.len().div_ceil(BITS);
        let n_tests: usize =
            left.iter().map(|l| (l.end as usize).div_ceil(BITS) - l.start as usize / BITS).sum();
        if n_tests > MAX_TESTS_PER_LEAF * leaves.len() {
            return None;
        }
        let tree = Tree {
            ends: self.ends.len()..self.ends.len() + n_planes,
            tests: self.tests.len() as u32,
            values: self.values.len(),
        };
        for plane in (0..n_planes).rev() {
            for (left, (row, rank)) in left.iter().zip(&tests) {
                let kill = bits_of(left, plane);
                if kill != 0 {
                    self.tests.push(Test { row: *row, rank: *rank, kill });
                }
            }
            self.ends.push(self.tests.len() as u32);
        }
        self.values.extend(leaves);
        self.values.resize(tree.values + n_planes * BITS, 0.0);
        Some(tree)
    }

    /// Adds trees, none of them walked, to the scores of the first `n_rows` rows; `isa` must be
    /// one that this machine has.
    pub(super) fn add(
        &self,
        isa: Isa,
        trees: Range<usize>,
        codes: &[[u8; LANES]],
        n_rows: usize,
        out: &mut [[f64; LANES]],
    ) {
        assert!(isa <= dispatch::isa(), "the machine has the vector unit");
        // Registers of 128 bits are too few for the state of a whole block.
        let whole = n_rows > LANES - PART && isa > Isa::Portable;
        let parts = if whole { 0..1 } else { 0..n_rows.div_ceil(PART) };
        for first in parts.map(|part| part * PART) {
            let trees = trees.clone();
            match (isa, whole) {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the machine has the vector unit.
                (Isa::Avx512, true) => unsafe { avx512::<4>(self, trees, codes, first, out) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                (Isa::Avx512, false) => unsafe { avx512::<1>(self, trees, codes, first, out) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                (Isa::Avx2, true) => unsafe { avx2::<8>(self, trees, codes, first, out) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                (Isa::Avx2, false) => unsafe { avx2::<2>(self, trees, codes, first, out) },
                // SAFETY: these vectors need nothing.
                _ => unsafe { add::<Portable, 4>(self, trees, codes, first, out) },
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

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn avx512<const K: usize>(
    planes: &Planes,
    trees: Range<usize>,
    codes: &[[u8; LANES]],
    first: usize,
    out: &mut [[f64; LANES]],
) {
    // SAFETY: this function enables the vector unit.
    unsafe { add::<x86_64::Avx512, K>(planes, trees, codes, first, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn avx2<const K: usize>(
    planes: &Planes,
    trees: Range<usize>,
    codes: &[[u8; LANES]],
    first: usize,
    out: &mut [[f64; LANES]],
) {
    // SAFETY: this function enables the vector unit.
    unsafe { add::<x86_64::Avx2, K>(planes, trees, codes, first, out) }
}

/// Adds trees to the scores of the rows `first..first + K * V::N` of a block.
///
/// # Safety
/// The caller enables the vector unit of `V`.
#[inline(always)]
unsafe fn add<V: Bytes, const K: usize>(
    planes: &Planes,
    trees: Range<usize>,
    codes: &[[u8; LANES]],
    first: usize,
    out: &mut [[f64; LANES]],
) {
    let rows = first..first + K * V::N;
    let n_outputs = out.len();
    let mut output = trees.start % n_outputs;
    let mut exits = [0; LANES];
    let exits = &mut exits[..K * V::N];
    for tree in &planes.trees[trees] {
        let values = &planes.values[tree.values..tree.values + tree.ends.len() * BITS];
        // SAFETY: the caller enables the vector unit. The rightmost leaf is never removed, so that
        // every row has an exit: a bit of one of the planes, for each of which there are values.
        unsafe {
            find_exits::<V, K>(planes, tree, codes, first, exits);
            V::add_values(exits, values, &mut out[output][rows.clone()]);
        }
        output = if output + 1 == n_outputs { 0 } else { output + 1 };
    }
}

/// The exit leaves of the rows `first..first + K * V::N`.
///
/// # Safety
/// The caller enables the vector unit of `V`.
#[inline(always)]
unsafe fn find_exits<V: Bytes, const K: usize>(
    planes: &Planes,
    tree: &Tree,
    codes: &[[u8; LANES]],
    first: usize,
    exits: &mut [u8],
) {
    assert!(first + K * V::N <= LANES && exits.len() == K * V::N, "the rows are in the block");
    let ends = &planes.ends[tree.ends.clone()];
    // SAFETY: the caller enables the vector unit; a row of codes has `LANES` bytes, as many as
    // `first + K * V::N` or more, and `exits` has `K * V::N`.
    unsafe {
        // Of the lowest plane with a leaf alive: its first leaf, and the bits of those alive.
        let mut lowest = [[V::splat(0); 2]; K];
        let mut start = tree.tests as usize;
        for (plane, end) in (0..ends.len()).rev().zip(ends) {
            let end = *end as usize;
            let mut alive = [V::splat(u8::MAX); K];
            for test in &planes.tests[start..end] {
                let codes = &codes[test.row as usize];
                let (rank, kill) = (V::splat(test.rank), V::splat(test.kill));
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
