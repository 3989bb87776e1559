//! Students: taught by the ensemble, judged like any trial, offered, picked, repeated.

use modelwright_automl::offers::pick;
use modelwright_automl::{FitInput, FitOutcome, Predictor};
use modelwright_core::Context;
use modelwright_core::context::Settings;
use modelwright_core::data::{Column, Table};
use modelwright_core::params::ParamValue;
use modelwright_core::random::Random;
use modelwright_core::record::{Picked, PlannedTrial, TrialRecord, TrialStatus};

use super::{comparable, fit_ok, input, table};

/// A search of three members that may teach, with students.
fn distilled(n_rows: usize, target: &str) -> FitInput {
    let mut asked = input(n_rows, target);
    "balanced".clone_into(&mut asked.options.preset);
    asked.options.distill = true;
    asked.options.trials = vec![
        trial("linear", "linear", "linear", &[]),
        trial("gbdt", "gbdt", "trees", &[("learning_rate", ParamValue::Real(0.05))]),
        trial("ebm", "ebm", "native", &[]),
    ];
    asked
}

fn trial(name: &str, learner: &str, encoding: &str, params: &[(&str, ParamValue)]) -> PlannedTrial {
    PlannedTrial {
        name: name.to_owned(),
        learner: learner.to_owned(),
        encoding: encoding.to_owned(),
        params: params.iter().map(|(name, v)| ((*name).to_owned(), v.clone())).collect(),
        without: Vec::new(),
        fixed_rounds: false,
        reason: "a test".to_owned(),
    }
}

fn student(outcome: &FitOutcome) -> &TrialRecord {
    outcome.record.trials.iter().find(|t| t.trial.name == "student").unwrap()
}

/// The offer that is a student alone.
fn offer_of_student(outcome: &FitOutcome) -> Option<usize> {
    let is_student = |name: &str| name.starts_with("student");
    outcome.record.offers.iter().position(|o| is_student(&o.members[0].trial))
}

#[test]
fn a_student_is_judged_offered_and_picked_and_leaves_the_ensemble_as_it_was() {
    let ctx = Context::unlimited(3, 2);
    for target in ["label", "grade", "signal"] {
        let plain = {
            let mut asked = distilled(500, target);
            asked.options.distill = false;
            fit_ok(asked, &ctx)
        };
        let outcome = fit_ok(distilled(500, target), &ctx);
        let trial = student(&outcome);
        assert!(trial.status == TrialStatus::Done && trial.score.is_some(), "{trial:?}");
        assert_eq!(plain.record.ensemble.members, outcome.record.ensemble.members);
        let rows = table(60);
        let said = |p: &Predictor| p.predict(&rows, &ctx).unwrap().values;
        assert_eq!(said(&plain.predictor), said(&outcome.predictor), "{target}");
        let Some(offer) = offer_of_student(&outcome) else {
            assert!(outcome.record.ensemble.students.is_empty());
            continue;
        };
        assert!(outcome.record.offers[offer].holdout.is_some());
        let stored = outcome.predictor.encode().unwrap();
        let read = Predictor::decode(&stored).unwrap();
        let picked = Picked { offer, one_model_each: false };
        let (one, record) = pick(read, outcome.record.clone(), picked).unwrap();
        assert_eq!(record.ensemble.members.len(), 1);
        assert!(record.ensemble.students.is_empty());
        assert_eq!(record.ensemble.members[0].n_models, 1, "a student is one model");
        assert!(one.encode().unwrap().len() < stored.len());
        let predictions = one.predict(&rows, &ctx).unwrap();
        assert!(predictions.values.iter().all(|v| v.is_finite()));
        if target != "signal" {
            assert!(predictions.values.iter().all(|v| (0.0..=1.0).contains(v)));
        }
    }
}

#[test]
fn a_distilled_fit_is_repeated_byte_for_byte_and_does_not_depend_on_threads() {
    let ctx = Context::unlimited(5, 1);
    let first = fit_ok(distilled(300, "label"), &ctx);
    let settings = Settings {
        seed: 5,
        threads: 2,
        replay: Some(first.record.decisions.clone()),
        ..Settings::default()
    };
    let again = fit_ok(distilled(300, "label"), &Context::new(settings).unwrap());
    assert_eq!(comparable(&first), comparable(&again));
    assert_eq!(first.predictor.encode().unwrap(), again.predictor.encode().unwrap());
}

#[test]
fn a_student_of_noise_is_judged_as_noise() {
    let mut random = Random::new(2);
    let mut columns = table(400).into_columns();
    let at = columns.iter().position(|c| c.name == "label").unwrap();
    let labels: Vec<&str> =
        (0..400).map(|_| if random.unit() < 0.5 { "yes" } else { "no" }).collect();
    columns[at] = Column::strings("label", labels.iter().map(|l| Some(*l)));
    let mut asked = distilled(400, "label");
    asked.table = Table::new(columns).unwrap();
    let outcome = fit_ok(asked, &Context::unlimited(1, 2));
    // One that is taught by predictions out of fold would have read the answers.
    if let Some(score) = student(&outcome).score {
        assert!(score < 0.58, "{score}");
    }
}

#[test]
fn quick_delivers_one_model_that_the_ensemble_taught_or_a_better_single_one() {
    let mut asked = distilled(400, "signal");
    "quick".clone_into(&mut asked.options.preset);
    let outcome = fit_ok(asked, &Context::unlimited(7, 2));
    assert!(student(&outcome).score.is_some());
    assert_eq!(outcome.record.ensemble.members.len(), 1);
    assert_eq!(outcome.predictor.members().count(), 1);
}
