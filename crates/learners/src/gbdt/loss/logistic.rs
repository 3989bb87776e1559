//! Logistic loss of a binary target: `log(1 + exp(s)) - y s`.

use modelwright_core::Result;
use modelwright_kernels::gradient;
use rayon::prelude::*;

use super::{BLOCK_ROWS, Loss, SHORT_BLOCKS, weighted_mean};
use crate::gbdt::model::Link;

/// Scores are log-odds; base scores stay within this of 0 when only one class occurs.
pub(super) const LARGEST_BASE: f64 = 15.0;

/// See the module's text.
pub(super) struct Logistic {
    targets: Vec<f32>,
    weights: Vec<f32>,
}

impl Logistic {
    pub(super) fn new(codes: impl Iterator<Item = u32>, weights: Vec<f32>) -> Self {
        Self { targets: codes.map(|c| if c == 1 { 1.0 } else { 0.0 }).collect(), weights }
    }
}

/// `log(1 + exp(s))` without overflow.
pub(super) fn softplus(s: f64) -> f64 {
    s.max(0.0) + (-s.abs()).exp().ln_1p()
}

impl Loss for Logistic {
    fn base_scores(&self) -> Result<Vec<f64>> {
        let p = weighted_mean(&self.weights, |row| f64::from(self.targets[row]));
        Ok(vec![(p / (1.0 - p)).ln().clamp(-LARGEST_BASE, LARGEST_BASE)])
    }

    fn gradients(&self, scores: &[Vec<f64>], out: &mut [Vec<[f32; 2]>]) -> Result<()> {
        let rows = self.targets.par_chunks(BLOCK_ROWS).zip(self.weights.par_chunks(BLOCK_ROWS));
        out[0]
            .par_chunks_mut(BLOCK_ROWS)
            .zip(scores[0].par_chunks(BLOCK_ROWS))
            .zip(rows)
            .with_min_len(SHORT_BLOCKS)
            .for_each(|((out, s), (y, w))| gradient::logistic(s, y, w, out));
        Ok(())
    }

    fn mean(&self, scores: &[Vec<f64>]) -> Result<f64> {
        Ok(weighted_mean(&self.weights, |row| {
            let s = scores[0][row];
            softplus(s) - f64::from(self.targets[row]) * s
        }))
    }

    fn link(&self) -> Link {
        Link::Logistic
    }
}
