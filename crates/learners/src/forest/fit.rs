//! All trees of a forest, grown in batches that ask the clock.

use std::sync::OnceLock;

use modelwright_core::data::TrainView;
use modelwright_core::random::Random;
use modelwright_core::task::{Target, Task};
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;

use super::bag::{self, Drawn};
use super::criterion::{Criterion, Mean, Shares};
use super::grow::{Limits, grow};
use super::model::ForestModel;
use super::out_of_bag::{Grown, OutOfBag, Outcome, Votes};
use super::params::Settings;
use super::shrink::shrunk;
use crate::tree::Tree;
use crate::tree::bins::{BinFeature, features_of};

/// Trees of a batch, each of which asks the clock before it begins; the same for any number of
/// threads.
const TREES_PER_BATCH: usize = 8;

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

impl Work<'_> {
    fn run(
        &self,
        criterion: &impl Criterion,
        n_outputs: usize,
        ctx: &Context,
    ) -> (ForestModel, OutOfBag) {
        let limits = self.limits();
        let seed = ctx.random(self.settings.name, 0).next_u64();
        let settings = self.settings;
        let mut trees: Vec<(Tree, Vec<f32>)> = Vec::new();
        let choose = settings.bootstrap && settings.shrink;
        let mut votes = Votes::new(self.train, self.weights, n_outputs, choose);
        let wanted = settings.n_trees;
        // A tree of a large table takes seconds: each place of a batch has a clock of its own.
        let clocks: Vec<Context> =
            (0..TREES_PER_BATCH).map(|place| ctx.scope(&format!("place-{place}"))).collect();
        let mut is_over = false;
        // The first tree is grown whatever the clock says: a model needs one.
        while trees.len() < wanted && !is_over && (ctx.proceed() || trees.is_empty()) {
            let batch = trees.len()..(trees.len() + TREES_PER_BATCH).min(wanted);
            let n_batch = batch.len();
            let may_begin = |t: usize| t == 0 || clocks[t % TREES_PER_BATCH].proceed();
            let grow = |t| may_begin(t).then(|| self.grow(criterion, limits, seed, t));
            let grown: Vec<Option<Grown>> = batch.into_par_iter().map(grow).collect();
            let grown: Vec<Grown> = grown.into_iter().flatten().collect();
            is_over = grown.len() < n_batch;
            if settings.bootstrap {
                votes.add(&grown);
            }
            trees.extend(grown.into_iter().map(|g| (g.tree, g.leaf_weights)));
        }
        let Outcome { strength, error, out_of_bag } = votes.count(seed);
        let shares = self.train.target.task() != Task::Regression;
        let model = ForestModel {
            n_features: self.train.features.n_features() as u32,
            n_outputs: n_outputs as u32,
            trees: trees.into_par_iter().map(|t| with_strength(t, strength, shares)).collect(),
            out_of_bag_error: error,
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
            min_samples_leaf: settings.min_leaf(task, self.weights.len()),
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
        let (tree, leaf_weights) = grow(self.features, criterion, limits, rows, random);
        Grown { tree, leaf_weights, drew }
    }
}

fn drew(rows: &[Drawn], n_rows: usize) -> Vec<bool> {
    let mut drew = vec![false; n_rows];
    for drawn in rows {
        drew[drawn.row as usize] = true;
    }
    drew
}

/// The tree with its leaves shrunk; shares of classes stay within 0 and 1 whatever rounding says.
fn with_strength((mut tree, weights): (Tree, Vec<f32>), strength: f64, shares: bool) -> Tree {
    if strength > 0.0 {
        tree.values = shrunk(&tree, &weights, strength);
        if shares {
            tree.values.iter_mut().for_each(|p| *p = p.clamp(0.0, 1.0));
        }
    }
    tree
}
