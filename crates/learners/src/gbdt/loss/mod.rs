//! Losses: what a round of boosting makes smaller.
//!
//! A loss object holds the targets and weights of one set of rows (learning or validation). Its
//! life: made by [`make`] → base scores → gradients (once per round) → mean loss (validation, once
//! per round). A new loss is one file and one line in [`make`].

mod absolute;
mod cross_entropy;
mod fair;
mod focal;
mod gamma;
mod huber;
mod log_cosh;
mod logistic;
mod mape;
mod poisson;
mod quantile;
mod quantiles;
mod real;
mod softmax;
mod squared;
mod squared_log;
mod tweedie;

use modelwright_core::data::TrainView;
use modelwright_core::task::{Target, Task};
use modelwright_core::{Error, Result};
use rayon::prelude::*;

use super::model::Link;
use super::params::GbdtParams;

/// Rows of a block of parallel work; sums are taken per block, then in block order.
pub(super) const BLOCK_ROWS: usize = 8192;
/// Blocks that a thread takes at a time where the work on each is short.
pub(super) const SHORT_BLOCKS: usize = 4;

/// A loss over a fixed set of rows.
pub(crate) trait Loss: Send + Sync {
    /// The constant scores that minimise the loss, one per output.
    ///
    /// # Errors
    /// As [`Self::gradients`].
    fn base_scores(&self) -> Result<Vec<f64>>;

    /// Gradient and Hessian of each output and row; all slices have the loss's number of rows.
    ///
    /// # Errors
    /// Input error when a loss of the caller's own gives numbers that are not usable.
    fn gradients(&self, scores: &[Vec<f64>], out: &mut [Vec<[f32; 2]>]) -> Result<()>;

    /// The weighted mean loss.
    ///
    /// # Errors
    /// As [`Self::gradients`].
    fn mean(&self, scores: &[Vec<f64>]) -> Result<f64>;

    /// How a score becomes a prediction.
    fn link(&self) -> Link;

    /// For losses without curvature: which quantile of `target - score` is the best value of a
    /// leaf of this output; rows count as much as their Hessians.
    fn leaf_quantile(&self, _output: usize) -> Option<LeafQuantile<'_>> {
        None
    }
}

/// How a leaf's value is found when the Newton step means nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeafQuantile<'a> {
    /// Target of each row.
    pub(crate) targets: &'a [f64],
    /// The level.
    pub(crate) level: f64,
}

/// The loss of the given rows of `train`.
///
/// # Errors
/// Input error when the loss does not fit the task or the targets, a class has no code, a weight
/// is not usable, or all weights are 0.
pub(crate) fn make(
    params: &GbdtParams,
    train: &TrainView<'_>,
    rows: &[u32],
) -> Result<Box<dyn Loss>> {
    let task = train.target.task();
    let name = params.loss_for(task);
    let mut weights = weights(train, rows)?;
    match train.target {
        Target::Class { codes, n_classes } => {
            check_classes(codes, *n_classes, train)?;
            if params.class_weight == "balanced" {
                balance(&mut weights, codes, *n_classes, train, rows);
            }
            let codes = rows.iter().map(|r| codes[*r as usize]);
            match (name, task) {
                ("focal", Task::Binary) => {
                    Ok(Box::new(focal::Focal::new(codes, weights, params.focal_gamma)))
                }
                ("logistic", Task::Binary) => Ok(Box::new(logistic::Logistic::new(codes, weights))),
                ("softmax", Task::Multiclass) => {
                    Ok(Box::new(softmax::Softmax::new(codes.collect(), *n_classes, weights)))
                }
                _ => Err(unfit(name, task)),
            }
        }
        Target::Real(values) => {
            let targets = finite_targets(values, rows)?;
            real::make(name, params, train, rows, targets, weights)
                .unwrap_or_else(|| Err(unfit(name, task)))
        }
    }
}

/// The loss of several quantiles of a real target; see [`quantiles`].
///
/// # Errors
/// Input error when the target is a class, the levels do not ascend within 0 and 1, or as [`make`].
pub(super) fn make_quantiles(
    levels: &[f64],
    link: Link,
    train: &TrainView<'_>,
    rows: &[u32],
) -> Result<Box<dyn Loss>> {
    let inside = levels.iter().all(|l| *l > 0.0 && *l < 1.0);
    if levels.is_empty() || !inside || !levels.windows(2).all(|pair| pair[0] < pair[1]) {
        return Err(Error::input("these levels of quantiles are not usable")
            .expected("ascending numbers between 0 and 1")
            .got(format!("{levels:?}")));
    }
    let Target::Real(values) = train.target else {
        return Err(unfit("quantiles", train.target.task()));
    };
    let weights = weights(train, rows)?;
    Ok(Box::new(quantiles::Quantiles::new((levels, link), finite_targets(values, rows)?, weights)))
}

fn check_classes(codes: &[u32], n_classes: usize, train: &TrainView<'_>) -> Result<()> {
    let mut rows = train.rows.iter().chain(train.validation);
    match rows.find(|r| codes[**r as usize] as usize >= n_classes) {
        None => Ok(()),
        Some(row) => Err(Error::input("a target is not one of the classes")
            .row(u64::from(*row) + 1)
            .expected(format!("a class below {n_classes}"))
            .got(codes[*row as usize].to_string())),
    }
}

pub(super) fn finite_targets(values: &[f64], rows: &[u32]) -> Result<Vec<f64>> {
    let targets: Vec<f64> = rows.iter().map(|r| values[*r as usize]).collect();
    match targets.iter().position(|t| !t.is_finite()) {
        None => Ok(targets),
        Some(at) => Err(Error::input("a target is not a finite number")
            .row(u64::from(rows[at]) + 1)
            .got(targets[at].to_string())),
    }
}

fn unfit(name: &str, task: Task) -> Error {
    let known = match task {
        Task::Binary => "logistic, focal",
        Task::Multiclass => "softmax",
        Task::Regression => {
            "squared, absolute, huber, fair, log_cosh, mape, quantile, poisson, gamma, tweedie, \
             cross_entropy"
        }
    };
    Error::input("this loss cannot learn this task")
        .expected(format!("{known} for a {} target", task.name()))
        .got(name)
}

pub(super) fn weights(train: &TrainView<'_>, rows: &[u32]) -> Result<Vec<f32>> {
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

/// Weights of `rows` that make up for classes of unequal weight among the learning rows:
/// `weight · total / (classes · weight of the row's class)` (scikit-learn's `balanced`).
///
/// A class that no learning row has keeps its weights, as there is nothing to make up for.
fn balance(
    weights: &mut [f32],
    codes: &[u32],
    n_classes: usize,
    train: &TrainView<'_>,
    rows: &[u32],
) {
    let mut mass = vec![0.0; n_classes];
    for row in train.rows {
        mass[codes[*row as usize] as usize] += train.weight(*row);
    }
    let total: f64 = mass.iter().sum();
    let present = mass.iter().filter(|m| **m > 0.0).count() as f64;
    for (weight, row) in weights.iter_mut().zip(rows) {
        let of_class = mass[codes[*row as usize] as usize];
        if of_class > 0.0 {
            *weight = (f64::from(*weight) * total / (present * of_class)) as f32;
        }
    }
}

/// `Σ w · term(row) / Σ w`, summed per block and then in block order.
pub(super) fn weighted_mean(weights: &[f32], term: impl Fn(usize) -> f64 + Sync) -> f64 {
    let [sum, total] = weighted_sums(weights, |row| [term(row), 1.0]);
    sum / total
}

/// `Σ w · terms(row)`, summed per block and then in block order.
fn weighted_sums(weights: &[f32], terms: impl Fn(usize) -> [f64; 2] + Sync) -> [f64; 2] {
    let block = |b: usize| {
        let rows = b * BLOCK_ROWS..((b + 1) * BLOCK_ROWS).min(weights.len());
        rows.fold([0.0; 2], |sum, row| {
            let w = f64::from(weights[row]);
            let terms = terms(row);
            [sum[0] + w * terms[0], sum[1] + w * terms[1]]
        })
    };
    let n_blocks = weights.len().div_ceil(BLOCK_ROWS);
    let blocks: Vec<[f64; 2]> = if n_blocks > 1 {
        (0..n_blocks).into_par_iter().map(block).collect()
    } else {
        (0..n_blocks).map(block).collect()
    };
    blocks.iter().fold([0.0; 2], |sum, b| [sum[0] + b[0], sum[1] + b[1]])
}

/// The smallest value with at least `level` of the weight at or below it.
///
/// `pairs` are (value, weight); they are reordered. 0 when there are none. Takes time in
/// proportion to their number: the half that does not hold the value is not sorted.
pub(super) fn weighted_quantile(pairs: &mut [(f64, f32)], level: f64) -> f64 {
    /// Pairs that are sorted instead of halved.
    const FEW: usize = 32;
    let by_value = |a: &(f64, f32), b: &(f64, f32)| a.0.total_cmp(&b.0);
    let mass = |pairs: &[(f64, f32)]| pairs.iter().map(|p| f64::from(p.1)).sum::<f64>();
    let wanted = level * mass(pairs);
    let (mut below, mut rest) = (0.0, pairs);
    while rest.len() > FEW {
        let middle = rest.len() / 2;
        rest.select_nth_unstable_by(middle, by_value);
        let (low, high) = rest.split_at_mut(middle);
        let of_low = mass(low);
        if below + of_low >= wanted && of_low > 0.0 {
            rest = low;
        } else {
            below += of_low;
            rest = high;
        }
    }
    rest.sort_unstable_by(by_value);
    for (value, weight) in rest.iter() {
        below += f64::from(*weight);
        if below >= wanted && *weight > 0.0 {
            return *value;
        }
    }
    rest.last().map_or(0.0, |p| p.0)
}

#[cfg(test)]
mod tests;
