//! Divides the rows of a leaf between its children, in parallel where they are many.

use std::ops::Range;

use modelwright_kernels::entry::Entry;
use modelwright_kernels::partition::{Sides, divide};
use modelwright_kernels::subset::{Subset, divide_by_subset};
use rayon::prelude::*;

use super::bins::BinFeature;
use super::model::LevelSet;

/// Rows of a leaf from which its partition runs in parallel.
const PARALLEL_ROWS: usize = 1 << 16;
/// Rows of a chunk of a parallel partition.
const CHUNK_ROWS: usize = 1 << 13;

/// A question to a row's bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The last bin that goes left.
    pub bin: u8,
    /// Whether missing values go left.
    pub missing_left: bool,
    /// The bins that go left, instead of the two answers above.
    pub subset: Option<Subset>,
}

/// A test as an operation on the codes of rows, one byte each.
#[derive(Debug, Clone, Copy)]
pub enum Route<'a> {
    /// Codes up to a cut go left.
    BySides(&'a [u8], Sides),
    /// The codes of a subset go left.
    BySubset(&'a [u8], Subset),
}

impl Route<'_> {
    /// The entries that go left to the front of `to` in order, the others to its back in reverse.
    fn divide(&self, from: &[Entry], to: &mut [Entry]) -> usize {
        match self {
            Self::BySubset(codes, subset) => divide_by_subset(from, to, codes, subset),
            Self::BySides(codes, sides) => divide(from, to, codes, *sides),
        }
    }
}

/// Moves the entries that go left to the front, in order, and the others to the back in reverse
/// order: into `to`, or, where there are many, into `from` itself. Returns how many went left, and
/// whether all of them moved into `to`; else `to` may hold anything.
///
/// Nothing comes home to its old order: rows that ascend or descend go on doing so on the left, and
/// turn round on the right.
pub fn partition(from: &mut [Entry], to: &mut [Entry], route: Route<'_>) -> (usize, bool) {
    let divide = |from: &[Entry], to: &mut [Entry]| route.divide(from, to);
    if !is_shared(from.len()) {
        return (divide(from, to), true);
    }
    let (counts, n_left) = divide_chunks(from, to, divide);
    let (mut left, mut right) = from.split_at_mut(n_left);
    let mut copies = Vec::with_capacity(counts.len());
    for (chunk, count) in to.chunks(CHUNK_ROWS).zip(&counts) {
        let (to_left, rest) = std::mem::take(&mut left).split_at_mut(*count);
        left = rest;
        let free = right.len() - (chunk.len() - count);
        let (rest, to_right) = std::mem::take(&mut right).split_at_mut(free);
        right = rest;
        copies.push((chunk.split_at(*count), to_left, to_right));
    }
    copies.into_par_iter().for_each(|((from_left, from_right), to_left, to_right)| {
        to_left.copy_from_slice(from_left);
        to_right.copy_from_slice(from_right);
    });
    (n_left, false)
}

/// Whether threads share the work on so many entries.
fn is_shared(n_entries: usize) -> bool {
    n_entries >= PARALLEL_ROWS && rayon::current_num_threads() > 1
}

/// Divides chunk by chunk, in parallel; returns how many went left in each, and in all.
fn divide_chunks(
    from: &[Entry],
    to: &mut [Entry],
    divide: impl Fn(&[Entry], &mut [Entry]) -> usize + Sync,
) -> (Vec<usize>, usize) {
    let chunks = from.par_chunks(CHUNK_ROWS).zip(to.par_chunks_mut(CHUNK_ROWS));
    let counts: Vec<usize> = chunks.map(|(from, to)| divide(from, to)).collect();
    let n_left = counts.iter().sum();
    (counts, n_left)
}

/// Disjoint parts of `entries`, one per range; ranges ascend and do not overlap.
pub fn by_range<'a>(mut entries: &'a mut [Entry], ranges: &[Range<usize>]) -> Vec<&'a mut [Entry]> {
    let mut done = 0;
    let mut parts = Vec::with_capacity(ranges.len());
    for range in ranges {
        let (_, rest) = std::mem::take(&mut entries).split_at_mut(range.start - done);
        let (part, rest) = rest.split_at_mut(range.len());
        parts.push(part);
        entries = rest;
        done = range.end;
    }
    parts
}

/// The levels of a subset of bins, as a tree keeps them; the missing bin is no level.
pub fn levels(node: usize, feature: &BinFeature<'_>, subset: &Subset) -> LevelSet {
    let mut words = subset.to_vec();
    let missing = feature.missing_bin();
    words[usize::from(missing / 64)] &= !(1 << (missing % 64));
    while words.last() == Some(&0) {
        words.pop();
    }
    LevelSet { node: node as u32, words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_threads_share_them_or_not_entries_end_in_the_same_order() {
        for n in [0, 1, 9, PARALLEL_ROWS - 1, PARALLEL_ROWS, 3 * PARALLEL_ROWS + 77] {
            let codes: Vec<u8> =
                (0..n).map(|i| (i.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
            let sides = Sides { cut: 90, missing: 255, missing_left: true };
            let route = Route::BySides(&codes, sides);
            let mut wanted: Vec<Entry> = Vec::new();
            let all = 0..n as u64;
            wanted.extend(all.clone().filter(|e| sides.goes_left(codes[*e as usize])));
            let n_wanted = wanted.len();
            wanted.extend(all.clone().rev().filter(|e| !sides.goes_left(codes[*e as usize])));
            for n_threads in [1, 2, 4] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
                let (mut from, mut to): (Vec<Entry>, _) = (all.clone().collect(), vec![0; n]);
                let (n_left, moved) = pool.install(|| partition(&mut from, &mut to, route));
                let found = if moved { &to } else { &from };
                assert_eq!((n_left, found), (n_wanted, &wanted), "{n} on {n_threads}");
            }
        }
    }
}
