//! A second level of models: let in where it pays, never by chance, the same wherever asked.

use modelwright_automl::offers::pick;
use modelwright_automl::{FitInput, FitOutcome, Predictor, explain};
use modelwright_core::Context;
use modelwright_core::context::Settings;
use modelwright_core::data::{Column, RawRow, Table};
use modelwright_core::random::Random;
use modelwright_core::record::{Picked, SecondLevelRecord};
use modelwright_inspect::explain::shapley::{Background, Origin, ShapleyOptions};

use super::{comparable, fit_ok, input};

/// In one half of the rows the target is a line, in the other steps: one learner is right in each,
/// and no weight for all rows is.
fn planted(seed: u64, n_rows: usize, target: &str) -> Table {
    let mut random = Random::new(seed);
    let side: Vec<f64> = (0..n_rows).map(|_| f64::from(random.unit() < 0.5)).collect();
    let xs: Vec<Vec<f64>> =
        (0..4).map(|_| (0..n_rows).map(|_| random.normal()).collect()).collect();
    let value = |i: usize, random: &mut Random| {
        let line: f64 = xs.iter().zip([2.0, -1.5, 1.0, 1.5]).map(|(x, w)| w * x[i]).sum();
        let sign = |x: f64| if x > 0.0 { 1.0 } else { -1.0 };
        let steps = 3.0 * sign(xs[0][i]) * sign(xs[1][i]);
        (if side[i] > 0.5 { line } else { steps }) + 0.3 * random.normal()
    };
    let values: Vec<f64> = (0..n_rows).map(|i| value(i, &mut random)).collect();
    let mut columns = vec![Column::numbers("side", side.clone())];
    columns.extend(xs.iter().enumerate().map(|(k, x)| Column::numbers(format!("x{k}"), x.clone())));
    columns.push(if target == "value" {
        Column::numbers("value", values)
    } else {
        let label = |v: &f64| Some(if *v > 0.5 { "yes" } else { "no" });
        Column::strings(target, values.iter().map(label))
    });
    Table::new(columns).unwrap()
}

fn asked(table: Table, target: &str) -> FitInput {
    let mut asked = input(10, "signal");
    asked.table = table;
    asked.schema = asked.table.storage_schema();
    asked.options.exclude.clear();
    target.clone_into(&mut asked.options.target);
    "best".clone_into(&mut asked.options.preset);
    asked.options.learners = ["linear", "extra_trees"].map(str::to_owned).to_vec();
    asked
}

fn account(outcome: &FitOutcome) -> &SecondLevelRecord {
    outcome.record.second_level.as_ref().unwrap()
}

fn mean_loss(predictor: &Predictor, table: &Table) -> f64 {
    let ctx = Context::unlimited(0, 1);
    let said = predictor.predict(table, &ctx).unwrap();
    let truth = predictor.encode_target(table).unwrap();
    let n = table.n_rows() as f64;
    match truth {
        modelwright_core::task::Target::Real(values) => {
            values.iter().zip(&said.values).map(|(y, p)| (y - p).powi(2)).sum::<f64>() / n
        }
        modelwright_core::task::Target::Class { codes, .. } => {
            let of = |(code, p): (&u32, &f64)| -(if *code == 1 { *p } else { 1.0 - p }).ln();
            codes.iter().zip(&said.values).map(of).sum::<f64>() / n
        }
    }
}

#[test]
fn a_correction_that_is_let_in_costs_fresh_rows_nothing_and_holds_everywhere() {
    let fit = |second_level: bool| {
        let mut asked = asked(planted(3, 600, "value"), "value");
        asked.options.holdout = 0.0;
        asked.options.second_level = second_level;
        fit_ok(asked, &Context::unlimited(3, 2))
    };
    let (fresh, with, without) = (planted(4, 2_000, "value"), fit(true), fit(false));
    let account = account(&with);
    assert!(!account.tried.is_empty(), "{account:?}");
    let is_let_in = account.tried.iter().any(|trial| trial.accepted);
    assert_eq!(account.kind != "none", is_let_in, "{account:?}");
    assert_eq!(account.kind, "booster", "trees know which side to trust where: {account:?}");
    assert_eq!(without.record.second_level, None);
    let [after, before] = [&with, &without].map(|o| mean_loss(&o.predictor, &fresh));
    assert!(after < 1.01 * before, "{after} with it, {before} without: {account:?}");
    rows_are_predicted_alike(&with.predictor, &fresh);
    explanations_add_up(&with.predictor, &fresh);
    a_smaller_model_has_none(&with, &fresh);
}

fn rows_are_predicted_alike(predictor: &Predictor, table: &Table) {
    let ctx = Context::unlimited(0, 1);
    let table = table.select(&(0..50).collect::<Vec<u32>>());
    let all = predictor.predict(&table, &ctx).unwrap();
    let again = Predictor::decode(&predictor.encode().unwrap()).unwrap();
    assert_eq!(again.predict(&table, &ctx).unwrap(), all);
    assert_eq!(again.encode().unwrap(), predictor.encode().unwrap());
    let (mut row, mut memory) = (RawRow::default(), predictor.row_memory());
    for i in 0..table.n_rows() {
        row.take(&table, i, &predictor.schema);
        let one = predictor.predict_row(&row, &mut memory, &ctx).unwrap();
        assert_eq!(one.values[0].to_bits(), all.values[i].to_bits(), "row {i}");
    }
}

fn explanations_add_up(predictor: &Predictor, table: &Table) {
    let ctx = Context::unlimited(0, 2);
    let background =
        Background::of_rows(table.select(&(100..110).collect::<Vec<u32>>()), Origin::File);
    let rows = table.select(&[0, 1, 2]);
    let found =
        explain::rows(predictor, &rows, &background, &ShapleyOptions::default(), &ctx).unwrap();
    let n = found.columns.len();
    for row in 0..3 {
        let sum: f64 = found.values[row * n..(row + 1) * n].iter().sum();
        let whole = found.base_values[0] + sum;
        assert!((whole - found.predictions[row]).abs() < 1e-9, "{whole}");
    }
}

fn a_smaller_model_has_none(outcome: &FitOutcome, table: &Table) {
    let ctx = Context::unlimited(0, 1);
    let again = Predictor::decode(&outcome.predictor.encode().unwrap()).unwrap();
    let picked = Picked { offer: 1, one_model_each: false };
    let (smaller, record) = pick(again, outcome.record.clone(), picked).unwrap();
    assert_eq!(record.second_level, None);
    assert!(smaller.predict(table, &ctx).is_ok());
    let whole = Predictor::decode(&outcome.predictor.encode().unwrap()).unwrap();
    let picked = Picked { offer: 0, one_model_each: true };
    let (whole, record) = pick(whole, outcome.record.clone(), picked).unwrap();
    assert_eq!(record.second_level, outcome.record.second_level);
    assert!(whole.predict(table, &ctx).is_ok());
}

#[test]
fn threads_change_nothing_and_a_replay_repeats_it() {
    let run = |ctx: &Context| {
        let mut asked = asked(planted(3, 600, "value"), "value");
        asked.options.holdout = 0.0;
        let outcome = fit_ok(asked, ctx);
        (outcome.predictor.encode().unwrap(), comparable(&outcome), outcome)
    };
    let (bytes, record, outcome) = run(&Context::unlimited(3, 1));
    assert!(!account(&outcome).tried.is_empty(), "{:?}", account(&outcome));
    for threads in [2, 4] {
        let (other, its_record, _) = run(&Context::unlimited(3, threads));
        assert!(other == bytes, "{threads} threads");
        assert_eq!(its_record, record);
    }
    let settings = |replay| Settings { seed: 3, threads: 2, replay, ..Settings::default() };
    let limit = Some(std::time::Duration::from_mins(10));
    let live = Settings { time_limit: limit, ..settings(None) };
    let (bytes, record, outcome) = run(&Context::new(live).unwrap());
    let decisions = outcome.record.decisions.clone();
    let (again, its_record, _) = run(&Context::new(settings(Some(decisions))).unwrap());
    assert!(again == bytes);
    assert_eq!(its_record, record);
}

#[test]
fn nothing_is_let_in_on_pure_noise_and_little_on_weak_signals() {
    let noise = |seed: u64, signal: f64| {
        let mut random = Random::new(seed);
        let xs: Vec<Vec<f64>> =
            (0..5).map(|_| (0..500).map(|_| random.normal()).collect()).collect();
        let y = (0..500).map(|i| signal * xs[0][i] + random.normal()).collect::<Vec<f64>>();
        let columns = xs.into_iter().enumerate().map(|(k, x)| Column::numbers(format!("x{k}"), x));
        Table::new(columns.chain([Column::numbers("y", y)]).collect()).unwrap()
    };
    for (signal, n_max) in [(0.0, 0), (0.5, 2)] {
        let mut let_in = 0;
        for seed in 0..8 {
            let mut asked = asked(noise(seed, signal), "y");
            // What untouched rows say takes longest, and nothing here depends on it.
            asked.options.holdout = 0.0;
            let outcome = fit_ok(asked, &Context::unlimited(seed, 2));
            let kind = outcome.record.second_level.as_ref().map(|level| level.kind.as_str());
            let_in += usize::from(kind.is_some_and(|kind| kind != "none"));
        }
        assert!(let_in <= n_max, "{let_in} of 8 at a signal of {signal}");
    }
}

#[test]
fn what_was_forbidden_bound_or_alone_has_none() {
    let of = |change: &dyn Fn(&mut FitInput)| {
        let mut asked = asked(planted(1, 600, "value"), "value");
        asked.options.holdout = 0.0;
        change(&mut asked);
        fit_ok(asked, &Context::unlimited(1, 2)).record.second_level
    };
    assert_eq!(of(&|i| "quick".clone_into(&mut i.options.preset)), None);
    assert_eq!(of(&|i| i.options.second_level = false), None);
    assert_eq!(of(&|i| i.options.interpretable = true), None);
    let bound = |i: &mut FitInput| {
        i.options.learners = vec!["gbdt".to_owned()];
        i.options.monotone = Some("x2:+1".to_owned());
    };
    assert_eq!(of(&bound), None);
    assert_eq!(of(&|i| i.options.max_latency_us = Some(1e6)), None);
    assert_eq!(of(&|i| i.options.metric = Some("mae".to_owned())), None, "means are no medians");
}
