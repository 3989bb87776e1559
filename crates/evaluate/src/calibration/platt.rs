//! Platt scaling: a logistic regression on the log-odds.
//!
//! The targets are Platt's smoothed ones, `(n₊ + 1) / (n₊ + 2)` and `1 / (n₋ + 2)`, so that a
//! perfectly separated set has a finite answer.
//! Reference: Platt, "Probabilistic outputs for support vector machines", 1999.

use super::{Calibrator, logistic, sigmoid};

/// Probabilities are kept this far from 0 and 1 before their logarithms are taken.
pub const MARGIN: f64 = 1e-9;

/// The calibrated probability.
pub(super) fn value(p: f64, slope: f64, intercept: f64) -> f64 {
    sigmoid(slope * logit(p) + intercept)
}

/// Fits slope and intercept; `None` when the slope would not rise.
pub(super) fn fit(codes: &[u32], p: &[f64], weights: Option<&[f64]>) -> Option<Calibrator> {
    let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
    let (mut negatives, mut positives) = (0.0, 0.0);
    for (row, code) in codes.iter().enumerate() {
        if *code == 1 {
            positives += weight(row);
        } else {
            negatives += weight(row);
        }
    }
    let smoothed = [1.0 / (negatives + 2.0), (positives + 1.0) / (positives + 2.0)];
    let target = |row: usize| smoothed[codes[row] as usize];
    let rows: Vec<[f64; 2]> = p.iter().map(|p| [logit(*p), 1.0]).collect();
    let [slope, intercept] = logistic::fit(&rows, target, weights)?;
    (slope > 0.0).then_some(Calibrator::Platt { slope, intercept })
}

fn logit(p: f64) -> f64 {
    let p = p.clamp(MARGIN, 1.0 - MARGIN);
    (p / (1.0 - p)).ln()
}
