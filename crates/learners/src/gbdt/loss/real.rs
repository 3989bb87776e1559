//! What the losses of a real target share: one output, and a function of target and score.

use modelwright_core::data::TrainView;
use modelwright_core::{Error, Result};
use rayon::prelude::*;

use super::absolute::Absolute;
use super::cross_entropy::CrossEntropy;
use super::fair::Fair;
use super::gamma::Gamma;
use super::huber::Huber;
use super::log_cosh::LogCosh;
use super::mape::Mape;
use super::poisson::Poisson;
use super::quantile::Quantile;
use super::squared::Squared;
use super::squared_log::SquaredLog;
use super::tweedie::Tweedie;
use super::{
    BLOCK_ROWS, LeafQuantile, Loss, SHORT_BLOCKS, weighted_mean, weighted_quantile, weighted_sums,
};
use crate::gbdt::model::Link;
use crate::gbdt::params::GbdtParams;

/// How often the interval that holds the minimum of a convex loss is halved: to a trillionth.
const HALVINGS: usize = 40;
/// What stands for the mean of targets that are all 0, where its logarithm is learned.
const SMALLEST_MEAN: f64 = 1e-6;

/// A loss of one target and one score.
pub(super) trait PointLoss: Send + Sync + 'static {
    /// First and second derivative by the score; the second is positive.
    fn gradient(&self, target: f64, score: f64) -> [f64; 2];

    /// The loss.
    fn loss(&self, target: f64, score: f64) -> f64;

    /// The constant score that minimises the loss.
    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64;

    /// The best value of a leaf is this quantile of `target - score`, in which a row counts as
    /// much as its Hessian; `None` takes Newton's step.
    fn leaf_level(&self) -> Option<f64> {
        None
    }

    /// How a score becomes a prediction.
    fn link(&self) -> Link {
        Link::Identity
    }

    /// The targets that it can learn.
    fn range(&self) -> TargetRange {
        TargetRange::Any
    }

    /// Gradients of many rows.
    fn gradients(&self, scores: &[f64], targets: &[f64], weights: &[f32], out: &mut [[f32; 2]]) {
        for (((out, s), y), w) in out.iter_mut().zip(scores).zip(targets).zip(weights) {
            let [g, h] = self.gradient(*y, *s);
            *out = [w * g as f32, w * h as f32];
        }
    }
}

/// Which finite targets a loss can learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetRange {
    Any,
    NotNegative,
    Positive,
    Unit,
}

impl TargetRange {
    fn contains(self, target: f64) -> bool {
        match self {
            Self::Any => true,
            Self::NotNegative => target >= 0.0,
            Self::Positive => target > 0.0,
            Self::Unit => (0.0..=1.0).contains(&target),
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Any => "a finite number",
            Self::NotNegative => "a number of at least 0",
            Self::Positive => "a number above 0",
            Self::Unit => "a number from 0 to 1",
        }
    }
}

/// The loss `name` of the targets of `rows`; `None` when there is none for a real target.
pub(super) fn make(
    name: &str,
    params: &GbdtParams,
    train: &TrainView<'_>,
    rows: &[u32],
    targets: Vec<f64>,
    weights: Vec<f32>,
) -> Option<Result<Box<dyn Loss>>> {
    let of = Checked { name, rows, targets, weights };
    Some(match name {
        "squared" => of.boxed(Squared),
        "squared_log" => of.boxed(SquaredLog),
        "absolute" => of.boxed(Absolute),
        "huber" => of.boxed(Huber::of(train, params.alpha)),
        "fair" => of.boxed(Fair { c: params.fair_c }),
        "log_cosh" => of.boxed(LogCosh),
        "mape" => of.boxed(Mape::of(train)),
        "quantile" => of.boxed(Quantile { level: params.alpha }),
        "poisson" => of.boxed(Poisson),
        "gamma" => of.boxed(Gamma),
        "tweedie" => of.boxed(Tweedie { power: params.tweedie_variance_power }),
        "cross_entropy" => of.boxed(CrossEntropy),
        _ => return None,
    })
}

/// Rows and targets that are checked for the loss that they get.
struct Checked<'a> {
    name: &'a str,
    rows: &'a [u32],
    targets: Vec<f64>,
    weights: Vec<f32>,
}

impl Checked<'_> {
    fn boxed(self, point: impl PointLoss) -> Result<Box<dyn Loss>> {
        let range = point.range();
        if let Some(at) = self.targets.iter().position(|t| !range.contains(*t)) {
            return Err(Error::input(format!("the {} loss cannot learn a target", self.name))
                .row(u64::from(self.rows[at]) + 1)
                .expected(range.describe())
                .got(self.targets[at].to_string())
                .hint("remove the row, change the target's scale, or choose another loss"));
        }
        Ok(Box::new(Real { point, targets: self.targets, weights: self.weights }))
    }
}

struct Real<P> {
    point: P,
    targets: Vec<f64>,
    weights: Vec<f32>,
}

impl<P: PointLoss> Loss for Real<P> {
    fn base_scores(&self) -> Result<Vec<f64>> {
        Ok(vec![self.point.base_score(&self.targets, &self.weights)])
    }

    fn gradients(&self, scores: &[Vec<f64>], out: &mut [Vec<[f32; 2]>]) -> Result<()> {
        let rows = self.targets.par_chunks(BLOCK_ROWS).zip(self.weights.par_chunks(BLOCK_ROWS));
        out[0]
            .par_chunks_mut(BLOCK_ROWS)
            .zip(scores[0].par_chunks(BLOCK_ROWS))
            .zip(rows)
            .with_min_len(SHORT_BLOCKS)
            .for_each(|((out, s), (y, w))| self.point.gradients(s, y, w, out));
        Ok(())
    }

    fn mean(&self, scores: &[Vec<f64>]) -> Result<f64> {
        Ok(weighted_mean(&self.weights, |row| self.point.loss(self.targets[row], scores[0][row])))
    }

    fn link(&self) -> Link {
        self.point.link()
    }

    fn leaf_quantile(&self, _: usize) -> Option<LeafQuantile<'_>> {
        let level = self.point.leaf_level()?;
        Some(LeafQuantile { targets: &self.targets, level })
    }
}

/// The weighted mean of targets.
pub(super) fn mean_target(targets: &[f64], weights: &[f32]) -> f64 {
    weighted_mean(weights, |row| targets[row])
}

/// The logarithm of the weighted mean of targets that are not negative.
pub(super) fn log_of_mean(targets: &[f64], weights: &[f32]) -> f64 {
    let mean = mean_target(targets, weights);
    if mean > 0.0 { mean.ln() } else { SMALLEST_MEAN.ln() }
}

/// The weighted quantile of targets.
pub(super) fn quantile_target(targets: &[f64], weights: &[f32], level: f64) -> f64 {
    let mut pairs: Vec<(f64, f32)> = targets.iter().copied().zip(weights.iter().copied()).collect();
    weighted_quantile(&mut pairs, level)
}

/// The constant score that minimises a convex loss whose minimum lies among the targets.
///
/// Halves the interval between the smallest and the largest: some passes over the rows more than
/// Newton's steps, which crawl where few targets are far from all others.
pub(super) fn convex_minimum(point: &impl PointLoss, targets: &[f64], weights: &[f32]) -> f64 {
    let used = || targets.iter().zip(weights).filter(|(_, w)| **w > 0.0).map(|(t, _)| *t);
    let mut low = used().fold(f64::INFINITY, f64::min);
    let mut high = used().fold(f64::NEG_INFINITY, f64::max);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        let [slope, _] = weighted_sums(weights, |row| point.gradient(targets[row], middle));
        if slope > 0.0 {
            high = middle;
        } else {
            low = middle;
        }
    }
    f64::midpoint(low, high)
}
