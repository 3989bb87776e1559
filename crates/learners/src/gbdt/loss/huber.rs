//! Huber loss: squared for errors up to `δ`, absolute beyond.
//!
//! `δ` is fixed before the first round: the quantile `α` of the distances of the training targets
//! from their median. Reference: Huber, "Robust estimation of a location parameter", 1964.

use modelwright_core::data::TrainView;

use super::real::{PointLoss, convex_minimum, quantile_target};

/// See the module's text.
pub(super) struct Huber {
    delta: f64,
}

impl Huber {
    /// The loss whose `δ` follows the learning rows of `train`.
    pub(super) fn of(train: &TrainView<'_>, alpha: f64) -> Self {
        let values = train.target.values().unwrap_or_default();
        let targets: Vec<f64> = train.rows.iter().map(|r| values[*r as usize]).collect();
        let weights: Vec<f32> = train.rows.iter().map(|r| train.weight(*r) as f32).collect();
        let median = quantile_target(&targets, &weights, 0.5);
        let distances: Vec<f64> = targets.iter().map(|t| (t - median).abs()).collect();
        let delta = quantile_target(&distances, &weights, alpha);
        Self { delta: if delta > 0.0 { delta } else { 1.0 } }
    }
}

impl PointLoss for Huber {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        [(score - target).clamp(-self.delta, self.delta), 1.0]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        let error = (score - target).abs();
        if error <= self.delta {
            0.5 * error * error
        } else {
            self.delta * (error - 0.5 * self.delta)
        }
    }

    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64 {
        convex_minimum(self, targets, weights)
    }
}
