//! Expected metrics of calibrated probabilities of a multiclass task.

use modelwright_core::record::MetricValue;
use modelwright_core::task::Predictions;

use super::expected;
use crate::distribution::Z_975;

/// Probabilities are kept this far from 0 in the log loss.
const CLIP: f64 = f64::EPSILON;

/// Sums over rows with a probability of every class each.
#[derive(Debug, Clone, Default)]
pub struct ExpectedMulticlass {
    n_rows: u64,
    right: f64,
    right_spread: f64,
    entropy: f64,
    entropy_spread: f64,
}

impl ExpectedMulticlass {
    /// Adds rows; the most probable class is the one decided for.
    pub fn add(&mut self, predictions: &Predictions) {
        for row in 0..predictions.n_rows() {
            let p = predictions.row(row);
            let top = p.iter().copied().fold(0.0, f64::max).min(1.0);
            let loss = |p: f64| -p.clamp(CLIP, 1.0).ln();
            let mean: f64 = p.iter().map(|p| p * loss(*p)).sum();
            let square: f64 = p.iter().map(|p| p * loss(*p).powi(2)).sum();
            self.n_rows += 1;
            self.right += top;
            self.right_spread += top * (1.0 - top);
            self.entropy += mean;
            self.entropy_spread += (square - mean * mean).max(0.0);
        }
    }

    /// Rows.
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// The expected metrics, each with the interval that holds 95 % of all labellings; empty
    /// without rows.
    pub fn metrics(&self) -> Vec<MetricValue> {
        if self.n_rows == 0 {
            return Vec::new();
        }
        let n = self.n_rows as f64;
        let around = |name: &str, sum: f64, spread: f64, low: f64, high: f64| {
            let (value, half) = (sum / n, Z_975 * spread.sqrt() / n);
            let ci95 = ((value - half).max(low), (value + half).min(high));
            expected(name, value, Some(ci95))
        };
        vec![
            around("log_loss", self.entropy, self.entropy_spread, 0.0, f64::INFINITY),
            around("accuracy", self.right, self.right_spread, 0.0, 1.0),
        ]
    }
}
