//! Divides the rows of a leaf between its children, in parallel where they are many.

use std::ops::Range;

use modelwright_kernels::entry::Entry;
use modelwright_kernels::partition::{Sides, divide, reverse_into};
use modelwright_kernels::subset::{Subset, divide_by_subset};
use rayon::prelude::*;

use super::bins::BinFeature;
use super::model::LevelSet;

/// Rows of a leaf from which its partition runs in parallel.
const PARALLEL_ROWS: usize = 1 << 15;
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

/// Moves the entries that go left to the front, in order; returns how many they are.
///
/// `scratch` needs as many places as there are entries.
pub fn partition(entries: &mut [Entry], scratch: &mut [Entry], route: Route<'_>) -> usize {
    let divide = |from: &[Entry], to: &mut [Entry]| match &route {
        Route::BySubset(codes, subset) => divide_by_subset(from, to, codes, subset),
        Route::BySides(codes, sides) => divide(from, to, codes, *sides),
    };
    if entries.len() < PARALLEL_ROWS || rayon::current_num_threads() == 1 {
        let n_left = divide(entries, scratch);
        let (left, right) = entries.split_at_mut(n_left);
        left.copy_from_slice(&scratch[..n_left]);
        reverse_into(&scratch[n_left..n_left + right.len()], right);
        return n_left;
    }
    let counts: Vec<usize> = entries
        .par_chunks(CHUNK_ROWS)
        .zip(scratch.par_chunks_mut(CHUNK_ROWS))
        .map(|(from, to)| divide(from, to))
        .collect();
    let n_left = counts.iter().sum();
    let (mut left, mut right) = entries.split_at_mut(n_left);
    let mut copies = Vec::with_capacity(counts.len());
    for (chunk, count) in scratch.chunks(CHUNK_ROWS).zip(&counts) {
        let (to_left, rest) = std::mem::take(&mut left).split_at_mut(*count);
        left = rest;
        let (to_right, rest) = std::mem::take(&mut right).split_at_mut(chunk.len() - count);
        right = rest;
        copies.push((chunk.split_at(*count), to_left, to_right));
    }
    copies.into_par_iter().for_each(|((from_left, from_right), to_left, to_right)| {
        to_left.copy_from_slice(from_left);
        reverse_into(from_right, to_right);
    });
    n_left
}

/// Disjoint parts of `entries`, one per range; ranges ascend and follow each other.
pub fn by_range<'a>(mut entries: &'a mut [Entry], ranges: &[Range<usize>]) -> Vec<&'a mut [Entry]> {
    let mut parts = Vec::with_capacity(ranges.len());
    for range in ranges {
        let (part, rest) = std::mem::take(&mut entries).split_at_mut(range.len());
        parts.push(part);
        entries = rest;
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
