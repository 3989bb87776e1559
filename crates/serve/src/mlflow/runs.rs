//! Runs: begin, read, end, hide, find, and what they say.

use modelwright_lifecycle::store::Store;
use modelwright_lifecycle::store::tracking::{
    Batch, DatasetUse, ModelUse, NewTrackedRun, RUNS, RunUpdate,
};
use serde_json::{Value, json};

use super::call::{Answered, Call, new_id, new_name};
use super::experiments;
use super::fault::Fault;
use super::fields::Fields;
use super::{check, shape};

/// Runs that a page has at most.
const PAGE_MAX: i64 = 50_000;

/// The tag that holds a run's name.
const NAME_TAG: &str = "mlflow.runName";

/// The tag that holds what models a run logged, in the way of older clients.
const MODELS_TAG: &str = "mlflow.log-model.history";

const STATES: [&str; 5] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];

pub(super) fn create(call: &Call, store: &mut Store) -> Answered {
    let fields = &call.fields;
    let tags = fields.items("tags")?;
    let tags = tags.iter().map(check::run_tag).collect::<Result<Vec<_>, _>>()?;
    let tagged = tags.iter().find(|(key, _)| key == NAME_TAG).map(|(_, value)| value.as_str());
    let given = fields.text("run_name")?.filter(|name| !name.is_empty());
    if let (Some(given), Some(tagged)) = (given, tagged)
        && given != tagged
    {
        return Err(Fault::invalid(format!(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different \
             values (run_name='{given}', mlflow.runName='{tagged}')."
        )));
    }
    let run_id = new_id()?;
    let name = given.or(tagged).map_or_else(|| new_name(&run_id), str::to_owned);
    let experiment = fields.text("experiment_id")?.filter(|id| !id.is_empty()).unwrap_or("0");
    store.create_tracked_run(&NewTrackedRun {
        run_id: run_id.clone(),
        experiment: experiments::number(experiment)?,
        name,
        user: fields.text("user_id")?.unwrap_or_default().to_owned(),
        start_ms: fields.whole("start_time")?.unwrap_or(call.now_ms),
        tags,
    })?;
    Ok(json!({ "run": shape::run(&store.tracked_run(&run_id)?) }))
}

pub(super) fn get(call: &Call, store: &mut Store) -> Answered {
    Ok(json!({ "run": shape::run(&store.tracked_run(call.run_id()?)?) }))
}

pub(super) fn update(call: &Call, store: &mut Store) -> Answered {
    let run_id = call.run_id()?;
    let status = call.fields.text("status")?;
    if let Some(other) = status.filter(|status| !STATES.contains(status)) {
        return Err(Fault::invalid(format!(
            "Invalid value \"{other}\" for parameter 'status' supplied: expected one of {}.",
            STATES.join(", ")
        )));
    }
    let update = RunUpdate {
        status: status.map(str::to_owned),
        end_ms: call.fields.whole("end_time")?,
        name: call.fields.text("run_name")?.map(str::to_owned),
    };
    store.update_tracked_run(run_id, &update)?;
    Ok(json!({ "run_info": shape::run_info(&store.tracked_run(run_id)?) }))
}

pub(super) fn delete(call: &Call, store: &mut Store) -> Answered {
    store.hide_run(call.run_id()?, true, call.now_ms)?;
    Ok(json!({}))
}

pub(super) fn restore(call: &Call, store: &mut Store) -> Answered {
    store.hide_run(call.run_id()?, false, call.now_ms)?;
    Ok(json!({}))
}

pub(super) fn search(call: &Call, store: &mut Store) -> Answered {
    let search = call.search(&RUNS, "filter", 1000, PAGE_MAX)?;
    let wanted = call.fields.texts("experiment_ids")?;
    let wanted = wanted.into_iter().map(experiments::number).collect::<Result<Vec<_>, _>>()?;
    let view = experiments::view(call, "run_view_type")?;
    let page = store.search_tracked_runs(&wanted, view, &search)?;
    let items: Value = page.items.iter().map(shape::run).collect();
    Ok(shape::page("runs", items, page.next))
}

pub(super) fn log_metric(call: &Call, store: &mut Store) -> Answered {
    let point = check::point(&call.fields)?;
    store.log(call.run_id()?, &Batch { points: vec![point], ..Batch::default() })?;
    Ok(json!({}))
}

pub(super) fn log_param(call: &Call, store: &mut Store) -> Answered {
    let param = check::param(&call.fields)?;
    store.log(call.run_id()?, &Batch { params: vec![param], ..Batch::default() })?;
    Ok(json!({}))
}

pub(super) fn set_tag(call: &Call, store: &mut Store) -> Answered {
    let tag = check::run_tag(&call.fields)?;
    store.log(call.run_id()?, &Batch { tags: vec![tag], ..Batch::default() })?;
    Ok(json!({}))
}

pub(super) fn delete_tag(call: &Call, store: &mut Store) -> Answered {
    store.untag_run(call.run_id()?, call.fields.needed("key")?)?;
    Ok(json!({}))
}

pub(super) fn log_batch(call: &Call, store: &mut Store) -> Answered {
    if call.n_bytes > check::BATCH_BYTES_MAX {
        return Err(Fault::invalid(format!(
            "Batched logging API requests must be at most {} bytes, got a request of size {}.",
            check::BATCH_BYTES_MAX,
            call.n_bytes
        )));
    }
    store.log(call.run_id()?, &check::batch(&call.fields)?)?;
    Ok(json!({}))
}

/// What older clients say of a model that they uploaded.
pub(super) fn log_model(call: &Call, store: &mut Store) -> Answered {
    let text = call.fields.needed("model_json")?;
    let model: Value = serde_json::from_str(text).map_err(|_| {
        Fault::invalid(format!("Malformed model info. \n {text} \n is not valid JSON."))
    })?;
    let lacks = |name: &&&str| model.get(**name).is_none();
    let needed = ["artifact_path", "flavors", "utc_time_created", "run_id"];
    let missing: Vec<&&str> = needed.iter().filter(lacks).collect();
    if !missing.is_empty() {
        return Err(Fault::invalid(format!("Model json is missing mandatory fields: {missing:?}")));
    }
    store.append_to_tag(call.run_id()?, MODELS_TAG, model)?;
    Ok(json!({}))
}

pub(super) fn log_inputs(call: &Call, store: &mut Store) -> Answered {
    let datasets = call.fields.items("datasets")?;
    let datasets = datasets.iter().map(dataset).collect::<Result<Vec<_>, _>>()?;
    store.log_inputs(call.run_id()?, &datasets, &models(&call.fields)?)?;
    Ok(json!({}))
}

pub(super) fn log_outputs(call: &Call, store: &mut Store) -> Answered {
    store.log_outputs(call.run_id()?, &models(&call.fields)?)?;
    Ok(json!({}))
}

fn models(fields: &Fields) -> Result<Vec<ModelUse>, Fault> {
    let model = |item: &Fields| -> Result<ModelUse, Fault> {
        let model = item.needed("model_id")?.to_owned();
        Ok(ModelUse { model, step: item.whole("step")?.unwrap_or(0) })
    };
    fields.items("models")?.iter().map(model).collect()
}

fn dataset(input: &Fields) -> Result<DatasetUse, Fault> {
    let dataset = input.items("dataset")?;
    let [dataset] = &dataset[..] else {
        return Err(Fault::invalid("Dataset input must have a dataset associated with it."));
    };
    let pair = |tag: &Fields| -> Result<(String, String), Fault> {
        Ok((tag.needed("key")?.to_owned(), tag.text("value")?.unwrap_or_default().to_owned()))
    };
    let owned = |name: &str| -> Result<Option<String>, Fault> {
        Ok(dataset.text(name)?.map(str::to_owned))
    };
    Ok(DatasetUse {
        name: dataset.needed("name")?.to_owned(),
        digest: dataset.needed("digest")?.to_owned(),
        source_type: owned("source_type")?.unwrap_or_default(),
        source: owned("source")?.unwrap_or_default(),
        schema: owned("schema")?,
        profile: owned("profile")?,
        tags: input.items("tags")?.iter().map(pair).collect::<Result<_, _>>()?,
    })
}

/// What is in a folder of a run's artifacts.
pub(super) fn artifacts(call: &Call, store: &mut Store) -> Answered {
    let run = store.tracked_run(call.run_id()?)?;
    let path = call.fields.text("path")?.unwrap_or_default();
    let files = super::artifacts::below(store, &run.artifact_uri, path)?;
    Ok(json!({ "root_uri": run.artifact_uri, "files": files }))
}
