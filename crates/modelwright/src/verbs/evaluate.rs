//! `evaluate`: how good a model is on rows whose target is known.

use std::path::PathBuf;

use clap::Args;
use modelwright_core::{Error, Result};

use crate::flags::ModelArg;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright evaluate churn last_month.csv
  modelwright evaluate churn last_month.csv --json | jq .metrics.roc_auc";

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

impl Evaluate {
    /// Predicts DATA, measures and prints.
    pub(crate) fn run(self, _session: &Session) -> Result<()> {
        let path = modelwright_lifecycle::resolve_model(&self.model.model)?;
        modelwright_lifecycle::read_artifact(path)?;
        let _ = self.data;
        Err(Error::work("the engine is not linked yet"))
    }
}
