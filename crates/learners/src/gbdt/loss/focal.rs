//! Focal loss of a binary target: `-(1 - q)^γ log q`, with `q` the probability given to the class
//! that the row has; rows that are predicted well count less the larger `γ` is, 0 is logistic loss.
//!
//! Its predictions rank rows and decide between classes; they are drawn towards 1/2 and are not
//! probabilities until they are calibrated. The second derivative is negative where `q` is small.
//! There the Hessian is `(1 - q)^γ q (1 - q)`, that of the logistic loss with the row weighted by
//! `(1 - q)^γ`, so that a Newton step always goes downhill. Reference: Lin et al., "Focal loss for
//! dense object detection", ICCV 2017.

use modelwright_core::Result;
use rayon::prelude::*;

use super::logistic::LARGEST_BASE;
use super::{BLOCK_ROWS, Loss, weighted_mean};
use crate::gbdt::model::Link;

/// Keeps Newton steps bounded where the probability has reached 0 or 1.
const MIN_HESSIAN: f64 = 1e-16;
/// Steps of the search for the base score; each takes a third off the interval of 30.
const BASE_STEPS: usize = 70;

/// See the module's text.
pub(super) struct Focal {
    positive: Vec<bool>,
    weights: Vec<f32>,
    gamma: f64,
}

impl Focal {
    pub(super) fn new(codes: impl Iterator<Item = u32>, weights: Vec<f32>, gamma: f64) -> Self {
        Self { positive: codes.map(|c| c == 1).collect(), weights, gamma }
    }

    /// The loss when the row's own class has the log-odds `z`.
    fn loss(&self, z: f64) -> f64 {
        let (log_q, rest) = probabilities(z);
        -rest.powf(self.gamma) * log_q
    }

    /// First and second derivative by `z`; the second is the substitute where it is larger.
    fn derivatives(&self, z: f64) -> [f64; 2] {
        let (log_q, rest) = probabilities(z);
        let (q, gamma) = (1.0 - rest, self.gamma);
        let focus = rest.powf(gamma);
        let slope = focus * (gamma * q * log_q - rest);
        let inner = rest * (gamma * log_q + 2.0 * gamma + 1.0) - gamma * gamma * q * log_q;
        [slope, q * focus * inner.max(rest) + MIN_HESSIAN * focus.max(MIN_HESSIAN)]
    }
}

/// `log q` and `1 - q` of log-odds, both to full precision.
fn probabilities(z: f64) -> (f64, f64) {
    (-super::logistic::softplus(-z), 1.0 / (1.0 + z.exp()))
}

impl Loss for Focal {
    /// The minimum of the loss of the two class shares, which has a single valley.
    fn base_scores(&self) -> Result<Vec<f64>> {
        let p = weighted_mean(&self.weights, |row| f64::from(u8::from(self.positive[row])));
        let at = |s: f64| p * self.loss(s) + (1.0 - p) * self.loss(-s);
        let (mut low, mut high) = (-LARGEST_BASE, LARGEST_BASE);
        for _ in 0..BASE_STEPS {
            let third = (high - low) / 3.0;
            if at(low + third) <= at(high - third) { high -= third } else { low += third }
        }
        Ok(vec![f64::midpoint(low, high)])
    }

    fn gradients(&self, scores: &[Vec<f64>], out: &mut [Vec<[f32; 2]>]) -> Result<()> {
        let rows = self.positive.par_chunks(BLOCK_ROWS).zip(self.weights.par_chunks(BLOCK_ROWS));
        let scores = scores[0].par_chunks(BLOCK_ROWS);
        out[0].par_chunks_mut(BLOCK_ROWS).zip(scores).zip(rows).for_each(|((out, s), (y, w))| {
            for (((out, s), y), w) in out.iter_mut().zip(s).zip(y).zip(w) {
                let sign = if *y { 1.0 } else { -1.0 };
                let [g, h] = self.derivatives(sign * s);
                *out = [w * (sign * g) as f32, w * h as f32];
            }
        });
        Ok(())
    }

    fn mean(&self, scores: &[Vec<f64>]) -> Result<f64> {
        Ok(weighted_mean(&self.weights, |row| {
            self.loss(if self.positive[row] { scores[0][row] } else { -scores[0][row] })
        }))
    }

    fn link(&self) -> Link {
        Link::Logistic
    }
}
