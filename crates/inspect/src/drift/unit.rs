//! Whether a number only changed its unit: all quantiles by the same factor, or by the same amount.

use super::steps::Steps;

/// The quantiles that are compared.
const QUANTILES: [f64; 7] = [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95];

/// Factors within this share of each other are the same.
const SPREAD_MAX: f64 = 0.1;

/// A factor nearer to 1 than this is no other unit.
const FACTOR_MIN: f64 = 1.5;

/// The values that the current rows seem to be multiplied by; `None` when there is no such factor.
pub fn factor(reference: &Steps, current: &Steps) -> Option<f64> {
    let mut factors = Vec::new();
    for q in QUANTILES {
        let (was, is) = (reference.quantile(q)?, current.quantile(q)?);
        // Around zero nothing can be said.
        if was.abs() > 0.01 * reference.std()? {
            factors.push(is / was);
        }
    }
    if factors.len() < QUANTILES.len() - 2 {
        return None;
    }
    factors.sort_by(f64::total_cmp);
    let (low, high) = (factors[0], factors[factors.len() - 1]);
    let middle = factors[factors.len() / 2];
    let is_one = low > 0.0 && (high - low) / middle <= 2.0 * SPREAD_MAX;
    let is_far = middle.max(1.0 / middle) >= FACTOR_MIN;
    // A factor needs a spread of values to be seen in; a constant only says that it moved.
    let spreads = reference.quantile(0.05)? < reference.quantile(0.95)?;
    (is_one && is_far && spreads).then_some(middle)
}
