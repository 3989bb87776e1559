//! Tiny tables are judged by several divisions into folds; the mean stays one prediction a row.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use modelwright_core::Context;
use modelwright_core::context::{Event, Progress, Settings};
use modelwright_core::record::RunRecord;

use super::{FitInput, comparable, fit_ok, input};

fn asked(n_rows: usize, preset: &str) -> FitInput {
    let mut asked = input(n_rows, "label");
    preset.clone_into(&mut asked.options.preset);
    asked.options.learners = vec!["linear".to_owned(), "naive_bayes".to_owned()];
    asked
}

fn width_of_linear(record: &RunRecord) -> f64 {
    let trial = record.trials.iter().find(|t| t.trial.learner == "linear").unwrap();
    let interval = trial.ci95.unwrap();
    interval.high - interval.low
}

#[test]
fn few_rows_are_parted_several_times_and_intervals_do_not_believe_that_they_are_more() {
    let once = fit_ok(asked(260, "quick"), &Context::unlimited(2, 2)).record;
    let often = fit_ok(asked(260, "balanced"), &Context::unlimited(2, 2)).record;
    assert_eq!((once.split.n_repeats, often.split.n_repeats), (0, 2));
    for trial in often.trials.iter().filter(|t| t.trial.learner == "linear") {
        assert_eq!(trial.rounds.len(), 8 * 3, "{:?}", trial.rounds);
    }
    // Three predictions of a row are not three rows: by √3 too narrow would be 0.58.
    let ratio = width_of_linear(&often) / width_of_linear(&once);
    assert!((0.75..1.35).contains(&ratio), "{ratio}");
    let many = fit_ok(asked(1_400, "balanced"), &Context::unlimited(2, 2)).record;
    assert_eq!(many.split.n_repeats, 0);
}

#[test]
fn rows_in_order_of_time_are_parted_once_and_groups_stay_whole() {
    let mut by_time = asked(200, "balanced");
    by_time.options.time_column = Some("household".to_owned());
    by_time.options.exclude.retain(|c| c != "household");
    assert_eq!(fit_ok(by_time, &Context::unlimited(1, 2)).record.split.n_repeats, 0);
    let mut by_group = asked(200, "balanced");
    by_group.options.group = Some("household".to_owned());
    by_group.options.exclude.retain(|c| c != "household");
    assert_eq!(fit_ok(by_group, &Context::unlimited(1, 2)).record.split.n_repeats, 2);
}

/// Cancels when the third division has begun.
struct CancelInThird(Arc<AtomicBool>);

impl Progress for CancelInThird {
    fn event(&self, event: Event) {
        if matches!(event, Event::Phase(name) if name.starts_with("other folds, 3")) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn a_division_that_did_not_end_is_dropped_and_replayed_byte_for_byte() {
    let cancel = Arc::new(AtomicBool::new(false));
    let ctx = Context::new(Settings {
        threads: 2,
        cancel: cancel.clone(),
        progress: Box::new(CancelInThird(cancel)),
        ..Settings::default()
    })
    .unwrap();
    let live = fit_ok(asked(150, "balanced"), &ctx);
    assert_eq!(live.record.split.n_repeats, 1);
    let replay = Some(live.record.decisions.clone());
    let again = Context::new(Settings { threads: 1, replay, ..Settings::default() }).unwrap();
    let again = fit_ok(asked(150, "balanced"), &again);
    assert!(live.predictor.encode().unwrap() == again.predictor.encode().unwrap());
    assert!(comparable(&live) == comparable(&again), "the records differ");
}
