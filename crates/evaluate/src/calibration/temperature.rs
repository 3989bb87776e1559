//! Temperature scaling: one number stretches or shrinks all log-odds.
//!
//! It is the maximum-likelihood one: the log loss is convex in the inverse temperature, and
//! Newton's method finds it in a few passes.
//! Reference: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

use modelwright_core::task::Predictions;

use super::{Calibrator, sigmoid};

/// Probabilities are kept this far from 0 and 1 before their log-odds are taken.
const MARGIN: f64 = 1e-9;

/// Natural logarithm of the largest temperature, and of the smallest one's inverse.
const LOG_MAX: f64 = 1.5;

/// Steps after which the inverse temperature is as exact as it will be.
const N_STEPS: usize = 30;

/// Applies a temperature in place; 1 leaves the bytes as they are.
pub(super) fn apply(predictions: &mut Predictions, temperature: f64) {
    if temperature == 1.0 {
        return;
    }
    if predictions.n_outputs == 1 {
        for p in &mut predictions.values {
            *p = scaled_binary(*p, temperature);
        }
    } else {
        let n = predictions.n_outputs;
        for row in predictions.values.chunks_exact_mut(n) {
            scale_row(row, temperature);
        }
    }
}

fn scaled_binary(p: f64, temperature: f64) -> f64 {
    let p = p.clamp(MARGIN, 1.0 - MARGIN);
    let z = (p / (1.0 - p)).ln() / temperature;
    1.0 / (1.0 + (-z).exp())
}

fn scale_row(row: &mut [f64], temperature: f64) {
    let mut sum = 0.0;
    for p in row.iter_mut() {
        *p = (p.max(MARGIN).ln() / temperature).exp();
        sum += *p;
    }
    for p in row.iter_mut() {
        *p /= sum;
    }
}

/// Fits the temperature; see [`super::Method::fit`].
pub(super) fn fit(
    codes: &[u32],
    predictions: &Predictions,
    weights: Option<&[f64]>,
) -> Option<Calibrator> {
    let logs: Vec<f64> = if predictions.n_outputs == 1 {
        let log_odds = |p: &f64| {
            let p = p.clamp(MARGIN, 1.0 - MARGIN);
            (p / (1.0 - p)).ln()
        };
        predictions.values.iter().map(log_odds).collect()
    } else {
        predictions.values.iter().map(|p| p.max(MARGIN).ln()).collect()
    };
    let slopes = |s: f64| {
        let (mut first, mut second) = (0.0, 0.0);
        for (row, z) in logs.chunks_exact(predictions.n_outputs).enumerate() {
            let w = weights.map_or(1.0, |w| w[row]);
            let (g, h) = row_slopes(z, codes[row], s);
            first += w * g;
            second += w * h;
        }
        (first, second)
    };
    let s = minimum_of_convex(slopes, (-LOG_MAX).exp(), LOG_MAX.exp());
    s.is_finite().then_some(Calibrator::Temperature(1.0 / s))
}

/// First and second derivative of a row's log loss by the inverse temperature `s`.
fn row_slopes(z: &[f64], code: u32, s: f64) -> (f64, f64) {
    if let [z] = z {
        let p = sigmoid(s * z);
        return ((p - f64::from(code)) * z, p * (1.0 - p) * z * z);
    }
    let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut total, mut mean, mut square) = (0.0, 0.0, 0.0);
    for z in z {
        let e = (s * (z - top)).exp();
        total += e;
        mean += e * z;
        square += e * z * z;
    }
    mean /= total;
    (mean - z[code as usize], (square / total - mean * mean).max(0.0))
}

/// Where a convex function on `[low, high]` is least, from its first two derivatives: Newton's
/// steps, and a halving of the bracket where one would leave it.
fn minimum_of_convex(slopes: impl Fn(f64) -> (f64, f64), mut low: f64, mut high: f64) -> f64 {
    let mut at: f64 = 1.0;
    for _ in 0..N_STEPS {
        let (first, second) = slopes(at);
        if first > 0.0 {
            high = at;
        } else {
            low = at;
        }
        let step = if second > 0.0 { at - first / second } else { f64::NAN };
        let next = if step > low && step < high { step } else { f64::midpoint(low, high) };
        if (next - at).abs() <= 1e-9 * at {
            return next;
        }
        at = next;
    }
    at
}
