//! Scores of a feature view by a compiled forest: gathers blocks of rows and runs the kernel.
//!
//! The sum of a row runs in tree order from its base, in f64, whatever the other rows are and
//! however many threads there are.

use std::ops::Range;

use modelwright_core::data::{Codes, FeatureColumn, FeatureView};
use modelwright_kernels::forest::{Block, Forest, LANES};
use rayon::prelude::*;

/// Rows up to which each row walks the trees by itself.
const FEW_ROWS: usize = 4;
/// Trees times rows from which blocks are spread over threads.
const PARALLEL_VISITS: usize = 1 << 18;
/// Blocks that one task scores, where there are enough for every thread to have several tasks.
const BLOCKS_PER_TASK: usize = 4;

/// Scores of the rows of `x`, row-major with `base.len()` outputs: `base` plus the trees.
pub fn scores(forest: &Forest, base: &[f64], x: &FeatureView<'_>) -> Vec<f64> {
    scores_of(forest, 0..forest.n_trees(), base, x)
}

/// Whether predictions of `x` are made by the calling thread alone, which then need not be one of
/// a pool.
pub fn is_quick(forest: &Forest, x: &FeatureView<'_>) -> bool {
    x.n_rows() <= FEW_ROWS || x.n_rows() * forest.n_trees() < PARALLEL_VISITS
}

/// As [`scores`] with some of the trees only.
///
/// # Panics
/// If there are fewer trees.
pub fn scores_of(
    forest: &Forest,
    trees: Range<usize>,
    base: &[f64],
    x: &FeatureView<'_>,
) -> Vec<f64> {
    let n_rows = x.n_rows();
    let mut out = vec![0.0; n_rows * base.len()];
    if n_rows <= FEW_ROWS {
        few(forest, trees, base, x, &mut out);
        return out;
    }
    let n_visits = n_rows * trees.len();
    for_tasks(n_rows, base.len(), &mut [&mut out], n_visits, |first, out| {
        let mut rows = BlockRows::new(forest, base.len());
        rows.for_blocks(x, first, out[0].len() / base.len(), |rows, block| {
            rows.fill(base);
            forest.add_block(&mut rows.block, block.len(), trees.clone(), &mut rows.sums);
            rows.store(block, base.len(), out[0]);
        });
    });
    out
}

/// Scores after some of the trees: for each number of trees in `stages` (ascending), what
/// [`scores_of`] gives for as many.
///
/// # Panics
/// If the stages do not ascend or there are fewer trees.
pub fn staged(
    forest: &Forest,
    stages: &[usize],
    base: &[f64],
    x: &FeatureView<'_>,
) -> Vec<Vec<f64>> {
    let n_rows = x.n_rows();
    let mut out = vec![vec![0.0; n_rows * base.len()]; stages.len()];
    let Some(last) = stages.last() else { return out };
    let mut parts: Vec<&mut [f64]> = out.iter_mut().map(Vec::as_mut_slice).collect();
    for_tasks(n_rows, base.len(), &mut parts, n_rows * last, |first, out| {
        let mut rows = BlockRows::new(forest, base.len());
        rows.for_blocks(x, first, out[0].len() / base.len(), |rows, block| {
            rows.fill(base);
            let mut done = 0;
            for (end, out) in stages.iter().zip(out.iter_mut()) {
                assert!(done <= *end, "stages ascend");
                forest.add_block(&mut rows.block, block.len(), done..*end, &mut rows.sums);
                rows.store(block.clone(), base.len(), out);
                done = *end;
            }
        });
    });
    out
}

/// The leaves in which the rows of `x` end, row-major: one number per tree of `trees`.
///
/// # Panics
/// If there are fewer trees.
pub fn leaves(forest: &Forest, trees: Range<usize>, x: &FeatureView<'_>) -> Vec<u32> {
    let (n_rows, n_trees) = (x.n_rows(), trees.len());
    let mut out = vec![0; n_rows * n_trees];
    if n_trees == 0 {
        return out;
    }
    for_tasks(n_rows, n_trees, &mut [&mut out], n_rows * n_trees, |first, out| {
        let mut rows = BlockRows::new(forest, 0);
        let mut found = vec![[0; LANES]; n_trees];
        rows.for_blocks(x, first, out[0].len() / n_trees, |rows, block| {
            forest.leaves(&mut rows.block, block.len(), trees.clone(), &mut found);
            let places = out[0].chunks_exact_mut(n_trees).skip(block.start).take(block.len());
            for (lane, place) in places.enumerate() {
                for (place, found) in place.iter_mut().zip(&found) {
                    *place = found[lane];
                }
            }
        });
    });
    out
}

/// Adds some of the trees to scores of the rows of `x`, one slice of scores per output; what was
/// added tree by tree is the same to the bit.
///
/// # Panics
/// If there are fewer trees, or a slice is not of as many rows.
pub fn add_to(forest: &Forest, trees: Range<usize>, x: &FeatureView<'_>, scores: &mut [Vec<f64>]) {
    let n_outputs = scores.len();
    assert!(scores.iter().all(|s| s.len() == x.n_rows()), "a score for every row");
    let n_visits = x.n_rows() * trees.len();
    let mut parts: Vec<&mut [f64]> = scores.iter_mut().map(Vec::as_mut_slice).collect();
    for_tasks(x.n_rows(), 1, &mut parts, n_visits, |first, parts| {
        let mut rows = BlockRows::new(forest, n_outputs);
        rows.for_blocks(x, first, parts[0].len(), |rows, block| {
            for (sums, part) in rows.sums.iter_mut().zip(parts.iter()) {
                sums[..block.len()].copy_from_slice(&part[block.clone()]);
            }
            forest.add_block(&mut rows.block, block.len(), trees.clone(), &mut rows.sums);
            for (sums, part) in rows.sums.iter().zip(parts.iter_mut()) {
                part[block.clone()].copy_from_slice(&sums[..block.len()]);
            }
        });
    });
}

/// Calls `work(first row, parts)` for runs of rows, on all threads where there is enough to do;
/// `parts` are the run's parts of arrays that have `per_row` places for each row.
fn for_tasks<T: Send>(
    n_rows: usize,
    per_row: usize,
    arrays: &mut [&mut [T]],
    n_visits: usize,
    work: impl Fn(usize, &mut [&mut [T]]) + Sync,
) {
    let is_parallel = n_visits >= PARALLEL_VISITS;
    let n_blocks = n_rows.div_ceil(LANES);
    // Who predicts alone need not be in a pool, and must not start one by asking for its threads.
    let are_few = is_parallel && n_blocks < 2 * BLOCKS_PER_TASK * rayon::current_num_threads();
    let task_rows = if are_few { LANES } else { BLOCKS_PER_TASK * LANES };
    let mut tasks: Vec<Vec<&mut [T]>> = Vec::new();
    tasks.resize_with(n_rows.div_ceil(task_rows), Vec::new);
    for array in arrays {
        for (parts, part) in tasks.iter_mut().zip(array.chunks_mut(task_rows * per_row)) {
            parts.push(part);
        }
    }
    let task = |(i, mut parts): (usize, Vec<&mut [T]>)| work(i * task_rows, &mut parts);
    if is_parallel {
        tasks.into_par_iter().enumerate().for_each(task);
    } else {
        tasks.into_iter().enumerate().for_each(task);
    }
}

/// What a task needs for one block of rows after the other.
struct BlockRows<'a> {
    forest: &'a Forest,
    block: Block,
    /// One array per output.
    sums: Vec<[f64; LANES]>,
}

impl<'a> BlockRows<'a> {
    fn new(forest: &'a Forest, n_outputs: usize) -> Self {
        Self { forest, block: forest.block(), sums: vec![[0.0; LANES]; n_outputs] }
    }

    /// Calls `work` for each block of the rows `first..first + n`, filled with their features; the
    /// range counts rows from `first`.
    fn for_blocks(
        &mut self,
        x: &FeatureView<'_>,
        first: usize,
        n: usize,
        mut work: impl FnMut(&mut Self, Range<usize>),
    ) {
        for start in (0..n).step_by(LANES) {
            let rows = start..(start + LANES).min(n);
            gather(x, self.forest.used_features(), first + start, rows.len(), &mut self.block);
            work(self, rows);
        }
    }

    fn fill(&mut self, base: &[f64]) {
        for (sums, base) in self.sums.iter_mut().zip(base) {
            sums.fill(*base);
        }
    }

    /// Writes the sums of a block to its rows of a row-major array.
    fn store(&self, rows: Range<usize>, n_outputs: usize, out: &mut [f64]) {
        let out = &mut out[rows.start * n_outputs..rows.end * n_outputs];
        if let [sums] = &self.sums[..] {
            out.copy_from_slice(&sums[..out.len()]);
            return;
        }
        for (lane, row) in out.chunks_exact_mut(n_outputs).enumerate() {
            for (value, sums) in row.iter_mut().zip(&self.sums) {
                *value = sums[lane];
            }
        }
    }
}

fn few(forest: &Forest, trees: Range<usize>, base: &[f64], x: &FeatureView<'_>, out: &mut [f64]) {
    let mut row = forest.row();
    for (i, out) in out.chunks_exact_mut(base.len()).enumerate() {
        let matrix_row = x.row(i);
        for (value, feature) in row.values_mut().iter_mut().zip(forest.used_features()) {
            *value = value_at(&x.features.columns[*feature as usize], matrix_row);
        }
        out.copy_from_slice(base);
        forest.add_row(&mut row, trees.clone(), out);
    }
}

fn value_at(column: &FeatureColumn, row: usize) -> f32 {
    match &column.bins {
        Some(bins) if column.values.is_empty() => column.value_of(bins.codes.get(row)),
        _ => column.values[row],
    }
}

/// The used features of rows `first..first + n` of the view, in lanes; other lanes keep anything.
fn gather(x: &FeatureView<'_>, used: &[u32], first: usize, n: usize, block: &mut Block) {
    let rows = x.rows.map(|rows| &rows[first..first + n]);
    for (column, feature) in used.iter().enumerate() {
        let lanes = block.column_mut(column);
        let feature = &x.features.columns[*feature as usize];
        let values = &feature.values;
        if values.is_empty() {
            gather_bins(feature, (0..n).map(|i| x.row(first + i)), lanes);
            continue;
        }
        match rows {
            None => lanes[..n].copy_from_slice(&values[first..first + n]),
            Some(rows) => {
                for (lane, row) in lanes.iter_mut().zip(rows) {
                    *lane = values[*row as usize];
                }
            }
        }
    }
}

/// As [`gather`], of a column that has only bins: a value of each row's bin.
fn gather_bins(column: &FeatureColumn, rows: impl Iterator<Item = usize>, lanes: &mut [f32]) {
    let Some(bins) = &column.bins else { return };
    if let Codes::Stored(part) = &bins.codes {
        part.stored().will_read(lanes.len());
    }
    for (lane, row) in lanes.iter_mut().zip(rows) {
        *lane = column.value_of(bins.codes.get(row));
    }
}

#[cfg(test)]
#[path = "predict_tests.rs"]
mod tests;
