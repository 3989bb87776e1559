//! The tail of the chi-squared distribution.

use libm::lgamma;

/// Terms after which a series has converged for every argument that occurs.
const TERMS_MAX: usize = 10_000;

/// Stands in for a zero that would be divided by.
const TINY: f64 = 1e-300;

/// The chance that a chi-squared value of `degrees` degrees of freedom exceeds `x`.
pub(super) fn chi_squared_tail(x: f64, degrees: f64) -> f64 {
    if !x.is_finite() {
        return if x > 0.0 { 0.0 } else { f64::NAN };
    }
    upper_gamma(degrees / 2.0, (x / 2.0).max(0.0))
}

/// The regularised upper incomplete gamma function Q(a, x), by its series below `a + 1` and Lentz's
/// continued fraction above (Numerical Recipes, section 6.2).
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let scale = (a * x.ln() - x - lgamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..TERMS_MAX {
            term *= x / (a + n as f64);
            sum += term;
            if term < sum * f64::EPSILON {
                break;
            }
        }
        return (1.0 - sum * scale).clamp(0.0, 1.0);
    }
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / TINY, 1.0 / b);
    let mut fraction = d;
    for n in 1..TERMS_MAX {
        let n = n as f64;
        let factor = n * (a - n);
        b += 2.0;
        d = factor * d + b;
        d = 1.0 / if d.abs() < TINY { TINY } else { d };
        c = b + factor / c;
        c = if c.abs() < TINY { TINY } else { c };
        fraction *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    (scale * fraction).clamp(0.0, 1.0)
}
