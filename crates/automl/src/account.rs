//! The account of the search: leaderboard, intervals, and what cannot be told apart.

use std::borrow::Cow;

use modelwright_core::record::{EnsembleRecord, Interval, TrialRecord, TrialStatus};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Result};
use modelwright_evaluate::compare::{Paired, compare};
use modelwright_evaluate::metric::{MetricEntry, MetricInput};
use modelwright_evaluate::resample::{Drawing, bootstrap_bias_corrected, bootstrap_interval};
use modelwright_evaluate::threshold::{at_best, decided};

use crate::ensemble::{self, Selection};
use crate::search::Found;
use crate::{distill, pace};

/// Rows on which intervals and tests of the leaderboard are computed at most; more rows would
/// cost seconds and change the third digit of an interval.
pub(crate) const N_ROWS_MAX: usize = 10_000;

/// Resamples of a leaderboard interval.
const N_RESAMPLES: usize = 200;

/// Rows, resamples and rounds of the selection correction: each resample repeats the selection.
const N_ROWS_CORRECT: usize = 2_000;
const N_RESAMPLES_CORRECT: usize = 100;
const N_ROUNDS_CORRECT: usize = 10;

/// Two trials are not distinguishable when the paired test gives a larger p-value.
const P_VALUE_MAX: f64 = 0.05;

/// Judged rows, a random sample of them when there are very many.
pub(crate) struct Judged {
    positions: Vec<u32>,
    pub truth: Target,
    pub weights: Option<Vec<f64>>,
    groups: Option<Vec<u32>>,
}

impl Judged {
    /// At most `n_rows_max` judged rows, the same ones whoever asks. Drawn at random: in rows with
    /// a period, such as one for each weekday, every m-th may be of one kind.
    pub(crate) fn thinned(found: &Found, n_rows_max: usize, ctx: &Context) -> Self {
        let random = &mut ctx.random("account/judged", 0);
        let positions = random.sample(found.rows.len(), n_rows_max.max(1));
        Self {
            truth: found.truth.select(&positions),
            weights: found
                .weights
                .as_ref()
                .map(|w| positions.iter().map(|p| w[*p as usize]).collect()),
            groups: found
                .groups
                .as_ref()
                .map(|g| positions.iter().map(|p| g[*p as usize]).collect()),
            positions,
        }
    }

    /// The metric of predictions of these rows, of decided labels at the threshold that suits them
    /// best; `None` where it is undefined.
    pub(crate) fn score(&self, metric: &MetricEntry, predictions: &Predictions) -> Option<f64> {
        let weights = self.weights.as_deref();
        at_best(metric, &MetricInput { weights, ..MetricInput::new(&self.truth, predictions) }).ok()
    }

    /// Predictions of these rows as the metric looks at them: decided where it is one of decided
    /// labels.
    fn seen_by<'a>(&self, metric: &MetricEntry, own: &'a Predictions) -> Cow<'a, Predictions> {
        decided(metric, &self.truth, own, self.weights.as_deref())
    }

    /// So many resamples of these rows, or of their groups where rows belong together.
    fn drawing(&self, n_resamples: usize) -> Drawing<'_> {
        Drawing { groups: self.groups.as_deref(), ..Drawing::from(n_resamples) }
    }

    /// The predictions of these rows.
    pub(crate) fn of(&self, predictions: &Predictions) -> Predictions {
        predictions.select(&self.positions)
    }
}

/// The trials as records: score, interval, and whether the best is really better.
pub(crate) fn leaderboard(found: &Found, metric: &MetricEntry, ctx: &Context) -> Vec<TrialRecord> {
    let judged = Judged::thinned(found, N_ROWS_MAX, ctx);
    let sign = if metric.spec.larger_is_better { 1.0 } else { -1.0 };
    let best = found
        .usable()
        .filter(|(o, _)| o.score.is_some())
        .max_by(|(a, _), (b, _)| {
            let key = |s: Option<f64>| sign * s.unwrap_or(f64::NAN);
            key(a.score).total_cmp(&key(b.score))
        })
        .map(|(o, t)| (o.planned.name.clone(), judged.of(&found.seen(metric, t))));
    let scope = ctx.scope("leaderboard");
    let records = found.outcomes.iter().map(|outcome| {
        let tested = outcome.trial.as_ref().filter(|_| scope.proceed());
        let own = tested.map(|t| judged.of(&found.seen(metric, t)));
        let ci95 = own.as_ref().and_then(|own| interval(metric, &judged, own, &scope));
        let is_best = best.as_ref().is_some_and(|(name, _)| *name == outcome.planned.name);
        let close = match (&own, &best) {
            (Some(own), Some((_, best))) if !is_best => {
                indistinguishable(metric, &judged, own, best, &scope)
            }
            _ => false,
        };
        TrialRecord {
            trial: outcome.planned.clone(),
            status: outcome.status,
            note: outcome.note.clone(),
            score: outcome.score,
            ci95,
            indistinguishable_from_best: close,
            is_left_out: outcome.is_left_out(),
            rounds: outcome.rounds.clone(),
        }
    });
    records.collect()
}

/// Whether more time would have changed nothing: see [`RunRecord::is_exhausted`].
///
/// [`RunRecord::is_exhausted`]: modelwright_core::record::RunRecord::is_exhausted
pub(crate) fn is_exhausted(trials: &[TrialRecord]) -> bool {
    let has_ended = |t: &TrialRecord| matches!(t.status, TrialStatus::Done | TrialStatus::Failed);
    // A student takes large steps on purpose.
    let mut of_search = trials.iter().filter(|t| !distill::is_student(&t.trial.name));
    of_search.all(|t| has_ended(t) && !pace::was_hurried(&t.trial))
}

/// The ensemble as a record, with its score and the score corrected for having been selected.
///
/// The correction repeats the whole selection, weights included, on bootstrap samples of some
/// judged rows and scores it on the rows left out; the mean difference from the score on the
/// same rows is what the selection had made too good. A single trial was not selected. `combined`
/// are predictions as the metric may rank them together ([`Found::comparable`]).
pub(crate) fn ensemble(
    found: &Found,
    combined: &Predictions,
    metric: &MetricEntry,
    members_max: usize,
    ctx: &Context,
) -> EnsembleRecord {
    let score = found.score(metric, combined);
    let scope = ctx.scope("corrected-score");
    if !scope.proceed() {
        return EnsembleRecord { score, ..EnsembleRecord::default() };
    }
    if found.is_single {
        let judged = Judged::thinned(found, N_ROWS_MAX, ctx);
        let corrected_ci95 = interval(metric, &judged, &judged.of(combined), &scope);
        return EnsembleRecord {
            score,
            corrected_score: score,
            corrected_ci95,
            ..EnsembleRecord::default()
        };
    }
    let corrected = correction(found, metric, members_max, &scope);
    let shifted = score.zip(corrected);
    EnsembleRecord {
        score,
        corrected_score: shifted.map(|(score, c)| score + c.shift),
        corrected_ci95: shifted.map(|(score, c)| Interval {
            low: score + c.shift - c.below,
            high: score + c.shift + c.above,
        }),
        ..EnsembleRecord::default()
    }
}

/// What the selection made too good, and how wide the interval is around the corrected score.
#[derive(Clone, Copy)]
struct Correction {
    shift: f64,
    below: f64,
    above: f64,
}

fn correction(
    found: &Found,
    metric: &MetricEntry,
    members_max: usize,
    ctx: &Context,
) -> Option<Correction> {
    if metric.is_spared() {
        return None;
    }
    let judged = Judged::thinned(found, N_ROWS_CORRECT, ctx);
    let candidates: Vec<Predictions> =
        found.candidates().map(|(_, t)| judged.of(&found.seen(metric, t))).collect();
    let refs: Vec<&Predictions> = candidates.iter().collect();
    let alone = found.alone();
    let select = |weights: &[f64]| -> Result<Predictions> {
        let selection = Selection {
            metric,
            truth: &judged.truth,
            weights: Some(weights),
            candidates: &refs,
            alone: &alone,
            rounds: N_ROUNDS_CORRECT,
            members_max,
        };
        let shares = ensemble::select(&selection, ctx);
        let members: Vec<(&Predictions, f64)> = refs.iter().copied().zip(shares).collect();
        let combined = ensemble::combine(&members);
        // A threshold is a part of what was selected.
        Ok(decided(metric, &judged.truth, &combined, Some(weights)).into_owned())
    };
    let ones = vec![1.0; judged.truth.n_rows()];
    let own = judged.weights.clone().unwrap_or(ones);
    let apparent = metric.value(&MetricInput {
        truth: &judged.truth,
        predictions: &select(&own).ok()?,
        weights: judged.weights.as_deref(),
        threshold: 0.5,
    });
    let (score, interval) = bootstrap_bias_corrected(
        metric,
        &judged.truth,
        judged.weights.as_deref(),
        judged.drawing(N_RESAMPLES_CORRECT),
        ctx,
        select,
    )
    .ok()?;
    // Fewer judged rows than there are make the interval wider than it is: errors shrink with √n.
    let narrow = (judged.truth.n_rows() as f64 / found.rows.len() as f64).sqrt();
    // A selection cannot have made a score too bad: what looks like that is chance.
    let shift = score - apparent.ok()?;
    let shift = if metric.spec.larger_is_better { shift.min(0.0) } else { shift.max(0.0) };
    Some(Correction {
        shift,
        below: (score - interval.low).max(0.0) * narrow,
        above: (interval.high - score).max(0.0) * narrow,
    })
}

fn interval(
    metric: &MetricEntry,
    judged: &Judged,
    own: &Predictions,
    ctx: &Context,
) -> Option<Interval> {
    let own = judged.seen_by(metric, own);
    let weights = judged.weights.as_deref();
    let input = MetricInput { weights, ..MetricInput::new(&judged.truth, &own) };
    bootstrap_interval(metric, &input, judged.drawing(N_RESAMPLES), ctx).ok()
}

/// Whether a paired test cannot tell two predictions of the judged rows apart.
pub(crate) fn indistinguishable(
    metric: &MetricEntry,
    judged: &Judged,
    own: &Predictions,
    best: &Predictions,
    ctx: &Context,
) -> bool {
    let (own, best) = (judged.seen_by(metric, own), judged.seen_by(metric, best));
    let pair = Paired {
        weights: judged.weights.as_deref(),
        groups: judged.groups.as_deref(),
        ..Paired::new(&judged.truth, &own, &best)
    };
    compare(metric, &pair, ctx).is_ok_and(|c| c.p_value > P_VALUE_MAX)
}
