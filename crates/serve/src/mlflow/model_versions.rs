//! Versions of registered models.

use modelwright_lifecycle::store::Store;
use modelwright_lifecycle::store::tracking::{MODEL_VERSIONS, NewVersion};
use serde_json::{Value, json};

use super::call::{Answered, Call};
use super::fault::Fault;
use super::fields::Fields;
use super::{check, registered_models, shape};

/// Versions that a page has at most.
const PAGE_MAX: i64 = 200_000;

/// How many names a source may go through until it names files.
const N_HOPS_MAX: usize = 10;

pub(super) fn create(call: &Call, store: &mut Store) -> Answered {
    let fields = &call.fields;
    let tags = fields.items("tags")?;
    let owned = |name: &str| -> Result<Option<String>, Fault> {
        Ok(fields.text(name)?.filter(|text| !text.is_empty()).map(str::to_owned))
    };
    let source = fields.needed("source")?;
    check_source(source)?;
    let logged_model = owned("model_id")?;
    let mut run_id = owned("run_id")?;
    if run_id.is_none()
        && let Some(model) = &logged_model
    {
        run_id = store.logged_model(model)?.source_run;
    }
    let new = NewVersion {
        name: fields.needed("name")?.to_owned(),
        source: source.to_owned(),
        run_id,
        run_link: owned("run_link")?,
        logged_model,
        description: owned("description")?,
        tags: tags.iter().map(check::model_tag).collect::<Result<_, _>>()?,
    };
    let version = store.create_model_version(&new, call.now_ms)?;
    Ok(json!({ "model_version": shape::model_version(&version) }))
}

/// Refuses files of this machine: a client could have them read to it.
fn check_source(source: &str) -> Result<(), Fault> {
    let is_local = source.starts_with('/') || source.starts_with("file:") || !source.contains(':');
    let climbs = source.split(['/', '\\', '?', '#']).any(|part| part == "..");
    if is_local || climbs {
        return Err(Fault::invalid(format!(
            "Invalid model version source: '{source}'. It must be a URI such as models:/…, \
             mlflow-artifacts:/… or s3://… and no path of this machine."
        )));
    }
    Ok(())
}

pub(super) fn get(call: &Call, store: &mut Store) -> Answered {
    let version = store.model_version(call.fields.needed("name")?, number(&call.fields)?)?;
    Ok(json!({ "model_version": shape::model_version(&version) }))
}

pub(super) fn search(call: &Call, store: &mut Store) -> Answered {
    let search = call.search(&MODEL_VERSIONS, "filter", PAGE_MAX, PAGE_MAX)?;
    let page = store.search_model_versions(&search)?;
    let items: Value = page.items.iter().map(shape::model_version).collect();
    Ok(shape::page("model_versions", items, page.next))
}

pub(super) fn describe(call: &Call, store: &mut Store) -> Answered {
    let name = call.fields.needed("name")?;
    let words = call.fields.text("description")?;
    let version = store.describe_model_version(name, number(&call.fields)?, words, call.now_ms)?;
    Ok(json!({ "model_version": shape::model_version(&version) }))
}

pub(super) fn transition(call: &Call, store: &mut Store) -> Answered {
    let name = call.fields.needed("name")?;
    let stage = registered_models::stage(call.fields.needed("stage")?)?;
    let archive = call.fields.flag("archive_existing_versions")?.unwrap_or(false);
    if archive && matches!(stage, "None" | "Archived") {
        return Err(Fault::invalid(format!(
            "Model version transition cannot archive existing model versions because '{stage}' is \
             not an Active stage. Valid stages are Staging, Production."
        )));
    }
    let version =
        store.stage_model_version(name, number(&call.fields)?, stage, archive, call.now_ms)?;
    Ok(json!({ "model_version": shape::model_version(&version) }))
}

pub(super) fn delete(call: &Call, store: &mut Store) -> Answered {
    let name = call.fields.needed("name")?;
    store.delete_model_version(name, number(&call.fields)?, call.now_ms)?;
    Ok(json!({}))
}

pub(super) fn set_tag(call: &Call, store: &mut Store) -> Answered {
    let (key, value) = check::model_tag(&call.fields)?;
    let name = call.fields.needed("name")?;
    store.tag_model_version(name, number(&call.fields)?, &key, Some(&value))?;
    Ok(json!({}))
}

pub(super) fn delete_tag(call: &Call, store: &mut Store) -> Answered {
    let (name, key) = (call.fields.needed("name")?, call.fields.needed("key")?);
    store.tag_model_version(name, number(&call.fields)?, key, None)?;
    Ok(json!({}))
}

/// Where the files of a version are, through all names.
pub(super) fn download_uri(call: &Call, store: &mut Store) -> Answered {
    let version = store.model_version(call.fields.needed("name")?, number(&call.fields)?)?;
    let mut source = version.source;
    for _ in 0..N_HOPS_MAX {
        match followed(store, &source)? {
            Some(next) => source = next,
            None => break,
        }
    }
    Ok(json!({ "artifact_uri": source }))
}

/// What a name stands for; `None` when it names files itself.
fn followed(store: &Store, source: &str) -> Result<Option<String>, Fault> {
    if let Some(rest) = source.strip_prefix("models:/") {
        return match rest.split_once('/') {
            None => Ok(Some(store.logged_model(rest)?.artifact_uri)),
            Some((name, number)) => {
                let number = number.parse().map_err(|_| wrong_number(number))?;
                Ok(Some(store.model_version(name, number)?.source))
            }
        };
    }
    let Some(rest) = source.strip_prefix("runs:/") else { return Ok(None) };
    let (run_id, path) = rest.split_once('/').unwrap_or((rest, ""));
    let uri = store.tracked_run(run_id)?.artifact_uri;
    Ok(Some(if path.is_empty() { uri } else { format!("{uri}/{path}") }))
}

/// The number of a version, which clients write as a text.
pub(super) fn number(fields: &Fields) -> Result<i64, Fault> {
    match fields.whole("version") {
        Ok(number) => number.ok_or_else(|| super::fields::missing("version")),
        Err(_) => Err(wrong_number(fields.text("version")?.unwrap_or_default())),
    }
}

fn wrong_number(text: &str) -> Fault {
    Fault::invalid(format!("Parameter 'version' must be an integer, got '{text}'."))
}
