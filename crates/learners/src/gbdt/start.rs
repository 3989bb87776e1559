//! Where boosting starts: base scores, and the score of every row before the first new tree.

use modelwright_core::data::{FeatureMatrix, FeatureView, TrainView};
use modelwright_core::{Context, Error, Result};

use super::loss::Loss;
use super::model::GbdtModel;
use super::options::FitOptions;
use super::params::GbdtParams;
use crate::learner::Model;
use crate::tree::Tree;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Start {
    /// Of the model, one per output.
    pub(super) base_scores: Vec<f64>,
    /// Of the learning rows, one vector per output.
    pub(super) scores: Vec<Vec<f64>>,
    /// Of the validation rows, one vector per output.
    pub(super) held_out: Vec<Vec<f64>>,
    /// The trees of the model that is continued.
    pub(super) trees: Vec<Tree>,
}

impl Start {
    /// The start of a fit.
    ///
    /// # Errors
    /// Input error when the options contradict each other, the table or the loss.
    pub(super) fn new(
        train: &TrainView<'_>,
        params: &GbdtParams,
        options: &FitOptions<'_>,
        loss: &dyn Loss,
        ctx: &Context,
    ) -> Result<Self> {
        let automatic = loss.base_scores()?;
        match (options.warm_start, options.init_scores) {
            (Some(_), Some(_)) => {
                Err(Error::input("a fit cannot start both from a model and init scores")
                    .hint("add the model's scores to the init scores and leave the model out"))
            }
            (Some(model), None) => Self::from_model(train, params, model, loss, ctx),
            (None, Some(scores)) => Self::from_scores(train, scores, automatic.len()),
            (None, None) => Ok(Self::constant(train, params, automatic)),
        }
    }

    fn constant(train: &TrainView<'_>, params: &GbdtParams, automatic: Vec<f64>) -> Self {
        let base_scores = if params.boost_from_average {
            automatic
        } else {
            vec![params.base_score; automatic.len()]
        };
        let of = |rows: &[u32]| base_scores.iter().map(|b| vec![*b; rows.len()]).collect();
        let (scores, held_out) = (of(train.rows), of(train.validation));
        Self { base_scores, scores, held_out, trees: Vec::new() }
    }

    fn from_scores(train: &TrainView<'_>, scores: &[f64], n_outputs: usize) -> Result<Self> {
        let wanted = train.features.n_rows * n_outputs;
        if scores.len() != wanted {
            return Err(Error::input("the init scores have the wrong length")
                .expected(format!("{wanted}, one per row of the table and output"))
                .got(scores.len().to_string()));
        }
        let mut used = train.rows.iter().chain(train.validation);
        let of_row = |row: u32| &scores[row as usize * n_outputs..(row as usize + 1) * n_outputs];
        if let Some(row) = used.find(|r| of_row(**r).iter().any(|s| !s.is_finite())) {
            return Err(Error::input("an init score is not a finite number")
                .row(u64::from(*row) + 1)
                .got(format!("{:?}", of_row(*row))));
        }
        let of = |rows: &[u32]| -> Vec<Vec<f64>> {
            (0..n_outputs).map(|k| rows.iter().map(|r| of_row(*r)[k]).collect()).collect()
        };
        Ok(Self {
            base_scores: vec![0.0; n_outputs],
            scores: of(train.rows),
            held_out: of(train.validation),
            trees: Vec::new(),
        })
    }

    fn from_model(
        train: &TrainView<'_>,
        params: &GbdtParams,
        model: &GbdtModel,
        loss: &dyn Loss,
        ctx: &Context,
    ) -> Result<Self> {
        let n_outputs = loss.base_scores()?.len();
        if model.n_outputs() != n_outputs || model.link() != loss.link() {
            return Err(Error::input("the model to continue was fitted with another loss")
                .expected(format!("{n_outputs} outputs with the link {:?}", loss.link()))
                .got(format!("{} outputs with the link {:?}", model.n_outputs(), model.link())));
        }
        model.validate()?;
        let per_round = params.trees_per_round(n_outputs);
        if !model.trees.is_empty() && model.trees_per_round() != per_round {
            return Err(Error::input("the model to continue has other trees")
                .expected(format!("{per_round} trees in a round"))
                .got(format!("{} trees in a round", model.trees_per_round()))
                .hint("give `tree_outputs` the value that the model was fitted with"));
        }
        Ok(Self {
            base_scores: model.base_scores.clone(),
            scores: scores_of(model, train.features, train.rows, ctx)?,
            held_out: scores_of(model, train.features, train.validation, ctx)?,
            trees: model.trees.clone(),
        })
    }
}

/// A model's scores of some rows, one vector per output.
fn scores_of(
    model: &GbdtModel,
    features: &FeatureMatrix,
    rows: &[u32],
    ctx: &Context,
) -> Result<Vec<Vec<f64>>> {
    let scores = model.scores(&FeatureView::of(features, rows), ctx)?;
    let n_outputs = model.n_outputs();
    let output = |k: usize| scores.iter().skip(k).step_by(n_outputs).copied().collect();
    Ok((0..n_outputs).map(output).collect())
}
