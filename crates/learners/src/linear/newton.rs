//! Newton's method in f64, for logistic and softmax regression of small tables.
//!
//! The quasi-Newton solver beside it scores in f32 and stops where the loss no longer falls by
//! much. With more columns than rows and a weak penalty that leaves coefficients undecided in the
//! third digit, and a row of weight 2 is not quite the row twice. Here a step costs
//! `rows · parameters²` multiplications, so that it is for small tables, and ends at the minimum to
//! the precision of f64. The penalty makes the loss strictly convex; the shift that all intercepts
//! of a softmax have in common is held by a small number on their diagonal.
//!
//! Reference: Hastie, Tibshirani & Friedman, *The Elements of Statistical Learning*, 2nd ed.,
//! §4.4.1 (iteratively reweighted least squares).

use modelwright_core::Context;

use super::design::ROWS;
use super::gram::Cholesky;
use super::lbfgs::{End, add, dot};
use super::objective::{Goal, Objective, logistic};

/// The most multiplications of a step: some milliseconds.
const MOST_PRODUCTS: usize = 10_000_000;
/// Added to the curvature of intercepts.
const HOLD: f64 = 1e-9;
/// A step that promises less than this share of the loss is the last: the next one would promise
/// its square.
const LAST: f64 = 1e-13;
/// How often a step that does not decrease the loss is halved.
const HALVINGS: usize = 30;
/// Share of the promised decrease that a step must reach.
const SUFFICIENT: f64 = 1e-4;

/// A small problem, row by row.
pub(super) struct Newton<'a> {
    goal: &'a Goal,
    /// Standardised features of each row, and a one for the intercept.
    rows: Vec<f64>,
    /// Weight of each row; they sum to 1.
    weights: Vec<f64>,
    /// Numbers of a row.
    stride: usize,
    n_outputs: usize,
}

/// The loss at a point with its first and second derivatives.
struct Bend {
    loss: f64,
    gradient: Vec<f64>,
    /// The lower triangle, row-major.
    hessian: Vec<f64>,
}

impl<'a> Newton<'a> {
    /// The problem in this form; `None` when it is no classification of few dense columns and rows.
    pub(super) fn of(objective: &'a Objective<'_>) -> Option<Self> {
        let design = &objective.design;
        let n_params = objective.n_params();
        let products = n_params.checked_mul(n_params)?.checked_mul(design.n_rows + n_params)?;
        if matches!(objective.goal, Goal::Real { .. })
            || design.n_sparse > 0
            || products > MOST_PRODUCTS
        {
            return None;
        }
        let stride = design.n_params();
        let mut rows = vec![1.0; design.n_rows * stride];
        for (i, row) in rows.chunks_exact_mut(stride).enumerate() {
            for (value, lane) in row.iter_mut().zip(design.tile(i / ROWS)) {
                *value = f64::from(lane[i % ROWS]);
            }
        }
        let total: f64 = design.exact_weights.iter().sum();
        let weights = design.exact_weights.iter().map(|w| w / total).collect();
        Some(Self { goal: &objective.goal, rows, weights, stride, n_outputs: objective.n_outputs })
    }

    /// Moves `theta` to the minimum of the loss and half of `ridge` times its squared length,
    /// intercepts apart.
    pub(super) fn solve(&self, theta: &mut [f64], ridge: f64, most: usize, ctx: &Context) -> End {
        for _ in 0..most {
            if !ctx.proceed() {
                return End::Stopped;
            }
            let Bend { loss, gradient, hessian } = self.bend(theta, ridge);
            let mut step = gradient.clone();
            Cholesky::of_nearly(theta.len(), &hessian).solve(&mut step);
            let promised = dot(&gradient, &step);
            if !(promised > 0.0 && promised.is_finite()) {
                break;
            }
            if promised <= LAST * loss.abs().max(1e-3) {
                // Too small to show in the loss; it still mends the last digits.
                add(theta, -1.0, &step);
                break;
            }
            if !self.descend(theta, &step, (loss, promised), ridge) {
                break;
            }
        }
        End::Done
    }

    /// Takes the step, or the first of its halves that decreases the loss enough.
    fn descend(
        &self,
        theta: &mut [f64],
        step: &[f64],
        (loss, promised): (f64, f64),
        ridge: f64,
    ) -> bool {
        let mut size = 1.0;
        for _ in 0..HALVINGS {
            let mut next = theta.to_vec();
            add(&mut next, -size, step);
            if self.loss(&next, ridge) <= loss - SUFFICIENT * size * promised {
                theta.copy_from_slice(&next);
                return true;
            }
            size *= 0.5;
        }
        false
    }

    /// The penalised loss.
    fn loss(&self, theta: &[f64], ridge: f64) -> f64 {
        let mut chances = vec![0.0; self.n_outputs];
        let rows = self.rows.chunks_exact(self.stride).enumerate();
        let sum: f64 =
            rows.map(|(i, row)| self.weights[i] * self.row(i, row, theta, &mut chances)).sum();
        sum + self.penalty(theta, ridge)
    }

    fn penalty(&self, theta: &[f64], ridge: f64) -> f64 {
        let slopes = |part: &[f64]| dot(&part[..self.stride - 1], &part[..self.stride - 1]);
        0.5 * ridge * theta.chunks_exact(self.stride).map(slopes).sum::<f64>()
    }

    /// Loss of a row; the probabilities of its outputs replace `chances`.
    fn row(&self, i: usize, row: &[f64], theta: &[f64], chances: &mut [f64]) -> f64 {
        for (chance, part) in chances.iter_mut().zip(theta.chunks_exact(self.stride)) {
            *chance = dot(row, part);
        }
        match self.goal {
            Goal::Classes(codes) => {
                let largest = chances.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let of_class = chances[codes[i] as usize] - largest;
                let mut total = 0.0;
                for chance in &mut *chances {
                    *chance = (*chance - largest).exp();
                    total += *chance;
                }
                for chance in chances {
                    *chance /= total;
                }
                total.ln() - of_class
            }
            Goal::Binary(labels) | Goal::Real { values: labels, .. } => {
                let (loss, difference) = logistic(chances[0], labels[i]);
                chances[0] = difference + labels[i];
                loss
            }
        }
    }

    fn is_class(&self, i: usize, output: usize) -> f64 {
        match self.goal {
            Goal::Classes(codes) => f64::from(u8::from(codes[i] as usize == output)),
            Goal::Binary(labels) | Goal::Real { values: labels, .. } => labels[i],
        }
    }

    fn bend(&self, theta: &[f64], ridge: f64) -> Bend {
        let (n, stride) = (theta.len(), self.stride);
        let mut bend = Bend { loss: 0.0, gradient: vec![0.0; n], hessian: vec![0.0; n * n] };
        let mut chances = vec![0.0; self.n_outputs];
        for (i, row) in self.rows.chunks_exact(stride).enumerate() {
            let weight = self.weights[i];
            bend.loss += weight * self.row(i, row, theta, &mut chances);
            for k in 0..self.n_outputs {
                let residual = weight * (chances[k] - self.is_class(i, k));
                add(&mut bend.gradient[k * stride..(k + 1) * stride], residual, row);
                for l in 0..=k {
                    let same = if k == l { 1.0 } else { 0.0 };
                    let curvature = weight * chances[k] * (same - chances[l]);
                    for (a, value) in row.iter().enumerate() {
                        let start = (k * stride + a) * n + l * stride;
                        let width = if k == l { a + 1 } else { stride };
                        let out = &mut bend.hessian[start..start + width];
                        add(out, curvature * value, &row[..width]);
                    }
                }
            }
        }
        bend.loss += self.penalty(theta, ridge);
        for (j, value) in theta.iter().enumerate() {
            let is_slope = j % stride + 1 < stride;
            bend.hessian[j * n + j] += if is_slope { ridge } else { HOLD };
            bend.gradient[j] += if is_slope { ridge * value } else { 0.0 };
        }
        bend
    }
}
