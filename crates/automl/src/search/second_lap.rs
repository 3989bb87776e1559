//! The time that the portfolio left over: variants of what the ensemble is made of.
//!
//! A variant takes after a member of the ensemble as it is now, drawn by weight, and has some
//! parameters drawn anew ([`space`]), preferably where earlier variants of its kind helped
//! ([`tpe`]). It is kept when the ensemble becomes better by it, and is a
//! possible parent from then on: random search that walks towards what works (an evolution
//! strategy; Beyer and Schwefel, "Evolution Strategies", 2002), judged by what the *ensemble*
//! gains, because a variant that only repeats a member is worth nothing however good it is.
//! Variants that bring nothing are dropped at once, so that the last selection has few candidates
//! to be lucky with, and memory holds.

use modelwright_core::Context;
use modelwright_core::record::{PhaseTime, Plan, PlannedTrial, TrialStatus};
use modelwright_core::task::Predictions;

use super::{Found, Ground, Outcome};
use crate::account::Judged;
use crate::ensemble::{self, Selection};
use crate::portfolio::{space, tpe};

/// Judged rows that decide whether an ensemble gains.
const N_ROWS_MAX: usize = 10_000;

/// Variants in a row that bring nothing, after which more time would not help.
const PATIENCE: usize = 8;

/// Shares that a variant may take in the ensemble when its gain is measured.
const SHARES: [f64; 4] = [0.1, 0.2, 0.35, 0.5];

/// How many boosters a variant parts the time with: it may use a third of what is left.
const N_SHARING: usize = 4;

/// One parent in four is any usable trial, not one of the ensemble.
const SHARE_STRANGERS: f64 = 0.25;

/// What the ensemble is now, on the rows that decide.
struct Incumbent {
    judged: Judged,
    /// Positions of the usable trials and their weights.
    weights: Vec<f64>,
    mean: Predictions,
    /// Its score; larger is better.
    score: f64,
}

/// Runs variants until the budget ends, as many as planned have run, or nothing more is gained.
pub(super) fn run(plan: &Plan, ground: &Ground<'_>, found: &mut Found, ctx: &Context) {
    let Some(mut incumbent) = Incumbent::of(plan, ground, found, ctx) else { return };
    let (mut n_in_vain, mut tried) = (0, tpe::Tried::default());
    for number in 1..=plan.variants_max {
        let Some(parent) = incumbent.parent(found, number, ctx) else { return };
        let planned = tried.next(&parent, number, ctx);
        let begun = ctx.elapsed();
        let mut outcome = super::run_one(&planned, N_SHARING, ground, found, ctx);
        found.times.push(PhaseTime {
            name: planned.name.clone(),
            seconds: ctx.elapsed().saturating_sub(begun).as_secs_f64(),
        });
        let is_over = outcome.status == TrialStatus::Skipped;
        let gain = outcome.trial.as_ref().and_then(|trial| {
            let seen = found.seen(ground.metric, trial);
            incumbent.gain_from(&incumbent.judged.of(&seen), ground)
        });
        // What did not end was judged by the clock.
        if let Some(gain) = gain.filter(|_| outcome.status == TrialStatus::Done) {
            tried.add(&planned, gain);
        }
        let least = ensemble::gain_min(ground.metric, incumbent.score);
        let gains = gain.is_some_and(|gain| gain > least);
        super::tell(&outcome, found, ground.metric, ctx);
        if !gains {
            drop_trial(&mut outcome);
        }
        found.outcomes.push(outcome);
        if is_over {
            return;
        }
        n_in_vain = if gains { 0 } else { n_in_vain + 1 };
        if n_in_vain >= PATIENCE {
            return;
        }
        if gains {
            let Some(better) = Incumbent::of(plan, ground, found, ctx) else { return };
            incumbent = better;
        }
    }
}

/// The weights that the usable trials have in the ensemble as it is now; `None` where nothing is
/// usable, or nothing was judged.
pub(super) fn weights(
    plan: &Plan,
    ground: &Ground<'_>,
    found: &Found,
    ctx: &Context,
) -> Option<Vec<f64>> {
    Incumbent::of(plan, ground, found, ctx).map(|incumbent| incumbent.weights)
}

impl Incumbent {
    /// The ensemble of what is usable; `None` where nothing is, or nothing was judged.
    fn of(plan: &Plan, ground: &Ground<'_>, found: &Found, ctx: &Context) -> Option<Self> {
        let judged = Judged::thinned(found, N_ROWS_MAX, ctx);
        let candidates: Vec<Predictions> =
            found.usable().map(|(_, t)| judged.of(&found.seen(ground.metric, t))).collect();
        if candidates.is_empty() || found.rows.is_empty() {
            return None;
        }
        let refs: Vec<&Predictions> = candidates.iter().collect();
        let selection = Selection {
            metric: ground.metric,
            truth: &judged.truth,
            weights: judged.weights.as_deref(),
            candidates: &refs,
            alone: &found.alone(),
            rounds: plan.ensemble_rounds,
            members_max: ground.members_max,
        };
        let weights = ensemble::select(&selection, ctx);
        let members: Vec<(&Predictions, f64)> =
            refs.iter().copied().zip(weights.iter().copied()).filter(|m| m.1 > 0.0).collect();
        let mean = ensemble::combine(&members);
        let score = signed_score(&judged, ground, &mean)?;
        Some(Self { judged, weights, mean, score })
    }

    /// The trial that the next variant takes after; `None` where nothing may vary.
    fn parent(&self, found: &Found, number: usize, ctx: &Context) -> Option<PlannedTrial> {
        let able: Vec<(&Outcome, f64)> = found
            .usable()
            .map(|(o, _)| o)
            .zip(self.weights.iter().copied())
            .filter(|(o, _)| space::varies(&o.planned))
            .collect();
        let random = &mut ctx.random("parent", number as u64);
        let total: f64 = able.iter().map(|(_, weight)| weight).sum();
        if total <= 0.0 || random.unit() < SHARE_STRANGERS {
            let at = random.below(able.len().max(1));
            return able.get(at).map(|(o, _)| o.planned.clone());
        }
        let mut left = random.unit() * total;
        let chosen = able.iter().find(|(_, weight)| {
            left -= weight;
            left < 0.0
        });
        chosen.or(able.last()).map(|(o, _)| o.planned.clone())
    }

    /// By how much the score rises, at best, when these predictions take a share of the ensemble.
    fn gain_from(&self, predictions: &Predictions, ground: &Ground<'_>) -> Option<f64> {
        let with = |share: &f64| {
            let mixed = ensemble::combine(&[(&self.mean, 1.0 - share), (predictions, *share)]);
            signed_score(&self.judged, ground, &mixed).map(|score| score - self.score)
        };
        SHARES.iter().filter_map(with).max_by(f64::total_cmp)
    }
}

/// The metric of the rows that decide; larger is better.
fn signed_score(judged: &Judged, ground: &Ground<'_>, predictions: &Predictions) -> Option<f64> {
    let sign = if ground.metric.spec.larger_is_better { 1.0 } else { -1.0 };
    judged.score(ground.metric, predictions).map(|s| sign * s)
}

/// Frees what a variant learned: the ensemble does not need it.
fn drop_trial(outcome: &mut Outcome) {
    if outcome.trial.take().is_some() {
        outcome.note = Some("the ensemble gains nothing from it".to_owned());
    }
}
