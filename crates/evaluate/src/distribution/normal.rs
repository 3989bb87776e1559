//! The normal distribution.

/// The 0.975 quantile of the standard normal distribution: half-width of a 95 % interval.
pub(crate) const Z_975: f64 = 1.959_963_984_540_054;

/// The chance that a standard normal value lies farther from 0 than `z`.
pub(crate) fn two_sided_p(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The chance that a standard normal value is at most `z`.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// The value below which a standard normal one lies with chance `p`; infinite at 0 and 1, NaN
/// outside of `[0, 1]`.
///
/// A start by Abramowitz & Stegun 26.2.23 (error below 4.5e-4) and Halley steps on the exact
/// distribution function.
pub fn normal_quantile(p: f64) -> f64 {
    /// Each step cubes the error: three are more than enough.
    const STEPS: usize = 4;
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let upper = p > 0.5;
    // In the lower half, where the distribution function keeps its relative precision.
    let tail = if upper { 1.0 - p } else { p };
    let t = (-2.0 * tail.ln()).sqrt();
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = numerator / denominator - t;
    for _ in 0..STEPS {
        let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        if density == 0.0 {
            break;
        }
        let step = (normal_cdf(z) - tail) / density;
        z -= step / (1.0 + 0.5 * z * step);
    }
    if upper { -z } else { z }
}
