//! Are the probabilities honest? A calibration chosen on out-of-fold predictions.
//!
//! The maps and the choice between them are [`modelwright_evaluate::calibration`]; here it is said
//! which rows are judged together, and the account is written.

use modelwright_core::Context;
use modelwright_core::data::Fold;
use modelwright_core::record::{CalibrationRecord, CalibrationTrial, Interval};
use modelwright_core::task::Predictions;
use modelwright_evaluate::calibration::{Calibrator, Choice, choose};
use modelwright_evaluate::metric::MetricEntry;

use crate::conformal::Parts;
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
        return Calibration::left(Some(CalibrationRecord {
            method: Calibrator::None.name().to_owned(),
            reason: "there was no time to calibrate".to_owned(),
            n_rows,
            ..CalibrationRecord::default()
        }));
    }
    let parts = Parts::of(folds, ctx).positions;
    let choice = choose(&found.truth, predictions, found.weights.as_deref(), &parts);
    let mut record = account(&choice, n_rows);
    if choice.calibrator == Calibrator::None {
        return Calibration::left(Some(record));
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
