//! What decisions cost on average, with an interval that counts dear errors which no row shows.
//!
//! A resample of rows without a miss has none either, however dear one would be. The mean cost is a
//! sum over cells: the share of rows that cost so much, times that cost. Each share has Wilson's
//! interval, which is open where no row is in the cell, and the method of variance estimates
//! recovery adds them up, with the correlation of the shares of one sample. References: Zou, Huang
//! & Zhang, "A note on confidence interval estimation for a linear function of binomial
//! proportions", Computational Statistics & Data Analysis 53, 2009; Zou & Donner, "Construction of
//! confidence limits about effect measures", Statistics in Medicine 27, 2008.

use std::collections::BTreeMap;

use modelwright_core::record::{Difference, Interval, MetricValue};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};

use crate::compare::{Paired, compare_costs};
use crate::cost::CostMatrix;
use crate::curve::wilson;
use crate::evaluation::EXPECTED_COST;
use crate::resample::{Drawing, Mix, bootstrap_row_mean, numbered};

/// Rows of a class mix that are a random sample, with what is known of them.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) truth: &'a Target,
    pub(crate) weights: Option<&'a [f64]>,
    pub(crate) groups: Option<&'a [u32]>,
}

/// The share of rows of each cell, by what a row of it costs; cells that no row shows have a share
/// of 0, and rows that cost nothing no cell.
struct Cells(Vec<(f64, f64)>);

impl Cells {
    /// The cells of what rows cost, and of what else they may cost.
    fn of(rows: &[f64], weights: Option<&[f64]>, possible: &[f64]) -> Self {
        // By the bits, which tell numbers apart that are equal in all that is seen of them.
        let mut shares: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
        let total: f64 = weights.map_or(rows.len() as f64, |w| w.iter().sum());
        for cost in possible.iter().filter(|cost| **cost != 0.0) {
            shares.insert(cost.to_bits(), (*cost, 0.0));
        }
        for (row, cost) in rows.iter().enumerate().filter(|(_, cost)| **cost != 0.0) {
            let cell = shares.entry(cost.to_bits()).or_insert((*cost, 0.0));
            cell.1 += weights.map_or(1.0, |w| w[row]) / total;
        }
        Self(shares.into_values().map(|(cost, share)| (cost, share.min(1.0))).collect())
    }

    fn mean(&self) -> f64 {
        self.0.iter().map(|(cost, share)| cost * share).sum()
    }

    /// How far the mean may be below and above, by so many independent witnesses.
    fn reach(&self, n: f64) -> (f64, f64) {
        let of = |end: fn(&Interval, bool) -> f64, is_below: bool| {
            let steps: Vec<f64> = self
                .0
                .iter()
                .map(|(cost, share)| {
                    let is_low = (*cost > 0.0) == is_below;
                    cost * (end(&wilson(*share, n), is_low) - share)
                })
                .collect();
            self.together(&steps)
        };
        let end = |ci: &Interval, is_low: bool| if is_low { ci.low } else { ci.high };
        (of(end, true), of(end, false))
    }

    /// The length of the steps of all cells together, whose shares add up to a whole.
    fn together(&self, steps: &[f64]) -> f64 {
        let odds = |share: f64| if share < 1.0 { (share / (1.0 - share)).sqrt() } else { 0.0 };
        // Σ d² - 2 Σ_{i<j} o_i o_j s_i s_j d_i d_j, where steps of one direction and of costs of
        // opposite signs move their shares in opposite directions.
        let signed: f64 = self
            .0
            .iter()
            .zip(steps)
            .map(|((cost, share), step)| cost.signum() * odds(*share) * step.abs())
            .sum();
        let own: f64 =
            self.0.iter().zip(steps).map(|((_, share), d)| (odds(*share) * d).powi(2)).sum();
        let squares: f64 = steps.iter().map(|d| d * d).sum();
        (squares - (signed * signed - own)).max(0.0).sqrt()
    }

    /// The cells that no row shows, or every row.
    fn extreme(&self) -> Self {
        Self(self.0.iter().filter(|(_, share)| *share <= 0.0 || *share >= 1.0).copied().collect())
    }
}

/// So many rows of one weight as these are worth (Kish's effective number).
fn n_effective(n_rows: usize, weights: Option<&[f64]>) -> f64 {
    weights.map_or(n_rows as f64, |w| {
        let (sum, squares) = (w.iter().sum::<f64>(), w.iter().map(|w| w * w).sum::<f64>());
        sum * sum / squares
    })
}

/// So many groups of one weight as these are worth.
fn n_effective_groups(groups: &[u32], weights: Option<&[f64]>) -> f64 {
    let (codes, n_groups) = numbered(groups);
    let mut sums = vec![0.0; n_groups];
    for (code, weight) in codes.iter().zip(weights.unwrap_or_default()) {
        sums[*code as usize] += weight;
    }
    n_effective(n_groups, weights.map(|_| &sums[..]))
}

/// The mean cost of the decisions that `decided` are, and its interval.
///
/// # Errors
/// Input error when truth and decisions do not fit each other or the costs.
pub(crate) fn mean_cost(
    costs: &CostMatrix,
    decided: &Predictions,
    given: Rows<'_>,
    n_resamples: usize,
    ctx: &Context,
) -> Result<MetricValue> {
    let rows = costs.row_costs(given.truth, decided)?;
    let cells = Cells::of(&rows, given.weights, &costs.rows().concat());
    let n_rows = n_effective(rows.len(), given.weights);
    let drawing = Drawing {
        n_resamples: given.groups.map_or(0, |_| n_resamples),
        mix: Mix::Drawn,
        groups: given.groups,
    };
    let measured =
        bootstrap_row_mean(EXPECTED_COST, rows, given.truth, given.weights, drawing, ctx);
    let Some(value) = measured.value else { return Ok(measured) };
    let Some(groups) = given.groups else {
        let (below, above) = cells.reach(n_rows);
        let is_sound = n_rows > 1.0 && n_resamples > 0;
        let ci95 =
            is_sound.then(|| Interval { low: (value - below).max(0.0), high: value + above });
        let note = measured.note.filter(|_| ci95.is_none());
        return Ok(MetricValue { ci95, note, ..measured });
    };
    let (below, above) = cells.extreme().reach(n_effective_groups(groups, given.weights));
    let wider = |ci: Interval| Interval {
        low: (value - (value - ci.low).hypot(below)).max(0.0),
        high: value + (ci.high - value).hypot(above),
    };
    Ok(MetricValue { ci95: measured.ci95.map(wider), ..measured })
}

/// By how much the decisions cost more than the same answer for every row, on the same rows; `None`
/// where that cannot be told.
pub(crate) fn against_constant(
    costs: &CostMatrix,
    decided: &Predictions,
    constant: &Predictions,
    given: Rows<'_>,
    ctx: &Context,
) -> Option<Difference> {
    let Rows { truth, weights, groups } = given;
    if groups.is_some() {
        let pair = Paired { weights, groups, ..Paired::new(truth, decided, constant) };
        let found = compare_costs(costs, &pair, ctx).ok()?;
        return Some(Difference { name: found.metric, value: found.difference, ci95: found.ci95 });
    }
    let answer = *costs.decide(constant).first()? as usize;
    let own = costs.row_costs(truth, decided).ok()?;
    let codes = truth.codes()?;
    let of_answer = |code: u32| costs.cost(code as usize, answer);
    let rows: Vec<f64> = own.iter().zip(codes).map(|(own, code)| own - of_answer(*code)).collect();
    let n = costs.n_classes();
    let pairs = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
    let possible: Vec<f64> = pairs.map(|(i, j)| costs.cost(i, j) - costs.cost(i, answer)).collect();
    let cells = Cells::of(&rows, weights, &possible);
    let n_rows = n_effective(rows.len(), weights);
    let (value, (below, above)) = (cells.mean(), cells.reach(n_rows));
    let ci95 = Interval { low: value - below, high: value + above };
    let is_sound = n_rows > 1.0 && value.is_finite();
    is_sound.then(|| Difference { name: EXPECTED_COST.to_owned(), value, ci95 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(of_miss: f64) -> CostMatrix {
        let named = [("fp".to_owned(), 1.0), ("fn".to_owned(), of_miss)].into();
        CostMatrix::of_named(&named, &["no".to_owned(), "yes".to_owned()]).unwrap()
    }

    /// So many right `no`, false alarms, misses and right `yes`.
    fn rows(counts: [usize; 4]) -> (Target, Predictions) {
        let (mut codes, mut values) = (Vec::new(), Vec::new());
        for ((code, value), n) in [(0, 0.0), (0, 1.0), (1, 0.0), (1, 1.0)].into_iter().zip(counts) {
            codes.extend(std::iter::repeat_n(code, n));
            values.extend(std::iter::repeat_n(value, n));
        }
        (Target::Class { codes, n_classes: 2 }, Predictions::new(1, values))
    }

    fn measured(of_miss: f64, counts: [usize; 4]) -> (f64, Interval) {
        let (truth, p) = rows(counts);
        let given = Rows { truth: &truth, weights: None, groups: None };
        let found = mean_cost(&costs(of_miss), &p, given, 1000, &Context::unlimited(1, 1)).unwrap();
        (found.value.unwrap(), found.ci95.unwrap())
    }

    #[test]
    fn a_dear_error_that_no_row_shows_is_not_surely_impossible() {
        let (value, ci) = measured(100.0, [0, 250, 0, 50]);
        assert!((value - 250.0 / 300.0).abs() < 1e-12);
        // Wilson's limit of 0 of 300 is 0.01264, of 1 of 100 of them.
        assert!(ci.high > value + 1.2 && ci.high < value + 1.4, "{ci:?}");
        assert!(ci.low < value - 0.02, "another sample has another mix: {ci:?}");
        let (_, ci) = measured(1.0, [0, 250, 0, 50]);
        assert!(ci.low > 0.78 && ci.high < 0.88, "{ci:?}");
    }

    #[test]
    fn one_kind_of_error_has_wilsons_interval_and_two_that_of_their_mean() {
        let (_, ci) = measured(1.0, [700, 100, 100, 100]);
        let expected = wilson(0.2, 1000.0);
        assert!((ci.low - expected.low).abs() < 1e-12 && (ci.high - expected.high).abs() < 1e-12);
        let (value, ci) = measured(5.0, [7000, 1000, 1000, 1000]);
        // The variance of a cost of 1 or 5, with a chance of a tenth each.
        let error = ((0.1 + 2.5 - 0.36_f64) / 10_000.0).sqrt();
        assert!(((ci.high - value) / (1.96 * error) - 1.0).abs() < 0.05, "{ci:?} {error}");
        assert!(((value - ci.low) / (1.96 * error) - 1.0).abs() < 0.05, "{ci:?} {error}");
    }

    #[test]
    fn decisions_are_compared_with_one_answer_row_by_row() {
        let of = |of_miss, counts| {
            let (truth, p) = rows(counts);
            let constant = Predictions::new(1, vec![0.5; truth.n_rows()]);
            let given = Rows { truth: &truth, weights: None, groups: None };
            let ctx = Context::unlimited(1, 1);
            against_constant(&costs(of_miss), &p, &constant, given, &ctx).unwrap()
        };
        // One false alarm is saved, and a miss is dear: nothing is shown.
        let few = of(100.0, [1, 249, 0, 50]);
        assert!((few.value + 1.0 / 300.0).abs() < 1e-12 && few.ci95.high > 1.0, "{few:?}");
        let many = of(2.0, [230, 20, 0, 50]);
        assert!(many.ci95.high < -0.5, "{many:?}");
    }
}
