//! Bias-corrected and accelerated bootstrap intervals (Efron, JASA 82, 1987): second-order
//! correct, so that skewed metrics of few rows are covered as often as promised.

use modelwright_core::record::Interval;
use modelwright_core::{Error, Result};

use super::bootstrap::quantile_of_sorted;
use crate::distribution::{normal_cdf, normal_quantile};

/// The BCa interval from a value, its resampled values, and its values with a part left out;
/// `ends` are what it leaves out below and above, 0.025 for one of 95 %.
///
/// # Errors
/// Input error when fewer than nine of ten resamples are defined, or fewer than two parts.
pub(crate) fn corrected(
    value: f64,
    resampled: Vec<Option<f64>>,
    left_out: &[f64],
    ends: [f64; 2],
) -> Result<Interval> {
    let n_all = resampled.len();
    let mut sorted: Vec<f64> = resampled.into_iter().flatten().collect();
    if sorted.is_empty() || sorted.len() * 10 < n_all * 9 || left_out.len() < 2 {
        return Err(Error::input("the interval could not be computed")
            .expected("resamples on which the metric is defined")
            .got(format!("{} of {n_all}", sorted.len()))
            .hint("use more rows"));
    }
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let below = sorted.iter().filter(|v| **v < value).count() as f64;
    let not_above = sorted.iter().filter(|v| **v <= value).count() as f64;
    // Equal values count half, as in SciPy; never quite none or all of them.
    let share = (f64::midpoint(below, not_above) / n).clamp(0.5 / n, 1.0 - 0.5 / n);
    let bias = normal_quantile(share);
    let acceleration = acceleration(left_out);
    let end = |p: f64| {
        let z = bias + normal_quantile(p);
        let level = normal_cdf(bias + z / (1.0 - acceleration * z));
        quantile_of_sorted(&sorted, level)
    };
    finite(Interval { low: end(ends[0]), high: end(1.0 - ends[1]) })
}

/// A sixth of the skewness of the values with a part left out.
fn acceleration(left_out: &[f64]) -> f64 {
    let mean = left_out.iter().sum::<f64>() / left_out.len() as f64;
    // In units of the largest distance: cubes of huge or tiny values would leave the numbers.
    let unit = left_out.iter().map(|v| (mean - v).abs()).fold(0.0, f64::max);
    let (mut squares, mut cubes) = (0.0, 0.0);
    for v in left_out {
        let distance = (mean - v) / unit;
        squares += distance.powi(2);
        cubes += distance.powi(3);
    }
    if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 }
}

/// The interval, if both of its ends are numbers that can be written down.
///
/// # Errors
/// Input error when one of them is not.
pub(super) fn finite(interval: Interval) -> Result<Interval> {
    if interval.low.is_finite() && interval.high.is_finite() {
        return Ok(interval);
    }
    Err(Error::input("the interval overflows on these rows")
        .expected("ends that are finite numbers")
        .got(format!("{} to {}", interval.low, interval.high)))
}
