//! Learners of the caller's own in the search: candidates like any other, failures that end
//! nothing, a clock that is asked between folds, models that sleep when they were read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use modelwright_automl::own::named;
use modelwright_automl::{FitOutcome, Own, Predictor, fit};
use modelwright_core::context::Settings;
use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::record::{OwnKind, TrialStatus};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use modelwright_learners::own::{Named, OwnFitted, OwnLearner};

use super::{input, table};

/// Least squares on one feature at a time, one step each: weak, but not a constant.
#[derive(Clone, Default)]
struct Steps {
    /// Fits that fail: from this one on, if any.
    fails_from: Option<usize>,
    n_fits: Arc<AtomicUsize>,
    takes: Duration,
}

#[derive(Clone)]
struct Sum {
    mean: f64,
    slopes: Vec<f64>,
}

impl OwnLearner for Steps {
    fn fit(&self, train: &TrainView<'_>, _: u64, _: &Context) -> Result<Arc<dyn OwnFitted>> {
        let n = self.n_fits.fetch_add(1, Ordering::SeqCst);
        if self.fails_from.is_some_and(|from| n >= from) {
            return Err(Error::input("no mood"));
        }
        std::thread::sleep(self.takes);
        let Target::Real(y) = train.target else { return Err(Error::input("only values")) };
        let n_rows = train.rows.len() as f64;
        let mean = train.rows.iter().map(|r| y[*r as usize]).sum::<f64>() / n_rows;
        let mut left: Vec<f64> = train.rows.iter().map(|r| y[*r as usize] - mean).collect();
        let mut slopes = Vec::new();
        for column in &train.features.columns {
            let x = |r: &u32| f64::from(column.values[*r as usize]);
            let (xy, xx) = train
                .rows
                .iter()
                .zip(&left)
                .fold((0.0, 1e-9), |(xy, xx), (r, y)| (xy + x(r) * y, xx + x(r) * x(r)));
            left.iter_mut().zip(train.rows).for_each(|(y, r)| *y -= xy / xx * x(r));
            slopes.push(xy / xx);
        }
        Ok(Arc::new(Sum { mean, slopes }))
    }
}

impl OwnFitted for Sum {
    fn predict(&self, x: &FeatureView<'_>, _: &Context) -> Result<Predictions> {
        let value = |i: usize| {
            let terms = x.features.columns.iter().zip(&self.slopes);
            self.mean + terms.map(|(c, s)| f64::from(c.values[x.row(i)]) * s).sum::<f64>()
        };
        Ok(Predictions::new(1, (0..x.n_rows()).map(value).collect()))
    }

    fn store(&self) -> Result<Vec<u8>> {
        let numbers = std::iter::once(&self.mean).chain(&self.slopes);
        Ok(numbers.flat_map(|v| v.to_le_bytes()).collect())
    }
}

fn own_of(name: &str, learner: Steps) -> Own {
    let part = named(OwnKind::Learner, name);
    let own = Named {
        name: name.to_owned(),
        encoding: "linear".to_owned(),
        text: "steps".to_owned(),
        needs: vec!["Python 3.12".to_owned()],
        learner: Arc::new(learner),
    };
    Own { learners: vec![(own, part)], ..Own::default() }
}

fn run(own: Own, learners: &[&str], ctx: &Context) -> Result<FitOutcome> {
    let mut input = input(600, "signal");
    input.options.learners = learners.iter().map(|l| (*l).to_owned()).collect();
    input.options.own = own.parts();
    input.own = own;
    fit(input, ctx)
}

fn status(outcome: &FitOutcome, name: &str) -> TrialStatus {
    outcome.record.trials.iter().find(|t| t.trial.name == name).unwrap().status
}

#[test]
fn an_own_learner_is_judged_mixed_stored_and_woken_and_repeats_byte_for_byte() {
    let fitted = |threads| {
        let own = own_of("steps", Steps::default());
        run(own, &["baseline"], &Context::unlimited(3, threads)).unwrap()
    };
    let outcome = fitted(1);
    assert_eq!(status(&outcome, "steps"), TrialStatus::Done);
    assert_eq!(outcome.record.ensemble.members[0].trial, "steps");
    let bytes = outcome.predictor.encode().unwrap();
    assert_eq!(fitted(2).predictor.encode().unwrap(), bytes);
    let mut read = Predictor::decode(&bytes).unwrap();
    let ctx = Context::unlimited(0, 1);
    let rows = table(20);
    for error in [read.must_be_awake().unwrap_err(), read.predict(&rows, &ctx).unwrap_err()] {
        let text = error.to_string();
        assert!(text.contains("steps") && text.contains("Python 3.12"), "{text}");
    }
    read.wake(&mut |own, bytes| {
        assert_eq!(own.name(), "steps");
        let value = |b: &[u8]| f64::from_le_bytes(b.try_into().unwrap());
        let numbers: Vec<f64> = bytes.chunks_exact(8).map(value).collect();
        Ok(Arc::new(Sum { mean: numbers[0], slopes: numbers[1..].to_vec() }))
    })
    .unwrap();
    let said = read.predict(&rows, &ctx).unwrap();
    assert_eq!(said, outcome.predictor.predict(&rows, &ctx).unwrap());
    assert_eq!(read.encode().unwrap(), bytes);
    let mut other = Predictor::decode(&bytes).unwrap();
    other.wake_like(&read);
    assert_eq!(other.predict(&rows, &ctx).unwrap(), said);
}

#[test]
fn a_learner_that_fails_is_a_failed_trial_and_one_that_fails_late_keeps_its_folds() {
    let ctx = Context::unlimited(3, 1);
    let at_once = Steps { fails_from: Some(0), ..Steps::default() };
    let outcome = run(own_of("steps", at_once), &["linear"], &ctx).unwrap();
    assert_eq!(status(&outcome, "steps"), TrialStatus::Failed);
    let note = outcome.record.trials.iter().find_map(|t| t.note.clone()).unwrap();
    assert!(note.contains("no mood"), "{note}");
    // Five folds succeed, and nothing after them.
    let late = Steps { fails_from: Some(5), ..Steps::default() };
    let outcome = run(own_of("steps", late), &["baseline"], &ctx).unwrap();
    let member = &outcome.record.ensemble.members[0];
    assert_eq!((member.trial.as_str(), member.n_models, member.is_refit), ("steps", 5, false));
}

#[test]
fn the_clock_is_asked_between_folds_and_replay_repeats_its_answer() {
    let slow = |ms| Steps { takes: Duration::from_millis(ms), ..Steps::default() };
    let settings = Settings {
        seed: 3,
        threads: 1,
        time_limit: Some(Duration::from_secs(3)),
        ..Settings::default()
    };
    let learner = slow(700);
    let n_fits = learner.n_fits.clone();
    let ctx = Context::new(settings).unwrap();
    let outcome = run(own_of("steps", learner), &["linear"], &ctx).unwrap();
    assert_eq!(status(&outcome, "steps"), TrialStatus::Stopped);
    assert!(n_fits.load(Ordering::SeqCst) < 4, "{n_fits:?}");
    assert!(outcome.record.ensemble.members.iter().all(|m| m.trial != "steps"));
    let settings = Settings {
        seed: 3,
        threads: 2,
        time_limit: Some(Duration::from_secs(3)),
        replay: Some(outcome.record.decisions.clone()),
        ..Settings::default()
    };
    let mut input = input(600, "signal");
    input.options = outcome.record.options.clone();
    input.own = own_of("steps", slow(0));
    let again = fit(input, &Context::new(settings).unwrap()).unwrap();
    assert_eq!(again.predictor.encode().unwrap(), outcome.predictor.encode().unwrap());
    assert_eq!(again.record.decisions, outcome.record.decisions);
}

#[test]
fn names_that_are_taken_or_odd_and_runs_without_the_learner_are_refused() {
    let ctx = Context::unlimited(3, 1);
    for name in ["linear", "a/b", " "] {
        let error = run(own_of(name, Steps::default()), &["linear"], &ctx).err().unwrap();
        assert!(error.to_string().contains("learners"), "{error}");
    }
    let mut input = input(200, "signal");
    input.options.own = vec![named(OwnKind::Learner, "steps")];
    let error = fit(input, &ctx).err().unwrap().to_string();
    assert!(error.contains("had a learner") && error.contains("steps"), "{error}");
}
