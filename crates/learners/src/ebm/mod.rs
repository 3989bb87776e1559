//! Explainable boosting machines: a sum of functions of one feature and of pairs of features.
//!
//! `link(prediction) = intercept + Σ_j f_j(x_j) + Σ_(i,j) f_ij(x_i, x_j)`: every function is a
//! table that can be drawn, and the numbers that a row finds in them are an exact explanation of
//! its score. The functions are boosted: a *sweep* takes small steps in all of them, each step the
//! best few leaves of one feature alone, until held-out rows are predicted no better. This is done
//! for several *bags* of rows, whose functions are averaged. Then pairs that say more than their
//! two features apart are found (`fast`) and boosted in the same way on coarser bins. Last, what a
//! pair says of its features alone goes to them, and all functions are centred (`purify`), so that
//! the tables are unique.
//!
//! Steps of the features of a block (up to 16) follow from the same gradients: with steps this
//! small it hardly matters in which order features take them, and gradients, histograms and scores
//! of a block cost one pass over the rows. A feature whose step would gain little beside the best
//! one of the last sweep is left alone.
//!
//! Cost: `bags × sweeps × rows × (features + pairs)` additions. Not where features matter in
//! threes.
//!
//! | file | part |
//! |---|---|
//! | `table` | rows, bins, blocks; the draw of a bag |
//! | `cuts` | the step of one feature |
//! | `sweeps` | rounds of steps until held-out rows say stop |
//! | `mains`, `pairs` | what a round does for features and for pairs |
//! | `cross` | the step of a pair |
//! | `coarse` | coarser bins for pairs |
//! | `fast` | which pairs are worth it |
//! | `purify` | what belongs to which function |
//! | `fit` | all of this in order |
//! | `model` | the tables, prediction and explanation |
//!
//! References: Lou, Caruana, Gehrke & Hooker, "Accurate intelligible models with pairwise
//! interactions", KDD 2013; Nori, Jenkins, Koch & Caruana, "InterpretML", arXiv:1909.09223;
//! Lengerich et al., "Purifying interaction effects with the functional ANOVA", AISTATS 2020.

mod coarse;
mod cross;
mod cuts;
mod fast;
mod fit;
mod mains;
mod model;
mod pairs;
mod purify;
mod shap;
mod sweeps;
mod table;

pub use model::{EbmModel, Term};
pub use shap::Division;

use modelwright_core::data::TrainView;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::task::Task;
use modelwright_core::{Context, Result};

use crate::course::Course;
use crate::learner::{Abilities, Learner, LearnerSpec};

/// The explainable boosting machine.
#[derive(Debug)]
pub struct Ebm;

modelwright_core::declare_params! {
    /// Parameters of [`Ebm`], in InterpretML's words.
    pub struct EbmParams {
        /// How much of each step is added.
        learning_rate: f64 = 0.1, Domain::real(1e-4, 1.0).log();
        /// The most sweeps over the features, and then over the pairs.
        max_rounds: usize = 5000_usize, Domain::int(0, 100_000);
        /// Sweeps without improvement of the held-out loss before stopping.
        early_stopping_rounds: usize = 50_usize, Domain::int(1, 10_000);
        /// Bags of rows whose functions are averaged; 0 chooses by rows.
        outer_bags: usize = 0_usize, Domain::int(0, 100);
        /// The part of the rows that each bag leaves out, and stops by where nothing else is given.
        validation_size: f64 = 0.15, Domain::real(0.01, 0.5);
        /// Pairs of features, as a multiple of the number of features; 0 is none.
        interactions: f64 = 3.0, Domain::real(0.0, 100.0);
        /// The most leaves of a feature's step.
        max_leaves: usize = 3_usize, Domain::int(2, 16);
        /// The fewest rows of a leaf.
        min_samples_leaf: usize = 4_usize, Domain::int(1, 1_000_000);
        /// Penalty on the square of a step.
        l2: f64 = 1.0, Domain::real(0.0, 1e6);
        /// First sweeps that cut at random places, which smooths the functions.
        smoothing_rounds: usize = 50_usize, Domain::int(0, 10_000);
        /// Steps that gain less than this part of the last sweep's best are not taken; 0 takes all.
        greediness: f64 = 0.6, Domain::real(0.0, 1.0);
        /// Directions in which features may act on the score, by name: `age:+1,price:-1`.
        monotone: String = "", Domain::Text("names with +1, -1 or 0, such as age:+1,price:-1");
    }
}

impl Learner for Ebm {
    const SPEC: &'static LearnerSpec = &LearnerSpec {
        name: "ebm",
        title: "Explainable boosting machine",
        text: "Adds up one table per feature and per pair of features that interact.",
        reference: "Lou, Caruana, Gehrke & Hooker, Accurate intelligible models with pairwise \
                    interactions, KDD 2013",
        tasks: &Task::ALL,
        abilities: Abilities {
            weights: true,
            missing: true,
            bins: true,
            sparse: false,
            early_stopping: true,
            out_of_bag: false,
        },
        rounds_param: None,
    };
    type Params = EbmParams;
    type Model = EbmModel;

    fn fit(train: &TrainView<'_>, params: &Checked<EbmParams>, ctx: &Context) -> Result<EbmModel> {
        fit::fit(train, params, ctx)
    }

    /// Every bag stops by the rows that it left out, as it will in a fit on all rows: the
    /// validation rows have no say, so that they judge without having been asked.
    fn fit_observed(
        train: &TrainView<'_>,
        params: &Checked<EbmParams>,
        ctx: &Context,
    ) -> Option<Result<(EbmModel, Course)>> {
        let model = fit::fit(&TrainView { validation: &[], ..*train }, params, ctx);
        Some(model.map(|model| (model, Course::default())))
    }
}

#[cfg(test)]
mod tests;
