//! Gradient boosting of histogram trees: the workhorse on tables.
//!
//! Each round computes the gradient and Hessian of the loss by the current score of every row,
//! grows one leaf-wise tree per output on them ([`crate::tree`]), gives each leaf its Newton step
//! from exact f64 sums, and adds the shrunken tree to the scores. Validation rows, where given,
//! decide when to stop; the model is then cut to its best round.
//!
//! Cost: rows × features × about 3 to 4 histogram updates per tree. Not for targets far outside
//! the training range (trees do not extrapolate) or tables of a few dozen rows.
//! References: Friedman, "Greedy function approximation", Annals of Statistics 29(5), 2001; Ke et
//! al., "LightGBM", NeurIPS 2017; Shi et al., "Quantized training of GBDT", NeurIPS 2022.
//!
//! | file | part |
//! |---|---|
//! | `params` | the parameters and what "automatic" resolves to |
//! | `rate` | the automatic learning rate |
//! | `options` | what a fit may be given through the library |
//! | `start` | the scores before the first round |
//! | `init_scores` | scores to start from that are columns of the table |
//! | `boost` | the rounds |
//! | `sampling` | the rows of a round |
//! | `joint_tree` | one tree for all outputs |
//! | `leaves` | values of the leaves |
//! | `linear_leaves` | linear functions of the leaves |
//! | `replay` | refit of leaves on other rows |
//! | `stopping` | early stopping |
//! | `loss/` | one loss per file |
//! | `objective` | a loss of the caller's own |
//! | `model` | what is kept |
//! | `scoring` | how it predicts |
//! | `explain` | Shapley values of its scores |
//! | `older` | how models of past layouts are read |

mod boost;
mod explain;
mod init_scores;
mod joint_tree;
mod leaves;
mod linear_leaves;
pub(crate) mod loss;
mod model;
mod objective;
mod older;
mod options;
mod params;
mod rate;
mod replay;
mod sampling;
mod scoring;
mod start;
pub(crate) mod stopping;

pub use model::{GbdtModel, Link};
pub use objective::Objective;
pub use options::{FitOptions, Snapshot};
pub use params::{GbdtParams, read_levels};
pub use scoring::RowScorer;

use modelwright_core::data::TrainView;
use modelwright_core::params::Checked;
use modelwright_core::task::Task;
use modelwright_core::{Context, Result};

use crate::course::Course;
use crate::learner::{Abilities, Learner, LearnerSpec};

/// The gradient booster.
#[derive(Debug)]
pub struct Gbdt;

impl Learner for Gbdt {
    const SPEC: &'static LearnerSpec = &LearnerSpec {
        name: "gbdt",
        title: "Gradient boosted trees",
        text: "Adds up many small trees, each fitted to the errors of those before it.",
        reference: "Ke et al., LightGBM: a highly efficient gradient boosting decision tree, \
                    NeurIPS 2017",
        tasks: &Task::ALL,
        abilities: Abilities {
            weights: true,
            missing: true,
            bins: true,
            sparse: false,
            early_stopping: true,
            out_of_bag: false,
        },
        rounds_param: Some("n_rounds"),
    };
    type Params = GbdtParams;
    type Model = GbdtModel;

    const LAYOUT: u32 = 2;

    fn fit(
        train: &TrainView<'_>,
        params: &Checked<GbdtParams>,
        ctx: &Context,
    ) -> Result<GbdtModel> {
        Self::fit_with(train, params, &FitOptions::default(), ctx)
    }

    fn fit_observed(
        train: &TrainView<'_>,
        params: &Checked<GbdtParams>,
        ctx: &Context,
    ) -> Option<Result<(GbdtModel, Course)>> {
        Some(Self::observe_with(train, params, &FitOptions::default(), ctx))
    }

    fn decode_older(layout: u32, bytes: &[u8]) -> Option<Result<GbdtModel>> {
        (layout == 1).then(|| older::decode(bytes))
    }
}

impl Gbdt {
    /// Fits with a loss of one's own, several quantiles, a model to continue, starting scores, or
    /// a look at the model while it grows; otherwise as [`Learner::fit`].
    ///
    /// # Errors
    /// As [`Learner::fit`], and input error for options that do not fit the table or each other.
    pub fn fit_with(
        train: &TrainView<'_>,
        params: &Checked<GbdtParams>,
        options: &FitOptions<'_>,
        ctx: &Context,
    ) -> Result<GbdtModel> {
        ctx.install(|| boost::fit(train, params, options, ctx))
    }

    /// As [`Self::fit_with`], with the number of rounds still open: see [`Learner::fit_observed`].
    ///
    /// # Errors
    /// As [`Self::fit_with`].
    pub fn observe_with(
        train: &TrainView<'_>,
        params: &Checked<GbdtParams>,
        options: &FitOptions<'_>,
        ctx: &Context,
    ) -> Result<(GbdtModel, Course)> {
        ctx.install(|| boost::observed(train, params, options, ctx))
    }

    /// The structures of `model` with base scores, leaf values and covers of the rows of `train`:
    /// after a fit that validation rows stopped, a refit on all rows at a part of its price.
    ///
    /// `params` (and the loss of `options`) are those of the fit; an automatic learning rate is
    /// that for a fit on these rows with validation rows. Asks [`Context::proceed`] before every
    /// round; a model that ran out of time has fewer rounds.
    ///
    /// # Errors
    /// Input error when the model does not fit the table or the loss, or the rows cannot be
    /// learned from.
    pub fn replay(
        model: &GbdtModel,
        train: &TrainView<'_>,
        params: &Checked<GbdtParams>,
        options: &FitOptions<'_>,
        ctx: &Context,
    ) -> Result<GbdtModel> {
        ctx.install(|| replay::replay(model, train, params, options, ctx))
    }
}

#[cfg(test)]
mod categories_tests;
#[cfg(test)]
mod constraints_tests;
#[cfg(test)]
mod growers_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod stored_tests;
#[cfg(test)]
mod tests;
