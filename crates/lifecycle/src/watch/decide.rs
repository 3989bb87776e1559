//! The rules of a watch.

use super::config::WatchConfig;
use super::state::{Action, Decided, Duel, Observation, Phase, Trigger, WatchState};
use crate::retrain::Rule;
use crate::when::moment_seconds;

/// What is to be done now.
pub fn decide(
    config: &WatchConfig,
    state: &WatchState,
    observed: &Observation,
    at: &str,
) -> Decided {
    match &state.phase {
        Phase::Trial { version, since, .. } => trial(config, *version, since, observed, at),
        Phase::Canary { version, step, since, n_had, .. } => {
            canary(config, (*version, *step, *n_had), since, observed, at)
        }
        Phase::Waiting { version, since, .. } => waiting(config, *version, since, observed),
        Phase::Guard { version, previous, since, .. } => {
            let next = || steady(config, state, observed, at);
            guard(config, (*version, *previous), since, observed, at)
                .map_or_else(next, |said| and_then(said, next))
        }
        Phase::Steady | Phase::Approved { .. } => steady(config, state, observed, at),
    }
}

/// Whether nothing is left to guard: it lasted as long as it should, or `champion`, the version in
/// use, is another one by now.
pub fn guard_ends(config: &WatchConfig, phase: &Phase, champion: i64, at: &str) -> bool {
    let Phase::Guard { version, since, .. } = phase else { return false };
    *version != champion || seconds_between(since, at) >= config.rollout.guard.as_seconds()
}

/// A guard that ends takes no look away from the triggers: where one of them calls for a
/// retraining, that comes at once, and ends the guard.
fn and_then(said: Decided, next: impl FnOnce() -> Decided) -> Decided {
    if said.action != Action::Settle {
        return said;
    }
    match next() {
        Decided { action: action @ Action::Retrain { .. }, words } => {
            decided(action, format!("{} {words}", said.words))
        }
        _ => said,
    }
}

/// What becomes of a version that passed every gate.
pub fn accepted(config: &WatchConfig, version: i64) -> Action {
    if config.rollout.trial { Action::Try { version } } else { tried(config, version) }
}

/// What becomes of a version that needs no trial, or has won it.
fn tried(config: &WatchConfig, version: i64) -> Action {
    step_of(config, version, 0).unwrap_or_else(|| proved(config, version))
}

/// What becomes of a version that has nothing left to prove.
fn proved(config: &WatchConfig, version: i64) -> Action {
    if config.rollout.approval { Action::Ask { version } } else { Action::Promote { version } }
}

/// A step of the canary, if there is one of this number.
fn step_of(config: &WatchConfig, version: i64, step: usize) -> Option<Action> {
    let percent = *config.rollout.canary.as_ref()?.percents.get(step)?;
    Some(Action::Canary { version, step, percent })
}

fn decided(action: Action, words: impl Into<String>) -> Decided {
    Decided { action, words: words.into() }
}

/// Seconds from one moment to another; 0 when either cannot be read or time went backwards.
fn seconds_between(from: &str, to: &str) -> i64 {
    let both = moment_seconds(from).zip(moment_seconds(to));
    both.map_or(0, |(from, to)| (to - from).max(0))
}

fn steady(config: &WatchConfig, state: &WatchState, observed: &Observation, at: &str) -> Decided {
    let last = state.retrained.as_deref().unwrap_or(&state.since);
    let passed_s = seconds_between(last, at);
    // What failed is no retraining for the schedule, but waits for its pause.
    let tried_s = state.tried.as_deref().map(|tried| seconds_between(tried, at));
    let paused_s = passed_s.min(tried_s.unwrap_or(i64::MAX));
    let mut triggers = Vec::new();
    let mut reasons = Vec::new();
    let monitored = observed.monitored.as_ref();
    if let Some(found) = monitored.filter(|m| config.trigger.drift && m.drift) {
        triggers.push(Trigger::Drift);
        reasons.push(found.summary.clone());
    }
    if let Some(found) = monitored.filter(|m| config.trigger.performance && m.performance) {
        triggers.push(Trigger::Performance);
        if !reasons.contains(&found.summary) {
            reasons.push(found.summary.clone());
        }
    }
    if let Some(n_rows) = config.trigger.rows.filter(|n| observed.n_new_rows >= *n) {
        triggers.push(Trigger::Rows);
        reasons.push(format!("{} new rows came, {n_rows} were awaited.", observed.n_new_rows));
    }
    let grown = state.had_rows.filter(|had| {
        let more = (config.trigger.growth - 1.0) * *had as f64;
        more > 0.0 && observed.n_new_rows as f64 >= more
    });
    if let Some(had) = grown {
        triggers.push(Trigger::Growth);
        reasons.push(format!(
            "{} new rows came since a retraining that had only {had} of the world as it is now.",
            observed.n_new_rows
        ));
    }
    if let Some(span) = config.trigger.schedule.filter(|s| passed_s >= s.as_seconds()) {
        triggers.push(Trigger::Schedule);
        let (days, every) = (days(passed_s), days(span.as_seconds()));
        reasons.push(format!("{days} have passed since the last one; it is due every {every}."));
    }
    if triggers.is_empty() {
        let seen = monitored.map_or("There are no new rows.", |m| m.summary.as_str());
        return decided(Action::Nothing, seen);
    }
    let pause_s = config.trigger.at_most_every.as_seconds();
    // The first retraining need not wait: nothing came before it.
    if (state.retrained.is_some() || tried_s.is_some()) && paused_s < pause_s {
        let words = format!(
            "{} But the last retraining was only {} ago; at least {} must pass.",
            reasons.join(" "),
            days(paused_s),
            days(pause_s)
        );
        return decided(Action::Nothing, words);
    }
    if observed.n_new_rows == 0 {
        let words = format!("{} But there are no new rows to learn from.", reasons.join(" "));
        return decided(Action::Nothing, words);
    }
    decided(Action::Retrain { triggers }, reasons.join(" "))
}

/// A span in the largest unit that says it.
fn days(seconds: i64) -> String {
    match seconds {
        s if s >= 2 * 86_400 => format!("{:.1} days", s as f64 / 86_400.0),
        s if s >= 2 * 3600 => format!("{:.1} hours", s as f64 / 3600.0),
        s => format!("{s} seconds"),
    }
}

fn numbers(duel: &Duel) -> String {
    let gain = duel.gain.map_or("unknown".to_owned(), |gain| format!("{gain:+.4}"));
    format!(
        "on {} rows that came after, the mean gain is {gain} (p = {:.4} of not being better, \
         {:.4} of not being worse; {})",
        duel.n_rows, duel.p_better, duel.p_worse, duel.method
    )
}

fn trial(
    config: &WatchConfig,
    version: i64,
    since: &str,
    observed: &Observation,
    at: &str,
) -> Decided {
    let rollout = &config.rollout;
    let won = |why: String| decided(tried(config, version), why);
    if observed.champion == version {
        return decided(
            Action::Settle,
            format!("Version {version} was promoted by somebody else."),
        );
    }
    let duel = observed.duel.as_ref().filter(|duel| duel.n_rows >= rollout.min_rows);
    if let Some(duel) = duel {
        if duel.p_better < rollout.alpha {
            return won(format!("Version {version} won its trial: {}.", numbers(duel)));
        }
        if duel.p_worse < rollout.alpha {
            let words = format!("Version {version} lost its trial: {}.", numbers(duel));
            return decided(Action::Discard { version }, words);
        }
    }
    let so_far = observed.duel.as_ref().map_or("no rows came yet".to_owned(), numbers);
    if seconds_between(since, at) < rollout.deadline.as_seconds() {
        return decided(
            Action::Nothing,
            format!("The trial of version {version} goes on: {so_far}."),
        );
    }
    // Who only had to be no worse has not been shown to be, on enough rows and for long enough.
    if config.retrain.rule == Rule::Refresh && duel.is_some() {
        return won(format!("Version {version} was not worse until the deadline: {so_far}."));
    }
    let words = format!("Version {version} did not prove itself until the deadline: {so_far}.");
    decided(Action::Discard { version }, words)
}

/// The share grows step by step as long as the model is not worse; both models predict all rows
/// that came, so that the test is the trial's and goes on counting. Each step waits for rows of its
/// own: those from before it say nothing about what a larger share does.
fn canary(
    config: &WatchConfig,
    (version, step, n_had): (i64, usize, u64),
    since: &str,
    observed: &Observation,
    at: &str,
) -> Decided {
    let rollout = &config.rollout;
    if observed.champion == version {
        let words = format!("Version {version} was promoted by somebody else.");
        return decided(Action::Settle, words);
    }
    let duel = observed.duel.as_ref().filter(|duel| duel.n_rows >= rollout.min_rows);
    let so_far = observed.duel.as_ref().map_or("no rows came yet".to_owned(), numbers);
    if duel.is_some_and(|duel| duel.p_worse < rollout.alpha) {
        let words = format!("Version {version} is worse as a canary: {so_far}.");
        return decided(Action::Discard { version }, words);
    }
    // Settings may have lost the canary meanwhile: it then has nothing left to prove there.
    let Some(settings) = &rollout.canary else {
        let words = format!("There is no canary any more: {so_far}.");
        return decided(proved(config, version), words);
    };
    let passed_s = seconds_between(since, at);
    let n_of_step = observed.duel.as_ref().map_or(0, |duel| duel.n_rows.saturating_sub(n_had));
    if passed_s >= settings.step.as_seconds() && n_of_step >= rollout.min_rows {
        let action = step_of(config, version, step + 1).unwrap_or_else(|| proved(config, version));
        let words = format!("Version {version} is not worse on its step: {so_far}.");
        return decided(action, words);
    }
    if passed_s >= rollout.deadline.as_seconds() {
        let words =
            format!("Too few rows came for version {version} until the deadline: {so_far}.");
        return decided(Action::Discard { version }, words);
    }
    decided(Action::Nothing, format!("The canary of version {version} goes on: {so_far}."))
}

/// A canary keeps its share of the requests while a person is waited for, and goes on being judged.
fn waiting(config: &WatchConfig, version: i64, since: &str, observed: &Observation) -> Decided {
    if observed.champion == version {
        return decided(Action::Settle, format!("Version {version} is in use now."));
    }
    let rollout = &config.rollout;
    let duel = observed.duel.as_ref().filter(|duel| duel.n_rows >= rollout.min_rows);
    if let Some(duel) = duel.filter(|duel| duel.p_worse < rollout.alpha) {
        let words = format!("Version {version} proved worse while it waited: {}.", numbers(duel));
        return decided(Action::Discard { version }, words);
    }
    let words = format!(
        "Version {version} waits for a person since {since}: `modelwright models approve`."
    );
    decided(Action::Nothing, words)
}

/// `None` when the guard has nothing to say, and triggers are looked at.
fn guard(
    config: &WatchConfig,
    (version, previous): (i64, i64),
    since: &str,
    observed: &Observation,
    at: &str,
) -> Option<Decided> {
    let rollout = &config.rollout;
    if observed.champion != version {
        let words = format!("Somebody else moved the alias to version {}.", observed.champion);
        return Some(decided(Action::Settle, words));
    }
    let duel = observed.duel.as_ref().filter(|duel| duel.n_rows >= rollout.min_rows);
    if let Some(duel) = duel.filter(|duel| duel.p_worse < rollout.alpha) {
        let words = format!("Version {version} is worse than {previous} was: {}.", numbers(duel));
        return Some(decided(Action::RollBack { version: previous }, words));
    }
    if seconds_between(since, at) >= rollout.guard.as_seconds() {
        let words = format!("Version {version} has proved itself beside {previous}.");
        return Some(decided(Action::Settle, words));
    }
    None
}
