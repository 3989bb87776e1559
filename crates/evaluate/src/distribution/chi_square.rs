//! The χ² distribution.

use super::gamma;

/// The chance that a χ² variable with `degrees_of_freedom` is larger than `x`.
pub fn chi_square_survival(x: f64, degrees_of_freedom: f64) -> f64 {
    gamma::survival(degrees_of_freedom / 2.0, x / 2.0)
}

/// The value that a χ² variable with `degrees_of_freedom` exceeds with the chance `p` in (0, 1).
pub fn chi_square_above(p: f64, degrees_of_freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, degrees_of_freedom.max(1.0));
    while chi_square_survival(high, degrees_of_freedom) > p && high < 1e12 {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if chi_square_survival(middle, degrees_of_freedom) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_points_are_those_of_tables() {
        // SciPy: chi2.isf(0.025, [1, 4, 100]).
        for (degrees, point) in [(1.0, 5.023_886), (4.0, 11.143_287), (100.0, 129.561_197)] {
            assert!((chi_square_above(0.025, degrees) - point).abs() < 1e-5, "{degrees}");
        }
    }
}
