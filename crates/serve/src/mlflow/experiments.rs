//! Experiments.

use modelwright_lifecycle::store::Store;
use modelwright_lifecycle::store::tracking::{EXPERIMENTS, View};
use serde_json::{Value, json};

use super::call::{Answered, Call};
use super::fault::Fault;
use super::{check, shape};

/// Experiments that a page has at most.
const PAGE_MAX: i64 = 50_000;

pub(super) fn create(call: &Call, store: &mut Store) -> Answered {
    let name = call.fields.present("name")?;
    check::experiment_name(name)?;
    let location = call.fields.text("artifact_location")?;
    if location.is_some_and(|location| location.starts_with("runs:")) {
        return Err(Fault::invalid("Artifact location cannot be a runs:/ URI."));
    }
    let tags = call.fields.items("tags")?;
    let tags = tags.iter().map(check::experiment_tag).collect::<Result<Vec<_>, _>>()?;
    let location = location.map(|location| location.trim_end_matches('/'));
    let id = store.create_experiment(name, location, &tags, call.now_ms)?;
    Ok(json!({ "experiment_id": id.to_string() }))
}

pub(super) fn get(call: &Call, store: &mut Store) -> Answered {
    let experiment = store.experiment(id(call)?)?;
    Ok(json!({ "experiment": shape::experiment(&experiment) }))
}

pub(super) fn get_by_name(call: &Call, store: &mut Store) -> Answered {
    let experiment = store.experiment_by_name(call.fields.needed("experiment_name")?)?;
    Ok(json!({ "experiment": shape::experiment(&experiment) }))
}

pub(super) fn search(call: &Call, store: &mut Store) -> Answered {
    let search = call.search(&EXPERIMENTS, "filter", 1000, PAGE_MAX)?;
    let page = store.search_experiments(view(call, "view_type")?, &search)?;
    let items: Value = page.items.iter().map(shape::experiment).collect();
    Ok(shape::page("experiments", items, page.next))
}

pub(super) fn rename(call: &Call, store: &mut Store) -> Answered {
    let name = call.fields.present("new_name")?;
    check::experiment_name(name)?;
    store.rename_experiment(id(call)?, name, call.now_ms)?;
    Ok(json!({}))
}

pub(super) fn delete(call: &Call, store: &mut Store) -> Answered {
    store.delete_experiment(id(call)?, true, call.now_ms)?;
    Ok(json!({}))
}

pub(super) fn restore(call: &Call, store: &mut Store) -> Answered {
    store.delete_experiment(id(call)?, false, call.now_ms)?;
    Ok(json!({}))
}

pub(super) fn set_tag(call: &Call, store: &mut Store) -> Answered {
    let (key, value) = check::experiment_tag(&call.fields)?;
    store.tag_experiment(id(call)?, &key, &value)?;
    Ok(json!({}))
}

pub(super) fn delete_tag(call: &Call, store: &mut Store) -> Answered {
    store.untag_experiment(id(call)?, call.fields.needed("key")?)?;
    Ok(json!({}))
}

fn id(call: &Call) -> Result<i64, Fault> {
    number(call.fields.needed("experiment_id")?)
}

/// The number of an experiment; a text that is none names no experiment.
pub(super) fn number(text: &str) -> Result<i64, Fault> {
    let wrong = || {
        Fault::invalid(format!("Invalid experiment ID '{text}'. Experiment ID must be a number."))
    };
    text.parse().map_err(|_| wrong())
}

/// Which of deleted and other things are asked for.
pub(super) fn view(call: &Call, name: &str) -> Result<View, Fault> {
    match call.fields.text(name)? {
        None | Some("" | "ACTIVE_ONLY") => Ok(View::Active),
        Some("DELETED_ONLY") => Ok(View::Deleted),
        Some("ALL") => Ok(View::All),
        Some(other) => Err(Fault::invalid(format!(
            "Invalid value \"{other}\" for parameter '{name}' supplied: expected ACTIVE_ONLY, \
             DELETED_ONLY or ALL."
        ))),
    }
}
