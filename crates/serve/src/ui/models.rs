//! Registered models: versions, aliases and how they moved.

use modelwright_lifecycle::store::Store;
use serde::Deserialize;
use serde_json::json;

use super::page;
use super::runs::absent;
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

    /// Refuses a change that was decided on what is no longer so.
    fn check(&self, now: Option<i64>) -> Result<(), Problem> {
        let Some(known) = self.from.filter(|known| Some(*known) != now) else { return Ok(()) };
        let now = now.map_or("nothing".to_owned(), |n| format!("version {n}"));
        Err(Problem::new(409, "moved-meanwhile", "somebody moved the alias meanwhile")
            .expected(format!("version {known}"))
            .got(&now)
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
    Ok(Reply::json(&json!({ "name": name, "versions": versions, "history": history })))
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

/// Lets an alias stand for a version.
pub(super) fn set_alias(
    store: &mut Store,
    (name, alias): (&str, &str),
    body: &[u8],
) -> Result<Reply, Problem> {
    let wish = Wish::parse(body)?;
    let version = wish.version.as_deref().unwrap_or("latest");
    let now = store.versions(name).map_err(absent)?;
    let now = now.iter().find(|v| v.aliases.iter().any(|own| own == alias)).map(|v| v.number);
    wish.check(now)?;
    let at = clock::utc_text();
    let before = store.set_alias(name, alias, version, wish.reason(), &at)?;
    let number = store.version(name, alias)?.number;
    Ok(Reply::json(&json!({ "name": name, "alias": alias, "number": number, "before": before })))
}

/// Removes an alias.
pub(super) fn remove_alias(store: &mut Store, name: &str, alias: &str) -> Result<Reply, Problem> {
    let before = store.version(name, alias).map_err(absent)?.number;
    store.remove_alias(name, alias, &clock::utc_text()).map_err(absent)?;
    Ok(Reply::json(&json!({ "name": name, "alias": alias, "number": null, "before": before })))
}

/// Lets an alias stand again for what it stood for before.
pub(super) fn roll_back(
    store: &mut Store,
    (name, alias): (&str, &str),
    body: &[u8],
) -> Result<Reply, Problem> {
    let wish = Wish::parse(body)?;
    let before = store.version(name, alias).map_err(absent)?.number;
    wish.check(Some(before))?;
    let number = store.roll_back(name, alias, wish.reason(), &clock::utc_text())?;
    Ok(Reply::json(&json!({ "name": name, "alias": alias, "number": number, "before": before })))
}
