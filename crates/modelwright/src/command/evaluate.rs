//! `evaluate`: how good a model is on rows whose target is known.

use std::path::PathBuf;

use clap::Args;
use modelwright::assess::{Assessment, assess, beside_chance};
use modelwright::{Model, later_report};
use modelwright_core::Result;
use modelwright_core::record::Evaluation;
use modelwright_core::task::Task;
use modelwright_evaluate::resample::unseen_errors;
use serde_json::json;

use crate::by_group::ByColumn;
use crate::flags::text::TextArgs;
use crate::flags::{ModelArg, values};
use crate::labelled::predict_labelled_by;
use crate::output::{self, count, number, wrap};
use crate::recording::{LogArg, Recorded, Recording};
use crate::run_end::evaluation_end;
use crate::session::{Limits, Session};
use crate::summary::{coverage_text, metrics_table};

const EXAMPLES: &str = "\
Examples:
  modelwright evaluate churn last_month.csv
  modelwright evaluate churn last_month.csv --json | jq .metrics.roc_auc
  modelwright evaluate churn last_month.csv --permutations 999
  modelwright evaluate churn last_month.csv --by region,age
  modelwright evaluate churn last_month.csv --report last_month.html";

/// Width of the text on a terminal.
const WIDTH: usize = 96;

/// Flags of `evaluate`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Evaluate {
    #[command(flatten)]
    model: ModelArg,
    /// Rows with the target column; they must not have been trained on
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// Also deal the answers out to the rows at random so many times: how good a model is that
    /// knows nothing, and the chance of so good a result without knowledge
    #[arg(long, value_name = "NUMBER", value_parser = values::count)]
    permutations: Option<usize>,
    /// Also measure each group of rows by the values of these columns (a quantity is cut at its
    /// quartiles): the metric, and how often intervals or sets held the answer
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', value_parser = values::name)]
    by: Vec<String>,
    /// Write a page with all that the report of the fit says of its untouched rows: scores,
    /// calibration, thresholds, weak groups, sensitive groups, strains, importances, reasons
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    #[command(flatten)]
    text: TextArgs,
    #[command(flatten)]
    log: LogArg,
}

impl Evaluate {
    /// Predicts DATA, measures and prints.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        output::spare(self.report.as_deref(), [&*self.data], "--report")?;
        output::spare_model(self.report.as_deref(), &self.model.model, "--report")?;
        let asked = json!({ "model": self.model.model, "data": self.data, "by": self.by });
        let mut recording = Recording::begin("evaluate", &asked, None, &self.log, session)?;
        let done = self.measure(&mut recording, session);
        recording
            .end(done, session, |(model, found, sha256)| Recorded {
                end: evaluation_end(model, &found.evaluation, sha256.as_deref()),
                model: &model.path,
            })
            .and_then(|(model, found, _)| show(&model, &found, session))
    }

    /// Predicts DATA and measures; also the SHA-256 of its file.
    fn measure(
        &self,
        recording: &mut Recording,
        session: &Session,
    ) -> Result<(Model, Assessment, Option<String>)> {
        let model = Model::load(&self.model.model)?.with_text(self.text.layout());
        let ctx = session.context(Limits::default())?;
        let rows = predict_labelled_by(&model, &self.data, &self.by, &ctx)?;
        let mut found = assess(&model, &rows, &ctx)?;
        if let Some(n) = self.permutations {
            found.chance = Some(beside_chance(&model, &rows, n, &ctx)?);
        }
        if let Some(path) = &self.report {
            let page = later_report(&model, &self.data, &ctx)?;
            modelwright_lifecycle::atomic_write(path, page.as_bytes())?;
            session.note(&format!("report written to {}", path.display()));
        }
        let sha256 = rows.sha256.clone();
        // What was gathered makes room.
        drop(rows);
        let text = model.text_layout();
        recording.account().keep_file((&self.data, &text), &ctx, &output::warn);
        Ok((model, found, sha256))
    }
}

fn show(model: &Model, found: &Assessment, session: &Session) -> Result<()> {
    if session.global.json {
        return output::print(&(found.json(&model.predictor)? + "\n"));
    }
    let task = model.predictor.task;
    let held = found.reached.as_deref().map_or(String::new(), |held| coverage_text(held, task));
    let by: String = found.by.iter().map(ByColumn::text).collect();
    output::print(&(text(&found.evaluation, task) + &chance(found) + &held + &by))
}

/// What the answers dealt out at random give.
fn chance(found: &Assessment) -> String {
    let first = found.evaluation.metrics.first().map_or("", |m| m.name.as_str());
    found.chance.as_ref().map_or(String::new(), |chance| {
        format!(
            "{first} of a model that knows nothing: {} (p = {:.4}, {} random deals of answers)\n",
            number(chance.chance),
            chance.p_value,
            count(chance.n_permutations)
        )
    })
}

fn text(evaluation: &Evaluation, task: Task) -> String {
    let unseen = unseen_errors(evaluation.n_rows).filter(|_| task == Task::Regression);
    let learned = evaluation.learned_from.as_ref();
    format!(
        "{}: {} rows\n{}\n{}\n{}\n{}",
        evaluation.on,
        count(evaluation.n_rows),
        learned.map_or(String::new(), |why| wrap(&format!("! {why}"), 0, WIDTH)),
        metrics_table(&evaluation.metrics, &evaluation.baseline),
        evaluation.interval_method,
        unseen.map_or(String::new(), |said| wrap(&said, 0, WIDTH))
    )
}
