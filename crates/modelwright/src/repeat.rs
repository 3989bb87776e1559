//! Repeating a recorded run: with the same data and the same version it comes out the same.
//!
//! The record says what was asked and what the clock and the machine decided. Times, date and
//! machine are copied from it. A run that does not repeat is an error.

use std::borrow::Cow;
use std::time::Duration;

use modelwright_automl::{FitInput, FitOutcome, fit};
use modelwright_core::record::{DataSource, RunRecord};
use modelwright_core::{Context, Error, Result};
use modelwright_io::TableFile;
use serde_json::Value;

use crate::fitting::input_of;

/// A table for a run to be repeated, and what the user calls it.
pub type Named = (TableFile, String);

/// Makes sure that there was a run, and says where its version makes a repetition doubtful.
///
/// # Errors
/// Input error for the record of an imported model.
pub fn check_repeatable(record: &RunRecord) -> Result<Option<String>> {
    if record.options.preset == modelwright_lifecycle::import::PRESET {
        return Err(Error::input("the model was imported: there was no run to repeat")
            .hint("use `modelwright import` with the same model file"));
    }
    let own = env!("CARGO_PKG_VERSION");
    let mut doubts = Vec::new();
    if record.engine_version != own {
        doubts.push(format!(
            "the run was made by Modelwright {}, this is {own}: it may not repeat",
            record.engine_version
        ));
    }
    let code = record.options.own.iter().filter(|part| part.sha256.is_none());
    doubts.extend(code.map(|part| {
        format!(
            "the {} {} is code that the record does not hold: the run repeats only as far as it \
             does the same as then (it ran with {})",
            part.kind.name(),
            part.name,
            part.needs.join(", ")
        )
    }));
    Ok((!doubts.is_empty()).then(|| doubts.join("; ")))
}

/// The wall time that a recorded run was allowed.
pub fn time_limit(record: &RunRecord) -> Option<Duration> {
    record.options.time_limit_s.map(Duration::from_secs_f64)
}

/// What goes into the repetition of a run: the tables, which must be those of the run.
///
/// # Errors
/// Input error when a table has other bytes than the run's, or is missing, or was not there.
pub fn input_of_record(record: &RunRecord, train: Named, test: Option<Named>) -> Result<FitInput> {
    must_be_a_fit(record)?;
    let known = |(mut file, shown): Named, source: &DataSource| {
        must_be_the_same_data(&shown, &file, source)?;
        file.source = source.clone();
        Ok(file)
    };
    let train = known(train, &record.data)?;
    let test = match (test, &record.test_data) {
        (None, None) => None,
        (Some(test), Some(source)) => Some(known(test, source)?),
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
    Ok(input_of(train, test, record.options.clone()))
}

/// Refuses what a fit alone did not make: a record of it does not say enough.
fn must_be_a_fit(record: &RunRecord) -> Result<()> {
    if !record.edits.is_empty() {
        return Err(Error::input("the model was changed by hand after its fit")
            .expected("a model as its fit made it")
            .got(format!("{} edits", record.edits.len()))
            .hint("repeat the model that was changed: the report names its file's SHA-256"));
    }
    if let Some(last) = record.continued.last() {
        return Err(Error::input("the model was continued from an earlier one, not fitted")
            .expected("a model as its fit made it")
            .got(format!("boosters of the model with SHA-256 {}", last.parent_sha256))
            .hint(
                "retrain that model with the same rows, --plan continue and the same --seed: it \
                 comes out the same",
            ));
    }
    if let Some(retrained) = &record.retrained {
        let files: Vec<&str> = retrained.files.iter().map(|file| file.name.as_str()).collect();
        return Err(Error::input("the model was retrained, which is no run of one file")
            .expected("a model as its fit made it")
            .got(format!("older rows of {}, judged by the newer ones", files.join(", ")))
            .hint("retrain the earlier model again with the command in the report's last part"));
    }
    Ok(())
}

/// Fits again in a context that decides as the record says.
///
/// # Errors
/// As [`fit`], and work error when the run went another way than the recorded one.
pub fn repeat(record: &RunRecord, input: FitInput, ctx: &Context) -> Result<FitOutcome> {
    must_be_a_fit(record)?;
    let mut outcome = fit(input, ctx)?;
    if let (Some(picked), None) = (record.picked, outcome.record.picked) {
        outcome = outcome.pick(picked)?;
    }
    outcome.record.clock = record.clock.clone();
    must_be_equal(record, &outcome.record)?;
    Ok(outcome)
}

fn must_be_the_same_data(shown: &str, file: &TableFile, of_the_run: &DataSource) -> Result<()> {
    if file.source.sha256 == of_the_run.sha256 {
        return Ok(());
    }
    Err(Error::input("these are not the data of the run: their bytes differ")
        .at(shown)
        .expected(format!("{} with SHA-256 {}", of_the_run.name, of_the_run.sha256))
        .got(format!("SHA-256 {}", file.source.sha256))
        .hint("give the very file that the run was made from (compression counts)"))
}

/// Refuses a run that went another way than the recorded one.
fn must_be_equal(recorded: &RunRecord, repeated: &RunRecord) -> Result<()> {
    let json = |record: &RunRecord| {
        serde_json::to_value(record).map_err(|e| Error::work("cannot compare records").because(e))
    };
    match first_difference("record", &json(recorded)?, &json(&as_long_as(recorded, repeated))?) {
        None => Ok(()),
        Some((place, was, is)) => Err(Error::work("the run did not repeat")
            .at(place)
            .expected(was)
            .got(is)
            .hint("use the version of Modelwright that made the record")),
    }
}

/// The repeated account with as many columns described as the recorded one has: an account beside
/// a model describes only the first of very many.
fn as_long_as<'a>(recorded: &RunRecord, repeated: &'a RunRecord) -> Cow<'a, RunRecord> {
    let short = || repeated.profile.shortened(Some(&repeated.task.target));
    match (recorded.profile.n_left_out > 0).then(short).flatten() {
        Some(profile) => Cow::Owned(RunRecord { profile, ..repeated.clone() }),
        None => Cow::Borrowed(repeated),
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
