//! Log-cosh loss: `log cosh(e)` of the error `e`; half its square near 0 and `|e| - log 2` far from
//! it, in the unit of the target.
//!
//! The Hessian is the curvature of the parabola that touches the loss at `±e` and lies above it
//! elsewhere, `tanh(e) / e`; the second derivative `1 - tanh²(e)` vanishes for large errors, where
//! a Newton step would know no bounds.

use super::real::{PointLoss, convex_minimum};

/// Errors below this have a Hessian of 1 to all digits.
const SMALL: f64 = 1e-8;

/// See the module's text.
pub(super) struct LogCosh;

impl PointLoss for LogCosh {
    fn gradient(&self, target: f64, score: f64) -> [f64; 2] {
        let error = score - target;
        let slope = error.tanh();
        [slope, if error.abs() < SMALL { 1.0 } else { slope / error }]
    }

    fn loss(&self, target: f64, score: f64) -> f64 {
        // log cosh(e) = |e| + log(1 + exp(-2 |e|)) - log 2, without overflow.
        let error = (score - target).abs();
        error + (-2.0 * error).exp().ln_1p() - std::f64::consts::LN_2
    }

    fn base_score(&self, targets: &[f64], weights: &[f32]) -> f64 {
        convex_minimum(self, targets, weights)
    }
}
