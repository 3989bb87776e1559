//! Time left over by the portfolio: variants of the members, and their replay.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use modelwright_core::Context;
use modelwright_core::context::{Event, Progress, Settings};

use super::{FitInput, comparable, fit_ok, input};

/// Cancels as soon as the variant with this number has ended.
struct CancelAfter {
    number: &'static str,
    cancel: Arc<AtomicBool>,
}

impl Progress for CancelAfter {
    fn event(&self, event: Event) {
        if matches!(event, Event::Trial { name, .. } if name.ends_with(self.number)) {
            self.cancel.store(true, Ordering::Relaxed);
        }
    }
}

fn asked(preset: &str) -> FitInput {
    let mut asked = input(150, "label");
    preset.clone_into(&mut asked.options.preset);
    asked
}

#[test]
fn the_preset_best_goes_on_with_variants_and_repeats_them_byte_for_byte() {
    let cancel = Arc::new(AtomicBool::new(false));
    let ctx = Context::new(Settings {
        threads: 2,
        cancel: cancel.clone(),
        progress: Box::new(CancelAfter { number: "~3", cancel }),
        ..Settings::default()
    })
    .unwrap();
    let live = fit_ok(asked("best"), &ctx);
    let record = &live.record;
    let variants = &record.trials[record.plan.trials.len()..];
    assert!(variants.len() >= 3, "{}", variants.len());
    for variant in variants.iter().filter(|v| v.score.is_some()) {
        assert!(variant.trial.name.contains('~'));
        assert!(variant.trial.reason.starts_with("a variant of "), "{}", variant.trial.reason);
    }
    assert!(!record.is_exhausted, "it was interrupted");
    let replay = Some(record.decisions.clone());
    let again = Context::new(Settings { threads: 1, replay, ..Settings::default() }).unwrap();
    let again = fit_ok(asked("best"), &again);
    assert_eq!(live.predictor.encode().unwrap(), again.predictor.encode().unwrap());
    assert!(comparable(&live) == comparable(&again), "the records differ");
}

#[test]
fn other_presets_end_with_their_portfolio() {
    let record = fit_ok(asked("quick"), &Context::unlimited(0, 2)).record;
    assert_eq!(record.trials.len(), record.plan.trials.len());
}
