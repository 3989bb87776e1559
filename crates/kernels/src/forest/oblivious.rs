//! Exit leaves of trees in which all nodes of a level make the same test.
//!
//! Such a tree of depth `d` is a table of `2^d` values: the results of its `d` tests, the root's
//! first, are the bits of the leaf's number. A level costs one comparison and one masked addition
//! of byte vectors, whatever the number of its nodes. Reference: Dorogush et al., "CatBoost:
//! gradient boosting with categorical features support", 2018, section 4.

use std::ops::Range;

use super::LANES;
use super::bytes::Bytes;
use super::codes::Codes;
use super::shape::Step;

/// The most levels whose results fit a byte; those above them are taken as a tree of their own.
pub(super) const BYTE_LEVELS: usize = 8;
/// The deepest tree.
const MAX_DEPTH: usize = 2 * BYTE_LEVELS;

/// The tests of all oblivious trees.
#[derive(Debug, Clone, Default)]
pub(super) struct Oblivious {
    trees: Vec<Range<usize>>,
    tests: Vec<Test>,
}

#[derive(Debug, Clone, Copy)]
struct Test {
    /// Row of codes.
    row: u32,
    rank: u8,
    /// The bit of the leaf's number that is set when the code is above the rank.
    bit: u8,
}

/// The one step that all nodes of each level repeat; `None` if they do not, or the tree is not full
/// or too deep.
pub(super) fn levels(steps: &[Step]) -> Option<Vec<Step>> {
    let depth = steps.len().count_ones() as usize;
    if steps.is_empty() || depth > MAX_DEPTH || steps.len() + 1 != 1 << depth {
        return None;
    }
    let mut level = vec![0_u32];
    let mut found = Vec::with_capacity(depth);
    for _ in 0..depth {
        let first = *steps.get(level[0] as usize)?;
        let mut next = Vec::with_capacity(2 * level.len());
        for node in level {
            let step = steps.get(node as usize).filter(|step| step.is_same_test(&first))?;
            next.extend(step.next);
        }
        level = next;
        found.push(first);
    }
    // As many leaves as the last level has places: the tree is full.
    level.iter().all(|node| *node as usize >= steps.len()).then_some(found)
}

impl Oblivious {
    /// Appends a tree by its [`levels`], at most [`BYTE_LEVELS`], whose tests are in `codes`;
    /// returns its number.
    pub(super) fn push(&mut self, levels: &[Step], codes: &Codes) -> u32 {
        let start = self.tests.len();
        for (level, step) in levels.iter().enumerate() {
            let (row, rank) = codes.test(step);
            self.tests.push(Test { row, rank, bit: 1 << (levels.len() - 1 - level) });
        }
        self.trees.push(start..self.tests.len());
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
        // SAFETY: the caller enables the vector unit; a row of codes has `LANES` bytes, as many as
        // `first + K * V::N` or more, and `exits` has `K * V::N`.
        unsafe {
            let mut exit = [V::splat(0); K];
            for test in &self.tests[self.trees[tree as usize].clone()] {
                let codes = &codes[test.row as usize];
                let (rank, bit) = (V::splat(test.rank), V::splat(test.bit));
                for (k, exit) in exit.iter_mut().enumerate() {
                    let codes = V::load(codes.get_unchecked(first + k * V::N..));
                    *exit = exit.with(bit, codes, rank);
                }
            }
            for (exit, exits) in exit.into_iter().zip(exits.chunks_exact_mut(V::N)) {
                exit.store(exits);
            }
        }
    }
}
