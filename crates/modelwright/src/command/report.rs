//! `report`: render the report of a run again.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use modelwright::inspect::{
    annex_iv, model_card, model_card_json, report_html, report_json, report_markdown,
};
use modelwright_core::{Error, Result};
use modelwright_lifecycle::outputs::RECORD_FILE;
use modelwright_lifecycle::resolve_model;

use crate::output;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright report churn > report.html
  modelwright report churn/record.json --format markdown -o report.md
  modelwright report churn --format model-card -o README.md";

/// Flags of `report`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Report {
    /// A model.mw, a record.json, or the folder that `fit` wrote
    #[arg(value_name = "MODEL|RECORD")]
    run: PathBuf,
    /// The form of the report [default: html, or json with --json]
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// Where to write [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One self-contained page.
    Html,
    /// Text with tables.
    Markdown,
    /// The sections as data.
    Json,
    /// A card for the Hugging Face Hub.
    ModelCard,
    /// The fields of Google's Model Card Toolkit, as JSON.
    ModelCardJson,
    /// Technical documentation by Annex IV of the EU AI Act, with what is left to be stated.
    AnnexIv,
}

impl Form {
    fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::ModelCardJson)
    }
}

impl Report {
    /// Reads the record, renders and writes.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let form = match self.format {
            Some(form) if session.global.json && !form.is_json() => {
                return Err(Error::input("`--json` cannot be used with another `--format`")
                    .at("--format")
                    .hint("leave one of the two out"));
            }
            Some(form) => form,
            None if session.global.json => Form::Json,
            None => Form::Html,
        };
        let to = output::or_stdout(self.output);
        output::spare(to.as_deref(), [&*self.run], "--output")?;
        if let (Some(to), Ok(model)) = (&to, resolve_model(&self.run)) {
            // The report of a fit may be written again; its model and account are what it is of.
            let record = model.with_file_name(RECORD_FILE);
            output::spare(Some(to), [&*model, &record], "--output")?;
        }
        let record = modelwright_lifecycle::artifact::read_record(&self.run)?;
        let text = match form {
            Form::Html => report_html(&record),
            Form::Markdown => report_markdown(&record),
            Form::Json => report_json(&record),
            Form::ModelCard => model_card(&record),
            Form::ModelCardJson => model_card_json(&record),
            Form::AnnexIv => annex_iv(&record),
        };
        match to {
            None => output::print(&text),
            Some(path) => modelwright_lifecycle::atomic_write(path, text.as_bytes()),
        }
    }
}
