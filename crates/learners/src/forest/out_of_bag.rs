//! What rows that a tree did not draw say of it, and of how far its leaves should be shrunk.
//!
//! A row's votes are summed for each strength of shrinkage side by side. The strength of the model
//! is the one with the smallest error of all rows; what is reported of a row was made with the
//! strength that *other* rows chose, those of the other half, so that the out-of-bag predictions
//! stay as honest as they are without a choice.

use modelwright_core::data::TrainView;
use modelwright_core::random::Random;
use modelwright_core::task::Target;
use rayon::prelude::*;

use super::shrink::{STRENGTHS, shrunk};
use crate::tree::Tree;

/// Rows of a task that asks trees.
const TASK_ROWS: usize = 1024;
/// The most numbers that are summed; fewer strengths are tried where more would be needed.
const MAX_SUMS: usize = 2_000_000;

/// Predictions of training rows by the trees that did not draw them.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfBag {
    /// Row-major, one number per output; NaN for a row that every tree drew.
    pub predictions: Vec<f64>,
    /// How many trees judged each row.
    pub n_trees: Vec<u32>,
}

/// A tree, the weight of each of its leaves, and whether it drew each row; without a draw of rows,
/// nobody asks.
pub(super) struct Grown {
    pub(super) tree: Tree,
    pub(super) leaf_weights: Vec<f32>,
    pub(super) drew: Option<Vec<bool>>,
}

/// Sums of votes for each strength.
pub(super) struct Votes<'a> {
    train: &'a TrainView<'a>,
    weights: &'a [f32],
    n_outputs: usize,
    n_strengths: usize,
    /// Row-major; the outputs of a strength stand together.
    sums: Vec<f64>,
    n_trees: Vec<u32>,
}

/// What came of the votes.
pub(super) struct Outcome {
    /// The strength of the model's leaves.
    pub(super) strength: f64,
    /// The weighted mean squared error of the predictions, over all outputs together.
    pub(super) error: Option<f64>,
    pub(super) out_of_bag: OutOfBag,
}

impl<'a> Votes<'a> {
    /// No votes yet; one strength only, none at all, unless there is a choice and a draw of rows.
    pub(super) fn new(
        train: &'a TrainView<'a>,
        weights: &'a [f32],
        n_outputs: usize,
        choose: bool,
    ) -> Self {
        let n_rows = weights.len();
        let afforded = (MAX_SUMS / (n_rows * n_outputs)).clamp(1, STRENGTHS.len());
        let n_strengths = if choose { afforded } else { 1 };
        Self {
            train,
            weights,
            n_outputs,
            n_strengths,
            sums: vec![0.0; n_rows * n_outputs * n_strengths],
            n_trees: vec![0; n_rows],
        }
    }

    /// Adds what trees say of rows that they did not draw.
    pub(super) fn add(&mut self, grown: &[Grown]) {
        let strengths = &STRENGTHS[..self.n_strengths];
        let leaves: Vec<Vec<Vec<f64>>> = grown
            .par_iter()
            .map(|g| strengths.iter().map(|s| shrunk(&g.tree, &g.leaf_weights, *s)).collect())
            .collect();
        let (columns, n_outputs) = (self.train.features, self.n_outputs);
        let width = self.n_strengths * n_outputs;
        let tasks = self.sums.par_chunks_mut(TASK_ROWS * width);
        let tasks = tasks.zip(self.n_trees.par_chunks_mut(TASK_ROWS)).enumerate();
        tasks.for_each(|(task, (sums, counts))| {
            for (i, (sums, count)) in sums.chunks_exact_mut(width).zip(counts).enumerate() {
                let position = task * TASK_ROWS + i;
                let row = self.train.rows[position] as usize;
                for (grown, leaves) in grown.iter().zip(&leaves) {
                    if grown.drew.as_ref().is_none_or(|drew| drew[position]) {
                        continue;
                    }
                    let leaf = grown.tree.leaf_of(|f| columns.columns[f].values[row]);
                    for (sums, values) in sums.chunks_exact_mut(n_outputs).zip(leaves) {
                        let values = &values[leaf * n_outputs..(leaf + 1) * n_outputs];
                        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                    }
                    *count += 1;
                }
            }
        });
    }

    /// Counts the votes; `seed` divides the rows into halves.
    pub(super) fn count(mut self, seed: u64) -> Outcome {
        let width = self.n_strengths * self.n_outputs;
        for (sums, n) in self.sums.chunks_exact_mut(width).zip(&self.n_trees) {
            for sum in sums {
                *sum = if *n == 0 { f64::NAN } else { *sum / f64::from(*n) };
            }
        }
        let mut random = Random::stream(seed, "halves", 0);
        let half: Vec<usize> = self.weights.iter().map(|_| random.below(2)).collect();
        let errors = self.errors(&half);
        let all: Vec<f64> = errors[0].iter().zip(&errors[1]).map(|(a, b)| a + b).collect();
        let chosen = [smallest(&errors[1]), smallest(&errors[0])];
        let mut predictions = Vec::with_capacity(self.n_trees.len() * self.n_outputs);
        for (row, half) in self.sums.chunks_exact(width).zip(&half) {
            let from = chosen[*half] * self.n_outputs;
            predictions.extend_from_slice(&row[from..from + self.n_outputs]);
        }
        let judged = |at: &usize| self.n_trees[*at] > 0;
        let judged: Vec<usize> = (0..self.n_trees.len()).filter(judged).collect();
        let total: f64 = judged.iter().map(|at| f64::from(self.weights[*at])).sum();
        let squares = |at: &usize| {
            let predicted = &predictions[at * self.n_outputs..(at + 1) * self.n_outputs];
            f64::from(self.weights[*at]) * self.squared_error(*at, predicted)
        };
        let sum: f64 = judged.iter().map(squares).sum();
        Outcome {
            strength: STRENGTHS[smallest(&all)],
            error: (total > 0.0).then(|| sum / total),
            out_of_bag: OutOfBag { predictions, n_trees: self.n_trees },
        }
    }

    /// The weighted sum of squared errors of each strength, in each half of the rows.
    fn errors(&self, half: &[usize]) -> [Vec<f64>; 2] {
        let mut errors = [vec![0.0; self.n_strengths], vec![0.0; self.n_strengths]];
        let rows = self.sums.chunks_exact(self.n_strengths * self.n_outputs).enumerate();
        for (position, row) in rows.filter(|(position, _)| self.n_trees[*position] > 0) {
            let weight = f64::from(self.weights[position]);
            let sums = &mut errors[half[position]];
            for (sum, predicted) in sums.iter_mut().zip(row.chunks_exact(self.n_outputs)) {
                *sum += weight * self.squared_error(position, predicted);
            }
        }
        errors
    }

    /// The squared error of one row, summed over outputs (Brier's score of classes).
    fn squared_error(&self, position: usize, predicted: &[f64]) -> f64 {
        let row = self.train.rows[position] as usize;
        match self.train.target {
            Target::Real(values) => (values[row] - predicted[0]).powi(2),
            Target::Class { codes, .. } if self.n_outputs == 1 => {
                (f64::from(codes[row]) - predicted[0]).powi(2)
            }
            Target::Class { codes, .. } => {
                let truth = |k: usize| f64::from(u8::from(codes[row] as usize == k));
                predicted.iter().enumerate().map(|(k, p)| (truth(k) - p).powi(2)).sum()
            }
        }
    }
}

/// Position of the smallest number, the first of equal ones.
fn smallest(errors: &[f64]) -> usize {
    (1..errors.len()).fold(0, |best, at| if errors[at] < errors[best] { at } else { best })
}
