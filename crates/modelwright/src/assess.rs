//! How good a model is on rows whose answers are known, and whether another is better.

use modelwright_automl::Predictor;
use modelwright_core::context::Event;
use modelwright_core::record::{ConfusionMatrix, Evaluation, LevelRecord};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::metrics_for;
use modelwright_evaluate::{Comparison, EvaluateInput, MetricEntry, compare, evaluate, metric};
use serde::Serialize;

use crate::labelled::Labelled;
use crate::model::Model;
use crate::summary::Metrics;

/// Resamples of the intervals.
const N_RESAMPLES: usize = 1000;

/// How good a model is on some rows.
pub struct Assessment {
    /// Metrics with their intervals.
    pub evaluation: Evaluation,
    /// How often the model's intervals or sets held the answer; `None` when it has none.
    pub reached: Option<Vec<LevelRecord>>,
}

/// The evaluation as JSON.
#[derive(Serialize)]
struct Document<'a> {
    n_rows: usize,
    on: &'a str,
    target: &'a str,
    task: modelwright_core::task::Task,
    metrics: Metrics<'a>,
    interval_method: &'a str,
    confusion: Option<&'a ConfusionMatrix>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intervals: Option<&'a [LevelRecord]>,
}

/// Measures a model on rows that it has predicted.
///
/// # Errors
/// Work error when nothing can be measured on these rows.
pub fn assess(model: &Model, rows: &Labelled, ctx: &Context) -> Result<Assessment> {
    ctx.tell(Event::Phase("evaluate".to_owned()));
    let predictor = &model.predictor;
    let input = EvaluateInput {
        on: &rows.name,
        truth: &rows.truth,
        predictions: &rows.predictions,
        weights: rows.weights.as_deref(),
        threshold: predictor.threshold,
        costs: predictor.costs(),
        classes: &predictor.classes,
        metric: metric(&predictor.metric)?,
        baseline: None,
        n_resamples: N_RESAMPLES,
    };
    let evaluation = evaluate(&input, ctx)?;
    let reached = rows.held.as_ref().map(|held| held.reached(rows.weights.as_deref()));
    Ok(Assessment { evaluation, reached })
}

impl Assessment {
    /// The document that `modelwright evaluate --json` prints.
    ///
    /// # Errors
    /// Work error when a number cannot be expressed in JSON.
    pub fn json(&self, predictor: &Predictor) -> Result<String> {
        let evaluation = &self.evaluation;
        let document = Document {
            n_rows: evaluation.n_rows,
            on: &evaluation.on,
            target: &predictor.target,
            task: predictor.task,
            metrics: Metrics(&evaluation.metrics),
            interval_method: &evaluation.interval_method,
            confusion: evaluation.confusion.as_ref(),
            intervals: self.reached.as_deref(),
        };
        serde_json::to_string_pretty(&document)
            .map_err(|e| Error::work("cannot write the evaluation as JSON").because(e))
    }
}

/// Tests whether model A or B is better on the same rows, first by the metric that A was optimised
/// for.
///
/// # Errors
/// Input error when the models answer different questions.
pub fn compare_models(
    (a, rows_a): (&Model, &Labelled),
    (b, rows_b): (&Model, &Labelled),
    ctx: &Context,
) -> Result<Vec<Comparison>> {
    ctx.tell(Event::Phase("compare".to_owned()));
    let order = check_comparable(a, b)?;
    let (predictions_b, threshold_b) = in_order(rows_b, b.predictor.threshold, &order);
    tests(a, rows_a, &predictions_b, (a.predictor.threshold, threshold_b), ctx)
}

/// Tests by the metric that A was optimised for, then by the task's usual ones; a metric that is
/// undefined on these rows is left out unless it is the first.
fn tests(
    a: &Model,
    rows_a: &Labelled,
    predictions_b: &Predictions,
    thresholds: (f64, f64),
    ctx: &Context,
) -> Result<Vec<Comparison>> {
    let test = |metric: &MetricEntry| {
        compare(
            metric,
            &rows_a.truth,
            &rows_a.predictions,
            predictions_b,
            rows_a.weights.as_deref(),
            thresholds,
            ctx,
        )
    };
    let main = metric(&a.predictor.metric)?;
    let mut comparisons = vec![test(main)?];
    let others = metrics_for(a.predictor.task).filter(|m| m.spec.name != main.spec.name);
    comparisons.extend(others.filter_map(|m| test(m).ok()));
    Ok(comparisons)
}

/// For each class of A, its place among B's.
///
/// # Errors
/// Input error when the models answer different questions.
pub fn check_comparable(a: &Model, b: &Model) -> Result<Vec<usize>> {
    let (a, b) = (&a.predictor, &b.predictor);
    let refuse = |what: &str, of_a: String, of_b: String| {
        Error::input(format!("the models cannot be compared: {what}"))
            .expected(format!("what the first predicts: {of_a}"))
            .got(of_b)
    };
    if a.target != b.target {
        return Err(refuse("their targets differ", a.target.clone(), b.target.clone()));
    }
    if a.task != b.task {
        let (of_a, of_b) = (a.task.name().to_owned(), b.task.name().to_owned());
        return Err(refuse("their tasks differ", of_a, of_b));
    }
    let place = |class: &String| b.classes.iter().position(|c| c == class);
    let order: Option<Vec<usize>> = a.classes.iter().map(place).collect();
    order
        .filter(|o| o.len() == b.classes.len())
        .ok_or_else(|| refuse("their classes differ", a.classes.join(", "), b.classes.join(", ")))
}

/// B's predictions and threshold in A's class order.
fn in_order(rows_b: &Labelled, threshold: f64, order: &[usize]) -> (Predictions, f64) {
    let predictions = &rows_b.predictions;
    if order.is_sorted() {
        return (predictions.clone(), threshold);
    }
    if predictions.n_outputs == 1 {
        let values = predictions.values.iter().map(|p| 1.0 - p).collect();
        return (Predictions::new(1, values), 1.0 - threshold);
    }
    let rows = predictions.values.chunks_exact(predictions.n_outputs);
    let values = rows.flat_map(|row| order.iter().map(|c| row[*c])).collect();
    (Predictions::new(predictions.n_outputs, values), threshold)
}
