//! The regularised incomplete gamma function (Abramowitz & Stegun 6.5.29 and 6.5.31).

/// The chance that a gamma variable of shape `a` and scale 1 is larger than `x`.
pub(super) fn survival(a: f64, x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return if x.is_nan() { f64::NAN } else { 1.0 };
    }
    if x == f64::INFINITY {
        return 0.0;
    }
    let front = (a * x.ln() - x - libm::lgamma(a)).exp();
    let chance = if x < a + 1.0 { 1.0 - front * series(a, x) } else { front * fraction(a, x) };
    // Rounding must not lead out of what a chance can be.
    chance.clamp(0.0, 1.0)
}

const STEPS_MAX: usize = 100_000;

fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0 / a, 1.0 / a);
    for step in 1..STEPS_MAX {
        term *= x / (a + step as f64);
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

fn fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut value = d;
    for step in 1..STEPS_MAX {
        let n = step as f64;
        let an = -n * (n - a);
        b += 2.0;
        d = an * d + b;
        d = 1.0 / if d.abs() < TINY { TINY } else { d };
        c = b + an / c;
        c = if c.abs() < TINY { TINY } else { c };
        let factor = d * c;
        value *= factor;
        if (factor - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}
