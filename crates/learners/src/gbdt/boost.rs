//! The rounds of boosting.

use std::sync::{Mutex, OnceLock, PoisonError};

use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::random::Random;
use modelwright_core::task::Task;
use modelwright_core::{Context, Error, Result};
use modelwright_kernels::entry::{Scale, SharedScores, quantise, quantise_rows};
use modelwright_kernels::forest::Forest;
use modelwright_kernels::gradient::largest;
use rayon::prelude::*;

use super::init_scores::InitScores;
use super::joint_tree;
use super::leaves::{self, LeafRows};
use super::linear_leaves;
use super::loss::{BLOCK_ROWS, Loss};
use super::model::GbdtModel;
use super::options::{FitOptions, Snapshot};
use super::params::GbdtParams;
use super::sampling::{self, Draw, Sample};
use super::start::Start;
use super::stopping::Stopping;
use crate::course::Course;
use crate::learner::Model;
use crate::standby::Standby;
use crate::tree::{
    Constraints, GrowPolicy, Grown, Pace, Places, SplitRule, TrainBins, Tree, UPDATES_PER_QUESTION,
    Workspace, by_part, grow, predict,
};

/// Rows from which gradients become entries in parallel.
const PARALLEL_ROWS: usize = 8 * BLOCK_ROWS;

/// Fits a booster; see [`super`].
pub(super) fn fit(
    train: &TrainView<'_>,
    params: &GbdtParams,
    options: &FitOptions<'_>,
    ctx: &Context,
) -> Result<GbdtModel> {
    let (mut model, ended) = grown(train, params, options, ctx)?;
    model.cut(ended.best);
    Ok(model)
}

/// Fits a booster with all rounds that were done, and how its validation loss went.
pub(super) fn observed(
    train: &TrainView<'_>,
    params: &GbdtParams,
    options: &FitOptions<'_>,
    ctx: &Context,
) -> Result<(GbdtModel, Course)> {
    let (model, ended) = grown(train, params, options, ctx)?;
    Ok((model, Course { losses: ended.losses, predictions: Vec::new() }))
}

/// How the rounds ended.
struct Ended {
    /// Rounds of the model that its validation rows like best; with those it was given.
    best: usize,
    /// Their loss after each number of rounds; none without such rows.
    losses: Vec<f64>,
}

fn grown(
    train: &TrainView<'_>,
    params: &GbdtParams,
    options: &FitOptions<'_>,
    ctx: &Context,
) -> Result<(GbdtModel, Ended)> {
    if train.rows.is_empty() {
        return Err(Error::input("there are no rows to learn from"));
    }
    params.check_depth()?;
    let learning = options.loss(params, train, train.rows)?;
    // Validation rows without weight cannot judge.
    let judged = train.validation.iter().any(|row| train.weight(*row) > 0.0);
    let validation =
        if judged { Some(options.loss(params, train, train.validation)?) } else { None };
    linear_leaves::check(params, learning.as_ref(), train.features)?;
    let init_scores = InitScores::read(train, params, options, learning.base_scores()?.len())?;
    let given = init_scores.scores(train);
    let from = FitOptions { init_scores: given.as_deref().or(options.init_scores), ..*options };
    let start = Start::new(train, params, &from, learning.as_ref(), ctx)?;
    let n_outputs = start.base_scores.len();
    // Of very many columns the bins alone take long; without them there are no rounds.
    let may_begin = ctx.scope("bins").proceed();
    let mut bins = TrainBins::new(train.features, if may_begin { train.rows } else { &[] })?;
    bins.constrain(&constraints(train, params)?);
    let mut rounds = Rounds {
        train,
        params,
        rate: params.rate(train.target.task(), train.rows.len(), judged),
        seed: ctx.random("gbdt", 0).next_u64(),
        gradients: vec![vec![[0.0; 2]; train.rows.len()]; n_outputs],
        workspaces: Mutex::new(Vec::new()),
        learning: learning.as_ref(),
        bins: &bins,
        base_scores: start.base_scores,
        scores: start.scores,
        per_round: params.trees_per_round(n_outputs),
        clocks: clocks(params.trees_per_round(n_outputs), ctx),
        n_given: start.trees.len() / params.trees_per_round(n_outputs),
        trees: start.trees,
        init_scores,
    };
    let ended = rounds.run(validation.as_deref(), start.held_out, options.snapshot, ctx)?;
    Ok((rounds.into_model(), ended))
}

pub(super) fn constraints(train: &TrainView<'_>, params: &GbdtParams) -> Result<Constraints> {
    let constraints = Constraints::parse(&params.monotone, &params.interactions, train.features)?;
    if constraints.is_monotone() && train.target.task() == Task::Multiclass {
        return Err(Error::input("parameter `monotone` of gbdt does not fit the task")
            .expected("a regression, or two classes")
            .got("several classes, whose probabilities cannot all rise")
            .hint("leave it out, or ask about one class at a time"));
    }
    Ok(constraints)
}

struct Rounds<'a> {
    train: &'a TrainView<'a>,
    params: &'a GbdtParams,
    rate: f64,
    seed: u64,
    learning: &'a dyn Loss,
    bins: &'a TrainBins<'a>,
    /// One per output.
    base_scores: Vec<f64>,
    /// One vector per output.
    scores: Vec<Vec<f64>>,
    /// One vector per output.
    gradients: Vec<Vec<[f32; 2]>>,
    /// Memory for growing, handed from tree to tree; its content never matters.
    workspaces: Mutex<Vec<Workspace>>,
    trees: Vec<Tree>,
    /// Trees of a round.
    per_round: usize,
    /// Whom each tree of a round asks for time.
    clocks: Vec<Context>,
    /// Rounds of the model that is continued, whose trees are the first.
    n_given: usize,
    /// Columns that rows start from.
    init_scores: InitScores,
}

/// A tree that is to be grown.
#[derive(Clone, Copy)]
struct Which<'a> {
    round: usize,
    /// Of all trees, for its random draws.
    index: u64,
    /// Whom it asks for time.
    clock: &'a Context,
}

impl Rounds<'_> {
    /// Adds rounds until the end is reached, time is up, or the validation loss stops falling;
    /// returns how many of them are worth keeping, and why.
    fn run(
        &mut self,
        validation: Option<&dyn Loss>,
        mut held_out: Vec<Vec<f64>>,
        snapshot: Option<Snapshot<'_>>,
        ctx: &Context,
    ) -> Result<Ended> {
        let patience = self.params.early_stopping_rounds;
        let mut losses = Vec::new();
        if let Some(loss) = validation {
            losses.push(loss.mean(&held_out)?);
        }
        let first = losses.first();
        let mut stopping = first.map(|loss| Stopping::new(patience, self.train.rows.len(), *loss));
        let mut done = 0;
        let mut standby = Standby::begin();
        while done < self.params.n_rounds && ctx.proceed() {
            if self.bins.is_shared || self.per_round > 1 {
                standby.call();
            }
            let grew = self.round(self.n_given + done).map_err(|e| in_round(e, done))?;
            done += 1;
            if let (Some(loss), Some(stopping)) = (validation, &mut stopping) {
                let new = &self.trees[self.trees.len() - self.per_round..];
                self.add_to(new, self.train.validation, &mut held_out);
                let value = loss.mean(&held_out).map_err(|e| in_round(e, done - 1))?;
                losses.push(value);
                if stopping.update(done, value) {
                    break;
                }
            }
            if let Some(snapshot) = snapshot.filter(|s| done.is_multiple_of(s.every.max(1))) {
                let best = stopping.as_ref().map_or(done, Stopping::best_rounds);
                (snapshot.take)(&self.model(best));
            }
            if !grew {
                break;
            }
        }
        let mut best = stopping.map_or(done, |s| s.best_rounds());
        if self.init_scores.are_there() {
            // Without a tree there is no place for what rows start from.
            best = best.max(1);
            losses.first_mut().into_iter().for_each(|first| *first = f64::INFINITY);
        }
        Ok(Ended { best: self.n_given + best, losses })
    }

    /// The model of all rounds.
    fn into_model(mut self) -> GbdtModel {
        self.init_scores.join(&mut self.trees, self.train.rows.len());
        GbdtModel {
            n_features: self.train.features.n_features() as u32,
            link: self.learning.link(),
            base_scores: self.base_scores,
            trees: self.trees,
            compiled: OnceLock::new(),
        }
    }

    /// The model of the given rounds and the first `n_rounds` new ones.
    fn model(&self, n_rounds: usize) -> GbdtModel {
        let n_trees = (self.n_given + n_rounds) * self.per_round;
        let mut trees = self.trees[..n_trees].to_vec();
        self.init_scores.join(&mut trees, self.train.rows.len());
        GbdtModel {
            n_features: self.train.features.n_features() as u32,
            link: self.learning.link(),
            base_scores: self.base_scores.clone(),
            trees,
            compiled: OnceLock::new(),
        }
    }

    /// The trees of a round; `false` when none of them found a split.
    fn round(&mut self, round: usize) -> Result<bool> {
        self.learning.gradients(&self.scores, &mut self.gradients)?;
        let sample = self.sample(round);
        let mut scores = std::mem::take(&mut self.scores);
        let trees = self.grow_round(round, &sample, &mut scores);
        if sample.rows.is_some() || self.params.linear_tree {
            // Rows outside the sample are in no leaf's entries, so that all rows ask the trees.
            self.add_to(&trees, self.train.rows, &mut scores);
        }
        self.scores = scores;
        let grew = trees.iter().any(|t| t.n_leaves() > 1);
        self.trees.extend(trees);
        // A sample or a draw of features may fail where the next one succeeds.
        Ok(grew || self.params.draws() || self.per_round < self.base_scores.len())
    }

    /// One tree per output, or one for all.
    fn grow_round(&self, round: usize, sample: &Sample, scores: &mut [Vec<f64>]) -> Vec<Tree> {
        if self.per_round < scores.len() {
            return vec![self.joint_tree(round, sample, scores)];
        }
        if let [scores] = scores {
            return vec![self.tree(round, 0, sample, scores)];
        }
        let outputs = scores.par_iter_mut().enumerate();
        outputs.map(|(k, scores)| self.tree(round, k, sample, scores)).collect()
    }

    /// Adds one round's trees to the scores of the given rows of the table.
    fn add_to(&self, trees: &[Tree], rows: &[u32], scores: &mut [Vec<f64>]) {
        let forest = Forest::new(self.train.features.n_features(), trees.iter().map(Tree::parts));
        let view = FeatureView::of(self.train.features, rows);
        predict::add_to(&forest, 0..trees.len(), &view, scores);
    }

    /// The rows of this round; weights the gradients where the sampling says so.
    fn sample(&mut self, round: usize) -> Sample {
        let last = &self.trees[self.trees.len().saturating_sub(self.per_round)..];
        let draw = Draw {
            params: self.params,
            seed: self.seed,
            round,
            rate: self.rate,
            last_step: sampling::mean_square(last, self.rate),
        };
        draw.sample(&mut self.gradients)
    }

    /// Grows the tree of one output and, if it saw all rows, adds it to their scores.
    fn tree(&self, round: usize, output: usize, sample: &Sample, scores: &mut [f64]) -> Tree {
        let clock = &self.clocks[output];
        let which = Which { round, index: (round * self.gradients.len() + output) as u64, clock };
        let growing = sample.growing.get(output).unwrap_or(&self.gradients[output]);
        let rows = sample.rows.as_deref();
        self.grow(which, growing, rows, |mut grown, places| {
            self.set_values(&mut grown, 0, output, places, scores);
            if rows.is_none() && !self.params.linear_tree {
                add_leaves(&grown, 0, places, scores);
            }
            grown.tree
        })
    }

    /// Grows a tree for all outputs and, if it saw all rows, adds it to their scores.
    fn joint_tree(&self, round: usize, sample: &Sample, scores: &mut [Vec<f64>]) -> Tree {
        let weighted = &sample.growing;
        let gradients = if weighted.is_empty() { &self.gradients } else { weighted };
        let mut random = Random::stream(self.seed, "outputs of a tree", round as u64);
        let growing = joint_tree::project(gradients, &mut random);
        let rows = sample.rows.as_deref();
        let which = Which { round, index: round as u64, clock: &self.clocks[0] };
        self.grow(which, &growing, rows, |mut grown, places| {
            grown.tree.values = vec![0.0; grown.tree.n_leaves() * scores.len()];
            for (output, scores) in scores.iter_mut().enumerate() {
                self.set_values(&mut grown, output, output, places, scores);
                if rows.is_none() {
                    add_leaves(&grown, output, places, scores);
                }
            }
            grown.tree
        })
    }

    /// Grows a tree on the given gradients; `finish` gets it with the entries of its leaves.
    fn grow<T>(
        &self,
        which: Which<'_>,
        growing: &[[f32; 2]],
        rows: Option<&[u32]>,
        finish: impl FnOnce(Grown, Places<'_>) -> T,
    ) -> T {
        let mut workspace = self.lock().pop().unwrap_or_default();
        let n_entries = rows.map_or(self.bins.n_rows, <[u32]>::len);
        workspace.reserve(n_entries);
        workspace.pace = Some(Pace::new(which.clock, UPDATES_PER_QUESTION));
        let scale = Scale::for_rows(n_entries, largest_of(growing));
        let rule = SplitRule {
            score_noise: self.score_noise(which.round, growing),
            ..self.rule(scale, which.index)
        };
        fill_entries(growing, rows, scale, rule.seed as u32, &mut workspace);
        let limits = self.params.limits();
        let features = self.features(which.index);
        let grown = grow(self.bins, &rule, limits, &features, &mut workspace, n_entries);
        let finished = finish(grown, workspace.places(n_entries));
        self.lock().push(workspace);
        finished
    }

    /// Sets what the leaves have for an output, in their place for it.
    fn set_values(
        &self,
        grown: &mut Grown,
        place: usize,
        output: usize,
        places: Places<'_>,
        scores: &[f64],
    ) {
        let rows = LeafRows {
            leaves: &grown.leaves,
            directions: &grown.directions,
            places,
            gradients: &self.gradients[output],
            residuals: self.learning.leaf_quantile(output).map(|q| (q, scores)),
        };
        leaves::set_values(&mut grown.tree, place, &rows, self.params, self.rate);
        if self.params.linear_tree {
            linear_leaves::fit(&mut grown.tree, &rows, self.train, self.params, self.rate);
        }
    }

    fn rule(&self, scale: Scale, index: u64) -> SplitRule {
        let unit = |scale: f32| if scale > 0.0 { 1.0 / f64::from(scale) } else { 0.0 };
        let p = self.params;
        SplitRule {
            gradient_unit: unit(scale.gradient),
            hessian_unit: unit(scale.hessian),
            l1: p.l1,
            l2: p.l2,
            min_samples_leaf: p.min_samples(self.bins.n_rows),
            min_child_weight: p.min_child_weight,
            min_split_gain: p.min_split_gain,
            feature_fraction_bylevel: p.feature_fraction_bylevel,
            feature_fraction_bynode: p.feature_fraction_bynode,
            extra_trees: p.extra_trees,
            score_noise: 0.0,
            levels: p.levels(),
            min_data_per_group: p.min_data_per_group,
            seed: Random::stream(self.seed, "tree", index).next_u64(),
        }
    }

    /// How much the scores of an oblivious tree are shaken: the deviation of the gradients from 0,
    /// times `random_strength`, fading as the model grows (CatBoost's law).
    fn score_noise(&self, round: usize, gradients: &[[f32; 2]]) -> f64 {
        if self.params.random_strength == 0.0
            || self.params.limits().policy != GrowPolicy::Oblivious
        {
            return 0.0;
        }
        let squares: f64 = gradients.iter().map(|gh| f64::from(gh[0]).powi(2)).sum();
        let n = gradients.len().max(1) as f64;
        let left = (n.ln() - round as f64 * self.rate).exp();
        self.params.random_strength * (squares / n).sqrt() * left / (1.0 + left)
    }

    /// Which features the tree may use.
    fn features(&self, index: u64) -> Vec<bool> {
        let mut allowed = vec![true; self.bins.features.len()];
        self.init_scores.forbid(self.bins, &mut allowed);
        if self.params.feature_fraction < 1.0 {
            let free: Vec<usize> = (0..allowed.len()).filter(|f| allowed[*f]).collect();
            let wanted = (free.len() as f64 * self.params.feature_fraction).round().max(1.0);
            allowed.fill(false);
            let mut random = Random::stream(self.seed, "features of a tree", index);
            for drawn in random.sample(free.len(), (wanted as usize).min(free.len())) {
                allowed[free[drawn as usize]] = true;
            }
        }
        allowed
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Workspace>> {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Trees that are grown side by side each need a scope of their own.
fn clocks(n: usize, ctx: &Context) -> Vec<Context> {
    if n == 1 {
        vec![ctx.clone()]
    } else {
        (0..n).map(|k| ctx.scope(&format!("output-{k}"))).collect()
    }
}

/// An error of the round that comes after `done` others.
fn in_round(error: Error, done: usize) -> Error {
    error.at(format!("round {}", done + 1))
}

fn largest_of(gradients: &[[f32; 2]]) -> [f32; 2] {
    let join = |a: [f32; 2], b: [f32; 2]| [a[0].max(b[0]), a[1].max(b[1])];
    if gradients.len() < PARALLEL_ROWS {
        return largest(gradients);
    }
    gradients.par_chunks(BLOCK_ROWS).map(largest).reduce(|| [0.0; 2], join)
}

fn fill_entries(
    gradients: &[[f32; 2]],
    sample: Option<&[u32]>,
    scale: Scale,
    seed: u32,
    workspace: &mut Workspace,
) {
    let fill = |(block, entries): (usize, &mut [u64])| {
        let start = block * BLOCK_ROWS;
        let end = start + entries.len();
        match sample {
            Some(rows) => quantise_rows(gradients, &rows[start..end], scale, seed, entries),
            None => quantise(&gradients[start..end], start as u32, scale, seed, entries),
        }
    };
    if workspace.entries.len() < PARALLEL_ROWS {
        workspace.entries.chunks_mut(BLOCK_ROWS).enumerate().for_each(fill);
    } else {
        workspace.entries.par_chunks_mut(BLOCK_ROWS).enumerate().for_each(fill);
    }
}

/// Adds what each leaf has in `place` to the scores of its rows, each thread in parts of its own.
fn add_leaves(grown: &Grown, place: usize, places: Places<'_>, scores: &mut [f64]) {
    let shared = SharedScores::new(scores);
    let n_parts = grown.leaves.first().map_or(0, |leaf| leaf.parts.len());
    let parallel = places.entries.len() >= PARALLEL_ROWS;
    by_part((0..n_parts).collect(), parallel, |part| {
        let values = grown.tree.values.iter().skip(place).step_by(grown.tree.width());
        for (leaf, value) in grown.leaves.iter().zip(values) {
            shared.add(places.part(leaf, part), *value);
        }
    });
}
