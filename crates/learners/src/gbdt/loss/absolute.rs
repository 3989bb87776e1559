//! Absolute loss: `|s - y|`; predicts the median.
//!
//! The second derivative is zero, so trees are grown on signs with Hessian 1 and each leaf takes
//! the median of its residuals (Friedman 2001, algorithm 3).

use super::real::{PointLoss, quantile_target};

/// See the module's text.
pub(super) struct Absolute;

impl PointLoss for Absolute {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        let sign = if score > target { 1.0 } else { -1.0 };
        [if score == target { 0.0 } else { sign }, 1.0]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        (score - target).abs()
    }

    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64 {
        quantile_target(targets, weights, 0.5)
    }

    fn leaf_level(&self) -> Option<f64> {
        Some(0.5)
    }
}
