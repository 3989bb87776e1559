//! Forests: many deep trees, each grown on a draw of rows and features, and averaged.
//!
//! A *random forest* draws rows with replacement and cuts where impurity falls most; *extra trees*
//! use all rows and cut each feature at one random place. Both look at a few random features per
//! node. Trees do not know of each other, so they are grown side by side, one per thread; rows that
//! a tree did not draw judge it for free (out-of-bag predictions). An *isolation forest* needs no
//! target: rows that random cuts separate early are unusual.
//!
//! Cost: trees × features per node × rows × depth. Not when a small model or a fast prediction is
//! wanted: deep trees are large.
//! References: Breiman, "Random forests", Machine Learning 45(1), 2001; Geurts, Ernst & Wehenkel,
//! "Extremely randomized trees", Machine Learning 63(1), 2006; Liu, Ting & Zhou, "Isolation
//! forest", ICDM 2008; Agarwal et al., "Hierarchical shrinkage", ICML 2022.
//!
//! | file | part |
//! |---|---|
//! | `params` | the parameters, and what both forests make of them |
//! | `bag` | the rows a tree draws |
//! | `criterion` | impurity, and the value of a leaf |
//! | `cut` | the best or a random cut of one feature |
//! | `grow` | one tree |
//! | `shrink` | leaves drawn towards the nodes above them |
//! | `out_of_bag` | what rows say that a tree did not draw |
//! | `fit` | all trees |
//! | `model` | what is kept and how it predicts |
//! | `explain` | Shapley values of its predictions |
//! | `isolation` | the isolation forest |

mod bag;
mod criterion;
mod cut;
mod explain;
mod fit;
mod grow;
mod isolation;
mod model;
mod out_of_bag;
mod params;
mod shrink;

pub use isolation::{ISOLATION_FOREST, Isolation, IsolationForest, IsolationForestParams};
pub use model::ForestModel;
pub use out_of_bag::OutOfBag;
pub use params::{ExtraTreesParams, RandomForestParams};

use modelwright_core::data::TrainView;
use modelwright_core::params::Checked;
use modelwright_core::task::{Predictions, Task};
use modelwright_core::{Context, Result};

use crate::learner::{Abilities, Learner, LearnerSpec};

const ABILITIES: Abilities = Abilities {
    weights: true,
    missing: true,
    bins: true,
    sparse: false,
    early_stopping: false,
    out_of_bag: true,
};

/// The random forest.
#[derive(Debug)]
pub struct RandomForest;

/// Extremely randomised trees.
#[derive(Debug)]
pub struct ExtraTrees;

impl RandomForest {
    /// As [`Learner::fit`], and predictions of the training rows by the trees that did not see
    /// them.
    ///
    /// # Errors
    /// As [`Learner::fit`].
    pub fn grow(
        train: &TrainView<'_>,
        params: &Checked<RandomForestParams>,
        ctx: &Context,
    ) -> Result<(ForestModel, OutOfBag)> {
        ctx.install(|| fit::fit(train, &params.settings(), ctx))
    }
}

impl Learner for RandomForest {
    const SPEC: &'static LearnerSpec = &LearnerSpec {
        name: "random_forest",
        title: "Random forest",
        text: "Averages deep trees, each grown on a random draw of rows and features.",
        reference: "Breiman, Random forests, Machine Learning 45(1), 2001",
        tasks: &Task::ALL,
        abilities: ABILITIES,
        rounds_param: None,
    };
    type Params = RandomForestParams;
    type Model = ForestModel;

    fn fit(
        train: &TrainView<'_>,
        params: &Checked<RandomForestParams>,
        ctx: &Context,
    ) -> Result<ForestModel> {
        Self::grow(train, params, ctx).map(|(model, _)| model)
    }

    fn fit_out_of_bag(
        train: &TrainView<'_>,
        params: &Checked<RandomForestParams>,
        ctx: &Context,
    ) -> Option<Result<(ForestModel, Predictions)>> {
        params.bootstrap.then(|| Self::grow(train, params, ctx).map(with_predictions))
    }
}

impl ExtraTrees {
    /// As [`Learner::fit`], and predictions of the training rows by the trees that did not see
    /// them; all are missing unless the parameters ask for a draw of rows.
    ///
    /// # Errors
    /// As [`Learner::fit`].
    pub fn grow(
        train: &TrainView<'_>,
        params: &Checked<ExtraTreesParams>,
        ctx: &Context,
    ) -> Result<(ForestModel, OutOfBag)> {
        ctx.install(|| fit::fit(train, &params.settings(), ctx))
    }
}

impl Learner for ExtraTrees {
    const SPEC: &'static LearnerSpec = &LearnerSpec {
        name: "extra_trees",
        title: "Extra trees",
        text: "Averages deep trees that cut features at random places.",
        reference: "Geurts, Ernst & Wehenkel, Extremely randomized trees, Mach. Learn. 63, 2006",
        tasks: &Task::ALL,
        abilities: ABILITIES,
        rounds_param: None,
    };
    type Params = ExtraTreesParams;
    type Model = ForestModel;

    fn fit(
        train: &TrainView<'_>,
        params: &Checked<ExtraTreesParams>,
        ctx: &Context,
    ) -> Result<ForestModel> {
        Self::grow(train, params, ctx).map(|(model, _)| model)
    }

    fn fit_out_of_bag(
        train: &TrainView<'_>,
        params: &Checked<ExtraTreesParams>,
        ctx: &Context,
    ) -> Option<Result<(ForestModel, Predictions)>> {
        params.bootstrap.then(|| Self::grow(train, params, ctx).map(with_predictions))
    }
}

fn with_predictions((model, judged): (ForestModel, OutOfBag)) -> (ForestModel, Predictions) {
    let n_outputs = model.n_outputs as usize;
    (model, Predictions::new(n_outputs, judged.predictions))
}

#[cfg(test)]
mod tests;
