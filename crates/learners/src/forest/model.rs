//! A fitted forest: trees whose leaves are means or shares of classes, averaged.

use std::sync::OnceLock;

use modelwright_core::data::FeatureView;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_kernels::forest::Forest;
use serde::{Deserialize, Serialize};

use crate::learner::Model;
use crate::tree::shap::Ensemble;
use crate::tree::{Tree, predict};

/// A fitted random forest or extra trees.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForestModel {
    pub(super) n_features: u32,
    /// 1, or the number of classes when there are more than two.
    pub(super) n_outputs: u32,
    pub(super) trees: Vec<Tree>,
    /// Mean squared error of the out-of-bag predictions (Brier score for classes, summed over
    /// outputs); `None` where no row was out of any bag.
    pub(super) out_of_bag_error: Option<f64>,
    #[serde(skip)]
    pub(super) compiled: OnceLock<Forest>,
}

impl ForestModel {
    /// The trees; their leaves hold one number per output.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// What the explanations of [`crate::tree::shap`] read: the mean of the trees above `base`, one
    /// zero per output.
    pub fn ensemble<'a>(&'a self, base: &'a [f64], n_features: usize) -> Ensemble<'a> {
        let scale = 1.0 / self.trees.len() as f64;
        Ensemble { trees: &self.trees, base, scale, n_features }
    }

    /// How many numbers a prediction of one row has.
    pub fn n_outputs(&self) -> usize {
        self.n_outputs as usize
    }

    /// Mean squared error of out-of-bag predictions: of the number, or of the probabilities of all
    /// outputs together. `None` where trees saw all rows.
    pub fn out_of_bag_error(&self) -> Option<f64> {
        self.out_of_bag_error
    }

    /// The leaf of each tree in which each row ends, row-major; a tree's leaves are numbered as
    /// its values are.
    ///
    /// # Errors
    /// Input error when `x` does not have the columns it was fitted on.
    pub fn leaf_indices(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Vec<u32>> {
        self.check_features(x)?;
        Ok(ctx.install(|| predict::leaves(self.forest(), 0..self.trees.len(), x)))
    }

    fn check_features(&self, x: &FeatureView<'_>) -> Result<()> {
        if x.features.n_features() == self.n_features as usize {
            return Ok(());
        }
        Err(Error::input("the table has other features than the model")
            .expected(format!("{} features", self.n_features))
            .got(format!("{} features", x.features.n_features())))
    }

    fn forest(&self) -> &Forest {
        self.compiled.get_or_init(|| {
            Forest::new(self.n_features as usize, self.trees.iter().map(Tree::parts))
        })
    }
}

impl Model for ForestModel {
    fn predict(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Predictions> {
        self.check_features(x)?;
        let n_outputs = self.n_outputs();
        let base = vec![0.0; n_outputs];
        let forest = self.forest();
        let work = || predict::scores(forest, &base, x);
        // Handing a row to another thread takes longer than scoring it.
        let mut values = if predict::is_quick(forest, x) { work() } else { ctx.install(work) };
        let n_trees = self.trees.len() as f64;
        for value in &mut values {
            *value /= n_trees;
        }
        if n_outputs > 1 {
            // Shares of each tree sum to 1 but for rounding.
            for row in values.chunks_exact_mut(n_outputs) {
                let total: f64 = row.iter().sum();
                for p in row {
                    *p /= total;
                }
            }
        }
        Ok(Predictions::new(n_outputs, values))
    }

    fn rounds(&self) -> usize {
        self.trees.len()
    }

    fn rest(&mut self) {
        self.compiled = OnceLock::new();
    }

    fn n_features(&self) -> usize {
        self.n_features as usize
    }

    fn validate(&self) -> Result<()> {
        let broken = |what: &str| Err(Error::input(format!("a stored forest is broken: {what}")));
        if self.trees.is_empty() || self.n_outputs == 0 {
            return broken("it has no trees or no outputs");
        }
        for tree in &self.trees {
            tree.validate(self.n_features as usize, self.n_outputs())?;
            if !tree.linear.is_empty() {
                return broken("a leaf is a linear function");
            }
            let shares = |leaf: &[f64]| {
                leaf.iter().all(|p| *p >= 0.0) && (leaf.iter().sum::<f64>() - 1.0).abs() < 1e-6
            };
            if self.n_outputs > 1 && !tree.values.chunks_exact(self.n_outputs()).all(shares) {
                return broken("the shares of a leaf do not sum to 1");
            }
        }
        let largest = |tree: &Tree| tree.values.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        if !self.trees.iter().map(largest).sum::<f64>().is_finite() {
            return broken("its predictions can overflow");
        }
        Ok(())
    }
}
