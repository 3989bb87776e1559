//! How many rows are unusual by chance alone.

use modelwright_core::record::Interval;

/// The central 95 % of the share of `n` rows beyond a level of `n_judged` exchangeable ones: a
/// beta-binomial variable over `n` (Vovk, "Conditional validity of inductive conformal predictors",
/// 2012).
pub fn by_chance(n: usize, n_judged: usize, level: f64) -> Interval {
    let of_level = (level * (n_judged + 1) as f64).floor();
    let (a, b, n) = (of_level, (n_judged + 1) as f64 - of_level, n as f64);
    if a < 1.0 || b < 1.0 || n < 1.0 {
        return Interval { low: 0.0, high: if n < 1.0 { 1.0 } else { 0.0 } };
    }
    let gamma = libm::lgamma;
    let first = gamma(b + n) + gamma(a + b) - gamma(b) - gamma(a + b + n);
    let (mut log, mut sum, mut k) = (first, 0.0, 0.0);
    let (mut low, mut high) = (None, n);
    while k <= n {
        sum += libm::exp(log);
        if sum > 0.025 && low.is_none() {
            low = Some(k);
        }
        if sum >= 0.975 {
            high = k;
            break;
        }
        log += libm::log((n - k) * (a + k) / ((k + 1.0) * (b + n - k - 1.0)));
        k += 1.0;
    }
    Interval { low: low.unwrap_or(0.0) / n, high: high / n }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_makes_what_a_beta_binomial_variable_makes() {
        // scipy.stats.betabinom(1000, 10, 990).ppf([0.025, 0.975]) is 3 and 20.
        let found = by_chance(1_000, 999, 0.01);
        assert!((found.low - 0.003).abs() < 0.0015 && (found.high - 0.020).abs() < 0.0015);
        // With judged rows without end only the later rows vary: binomial, 4 and 17 of 1,000.
        let sure = by_chance(1_000, 10_000_000, 0.01);
        assert!((sure.low - 0.004).abs() < 1e-9 && (sure.high - 0.017).abs() < 1e-9, "{sure:?}");
        let many = by_chance(200_000, 9_999, 0.01);
        assert!(many.low > 0.0075 && many.high < 0.0125, "{many:?}");
        assert_eq!(by_chance(0, 999, 0.01), Interval { low: 0.0, high: 1.0 });
    }
}
