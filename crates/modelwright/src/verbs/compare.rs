//! `compare`: whether one of two models is better on the same rows.

use std::path::PathBuf;

use clap::Args;
use modelwright_core::{Error, Result};

use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright compare old new last_month.csv
  modelwright compare old/model.mw new/model.mw last_month.csv --json";

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
}

impl Compare {
    /// Predicts DATA with both models, tests and prints.
    pub(crate) fn run(self, _session: &Session) -> Result<()> {
        for model in [&self.model_a, &self.model_b] {
            let path = modelwright_lifecycle::resolve_model(model)?;
            modelwright_lifecycle::read_artifact(path)?;
        }
        let _ = self.data;
        Err(Error::work("the engine is not linked yet"))
    }
}
