//! All trees of a forest, and what rows that a tree did not draw say of it.

use std::sync::OnceLock;

use modelwright_core::data::{FeatureMatrix, TrainView};
use modelwright_core::random::Random;
use modelwright_core::task::{Target, Task};
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;

use super::bag::{self, Drawn};
use super::criterion::{Criterion, Mean, Shares};
use super::grow::{Limits, grow};
use super::model::ForestModel;
use super::params::Settings;
use crate::tree::Tree;
use crate::tree::bins::{BinFeature, features_of};

/// Trees that are grown between two looks at the clock; the same for any number of threads.
const TREES_PER_BATCH: usize = 8;
/// Rows of a task that asks trees.
const TASK_ROWS: usize = 1024;

/// Predictions of training rows by the trees that did not draw them.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfBag {
    /// Row-major, one number per output; NaN for a row that every tree drew.
    pub predictions: Vec<f64>,
    /// How many trees judged each row.
    pub n_trees: Vec<u32>,
}

/// Grows a forest; see [`super`].
pub(super) fn fit(
    train: &TrainView<'_>,
    settings: &Settings,
    ctx: &Context,
) -> Result<(ForestModel, OutOfBag)> {
    if train.rows.is_empty() {
        return Err(Error::input("there are no rows to learn from"));
    }
    let weights = weights(train)?;
    let features = features_of(train.features, train.rows)?;
    let work = Work { train, settings, weights: &weights, features: &features };
    match train.target {
        Target::Class { codes, n_classes } => {
            let codes: Vec<u32> = train.rows.iter().map(|r| codes[*r as usize]).collect();
            if train.target.task() == Task::Binary {
                let targets: Vec<f64> = codes.iter().map(|c| f64::from(*c)).collect();
                Ok(work.run(&Mean { targets: &targets }, 1, ctx))
            } else {
                let shares = Shares { codes: &codes, n_classes: *n_classes };
                Ok(work.run(&shares, *n_classes, ctx))
            }
        }
        Target::Real(values) => {
            let targets: Vec<f64> = train.rows.iter().map(|r| values[*r as usize]).collect();
            if let Some(at) = targets.iter().position(|t| !t.is_finite()) {
                return Err(Error::input("a target is not a finite number")
                    .row(u64::from(train.rows[at]) + 1)
                    .got(targets[at].to_string()));
            }
            Ok(work.run(&Mean { targets: &targets }, 1, ctx))
        }
    }
}

fn weights(train: &TrainView<'_>) -> Result<Vec<f32>> {
    let weights: Vec<f32> = train.rows.iter().map(|r| train.weight(*r) as f32).collect();
    if let Some(at) = weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
        return Err(Error::input("a sample weight is not usable")
            .row(u64::from(train.rows[at]) + 1)
            .expected("a finite number that is not negative")
            .got(train.weight(train.rows[at]).to_string()));
    }
    if weights.iter().all(|w| *w == 0.0) {
        return Err(Error::input("all sample weights are zero")
            .hint("give at least one row a positive weight"));
    }
    Ok(weights)
}

struct Work<'a> {
    train: &'a TrainView<'a>,
    settings: &'a Settings,
    weights: &'a [f32],
    features: &'a [BinFeature<'a>],
}

/// A tree and whether it drew each row; without a draw of rows, nobody asks.
struct Grown {
    tree: Tree,
    drew: Option<Vec<bool>>,
}

impl Work<'_> {
    fn run(
        &self,
        criterion: &impl Criterion,
        n_outputs: usize,
        ctx: &Context,
    ) -> (ForestModel, OutOfBag) {
        let limits = self.limits();
        let seed = ctx.random(self.settings.name, 0).next_u64();
        let mut trees: Vec<Tree> = Vec::new();
        let mut out_of_bag = OutOfBag {
            predictions: vec![0.0; self.weights.len() * n_outputs],
            n_trees: vec![0; self.weights.len()],
        };
        let wanted = self.settings.n_trees;
        // The first tree is grown whatever the clock says: a model needs one.
        while trees.len() < wanted && (ctx.proceed() || trees.is_empty()) {
            let batch = trees.len()..(trees.len() + TREES_PER_BATCH).min(wanted);
            let grown: Vec<Grown> =
                batch.into_par_iter().map(|t| self.grow(criterion, limits, seed, t)).collect();
            self.judge(&grown, n_outputs, &mut out_of_bag);
            trees.extend(grown.into_iter().map(|g| g.tree));
        }
        out_of_bag.finish(n_outputs);
        let model = ForestModel {
            n_features: self.train.features.n_features() as u32,
            n_outputs: n_outputs as u32,
            trees,
            out_of_bag_error: self.error(&out_of_bag, n_outputs),
            compiled: OnceLock::new(),
        };
        (model, out_of_bag)
    }

    fn limits(&self) -> Limits {
        let task = self.train.target.task();
        let settings = self.settings;
        Limits {
            features_per_node: settings.features_per_node(task, self.features.len()),
            max_depth: settings.max_depth,
            max_leaves: settings.max_leaves,
            min_samples_split: settings.min_samples_split,
            min_samples_leaf: settings.min_leaf(task),
            random_cuts: settings.random_cuts,
        }
    }

    fn grow(&self, criterion: &impl Criterion, limits: Limits, seed: u64, tree: usize) -> Grown {
        let mut random = Random::stream(seed, "tree", tree as u64);
        let n_rows = self.weights.len();
        let rows = if self.settings.bootstrap {
            let n_drawn = (n_rows as f64 * self.settings.max_samples).round().max(1.0) as usize;
            bag::bootstrap(self.weights, n_drawn, &mut random)
        } else {
            Vec::new()
        };
        // A small draw may have met only rows without weight.
        let rows = if rows.is_empty() { bag::all(self.weights) } else { rows };
        let drew = self.settings.bootstrap.then(|| drew(&rows, n_rows));
        Grown { tree: grow(self.features, criterion, limits, rows, random), drew }
    }

    /// Adds what the trees say of rows that they did not draw.
    fn judge(&self, grown: &[Grown], n_outputs: usize, out: &mut OutOfBag) {
        if !self.settings.bootstrap {
            return;
        }
        let columns = self.train.features;
        out.predictions
            .par_chunks_mut(TASK_ROWS * n_outputs)
            .zip(out.n_trees.par_chunks_mut(TASK_ROWS))
            .enumerate()
            .for_each(|(task, (predictions, counts))| {
                let rows = predictions.chunks_exact_mut(n_outputs).zip(counts).enumerate();
                for (i, (sums, count)) in rows {
                    let position = task * TASK_ROWS + i;
                    let row = self.train.rows[position] as usize;
                    for grown in grown {
                        if grown.drew.as_ref().is_some_and(|drew| !drew[position]) {
                            add_leaf(&grown.tree, columns, row, sums);
                            *count += 1;
                        }
                    }
                }
            });
    }

    /// The weighted mean squared error of the out-of-bag predictions, over all outputs together.
    fn error(&self, out_of_bag: &OutOfBag, n_outputs: usize) -> Option<f64> {
        let (mut sum, mut total) = (0.0, 0.0);
        for (position, predicted) in out_of_bag.predictions.chunks_exact(n_outputs).enumerate() {
            if out_of_bag.n_trees[position] == 0 {
                continue;
            }
            let row = self.train.rows[position] as usize;
            let squares: f64 = match self.train.target {
                Target::Real(values) => (values[row] - predicted[0]).powi(2),
                Target::Class { codes, .. } if n_outputs == 1 => {
                    (f64::from(codes[row]) - predicted[0]).powi(2)
                }
                Target::Class { codes, .. } => {
                    let truth = |k: usize| f64::from(u8::from(codes[row] as usize == k));
                    predicted.iter().enumerate().map(|(k, p)| (truth(k) - p).powi(2)).sum()
                }
            };
            let weight = f64::from(self.weights[position]);
            sum += weight * squares;
            total += weight;
        }
        (total > 0.0).then(|| sum / total)
    }
}

impl OutOfBag {
    /// Turns sums into means.
    fn finish(&mut self, n_outputs: usize) {
        for (sums, n) in self.predictions.chunks_exact_mut(n_outputs).zip(&self.n_trees) {
            for sum in sums {
                *sum = if *n == 0 { f64::NAN } else { *sum / f64::from(*n) };
            }
        }
    }
}

fn drew(rows: &[Drawn], n_rows: usize) -> Vec<bool> {
    let mut drew = vec![false; n_rows];
    for drawn in rows {
        drew[drawn.row as usize] = true;
    }
    drew
}

fn add_leaf(tree: &Tree, columns: &FeatureMatrix, row: usize, sums: &mut [f64]) {
    let leaf = tree.leaf_of(|feature| columns.columns[feature].values[row]);
    for (sum, value) in sums.iter_mut().zip(&tree.values[leaf * tree.width()..]) {
        *sum += value;
    }
}
