//! The χ² distribution.

use super::gamma;

/// The chance that a χ² variable with `degrees_of_freedom` is larger than `x`.
pub fn chi_square_survival(x: f64, degrees_of_freedom: f64) -> f64 {
    gamma::survival(degrees_of_freedom / 2.0, x / 2.0)
}
