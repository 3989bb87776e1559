//! Are the probabilities honest? A calibration chosen on out-of-fold predictions.
//!
//! The maps and the choice between them are [`modelwright_evaluate::calibration`]; here it is said
//! which rows are judged together, and the account is written.

use modelwright_core::Context;
use modelwright_core::data::Fold;
use modelwright_core::record::{CalibrationRecord, CalibrationTrial, Interval};
use modelwright_core::task::{Predictions, Target};
use modelwright_evaluate::calibration::{Calibrator, Choice, Isotonic, choose};
use modelwright_evaluate::metric::MetricEntry;

use crate::conformal::Parts;
use crate::doubts;
use crate::search::Found;

/// Half-width of a 95 % interval in standard errors.
const Z: f64 = 1.96;

/// What became of out-of-fold predictions.
#[derive(Default)]
pub(crate) struct Calibration {
    pub calibrator: Calibrator,
    /// The account; `None` for a regression.
    pub record: Option<CalibrationRecord>,
    /// The predictions as decisions must see them: each row calibrated by the other parts. `None`
    /// where nothing is calibrated.
    pub cross_fitted: Option<Predictions>,
    /// The predictions as the metric must see them, where that is otherwise: as they were, when it
    /// reads the order of probabilities alone. The parts' own maps have other levels and steps,
    /// which mix up rows of different parts; the one map that is delivered does not.
    pub scored: Option<Predictions>,
}

impl Calibration {
    fn left(record: Option<CalibrationRecord>) -> Self {
        Self { record, ..Self::default() }
    }
}

/// Calibrates out-of-fold predictions in place by what is delivered.
///
/// A calibration that would make the metric of the run worse on these rows is not used: that of
/// many classes may change the order of rows.
pub(crate) fn calibrate(
    found: &Found,
    predictions: &mut Predictions,
    folds: &[Fold],
    metric: &MetricEntry,
    ctx: &Context,
) -> Calibration {
    if found.truth.codes().is_none() {
        return Calibration::default();
    }
    let n_rows = found.rows.len();
    if !ctx.scope("calibrate").proceed() {
        let record = CalibrationRecord {
            method: Calibrator::None.name().to_owned(),
            reason: "there was no time to calibrate".to_owned(),
            n_rows,
            ..CalibrationRecord::default()
        };
        return left_or_drawn(found, predictions, record);
    }
    let parts = Parts::of(folds, ctx).positions;
    let choice = choose(&found.truth, predictions, found.weights.as_deref(), &parts);
    let mut record = account(&choice, n_rows);
    if choice.calibrator == Calibrator::None {
        return left_or_drawn(found, predictions, record);
    }
    let mut calibrated = predictions.clone();
    choice.calibrator.apply(&mut calibrated);
    let before = found.score(metric, predictions);
    let after = found.score(metric, choice.cross_fitted.as_ref().unwrap_or(&calibrated));
    let decides_labels = metric.of_confusion.is_some();
    let is_worse = before.zip(after).is_some_and(|(b, a)| metric.spec.is_better(b, a));
    if is_worse && !decides_labels && choice_changes_order(predictions) {
        let method = choice.calibrator.name();
        record.reason = format!("{method} would make {} worse out of fold", metric.spec.name);
        Calibrator::None.name().clone_into(&mut record.method);
        return Calibration::left(Some(record));
    }
    let raw = std::mem::replace(predictions, calibrated);
    let keeps_order = metric.spec.is_of_ranks() && !choice_changes_order(&raw);
    let Choice { calibrator, cross_fitted, .. } = choice;
    let scored = keeps_order.then_some(raw);
    Calibration { calibrator, record: Some(record), cross_fitted, scored }
}

/// Predictions that no map makes better: as they are, or, where a class has hardly a row, drawn
/// towards its share.
fn left_or_drawn(
    found: &Found,
    predictions: &mut Predictions,
    mut record: CalibrationRecord,
) -> Calibration {
    let n_rare = n_rows_of_rarest(&found.truth);
    let Some(drawn) = drawn_to_shares(&found.truth, n_rare) else {
        return Calibration::left(Some(record));
    };
    drawn.apply(predictions);
    drawn.name().clone_into(&mut record.method);
    record.reason = format!(
        "the rarest class has {n_rare} rows to learn from: probabilities are drawn towards its \
         share, so that none is 0 or 1"
    );
    Calibration { calibrator: drawn, record: Some(record), ..Calibration::default() }
}

/// How many rows the rarest class has.
fn n_rows_of_rarest(truth: &Target) -> usize {
    let Target::Class { codes, n_classes } = truth else { return usize::MAX };
    let mut counts = vec![0; *n_classes];
    for code in codes {
        counts[*code as usize] += 1;
    }
    counts.into_iter().min().unwrap_or(0)
}

/// A blend of a binary model's probability with the share of its class, where a class has hardly a
/// row: `n` rows count as much as one row of the share (the rule of succession with the shares as
/// what was believed before). The order of rows stays.
fn drawn_to_shares(truth: &Target, n_rare: usize) -> Option<Calibrator> {
    let Target::Class { codes, n_classes: 2 } = truth else { return None };
    if n_rare >= doubts::N_ROWS_MIN || codes.is_empty() {
        return None;
    }
    let n_positive = codes.iter().filter(|code| **code == 1).count();
    // Of a class without a row half a one, as Jeffreys would have it.
    let share = (n_positive as f64 + 0.5) / (codes.len() as f64 + 1.0);
    let own = 1.0 / (n_rare as f64 + 1.0);
    let (low, high) = (own * share, 1.0 - own * (1.0 - share));
    Isotonic::fit(&[0.0, 1.0], &[low, high], None).map(Calibrator::Isotonic)
}

/// Binary maps rise, so that only rounding changes a metric of ranks.
fn choice_changes_order(predictions: &Predictions) -> bool {
    predictions.n_outputs > 1
}

fn account(choice: &Choice, n_rows: usize) -> CalibrationRecord {
    let method = choice.calibrator.name();
    let reason = match (&choice.note, &choice.calibrator) {
        (Some(note), _) => note.clone(),
        (None, Calibrator::None) => {
            "no map lowers the log loss by more than chance and rounding".to_owned()
        }
        (None, _) => format!("{method} lowers the cross-validated log loss beyond chance"),
    };
    let tried = choice.tried.iter().filter(|t| t.gain.is_finite() && t.log_loss.is_finite());
    CalibrationRecord {
        method: method.to_owned(),
        reason,
        n_rows,
        log_loss: choice.note.is_none().then_some(choice.log_loss).filter(|l| l.is_finite()),
        tried: tried
            .map(|t| CalibrationTrial {
                method: t.method.name().to_owned(),
                log_loss: t.log_loss,
                gain: t.gain,
                gain_ci95: Interval {
                    low: t.gain - Z * t.standard_error,
                    high: t.gain + Z * t.standard_error,
                },
                accepted: t.accepted,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_positive_rows_never_make_a_probability_of_0_or_1() {
        let mut codes = vec![0_u32; 5_000];
        (codes[3], codes[9]) = (1, 1);
        let truth = Target::Class { codes, n_classes: 2 };
        assert_eq!(n_rows_of_rarest(&truth), 2);
        let drawn = drawn_to_shares(&truth, 2).unwrap();
        let mut predictions = Predictions::new(1, vec![0.0, 0.2, 1.0]);
        drawn.apply(&mut predictions);
        let [low, middle, high] = predictions.values[..] else { panic!() };
        assert!(low > 0.0 && low < 0.001 && low < middle && middle < high && high < 1.0);
        assert!(drawn_to_shares(&truth, 10).is_none(), "enough rows speak for themselves");
    }
}
