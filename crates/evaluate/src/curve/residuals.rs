//! Residuals of a regression: a sample of rows, a histogram, quantiles.

use modelwright_core::record::{Bin, CurvePoint, PredictedBin, Residuals};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};

use crate::metric::{check_pair, weighted_quantile};

/// Rows in the scatter plot.
const SAMPLE: usize = 500;

/// Rows of like predictions that are looked at together, at least, and groups of them at most.
const GROUP_ROWS: usize = 20;
const GROUPS_MAX: usize = 20;

/// Bars of the histogram.
const BARS: std::ops::RangeInclusive<usize> = 5..=60;

/// Residuals are true minus predicted; the sample is random, and rows keep their order in it.
///
/// # Errors
/// Input error for a classification target or predictions that do not fit.
pub fn residuals(truth: &Target, predictions: &Predictions, ctx: &Context) -> Result<Residuals> {
    check_pair(truth, predictions)?;
    let Some(truth) = truth.values() else {
        return Err(Error::input("residuals need a regression target").got("classes"));
    };
    let predicted = &predictions.values;
    let sample = ctx.random("evaluate/residuals", 0).sample(truth.len(), SAMPLE);
    let point = |row: &u32| CurvePoint {
        x: predicted[*row as usize],
        y: truth[*row as usize],
        threshold: None,
    };
    let mut sorted: Vec<f64> = truth.iter().zip(predicted).map(|(y, p)| y - p).collect();
    sorted.sort_by(f64::total_cmp);
    let quantile = |q: f64| weighted_quantile(&sorted, |_| 1.0, q).unwrap_or(0.0);
    Ok(Residuals {
        sample: sample.iter().map(point).collect(),
        histogram: histogram(&sorted, quantile(0.75) - quantile(0.25)),
        quantiles: [0.05, 0.25, 0.5, 0.75, 0.95].map(quantile).to_vec(),
        by_prediction: by_prediction(truth, predicted),
    })
}

/// As many groups of rows with like predictions as there can be with [`GROUP_ROWS`] each.
fn by_prediction(truth: &[f64], predicted: &[f64]) -> Vec<PredictedBin> {
    let mut order: Vec<usize> =
        (0..truth.len()).filter(|row| predicted[*row].is_finite()).collect();
    order.sort_by(|a, b| predicted[*a].total_cmp(&predicted[*b]));
    let n_groups = (order.len() / GROUP_ROWS).min(GROUPS_MAX);
    if n_groups < 2 {
        return Vec::new();
    }
    let group = |k: usize| {
        let rows = &order[k * order.len() / n_groups..(k + 1) * order.len() / n_groups];
        let mean = |of: &[f64]| rows.iter().map(|row| of[*row]).sum::<f64>() / rows.len() as f64;
        let mut values: Vec<f64> = rows.iter().map(|row| truth[*row]).collect();
        values.sort_by(f64::total_cmp);
        let quantile = |q: f64| weighted_quantile(&values, |_| 1.0, q).unwrap_or(0.0);
        PredictedBin {
            n_rows: rows.len(),
            predicted: mean(predicted),
            mean: mean(truth),
            low: quantile(0.05),
            high: quantile(0.95),
        }
    };
    (0..n_groups).map(group).collect()
}

/// Bars of equal width by the rule of Freedman & Diaconis (1981), within [`BARS`].
fn histogram(sorted: &[f64], quartile_range: f64) -> Vec<Bin> {
    let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else { return Vec::new() };
    if low == high {
        return vec![Bin { from: *low, to: *high, n_rows: sorted.len() }];
    }
    // Halved, so that the range of two huge values of different sign is still finite.
    let half_range = high / 2.0 - low / 2.0;
    let wanted = half_range * (sorted.len() as f64).cbrt() / quartile_range;
    let n_bars = if wanted.is_finite() { wanted.ceil() as usize } else { *BARS.end() };
    let n_bars = n_bars.clamp(*BARS.start(), *BARS.end());
    let edge = |bar: usize| match bar {
        0 => *low,
        bar if bar == n_bars => *high,
        bar => {
            let half_step = half_range * (bar as f64 / n_bars as f64);
            low + half_step + half_step
        }
    };
    let below = |bar: usize| match bar {
        bar if bar == n_bars => sorted.len(),
        bar => sorted.partition_point(|r| *r < edge(bar)),
    };
    (0..n_bars)
        .map(|bar| Bin { from: edge(bar), to: edge(bar + 1), n_rows: below(bar + 1) - below(bar) })
        .collect()
}
