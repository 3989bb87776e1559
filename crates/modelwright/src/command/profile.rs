//! `profile`: look at a table.

use std::path::PathBuf;

use clap::Args;
use modelwright::automl::Purpose;
use modelwright::inspect::{profile_html, profile_text};
use modelwright::io::ReadOptions;
use modelwright::looking::{Wish, look};
use modelwright::{read_within_limits, tell_remarks};
use modelwright_core::Result;
use modelwright_core::context::Event;
use modelwright_core::data::Kind;
use modelwright_core::record::{DataSource, LeakFinding, TableProfile};
use serde::Serialize;

use crate::flags::text::TextArgs;
use crate::flags::values;
use crate::output;
use crate::session::{Limits, Session};

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
    #[command(flatten)]
    text: TextArgs,
}

/// The profile as JSON.
#[derive(Serialize)]
struct Document<'a> {
    source: &'a DataSource,
    profile: &'a TableProfile,
    leakage: &'a [LeakFinding],
}

impl Profile {
    /// Reads, profiles and prints.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        output::spare(self.output.as_deref(), [&*self.data], "--output")?;
        let ctx = session.context(Limits::default())?;
        ctx.tell(Event::Phase("read".to_owned()));
        // Looking for leaks parts and encodes the table as learning does.
        let to = if self.target.is_some() { Purpose::Learn } else { Purpose::Look };
        let options = ReadOptions::of_text(&self.text.layout())?;
        let file = read_within_limits(&self.data, options, to, "read", &ctx)?;
        tell_remarks(&file.source, &ctx);
        let source = file.source.clone();
        let wish = Wish {
            target: self.target.clone(),
            kinds: self.kinds.iter().cloned().collect(),
            seed: session.global.seed.unwrap_or(0),
        };
        let (profile, leakage) = look(file, wish, &ctx)?;
        drop(ctx);
        if let Some(path) = &self.output {
            let html = profile_html(&source, &profile, &leakage);
            modelwright_lifecycle::atomic_write(path, html.as_bytes())?;
        }
        if session.global.json {
            let document = Document { source: &source, profile: &profile, leakage: &leakage };
            return output::print_json(&document);
        }
        match &self.output {
            Some(path) => output::print(&format!("{}\n", path.display())),
            None => output::print(&profile_text(&source, &profile, &leakage)),
        }
    }
}
