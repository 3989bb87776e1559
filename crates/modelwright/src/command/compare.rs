//! `compare`: whether one of two models is better on the same rows; or learners by their scores.

mod scores;
mod spooled;

use std::path::PathBuf;

use clap::Args;
use modelwright::Model;
use modelwright::assess::{CompareOptions, Weighed, check_comparable, compare_models};
use modelwright_core::{Error, Result};
use serde::Serialize;

use crate::flags::text::TextArgs;
use crate::flags::values;
use crate::labelled::{Labelled, predict_labelled, shown_name};
use crate::output::{self, TextTable, count, number, wrap};
use crate::session::{Limits, Session};

use scores::ScoreFlags;
use spooled::Spooled;

const EXAMPLES: &str = "\
Examples:
  modelwright compare old new last_month.csv
  modelwright compare old/model.mw new/model.mw last_month.csv --json
  modelwright compare old new last_month.csv --cost fp=1,fn=5
  modelwright compare --scores accuracies.csv
  modelwright compare --scores fold_errors.csv --smaller-is-better --test-to-train 0.111
  modelwright compare --scores five_by_two.csv --five-by-two

The file of --scores has a row for each data set (or fold) and a column for each learner; a first
column of words names the rows.";

/// Width of the text on a terminal.
const WIDTH: usize = 96;

/// Flags of `compare`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Compare {
    /// The first model: a model.mw, or the folder that `fit` wrote
    #[arg(value_name = "MODEL_A", required_unless_present = "scores")]
    model_a: Option<PathBuf>,
    /// The second model
    #[arg(value_name = "MODEL_B", required_unless_present = "scores")]
    model_b: Option<PathBuf>,
    /// Rows with the target column; neither model may have been trained on them
    #[arg(value_name = "DATA", required_unless_present = "scores")]
    data: Option<PathBuf>,
    /// Compare learners by a table of their scores instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model_a", "cost"])]
    scores: Option<PathBuf>,
    #[command(flatten)]
    of_scores: ScoreFlags,
    /// The difference up to which two models are equal for all practical purposes [default: 0.005,
    /// or 1 % of B's value where the metric has no upper end]
    #[arg(long, value_name = "DIFFERENCE", value_parser = values::difference)]
    rope: Option<f64>,
    /// What errors cost, as in `fit`: compares what the decisions of both cost
    #[arg(long, value_name = "ERROR=COST,…", value_parser = values::costs)]
    cost: Option<values::Costs>,
    #[command(flatten)]
    text: TextArgs,
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

impl Compare {
    /// Predicts DATA with both models, tests and prints.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        if let Some(path) = &self.scores {
            return self.of_scores.run(path, self.rope, session);
        }
        self.of_scores.check_unused()?;
        let (Some(path_a), Some(path_b), Some(data)) = (&self.model_a, &self.model_b, &self.data)
        else {
            return Err(Error::input("two models and rows are needed"));
        };
        let load = |path| Model::load(path).map(|model| model.with_text(self.text.layout()));
        let (a, b) = (load(path_a)?, load(path_b)?);
        check_comparable(&a, &b)?;
        let ctx = session.context(Limits::default())?;
        // A stream comes once, and two models read it.
        let spooled = Spooled::of(data)?;
        let place = spooled.as_ref().map_or(&**data, Spooled::path);
        let mut rows_a = predict_labelled(&a, place, &ctx)?;
        let rows_b = predict_labelled(&b, place, &ctx)?;
        if spooled.is_some() {
            rows_a.name = shown_name(data);
        }
        let asked = CompareOptions {
            rope: self.rope,
            costs: self.cost.map(|given| given.0.into_iter().collect()),
        };
        let comparisons = compare_models((&a, &rows_a), (&b, &rows_b), &asked, &ctx)?;
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
}

/// A p-value is never 0.
fn p_text(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.4}") }
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
            p_text(c.p_value),
            c.method.clone(),
        ]);
    }
    let n_rows = count(rows.truth.n_rows());
    let first = &comparisons[0];
    let finding = wrap(&format!("{} {}", first.test.verdict, first.matters.words), 0, WIDTH);
    format!("{finding}\n{}: {n_rows} rows\n\n{}", rows.name, table.render())
}
