//! Tweedie deviance of targets that are often exactly 0 and else positive (claims, rain): with the
//! variance power `p` between 1 (Poisson) and 2 (gamma)
//!
//! ```text
//! loss = exp((2 - p) s) / (2 - p) - y exp((1 - p) s) / (1 - p)
//! ```
//!
//! Scores are logarithms of the mean. Reference: Jorgensen, "Exponential dispersion models",
//! Journal of the Royal Statistical Society B 49(2), 1987.

use super::real::{PointLoss, TargetRange, log_of_mean};
use crate::gbdt::model::Link;

/// Scores are kept within this of 0, where `exp` is far from overflow.
const LARGEST_SCORE: f64 = 50.0;

/// See the module's text.
pub(super) struct Tweedie {
    /// The variance is proportional to `mean ^ power`.
    pub(super) power: f64,
}

impl Tweedie {
    /// `y exp((1 - p) s)` and `exp((2 - p) s)`.
    fn parts(&self, target: f64, score: f64) -> [f64; 2] {
        let score = score.clamp(-LARGEST_SCORE, LARGEST_SCORE);
        [target * ((1.0 - self.power) * score).exp(), ((2.0 - self.power) * score).exp()]
    }
}

impl PointLoss for Tweedie {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        let [a, b] = self.parts(target, score);
        [b - a, (2.0 - self.power) * b - (1.0 - self.power) * a]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        let [a, b] = self.parts(target, score);
        b / (2.0 - self.power) - a / (1.0 - self.power)
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
