//! The binomial distribution, by the beta distribution behind it.

use super::beta::regularized;

/// The chance of at least `k` hits in `n` draws that each hit with the chance `share`. Parts of a
/// draw (rows that are not independent) are as good as whole ones. Reference: Abramowitz & Stegun
/// 26.5.24.
pub fn binomial_at_least(k: f64, n: f64, share: f64) -> f64 {
    if k <= 0.0 {
        return 1.0;
    }
    if k > n {
        return 0.0;
    }
    regularized(k, n - k + 1.0, share, 1.0 - share)
}
