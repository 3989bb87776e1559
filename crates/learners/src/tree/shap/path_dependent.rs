//! Shapley and interaction values whose background is the covers of the trees.

use modelwright_core::data::FeatureView;
use modelwright_core::{Context, Result};
use modelwright_kernels::shap::{LANES, Lanes, Program, Stack, add_pairs, add_values};
use rayon::prelude::*;

use super::Ensemble;
use super::blocks::{gather, over_rows};
use super::compile::{expected, programs, used};
use super::contributions::{Contributions, Interactions};

/// Trees that are compiled at once: bounds the memory of their constants.
const GROUP: usize = 64;

/// Path-dependent Shapley values of the rows of `x`.
///
/// Exact up to the rounding of f64; a row's values depend neither on the other rows nor on the
/// number of threads.
///
/// # Errors
/// Input error when `x` has other features than the trees, or the trees have linear leaves; work
/// error when the result would not fit in the memory allowed.
pub fn contributions(
    ensemble: &Ensemble<'_>,
    x: &FeatureView<'_>,
    ctx: &Context,
) -> Result<Contributions> {
    let n_outputs = ensemble.base.len();
    let stride = ensemble.n_features + 1;
    ensemble.check(x, n_outputs * stride, ctx)?;
    ensemble.refuse_linear()?;
    let mut values = vec![0.0; x.n_rows() * n_outputs * stride];
    let biases = biases(ensemble);
    for row in values.chunks_exact_mut(n_outputs * stride) {
        for (k, bias) in biases.iter().enumerate() {
            row[(k + 1) * stride - 1] = *bias;
        }
    }
    ctx.install(|| {
        let (columns, used) = used(ensemble.trees, ensemble.n_features);
        for group in groups(ensemble) {
            let compiled = compile(ensemble, group, &columns);
            over_rows(&mut values, n_outputs * stride, used.len() * 64, |first, values| {
                let n = values.len() / (n_outputs * stride);
                let task = Task { x: &gather(x, &used, first, n), used: &used, n };
                for k in 0..n_outputs {
                    task.values(&compiled, k, |i, column, value| {
                        values[(i * n_outputs + k) * stride + column] += value;
                    });
                }
            });
        }
    });
    Ok(Contributions { n_rows: x.n_rows(), n_outputs, n_features: ensemble.n_features, values })
}

/// Path-dependent Shapley interaction values of the rows of `x`.
///
/// As exact as [`contributions`]; its size is that of [`Interactions`].
///
/// # Errors
/// As [`contributions`].
pub fn interactions(
    ensemble: &Ensemble<'_>,
    x: &FeatureView<'_>,
    ctx: &Context,
) -> Result<Interactions> {
    let n_outputs = ensemble.base.len();
    let side = ensemble.n_features + 1;
    let size = side * side;
    ensemble.check(x, n_outputs.saturating_mul(size), ctx)?;
    ensemble.refuse_linear()?;
    let mut values = vec![0.0; x.n_rows() * n_outputs * size];
    let biases = biases(ensemble);
    for row in values.chunks_exact_mut(n_outputs * size) {
        for (k, bias) in biases.iter().enumerate() {
            row[(k + 1) * size - 1] = *bias;
        }
    }
    ctx.install(|| {
        let (columns, used) = used(ensemble.trees, ensemble.n_features);
        let n_lanes = used.len() * (used.len() + 1) / 2;
        for group in groups(ensemble) {
            let compiled = compile(ensemble, group, &columns);
            over_rows(&mut values, n_outputs * size, n_lanes * 64, |first, values| {
                let n = values.len() / (n_outputs * size);
                let task = Task { x: &gather(x, &used, first, n), used: &used, n };
                for k in 0..n_outputs {
                    let matrix = |i: usize| (i * n_outputs + k) * size;
                    task.pairs(&compiled, k, |i, (a, b), value| {
                        values[matrix(i) + a * side + b] += value;
                    });
                }
            });
        }
    });
    Ok(Interactions { n_rows: x.n_rows(), n_outputs, n_features: ensemble.n_features, values })
}

/// What the ensemble says of an unknown row, for each output.
fn biases(ensemble: &Ensemble<'_>) -> Vec<f64> {
    let mut biases = ensemble.base.to_vec();
    for (t, tree) in ensemble.trees.iter().enumerate() {
        for (k, output) in ensemble.outputs(t) {
            biases[k] += ensemble.scale * expected(tree, output);
        }
    }
    biases
}

fn groups(ensemble: &Ensemble<'_>) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
    let n = ensemble.trees.len();
    (0..n).step_by(GROUP).map(move |start| start..n.min(start + GROUP))
}

/// Programs of a group of trees, each with its output.
type Compiled = Vec<(usize, Program)>;

fn compile(ensemble: &Ensemble<'_>, group: std::ops::Range<usize>, columns: &[u32]) -> Compiled {
    let of_tree = |t: usize| -> Compiled {
        let tree = &ensemble.trees[t];
        let of_output = |(k, output)| {
            let parts = programs(tree, output, ensemble.scale, columns);
            parts.into_iter().map(move |program| (k, program))
        };
        ensemble.outputs(t).flat_map(of_output).collect()
    };
    group.into_par_iter().flat_map_iter(of_tree).collect()
}

/// Blocks of rows of one task.
struct Task<'a> {
    x: &'a [Lanes],
    used: &'a [u32],
    n: usize,
}

impl Task<'_> {
    /// Gives `put` the values of every row and feature for one output.
    fn values(&self, compiled: &Compiled, k: usize, mut put: impl FnMut(usize, usize, f64)) {
        let width = self.used.len();
        if width == 0 {
            return;
        }
        let mut sums = vec![[0.0; LANES]; self.x.len()];
        let mut stack = Stack::default();
        for (_, program) in compiled.iter().filter(|(output, _)| *output == k) {
            for (x, sums) in self.x.chunks_exact(width).zip(sums.chunks_exact_mut(width)) {
                add_values(program, x, &mut stack, sums);
            }
        }
        for i in 0..self.n {
            for (column, feature) in self.used.iter().enumerate() {
                put(i, *feature as usize, sums[i / LANES * width + column][i % LANES]);
            }
        }
    }

    /// Gives `put` the interactions of every row and pair of features, both ways, for one output.
    fn pairs(
        &self,
        compiled: &Compiled,
        k: usize,
        mut put: impl FnMut(usize, (usize, usize), f64),
    ) {
        let width = self.used.len();
        if width == 0 {
            return;
        }
        let mut stack = Stack::default();
        for (b, x) in self.x.chunks_exact(width).enumerate() {
            let mut sums = vec![[0.0; LANES]; width];
            let mut pairs = vec![[0.0; LANES]; width * (width - 1) / 2];
            for (_, program) in compiled.iter().filter(|(output, _)| *output == k) {
                add_pairs(program, x, &mut stack, &mut sums, &mut pairs);
            }
            for lane in 0..LANES.min(self.n - b * LANES) {
                let row = b * LANES + lane;
                let mut main: Vec<f64> = sums.iter().map(|s| s[lane]).collect();
                for high in 1..width {
                    for low in 0..high {
                        let half = 0.5 * pairs[high * (high - 1) / 2 + low][lane];
                        main[high] -= half;
                        main[low] -= half;
                        let (i, j) = (self.used[low] as usize, self.used[high] as usize);
                        put(row, (i, j), half);
                        put(row, (j, i), half);
                    }
                }
                for (main, feature) in main.into_iter().zip(self.used) {
                    put(row, (*feature as usize, *feature as usize), main);
                }
            }
        }
    }
}
