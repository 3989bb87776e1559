//! Absolute percentage loss: `|s - y| / max(|y|, 1)`; predicts a median in which rows of small
//! targets weigh more.
//!
//! It is the absolute loss with weights `1 / max(|y|, 1)` (LightGBM's bound, so that targets near 0
//! do not take over), and like that has no curvature: each leaf takes the weighted median of its
//! residuals.

use super::real::{PointLoss, quantile_target};

/// See the module's text.
pub(super) struct Mape;

fn weight(target: f64) -> f64 {
    1.0 / target.abs().max(1.0)
}

impl PointLoss for Mape {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        let weight = weight(target);
        let sign = if score > target { weight } else { -weight };
        [if score == target { 0.0 } else { sign }, weight]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        weight(target) * (score - target).abs()
    }

    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64 {
        let weights: Vec<f32> =
            targets.iter().zip(weights).map(|(y, w)| w * weight(*y) as f32).collect();
        quantile_target(targets, &weights, 0.5)
    }

    fn leaf_level(&self) -> Option<f64> {
        Some(0.5)
    }
}
