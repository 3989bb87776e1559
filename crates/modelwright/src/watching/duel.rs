//! Two models on rows that came after both, row by row, as two bets that may be looked at any time.
//!
//! Of each row there is a number in [-1, 1], above zero where the newer model is better: of classes
//! half the difference of the Brier losses; of values the difference of the absolute errors over
//! four times the mean absolute error of the older model so far, which the next row does not know.
//!
//! Where the models were fitted with `--group`, rows of a group are no independent witnesses, and a
//! bet on each of them would win by one patient's many visits. A stake is then laid on whole
//! groups: on the mean over the rows that a group has in one file.

use std::collections::HashMap;
use std::path::Path;

use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use modelwright_inspect::drift::MeanBet;
use modelwright_lifecycle::watch::Duel;

use crate::Model;
use crate::labelled::predict_answered;

/// The scale of differences of errors, in mean absolute errors of the older model.
const ERRORS: f64 = 4.0;

/// The running duel.
#[derive(Default)]
struct Bets {
    better: MeanBet,
    worse: MeanBet,
    error_sum: f64,
    n_errors: f64,
    n_rows: u64,
    gains: f64,
}

/// Compares two models on files, in the order in which they are given.
///
/// # Errors
/// Input error when a file cannot be read, or the models answer other questions.
pub(super) fn duel(newer: &Model, older: &Model, files: &[&Path], ctx: &Context) -> Result<Duel> {
    if newer.predictor.classes != older.predictor.classes {
        return Err(Error::input("the two models have other classes")
            .expected(older.predictor.classes.join(", "))
            .got(newer.predictor.classes.join(", ")));
    }
    let mut bets = Bets::default();
    let mut is_grouped = false;
    for path in files {
        let Some(of_older) = predict_answered(older, path, ctx)? else { continue };
        let Some(of_newer) = predict_answered(newer, path, ctx)? else { continue };
        let groups = of_older.groups.as_deref().or(of_newer.groups.as_deref());
        is_grouped |= groups.is_some();
        bets.add(&of_older.truth, (&of_newer.predictions, &of_older.predictions), groups);
    }
    let of = match newer.predictor.classes.len() {
        0 => "differences of absolute errors",
        _ => "differences of Brier losses",
    };
    let unit = if is_grouped { ", a group of rows at a time" } else { "" };
    Ok(Duel {
        n_rows: bets.n_rows,
        gain: (bets.n_rows > 0).then(|| bets.gains / bets.n_rows as f64),
        p_better: bets.better.p_value(),
        p_worse: bets.worse.p_value(),
        method: format!("a bet on {of}{unit}"),
    })
}

impl Bets {
    /// Takes the rows of a file; `groups` says which of them belong together.
    fn add(
        &mut self,
        truth: &Target,
        (newer, older): (&Predictions, &Predictions),
        groups: Option<&[u32]>,
    ) {
        let gains = self.gains_of(truth, newer, older);
        let known = || gains.iter().flatten();
        self.n_rows += known().count() as u64;
        self.gains += known().sum::<f64>();
        let Some(groups) = groups else {
            known().for_each(|gain| self.stake(*gain));
            return;
        };
        // In the order in which groups come first.
        let mut places: HashMap<u32, usize> = HashMap::new();
        let mut sums: Vec<(f64, f64)> = Vec::new();
        for (gain, group) in gains.iter().zip(groups) {
            let Some(gain) = gain else { continue };
            let place = *places.entry(*group).or_insert(sums.len());
            if place == sums.len() {
                sums.push((0.0, 0.0));
            }
            sums[place].0 += gain;
            sums[place].1 += 1.0;
        }
        for (sum, n) in sums {
            self.stake(sum / n);
        }
    }

    /// What each row says, cut to [-1, 1]; `None` of a row that only sets the scale.
    fn gains_of(
        &mut self,
        truth: &Target,
        newer: &Predictions,
        older: &Predictions,
    ) -> Vec<Option<f64>> {
        match truth {
            Target::Class { codes, .. } => {
                let of = |p: &Predictions, row: usize, code: u32| brier(p.row(row), code as usize);
                let gain = |(row, code): (usize, &u32)| {
                    Some((of(older, row, *code) - of(newer, row, *code)) / 2.0)
                };
                codes.iter().enumerate().map(gain).collect()
            }
            Target::Real(values) => {
                let mut gains = Vec::with_capacity(values.len());
                for (row, value) in values.iter().enumerate() {
                    let error = |p: &Predictions| (p.row(row)[0] - value).abs();
                    let (old, new) = (error(older), error(newer));
                    let is_scaled = self.n_errors > 0.0 && self.error_sum > 0.0;
                    gains.push(is_scaled.then(|| {
                        let scale = ERRORS * self.error_sum / self.n_errors;
                        ((old - new) / scale).clamp(-1.0, 1.0)
                    }));
                    self.error_sum += old;
                    self.n_errors += 1.0;
                }
                gains
            }
        }
    }

    fn stake(&mut self, gain: f64) {
        self.better.update(gain);
        self.worse.update(-gain);
    }
}

/// The Brier loss of a row, in [0, 2]: of binary tasks both classes count.
pub(super) fn brier(row: &[f64], code: usize) -> f64 {
    if let [positive] = row {
        let error = positive - f64::from(u8::from(code == 1));
        return 2.0 * error * error;
    }
    let square = |(class, p): (usize, &f64)| {
        let error = p - f64::from(u8::from(class == code));
        error * error
    };
    row.iter().enumerate().map(square).sum()
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    #[test]
    fn the_better_of_two_models_wins_and_equal_ones_do_not() {
        let mut random = Random::stream(1, "duel", 0);
        let (mut codes, mut good, mut bad) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..2000 {
            let code = u32::from(random.unit() < 0.5);
            codes.push(code);
            let toward = if code == 1 { 0.75 } else { 0.25 };
            good.push(toward);
            bad.push(0.5 + 0.2 * (toward - 0.5) + 0.2 * (random.unit() - 0.5));
        }
        let truth = Target::Class { codes, n_classes: 2 };
        let (good, bad) = (Predictions::new(1, good), Predictions::new(1, bad));
        let mut bets = Bets::default();
        bets.add(&truth, (&good, &bad), None);
        assert!(bets.better.p_value() < 1e-6 && bets.worse.p_value() > 0.5);
        let mut bets = Bets::default();
        bets.add(&truth, (&good, &good), None);
        assert_eq!((bets.better.p_value(), bets.worse.p_value()), (1.0, 1.0));
    }

    #[test]
    fn errors_of_values_are_put_in_proportion() {
        let truth = Target::Real((0..400).map(|i| f64::from(i % 7)).collect());
        let by =
            |shift: f64| Predictions::new(1, (0..400).map(|i| f64::from(i % 7) + shift).collect());
        let mut bets = Bets::default();
        bets.add(&truth, (&by(0.5), &by(1.0)), None);
        assert_eq!(bets.better.n(), 399, "the first row only sets the scale");
        assert!(bets.better.p_value() < 1e-4);
        assert!((bets.better.mean().unwrap() - 0.125).abs() < 1e-12);
    }

    #[test]
    fn many_rows_of_few_groups_win_nothing_that_the_groups_do_not() {
        // Three patients with 200 visits each, of whom the newer model knows two better.
        let codes = vec![1; 600];
        let by = |of: [f64; 3]| Predictions::new(1, (0..600).map(|row| of[row / 200]).collect());
        let (newer, older) = (by([0.9, 0.9, 0.5]), by([0.6, 0.6, 0.6]));
        let truth = Target::Class { codes, n_classes: 2 };
        let groups: Vec<u32> = (0..600).map(|row| row / 200).collect();
        let (mut by_row, mut by_group) = (Bets::default(), Bets::default());
        by_row.add(&truth, (&newer, &older), None);
        by_group.add(&truth, (&newer, &older), Some(&groups));
        assert!(by_row.better.p_value() < 1e-4);
        assert!(by_group.better.p_value() > 0.5, "{}", by_group.better.p_value());
        assert_eq!((by_group.n_rows, by_group.better.n()), (600, 3));
        assert!((by_group.gains - by_row.gains).abs() < 1e-12);
    }

    #[test]
    fn the_loss_of_a_row_lies_between_zero_and_two() {
        assert_eq!((brier(&[1.0], 1), brier(&[1.0], 0)), (0.0, 2.0));
        assert_eq!(brier(&[0.0, 1.0, 0.0], 0), 2.0);
    }
}
