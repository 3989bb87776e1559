//! The gates, one function each.

use modelwright_core::record::Interval;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Result};
use modelwright_evaluate::distribution::normal_quantile;
use modelwright_evaluate::{Comparison, MetricEntry, Paired, compare, metric};
use modelwright_inspect::drift::benjamini_hochberg;

use super::slices::{ROWS_MIN, Slice};
use super::{Contest, GateResult, Gates, Rule};

/// The level of adjusted p-values of slices.
const LEVEL: f64 = 0.05;

/// The share of the champion's value by which a refresh may be worse, when nothing else is said.
const REFRESH_SHARE: f64 = 0.01;

/// Files of so many bytes are small enough, whatever they were before.
const SMALL_BYTES: f64 = 4e6;

fn gate(name: &str, passed: bool, words: String) -> GateResult {
    let gate = name.to_owned();
    GateResult { gate, passed, value: None, ci95: None, bound: None, words }
}

/// Broken rows teach nothing; rows that drifted are what a new model is wanted for.
pub(super) fn data(findings: &[String], remarks: &[String]) -> GateResult {
    let words = match (findings, remarks) {
        ([], []) => "The new rows are as the model expects them.".to_owned(),
        ([], remarks) => format!(
            "The new rows can be read as the model expects. They drifted, which is what a new \
             model is for: {}",
            first_of(remarks)
        ),
        (findings, _) => format!("The new rows are not right: {}", first_of(findings)),
    };
    let mut data = gate("data", findings.is_empty(), words);
    data.value = Some(findings.len() as f64);
    data.bound = Some(0.0);
    data
}

fn first_of(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

/// The paired test of challenger (A) and champion (B) on all rows.
pub(super) fn gain(
    contest: &Contest<'_>,
    gates: &Gates,
    ctx: &Context,
) -> Result<(GateResult, Comparison)> {
    let comparison = test(contest, contest.metric, None, ctx)?;
    let (value, ci95) = gain_of(contest.metric, &comparison);
    let ci95 = of_several(value, ci95, contest.n_candidates);
    let epsilon = gates.gain.unwrap_or(match gates.rule {
        Rule::Better => 0.0,
        Rule::Refresh => REFRESH_SHARE * comparison.value_b.abs(),
    });
    let bound = match gates.rule {
        Rule::Better => epsilon,
        Rule::Refresh => -epsilon,
    };
    let passed = ci95.low > bound;
    let (name, low, high) = (&comparison.metric, ci95.low, ci95.high);
    let judged = match (gates.rule, passed) {
        (Rule::Better, true) => "better beyond chance",
        (Rule::Better, false) => "not proved to be better",
        (Rule::Refresh, true) => "not worse by more than is allowed",
        (Rule::Refresh, false) => "it may be worse by more than is allowed",
    };
    let several = match contest.n_candidates {
        0 | 1 => String::new(),
        n => format!(", wider for the choice of {n}"),
    };
    let words = format!(
        "{name} gains {value:.5} (95 % interval {low:.5} to {high:.5}{several}; the bound is \
         {bound:.5}): {judged}."
    );
    let result = GateResult {
        value: Some(value),
        ci95: Some(ci95),
        bound: Some(bound),
        ..gate("gain", passed, words)
    };
    Ok((result, comparison))
}

/// The interval of the best of so many models, whose rows chose it: each end misses with the share
/// of its chance that one of so many has.
fn of_several(value: f64, ci95: Interval, n: usize) -> Interval {
    if n < 2 {
        return ci95;
    }
    let wider = normal_quantile(1.0 - 0.025 / n as f64) / normal_quantile(0.975);
    Interval { low: value - wider * (value - ci95.low), high: value + wider * (ci95.high - value) }
}

/// How much is gained where larger is better, and lost where it is not.
fn gain_of(metric: &MetricEntry, comparison: &Comparison) -> (f64, Interval) {
    let Interval { low, high } = comparison.ci95;
    if metric.spec.larger_is_better {
        (comparison.difference, Interval { low, high })
    } else {
        (-comparison.difference, Interval { low: -high, high: -low })
    }
}

fn test(
    contest: &Contest<'_>,
    metric: &MetricEntry,
    slice: Option<&Slice>,
    ctx: &Context,
) -> Result<Comparison> {
    let thresholds = (contest.challenger.threshold, contest.champion.threshold);
    let (a, b) = (contest.challenger.predictions, contest.champion.predictions);
    let (truth, weights, groups) = (contest.truth, contest.weights, contest.groups);
    let Some(slice) = slice else {
        return compare(metric, &Paired { truth, a, b, weights, groups, thresholds }, ctx);
    };
    let of = |predictions: &Predictions| predictions.select(&slice.rows);
    let weights: Option<Vec<f64>> =
        weights.map(|w| slice.rows.iter().map(|row| w[*row as usize]).collect());
    let groups: Option<Vec<u32>> =
        groups.map(|g| slice.rows.iter().map(|row| g[*row as usize]).collect());
    let pair = Paired {
        truth: &truth.select(&slice.rows),
        a: &of(a),
        b: &of(b),
        weights: weights.as_deref(),
        groups: groups.as_deref(),
        thresholds,
    };
    compare(metric, &pair, ctx)
}

/// No slice may be worse by more than δ beyond chance; slices on which the metric is undefined say
/// nothing.
pub(super) fn slices(
    contest: &Contest<'_>,
    gates: &Gates,
    champion: f64,
    ctx: &Context,
) -> GateResult {
    let mut tested: Vec<(&Slice, f64, f64)> = Vec::new();
    for slice in contest.slices {
        if let Ok(comparison) = test(contest, contest.metric, Some(slice), ctx) {
            let (gain, _) = gain_of(contest.metric, &comparison);
            tested.push((slice, gain, comparison.p_value));
        }
    }
    let p_values: Vec<f64> = tested.iter().map(|t| t.2).collect();
    let adjusted = benjamini_hochberg(&p_values);
    let bound = -gates.slice_loss * champion.abs();
    let worst = tested.iter().map(|t| t.1).fold(f64::INFINITY, f64::min);
    let failed: Vec<String> = tested
        .iter()
        .zip(adjusted)
        .filter(|((_, gain, _), p)| *gain < bound && *p < LEVEL)
        .map(|((slice, gain, _), p)| format!("`{}` by {:.5} (p = {p:.4})", slice.name, -gain))
        .collect();
    let words = match (tested.len(), failed.is_empty()) {
        (0, _) if contest.slices.is_empty() => {
            format!("No part of the rows has {ROWS_MIN} of them: none was looked at.")
        }
        (0, _) => format!(
            "On none of {} slices can {} be computed: none was looked at.",
            contest.slices.len(),
            contest.metric.spec.name
        ),
        (n, true) => {
            format!("None of {n} slices is worse by more than {:.5} beyond chance.", -bound)
        }
        (n, false) => format!("Of {n} slices these are worse: {}.", failed.join(", ")),
    };
    GateResult {
        value: worst.is_finite().then_some(worst),
        bound: Some(bound),
        ..gate("slices", failed.is_empty(), words)
    }
}

/// Who is better than the old model may still be worse than nobody.
pub(super) fn baseline(contest: &Contest<'_>, ctx: &Context) -> Option<GateResult> {
    /// Shares of classes decide for the more frequent one.
    const THRESHOLD: f64 = 0.5;
    let pair = Paired {
        truth: contest.truth,
        a: contest.challenger.predictions,
        b: contest.constant,
        weights: contest.weights,
        groups: contest.groups,
        thresholds: (contest.challenger.threshold, THRESHOLD),
    };
    let comparison = compare(contest.metric, &pair, ctx).ok()?;
    let (value, ci95) = gain_of(contest.metric, &comparison);
    let passed = ci95.high >= 0.0;
    let words = format!(
        "{} is {:.5}, and {:.5} of always giving the same answer: {}.",
        comparison.metric,
        comparison.value_a,
        comparison.value_b,
        match (passed, ci95.low > 0.0) {
            (_, true) => "better beyond chance",
            (true, false) => "not worse beyond chance",
            (false, false) => "worse beyond chance",
        }
    );
    let mut result = gate("baseline", passed, words);
    (result.value, result.ci95, result.bound) = (Some(value), Some(ci95), Some(0.0));
    Some(result)
}

/// Probabilities must not have become worse than they were.
pub(super) fn calibration(contest: &Contest<'_>, ctx: &Context) -> Option<GateResult> {
    contest.truth.codes()?;
    let log_loss = metric("log_loss").ok()?;
    let comparison = test(contest, log_loss, None, ctx).ok()?;
    let (value, ci95) = gain_of(log_loss, &comparison);
    let passed = ci95.high >= 0.0;
    let words = format!(
        "The log loss changes from {:.5} to {:.5}: {}.",
        comparison.value_b,
        comparison.value_a,
        if passed { "not worse beyond chance" } else { "worse beyond chance" }
    );
    let mut result = gate("calibration", passed, words);
    (result.value, result.ci95, result.bound) = (Some(value), Some(ci95), Some(0.0));
    Some(result)
}

pub(super) fn latency(contest: &Contest<'_>, gates: &Gates) -> GateResult {
    let n_rows = contest.truth.n_rows().max(1) as f64;
    let per_row = |seconds: f64| seconds / n_rows;
    let (was, is) = (per_row(contest.champion.predict_s), per_row(contest.challenger.predict_s));
    let bound = gates.latency_bound(was);
    let words = format!(
        "Predicting takes {:.2} µs a row and took {:.2} µs; at most {:.2} µs are allowed.",
        is * 1e6,
        was * 1e6,
        bound * 1e6
    );
    GateResult { value: Some(is), bound: Some(bound), ..gate("latency", is <= bound, words) }
}

pub(super) fn size(contest: &Contest<'_>, gates: &Gates) -> GateResult {
    let (was, is) = (contest.champion.size_bytes as f64, contest.challenger.size_bytes as f64);
    let bound = (was * gates.size_factor).max(SMALL_BYTES);
    let words = format!(
        "The file has {:.2} MB and had {:.2} MB; at most {:.2} MB are allowed.",
        is / 1e6,
        was / 1e6,
        bound / 1e6
    );
    GateResult { value: Some(is), bound: Some(bound), ..gate("size", is <= bound, words) }
}

pub(super) fn self_check(outcome: &std::result::Result<(), String>) -> GateResult {
    let words = match outcome {
        Ok(()) => "The file, written and read back, predicts the same bits.".to_owned(),
        Err(what) => format!("The file does not stand for the model: {what}"),
    };
    gate("self-check", outcome.is_ok(), words)
}
