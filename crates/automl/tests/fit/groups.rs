//! Groups are audited on the untouched rows, and decisions kept fair where that is asked.

use modelwright_automl::Predictor;
use modelwright_automl::explain::{CounterfactualOptions, Direction};
use modelwright_automl::explain::{Desired, counterfactuals};
use modelwright_core::Context;
use modelwright_core::context::Settings;
use modelwright_core::data::{Column, Table};
use modelwright_core::record::{Judgement, Options, Picked};

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{CancelAfter, FitInput, fit, fit_ok, input, table};

fn asked(fair: Option<&str>) -> FitInput {
    let mut asked = input(1500, "label");
    asked.options.sensitive = vec!["colour".to_owned()];
    asked.options.fair = fair.map(str::to_owned);
    asked
}

#[test]
fn groups_of_a_sensitive_column_are_audited_on_the_untouched_rows() {
    let outcome = fit_ok(asked(None), &Context::unlimited(3, 2));
    let record = outcome.record;
    let fairness = record.fairness.unwrap();
    assert_eq!(fairness.n_rows, record.evaluation.unwrap().n_rows);
    let [audit] = fairness.audits.as_slice() else { panic!("one column, one audit") };
    let names: Vec<&str> = audit.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(names, ["blue", "green", "red"]);
    assert_eq!(audit.judgement, Judgement::Unequal, "{}", audit.verdict);
    assert!(record.mitigation.is_none());
}

#[test]
fn fair_thresholds_close_the_gap_and_travel_with_the_model() {
    let outcome = fit_ok(asked(Some("demographic_parity")), &Context::unlimited(3, 2));
    let made = outcome.record.mitigation.as_ref().unwrap();
    assert!(made.before.gap > 0.2 && made.after.gap <= 0.05, "{made:?}");
    let (before, after) = made.held.unwrap();
    assert!(after.gap < before.gap / 2.0, "{before:?} {after:?}");
    assert_eq!(made.front.len(), 7);
    let ctx = Context::unlimited(0, 1);
    let rows = table(200);
    let decoded = Predictor::decode(&outcome.predictor.encode().unwrap()).unwrap();
    let predictions = decoded.predict(&rows, &ctx).unwrap();
    let decided = decoded.decide(&rows, &predictions);
    assert_eq!(decided, outcome.predictor.decide(&rows, &predictions));
    assert_ne!(decided, predictions.classes(decoded.threshold));
    // A group that training did not know is decided as everybody.
    let grey = rows.columns().iter().map(|c| match c.name.as_str() {
        "colour" => Column::strings("colour", (0..200).map(|_| Some("grey"))),
        _ => c.clone(),
    });
    let grey = Table::new(grey.collect()).unwrap();
    assert_eq!(decoded.decide(&grey, &predictions), predictions.classes(decoded.threshold));
    let again = fit_ok(asked(Some("demographic_parity")), &Context::unlimited(3, 1));
    assert_eq!(again.predictor.encode().unwrap(), outcome.predictor.encode().unwrap());
}

fn learned(method: &str) -> FitInput {
    let mut asked = asked(Some("demographic_parity"));
    asked.options.mitigation = Some(method.to_owned());
    asked
}

#[test]
fn members_that_learned_fairly_close_the_gap_with_one_threshold_for_everybody() {
    let ctx = Context::unlimited(0, 1);
    let rows = table(200);
    for method in ["reweighing", "exponentiated_gradient"] {
        let outcome = fit_ok(learned(method), &Context::unlimited(3, 2));
        let record = &outcome.record;
        let made = record.mitigation.as_ref().unwrap();
        assert_eq!(made.method, method);
        let own = made.tried.iter().find(|t| t.method == method).unwrap();
        assert!(own.n_fits > 0 && !own.needs_columns, "{own:?}");
        assert!(made.before.gap > 0.2 && made.after.gap <= 0.05, "{made:?}");
        // Learning does better than another threshold for the model as it was: reweighing a
        // little, for it does not aim at a gap; the game much, for it does.
        let plain = made.tried.iter().find(|t| t.method == "one_threshold").unwrap();
        let gains = own.front.iter().zip(&plain.front).map(|(a, b)| a.accuracy - b.accuracy);
        let gains: Vec<f64> = gains.collect();
        assert!(gains[1] > 0.03 && gains.iter().all(|gain| *gain > -0.02), "{method}: {gains:?}");
        if method == "reweighing" {
            assert!(own.front[0].gap < made.before.gap - 0.08, "{made:?}");
            let warnings = record.warnings.join(" ");
            assert!(warnings.contains("costs") && warnings.contains("auto"), "{warnings}");
        } else {
            assert!(gains[4] > 0.15, "{gains:?}");
        }
        let (before, after) = made.held.unwrap();
        assert!(after.gap < before.gap / 2.0, "{method}: {before:?} {after:?}");
        // Members are trials of the record, learned on all rows at last.
        for member in &record.ensemble.members {
            assert!(record.trials.iter().any(|t| t.trial.name == member.trial));
            assert!(member.is_refit && !made.learned_from.contains(&member.trial));
        }
        assert!(outcome.predictor.group_thresholds().is_none());
        let decoded = Predictor::decode(&outcome.predictor.encode().unwrap()).unwrap();
        let predictions = decoded.predict(&rows, &ctx).unwrap();
        assert_eq!(decoded.decide(&rows, &predictions), predictions.classes(made.threshold));
        let again = fit_ok(learned(method), &Context::unlimited(3, 1));
        assert_eq!(again.predictor.encode().unwrap(), outcome.predictor.encode().unwrap());
    }
}

#[test]
fn the_automatic_choice_is_the_cheapest_of_all_ways_and_keeps_the_gap_with_costs_too() {
    let mut asked = learned("auto");
    asked.options.cost = [("fp".to_owned(), 1.0), ("fn".to_owned(), 2.0)].into();
    let outcome = fit_ok(asked, &Context::unlimited(3, 2));
    let made = outcome.record.mitigation.as_ref().unwrap();
    let names: Vec<&str> = made.tried.iter().map(|t| t.method.as_str()).collect();
    assert_eq!(names, ["one_threshold", "reweighing", "exponentiated_gradient", "thresholds"]);
    assert!(made.tried.iter().all(|t| t.reached.unwrap().gap <= 0.05 && t.front.len() == 7));
    assert!(names.contains(&made.method.as_str()));
    assert!(made.after.gap <= 0.05);
    let (before, after) = made.held.unwrap();
    assert!(after.gap < before.gap / 2.0, "{before:?} {after:?}");
}

#[test]
fn one_fair_threshold_stands_above_costs_and_travels_with_the_model() {
    let mut asked = learned("reweighing");
    asked.options.cost = [("fp".to_owned(), 1.0), ("fn".to_owned(), 5.0)].into();
    let outcome = fit_ok(asked, &Context::unlimited(3, 2));
    let made = outcome.record.mitigation.as_ref().unwrap();
    let rows = table(200);
    let predictions = outcome.predictor.predict(&rows, &Context::unlimited(0, 1)).unwrap();
    let decided = outcome.predictor.decide(&rows, &predictions);
    assert_eq!(decided, predictions.classes(made.threshold));
    let decoded = Predictor::decode(&outcome.predictor.encode().unwrap()).unwrap();
    assert_eq!(decoded.decide(&rows, &predictions), decided);
}

#[test]
fn what_cannot_be_learned_in_time_is_said_and_one_threshold_keeps_the_gap() {
    let cancel = Arc::new(AtomicBool::new(false));
    let ctx = Context::new(Settings {
        threads: 2,
        cancel: cancel.clone(),
        progress: Box::new(CancelAfter { after: "linear", cancel }),
        ..Settings::default()
    })
    .unwrap();
    let outcome = fit_ok(learned("reweighing"), &ctx);
    let made = outcome.record.mitigation.as_ref().unwrap();
    assert_eq!((made.method.as_str(), made.learned_from.len()), ("one_threshold", 0));
    assert!(made.after.gap <= 0.05 && made.threshold != 0.5, "{made:?}");
    let warnings = outcome.record.warnings.join(" ");
    assert!(warnings.contains("reweighing") && warnings.contains("no time"), "{warnings}");
    let rows = table(200);
    let predictions = outcome.predictor.predict(&rows, &Context::unlimited(0, 1)).unwrap();
    let decided = outcome.predictor.decide(&rows, &predictions);
    assert_eq!(decided, predictions.classes(made.threshold));
}

#[test]
fn another_answer_of_a_fair_model_is_by_the_threshold_of_the_rows_own_group() {
    let ctx = Context::unlimited(3, 2);
    let predictor = fit_ok(asked(Some("demographic_parity")), &ctx).predictor;
    let rows = table(300);
    let decided = predictor.decide(&rows, &predictor.predict(&rows, &ctx).unwrap());
    let row = decided.iter().position(|d| *d == 0).unwrap();
    let row = rows.select(&[row as u32]);
    let wanted = Desired::other(&predictor, &row, &ctx).unwrap().unwrap();
    assert_eq!(wanted, Desired::Class("yes".to_owned()));
    let options = CounterfactualOptions::default();
    let found = counterfactuals(&predictor, &row, &rows, &wanted, &options, &ctx).unwrap();
    let limit = predictor.group_thresholds().unwrap().of_rows(&row)[0];
    assert!(!found.answers.is_empty());
    for answer in &found.answers {
        assert!(answer.prediction[0] >= limit, "{answer:?} below {limit}");
        assert!(answer.changes.iter().all(|c| c.column != "colour"), "{answer:?}");
    }
    let vary = Some(vec![("colour".to_owned(), Direction::Any)]);
    let options = CounterfactualOptions { vary, ..options };
    let error = counterfactuals(&predictor, &row, &rows, &wanted, &options, &ctx).unwrap_err();
    assert!(error.to_string().contains("cannot vary"), "{error}");
}

#[test]
fn intervals_and_sets_are_measured_in_every_judged_group() {
    let mut asked = input(1500, "signal");
    asked.options.sensitive = vec!["colour".to_owned()];
    let record = fit_ok(asked, &Context::unlimited(3, 2)).record;
    let [held] = record.fairness.as_ref().unwrap().held.as_slice() else { panic!("one column") };
    assert_eq!((held.columns.as_slice(), held.groups.len()), (&["colour".to_owned()][..], 3));
    let n_rows: usize = held.groups.iter().map(|g| g.reached.n_rows).sum();
    assert_eq!(n_rows, record.evaluation.as_ref().unwrap().n_rows);
    let overall = record.intervals.as_ref().unwrap().levels[0].reached.unwrap();
    let of_groups = held.groups.iter().map(|g| g.reached.share * g.reached.n_rows as f64);
    assert!((of_groups.sum::<f64>() / n_rows as f64 - overall.share).abs() < 1e-9);
    let rules = record.explanation.unwrap().surrogate.unwrap();
    assert!(rules.r2 > 0.3 && rules.agreement.is_none(), "{rules:?}");
    assert!(record.slices.unwrap().level.is_some());
}

#[test]
fn a_model_without_the_sensitive_column_still_decides_by_it() {
    let mut asked = asked(Some("equalized_odds"));
    asked.options.exclude.push("colour".to_owned());
    let outcome = fit_ok(asked, &Context::unlimited(3, 2));
    assert!(outcome.predictor.schema.field("colour").unwrap().optional);
    assert!(outcome.predictor.feature_columns().all(|c| c != "colour"));
    assert!(outcome.record.mitigation.unwrap().after.gap <= 0.05);
}

#[test]
fn what_cannot_be_made_fair_is_refused_before_anything_is_learned() {
    let ctx = Context::unlimited(0, 1);
    let refusal = |target: &str, change: fn(&mut Options)| {
        let mut asked = input(300, target);
        asked.options.sensitive = vec!["colour".to_owned()];
        change(&mut asked.options);
        fit(asked, &ctx).err().unwrap().to_string()
    };
    let text = refusal("label", |o| o.fair = Some("parity".to_owned()));
    assert!(text.contains("demographic_parity"), "{text}");
    let text = refusal("signal", |o| o.fair = Some("equalized_odds".to_owned()));
    assert!(text.contains("binary"), "{text}");
    let text = refusal("label", |o| o.max_gap = Some(0.1));
    assert!(text.contains("--fair"), "{text}");
    let text = refusal("label", |o| {
        o.fair = Some("equalized_odds".to_owned());
        o.sensitive.clear();
    });
    assert!(text.contains("--sensitive"), "{text}");
    let text = refusal("label", |o| {
        o.fair = Some("equalized_odds".to_owned());
        o.max_gap = Some(1.5);
    });
    assert!(text.contains("from 0 to 1"), "{text}");
    let text = refusal("label", |o| o.mitigation = Some("reweighing".to_owned()));
    assert!(text.contains("--fair"), "{text}");
    let text = refusal("label", |o| {
        o.fair = Some("equalized_odds".to_owned());
        o.mitigation = Some("reweigh".to_owned());
    });
    assert!(text.contains("exponentiated_gradient") && text.contains("reweigh"), "{text}");
    let text = refusal("label", |o| {
        o.fair = Some("equalized_odds".to_owned());
        o.mitigation = Some("auto".to_owned());
        o.max_latency_us = Some(50.0);
    });
    assert!(text.contains("--max-latency"), "{text}");
}

#[test]
fn a_fair_model_is_not_exchanged_for_one_that_its_thresholds_were_not_chosen_for() {
    let outcome = fit_ok(asked(Some("demographic_parity")), &Context::unlimited(3, 2));
    assert_eq!(outcome.record.offers.len(), 1);
    let error = outcome.pick(Picked { offer: 1, one_model_each: false }).err().unwrap();
    assert!(error.to_string().contains("thresholds of groups"), "{error}");
    let mut both = asked(Some("demographic_parity"));
    both.options.distill = true;
    let error = fit(both, &Context::unlimited(0, 1)).err().unwrap().to_string();
    assert!(error.contains("--distill"), "{error}");
}

#[test]
fn rows_of_a_group_are_drawn_together_for_the_intervals() {
    let width = |group: Option<&str>| {
        let mut input = input(1400, "signal");
        // A group errs alike: what it has in common is nowhere in the columns.
        let shifted = input.table.columns().iter().map(|c| match &c.data {
            modelwright_core::data::ColumnData::Number(values) if c.name == "signal" => {
                let shift = |row: usize| f64::from((row / 7 * 37 % 11) as u32);
                let shifted = values.iter().enumerate().map(|(row, v)| v + shift(row));
                Column::numbers("signal", shifted.collect::<Vec<f64>>())
            }
            _ => c.clone(),
        });
        input.table = Table::new(shifted.collect()).unwrap();
        input.options.group = group.map(str::to_owned);
        let record = fit_ok(input, &Context::unlimited(2, 2)).record;
        let evaluation = record.evaluation.unwrap();
        let says_groups = evaluation.interval_method.contains("whole groups");
        assert_eq!(says_groups, group.is_some(), "{}", evaluation.interval_method);
        let ci95 = evaluation.metrics[0].ci95.unwrap();
        let of_trial = record.trials[0].ci95.unwrap();
        [ci95.high - ci95.low, of_trial.high - of_trial.low]
    };
    let (by_row, by_group) = (width(None), width(Some("household")));
    assert!(by_group[0] > 1.4 * by_row[0], "{by_group:?} {by_row:?}");
    assert!(by_group[1] > 1.4 * by_row[1], "{by_group:?} {by_row:?}");
}

#[test]
fn two_groups_are_too_few_to_learn_validate_and_test_on() {
    let mut input = input(200, "label");
    let halves =
        Column::numbers("household", (0..200).map(|i| f64::from(i / 100)).collect::<Vec<f64>>());
    let columns = input.table.columns().iter();
    let columns = columns.map(|c| if c.name == "household" { &halves } else { c }).cloned();
    input.table = Table::new(columns.collect()).unwrap();
    input.options.group = Some("household".to_owned());
    let error = fit(input, &Context::unlimited(0, 1)).err().unwrap().to_string();
    assert!(
        error.contains("--group") && error.contains("beside those that are held out"),
        "{error}"
    );
}
