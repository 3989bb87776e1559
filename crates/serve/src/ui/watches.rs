//! Models that are watched by rule: where each watch stands, what was decided, and what a person
//! says to a version that waits.

use modelwright_lifecycle::store::{Store, parse_reference};
use modelwright_lifecycle::watch::{Answer, Phase};
use serde::Deserialize;
use serde_json::{Value, json};

use super::runs::absent;
use crate::ask::Reply;
use crate::clock;
use crate::problem::Problem;

/// Decisions that are shown of a watch, the last ones.
const N_DECISIONS: usize = 20;

/// The watches of a model, with their last decisions, newest first.
pub(super) fn of_model(store: &Store, name: &str) -> Result<Vec<Value>, Problem> {
    let mut watches = Vec::new();
    for model in store.watched_models()? {
        let Some((_, alias)) = parse_reference(&model).filter(|(of, _)| *of == name) else {
            continue;
        };
        let Some(state) = store.watch_state(&model)? else { continue };
        let decisions = store.watch_decisions(&model)?;
        let waits = match &state.phase {
            Phase::Waiting { version, .. } => Some(*version),
            _ => None,
        };
        // The account of the retraining that the waiting version came from.
        let came_from = waits.and_then(|version| {
            let outcomes = decisions.iter().rev().filter_map(|row| row.outcome.as_ref());
            outcomes.into_iter().find(|outcome| outcome["version"] == json!(version))
        });
        let listed = decisions.iter().rev().take(N_DECISIONS).map(|row| {
            let outcome = row.outcome.as_ref();
            json!({
                "at": row.at, "action": row.action, "words": row.words,
                "run": outcome.map(|o| &o["run"]), "version": outcome.map(|o| &o["version"]),
                "summary": outcome.map(|o| &o["decision"]["summary"]),
                "error": outcome.map(|o| &o["error"]),
            })
        });
        watches.push(json!({
            "alias": alias, "phase": shown(&state.phase), "retrained": state.retrained,
            "waits": waits,
            "decision": came_from.map(|outcome| &outcome["decision"]),
            "decisions": listed.collect::<Vec<_>>(),
        }));
    }
    Ok(watches)
}

/// A phase without the many names of rows that do not count in it.
fn shown(phase: &Phase) -> Value {
    let mut value = json!(phase);
    if let Some(fields) = value.as_object_mut() {
        fields.remove("before");
    }
    value
}

/// What a person says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    approve: bool,
    /// The version that waited when the person looked.
    version: i64,
    reason: Option<String>,
}

/// Says yes or no to the version that waits to become an alias.
pub(super) fn answer(
    store: &mut Store,
    (name, alias): (&str, &str),
    body: &[u8],
) -> Result<Reply, Problem> {
    let said: Said = serde_json::from_slice(body).map_err(|e| {
        Problem::malformed(e.to_string())
            .expected("{\"approve\": true, \"version\": 3, \"reason\": \"…\"}, reason optional")
    })?;
    store.version(name, alias).map_err(absent)?;
    let model = format!("{name}@{alias}");
    let reason = said.reason.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let answer =
        Answer { model: &model, version: Some(said.version), approves: said.approve, reason };
    let done = store.answer_watch(&answer, &clock::utc_text()).map_err(|e| {
        let mut problem = Problem::from(e);
        // Somebody else was faster, or the page is old.
        if problem.status < 500 {
            problem.status = 409;
        }
        problem
    })?;
    let number = store.version(name, alias)?.number;
    Ok(Reply::json(&json!({
        "name": name, "alias": alias, "number": number, "version": done.version,
        "approved": said.approve,
    })))
}
