//! The answer to a request to infer: tensors of predictions, as JSON or binary.

use std::io::Write;

use serde_json::{Map, Value};

use super::codec::CONTENT_TYPE;
use super::request::{ON_ERROR, Request};
use super::wanted::Wanted;
use crate::ask::{Ask, Reply};
use crate::model::Model;
use crate::wire::answer::{Outcome, write_number, write_text};

/// An output of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// The label.
    Label,
    /// The value of a regression.
    Value,
    /// The probability of each class.
    Probabilities,
}

impl Output {
    /// What a model has.
    pub(crate) fn of_model(model: &Model) -> &'static [Self] {
        if model.class_json.is_empty() {
            &[Self::Value]
        } else {
            &[Self::Label, Self::Probabilities]
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Label | Self::Value => "prediction",
            Self::Probabilities => "probabilities",
        }
    }

    /// What MLServer's clients read it by.
    pub(crate) fn codec(self) -> &'static str {
        match self {
            Self::Label => "str",
            Self::Value | Self::Probabilities => "np",
        }
    }

    /// Its type.
    pub(crate) fn datatype(self) -> &'static str {
        match self {
            Self::Label => "BYTES",
            Self::Value | Self::Probabilities => "FP64",
        }
    }
}

/// Writes the answer.
pub(super) fn write(ask: &Ask, request: &Request, wanted: &[Wanted], outcome: &Outcome) -> Reply {
    let mut out = begin(ask, outcome);
    let mut tail = Vec::new();
    // Writing to a vector cannot fail, here and below.
    if let Some(id) = &request.id {
        let _ = write!(out, ",\"id\":{id}");
    }
    let parameters = parameters(request, outcome);
    if !parameters.is_empty() {
        let _ = write!(out, ",\"parameters\":{}", Value::Object(parameters));
    }
    let with_codecs = request.names_codecs();
    write_outputs(ask, (wanted.iter().copied(), with_codecs), outcome, &mut out, &mut tail);
    if tail.is_empty() && !wanted.iter().any(|w| w.is_binary) {
        return Reply::new("application/json", out);
    }
    let n_json = out.len().to_string();
    out.append(&mut tail);
    Reply::new("application/octet-stream", out).header(super::HEADER_LENGTH, &n_json)
}

/// Writes the answer to a plain request of one row: what [`write()`] would, in JSON.
pub(super) fn write_one(ask: &Ask, id: Option<&str>, outcome: &Outcome) -> Reply {
    let mut out = begin(ask, outcome);
    if let Some(id) = id {
        out.extend_from_slice(b",\"id\":");
        write_text(id, &mut out);
    }
    let all = Output::of_model(&ask.model).iter();
    let wanted = all.map(|output| Wanted::plain(*output));
    write_outputs(ask, (wanted, false), outcome, &mut out, &mut Vec::new());
    Reply::new("application/json", out)
}

/// The start of an answer: whose it is.
fn begin(ask: &Ask, outcome: &Outcome) -> Vec<u8> {
    let mut out = Vec::with_capacity(384 + outcome.batch.n_rows * 48);
    out.extend_from_slice(b"{\"model_name\":");
    write_text(&ask.model.name, &mut out);
    let _ = write!(out, ",\"model_version\":\"{}\"", ask.model.version);
    out
}

/// The outputs, with their codecs if that is wished, and the end of the JSON; the values of binary
/// ones go to `tail`.
fn write_outputs(
    ask: &Ask,
    (wanted, with_codecs): (impl Iterator<Item = Wanted>, bool),
    outcome: &Outcome,
    out: &mut Vec<u8>,
    tail: &mut Vec<u8>,
) {
    let n_rows = outcome.batch.n_rows;
    out.extend_from_slice(b",\"outputs\":[");
    for (i, wanted) in wanted.enumerate() {
        let comma = if i > 0 { "," } else { "" };
        let (name, datatype) = (wanted.output.name(), wanted.datatype());
        let _ = write!(
            out,
            "{comma}{{\"name\":\"{name}\",\"datatype\":\"{datatype}\",\"shape\":[{n_rows}"
        );
        if let Some(n_columns) = wanted.n_columns(&ask.model) {
            let _ = write!(out, ",{n_columns}");
        }
        out.extend_from_slice(b"],");
        if wanted.is_binary {
            let before = tail.len();
            write_binary(ask, wanted, outcome, tail);
            let size = tail.len() - before;
            let _ = write!(out, "\"parameters\":{{\"binary_data_size\":{size}");
            if with_codecs {
                let _ = write!(out, ",\"{CONTENT_TYPE}\":\"{}\"", wanted.codec());
            }
            out.extend_from_slice(b"}}");
        } else {
            if with_codecs {
                let codec = wanted.codec();
                let _ = write!(out, "\"parameters\":{{\"{CONTENT_TYPE}\":\"{codec}\"}},");
            }
            out.extend_from_slice(b"\"data\":[");
            write_json(ask, wanted, outcome, out);
            out.extend_from_slice(b"]}");
        }
    }
    out.extend_from_slice(b"]}");
}

/// What the request said, and what is to be said of its rows.
fn parameters(request: &Request, outcome: &Outcome) -> Map<String, Value> {
    let mut parameters = request.parameters.clone();
    // These were about the request's own form; outputs say theirs themselves.
    for own in ["binary_data_output", CONTENT_TYPE, ON_ERROR] {
        parameters.remove(own);
    }
    let texts = |values: Vec<String>| Value::String(values.join("; "));
    if !outcome.batch.faults.is_empty() {
        let faults = outcome.errors();
        let shown: Vec<String> = faults.iter().map(|f| serde_json::json!(f).to_string()).collect();
        parameters.insert("errors".to_owned(), texts(shown));
    }
    if !outcome.batch.unusual.is_empty() {
        let warnings = outcome.warnings();
        let shown: Vec<String> =
            warnings.iter().map(|w| serde_json::json!(w).to_string()).collect();
        parameters.insert("warnings".to_owned(), texts(shown));
    }
    parameters
}

fn write_json(ask: &Ask, wanted: Wanted, outcome: &Outcome, out: &mut Vec<u8>) {
    let classes = &ask.model.class_json;
    let mut is_first = true;
    let mut comma = |out: &mut Vec<u8>| {
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
    };
    for place in outcome.batch.places() {
        match (wanted.output, place) {
            (_, Some(row)) if wanted.n_top > 0 => {
                for text in wanted.classes(&ask.model, outcome, row) {
                    comma(out);
                    write_text(&text, out);
                }
            }
            (Output::Label, Some(row)) => {
                comma(out);
                out.extend_from_slice(classes[outcome.codes[row] as usize].as_bytes());
            }
            (Output::Value, Some(row)) => {
                comma(out);
                write_number(outcome.predictions.values[row], out);
            }
            (Output::Probabilities, Some(row)) => {
                for class in 0..classes.len() {
                    comma(out);
                    write_number(outcome.probability(row, class), out);
                }
            }
            (Output::Label | Output::Value, None) => {
                comma(out);
                out.extend_from_slice(b"null");
            }
            (Output::Probabilities, None) => {
                for _ in 0..wanted.n_columns(&ask.model).unwrap_or(1) {
                    comma(out);
                    out.extend_from_slice(b"null");
                }
            }
        }
    }
}

/// Writes an output as raw bytes; a row that was refused is NaN or an empty text.
pub(crate) fn write_binary(ask: &Ask, wanted: Wanted, outcome: &Outcome, out: &mut Vec<u8>) {
    let classes = &ask.model.predictor.classes;
    let write_text = |text: &str, out: &mut Vec<u8>| {
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    };
    for place in outcome.batch.places() {
        match wanted.output {
            _ if wanted.n_top > 0 => {
                let texts = place.map(|row| wanted.classes(&ask.model, outcome, row));
                let texts = texts.unwrap_or_else(|| vec![String::new(); wanted.n_top]);
                for text in &texts {
                    write_text(text, out);
                }
            }
            Output::Label => {
                let label = place.map_or("", |row| &classes[outcome.codes[row] as usize]);
                write_text(label, out);
            }
            Output::Value => {
                let value = place.map_or(f64::NAN, |row| outcome.predictions.values[row]);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Output::Probabilities => {
                for class in 0..classes.len() {
                    let p = place.map_or(f64::NAN, |row| outcome.probability(row, class));
                    out.extend_from_slice(&p.to_le_bytes());
                }
            }
        }
    }
}
