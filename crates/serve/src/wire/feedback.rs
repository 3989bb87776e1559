//! `POST /feedback`: what came true of a request, when that is known.
//!
//! `{"request_id": "…", "label": …}`, with `"row"` (from 1) where the request had several; or a
//! list of these. Labels are written down beside the requests, as texts, to be joined by id.

use serde::Deserialize;
use serde_json::Value;

use super::rows_json::malformed;
use crate::ask::Reply;
use crate::problem::Problem;
use crate::request_log::RequestLog;

const EXPECTED: &str = "{\"request_id\": \"…\", \"label\": …}, or a list of these";

#[derive(Deserialize)]
struct Labelled {
    request_id: String,
    #[serde(default = "first", deserialize_with = "whole")]
    row: u32,
    label: Value,
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

/// Takes labels.
pub(crate) fn take(log: Option<&RequestLog>, body: &[u8]) -> Result<Reply, Problem> {
    let Some(log) = log else {
        return Err(Problem::new(404, "no-request-log", "requests are not written down here")
            .hint("start the server with --request-log FOLDER"));
    };
    let labels = parse(body)?;
    let text = |label: &Value| match label {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    };
    let mut rows = Vec::new();
    for label in labels {
        let Some(text) = text(&label.label) else {
            return Err(Problem::malformed("a label is no value")
                .expected("a text, a number, true or false")
                .got(&label.label.to_string()));
        };
        rows.push((label.request_id, f64::from(label.row), text));
    }
    let n = rows.len();
    if !log.labelled(&rows) {
        return Err(Problem::new(503, "overload", "the labels cannot be taken now").retry_after(1));
    }
    Ok(Reply::json(&serde_json::json!({ "n_labels": n })))
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
    fn a_label_that_cannot_be_taken_says_what_it_lacks_and_which_it_is() {
        let detail = |text: &str| parse(text.as_bytes()).err().unwrap().text();
        let one = detail("{\"request_id\": \"x\"}");
        assert!(one.contains("missing field `label`") && !one.contains("untagged"), "{one}");
        let many = detail("[{\"request_id\": \"x\", \"label\": 1}, {\"label\": 1}]");
        assert!(many.contains("label 2 of the list: missing field `request_id`"), "{many}");
        assert!(detail("7").contains("expected: {\"request_id\""), "{}", detail("7"));
    }
}
