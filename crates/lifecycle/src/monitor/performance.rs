//! Metrics on the new rows beside those on the untouched rows: measured where answers are known,
//! expected where they are not.

use modelwright_core::Context;
use modelwright_core::record::{Interval, MetricChange, MetricValue, Performance};
use modelwright_core::task::Task;
use modelwright_evaluate::resample::{Drawing, Mix};
use modelwright_evaluate::{
    MetricEntry, MetricInput, bootstrap_intervals, metric, metric_or_default, metrics_for,
};

use super::season::Seasonal;
use super::serial::share_of_losses;
use super::side::Side;
use super::{Watched, looks};

/// Resamples of the intervals.
const N_RESAMPLES: usize = 1000;

/// Below so many rows a metric and its interval say nothing.
const ROWS_MIN: usize = 10;

/// Metrics where answers are known; `None` where there are too few. A change is one at the share
/// `spent` of the level (see [`looks`]).
pub(super) fn measured(
    watched: &Watched<'_>,
    current: &Side<'_>,
    spent: f64,
    ctx: &Context,
) -> Option<Performance> {
    let answers = &current.answers;
    if answers.truth.n_rows() < ROWS_MIN {
        return None;
    }
    let main = metric_or_default(&watched.predictor.metric, watched.predictor.task);
    let others = metrics_for(watched.predictor.task).filter(|m| m.spec.name != main.spec.name);
    let metrics: Vec<&MetricEntry> = std::iter::once(main).chain(others).collect();
    let input = MetricInput {
        truth: &answers.truth,
        predictions: &answers.predictions,
        weights: answers.usable_weights(),
        threshold: watched.predictor.threshold,
    };
    let drawing = Drawing { n_resamples: N_RESAMPLES, mix: Mix::Drawn, groups: answers.groups() };
    let mut values = bootstrap_intervals(&metrics, &input, drawing, ctx);
    // Rows of a group are drawn together already.
    let share = if answers.groups().is_some() { 1.0 } else { share_of_losses(answers) };
    for metric in &mut values {
        widen(metric, share);
    }
    let evaluation = watched.record.evaluation.as_ref();
    let before = evaluation.map_or(&[][..], |e| &e.metrics);
    Some(Performance {
        method: method_of(answers.truth.n_rows(), share),
        n_rows: answers.truth.n_rows() as u64,
        compared_with: evaluation.map(|e| e.on.clone()),
        metrics: values.into_iter().map(|now| change(watched, (now, before), spent)).collect(),
        caveat: "Answers that come late may be others than those that come soon.".to_owned(),
    })
}

/// How metrics of answered rows come about, of which a share is independent.
fn method_of(n_rows: usize, share: f64) -> String {
    let method = "measured on rows with known answers";
    let count = (share * n_rows as f64).round();
    if share >= 1.0 {
        return method.to_owned();
    }
    format!("{method}, {n_rows} that count as {count}: errors of neighbours in time are alike")
}

/// Metrics to be expected without answers; `None` where nothing is known of them.
pub(super) fn expected(
    watched: &Watched<'_>,
    (reference, mix): (Option<&Side<'_>>, Option<&Seasonal>),
    current: &Side<'_>,
    spent: f64,
    ctx: &Context,
) -> Option<Performance> {
    // Of few rows the ranks of classes, for one, are not to be had.
    if current.n_rows() < ROWS_MIN as u64 {
        return None;
    }
    let mut values = current.expectation.metrics(ctx);
    if values.is_empty() {
        return None;
    }
    // The optimised metric leads, where it can be expected.
    values.sort_by_key(|m| m.name != watched.predictor.metric);
    let stored = watched.reference.predictions.as_ref();
    let (mut before, compared_with) = match (reference, stored) {
        (Some(side), _) => {
            let seasons = mix.and_then(|mix| side.expected_like(mix, ctx));
            let text = if seasons.is_some() { ", in the same seasons" } else { "" };
            let metrics = seasons.unwrap_or_else(|| side.expectation.metrics(ctx));
            (metrics, Some(format!("the reference file{text}")))
        }
        (None, Some(stored)) => (stored.expected.clone(), Some("the untouched rows".to_owned())),
        (None, None) => (Vec::new(), None),
    };
    let (method, caveat) = match watched.predictor.task {
        Task::Regression => (
            "direct loss estimation (DLE): errors as untouched rows showed them for predictions of \
             this size",
            "It holds while the target depends on the columns as it did, and cannot see when that \
             changes.",
        ),
        _ => (
            "confidence-based estimation (CBPE): what the calibrated probabilities promise",
            "It holds while the probabilities stay calibrated; it cannot see that the target \
             depends on the columns in another way than it did.",
        ),
    };
    // What rows of one group promise is as alike as the predictions are.
    let worth = current.predictions().map(|tally| tally.worth).unwrap_or_default();
    for (metrics, share) in [(&mut values, worth.is), (&mut before, worth.was)] {
        for metric in metrics.iter_mut() {
            widen(metric, share);
        }
    }
    Some(Performance {
        method: method.to_owned(),
        n_rows: current.n_rows(),
        compared_with,
        metrics: values.into_iter().map(|now| change(watched, (now, &before), spent)).collect(),
        caveat: caveat.to_owned(),
    })
}

/// A metric beside the same one before.
fn change(
    watched: &Watched<'_>,
    (now, before): (MetricValue, &[MetricValue]),
    spent: f64,
) -> MetricChange {
    let before = before.iter().find(|m| m.name == now.name);
    let spec = metric(&now.name).ok().map(|m| m.spec);
    let (reference, reference_ci95) =
        before.map_or((None, None), |before| (before.value, before.ci95));
    let change = now.value.zip(reference).map(|(now, before)| now - before);
    let change_ci95 = change.zip(now.ci95.zip(reference_ci95)).map(|(change, (a, b))| {
        // Independent rows: half-widths add up as squares.
        let half = (width(a).hypot(width(b))) / 2.0;
        Interval { low: change - half, high: change + half }
    });
    let larger_is_better = spec.is_some_and(|s| s.larger_is_better);
    // The end of the interval that is nearest to no change, of the share that this look may spend.
    let beyond = |c: Interval, change: f64| {
        let by = looks::width(spent);
        let (low, high) = (change - by * (change - c.low), change + by * (c.high - change));
        if larger_is_better { high < 0.0 } else { low > 0.0 }
    };
    let worse = change_ci95.zip(change).is_some_and(|(c, change)| beyond(c, change));
    let lost = lost(watched, &now.name, change.filter(|_| worse), reference);
    MetricChange {
        name: now.name,
        larger_is_better,
        value: now.value,
        ci95: now.ci95,
        reference,
        reference_ci95,
        change,
        change_ci95,
        worse,
        lost,
        note: now.note,
    }
}

/// The share of the lead over the constant baseline that a change takes away.
fn lost(
    watched: &Watched<'_>,
    name: &str,
    change: Option<f64>,
    reference: Option<f64>,
) -> Option<f64> {
    let evaluation = watched.record.evaluation.as_ref()?;
    let baseline = evaluation.baseline.iter().find(|m| m.name == name)?.value?;
    let lead = (reference? - baseline).abs();
    (lead > 0.0).then_some(change?.abs() / lead)
}

/// The interval of a metric of rows of which only a share is independent.
fn widen(found: &mut MetricValue, share: f64) {
    let (Some(value), Some(ci95)) = (found.value, found.ci95) else { return };
    if share >= 1.0 {
        return;
    }
    let by = share.max(f64::MIN_POSITIVE).sqrt().recip();
    let (least, most) =
        metric(&found.name).map_or((f64::NEG_INFINITY, f64::INFINITY), |metric| metric.spec.range);
    found.ci95 = Some(Interval {
        low: (value - by * (value - ci95.low)).max(least),
        high: (value + by * (ci95.high - value)).min(most),
    });
}

fn width(interval: Interval) -> f64 {
    interval.high - interval.low
}
