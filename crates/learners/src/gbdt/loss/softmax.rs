//! Softmax loss of a target with three or more classes: `log Σ exp(s_k) - s_y`.
//!
//! One output, and so one tree per round, for each class. The diagonal of the Hessian is scaled by
//! `K / (K - 1)`, which makes up for the redundant class (Friedman 2001, eq. 43; LightGBM).

use modelwright_core::Result;
use modelwright_kernels::gradient::{MIN_HESSIAN, softmax};
use rayon::prelude::*;

use super::{Loss, weighted_mean};
use crate::gbdt::model::Link;

/// Rows whose probabilities are computed together.
const TILE_ROWS: usize = 1024;

/// See the module's text.
pub(super) struct Softmax {
    codes: Vec<u32>,
    weights: Vec<f32>,
    n_classes: usize,
}

impl Softmax {
    pub(super) fn new(codes: Vec<u32>, n_classes: usize, weights: Vec<f32>) -> Self {
        Self { codes, weights, n_classes }
    }
}

impl Loss for Softmax {
    /// Logarithms of the class shares; a class without rows counts as half a row.
    fn base_scores(&self) -> Result<Vec<f64>> {
        let mut mass = vec![0.0; self.n_classes];
        for (code, w) in self.codes.iter().zip(&self.weights) {
            mass[*code as usize] += f64::from(*w);
        }
        let total: f64 = mass.iter().sum();
        let least = 0.5 * total / self.codes.len() as f64;
        Ok(mass.iter().map(|m| (m.max(least) / total).ln()).collect())
    }

    fn gradients(&self, scores: &[Vec<f64>], out: &mut [Vec<[f32; 2]>]) -> Result<()> {
        let factor = self.n_classes as f32 / (self.n_classes - 1) as f32;
        let mut tiles: Vec<Vec<&mut [[f32; 2]]>> = Vec::new();
        tiles.resize_with(self.codes.len().div_ceil(TILE_ROWS), Vec::new);
        for class in out.iter_mut() {
            for (tile, part) in tiles.iter_mut().zip(class.chunks_mut(TILE_ROWS)) {
                tile.push(part);
            }
        }
        let buffer = || vec![0.0_f32; TILE_ROWS * self.n_classes];
        tiles.into_par_iter().enumerate().for_each_init(buffer, |p, (t, mut out)| {
            let start = t * TILE_ROWS;
            let n = out[0].len();
            let p = &mut p[..n * self.n_classes];
            for (p, class) in p.chunks_exact_mut(n).zip(scores) {
                for (p, s) in p.iter_mut().zip(&class[start..start + n]) {
                    *p = *s as f32;
                }
            }
            softmax(p, n);
            let codes = &self.codes[start..start + n];
            let weights = &self.weights[start..start + n];
            for (k, (out, p)) in out.iter_mut().zip(p.chunks_exact(n)).enumerate() {
                for (((out, p), code), w) in out.iter_mut().zip(p).zip(codes).zip(weights) {
                    let y = if *code == k as u32 { 1.0 } else { 0.0 };
                    *out = [w * (p - y), w * factor * (p * (1.0 - p) + MIN_HESSIAN)];
                }
            }
        });
        Ok(())
    }

    fn mean(&self, scores: &[Vec<f64>]) -> Result<f64> {
        Ok(weighted_mean(&self.weights, |row| {
            let largest = scores.iter().map(|s| s[row]).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = scores.iter().map(|s| (s[row] - largest).exp()).sum();
            sum.ln() + largest - scores[self.codes[row] as usize][row]
        }))
    }

    fn link(&self) -> Link {
        Link::Softmax
    }
}
