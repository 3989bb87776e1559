//! What a person says to a model that waits.

use modelwright_core::{Error, Result};
use modelwright_lifecycle::store::{Store, parse_reference};
use modelwright_lifecycle::watch::Phase;

use super::act::guard;
use super::files::{Files, SERVED, marks};

/// Says yes (or no) to the version that waits for `name`, or `NAME@ALIAS` where several aliases of
/// a model are watched. Returns the watched model and the version.
///
/// # Errors
/// Input error when nothing waits.
pub fn approve(
    store: &mut Store,
    name: &str,
    says_yes: bool,
    reason: Option<&str>,
    at: &str,
) -> Result<(String, i64)> {
    let mut waiting = Vec::new();
    for model in store.watched_models()? {
        let is_meant = model == name || model.split('@').next() == Some(name);
        if let Some(state) = store.watch_state(&model)?.filter(|_| is_meant)
            && let Phase::Waiting { version, .. } = state.phase
        {
            waiting.push((model, version, state));
        }
    }
    let (Some((model, version, mut state)), true) = (waiting.pop(), waiting.is_empty()) else {
        let what = if waiting.is_empty() { "nothing waits" } else { "more than one model waits" };
        return Err(Error::input(format!("{what} for an answer"))
            .got(name)
            .expected("NAME, or NAME@ALIAS, of a watched model that waits")
            .hint("see `modelwright watch CONFIG --history`"));
    };
    let why = reason.unwrap_or(if says_yes { "a person said yes" } else { "a person said no" });
    let (of, alias) = parse_reference(&model)
        .ok_or_else(|| Error::input("the watch has no alias").got(model.as_str()))?;
    let config = store
        .watch_decisions(&model)?
        .into_iter()
        .rev()
        .find_map(|row| row.grounds.map(|grounds| grounds.config));
    state.phase = Phase::Steady;
    if says_yes {
        let previous = store.set_alias(of, alias, &version.to_string(), Some(why), at)?;
        if let Some(config) = &config {
            let served = config.out.join(SERVED);
            let mut patterns = config.data.clone();
            if served.is_dir() {
                patterns.push(served.join("part-*.parquet").to_string_lossy().into_owned());
            }
            let now = Files::default().find(&patterns)?;
            let before = marks(&now, &config.out);
            state.phase = guard(config, version, previous, at, before);
        }
    }
    let challenger = config.map_or("challenger".to_owned(), |config| config.challenger);
    if store.version(of, &challenger).is_ok_and(|v| v.aliases.contains(&challenger)) {
        store.remove_alias(of, &challenger, at)?;
    }
    let action = if says_yes { "approve" } else { "reject" };
    let words = format!("Version {version}: {why}");
    store.keep_watch(&model, &state, None)?;
    store.note_decision(&model, action, &words, at)?;
    Ok((model, version))
}
