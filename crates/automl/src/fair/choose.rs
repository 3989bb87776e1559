//! Which way to be fair: all that were asked for, judged on the same out-of-fold rows, and the one
//! that costs least within the gap.

use modelwright_core::data::{Fold, Table};
use modelwright_core::record::{
    CalibrationRecord, FairPoint, GroupThreshold, MitigationRecord, MitigationTrial, Options,
    TrialRecord, TrialStatus,
};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_evaluate::Calibrator;
use modelwright_evaluate::fairness::thresholds::{
    Candidates, Constraint, Rates, ThresholdInput, Thresholds,
};
use modelwright_evaluate::fairness::{Grouping, Groups};
use modelwright_evaluate::metric::MetricEntry;

use super::recast::Recast;
use super::relearn::{self, Relearned};
use super::{FRONT, GroupThresholds, MAX_GAP, Method, names};
use crate::audit::MIN_GROUP;
use crate::search::Found;
use crate::trial::Trial;

/// Calibrates out-of-fold predictions.
pub(crate) type Calibrate<'a> =
    dyn Fn(&mut Predictions, &Context) -> (Calibrator, Option<CalibrationRecord>) + 'a;

/// What a model is made fair from.
pub(crate) struct FairInput<'a> {
    pub options: &'a Options,
    /// All training rows, their target and weights.
    pub table: &'a Table,
    pub target: &'a Target,
    pub weights: Option<&'a [f64]>,
    pub folds: &'a [Fold],
    /// Whether any rows may judge any others: no groups, no order in time.
    pub exchangeable: bool,
    pub metric: &'static MetricEntry,
    pub found: &'a Found,
    /// Usable trials of the ensemble with their weights, heaviest first.
    pub members: &'a [(usize, f64)],
    /// Calibrated, of the judged rows.
    pub predictions: &'a Predictions,
    /// The threshold for everybody.
    pub threshold: f64,
    /// How many times the rows of the training part the last fit will learn from.
    pub ratio: f64,
    pub calibrate: &'a Calibrate<'a>,
}

/// What is asked, for groups of the judged rows.
pub(super) struct Asked {
    pub constraint: Constraint,
    pub max_gap: f64,
    pub groupings: Vec<Grouping>,
    pub groups: Groups,
}

/// A model made fair.
pub(crate) struct Mitigated {
    pub record: MitigationRecord,
    pub groupings: Vec<Grouping>,
    pub how: How,
}

/// What makes it so.
pub(crate) enum How {
    /// A threshold for each group.
    Groups(GroupThresholds),
    /// Another threshold for everybody.
    Everybody(f64),
    /// Other members.
    Learned(Box<Learned>),
}

/// Members that learned in a fair way.
pub(crate) struct Learned {
    pub members: Vec<(Trial, f64, Recast)>,
    /// Their accounts.
    pub trials: Vec<TrialRecord>,
    /// Calibrated, out of fold.
    pub predictions: Predictions,
    pub calibrator: Calibrator,
    pub calibration: Option<CalibrationRecord>,
    pub threshold: f64,
}

/// One way, tried.
struct Attempt {
    method: Method,
    /// At the gap that is allowed.
    best: Option<Thresholds>,
    front: Vec<Thresholds>,
    score: Option<f64>,
    n_fits: usize,
    note: Option<String>,
    relearned: Option<Relearned>,
}

/// Makes decisions fair; `None` when that was not asked.
///
/// # Errors
/// Input error when fewer than two groups have enough rows of both classes; whatever learners
/// refuse.
pub(crate) fn choose(input: &FairInput<'_>, ctx: &Context) -> Result<Option<Mitigated>> {
    let Some(name) = &input.options.fair else { return Ok(None) };
    let asked = Asked::of(input, name)?;
    let candidates = asked.candidates(input, input.predictions)?;
    let before = candidates.unconstrained(asked.constraint);
    let mut attempts = Vec::new();
    for method in Method::wanted(input.options)? {
        attempts.push(asked.attempt(method, input, &candidates, ctx)?);
    }
    let place = |a: &Attempt| a.best.as_ref().map_or(f64::INFINITY, |best| best.cost);
    // What was asked for comes first, and does without the columns where that costs nothing more.
    let wanted = attempts.iter().filter(|a| a.best.is_some() && a.method.is_asked(input.options));
    let best = wanted.min_by(|a, b| place(a).total_cmp(&place(b))).map(|a| a.method);
    let best = best.unwrap_or(Method::Everybody);
    let tried = attempts.iter().map(|a| a.account(asked.max_gap)).collect();
    let Some(chosen) = attempts.into_iter().find(|a| a.method == best) else { return Ok(None) };
    asked.deliver(chosen, tried, &before, input, ctx).map(Some)
}

impl Asked {
    fn of(input: &FairInput<'_>, name: &str) -> Result<Self> {
        let mut groupings: Vec<Grouping> = Vec::new();
        for name in &input.options.sensitive {
            if !groupings.iter().any(|g| g.column == *name) {
                groupings.push(Grouping::of(input.table.require(name)?));
            }
        }
        let of_rows = names(&groupings, &input.table.select(&input.found.rows));
        Ok(Self {
            constraint: name.parse()?,
            max_gap: input.options.max_gap.unwrap_or(MAX_GAP),
            groups: Groups::of_names(input.options.sensitive.clone(), &of_rows),
            groupings,
        })
    }

    /// All thresholds on scores of the judged rows.
    pub(super) fn candidates(
        &self,
        input: &FairInput<'_>,
        scores: &Predictions,
    ) -> Result<Candidates> {
        Candidates::new(&ThresholdInput {
            truth: input.found.truth.codes().unwrap_or_default(),
            scores: &scores.values,
            weights: input.found.weights.as_deref(),
            groups: &self.groups,
            min_group: MIN_GROUP,
            threshold: input.threshold,
        })
        .map_err(|e| e.at("--fair"))
    }

    fn attempt(
        &self,
        method: Method,
        input: &FairInput<'_>,
        candidates: &Candidates,
        ctx: &Context,
    ) -> Result<Attempt> {
        let (constraint, score) =
            (self.constraint, |p: &Predictions| input.found.score(input.metric, p));
        let mut attempt = Attempt {
            method,
            best: None,
            front: Vec::new(),
            score: score(input.predictions),
            n_fits: 0,
            note: None,
            relearned: None,
        };
        let relearned = match method {
            Method::Groups => {
                attempt.best = Some(candidates.choose(constraint, self.max_gap));
                attempt.front = FRONT.map(|gap| candidates.choose(constraint, gap)).to_vec();
                return Ok(attempt);
            }
            Method::Everybody => {
                let curve = candidates.for_everybody(constraint);
                let within = |gap| Thresholds::cheapest(&curve, gap).cloned();
                attempt.best = within(self.max_gap);
                attempt.front = FRONT.iter().filter_map(|gap| within(*gap)).collect();
                return Ok(attempt);
            }
            Method::Reweighing => relearn::reweigh(input, self, ctx)?,
            Method::Reduction => relearn::reduce(input, self, ctx)?,
        };
        let within = |gap: f64| relearned.cheapest(gap).map(|(_, reached)| reached.clone());
        attempt.best = within(self.max_gap);
        attempt.front = FRONT.iter().filter_map(|gap| within(*gap)).collect();
        attempt.score = relearned.cheapest(self.max_gap).and_then(|(mix, _)| score(&mix.scores));
        attempt.n_fits = relearned.pool.len();
        attempt.note.clone_from(&relearned.note);
        attempt.relearned = Some(relearned);
        Ok(attempt)
    }

    fn deliver(
        &self,
        chosen: Attempt,
        tried: Vec<MitigationTrial>,
        before: &Thresholds,
        input: &FairInput<'_>,
        ctx: &Context,
    ) -> Result<Mitigated> {
        let mut record = MitigationRecord {
            constraint: self.constraint.name().to_owned(),
            max_gap: self.max_gap,
            method: chosen.method.name().to_owned(),
            columns: self.groups.columns.clone(),
            threshold: input.threshold,
            n_rows: input.found.rows.len(),
            before: point(None, before),
            front: front(&chosen.front),
            tried,
            ..MitigationRecord::default()
        };
        if let [_] = record.tried.as_slice() {
            record.tried.clear();
        }
        let mut best = chosen.best.unwrap_or_else(|| before.clone());
        let how = match chosen.relearned {
            Some(relearned) => {
                record.learned_from.clone_from(&relearned.from);
                let (learned, reached) = self.learned(relearned, best, input, ctx)?;
                (record.threshold, best) = (learned.threshold, reached);
                How::Learned(Box::new(learned))
            }
            None if chosen.method == Method::Everybody => {
                record.threshold = best.first().unwrap_or(input.threshold);
                How::Everybody(record.threshold)
            }
            None => How::Groups(GroupThresholds {
                groupings: self.groupings.clone(),
                groups: of_groups(&self.groups, &best)
                    .map(|(name, rates)| (name.clone(), rates.threshold))
                    .collect(),
                common: input.threshold,
            }),
        };
        record.groups = of_groups(&self.groups, &best).map(group_record).collect();
        record.after = point(Some(self.max_gap), &best);
        Ok(Mitigated { record, groupings: self.groupings.clone(), how })
    }

    /// The combination that costs least as members, calibrated, with the threshold for everybody
    /// that its calibrated probabilities ask for; and what that comes to.
    fn learned(
        &self,
        mut relearned: Relearned,
        best: Thresholds,
        input: &FairInput<'_>,
        ctx: &Context,
    ) -> Result<(Learned, Thresholds)> {
        let (mut predictions, mut shares) = (Predictions::new(1, Vec::new()), Vec::new());
        if let Some((mix, _)) = relearned.cheapest(self.max_gap) {
            predictions = mix.scores.clone();
            shares.clone_from(&mix.shares);
        }
        let (calibrator, calibration) = (input.calibrate)(&mut predictions, ctx);
        let curve = self.candidates(input, &predictions)?.for_everybody(self.constraint);
        let reached = Thresholds::cheapest(&curve, self.max_gap).cloned().unwrap_or(best);
        shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut pool: Vec<Option<(Trial, Recast)>> =
            std::mem::take(&mut relearned.pool).into_iter().map(Some).collect();
        let take = |(i, share): &(usize, f64)| {
            pool[*i].take().map(|(trial, recast)| (trial, *share, recast))
        };
        let members: Vec<(Trial, f64, Recast)> = shares.iter().filter_map(take).collect();
        let trials = members.iter().map(|(trial, _, _)| account(trial, input)).collect();
        let threshold = reached.first().unwrap_or(input.threshold);
        let learned = Learned { members, trials, predictions, calibrator, calibration, threshold };
        Ok((learned, reached))
    }
}

impl Attempt {
    fn account(&self, max_gap: f64) -> MitigationTrial {
        MitigationTrial {
            method: self.method.name().to_owned(),
            needs_columns: self.method == Method::Groups,
            reached: self.best.as_ref().map(|best| point(Some(max_gap), best)),
            score: self.score,
            n_fits: self.n_fits,
            front: front(&self.front),
            note: self.note.clone(),
        }
    }
}

fn account(trial: &Trial, input: &FairInput<'_>) -> TrialRecord {
    TrialRecord {
        trial: trial.planned.clone(),
        status: if trial.stopped { TrialStatus::Stopped } else { TrialStatus::Done },
        note: Some(trial.planned.reason.clone()),
        score: input.found.score(input.metric, &input.found.seen(input.metric, trial)),
        ci95: None,
        indistinguishable_from_best: false,
        is_left_out: false,
        rounds: trial.rounds.clone(),
    }
}

fn of_groups<'a>(
    groups: &'a Groups,
    reached: &'a Thresholds,
) -> impl Iterator<Item = (&'a String, &'a Rates)> {
    let pairs = groups.names.iter().zip(&reached.groups);
    pairs.filter_map(|(name, rates)| rates.as_ref().map(|rates| (name, rates)))
}

fn group_record((name, rates): (&String, &Rates)) -> GroupThreshold {
    GroupThreshold {
        group: name.clone(),
        threshold: rates.threshold,
        selection_rate: rates.selection,
        true_positive_rate: rates.true_positive,
        false_positive_rate: rates.false_positive,
    }
}

fn front(all: &[Thresholds]) -> Vec<FairPoint> {
    FRONT.iter().zip(all).map(|(gap, of)| point(Some(*gap), of)).collect()
}

pub(super) fn point(max_gap: Option<f64>, of: &Thresholds) -> FairPoint {
    FairPoint { max_gap, gap: of.gap, accuracy: of.accuracy }
}
