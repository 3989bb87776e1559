//! Are the probabilities honest? Temperature scaling on out-of-fold predictions.
//!
//! One number stretches or shrinks all log-odds; it is chosen to minimise the log loss out of
//! fold and used only when that gain is real. The order of predictions, and so the AUC, does not
//! change. Reference: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

use modelwright_core::task::{Predictions, Target};

/// With fewer rows a temperature is noise (AutoGluon's limits: 3,000 binary, 500 multiclass).
const N_ROWS_MIN_BINARY: usize = 3_000;
const N_ROWS_MIN_MULTICLASS: usize = 500;

/// The log loss must fall by this share.
const GAIN_MIN: f64 = 0.002;

/// Probabilities are kept this far from 0 and 1 before their log-odds are taken.
const MARGIN: f64 = 1e-9;

/// The temperature that fits best; 1 when there is nothing to gain, too few rows, or regression.
pub(crate) fn temperature(truth: &Target, predictions: &Predictions) -> f64 {
    let Some(codes) = truth.codes() else { return 1.0 };
    let multiclass = predictions.n_outputs > 1;
    let n_min = if multiclass { N_ROWS_MIN_MULTICLASS } else { N_ROWS_MIN_BINARY };
    if codes.len() < n_min {
        return 1.0;
    }
    let loss = |log_t: f64| log_loss(codes, predictions, log_t.exp());
    let best = minimise(loss, -1.5, 1.5);
    if loss(best) < loss(0.0) * (1.0 - GAIN_MIN) { best.exp() } else { 1.0 }
}

/// Applies a temperature in place; 1 leaves the bytes as they are.
pub(crate) fn apply(predictions: &mut Predictions, temperature: f64) {
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

fn log_loss(codes: &[u32], predictions: &Predictions, temperature: f64) -> f64 {
    let mut total = 0.0;
    let mut row_values = vec![0.0; predictions.n_outputs];
    for (row, code) in codes.iter().enumerate() {
        let p = if predictions.n_outputs == 1 {
            let p = scaled_binary(predictions.values[row], temperature);
            if *code == 1 { p } else { 1.0 - p }
        } else {
            row_values.copy_from_slice(predictions.row(row));
            scale_row(&mut row_values, temperature);
            row_values[*code as usize]
        };
        total -= p.max(1e-15).ln();
    }
    total / codes.len() as f64
}

/// Golden-section search of a unimodal function.
fn minimise(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    const SHRINK: f64 = 0.618_033_988_749_894_9;
    let (mut a, mut b) = (high - SHRINK * (high - low), low + SHRINK * (high - low));
    let (mut fa, mut fb) = (f(a), f(b));
    for _ in 0..24 {
        if fa < fb {
            (high, b, fb) = (b, a, fa);
            a = high - SHRINK * (high - low);
            fa = f(a);
        } else {
            (low, a, fa) = (a, b, fb);
            b = low + SHRINK * (high - low);
            fb = f(b);
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelwright_core::random::Random;

    /// Labels drawn with probability p, predictions with doubled log-odds.
    fn overconfident(n: usize) -> (Target, Predictions) {
        let mut random = Random::new(1);
        let (mut codes, mut values) = (Vec::new(), Vec::new());
        for _ in 0..n {
            let p = 0.05 + 0.9 * random.unit();
            codes.push(u32::from(random.unit() < p));
            let z = 2.0 * (p / (1.0 - p)).ln();
            values.push(1.0 / (1.0 + (-z).exp()));
        }
        (Target::Class { codes, n_classes: 2 }, Predictions::new(1, values))
    }

    #[test]
    fn doubled_log_odds_are_halved_again() {
        let (truth, predictions) = overconfident(20_000);
        let t = temperature(&truth, &predictions);
        assert!((t - 2.0).abs() < 0.15, "{t}");
    }

    #[test]
    fn few_rows_and_honest_probabilities_are_left_alone() {
        let (truth, predictions) = overconfident(200);
        assert_eq!(temperature(&truth, &predictions), 1.0);
        let (truth, mut predictions) = overconfident(20_000);
        apply(&mut predictions, 2.0);
        assert_eq!(temperature(&truth, &predictions), 1.0);
    }

    #[test]
    fn scaled_rows_still_sum_to_one() {
        let mut predictions = Predictions::new(3, vec![0.7, 0.3, 0.0]);
        apply(&mut predictions, 1.7);
        assert!((predictions.values.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
