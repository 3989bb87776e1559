//! The studentised range of normal values whose variance is known (Tukey), as Nemenyi's test
//! needs it.

use super::normal::normal_cdf;

/// The chance that the range of `k` standard normal values is larger than `q`.
///
/// `1 − k ∫ φ(z) (Φ(z) − Φ(z − q))^(k−1) dz`, by Simpson's rule on a grid that is fine enough for
/// 1e-10.
pub fn studentized_range_survival(q: f64, k: usize) -> f64 {
    /// φ is below 1e-17 beyond.
    const END: f64 = 8.5;
    const STEPS: usize = 2000;
    if q.is_nan() || q <= 0.0 || k < 2 {
        return if q.is_nan() { f64::NAN } else { 1.0 };
    }
    let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let integrand = |z: f64| density(z) * (normal_cdf(z) - normal_cdf(z - q)).powf(k as f64 - 1.0);
    let (low, high) = (-END, END);
    let step = (high - low) / STEPS as f64;
    let mut sum = integrand(low) + integrand(high);
    for i in 1..STEPS {
        let weight = if i % 2 == 1 { 4.0 } else { 2.0 };
        sum += weight * integrand(low + i as f64 * step);
    }
    (1.0 - k as f64 * sum * step / 3.0).clamp(0.0, 1.0)
}
