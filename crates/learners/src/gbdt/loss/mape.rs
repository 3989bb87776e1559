//! Absolute percentage loss: `|s - y| / max(|y|, floor)`; predicts a median in which rows of small
//! targets weigh more.
//!
//! It is the absolute loss with weights, and like that has no curvature: each leaf takes the
//! weighted median of its residuals. The floor keeps targets near 0 from taking over; it is a
//! hundredth of their usual size, so that the scale of the target does not matter (LightGBM's floor
//! is 1, which makes it the plain absolute loss of targets below that).

use modelwright_core::data::TrainView;

use super::real::{PointLoss, quantile_target};

/// The floor, as a part of the median size of targets that are not 0.
const FLOOR: f64 = 0.01;
/// No floor is smaller: its reciprocal is a weight in f32.
const FLOOR_MIN: f64 = 1e-30;

/// See the module's text.
pub(super) struct Mape {
    floor: f64,
}

impl Mape {
    /// The loss whose floor follows the learning rows of `train`: validation rows are judged by the
    /// same loss.
    pub(super) fn of(train: &TrainView<'_>) -> Self {
        let values = train.target.values().unwrap_or_default();
        let sizes = train.rows.iter().map(|row| values[*row as usize].abs());
        let mut sizes: Vec<f64> = sizes.filter(|y| *y > 0.0).collect();
        sizes.sort_unstable_by(f64::total_cmp);
        let median = sizes.get(sizes.len() / 2).copied().unwrap_or(1.0);
        Self { floor: (FLOOR * median).max(FLOOR_MIN) }
    }

    fn weight(&self, target: f64) -> f64 {
        1.0 / target.abs().max(self.floor)
    }
}

impl PointLoss for Mape {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        let weight = self.weight(target);
        let sign = if score > target { weight } else { -weight };
        [if score == target { 0.0 } else { sign }, weight]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        self.weight(target) * (score - target).abs()
    }

    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64 {
        let weights: Vec<f32> =
            targets.iter().zip(weights).map(|(y, w)| w * self.weight(*y) as f32).collect();
        quantile_target(targets, &weights, 0.5)
    }

    fn leaf_level(&self) -> Option<f64> {
        Some(0.5)
    }
}
