//! The description of the server by OpenAPI 3.1, made of the models that are served now: every
//! column with its kind, its range or values in training, and an example.

mod others;
mod parameters;

use modelwright_core::data::{Kind, Storage, instant_text, number_text};
use modelwright_lifecycle::artifact::ManifestField;
use modelwright_preprocess::sketch::MICROS;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::model::{Entry, Model, State};

/// The document, of the models of a state.
pub(crate) fn document(app: &App, state: &State) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    schemas.insert("Problem".to_owned(), problem());
    for (name, entry) in &state.entries {
        let Some(model) = entry.current() else { continue };
        let schema = format!("{name}_row");
        schemas.insert(schema.clone(), row(model));
        schemas.insert(format!("{name}_answer"), answer(model));
        let path = format!("/models/{name}/predict");
        let mut post = predict(model, entry, &schema);
        let is_default = state.default.as_deref() == Some(&**name);
        post["x-modelwright-model"]["default"] = json!(is_default);
        paths.insert(path, json!({ "post": post.clone() }));
        others::of_model(app, (model, entry), post, &mut paths);
    }
    if let Some(post) = by_query(state) {
        paths.insert("/predict".to_owned(), json!({ "post": post }));
        let models: Vec<&str> = state.entries.keys().map(String::as_str).collect();
        let default = state.default.as_ref().and_then(|name| state.entries.get(name));
        let parameters =
            default.map(|entry| parameters::of_rows(entry, Some(state.entries.keys().collect())));
        let post = others::invocations_by_query(&parameters.unwrap_or_default(), &models);
        paths.insert("/invocations".to_owned(), json!({ "post": post }));
    }
    others::of_server(app, state, &mut paths);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Modelwright",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Predictions of the models that this server holds.",
        },
        "paths": paths,
        "components": { "schemas": schemas },
    });
    if app.settings.needs_key() {
        document["components"]["securitySchemes"] =
            json!({ "key": { "type": "http", "scheme": "bearer" } });
        document["security"] = json!([{ "key": [] }]);
    }
    document
}

fn refused() -> Value {
    json!({
        "description": "why not",
        "content": {
            "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
        },
    })
}

fn problem() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "description": "RFC 9457, with the place of the fault",
        "required": ["type", "title", "status", "detail", "error", "request_id"],
        "properties": {
            "type": text, "title": text, "status": { "type": "integer" }, "detail": text,
            "error": text, "row": { "type": "integer", "minimum": 1 }, "column": text,
            "expected": text, "got": text, "hint": text, "request_id": text,
            "errors": { "type": "array", "items": { "type": "object" } },
            "n_errors": { "type": "integer" },
        },
    })
}

fn predict(model: &Model, entry: &Entry, schema: &str) -> Value {
    let one = format!("#/components/schemas/{schema}");
    let answer = format!("#/components/schemas/{}_answer", model.name);
    let list = json!({
        "type": "object",
        "required": ["predictions", "model", "version", "request_id"],
        "properties": {
            "predictions": { "type": "array",
                             "items": { "anyOf": [{ "$ref": answer }, { "type": "null" }] } },
            "errors": { "type": "array" }, "warnings": { "type": "array" },
        },
    });
    let example = example(model);
    let metric = model.manifest.metrics.first().and_then(|m| Some((&m.name, m.value?)));
    let metric = metric.map_or(String::new(), |(name, value)| format!(", {name} {value:.4}"));
    let description = format!(
        "Predicts {} ({}), version {}{metric}.",
        model.predictor.target,
        model.predictor.task.name(),
        entry.current
    );
    let mut parameters = parameters::of_rows(entry, None);
    parameters.extend(parameters::of_predict(model));
    let mut content = in_other_forms();
    content["application/json"] = json!({
        "schema": { "anyOf": [{ "$ref": one }, { "type": "array", "items": { "$ref": one } }] },
        "example": example,
    });
    let mut answers = in_other_forms();
    answers["application/json"] = json!({ "schema": { "anyOf": [{ "$ref": answer }, list] } });
    json!({
        "operationId": format!("predict_{}", model.name),
        "summary": format!("Predict {} of one row or several", model.predictor.target),
        "description": description,
        "parameters": parameters,
        "x-modelwright-model":
            { "name": &*model.name, "schema": schema, "example": example },
        "requestBody": { "required": true, "content": content },
        "responses": {
            "200": { "description": "the predictions", "content": answers },
            "default": refused(),
        },
    })
}

/// The forms of rows and answers that are no JSON.
fn in_other_forms() -> Value {
    let text = json!({ "schema": { "type": "string" } });
    json!({
        "application/x-ndjson": text,
        "text/csv": text,
        "application/vnd.apache.parquet": {},
        "application/vnd.apache.arrow.stream": {},
    })
}

/// The path on which a parameter names the model.
fn by_query(state: &State) -> Option<Value> {
    let entry = state.entries.get(state.default.as_deref()?)?;
    let model = entry.current()?;
    let names = state.entries.keys().collect();
    let mut parameters = parameters::of_rows(entry, Some(names));
    parameters.extend(parameters::of_predict(model));
    let rows = state.entries.keys().map(|name| row_reference(name)).collect::<Vec<_>>();
    let list = json!({ "type": "array", "items": { "anyOf": rows } });
    let any = json!({ "anyOf": rows.iter().chain([&list]).collect::<Vec<_>>() });
    Some(json!({
        "operationId": "predict",
        "summary": "Predict by the model that a parameter names, or the first",
        "parameters": parameters,
        "requestBody": { "required": true,
                         "content": { "application/json": { "schema": any } } },
        "responses": {
            "200": { "description": "the predictions", "content": { "application/json": {} } },
            "default": refused(),
        },
    }))
}

fn row_reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}_row") })
}

/// A row of the model's columns.
pub(crate) fn row(model: &Model) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in &model.manifest.schema {
        properties.insert(field.name.clone(), column(field));
        if !field.optional {
            required.push(field.name.clone());
        }
    }
    json!({ "type": "object", "required": required, "properties": properties,
            "example": example(model) })
}

/// A text that every column of numbers takes, however training wrote its numbers; an empty one is
/// a missing value.
const DIGITS: &str = "^(-?(0|[1-9][0-9]{0,14}))?$";

/// The range of training for programs; a value outside of it is taken, so that it is no `minimum`.
fn training_range(field: &ManifestField) -> Option<Value> {
    let (min, max) = field.min.zip(field.max)?;
    match field.kind {
        Kind::Number => Some(json!({ "minimum": min, "maximum": max })),
        Kind::Datetime => {
            let text = |seconds: f64| instant_text((seconds * MICROS) as i64);
            Some(json!({ "minimum": text(min), "maximum": text(max) }))
        }
        _ => None,
    }
}

fn column(field: &ManifestField) -> Value {
    let range = match (field.min, field.max, field.kind) {
        (Some(min), Some(max), Kind::Number) => {
            format!("{} to {} in training", number_text(short(min)), number_text(short(max)))
        }
        (Some(min), Some(max), Kind::Datetime) => {
            let text = |seconds: f64| instant_text((seconds * MICROS) as i64);
            format!("{} to {} in training", text(min), text(max))
        }
        _ => field.kind.name().replace('_', " "),
    };
    let mut column = match field.storage {
        // Numbers may come as texts; what is no number is refused.
        Storage::Number => json!({ "type": ["number", "string", "null"], "pattern": DIGITS }),
        Storage::Instant => json!({ "type": ["string", "null"], "format": "date" }),
        Storage::String => json!({ "type": ["string", "number", "boolean", "null"] }),
    };
    column["description"] = json!(range);
    if field.kind == Kind::Boolean && field.storage == Storage::Number {
        column["type"] = json!(["boolean", "number", "string", "null"]);
    }
    if let Some(range) = training_range(field) {
        column["x-training-range"] = range;
    }
    if !field.levels.is_empty() {
        column["examples"] = json!(field.levels);
    }
    column
}

/// A number with six significant digits, whole ones in full: what people read and type.
fn short(value: f64) -> f64 {
    if value.fract() == 0.0 { value } else { format!("{value:.5e}").parse().unwrap_or(value) }
}

/// A row that training could have had: middles of ranges, most frequent levels.
pub(crate) fn example(model: &Model) -> Value {
    let value = |field: &ManifestField| match (field.levels.first(), field.min, field.max) {
        (Some(level), _, _) => match (field.storage, level.parse::<f64>()) {
            (Storage::Number, Ok(number)) => json!(number),
            _ => json!(level),
        },
        (None, Some(min), Some(max)) if field.storage == Storage::Number => {
            let middle = f64::midpoint(min, max);
            let is_whole = min.fract() == 0.0 && max.fract() == 0.0;
            json!(if is_whole { middle.floor() } else { short(middle).clamp(min, max) })
        }
        (None, Some(min), _) if field.storage == Storage::Instant => {
            json!(instant_text((min * MICROS) as i64))
        }
        _ => Value::Null,
    };
    let fields = &model.manifest.schema;
    Value::Object(fields.iter().map(|f| (f.name.clone(), value(f))).collect())
}

/// Why a row is predicted so, where it was asked for.
fn reasons() -> [(&'static str, Value); 2] {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "number" });
    let reason = json!({
        "type": "object",
        "required": ["column", "value", "effect", "text"],
        "properties": { "column": text, "value": { "type": ["string", "null"] },
                        "effect": number, "standard_error": number, "text": text },
    });
    let subject = json!({
        "type": "object",
        "required": ["output", "value", "base_value", "scale"],
        "properties": { "output": text, "value": number, "base_value": number, "scale": text,
                        "threshold": number },
    });
    let list = json!({ "type": ["array", "null"], "items": reason,
                       "description": "the largest first; null where there was no time" });
    [("reasons_for", subject), ("reasons", list)]
}

/// How unusual a row is, where it was asked for.
fn unusualness() -> [(&'static str, Value); 2] {
    let share = json!({ "type": "number", "minimum": 0, "maximum": 1,
                        "description": "the share of the rows of the test that are less unusual" });
    let columns = json!({ "type": "array", "items": { "type": "string" },
                          "description": "the columns that make it so, the rarest first" });
    [("unusualness", share), ("unusual_columns", columns)]
}

fn answer(model: &Model) -> Value {
    let mut answer = answer_without_reasons(model);
    for (name, schema) in unusualness().into_iter().chain(reasons()) {
        answer["properties"][name] = schema;
    }
    answer
}

fn answer_without_reasons(model: &Model) -> Value {
    let classes = &model.predictor.classes;
    if classes.is_empty() {
        return json!({ "type": "object", "required": ["prediction"],
                       "properties": { "prediction": { "type": "number" } } });
    }
    let probability = json!({ "type": "number", "minimum": 0, "maximum": 1 });
    let probabilities: Map<String, Value> =
        classes.iter().map(|c| (c.clone(), probability.clone())).collect();
    json!({
        "type": "object",
        "required": ["prediction", "probabilities"],
        "properties": {
            "prediction": { "type": "string", "enum": classes },
            "probabilities": { "type": "object", "properties": probabilities },
        },
    })
}
