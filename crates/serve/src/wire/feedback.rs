//! `POST /feedback`: what came true of a request, when that is known.
//!
//! `{"request_id": "…", "label": …}`, with `"row"` (from 1) where the request had several; or a
//! list of these. Labels are written down beside the requests, as texts, to be joined by id. One
//! that cannot be an answer of the model is refused where it is known without looking the request
//! up which model that is: only one is served, or the label names it.

use modelwright_core::Error;
use serde::Deserialize;
use serde_json::{Number, Value};

use super::rows_json::malformed;
use crate::app::App;
use crate::ask::Reply;
use crate::model::{Entry, State};
use crate::problem::{Fault, Problem};
use crate::request_log::Label;

const EXPECTED: &str = "{\"request_id\": \"…\", \"label\": …}, or a list of these";

/// Classes that a refusal lists.
const N_CLASSES_SHOWN: usize = 10;

#[derive(Deserialize)]
struct Labelled {
    request_id: String,
    #[serde(default = "first", deserialize_with = "whole")]
    row: u32,
    label: Value,
    /// The model that answered.
    #[serde(default)]
    model: Option<String>,
}

fn first() -> u32 {
    1
}

/// A whole number from 1, which JSON may write as `2.0` too: row 0 would be joined to no row.
fn whole<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = f64::deserialize(deserializer)?;
    let is_whole = number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&number);
    if is_whole { Ok(number as u32) } else { Err(serde::de::Error::custom("not a row")) }
}

/// One label, or a list of them.
fn parse(body: &[u8]) -> Result<Vec<Labelled>, Problem> {
    let body = serde_json::from_slice(body).map_err(|e| malformed(&e).expected(EXPECTED))?;
    let (items, is_list) = match body {
        Value::Array(items) => (items, true),
        item => (vec![item], false),
    };
    let label = |(i, item): (usize, Value)| {
        let got = item.to_string();
        serde_json::from_value(item).map_err(|e| {
            let place =
                if is_list { format!("label {} of the list: ", i + 1) } else { String::new() };
            Problem::malformed(format!("{place}{e}")).expected(EXPECTED).got(&got)
        })
    };
    items.into_iter().enumerate().map(label).collect()
}

/// Takes labels; `seen` has the models that who sends them may use.
pub(crate) fn take(app: &App, seen: &State, body: &[u8]) -> Result<Reply, Problem> {
    let Some(log) = &app.request_log else {
        return Err(Problem::new(404, "no-request-log", "requests are not written down here")
            .hint("start the server with --request-log FOLDER"));
    };
    let all = app.hub.state();
    let (mut rows, mut faults): (Vec<Label>, Vec<Fault>) = (Vec::new(), Vec::new());
    for (i, labelled) in parse(body)?.into_iter().enumerate() {
        let Some(text) = text(&labelled.label) else {
            return Err(Problem::malformed("a label is no value")
                .expected("a text, a number, true or false")
                .got(&labelled.label.to_string()));
        };
        let model = answered_by(labelled.model.as_deref(), seen, &all)?;
        if let Some(error) = model.and_then(|model| no_answer(model, &text)) {
            faults.push(Fault { row: i, error });
        }
        rows.push((labelled.request_id, f64::from(labelled.row), text));
    }
    if !faults.is_empty() {
        return Err(Problem::of_faults(faults));
    }
    let Some(again) = log.labelled(&rows) else {
        return Err(Problem::new(503, "overload", "the labels cannot be taken now").retry_after(1));
    };
    Ok(Reply::json(&serde_json::json!({
        "n_labels": rows.len(),
        "n_repeated": again.n_repeated,
        "n_contradicting": again.n_contradicting,
    })))
}

/// A label as it is written down: `1.0` is `1`, as classes are written.
fn text(label: &Value) -> Option<String> {
    let whole = |number: &Number| number.as_f64().filter(|v| v.fract() == 0.0 && v.abs() < 1e15);
    match label {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_f64() => {
            Some(whole(number).map_or_else(|| number.to_string(), |v| format!("{v:.0}")))
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// The model that a label is of, where that is known: the one that it names, or the only one.
fn answered_by<'s>(
    named: Option<&str>,
    seen: &'s State,
    all: &State,
) -> Result<Option<&'s Entry>, Problem> {
    // Who may not use a model learns neither its classes nor whether it is there.
    let Some(name) = named else {
        return Ok(seen.entries.values().next().filter(|_| all.entries.len() == 1));
    };
    seen.entries.get(name).map(Some).ok_or_else(|| {
        Problem::new(404, "no-such-model", "a label names a model that is not here")
            .expected("one that GET /v1/models names")
            .got(name)
    })
}

/// Why a text can be no answer of a model, by none of its versions.
fn no_answer(entry: &Entry, text: &str) -> Option<Error> {
    let model = entry.current().or_else(|| entry.versions.last())?;
    if entry.versions.iter().any(|version| version.predictor.is_answer(text)) {
        return None;
    }
    let classes = &model.predictor.classes;
    let error = if classes.is_empty() {
        Error::input("the label is no number, which the model predicts").expected("a number")
    } else {
        let mut shown = classes.iter().take(N_CLASSES_SHOWN).cloned().collect::<Vec<_>>();
        if classes.len() > N_CLASSES_SHOWN {
            shown.push(format!("and {} more", classes.len() - N_CLASSES_SHOWN));
        }
        let expected = format!("one of {}", shown.join(", "));
        Error::input("the label is no class of the model").expected(expected)
    };
    let hint = "none of the labels was taken: correct those that are listed, or leave them out";
    Some(error.column("label").got(text).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_whole_number_however_json_writes_it() {
        let row = |row: &str| {
            let text = format!("{{\"request_id\": \"a\", \"label\": 1, \"row\": {row}}}");
            serde_json::from_str::<Labelled>(&text).ok().map(|labelled| labelled.row)
        };
        assert_eq!((row("2"), row("2.0"), row("4294967295")), (Some(2), Some(2), Some(u32::MAX)));
        for wrong in ["0", "2.5", "-1", "4294967296", "1e300", "\"2\"", "null"] {
            assert_eq!(row(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_whole_number_is_written_as_classes_are() {
        let written = |json: &str| text(&serde_json::from_str(json).unwrap());
        for (json, expected) in [("1.0", "1"), ("-2.0", "-2"), ("7", "7"), ("0.5", "0.5")] {
            assert_eq!(written(json).as_deref(), Some(expected), "{json}");
        }
        assert_eq!((written("true").as_deref(), written("null")), (Some("true"), None));
    }

    #[test]
    fn a_label_that_cannot_be_taken_says_what_it_lacks_and_which_it_is() {
        let detail = |text: &str| parse(text.as_bytes()).err().unwrap().text();
        let one = detail("{\"request_id\": \"x\"}");
        assert!(one.contains("missing field `label`") && !one.contains("untagged"), "{one}");
        let many = detail("[{\"request_id\": \"x\", \"label\": 1}, {\"label\": 1}]");
        assert!(many.contains("label 2 of the list: missing field `request_id`"), "{many}");
        assert!(detail("7").contains("expected: {\"request_id\""), "{}", detail("7"));
    }
}
