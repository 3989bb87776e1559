//! Rows in blocks of the kernel's lanes, spread over threads.

use modelwright_core::data::FeatureView;
use modelwright_kernels::shap::{LANES, Lanes};
use rayon::prelude::*;

/// Bytes that the sums of a task's blocks may take: they are passed over once for each tree, and
/// should stay in the second cache.
const TASK_BYTES: usize = 256 << 10;
/// Blocks of a task, at most: the constants of a tree are read once for all of them.
const TASK_BLOCKS: usize = 32;

/// Runs `task(first row, rows of the output)` over runs of rows, in parallel.
///
/// `values` has `per_row` numbers per row; a block needs `block_bytes` of sums.
pub(super) fn over_rows(
    values: &mut [f64],
    per_row: usize,
    block_bytes: usize,
    task: impl Fn(usize, &mut [f64]) + Sync + Send,
) {
    let n_blocks = (TASK_BYTES / block_bytes.max(1)).clamp(1, TASK_BLOCKS);
    let rows = n_blocks * LANES;
    let runs = values.par_chunks_mut(rows * per_row.max(1)).enumerate();
    runs.for_each(|(i, values)| task(i * rows, values));
}

/// The `used` features of rows `first..first + n` of the view: block after block, column after
/// column. Lanes without a row have zeros.
pub(super) fn gather(x: &FeatureView<'_>, used: &[u32], first: usize, n: usize) -> Vec<Lanes> {
    let n_blocks = n.div_ceil(LANES);
    let mut lanes = vec![[0.0; LANES]; n_blocks * used.len()];
    for (column, feature) in used.iter().enumerate() {
        let values = &x.features.columns[*feature as usize].values;
        for i in 0..n {
            let value = values[x.row(first + i)];
            lanes[i / LANES * used.len() + column][i % LANES] = f64::from(value);
        }
    }
    lanes
}
