//! From probabilities to a decision: by what errors cost, or by the metric of decided labels.
//!
//! A threshold that follows from costs is derived, not tuned: with calibrated probabilities it is
//! the cheapest one, and no chance in the out-of-fold rows can move it. What these rows would have
//! preferred stands beside it in the record.

use modelwright_core::record::{ConstantCost, CostRecord, CurvePoint, Options, TaskRecord};
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Error, Result};
use modelwright_evaluate::cost::{CostMatrix, cost_curve};
use modelwright_evaluate::metric::{MetricEntry, Needs};
use modelwright_evaluate::threshold::best_threshold;

use crate::search::Found;

/// How a predictor decides.
pub(crate) struct Decision {
    /// Positive is decided from this probability on (binary).
    pub threshold: Option<f64>,
    pub costs: Option<CostMatrix>,
    pub record: Option<CostRecord>,
}

/// The costs that were asked for.
///
/// # Errors
/// Input error at `--cost` when they do not fit the target.
pub(crate) fn costs(
    options: &Options,
    task: Task,
    classes: &[String],
) -> Result<Option<CostMatrix>> {
    if options.cost.is_empty() {
        return Ok(None);
    }
    if !task.is_classification() {
        return Err(Error::input("costs need a target with classes")
            .at("--cost")
            .expected("a classification")
            .got("a number to predict")
            .hint("leave --cost out, or choose a --metric such as pinball_loss_0.9"));
    }
    CostMatrix::of_named(&options.cost, classes).map(Some).map_err(|e| e.at("--cost"))
}

/// Decides by costs if there are any, else by the metric. `calibrated` are out-of-fold predictions
/// by the map that is delivered, on which a threshold is chosen; `judged` are calibrated by the
/// other parts, so that what decisions cost is honest.
///
/// # Errors
/// As [`costs`].
pub(crate) fn decide(
    task: &TaskRecord,
    options: &Options,
    metric: &MetricEntry,
    found: &Found,
    (calibrated, judged): (&Predictions, &Predictions),
) -> Result<Decision> {
    let weights = found.weights.as_deref();
    if let Some(costs) = costs(options, task.task, &task.classes)? {
        let record = account(&costs, &task.classes, (&found.truth, weights), judged);
        return Ok(Decision {
            threshold: costs.threshold(),
            costs: Some(costs),
            record: Some(record),
        });
    }
    let threshold = (task.task == Task::Binary).then(|| {
        if metric.spec.needs == Needs::Labels {
            best_threshold(metric, &found.truth, calibrated, weights)
        } else {
            0.5
        }
    });
    Ok(Decision { threshold, costs: None, record: None })
}

/// What the decisions cost on rows with known answers: out of fold, or of a later file; the costs
/// alone where nothing can be measured.
pub(crate) fn account(
    costs: &CostMatrix,
    classes: &[String],
    (truth, weights): (&Target, Option<&[f64]>),
    calibrated: &Predictions,
) -> CostRecord {
    let n_rows = truth.n_rows();
    let mut record = CostRecord { costs: costs.rows(), n_rows, ..CostRecord::default() };
    let Ok(rows) = costs.row_costs(truth, calibrated) else { return record };
    let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
    let total: f64 = (0..n_rows).map(weight).sum();
    let sum: f64 = rows.iter().enumerate().map(|(row, cost)| weight(row) * cost).sum();
    record.expected_cost = Some(sum / total).filter(|cost| cost.is_finite());
    let constant = |(class, name): (usize, &String)| {
        let cost = costs.of_constant(truth, weights, class).filter(|c| c.is_finite())?;
        Some(ConstantCost { class: name.clone(), cost })
    };
    record.constants = classes.iter().enumerate().filter_map(constant).collect();
    if let Ok(curve) = cost_curve(costs, truth, calibrated, weights)
        && curve.points.iter().all(|p| p.y.is_finite())
    {
        let (x, y) = curve.best;
        record.cheapest = Some(CurvePoint { x, y, threshold: Some(x) });
        record.curve = curve.points;
    }
    record
}
