//! `edit`: what an explainable model adds, changed by a person, measured, and written down.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use modelwright::editing::{EditRequest, before_and_after, edit, shapes_of_text};
use modelwright::{Model, OutputFolder, machine};
use modelwright_core::record::{EditRecord, MetricValue, RunRecord};
use modelwright_core::{Error, Result};
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::outputs::{MODEL_FILE, RECORD_FILE, REPORT_FILE};

use crate::flags::ModelArg;
use crate::output::{self, TextTable, count, number};
use crate::session::{Limits, Session};

const EXAMPLES: &str = "\
Examples:
  modelwright explain churn --shapes churn.json
  (change what the functions add in churn.json)
  modelwright edit churn churn.json newer.csv --by \"A. Turing\" --why \"no penalty for age\"

MODEL is one explainable boosting machine, from `fit --interpretable` or `train ebm`. DATA has rows
with answers, on which the model is measured before and after. The new model keeps bins, calibration
and decisions; its record and report say who changed what.";

/// Flags of `edit`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Edit {
    #[command(flatten)]
    model: ModelArg,
    /// The changed functions: JSON as `explain MODEL --shapes FILE.json` writes it
    #[arg(value_name = "SHAPES.json")]
    shapes: PathBuf,
    /// Rows with the target column, on which the model is measured before and after
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// Who changes the model
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// The folder for model.mw, report.html and record.json [default: MODEL's, with -edit]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Edit {
    /// Reads, changes, measures, writes and prints.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let model = Model::load(&self.model.model)?;
        let out = self.folder(&model.path);
        let inputs = || [&*model.path, &self.shapes, &self.data];
        for name in [MODEL_FILE, RECORD_FILE, REPORT_FILE] {
            output::spare(Some(&out.join(name)), inputs(), "--out")?;
        }
        let bytes = read(&model.path)?;
        let shown = self.shapes.display().to_string();
        let text = String::from_utf8(read(&self.shapes)?)
            .map_err(|_| Error::input("the functions are no text").at(shown.clone()))?;
        let edited = shapes_of_text(&text, &shown)?;
        let folder = OutputFolder::prepare(out)?;
        let request = EditRequest {
            author: self.by,
            reason: self.why,
            created: machine::utc_now(),
            parent_sha256: sha256_hex(&bytes),
        };
        let ctx = session.context(Limits::default())?;
        let outcome = edit(model, &edited, &self.data, request, &ctx)?;
        drop(ctx);
        let saved = modelwright::save(&outcome, &folder)?;
        let last = outcome.record.edits.last();
        if session.global.json {
            return output::print_json(&last);
        }
        let Some(last) = last else { return Ok(()) };
        output::print(&text_of(&outcome.record, last, &saved.model))
    }

    /// Where the edited model goes.
    fn folder(&self, model: &Path) -> PathBuf {
        self.out.clone().unwrap_or_else(|| output::beside(model, "edit"))
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| {
        Error::input("the file cannot be read")
            .at(path.display().to_string())
            .because(e)
            .hint("write the functions with `explain MODEL --shapes FILE.json` and change them")
    })
}

fn text_of(record: &RunRecord, edit: &EditRecord, model: &Path) -> String {
    let mut text = format!("edited by {}", edit.author);
    let _ = match &edit.reason {
        Some(reason) => writeln!(text, ": {reason}"),
        None => writeln!(text),
    };
    for term in &edit.terms {
        let of =
            if term.features.is_empty() { "intercept".into() } else { term.features.join(" × ") };
        let _ = writeln!(
            text,
            "  {of}: {} of {} numbers, most by {:+.4}",
            count(term.n_changed),
            count(term.n_numbers),
            term.largest
        );
    }
    let mut table = TextTable::new(&["metric", ">before", ">after", "95 % interval after"]);
    let value = |m: &MetricValue| m.value.map_or("undefined".to_owned(), number);
    for (before, after) in before_and_after(record, edit) {
        let ci95 = after.ci95.map(|ci| format!("{} to {}", number(ci.low), number(ci.high)));
        let name = before.name.clone();
        table.row(vec![name, value(before), value(after), ci95.unwrap_or_default()]);
    }
    let _ = write!(
        text,
        "\n{}\non {} rows of {}; the new model is {}\n",
        table.render(),
        count(edit.n_rows),
        edit.on,
        model.display()
    );
    text
}
