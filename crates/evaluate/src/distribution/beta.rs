//! The regularised incomplete beta function, and the F distribution on top of it.
//!
//! Lentz's continued fraction, which converges in about √max(a, b) steps on the side of the mean
//! that it is used on. References: Abramowitz & Stegun 26.5.8; W. J. Lentz, Applied Optics 15,
//! 1976; Thompson & Barnett, Journal of Computational Physics 64, 1986.

/// The chance that a beta variable with shapes `a` and `b` is at most `x`; 0 and 1 outside of
/// `[0, 1]`. `rest` is 1 − x, given apart because one of the two may be tiny.
pub(super) fn regularized(a: f64, b: f64, x: f64, rest: f64) -> f64 {
    if x.is_nan() || rest.is_nan() {
        return f64::NAN;
    }
    if x <= 0.0 || rest <= 0.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    // Logarithms of a number near 1 come from its distance to 1.
    let ln = |v: f64, other: f64| if v > 0.5 { (-other).ln_1p() } else { v.ln() };
    let ln_front = a * ln(x, rest) + b * ln(rest, x) - ln_beta(a, b);
    let front = ln_front.exp();
    // With large shapes the fraction close to 1 subtracts nearly equal numbers; the other side
    // does not.
    let is_close = a + b > SHAPES_LARGE && x > 0.5 && rest * (a + b) < CLOSE;
    if x < (a + 1.0) / (a + b + 2.0) && !is_close {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, rest) / b
    }
}

/// Within so many units of 1 / (a + b) of the end of the range, chances are far from 0.
const CLOSE: f64 = 8.0;

/// Shapes whose sum is above are large.
const SHAPES_LARGE: f64 = 10_000.0;

/// The logarithm of the beta function; large shapes by Stirling's series, because the difference of
/// large logarithms would lose digits.
fn ln_beta(a: f64, b: f64) -> f64 {
    const LARGE: f64 = 10.0;
    let (small, large) = (a.min(b), a.max(b));
    let sum = small + large;
    if large < LARGE {
        return libm::lgamma(small) + libm::lgamma(large) - libm::lgamma(sum);
    }
    let ln_share = (-small / sum).ln_1p();
    let rest = stirling_rest(large) - stirling_rest(sum);
    if small < LARGE {
        return libm::lgamma(small) + rest + small - small * sum.ln() + (large - 0.5) * ln_share;
    }
    let ln_sqrt_two_pi = 0.5 * (2.0 * std::f64::consts::PI).ln();
    -0.5 * large.ln()
        + ln_sqrt_two_pi
        + stirling_rest(small)
        + rest
        + (small - 0.5) * (small / sum).ln()
        + large * ln_share
}

/// What Stirling's formula leaves of ln Γ(x), for x from 10 on.
fn stirling_rest(x: f64) -> f64 {
    let square = 1.0 / (x * x);
    let series = 1.0 / 12.0
        + square
            * (-1.0 / 360.0
                + square
                    * (1.0 / 1260.0
                        + square * (-1.0 / 1680.0 + square * (1.0 / 1188.0 - square / 525.0))));
    series / x
}

/// The continued fraction at `x` below the mean.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    /// Enough for shapes of billions.
    const STEPS_MAX: usize = 100_000;
    const TINY: f64 = 1e-300;
    let away_from_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..=STEPS_MAX {
        let m = step as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let factor = d * c;
        value *= factor;
        if (factor - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

/// The chance that an F variable with `numerator` and `denominator` degrees of freedom is larger
/// than `f`.
pub fn f_survival(f: f64, numerator: f64, denominator: f64) -> f64 {
    if f <= 0.0 {
        return 1.0;
    }
    if f == f64::INFINITY {
        return 0.0;
    }
    let total = denominator + numerator * f;
    let (x, rest) = (denominator / total, numerator * f / total);
    regularized(denominator / 2.0, numerator / 2.0, x, rest)
}
