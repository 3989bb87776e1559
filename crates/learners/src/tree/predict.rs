//! Scores of a feature view by a compiled forest: gathers blocks of rows and runs the kernel.

use modelwright_core::data::{FeatureMatrix, FeatureView};
use modelwright_kernels::forest::{Forest, LANES};
use rayon::prelude::*;

/// Rows up to which each row walks the trees by itself.
const FEW_ROWS: usize = 4;
/// Trees times rows from which blocks are spread over threads.
const PARALLEL_VISITS: usize = 1 << 18;
/// Blocks that one task scores.
const BLOCKS_PER_TASK: usize = 16;

/// Scores of the rows of `x`, row-major with `base.len()` outputs: `base` plus the trees.
///
/// The sum of a row runs in tree order from the base, whatever the other rows are.
pub fn scores(forest: &Forest, base: &[f64], x: &FeatureView<'_>) -> Vec<f64> {
    let n_rows = x.n_rows();
    let n_outputs = base.len();
    let mut out = vec![0.0; n_rows * n_outputs];
    if n_rows <= FEW_ROWS {
        few(forest, base, x, &mut out);
        return out;
    }
    let task_len = BLOCKS_PER_TASK * LANES * n_outputs;
    let task = |(i, out): (usize, &mut [f64])| {
        let mut block = vec![0.0; forest.used_features().len() * LANES];
        let mut sums = vec![[0.0; LANES]; n_outputs];
        for (b, out) in out.chunks_mut(LANES * n_outputs).enumerate() {
            let first = (i * BLOCKS_PER_TASK + b) * LANES;
            let n = out.len() / n_outputs;
            gather(x, forest.used_features(), first, n, &mut block);
            for (sums, base) in sums.iter_mut().zip(base) {
                sums.fill(*base);
            }
            forest.add_block(0..forest.n_trees(), &block, &mut sums);
            for (lane, row) in out.chunks_exact_mut(n_outputs).enumerate() {
                for (value, sums) in row.iter_mut().zip(&sums) {
                    *value = sums[lane];
                }
            }
        }
    };
    if n_rows * forest.n_trees() >= PARALLEL_VISITS {
        out.par_chunks_mut(task_len).enumerate().for_each(task);
    } else {
        out.chunks_mut(task_len).enumerate().for_each(task);
    }
    out
}

/// Adds the trees to scores of the given matrix rows, one slice of scores per output.
///
/// Each task owns a run of rows of every output.
pub fn add_to(forest: &Forest, matrix: &FeatureMatrix, rows: &[u32], scores: &mut [Vec<f64>]) {
    let view = FeatureView::of(matrix, rows);
    let run = BLOCKS_PER_TASK * LANES;
    let mut runs: Vec<Vec<&mut [f64]>> = Vec::new();
    runs.resize_with(rows.len().div_ceil(run), Vec::new);
    for output in scores.iter_mut() {
        for (parts, part) in runs.iter_mut().zip(output.chunks_mut(run)) {
            parts.push(part);
        }
    }
    let task = |(i, mut parts): (usize, Vec<&mut [f64]>)| {
        let mut block = vec![0.0; forest.used_features().len() * LANES];
        let mut sums = vec![[0.0; LANES]; parts.len()];
        let n_rows = parts.first().map_or(0, |p| p.len());
        for start in (0..n_rows).step_by(LANES) {
            let n = LANES.min(n_rows - start);
            gather(&view, forest.used_features(), i * run + start, n, &mut block);
            for (sums, part) in sums.iter_mut().zip(&parts) {
                sums[..n].copy_from_slice(&part[start..start + n]);
            }
            forest.add_block(0..forest.n_trees(), &block, &mut sums);
            for (sums, part) in sums.iter().zip(&mut parts) {
                part[start..start + n].copy_from_slice(&sums[..n]);
            }
        }
    };
    if rows.len() * forest.n_trees() >= PARALLEL_VISITS {
        runs.into_par_iter().enumerate().for_each(task);
    } else {
        runs.into_iter().enumerate().for_each(task);
    }
}

fn few(forest: &Forest, base: &[f64], x: &FeatureView<'_>, out: &mut [f64]) {
    let mut row = vec![0.0; forest.used_features().len()];
    for (i, out) in out.chunks_exact_mut(base.len()).enumerate() {
        let matrix_row = x.row(i);
        for (value, feature) in row.iter_mut().zip(forest.used_features()) {
            *value = x.features.columns[*feature as usize].values[matrix_row];
        }
        out.copy_from_slice(base);
        forest.add_row(0..forest.n_trees(), &row, out);
    }
}

/// The used features of rows `first..first + n` of the view, in lanes; other lanes keep anything.
fn gather(x: &FeatureView<'_>, used: &[u32], first: usize, n: usize, block: &mut [f32]) {
    let rows = x.rows.map(|rows| &rows[first..first + n]);
    for (lanes, feature) in block.chunks_exact_mut(LANES).zip(used) {
        let values = &x.features.columns[*feature as usize].values;
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
