//! The members of the ensemble, fitted again without giving rows away.
//!
//! A refit repeats a trial's fit with the rounds that all its folds together like best, and without
//! a validation part: about as good as the bag of fold models, and as many times faster to predict
//! with as there were folds. Where time is left, a member is fitted several times by other chances
//! and averaged, which pays on small tables. What the time or the user does not allow keeps its
//! fold models, so that there always is a servable model. A trial that was planned without folds
//! is fitted here for the first time, whatever the clock says.

use std::collections::BTreeMap;

use modelwright_core::context::Event;
use modelwright_core::data::Table;
use modelwright_core::record::PlannedTrial;
use modelwright_core::task::Target;
use modelwright_core::{Context, Result};
use modelwright_learners::{Algorithm, Fitted};
use modelwright_preprocess::encode::Prepared;

use crate::fair::Recast;
use crate::trial::{self, Trial};
use crate::{budget, distill};

/// A refit with a smaller share of its rounds than this is worse than the bag it would replace.
const ROUNDS_SHARE_MIN: f64 = 0.8;

/// A member of the ensemble with its models.
pub(crate) struct Chosen {
    pub planned: PlannedTrial,
    pub entry: Algorithm,
    pub weight: f64,
    /// The models that are averaged: those of the folds, or those of refits.
    pub models: Vec<Fitted>,
    /// Rounds of the models: of a refit, or those that all folds together like best.
    pub rounds: usize,
    /// Whether the models learned from all rows at hand.
    pub is_refit: bool,
    /// What a student learns in place of the target, for each row of a refit.
    pub labels: Option<Vec<f64>>,
    /// Whether it teaches students.
    pub teaches: bool,
    /// How its rows teach, where that is not by their own class and weight.
    recast: Option<Recast>,
    /// The rounds a refit does; `None` is as planned.
    rounds_wanted: Option<usize>,
    /// Seconds that a refit on the rows of the trial should take.
    refit_s: f64,
}

/// The rows of a refit.
pub(crate) struct Rows<'a> {
    /// The features by their names; a member whose features are absent stays as it
    /// is.
    pub prepared: &'a BTreeMap<String, Prepared>,
    /// The rows as they are, by whose groups some members learn.
    pub table: &'a Table,
    pub target: &'a Target,
    pub weights: Option<&'a [f64]>,
    /// How many times the rows of the trials these are.
    pub ratio: f64,
    /// Whether they are on a disk, which may be full when it is learned from them.
    pub are_stored: bool,
}

impl Chosen {
    /// The member that a trial becomes, with its fold models.
    pub(crate) fn of(trial: Trial, weight: f64) -> Self {
        let rounds = trial.rounds_wanted;
        let as_planned = trial.planned.fixed_rounds && !trial.stopped;
        Self {
            weight,
            rounds,
            rounds_wanted: (!as_planned && !trial.models.is_empty()).then_some(rounds),
            refit_s: trial.refit_s(),
            is_refit: trial.is_whole,
            teaches: distill::teaches(&trial),
            labels: trial.labels,
            models: that_learned(trial.models),
            planned: trial.planned,
            entry: trial.entry,
            recast: None,
        }
    }

    /// The member that a trial becomes that learned in a fair way.
    pub(crate) fn recast(trial: Trial, weight: f64, recast: Recast) -> Self {
        Self { recast: Some(recast), ..Self::of(trial, weight) }
    }

    /// Whether its rows teach something else than their own class and weight.
    pub(crate) fn is_recast(&self) -> bool {
        self.recast.is_some()
    }

    /// Seconds that a refit on the rows of the trial should take.
    pub(crate) fn refit_s(&self) -> f64 {
        self.refit_s
    }

    /// Whether another chance gives another model of the same quality: boosters and nets draw rows,
    /// features and weights; a linear model does not, and a forest is an average already.
    fn varies(&self) -> bool {
        // A student is to be small.
        self.labels.is_none()
            && self.entry.spec().rounds_param.is_some()
            && self.entry.spec().abilities.early_stopping
    }

    /// One more model, unless the clock says no: `None` then, or when it ended too early.
    fn fit(&self, rows: &Rows<'_>, chance: u64, ctx: &Context) -> Result<Option<(Fitted, usize)>> {
        let name = match chance {
            0 => self.planned.name.clone(),
            _ => format!("{}-{chance}", self.planned.name),
        };
        let is_first_fit = self.models.is_empty();
        if !is_first_fit && !budget::may_refit(ctx, &name, self.refit_s * rows.ratio) {
            return Ok(None);
        }
        ctx.tell(Event::Phase(format!("{} {name}", if is_first_fit { "fit" } else { "refit" })));
        let Some(prepared) = rows.prepared.get(&self.planned.features()) else { return Ok(None) };
        let scope = ctx.scope("refit").scope(&name).with_chance(chance);
        let lesson = self.recast.as_ref().map(|r| r.apply(rows.table, rows.target, rows.weights));
        let (target, weights) = match &lesson {
            Some((target, weights)) => (target, Some(weights.as_slice())),
            None => (rows.target, rows.weights),
        };
        let on = trial::Whole {
            features: &prepared.full,
            target,
            weights,
            rounds: self.rounds_wanted,
            labels: self.labels.as_deref(),
        };
        let model = trial::refit(&self.planned, &self.entry, &on, &scope)?;
        let reached = model.model.rounds();
        let is_whole = reached as f64 >= self.rounds as f64 * ROUNDS_SHARE_MIN
            || self.entry.spec().rounds_param.is_none();
        Ok((is_first_fit || is_whole).then_some((model, reached)))
    }
}

/// Fits each member again on `rows`, then again by other chances up to `n_models` each, as long as
/// the time of `ctx` lasts.
pub(crate) fn again(
    members: &mut [Chosen],
    rows: &Rows<'_>,
    n_models: usize,
    ctx: &Context,
) -> Result<()> {
    let is_ready = |m: &Chosen| rows.prepared.contains_key(&m.planned.features());
    for member in members.iter_mut().filter(|m| is_ready(m) && !m.is_refit) {
        let again = first(member, rows, ctx)?;
        if let Some((model, rounds)) = again {
            member.models = vec![model];
            member.rounds = rounds;
            member.is_refit = true;
        } else {
            let name = &member.planned.name;
            ctx.tell(Event::Note(format!("{name}: no refit; its fold models are used")));
        }
    }
    for chance in 1..n_models as u64 {
        for member in members.iter_mut().filter(|m| m.is_refit && m.varies()) {
            // One that the clock left out stays at the number it has.
            if member.models.len() as u64 == chance
                && let Some((model, _)) = member.fit(rows, chance, ctx)?
            {
                member.models.push(model);
            }
        }
    }
    Ok(())
}

/// A member's first fit on `rows`; `None` when it keeps the models it has.
///
/// What learned its folds and not all rows keeps what it has, where it is not the engine's own, or
/// the rows are on a disk: the engine's own do not fail by whim, but a disk does.
fn first(member: &Chosen, rows: &Rows<'_>, ctx: &Context) -> Result<Option<(Fitted, usize)>> {
    let failed = format!("failed/{}", member.planned.name);
    if rows.are_stored && ctx.replayed(&failed) == Some(1) {
        ctx.decide(&failed, || 1);
        return Ok(None);
    }
    let may_fail = (member.entry.is_own() || rows.are_stored) && !member.models.is_empty();
    match member.fit(rows, 0, ctx) {
        Err(error) if may_fail => {
            if rows.are_stored {
                ctx.decide(&failed, || 1);
            }
            let name = &member.planned.name;
            ctx.tell(Event::Warning(format!("{name} failed at the refit: {error}")));
            Ok(None)
        }
        other => other,
    }
}

/// The fold models that learned something, if any did: the others would only dilute them.
fn that_learned(mut models: Vec<Fitted>) -> Vec<Fitted> {
    if models.iter().any(|m| m.model.rounds() > 0) {
        models.retain(|m| m.model.rounds() > 0);
    }
    models
}
