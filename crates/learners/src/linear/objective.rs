//! Mean loss and its gradient over a [`Design`]: squared error, logistic, softmax.
//!
//! Rows are cut into chunks whose number depends only on the table's shape; each chunk is summed
//! in order on one thread and the chunks are added in order, so that the result is the same for
//! any thread count. Scores are f32 within a tile of 256 rows, sums across tiles are f64.

use modelwright_kernels::exp::exp_in_place;
use rayon::prelude::*;

use super::design::{Design, Lane, ROWS};

/// What is to be predicted, one entry per row of the design.
pub(super) enum Goal {
    /// Standardised values under squared error, and the range scores are clamped to when judged.
    Real { values: Vec<f64>, range: (f64, f64) },
    /// 1 for the positive class, else 0, under the logistic loss.
    Binary(Vec<f64>),
    /// Class indices below the number of outputs, under the softmax loss.
    Classes(Vec<u32>),
}

/// Data and goal: everything but the penalty.
pub(super) struct Objective<'a> {
    pub(super) design: Design<'a>,
    pub(super) goal: Goal,
    pub(super) n_outputs: usize,
}

impl Objective<'_> {
    /// Length of `theta`: per output, dense coefficients, sparse coefficients, intercept.
    pub(super) fn n_params(&self) -> usize {
        self.n_outputs * self.design.n_params()
    }

    /// Weighted mean loss at `theta`; its gradient replaces `gradient`.
    pub(super) fn loss_and_gradient(&self, theta: &[f64], gradient: &mut [f64]) -> f64 {
        let theta: Vec<f32> = theta.iter().map(|t| *t as f32).collect();
        let parts = self.chunks(|tiles| {
            let mut sum = 0.0;
            let mut gradient = vec![0.0; self.n_params()];
            let mut lanes = vec![[0.0; ROWS]; self.n_outputs];
            for tile in tiles {
                self.design.scores(tile, &theta, &mut lanes);
                sum += self.residuals(tile, &mut lanes);
                self.design.add_gradient(tile, &lanes, &mut gradient);
            }
            (sum, gradient)
        });
        gradient.fill(0.0);
        let mut loss = 0.0;
        for (sum, part) in &parts {
            loss += sum;
            for (g, p) in gradient.iter_mut().zip(part) {
                *g += p;
            }
        }
        let n_rows = self.design.n_rows as f64;
        for g in gradient {
            *g /= n_rows;
        }
        loss / n_rows
    }

    /// Weighted mean loss at `theta` as a judge sees it: regression scores clamped to the range.
    pub(super) fn loss(&self, theta: &[f64]) -> f64 {
        let theta: Vec<f32> = theta.iter().map(|t| *t as f32).collect();
        let parts = self.chunks(|tiles| {
            let mut sum = 0.0;
            let mut lanes = vec![[0.0; ROWS]; self.n_outputs];
            for tile in tiles {
                self.design.scores(tile, &theta, &mut lanes);
                if let Goal::Real { range, .. } = &self.goal {
                    for score in &mut lanes[0] {
                        *score = score.clamp(range.0 as f32, range.1 as f32);
                    }
                }
                sum += self.residuals(tile, &mut lanes);
            }
            sum
        });
        parts.iter().sum::<f64>() / self.design.n_rows as f64
    }

    /// Replaces a tile's scores by weighted derivatives of the loss and returns the loss's sum.
    fn residuals(&self, tile: usize, lanes: &mut [Lane]) -> f64 {
        let weights = self.design.tile_weights(tile);
        let start = tile * ROWS;
        let n_rows = ROWS.min(self.design.n_rows - start);
        let mut sum = 0.0;
        match &self.goal {
            Goal::Real { values, .. } => {
                let lane = &mut lanes[0];
                for i in 0..n_rows {
                    let difference = f64::from(lane[i]) - values[start + i];
                    let weight = f64::from(weights[i]);
                    sum += 0.5 * weight * difference * difference;
                    lane[i] = (weight * difference) as f32;
                }
            }
            Goal::Binary(labels) => {
                let lane = &mut lanes[0];
                for i in 0..n_rows {
                    let (loss, difference) = logistic(f64::from(lane[i]), labels[start + i]);
                    let weight = f64::from(weights[i]);
                    sum += weight * loss;
                    lane[i] = (weight * difference) as f32;
                }
            }
            Goal::Classes(codes) => {
                sum = softmax_tile(lanes, &codes[start..start + n_rows], weights);
            }
        }
        for lane in lanes {
            lane[n_rows..].fill(0.0);
        }
        sum
    }

    /// Runs `work` over ranges of tiles, in parallel, results in order.
    fn chunks<T: Send>(&self, work: impl Fn(std::ops::Range<usize>) -> T + Sync) -> Vec<T> {
        let n_tiles = self.design.n_tiles();
        // Each chunk holds a gradient of its own: fewer chunks when gradients are large.
        let most = if self.n_params() > 100_000 { 8 } else { 64 };
        let size = n_tiles.div_ceil(most).max(8);
        (0..n_tiles.div_ceil(size))
            .into_par_iter()
            .map(|c| work(c * size..n_tiles.min((c + 1) * size)))
            .collect()
    }
}

/// Loss and derivative of the logistic loss at a score, without overflow.
pub(super) fn logistic(score: f64, label: f64) -> (f64, f64) {
    let small = (-score.abs()).exp();
    let loss = score.max(0.0) - score * label + small.ln_1p();
    let probability = if score >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) };
    (loss, probability - label)
}

/// Replaces a tile's scores by weighted softmax residuals; returns the sum of weighted losses.
fn softmax_tile(lanes: &mut [Lane], codes: &[u32], weights: &[f32]) -> f64 {
    let mut largest = [f32::NEG_INFINITY; ROWS];
    for lane in &*lanes {
        for (m, s) in largest.iter_mut().zip(lane) {
            *m = if *s > *m { *s } else { *m };
        }
    }
    let mut sum = 0.0;
    for (i, class) in codes.iter().enumerate() {
        sum -= f64::from(weights[i]) * f64::from(lanes[*class as usize][i] - largest[i]);
    }
    let mut totals = [0.0_f32; ROWS];
    for lane in &mut *lanes {
        for (s, m) in lane.iter_mut().zip(&largest) {
            *s -= m;
        }
        exp_in_place(lane);
        for (t, e) in totals.iter_mut().zip(&*lane) {
            *t += e;
        }
    }
    for (total, weight) in totals.iter_mut().zip(weights).take(codes.len()) {
        sum += f64::from(*weight) * f64::from(*total).ln();
        *total = weight / *total;
    }
    for lane in &mut *lanes {
        for (e, factor) in lane.iter_mut().zip(&totals) {
            *e *= factor;
        }
    }
    for (i, class) in codes.iter().enumerate() {
        lanes[*class as usize][i] -= weights[i];
    }
    sum
}
