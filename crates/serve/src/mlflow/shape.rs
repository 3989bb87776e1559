//! What the store holds, as clients read it.

use modelwright_lifecycle::store::tracking::{
    DatasetUse, Experiment, LatestMetric, LoggedModel, ModelUse, Pair, Point, TrackedModel,
    TrackedRun, TrackedVersion,
};
use serde_json::{Map, Value, json};

/// A number as JSON can hold it.
pub(super) fn number(value: f64) -> Value {
    if value.is_nan() { json!("NaN") } else { json!(value) }
}

fn pairs(pairs: &[Pair]) -> Value {
    pairs.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

fn stage(is_deleted: bool) -> &'static str {
    if is_deleted { "deleted" } else { "active" }
}

/// An experiment.
pub(super) fn experiment(experiment: &Experiment) -> Value {
    json!({
        "experiment_id": experiment.id.to_string(),
        "name": experiment.name,
        "artifact_location": experiment.artifact_location,
        "lifecycle_stage": stage(experiment.is_deleted),
        "creation_time": experiment.created_ms,
        "last_update_time": experiment.updated_ms,
        "tags": pairs(&experiment.tags),
    })
}

/// What a run is, without what it said.
pub(super) fn run_info(run: &TrackedRun) -> Value {
    let mut info = json!({
        "run_id": run.run_id,
        "run_uuid": run.run_id,
        "run_name": run.name,
        "experiment_id": run.experiment.to_string(),
        "user_id": run.user,
        "status": run.status,
        "start_time": run.start_ms.unwrap_or(0),
        "artifact_uri": run.artifact_uri,
        "lifecycle_stage": stage(run.is_deleted),
    });
    if let Some(end_ms) = run.end_ms {
        info["end_time"] = json!(end_ms);
    }
    info
}

/// A run with everything that it said.
pub(super) fn run(run: &TrackedRun) -> Value {
    json!({
        "info": run_info(run),
        "data": {
            "metrics": run.metrics.iter().map(latest).collect::<Value>(),
            "params": pairs(&run.params),
            "tags": pairs(&run.tags),
        },
        "inputs": {
            "dataset_inputs": run.datasets.iter().map(dataset).collect::<Value>(),
            "model_inputs": models(&run.models_in, false),
        },
        "outputs": { "model_outputs": models(&run.models_out, true) },
    })
}

fn latest(metric: &LatestMetric) -> Value {
    json!({
        "key": metric.name,
        "value": number(metric.value),
        "timestamp": metric.at_ms,
        "step": metric.step,
    })
}

fn dataset(used: &DatasetUse) -> Value {
    let mut dataset = json!({
        "name": used.name,
        "digest": used.digest,
        "source_type": used.source_type,
        "source": used.source,
    });
    if let Some(schema) = &used.schema {
        dataset["schema"] = json!(schema);
    }
    if let Some(profile) = &used.profile {
        dataset["profile"] = json!(profile);
    }
    json!({ "dataset": dataset, "tags": pairs(&used.tags) })
}

fn models(used: &[ModelUse], with_step: bool) -> Value {
    let model = |used: &ModelUse| {
        if with_step {
            json!({ "model_id": used.model, "step": used.step })
        } else {
            json!({ "model_id": used.model })
        }
    };
    used.iter().map(model).collect()
}

/// A value that a metric had.
pub(super) fn point(name: &str, run_id: Option<&str>, point: &Point) -> Value {
    let mut value = json!({
        "key": name,
        "value": number(point.value),
        "timestamp": point.at_ms,
        "step": point.step,
    });
    if let Some(run_id) = run_id {
        value["run_id"] = json!(run_id);
    }
    value
}

/// A logged model.
pub(super) fn logged_model(model: &LoggedModel) -> Value {
    let metrics: Value = model
        .metrics
        .iter()
        .map(|metric| {
            let mut value = json!({
                "key": metric.name,
                "value": number(metric.value),
                "timestamp": metric.at_ms,
                "step": metric.step,
                "model_id": model.id,
                "run_id": metric.run_id,
            });
            if !metric.dataset.0.is_empty() {
                value["dataset_name"] = json!(metric.dataset.0);
                value["dataset_digest"] = json!(metric.dataset.1);
            }
            value
        })
        .collect();
    let registrations: Value = model
        .registrations
        .iter()
        .map(|(name, number)| json!({ "name": name, "version": number.to_string() }))
        .collect();
    json!({
        "info": {
            "model_id": model.id,
            "experiment_id": model.experiment.to_string(),
            "name": model.name,
            "creation_timestamp_ms": model.created_ms,
            "last_updated_timestamp_ms": model.updated_ms,
            "artifact_uri": model.artifact_uri,
            "status": model.status,
            "model_type": model.model_type.clone().unwrap_or_default(),
            "source_run_id": model.source_run.clone().unwrap_or_default(),
            "tags": pairs(&model.tags),
            "registrations": registrations,
        },
        "data": { "params": pairs(&model.params), "metrics": metrics },
    })
}

/// A registered model.
pub(super) fn registered_model(model: &TrackedModel) -> Value {
    let aliases: Value = model
        .aliases
        .iter()
        .map(|(alias, number)| json!({ "alias": alias, "version": number.to_string() }))
        .collect();
    json!({
        "name": model.name,
        "creation_timestamp": model.created_ms,
        "last_updated_timestamp": model.updated_ms,
        "description": model.description.clone().unwrap_or_default(),
        "latest_versions": model.latest.iter().map(model_version).collect::<Value>(),
        "tags": pairs(&model.tags),
        "aliases": aliases,
    })
}

/// A version of a registered model.
pub(super) fn model_version(version: &TrackedVersion) -> Value {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    json!({
        "name": version.name,
        "version": version.number.to_string(),
        "creation_timestamp": version.created_ms,
        "last_updated_timestamp": version.updated_ms,
        "current_stage": version.stage,
        "description": text(&version.description),
        "source": version.source,
        "run_id": text(&version.run_id),
        "run_link": text(&version.run_link),
        "model_id": text(&version.logged_model),
        "status": "READY",
        "tags": pairs(&version.tags),
        "aliases": version.aliases,
    })
}

/// A list under its name, and where the next page begins.
pub(super) fn page(name: &str, items: Value, next: Option<usize>) -> Value {
    let mut page = Map::new();
    page.insert(name.to_owned(), items);
    if let Some(next) = next {
        page.insert("next_page_token".to_owned(), json!(next.to_string()));
    }
    Value::Object(page)
}
