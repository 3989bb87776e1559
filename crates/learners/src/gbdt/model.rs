//! A fitted booster: base scores, trees, and the link from scores to predictions.

use std::sync::OnceLock;

use modelwright_core::data::FeatureView;
use modelwright_core::task::Predictions;
use modelwright_core::{Context, Error, Result};
use modelwright_kernels::forest::Forest;
use serde::{Deserialize, Serialize};

use crate::learner::Model;
use crate::tree::{LinearLeaf, Tree};

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
    /// `1 / (1 + exp(-score_k))`: one class against the rest, so that a row need not sum to 1.
    LogisticEach,
    /// `sign(score) · score²`: the target's root was learned.
    SignedSquare,
    /// `ln(1 + exp(score))`.
    Softplus,
    /// 1 above a score of 0, else 0: a class without a probability.
    Step,
    /// The scores themselves, sorted ascending within the row: quantiles that never cross.
    Ascending,
    /// `exp(score) - 1`: the logarithm of the target plus one was learned.
    ExponentialLessOne,
    /// As [`Self::Ascending`]; what [`Model::predict`] says is the middle one, or the mean of the
    /// middle two, so that a model of several quantiles answers as one of a value does.
    Quantiles,
}

impl Link {
    /// Turns row-major scores into predictions, in place.
    pub(crate) fn apply(self, scores: &mut [f64], n_outputs: usize) {
        for row in scores.chunks_exact_mut(n_outputs) {
            match self {
                Self::Identity => {}
                Self::Logistic | Self::LogisticEach => row.iter_mut().for_each(logistic),
                Self::Exponential => row[0] = row[0].min(LARGEST_LOG).exp(),
                Self::Softmax => softmax(row),
                Self::SignedSquare => row[0] *= row[0].abs(),
                Self::Softplus => row[0] = row[0].max(0.0) + (-row[0].abs()).exp().ln_1p(),
                Self::Step => row[0] = f64::from(u8::from(row[0] > 0.0)),
                Self::ExponentialLessOne => row[0] = row[0].min(LARGEST_LOG).exp_m1(),
                Self::Ascending | Self::Quantiles => row.sort_unstable_by(f64::total_cmp),
            }
        }
    }

    /// What becomes of a single score.
    pub fn of(self, score: f64) -> f64 {
        let mut row = [score];
        self.apply(&mut row, 1);
        row[0]
    }

    /// Whether a prediction has a number for each class.
    fn is_per_class(self) -> bool {
        matches!(self, Self::Softmax | Self::LogisticEach)
    }
}

fn logistic(score: &mut f64) {
    *score = 1.0 / (1.0 + (-*score).exp());
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
    /// Either each has one number per leaf, and tree `t` belongs to output `t % n_outputs`; or each
    /// has one number per output in each leaf, and belongs to all.
    pub(super) trees: Vec<Tree>,
    #[serde(skip)]
    pub(super) compiled: OnceLock<Forest>,
}

impl GbdtModel {
    /// A booster of finished trees: tree `t` adds to output `t % base_scores.len()`.
    ///
    /// # Errors
    /// Input error when the parts do not make a sound booster over `n_features` features.
    pub fn from_parts(
        n_features: usize,
        link: Link,
        base_scores: Vec<f64>,
        trees: Vec<Tree>,
    ) -> Result<Self> {
        let n_features = u32::try_from(n_features)
            .map_err(|e| Error::input("a booster has too many features").because(e))?;
        let model = Self { n_features, link, base_scores, trees, compiled: OnceLock::new() };
        model.validate()?;
        Ok(model)
    }

    /// How many numbers a prediction of one row has.
    pub fn n_outputs(&self) -> usize {
        self.base_scores.len()
    }

    /// The trees, round after round: see [`Self::trees_per_round`].
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// How many trees a round has: one per output if a leaf has one number (tree `t` belongs to
    /// output `t % n_outputs`), one if a leaf has a number for each output.
    pub fn trees_per_round(&self) -> usize {
        if self.trees.first().is_some_and(|tree| tree.width() > 1) { 1 } else { self.n_outputs() }
    }

    /// The scores before the first tree, one per output.
    pub fn base_scores(&self) -> &[f64] {
        &self.base_scores
    }

    /// How scores become predictions.
    pub fn link(&self) -> Link {
        self.link
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

/// The middle of each row's ascending numbers: of an even number of them the mean of two.
fn middle(rows: &Predictions) -> Predictions {
    let n = rows.n_outputs;
    let of = |row: &[f64]| f64::midpoint(row[(n - 1) / 2], row[n / 2]);
    Predictions::new(1, rows.values.chunks_exact(n).map(of).collect())
}

/// The most that a tree can add to a score, whatever finite features a row has.
fn largest_value(tree: &Tree) -> f64 {
    let linear = |leaf: &LinearLeaf| {
        let terms = leaf.terms.iter().map(|(_, c)| c.abs() * f64::from(f32::MAX));
        leaf.constant.abs() + terms.sum::<f64>()
    };
    let plain = tree.values.iter().map(|value| value.abs());
    plain.chain(tree.linear.iter().map(linear)).fold(0.0, f64::max)
}

impl Model for GbdtModel {
    fn predict(&self, x: &FeatureView<'_>, ctx: &Context) -> Result<Predictions> {
        let all = self.predictions_after(self.rounds(), x, ctx)?;
        Ok(if self.link == Link::Quantiles { middle(&all) } else { all })
    }

    fn rounds(&self) -> usize {
        self.trees.len() / self.trees_per_round()
    }

    fn cut(&mut self, n_rounds: usize) {
        self.trees.truncate(n_rounds.saturating_mul(self.trees_per_round()));
        self.rest();
    }

    fn rest(&mut self) {
        self.compiled = OnceLock::new();
    }

    fn n_features(&self) -> usize {
        self.n_features as usize
    }

    fn validate(&self) -> Result<()> {
        let broken = |what: &str| Err(Error::input(format!("a stored booster is broken: {what}")));
        let n_outputs = self.base_scores.len();
        if n_outputs == 0 || !self.trees.len().is_multiple_of(self.trees_per_round()) {
            return broken("its trees do not belong to whole rounds");
        }
        let fits = match self.link {
            Link::Identity | Link::Ascending | Link::Quantiles => true,
            link => link.is_per_class() == (n_outputs > 1),
        };
        if !fits {
            return broken("its outputs do not fit its link");
        }
        if self.base_scores.iter().any(|s| !s.is_finite()) {
            return broken("a base score is not a finite number");
        }
        let mut largest = self.base_scores.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        let width = if self.trees_per_round() == 1 { n_outputs } else { 1 };
        for tree in &self.trees {
            tree.validate(self.n_features as usize, width)?;
            largest += largest_value(tree);
        }
        if !largest.is_finite() {
            return broken("its scores can overflow");
        }
        Ok(())
    }
}
