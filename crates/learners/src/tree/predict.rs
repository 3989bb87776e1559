//! Scores of a feature view by a compiled forest: gathers blocks of rows and runs the kernel.

use modelwright_core::data::{FeatureMatrix, FeatureView};
use modelwright_kernels::forest::{Block, Forest, LANES};
use rayon::prelude::*;

/// Rows up to which each row walks the trees by itself.
const FEW_ROWS: usize = 4;
/// Trees times rows from which blocks are spread over threads.
const PARALLEL_VISITS: usize = 1 << 18;
/// Blocks that one task scores.
const BLOCKS_PER_TASK: usize = 4;

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
        let mut block = forest.block();
        let mut sums = vec![[0.0; LANES]; n_outputs];
        for (b, out) in out.chunks_mut(LANES * n_outputs).enumerate() {
            let first = (i * BLOCKS_PER_TASK + b) * LANES;
            let n = out.len() / n_outputs;
            gather(x, forest.used_features(), first, n, &mut block);
            for (sums, base) in sums.iter_mut().zip(base) {
                sums.fill(*base);
            }
            forest.add_block(&mut block, n, &mut sums);
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
        let mut block = forest.block();
        let mut sums = vec![[0.0; LANES]; parts.len()];
        let n_rows = parts.first().map_or(0, |p| p.len());
        for start in (0..n_rows).step_by(LANES) {
            let n = LANES.min(n_rows - start);
            gather(&view, forest.used_features(), i * run + start, n, &mut block);
            for (sums, part) in sums.iter_mut().zip(&parts) {
                sums[..n].copy_from_slice(&part[start..start + n]);
            }
            forest.add_block(&mut block, n, &mut sums);
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
        forest.add_row(&row, out);
    }
}

/// The used features of rows `first..first + n` of the view, in lanes; other lanes keep anything.
fn gather(x: &FeatureView<'_>, used: &[u32], first: usize, n: usize, block: &mut Block) {
    let rows = x.rows.map(|rows| &rows[first..first + n]);
    for (column, feature) in used.iter().enumerate() {
        let lanes = block.column_mut(column);
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

#[cfg(test)]
mod tests {
    use modelwright_core::Context;
    use modelwright_core::data::FeatureColumn;

    use super::*;
    use crate::tree::Tree;

    /// Balanced trees of 32 leaves over four features.
    fn trees(n: usize) -> Vec<Tree> {
        let node = |t: usize, i: usize| (t * 131 + i * 37) % 101;
        let child = |i: i32| if i < 31 { i } else { !(i - 31) };
        (0..n)
            .map(|t| Tree {
                features: (0..31).map(|i| (node(t, i) % 4) as u32).collect(),
                thresholds: (0..31).map(|i| node(t, i) as f32 / 101.0).collect(),
                missing_left: (0..31).map(|i| node(t, i) % 3 == 0).collect(),
                children: (0..31).map(|i| [child(2 * i + 1), child(2 * i + 2)]).collect(),
                gains: vec![1.0; 31],
                covers: vec![2.0; 31],
                values: (0..32).map(|i| node(t, i) as f64 * 0.1 - 5.0).collect(),
                leaf_covers: vec![1.0; 32],
                ..Tree::default()
            })
            .collect()
    }

    fn matrix(n_rows: usize) -> FeatureMatrix {
        let value = |row: usize, feature: usize| match (row * 53 + feature * 29) % 97 {
            h if h < 9 => f32::NAN,
            h => h as f32 / 97.0,
        };
        let column = |f: usize| {
            FeatureColumn::dense(&format!("f{f}"), (0..n_rows).map(|row| value(row, f)).collect())
        };
        FeatureMatrix::new(n_rows, (0..4).map(column).collect())
    }

    #[test]
    fn scores_do_not_depend_on_the_batch_or_the_threads() {
        let trees = trees(90);
        let forest = Forest::new(4, trees.iter().map(Tree::parts));
        let base = [0.25, -0.5, 1.0];
        let matrix = matrix(4000);
        let all: Vec<u32> = (0..4000).collect();
        let one_by_one: Vec<f64> = all
            .iter()
            .flat_map(|row| scores(&forest, &base, &FeatureView::of(&matrix, &[*row])))
            .collect();
        for n in (0..=257).chain([4000]) {
            for threads in [1, 2, 4] {
                if n % 64 < 2 || threads == 1 {
                    let ctx = Context::unlimited(0, threads);
                    let view = FeatureView::of(&matrix, &all[..n]);
                    let got = ctx.install(|| scores(&forest, &base, &view));
                    assert_eq!(got, one_by_one[..n * 3], "{n} rows, {threads} threads");
                }
            }
        }
        let mut added: Vec<Vec<f64>> = base.iter().map(|b| vec![*b; 4000]).collect();
        add_to(&forest, &matrix, &all, &mut added);
        for (i, row) in one_by_one.chunks(3).enumerate() {
            assert_eq!(row, [added[0][i], added[1][i], added[2][i]]);
        }
    }
}
