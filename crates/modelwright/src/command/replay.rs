//! `replay`: repeat a recorded run.
//!
//! The record says what was asked and what the clock and the machine decided; with the same data
//! and the same version the run comes out the same, and the model file byte for byte. Times, date
//! and machine are copied from the record. A run that does not repeat is an error, and nothing is
//! written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use modelwright::io::TableFile;
use modelwright::{FitInput, OutputFolder};
use modelwright_core::context::Event;
use modelwright_core::record::{DataSource, RunRecord};
use modelwright_core::{Context, Error, Result};
use serde_json::Value;

use crate::question::{read_test, read_train};
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
        if record.options.preset == modelwright_lifecycle::import::PRESET {
            return Err(Error::input("the model was imported: there was no run to repeat")
                .at(self.record.display().to_string())
                .hint("use `modelwright import` with the same model file"));
        }
        if record.engine_version != env!("CARGO_PKG_VERSION") {
            output::warn(&format!(
                "the run was made by Modelwright {}, this is {}: it may not repeat",
                record.engine_version,
                env!("CARGO_PKG_VERSION")
            ));
        }
        let folder = OutputFolder::prepare(&self.out)?;
        let ctx = session.context(Limits {
            time: record.options.time_limit_s.map(Duration::from_secs_f64),
            seed: Some(record.options.seed),
            memory_bytes: record.options.memory_limit_bytes,
            replay: Some(record.decisions.clone()),
        })?;
        let input = self.read(&record, &ctx)?;
        let mut outcome = modelwright::fit(input, &ctx)?;
        drop(ctx);
        if let (Some(picked), None) = (record.picked, outcome.record.picked) {
            outcome = outcome.pick(picked)?;
        }
        outcome.record.clock = record.clock.clone();
        must_be_equal(&record, &outcome.record)?;
        let saved = modelwright::save(&outcome, &folder)?;
        summary::print_fit(&outcome.record, &saved, session)
    }

    /// Reads the tables and makes sure that they are the ones of the run.
    fn read(&self, record: &RunRecord, ctx: &Context) -> Result<FitInput> {
        ctx.tell(Event::Phase("read".to_owned()));
        let mut train = read_train(&self.data, ctx)?;
        let test = match (&self.test, &record.test_data) {
            (None, None) => None,
            (Some(path), Some(_)) => Some(read_test(path, &train, ctx)?),
            (None, Some(test)) => {
                return Err(Error::input("the run had a test table, and none was given")
                    .at("--test")
                    .expected(format!("--test with the bytes of {}", test.name)));
            }
            (Some(_), None) => {
                return Err(Error::input("the run had no test table")
                    .at("--test")
                    .hint("leave --test out"));
            }
        };
        must_be_the_same_file(&self.data, &train, &record.data)?;
        train.source = record.data.clone();
        let test = match (test, &self.test, &record.test_data) {
            (Some(mut file), Some(path), Some(source)) => {
                must_be_the_same_file(path, &file, source)?;
                file.source = source.clone();
                Some(file)
            }
            _ => None,
        };
        Ok(modelwright::input_of(train, test, record.options.clone()))
    }
}

fn must_be_the_same_file(path: &Path, file: &TableFile, of_the_run: &DataSource) -> Result<()> {
    if file.source.sha256 == of_the_run.sha256 {
        return Ok(());
    }
    Err(Error::input("these are not the data of the run: their bytes differ")
        .at(path.display().to_string())
        .expected(format!("{} with SHA-256 {}", of_the_run.name, of_the_run.sha256))
        .got(format!("SHA-256 {}", file.source.sha256))
        .hint("give the very file that the run was made from (compression counts)"))
}

/// Refuses a run that went another way than the recorded one.
fn must_be_equal(recorded: &RunRecord, repeated: &RunRecord) -> Result<()> {
    let json = |record: &RunRecord| {
        serde_json::to_value(record).map_err(|e| Error::work("cannot compare records").because(e))
    };
    match first_difference("record", &json(recorded)?, &json(repeated)?) {
        None => Ok(()),
        Some((place, was, is)) => Err(Error::work("the run did not repeat")
            .at(place)
            .expected(was)
            .got(is)
            .hint("use the version of Modelwright that made the record")),
    }
}

/// The first place where two documents differ, and what stands there.
fn first_difference(place: &str, a: &Value, b: &Value) -> Option<(String, String, String)> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            a.iter().find_map(|(key, value)| {
                let other = b.get(key).unwrap_or(&Value::Null);
                first_difference(&format!("{place}.{key}"), value, other)
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs
                .filter(|(_, (a, b))| a != b)
                .find_map(|(i, (a, b))| first_difference(&format!("{place}[{i}]"), a, b))
        }
        _ if a == b => None,
        _ => Some((place.to_owned(), short(a), short(b))),
    }
}

fn short(value: &Value) -> String {
    modelwright_core::error::shorten(&value.to_string(), 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named_with_its_place() {
        let a = serde_json::json!({"x": [1, {"y": 2}], "z": 1});
        let b = serde_json::json!({"x": [1, {"y": 3}], "z": 1});
        let (place, was, is) = first_difference("record", &a, &b).unwrap();
        assert_eq!((place.as_str(), was.as_str(), is.as_str()), ("record.x[1].y", "2", "3"));
        assert_eq!(first_difference("record", &a, &a), None);
    }
}
