//! `POST /predict`: rows in any form that people have them in, answers in the same form.
//!
//! `{"age": 39, …}` is answered with one object, a list with a list, lines with lines, a CSV with
//! the CSV that `modelwright predict` would write.

use modelwright_core::Context;
use modelwright_core::data::Table;
use serde::Serialize;

use super::answer::{Outcome, write_text};
use super::negotiate::Form;
use super::rows_json::{Shape, read_lines, read_rows, read_single};
use super::{quick, tabular};
use crate::ask::{Ask, Reply};
use crate::problem::Problem;

/// What may stand behind the `?`.
pub(crate) const PARAMETERS: [&str; 7] =
    ["model", "version", "on_error", "explain", "interval", "unusual", "stream"];

/// The only row of a request that wants nothing but its prediction.
pub(crate) fn lone_row(ask: &Ask) -> Option<Table> {
    let form = Form::of_body(ask);
    if form != Form::Json || Form::of_answer(ask, form) != Form::Json {
        return None;
    }
    quick::lone_row(ask, |row| read_single(&ask.body, row))
}

/// Answers a request.
pub(crate) fn predict(ask: &Ask, ctx: &Context) -> Result<Reply, Problem> {
    let form = Form::of_body(ask);
    let mut shape = Shape::List;
    if ask.body.trim_ascii().is_empty() {
        return Err(Problem::malformed("the body is empty")
            .expected("{\"column\": value, …}, a list of these, or a CSV with a header"));
    }
    if form == Form::Json
        && Form::of_answer(ask, form) == Form::Json
        && let Some(outcome) = quick::outcome(ask, ctx, |row| read_single(&ask.body, row))
    {
        let begun = crate::clock::now();
        let body = write_single(ask, &outcome);
        ask.model.stats.output_ns.add(crate::clock::nanos(begun.elapsed()));
        return Ok(Reply::new(form.media_type(), body).of_rows(1));
    }
    let begun = crate::clock::now();
    let batch = match form {
        Form::Json => {
            let mut intake = ask.intake(1)?;
            shape = read_rows(&ask.body, &mut intake)?;
            intake.finish()?
        }
        Form::JsonLines => {
            let mut intake = ask.intake(16)?;
            read_lines(&ask.body, 0, &mut intake);
            intake.finish()?
        }
        Form::Csv | Form::Parquet | Form::Arrow => tabular::read(ask, form, ctx)?,
    };
    ask.model.stats.input_ns.add(crate::clock::nanos(begun.elapsed()));
    let outcome = match ask.n_reasons()? {
        None => Outcome::of(ask, batch, ctx)?,
        Some(n) => Outcome::explained(ask, batch, n, ctx)?,
    };
    let begun = crate::clock::now();
    let reply = match Form::of_answer(ask, form) {
        Form::Json if shape == Shape::Single && outcome.batch.table.n_rows() == 1 => {
            Reply::new(Form::Json.media_type(), write_single(ask, &outcome))
        }
        Form::Json => Reply::new(Form::Json.media_type(), write_list(ask, &outcome)),
        Form::JsonLines => Reply::new(Form::JsonLines.media_type(), write_lines(ask, &outcome)),
        form @ (Form::Csv | Form::Parquet | Form::Arrow) => {
            let table = outcome.table(ask)?;
            let reply = Reply::new(form.media_type(), tabular::write(&table, form)?);
            match outcome.batch.unusual.len() {
                0 => reply,
                n => reply.header("x-modelwright-warnings", &n.to_string()),
            }
        }
    };
    ask.model.stats.output_ns.add(crate::clock::nanos(begun.elapsed()));
    Ok(reply.of_rows(outcome.batch.n_rows))
}

fn write_single(ask: &Ask, outcome: &Outcome) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.push(b'{');
    outcome.write_row(ask, 0, &mut out);
    write_end(ask, outcome, &mut out);
    out
}

fn write_list(ask: &Ask, outcome: &Outcome) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + outcome.batch.n_rows * 96);
    out.extend_from_slice(b"{\"predictions\":[");
    for (i, place) in outcome.batch.places().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_place(ask, outcome, place, &mut out);
    }
    out.push(b']');
    write_end(ask, outcome, &mut out);
    out
}

pub(crate) fn write_lines(ask: &Ask, outcome: &Outcome) -> Vec<u8> {
    let mut out = Vec::with_capacity(outcome.batch.n_rows * 96);
    for place in outcome.batch.places() {
        write_place(ask, outcome, place, &mut out);
        out.push(b'\n');
    }
    out
}

fn write_place(ask: &Ask, outcome: &Outcome, place: Option<usize>, out: &mut Vec<u8>) {
    match place {
        None => out.extend_from_slice(b"null"),
        Some(row) => {
            out.push(b'{');
            outcome.write_row(ask, row, out);
            out.push(b'}');
        }
    }
}

/// The end of an object: what goes with all rows.
fn write_end(ask: &Ask, outcome: &Outcome, out: &mut Vec<u8>) {
    write_notes(outcome, out);
    out.extend_from_slice(b",\"model\":");
    write_text(&ask.model.name, out);
    out.extend_from_slice(b",\"version\":");
    out.extend_from_slice(itoa::Buffer::new().format(ask.model.version).as_bytes());
    out.extend_from_slice(b",\"request_id\":");
    write_text(&ask.request_id, out);
    out.push(b'}');
}

/// `errors` and `warnings`, where there are any.
pub(crate) fn write_notes(outcome: &Outcome, out: &mut Vec<u8>) {
    fn list(name: &str, values: &[impl Serialize], n_all: usize, out: &mut Vec<u8>) {
        if values.is_empty() {
            return;
        }
        out.extend_from_slice(format!(",\"{name}\":").as_bytes());
        // Writing to a vector cannot fail.
        let _ = serde_json::to_writer(&mut *out, values);
        if n_all > values.len() {
            out.extend_from_slice(format!(",\"n_{name}\":{n_all}").as_bytes());
        }
    }
    if let Some(n) = outcome.n_explained() {
        out.extend_from_slice(format!(",\"n_explained\":{n}").as_bytes());
    }
    list("errors", &outcome.errors(), outcome.batch.faults.len(), out);
    list("warnings", &outcome.warnings(), outcome.batch.unusual.len(), out);
}
