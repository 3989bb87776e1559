//! Registered models.

use modelwright_lifecycle::store::Store;
use modelwright_lifecycle::store::tracking::REGISTERED_MODELS;
use serde_json::{Value, json};

use super::call::{Answered, Call};
use super::fault::Fault;
use super::{check, shape};

/// Models that a page has at most.
const PAGE_MAX: i64 = 1000;

const STAGES: [&str; 4] = ["None", "Staging", "Production", "Archived"];

pub(super) fn create(call: &Call, store: &mut Store) -> Answered {
    let fields = &call.fields;
    let name = fields.present("name")?;
    check::model_name(name)?;
    let tags = fields.items("tags")?;
    let tags = tags.iter().map(check::model_tag).collect::<Result<Vec<_>, _>>()?;
    let model =
        store.create_registered_model(name, fields.text("description")?, &tags, call.now_ms)?;
    Ok(json!({ "registered_model": shape::registered_model(&model) }))
}

pub(super) fn get(call: &Call, store: &mut Store) -> Answered {
    let model = store.registered_model(call.fields.needed("name")?)?;
    Ok(json!({ "registered_model": shape::registered_model(&model) }))
}

pub(super) fn search(call: &Call, store: &mut Store) -> Answered {
    let search = call.search(&REGISTERED_MODELS, "filter", 100, PAGE_MAX)?;
    let page = store.search_registered_models(&search)?;
    let items: Value = page.items.iter().map(shape::registered_model).collect();
    Ok(shape::page("registered_models", items, page.next))
}

pub(super) fn rename(call: &Call, store: &mut Store) -> Answered {
    let (name, new_name) = (call.fields.needed("name")?, call.fields.present("new_name")?);
    check::model_name(new_name)?;
    let model = store.rename_registered_model(name, new_name, call.now_ms)?;
    Ok(json!({ "registered_model": shape::registered_model(&model) }))
}

pub(super) fn describe(call: &Call, store: &mut Store) -> Answered {
    let (name, words) = (call.fields.needed("name")?, call.fields.text("description")?);
    let model = store.describe_registered_model(name, words, call.now_ms)?;
    Ok(json!({ "registered_model": shape::registered_model(&model) }))
}

pub(super) fn delete(call: &Call, store: &mut Store) -> Answered {
    store.delete_registered_model(call.fields.needed("name")?)?;
    Ok(json!({}))
}

pub(super) fn set_tag(call: &Call, store: &mut Store) -> Answered {
    let (key, value) = check::model_tag(&call.fields)?;
    let name = call.fields.needed("name")?;
    store.tag_registered_model(name, &key, Some(&value), call.now_ms)?;
    Ok(json!({}))
}

pub(super) fn delete_tag(call: &Call, store: &mut Store) -> Answered {
    let (name, key) = (call.fields.needed("name")?, call.fields.needed("key")?);
    store.tag_registered_model(name, key, None, call.now_ms)?;
    Ok(json!({}))
}

/// The newest version of each stage, or of those that are asked for.
pub(super) fn latest(call: &Call, store: &mut Store) -> Answered {
    let model = store.registered_model(call.fields.needed("name")?)?;
    let mut wanted = Vec::new();
    for wish in call.fields.texts("stages")? {
        wanted.push(stage(wish)?);
    }
    let is_wanted = |stage: &str| wanted.is_empty() || wanted.contains(&stage);
    let versions: Value = model
        .latest
        .iter()
        .filter(|version| is_wanted(&version.stage))
        .map(shape::model_version)
        .collect();
    Ok(json!({ "model_versions": versions }))
}

/// A stage, however it is written.
pub(super) fn stage(text: &str) -> Result<&'static str, Fault> {
    let found = STAGES.into_iter().find(|stage| stage.eq_ignore_ascii_case(text));
    found.ok_or_else(|| {
        Fault::invalid(format!(
            "Invalid Model Version stage: {text}. Value must be one of {}.",
            STAGES.join(", ")
        ))
    })
}

pub(super) fn set_alias(call: &Call, store: &mut Store) -> Answered {
    let (name, alias) = (call.fields.needed("name")?, call.fields.present("alias")?);
    check::alias(alias)?;
    let number = super::model_versions::number(&call.fields)?;
    store.move_model_alias(name, alias, Some(number), call.now_ms)?;
    Ok(json!({}))
}

pub(super) fn delete_alias(call: &Call, store: &mut Store) -> Answered {
    let (name, alias) = (call.fields.needed("name")?, call.fields.needed("alias")?);
    store.move_model_alias(name, alias, None, call.now_ms)?;
    Ok(json!({}))
}

pub(super) fn by_alias(call: &Call, store: &mut Store) -> Answered {
    let (name, alias) = (call.fields.needed("name")?, call.fields.needed("alias")?);
    let version = store.model_version_of_alias(name, alias)?;
    Ok(json!({ "model_version": shape::model_version(&version) }))
}
