//! The histograms of two siblings and their best splits, in one pass over the blocks.
//!
//! Only the smaller child is summed from its rows; the larger one is its parent minus it, exactly.
//! Per block: sum, subtract, find the best cuts of both children while their sums are in cache.
//! Blocks run in parallel; a block of many rows is divided into chunks of rows as well, whose
//! integer sums add up to the same bits in any division.

use std::ops::Range;

use modelwright_kernels::entry::Entry;
use modelwright_kernels::histogram::subtract;
use rayon::prelude::*;

use super::bins::TrainBins;
use super::block::Block;
use super::split::{LeafSums, Split, SplitRule, better};

/// Updates below which a parallel region costs more than it saves.
const PARALLEL_UPDATES: usize = 1 << 15;
/// Sums whose search for a cut costs about as much as one update of a histogram.
const SUMS_PER_UPDATE: usize = 2;
/// Features of a block that one thread searches at a time.
const MEMBERS_AT_ONCE: usize = 24;

/// A leaf whose splits are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its sums.
    pub sums: LeafSums,
    /// The features it may use.
    pub allowed: &'a [bool],
}

/// A child of a split: where its histogram goes, and the leaf if its splits are wanted.
#[derive(Debug)]
pub struct Child<'a> {
    /// Its gradients and Hessians.
    pub sum: i64,
    /// All blocks.
    pub histogram: &'a mut [i64],
    /// `None` when the child cannot be split.
    pub leaf: Option<&'a Candidate<'a>>,
}

/// Sums `entries` into `histogram` (any content before) and finds the best split.
pub fn build_and_split(
    bins: &TrainBins<'_>,
    rule: &SplitRule,
    entries: &[Entry],
    histogram: &mut [i64],
    leaf: &Candidate<'_>,
) -> Option<Split> {
    let parallel = is_worth_it(bins, entries.len());
    let work = |(block, histogram): (&Block, &mut [i64])| {
        block.fill(entries, leaf.sums.total, histogram, parallel);
        split_of(bins, rule, (block, parallel), histogram, leaf)
    };
    best_of(bins.blocks.iter().zip(by_block(bins, histogram)).collect(), parallel, work)
}

/// Sums `entries` of the smaller child into `small` (any content before), turns the parent's
/// histogram `large` into that of the larger child, and finds the best splits of both.
pub fn divide_and_split(
    bins: &TrainBins<'_>,
    rule: &SplitRule,
    entries: &[Entry],
    small: Child<'_>,
    large: Child<'_>,
) -> [Option<Split>; 2] {
    let Child { sum, histogram: small_histogram, leaf: small_leaf } = small;
    let Child { histogram: large_histogram, leaf: large_leaf, .. } = large;
    let parallel = is_worth_it(bins, entries.len());
    let work = |(block, small_sums, large_sums): (&Block, &mut [i64], &mut [i64])| {
        block.fill(entries, sum, small_sums, parallel);
        subtract(large_sums, small_sums);
        [
            small_leaf.and_then(|leaf| split_of(bins, rule, (block, parallel), small_sums, leaf)),
            large_leaf.and_then(|leaf| split_of(bins, rule, (block, parallel), large_sums, leaf)),
        ]
    };
    let small_parts = by_block(bins, small_histogram);
    let large_parts = by_block(bins, large_histogram);
    let tasks = bins.blocks.iter().zip(small_parts).zip(large_parts);
    let tasks: Vec<_> = tasks.map(|((block, s), l)| (block, s, l)).collect();
    let found: Vec<[Option<Split>; 2]> = if parallel {
        tasks.into_par_iter().map(work).collect()
    } else {
        tasks.into_iter().map(work).collect()
    };
    found.into_iter().fold([None; 2], |best, f| [better(best[0], f[0]), better(best[1], f[1])])
}

/// The best split from a finished histogram.
pub fn split_again(
    bins: &TrainBins<'_>,
    rule: &SplitRule,
    histogram: &[i64],
    leaf: &Candidate<'_>,
    doublings: i32,
) -> Option<Split> {
    let kernel_rule = rule.of_leaf(&leaf.sums, doublings);
    let mut best = None;
    for block in &bins.blocks {
        let sums = &histogram[block.start..block.start + block.len];
        let all = (block, 0..block.members.len());
        let found = rule.best_of_members(bins, all, sums, &leaf.sums, &kernel_rule, leaf.allowed);
        best = better(best, found);
    }
    best
}

fn split_of(
    bins: &TrainBins<'_>,
    rule: &SplitRule,
    (block, parallel): (&Block, bool),
    histogram: &[i64],
    leaf: &Candidate<'_>,
) -> Option<Split> {
    let kernel_rule = rule.of_leaf(&leaf.sums, 0);
    let n_members = block.members.len();
    let best_of = |members: Range<usize>| {
        let members = (block, members);
        rule.best_of_members(bins, members, histogram, &leaf.sums, &kernel_rule, leaf.allowed)
    };
    if !parallel || n_members < 2 * MEMBERS_AT_ONCE {
        return best_of(0..n_members);
    }
    let parts = (0..n_members).into_par_iter().step_by(MEMBERS_AT_ONCE);
    let found = parts.map(|first| best_of(first..n_members.min(first + MEMBERS_AT_ONCE)));
    // Ties go to the lower feature, in whatever order they are compared.
    found.reduce(|| None, better)
}

fn is_worth_it(bins: &TrainBins<'_>, n_rows: usize) -> bool {
    let updates = n_rows * bins.updates_per_row() + bins.histogram_len / SUMS_PER_UPDATE;
    bins.is_shared && updates >= PARALLEL_UPDATES && rayon::current_num_threads() > 1
}

/// Runs `work` over the tasks and keeps the best split.
fn best_of<T: Send>(
    tasks: Vec<T>,
    parallel: bool,
    work: impl Fn(T) -> Option<Split> + Sync + Send,
) -> Option<Split> {
    let found: Vec<Option<Split>> = if parallel {
        tasks.into_par_iter().map(work).collect()
    } else {
        tasks.into_iter().map(work).collect()
    };
    found.into_iter().fold(None, better)
}

/// A histogram of all blocks, divided by block.
fn by_block<'a>(bins: &TrainBins<'_>, histogram: &'a mut [i64]) -> Vec<&'a mut [i64]> {
    let mut rest = histogram;
    bins.blocks
        .iter()
        .map(|block| {
            let (part, tail) = std::mem::take(&mut rest).split_at_mut(block.len);
            rest = tail;
            part
        })
        .collect()
}
