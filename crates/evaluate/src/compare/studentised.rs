//! The difference of two means over the same rows, with a standard error of its own in every
//! resample (bootstrap-t).
//!
//! Losses have long tails. The percentiles of resampled differences take a sample without the rare
//! large ones for surer than it is. What is resampled here is the distance in units of each
//! resample's own standard error, which is large where such rows were drawn. How often 60 rows of
//! equally good models call the one with the skewed losses better, where 2.5 of 100 are meant:
//!
//! | losses | percentiles | studentised |
//! |---|---|---|
//! | exponential | 5.7 | 3.2 |
//! | squared exponential | 12.2 | 6.2 |
//! | squared t with 3 degrees of freedom (no variance) | 31.6 | 18.9 |
//!
//! Where the tails are long on both sides, as those of the differences of squared errors of models
//! that err alike, the bootstrap trusts them too much and Student's t too little: the interval
//! takes whichever end lies farther out. Of 1,000 tables of 200 rows, one row in ten three times as
//! hard, the bootstrap's interval held the difference of RMSE in 91.5 %, and that one in 94 %.
//!
//! Reference: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 12.

use modelwright_core::record::Interval;

use crate::distribution::{student_975, student_two_sided};
use crate::metric::RowMean;

/// Of the resamples, at least this share must have a distance.
const DEFINED_SHARE_MIN: f64 = 0.9;
/// The step of a numeric derivative, as a part of where it is taken.
const STEP: f64 = 1e-6;

/// Two metrics that are functions of means over the same rows.
pub(super) struct Difference<'a> {
    pub(super) a: &'a RowMean,
    pub(super) b: &'a RowMean,
    /// The own weights of the rows.
    pub(super) weights: Option<&'a [f64]>,
}

/// A difference and its standard error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    pub(super) difference: f64,
    error: f64,
}

/// One metric under the weights of a resample: its value, and what a row adds to it, to first
/// order.
struct Side<'a> {
    of: &'a RowMean,
    value: f64,
    slope: f64,
    ratio: f64,
    over: f64,
}

impl<'a> Side<'a> {
    fn new(of: &'a RowMean, drawn: &[f64], total: f64) -> Self {
        let sum = |rows: &[f64]| rows.iter().zip(drawn).map(|(r, d)| r * d).sum::<f64>();
        let over = of.over.as_ref().map_or(1.0, |over| sum(over) / total);
        let ratio = sum(&of.rows) / total / over;
        // A mean of 0, where rows are not, has a slope too; a root has none there, and no error.
        let step = STEP * if ratio == 0.0 { 1.0 } else { ratio.abs() };
        let slope = ((of.of)(ratio + step) - (of.of)(ratio - step)) / (2.0 * step);
        Self { of, value: (of.of)(ratio), slope, ratio, over }
    }

    fn influence(&self, row: usize) -> f64 {
        let over = self.of.over.as_ref().map_or(1.0, |over| over[row]);
        self.slope * (self.of.rows[row] - self.ratio * over) / self.over
    }
}

impl Difference<'_> {
    /// The difference under the weights of a resample, own weights included; `None` where it has
    /// no standard error, as when all rows say the same.
    pub(super) fn measure(&self, drawn: &[f64]) -> Option<Measured> {
        let total: f64 = drawn.iter().sum();
        let (a, b) = (Side::new(self.a, drawn, total), Side::new(self.b, drawn, total));
        let square = |(row, d): (usize, &f64)| {
            let own = self.weights.map_or(1.0, |w| w[row]);
            d * own * (a.influence(row) - b.influence(row)).powi(2)
        };
        let squares: f64 = drawn.iter().enumerate().map(square).sum();
        let (difference, error) = (a.value - b.value, squares.sqrt() / total);
        let is_sound = error > 0.0 && error.is_finite() && difference.is_finite();
        is_sound.then_some(Measured { difference, error })
    }
}

impl Measured {
    /// How many standard errors of its own a resample is off the rows as they are.
    pub(super) fn distance_of(&self, resample: Measured) -> f64 {
        (resample.difference - self.difference) / resample.error
    }

    /// The 95 % interval, and the two-sided p-value of "it is 0", from the distances of resamples
    /// of `n_rows`; `None` where too many have none.
    pub(super) fn tested(
        &self,
        distances: Vec<Option<f64>>,
        n_rows: usize,
    ) -> Option<(Interval, f64)> {
        let n_all = distances.len() as f64;
        let mut sorted: Vec<f64> = distances.into_iter().flatten().collect();
        if sorted.is_empty() || (sorted.len() as f64) < DEFINED_SHARE_MIN * n_all {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let quantile = |q: f64| {
            let place = q * (sorted.len() - 1) as f64;
            let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            low + place.fract() * (high - low)
        };
        let end = |q: f64| self.difference - quantile(q) * self.error;
        // One is added to each count, because the rows as they are are one more resample.
        let own = self.difference / self.error;
        let at_least = sorted.iter().filter(|d| **d >= own).count() + 1;
        let at_most = sorted.iter().filter(|d| **d <= own).count() + 1;
        let p_value = 2.0 * at_least.min(at_most) as f64 / (sorted.len() + 1) as f64;
        let df = n_rows.saturating_sub(1).max(1);
        let reach = student_975(df) * self.error;
        let ci95 = Interval {
            low: end(0.975).min(self.difference - reach),
            high: end(0.025).max(self.difference + reach),
        };
        Some((ci95, p_value.max(student_two_sided(own, df as f64)).min(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(rows: &[f64], of: fn(f64) -> f64) -> RowMean {
        RowMean { rows: rows.to_vec(), over: None, of }
    }

    #[test]
    fn the_error_of_a_difference_of_means_is_that_of_the_differences() {
        let (a, b) = (mean(&[1.0, 2.0, 6.0], |v| v), mean(&[2.0, 2.0, 2.0], |v| v));
        let of = Difference { a: &a, b: &b, weights: None };
        let found = of.measure(&[1.0; 3]).unwrap();
        // Differences -1, 0, 4: mean 1, squares about it 4 + 1 + 9.
        assert!((found.difference - 1.0).abs() < 1e-12);
        assert!((found.error - 14.0_f64.sqrt() / 3.0).abs() < 1e-9, "{found:?}");
        assert!(Difference { a: &b, b: &b, weights: None }.measure(&[1.0; 3]).is_none());
    }

    #[test]
    fn a_mean_of_exactly_zero_has_the_error_of_its_rows() {
        let (a, b) = (mean(&[3.0, -1.0, -1.0, -1.0], |v| v), mean(&[1.0; 4], |v| v));
        let found = Difference { a: &a, b: &b, weights: None }.measure(&[1.0; 4]).unwrap();
        assert!((found.difference + 1.0).abs() < 1e-12);
        assert!((found.error - 12.0_f64.sqrt() / 4.0).abs() < 1e-6, "{found:?}");
        let (zero, one) = (mean(&[0.0; 4], f64::sqrt), mean(&[1.0; 4], f64::sqrt));
        assert!(Difference { a: &zero, b: &one, weights: None }.measure(&[1.0; 4]).is_none());
    }

    #[test]
    fn roots_have_the_slope_of_roots() {
        let (a, b) = (mean(&[1.0, 7.0], f64::sqrt), mean(&[1.0, 1.0], f64::sqrt));
        let found = Difference { a: &a, b: &b, weights: None }.measure(&[1.0; 2]).unwrap();
        assert!((found.difference - 1.0).abs() < 1e-12);
        // d√m = (x - 4) / 4: -0.75 and 0.75.
        assert!((found.error - (2.0 * 0.75_f64.powi(2)).sqrt() / 2.0).abs() < 1e-6, "{found:?}");
    }
}
