//! What one row says of two models: a number in [-1, 1], above zero where the newer one is better.
//!
//! Of classes it is half the difference of the Brier losses. Of values it is the difference of the
//! losses that the metric which the models were chosen by is made of: squares for `rmse` and `r2`,
//! absolute errors for `mae`, and so on. A model that is better by the mean of another loss may be
//! worse by that of its own. Where the metric is no mean over rows, the nearest loss stands in, and
//! the words say so.
//!
//! Losses have no bounds. Absolute ones differ by no more than the predictions do; they are put in
//! proportion to four times the mean loss of the older model so far. Others may be immense in few
//! rows; they are put in proportion to the largest difference so far but for one in
//! [`ROWS_PER_CUT`]. The next row knows neither.

use modelwright_core::task::{Predictions, Target};
use modelwright_lifecycle::watch::Bets;

/// The scale of differences of absolute errors, in mean losses of the older model.
const ERRORS: f64 = 4.0;

/// So many rows may hold one whose difference is larger than the scale, and is cut.
const ROWS_PER_CUT: f64 = 200.0;

/// So many of the largest differences are remembered.
const N_LARGEST: usize = 64;

/// The loss of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Loss {
    Brier,
    Absolute,
    Pinball(f64),
    Squared,
    SquaredLog,
    Relative,
    Symmetric,
    Poisson,
    Gamma,
    Tweedie,
}

impl Loss {
    /// The loss of the rows that a metric is about, and whether the metric is made of it.
    pub(super) fn of(metric: &str, n_classes: usize) -> (Self, bool) {
        if n_classes > 0 {
            return (Self::Brier, true);
        }
        match metric {
            "mae" | "d2_absolute_error" => (Self::Absolute, true),
            "medae" | "max_error" => (Self::Absolute, false),
            "pinball_loss" => (Self::Pinball(0.5), true),
            "pinball_loss_0.1" => (Self::Pinball(0.1), true),
            "pinball_loss_0.9" => (Self::Pinball(0.9), true),
            "rmsle" => (Self::SquaredLog, true),
            "mape" => (Self::Relative, true),
            "smape" => (Self::Symmetric, true),
            "poisson_deviance" => (Self::Poisson, true),
            "gamma_deviance" => (Self::Gamma, true),
            "tweedie_deviance" => (Self::Tweedie, true),
            "rmse" | "mse" | "r2" | "explained_variance" => (Self::Squared, true),
            _ => (Self::Squared, false),
        }
    }

    /// What is compared, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Brier => "Brier losses",
            Self::Absolute => "absolute errors",
            Self::Pinball(_) => "pinball losses",
            Self::Squared => "squared errors",
            Self::SquaredLog => "squared errors of logarithms",
            Self::Relative => "relative errors",
            Self::Symmetric => "symmetric relative errors",
            Self::Poisson => "Poisson deviances",
            Self::Gamma => "gamma deviances",
            Self::Tweedie => "Tweedie deviances",
        }
    }

    /// The loss of a value; no finite number where it has none.
    fn of_value(self, y: f64, p: f64) -> f64 {
        let error = y - p;
        match self {
            Self::Brier | Self::Absolute => error.abs(),
            Self::Pinball(alpha) => (alpha * error).max((alpha - 1.0) * error),
            Self::Squared => error * error,
            Self::SquaredLog => (y.ln_1p() - p.ln_1p()).powi(2),
            Self::Relative => error.abs() / y.abs().max(f64::EPSILON),
            Self::Symmetric => 2.0 * error.abs() / (y.abs() + p.abs()).max(f64::EPSILON),
            Self::Poisson if y == 0.0 => 2.0 * p,
            Self::Poisson => 2.0 * (y * (y / p).ln() - y + p),
            Self::Gamma => 2.0 * ((p / y).ln() + y / p - 1.0),
            Self::Tweedie => 2.0 * (-4.0 * y.sqrt() + 2.0 * y / p.sqrt() + 2.0 * p.sqrt()),
        }
    }

    /// Whether the loss grows no faster than the error.
    fn is_absolute(self) -> bool {
        matches!(self, Self::Brier | Self::Absolute | Self::Pinball(_))
    }
}

/// What each row says, cut to [-1, 1]; `None` of a row that only sets the scale, or says nothing.
pub(super) fn gains_of(
    bets: &mut Bets,
    truth: &Target,
    (newer, older): (&Predictions, &Predictions),
    loss: Loss,
) -> Vec<Option<f64>> {
    match truth {
        Target::Class { codes, .. } => {
            let of = |p: &Predictions, row: usize, code: u32| brier(p.row(row), code as usize);
            let gain = |(row, code): (usize, &u32)| {
                let gain = (of(older, row, *code) - of(newer, row, *code)) / 2.0;
                Some(gain).filter(|gain| gain.is_finite())
            };
            codes.iter().enumerate().map(gain).collect()
        }
        Target::Real(values) => {
            let gain = |(row, value): (usize, &f64)| {
                let of = |p: &Predictions| loss.of_value(*value, p.row(row)[0]);
                gain(bets, loss, (of(newer), of(older)))
            };
            values.iter().enumerate().map(gain).collect()
        }
    }
}

/// What a row of values says by its losses, which then are of the past.
fn gain(bets: &mut Bets, loss: Loss, (newer, older): (f64, f64)) -> Option<f64> {
    let difference = older - newer;
    if !difference.is_finite() {
        return None;
    }
    let scale = scale(bets, loss);
    bets.error_sum += older;
    bets.n_errors += 1.0;
    if !loss.is_absolute() && difference != 0.0 {
        let size = difference.abs();
        let place = bets.largest.partition_point(|known| *known >= size);
        bets.largest.insert(place, size);
        bets.largest.truncate(N_LARGEST);
    }
    (scale > 0.0).then(|| (difference / scale).clamp(-1.0, 1.0))
}

/// What differences are divided by; 0 where nothing is known yet.
fn scale(bets: &Bets, loss: Loss) -> f64 {
    if loss.is_absolute() {
        return if bets.n_errors > 0.0 { ERRORS * bets.error_sum / bets.n_errors } else { 0.0 };
    }
    let n_cut = (bets.n_errors / ROWS_PER_CUT) as usize;
    let place = n_cut.min(bets.largest.len().saturating_sub(1));
    bets.largest.get(place).copied().unwrap_or(0.0)
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
    use super::*;

    /// The mean of what rows say that are zero but for every twentieth, of two constants.
    fn mean(loss: Loss, newer: f64, older: f64) -> f64 {
        let n = 4000;
        let truth = (0..n).map(|row| if row % 20 == 7 { 200.0 } else { 0.0 }).collect();
        let say = |value: f64| Predictions::new(1, vec![value; n]);
        let (newer, older) = (say(newer), say(older));
        let mut bets = Bets::default();
        let gains = gains_of(&mut bets, &Target::Real(truth), (&newer, &older), loss);
        gains.iter().flatten().sum::<f64>() / n as f64
    }

    #[test]
    fn a_model_is_better_by_the_loss_that_its_metric_is_made_of() {
        // The mean of the answers is 10: it is the best by squares, and zero by absolute errors.
        assert!(mean(Loss::of("rmse", 0).0, 10.0, 0.0) > 0.0);
        assert!(mean(Loss::of("r2", 0).0, 10.0, 0.0) > 0.0);
        assert!(mean(Loss::of("mae", 0).0, 10.0, 0.0) < 0.0);
        assert!(mean(Loss::of("pinball_loss_0.9", 0).0, 10.0, 0.0) < 0.0);
        assert!(mean(Loss::of("poisson_deviance", 0).0, 10.0, 20.0) > 0.0);
    }

    #[test]
    fn words_tell_a_loss_that_only_stands_in() {
        assert_eq!(Loss::of("medae", 0), (Loss::Absolute, false));
        assert_eq!(Loss::of("somebody's own", 0), (Loss::Squared, false));
        assert_eq!(Loss::of("log_loss", 3), (Loss::Brier, true));
    }

    #[test]
    fn one_wrong_value_does_not_hide_what_the_others_say() {
        let n = 2000;
        let mut truth = vec![1.0; n];
        truth[700] = 1e9;
        let say = |value: f64| Predictions::new(1, vec![value; n]);
        let (newer, older) = (say(0.9), say(0.5));
        let mut bets = Bets::default();
        gains_of(&mut bets, &Target::Real(truth), (&newer, &older), Loss::Squared)
            .iter()
            .flatten()
            .for_each(|gain| {
                bets.better.update(*gain);
            });
        assert!(bets.better.p_value() < 1e-6);
    }

    #[test]
    fn the_loss_of_a_row_lies_between_zero_and_two() {
        assert_eq!((brier(&[1.0], 1), brier(&[1.0], 0)), (0.0, 2.0));
        assert_eq!(brier(&[0.0, 1.0, 0.0], 0), 2.0);
    }
}
