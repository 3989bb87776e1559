//! How good a model is on rows whose answers are known, and whether another is better.

use std::collections::BTreeMap;
use std::fmt::Write;

use modelwright_automl::{Predictor, Units};
use modelwright_core::context::Event;
use modelwright_core::record::{ConfusionMatrix, Evaluation, LevelRecord, Reliability, Usefulness};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, ErrorKind, Result};
use modelwright_evaluate::compare::{Weight, compare_decisions};
use modelwright_evaluate::metric::Needs;
use modelwright_evaluate::resample::Mix;
use modelwright_evaluate::resample::permutation::{AgainstChance, against_chance};
use modelwright_evaluate::{
    Comparison, CostMatrix, EvaluateInput, MetricEntry, MetricInput, MetricSpec, Paired, compare,
    evaluate, metric, metrics_for,
};
use serde::Serialize;

use crate::by_group::{ByColumn, by_group};
use crate::labelled::Labelled;
use crate::model::Model;
use crate::summary::Metrics;

/// The threshold between decisions that are given as certainties, 0 and 1.
pub(crate) const CERTAIN: f64 = 0.5;

/// Resamples of the intervals.
const N_RESAMPLES: usize = 1000;

/// How good a model is on some rows.
pub struct Assessment {
    /// Metrics with their intervals.
    pub evaluation: Evaluation,
    /// How often the model's intervals or sets held the answer; `None` when it has none.
    pub reached: Option<Vec<LevelRecord>>,
    /// The metric beside what chance gives, when that was asked.
    pub chance: Option<AgainstChance>,
    /// The same by groups of rows, of each column that was asked for.
    pub by: Vec<ByColumn>,
}

/// The evaluation as JSON.
#[derive(Serialize)]
struct Document<'a> {
    n_rows: usize,
    on: &'a str,
    target: &'a str,
    task: modelwright_core::task::Task,
    metrics: Metrics<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'a str>,
    interval_method: &'a str,
    confusion: Option<&'a ConfusionMatrix>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reliability: Option<&'a Reliability>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usefulness: Option<&'a Usefulness>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intervals: Option<&'a [LevelRecord]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chance: Option<&'a AgainstChance>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    by: &'a [ByColumn],
}

/// Measures a model on rows that it has predicted.
///
/// # Errors
/// Work error when nothing can be measured on these rows.
pub fn assess(model: &Model, rows: &Labelled, ctx: &Context) -> Result<Assessment> {
    ctx.tell(Event::Phase("evaluate".to_owned()));
    let predictor = &model.predictor;
    let units = rows.units();
    let (groups, unit) = Units::told(units.as_ref());
    let input = EvaluateInput {
        on: &rows.name,
        truth: &rows.truth,
        predictions: &rows.predictions,
        weights: rows.weights.as_deref(),
        threshold: predictor.threshold,
        decided: rows.decided.as_deref(),
        costs: predictor.costs(),
        classes: &predictor.classes,
        metric: model.metric(ctx),
        baseline: None,
        n_resamples: N_RESAMPLES,
        mix: Mix::Drawn,
        groups,
        unit,
    };
    let mut evaluation = evaluate(&input, ctx)?;
    evaluation.learned_from.clone_from(&rows.learned_from);
    let reached = rows.held.as_ref().map(|held| held.reached(rows.weights.as_deref(), groups));
    let by = by_group(model, rows, groups, ctx)?;
    Ok(Assessment { evaluation, reached, chance: None, by })
}

/// The optimised metric beside `n_permutations` random deals of the answers.
///
/// # Errors
/// Input error when the metric is undefined on these rows.
pub fn beside_chance(
    model: &Model,
    rows: &Labelled,
    n_permutations: usize,
    ctx: &Context,
) -> Result<AgainstChance> {
    ctx.tell(Event::Phase("permutations".to_owned()));
    let metric = model.metric(ctx);
    let decided = certain(rows, false).filter(|_| metric.spec.needs == Needs::Labels);
    let input = MetricInput {
        truth: &rows.truth,
        predictions: decided.as_ref().unwrap_or(&rows.predictions),
        weights: rows.weights.as_deref(),
        threshold: if decided.is_some() { CERTAIN } else { model.predictor.threshold },
    };
    against_chance(metric, &input, n_permutations, ctx)
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
            warnings: evaluation.learned_from.as_deref().into_iter().collect(),
            interval_method: &evaluation.interval_method,
            confusion: evaluation.confusion.as_ref(),
            reliability: evaluation.reliability.as_ref(),
            usefulness: evaluation.usefulness.as_ref(),
            intervals: self.reached.as_deref(),
            chance: self.chance.as_ref(),
            by: &self.by,
        };
        serde_json::to_string_pretty(&document)
            .map_err(|e| Error::work("cannot write the evaluation as JSON").because(e))
    }
}

/// How two models are compared.
#[derive(Debug, Clone, Default)]
pub struct CompareOptions {
    /// The difference up to which both are equal for all practical purposes; `None` is 0.005 for
    /// metrics with two ends, else 1 % of B's value.
    pub rope: Option<f64>,
    /// What errors cost, as in `fit`; `None` takes the first model's own costs, if it has any.
    pub costs: Option<BTreeMap<String, f64>>,
}

/// A comparison, and whether its difference matters.
#[derive(Debug, Clone, Serialize)]
pub struct Weighed {
    /// The test.
    #[serde(flatten)]
    pub test: Comparison,
    /// The difference beside what is called small.
    pub matters: Weight,
}

/// Tests whether model A or B is better on the same rows: first by what decisions cost, where that
/// is known, then by the metric that A was optimised for.
///
/// # Errors
/// Input error when the models answer different questions, or the costs do not fit their classes.
pub fn compare_models(
    (a, rows_a): (&Model, &Labelled),
    (b, rows_b): (&Model, &Labelled),
    options: &CompareOptions,
    ctx: &Context,
) -> Result<Vec<Weighed>> {
    ctx.tell(Event::Phase("compare".to_owned()));
    for (which, rows) in [("first", rows_a), ("second", rows_b)] {
        if let Some(why) = &rows.learned_from {
            ctx.tell(Event::Warning(format!("the {which} model: {why}")));
        }
    }
    let order = check_comparable(a, b)?;
    let (predictions_b, threshold_b) = in_order(rows_b, b.predictor.threshold, &order);
    let thresholds = (a.predictor.threshold, threshold_b);
    let labels = [certain(rows_a, false), certain(rows_b, !order.is_sorted())];
    let costs = costs_of(options, a)?;
    let is_first = costs.is_none();
    let mut tested =
        tests((a, is_first), (rows_a, rows_b), &predictions_b, thresholds, &labels, ctx)?;
    if let Some(costs) = costs {
        let pair = paired((rows_a, rows_b), (&rows_a.predictions, &predictions_b), thresholds);
        tested.insert(0, costs_compared(&costs, ((a, rows_a), (b, rows_b)), &order, &pair, ctx)?);
    }
    let n_rows = rows_a.truth.n_rows();
    let weighed = |test: Comparison| {
        let own = a.own_metric.filter(|own| own.spec.name == test.metric);
        let spec = own.or_else(|| metric(&test.metric).ok()).map(|m| m.spec);
        weigh(test, spec, options.rope, n_rows)
    };
    Ok(tested.into_iter().map(weighed).collect())
}

/// What the decisions of two models cost, as each makes them: by the thresholds of its groups, the
/// costs or the threshold that it was fitted with. `order` is the place of each class of A among
/// B's. The verdict also says what a model that knew other costs would cost by these.
fn costs_compared(
    costs: &CostMatrix,
    ((a, rows_a), (b, rows_b)): ((&Model, &Labelled), (&Model, &Labelled)),
    order: &[usize],
    pair: &Paired<'_>,
    ctx: &Context,
) -> Result<Comparison> {
    let in_order = |of_b: u32| order.iter().position(|b| *b == of_b as usize).unwrap_or(0) as u32;
    let of_a = own_decisions(a, rows_a);
    let of_b: Vec<u32> = own_decisions(b, rows_b).into_iter().map(in_order).collect();
    let mut found = compare_decisions(costs, (&of_a, &of_b), pair, ctx)?;
    for (name, model, predictions, own) in
        [("A", a, pair.a, found.value_a), ("B", b, pair.b, found.value_b)]
    {
        let knows = model.predictor.costs() == Some(costs);
        let by_costs = costs.expected(pair.truth, predictions, pair.weights)?;
        if !knows && by_costs < own {
            let _ = write!(
                found.verdict,
                " {name} was not fitted with these costs: if it decided by them, it would cost \
                 {by_costs:.4} per row here instead of {own:.4}."
            );
        }
    }
    Ok(found)
}

/// The class that a model decides for in each row, as `predict` writes it.
fn own_decisions(model: &Model, rows: &Labelled) -> Vec<u32> {
    match (&rows.decided, model.predictor.costs()) {
        (Some(decided), _) => decided.clone(),
        (None, Some(costs)) => costs.decide(&rows.predictions),
        (None, None) => rows.predictions.classes(model.predictor.threshold),
    }
}

/// The costs to compare by: those that were given, else the first model's own.
fn costs_of(options: &CompareOptions, a: &Model) -> Result<Option<CostMatrix>> {
    let Some(given) = &options.costs else { return Ok(a.predictor.costs().cloned()) };
    if !a.predictor.task.is_classification() {
        return Err(Error::input("costs need a target with classes")
            .at("--cost")
            .hint("leave it out: these models predict a number"));
    }
    CostMatrix::of_named(given, &a.predictor.classes).map(Some).map_err(|e| e.at("--cost"))
}

/// Weighs a difference against what the user, or the metric's scale, calls small.
fn weigh(test: Comparison, spec: Option<&MetricSpec>, rope: Option<f64>, n_rows: usize) -> Weighed {
    /// Of what is no metric of the catalog, as a share of B's value: costs.
    const OF_VALUES: f64 = 0.01;
    let default = spec.map_or(OF_VALUES * test.value_b.abs(), |s| s.rope(test.value_b));
    let larger_is_better = spec.is_some_and(|s| s.larger_is_better);
    let matters = test.weigh(larger_is_better, n_rows, rope.unwrap_or(default));
    Weighed { test, matters }
}

/// Tests by the metric that A was optimised for, then by the task's usual ones; a metric that is
/// undefined on these rows is left out, of the first with a warning, unless costs stand before it
/// and the finding is by them.
fn tests(
    (a, is_first): (&Model, bool),
    (rows_a, rows_b): (&Labelled, &Labelled),
    predictions_b: &Predictions,
    thresholds: (f64, f64),
    labels: &[Option<Predictions>; 2],
    ctx: &Context,
) -> Result<Vec<Comparison>> {
    let test = |metric: &MetricEntry| {
        let (mut a, mut b, mut thresholds) = (&rows_a.predictions, predictions_b, thresholds);
        if metric.spec.needs == Needs::Labels {
            if let Some(certain) = &labels[0] {
                (a, thresholds.0) = (certain, CERTAIN);
            }
            if let Some(certain) = &labels[1] {
                (b, thresholds.1) = (certain, CERTAIN);
            }
        }
        compare(metric, &paired((rows_a, rows_b), (a, b), thresholds), ctx)
    };
    let main = a.metric(ctx);
    let first = test(main);
    let others = metrics_for(a.predictor.task).filter(|m| m.spec.name != main.spec.name);
    let others = others.filter_map(|m| test(m).ok());
    match first {
        Ok(first) => Ok(std::iter::once(first).chain(others).collect()),
        Err(undefined) if undefined.kind() == ErrorKind::Input => {
            let others: Vec<Comparison> = others.collect();
            let Some(instead) = others.first() else { return Err(undefined) };
            if is_first {
                ctx.tell(Event::Warning(format!(
                    "{}; the finding is by {} instead of {}",
                    undefined.what(),
                    instead.metric,
                    main.spec.name
                )));
            }
            Ok(others)
        }
        Err(failed) => Err(failed),
    }
}

/// The rows with the predictions of both; rows of one group are one witness, whichever of the
/// models knows the groups, and a row has the weight that either gives it.
fn paired<'a>(
    (of_a, of_b): (&'a Labelled, &'a Labelled),
    (a, b): (&'a Predictions, &'a Predictions),
    thresholds: (f64, f64),
) -> Paired<'a> {
    Paired {
        truth: &of_a.truth,
        a,
        b,
        weights: of_a.weights.as_deref().or(of_b.weights.as_deref()),
        groups: of_a.groups.as_deref().or(of_b.groups.as_deref()),
        thresholds,
    }
}

/// Decisions of a model with thresholds of groups as certainties, which metrics of labels look at;
/// of the other class when the order of the classes is turned round.
pub(crate) fn certain(rows: &Labelled, is_turned: bool) -> Option<Predictions> {
    let of = |d: &u32| f64::from(if is_turned { 1 - d } else { *d });
    rows.decided.as_ref().map(|decided| Predictions::new(1, decided.iter().map(of).collect()))
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
