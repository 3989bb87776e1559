//! The rules of a watch, and that its lock and state survive whoever holds them.

use std::collections::BTreeSet;

use modelwright_core::record::Status;

use super::*;
use crate::outputs::tests::Folder;
use crate::store::Store;
use crate::store::tests::{model_file, on_both};

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
    Monitored { status, drift, performance, quality: false, n_rows: 100, n_known: 0, summary }
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
fn what_was_learned_from_few_rows_of_a_new_world_is_learned_again_when_there_are_many_more() {
    let had_rows = Some(400);
    let after = WatchState { had_rows, ..state(Phase::Steady) };
    let of = |text: &str, n: u64| action(&config(text), &after, &observed(n, None), &day(2));
    assert_eq!(of("", 399), Action::Nothing);
    assert_eq!(of("", 400), Action::Retrain { triggers: vec![Trigger::Growth] });
    assert_eq!(of("[trigger]\ngrowth = 3", 799), Action::Nothing);
    assert_eq!(of("[trigger]\ngrowth = 0", 9999), Action::Nothing);
    let steady = state(Phase::Steady);
    let never = action(&config(""), &steady, &observed(9999, None), &day(2));
    assert_eq!(never, Action::Nothing, "nothing was ever learned from few rows");
    assert!(WatchConfig::parse("model = \"a@b\"\ndata = [\"x\"]\n[trigger]\ngrowth = 1").is_err());
}

#[test]
fn a_person_answers_the_version_that_waits_and_no_other() {
    on_both("watch-answer", |home| {
        let mut store = home.open();
        for score in [0.5, 0.4] {
            store.register("churn", &model_file(home, score), None, None, START).unwrap();
        }
        store.set_alias("churn", "champion", "1", None, START).unwrap();
        let waits = state(waits(2, &day(1)));
        store.commit_watch(&change(None, &waits, None)).unwrap();
        let at = day(2);
        let answer = Answer { model: "churn", version: Some(7), approves: true, reason: None };
        let error = store.answer_watch(&answer, &at).unwrap_err();
        assert!(error.to_string().contains("another version"), "{error}");
        let answer = Answer { version: Some(2), ..answer };
        let waiting = store.answer_watch(&answer, &at).unwrap();
        assert_eq!((waiting.model.as_str(), waiting.version), ("churn@champion", 2));
        assert_eq!(store.version("churn", "champion").unwrap().number, 2);
        let now = store.watch_state("churn@champion").unwrap().unwrap();
        assert_eq!(now.phase, Phase::Approved { version: 2, previous: 1, since: at.clone() });
        let error = store.answer_watch(&answer, &at).unwrap_err();
        assert!(error.to_string().contains("nothing waits"), "{error}");
        store.commit_watch(&change(Some(&now), &waits, None)).unwrap();
        let no = Answer { approves: false, reason: Some("too odd"), ..answer };
        store.answer_watch(&no, &at).unwrap();
        let now = store.watch_state("churn@champion").unwrap().unwrap();
        assert_eq!((now.phase, now.recall), (Phase::Steady, true));
        let rows = store.watch_decisions("churn@champion").unwrap();
        assert_eq!((rows[0].action.as_str(), rows[1].action.as_str()), ("approve", "reject"));
        assert_eq!(rows[1].words, "Version 2: too odd");
    });
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
fn a_guard_that_ends_takes_no_look_away_from_the_triggers() {
    let config = config("[rollout]\nguard = \"10d\"");
    let before = BTreeSet::new();
    let guarded = state(Phase::Guard { version: 4, previous: 1, since: day(2), before });
    let drifted = |champion| Observation { champion, ..observed(50, Some(monitored(true, false))) };
    let said = decide(&config, &guarded, &drifted(4), &day(12));
    assert!(matches!(said.action, Action::Retrain { .. }), "{said:?}");
    assert!(said.words.starts_with("Version 4 has proved itself beside 1. 3 of 5"), "{said:?}");
    let moved = action(&config, &guarded, &drifted(7), &day(3));
    assert!(matches!(moved, Action::Retrain { .. }), "somebody else's version drifts, too");
    let ends = |champion, at: &str| guard_ends(&config, &guarded.phase, champion, at);
    assert!(ends(4, &day(12)) && ends(7, &day(3)) && !ends(4, &day(11)));
    let worse = Observation { monitored: drifted(4).monitored, ..duel(500, -0.1, 1.0, 0.01) };
    let said = action(&config, &guarded, &Observation { champion: 4, ..worse }, &day(12));
    assert_eq!(said, Action::RollBack { version: 1 }, "what is there already is better");
}

#[test]
fn files_that_only_challengers_learned_from_are_new_to_the_model_in_use_and_to_no_later_one() {
    let mut state = state(Phase::Steady);
    state.challenged(1, ["a".to_owned()]);
    state.challenged(1, ["b".to_owned()]);
    state.seen = ["a", "b", "c"].map(str::to_owned).into();
    let new_to = |state: &WatchState, champion| {
        ["a", "b", "c", "d"].map(|file| state.is_new_to(champion, file))
    };
    assert_eq!(new_to(&state, 1), [true, true, false, true]);
    assert_eq!(new_to(&state, 2), [false, false, false, true]);
    state.challenged(2, ["c".to_owned()]);
    assert_eq!(new_to(&state, 2), [false, false, true, true]);
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
    let said = Said::Rules { grounds: &grounds, outcome: Some(&outcome) };
    let change = change(None, &state, Some(said));
    assert_eq!(store.commit_watch(&change).unwrap(), Committed::Done);
    let said = Some(Said::Person { approves: true, words: "it looks right" });
    let change = WatchChange { read: Some(&state), said, ..change };
    assert_eq!(store.commit_watch(&change).unwrap(), Committed::Done);
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
fn a_canary_grows_step_by_step_while_it_is_not_worse_and_is_taken_back_when_it_is() {
    let servers = "[rollout.canary]\nservers = [\"http://h:1\"]\npercents = [10, 50]\n";
    let config = config(&format!("[rollout]\ntrial = true\nmin_rows = 100\n{servers}"));
    assert_eq!(accepted(&config, 2), Action::Try { version: 2 });
    let trial = state(Phase::Trial { version: 2, since: day(1), before: BTreeSet::new() });
    let first = Action::Canary { version: 2, step: 0, percent: 10.0 };
    assert_eq!(action(&config, &trial, &duel(500, 0.1, 0.01, 1.0), &day(2)), first);
    let with = |step, n_had| {
        let (since, before) = (day(2), BTreeSet::new());
        state(Phase::Canary { version: 2, step, since, before, n_had })
    };
    let on = |step| with(step, 500);
    let fine = duel(600, 0.1, 0.01, 1.0);
    // Rows from before the step are none of its own.
    assert_eq!(action(&config, &with(0, 550), &fine, &day(3)), Action::Nothing);
    assert_eq!(action(&config, &on(0), &fine, "2026-03-02T12:00:00Z"), Action::Nothing);
    let second = Action::Canary { version: 2, step: 1, percent: 50.0 };
    assert_eq!(action(&config, &on(0), &fine, &day(3)), second);
    assert_eq!(action(&config, &on(1), &fine, &day(3)), Action::Promote { version: 2 });
    // Worse at any moment, without waiting for the end of a step.
    let worse = duel(600, -0.1, 1.0, 0.01);
    let at = "2026-03-02T00:10:00Z";
    assert_eq!(action(&config, &on(1), &worse, at), Action::Discard { version: 2 });
    // Few rows prove nothing: it waits, and not for ever.
    assert_eq!(action(&config, &on(0), &duel(50, -0.1, 1.0, 0.01), &day(3)), Action::Nothing);
    assert_eq!(
        action(&config, &on(0), &observed(0, None), &day(16)),
        Action::Discard { version: 2 }
    );
    let moved = Observation { champion: 2, ..fine.clone() };
    assert_eq!(action(&config, &on(0), &moved, &day(3)), Action::Settle);
    let mut asks = config.clone();
    asks.rollout.approval = true;
    assert_eq!(action(&asks, &on(1), &fine, &day(3)), Action::Ask { version: 2 });
    asks.rollout.trial = false;
    assert_eq!(accepted(&asks, 2), first, "without a trial it begins as a canary");
    asks.rollout.canary = None;
    assert_eq!(action(&asks, &on(0), &fine, &day(3)), Action::Ask { version: 2 });
}

#[test]
fn state_and_aliases_change_together_or_not_at_all() {
    on_both("watch-commit", |home| {
        let mut store = home.open();
        for score in [0.5, 0.4] {
            let file = model_file(home, score);
            store.register("churn", &file, None, None, START).unwrap();
        }
        store.set_alias("churn", "champion", "1", None, START).unwrap();
        store.set_alias("churn", "challenger", "2", None, START).unwrap();
        let waiting = state(waits(2, START));
        store.commit_watch(&change(None, &waiting, None)).unwrap();
        let step = |alias: &str, number, from| AliasStep {
            alias: alias.to_owned(),
            number,
            from,
            reason: Some("approved".to_owned()),
        };
        let steps = [step("champion", Some(2), Some(1)), step("challenger", None, None)];
        let steady = state(Phase::Steady);
        let champion = |store: &Store| store.version("churn", "champion").unwrap().number;
        // The daemon read the state, then a person approved, then the daemon writes what it knew.
        let approved = WatchChange { steps: &steps, ..change(Some(&waiting), &steady, None) };
        assert_eq!(store.commit_watch(&approved).unwrap(), Committed::Done);
        assert_eq!(champion(&store), 2);
        assert!(store.version("churn", "challenger").is_err());
        let late = change(Some(&waiting), &waiting, None);
        let said = store.commit_watch(&late).unwrap();
        assert_eq!(said, Committed::Meanwhile("the state of the watch".to_owned()));
        assert_eq!(store.watch_state("churn@champion").unwrap(), Some(steady.clone()));
        // Somebody moved the alias by hand: what rests on the old one is not done.
        store.set_alias("churn", "champion", "1", None, START).unwrap();
        let back = [step("champion", Some(1), Some(2))];
        let rolled = WatchChange { steps: &back, ..change(Some(&steady), &waiting, None) };
        let said = store.commit_watch(&rolled).unwrap();
        assert_eq!(said, Committed::Meanwhile("the alias champion".to_owned()));
        assert_eq!(store.watch_state("churn@champion").unwrap(), Some(steady.clone()));
        // A version that is gone moves nothing, and leaves the state.
        let gone = [step("champion", Some(9), None)];
        let failed = WatchChange { steps: &gone, ..change(Some(&steady), &waiting, None) };
        assert!(store.commit_watch(&failed).is_err());
        assert_eq!(
            (champion(&store), store.watch_state("churn@champion").unwrap()),
            (1, Some(steady))
        );
    });
}

/// A version that waits and is not judged meanwhile.
fn waits(version: i64, since: &str) -> Phase {
    Phase::Waiting { version, since: since.to_owned(), before: None }
}

#[test]
fn a_canary_that_waits_for_a_person_is_given_up_when_it_proves_worse() {
    let config = config("[rollout]\napproval = true\nmin_rows = 100\n");
    let before = Some(BTreeSet::new());
    let waiting = state(Phase::Waiting { version: 4, since: day(2), before });
    let of = |observed: &Observation| action(&config, &waiting, observed, &day(3));
    assert_eq!(of(&observed(0, None)), Action::Nothing);
    assert_eq!(of(&duel(600, 0.1, 0.01, 1.0)), Action::Nothing, "a person is still asked");
    assert_eq!(of(&duel(90, -0.1, 1.0, 0.01)), Action::Nothing, "too few rows");
    assert_eq!(of(&duel(600, -0.1, 1.0, 0.01)), Action::Discard { version: 4 });
    let older = r#"{"is": "waiting", "version": 2, "since": "2026-03-01T00:00:00Z"}"#;
    let phase: Phase = serde_json::from_str(older).unwrap();
    assert_eq!(phase, waits(2, START), "states of earlier versions are read");
}

fn change<'a>(
    read: Option<&'a WatchState>,
    state: &'a WatchState,
    said: Option<Said<'a>>,
) -> WatchChange<'a> {
    WatchChange { model: "churn@champion", lock: None, read, state, steps: &[], said, at: START }
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
    // One that nobody here can look for, of a system without /proc or of another container.
    for process in ["", "5 pid:[1]", "5 pid:[1]#0123", "#0123"] {
        set(&mut store, &format!("process = '{process}', beat = '2026-03-02T00:00:00Z'"));
        assert!(store.lock_watch("churn@champion", "2026-03-02T00:10:00Z").is_err());
        store.lock_watch("churn@champion", "2026-03-02T00:20:00Z").unwrap();
    }
    // A process of another machine: while it is heard of, and when it fell silent.
    set(&mut store, "host = 'elsewhere', beat = '2026-03-02T00:00:00Z'");
    assert!(store.lock_watch("churn@champion", "2026-03-02T00:10:00Z").is_err());
    store.lock_watch("churn@champion", "2026-03-02T00:20:00Z").unwrap();
    // Whose clock was ahead is not heard of for ever.
    set(&mut store, "host = 'elsewhere', beat = '2030-01-01T00:00:00Z'");
    store.lock_watch("churn@champion", "2026-03-02T00:20:00Z").unwrap();
}

#[test]
fn who_has_lost_the_lock_notices_it_changes_nothing_and_leaves_it_to_who_has_it() {
    on_both("watch-lost", |home| {
        let (mut store, model) = (home.open(), "churn@champion");
        let first = store.lock_watch(model, &day(2)).unwrap();
        assert!(store.holds_watch(&first).unwrap());
        // As if it had run on another machine, whose network was away.
        let away = "UPDATE watches SET host = 'elsewhere'";
        store.in_transaction(|db| db.execute(away, &[])).unwrap();
        let second = store.lock_watch(model, "2026-03-02T00:20:00Z").unwrap();
        assert_ne!(first, second);
        assert!(!store.holds_watch(&first).unwrap() && store.holds_watch(&second).unwrap());
        let error = store.beat_watch(&first, &day(3)).unwrap_err().to_string();
        assert!(error.contains("another process has taken over"), "{error}");
        store.beat_watch(&second, &day(3)).unwrap();
        let steady = state(Phase::Steady);
        let with = |lock| WatchChange { lock, ..change(None, &steady, None) };
        let error = store.commit_watch(&with(Some(&first))).unwrap_err().to_string();
        assert!(error.contains("another process has taken over"), "{error}");
        assert_eq!(store.watch_state(model).unwrap(), None);
        store.unlock_watch(first.clone()).unwrap();
        assert!(store.holds_watch(&second).unwrap(), "it is not its own");
        assert_eq!(store.commit_watch(&with(Some(&second))).unwrap(), Committed::Done);
        store.unlock_watch(second.clone()).unwrap();
        assert!(!store.holds_watch(&second).unwrap());
    });
}

#[test]
fn a_beat_keeps_no_run_of_another_process_alive() {
    use crate::store::{NewRun, RunStatus};
    let folder = Folder::new("watch-beat-own");
    let mut store = Store::open(&folder.path().join("store"), START).unwrap();
    let run = NewRun { started: START.to_owned(), ..NewRun::default() };
    let id = store.begin_run(&run).unwrap();
    let lock = store.lock_watch("churn@champion", START).unwrap();
    // The container before had the same name, and the same number.
    let before = "UPDATE runs SET process = '5 pid:[1]', beat = '2026-03-01T00:00:00Z'";
    store.in_transaction(|db| db.execute(before, &[])).unwrap();
    store.beat_watch(&lock, &day(2)).unwrap();
    store.close_lost_runs("2026-03-02T00:10:00Z").unwrap();
    assert_eq!(store.run(id).unwrap().status, RunStatus::Lost);
}

#[test]
fn a_retraining_that_failed_is_tried_again_after_the_pause_and_the_schedule_goes_on() {
    let config = config("[trigger]\nschedule = \"20d\"\nat_most_every = \"2d\"");
    let tried = Some(day(21));
    let failed = WatchState { tried, ..state(Phase::Steady) };
    let of = |state: &WatchState, at: &str| decide(&config, state, &observed(10, None), at);
    let waits = of(&failed, &day(22));
    assert_eq!(waits.action, Action::Nothing);
    assert!(waits.words.contains("only 24.0 hours ago"), "{}", waits.words);
    let again = Action::Retrain { triggers: vec![Trigger::Schedule] };
    assert_eq!(of(&failed, &day(23)).action, again);
    // It came to a decision: the schedule counts from there.
    let retrained = Some(day(23));
    let done = WatchState { tried: None, retrained, ..failed };
    assert_eq!(of(&done, &day(26)).action, Action::Nothing);
}

#[test]
fn a_state_that_an_earlier_version_wrote_is_read() {
    let older = r#"{"since": "2026-03-01T00:00:00Z", "retrained": null, "seen": ["a"],
        "phase": {"is": "steady"}, "looked": ["k", {"status": "stable", "drift": false,
        "performance": false, "quality": false, "n_rows": 7, "summary": "Nothing moved."}]}"#;
    let read: WatchState = serde_json::from_str(older).unwrap();
    assert_eq!((read.learned.is_empty(), read.looked.unwrap().1.n_known), (true, 0));
}

#[test]
fn what_a_clock_that_was_ahead_wrote_down_counts_from_now_on() {
    let late = "2030-01-01T00:00:00Z".to_owned();
    let since = late.clone();
    let trial = Phase::Trial { version: 2, since: since.clone(), before: BTreeSet::new() };
    let mut state = WatchState { retrained: Some(late), ..state(trial) };
    assert!(state.not_ahead_of(&day(4)));
    assert_eq!((state.since.as_str(), state.retrained.clone()), (START, Some(day(4))));
    assert!(matches!(&state.phase, Phase::Trial { since, .. } if *since == day(4)));
    assert!(!state.not_ahead_of(&day(4)), "once");
    assert!(!state.not_ahead_of("2026-03-03T23:50:00Z"), "clocks differ by minutes");
}

#[test]
fn a_run_of_a_watch_is_not_lost_as_long_as_its_process_is_heard_of() {
    use crate::store::{NewRun, RunStatus};
    let folder = Folder::new("watch-beat");
    let mut store = Store::open(&folder.path().join("store"), START).unwrap();
    let run = NewRun { started: START.to_owned(), ..NewRun::default() };
    let id = store.begin_run(&run).unwrap();
    let lock = store.lock_watch("churn@champion", START).unwrap();
    store.beat_watch(&lock, &day(2)).unwrap();
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
    let canary = |text: &str| format!("{good}[rollout.canary]\n{text}");
    refused(&canary("servers = []"), "rollout.canary.servers");
    refused(&canary("servers = [\"host:80\"]"), "rollout.canary.servers");
    refused(&canary("servers = [\"http://me:secret@h:80/\"]"), "without user and password");
    assert!(WatchConfig::parse(&canary("servers = [\"http://h/x@y\"]")).is_ok());
    let server = "servers = [\"http://h\"]\n";
    refused(&canary(&format!("{server}percents = [50, 10]")), "rollout.canary.percents");
    refused(&canary(&format!("{server}percents = [200]")), "rollout.canary.percents");
    refused(&canary(&format!("{server}key = \"secret\"")), "rollout.canary.key");
}
