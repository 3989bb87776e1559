//! `profile`: look at a table.

use std::path::PathBuf;

use clap::Args;
use modelwright_core::data::Kind;
use modelwright_core::{Error, Result};

use crate::flags::values;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  modelwright profile sales.csv
  modelwright profile sales.csv --target churned --json > profile.json
  modelwright profile sales.csv -o profile.html";

/// Flags of `profile`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Profile {
    /// The table: CSV, TSV, JSON Lines, Parquet or Arrow; also .gz and .zst
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// The column to predict, to look for leaks of it
    #[arg(long, value_name = "COLUMN", value_parser = values::name)]
    target: Option<String>,
    /// Decide what a column means, e.g. --kind zip=category (repeatable)
    #[arg(long = "kind", value_name = "COLUMN=KIND", value_parser = values::column_kind)]
    kinds: Vec<(String, Kind)>,
    /// Write the profile as an HTML page
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Profile {
    /// Reads, profiles and prints.
    pub(crate) fn run(self, _session: &Session) -> Result<()> {
        let _ = (self.data, self.target, self.kinds, self.output);
        Err(Error::work("the engine is not linked yet"))
    }
}
