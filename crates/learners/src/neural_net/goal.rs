//! The target as the net learns it: losses, their gradients, and the way back to predictions.
//!
//! A regression target is centred and scaled to unit variance, and predictions are clamped to the
//! range of the training target. Classes are learned by the log loss. The head begins at the mean
//! of the target, so that a net without a step is the constant.

use modelwright_core::data::TrainView;
use modelwright_core::task::{Target, Task};
use modelwright_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::pass::place;

/// Score, relative to the others, of a class that no training row has: a share below 1e-13.
const ABSENT: f32 = -30.0;

/// Targets beyond this are refused: their squares would not be finite.
const LARGEST_TARGET: f64 = 1e100;

/// What the head's numbers mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Link {
    pub task: Task,
    /// What the head says of every row when nothing has been learned.
    pub start: Vec<f32>,
    /// Mean and standard deviation of a regression target (0 when it is constant).
    center: f64,
    scale: f64,
    /// Regression predictions are clamped to this range.
    range: (f64, f64),
}

/// The target of some rows in the net's units, with their weights.
pub(super) struct Goal {
    values: Values,
    /// Of mean 1 over the rows.
    weights: Vec<f32>,
}

enum Values {
    Real(Vec<f32>),
    Positive(Vec<f32>),
    Classes(Vec<u32>),
}

impl Link {
    /// Learns what the target looks like in the rows, which all have weight.
    ///
    /// # Errors
    /// Input error for no rows or an unusable target.
    pub(super) fn learn(train: &TrainView<'_>, rows: &[u32]) -> Result<Self> {
        let total: f64 = rows.iter().map(|r| train.weight(*r)).sum();
        if !(total > 0.0 && total.is_finite()) {
            return Err(Error::input("neural_net has no rows to learn from")
                .expected("at least one row with a positive weight")
                .got(format!("{} rows of total weight {total}", train.rows.len())));
        }
        match train.target {
            Target::Real(values) => Self::of_values(train, rows, values, total),
            Target::Class { codes, n_classes } => {
                let mut shares = vec![0.0; (*n_classes).max(2)];
                for row in rows {
                    shares[codes[*row as usize] as usize] += train.weight(*row) / total;
                }
                Ok(Self::of_shares(&shares))
            }
        }
    }

    fn of_values(train: &TrainView<'_>, rows: &[u32], values: &[f64], total: f64) -> Result<Self> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for row in rows {
            let value = values[*row as usize];
            if value.is_nan() || value.abs() > LARGEST_TARGET {
                return Err(Error::input("neural_net cannot learn this target value")
                    .row(u64::from(*row) + 1)
                    .expected(format!("a finite number up to {LARGEST_TARGET:e}"))
                    .got(value.to_string()));
            }
            low = low.min(value);
            high = high.max(value);
        }
        let share = |row: &u32| train.weight(*row) / total;
        let center: f64 = rows.iter().map(|r| share(r) * values[*r as usize]).sum();
        let center = center.clamp(low, high);
        let variance: f64 =
            rows.iter().map(|r| share(r) * (values[*r as usize] - center).powi(2)).sum();
        let deviation = variance.sqrt();
        // A spread below what f64 resolves around the mean is a constant.
        let scale = if deviation > 1e-14 * center.abs() && low < high { deviation } else { 0.0 };
        let start = vec![0.0];
        Ok(Self { task: Task::Regression, start, center, scale, range: (low, high) })
    }

    fn of_shares(shares: &[f64]) -> Self {
        let task = if shares.len() > 2 { Task::Multiclass } else { Task::Binary };
        let log = |share: f64| if share > 0.0 { share.ln() as f32 } else { ABSENT };
        let start = match shares {
            [negative, positive] => vec![(log(*positive) - log(*negative)).clamp(ABSENT, -ABSENT)],
            _ => shares.iter().map(|share| log(*share)).collect(),
        };
        Self { task, start, center: 0.0, scale: 1.0, range: (0.0, 1.0) }
    }

    /// Whether every row has the same target, so that there is nothing to learn.
    pub(super) fn is_constant(&self) -> bool {
        match self.task {
            Task::Regression => self.scale == 0.0,
            Task::Binary => self.start[0].abs() >= -ABSENT,
            Task::Multiclass => self.start.iter().filter(|s| **s > ABSENT).count() < 2,
        }
    }

    pub(super) fn center(&self) -> f64 {
        self.center
    }

    pub(super) fn scale(&self) -> f64 {
        self.scale
    }

    pub(super) fn range(&self) -> (f64, f64) {
        self.range
    }

    /// Numbers of the head, and of a prediction.
    pub(super) fn n_outputs(&self) -> usize {
        self.start.len()
    }

    /// The target of some rows.
    pub(super) fn goal(&self, train: &TrainView<'_>, rows: &[u32]) -> Goal {
        let values = match (train.target, self.task) {
            (Target::Real(values), _) => Values::Real(
                rows.iter()
                    .map(|r| ((values[*r as usize] - self.center) / self.scale) as f32)
                    .collect(),
            ),
            (Target::Class { codes, .. }, Task::Binary) => {
                Values::Positive(rows.iter().map(|r| codes[*r as usize] as f32).collect())
            }
            (Target::Class { codes, .. }, _) => {
                Values::Classes(rows.iter().map(|r| codes[*r as usize]).collect())
            }
        };
        let total: f64 = rows.iter().map(|r| train.weight(*r)).sum();
        let mean = total / rows.len().max(1) as f64;
        let weights = rows.iter().map(|r| (train.weight(*r) / mean) as f32).collect();
        Goal { values, weights }
    }

    /// Adds the prediction that one row's head numbers say, times `share`.
    pub(super) fn add(&self, head: impl Fn(usize) -> f32, share: f64, out: &mut [f64]) {
        match self.task {
            Task::Regression => {
                let value = f64::from(head(0)) * self.scale + self.center;
                out[0] += share * value.clamp(self.range.0, self.range.1);
            }
            Task::Binary => out[0] += share * logistic(f64::from(head(0))),
            Task::Multiclass => {
                let n = out.len();
                let most = (0..n).map(&head).fold(f32::NEG_INFINITY, f32::max);
                let size = |k| f64::from(head(k) - most).exp();
                let total: f64 = (0..n).map(size).sum();
                for (k, out) in out.iter_mut().enumerate() {
                    *out += share * (size(k) / total);
                }
            }
        }
    }

    /// Brings sums of shares back to what predictions must be, to the last bit.
    pub(super) fn finish(&self, row: &mut [f64]) {
        match self.task {
            Task::Regression => row[0] = row[0].clamp(self.range.0, self.range.1),
            Task::Binary => row[0] = row[0].clamp(0.0, 1.0),
            Task::Multiclass => {
                let total: f64 = row.iter().sum();
                for p in row {
                    *p /= total;
                }
            }
        }
    }

    /// The mean loss of predictions of the goal's rows: squared error in the net's units, or log
    /// loss.
    pub(super) fn loss(&self, goal: &Goal, predictions: &[f64]) -> f64 {
        let n = self.n_outputs();
        let rows = predictions.chunks_exact(n).zip(&goal.weights).enumerate();
        let losses = rows.map(|(i, (row, weight))| {
            let loss = match &goal.values {
                Values::Real(values) => {
                    ((row[0] - self.center) / self.scale - f64::from(values[i])).powi(2)
                }
                Values::Positive(values) => {
                    let p = if values[i] > 0.5 { row[0] } else { 1.0 - row[0] };
                    -p.max(1e-15).ln()
                }
                Values::Classes(codes) => -row[codes[i] as usize].max(1e-15).ln(),
            };
            f64::from(*weight) * loss
        });
        losses.sum::<f64>() / goal.weights.len().max(1) as f64
    }

    /// Whether the numbers can be used.
    pub(super) fn is_sound(&self) -> bool {
        let outputs = match self.task {
            Task::Multiclass => self.start.len() > 2,
            Task::Binary | Task::Regression => self.start.len() == 1,
        };
        let (low, high) = self.range;
        let bounded = |v: f64| v.abs() <= LARGEST_TARGET;
        outputs
            && self.start.iter().all(|s| s.abs() <= 1e6)
            && bounded(self.center)
            && (0.0..=LARGEST_TARGET).contains(&self.scale)
            && bounded(low)
            && bounded(high)
            && low <= high
    }
}

impl Goal {
    /// Replaces the head's numbers of the given rows (in panels) by the gradient of the loss,
    /// times `share`.
    pub(super) fn gradient(&self, rows: &[u32], out: &mut [f32], n_outputs: usize, share: f32) {
        let n = rows.len();
        for (i, row) in rows.iter().enumerate() {
            let row = *row as usize;
            let weight = share * self.weights[row];
            let at = |k: usize| place(n, i, k);
            match &self.values {
                Values::Real(values) => out[at(0)] = 2.0 * weight * (out[at(0)] - values[row]),
                Values::Positive(values) => {
                    let p = logistic(f64::from(out[at(0)])) as f32;
                    out[at(0)] = weight * (p - values[row]);
                }
                Values::Classes(codes) => {
                    let most = (0..n_outputs).map(|k| out[at(k)]).fold(f32::MIN, f32::max);
                    let mut total = 0.0;
                    for k in 0..n_outputs {
                        out[at(k)] = modelwright_kernels::exp::exp(out[at(k)] - most);
                        total += out[at(k)];
                    }
                    for k in 0..n_outputs {
                        let hit = if codes[row] as usize == k { 1.0 } else { 0.0 };
                        out[at(k)] = weight * (out[at(k)] / total - hit);
                    }
                }
            }
        }
    }
}

fn logistic(x: f64) -> f64 {
    let small = (-x.abs()).exp();
    (if x >= 0.0 { 1.0 } else { small }) / (1.0 + small)
}
