//! What a person says to a model that waits.

use modelwright_core::{Error, Result};
use modelwright_lifecycle::store::{Store, parse_reference};
use modelwright_lifecycle::watch::{
    AliasStep, Committed, Phase, Said, WatchChange, WatchConfig, WatchState,
};

use super::act::{forgotten, guard};
use super::files::{Files, SERVED, marks};

/// A daemon that looks meanwhile changes what it remembers of its look; so often is tried again.
const N_TRIES: usize = 5;

/// Says yes (or no) to the version that waits for `name`, or `NAME@ALIAS` where several aliases of
/// a model are watched. Returns the watched model and the version. The alias, the state of the
/// watch and the account of the answer change at once.
///
/// # Errors
/// Input error when nothing waits; work error when somebody else answers at the same time.
pub fn approve(
    store: &mut Store,
    name: &str,
    says_yes: bool,
    reason: Option<&str>,
    at: &str,
) -> Result<(String, i64)> {
    let why = reason.unwrap_or(if says_yes { "a person said yes" } else { "a person said no" });
    for _ in 1..N_TRIES {
        let (model, version, committed) = answer(store, name, says_yes, why, at)?;
        if committed == Committed::Done {
            return Ok((model, version));
        }
    }
    let (model, version, committed) = answer(store, name, says_yes, why, at)?;
    committed.or_error(&model)?;
    Ok((model, version))
}

/// Answers what waits just now.
fn answer(
    store: &mut Store,
    name: &str,
    says_yes: bool,
    why: &str,
    at: &str,
) -> Result<(String, i64, Committed)> {
    let (model, version, read) = waiting(store, name)?;
    let (of, alias) = parse_reference(&model)
        .ok_or_else(|| Error::input("the watch has no alias").got(model.as_str()))?;
    let config = store
        .watch_decisions(&model)?
        .into_iter()
        .rev()
        .find_map(|row| row.grounds.map(|grounds| grounds.config));
    // Whatever was said, no canary is needed any more; the daemon tells the servers.
    let mut state = WatchState { phase: Phase::Steady, recall: true, ..read.clone() };
    let mut steps = Vec::new();
    if says_yes {
        let previous = store.version(of, alias)?.number;
        steps.push(AliasStep {
            alias: alias.to_owned(),
            number: Some(version),
            from: Some(previous),
            reason: Some(why.to_owned()),
        });
        if let Some(config) = &config {
            state.phase = guarded(config, version, previous, at)?;
        }
    }
    let challenger = config.map_or("challenger".to_owned(), |config| config.challenger);
    steps.push(forgotten(&challenger));
    let words = format!("Version {version}: {why}");
    let committed = store.commit_watch(&WatchChange {
        model: &model,
        read: Some(&read),
        state: &state,
        steps: &steps,
        said: Some(Said::Person { approves: says_yes, words: &words }),
        at,
    })?;
    Ok((model, version, committed))
}

/// The watched model that waits, its version, and the state as it is.
fn waiting(store: &Store, name: &str) -> Result<(String, i64, WatchState)> {
    let mut waiting = Vec::new();
    for model in store.watched_models()? {
        let is_meant = model == name || model.split('@').next() == Some(name);
        if let Some(state) = store.watch_state(&model)?.filter(|_| is_meant)
            && let Phase::Waiting { version, .. } = state.phase
        {
            waiting.push((model, version, state));
        }
    }
    if let (Some(found), true) = (waiting.pop(), waiting.is_empty()) {
        return Ok(found);
    }
    let what = if waiting.is_empty() { "nothing waits" } else { "more than one model waits" };
    Err(Error::input(format!("{what} for an answer"))
        .got(name)
        .expected("NAME, or NAME@ALIAS, of a watched model that waits")
        .hint("see `modelwright watch CONFIG --history`"))
}

/// The phase after a person promoted a version: rows that are there already do not count.
fn guarded(config: &WatchConfig, version: i64, previous: i64, at: &str) -> Result<Phase> {
    let served = config.out.join(SERVED);
    let mut patterns = config.data.clone();
    if served.is_dir() {
        patterns.push(served.join("part-*.parquet").to_string_lossy().into_owned());
    }
    let now = Files::default().find(&patterns)?;
    Ok(guard(config, version, Some(previous), at, marks(&now, &config.out)))
}
