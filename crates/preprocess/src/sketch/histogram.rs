//! Counts in bars of equal width that can be merged.
//!
//! The width is a power of two and bars start at multiples of it, so the bars of any two
//! histograms nest: the finer one is coarsened without error, and the histogram of live data can
//! be drawn over the reference's. At most [`BARS_MAX`] bars.

use serde::{Deserialize, Serialize};

/// The most bars a histogram has.
const BARS_MAX: i64 = 64;
/// Exponents beyond these would leave the range of f64.
const EXPONENTS: (i32, i32) = (-1000, 1020);

/// Counts of finite numbers in bars of width `2^exponent`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    exponent: i32,
    first: i64,
    counts: Vec<u64>,
}

impl Histogram {
    /// The histogram of values with counts, ascending by value.
    pub(crate) fn of_runs(runs: &[(f64, u64)]) -> Self {
        let (Some((min, _)), Some((max, _))) = (runs.first(), runs.last()) else {
            return Self::default();
        };
        // Start fine, at the resolution of the larger end, and coarsen until the bars fit.
        let scale = min.abs().max(max.abs()).max(f64::MIN_POSITIVE).log2().floor() as i32;
        let half = (max / 2.0 - min / 2.0) / (BARS_MAX / 2) as f64;
        let by_range = if half > 0.0 { half.log2().floor() as i32 } else { EXPONENTS.0 };
        let mut exponent = by_range.max(scale - 40).clamp(EXPONENTS.0, EXPONENTS.1);
        while bar(*max, exponent) - bar(*min, exponent) >= BARS_MAX {
            exponent += 1;
        }
        let first = bar(*min, exponent);
        let mut counts = vec![0; (bar(*max, exponent) - first + 1) as usize];
        for (value, count) in runs {
            counts[(bar(*value, exponent) - first) as usize] += count;
        }
        Self { exponent, first, counts }
    }

    /// The histogram of both streams together.
    pub fn merge(&mut self, other: &Self) {
        if other.counts.is_empty() {
            return;
        }
        if self.counts.is_empty() {
            *self = other.clone();
            return;
        }
        let mut exponent = self.exponent.max(other.exponent);
        let ends = |exponent: i32| {
            let (a, b) = (self.ends_at(exponent), other.ends_at(exponent));
            (a.0.min(b.0), a.1.max(b.1))
        };
        while ends(exponent).1 - ends(exponent).0 >= BARS_MAX {
            exponent += 1;
        }
        let (first, last) = ends(exponent);
        let mut counts = vec![0; (last - first + 1) as usize];
        for part in [&*self, other] {
            let shift = (exponent - part.exponent).min(63);
            for (at, count) in (part.first..).zip(&part.counts) {
                counts[((at >> shift) - first) as usize] += count;
            }
        }
        *self = Self { exponent, first, counts };
    }

    /// The bars that reach from the first to the last value: lower end, upper end (excluded),
    /// rows.
    pub fn bars(&self) -> Vec<(f64, f64, u64)> {
        let width = 2.0_f64.powi(self.exponent);
        let bar = |(at, n): (i64, &u64)| (at as f64 * width, (at + 1) as f64 * width, *n);
        (self.first..).zip(&self.counts).map(bar).collect()
    }

    /// Whether exponent, ends, bars and counts are within their limits.
    pub(super) fn is_sound(&self, n_rows: u64) -> bool {
        (EXPONENTS.0..=EXPONENTS.1 + 8).contains(&self.exponent)
            && self.first.unsigned_abs() < 1 << 60
            && self.counts.len() as u64 <= BARS_MAX.unsigned_abs()
            && self.counts.iter().map(|n| u128::from(*n)).sum::<u128>() <= u128::from(n_rows)
    }

    fn ends_at(&self, exponent: i32) -> (i64, i64) {
        let shift = (exponent - self.exponent).min(63);
        let last = (self.first..).zip(&self.counts).last().map_or(self.first, |(at, _)| at);
        (self.first >> shift, last >> shift)
    }
}

/// The number of the bar of width `2^exponent` that holds a value.
fn bar(value: f64, exponent: i32) -> i64 {
    (value * 2.0_f64.powi(-exponent)).floor() as i64
}
