//! Shapley values of a slow model by means of a quick one that says nearly the same.
//!
//! Values are linear in the model: those of the slow one are those of the quick one and those of
//! the difference of both. The quick one is walked from every background row; the difference,
//! which is small and so is its noise, from few (multilevel Monte Carlo: Giles, "Multilevel Monte
//! Carlo methods", Acta Numerica 24, 2015). What these few background rows differ by from all of
//! them is known of each and taken out by regression (a control variate), so that the values of a
//! row still add up exactly.

use modelwright_core::random::Random;
use modelwright_core::{Context, Result};

use super::mixture::{Mixer, RowValues};
use super::permutation::mean_of;
use super::walk::{Orders, walk};

/// Walks of the slow model, at least.
const WALKS_MIN: usize = 4;
/// Share of the background rows that the slow model walks from, for each share of the spread of its
/// predictions that the difference has: noise goes with spread by walks, and with this many the
/// difference has no more of it than walks of the whole model from all rows have.
const WALKS_PER_SPREAD: f64 = 18.0;
/// With more walks than one for so many background rows the quick model is no gain.
const ROWS_PER_WALK_MIN: usize = 2;
/// Slopes are drawn to 0 as if so many background rows more had shown none.
const RIDGE_ROWS: f64 = 0.25;

/// A quick model beside the slow one.
pub(super) struct Quick<'a> {
    mixer: Mixer<'a>,
    /// Slow minus quick of each background row (rows × outputs), and the means.
    differences: Vec<f64>,
    means: Vec<f64>,
    /// Background rows in the order of what differs most.
    order: Vec<usize>,
    /// Walks of the slow model: one from each of so many parts of that order.
    n_walks: usize,
}

impl<'a> Quick<'a> {
    /// `mixer` is the quick model's, of the same rows as the slow one's; `None` where they say too
    /// different things of the background.
    pub(super) fn new(mixer: Mixer<'a>, slow: &Mixer<'_>) -> Option<Self> {
        let (n, n_outputs) = (slow.n_background(), slow.n_outputs());
        let of_row = |b: usize| {
            let both = slow.of_background(b).iter().zip(mixer.of_background(b));
            both.map(|(slow, quick)| slow - quick)
        };
        let differences: Vec<f64> = (0..n).flat_map(of_row).collect();
        let of_output = |k: usize| differences.iter().skip(k).step_by(n_outputs);
        let means: Vec<f64> =
            (0..n_outputs).map(|k| of_output(k).sum::<f64>() / n as f64).collect();
        let spread = |k: usize| of_output(k).map(|d| (d - means[k]).powi(2)).sum::<f64>();
        let widest = (0..n_outputs).max_by(|a, b| spread(*a).total_cmp(&spread(*b))).unwrap_or(0);
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| {
            differences[a * n_outputs + widest].total_cmp(&differences[b * n_outputs + widest])
        });
        let of_slow: Vec<f64> = (0..n).flat_map(|b| slow.of_background(b).to_vec()).collect();
        let share = spread_of(&differences, n_outputs) / spread_of(&of_slow, n_outputs);
        let n_walks = (WALKS_PER_SPREAD * share * n as f64).ceil();
        let pays = n_walks.is_finite() && n_walks as usize * ROWS_PER_WALK_MIN <= n;
        let n_walks = (n_walks as usize).max(WALKS_MIN).min(n);
        pays.then_some(Self { mixer, differences, means, order, n_walks })
    }

    /// Walks of the slow model for each row.
    pub(super) fn n_walks(&self) -> usize {
        self.n_walks
    }

    /// The values of some rows.
    pub(super) fn explain(
        &self,
        slow: &Mixer<'_>,
        rows: &mut [Orders],
        ctx: &Context,
    ) -> Result<Vec<RowValues>> {
        let all: Vec<usize> = (0..self.order.len()).collect();
        let few: Vec<Vec<usize>> = rows.iter_mut().map(|row| self.few(&mut row.random)).collect();
        let of_all: Vec<(&Orders, &[usize])> = rows.iter().map(|row| (row, &all[..])).collect();
        let quick = walk(&self.mixer, &of_all, ctx)?;
        let of_few: Vec<(&Orders, &[usize])> =
            rows.iter().zip(&few).map(|(row, few)| (row, &few[..])).collect();
        let slow = walk(slow, &of_few, ctx)?;
        let walked = quick.into_iter().zip(slow).zip(&few);
        Ok(walked.map(|((quick, slow), few)| self.values(&quick, slow, few)).collect())
    }

    /// One background row of each part.
    fn few(&self, random: &mut Random) -> Vec<usize> {
        let (n, n_walks) = (self.order.len(), self.n_walks);
        let of = |i: usize| {
            let (from, to) = (i * n / n_walks, (i + 1) * n / n_walks);
            self.order[from + random.below(to - from)]
        };
        (0..n_walks).map(of).collect()
    }

    /// The values of a row by the walks of both models.
    fn values(&self, quick: &[f64], mut slow: Vec<f64>, few: &[usize]) -> RowValues {
        let mut values = mean_of(quick, self.order.len());
        let size = values.values.len();
        for (b, of_walk) in few.iter().zip(slow.chunks_exact_mut(size)) {
            let own = &quick[b * size..][..size];
            of_walk.iter_mut().zip(own).for_each(|(slow, quick)| *slow -= quick);
        }
        for output in 0..self.means.len() {
            self.add_difference(few, &slow, output, &mut values);
        }
        values
    }

    /// Adds what one output of the difference gets: means of the walks, moved to all background
    /// rows.
    fn add_difference(&self, few: &[usize], walks: &[f64], output: usize, to: &mut RowValues) {
        let (n, n_outputs, size) = (few.len() as f64, self.means.len(), to.values.len());
        let known = |b: usize| self.differences[b * n_outputs + output];
        let mean = few.iter().map(|b| known(*b)).sum::<f64>() / n;
        let spread = few.iter().map(|b| (known(*b) - mean).powi(2)).sum::<f64>();
        let of_all = (0..self.order.len()).map(|b| (known(b) - self.means[output]).powi(2));
        let ridge = RIDGE_ROWS * of_all.sum::<f64>() / self.order.len() as f64;
        let gap = self.means[output] - mean;
        let moved = if spread > 0.0 { gap / (spread + ridge) } else { 0.0 };
        let mut sizes = Vec::new();
        for place in (output..size).step_by(n_outputs) {
            let of_walks = few.iter().zip(walks.chunks_exact(size)).map(|(b, w)| (*b, w[place]));
            let own = of_walks.clone().map(|(_, part)| part).sum::<f64>() / n;
            let along = of_walks.clone().map(|(b, part)| (known(b) - mean) * part).sum::<f64>();
            let slope = along / (spread + ridge).max(f64::MIN_POSITIVE);
            let rest = of_walks
                .clone()
                .map(|(b, part)| (part - own - slope * (known(b) - mean)).powi(2))
                .sum::<f64>();
            to.variances[place] += rest / (n - 2.0).max(1.0) / n;
            to.values[place] += own + along * moved;
            sizes.push(of_walks.map(|(_, part)| part.abs()).sum::<f64>());
        }
        // The parts of each walk from `b` sum to what is left up to the row, so that their slopes
        // along `known(b)` sum to -1: what the ridge keeps back of it is missing in the sum.
        self.divide(spread * moved - gap, &sizes, output, to);
    }

    /// Adds a sum to the columns by their sizes.
    fn divide(&self, sum: f64, sizes: &[f64], output: usize, to: &mut RowValues) {
        let n_outputs = self.means.len();
        let own = || to.values.iter().skip(output).step_by(n_outputs).map(|v| v.abs());
        let sizes = match sizes.iter().sum::<f64>() > 0.0 {
            true => sizes.to_vec(),
            false if own().sum::<f64>() > 0.0 => own().collect(),
            false => vec![1.0; sizes.len()],
        };
        let total: f64 = sizes.iter().sum();
        for (column, size) in sizes.iter().enumerate() {
            to.values[column * n_outputs + output] += sum * size / total;
        }
    }
}

/// The sum of squares around the means of the outputs.
fn spread_of(values: &[f64], n_outputs: usize) -> f64 {
    let n = (values.len() / n_outputs) as f64;
    let of_output = |k: usize| values.iter().skip(k).step_by(n_outputs);
    let spread = |k: usize| {
        let mean = of_output(k).sum::<f64>() / n;
        of_output(k).map(|v| (v - mean).powi(2)).sum::<f64>()
    };
    (0..n_outputs).map(spread).sum()
}
