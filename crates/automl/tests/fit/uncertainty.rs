//! Calibration, costs and intervals through a whole fit.

use modelwright_automl::{FitInput, FitOutcome, Own, Predictor, Regions};
use std::time::Duration;

use modelwright_core::context::Settings;
use modelwright_core::data::{Column, Table};
use modelwright_core::params::ParamValue;
use modelwright_core::random::Random;
use modelwright_core::record::{DataSource, Options, Single};
use modelwright_core::task::Predictions;
use modelwright_core::{Context, ErrorKind};

use super::{comparable, fit_ok, input};

/// A number whose spread grows with `x`, in four sites of which one is far noisier.
fn spread(n_rows: usize, seed: u64) -> Table {
    let mut random = Random::new(seed);
    let x: Vec<f64> = (0..n_rows).map(|_| random.unit() * 4.0).collect();
    let z: Vec<f64> = (0..n_rows).map(|_| random.normal()).collect();
    let site: Vec<usize> = (0..n_rows).map(|_| random.below(4)).collect();
    let y = (0..n_rows).map(|i| {
        let noise = (0.2 + x[i]) * if site[i] == 3 { 2.0 } else { 1.0 };
        (3.0 * x[i] + z[i] + noise * random.normal()) * 100.0
    });
    let y: Vec<f64> = y.map(f64::round).collect();
    let names = ["north", "east", "south", "west"];
    Table::new(vec![
        Column::numbers("x", x),
        Column::numbers("z", z),
        Column::strings("site", site.iter().map(|s| Some(names[*s]))),
        Column::numbers("y", y),
    ])
    .unwrap()
}

fn asked(table: Table, target: &str, change: impl FnOnce(&mut Options)) -> FitInput {
    let mut options = Options::new(target);
    "quick".clone_into(&mut options.preset);
    change(&mut options);
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

/// The share of fresh rows whose intervals of the first level hold the truth, and their mean width.
fn reached(outcome: &FitOutcome, fresh: &Table) -> (f64, f64) {
    let ctx = Context::unlimited(0, 2);
    let predictions = outcome.predictor.predict(fresh, &ctx).unwrap();
    let truth = outcome.predictor.encode_target(fresh).unwrap();
    let held = outcome.predictor.held(fresh, &predictions, &truth, &ctx).unwrap().unwrap();
    let first = held.reached(None, None)[0].reached.unwrap();
    (first.share, first.mean_size)
}

#[test]
fn intervals_hold_what_is_stated_and_are_wide_where_the_noise_is() {
    let fresh = spread(6_000, 99);
    for seed in 0..3 {
        let outcome = fit_ok(asked(spread(3_000, seed), "y", |_| {}), &Context::unlimited(seed, 2));
        let record = outcome.record.intervals.as_ref().unwrap();
        assert_eq!(record.method, "quantiles", "{}", record.reason);
        let [constant, learned] = record.compared.as_slice() else { panic!("{record:?}") };
        assert!(learned.interval_score < 0.95 * constant.interval_score, "{record:?}");
        let (share, _) = reached(&outcome, &fresh);
        // 2,400 rows calibrate: binomial bounds of both sets, and the refit's own gain.
        assert!((share - 0.9).abs() < 0.03, "seed {seed}: {share}");
        let on_holdout = record.levels[0].reached.unwrap();
        assert_eq!(on_holdout.n_rows, 600);
        assert!(on_holdout.ci95.low < 0.93 && on_holdout.ci95.high > 0.87, "{on_holdout:?}");
        let of_x = |low: f64, high: f64| {
            let Some(modelwright_core::data::ColumnData::Number(x)) =
                fresh.column("x").map(|c| c.data.clone())
            else {
                panic!("x is a number")
            };
            let rows: Vec<u32> =
                (0..6_000_u32).filter(|r| (low..high).contains(&x.at(*r as usize))).collect();
            reached(&outcome, &fresh.select(&rows))
        };
        let (quiet, loud) = (of_x(0.0, 0.8), of_x(3.2, 4.0));
        assert!(loud.1 > 2.0 * quiet.1, "widths {quiet:?} {loud:?}");
        assert!(quiet.0 > 0.84 && loud.0 > 0.84, "{quiet:?} {loud:?}");
    }
}

#[test]
fn every_group_is_held_when_groups_are_asked_for() {
    let fit = |group: Option<&str>| {
        let change = |options: &mut Options| {
            options.intervals = Some(vec![0.8, 0.9]);
            options.group_coverage = group.map(str::to_owned);
            // Without the column the model cannot know that one site is noisier.
            options.exclude = vec!["site".to_owned(), "x".to_owned()];
        };
        fit_ok(asked(spread(4_000, 5), "y", change), &Context::unlimited(2, 2))
    };
    let (with, without) = (fit(Some("site")), fit(None));
    assert!(!without.predictor.schema.fields.iter().any(|f| f.name == "site"));
    let field = with.predictor.schema.fields.iter().find(|f| f.name == "site").unwrap();
    assert!(field.optional, "a prediction works without the group");
    let ctx = Context::unlimited(0, 2);
    let of_sites = |outcome: &FitOutcome| -> Vec<f64> {
        let fresh = spread(12_000, 7);
        let site = fresh.column("site").unwrap().clone();
        let of_site = |name: &str| {
            let rows: Vec<u32> =
                (0..12_000).filter(|r| site.text(*r as usize) == Some(name)).collect();
            reached(outcome, &fresh.select(&rows)).0
        };
        ["north", "east", "south", "west"].map(of_site).to_vec()
    };
    let held = of_sites(&with);
    assert!(held.iter().all(|share| (share - 0.8).abs() < 0.045), "{held:?}");
    let without = of_sites(&without);
    assert!(without[3] < 0.76, "one reach for all leaves the noisy site out: {without:?}");
    let groups = &with.record.intervals.as_ref().unwrap().levels[1].groups;
    assert_eq!(groups.len(), 4, "{groups:?}");
    // Importances are of features only.
    assert!(with.record.importances.iter().all(|i| i.column != "site"));
    let table = spread(10, 1);
    let decoded = Predictor::decode(&with.predictor.encode().unwrap()).unwrap();
    let predictions = decoded.predict(&table, &ctx).unwrap();
    let regions = decoded.regions(&table, &predictions, &ctx).unwrap();
    assert_eq!(regions, with.predictor.regions(&table, &predictions, &ctx).unwrap());
}

#[test]
fn sets_hold_the_class_and_each_class_when_that_is_asked_for() {
    for (target, group) in [("grade", None), ("grade", Some("grade")), ("label", None)] {
        let mut given = input(2_500, target);
        given.options.intervals = Some(vec![0.8, 0.95]);
        given.options.group_coverage = group.map(str::to_owned);
        let outcome = fit_ok(given, &Context::unlimited(1, 2));
        let record = outcome.record.intervals.as_ref().unwrap();
        assert_eq!(record.levels.len(), 2);
        for level in &record.levels {
            let reached = level.reached.unwrap();
            assert!(reached.ci95.high > level.level, "{target} {level:?}");
            assert!(reached.mean_size >= 1.0);
            assert_eq!(level.groups.len(), if group.is_some() { 3 } else { 0 });
            for of_class in &level.groups {
                assert!(of_class.reached.ci95.high > level.level, "{of_class:?}");
            }
        }
        assert!(
            record.levels[0].reached.unwrap().mean_size
                <= record.levels[1].reached.unwrap().mean_size
        );
        let table = super::table(5);
        let predictions = outcome.predictor.predict(&table, &Context::unlimited(0, 1)).unwrap();
        let regions = outcome.predictor.regions(&table, &predictions, &Context::unlimited(0, 1));
        let Some(Regions::Sets(levels)) = regions.unwrap() else { panic!("sets of classes") };
        assert_eq!(levels[0].members.len(), 5 * levels[0].n_classes);
    }
}

#[test]
fn a_classification_has_no_sets_and_its_artifact_is_as_ever_unless_they_are_asked_for() {
    let outcome = fit_ok(input(400, "label"), &Context::unlimited(1, 2));
    assert!(outcome.record.intervals.is_none() && outcome.predictor.levels().is_empty());
    let mut none = input(400, "signal");
    none.options.intervals = Some(Vec::new());
    let outcome = fit_ok(none, &Context::unlimited(1, 2));
    assert!(outcome.record.intervals.is_none());
    let few = fit_ok(input(300, "signal"), &Context::unlimited(1, 2));
    let record = few.record.intervals.unwrap();
    assert_eq!((record.method.as_str(), record.levels[0].level), ("constant", 0.9));
}

#[test]
fn costs_decide_and_are_measured() {
    let mut given = input(2_500, "label");
    given.options.cost = [("fn".to_owned(), 9.0)].into();
    let outcome = fit_ok(given, &Context::unlimited(1, 2));
    assert!((outcome.predictor.threshold - 0.1).abs() < 1e-12);
    let record = outcome.record.costs.as_ref().unwrap();
    assert_eq!(record.costs, [[0.0, 1.0], [9.0, 0.0]]);
    let best = record.constants.iter().map(|c| c.cost).fold(f64::INFINITY, f64::min);
    assert!(record.expected_cost.unwrap() < best);
    assert!(record.cheapest.unwrap().y <= record.expected_cost.unwrap() + 1e-12);
    let evaluation = outcome.record.evaluation.as_ref().unwrap();
    let cost = evaluation.metrics.last().unwrap();
    assert_eq!(cost.name, "expected_cost");
    assert!(cost.value < evaluation.baseline.last().unwrap().value && cost.ci95.is_some());

    let mut given = input(1_500, "grade");
    given.options.cost = [("high:low".to_owned(), 30.0), ("high:mid".to_owned(), 30.0)].into();
    let outcome = fit_ok(given, &Context::unlimited(1, 2));
    let undecided = Predictions::new(3, vec![0.1, 0.6, 0.3]);
    let high = outcome.predictor.classes.iter().position(|c| c == "high").unwrap() as u32;
    assert_eq!(
        outcome.predictor.decide(&Table::default(), &undecided),
        [high],
        "dear to miss, even if unlikely"
    );
    let decoded = Predictor::decode(&outcome.predictor.encode().unwrap()).unwrap();
    assert_eq!(decoded.decide(&Table::default(), &undecided), [high]);
}

#[test]
fn what_cannot_be_asked_is_refused_before_any_work() {
    let refuse = |target: &str, n_rows, change: &dyn Fn(&mut Options), words: &[&str]| {
        let mut given = input(n_rows, target);
        change(&mut given.options);
        let error = modelwright_automl::fit(given, &Context::unlimited(0, 1)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Input);
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    };
    let cost = |name: &'static str| {
        move |options: &mut Options| options.cost = [(name.to_owned(), 2.0)].into()
    };
    refuse("label", 200, &cost("yes:nope"), &["--cost", "names no decision"]);
    refuse("signal", 200, &cost("fp"), &["--cost", "classes"]);
    let level = |level| move |o: &mut Options| o.intervals = Some(vec![level]);
    refuse("signal", 200, &level(1.0), &["--intervals", "between 0 and 1"]);
    refuse("signal", 100, &level(0.99), &["--intervals", "at least 99 out-of-fold rows"]);
    let group =
        |column: &'static str| move |o: &mut Options| o.group_coverage = Some(column.to_owned());
    refuse("label", 200, &group("colour"), &["--group-coverage", "add --intervals"]);
    refuse("signal", 200, &group("signal"), &["--group-coverage", "no groups"]);
    refuse("signal", 200, &group("color"), &["--group-coverage", "did you mean `colour`"]);
}

#[test]
fn a_budgeted_run_with_intervals_is_repeated_byte_for_byte() {
    let settings = |replay| Settings {
        seed: 5,
        threads: 2,
        time_limit: Some(Duration::from_millis(2_500)),
        replay,
        ..Settings::default()
    };
    let run = |settings| {
        let change = |options: &mut Options| options.intervals = Some(vec![0.8, 0.9]);
        let ctx = Context::new(settings).unwrap();
        fit_ok(asked(spread(3_000, 3), "y", change), &ctx)
    };
    let live = run(settings(None));
    let decisions = live.record.decisions.clone();
    assert!(decisions.chosen.contains_key(":start/intervals"), "{decisions:?}");
    let again = run(Settings { time_limit: None, threads: 1, ..settings(Some(decisions)) });
    assert_eq!(live.predictor.encode().unwrap(), again.predictor.encode().unwrap());
    assert_eq!(comparable(&live), comparable(&again));
}

#[test]
fn threads_change_nothing_in_intervals_and_calibration() {
    let run = |threads| {
        let change = |options: &mut Options| options.group_coverage = Some("site".to_owned());
        let outcome = fit_ok(asked(spread(900, 3), "y", change), &Context::unlimited(3, threads));
        (outcome.predictor.encode().unwrap(), comparable(&outcome))
    };
    assert_eq!(run(1), run(4));
}

#[test]
fn calibration_does_not_change_the_score_of_a_metric_that_reads_the_order_alone() {
    let mut random = Random::new(5);
    let n = 3_000;
    let x: Vec<f64> = (0..n).map(|_| random.normal()).collect();
    // Two levels of risk, which a straight line in the log odds cannot say.
    let is_hit: Vec<bool> =
        x.iter().map(|x| random.unit() < if *x > 0.4 { 0.75 } else { 0.15 }).collect();
    let labels = is_hit.iter().map(|hit| Some(if *hit { "yes" } else { "no" }));
    let table = Table::new(vec![Column::numbers("x", x), Column::strings("y", labels)]).unwrap();
    let change = |o: &mut Options| o.learners = vec!["linear".to_owned()];
    let record = fit_ok(asked(table, "y", change), &Context::unlimited(3, 2)).record;
    assert_ne!(record.calibration.as_ref().unwrap().method, "none");
    let [member] = record.ensemble.members.as_slice() else { panic!("one member") };
    let trial = record.trials.iter().find(|t| t.trial.name == member.trial).unwrap();
    let (own, whole) = (trial.score.unwrap(), record.ensemble.score.unwrap());
    assert!((own - whole).abs() < 1e-12, "{own} {whole}");
}

#[test]
fn intervals_of_a_learner_of_quantiles_are_wide_where_the_noise_is() {
    let params = [("quantiles", "0.1,0.5,0.9")];
    let single = |o: &mut Options| {
        o.single = Some(Single {
            learner: "gbdt".to_owned(),
            params: params
                .iter()
                .map(|(n, v)| ((*n).to_owned(), ParamValue::Choice((*v).to_owned())))
                .collect(),
            encoding: None,
            n_folds: None,
        });
    };
    let outcome = fit_ok(asked(spread(3_000, 1), "y", single), &Context::unlimited(1, 2));
    let record = outcome.record.intervals.as_ref().unwrap();
    assert_eq!(record.method, "quantiles", "{}", record.reason);
}
