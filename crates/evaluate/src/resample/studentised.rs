//! Studentised bootstrap intervals (bootstrap-t) of metrics that are means over rows, or ratios of
//! two: log loss, Brier score, absolute and squared errors, R².
//!
//! Losses have long tails: a sample without the rare large ones looks both better and surer than
//! it is. Resampling the distance in units of *its own* standard error carries that over into the
//! interval. Means that cannot be negative are taken as logarithms, which makes them less skewed.
//! The upper end of a loss of numbers is found with its tail smoothed; see `tail`. That of a loss
//! of classes is, on few rows, found with labels that are not there (`relabelled`), and else the
//! same quantile of the distances as they are, a little farther out.
//!
//! References: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 12;
//! Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69, 2015.

use modelwright_core::Result;
use modelwright_core::random::Random;
use modelwright_core::record::Interval;

use super::bootstrap::{defined, quantile_of_sorted};
use super::carried::most_by_chance;
use super::moments::{ROUNDING, Rows};
use super::relabelled::Relabelled;
use super::tail::{Tail, few_carry_half};
use crate::metric::RowMean;

/// A mean, or a ratio of means, with its standard error.
pub(super) struct Pivot<'a> {
    mean: &'a RowMean,
    /// The own weights of the rows.
    weights: Option<&'a [f64]>,
    /// What is summed.
    rows: Rows,
    /// The stratum of each row, where rows are drawn within strata, and how many there are.
    strata: Option<(&'a [u32], usize)>,
    /// Whether the mean is taken as a logarithm.
    is_log: bool,
    /// The law of the largest losses, where they are drawn from it, and which rows those are.
    tail: Option<(Tail, Vec<u32>)>,
    /// What labels that are not there would lose, and the logarithm of the mean with them.
    relabelled: Option<(Relabelled, f64)>,
    /// The largest mean that the rows at hand speak for.
    most: f64,
    estimate: f64,
    error: f64,
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
        let rows = Rows::new(&mean.rows, mean.over.as_deref(), weights);
        let (estimate, error) = (0.0, 0.0);
        let mut pivot = Self {
            mean,
            weights,
            rows,
            strata,
            is_log,
            tail: None,
            relabelled: None,
            most,
            estimate,
            error,
        };
        if !is_log && mean.over.is_some() {
            return None;
        }
        (pivot.estimate, pivot.error) = pivot.measure(&pivot.rows.own)?;
        Some(pivot)
    }

    /// With the largest losses drawn from a law of their own, where they have one.
    #[must_use]
    pub(super) fn with_tail(mut self) -> Self {
        if self.is_log && self.strata.is_none() {
            let tail = Tail::of(&self.mean.rows, self.weights);
            let largest = |tail: Tail| {
                let rows = self.mean.rows.iter().enumerate();
                let rows = rows.filter(|(_, value)| **value > tail.start);
                (tail, rows.map(|(row, _)| row as u32).collect())
            };
            self.tail = tail.map(largest);
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

    /// With labels drawn from what the predictions expect, here and there.
    #[must_use]
    pub(super) fn with_labels(mut self, labels: Option<Relabelled>) -> Self {
        let Some(labels) = labels.filter(|_| self.is_log && self.mean.over.is_none()) else {
            return self;
        };
        let own = |row: usize| self.weights.map_or(1.0, |w| w[row]);
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, loss) in self.mean.rows.iter().enumerate() {
            sum += own(row) * labels.mean(row, *loss);
            total += own(row);
        }
        let mean = (sum / total).ln();
        if mean.is_finite() {
            self.most = labels.most(&self.mean.rows, self.weights);
            self.relabelled = Some((labels, mean));
        }
        self
    }

    /// As [`Self::distance`], with labels drawn anew here and there; `None` without them.
    fn distance_relabelled(&self, drawn: &[f64], random: &mut Random) -> Option<f64> {
        let (labels, center) = self.relabelled.as_ref()?;
        let n_strata = self.strata.map_or(1, |(_, n)| n);
        // Of each stratum: the weight, then by it the losses; the same by the own weight once more,
        // and their squares.
        let mut sums = vec![[0.0; 5]; n_strata];
        for (row, d) in drawn.iter().enumerate().filter(|(_, d)| **d > 0.0) {
            let own = self.rows.own[row];
            let sums = &mut sums[self.strata.map_or(0, |(codes, _)| codes[row] as usize)];
            for _ in 0..(d / own).round() as usize {
                let loss = labels.draw(row, self.mean.rows[row], random);
                let square = own * own;
                let terms = [own, own * loss, square, square * loss, square * loss * loss];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            }
        }
        let (mut total, mut loss, mut squares) = (0.0, 0.0, 0.0);
        for [weight, by_weight, square, by_square, squared] in sums.iter().filter(|s| s[0] > 0.0) {
            let mean = by_weight / weight;
            total += weight;
            loss += by_weight;
            let terms = [*squared, -2.0 * mean * by_square, mean * mean * square];
            let sum: f64 = terms.iter().sum();
            // What is left of terms that cancel is rounding.
            squares += if sum > ROUNDING * terms[0] { sum } else { 0.0 };
        }
        let (mean, error) = (loss / total, squares.sqrt() / loss);
        let distance = (mean.ln() - center) / error;
        (error > 0.0 && distance.is_finite()).then_some(distance)
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

    /// As [`Self::distance`], with what rows may lack drawn from a law: the largest losses, or
    /// labels; `None` without one.
    pub(super) fn distance_smoothed(&self, drawn: &[f64], random: &mut Random) -> Option<f64> {
        self.distance_in_tail(drawn, random).or_else(|| self.distance_relabelled(drawn, random))
    }

    /// As [`Self::distance`], with the largest losses drawn from their law; `None` without one.
    fn distance_in_tail(&self, drawn: &[f64], random: &mut Random) -> Option<f64> {
        let (tail, largest) = self.tail.as_ref()?;
        let mut body = drawn.to_vec();
        for row in largest {
            body[*row as usize] = 0.0;
        }
        let mut moments = self.rows.moments(&body);
        let (unit, unit_over) = self.rows.units;
        for row in largest.iter().map(|row| *row as usize) {
            let (own, over) = (self.rows.own[row], self.rows.over(row));
            for _ in 0..(drawn[row] / own).round() as usize {
                moments.add(own, own, tail.draw(random) / unit, over);
            }
        }
        let total = moments.total;
        let (mean, over) = (moments.value / total, moments.over / total);
        let error = moments.squares(1.0 / mean, -1.0 / over).sqrt() / total;
        let (mean, over) = (mean * unit, over * unit_over);
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
        let above = match (&self.tail, defined(in_tail)) {
            (Some(_), Ok(smooth)) => Tail::upper(&smooth, self.mean.rows.len()),
            (None, Ok(smooth)) if self.relabelled.is_some() => {
                Relabelled::upper(&smooth, self.mean.rows.len())
            }
            _ if self.most.is_finite() => Tail::upper(&sorted, self.mean.rows.len()),
            _ => quantile_of_sorted(&sorted, 0.025),
        };
        let (a, b) = (end(quantile_of_sorted(&sorted, 0.975)), end(above));
        Ok(Interval { low: a.min(b), high: a.max(b) })
    }

    /// Estimate and standard error under the weights of a resample.
    fn measure(&self, drawn: &[f64]) -> Option<(f64, f64)> {
        let moments = self.rows.moments(drawn);
        let (unit, unit_over) = self.rows.units;
        let total = moments.total;
        let (mean, over) = (moments.value / total, moments.over / total);
        if !(total > 0.0 && over > 0.0 && (mean > 0.0 || !self.is_log)) {
            return None;
        }
        // What a row adds to the estimate, to first order: so many times its two numbers.
        let (a, b) = if self.is_log { (1.0 / mean, -1.0 / over) } else { (1.0, -mean) };
        let squares = match self.strata {
            None => moments.squares(a, b),
            Some(strata) => self.squares_within(strata, drawn, (a, b)),
        };
        let error = squares.sqrt() / total * if self.is_log { 1.0 } else { unit };
        let (mean, over) = (mean * unit, over * unit_over);
        let estimate = if self.is_log { (mean / over).ln() } else { mean };
        (error > 0.0 && error.is_finite()).then_some((estimate, error))
    }

    /// The sum of the squared influences about their means within strata.
    fn squares_within(
        &self,
        (codes, n): (&[u32], usize),
        drawn: &[f64],
        (a, b): (f64, f64),
    ) -> f64 {
        let influence = |row: usize| a * self.rows.value(row) + b * self.rows.over(row);
        let mut sums = vec![(0.0, 0.0); n];
        for (row, d) in drawn.iter().enumerate() {
            let (weight, sum) = &mut sums[codes[row] as usize];
            *weight += d;
            *sum += d * influence(row);
        }
        let square = |row: usize| {
            let (weight, sum) = sums[codes[row] as usize];
            let mean = if weight > 0.0 { sum / weight } else { 0.0 };
            drawn[row] * self.rows.own[row] * (influence(row) - mean).powi(2)
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
    fn no_size_of_losses_leaves_the_numbers() {
        let of = |unit: f64| {
            let rows = [1.0, 2.0, 3.0, 4.0, 5.0].map(|v: f64| v * unit).to_vec();
            let over = Some([2.0, 1.0, 2.0, 1.0, 3.0].map(|v: f64| v * unit).to_vec());
            let mean = RowMean { rows, over, of: |v| v };
            let pivot = Pivot::new(&mean, None, None).unwrap();
            pivot.distance(&[2.0, 0.0, 1.0, 1.0, 1.0]).unwrap()
        };
        let plain = of(1.0);
        for unit in [1e-200, 1e200] {
            assert!((of(unit) / plain - 1.0).abs() < 1e-9, "{unit}");
        }
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
