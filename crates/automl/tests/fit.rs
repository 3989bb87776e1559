//! The main job as a library call: determinism, replay, interruption, tasks, roles, bad input.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "fit/constraint.rs"]
mod constraint;
#[path = "fit/copies.rs"]
mod copies;
#[path = "fit/derived.rs"]
mod derived;
#[path = "fit/distill.rs"]
mod distill;
#[path = "fit/explain.rs"]
mod explain;
#[path = "fit/feature_cost.rs"]
mod feature_cost;
#[path = "fit/groups.rs"]
mod groups;
#[path = "fit/honest.rs"]
mod honest;
#[path = "fit/later.rs"]
mod later;
#[path = "fit/levels.rs"]
mod levels;
#[path = "fit/more_rows.rs"]
mod more_rows;
#[path = "fit/nested.rs"]
mod nested;
#[path = "fit/own_learner.rs"]
mod own_learner;
#[path = "fit/refit.rs"]
mod refit;
#[path = "fit/repeats.rs"]
mod repeats;
#[path = "fit/row.rs"]
mod row;
#[path = "fit/second_lap.rs"]
mod second_lap;
#[path = "fit/second_level.rs"]
mod second_level;
#[path = "fit/single.rs"]
mod single;
#[path = "fit/uncertainty.rs"]
mod uncertainty;
#[path = "fit/whole_file.rs"]
mod whole_file;
#[path = "fit/width.rs"]
mod width;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use modelwright_automl::{FitInput, FitOutcome, Own, Predictor, fit};
use modelwright_core::context::{Event, Progress, Settings};
use modelwright_core::data::{Column, Table};
use modelwright_core::random::Random;
use modelwright_core::record::{DataSource, Options, TrialStatus};
use modelwright_core::task::Task;
use modelwright_core::{Context, ErrorKind};

/// A table with numbers, a category, missing values, and targets for three tasks.
fn table(n_rows: usize) -> Table {
    let mut random = Random::new(11);
    let x: Vec<f64> = (0..n_rows).map(|_| random.normal()).collect();
    let z: Vec<f64> = (0..n_rows)
        .map(|_| if random.unit() < 0.1 { f64::NAN } else { random.unit() * 10.0 })
        .collect();
    let levels = ["red", "green", "blue"];
    let colour: Vec<usize> = (0..n_rows).map(|_| random.below(3)).collect();
    let signal: Vec<f64> = (0..n_rows)
        .map(|i| {
            let z = if z[i].is_nan() { 5.0 } else { z[i] };
            x[i] + (z - 5.0) * 0.3 + colour[i] as f64 * 0.8 + random.normal() * 0.5
        })
        .collect();
    let groups: Vec<f64> = (0..n_rows).map(|i| (i / 7) as f64).collect();
    let label = |s: f64| if s > 0.8 { "yes" } else { "no" };
    let grade = |s: f64| {
        if s > 1.5 {
            "high"
        } else if s > 0.0 {
            "mid"
        } else {
            "low"
        }
    };
    Table::new(vec![
        Column::numbers("x", x),
        Column::numbers("z", z),
        Column::strings("colour", colour.iter().map(|c| Some(levels[*c]))),
        Column::numbers("household", groups),
        Column::numbers("weight", (0..n_rows).map(|i| 1.0 + (i % 3) as f64).collect::<Vec<f64>>()),
        Column::strings("label", signal.iter().map(|s| Some(label(*s)))),
        Column::strings("grade", signal.iter().map(|s| Some(grade(*s)))),
        Column::numbers(
            "signal",
            signal.iter().map(|s| (s * 100.0).round() / 100.0).collect::<Vec<f64>>(),
        ),
    ])
    .unwrap()
}

fn input(n_rows: usize, target: &str) -> FitInput {
    let table = table(n_rows);
    let mut options = Options::new(target);
    "quick".clone_into(&mut options.preset);
    let others = ["label", "grade", "signal", "weight", "household"];
    options.exclude = others.iter().filter(|c| **c != target).map(|c| (*c).to_owned()).collect();
    FitInput {
        schema: table.storage_schema(),
        table,
        source: DataSource { name: "test".to_owned(), ..DataSource::default() },
        test: None,
        options,
        own: Own::default(),
        all_rows: None,
    }
}

fn fit_ok(input: FitInput, ctx: &Context) -> FitOutcome {
    match fit(input, ctx) {
        Ok(outcome) => outcome,
        Err(error) => panic!("{error}"),
    }
}

/// The record without what depends on the clock.
fn comparable(outcome: &FitOutcome) -> String {
    let mut record = outcome.record.clone();
    record.clock = modelwright_core::record::Clock::default();
    serde_json::to_string(&record).unwrap()
}

#[test]
fn every_task_beats_its_baseline_on_untouched_rows() {
    for (target, task) in
        [("label", Task::Binary), ("grade", Task::Multiclass), ("signal", Task::Regression)]
    {
        let outcome = fit_ok(input(600, target), &Context::unlimited(1, 2));
        let record = &outcome.record;
        assert_eq!(record.task.task, task);
        let evaluation = record.evaluation.as_ref().unwrap();
        let value = evaluation.metrics[0].value.unwrap();
        let baseline = evaluation.baseline[0].value.unwrap();
        let better = if record.task.larger_is_better { value - baseline } else { baseline - value };
        assert!(better > 0.1 * baseline.abs(), "{target}: {value} against {baseline}");
        let ci = evaluation.metrics[0].ci95.unwrap();
        assert!(ci.low <= value && value <= ci.high, "{ci:?} {value}");
        let weights: f64 = record.ensemble.members.iter().map(|m| m.weight).sum();
        assert!((weights - 1.0).abs() < 1e-9);
        assert!(record.importances.iter().any(|i| i.column == "x"), "{:?}", record.importances);
    }
}

#[test]
fn threads_change_nothing_and_the_seed_does() {
    let run = |seed, threads| {
        let outcome = fit_ok(input(300, "grade"), &Context::unlimited(seed, threads));
        (outcome.predictor.encode().unwrap(), comparable(&outcome))
    };
    let one = run(3, 1);
    assert_eq!(one, run(3, 2));
    assert_eq!(one, run(3, 4));
    assert_ne!(one.0, run(4, 2).0);
}

#[test]
fn a_budgeted_run_is_repeated_byte_for_byte() {
    let settings = |replay| Settings {
        seed: 5,
        threads: 2,
        time_limit: Some(Duration::from_millis(1500)),
        replay,
        ..Settings::default()
    };
    let mut asked = input(4000, "label");
    "best".clone_into(&mut asked.options.preset);
    let live = fit_ok(asked, &Context::new(settings(None)).unwrap());
    let decisions = live.record.decisions.clone();
    assert!(!decisions.chosen.is_empty());
    let mut asked = input(4000, "label");
    "best".clone_into(&mut asked.options.preset);
    let replay = Settings { time_limit: None, threads: 1, ..settings(Some(decisions)) };
    let again = fit_ok(asked, &Context::new(replay).unwrap());
    assert_eq!(live.predictor.encode().unwrap(), again.predictor.encode().unwrap());
    assert_eq!(comparable(&live), comparable(&again));
}

/// Cancels as soon as the trial `after` has ended.
struct CancelAfter {
    after: &'static str,
    cancel: Arc<AtomicBool>,
}

impl Progress for CancelAfter {
    fn event(&self, event: Event) {
        if matches!(event, Event::Trial { name, .. } if name == self.after) {
            self.cancel.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn an_interrupted_fit_leaves_the_best_model_so_far() {
    for after in ["baseline", "linear"] {
        let cancel = Arc::new(AtomicBool::new(false));
        let ctx = Context::new(Settings {
            threads: 2,
            cancel: cancel.clone(),
            progress: Box::new(CancelAfter { after, cancel }),
            ..Settings::default()
        })
        .unwrap();
        let outcome = fit_ok(input(500, "signal"), &ctx);
        let last = outcome.record.trials.last().unwrap();
        assert_eq!(last.status, TrialStatus::Skipped, "{after}");
        assert_eq!(outcome.record.ensemble.members[0].trial, after);
        assert!(outcome.record.evaluation.is_some());
    }
}

#[test]
fn a_predictor_survives_its_bytes_and_predicts_row_by_row_the_same() {
    let outcome = fit_ok(input(400, "grade"), &Context::unlimited(2, 2));
    let ctx = Context::unlimited(0, 1);
    let read = Predictor::decode(&outcome.predictor.encode().unwrap()).unwrap();
    let rows = table(50);
    let batch = outcome.predictor.predict(&rows, &ctx).unwrap();
    assert_eq!(batch, read.predict(&rows, &ctx).unwrap());
    for row in 0..50 {
        let one = read.predict(&rows.select(&[row]), &ctx).unwrap();
        assert_eq!(one.values, batch.row(row as usize));
    }
}

#[test]
fn weights_and_groups_are_used_and_are_not_features() {
    let mut asked = input(700, "label");
    asked.options.exclude.retain(|c| c != "weight" && c != "household");
    asked.options.weight = Some("weight".to_owned());
    asked.options.group = Some("household".to_owned());
    let outcome = fit_ok(asked, &Context::unlimited(0, 2));
    assert_eq!(outcome.record.split.kind, "group");
    let used: Vec<&str> = outcome.predictor.schema.fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(used, ["x", "z", "colour"]);
}

#[test]
fn few_groups_mean_few_folds() {
    let mut asked = input(300, "label");
    asked.options.group = Some("colour".to_owned());
    let outcome = fit_ok(asked, &Context::unlimited(0, 2));
    assert_eq!(outcome.record.plan.n_folds, 2, "one of three colours is held out");
}

#[test]
fn untouched_rows_of_one_class_leave_the_metric_undefined_and_the_model_whole() {
    let mut asked = input(300, "label");
    asked.options.exclude.retain(|c| c != "grade");
    asked.options.group = Some("grade".to_owned());
    let outcome = fit_ok(asked, &Context::unlimited(0, 2));
    let evaluation = outcome.record.evaluation.unwrap();
    assert_eq!(evaluation.metrics[0].value, None);
    assert!(evaluation.metrics[0].note.as_ref().unwrap().contains("undefined"));
    assert!(outcome.record.importances.is_empty());
}

#[test]
fn a_test_table_replaces_the_holdout() {
    let mut asked = input(400, "signal");
    asked.test =
        Some((table(90), DataSource { name: "later.csv".to_owned(), ..DataSource::default() }));
    let outcome = fit_ok(asked, &Context::unlimited(0, 2));
    assert_eq!((outcome.record.split.n_train, outcome.record.split.n_holdout), (400, 90));
    assert_eq!(outcome.record.evaluation.unwrap().on, "later.csv");
}

#[test]
fn tiny_tables_are_fitted_or_refused_in_words() {
    for n_rows in [5, 8, 12, 25] {
        match fit(input(n_rows, "signal"), &Context::unlimited(0, 2)) {
            Ok(outcome) => {
                assert!(outcome.record.evaluation.is_none());
                assert!(!outcome.record.warnings.is_empty());
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Input, "{error}"),
        }
    }
}

#[test]
fn wrong_questions_are_refused_with_a_hint() {
    type Change = fn(&mut Options);
    let cases: [(&str, Change); 10] = [
        ("no such column", |o| o.target = "lable".to_owned()),
        ("--metric", |o| o.metric = Some("rmse".to_owned())),
        ("--metric", |o| o.metric = Some("roc_auk".to_owned())),
        ("--split", |o| o.split = Some("group".to_owned())),
        ("--split", |o| o.split = Some("grup".to_owned())),
        ("--holdout", |o| o.holdout = 1.5),
        ("--preset", |o| o.preset = "bestest".to_owned()),
        ("--refit", |o| o.refit = "al".to_owned()),
        ("second role", |o| o.exclude.push("label".to_owned())),
        ("--positive", |o| o.positive = Some("maybe".to_owned())),
    ];
    for (fragment, change) in cases {
        let mut asked = input(60, "label");
        change(&mut asked.options);
        let Err(error) = fit(asked, &Context::unlimited(0, 1)) else {
            panic!("{fragment} was accepted")
        };
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(error.to_string().contains(fragment), "{fragment}: {error}");
    }
}

#[test]
fn labels_that_were_flipped_are_named_by_their_rows_in_the_file() {
    // A rule that all rows follow but the flipped ones; some rows have no target.
    let n = 400_usize;
    let flipped = [7, 50, 120, 150, 222, 300];
    let x: Vec<f64> = (0..n).map(|i| (i % 20) as f64 - 9.5).collect();
    let label = |i: usize| match i {
        3 | 90 => None,
        i => Some(if (x[i] > 0.0) == flipped.contains(&i) { "no" } else { "yes" }),
    };
    let labels: Vec<Option<&str>> = (0..n).map(label).collect();
    let columns = vec![
        Column::numbers("noise", (0..n).map(|i| (i * 37 % 11) as f64).collect::<Vec<f64>>()),
        Column::strings("signal", labels),
        Column::numbers("x", x),
    ];
    let table = Table::new(columns).unwrap();
    let mut asked = input(1, "signal");
    asked.schema = table.storage_schema();
    asked.table = table;
    asked.options.exclude.clear();
    asked.options.keep_leaks = true;
    let suspects = fit_ok(asked, &Context::unlimited(0, 2)).record.suspects.unwrap();
    let rows: Vec<u64> = suspects.rows.iter().filter_map(|s| s.row).collect();
    // Some of them were held out; counting begins with 1.
    let in_file: Vec<u64> = flipped.iter().map(|row| *row as u64 + 1).collect();
    assert!(rows.len() >= 3 && rows.iter().take(3).all(|r| in_file.contains(r)), "{suspects:?}");
}

#[test]
fn a_test_table_that_does_not_fit_is_refused_before_anything_is_learned() {
    let mut asked = input(200, "label");
    let mut labels: Vec<Option<&str>> = vec![None, Some("no"), Some("perhaps")];
    labels.extend([Some("yes"); 7]);
    let test = table(10);
    let columns = test.columns().iter().map(|c| match c.name.as_str() {
        "label" => Column::strings("label", labels.iter().copied()),
        _ => c.clone(),
    });
    let source = DataSource { name: "later.csv".to_owned(), ..DataSource::default() };
    asked.test = Some((Table::new(columns.collect()).unwrap(), source));
    let error = fit(asked, &Context::unlimited(0, 1)).err().unwrap();
    let place = error.place();
    assert_eq!((place.source.as_deref(), place.row), (Some("later.csv"), Some(3)), "{error}");
}

#[test]
fn weights_that_leave_one_class_are_refused_and_a_weight_is_no_leak() {
    let of_label = |yes: f64, no: f64| {
        let mut asked = input(400, "label");
        let label = asked.table.column("label").unwrap().clone();
        let weight = |row: usize| if label.text(row) == Some("yes") { yes } else { no };
        let weights = Column::numbers("weight", (0..400).map(weight).collect::<Vec<f64>>());
        let columns = asked.table.columns().iter();
        let columns = columns.map(|c| if c.name == "weight" { &weights } else { c }).cloned();
        asked.table = Table::new(columns.collect()).unwrap();
        asked.options.weight = Some("weight".to_owned());
        fit(asked, &Context::unlimited(0, 2))
    };
    let error = of_label(1.0, 0.0).err().unwrap().to_string();
    assert!(error.contains("of one class") && error.contains("--weight"), "{error}");
    assert_eq!(of_label(3.0, 1.0).unwrap().record.leakage, []);
}

#[test]
fn a_booster_that_learns_nothing_is_not_called_stopped() {
    let mut n_without_a_score = 0;
    for seed in 5..13 {
        let mut asked = input(200, "label");
        let mut random = Random::new(seed);
        let labels: Vec<bool> = (0..200).map(|_| random.unit() < 0.5).collect();
        let columns = asked.table.columns().iter().map(|c| match c.name.as_str() {
            "label" => {
                Column::strings("label", labels.iter().map(|l| Some(if *l { "a" } else { "b" })))
            }
            _ => c.clone(),
        });
        asked.table = Table::new(columns.collect()).unwrap();
        asked.options.learners = vec!["gbdt".to_owned()];
        let record = fit(asked, &Context::unlimited(0, 2)).unwrap().record;
        let booster = record.trials.iter().find(|t| t.trial.learner == "gbdt").unwrap();
        assert_eq!(booster.status, TrialStatus::Done, "{booster:?}");
        assert!(record.is_exhausted, "more time would change nothing");
        if booster.score.is_none() {
            n_without_a_score += 1;
            assert!(booster.note.as_ref().unwrap().contains("not one round"), "{booster:?}");
        }
    }
    assert!(n_without_a_score > 0, "every booster found something in noise");
}
