//! What the server and its models say of themselves: metadata, configuration, statistics, index.

use modelwright_core::data::{Field, Storage};
use serde_json::{Value, json};

use super::response::Output;
use crate::model::{Entry, Model, State};
use crate::stats::Stats;

/// Extensions that are spoken, by Triton's names.
pub(crate) const EXTENSIONS: [&str; 6] = [
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "parameters",
    "statistics",
];

/// Of the server.
pub(crate) fn server() -> Value {
    json!({
        "name": "modelwright",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": EXTENSIONS,
    })
}

fn datatype(field: &Field) -> &'static str {
    match field.storage {
        Storage::Number => "FP64",
        Storage::Instant | Storage::String => "BYTES",
    }
}

/// Of a model.
pub(crate) fn model(model: &Model, entry: &Entry) -> Value {
    let versions: Vec<String> = entry.versions.iter().map(|m| m.version.to_string()).collect();
    let input = |field: &Field| {
        json!({ "name": field.name, "datatype": datatype(field), "shape": [-1],
                "parameters": { "kind": field.kind.name(), "optional": field.optional } })
    };
    let output = |output: &Output| {
        let n_classes = model.predictor.classes.len();
        let mut value = json!({ "name": output.name(), "datatype": output.datatype(),
                                "shape": [-1] });
        if *output == Output::Probabilities {
            value["shape"] = json!([-1, n_classes]);
            value["parameters"] = json!({ "classes": model.predictor.classes });
        }
        value
    };
    json!({
        "name": &*model.name,
        "versions": versions,
        "platform": "modelwright",
        "inputs": model.reader.fields().iter().map(input).collect::<Vec<_>>(),
        "outputs": Output::of_model(model).iter().map(output).collect::<Vec<_>>(),
        "parameters": {
            "version": model.version.to_string(),
            "task": model.predictor.task,
            "target": model.predictor.target,
            "sha256": model.digest,
            "created": model.manifest.created,
            "loaded": model.loaded,
        },
    })
}

/// The configuration of a model, in Triton's words.
pub(crate) fn config(model: &Model) -> Value {
    let kind = |datatype: &str| if datatype == "BYTES" { "TYPE_STRING" } else { "TYPE_FP64" };
    let input = |field: &Field| {
        json!({ "name": field.name, "data_type": kind(datatype(field)), "dims": [-1],
                "optional": field.optional })
    };
    let output = |output: &Output| {
        let dims = match output {
            Output::Probabilities => json!([-1, model.predictor.classes.len()]),
            _ => json!([-1]),
        };
        json!({ "name": output.name(), "data_type": kind(output.datatype()), "dims": dims })
    };
    json!({
        "name": &*model.name,
        "platform": "modelwright",
        "backend": "modelwright",
        "max_batch_size": 0,
        "input": model.reader.fields().iter().map(input).collect::<Vec<_>>(),
        "output": Output::of_model(model).iter().map(output).collect::<Vec<_>>(),
    })
}

/// Statistics of some models, in Triton's form.
pub(crate) fn statistics<'a>(entries: impl Iterator<Item = &'a Entry>) -> Value {
    let of_entry = |entry: &Entry| {
        let model = entry.current()?;
        Some(json!({
            "name": &*model.name,
            "version": model.version.to_string(),
            "last_inference": entry.stats.last_ms.get(),
            "inference_count": entry.stats.n_rows.get(),
            "execution_count": entry.stats.n_executions.get(),
            "inference_stats": inference_stats(&entry.stats),
            "batch_stats": [],
        }))
    };
    json!({ "model_stats": entries.filter_map(of_entry).collect::<Vec<_>>() })
}

fn inference_stats(stats: &Stats) -> Value {
    let pair = |count: u64, ns: u64| json!({ "count": count, "ns": ns });
    let n = stats.n_success.get();
    json!({
        "success": pair(n, stats.request_ns.get()),
        "fail": pair(stats.n_failure.get(), stats.failure_ns.get()),
        "queue": pair(n, stats.queue_ns.get()),
        "compute_input": pair(n, stats.input_ns.get()),
        "compute_infer": pair(n, stats.infer_ns.get()),
        "compute_output": pair(n, stats.output_ns.get()),
        "cache_hit": pair(0, 0),
        "cache_miss": pair(0, 0),
    })
}

/// All models and whether they are ready; only those that are, if wished so.
pub(crate) fn index(state: &State, only_ready: bool) -> Value {
    let mut rows = Vec::new();
    for (name, entry) in &state.entries {
        // Of a served model: why the newest file, or what its alias stands for, is not.
        let reason = entry.trouble.as_deref().unwrap_or_default();
        if entry.versions.is_empty() && !only_ready {
            rows.push(json!({ "name": name, "version": "", "state": "UNAVAILABLE",
                              "reason": reason }));
        }
        for model in &entry.versions {
            rows.push(json!({ "name": name, "version": model.version.to_string(),
                              "state": "READY", "reason": reason }));
        }
    }
    Value::Array(rows)
}
