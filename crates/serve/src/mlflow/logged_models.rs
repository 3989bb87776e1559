//! Models that runs logged.

use modelwright_lifecycle::store::Store;
use modelwright_lifecycle::store::tracking::{
    LOGGED_MODELS, NewLoggedModel, Order, Pair, Search, Subject,
};
use serde_json::{Value, json};

use super::call::{Answered, Call, new_id};
use super::fault::Fault;
use super::fields::Fields;
use super::{check, experiments, filter, shape};

/// Models that a page has at most.
const PAGE_MAX: i64 = 1000;

const STATES: [&str; 4] = [
    "LOGGED_MODEL_STATUS_UNSPECIFIED",
    "LOGGED_MODEL_PENDING",
    "LOGGED_MODEL_READY",
    "LOGGED_MODEL_UPLOAD_FAILED",
];

pub(super) fn create(call: &Call, store: &mut Store) -> Answered {
    let fields = &call.fields;
    let id = format!("m-{}", new_id()?);
    let name = fields.text("name")?.filter(|name| !name.is_empty());
    if name.is_some_and(|name| name.contains(['/', ':', '.', '%', '"', '\''])) {
        return Err(Fault::invalid(format!(
            "Invalid model name ({:?}) provided. Model name must be a non-empty string and cannot \
             contain the following characters: ('/', ':', '.', '%', '\"', \"'\").",
            name.unwrap_or_default()
        )));
    }
    let owned = |name: &str| -> Result<Option<String>, Fault> {
        Ok(fields.text(name)?.filter(|text| !text.is_empty()).map(str::to_owned))
    };
    let model = store.create_logged_model(&NewLoggedModel {
        name: name.map_or_else(|| id.clone(), str::to_owned),
        id,
        experiment: experiments::number(fields.needed("experiment_id")?)?,
        model_type: owned("model_type")?,
        source_run: owned("source_run_id")?,
        params: params(fields)?,
        tags: tags(fields)?,
        at_ms: call.now_ms,
    })?;
    Ok(json!({ "model": shape::logged_model(&model) }))
}

pub(super) fn get(call: &Call, store: &mut Store) -> Answered {
    Ok(json!({ "model": shape::logged_model(&store.logged_model(call.name(0))?) }))
}

pub(super) fn finalize(call: &Call, store: &mut Store) -> Answered {
    let status = call.fields.needed("status")?;
    if !STATES.contains(&status) {
        return Err(Fault::invalid(format!("Invalid logged model status '{status}'.")));
    }
    let model = store.finalize_logged_model(call.name(0), status, call.now_ms)?;
    Ok(json!({ "model": shape::logged_model(&model) }))
}

pub(super) fn delete(call: &Call, store: &mut Store) -> Answered {
    store.delete_logged_model(call.name(0), call.now_ms)?;
    Ok(json!({}))
}

pub(super) fn set_tags(call: &Call, store: &mut Store) -> Answered {
    let tags = tags(&call.fields)?;
    let model = store.annotate_logged_model(call.name(0), &[], &tags, call.now_ms)?;
    Ok(json!({ "model": shape::logged_model(&model) }))
}

pub(super) fn delete_tag(call: &Call, store: &mut Store) -> Answered {
    store.untag_logged_model(call.name(0), call.name(1))?;
    Ok(json!({}))
}

pub(super) fn log_params(call: &Call, store: &mut Store) -> Answered {
    let params = params(&call.fields)?;
    store.annotate_logged_model(call.name(0), &params, &[], call.now_ms)?;
    Ok(json!({}))
}

/// What is in a folder of a logged model.
pub(super) fn artifacts(call: &Call, store: &mut Store) -> Answered {
    let model = store.logged_model(call.name(0))?;
    let path = call.fields.text("artifact_directory_path")?.unwrap_or_default();
    let files = super::artifacts::below(store, &model.artifact_uri, path)?;
    Ok(json!({ "root_uri": model.artifact_uri, "files": files }))
}

pub(super) fn search(call: &Call, store: &mut Store) -> Answered {
    let fields = &call.fields;
    let wanted = fields.texts("experiment_ids")?;
    let wanted = wanted.into_iter().map(experiments::number).collect::<Result<Vec<_>, _>>()?;
    if wanted.is_empty() {
        return Err(super::fields::missing("experiment_ids"));
    }
    if !fields.list("datasets").is_empty() {
        return Err(Fault::invalid("Searching logged models by data set is not supported."));
    }
    let (n_max, offset) = call.page(50, PAGE_MAX)?;
    let conditions =
        filter::conditions(&LOGGED_MODELS, fields.text("filter")?.unwrap_or_default())?;
    let order = fields.items("order_by")?.iter().map(order).collect::<Result<_, _>>()?;
    let page = store.search_logged_models(&wanted, &Search { conditions, order, n_max, offset })?;
    let items: Value = page.items.iter().map(shape::logged_model).collect();
    Ok(shape::page("models", items, page.next))
}

fn order(item: &Fields) -> Result<Order, Fault> {
    let name = item.needed("field_name")?;
    let ascending = item.flag("ascending")?.unwrap_or(true);
    let subject = match name.split_once('.') {
        Some(("metrics", key)) => Subject::Metric(key.to_owned()),
        None if LOGGED_MODELS.attribute(name).is_some() => Subject::Attribute(name.to_owned()),
        _ => return Err(Fault::invalid(format!("Invalid order by field name: {name}."))),
    };
    Ok(Order { subject, ascending })
}

fn params(fields: &Fields) -> Result<Vec<Pair>, Fault> {
    fields.items("params")?.iter().map(check::param).collect()
}

fn tags(fields: &Fields) -> Result<Vec<Pair>, Fault> {
    fields.items("tags")?.iter().map(check::run_tag).collect()
}
