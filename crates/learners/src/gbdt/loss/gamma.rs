//! Gamma deviance of positive targets whose spread grows with their mean: `s + y exp(-s)`; scores
//! are logarithms of the mean.
//!
//! The derivatives are LightGBM's. Reference: McCullagh & Nelder, "Generalized linear models", 2nd
//! edition, 1989, chapter 8.

use super::real::{PointLoss, TargetRange, log_of_mean};
use crate::gbdt::model::Link;

/// Scores are kept within this of 0, where `exp` is far from overflow.
const LARGEST_SCORE: f64 = 50.0;

/// See the module's text.
pub(super) struct Gamma;

impl PointLoss for Gamma {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        let ratio = target * (-score.clamp(-LARGEST_SCORE, LARGEST_SCORE)).exp();
        [1.0 - ratio, ratio]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        let score = score.clamp(-LARGEST_SCORE, LARGEST_SCORE);
        score + target * (-score).exp()
    }

    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64 {
        log_of_mean(targets, weights)
    }

    fn link(&self) -> Link {
        Link::Exponential
    }

    fn range(&self) -> TargetRange {
        TargetRange::Positive
    }
}
