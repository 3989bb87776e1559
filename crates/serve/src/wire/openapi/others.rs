//! The paths beside those of plain rows: other protocols, what models say of themselves, and what
//! changes them.

use serde_json::{Map, Value, json};

use super::{parameters, refused};
use crate::app::App;
use crate::model::{Entry, Model, State};

const PROBES: [(&str, &str); 10] = [
    ("/healthz", "Is the process alive? Also as /livez and /health"),
    ("/readyz", "Can it answer? Also as /ready and /startupz"),
    ("/ping", "Can it answer? As SageMaker asks"),
    ("/v2/health/live", "Is the process alive?"),
    ("/v2/health/ready", "Can it answer?"),
    ("/v2", "What the server is"),
    ("/models", "The models that are served"),
    ("/v2/models", "The same"),
    ("/v1/models", "Their names, as KServe's first protocol has them"),
    ("/v2/models/stats", "How much all models were asked"),
];

/// What every server has, whatever its models.
pub(super) fn of_server(app: &App, state: &State, paths: &mut Map<String, Value>) {
    for (path, summary) in PROBES {
        paths.insert(path.to_owned(), get(summary, "application/json"));
    }
    let summary = "The models that are served, as Triton's clients ask";
    let ready = json!({ "type": "object", "properties": { "ready": { "type": "boolean" } } });
    let index = post(summary, &[], &ready, &json!({ "type": "array" }));
    paths.insert("/v2/repository/index".to_owned(), json!({ "post": index }));
    let summary = "Counters and gauges for Prometheus";
    paths.insert("/metrics".to_owned(), get(summary, "text/plain"));
    if app.request_log.is_some() {
        paths.insert("/feedback".to_owned(), json!({ "post": feedback(&label(app, state)) }));
    }
    if app.settings.admin_is_open() {
        let summary = "Looks for newer models at once";
        paths.insert("/admin/reload".to_owned(), json!({ "post": change(summary, None) }));
    }
}

/// What a model has, beside its plain rows.
/// `predict` is what is said of its plain rows.
pub(super) fn of_model(
    app: &App,
    (model, entry): (&Model, &Entry),
    predict: Value,
    paths: &mut Map<String, Value>,
) {
    let name = &model.name;
    for (path, summary) in [
        (format!("/v2/models/{name}"), "The columns, classes and versions of the model"),
        (format!("/v2/models/{name}/ready"), "Does the model answer?"),
        (format!("/v2/models/{name}/config"), "Its configuration in Triton's words"),
        (format!("/v2/models/{name}/stats"), "How much it was asked"),
        (format!("/v1/models/{name}"), "Does it answer, as KServe's first protocol asks?"),
    ] {
        paths.insert(path, get(summary, "application/json"));
    }
    let asks = infer(model, entry);
    paths.insert(format!("/v2/models/{name}/infer"), json!({ "post": asks }));
    for (path, what) in [
        (format!("/v2/models/{name}/versions/{{version}}/infer"), asks),
        (format!("/models/{name}/versions/{{version}}/predict"), predict),
    ] {
        paths.insert(path, json!({ "post": of_version(what, entry) }));
    }
    let by_mlflow = invocations(model, entry);
    paths.insert(format!("/models/{name}/invocations"), json!({ "post": by_mlflow }));
    for (verb, member) in [("predict", "predictions"), ("explain", "explanations")] {
        let post = json!({ "post": by_v1(model, entry, verb, member) });
        paths.insert(format!("/v1/models/{name}:{verb}"), post);
    }
    if !app.settings.admin_is_open() {
        return;
    }
    let version = json!({ "type": "integer", "minimum": 0 });
    let or_none = json!({ "type": ["integer", "null"], "minimum": 0 });
    let percent = json!({ "type": "number", "minimum": 0, "maximum": 100 });
    let promote = json!({ "type": "object", "required": ["version"],
                          "properties": { "version": version } });
    let shadow = json!({ "type": "object", "properties": { "version": or_none } });
    let canary = json!({ "anyOf": [
        { "type": "object", "required": ["version", "percent"],
          "properties": { "version": version, "percent": percent } },
        { "type": "object", "required": ["version"],
          "properties": { "version": { "type": "null" } } },
    ] });
    for (path, summary, body) in [
        (format!("/admin/models/{name}/rollback"), "The version before answers again", None),
        (format!("/admin/models/{name}/promote"), "A version answers", Some(&promote)),
        (format!("/admin/models/{name}/canary"), "A version answers a share", Some(&canary)),
        (format!("/admin/models/{name}/shadow"), "A version is asked, unseen", Some(&shadow)),
        (format!("/v2/repository/models/{name}/load"), "Reads the model again", None),
        (format!("/v2/repository/models/{name}/unload"), "Forgets the model", None),
    ] {
        paths.insert(path, json!({ "post": change(summary, body) }));
    }
}

fn get(summary: &str, media_type: &str) -> Value {
    let ok = json!({ "description": "what was asked", "content": { media_type: {} } });
    json!({ "get": { "summary": summary,
                     "responses": { "200": ok, "default": refused() } } })
}

fn post(summary: &str, parameters: &[Value], body: &Value, answer: &Value) -> Value {
    json!({
        "summary": summary,
        "parameters": parameters,
        "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
        "responses": {
            "200": { "description": "done", "content": { "application/json": {
                "schema": answer } } },
            "default": refused(),
        },
    })
}

/// When a change of what is served is refused though it is well formed.
const CHANGE_REFUSED: [(&str, &str); 2] = [
    ("404", "there is no such model or version"),
    ("409", "the models do not allow it now: nothing to go back to, or the file is no sound model"),
];

/// A request that changes what is served.
fn change(summary: &str, body: Option<&Value>) -> Value {
    let mut post = post(summary, &[], body.unwrap_or(&Value::Null), &json!({}));
    if let (None, Some(post)) = (body, post.as_object_mut()) {
        post.remove("requestBody");
    }
    for (status, when) in CHANGE_REFUSED {
        let mut refused = refused();
        refused["description"] = json!(when);
        post["responses"][status] = refused;
    }
    post
}

fn infer(model: &Model, entry: &Entry) -> Value {
    let body = json!({
        "type": "object",
        "required": ["inputs"],
        "properties": { "id": { "type": "string" }, "parameters": parameters_of_infer(),
                        "inputs": { "type": "array", "items": tensor() },
                        "outputs": { "type": "array", "items": asked_output() } },
    });
    let answer = json!({
        "type": "object", "required": ["model_name", "outputs"],
        "properties": { "model_name": { "type": "string" }, "model_version": { "type": "string" },
                        "id": { "type": "string" }, "parameters": { "type": "object" },
                        "outputs": { "type": "array", "items": tensor() } },
    });
    let summary = "The same by the Open Inference Protocol, version 2";
    let mut post = post(summary, &parameters::of_rows(entry, None), &body, &answer);
    post["operationId"] = json!(format!("infer_{}", model.name));
    post
}

/// The same request to a version that the path names.
fn of_version(mut post: Value, entry: &Entry) -> Value {
    let versions: Vec<String> = entry.versions.iter().map(|m| m.version.to_string()).collect();
    let version = json!({ "name": "version", "in": "path", "required": true,
                          "description": "a version that is in memory",
                          "schema": { "type": "string", "enum": versions } });
    if let Some(parameters) = post["parameters"].as_array_mut() {
        parameters.retain(|parameter| parameter["name"] != "version");
        parameters.push(version);
    }
    let id = post["operationId"].as_str().map(|id| format!("{id}_version"));
    post["operationId"] = json!(id);
    if let Some(post) = post.as_object_mut() {
        // The page shows each model once.
        post.remove("x-modelwright-model");
    }
    post
}

/// As MLflow and SageMaker ask, in one of MLflow's forms of rows.
fn invocations(model: &Model, entry: &Entry) -> Value {
    let mut post = by_mlflow(&parameters::of_rows(entry, None), &[&model.name]);
    post["operationId"] = json!(format!("invocations_{}", model.name));
    post
}

fn by_mlflow(parameters: &[Value], models: &[&str]) -> Value {
    let row = |name: &&str| json!({ "$ref": format!("#/components/schemas/{name}_row") });
    let row = json!({ "anyOf": models.iter().map(row).collect::<Vec<_>>() });
    let rows = json!({ "type": "array", "items": row });
    let split = json!({ "type": "object", "required": ["columns", "data"], "properties": {
        "columns": { "type": "array", "items": { "type": ["string", "number"] } },
        "data": { "type": "array", "items": { "type": "array" } } } });
    let one_of = |name: &str, what: &Value| {
        let properties = json!({ name: what });
        json!({ "type": "object", "required": [name], "properties": properties })
    };
    let columns = json!({ "type": ["object", "array"] });
    let body = json!({ "anyOf": [
        one_of("dataframe_split", &split), one_of("dataframe_records", &rows),
        one_of("instances", &rows), one_of("inputs", &columns),
    ] });
    let answer = json!({ "type": "object", "required": ["predictions"],
                         "properties": { "predictions": { "type": "array" } } });
    let summary = "The same as MLflow and SageMaker ask: one of four forms of rows, or a CSV";
    let mut post = post(summary, parameters, &body, &answer);
    post["requestBody"]["content"]["text/csv"] = json!({ "schema": { "type": "string" } });
    post
}

/// The same on the path on which a parameter names the model.
pub(super) fn invocations_by_query(parameters: &[Value], models: &[&str]) -> Value {
    let mut post = by_mlflow(parameters, models);
    post["operationId"] = json!("invocations");
    post
}

fn tensor() -> Value {
    json!({
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "properties": {
            "name": { "type": "string" },
            "shape": { "type": "array", "items": { "type": "integer" } },
            "datatype": { "type": "string" },
            "parameters": { "type": "object" },
            "data": { "type": "array" },
        },
    })
}

/// What a request to infer says of itself; other members are given back.
fn parameters_of_infer() -> Value {
    json!({ "type": "object", "properties": {
        "on_error": { "enum": ["fail", "null"] },
        "binary_data_output": { "type": "boolean" },
        "content_type": { "type": "string" },
    } })
}

/// An output that is asked for.
fn asked_output() -> Value {
    let classification = json!({ "type": "integer", "minimum": 0,
        "description": "so many of the most probable classes, as texts VALUE:INDEX:LABEL" });
    json!({ "type": "object", "required": ["name"], "properties": {
        "name": { "type": "string" },
        "parameters": { "type": "object", "properties": {
            "binary_data": { "type": "boolean" }, "classification": classification } },
    } })
}

fn by_v1(model: &Model, entry: &Entry, verb: &str, member: &str) -> Value {
    let row = json!({ "$ref": format!("#/components/schemas/{}_row", model.name) });
    let body = json!({ "type": "object", "required": ["instances"],
                       "properties": { "instances": { "type": "array", "items": row } } });
    let mut answer = json!({ "type": "object", "required": ["predictions"],
                             "properties": { "predictions": { "type": "array" } } });
    answer["properties"][member] = json!({ "type": "array" });
    let summary = format!("The same by KServe's first protocol: {member}");
    let mut parameters = parameters::of_rows(entry, None);
    if verb == "explain" {
        parameters.push(parameters::explain());
    }
    let mut post = post(&summary, &parameters, &body, &answer);
    post["operationId"] = json!(format!("v1_{verb}_{}", model.name));
    post
}

/// What a label may be: an answer of the only model, where there is only one and who asks may use
/// it; others do not learn its classes.
fn label(app: &App, seen: &State) -> Value {
    let is_only = app.hub.state().entries.len() == 1;
    let any = || json!({ "type": ["string", "number", "boolean"] });
    let Some(entry) = seen.entries.values().next().filter(|_| is_only) else { return any() };
    let [model] = entry.versions.as_slice() else { return any() };
    if model.predictor.classes.is_empty() {
        return json!({ "type": "number" });
    }
    let mut all: Vec<Value> = model.predictor.classes.iter().map(|class| json!(class)).collect();
    let bits = [json!(false), json!(true), json!(0), json!(1)];
    all.extend(bits.into_iter().filter(|bit| model.predictor.is_answer(&bit.to_string())));
    // Classes that are numbers may be written as such; 0 and 1 are there.
    let number = |class: &String| class.parse::<i64>().ok().filter(|n| n.to_string() == *class);
    let numbers = model.predictor.classes.iter().filter_map(number);
    all.extend(numbers.filter(|n| !(0..=1).contains(n)).map(|n| json!(n)));
    json!({ "enum": all })
}

fn feedback(label: &Value) -> Value {
    let one = json!({
        "type": "object",
        "required": ["request_id", "label"],
        "properties": {
            "request_id": { "type": "string" },
            "row": { "type": "integer", "minimum": 1, "maximum": u32::MAX,
                     "description": "from 1, where the request had several" },
            "label": label,
            "model": { "type": ["string", "null"], "description": "which model answered, so that \
                the label is checked where several are served" },
        },
    });
    let body = json!({ "anyOf": [one.clone(), { "type": "array", "items": one }] });
    let count = json!({ "type": "integer", "minimum": 0 });
    let counts = ["n_labels", "n_repeated", "n_contradicting"];
    let properties: Map<String, Value> =
        counts.iter().map(|name| ((*name).to_owned(), count.clone())).collect();
    let answer = json!({ "type": "object", "required": counts, "properties": properties });
    post("What came true of a request, when that is known", &[], &body, &answer)
}
