//! `compare`: whether one of two models is better on the same rows.

use std::path::PathBuf;

use clap::Args;
use modelwright::Model;
use modelwright::evaluate::compare::{Weight, compare_costs};
use modelwright::evaluate::{Comparison, CostMatrix, MetricEntry, compare, metric, metrics_for};
use modelwright_core::context::Event;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use serde::Serialize;

use crate::flags::values;
use crate::labelled::{Labelled, predict_labelled};
use crate::output::{self, TextTable, count, number, wrap};
use crate::session::{Limits, Session};

const EXAMPLES: &str = "\
Examples:
  modelwright compare old new last_month.csv
  modelwright compare old/model.mw new/model.mw last_month.csv --json
  modelwright compare old new last_month.csv --cost fp=1,fn=5";

/// Width of the text on a terminal.
const WIDTH: usize = 96;

/// Flags of `compare`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Compare {
    /// The first model: a model.mw, or the folder that `fit` wrote
    #[arg(value_name = "MODEL_A")]
    model_a: PathBuf,
    /// The second model
    #[arg(value_name = "MODEL_B")]
    model_b: PathBuf,
    /// Rows with the target column; neither model may have been trained on them
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// The difference up to which two models are equal for all practical purposes [default: 0.005,
    /// or 1 % of B's value where the metric has no upper end]
    #[arg(long, value_name = "DIFFERENCE", value_parser = values::difference)]
    rope: Option<f64>,
    /// What errors cost, as in `fit`: compares what the decisions of both cost
    #[arg(long, value_name = "ERROR=COST,…", value_parser = values::costs)]
    cost: Option<values::Costs>,
}

/// The comparison as JSON.
#[derive(Serialize)]
struct Document<'a> {
    n_rows: usize,
    on: &'a str,
    model_a: String,
    model_b: String,
    /// The finding by the metric that model A was optimised for.
    verdict: &'a str,
    significant: bool,
    comparisons: &'a [Weighed],
}

/// A comparison, and whether its difference matters.
#[derive(Serialize)]
struct Weighed {
    #[serde(flatten)]
    test: Comparison,
    matters: Weight,
}

impl Compare {
    /// Predicts DATA with both models, tests and prints.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let (a, b) = (Model::load(&self.model_a)?, Model::load(&self.model_b)?);
        let order = class_order(&a, &b)?;
        let ctx = session.context(Limits::default())?;
        let rows_a = predict_labelled(&a, &self.data, &ctx)?;
        let rows_b = predict_labelled(&b, &self.data, &ctx)?;
        ctx.tell(Event::Phase("compare".to_owned()));
        let (predictions_b, threshold_b) = in_order(&rows_b, b.predictor.threshold, &order);
        let thresholds = (a.predictor.threshold, threshold_b);
        let mut tested = tests(&a, &rows_a, &predictions_b, thresholds, &ctx)?;
        if let Some(costs) = self.costs(&a)? {
            let (truth, weights) = (&rows_a.truth, rows_a.weights.as_deref());
            let of_a = &rows_a.predictions;
            tested.insert(0, compare_costs(&costs, truth, of_a, &predictions_b, weights, &ctx)?);
        }
        let n_rows = rows_a.truth.n_rows();
        let comparisons: Vec<Weighed> =
            tested.into_iter().map(|test| self.weigh(test, n_rows)).collect();
        drop(ctx);
        let first = &comparisons[0];
        if session.global.json {
            return output::print_json(&Document {
                n_rows: rows_a.truth.n_rows(),
                on: &rows_a.name,
                model_a: a.path.display().to_string(),
                model_b: b.path.display().to_string(),
                verdict: &first.test.verdict,
                significant: first.test.is_significant(),
                comparisons: &comparisons,
            });
        }
        output::print(&text(&rows_a, &comparisons))
    }

    /// The costs to compare by: those that were given, else the first model's own.
    fn costs(&self, a: &Model) -> Result<Option<CostMatrix>> {
        let Some(given) = &self.cost else { return Ok(a.predictor.costs().cloned()) };
        if !a.predictor.task.is_classification() {
            return Err(Error::input("costs need a target with classes").at("--cost"));
        }
        let named = given.0.iter().cloned().collect();
        let costs = CostMatrix::of_named(&named, &a.predictor.classes);
        costs.map(Some).map_err(|e| e.at("--cost"))
    }

    /// Weighs a difference against what the user, or the metric's scale, calls small.
    fn weigh(&self, test: Comparison, n_rows: usize) -> Weighed {
        /// Of metrics from 0 to 1.
        const OF_SHARES: f64 = 0.005;
        /// Of others, as a share of B's value.
        const OF_VALUES: f64 = 0.01;
        let spec = metric(&test.metric).ok().map(|m| m.spec);
        let is_bounded = spec.is_some_and(|s| s.range.0.is_finite() && s.range.1.is_finite());
        let default = if is_bounded { OF_SHARES } else { OF_VALUES * test.value_b.abs() };
        let larger_is_better = spec.is_some_and(|s| s.larger_is_better);
        let rope = self.rope.unwrap_or(default);
        let matters = test.weigh(larger_is_better, n_rows, rope);
        Weighed { test, matters }
    }
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
fn class_order(a: &Model, b: &Model) -> Result<Vec<usize>> {
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

fn text(rows: &Labelled, comparisons: &[Weighed]) -> String {
    let mut table =
        TextTable::new(&["metric", ">A", ">B", ">A - B", "95 % interval", ">p", "test"]);
    for Weighed { test: c, .. } in comparisons {
        table.row(vec![
            c.metric.clone(),
            number(c.value_a),
            number(c.value_b),
            number(c.difference),
            format!("{} to {}", number(c.ci95.low), number(c.ci95.high)),
            format!("{:.4}", c.p_value),
            c.method.clone(),
        ]);
    }
    let n_rows = count(rows.truth.n_rows());
    let first = &comparisons[0];
    let finding = wrap(&format!("{} {}", first.test.verdict, first.matters.words), 0, WIDTH);
    format!("{finding}\n{}: {n_rows} rows\n\n{}", rows.name, table.render())
}
