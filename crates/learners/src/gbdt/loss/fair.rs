//! Fair loss: `c² (|e| / c - log(1 + |e| / c))` of the error `e`; squared near 0, and of slope `c`
//! far from it.
//!
//! The Hessian is the curvature of the parabola that touches the loss at `±e` and lies above it
//! elsewhere, `c / (|e| + c)`, not the second derivative `c² / (|e| + c)²`: with the latter a
//! Newton step from far away overshoots by a factor of `|e| / c`. Reference: Fair, "On the robust
//! estimation of econometric models", Annals of Economic and Social Measurement 3(4), 1974.

use super::real::{PointLoss, convex_minimum};

/// See the module's text.
pub(super) struct Fair {
    /// Errors up to about this much are taken as squared.
    pub(super) c: f64,
}

impl PointLoss for Fair {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        let error = score - target;
        let weight = self.c / (error.abs() + self.c);
        [weight * error, weight]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        let ratio = (score - target).abs() / self.c;
        self.c * self.c * (ratio - ratio.ln_1p())
    }

    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64 {
        convex_minimum(self, targets, weights)
    }
}
