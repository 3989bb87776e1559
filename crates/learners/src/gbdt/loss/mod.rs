//! Losses: what a round of boosting makes smaller.
//!
//! A loss object holds the targets and weights of one set of rows (learning or validation). Its
//! life: made by [`make`] → base scores → gradients (once per round) → mean loss (validation, once
//! per round). A new loss is one file and one line in [`make`].

mod absolute;
mod huber;
mod logistic;
mod poisson;
mod quantile;
mod real;
mod softmax;
mod squared;

use modelwright_core::data::TrainView;
use modelwright_core::task::{Target, Task};
use modelwright_core::{Error, Result};
use rayon::prelude::*;

use super::model::Link;
use super::params::GbdtParams;

/// Rows of a block of parallel work; sums are taken per block, then in block order.
pub(super) const BLOCK_ROWS: usize = 8192;

/// A loss over a fixed set of rows.
pub(super) trait Loss: Send + Sync {
    /// The constant scores that minimise the loss, one per output.
    fn base_scores(&self) -> Vec<f64>;

    /// Gradient and Hessian of each output and row; all slices have the loss's number of rows.
    fn gradients(&self, scores: &[Vec<f64>], out: &mut [Vec<[f32; 2]>]);

    /// The weighted mean loss.
    fn mean(&self, scores: &[Vec<f64>]) -> f64;

    /// How a score becomes a prediction.
    fn link(&self) -> Link;

    /// For losses without curvature: the rows' targets and weights and the quantile of
    /// `target - score` that is the best value of a leaf.
    fn leaf_quantile(&self) -> Option<LeafQuantile<'_>> {
        None
    }
}

/// How a leaf's value is found when the Newton step means nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeafQuantile<'a> {
    /// Target of each row.
    pub(super) targets: &'a [f64],
    /// Weight of each row.
    pub(super) weights: &'a [f32],
    /// The level.
    pub(super) level: f64,
}

/// The loss of the given rows of `train`.
///
/// # Errors
/// Input error when the loss does not fit the task or the targets, or all weights are 0.
pub(super) fn make(
    params: &GbdtParams,
    train: &TrainView<'_>,
    rows: &[u32],
) -> Result<Box<dyn Loss>> {
    let task = train.target.task();
    let name = params.loss_for(task);
    let weights = weights(train, rows)?;
    match train.target {
        Target::Class { codes, n_classes } => {
            let codes = rows.iter().map(|r| codes[*r as usize]);
            match (name, task) {
                ("logistic", Task::Binary) => Ok(Box::new(logistic::Logistic::new(codes, weights))),
                ("softmax", Task::Multiclass) => {
                    Ok(Box::new(softmax::Softmax::new(codes.collect(), *n_classes, weights)))
                }
                _ => Err(unfit(name, task)),
            }
        }
        Target::Real(values) => {
            let targets: Vec<f64> = rows.iter().map(|r| values[*r as usize]).collect();
            if let Some(at) = targets.iter().position(|t| !t.is_finite()) {
                return Err(Error::input("a target is not a finite number")
                    .row(u64::from(rows[at]) + 1)
                    .got(targets[at].to_string()));
            }
            real::make(name, params.alpha, train, targets, weights)
                .unwrap_or_else(|| Err(unfit(name, task)))
        }
    }
}

fn unfit(name: &str, task: Task) -> Error {
    let known = match task {
        Task::Binary => "logistic",
        Task::Multiclass => "softmax",
        Task::Regression => "squared, absolute, huber, quantile, poisson",
    };
    Error::input("this loss cannot learn this task")
        .expected(format!("{known} for a {} target", task.name()))
        .got(name)
}

fn weights(train: &TrainView<'_>, rows: &[u32]) -> Result<Vec<f32>> {
    let weights: Vec<f32> = rows.iter().map(|r| train.weight(*r) as f32).collect();
    if let Some(at) = weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
        return Err(Error::input("a sample weight is not usable")
            .row(u64::from(rows[at]) + 1)
            .expected("a finite number that is not negative")
            .got(train.weight(rows[at]).to_string()));
    }
    if weights.iter().all(|w| *w == 0.0) {
        return Err(Error::input("all sample weights are zero")
            .hint("give at least one row a positive weight"));
    }
    Ok(weights)
}

/// `Σ w · term(row) / Σ w`, summed per block and then in block order.
fn weighted_mean(weights: &[f32], term: impl Fn(usize) -> f64 + Sync) -> f64 {
    let block = |b: usize| {
        let rows = b * BLOCK_ROWS..((b + 1) * BLOCK_ROWS).min(weights.len());
        rows.fold([0.0; 2], |sum, row| {
            let w = f64::from(weights[row]);
            [sum[0] + w * term(row), sum[1] + w]
        })
    };
    let n_blocks = weights.len().div_ceil(BLOCK_ROWS);
    let blocks: Vec<[f64; 2]> = if n_blocks > 1 {
        (0..n_blocks).into_par_iter().map(block).collect()
    } else {
        (0..n_blocks).map(block).collect()
    };
    let sum = blocks.iter().fold([0.0; 2], |sum, b| [sum[0] + b[0], sum[1] + b[1]]);
    sum[0] / sum[1]
}

/// The smallest value with at least `level` of the weight at or below it.
///
/// `pairs` are (value, weight); they are sorted in place. 0 when there is no weight.
pub(super) fn weighted_quantile(pairs: &mut [(f64, f32)], level: f64) -> f64 {
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = pairs.iter().map(|p| f64::from(p.1)).sum();
    let mut below = 0.0;
    for (value, weight) in pairs.iter() {
        below += f64::from(*weight);
        if below >= level * total && *weight > 0.0 {
            return *value;
        }
    }
    pairs.last().map_or(0.0, |p| p.0)
}

#[cfg(test)]
mod tests;
