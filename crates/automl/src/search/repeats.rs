//! Tiny tables: every trial judged again by other divisions into folds, in time left over.
//!
//! How a few hundred rows happen to fall into folds moves a score as much as a better model does.
//! So the rows are parted again, every trial is fitted on the new folds, and a row's prediction out
//! of fold is the mean over all divisions: each of its models learned from the other rows. Trials
//! are told apart by less chance, and the ensemble's weights follow the noise less. What the mean
//! predicts is a bag of models, as the delivered members of small tables are ([`crate::refit`]).
//!
//! The mean of several predictions is still *one* prediction of a row: intervals and tests draw
//! rows, not predictions, and do not become narrower than the rows allow. (Bouckaert & Frank,
//! "Evaluating the Replicability of Significance Tests for Comparing Learning Algorithms", PAKDD
//! 2004: repeats taken as independent make any difference significant.)
//!
//! A division counts for all trials or for none: one that the budget would not let end is dropped.

use modelwright_core::Context;
use modelwright_core::context::Event;
use modelwright_core::data::Fold;
use modelwright_core::record::PhaseTime;

use super::{Found, Ground};
use crate::budget;
use crate::comparable;
use crate::trial::{self, Trial, TrialInput};

/// A division may begin when so many times what the first one took is left.
const MARGIN: f64 = 1.3;

/// Judges the usable trials by further divisions, as long as the time of `ctx` lasts.
pub(super) fn run(ground: &Ground<'_>, found: &mut Found, ctx: &Context) {
    for (r, folds) in ground.repeats.iter().enumerate() {
        let name = format!("division-{}", r + 2);
        let refit_s = super::refit_reserve_s(found);
        if !budget::may_start(ctx, &name, MARGIN * seconds(found), refit_s) {
            break;
        }
        ctx.tell(Event::Phase(format!("other folds, {} of {}", r + 2, ground.repeats.len() + 1)));
        let begun = ctx.elapsed();
        let kept = budget::of_refits(refit_s) + budget::closing(ctx);
        let scope = ctx.with_reserve(kept).scope(&name).with_chance(r as u64 + 1);
        let again = again(ground, found, r, &scope);
        found
            .times
            .push(PhaseTime { name, seconds: ctx.elapsed().saturating_sub(begun).as_secs_f64() });
        let Some(again) = again else { break };
        let places = places(found, folds);
        let trials = found.outcomes.iter_mut().filter_map(|o| o.trial.as_mut());
        for (trial, again) in trials.filter(|t| is_repeated(t)).zip(again) {
            join(trial, again, &places, r + 1);
        }
        let base = comparable::of_folds(ground.target, ground.weights, folds);
        if let Some(mean) = &mut found.base {
            mean.join(&base, &places, r + 1);
        }
        found.n_repeats = r + 1;
    }
    if found.n_repeats > 0 {
        rescore(ground, found);
    }
}

/// Whether other folds would judge a trial otherwise: not one that judged its rows out of bag, nor
/// one that the clock ended, which would end a division for all others too.
fn is_repeated(trial: &Trial) -> bool {
    !trial.is_whole && trial.labels.is_none() && !trial.stopped
}

/// Wall seconds that a division takes.
fn seconds(found: &Found) -> f64 {
    found.usable().filter(|(_, t)| is_repeated(t)).map(|(_, t)| t.wall_s).sum()
}

/// The usable trials on the folds of a further division; `None` when one of them did not end.
fn again(ground: &Ground<'_>, found: &Found, r: usize, ctx: &Context) -> Option<Vec<Trial>> {
    let folds: &[Fold] = &ground.repeats[r];
    let earlier = ground.folds.len() + ground.repeats[..r].iter().map(Vec::len).sum::<usize>();
    let mut again = Vec::new();
    for (outcome, trial) in found.usable().filter(|(_, t)| is_repeated(t)) {
        let input = TrialInput {
            planned: &outcome.planned,
            entry: trial.entry.clone(),
            prepared: found.prepared.get(&outcome.planned.features())?,
            target: ground.target,
            weights: ground.weights,
            folds,
            first_fold: earlier,
            exchangeable: ground.exchangeable,
            labels: None,
        };
        let scope = ctx.scope(&outcome.planned.name);
        again.push(trial::run(&input, &scope).ok().filter(|trial| !trial.stopped)?.rest());
    }
    Some(again)
}

/// Where each row of a division stands among the judged rows.
fn places(found: &Found, folds: &[Fold]) -> Vec<usize> {
    let n_rows = found.rows.iter().max().map_or(0, |last| *last as usize + 1);
    let mut place_of = vec![0; n_rows];
    for (place, row) in found.rows.iter().enumerate() {
        place_of[*row as usize] = place;
    }
    folds.iter().flat_map(|f| &f.validation).map(|row| place_of[*row as usize]).collect()
}

/// Takes what a further division says into the mean of the `n` before it.
fn join(trial: &mut Trial, again: Trial, places: &[usize], n: usize) {
    let n_outputs = trial.out_of_fold.n_outputs;
    let (old, new) = (n as f64 / (n + 1) as f64, 1.0 / (n + 1) as f64);
    for (said, place) in again.out_of_fold.values.chunks_exact(n_outputs).zip(places) {
        let mean = &mut trial.out_of_fold.values[place * n_outputs..(place + 1) * n_outputs];
        for (mean, said) in mean.iter_mut().zip(said) {
            *mean = old * *mean + new * said;
        }
    }
    let wanted = old * trial.rounds_wanted as f64 + new * again.rounds_wanted as f64;
    trial.rounds_wanted = wanted.round() as usize;
    trial.rounds.extend(again.rounds);
    trial.rounds_done.extend(again.rounds_done);
    trial.models.extend(again.models);
}

/// The scores of the means.
fn rescore(ground: &Ground<'_>, found: &mut Found) {
    let score = |trial: &Trial| found.score(ground.metric, &found.seen(ground.metric, trial));
    let scores: Vec<Option<f64>> =
        found.outcomes.iter().map(|o| o.trial.as_ref().and_then(score)).collect();
    for (outcome, score) in found.outcomes.iter_mut().zip(scores) {
        let Some(trial) = &outcome.trial else { continue };
        outcome.score = score;
        outcome.rounds.clone_from(&trial.rounds);
    }
}
