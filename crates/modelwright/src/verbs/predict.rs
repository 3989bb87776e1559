//! `predict`: the predictions of every row of a file.

use std::path::PathBuf;

use clap::Args;
use modelwright_core::{Error, Result};

use crate::flags::ModelArg;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright predict churn new_customers.csv > predictions.csv
  modelwright predict churn/model.mw new_customers.parquet -o predictions.parquet

The output has the column `prediction` and, for classification, `probability_<class>` for every
class; rows are in the order of DATA.";

/// Flags of `predict`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Predict {
    #[command(flatten)]
    model: ModelArg,
    /// The rows to predict; columns may be in any order
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// Where to write: .csv or .parquet [default: CSV on stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Predict {
    /// Streams DATA through the model.
    pub(crate) fn run(self, _session: &Session) -> Result<()> {
        let path = modelwright_lifecycle::resolve_model(&self.model.model)?;
        modelwright_lifecycle::read_artifact(path)?;
        let _ = (self.data, self.output);
        Err(Error::work("the engine is not linked yet"))
    }
}
