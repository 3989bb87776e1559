//! Studentised bootstrap intervals (bootstrap-t) of metrics that are means over rows, or ratios of
//! two: log loss, Brier score, absolute and squared errors, R².
//!
//! Losses have long tails: a sample without the rare large ones looks both better and surer than
//! it is. Resampling the distance in units of *its own* standard error carries that over into the
//! interval. Means that cannot be negative are taken as logarithms, which makes them less skewed.
//! The upper end of a loss of numbers is found with its tail smoothed; see `tail`.
//!
//! References: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 12;
//! Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69, 2015.

use modelwright_core::Result;
use modelwright_core::random::Random;
use modelwright_core::record::Interval;

use super::bootstrap::{defined, quantile_of_sorted};
use super::carried::most_by_chance;
use super::tail::{Tail, few_carry_half};
use crate::metric::RowMean;

/// A mean, or a ratio of means, with its standard error.
pub(super) struct Pivot<'a> {
    mean: &'a RowMean,
    /// The own weights of the rows.
    weights: Option<&'a [f64]>,
    /// The stratum of each row, where rows are drawn within strata, and how many there are.
    strata: Option<(&'a [u32], usize)>,
    /// Whether the mean is taken as a logarithm.
    is_log: bool,
    /// The law of the largest losses, where they are drawn from it.
    tail: Option<Tail>,
    /// The largest mean that the rows at hand speak for.
    most: f64,
    estimate: f64,
    error: f64,
}

/// A row of a resample: how often it counts, its own weight, its two numbers.
struct Drawn {
    weight: f64,
    own: f64,
    value: f64,
    over: f64,
}

impl<'a> Pivot<'a> {
    /// The pivot of a mean on the rows as they are; `None` where it has no standard error.
    pub(super) fn new(
        mean: &'a RowMean,
        weights: Option<&'a [f64]>,
        strata: Option<(&'a [u32], usize)>,
    ) -> Option<Self> {
        let is_log = mean.rows.iter().all(|v| *v >= 0.0);
        let most = f64::INFINITY;
        let mut pivot =
            Self { mean, weights, strata, is_log, tail: None, most, estimate: 0.0, error: 0.0 };
        if !is_log && mean.over.is_some() {
            return None;
        }
        let ones;
        let drawn = if let Some(weights) = weights {
            weights
        } else {
            ones = vec![1.0; mean.rows.len()];
            &ones
        };
        (pivot.estimate, pivot.error) = pivot.measure(drawn)?;
        Some(pivot)
    }

    /// With the largest losses drawn from a law of their own, where they have one.
    #[must_use]
    pub(super) fn with_tail(mut self) -> Self {
        if self.is_log && self.strata.is_none() {
            self.tail = Tail::of(&self.mean.rows, self.weights);
        }
        self
    }

    /// With an upper end no farther than the rows that carry the loss speak for: where one carries
    /// nearly all, resamples without it look so sure that the end would be thousands of times off.
    #[must_use]
    pub(super) fn with_most(mut self) -> Self {
        if self.is_log && self.mean.over.is_none() {
            self.most = most_by_chance(&self.mean.rows, self.weights);
        }
        self
    }

    /// What is to be said of an interval that rests on few rows; nothing of losses with a sign.
    pub(super) fn caution(&self) -> Option<String> {
        let (n_few, n_rows) =
            few_carry_half(&self.mean.rows, self.weights).filter(|_| self.is_log)?;
        let carry = if n_few == 1 { "1 row carries" } else { &format!("{n_few} rows carry") };
        Some(format!("{carry} half of the error of {n_rows}: other rows may say otherwise"))
    }

    /// How many standard errors a resample is off the rows as they are.
    pub(super) fn distance(&self, drawn: &[f64]) -> Option<f64> {
        let (estimate, error) = self.measure(drawn)?;
        Some((estimate - self.estimate) / error)
    }

    /// As [`Self::distance`], with the largest losses drawn from their law; `None` without one.
    pub(super) fn distance_in_tail(&self, drawn: &[f64], random: &mut Random) -> Option<f64> {
        let tail = self.tail?;
        let over = |row: usize| self.mean.over.as_ref().map_or(1.0, |over| over[row]);
        let mut rows = Vec::with_capacity(drawn.len());
        for (row, weight) in drawn.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            let (own, over) = (self.weights.map_or(1.0, |w| w[row]), over(row));
            if self.mean.rows[row] <= tail.start {
                rows.push(Drawn { weight: *weight, own, value: self.mean.rows[row], over });
                continue;
            }
            for _ in 0..(weight / own).round() as usize {
                rows.push(Drawn { weight: own, own, value: tail.draw(random), over });
            }
        }
        let sum = |of: fn(&Drawn) -> f64| rows.iter().map(|r| r.weight * of(r)).sum::<f64>();
        let total = sum(|_| 1.0);
        let (mean, over) = (sum(|r| r.value) / total, sum(|r| r.over) / total);
        let influence = |r: &Drawn| r.value / mean - r.over / over;
        let squares: f64 = rows.iter().map(|r| r.weight * r.own * influence(r).powi(2)).sum();
        let error = squares.sqrt() / total;
        let distance = ((mean / over).ln() - self.estimate) / error;
        (error > 0.0 && distance.is_finite()).then_some(distance)
    }

    /// The interval from the distances of the resamples: as they are, and with the largest losses
    /// drawn from their law.
    ///
    /// # Errors
    /// Input error when too few resamples have a distance.
    pub(super) fn interval(
        &self,
        distances: Vec<Option<f64>>,
        in_tail: Vec<Option<f64>>,
    ) -> Result<Interval> {
        let sorted = defined(distances)?;
        let end = |distance: f64| {
            let shifted = self.estimate - distance * self.error;
            (self.mean.of)(if self.is_log { shifted.exp().min(self.most) } else { shifted })
        };
        let above = match (self.tail, defined(in_tail)) {
            (Some(_), Ok(smooth)) => Tail::upper(&smooth, self.mean.rows.len()),
            _ => quantile_of_sorted(&sorted, 0.025),
        };
        let (a, b) = (end(quantile_of_sorted(&sorted, 0.975)), end(above));
        Ok(Interval { low: a.min(b), high: a.max(b) })
    }

    /// Estimate and standard error under the weights of a resample.
    fn measure(&self, drawn: &[f64]) -> Option<(f64, f64)> {
        let rows = &self.mean.rows;
        let (mut total, mut sum, mut sum_over) = (0.0, 0.0, 0.0);
        for (row, d) in drawn.iter().enumerate() {
            total += d;
            sum += d * rows[row];
            sum_over += self.mean.over.as_ref().map_or(0.0, |over| d * over[row]);
        }
        let over = if self.mean.over.is_some() { sum_over / total } else { 1.0 };
        let mean = sum / total;
        if !(total > 0.0 && over > 0.0 && (mean > 0.0 || !self.is_log)) {
            return None;
        }
        // What a row adds to the estimate, to first order.
        let influence = |row: usize| match (self.is_log, &self.mean.over) {
            (true, Some(values)) => rows[row] / mean - values[row] / over,
            (true, None) => rows[row] / mean - 1.0,
            (false, _) => rows[row] - mean,
        };
        let error = self.squares(drawn, influence).sqrt() / total;
        let estimate = if self.is_log { (mean / over).ln() } else { mean };
        (error > 0.0 && error.is_finite()).then_some((estimate, error))
    }

    /// The sum of the squared influences, within strata about their means.
    fn squares(&self, drawn: &[f64], influence: impl Fn(usize) -> f64) -> f64 {
        let own = |row: usize| self.weights.map_or(1.0, |w| w[row]);
        let Some((codes, n)) = self.strata else {
            return (0..drawn.len())
                .map(|row| drawn[row] * own(row) * influence(row).powi(2))
                .sum();
        };
        let mut sums = vec![(0.0, 0.0); n];
        for (row, d) in drawn.iter().enumerate() {
            let (weight, sum) = &mut sums[codes[row] as usize];
            *weight += d;
            *sum += d * influence(row);
        }
        let square = |row: usize| {
            let (weight, sum) = sums[codes[row] as usize];
            let mean = if weight > 0.0 { sum / weight } else { 0.0 };
            drawn[row] * own(row) * (influence(row) - mean).powi(2)
        };
        (0..drawn.len()).map(square).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(rows: Vec<f64>) -> RowMean {
        RowMean { rows, over: None, of: |v| v }
    }

    #[test]
    fn the_error_of_a_mean_is_the_textbooks() {
        let mean = mean(vec![1.0, 2.0, 3.0, 4.0, -5.0]);
        let pivot = Pivot::new(&mean, None, None).unwrap();
        // The standard deviation with n below, over √n.
        let spread = (mean.rows.iter().map(|v| (v - 1.0).powi(2)).sum::<f64>() / 25.0).sqrt();
        assert!((pivot.error - spread).abs() < 1e-12 && pivot.estimate == 1.0);
        assert_eq!(pivot.distance(&[1.0; 5]), Some(0.0));
    }

    #[test]
    fn what_is_drawn_within_strata_varies_within_them_only() {
        let mean = mean(vec![1.0, 1.0, 5.0, 5.0]);
        assert!(Pivot::new(&mean, None, Some((&[0, 0, 1, 1], 2))).is_none(), "no variation");
        assert!(Pivot::new(&mean, None, None).is_some());
    }

    #[test]
    fn a_weight_of_two_moves_the_mean_as_two_rows_do_but_is_one_witness() {
        let (one, two) = (mean(vec![1.0, 3.0, 4.0]), mean(vec![1.0, 3.0, 4.0, 4.0]));
        let weighted = Pivot::new(&one, Some(&[1.0, 1.0, 2.0]), None).unwrap();
        let repeated = Pivot::new(&two, None, None).unwrap();
        assert!((weighted.estimate - repeated.estimate).abs() < 1e-12);
        assert!(weighted.error > repeated.error);
    }
}
