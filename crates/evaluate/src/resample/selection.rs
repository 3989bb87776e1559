//! Bootstrap bias correction: the score of a selected model, without the selection's optimism.
//!
//! The best of many validation scores is too good: part of it is luck. On each resample the
//! selection is made again with the rows drawn, and its choice is scored on the rows that were
//! not drawn (about 37 %); the mean of those scores is the corrected score. No model is trained
//! again: the candidates' out-of-fold predictions are enough.
//!
//! Reference: Tsamardinos, Greasidou & Borboudakis, "Bootstrapping the out-of-sample predictions
//! for efficient and accurate cross-validation", Machine Learning 107, 2018 (BBC-CV).

use modelwright_core::record::Interval;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};

use super::strata::has_weight;
use super::{Drawing, n_resamples_for, percentile_interval};
use crate::metric::{MetricEntry, MetricInput, Prepared};

const STREAM: &str = "evaluate/selection";

/// The corrected score and 95 % interval of "take the best of `candidates`".
///
/// `candidates` are out-of-fold predictions of the same rows. Metrics of labels decide at 0.5.
///
/// # Errors
/// Input error when there is no candidate, when predictions do not fit the truth, or when the
/// metric is undefined on too many resamples.
pub fn corrected_score(
    metric: &MetricEntry,
    truth: &Target,
    candidates: &[&Predictions],
    weights: Option<&[f64]>,
    n_resamples: usize,
    ctx: &Context,
) -> Result<(f64, Interval)> {
    if candidates.is_empty() {
        return Err(Error::input("there is no candidate to select from"));
    }
    let prepare = |predictions: &&Predictions| {
        metric.prepare(&MetricInput { weights, ..MetricInput::new(truth, predictions) })
    };
    let prepared: Vec<Prepared> = candidates.iter().map(prepare).collect::<Result<_>>()?;
    let work_rows = truth.n_rows() * candidates.len();
    let drawing = Drawing::from(n_resamples_for(work_rows, n_resamples));
    out_of_bag(truth, weights, drawing, ctx, |drawn, left| {
        let mut best: Option<(f64, &Prepared)> = None;
        for candidate in &prepared {
            let score = candidate.value_unchecked(Some(drawn))?;
            if best.is_none_or(|(other, _)| metric.spec.is_better(score, other)) {
                best = Some((score, candidate));
            }
        }
        let (_, chosen) = best.ok_or_else(|| Error::input("there is no candidate"))?;
        chosen.value_unchecked(Some(left))
    })
}

/// As [`corrected_score`], for any selection: `select(row weights)` makes its choice (the best
/// single candidate, a weighted ensemble, a threshold) from the rows that have weight, and
/// returns the predictions of all rows. Where rows belong together, whole groups are left out.
///
/// # Errors
/// Input error when the selection fails or the metric is undefined on too many resamples.
pub fn bootstrap_bias_corrected<'a>(
    metric: &MetricEntry,
    truth: &Target,
    weights: Option<&[f64]>,
    drawing: impl Into<Drawing<'a>>,
    ctx: &Context,
    select: impl Fn(&[f64]) -> Result<Predictions> + Sync,
) -> Result<(f64, Interval)> {
    out_of_bag(truth, weights, drawing.into(), ctx, |drawn, left| {
        let predictions = select(drawn)?;
        let input = MetricInput { weights: Some(left), ..MetricInput::new(truth, &predictions) };
        metric.value(&input)
    })
}

/// Mean and 95 % interval of `score(weights drawn, weights left out)` over the resamples.
fn out_of_bag(
    truth: &Target,
    weights: Option<&[f64]>,
    drawing: Drawing<'_>,
    ctx: &Context,
    score: impl Fn(&[f64], &[f64]) -> Result<f64> + Sync,
) -> Result<(f64, Interval)> {
    let strata = drawing.strata(truth, weights)?;
    let scores = strata.resample(STREAM, drawing.n_resamples, ctx, |drawn| {
        let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
        let left: Vec<f64> = drawn
            .iter()
            .enumerate()
            .map(|(row, drawn)| if *drawn > 0.0 { 0.0 } else { weight(row) })
            .collect();
        if has_weight(drawn) && has_weight(&left) { score(drawn, &left).ok() } else { None }
    });
    let defined: Vec<f64> = scores.iter().flatten().copied().collect();
    let interval = percentile_interval(scores)?;
    Ok((defined.iter().sum::<f64>() / defined.len() as f64, interval))
}
