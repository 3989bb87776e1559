//! `replay`: repeat a recorded run.
//!
//! The record says what was asked and what the clock and the machine decided; with the same data
//! and the same version the run comes out the same, and the model file byte for byte. Times, date
//! and machine are copied from the record. A run that does not repeat is an error, and nothing is
//! written.

use std::path::PathBuf;

use clap::Args;
use modelwright::repeat::{check_repeatable, input_of_record, repeat, time_limit};
use modelwright::{Continuing, FitInput, OutputFolder, read_test, read_train, read_train_as};
use modelwright_core::context::Event;
use modelwright_core::record::RunRecord;
use modelwright_core::{Context, Error, Result};

use crate::session::{Limits, Session};
use crate::{output, summary};

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
    /// The model that the run added rounds to, when it continued one
    #[arg(long = "continue", value_name = "MODEL")]
    earlier: Option<PathBuf>,
    /// The folder for model.mw, report.html and record.json
    #[arg(long, value_name = "DIR", default_value = "modelwright-replay")]
    out: PathBuf,
}

impl Replay {
    /// Fits again, deciding as the record says.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        if session.global.seed.is_some() || session.global.memory.is_some() {
            return Err(Error::input("a replay takes seed and memory from the record")
                .at("--seed, --memory")
                .expected("neither of the two flags")
                .hint("leave the flag out, or use `modelwright fit` for another run"));
        }
        let record = modelwright_lifecycle::artifact::read_record(&self.record)?;
        let doubt =
            check_repeatable(&record).map_err(|e| e.at(self.record.display().to_string()))?;
        if let Some(doubt) = doubt {
            output::warn(&doubt);
        }
        let folder = OutputFolder::prepare(&self.out)?;
        let ctx = session.context(Limits {
            time: time_limit(&record),
            seed: Some(record.options.seed),
            memory_bytes: record.options.memory_limit_bytes,
            replay: Some(record.decisions.clone()),
        })?;
        let input = self.read(&record, &ctx)?;
        let outcome = repeat(&record, input, &ctx)?;
        drop(ctx);
        let saved = modelwright::save(&outcome, &folder)?;
        summary::print_fit(&outcome.record, &saved, session)
    }

    /// Reads the tables and makes sure that they are the ones of the run.
    fn read(&self, record: &RunRecord, ctx: &Context) -> Result<FitInput> {
        ctx.tell(Event::Phase("read".to_owned()));
        let shown = |path: &PathBuf| path.display().to_string();
        let text = &record.options.text;
        let earlier = self.earlier.as_deref().map(Continuing::load).transpose()?;
        let train = match earlier.as_ref().filter(|_| record.options.continued.is_some()) {
            None => read_train(&self.data, text, ctx)?,
            Some(earlier) => read_train_as(&self.data, text, &earlier.schema, ctx)?,
        };
        let test = match &self.test {
            // A test table that the run did not have is refused unread.
            Some(path) if record.test_data.is_some() => {
                Some((read_test(path, text, &train, ctx)?, shown(path)))
            }
            Some(path) => Some((train.clone(), shown(path))),
            None => None,
        };
        let mut input = input_of_record(record, (train, shown(&self.data)), test)?;
        if record.options.continued.is_none() {
            input.all_rows = modelwright::all_rows(&self.data, text);
        }
        input.own.continued = earlier.map(|earlier| earlier.earlier);
        Ok(input)
    }
}
