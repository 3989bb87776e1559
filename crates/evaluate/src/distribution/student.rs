//! Student's t distribution.

use super::beta;
use super::normal::normal_quantile;

/// The chance that a t variable lies farther from 0 than `t`.
pub fn student_two_sided(t: f64, degrees_of_freedom: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    let square = t * t;
    let total = degrees_of_freedom + square;
    beta::regularized(degrees_of_freedom / 2.0, 0.5, degrees_of_freedom / total, square / total)
}

/// The chance that a t variable is at most `t`.
pub fn student_cdf(t: f64, degrees_of_freedom: f64) -> f64 {
    let tail = 0.5 * student_two_sided(t, degrees_of_freedom);
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// The value below which a t variable lies with chance `p`, found by bisection: infinite at 0 and
/// 1, NaN outside of `[0, 1]`.
pub fn student_quantile(p: f64, degrees_of_freedom: f64) -> f64 {
    /// Halvings: enough to reach neighbouring numbers.
    const STEPS: usize = 200;
    if !(p > 0.0 && p < 1.0) || p == 0.5 {
        return if p == 0.5 { 0.0 } else { normal_quantile(p) };
    }
    let tail = p.min(1.0 - p);
    let above = |t: f64| 0.5 * student_two_sided(t, degrees_of_freedom) > tail;
    let (mut low, mut high) = (0.0, 1.0);
    while above(high) && high < 1e300 {
        low = high;
        high *= 2.0;
    }
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if above(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if p < 0.5 { -high } else { high }
}

/// The 0.975 quantile: half-width of a 95 % interval in standard errors; infinite without any
/// degree of freedom.
pub fn student_975(degrees_of_freedom: usize) -> f64 {
    match degrees_of_freedom {
        0 => f64::INFINITY,
        n => student_quantile(0.975, n as f64),
    }
}
