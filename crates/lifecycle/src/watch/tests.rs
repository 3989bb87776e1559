//! The rules of a watch, and that its lock and state survive whoever holds them.

use std::collections::BTreeSet;

use modelwright_core::record::Status;

use super::*;
use crate::outputs::tests::Folder;
use crate::store::Store;

const START: &str = "2026-03-01T00:00:00Z";

fn day(n: u32) -> String {
    format!("2026-03-{n:02}T00:00:00Z")
}

fn config(more: &str) -> WatchConfig {
    let text = format!("model = \"churn@champion\"\ndata = [\"rows-*.parquet\"]\n{more}");
    WatchConfig::parse(&text).unwrap()
}

fn state(phase: Phase) -> WatchState {
    WatchState { since: START.to_owned(), phase, ..WatchState::default() }
}

fn monitored(drift: bool, performance: bool) -> Monitored {
    let status = if drift || performance { Status::Alarm } else { Status::Stable };
    let summary = if drift { "3 of 5 columns drifted." } else { "Nothing moved." }.to_owned();
    Monitored { status, drift, performance, quality: false, n_rows: 100, summary }
}

fn observed(n_new_rows: u64, monitored: Option<Monitored>) -> Observation {
    Observation { champion: 1, n_new_rows, monitored, duel: None }
}

fn duel(n_rows: u64, gain: f64, p_better: f64, p_worse: f64) -> Observation {
    let method = "Brier".to_owned();
    let duel = Some(Duel { n_rows, gain: Some(gain), p_better, p_worse, method });
    Observation { duel, ..observed(n_rows, None) }
}

fn action(config: &WatchConfig, state: &WatchState, observed: &Observation, at: &str) -> Action {
    decide(config, state, observed, at).action
}

#[test]
fn each_trigger_starts_a_retraining_and_nothing_else_does() {
    let config = config("[trigger]\nrows = 1000\nschedule = \"7d\"");
    let steady = state(Phase::Steady);
    let triggers = |observed: &Observation, at: &str| match action(&config, &steady, observed, at) {
        Action::Retrain { triggers } => triggers,
        Action::Nothing => Vec::new(),
        other => panic!("{other:?}"),
    };
    assert_eq!(triggers(&observed(999, Some(monitored(false, false))), &day(2)), []);
    let drifted = observed(10, Some(monitored(true, false)));
    assert_eq!(triggers(&drifted, &day(2)), [Trigger::Drift]);
    let worse = observed(10, Some(monitored(false, true)));
    assert_eq!(triggers(&worse, &day(2)), [Trigger::Performance]);
    assert_eq!(triggers(&observed(1000, None), &day(2)), [Trigger::Rows]);
    assert_eq!(triggers(&observed(5, None), &day(8)), [Trigger::Schedule]);
    assert_eq!(triggers(&observed(0, None), &day(8)), [], "there is nothing to learn from");
}

#[test]
fn a_retraining_is_not_repeated_before_its_pause_is_over_nor_when_the_clock_goes_back() {
    let config = config("[trigger]\nat_most_every = \"3d\"");
    let retrained = Some(day(5));
    let after = WatchState { retrained, ..state(Phase::Steady) };
    let drifted = observed(10, Some(monitored(true, false)));
    for at in [day(6), day(7), day(1)] {
        let said = decide(&config, &after, &drifted, &at);
        assert_eq!(said.action, Action::Nothing, "{at}");
        assert!(said.words.contains("at least 3.0 days"), "{}", said.words);
    }
    assert!(matches!(action(&config, &after, &drifted, &day(8)), Action::Retrain { .. }));
}

#[test]
fn an_accepted_model_is_tried_asked_for_or_promoted_as_the_settings_say() {
    let of = |more: &str| accepted(&config(more), 4);
    assert_eq!(of(""), Action::Promote { version: 4 });
    assert_eq!(of("[rollout]\napproval = true"), Action::Ask { version: 4 });
    assert_eq!(of("[rollout]\napproval = true\ntrial = true"), Action::Try { version: 4 });
}

#[test]
fn a_trial_ends_when_it_is_won_or_lost_or_its_time_is_over() {
    let config = config("[rollout]\ntrial = true\nmin_rows = 100\ndeadline = \"5d\"");
    let (since, before) = (day(2), BTreeSet::new());
    let on_trial = state(Phase::Trial { version: 4, since, before });
    let of = |observed: &Observation, at: &str| action(&config, &on_trial, observed, at);
    assert_eq!(of(&observed(0, None), &day(3)), Action::Nothing);
    assert_eq!(of(&duel(90, 0.5, 0.0001, 1.0), &day(3)), Action::Nothing, "too few rows");
    assert_eq!(of(&duel(150, 0.1, 0.01, 1.0), &day(3)), Action::Promote { version: 4 });
    assert_eq!(of(&duel(150, -0.1, 1.0, 0.01), &day(3)), Action::Discard { version: 4 });
    assert_eq!(of(&duel(150, 0.01, 0.3, 0.9), &day(6)), Action::Nothing);
    assert_eq!(of(&duel(150, 0.01, 0.3, 0.9), &day(7)), Action::Discard { version: 4 });
    let moved = Observation { champion: 4, ..duel(150, 0.1, 0.3, 0.9) };
    assert_eq!(of(&moved, &day(3)), Action::Settle);
    let fresh = self::config("[retrain]\nrule = \"refresh\"\n[rollout]\nmin_rows = 100\n");
    let late = "2026-03-20T00:00:00Z";
    let said = action(&fresh, &on_trial, &duel(150, 0.0, 0.6, 0.6), late);
    assert_eq!(said, Action::Promote { version: 4 }, "a refresh need only be no worse");
    let said = action(&fresh, &on_trial, &duel(5, 0.0, 0.6, 0.6), late);
    assert_eq!(said, Action::Discard { version: 4 }, "but on enough rows");
}

#[test]
fn a_promoted_model_that_proves_worse_is_rolled_back_and_one_that_holds_is_settled() {
    let config = config("[rollout]\nguard = \"10d\"");
    let before = BTreeSet::new();
    let guarded = state(Phase::Guard { version: 4, previous: 1, since: day(2), before });
    let of = |observed: Observation, champion: i64, at: &str| {
        action(&config, &guarded, &Observation { champion, ..observed }, at)
    };
    assert_eq!(of(duel(500, -0.1, 1.0, 0.01), 4, &day(3)), Action::RollBack { version: 1 });
    assert_eq!(of(duel(500, 0.1, 0.01, 1.0), 4, &day(3)), Action::Nothing);
    assert_eq!(of(duel(500, 0.1, 0.01, 1.0), 4, &day(12)), Action::Settle);
    assert_eq!(of(duel(500, -0.1, 1.0, 0.01), 7, &day(3)), Action::Settle, "somebody moved it");
    let drifted = observed(50, Some(monitored(true, false)));
    assert!(matches!(of(drifted, 4, &day(4)), Action::Retrain { .. }), "triggers still count");
}

#[test]
fn every_decision_is_kept_with_its_grounds_and_comes_out_the_same_again() {
    let folder = Folder::new("watch-keep");
    let mut store = Store::open(&folder.path().join("store"), START).unwrap();
    let (config, state) = (config(""), state(Phase::Steady));
    assert_eq!(store.watch_state("churn@champion").unwrap(), None);
    let seen = observed(10, Some(monitored(true, false)));
    let grounds = Grounds::new(&config, &state, seen, &day(2));
    let outcome = serde_json::json!({ "accepted": false });
    store.keep_watch("churn@champion", &state, Some((&grounds, Some(&outcome)))).unwrap();
    store.note_decision("churn@champion", "approve", "it looks right", &day(3)).unwrap();
    assert_eq!(store.watch_state("churn@champion").unwrap(), Some(state));
    let rows = store.watch_decisions("churn@champion").unwrap();
    assert_eq!((rows[0].action.as_str(), rows[1].action.as_str()), ("retrain", "approve"));
    let kept = rows[0].grounds.clone().unwrap();
    assert_eq!(kept, grounds, "settings, state and numbers come back as they were");
    assert!(kept.holds());
    let mut forged = kept;
    forged.observed.monitored = None;
    assert!(!forged.holds(), "other numbers, another decision");
    assert_eq!(rows[0].outcome.as_ref().unwrap(), &outcome);
}

#[test]
fn two_processes_do_not_watch_one_model_and_a_dead_one_does_not_hold_it() {
    let folder = Folder::new("watch-lock");
    let mut store = Store::open(&folder.path().join("store"), START).unwrap();
    let lock = store.lock_watch("churn@champion", &day(2)).unwrap();
    let other = store.lock_watch("churn@champion", &day(2)).unwrap_err().to_string();
    assert!(other.contains("another process watches this model"), "{other}");
    store.lock_watch("sales@champion", &day(2)).unwrap();
    store.unlock_watch(lock).unwrap();
    let _again = store.lock_watch("churn@champion", &day(2)).unwrap();
    let set = |store: &mut Store, what: &str| {
        store.in_transaction(|db| db.execute(&format!("UPDATE watches SET {what}"), &[])).unwrap()
    };
    // As if a process of this machine had held it, and were gone.
    set(&mut store, "process = 'before'");
    store.lock_watch("churn@champion", &day(2)).unwrap();
    // A process of another machine: while it is heard of, and when it fell silent.
    set(&mut store, "host = 'elsewhere', beat = '2026-03-02T00:00:00Z'");
    assert!(store.lock_watch("churn@champion", "2026-03-02T00:10:00Z").is_err());
    store.lock_watch("churn@champion", "2026-03-02T00:20:00Z").unwrap();
}

#[test]
fn a_run_of_a_watch_is_not_lost_as_long_as_its_process_is_heard_of() {
    use crate::store::{NewRun, RunStatus};
    let folder = Folder::new("watch-beat");
    let mut store = Store::open(&folder.path().join("store"), START).unwrap();
    let run = NewRun { started: START.to_owned(), ..NewRun::default() };
    let id = store.begin_run(&run).unwrap();
    let _lock = store.lock_watch("churn@champion", START).unwrap();
    store.beat_watch("churn@champion", &day(2)).unwrap();
    // As another machine sees it.
    store.in_transaction(|db| db.execute("UPDATE runs SET host = 'elsewhere'", &[])).unwrap();
    store.close_lost_runs("2026-03-02T00:10:00Z").unwrap();
    assert_eq!(store.run(id).unwrap().status, RunStatus::Running);
    store.close_lost_runs("2026-03-02T00:20:00Z").unwrap();
    assert_eq!(store.run(id).unwrap().status, RunStatus::Lost);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let refused = |text: &str, words: &str| {
        let error = WatchConfig::parse(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    };
    refused("model = \"churn\"\ndata = [\"a\"]", "NAME@ALIAS");
    refused("model = \"churn@3\"\ndata = [\"a\"]", "NAME@ALIAS");
    refused("model = \"churn@champion\"\ndata = []", "at least one file");
    refused("data = [\"a\"]", "cannot be understood");
    let good = "model = \"churn@champion\"\ndata = [\"a\"]\n";
    refused(&format!("{good}every = \"soon\""), "cannot be understood");
    refused(&format!("{good}[trigger]\ndrifft = true"), "cannot be understood");
    refused(&format!("{good}[window]\njudge = 2.0"), "window.judge");
    refused(&format!("{good}[rollout]\nalpha = 0.0"), "rollout.alpha");
    refused(&format!("{good}[retrain]\nslice_loss = nan"), "retrain.slice_loss");
    refused(&format!("{good}[retrain]\ngain = -0.5"), "retrain.gain");
    refused(&format!("challenger = \"champion\"\n{good}"), "another alias");
}
