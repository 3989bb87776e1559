//! `import`: a model of another library becomes one of ours.

use std::path::PathBuf;

use clap::Args;
use modelwright::io::{ReadOptions, column_names};
use modelwright_core::{Error, Result};
use modelwright_lifecycle::import::{ImportOptions, Naming};
use serde_json::json;

use crate::output::{self, count, warn};
use crate::session::{Limits, Session};

const EXAMPLES: &str = "\
Examples:
  modelwright import lightgbm_model.txt -o churn --target churned --classes no,yes
  modelwright import xgboost_model.ubj -o price.mw --target price
  modelwright predict churn new_customers.csv

Reads LightGBM's text models (Booster.save_model) and XGBoost's .json and .ubj. The columns of DATA
are the model's features by name; predictions are those of the library. Nothing was measured:
`modelwright evaluate churn DATA` does that.";

/// Flags of `import`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Import {
    /// The model file of LightGBM or XGBoost
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to write: a folder as `fit` writes it, or a name that ends in .mw
    #[arg(long, short, value_name = "DIR|FILE.mw")]
    output: PathBuf,
    /// Name of the column that the model predicts; model files do not say it
    #[arg(long, value_name = "COLUMN", default_value = "target")]
    target: String,
    /// Labels of the classes, in the order of their numbers in training [default: 0,1,…]
    #[arg(long, value_name = "LABEL,…", value_delimiter = ',')]
    classes: Option<Vec<String>>,
    /// Columns of pandas' dtype category in training, in order; for LightGBM models that do not
    /// say which columns these were
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    categories: Option<Vec<String>>,
    /// A table with the columns of the training table: gives back the blanks in their names, which
    /// LightGBM's files do not keep
    #[arg(long, value_name = "DATA")]
    like: Option<PathBuf>,
    /// Keep only the first rounds of trees [default: all]
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
}

impl Import {
    /// The columns of the table that shows how they are called.
    fn columns(&self, session: &Session) -> Result<Vec<String>> {
        let Some(path) = &self.like else { return Ok(Vec::new()) };
        let ctx = session.context(Limits::default())?;
        column_names(path, &ReadOptions::default(), &ctx)
    }

    /// Reads, converts and saves.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let place = self.file.display().to_string();
        let bytes = std::fs::read(&self.file).map_err(|cause| {
            Error::input("cannot read the model file")
                .at(&place)
                .expected("a model file of LightGBM or XGBoost")
                .because(cause)
        })?;
        let options =
            ImportOptions { category_columns: self.categories.clone(), rounds: self.rounds };
        let naming = Naming { target: self.target.clone(), classes: self.classes.clone() };
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let columns = self.columns(session)?;
        let mut imported = modelwright::import(&bytes, &name, &options, &naming, &columns)
            .map_err(|e| match e.place().source.clone() {
                Some(part) => e.at(format!("{place}, {part}")),
                None => e.at(&place),
            })?;
        imported.record.clock.created.clone_from(&session.created);
        let path = imported.save(&self.output)?;
        let notes = &imported.record.warnings;
        let record = &imported.record;
        if session.global.json {
            return output::print_json(&json!({
                "model": path,
                "task": record.task.task,
                "target": record.task.target,
                "classes": record.task.classes,
                "n_features": imported.predictor.schema.fields.len(),
                "notes": notes,
            }));
        }
        for note in notes.iter().skip(1) {
            warn(note);
        }
        if let Some(first) = notes.first() {
            session.note(first);
        }
        output::print(&format!(
            "{} ({}, {} features) written to {}\n",
            record.task.target,
            record.task.task.name(),
            count(imported.predictor.schema.fields.len()),
            path.display()
        ))
    }
}
