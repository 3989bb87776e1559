//! KServe's first protocol: `{"instances": […]}` in, `{"predictions": […]}` out.
//!
//! Predictions are the labels or values, as KServe's servers of tabular models give them;
//! `probabilities` stands beside them, one list per row in the order of the classes.

use modelwright_core::Context;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Outcome, write_number};
use super::plain::write_notes;
use super::rows_json::{RowsSeed, malformed, read_columns};
use crate::ask::{Ask, Reply};
use crate::clock;
use crate::intake::Batch;
use crate::problem::Problem;
use crate::reasons::N_REASONS_MAX;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    instances: Option<&'a RawValue>,
    #[serde(borrow, default)]
    inputs: Option<&'a RawValue>,
}

/// Answers `:predict`.
pub(crate) fn predict(ask: &Ask, ctx: &Context) -> Result<Reply, Problem> {
    let batch = read(ask)?;
    answer(ask, batch, ctx)
}

/// Answers `:explain`: `explanations` stand beside the predictions, one for each row, with all
/// columns that have a say unless `?explain=N` wants fewer.
pub(crate) fn explain(ask: &Ask, ctx: &Context) -> Result<Reply, Problem> {
    let n = match ask.query.get("explain") {
        None => N_REASONS_MAX,
        Some(_) => ask.n_reasons()?.unwrap_or(N_REASONS_MAX),
    };
    let batch = read(ask)?;
    let outcome = Outcome::explained(ask, batch, n, ctx)?;
    Ok(write(ask, &outcome))
}

fn read(ask: &Ask) -> Result<Batch, Problem> {
    let begun = clock::now();
    let envelope: Envelope<'_> = serde_json::from_slice(&ask.body).map_err(|e| wrong(&e))?;
    let batch = match (envelope.instances, envelope.inputs) {
        (Some(rows), None) => read_list(ask, rows)?,
        (None, Some(inputs)) => read_list_or_columns(ask, inputs)?,
        _ => return Err(Problem::malformed("there are no instances").expected(EXPECTED)),
    };
    ask.model.stats.input_ns.add(clock::nanos(begun.elapsed()));
    Ok(batch)
}

const EXPECTED: &str = "{\"instances\": [{\"column\": value, …}, …]}";

fn wrong(cause: &serde_json::Error) -> Problem {
    malformed(cause).expected(EXPECTED)
}

/// Rows as a list of objects or arrays.
pub(crate) fn read_list(ask: &Ask, rows: &RawValue) -> Result<Batch, Problem> {
    use serde::de::DeserializeSeed;
    let mut intake = ask.intake(16)?;
    let mut deserializer = serde_json::Deserializer::from_str(rows.get());
    RowsSeed(&mut intake).deserialize(&mut deserializer).map_err(|e| wrong(&e))?;
    intake.finish()
}

/// Rows as a list, or as an object of columns.
pub(crate) fn read_list_or_columns(ask: &Ask, inputs: &RawValue) -> Result<Batch, Problem> {
    if inputs.get().trim_start().starts_with('[') {
        return read_list(ask, inputs);
    }
    let mut intake = ask.intake(16)?;
    read_columns(inputs.get().as_bytes(), &mut intake)?;
    intake.finish()
}

/// `{"predictions": […], …}`.
pub(crate) fn answer(ask: &Ask, batch: Batch, ctx: &Context) -> Result<Reply, Problem> {
    let outcome = Outcome::of(ask, batch, ctx)?;
    Ok(write(ask, &outcome))
}

fn write(ask: &Ask, outcome: &Outcome) -> Reply {
    let begun = clock::now();
    let classes = &ask.model.class_json;
    let mut out = Vec::with_capacity(64 + outcome.batch.n_rows * 48);
    let list = |name: &str, out: &mut Vec<u8>, one: &dyn Fn(usize, &mut Vec<u8>)| {
        out.extend_from_slice(format!("\"{name}\":[").as_bytes());
        for (i, place) in outcome.batch.places().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            match place {
                Some(row) => one(row, out),
                None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b']');
    };
    out.push(b'{');
    if classes.is_empty() {
        list("predictions", &mut out, &|row, out| {
            write_number(outcome.predictions.values[row], out);
        });
    } else {
        list("predictions", &mut out, &|row, out| {
            out.extend_from_slice(classes[outcome.codes[row] as usize].as_bytes());
        });
        out.push(b',');
        list("probabilities", &mut out, &|row, out| {
            for class in 0..classes.len() {
                out.push(if class == 0 { b'[' } else { b',' });
                write_number(outcome.probability(row, class), out);
            }
            out.push(b']');
        });
    }
    if outcome.why.is_some() {
        out.push(b',');
        list("explanations", &mut out, &|row, out| {
            // A row without reasons is null; writing to a vector cannot fail.
            let _ = serde_json::to_writer(out, &outcome.row_why(row));
        });
    }
    write_notes(outcome, &mut out);
    out.push(b'}');
    ask.model.stats.output_ns.add(clock::nanos(begun.elapsed()));
    Reply::new("application/json", out).of_rows(outcome.batch.n_rows)
}
