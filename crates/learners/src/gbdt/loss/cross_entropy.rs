//! Cross-entropy of targets that are probabilities themselves (shares, soft labels):
//! `log(1 + exp(s)) - y s` with `y` anywhere from 0 to 1; predicts the mean of `y`.

use super::logistic::{LARGEST_BASE, softplus};
use super::real::{PointLoss, TargetRange, mean_target};
use crate::gbdt::model::Link;

/// Keeps Newton steps bounded where the probability has reached 0 or 1.
const MIN_HESSIAN: f64 = 1e-16;

/// See the module's text.
pub(super) struct CrossEntropy;

impl PointLoss for CrossEntropy {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        let p = 1.0 / (1.0 + (-score).exp());
        [p - target, p * (1.0 - p) + MIN_HESSIAN]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        softplus(score) - target * score
    }

    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64 {
        let p = mean_target(targets, weights);
        (p / (1.0 - p)).ln().clamp(-LARGEST_BASE, LARGEST_BASE)
    }

    fn link(&self) -> Link {
        Link::Logistic
    }

    fn range(&self) -> TargetRange {
        TargetRange::Unit
    }
}
