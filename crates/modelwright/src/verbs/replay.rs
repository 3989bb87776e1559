//! `replay`: repeat a recorded run.

use std::path::PathBuf;

use clap::Args;
use modelwright_core::{Error, Result};

use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright replay churn/record.json sales.csv --out again
  cmp churn/model.mw again/model.mw";

/// Flags of `replay`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Replay {
    /// The account of the run: a record.json, a model.mw, or the folder that `fit` wrote
    #[arg(value_name = "RECORD")]
    record: PathBuf,
    /// The same training table
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// The same test table, when the run had one
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
    /// The folder for model.mw, report.html and record.json
    #[arg(long, value_name = "DIR", default_value = "modelwright-replay")]
    out: PathBuf,
}

impl Replay {
    /// Fits again, deciding as the record says.
    pub(crate) fn run(self, _session: &Session) -> Result<()> {
        let _ = modelwright_lifecycle::artifact::read_record(&self.record)?;
        let _ = (self.data, self.out, self.test);
        Err(Error::work("the engine is not linked yet"))
    }
}
