//! A fitted booster: base scores, trees, and the link from scores to predictions.

use std::sync::OnceLock;

use modelwright_core::data::FeatureView;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_kernels::forest::Forest;
use serde::{Deserialize, Serialize};

use crate::learner::Model;
use crate::tree::{Tree, predict};

/// The exponential of more than this is not a finite number.
const LARGEST_LOG: f64 = 700.0;

/// How a score becomes a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// The score itself.
    Identity,
    /// `1 / (1 + exp(-score))`.
    Logistic,
    /// `exp(score_k) / Σ exp(score)`.
    Softmax,
    /// `exp(score)`.
    Exponential,
}

impl Link {
    /// Turns row-major scores into predictions, in place.
    fn apply(self, scores: &mut [f64], n_outputs: usize) {
        for row in scores.chunks_exact_mut(n_outputs) {
            match self {
                Self::Identity => {}
                Self::Logistic => row[0] = 1.0 / (1.0 + (-row[0]).exp()),
                Self::Exponential => row[0] = row[0].min(LARGEST_LOG).exp(),
                Self::Softmax => softmax(row),
            }
        }
    }
}

fn softmax(row: &mut [f64]) {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for score in row.iter_mut() {
        *score = (*score - largest).exp();
        total += *score;
    }
    for score in row {
        *score /= total;
    }
}

/// A fitted gradient booster.
#[derive(Debug, Serialize, Deserialize)]
pub struct GbdtModel {
    pub(super) n_features: u32,
    pub(super) link: Link,
    pub(super) base_scores: Vec<f64>,
    /// Tree `t` belongs to output `t % n_outputs`.
    pub(super) trees: Vec<Tree>,
    #[serde(skip)]
    pub(super) compiled: OnceLock<Forest>,
}

impl GbdtModel {
    /// How many numbers a prediction of one row has.
    pub fn n_outputs(&self) -> usize {
        self.base_scores.len()
    }

    /// The trees, round after round, one per output in each round.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// The scores before the first tree, one per output.
    pub fn base_scores(&self) -> &[f64] {
        &self.base_scores
    }

    /// How scores become predictions.
    pub fn link(&self) -> Link {
        self.link
    }

    /// Scores before the link, row-major.
    ///
    /// # Errors
    /// Input error when `x` does not have the columns it was fitted on.
    pub fn scores(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Vec<f64>> {
        if x.features.n_features() != self.n_features as usize {
            return Err(Error::input("the table has other features than the model")
                .expected(format!("{} features", self.n_features))
                .got(format!("{} features", x.features.n_features())));
        }
        let forest = self.compiled.get_or_init(|| {
            Forest::new(self.n_features as usize, self.trees.iter().map(Tree::parts))
        });
        Ok(ctx.install(|| predict::scores(forest, &self.base_scores, x)))
    }

    /// How much each feature reduced the loss, over all trees; sums to 1 unless nothing was split.
    pub fn feature_gains(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.n_features as usize];
        for tree in &self.trees {
            for (feature, gain) in tree.features.iter().zip(&tree.gains) {
                gains[*feature as usize] += f64::from(*gain);
            }
        }
        let total: f64 = gains.iter().sum();
        if total > 0.0 {
            for gain in &mut gains {
                *gain /= total;
            }
        }
        gains
    }
}

impl Model for GbdtModel {
    fn predict(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Predictions> {
        let mut values = self.scores(x, ctx)?;
        self.link.apply(&mut values, self.n_outputs());
        Ok(Predictions::new(self.n_outputs(), values))
    }

    fn rounds(&self) -> usize {
        self.trees.len() / self.n_outputs()
    }

    fn n_features(&self) -> usize {
        self.n_features as usize
    }

    fn validate(&self) -> Result<()> {
        let broken = |what: &str| Err(Error::input(format!("a stored booster is broken: {what}")));
        let n_outputs = self.base_scores.len();
        if n_outputs == 0 || !self.trees.len().is_multiple_of(n_outputs) {
            return broken("its trees do not belong to whole rounds");
        }
        if self.link == Link::Softmax && n_outputs < 2
            || self.link != Link::Softmax && n_outputs > 1
        {
            return broken("its outputs do not fit its link");
        }
        if self.base_scores.iter().any(|s| !s.is_finite()) {
            return broken("a base score is not a finite number");
        }
        let mut largest = self.base_scores.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        for tree in &self.trees {
            tree.validate(self.n_features as usize, 1)?;
            if !tree.sets.is_empty() || !tree.linear.is_empty() {
                return broken("its nodes or leaves are of an unknown kind");
            }
            largest += tree.values.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        }
        if !largest.is_finite() {
            return broken("its scores can overflow");
        }
        Ok(())
    }
}
