//! A model of the ensemble that can be taken apart: one score, and a link behind it.

use modelwright_core::data::FeatureView;
use modelwright_core::{Context, Result};
use modelwright_inspect::explain::shapley::Subject;
use modelwright_learners::baseline::BaselineModel;
use modelwright_learners::ebm::EbmModel;
use modelwright_learners::forest::ForestModel;
use modelwright_learners::gbdt::{GbdtModel, Link};
use modelwright_learners::linear::LinearModel;
use modelwright_learners::tree::shap::Ensemble;
use modelwright_learners::{Fitted, Model};

use super::additive::linear_parts;

/// The place of a feature's source among the columns that are explained.
pub(super) fn place_of(subject: &Subject<'_>, source: &str) -> Option<u32> {
    subject.columns.iter().position(|column| column == source).map(|i| i as u32)
}

/// See the module's text.
pub(super) enum Part<'a> {
    /// The same for every row.
    Constant(&'a BaselineModel),
    /// Trees that add up, with a link.
    Booster(&'a GbdtModel),
    /// Trees whose mean is the prediction.
    Forest(&'a ForestModel),
    /// A weighted sum of features, with a logistic function (`true`) or clamped.
    Linear(&'a LinearModel, bool),
    /// Functions of one feature and of pairs that add up, with a link.
    Additive(&'a EbmModel),
}

impl<'a> Part<'a> {
    /// The model, if it has one score and can be taken apart.
    pub(super) fn of(fitted: &'a Fitted, is_binary: bool) -> Option<Self> {
        let model: &dyn std::any::Any = fitted.model.as_ref();
        if let Some(booster) = model.downcast_ref::<GbdtModel>() {
            return (booster.n_outputs() == 1).then_some(Self::Booster(booster));
        }
        if let Some(forest) = model.downcast_ref::<ForestModel>() {
            return (forest.n_outputs() == 1).then_some(Self::Forest(forest));
        }
        if let Some(linear) = model.downcast_ref::<LinearModel>() {
            return (linear.n_outputs() == 1).then_some(Self::Linear(linear, is_binary));
        }
        if let Some(ebm) = model.downcast_ref::<EbmModel>() {
            return (ebm.n_outputs() == 1).then_some(Self::Additive(ebm));
        }
        model.downcast_ref::<BaselineModel>().map(Self::Constant)
    }

    /// Trees that add up to the score, without a score of their own; `None` for other models.
    pub(super) fn ensemble(&self, n_features: usize) -> Option<Ensemble<'a>> {
        match self {
            Self::Booster(model) => Some(model.ensemble()),
            Self::Forest(model) => Some(model.ensemble(&[0.0], n_features)),
            Self::Constant(_) | Self::Linear(..) | Self::Additive(_) => None,
        }
    }

    /// How many trees there are to walk.
    pub(super) fn n_trees(&self) -> usize {
        match self {
            Self::Booster(model) => model.trees().len(),
            Self::Forest(model) => model.trees().iter().map(|t| t.n_leaves() / 32 + 1).sum(),
            Self::Constant(_) | Self::Linear(..) | Self::Additive(_) => 1,
        }
    }

    /// Whether each dense feature has a say.
    pub(super) fn reads(&self, n_features: usize) -> Vec<bool> {
        let trees = match self {
            Self::Booster(model) => model.trees(),
            Self::Forest(model) => model.trees(),
            Self::Constant(_) => return vec![false; n_features],
            Self::Linear(model, _) => {
                return model.coefficients(0).iter().map(|c| *c != 0.0).collect();
            }
            Self::Additive(model) => {
                let mut reads = vec![false; n_features];
                let terms = model.terms().iter().flat_map(|term| model.features(term));
                terms.for_each(|feature| reads[feature] = true);
                return reads;
            }
        };
        let mut reads = vec![false; n_features];
        for tree in trees {
            let in_leaves = tree.linear.iter().flat_map(|l| l.terms.iter().map(|(f, _)| f));
            for feature in tree.features.iter().chain(in_leaves) {
                reads[*feature as usize] = true;
            }
        }
        reads
    }

    /// The score of every row, before the link.
    pub(super) fn scores(
        &self,
        x: &FeatureView<'_>,
        players: &[Vec<u32>; 2],
        n_columns: usize,
        ctx: &Context,
    ) -> Result<Vec<f64>> {
        match self {
            Self::Constant(model) => Ok(model.predict(x, ctx)?.values),
            Self::Forest(model) => Ok(model.predict(x, ctx)?.values),
            Self::Booster(model) => model.scores(x, ctx),
            Self::Additive(model) => model.scores(x, ctx),
            Self::Linear(model, _) => {
                let parts = linear_parts(model, x, players, n_columns);
                let of_row = |row: &[f64]| model.intercept(0) + row.iter().sum::<f64>();
                Ok(parts.chunks_exact(n_columns).map(of_row).collect())
            }
        }
    }

    /// What becomes of a score.
    pub(super) fn linked(&self, score: f64) -> f64 {
        match self {
            Self::Constant(_) | Self::Forest(_) => score,
            Self::Booster(model) => model.link().of(score),
            Self::Additive(model) => model.link().of(score),
            Self::Linear(_, true) => Link::Logistic.of(score),
            Self::Linear(model, false) => score.clamp(model.range().0, model.range().1),
        }
    }

    /// Whether the score is the prediction.
    pub(super) fn is_identity(&self) -> bool {
        match self {
            Self::Constant(_) | Self::Forest(_) => true,
            Self::Booster(model) => model.link() == Link::Identity,
            Self::Additive(model) => model.link() == Link::Identity,
            Self::Linear(..) => false,
        }
    }

    /// Whether the score is the log-odds of the prediction.
    pub(super) fn is_logistic(&self) -> bool {
        match self {
            Self::Booster(model) => model.link() == Link::Logistic,
            Self::Additive(model) => model.link() == Link::Logistic,
            Self::Linear(_, is_binary) => *is_binary,
            Self::Constant(_) | Self::Forest(_) => false,
        }
    }
}
