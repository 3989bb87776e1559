//! Registered models: versions, aliases and how they moved.

use modelwright_lifecycle::store::{AliasMove, Moved, Store};
use serde::Deserialize;
use serde_json::json;

use super::runs::absent;
use super::{page, watches};
use crate::ask::Reply;
use crate::clock;
use crate::problem::Problem;

/// What a change of an alias may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// A number, an alias or `latest`.
    version: Option<String>,
    reason: Option<String>,
    /// What the alias stands for as far as the asker knows; if that is no longer so, nothing moves.
    from: Option<i64>,
}

impl Wish {
    fn parse(body: &[u8]) -> Result<Self, Problem> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(body).map_err(|e| {
            Problem::malformed(e.to_string())
                .expected("{\"version\": \"3\", \"reason\": \"…\", \"from\": 2}, each optional")
        })
    }

    /// The number and the one before it; a problem where the change was decided on what is no
    /// longer so.
    fn done(&self, moved: Moved) -> Result<(i64, Option<i64>), Problem> {
        let now = match moved {
            Moved::Done { number, before } => return Ok((number, before)),
            Moved::Meanwhile { now } => now,
        };
        let version = |n: i64| format!("version {n}");
        Err(Problem::new(409, "moved-meanwhile", "somebody moved the alias meanwhile")
            .expected(self.from.map_or("nothing".to_owned(), version))
            .got(&now.map_or("nothing".to_owned(), version))
            .hint("look at it again"))
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
}

/// All models, with the score of the version that is newest.
pub(super) fn list(store: &mut Store) -> Result<Reply, Problem> {
    let models = store.models()?;
    let mut rows = Vec::new();
    for model in models {
        let newest = store.versions(&model.name).ok().and_then(|v| v.into_iter().next());
        rows.push(json!({ "model": model, "newest": newest }));
    }
    Ok(Reply::json(&json!({ "models": rows })))
}

/// One model: versions and history, newest first.
pub(super) fn one(store: &mut Store, name: &str) -> Result<Reply, Problem> {
    let versions = store.versions(name).map_err(absent)?;
    let history = store.history(name)?;
    let watches = watches::of_model(store, name)?;
    Ok(Reply::json(&json!({
        "name": name, "versions": versions, "history": history, "watches": watches,
    })))
}

/// The model file of a version.
pub(super) fn file(store: &mut Store, name: &str, selector: &str) -> Result<Reply, Problem> {
    let number = store.version(name, selector).map_err(absent)?.number;
    let path = store.model_file(name, selector).map_err(absent)?;
    let reply = Reply::file("application/zip", &path).map_err(|e| {
        let text = format!("the model file cannot be read: {e}");
        Problem::new(500, "internal", text)
    })?;
    Ok(page::download(reply, &format!("{name}-{number}.mw")))
}

/// The report that a version carries.
pub(super) fn report(store: &mut Store, name: &str, selector: &str) -> Result<Reply, Problem> {
    let path = store.model_file(name, selector).map_err(absent)?;
    let record = modelwright_lifecycle::read_artifact(&path)?.record()?;
    Ok(page::document(modelwright_inspect::report_html(&record)))
}

/// What is to be registered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    run: i64,
    note: Option<String>,
    /// An alias that is to stand for it.
    alias: Option<String>,
}

/// Registers the model of a run; the same model is the same version.
pub(super) fn register(store: &mut Store, name: &str, body: &[u8]) -> Result<Reply, Problem> {
    let asked: Registration = serde_json::from_slice(body).map_err(|e| {
        Problem::malformed(e.to_string())
            .expected("{\"run\": 12, \"note\": \"…\", \"alias\": \"…\"}, note and alias optional")
    })?;
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let (note, alias) = (given(asked.note), given(asked.alias));
    let at = clock::utc_text();
    store.run(asked.run).map_err(absent)?;
    let alias = alias.as_deref().map(str::trim);
    let version = store.register_run_as(name, asked.run, alias, note.as_deref(), &at)?;
    Ok(Reply::json(&json!({ "name": name, "version": version })))
}

/// Lets an alias stand for a version.
pub(super) fn set_alias(
    store: &mut Store,
    (name, alias): (&str, &str),
    body: &[u8],
) -> Result<Reply, Problem> {
    let wish = Wish::parse(body)?;
    store.versions(name).map_err(absent)?;
    let asked = AliasMove {
        name,
        alias,
        selector: wish.version.as_deref().unwrap_or("latest"),
        from: wish.from,
        reason: wish.reason(),
    };
    let (number, before) = wish.done(store.set_alias_from(&asked, &clock::utc_text())?)?;
    Ok(Reply::json(&json!({ "name": name, "alias": alias, "number": number, "before": before })))
}

/// Removes an alias.
pub(super) fn remove_alias(store: &mut Store, name: &str, alias: &str) -> Result<Reply, Problem> {
    let before = store.remove_alias(name, alias, &clock::utc_text()).map_err(absent)?;
    Ok(Reply::json(&json!({ "name": name, "alias": alias, "number": null, "before": before })))
}

/// Lets an alias stand again for what it stood for before.
pub(super) fn roll_back(
    store: &mut Store,
    (name, alias): (&str, &str),
    body: &[u8],
) -> Result<Reply, Problem> {
    let wish = Wish::parse(body)?;
    store.version(name, alias).map_err(absent)?;
    let at = clock::utc_text();
    let moved = store.roll_back_from(name, alias, wish.from, wish.reason(), &at)?;
    let (number, before) = wish.done(moved)?;
    Ok(Reply::json(&json!({ "name": name, "alias": alias, "number": number, "before": before })))
}
