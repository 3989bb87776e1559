//! `evaluate`: how good a model is on rows whose target is known.

use std::path::PathBuf;

use clap::Args;
use modelwright::Model;
use modelwright::evaluate::{EvaluateInput, evaluate, metric};
use modelwright_core::Result;
use modelwright_core::context::Event;
use modelwright_core::record::{ConfusionMatrix, Evaluation, LevelRecord};
use serde::Serialize;

use crate::flags::ModelArg;
use crate::labelled::predict_labelled;
use crate::output::{self, count};
use crate::session::{Limits, Session};
use crate::summary::{Metrics, coverage_text, metrics_table};

const EXAMPLES: &str = "\
Examples:
  modelwright evaluate churn last_month.csv
  modelwright evaluate churn last_month.csv --json | jq .metrics.roc_auc";

/// Resamples of the intervals.
const N_RESAMPLES: usize = 1000;

/// Flags of `evaluate`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Evaluate {
    #[command(flatten)]
    model: ModelArg,
    /// Rows with the target column; they must not have been trained on
    #[arg(value_name = "DATA")]
    data: PathBuf,
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

impl Evaluate {
    /// Predicts DATA, measures and prints.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let model = Model::load(&self.model.model)?;
        let ctx = session.context(Limits::default())?;
        let rows = predict_labelled(&model, &self.data, &ctx)?;
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
        let evaluation = evaluate(&input, &ctx)?;
        let reached = rows.held.as_ref().map(|held| held.reached(rows.weights.as_deref()));
        drop(ctx);
        if session.global.json {
            return output::print_json(&Document {
                n_rows: evaluation.n_rows,
                on: &evaluation.on,
                target: &predictor.target,
                task: predictor.task,
                metrics: Metrics(&evaluation.metrics),
                interval_method: &evaluation.interval_method,
                confusion: evaluation.confusion.as_ref(),
                intervals: reached.as_deref(),
            });
        }
        output::print(&(text(&evaluation) + &reached.map_or(String::new(), |r| coverage_text(&r))))
    }
}

fn text(evaluation: &Evaluation) -> String {
    format!(
        "{}: {} rows\n\n{}\n{}\n",
        evaluation.on,
        count(evaluation.n_rows),
        metrics_table(&evaluation.metrics, &evaluation.baseline),
        evaluation.interval_method
    )
}
