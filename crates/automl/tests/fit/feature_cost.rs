//! What columns cost: cheaper models are offered, and a limit holds for the whole ensemble.

use std::time::Duration;

use modelwright_automl::offers::pick;
use modelwright_automl::{FitOutcome, Predictor};
use modelwright_core::Context;
use modelwright_core::context::Settings;
use modelwright_core::data::{Column, Table};
use modelwright_core::random::Random;
use modelwright_core::record::Picked;

use super::{FitInput, comparable, fit, fit_ok, input};

fn asked(costs: &[(&str, f64)], limit: Option<f64>) -> FitInput {
    let mut asked = input(400, "signal");
    "balanced".clone_into(&mut asked.options.preset);
    asked.options.learners = vec!["gbdt".to_owned(), "linear".to_owned()];
    asked.options.feature_cost = costs.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect();
    asked.options.max_feature_cost = limit;
    asked
}

/// The columns that a predictor reads.
fn columns(predictor: &Predictor) -> Vec<&str> {
    predictor.schema.fields.iter().map(|f| f.name.as_str()).collect()
}

#[test]
fn a_limit_holds_for_every_member_and_threads_change_nothing() {
    let costs = [("x", 5.0), ("z", 1.0), ("colour", 2.0)];
    let one = fit_ok(asked(&costs, Some(6.0)), &Context::unlimited(1, 1));
    let record = one.record.feature_costs.clone().unwrap();
    assert!(record.of_model <= 6.0 && record.of_all == 8.0, "{record:?}");
    assert!(columns(&one.predictor).len() == 2, "{:?}", columns(&one.predictor));
    // The column that says most is worth its price, and the cheap one still fits.
    assert_eq!(record.left_out, ["colour"], "{record:?}");
    assert!(record.path.iter().all(|step| step.score.is_some()), "{record:?}");
    assert!(record.path.windows(2).all(|pair| pair[1].cost < pair[0].cost), "{record:?}");
    let two = fit_ok(asked(&costs, Some(6.0)), &Context::unlimited(1, 2));
    assert!(one.predictor.encode().unwrap() == two.predictor.encode().unwrap());
    assert!(comparable(&one) == comparable(&two), "the records differ");
}

#[test]
fn cheaper_models_are_offered_and_picked_and_the_ensemble_stays_what_it_was() {
    let plain = fit_ok(asked(&[], None), &Context::unlimited(1, 2));
    let costs = [("x", 5.0), ("z", 1.0), ("colour", 2.0)];
    let priced = fit_ok(asked(&costs, None), &Context::unlimited(1, 2));
    let members = |o: &modelwright_automl::FitOutcome| -> Vec<(String, f64)> {
        let all = o.record.ensemble.members.iter();
        all.map(|m| (m.trial.clone(), m.weight)).collect()
    };
    assert_eq!(members(&plain), members(&priced));
    let offers = priced.record.offers.clone();
    assert_eq!(offers[0].feature_cost, Some(8.0));
    let cheap = offers.iter().position(|o| o.feature_cost.is_some_and(|c| c <= 4.0)).unwrap();
    assert!(offers[cheap].members[0].trial.starts_with("frugal"), "{:?}", offers[cheap]);
    assert!(offers[cheap].holdout.is_some(), "it was tested, too");
    let bytes = priced.predictor.encode().unwrap();
    let picked = Picked { offer: cheap, one_model_each: false };
    let (predictor, record) =
        pick(Predictor::decode(&bytes).unwrap(), priced.record.clone(), picked).unwrap();
    let cost: f64 = costs
        .iter()
        .filter(|(name, _)| columns(&predictor).contains(name))
        .map(|(_, cost)| cost)
        .sum();
    assert_eq!(Some(cost), offers[cheap].feature_cost, "{:?}", columns(&predictor));
    assert_eq!(record.feature_costs.unwrap().of_model, cost);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_learned() {
    let refused = |costs: &[(&str, f64)], limit| {
        let error = fit(asked(costs, limit), &Context::unlimited(0, 1)).err().unwrap();
        error.to_string()
    };
    let error = refused(&[("xx", 1.0)], None);
    assert!(error.contains("--feature-cost") && error.contains("xx"), "{error}");
    let error = refused(&[("*", 2.0)], Some(1.0));
    assert!(error.contains("--max-feature-cost") && error.contains("at least 2"), "{error}");
}

#[test]
fn columns_left_out_without_having_learned_anything_are_said_to_be() {
    let costs = [("x", 5.0), ("z", 1.0), ("colour", 2.0)];
    let hurried =
        Settings { threads: 1, time_limit: Some(Duration::from_micros(1)), ..Settings::default() };
    let outcome = fit_ok(asked(&costs, Some(6.0)), &Context::new(hurried).unwrap());
    let said = |o: &FitOutcome| o.record.plan.notes.iter().any(|n| n.contains("no time to learn"));
    assert!(said(&outcome), "{:?}", outcome.record.plan.notes);
    let outcome = fit_ok(asked(&costs, Some(6.0)), &Context::unlimited(1, 1));
    assert!(!said(&outcome), "{:?}", outcome.record.plan.notes);
}

#[test]
fn a_column_of_many_values_that_says_nothing_goes_before_two_that_act_together() {
    let mut random = Random::new(5);
    let n_rows = 1_500;
    let [c, d] = [0, 1].map(|_| (0..n_rows).map(|_| random.normal()).collect::<Vec<f64>>());
    let y = c.iter().zip(&d).map(|(c, d)| Some(if c * d > 0.0 { "yes" } else { "no" }));
    let label = Column::strings("y", y);
    let many =
        Column::numbers("many", (0..n_rows).map(|_| random.unit() * 1e6).collect::<Vec<f64>>());
    let table = Table::new(vec![many, Column::numbers("c", c), Column::numbers("d", d), label]);
    let mut asked = asked(&[("many", 1.0), ("c", 1.0), ("d", 1.0)], Some(2.0));
    asked.table = table.unwrap();
    asked.schema = asked.table.storage_schema();
    asked.options.target = "y".to_owned();
    asked.options.exclude.clear();
    let outcome = fit_ok(asked, &Context::unlimited(1, 2));
    assert_eq!(outcome.record.feature_costs.unwrap().left_out, ["many"]);
}
