//! A line through scores: `intercept + slope · ensemble + Σ weight · (member − ensemble)`.
//!
//! Weights minimise the loss that belongs to the scores (log loss, squared error) and are drawn to
//! 0 as if each had been believed to be normal around it: members of an ensemble say much the same,
//! so that a free regression takes large weights of opposite signs for what is chance. Intercept
//! and slope of probabilities are Platt's map, so that no weight is misused for calibration; those
//! of numbers stay 0 and 1. Newton's method; sums run over the rows in their order.

use modelwright_core::task::Target;
use serde::{Deserialize, Serialize};

use super::scores::{Scores, shares};

/// What is believed of a weight before: 0, give or take so much.
const WEIGHT_SPREAD: f64 = 0.5;

/// And of intercept and slope: 0 and 1, give or take so much.
const MAP_SPREAD: f64 = 1.0;

/// Steps of Newton's method at most, and halvings of a step that makes it worse.
const STEPS_MAX: usize = 12;
const HALVINGS_MAX: usize = 6;

/// The search ends when a step gains a smaller share of the loss.
const GAIN_MIN: f64 = 1e-6;

/// The line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub intercept: f64,
    pub slope: f64,
    /// One for each member; none where only intercept and slope were learned.
    pub weights: Vec<f64>,
}

/// What a line is learned from.
pub(super) struct Lesson<'a> {
    pub scores: &'a Scores,
    pub truth: &'a Target,
    pub weights: Option<&'a [f64]>,
    /// Whether members get weights.
    pub of_members: bool,
}

/// Loss, gradient and curvature at a point.
struct At {
    value: f64,
    gradient: Vec<f64>,
    /// Row-major, symmetric.
    curvature: Vec<f64>,
}

impl Line {
    /// The ensemble as it is.
    pub(super) fn none() -> Self {
        Self { intercept: 0.0, slope: 1.0, weights: Vec::new() }
    }

    pub(super) fn is_finite(&self) -> bool {
        self.weights.iter().chain([&self.intercept, &self.slope]).all(|w| w.is_finite())
    }

    /// The scores on the line, moved by the members by at most `reach`.
    pub(super) fn scores(&self, scores: &Scores, reach: Option<f64>) -> Vec<f64> {
        let of = |(i, start): (usize, &f64)| {
            let moved = self.moved(scores, i);
            let moved = reach.map_or(moved, |reach| moved.clamp(-reach, reach));
            self.intercept + self.slope * start + moved
        };
        scores.start.iter().enumerate().map(of).collect()
    }

    /// The furthest that members move a score of some rows.
    pub(super) fn reach(&self, scores: &Scores, rows: &[u32]) -> f64 {
        let n = scores.n_outputs;
        let of_row = |row: usize| row * n..(row + 1) * n;
        rows.iter()
            .flat_map(|row| of_row(*row as usize))
            .map(|i| self.moved(scores, i).abs())
            .fold(0.0, f64::max)
    }

    fn moved(&self, scores: &Scores, i: usize) -> f64 {
        self.weights.iter().zip(&scores.away).map(|(w, away)| w * away[i]).sum()
    }

    /// The line of some rows; `None` where the ensemble errs in none of them, or numbers overflow.
    pub(super) fn fit(lesson: &Lesson<'_>, rows: &[u32]) -> Option<Self> {
        let n_members = if lesson.of_members { lesson.scores.away.len() } else { 0 };
        let scale = lesson.scale(rows)?;
        let mut theta = vec![0.0; n_members + 2];
        theta[1] = 1.0;
        let mut at = lesson.at(&theta, rows, scale);
        for _ in 0..STEPS_MAX {
            let step = solved(&at.curvature, &at.gradient)?;
            let mut share = 1.0;
            let mut better = None;
            for _ in 0..HALVINGS_MAX {
                let next: Vec<f64> = theta.iter().zip(&step).map(|(t, s)| t - share * s).collect();
                let there = lesson.at(&next, rows, scale);
                if there.value < at.value {
                    better = Some((next, there));
                    break;
                }
                share *= 0.5;
            }
            let Some((next, there)) = better else { break };
            let gain = at.value - there.value;
            (theta, at) = (next, there);
            if gain < GAIN_MIN * at.value.abs() {
                break;
            }
        }
        let line = Self { intercept: theta[0], slope: theta[1], weights: theta[2..].to_vec() };
        line.is_finite().then_some(line)
    }
}

impl Lesson<'_> {
    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[row])
    }

    /// What a row's loss is multiplied with, so that rows weigh 1 in the mean, and squared errors
    /// are in units of the ensemble's own.
    fn scale(&self, rows: &[u32]) -> Option<f64> {
        let total: f64 = rows.iter().map(|row| self.weight(*row as usize)).sum();
        let scale = match self.truth {
            Target::Class { .. } => rows.len() as f64 / total,
            Target::Real(values) => {
                let square = |row: &u32| {
                    let row = *row as usize;
                    self.weight(row) * (values[row] - self.scores.start[row]).powi(2)
                };
                rows.len() as f64 / rows.iter().map(square).sum::<f64>()
            }
        };
        (scale.is_finite() && scale > 0.0).then_some(scale)
    }

    fn at(&self, theta: &[f64], rows: &[u32], scale: f64) -> At {
        let (n, k) = (theta.len(), self.scores.n_outputs);
        let mut at = At { value: 0.0, gradient: vec![0.0; n], curvature: vec![0.0; n * n] };
        let (mut x, mut p) = (vec![0.0; k * n], vec![0.0; k]);
        for row in rows {
            let row = *row as usize;
            let weight = scale * self.weight(row);
            for output in 0..k {
                let place = row * k + output;
                let x = &mut x[output * n..(output + 1) * n];
                (x[0], x[1]) = (1.0, self.scores.start[place]);
                for (x, away) in x[2..].iter_mut().zip(&self.scores.away) {
                    *x = away[place];
                }
                p[output] = x.iter().zip(theta).map(|(x, t)| x * t).sum();
            }
            let loss = add_row(self.truth, row, (&x, &mut p), weight, &mut at);
            at.value += weight * loss;
        }
        self.believe(theta, &mut at);
        at
    }

    /// Adds what was believed before; what is no part of the line stays where it is.
    fn believe(&self, theta: &[f64], at: &mut At) {
        let n = theta.len();
        for (j, own) in theta.iter().enumerate() {
            let (from, spread) = match j {
                0 => (0.0, MAP_SPREAD),
                1 => (1.0, MAP_SPREAD),
                _ => (0.0, WEIGHT_SPREAD),
            };
            let ridge = 1.0 / (spread * spread);
            at.value += 0.5 * ridge * (own - from).powi(2);
            at.gradient[j] += ridge * (own - from);
            at.curvature[j * n + j] += ridge;
        }
        if !self.scores.is_class() {
            for j in 0..2 {
                at.gradient[j] = 0.0;
                for i in 0..n {
                    at.curvature[j * n + i] = 0.0;
                    at.curvature[i * n + j] = 0.0;
                }
                at.curvature[j * n + j] = 1.0;
            }
        }
    }
}

/// Adds gradient and curvature of a row, whose scores are in `p`; its loss.
fn add_row(
    truth: &Target,
    row: usize,
    (x, p): (&[f64], &mut [f64]),
    weight: f64,
    at: &mut At,
) -> f64 {
    let (n, k) = (at.gradient.len(), p.len());
    match truth {
        Target::Real(values) => {
            let error = p[0] - values[row];
            add(at, x, weight * error, weight);
            0.5 * error * error
        }
        Target::Class { codes, .. } if k == 1 => {
            let (score, is_positive) = (p[0], codes[row] == 1);
            let positive = 1.0 / (1.0 + (-score).exp());
            add(at, x, weight * (positive - f64::from(is_positive)), {
                weight * positive * (1.0 - positive)
            });
            let against = if is_positive { -score } else { score };
            against.max(0.0) + (-against.abs()).exp().ln_1p()
        }
        Target::Class { codes, .. } => {
            shares(p);
            let mut mean = vec![0.0; n];
            for (output, share) in p.iter().enumerate() {
                let x = &x[output * n..(output + 1) * n];
                let is_true = codes[row] as usize == output;
                add(at, x, weight * (share - f64::from(is_true)), weight * share);
                mean.iter_mut().zip(x).for_each(|(m, x)| *m += share * x);
            }
            add(at, &mean, 0.0, -weight);
            -p[codes[row] as usize].max(f64::MIN_POSITIVE).ln()
        }
    }
}

/// Adds `slope · x` to the gradient and `bend · x xᵀ` to the curvature.
fn add(at: &mut At, x: &[f64], slope: f64, bend: f64) {
    let n = at.gradient.len();
    for (i, xi) in x.iter().enumerate() {
        at.gradient[i] += slope * xi;
        for (c, xj) in at.curvature[i * n..(i + 1) * n].iter_mut().zip(x) {
            *c += bend * xi * xj;
        }
    }
}

/// Solves `A x = g` for a positive definite `A` (Cholesky).
fn solved(a: &[f64], g: &[f64]) -> Option<Vec<f64>> {
    let n = g.len();
    let mut l = a.to_vec();
    for i in 0..n {
        for j in 0..=i {
            let above: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let rest = l[i * n + j] - above;
            l[i * n + j] = if i == j { rest.sqrt() } else { rest / l[j * n + j] };
        }
        if !(l[i * n + i].is_finite() && l[i * n + i] > 0.0) {
            return None;
        }
    }
    let mut x = g.to_vec();
    for i in 0..n {
        let above: f64 = (0..i).map(|k| l[i * n + k] * x[k]).sum();
        x[i] = (x[i] - above) / l[i * n + i];
    }
    for i in (0..n).rev() {
        let below: f64 = (i + 1..n).map(|k| l[k * n + i] * x[k]).sum();
        x[i] = (x[i] - below) / l[i * n + i];
    }
    x.iter().all(|x| x.is_finite()).then_some(x)
}
