//! Poisson loss of counts and other non-negative targets: `exp(s) - y s`; scores are logarithms.
//!
//! The Hessian is enlarged by `exp(0.7)`, as in LightGBM (`poisson_max_delta_step`), because a full
//! Newton step overshoots where the mean is small.

use super::real::{PointLoss, TargetRange, log_of_mean};
use crate::gbdt::model::Link;

/// Scores are kept within this of 0, where `exp` is far from overflow.
const LARGEST_SCORE: f64 = 50.0;

/// See the module's text.
pub(super) struct Poisson;

impl PointLoss for Poisson {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        let mean = score.clamp(-LARGEST_SCORE, LARGEST_SCORE).exp();
        [mean - target, mean * 0.7_f64.exp()]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        let score = score.clamp(-LARGEST_SCORE, LARGEST_SCORE);
        score.exp() - target * score
    }

    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64 {
        log_of_mean(targets, weights)
    }

    fn link(&self) -> Link {
        Link::Exponential
    }

    fn range(&self) -> TargetRange {
        TargetRange::NotNegative
    }
}
