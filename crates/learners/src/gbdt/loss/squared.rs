//! Squared loss: `(s - y)² / 2`; predicts the mean.

use modelwright_kernels::gradient;

use super::real::{PointLoss, mean_target};

/// See the module's text.
pub(super) struct Squared;

impl PointLoss for Squared {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        [score - target, 1.0]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        0.5 * (score - target).powi(2)
    }

    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64 {
        mean_target(targets, weights)
    }

    fn gradients(&self, scores: &[f64], targets: &[f64], weights: &[f32], out: &mut [[f32; 2]]) {
        gradient::squared(scores, targets, weights, out);
    }
}
