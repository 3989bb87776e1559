//! The Wilson score interval of a share.
//!
//! E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
//! (1927). Unlike the textbook interval it is right for few rows and for shares near 0 and 1.

use modelwright_core::record::Interval;

/// The 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % interval of `hits / n`; `None` for no rows.
pub(super) fn interval(hits: u64, n: u64) -> Option<Interval> {
    if n == 0 {
        return None;
    }
    let (k, n) = (hits as f64, n as f64);
    let middle = (k + Z * Z / 2.0) / (n + Z * Z);
    let half = Z / (n + Z * Z) * (k * (n - k) / n + Z * Z / 4.0).max(0.0).sqrt();
    Some(Interval { low: (middle - half).max(0.0), high: (middle + half).min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_statsmodels() {
        // statsmodels.stats.proportion.proportion_confint(k, n, method="wilson")
        for (k, n, low, high) in [
            (0, 10, 0.0, 0.277_532_799_862_889_4),
            (8, 10, 0.490_162_471_536_641_8, 0.943_317_848_545_624_3),
            (500, 1000, 0.469_069_600_368_104_2, 0.530_930_399_631_895_8),
        ] {
            let ci = interval(k, n).unwrap();
            assert!((ci.low - low).abs() < 1e-9 && (ci.high - high).abs() < 1e-9, "{k}/{n} {ci:?}");
        }
        assert!(interval(0, 0).is_none());
    }
}
