//! Quantile (pinball) loss: `max(α (y - s), (α - 1)(y - s))`; predicts the quantile of level `α`.
//!
//! Like the absolute loss it has no curvature: each leaf takes the quantile of its residuals.
//! Reference: Koenker & Bassett, "Regression quantiles", Econometrica 46(1), 1978.

use super::real::{PointLoss, quantile_target};

/// See the module's text.
pub(super) struct Quantile {
    pub(super) level: f64,
}

impl PointLoss for Quantile {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        [if score >= target { 1.0 - self.level } else { -self.level }, 1.0]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        let error = target - score;
        (self.level * error).max((self.level - 1.0) * error)
    }

    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64 {
        quantile_target(targets, weights, self.level)
    }

    fn leaf_level(&self) -> Option<f64> {
        Some(self.level)
    }
}
