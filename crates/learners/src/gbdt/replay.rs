//! Refit by replay: the structures of a fitted model, with leaf values of other rows.
//!
//! After a fit that gave some rows away to decide when to stop, all rows should have a say in the
//! model. Growing it again costs a whole fit; most of what more rows change are the values of the
//! leaves, and those are cheap: per round one pass that finds each row's leaf, and one that sums
//! gradients. Base scores, covers and values become those of the given rows; splits stay.

use std::sync::OnceLock;

use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::{Context, Error, Result};
use modelwright_kernels::entry::Entry;
use modelwright_kernels::forest::Forest;
use rayon::prelude::*;

use super::boost::constraints;
use super::leaves::{LeafRows, set_values};
use super::linear_leaves;
use super::loss::Loss;
use super::model::GbdtModel;
use super::options::FitOptions;
use super::params::GbdtParams;
use super::start::Start;
use crate::learner::Model;
use crate::tree::{Constraints, LeafPlace, Places, Tree, predict};

/// Replays `model` on the rows of `train`; see [`super::Gbdt::replay`].
pub(super) fn replay(
    model: &GbdtModel,
    train: &TrainView<'_>,
    params: &GbdtParams,
    options: &FitOptions<'_>,
    ctx: &Context,
) -> Result<GbdtModel> {
    if train.rows.is_empty() {
        return Err(Error::input("there are no rows to learn from"));
    }
    if !params.init_score.is_empty() {
        return Err(Error::input("a model that starts from a column cannot be replayed")
            .at("init_score")
            .hint("fit it again, or give the scores through the options of the fit"));
    }
    let loss = options.loss(params, train, train.rows)?;
    if loss.base_scores()?.len() != model.n_outputs() || loss.link() != model.link() {
        return Err(Error::input("the model to replay was fitted with another loss")
            .expected(format!("the link {:?}", loss.link()))
            .got(format!("the link {:?}", model.link())));
    }
    // The features are those of the model, or its trees could not be asked.
    model.scores(&FeatureView::of(train.features, &[]), ctx)?;
    linear_leaves::check(params, loss.as_ref(), train.features)?;
    let start = Start::new(train, params, options, loss.as_ref(), ctx)?;
    let n_rows = train.rows.len();
    let mut rounds = Replay {
        train,
        params,
        rate: params.rate(train.target.task(), n_rows, true),
        loss: loss.as_ref(),
        constraints: constraints(train, params)?,
        gradients: vec![vec![[0.0; 2]; n_rows]; model.n_outputs()],
        scores: start.scores,
        trees: Vec::with_capacity(model.trees().len()),
    };
    for (done, trees) in model.trees().chunks(model.trees_per_round()).enumerate() {
        if !ctx.proceed() {
            break;
        }
        rounds.round(trees).map_err(|e| e.at(format!("round {}", done + 1)))?;
    }
    Ok(GbdtModel {
        n_features: model.n_features() as u32,
        link: model.link(),
        base_scores: start.base_scores,
        trees: rounds.trees,
        compiled: OnceLock::new(),
    })
}

struct Replay<'a> {
    train: &'a TrainView<'a>,
    params: &'a GbdtParams,
    rate: f64,
    loss: &'a dyn Loss,
    /// Of the features of the table.
    constraints: Constraints,
    gradients: Vec<Vec<[f32; 2]>>,
    scores: Vec<Vec<f64>>,
    trees: Vec<Tree>,
}

impl Replay<'_> {
    /// The trees of one round, which begin where the scores are.
    fn round(&mut self, trees: &[Tree]) -> Result<()> {
        self.loss.gradients(&self.scores, &mut self.gradients)?;
        let n_features = self.train.features.n_features();
        let forest = Forest::new(n_features, trees.iter().map(Tree::parts));
        let view = FeatureView::of(self.train.features, self.train.rows);
        let leaves = predict::leaves(&forest, 0..trees.len(), &view);
        let renewed: Vec<Tree> =
            trees.par_iter().enumerate().map(|(t, tree)| self.tree(tree, t, &leaves)).collect();
        if self.params.linear_tree {
            let forest = Forest::new(n_features, renewed.iter().map(Tree::parts));
            predict::add_to(&forest, 0..renewed.len(), &view, &mut self.scores);
        } else {
            self.add(&renewed, &leaves);
        }
        self.trees.extend(renewed);
        Ok(())
    }

    /// Tree `t` of a round of which `leaves` has the leaf of each row and tree.
    fn tree(&self, tree: &Tree, t: usize, leaves: &[u32]) -> Tree {
        let mut tree = Tree { linear: Vec::new(), ..tree.clone() };
        let n_trees = leaves.len() / self.train.rows.len();
        let (entries, leaf_places) = by_leaf(&tree, leaves.iter().skip(t).step_by(n_trees));
        count(&mut tree, &leaf_places);
        let directions: Vec<i8> = if self.constraints.is_monotone() {
            tree.features.iter().map(|f| self.constraints.direction(*f as usize)).collect()
        } else {
            Vec::new()
        };
        let outputs = if tree.width() > 1 { 0..tree.width() } else { t..t + 1 };
        for (place, output) in outputs.enumerate() {
            let rows = LeafRows {
                leaves: &leaf_places,
                directions: &directions,
                places: Places { entries: &entries, scratch: &[] },
                gradients: &self.gradients[output],
                residuals: self.loss.leaf_quantile(output).map(|q| (q, &*self.scores[output])),
            };
            set_values(&mut tree, place, &rows, self.params, self.rate);
            if self.params.linear_tree {
                linear_leaves::fit(&mut tree, &rows, self.train, self.params, self.rate);
            }
        }
        tree
    }

    /// Adds the values of the leaves to the scores.
    fn add(&mut self, trees: &[Tree], leaves: &[u32]) {
        let n_trees = trees.len();
        for (output, scores) in self.scores.iter_mut().enumerate() {
            let t = if n_trees == 1 { 0 } else { output };
            let (width, place) = (trees[t].width(), if n_trees == 1 { output } else { 0 });
            let values = &trees[t].values;
            scores.par_iter_mut().zip(leaves.par_chunks(n_trees)).for_each(|(score, leaves)| {
                *score += values[leaves[t] as usize * width + place];
            });
        }
    }
}

/// The rows of each leaf, ascending, as entries, from the tree's left to its right; and where those
/// of each leaf lie.
fn by_leaf<'a>(
    tree: &Tree,
    leaves: impl Iterator<Item = &'a u32> + Clone,
) -> (Vec<Entry>, Vec<LeafPlace>) {
    let mut counts = vec![0; tree.n_leaves()];
    for leaf in leaves.clone() {
        counts[*leaf as usize] += 1;
    }
    let mut start = 0;
    let mut of_leaves = vec![LeafPlace::default(); tree.n_leaves()];
    let mut open = vec![if tree.children.is_empty() { !0 } else { 0 }];
    while let Some(child) = open.pop() {
        if let Ok(node) = usize::try_from(child) {
            let [left, right] = tree.children[node];
            open.extend([right, left]);
        } else {
            let leaf = !child as usize;
            of_leaves[leaf] = LeafPlace::whole(start..start + counts[leaf]);
            start += counts[leaf];
        }
    }
    let mut places: Vec<usize> = of_leaves.iter().map(|leaf| leaf.parts[0].start).collect();
    let mut entries = vec![0; start];
    for (row, leaf) in leaves.enumerate() {
        let place = &mut places[*leaf as usize];
        entries[*place] = row as Entry;
        *place += 1;
    }
    (entries, of_leaves)
}

/// Sets how many rows reach each node and leaf.
fn count(tree: &mut Tree, leaves: &[LeafPlace]) {
    tree.leaf_covers = leaves.iter().map(|leaf| leaf.n_rows() as f32).collect();
    for node in (0..tree.children.len()).rev() {
        tree.covers[node] = tree.children[node]
            .iter()
            .map(|child| match usize::try_from(*child) {
                Ok(inner) => tree.covers[inner],
                Err(_) => tree.leaf_covers[!*child as usize],
            })
            .sum();
    }
}
