//! Beta calibration: a logistic regression on `ln p` and `−ln(1 − p)`.
//!
//! Two slopes, so that the low and the high probabilities can be off in different ways; Platt and
//! temperature scaling are the special case of equal slopes. A slope that would be negative is
//! set to 0 and the rest fitted again, so that the map rises.
//! Reference: Kull, Silva Filho & Flach, "Beyond sigmoids", EJS 11(2), 2017.

use super::platt::MARGIN;
use super::{Calibrator, logistic, sigmoid};

/// The calibrated probability for `[a, b, c]`.
pub(super) fn value(p: f64, [a, b, c]: [f64; 3]) -> f64 {
    let [low, high] = logs(p);
    sigmoid(a * low + b * high + c)
}

/// Fits the three numbers; `None` when no rising map fits.
pub(super) fn fit(codes: &[u32], p: &[f64], weights: Option<&[f64]>) -> Option<Calibrator> {
    let target = |row: usize| f64::from(codes[row]);
    let rows: Vec<[f64; 3]> = p.iter().map(|p| with_one(logs(*p))).collect();
    let [a, b, c] = logistic::fit(&rows, target, weights)?;
    let of_one = |at: usize| {
        let rows: Vec<[f64; 2]> = p.iter().map(|p| [logs(*p)[at], 1.0]).collect();
        logistic::fit(&rows, target, weights).filter(|[slope, _]| *slope > 0.0)
    };
    if a < 0.0 {
        return of_one(1).map(|[b, c]| Calibrator::Beta { a: 0.0, b, c });
    }
    if b < 0.0 {
        return of_one(0).map(|[a, c]| Calibrator::Beta { a, b: 0.0, c });
    }
    (a + b > 0.0).then_some(Calibrator::Beta { a, b, c })
}

fn logs(p: f64) -> [f64; 2] {
    let p = p.clamp(MARGIN, 1.0 - MARGIN);
    [p.ln(), -(1.0 - p).ln()]
}

fn with_one([low, high]: [f64; 2]) -> [f64; 3] {
    [low, high, 1.0]
}
