//! Two models on rows that came after both, row by row, as two bets that may be looked at any time.
//!
//! Of each row there is a number in [-1, 1], above zero where the newer model is better: of classes
//! half the difference of the Brier losses; of values the difference of the absolute errors over
//! four times the mean absolute error of the older model so far, which the next row does not know.

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
    for path in files {
        let Some(of_older) = predict_answered(older, path, ctx)? else { continue };
        let Some(of_newer) = predict_answered(newer, path, ctx)? else { continue };
        bets.add(&of_older.truth, &of_newer.predictions, &of_older.predictions);
    }
    let method = match newer.predictor.classes.len() {
        0 => "a bet on differences of absolute errors",
        _ => "a bet on differences of Brier losses",
    };
    Ok(Duel {
        n_rows: bets.better.n(),
        gain: bets.better.mean(),
        p_better: bets.better.p_value(),
        p_worse: bets.worse.p_value(),
        method: method.to_owned(),
    })
}

impl Bets {
    fn add(&mut self, truth: &Target, newer: &Predictions, older: &Predictions) {
        match truth {
            Target::Class { codes, .. } => {
                for (row, code) in codes.iter().enumerate() {
                    let of = |p: &Predictions| brier(p.row(row), *code as usize);
                    self.take((of(older) - of(newer)) / 2.0);
                }
            }
            Target::Real(values) => {
                for (row, value) in values.iter().enumerate() {
                    let error = |p: &Predictions| (p.row(row)[0] - value).abs();
                    let (old, new) = (error(older), error(newer));
                    if self.n_errors > 0.0 && self.error_sum > 0.0 {
                        let scale = ERRORS * self.error_sum / self.n_errors;
                        self.take((old - new) / scale);
                    }
                    self.error_sum += old;
                    self.n_errors += 1.0;
                }
            }
        }
    }

    fn take(&mut self, gain: f64) {
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
        bets.add(&truth, &good, &bad);
        assert!(bets.better.p_value() < 1e-6 && bets.worse.p_value() > 0.5);
        let mut bets = Bets::default();
        bets.add(&truth, &good, &good);
        assert_eq!((bets.better.p_value(), bets.worse.p_value()), (1.0, 1.0));
    }

    #[test]
    fn errors_of_values_are_put_in_proportion() {
        let truth = Target::Real((0..400).map(|i| f64::from(i % 7)).collect());
        let by =
            |shift: f64| Predictions::new(1, (0..400).map(|i| f64::from(i % 7) + shift).collect());
        let mut bets = Bets::default();
        bets.add(&truth, &by(0.5), &by(1.0));
        assert_eq!(bets.better.n(), 399, "the first row only sets the scale");
        assert!(bets.better.p_value() < 1e-4);
        assert!((bets.better.mean().unwrap() - 0.125).abs() < 1e-12);
    }

    #[test]
    fn the_loss_of_a_row_lies_between_zero_and_two() {
        assert_eq!((brier(&[1.0], 1), brier(&[1.0], 0)), (0.0, 2.0));
        assert_eq!(brier(&[0.0, 1.0, 0.0], 0), 2.0);
    }
}
