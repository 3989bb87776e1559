//! Which rows a round is grown on, and how much each counts.
//!
//! | `sampling` | rows | weights |
//! |---|---|---|
//! | `none` | all | 1 |
//! | `bernoulli` | `bagging_fraction` of them, drawn evenly | 1 |
//! | `goss` | `top_rate`, of the largest gradients, and `other_rate` of the rest | the rest: more |
//! | `mvs` | each with a chance in proportion to its gradient | one over the chance |
//! | `bayesian` | all | `(-ln u)^bagging_temperature` |
//!
//! Weights multiply gradients and Hessians, which keeps the sums of a leaf unbiased. This happens
//! before gradients are quantised, so that the unit follows the largest weighted one. Draws come
//! from the round's own streams, block by block of rows, whatever the number of threads.
//!
//! References: Ke et al., "LightGBM", NeurIPS 2017 (GOSS); Ibragimov & Gusev, "Minimal variance
//! sampling in stochastic gradient boosting", NeurIPS 2019; Rubin, "The Bayesian bootstrap", Annals
//! of Statistics 9(1), 1981, as used by CatBoost.

use modelwright_core::random::Random;
use rayon::prelude::*;

use super::loss::BLOCK_ROWS;
use super::params::GbdtParams;
use crate::tree::Tree;

/// Gradients and Hessians: one vector per output, one entry per row.
type Gradients = [Vec<[f32; 2]>];

/// What a round is grown on.
#[derive(Debug, Default)]
pub(super) struct Sample {
    /// The rows, ascending; `None` is all.
    pub(super) rows: Option<Vec<u32>>,
    /// Gradients to choose splits by, where they differ from those that make the leaves' values
    /// (CatBoost takes Bayesian weights for the former only); else empty.
    pub(super) growing: Vec<Vec<[f32; 2]>>,
}

/// The draws of one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draw<'a> {
    pub(super) params: &'a GbdtParams,
    pub(super) seed: u64,
    pub(super) round: usize,
    /// The learning rate.
    pub(super) rate: f64,
    /// The mean square of the last round's leaf values before shrinkage; `None` before the first.
    pub(super) last_step: Option<f64>,
}

impl Draw<'_> {
    /// Draws the round's rows and weights the gradients in place.
    pub(super) fn sample(&self, gradients: &mut Gradients) -> Sample {
        let n = gradients[0].len();
        let rows = match self.params.sampling.as_str() {
            "bernoulli" => self.evenly(n),
            "goss" => self.one_sided(gradients),
            "mvs" => self.minimal_variance(gradients),
            "bayesian" => {
                return Sample { rows: None, growing: self.bayesian(gradients) };
            }
            _ => None,
        };
        Sample { rows, growing: Vec::new() }
    }

    fn evenly(&self, n: usize) -> Option<Vec<u32>> {
        let fraction = self.params.bagging_fraction;
        (fraction < 1.0).then(|| {
            let wanted = ((n as f64 * fraction).round() as usize).max(1);
            self.random("rows of a round", 0).sample(n, wanted)
        })
    }

    /// Gradient-based one-side sampling; like LightGBM not before `1 / rate` rounds, when
    /// gradients do not yet tell the rows apart.
    fn one_sided(&self, gradients: &mut Gradients) -> Option<Vec<u32>> {
        let n = gradients[0].len();
        let part = |rate: f64| ((n as f64 * rate).round() as usize).max(1);
        let (n_top, n_other) = (part(self.params.top_rate), part(self.params.other_rate));
        if (self.round as f64) < 1.0 / self.rate || n_top + n_other >= n {
            return None;
        }
        let sizes = per_row(gradients, |gh| f64::from(gh[0].abs()) * f64::from(gh[1]));
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.select_nth_unstable_by(n_top, |a, b| {
            let (left, right) = (sizes[*a as usize], sizes[*b as usize]);
            right.total_cmp(&left).then(a.cmp(b))
        });
        let (top, rest) = order.split_at_mut(n_top);
        rest.sort_unstable();
        let drawn = self.random("rows of a round", 0).sample(rest.len(), n_other);
        let others: Vec<u32> = drawn.into_iter().map(|i| rest[i as usize]).collect();
        let factor = (n - n_top) as f32 / n_other as f32;
        for output in gradients.iter_mut() {
            for row in &others {
                output[*row as usize] = output[*row as usize].map(|part| part * factor);
            }
        }
        let mut rows = [&*top, &others].concat();
        rows.sort_unstable();
        Some(rows)
    }

    /// Minimal variance sampling: the chance of a row is `min(1, size / threshold)` with
    /// `size = sqrt(Σ g² + λ h²)` and the threshold that makes the expected number of rows right.
    fn minimal_variance(&self, gradients: &mut Gradients) -> Option<Vec<u32>> {
        let fraction = self.params.bagging_fraction;
        if fraction >= 1.0 {
            return None;
        }
        let lambda = self.last_step.unwrap_or_else(|| first_step(gradients));
        let squares = per_row(gradients, |gh| {
            let [g, h] = gh.map(f64::from);
            g * g + lambda * h * h
        });
        let sizes: Vec<f64> = squares.into_par_iter().map(f64::sqrt).collect();
        let threshold = threshold(&sizes, fraction * sizes.len() as f64);
        let kept: Vec<Vec<(u32, f32)>> = sizes
            .par_chunks(BLOCK_ROWS)
            .enumerate()
            .map(|(block, sizes)| {
                let mut random = self.random("rows of a round", block);
                let first = block * BLOCK_ROWS;
                let draw = |(i, size): (usize, &f64)| {
                    let chance = if threshold > 0.0 { (size / threshold).min(1.0) } else { 0.0 };
                    (random.unit() < chance).then(|| ((first + i) as u32, (1.0 / chance) as f32))
                };
                sizes.iter().enumerate().filter_map(draw).collect()
            })
            .collect();
        for output in gradients.iter_mut() {
            for (row, factor) in kept.iter().flatten() {
                output[*row as usize] = output[*row as usize].map(|part| part * factor);
            }
        }
        Some(kept.iter().flatten().map(|(row, _)| *row).collect())
    }

    fn bayesian(&self, gradients: &Gradients) -> Vec<Vec<[f32; 2]>> {
        let temperature = self.params.bagging_temperature;
        if temperature == 0.0 {
            return Vec::new();
        }
        let n = gradients[0].len();
        let mut factors = vec![0.0_f32; n];
        factors.par_chunks_mut(BLOCK_ROWS).enumerate().for_each(|(block, factors)| {
            let mut random = self.random("weights of a round", block);
            for factor in factors {
                // `unit` is below 1, so that the logarithm is finite.
                *factor = (-(1.0 - random.unit()).ln()).powf(temperature) as f32;
            }
        });
        let weighted = |output: &Vec<[f32; 2]>| {
            let rows = output.iter().zip(&factors);
            rows.map(|(gh, factor)| gh.map(|part| part * factor)).collect()
        };
        gradients.iter().map(weighted).collect()
    }

    fn random(&self, what: &str, block: usize) -> Random {
        Random::stream(self.seed, what, (block as u64) << 32 | self.round as u64)
    }
}

/// The mean square of a round's leaf values before shrinkage; `None` without trees.
pub(super) fn mean_square(trees: &[Tree], rate: f64) -> Option<f64> {
    let n: usize = trees.iter().map(|t| t.values.len()).sum();
    let squares: f64 = trees.iter().flat_map(|t| &t.values).map(|v| (v / rate).powi(2)).sum();
    (n > 0 && squares.is_finite()).then(|| squares / n as f64)
}

/// `Σ term` over the outputs of each row.
fn per_row(gradients: &Gradients, term: impl Fn([f32; 2]) -> f64 + Sync) -> Vec<f64> {
    let mut sums = vec![0.0; gradients[0].len()];
    sums.par_chunks_mut(BLOCK_ROWS).enumerate().for_each(|(block, sums)| {
        let first = block * BLOCK_ROWS;
        for output in gradients {
            for (sum, gh) in sums.iter_mut().zip(&output[first..]) {
                *sum += term(*gh);
            }
        }
    });
    sums
}

/// Before the first round: the square of the step that a leaf of equal signs would take.
fn first_step(gradients: &Gradients) -> f64 {
    let sum = |term: fn([f32; 2]) -> f64| block_sums(&per_row(gradients, term), |size| *size);
    let (slope, curvature) = (sum(|gh| f64::from(gh[0].abs())), sum(|gh| f64::from(gh[1])));
    let step = if curvature > 0.0 { slope / curvature } else { 0.0 };
    if step.is_finite() { step * step } else { 0.0 }
}

/// The threshold at which `Σ min(1, size / threshold)` is `wanted`; 0 when all sizes are 0.
///
/// Starts from the one that holds when no size is above it, and lowers it until those above it no
/// longer change; that takes a handful of passes.
fn threshold(sizes: &[f64], wanted: f64) -> f64 {
    let mut threshold = f64::INFINITY;
    loop {
        let above = block_sums(sizes, |s| f64::from(u8::from(*s >= threshold)));
        let below = block_sums(sizes, |s| if *s < threshold { *s } else { 0.0 });
        let next = if wanted > above { below / (wanted - above) } else { threshold };
        if next < threshold && next > 0.0 {
            threshold = next;
        } else {
            return if threshold.is_finite() { threshold } else { 0.0 };
        }
    }
}

/// A sum over rows, per block and then in block order.
fn block_sums(sizes: &[f64], term: impl Fn(&f64) -> f64 + Sync) -> f64 {
    let of_block = |block: &[f64]| block.iter().map(&term).sum::<f64>();
    let sums: Vec<f64> = sizes.par_chunks(BLOCK_ROWS).map(of_block).collect();
    sums.iter().sum()
}

#[cfg(test)]
mod tests;
