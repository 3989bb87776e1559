//! How many rows it takes to tell two models apart.

use modelwright_core::record::Interval;

use crate::distribution::{Z_975, normal_cdf, normal_quantile};

/// The chance with which a true difference is to be found.
const POWER: f64 = 0.8;

/// What a difference with its 95 % interval says beyond its p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Belief {
    /// The probability that A is worse by more than the ROPE, that both are practically equal,
    /// and that A is better by more than it, before the data having known nothing.
    pub probabilities: [f64; 3],
    /// Rows from which on a difference of this size is found at the 5 % level in four of five
    /// samples; `None` when there is no difference, or no uncertainty.
    pub n_rows_needed: Option<f64>,
}

/// From a gain of A over B (positive is better) with its 95 % interval on `n_rows` rows; `rope` is
/// the gain up to which a difference does not matter.
///
/// The interval is taken as normal: its half-width is 1.96 standard errors, which fall with √n.
pub fn belief(gain: f64, ci95: Interval, n_rows: usize, rope: f64) -> Belief {
    let standard_error = (ci95.high - ci95.low).abs() / (2.0 * Z_975);
    let below = |limit: f64| {
        if standard_error > 0.0 {
            normal_cdf((limit - gain) / standard_error)
        } else {
            f64::from(u8::from(gain < limit))
        }
    };
    let worse = below(-rope);
    let better = if standard_error > 0.0 {
        normal_cdf((gain - rope) / standard_error)
    } else {
        f64::from(u8::from(gain > rope))
    };
    let needed = (Z_975 + normal_quantile(POWER)) * standard_error / gain.abs();
    let n_rows_needed = (gain != 0.0 && standard_error > 0.0)
        .then(|| (n_rows as f64 * needed * needed).ceil())
        .filter(|n| n.is_finite());
    Belief { probabilities: [worse, (1.0 - worse - better).max(0.0), better], n_rows_needed }
}
