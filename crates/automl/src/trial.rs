//! One trial: a learner fitted on every fold, and its predictions of the rows it did not see.

pub(crate) mod rounds;

use modelwright_core::context::Decisions;
use modelwright_core::data::{FeatureMatrix, FeatureView, Fold, TrainView};
use modelwright_core::params::ParamMap;
use modelwright_core::record::PlannedTrial;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_learners::{Algorithm, Course, Fitted};
use modelwright_preprocess::encode::Prepared;

use crate::distill::{self, Labels};
use crate::last_fit::MORE_ROWS_THAN_ONE_PART;
use crate::parts;

use self::rounds::OfFold;

/// Below this many cells (rows × features) folds run side by side; above, one after the other
/// with all threads inside.
const N_CELLS_SIDE_BY_SIDE: usize = 1_500_000;

/// A refit has all threads, a fold that ran beside others had not: what that saves at least.
const ALL_THREADS: f64 = 0.7;

/// A trial is used when at least this part of its folds learned something.
const SHARE_THAT_LEARNED: f64 = 0.5;

/// What came of a trial.
pub(crate) struct Trial {
    pub planned: PlannedTrial,
    pub entry: Algorithm,
    /// One model per fold; none when nothing is judged before the untouched rows.
    pub models: Vec<Fitted>,
    /// Predictions of the judged rows: fold after fold, in each fold's order.
    pub out_of_fold: Predictions,
    /// Rounds after which each fold was judged.
    pub rounds: Vec<usize>,
    /// Rounds that each fold did, which is what its time went into.
    pub rounds_done: Vec<usize>,
    /// Rounds for a fit on all rows.
    pub rounds_wanted: usize,
    /// Wall seconds of a fold's fit, mean over folds. Only for the clock and decisions.
    pub fold_s: f64,
    /// Wall seconds of the whole trial. Only for decisions.
    pub wall_s: f64,
    /// Whether the folds ran at the same time, each with a part of the threads.
    pub side_by_side: bool,
    /// Whether a fold was stopped by the budget or the user.
    pub stopped: bool,
    /// Whether there is one model of all training rows, which judged its own rows out of bag.
    pub is_whole: bool,
    /// What a student learned in place of the target, for all training rows; see
    /// [`crate::distill`].
    pub labels: Option<Vec<f64>>,
}

/// What a trial is fitted on.
pub(crate) struct TrialInput<'a> {
    pub planned: &'a PlannedTrial,
    pub entry: Algorithm,
    pub prepared: &'a Prepared,
    pub target: &'a Target,
    pub weights: Option<&'a [f64]>,
    pub folds: &'a [Fold],
    /// Which of the prepared folds is the first of these.
    pub first_fold: usize,
    /// Whether any rows may judge any others: no groups, no order in time.
    pub exchangeable: bool,
    /// What a student learns in place of the target.
    pub labels: Option<&'a Labels>,
}

impl Trial {
    /// Whether enough folds learned something for the trial to be judged by them. A fold that
    /// learned nothing, because its time was up or no round made other rows better, is judged as
    /// the constant that it is.
    pub(crate) fn is_usable(&self) -> bool {
        if self.entry.is_own() {
            // What cannot be asked to hurry is left out whole.
            return !self.stopped;
        }
        let learned = self.rounds.iter().filter(|rounds| **rounds > 0).count();
        self.entry.spec().rounds_param.is_none()
            || learned as f64 >= SHARE_THAT_LEARNED * self.rounds.len() as f64 && learned > 0
    }

    /// Lets its models go of what predictions make again: of many trials, few become members.
    pub(crate) fn rest(mut self) -> Self {
        self.models.iter_mut().for_each(|fitted| fitted.model.rest());
        self
    }

    /// Wall seconds that a refit on all rows should take.
    pub(crate) fn refit_s(&self) -> f64 {
        if self.is_whole {
            return self.fold_s;
        }
        let n = self.models.len() as f64;
        // One validation part is at most a fifth of the rows.
        let more_rows = if n > 1.0 { n / (n - 1.0) } else { MORE_ROWS_THAN_ONE_PART };
        let all_threads = if self.side_by_side { ALL_THREADS } else { 1.0 };
        self.fold_s * more_rows * all_threads * self.more_rounds()
    }

    /// How many times the rounds of a mean fold a fit on all rows does, where the clock ended some.
    fn more_rounds(&self) -> f64 {
        let done = self.rounds_done();
        if self.stopped { (self.rounds_wanted as f64 / done.max(1.0)).max(1.0) } else { 1.0 }
    }

    /// The rounds of a mean fold.
    pub(crate) fn rounds_done(&self) -> f64 {
        self.rounds_done.iter().sum::<usize>() as f64 / self.rounds_done.len().max(1) as f64
    }
}

/// Fits every fold under `ctx` (the trial's own scope, with its deadline); or all rows at once,
/// when the learner can judge its rows out of bag.
pub(crate) fn run(input: &TrialInput<'_>, ctx: &Context) -> Result<Trial> {
    let may_judge_itself = input.exchangeable && input.folds.len() > 1;
    if may_judge_itself && input.entry.spec().abilities.out_of_bag {
        let trial = out_of_bag(input, ctx)?;
        if let Some(trial) = trial {
            return Ok(trial);
        }
    }
    let begun = ctx.elapsed();
    let n_cells = input.target.n_rows() * input.prepared.full.n_features().max(1);
    let may_be_beside = n_cells < N_CELLS_SIDE_BY_SIDE && !input.entry.is_own();
    let side_by_side = may_be_beside && ctx.threads() > 1 && input.folds.len() > 1;
    let fits: Vec<Result<FoldFit>> = if side_by_side {
        let waves = input.folds.len().div_ceil(ctx.threads());
        let limit = ctx.remaining().map(|left| left / waves as u32);
        ctx.map(input.folds.len(), |k| {
            let fold = ctx.scope(&format!("fold-{k}"));
            fit_fold(input, k, &limit.map_or(fold.clone(), |limit| fold.with_time_limit(limit)))
        })
    } else if input.entry.is_own() {
        one_by_one(input, ctx)
    } else {
        (0..input.folds.len())
            .map(|k| fit_fold(input, k, &slice(ctx, input.folds.len() - k, k)))
            .collect()
    };
    let mut fits: Vec<FoldFit> = fits.into_iter().collect::<Result<_>>()?;
    let rounds_done = fits.iter().map(FoldFit::rounds_done).collect();
    let (rounds, rounds_wanted) = settle_rounds(input, &mut fits);
    let out_of_fold = judged(input, &mut fits, &rounds, ctx)?;
    let decisions = ctx.decisions();
    Ok(Trial {
        planned: input.planned.clone(),
        entry: input.entry.clone(),
        out_of_fold,
        rounds,
        rounds_done,
        rounds_wanted,
        fold_s: fits.iter().map(|f| f.seconds).sum::<f64>() / fits.len().max(1) as f64,
        wall_s: ctx.elapsed().saturating_sub(begun).as_secs_f64(),
        stopped: fits.len() < input.folds.len()
            || fits.iter().any(|f| was_stopped(&decisions, &f.scope)),
        side_by_side,
        is_whole: false,
        labels: input.labels.map(|labels| labels.whole.clone()),
        models: fits.into_iter().map(|f| f.model).collect(),
    })
}

/// The folds of a learner that cannot be asked to end while it learns: the clock is asked between
/// two of them, and no fold begins that would end too late if it took as long as those before.
/// Fewer fits than folds mean that it was.
fn one_by_one(input: &TrialInput<'_>, ctx: &Context) -> Vec<Result<FoldFit>> {
    let n_folds = input.folds.len();
    let begun = ctx.elapsed();
    let mut fits = Vec::with_capacity(n_folds);
    for k in 0..n_folds {
        let fold = ctx.scope(&format!("fold-{k}"));
        let is_in_time = k == 0
            || fold.decide("in-time", || {
                let spent = ctx.elapsed().saturating_sub(begun) / k as u32;
                u64::from(ctx.remaining().is_none_or(|left| left >= spent * (n_folds - k) as u32))
            }) == 1;
        if !is_in_time || !fold.proceed() {
            break;
        }
        fits.push(fit_fold(input, k, &fold));
    }
    fits
}

/// One fit of all rows that also judges them; `None` when the learner does not, as configured.
fn out_of_bag(input: &TrialInput<'_>, ctx: &Context) -> Result<Option<Trial>> {
    let rows: Vec<u32> = (0..input.target.n_rows() as u32).collect();
    let view = TrainView {
        features: &input.prepared.full,
        target: input.target,
        weights: input.weights,
        rows: &rows,
        validation: &[],
    };
    let begun = ctx.elapsed();
    let fitted = input.entry.fit_out_of_bag(&view, &input.planned.params, ctx)?;
    let Some((model, mut judged)) = fitted else { return Ok(None) };
    let seconds = ctx.elapsed().saturating_sub(begun).as_secs_f64();
    fill_unjudged(&mut judged, input.target, input.weights);
    let order: Vec<u32> = input.folds.iter().flat_map(|f| f.validation.iter().copied()).collect();
    let rounds = model.model.rounds();
    Ok(Some(Trial {
        planned: input.planned.clone(),
        entry: input.entry.clone(),
        out_of_fold: judged.select(&order),
        rounds: vec![rounds],
        rounds_done: vec![rounds],
        rounds_wanted: rounds,
        fold_s: seconds,
        wall_s: seconds,
        stopped: was_stopped(&ctx.decisions(), ctx.name()),
        side_by_side: false,
        is_whole: true,
        labels: None,
        models: vec![model],
    }))
}

/// The constant prediction for rows that every part of the model had drawn.
fn fill_unjudged(judged: &mut Predictions, target: &Target, weights: Option<&[f64]>) {
    let constant = parts::constant(target, weights, 1);
    for row in judged.values.chunks_exact_mut(judged.n_outputs) {
        if row.iter().any(|p| p.is_nan()) {
            row.copy_from_slice(&constant.values);
        }
    }
}

/// All rows of a table, to be learned from without a validation part.
pub(crate) struct Whole<'a> {
    pub features: &'a FeatureMatrix,
    pub target: &'a Target,
    pub weights: Option<&'a [f64]>,
    /// Rounds to do; `None` is as planned.
    pub rounds: Option<usize>,
    /// What a student learns in place of the target, for each row.
    pub labels: Option<&'a [f64]>,
}

/// Fits on all rows with a fixed number of rounds.
pub(crate) fn refit(
    planned: &PlannedTrial,
    entry: &Algorithm,
    on: &Whole<'_>,
    ctx: &Context,
) -> Result<Fitted> {
    let rows: Vec<u32> = (0..on.target.n_rows() as u32).collect();
    let mut params = planned.params.clone();
    if let (Some(name), Some(rounds)) = (entry.spec().rounds_param, on.rounds) {
        let rounds = modelwright_core::params::ParamField::to_value(&rounds.max(1));
        params.insert(name.to_owned(), rounds);
    }
    let view = TrainView {
        features: on.features,
        target: on.target,
        weights: on.weights,
        rows: &rows,
        validation: &[],
    };
    match on.labels {
        Some(labels) => distill::fit(&params, &view, labels, ctx),
        None => entry.fit(&view, &params, ctx),
    }
}

struct FoldFit {
    model: Fitted,
    /// How its validation rows were predicted after each number of rounds; `None` where they have
    /// no say in that.
    course: Option<Course>,
    seconds: f64,
    scope: String,
}

impl FoldFit {
    /// The rounds that it did, of which it may be judged after fewer.
    fn rounds_done(&self) -> usize {
        let of_course = self.course.as_ref().map(|course| course.losses.len().saturating_sub(1));
        of_course.unwrap_or_else(|| self.model.model.rounds())
    }
}

fn fit_fold(input: &TrialInput<'_>, k: usize, ctx: &Context) -> Result<FoldFit> {
    let features = &input.prepared.folds[input.first_fold + k];
    let fold = &input.folds[k];
    let view = TrainView {
        features,
        target: input.target,
        weights: input.weights,
        rows: &fold.train,
        validation: if input.planned.fixed_rounds { &[] } else { &fold.validation },
    };
    let params: &ParamMap = &input.planned.params;
    let begun = ctx.elapsed();
    let observed = match input.labels {
        _ if view.validation.is_empty() => None,
        Some(labels) => Some(distill::observe(params, &view, &labels.folds[k], ctx)?),
        None => input.entry.fit_observed(&view, params, ctx)?,
    };
    let (model, course) = match (observed, input.labels) {
        (Some((model, course)), _) => (model, Some(course)),
        (None, Some(labels)) => (distill::fit(params, &view, &labels.folds[k], ctx)?, None),
        (None, None) => (input.entry.fit(&view, params, ctx)?, None),
    };
    let seconds = (ctx.elapsed().saturating_sub(begun)).as_secs_f64();
    let course = course.filter(|course| !course.losses.is_empty());
    Ok(FoldFit { model, course, seconds, scope: ctx.name().to_owned() })
}

/// Rounds after which each fold is judged, and rounds for a fit on all rows; models that can be cut
/// are cut to them.
fn settle_rounds(input: &TrialInput<'_>, fits: &mut [FoldFit]) -> (Vec<usize>, usize) {
    let weight = |row: &u32| input.weights.map_or(1.0, |w| w[*row as usize]);
    let of_fold = |(fit, fold): (&FoldFit, &Fold)| {
        let losses = fit.course.as_ref().map_or_else(Vec::new, |c| c.losses.clone());
        (losses, fold.validation.iter().map(weight).sum())
    };
    let courses: Vec<(Vec<f64>, f64)> = fits.iter().zip(input.folds).map(of_fold).collect();
    let of_folds: Vec<OfFold<'_>> =
        courses.iter().map(|(losses, weight)| OfFold { losses, weight: *weight }).collect();
    let (mut rounds, wanted) = rounds::agree(&of_folds);
    for (fit, rounds) in fits.iter_mut().zip(&mut rounds) {
        match &fit.course {
            Some(_) => fit.model.model.cut(*rounds),
            None => *rounds = fit.model.model.rounds(),
        }
    }
    if fits.iter().any(|fit| fit.course.is_some()) {
        return (rounds, wanted);
    }
    let mean = rounds.iter().sum::<usize>() as f64 / rounds.len().max(1) as f64;
    (rounds, mean.round() as usize)
}

/// The predictions of the judged rows, fold after fold, by what was settled.
fn judged(
    input: &TrialInput<'_>,
    fits: &mut [FoldFit],
    rounds: &[usize],
    ctx: &Context,
) -> Result<Predictions> {
    let mut values = Vec::new();
    for (k, fit) in fits.iter_mut().enumerate() {
        let mut written = fit.course.take().map_or_else(Vec::new, |course| course.predictions);
        if rounds[k] < written.len() {
            values.extend(written.swap_remove(rounds[k]).values);
            continue;
        }
        let features = &input.prepared.folds[input.first_fold + k];
        let view = FeatureView::of(features, &input.folds[k].validation);
        values.extend(fit.model.model.predict(&view, ctx)?.values);
    }
    Ok(Predictions::new(input.target.n_outputs(), values))
}

/// Whether the scope, or one below it, was stopped before its own end.
pub(crate) fn was_stopped(decisions: &Decisions, scope: &str) -> bool {
    decisions.stopped_after.keys().any(|name| {
        name.strip_prefix(scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The context of fold `k`: an even share of the time that is left for the folds to come.
fn slice(ctx: &Context, n_left: usize, k: usize) -> Context {
    let fold = ctx.scope(&format!("fold-{k}"));
    match ctx.remaining() {
        Some(left) => fold.with_time_limit(left / n_left as u32),
        None => fold,
    }
}
