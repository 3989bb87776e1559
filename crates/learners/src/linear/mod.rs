//! Regularised linear models: ridge and elastic net, logistic and softmax regression.
//!
//! Minimises the weighted mean loss plus `λ · (l1_ratio · ‖β‖₁ + (1 − l1_ratio)/2 · ‖β‖²)` over
//! coefficients `β` of standardised features and an unpenalised intercept. The loss is half the
//! squared error of the standardised target, or the log loss. `λ` comes from a `path` of ever
//! weaker penalties; validation rows choose the step. In scikit-learn's terms `λ` is `alpha / n`
//! of `Ridge`, `1 / (C n)` of `LogisticRegression`.
//!
//! | file | does |
//! |---|---|
//! | `design` | standardised features in tiles: scores and gradients |
//! | `objective` | losses and gradients over a design |
//! | `gram` | squared error with up to 1,000 columns: exact, Cholesky or coordinate descent |
//! | `newton` | classes of small tables: Newton's method in f64 |
//! | `lbfgs`, `precondition` | everything else: quasi-Newton, OWL-QN for the 1-norm |
//! | `path` | the penalties and the choice among them |
//! | `problem`, `solve` | checks and units; which solver for which problem |
//! | `model` | coefficients in raw units, prediction |
//!
//! Cost: `rows · features²/2` once for the Gram matrix, or `rows · features · outputs` for each of
//! some ten iterations per step. Not for targets that depend on features in bends or in
//! combinations: trees are.
//!
//! Reference: Hastie, Tibshirani & Friedman, *The Elements of Statistical Learning*, 2nd ed.,
//! chapters 3 and 4.

mod design;
mod gram;
mod lbfgs;
mod model;
mod newton;
mod objective;
mod path;
mod precondition;
mod problem;
mod solve;
#[cfg(test)]
mod tests;

use modelwright_core::data::TrainView;
use modelwright_core::params::{Checked, Domain};
use modelwright_core::task::Task;
use modelwright_core::{Context, Result};

pub use self::model::LinearModel;
use self::problem::Problem;
use crate::course::Course;
use crate::learner::{Abilities, Learner, LearnerSpec};

/// Regularised linear, logistic and softmax regression.
pub struct Linear;

modelwright_core::declare_params! {
    /// Parameters of [`Linear`].
    pub struct LinearParams {
        /// Steps of the penalty path; without validation rows the last one is the model's penalty.
        path_steps: usize = 11_usize, Domain::int(1, 60);
        /// Penalty of the first step, per unit of weight on standardised features.
        path_start: f64 = 1.0, Domain::real(1e-12, 1e6).log();
        /// Penalty of a step as a share of the one before.
        path_ratio: f64 = 0.316_227_766, Domain::real(0.01, 0.95);
        /// Share of the 1-norm in the penalty: 0 is ridge, 1 is lasso.
        l1_ratio: f64 = 0.0, Domain::real(0.0, 1.0);
        /// The most solver iterations (or sweeps) per step.
        max_iterations: usize = 200_usize, Domain::int(1, 100_000).log();
        /// A step is solved when the decrease still expected is below this share of the loss.
        tolerance: f64 = 1e-5, Domain::real(1e-16, 0.1).log();
    }
}

impl Learner for Linear {
    const SPEC: &'static LearnerSpec = &LearnerSpec {
        name: "linear",
        title: "Linear model",
        text: "Ridge or elastic-net regression, logistic or softmax classification",
        reference: "Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, ch. 3, 4",
        tasks: &Task::ALL,
        abilities: Abilities {
            weights: true,
            missing: false,
            bins: false,
            sparse: true,
            early_stopping: true,
            out_of_bag: false,
        },
        rounds_param: Some("path_steps"),
    };
    type Params = LinearParams;
    type Model = LinearModel;

    fn fit(
        train: &TrainView<'_>,
        params: &Checked<LinearParams>,
        ctx: &Context,
    ) -> Result<LinearModel> {
        let problem = Problem::new(train)?;
        if problem.is_constant() || !ctx.proceed() {
            return Ok(problem.constant());
        }
        Ok(problem.model(&problem.solve(params, ctx)))
    }

    fn fit_observed(
        train: &TrainView<'_>,
        params: &Checked<LinearParams>,
        ctx: &Context,
    ) -> Option<Result<(LinearModel, Course)>> {
        let problem = match Problem::new(train) {
            Ok(problem) if !problem.is_constant() => problem,
            Ok(_) => return None,
            Err(error) => return Some(Err(error)),
        };
        problem.observe(params, ctx)
    }
}
