//! One learner without a search, as a library call.

use std::time::Duration;

use modelwright_automl::{FitInput, fit};
use modelwright_core::context::Settings;
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::record::{Single, TrialStatus};
use modelwright_core::task::Task;
use modelwright_core::{Context, ErrorKind};
use modelwright_learners::LEARNERS;

use super::{comparable, fit_ok, input};

fn asked(n_rows: usize, target: &str, learner: &str, params: &[(&str, i64)]) -> FitInput {
    let mut input = input(n_rows, target);
    let params: ParamMap =
        params.iter().map(|(name, value)| ((*name).to_owned(), ParamValue::Int(*value))).collect();
    input.options.single =
        Some(Single { learner: learner.to_owned(), params, encoding: None, n_folds: None });
    input
}

fn with_folds(mut input: FitInput, n_folds: usize) -> FitInput {
    if let Some(single) = &mut input.options.single {
        single.n_folds = Some(n_folds);
    }
    input
}

#[test]
fn every_learner_is_no_worse_than_a_constant_on_every_task_it_can_learn() {
    for (target, task) in
        [("label", Task::Binary), ("grade", Task::Multiclass), ("signal", Task::Regression)]
    {
        for entry in LEARNERS.iter().filter(|e| e.spec.tasks.contains(&task)) {
            let name = entry.spec.name;
            let ctx = Context::unlimited(1, 2);
            let outcome = fit_ok(with_folds(asked(400, target, name, &[]), 3), &ctx);
            let record = &outcome.record;
            assert_eq!(record.trials.len(), 1);
            assert_eq!(record.trials[0].status, TrialStatus::Done, "{name}");
            assert_eq!(record.ensemble.members[0].weight, 1.0);
            assert_eq!(record.ensemble.score, record.ensemble.corrected_score, "{name}");
            let evaluation = record.evaluation.as_ref().unwrap();
            let value = evaluation.metrics[0].value.unwrap();
            let constant = evaluation.baseline[0].value.unwrap();
            let gain =
                if record.task.larger_is_better { value - constant } else { constant - value };
            // What is tested is the mean of the folds' models: constants of other rows, too.
            assert!(gain >= -1e-6, "{name}, {target}: {value} against {constant}");
        }
    }
}

#[test]
fn one_fit_without_validation_does_not_depend_on_threads_or_folds() {
    let model = |threads, n_folds| {
        let input = with_folds(asked(300, "grade", "gbdt", &[("n_rounds", 15)]), n_folds);
        let outcome = fit_ok(input, &Context::unlimited(3, threads));
        (outcome.predictor.encode().unwrap(), comparable(&outcome))
    };
    let one = model(1, 0);
    assert_eq!(one, model(2, 0));
    assert_eq!(one, model(4, 0));
    assert_eq!(one.0, model(2, 4).0, "folds judge the model and do not change it");
}

#[test]
fn a_training_that_the_budget_cuts_is_repeated_byte_for_byte() {
    for n_folds in [0, 3] {
        let input = || {
            let rounds = [("n_rounds", 100_000), ("max_leaves", 200)];
            with_folds(asked(3000, "signal", "gbdt", &rounds), n_folds)
        };
        let settings = |replay, time_limit, threads| Settings {
            seed: 5,
            threads,
            time_limit,
            replay,
            ..Settings::default()
        };
        let limit = Some(Duration::from_millis(1500));
        let live = fit_ok(input(), &Context::new(settings(None, limit, 2)).unwrap());
        let decisions = live.record.decisions.clone();
        assert!(!decisions.stopped_after.is_empty(), "{n_folds} folds: the limit must cut it");
        assert!(live.record.warnings.iter().any(|w| w.contains("ended early")), "{n_folds} folds");
        let again = fit_ok(input(), &Context::new(settings(Some(decisions), None, 1)).unwrap());
        assert_eq!(comparable(&live), comparable(&again), "{n_folds} folds");
        let bytes = |outcome: &modelwright_automl::FitOutcome| outcome.predictor.encode().unwrap();
        assert!(bytes(&live) == bytes(&again), "{n_folds} folds");
    }
}

#[test]
fn the_error_of_the_only_learner_is_the_error_of_the_run() {
    for (learner, params, fragment) in [
        ("gbdt", &[("max_leaves", 1)][..], "max_leaves"),
        ("gdbt", &[], "did you mean `gbdt`"),
        ("baseline", &[("alpha", 1)], "`alpha`"),
    ] {
        let Err(error) = fit(asked(100, "label", learner, params), &Context::unlimited(0, 1))
        else {
            panic!("{fragment} was accepted")
        };
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(error.to_string().contains(fragment), "{fragment}: {error}");
    }
}
