//! The histograms of two siblings and their best splits, in one pass over the blocks.
//!
//! Only the smaller child is summed from its rows; the larger one is its parent minus it, exactly.
//! Per block: sum, subtract, find the best cuts of both children while their sums are in cache.
//! Blocks run in parallel. Where there are few, each part of the rows is summed by itself before
//! ([`sum_parts`]); integer sums add up to the same bits in any division.

use std::ops::Range;

use modelwright_kernels::entry::Entry;
use modelwright_kernels::histogram::subtract;

use super::bins::TrainBins;
use super::block::Block;
use super::split::{LeafSums, Split, SplitRule, better};
use super::workspace::{LeafPlace, Places};
use crate::standby::all_at_work;
use crate::together::{apart, together};

/// Updates below which a parallel region costs more than it saves.
const PARALLEL_UPDATES: usize = 1 << 13;
/// Sums whose search for a cut costs about as much as one update of a histogram.
const SUMS_PER_UPDATE: usize = 2;
/// Features of a block that one thread searches at a time.
const MEMBERS_AT_ONCE: usize = 64;
/// Blocks per thread from which they are shared, instead of the parts of the rows.
const BLOCKS_OF_THREAD: usize = 2;
/// Updates per sum from which it pays to sum parts by themselves: their sums are to be added.
const UPDATES_OF_SUM: usize = 16;

/// What the histogram of a leaf is made of.
#[derive(Debug, Clone)]
pub enum Source<'a> {
    /// The entries of each part.
    Entries(Vec<&'a [Entry]>),
    /// The sums of the columns of all blocks, of some parts each.
    Sums(Vec<Vec<i64>>),
}

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

/// The sources of the histograms of some leaves: the sums of some parts each, found side by side,
/// of those for which that pays, and the entries of the others.
pub fn sum_parts<'a>(
    bins: &TrainBins<'_>,
    places: Places<'a>,
    leaves: &[&LeafPlace],
) -> Vec<Source<'a>> {
    let n_threads = rayon::current_num_threads();
    let by_blocks = bins.blocks.len() >= BLOCKS_OF_THREAD * n_threads;
    let rows_to_pay = UPDATES_OF_SUM * bins.n_sums / bins.updates_per_row().max(1);
    let pays = |leaf: &LeafPlace| leaf.parts.len() > 1 && leaf.n_rows() >= rows_to_pay;
    let shared = bins.is_shared && !by_blocks && !all_at_work();
    if !shared || !leaves.iter().any(|leaf| pays(leaf)) {
        return leaves.iter().map(|leaf| Source::Entries(places.of(leaf))).collect();
    }
    let summed: Vec<&LeafPlace> = leaves.iter().copied().filter(|leaf| pays(leaf)).collect();
    let numbers: Vec<usize> = (0..summed[0].parts.len()).collect();
    let groups: Vec<&[usize]> = numbers.chunks(numbers.len().div_ceil(n_threads)).collect();
    let mut of_groups: Vec<_> = together(groups, |parts| {
        let sums = |leaf: &&LeafPlace| {
            let mut sums = vec![0; bins.n_sums];
            for block in &bins.blocks {
                let own = &mut sums[block.sums_start..block.sums_start + block.n_sums()];
                for part in parts {
                    block.add(places.part(leaf, *part), own);
                }
            }
            sums
        };
        summed.iter().map(sums).collect::<Vec<_>>().into_iter()
    });
    let sources = leaves.iter().map(|leaf| {
        if pays(leaf) {
            Source::Sums(of_groups.iter_mut().filter_map(Iterator::next).collect())
        } else {
            Source::Entries(places.of(leaf))
        }
    });
    sources.collect()
}

impl Source<'_> {
    /// The histogram of one block (any content before) of a leaf of this total.
    pub(super) fn fill(&self, block: &Block, total: i64, histogram: &mut [i64]) {
        match self {
            Self::Entries(parts) => block.fill(parts, total, histogram),
            Self::Sums(parts) => {
                let own = block.sums_start..block.sums_start + block.n_sums();
                let parts: Vec<&[i64]> = parts.iter().map(|sums| &sums[own.clone()]).collect();
                block.expand(&parts, total, histogram);
            }
        }
    }

    /// About how many updates of a histogram it takes.
    fn n_updates(&self, bins: &TrainBins<'_>) -> usize {
        match self {
            Self::Entries(parts) => {
                parts.iter().map(|part| part.len()).sum::<usize>() * bins.updates_per_row()
            }
            Self::Sums(parts) => parts.len() * bins.n_sums / SUMS_PER_UPDATE,
        }
    }
}

/// Sums a leaf into `histogram` (any content before) and finds the best split.
pub fn build_and_split(
    bins: &TrainBins<'_>,
    rule: &SplitRule,
    source: &Source<'_>,
    histogram: &mut [i64],
    leaf: &Candidate<'_>,
) -> Option<Split> {
    let parallel = is_worth_it(bins, source);
    let work = |(block, histogram): (&Block, &mut [i64])| {
        source.fill(block, leaf.sums.total, histogram);
        split_of(bins, rule, (block, parallel), histogram, leaf)
    };
    best_of(bins.blocks.iter().zip(by_block(bins, histogram)).collect(), parallel, work)
}

/// Sums the smaller child into `small` (any content before), turns the parent's histogram `large`
/// into that of the larger child, and finds the best splits of both.
pub fn divide_and_split(
    bins: &TrainBins<'_>,
    rule: &SplitRule,
    source: &Source<'_>,
    small: Child<'_>,
    large: Child<'_>,
) -> [Option<Split>; 2] {
    let Child { sum, histogram: small_histogram, leaf: small_leaf } = small;
    let Child { histogram: large_histogram, leaf: large_leaf, .. } = large;
    let parallel = is_worth_it(bins, source);
    let work = |(block, small_sums, large_sums): (&Block, &mut [i64], &mut [i64])| {
        source.fill(block, sum, small_sums);
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
    let found: Vec<[Option<Split>; 2]> =
        if parallel { apart(tasks, work) } else { tasks.into_iter().map(work).collect() };
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
    let parts = (0..n_members).step_by(MEMBERS_AT_ONCE);
    let parts = parts.map(|first| first..n_members.min(first + MEMBERS_AT_ONCE));
    apart(parts.collect(), best_of).into_iter().fold(None, better)
}

fn is_worth_it(bins: &TrainBins<'_>, source: &Source<'_>) -> bool {
    let updates = source.n_updates(bins) + bins.histogram_len / SUMS_PER_UPDATE;
    bins.is_shared && updates >= PARALLEL_UPDATES && rayon::current_num_threads() > 1
}

/// Runs `work` over the tasks and keeps the best split.
fn best_of<T: Send>(
    tasks: Vec<T>,
    parallel: bool,
    work: impl Fn(T) -> Option<Split> + Sync + Send,
) -> Option<Split> {
    let found: Vec<Option<Split>> =
        if parallel { apart(tasks, work) } else { tasks.into_iter().map(work).collect() };
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
