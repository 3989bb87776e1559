//! Naive Bayes: classes as independent features, each a normal variable or a category.
//!
//! `log P(class | x) = log share + Σ_j log p(x_j | class) + constant`. A number is normal within a
//! class; a category, a column of zeros and ones, and a run of one-hot columns of one raw column
//! (one category again) are shares of levels, with `alpha` rows added to each. Where a raw column
//! is there as a category, other features made from it would count its evidence twice and are left
//! out. A missing value says nothing and is left out of the sum, in training and in prediction:
//! exact where values are missing at random. So is a level that training never saw.
//!
//! Cost: two passes over rows × features; prediction rows × features × classes. Not where features
//! repeat each other: their evidence is counted twice and probabilities become extreme.
//!
//! | file | part |
//! |---|---|
//! | `evidence` | which features there are: numbers, categories, runs of one-hot columns |
//! | `count` | what each class has of them |
//! | `model` | densities, prediction |
//!
//! Reference: Hastie, Tibshirani & Friedman, *The Elements of Statistical Learning*, §6.6.3.

mod count;
mod evidence;
mod model;
#[cfg(test)]
mod tests;

use modelwright_core::data::TrainView;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::task::{Target, Task};
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;

use self::count::Rows;
pub use self::evidence::Evidence;
pub use self::model::{Likelihood, NaiveBayesModel, Normal};
use crate::learner::{Abilities, Learner, LearnerSpec};

/// Features between two looks at the clock.
const FEATURES_PER_QUESTION: usize = 16;

/// Naive Bayes for numbers and categories.
#[derive(Debug)]
pub struct NaiveBayes;

modelwright_core::declare_params! {
    /// Parameters of [`NaiveBayes`], in scikit-learn's words.
    pub struct NaiveBayesParams {
        /// Rows that are added to each level of a category in each class.
        alpha: f64 = 1.0, Domain::real(0.0, 1e6);
        /// Added to every variance, as a share of the feature's variance over all classes.
        var_smoothing: f64 = 1e-3, Domain::real(1e-12, 1.0).log();
        /// Whether classes are as frequent as in training, or all alike.
        fit_prior: bool = true, Domain::Flag;
    }
}

impl Learner for NaiveBayes {
    const SPEC: &'static LearnerSpec = &LearnerSpec {
        name: "naive_bayes",
        title: "Naive Bayes",
        text: "Classes as independent features: normal numbers, shares of levels of categories.",
        reference: "Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 6.6.3",
        tasks: &[Task::Binary, Task::Multiclass],
        abilities: Abilities {
            weights: true,
            missing: true,
            bins: false,
            sparse: false,
            early_stopping: false,
            out_of_bag: false,
        },
        rounds_param: None,
    };
    type Params = NaiveBayesParams;
    type Model = NaiveBayesModel;

    fn fit(
        train: &TrainView<'_>,
        params: &Checked<NaiveBayesParams>,
        ctx: &Context,
    ) -> Result<NaiveBayesModel> {
        let Target::Class { codes, n_classes } = train.target else {
            return Err(Error::input("naive_bayes needs a class to predict"));
        };
        let rows = Rows::new(train, codes, (*n_classes).max(2))?;
        let found = evidence::find(train.features, &rows.of_matrix);
        let mut likelihoods = Vec::with_capacity(found.len());
        // Features not reached in time stay without evidence, which is a valid model.
        for some in found.chunks(FEATURES_PER_QUESTION) {
            if !ctx.proceed() {
                break;
            }
            let of = |evidence| rows.likelihood(evidence, train.features, params);
            likelihoods.extend(some.par_iter().map(of).collect::<Vec<_>>());
        }
        Ok(NaiveBayesModel {
            n_features: train.features.n_features() as u32,
            shares: rows.shares(params.fit_prior),
            likelihoods: likelihoods.into_iter().flatten().collect(),
        })
    }
}
