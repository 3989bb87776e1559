//! Runs the plan's trials under the budget and keeps their out-of-fold predictions.

mod repeats;
mod second_lap;

use std::collections::BTreeMap;
use std::time::Duration;

use modelwright_core::context::Event;
use modelwright_core::data::{Fold, Schema, Table};
use modelwright_core::record::{PhaseTime, Plan, PlannedTrial, TrialStatus};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use modelwright_evaluate::metric::{MetricEntry, MetricInput};
use modelwright_evaluate::threshold::at_best;
use modelwright_learners::gbdt::Gbdt;
use modelwright_learners::{Algorithm, Learner, OWN, learner};
use modelwright_preprocess::derive;
use modelwright_preprocess::encode::{EncodingSpec, PrepareInput, Prepared, prepare};

use crate::comparable::BaseRates;
use crate::last_fit::LastFit;
use crate::own::Brought;
use crate::trial::{self, Trial, TrialInput};
use crate::{budget, derived, pace, room, whole_file};

/// The refits for which time is kept: the largest of them, since nobody knows yet which are chosen.
const N_REFITS: usize = 3;

/// What the search works on: the training part and its folds.
pub(crate) struct Ground<'a> {
    pub table: &'a Table,
    pub schema: &'a Schema,
    /// Columns that are not features: target, weight, group, exclusions, leaks.
    pub exclude: &'a [String],
    pub target: &'a Target,
    pub weights: Option<&'a [f64]>,
    /// The group of each row, where rows of a group belong together.
    pub groups: Option<&'a [u32]>,
    pub folds: &'a [Fold],
    /// Further divisions of the same rows into folds, for time left over.
    pub repeats: &'a [Vec<Fold>],
    /// Whether any rows may judge any others: no groups, no order in time.
    pub exchangeable: bool,
    pub metric: &'static MetricEntry,
    /// The most different members of the ensemble.
    pub members_max: usize,
    /// What a further encoding may need, in bytes.
    pub encoding_bytes: u64,
    /// The last fit, for which time is kept.
    pub last_fit: LastFit,
    /// Learners of the caller's own, and the loss that boosters minimise.
    pub brought: Brought,
}

impl Ground<'_> {
    /// The folds of all divisions, for which columns are written at once.
    fn all_folds(&self) -> Vec<Fold> {
        self.folds.iter().chain(self.repeats.iter().flatten()).cloned().collect()
    }

    /// The learner of a planned trial.
    ///
    /// # Errors
    /// Input error when there is no such learner.
    fn algorithm(&self, planned: &PlannedTrial) -> Result<Algorithm> {
        if let (Some(loss), true) = (&self.brought.loss, planned.learner == Gbdt::SPEC.name) {
            return Ok(Algorithm::Boosted(loss.clone()));
        }
        if let (Some((model, _)), true) =
            (&self.brought.continued, planned.learner == Gbdt::SPEC.name)
        {
            return Ok(Algorithm::Continued(model.clone()));
        }
        if planned.learner != OWN {
            return learner(&planned.learner).map(Algorithm::Catalog);
        }
        let own = self.brought.learners.iter().find(|own| own.name == planned.name);
        own.cloned().map(Algorithm::Own).ok_or_else(|| {
            Error::input("a learner of the user's own is not here").got(&planned.name)
        })
    }
}

/// A planned trial and what became of it.
pub(crate) struct Outcome {
    pub planned: PlannedTrial,
    pub status: TrialStatus,
    pub note: Option<String>,
    /// Why it failed.
    pub error: Option<Error>,
    pub score: Option<f64>,
    pub rounds: Vec<usize>,
    /// The fitted trial, if it can be used.
    pub trial: Option<Trial>,
    /// Whether the trial was moved out to become a member.
    pub taken: bool,
    /// Whether it was tried beside the ensemble, to be offered, and can be no member of it.
    pub is_beside: bool,
}

/// Everything the search found.
pub(crate) struct Found {
    pub outcomes: Vec<Outcome>,
    pub prepared: BTreeMap<String, Prepared>,
    /// Rows that were judged, in the order of the out-of-fold predictions.
    pub rows: Vec<u32>,
    /// Target and weights of those rows.
    pub truth: Target,
    pub weights: Option<Vec<f64>>,
    /// The groups of those rows, where rows belong together.
    pub groups: Option<Vec<u32>>,
    /// How frequent classes were where the models of the folds learned.
    pub base: Option<BaseRates>,
    pub times: Vec<PhaseTime>,
    /// Seconds in which each encoding was written, by its name.
    pub encode_s: BTreeMap<String, f64>,
    /// By how many further divisions into folds the trials were judged.
    pub n_repeats: usize,
    /// Whether the plan has one trial: nothing is selected, and whatever it learned is used.
    pub is_single: bool,
    /// The last fit, for which time is kept.
    pub last_fit: LastFit,
}

/// Runs the plan.
pub(crate) fn run(plan: &Plan, ground: &Ground<'_>, ctx: &Context) -> Found {
    let rows: Vec<u32> = ground.folds.iter().flat_map(|f| f.validation.iter().copied()).collect();
    let mut found = Found {
        truth: ground.target.select(&rows),
        weights: ground.weights.map(|w| rows.iter().map(|r| w[*r as usize]).collect()),
        groups: ground.groups.map(|g| rows.iter().map(|r| g[*r as usize]).collect()),
        base: BaseRates::of(ground.target, ground.weights, ground.folds),
        rows,
        outcomes: Vec::new(),
        prepared: BTreeMap::new(),
        times: Vec::new(),
        encode_s: BTreeMap::new(),
        n_repeats: 0,
        is_single: plan.trials.len() == 1,
        last_fit: ground.last_fit,
    };
    for (i, planned) in plan.trials.iter().enumerate() {
        let begun = ctx.elapsed();
        let n_boosters = plan.trials[i..].iter().filter(|t| pace::is_booster(t)).count();
        let outcome = run_one(planned, n_boosters, ground, &mut found, ctx);
        found.times.push(PhaseTime {
            name: planned.name.clone(),
            seconds: ctx.elapsed().saturating_sub(begun).as_secs_f64(),
        });
        tell(&outcome, &found, ground.metric, ctx);
        found.outcomes.push(outcome);
    }
    without_file(plan, ground, &mut found, ctx);
    if plan.variants_max > 0 {
        second_lap::run(plan, ground, &mut found, ctx);
    }
    repeats::run(ground, &mut found, ctx);
    found
}

/// Gives the time that was kept for a last fit on a whole file to the trials that were left out
/// for it, when nobody of the ensemble could learn from the file.
fn without_file(plan: &Plan, ground: &Ground<'_>, found: &mut Found, ctx: &Context) {
    if !ground.last_fit.is_on_file() {
        return;
    }
    let Some(weights) = second_lap::weights(plan, ground, found, ctx) else { return };
    let is_learner =
        |((o, _), weight): ((&Outcome, _), f64)| weight > 0.0 && whole_file::may_learn(&o.planned);
    if found.usable().zip(weights).any(is_learner) {
        return;
    }
    found.last_fit = LastFit::in_memory(1.0);
    let ctx = ctx.scope("without-file");
    let is_left_out = |o: &Outcome| o.status == TrialStatus::Skipped;
    for i in (0..found.outcomes.len()).filter(|i| *i < plan.trials.len()) {
        if !is_left_out(&found.outcomes[i]) {
            continue;
        }
        let left_out = found.outcomes[i..].iter().filter(|o| is_left_out(o));
        let n_boosters = left_out.filter(|o| pace::is_booster(&o.planned)).count();
        let begun = ctx.elapsed();
        let outcome = run_one(&plan.trials[i], n_boosters, ground, found, &ctx);
        found.times[i].seconds += ctx.elapsed().saturating_sub(begun).as_secs_f64();
        tell(&outcome, found, ground.metric, &ctx);
        found.outcomes[i] = outcome;
    }
}

impl Outcome {
    /// A trial that left nothing behind.
    pub(crate) fn ended(planned: &PlannedTrial, status: TrialStatus, note: Option<String>) -> Self {
        Self {
            planned: planned.clone(),
            status,
            note,
            error: None,
            score: None,
            rounds: Vec::new(),
            trial: None,
            taken: false,
            is_beside: false,
        }
    }
}

impl Outcome {
    /// Whether it was scored and is not used: its predictions are gone.
    pub(crate) fn is_left_out(&self) -> bool {
        self.score.is_some() && self.trial.is_none() && !self.taken
    }
}

impl Found {
    /// The score of predictions of the judged rows, in the metric's own unit; of decided labels at
    /// the threshold that suits these predictions best.
    pub(crate) fn score(&self, metric: &MetricEntry, predictions: &Predictions) -> Option<f64> {
        let weights = self.weights.as_deref();
        at_best(metric, &MetricInput { weights, ..MetricInput::new(&self.truth, predictions) }).ok()
    }

    /// Which candidates are constants, which are never mixed with others.
    pub(crate) fn alone(&self) -> Vec<bool> {
        self.candidates().map(|(o, _)| is_constant(&o.planned)).collect()
    }

    /// The usable trials, in the order in which they ran.
    pub(crate) fn usable(&self) -> impl Iterator<Item = (&Outcome, &Trial)> {
        self.outcomes.iter().filter_map(|o| o.trial.as_ref().map(|t| (o, t)))
    }

    /// The usable trials that may be members of the ensemble: all but its students and others that
    /// are tried beside it, which come last.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = (&Outcome, &Trial)> {
        self.usable().filter(|(o, t)| t.labels.is_none() && !o.is_beside)
    }
}

/// Whether a trial is the yardstick: a constant.
fn is_constant(planned: &PlannedTrial) -> bool {
    planned.learner == "baseline"
}

/// `n_boosters` of the trials are still to come, this one included.
pub(crate) fn run_one(
    planned: &PlannedTrial,
    n_boosters: usize,
    ground: &Ground<'_>,
    found: &mut Found,
    ctx: &Context,
) -> Outcome {
    let ended = |status, note: Option<String>| Outcome::ended(planned, status, note);
    let refit_s = refit_reserve_s(found);
    let is_first = found.outcomes.is_empty();
    if !is_first && !budget::may_start(ctx, &planned.name, expected_s(planned, found), refit_s) {
        return ended(TrialStatus::Skipped, Some("the budget did not allow it".to_owned()));
    }
    let Some(planned) = derived::resolve(planned, found, ground.metric) else {
        return ended(TrialStatus::Skipped, Some("there is no booster to add columns to".into()));
    };
    if !has_room(&planned, ground, found, ctx) {
        return ended(TrialStatus::Skipped, Some("the memory limit did not allow it".to_owned()));
    }
    let planned = &planned;
    let limit = budget::trial_limit(ctx, refit_s, share(planned, n_boosters, ground, found));
    let most = found.last_fit.booster_limit().filter(|_| pace::is_booster(planned));
    let limit = limit.map(|limit| most.map_or(limit, |most| limit.min(most)));
    let limit_s = limit.map(|l| l.as_secs_f64());
    let planned = pace::paced(planned, &found.outcomes, limit_s, ctx);
    let Some(planned) = &room::fitted_in(&planned, ground, ctx) else {
        return ended(TrialStatus::Skipped, Some("the memory limit did not allow it".to_owned()));
    };
    match fit_one(planned, ground, found, limit, ctx) {
        Err(error) => {
            let outcome = ended(TrialStatus::Failed, Some(error.to_string()));
            Outcome { error: Some(error), ..outcome }
        }
        Ok(trial) if !trial.is_usable() && !found.is_single => {
            let (status, why) = if trial.stopped {
                (TrialStatus::Stopped, "stopped before half of its folds had learned something")
            } else {
                (
                    TrialStatus::Done,
                    "for most folds not one round makes the other folds' rows better",
                )
            };
            let mut outcome = ended(status, Some(why.to_owned()));
            outcome.rounds.clone_from(&trial.rounds);
            outcome
        }
        Ok(trial) => fitted(planned, trial, found, ground),
    }
}

/// The outcome of a trial that learned something.
pub(crate) fn fitted(
    planned: &PlannedTrial,
    trial: Trial,
    found: &Found,
    ground: &Ground<'_>,
) -> Outcome {
    let gate = derived::judge(planned, &trial, found, ground);
    let stopped = "the budget ended it; what it had learned is used";
    let note = match &gate {
        Some(gate) => Some(derived::describe(gate)),
        None => trial.stopped.then(|| stopped.to_owned()),
    };
    let is_rejected = gate.is_some_and(|g| !g.accepted);
    Outcome {
        planned: planned.clone(),
        status: if trial.stopped { TrialStatus::Stopped } else { TrialStatus::Done },
        error: None,
        note,
        score: found.score(ground.metric, &found.seen(ground.metric, &trial)),
        rounds: trial.rounds.clone(),
        // The models of a plan's only trial are all asked again.
        trial: (!is_rejected).then(|| if found.is_single { trial } else { trial.rest() }),
        taken: false,
        is_beside: false,
    }
}

/// Whether memory allows the encoding of a trial beside those that are there. The first two are
/// part of what the rows were counted to need.
fn has_room(planned: &PlannedTrial, ground: &Ground<'_>, found: &Found, ctx: &Context) -> bool {
    let is_counted = ["trees", "linear"].contains(&&*planned.features());
    if found.is_single || is_counted || found.prepared.contains_key(&planned.features()) {
        return true;
    }
    let derived = match &*planned.encoding {
        "derived" => derive::row_bytes(ground.schema.fields.len()) * ground.table.n_rows(),
        _ => 0,
    };
    let bytes = ground.encoding_bytes + derived as u64;
    ctx.decide(&format!("room/{}", planned.name), || {
        u64::from(ctx.memory_left_bytes().is_none_or(|left| left > bytes))
    }) == 1
}

fn fit_one(
    planned: &PlannedTrial,
    ground: &Ground<'_>,
    found: &mut Found,
    limit: Option<Duration>,
    ctx: &Context,
) -> Result<Trial> {
    let features = planned.features();
    if !found.prepared.contains_key(&features) {
        let begun = ctx.elapsed();
        let exclude: Vec<String> = ground.exclude.iter().chain(&planned.without).cloned().collect();
        let prepared = prepare(
            &PrepareInput {
                table: ground.table,
                schema: ground.schema,
                exclude: &exclude,
                target: ground.target,
                weights: ground.weights,
                folds: &ground.all_folds(),
                like: None,
            },
            &EncodingSpec::named(&planned.encoding)?,
            ctx,
        )?;
        let prepared = ground.brought.read_as_before(prepared, ground.table, ctx)?;
        let seconds = ctx.elapsed().saturating_sub(begun).as_secs_f64();
        found.encode_s.insert(features.clone(), seconds);
        found.prepared.insert(features.clone(), prepared);
    }
    let input = TrialInput {
        planned,
        entry: ground.algorithm(planned)?,
        prepared: &found.prepared[&features],
        target: ground.target,
        weights: ground.weights,
        folds: ground.folds,
        first_fold: 0,
        exchangeable: ground.exchangeable,
        labels: None,
    };
    let scope = ctx.scope("trial").scope(&planned.name);
    let scope = match limit {
        Some(limit) => scope.with_time_limit(limit),
        None => scope,
    };
    trial::run(&input, &scope)
}

/// The share of the time left that a trial may use.
fn share(planned: &PlannedTrial, n_boosters: usize, ground: &Ground<'_>, found: &Found) -> f64 {
    if found.is_single {
        budget::only_trial_share(ground.folds.len())
    } else if pace::is_booster(planned) {
        budget::booster_share(n_boosters)
    } else {
        budget::TRIAL_SHARE
    }
}

/// Seconds to keep for the refits of the costliest trials so far, with the encodings for them.
///
/// The model of one validation part saw most of the training rows and may stay as it is, where
/// these are all that there is. Where the last fit will see more, one refit is planned for: it has
/// half as many rows again, but costs more than the trial did.
///
/// Nothing is kept before something has been learned: any model is worth more than the refit of a
/// constant, however long its encoding took.
fn refit_reserve_s(found: &Found) -> f64 {
    let ratio = found.last_fit.ratio;
    if found.usable().all(|(o, _)| is_constant(&o.planned)) {
        return 0.0;
    }
    let has_folds = found.usable().any(|(_, t)| t.models.len() > 1);
    if !has_folds && ratio == 1.0 {
        return 0.0;
    }
    let mut costs: Vec<f64> = found.usable().map(|(_, t)| t.refit_s()).collect();
    costs.sort_by(|a, b| b.total_cmp(a));
    let n_refits = if has_folds { N_REFITS } else { 1 };
    let encode_s: f64 = if ratio > 1.0 { found.encode_s.values().sum() } else { 0.0 };
    found.last_fit.reserve_s(costs.iter().take(n_refits).sum::<f64>() + encode_s)
}

/// Seconds after which this trial would be of use: a third of what its kind took before.
fn expected_s(planned: &PlannedTrial, found: &Found) -> f64 {
    let before = found
        .usable()
        .filter(|(o, _)| o.planned.learner == planned.learner && planned.learner != OWN)
        .map(|(_, t)| t.fold_s * t.models.len() as f64);
    before.fold(0.0, f64::max) / 3.0
}

/// Tells the user what became of a trial; `found` are those before it.
pub(crate) fn tell(outcome: &Outcome, found: &Found, metric: &MetricEntry, ctx: &Context) {
    let is_unjudged = outcome.trial.is_some() && outcome.score.is_none();
    // The failure of the only trial is the error of the run.
    let is_told_later = found.is_single && outcome.error.is_some();
    if outcome.status == TrialStatus::Skipped || is_unjudged || is_told_later {
        return;
    }
    if let (TrialStatus::Failed, Some(note)) = (outcome.status, &outcome.note) {
        ctx.tell(Event::Warning(format!("{} failed: {note}", outcome.planned.name)));
    }
    if let (true, Some(note)) = (outcome.is_left_out(), &outcome.note) {
        ctx.tell(Event::Note(format!("{}: {note}", outcome.planned.name)));
        return;
    }
    let sign = if metric.spec.larger_is_better { 1.0 } else { -1.0 };
    let best = outcome.score.filter(|_| !found.is_single).is_some_and(|s| {
        let earlier = found.outcomes.iter().filter(|o| !o.is_left_out());
        earlier.filter_map(|o| o.score).all(|earlier| sign * s > sign * earlier)
    });
    ctx.tell(Event::Trial { name: outcome.planned.name.clone(), score: outcome.score, best });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(name: &str, seconds: f64) -> Outcome {
        let planned = PlannedTrial {
            name: name.to_owned(),
            learner: name.to_owned(),
            encoding: "trees".to_owned(),
            params: modelwright_core::params::ParamMap::new(),
            without: Vec::new(),
            fixed_rounds: false,
            reason: String::new(),
        };
        let trial = Trial {
            planned: planned.clone(),
            entry: Algorithm::Catalog(learner(name).unwrap()),
            models: Vec::new(),
            out_of_fold: Predictions::new(1, Vec::new()),
            rounds: Vec::new(),
            rounds_done: Vec::new(),
            rounds_wanted: 0,
            fold_s: seconds,
            wall_s: seconds,
            side_by_side: false,
            stopped: false,
            is_whole: true,
            labels: None,
        };
        Outcome {
            planned,
            status: TrialStatus::Done,
            note: None,
            error: None,
            score: None,
            rounds: Vec::new(),
            trial: Some(trial),
            taken: false,
            is_beside: false,
        }
    }

    #[test]
    fn no_time_is_kept_for_a_refit_before_something_was_learned() {
        let mut found = Found {
            outcomes: vec![outcome("baseline", 0.0)],
            prepared: BTreeMap::new(),
            rows: Vec::new(),
            truth: Target::Real(Vec::new()),
            weights: None,
            groups: None,
            base: None,
            times: Vec::new(),
            n_repeats: 0,
            encode_s: BTreeMap::from([("trees".to_owned(), 40.0)]),
            is_single: false,
            last_fit: LastFit::in_memory(1.25),
        };
        assert_eq!(refit_reserve_s(&found), 0.0);
        found.outcomes.push(outcome("linear", 2.0));
        assert_eq!(refit_reserve_s(&found), 1.25 * 42.0);
    }
}
