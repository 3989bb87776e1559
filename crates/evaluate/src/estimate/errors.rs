//! Expected errors of a regression, by the size of the prediction.

use modelwright_core::record::MetricValue;
use serde::{Deserialize, Serialize};

use super::expected;
use crate::distribution::Z_975;

/// The most bins of predictions, and the fewest rows of one.
const BINS_MAX: usize = 20;
const BIN_ROWS_MIN: usize = 40;

/// How large errors are for predictions of each size, as untouched rows showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorCurve {
    /// The largest prediction of every bin but the last, ascending.
    edges: Vec<f64>,
    /// Mean of |error|, error², error⁴ in each bin.
    moments: Vec<[f64; 3]>,
}

impl ErrorCurve {
    /// Learns from rows with known answers; `None` when they are too few.
    pub fn learn(truth: &[f64], predictions: &[f64]) -> Option<Self> {
        let n_bins = (truth.len() / BIN_ROWS_MIN).min(BINS_MAX);
        if n_bins == 0 || truth.len() != predictions.len() {
            return None;
        }
        let mut order: Vec<usize> = (0..truth.len()).collect();
        order.sort_by(|a, b| predictions[*a].total_cmp(&predictions[*b]));
        let bounds = |bin: usize| bin * truth.len() / n_bins..(bin + 1) * truth.len() / n_bins;
        let moments = (0..n_bins).map(|bin| {
            let rows = &order[bounds(bin)];
            let mean = |power: i32| {
                let error = |row: &usize| (truth[*row] - predictions[*row]).abs().powi(power);
                rows.iter().map(error).sum::<f64>() / rows.len() as f64
            };
            [mean(1), mean(2), mean(4)]
        });
        let edges = (0..n_bins - 1).map(|bin| predictions[order[bounds(bin).end - 1]]).collect();
        let curve = Self { moments: moments.collect(), edges };
        curve.is_sound().then_some(curve)
    }

    /// Whether a curve that was read from a file could have been learned.
    pub fn is_sound(&self) -> bool {
        self.moments.len() == self.edges.len() + 1
            && self.moments.len() <= BINS_MAX
            && self.moments.iter().flatten().all(|m| m.is_finite() && *m >= 0.0)
            && self.edges.windows(2).all(|pair| pair[0] <= pair[1])
    }

    fn at(&self, prediction: f64) -> [f64; 3] {
        self.moments[self.edges.partition_point(|edge| *edge < prediction)]
    }
}

/// Sums of expected errors over rows.
#[derive(Debug, Clone, Default)]
pub struct ExpectedErrors {
    n_rows: u64,
    sums: [f64; 3],
    absolute_spread: f64,
}

impl ExpectedErrors {
    /// Adds rows by their predictions.
    pub fn add(&mut self, curve: &ErrorCurve, predictions: &[f64]) {
        for prediction in predictions {
            let moments = curve.at(*prediction);
            self.n_rows += 1;
            for (sum, moment) in self.sums.iter_mut().zip(moments) {
                *sum += moment;
            }
            self.absolute_spread += (moments[1] - moments[0] * moments[0]).max(0.0);
        }
    }

    /// Rows.
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// The expected metrics, each with the interval that holds 95 % of all sets of errors; empty
    /// without rows.
    pub fn metrics(&self) -> Vec<MetricValue> {
        if self.n_rows == 0 {
            return Vec::new();
        }
        let n = self.n_rows as f64;
        let [absolute, square, fourth] = self.sums.map(|sum| sum / n);
        let square_half = Z_975 * ((fourth - square * square).max(0.0) / n).sqrt();
        let absolute_half = Z_975 * self.absolute_spread.sqrt() / n;
        let root = |value: f64| value.max(0.0).sqrt();
        vec![
            expected(
                "rmse",
                root(square),
                Some((root(square - square_half), root(square + square_half))),
            ),
            expected(
                "mae",
                absolute,
                Some(((absolute - absolute_half).max(0.0), absolute + absolute_half)),
            ),
        ]
    }
}
