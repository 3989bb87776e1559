//! The members of the ensemble on all training rows.
//!
//! A refit repeats a trial's fit with the mean of the rounds that its folds needed, on all rows
//! and without a validation part: about as good as the bag of fold models, and as many times
//! faster to predict with as there were folds. When the time or the user does not allow it, the
//! fold models are kept and averaged, so that there always is a servable model. A trial that was
//! planned without folds is fitted here for the first time, whatever the clock says.

use modelwright_core::context::Event;
use modelwright_core::{Context, Result};
use modelwright_learners::Fitted;

use crate::budget;
use crate::plan::Preset;
use crate::trial::{self, Trial, TrialInput};

/// A refit with a smaller share of its rounds than this is worse than the bag it would replace.
const ROUNDS_SHARE_MIN: f64 = 0.8;

/// The models that stand for a trial in the predictor, to be averaged.
pub(crate) struct Final {
    pub models: Vec<Fitted>,
    /// Rounds of the refit, or the mean of the folds.
    pub rounds: usize,
}

/// Refits a trial, or keeps its fold models.
pub(crate) fn finalise(
    trial: Trial,
    input: &TrialInput<'_>,
    preset: Preset,
    ctx: &Context,
) -> Result<Final> {
    let rounds = mean_rounds(&trial);
    let as_planned = trial.planned.fixed_rounds && !trial.stopped;
    let wanted = if as_planned || trial.models.is_empty() { None } else { Some(rounds) };
    let name = &trial.planned.name;
    let is_first_fit = trial.models.is_empty();
    if is_first_fit || (preset != Preset::Best && budget::may_refit(ctx, name, trial.refit_s())) {
        ctx.tell(Event::Phase(format!("{} {name}", if is_first_fit { "fit" } else { "refit" })));
        let scope = ctx.scope("refit").scope(name).with_reserve(budget::closing(ctx));
        let model = trial::refit(input, wanted, &scope)?;
        let reached = model.model.rounds();
        if is_first_fit
            || reached as f64 >= rounds as f64 * ROUNDS_SHARE_MIN
            || trial.entry.spec.rounds_param.is_none()
        {
            return Ok(Final { rounds: reached, models: vec![model] });
        }
        ctx.tell(Event::Note(format!("{name}: no time for the refit; its fold models are used")));
    }
    Ok(Final { models: that_learned(trial.models), rounds })
}

/// The fold models that learned something, if any did: the others would only dilute them.
fn that_learned(mut models: Vec<Fitted>) -> Vec<Fitted> {
    if models.iter().any(|m| m.model.rounds() > 0) {
        models.retain(|m| m.model.rounds() > 0);
    }
    models
}

fn mean_rounds(trial: &Trial) -> usize {
    let rounds = trial.rounds();
    (rounds.iter().sum::<usize>() as f64 / rounds.len().max(1) as f64).round() as usize
}
