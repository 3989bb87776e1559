//! Models that do with cheaper columns, tried after the search and offered beside its ensemble.
//!
//! Each is the best trial of the search, and the best booster where that is another one, without
//! the columns that a step of the path leaves out: a trial like any other, judged on the same
//! rows, but no member of the ensemble.

use std::time::Duration;

use modelwright_core::Context;
use modelwright_core::record::{PhaseTime, PlannedTrial};
use modelwright_evaluate::metric::MetricEntry;
use modelwright_learners::OWN;

use super::Frugal;
use super::path::Step;
use crate::search::{self, Found, Ground};

/// Parts of the cost of all columns near which a cheaper model is wanted.
const PARTS: [f64; 3] = [0.5, 0.25, 0.1];

/// No model is cheaper that costs more than this part of all columns.
const PART_MAX: f64 = 0.9;

/// The share of the time left that is kept for them, and the most seconds.
const SHARE: f64 = 0.12;
const SECONDS_MAX: f64 = 60.0;

/// The constant, which reads no column.
const BASELINE: &str = "baseline";

/// What their names begin with.
const NAME: &str = "frugal";

/// The context of the search, which leaves time for cheaper models where some are wanted.
pub(crate) fn with_reserve(frugal: Option<&Frugal>, ctx: &Context) -> Context {
    let wanted = frugal.is_some_and(|frugal| !steps(frugal).is_empty());
    let left = ctx.remaining().filter(|_| wanted);
    let kept_s = left.map_or(0.0, |left| (left.as_secs_f64() * SHARE).min(SECONDS_MAX));
    ctx.with_reserve(Duration::from_secs_f64(kept_s))
}

/// Tries them, and adds them to what was found.
pub(crate) fn run(frugal: &Frugal, ground: &Ground<'_>, found: &mut Found, ctx: &Context) {
    let models = models(found, ground.metric);
    let scope = ctx.scope("cheaper");
    let steps = steps(frugal);
    let n_planned = steps.len() * models.len();
    for (n, (step, best)) in
        steps.iter().flat_map(|step| models.iter().map(move |best| (step, best))).enumerate()
    {
        let planned = PlannedTrial {
            name: format!("{NAME}-{}", n + 1),
            reason: format!(
                "{} without columns that are dear for what they say: {} of {} a row",
                best.name,
                written(step.cost),
                written(frugal.costs.without(&[]))
            ),
            without: step.left_out.clone(),
            ..best.clone()
        };
        let begun = ctx.elapsed();
        let mut outcome = search::run_one(&planned, n_planned - n, ground, found, &scope);
        outcome.is_beside = true;
        let seconds = ctx.elapsed().saturating_sub(begun).as_secs_f64();
        found.times.push(PhaseTime { name: planned.name.clone(), seconds });
        search::tell(&outcome, found, ground.metric, ctx);
        found.outcomes.push(outcome);
    }
}

/// A cost as a person would write it.
fn written(cost: f64) -> String {
    format!("{cost:.4}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The steps of the path that are nearest to what is wanted, the dearest first; none where a limit
/// was set, to which the ensemble itself keeps.
fn steps(frugal: &Frugal) -> Vec<&Step> {
    let of_all = frugal.costs.without(&[]);
    if frugal.limit.is_some() || of_all <= 0.0 {
        return Vec::new();
    }
    let able: Vec<&Step> =
        frugal.path.iter().filter(|step| step.cost <= PART_MAX * of_all).collect();
    let mut chosen: Vec<&Step> = Vec::new();
    for part in PARTS {
        let off = |step: &Step| (step.cost / of_all - part).abs();
        let nearest = able.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
        if let Some(step) = nearest
            && !chosen.iter().any(|other| other.left_out == step.left_out)
        {
            chosen.push(step);
        }
    }
    chosen
}

/// The best trial of the search as it was run, and the best booster where that is another one.
fn models(found: &Found, metric: &MetricEntry) -> Vec<PlannedTrial> {
    let sign = if metric.spec.larger_is_better { 1.0 } else { -1.0 };
    let best_of = |is: &dyn Fn(&PlannedTrial) -> bool| {
        let able = found
            .candidates()
            .map(|(o, _)| o)
            .filter(|o| o.planned.without.is_empty() && o.score.is_some() && is(&o.planned));
        let key = |score: Option<f64>| sign * score.unwrap_or(f64::NAN);
        let best = able.max_by(|a, b| key(a.score).total_cmp(&key(b.score)));
        best.map(|o| o.planned.clone())
    };
    let is_engines = |p: &PlannedTrial| p.learner != OWN && p.learner != BASELINE;
    let mut models: Vec<PlannedTrial> = best_of(&is_engines).into_iter().collect();
    models.extend(best_of(&|p| p.learner == "gbdt"));
    models.dedup();
    models
}
