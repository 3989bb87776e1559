//! Members of the ensemble learned again in a fair way, and judged out of fold like any trial.
//!
//! Reweighing learns each member again with weights. Exponentiated gradient learns the heaviest
//! member again and again; violations are counted on out-of-fold decisions, because those on rows
//! that a booster has learned say nothing. Its theory lets a coin pick one of the answers for each
//! row; nobody's fate is tossed about here: the mean of the answers' probabilities is the score,
//! and one threshold for everybody decides. What that comes to is measured, not promised.

use modelwright_core::context::Event;
use modelwright_core::record::PlannedTrial;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Result};
use modelwright_evaluate::fairness::reduction::{
    self, Cells, Moments, ReductionInput, exponentiated_gradient,
};
use modelwright_evaluate::fairness::thresholds::Thresholds;

use super::choose::{Asked, FairInput};
use super::recast::Recast;
use crate::audit::MIN_GROUP;
use crate::budget;
use crate::ensemble;
use crate::trial::{self, Trial, TrialInput};

/// Answers of the game at most: with exact mixtures few are needed, and each is a trial.
const ANSWERS_MAX: usize = 10;

/// Members below this share of the largest are left out, as in the ensemble.
const SHARE_MIN: f64 = 0.08;

/// Refits for which time is kept at most.
const REFITS_MAX: usize = 4;

/// The narrowest gap that the game is played for: prices are bounded by twice its inverse.
const GAP_MIN: f64 = 0.01;

/// Models that were learned in a fair way.
pub(super) struct Relearned {
    /// What was learned, and how its rows were recast.
    pub pool: Vec<(Trial, Recast)>,
    /// Combinations of them: positions in the pool and shares, which sum to 1.
    pub mixes: Vec<Mix>,
    /// The trials of the search that were learned again.
    pub from: Vec<String>,
    pub note: Option<String>,
}

/// One combination and what thresholds for everybody come to with it.
pub(super) struct Mix {
    pub shares: Vec<(usize, f64)>,
    pub scores: Predictions,
    pub curve: Vec<Thresholds>,
}

/// What learns again.
struct School<'a> {
    input: &'a FairInput<'a>,
    asked: &'a Asked,
    ctx: Context,
}

/// Every member that takes weights, learned again with weights.
///
/// # Errors
/// Whatever groups and learners refuse.
pub(super) fn reweigh(input: &FairInput<'_>, asked: &Asked, ctx: &Context) -> Result<Relearned> {
    let school = School { input, asked, ctx: ctx.scope("reweighing") };
    let cells = reduction::reweighing(&school.rows())?;
    let recast = Recast::new(&asked.groupings, &asked.groups, &cells, [-1.0, 1.0]);
    let members = school.members();
    let mut relearned = Relearned::empty();
    let mut shares = Vec::new();
    for (base, weight) in &members {
        let name = format!("{}-reweighed", base.planned.name);
        let reason = "learned again with weights that make groups and classes independent";
        let n_refits = shares.len() + 1;
        let Some(trial) = school.learn(base, &name, reason, &recast, n_refits)? else {
            relearned.note = Some("there was no time to learn every member again".to_owned());
            break;
        };
        relearned.from.push(base.planned.name.clone());
        shares.push((relearned.pool.len(), *weight));
        relearned.pool.push((trial, recast.clone()));
    }
    if members.is_empty() {
        relearned.note = Some("no member of the ensemble takes weights".to_owned());
    }
    relearned.mix(vec![shares], &school)?;
    Ok(relearned)
}

/// The heaviest member that takes weights, learned again until no mixture is fairer and better.
///
/// # Errors
/// Whatever groups and learners refuse.
pub(super) fn reduce(input: &FairInput<'_>, asked: &Asked, ctx: &Context) -> Result<Relearned> {
    let school = School { input, asked, ctx: ctx.scope("reduction") };
    let gap = asked.max_gap.max(GAP_MIN);
    let moments = Moments::new(school.rows(), asked.constraint, gap, input.threshold)?;
    let mut relearned = Relearned::empty();
    let members = school.members();
    let Some((base, _)) = members.first() else {
        relearned.note = Some("no member of the ensemble takes weights".to_owned());
        return Ok(relearned);
    };
    let others = [-2.0 * input.threshold, 2.0 * (1.0 - input.threshold)];
    let (pool, note) = (&mut relearned.pool, &mut relearned.note);
    let mut learn = |cells: &Cells| -> Result<Option<Vec<f64>>> {
        let name = format!("{}-fair-{}", base.planned.name, pool.len() + 1);
        let reason = "learned again at other prices of unequal rates";
        let recast = Recast::new(&asked.groupings, &asked.groups, cells, others);
        let Some(trial) = school.learn(base, &name, reason, &recast, pool.len() + 1)? else {
            *note = Some("the budget ended it; what was learned is used".to_owned());
            return Ok(None);
        };
        let decided = trial.out_of_fold.values.iter().map(|p| f64::from(u8::from(*p >= 0.5)));
        let decided = decided.collect();
        pool.push((trial, recast));
        Ok(Some(decided))
    };
    let answers = exponentiated_gradient(&moments, ANSWERS_MAX, &mut learn)?;
    relearned.from.push(base.planned.name.clone());
    // Alone, an answer is a candidate too: fairlearn's grid search.
    let alone = (0..relearned.pool.len()).map(|i| vec![(i, 1.0)]);
    let mut all: Vec<Vec<(usize, f64)>> = alone.collect();
    // A person is to read one model as a whole, where that is asked.
    for mixture in answers.into_iter().filter(|_| !input.options.interpretable) {
        let shares = without_small(mixture.shares);
        if !all.contains(&shares) {
            all.push(shares);
        }
    }
    relearned.mix(all, &school)?;
    Ok(relearned)
}

impl Relearned {
    fn empty() -> Self {
        Self { pool: Vec::new(), mixes: Vec::new(), from: Vec::new(), note: None }
    }

    /// Judges combinations out of fold; empty ones are left out.
    fn mix(&mut self, all: Vec<Vec<(usize, f64)>>, school: &School<'_>) -> Result<()> {
        for shares in all.into_iter().filter(|s| !s.is_empty()) {
            let total: f64 = shares.iter().map(|(_, s)| s).sum();
            let shares: Vec<_> = shares.into_iter().map(|(i, s)| (i, s / total)).collect();
            let members: Vec<(&Predictions, f64)> =
                shares.iter().map(|(i, s)| (&self.pool[*i].0.out_of_fold, *s)).collect();
            let scores = ensemble::combine(&members);
            let candidates = school.asked.candidates(school.input, &scores)?;
            let curve = candidates.for_everybody(school.asked.constraint);
            self.mixes.push(Mix { shares, scores, curve });
        }
        Ok(())
    }

    /// The combination that costs least within a gap, and what it then comes to.
    pub(super) fn cheapest(&self, max_gap: f64) -> Option<(&Mix, &Thresholds)> {
        let all = self
            .mixes
            .iter()
            .filter_map(|mix| Thresholds::cheapest(&mix.curve, max_gap).map(|t| (mix, t)));
        all.min_by(|a, b| a.1.cost.total_cmp(&b.1.cost))
    }
}

impl<'a> School<'a> {
    fn rows(&self) -> ReductionInput<'a> {
        ReductionInput {
            truth: self.input.found.truth.codes().unwrap_or_default(),
            weights: self.input.found.weights.as_deref(),
            groups: &self.asked.groups,
            min_group: MIN_GROUP,
        }
    }

    /// The members that take weights, heaviest first.
    fn members(&self) -> Vec<(&'a Trial, f64)> {
        let usable: Vec<&Trial> = self.input.found.usable().map(|(_, t)| t).collect();
        let members = self.input.members.iter().map(|(i, weight)| (usable[*i], *weight));
        members.filter(|(t, _)| t.entry.spec().abilities.weights && !t.models.is_empty()).collect()
    }

    /// One trial, if there is time for it and `n_refits` refits.
    fn learn(
        &self,
        base: &Trial,
        name: &str,
        reason: &str,
        recast: &Recast,
        n_refits: usize,
    ) -> Result<Option<Trial>> {
        let (input, ctx) = (self.input, &self.ctx);
        let refits_s = n_refits.min(REFITS_MAX) as f64 * base.refit_s() * input.ratio;
        if !budget::may_start(ctx, name, base.wall_s, refits_s) {
            return Ok(None);
        }
        ctx.tell(Event::Phase(name.to_owned()));
        let planned = again(base, name, reason);
        let (target, weights) = recast.apply(input.table, input.target, input.weights);
        let of_trial = TrialInput {
            planned: &planned,
            entry: base.entry.clone(),
            prepared: &input.found.prepared[&planned.features()],
            target: &target,
            weights: Some(&weights),
            folds: input.folds,
            first_fold: 0,
            exchangeable: input.exchangeable,
            labels: None,
        };
        let trial = trial::run(&of_trial, &ctx.scope(name))?;
        Ok(trial.is_usable().then_some(trial))
    }
}

/// A trial as planned, with the rounds that its folds needed: answers differ by their lesson alone.
fn again(base: &Trial, name: &str, reason: &str) -> PlannedTrial {
    let mut planned =
        PlannedTrial { name: name.to_owned(), reason: reason.to_owned(), ..base.planned.clone() };
    if let Some(rounds) = base.entry.spec().rounds_param {
        let value = modelwright_core::params::ParamField::to_value(&base.rounds_wanted.max(1));
        planned.params.insert(rounds.to_owned(), value);
        planned.fixed_rounds = true;
    }
    planned
}

fn without_small(shares: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
    let least = shares.iter().map(|(_, s)| *s).fold(0.0, f64::max) * SHARE_MIN;
    shares.into_iter().filter(|(_, s)| *s >= least).collect()
}
