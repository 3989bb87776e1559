//! What the losses of a real target share: one output, and a function of target and score.

use modelwright_core::data::TrainView;
use modelwright_core::{Error, Result};
use rayon::prelude::*;

use super::absolute::Absolute;
use super::huber::Huber;
use super::poisson::Poisson;
use super::quantile::Quantile;
use super::squared::Squared;
use super::{BLOCK_ROWS, LeafQuantile, Loss, weighted_mean, weighted_quantile};
use crate::gbdt::model::Link;

/// A loss of one target and one score.
pub(super) trait PointLoss: Send + Sync + 'static {
    /// First and second derivative by the score; the second is positive.
    fn gradient(&self, target: f64, score: f64) -> [f64; 2];

    /// The loss.
    fn loss(&self, target: f64, score: f64) -> f64;

    /// The constant score that minimises the loss.
    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64;

    /// The best value of a leaf is this quantile of `target - score`; `None` takes Newton's step.
    fn leaf_level(&self) -> Option<f64> {
        None
    }

    /// How a score becomes a prediction.
    fn link(&self) -> Link {
        Link::Identity
    }

    /// Gradients of many rows.
    fn gradients(&self, scores: &[f64], targets: &[f64], weights: &[f32], out: &mut [[f32; 2]]) {
        for (((out, s), y), w) in out.iter_mut().zip(scores).zip(targets).zip(weights) {
            let [g, h] = self.gradient(*y, *s);
            *out = [w * g as f32, w * h as f32];
        }
    }
}

/// The loss `name`; `None` when there is none for a real target.
pub(super) fn make(
    name: &str,
    alpha: f64,
    train: &TrainView<'_>,
    targets: Vec<f64>,
    weights: Vec<f32>,
) -> Option<Result<Box<dyn Loss>>> {
    Some(Ok(match name {
        "squared" => boxed(Squared, targets, weights),
        "absolute" => boxed(Absolute, targets, weights),
        "quantile" => boxed(Quantile { level: alpha }, targets, weights),
        "huber" => boxed(Huber::of(train, alpha), targets, weights),
        "poisson" => {
            if let Some(at) = targets.iter().position(|t| *t < 0.0) {
                return Some(Err(Error::input("the poisson loss needs targets of at least 0")
                    .got(targets[at].to_string())));
            }
            boxed(Poisson, targets, weights)
        }
        _ => return None,
    }))
}

fn boxed(point: impl PointLoss, targets: Vec<f64>, weights: Vec<f32>) -> Box<dyn Loss> {
    Box::new(Real { point, targets, weights })
}

struct Real<P> {
    point: P,
    targets: Vec<f64>,
    weights: Vec<f32>,
}

impl<P: PointLoss> Loss for Real<P> {
    fn base_scores(&self) -> Vec<f64> {
        vec![self.point.base_score(&self.targets, &self.weights)]
    }

    fn gradients(&self, scores: &[Vec<f64>], out: &mut [Vec<[f32; 2]>]) {
        let rows = self.targets.par_chunks(BLOCK_ROWS).zip(self.weights.par_chunks(BLOCK_ROWS));
        out[0]
            .par_chunks_mut(BLOCK_ROWS)
            .zip(scores[0].par_chunks(BLOCK_ROWS))
            .zip(rows)
            .for_each(|((out, s), (y, w))| self.point.gradients(s, y, w, out));
    }

    fn mean(&self, scores: &[Vec<f64>]) -> f64 {
        weighted_mean(&self.weights, |row| self.point.loss(self.targets[row], scores[0][row]))
    }

    fn link(&self) -> Link {
        self.point.link()
    }

    fn leaf_quantile(&self) -> Option<LeafQuantile<'_>> {
        let level = self.point.leaf_level()?;
        Some(LeafQuantile { targets: &self.targets, weights: &self.weights, level })
    }
}

/// The weighted mean of targets.
pub(super) fn mean_target(targets: &[f64], weights: &[f32]) -> f64 {
    weighted_mean(weights, |row| targets[row])
}

/// The weighted quantile of targets.
pub(super) fn quantile_target(targets: &[f64], weights: &[f32], level: f64) -> f64 {
    let mut pairs: Vec<(f64, f32)> = targets.iter().copied().zip(weights.iter().copied()).collect();
    weighted_quantile(&mut pairs, level)
}
