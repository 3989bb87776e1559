//! Squared error of logarithms: `(s - ln(1 + y))² / 2`; scores are logarithms of the prediction
//! plus one. What it makes smallest is the root mean squared log error.
//!
//! The same model as a squared loss on the logarithm of the target, without a transformed target.
//! Reference: XGBoost's `reg:squaredlogerror`, which has the same minimum in another scale.

use super::real::{PointLoss, TargetRange, mean_target};
use crate::gbdt::model::Link;

/// See the module's text.
pub(super) struct SquaredLog;

impl PointLoss for SquaredLog {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        [score - target.ln_1p(), 1.0]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        0.5 * (score - target.ln_1p()).powi(2)
    }

    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64 {
        let logarithms: Vec<f64> = targets.iter().map(|y| y.ln_1p()).collect();
        mean_target(&logarithms, weights)
    }

    fn link(&self) -> Link {
        Link::ExponentialLessOne
    }

    fn range(&self) -> TargetRange {
        TargetRange::NotNegative
    }
}
