//! What may stand behind the `?` of a URL, and in headers, beside rows.

use serde_json::{Value, json};

use crate::model::{Entry, Model};
use crate::reasons::N_REASONS_MAX;

fn of_query(name: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

/// Of every request with rows; `model` where the path does not name one.
pub(super) fn of_rows(entry: &Entry, models: Option<Vec<&String>>) -> Vec<Value> {
    let mut versions = vec![String::new()];
    versions.extend(entry.versions.iter().map(|model| model.version.to_string()));
    let header = |name: &str, description: &str| {
        json!({ "name": name, "in": "header", "description": description,
                "schema": { "type": "string" } })
    };
    let mut all = Vec::new();
    if let Some(models) = models {
        let about = "the model; without it the first answers";
        all.push(of_query("model", about, &json!({ "type": "string", "enum": models })));
    } else {
        let about = "a version that is in memory; without it the current one, or a canary, answers";
        all.push(of_query("version", about, &json!({ "type": "string", "enum": versions })));
    }
    all.push(of_query(
        "on_error",
        "what a row that is refused does: fails the request, or is answered null",
        &json!({ "type": "string", "enum": ["fail", "null"] }),
    ));
    all.push(header("X-Request-Id", "the name of the request in answer, logs and feedback"));
    all.push(header(
        "X-Sticky-Key",
        "requests with the same value are answered by the same version, also beside a canary",
    ));
    all
}

/// Reasons, of requests that may ask for some.
pub(super) fn explain() -> Value {
    of_query(
        "explain",
        "so many reasons of each prediction, in words and numbers; at most 1,000 rows",
        &json!({ "anyOf": [{ "type": "integer", "minimum": 0, "maximum": N_REASONS_MAX },
                          { "type": "boolean" }, { "enum": [""] }] }),
    )
}

/// Of `/predict` alone.
pub(super) fn of_predict(model: &Model) -> Vec<Value> {
    let mut all = vec![explain(), stream()];
    if model.training.reference().is_ok_and(|reference| reference.usual.is_some()) {
        all.push(unusual());
    }
    let levels = model.predictor.levels();
    if !levels.is_empty() {
        let mut schema = json!({ "anyOf": [{ "type": "number", "enum": levels }] });
        if let ([_], Some(any)) = (levels, schema["anyOf"].as_array_mut()) {
            any.push(json!({ "enum": ["", "true"] }));
        }
        let about = "the level of an interval, or of a set of labels, beside each prediction";
        all.push(of_query("interval", about, &schema));
    }
    all
}

/// How unusual rows are.
fn unusual() -> Value {
    of_query(
        "unusual",
        "adds how unusual each row is beside those that the model was tested on, and what makes it \
         so",
        &json!({ "type": "string", "enum": ["", "true", "1", "false", "0"] }),
    )
}

/// Rows that are predicted while they come.
fn stream() -> Value {
    of_query(
        "stream",
        "predicts rows while they come: CSV, JSON Lines, Arrow or Parquet of any length",
        &json!({ "type": "string", "enum": ["", "true", "1", "false", "0"] }),
    )
}
