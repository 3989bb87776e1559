//! Intervals of a difference and of a ratio of two shares, from an interval of each.
//!
//! Resampling finds no uncertainty in a share of 0 or 1; Wilson's interval does, and the method of
//! variance estimates recovery carries it over. References: Newcombe, Statistics in Medicine 17,
//! 1998 (method 10); Donner & Zou, Statistical Methods in Medical Research 21, 2012.

use modelwright_core::record::Interval;

/// A share and its interval.
pub(super) type Share = (f64, Interval);

/// The interval of `high` − `low`.
pub(super) fn difference((low, of_low): Share, (high, of_high): Share) -> Interval {
    let value = high - low;
    let down = ((high - of_high.low).powi(2) + (of_low.high - low).powi(2)).sqrt();
    let up = ((of_high.high - high).powi(2) + (low - of_low.low).powi(2)).sqrt();
    Interval { low: (value - down).max(-1.0), high: (value + up).min(1.0) }
}

/// The interval of `low` / `high`; `None` when `high` may be 0.
pub(super) fn ratio((low, of_low): Share, (high, of_high): Share) -> Option<Interval> {
    let product = low * high;
    let end = |a: f64, b: f64, sign: f64| {
        let divisor = b * (2.0 * high - b);
        let root = (product * product - a * b * (2.0 * low - a) * (2.0 * high - b)).max(0.0).sqrt();
        (divisor > 0.0).then(|| (product + sign * root) / divisor)
    };
    let low_end = end(of_low.low, of_high.high, -1.0)?;
    let high_end = end(of_low.high, of_high.low, 1.0)?;
    Some(Interval { low: low_end.max(0.0), high: high_end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::wilson;

    fn share(part: f64, n: f64) -> Share {
        (part / n, wilson(part / n, n))
    }

    #[test]
    fn newcombes_example_comes_out() {
        // Newcombe 1998, table II (a) and (g), method 10.
        for (low, high, expected) in [
            (share(48.0, 80.0), share(56.0, 70.0), [0.0524, 0.3339]),
            (share(0.0, 20.0), share(0.0, 10.0), [-0.1611, 0.2775]),
        ] {
            let ci = difference(low, high);
            assert!((ci.low - expected[0]).abs() < 5e-5 && (ci.high - expected[1]).abs() < 5e-5);
        }
    }

    #[test]
    fn a_share_of_none_is_not_surely_none() {
        let ci = ratio(share(0.0, 40.0), share(200.0, 1000.0)).unwrap();
        assert!(ci.low == 0.0 && ci.high > 0.4 && ci.high < 0.5, "{ci:?}");
        let ci = ratio(share(80.0, 400.0), share(200.0, 1000.0)).unwrap();
        assert!(ci.low < 0.85 && ci.high > 1.2, "{ci:?}");
        assert!(ratio(share(0.0, 10.0), share(0.0, 10.0)).is_none());
    }
}
