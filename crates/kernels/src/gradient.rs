//! Gradients and Hessians of losses over slices of rows.
//!
//! A gradient is stored as `[g, h]` in f32: the first and second derivative of the weighted loss
//! by the score. Rows are independent, so any division of the rows gives the same bits.

use crate::dispatch::vectorised;
use crate::exp::{exp, sigmoid};

/// The smallest second derivative, as a fraction of the weight: keeps Newton steps bounded.
pub const MIN_HESSIAN: f32 = 1e-16;

vectorised! {
    /// Logistic loss: `g = w (p - y)`, `h = w p (1 - p)` with `p = sigmoid(score)`.
    ///
    /// `targets` are 0 or 1. All slices have one length.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn logistic(scores: &[f64], targets: &[f32], weights: &[f32], out: &mut [[f32; 2]])
        = logistic_generic
}

vectorised! {
    /// Squared loss (half of it): `g = w (score - y)`, `h = w`.
    ///
    /// The difference is taken in f64. All slices have one length.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn squared(scores: &[f64], targets: &[f64], weights: &[f32], out: &mut [[f32; 2]])
        = squared_generic
}

vectorised! {
    /// Turns scores of shape (class, row) into probabilities, in place, row by row.
    ///
    /// `scores` holds one slice of `n_rows` after the other, one per class.
    ///
    /// # Panics
    /// If `scores` is not a whole number of classes.
    pub fn softmax(scores: &mut [f32], n_rows: usize) = softmax_generic
}

vectorised! {
    /// The largest `|g|` and the largest `h`.
    pub fn largest(gradients: &[[f32; 2]]) -> [f32; 2] = largest_generic
}

#[inline(always)]
fn logistic_generic(scores: &[f64], targets: &[f32], weights: &[f32], out: &mut [[f32; 2]]) {
    let n = out.len();
    assert!(scores.len() == n && targets.len() == n && weights.len() == n, "one length");
    for i in 0..n {
        let p = sigmoid(scores[i] as f32);
        let w = weights[i];
        out[i] = [w * (p - targets[i]), w * (p * (1.0 - p) + MIN_HESSIAN)];
    }
}

#[inline(always)]
fn squared_generic(scores: &[f64], targets: &[f64], weights: &[f32], out: &mut [[f32; 2]]) {
    let n = out.len();
    assert!(scores.len() == n && targets.len() == n && weights.len() == n, "one length");
    for i in 0..n {
        out[i] = [weights[i] * (scores[i] - targets[i]) as f32, weights[i]];
    }
}

#[inline(always)]
fn softmax_generic(scores: &mut [f32], n_rows: usize) {
    /// Rows done at a time, so that their running maxima and sums stay in registers or L1.
    const BLOCK: usize = 64;
    assert!(n_rows > 0 && scores.len().is_multiple_of(n_rows), "whole classes");
    let mut start = 0;
    while start < n_rows {
        let n = BLOCK.min(n_rows - start);
        let mut largest = [f32::NEG_INFINITY; BLOCK];
        for class in scores.chunks_exact(n_rows) {
            for (m, s) in largest[..n].iter_mut().zip(&class[start..start + n]) {
                *m = if *s > *m { *s } else { *m };
            }
        }
        let mut total = [0.0_f32; BLOCK];
        for class in scores.chunks_exact_mut(n_rows) {
            let rows = class[start..start + n].iter_mut();
            for ((s, m), t) in rows.zip(&largest[..n]).zip(&mut total[..n]) {
                *s = exp(*s - *m);
                *t += *s;
            }
        }
        for class in scores.chunks_exact_mut(n_rows) {
            for (s, t) in class[start..start + n].iter_mut().zip(&total[..n]) {
                *s /= *t;
            }
        }
        start += n;
    }
}

#[inline(always)]
fn largest_generic(gradients: &[[f32; 2]]) -> [f32; 2] {
    const LANES: usize = 16;
    let mut lanes = [[0.0_f32; 2]; LANES];
    let (whole, rest) = gradients.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, gh) in lanes.iter_mut().zip(chunk) {
            keep_larger(lane, gh);
        }
    }
    for (lane, gh) in lanes.iter_mut().zip(rest) {
        keep_larger(lane, gh);
    }
    let mut best = [0.0; 2];
    for lane in &lanes {
        keep_larger(&mut best, lane);
    }
    best
}

#[inline(always)]
fn keep_larger(best: &mut [f32; 2], gh: &[f32; 2]) {
    let g = gh[0].abs();
    best[0] = if g > best[0] { g } else { best[0] };
    best[1] = if gh[1] > best[1] { gh[1] } else { best[1] };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logistic_gradients_are_probability_minus_target() {
        for n in 0..=257 {
            let scores: Vec<f64> = (0..n).map(|i| f64::from(i) * 0.05 - 6.0).collect();
            let targets: Vec<f32> = (0..n).map(|i| (i % 2) as f32).collect();
            let weights: Vec<f32> = (0..n).map(|i| 1.0 + (i % 3) as f32).collect();
            let mut out = vec![[0.0; 2]; n as usize];
            logistic(&scores, &targets, &weights, &mut out);
            for i in 0..n as usize {
                let p = 1.0 / (1.0 + (-scores[i]).exp());
                let want = f64::from(weights[i]) * (p - f64::from(targets[i]));
                assert!((f64::from(out[i][0]) - want).abs() < 2e-6);
                let want = f64::from(weights[i]) * p * (1.0 - p);
                assert!((f64::from(out[i][1]) - want).abs() < 2e-6);
            }
        }
    }

    #[test]
    fn softmax_rows_sum_to_one_for_any_number_of_rows() {
        for n_rows in [1, 2, 63, 64, 65, 200] {
            let mut scores: Vec<f32> = (0..n_rows * 3).map(|i| (i % 17) as f32 - 5.0).collect();
            let raw = scores.clone();
            softmax(&mut scores, n_rows);
            for row in 0..n_rows {
                let p: Vec<f64> = (0..3).map(|k| f64::from(scores[k * n_rows + row])).collect();
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-6);
                let ratio = f64::from(raw[row] - raw[n_rows + row]).exp();
                assert!((p[0] / p[1] / ratio - 1.0).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn the_largest_gradient_is_found_at_any_place() {
        for n in 1..=40 {
            for at in 0..n {
                let mut gradients = vec![[0.5, 0.25]; n];
                gradients[at] = [-3.0, 2.0];
                assert_eq!(largest(&gradients), [3.0, 2.0]);
            }
        }
        assert_eq!(largest(&[]), [0.0, 0.0]);
    }
}
