//! The parameters, and what their automatic values resolve to for a given table.

use modelwright_core::declare_params;
use modelwright_core::params::Domain;
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};

use crate::tree::oblivious::MAX_DEPTH;
use crate::tree::{GrowPolicy, Limits};

/// The losses by name; `auto` follows the task.
const LOSSES: &[&str] =
    &["auto", "logistic", "softmax", "squared", "absolute", "huber", "quantile", "poisson"];

/// How trees may grow.
const POLICIES: &[&str] = &["leaf_wise", "depth_wise", "oblivious"];

/// The depth of trees that grow by levels when none is asked for, as in CatBoost and XGBoost.
const DEPTH_BY_LEVELS: usize = 6;
/// The most leaves of a tree that grows by levels.
const LEAVES_BY_LEVELS: usize = 1 << MAX_DEPTH;

declare_params! {
    /// Parameters of the gradient booster, in LightGBM's and scikit-learn's words.
    pub struct GbdtParams {
        /// The most rounds; each adds one tree per output.
        n_rounds: usize = 1000_usize, Domain::int(0, 100_000);
        /// How much of each tree is added; 0 chooses by rows, rounds and task.
        learning_rate: f64 = 0.0, Domain::real(0.0, 1.0);
        /// How trees grow: best leaf first, level by level, or with one cut for all of a level.
        grow_policy: String = "leaf_wise", Domain::Choice(POLICIES);
        /// The most leaves of a tree that grows leaf-wise.
        max_leaves: usize = 31_usize, Domain::int(2, 4096).log();
        /// The most splits between root and leaf; 0 is 6, or no limit for trees that grow leaf-wise.
        max_depth: usize = 0_usize, Domain::int(0, 64);
        /// The fewest training rows of a leaf; 0 chooses by rows.
        min_samples_leaf: usize = 0_usize, Domain::int(0, 1_000_000);
        /// The least sum of Hessians of a leaf.
        min_child_weight: f64 = 0.001, Domain::real(0.0, 1e6);
        /// Penalty on the absolute value of a leaf.
        l1: f64 = 0.0, Domain::real(0.0, 1e6);
        /// Penalty on the square of a leaf.
        l2: f64 = 1.0, Domain::real(0.0, 1e6);
        /// The least gain of a split.
        min_split_gain: f64 = 0.0, Domain::real(0.0, 1e9);
        /// The part of the features that each tree may use.
        feature_fraction: f64 = 1.0, Domain::real(0.01, 1.0);
        /// The part of the tree's features that each level may use.
        feature_fraction_bylevel: f64 = 1.0, Domain::real(0.01, 1.0);
        /// The part of the level's features that each node may use (of an oblivious tree, each level).
        feature_fraction_bynode: f64 = 0.7, Domain::real(0.01, 1.0);
        /// The part of the rows that each tree is grown on.
        bagging_fraction: f64 = 0.8, Domain::real(0.05, 1.0);
        /// Whether features are cut at random places: more varied trees, less overfitting.
        extra_trees: bool = false, Domain::Flag;
        /// How much chance decides between cuts of an oblivious tree; fades as rounds are added.
        random_strength: f64 = 1.0, Domain::real(0.0, 1e3);
        /// Strength, in rows, with which leaves are drawn towards the value of their parent.
        path_smooth: f64 = 0.0, Domain::real(0.0, 1e6);
        /// Rounds without improvement of the validation loss before stopping; 0 chooses by rows.
        early_stopping_rounds: usize = 0_usize, Domain::int(0, 100_000);
        /// What is minimised; `auto` is logistic, softmax or squared, by task.
        loss: String = "auto", Domain::Choice(LOSSES);
        /// The level of the quantile loss, and the part of errors that huber takes as squared.
        alpha: f64 = 0.5, Domain::real(0.001, 0.999);
    }
}

impl GbdtParams {
    /// The learning rate for a table of `n_rows`.
    ///
    /// CatBoost's law for training with a validation set (its `learning_rate` documentation and
    /// source): `exp(a ln n + b) · (rounds / 1000)^c`, at most 0.3.
    pub(super) fn rate(&self, task: Task, n_rows: usize) -> f64 {
        if self.learning_rate > 0.0 {
            return self.learning_rate;
        }
        let (by_rows, constant, by_rounds) = match task {
            Task::Binary => (0.246, -5.127, -0.451),
            Task::Multiclass => (0.02, -2.364, -0.382),
            Task::Regression => (0.157, -4.062, -0.61),
        };
        let n = (n_rows.max(1) as f64).ln();
        let rounds = self.n_rounds.max(1) as f64 / 1000.0;
        ((by_rows * n + constant).exp() * rounds.powf(by_rounds)).clamp(0.005, 0.3)
    }

    /// The fewest rows of a leaf for a table of `n_rows`: 20 as in LightGBM, fewer below 2,000
    /// rows, where 20 rows would leave only a few leaves.
    pub(super) fn min_samples(&self, n_rows: usize) -> usize {
        if self.min_samples_leaf > 0 { self.min_samples_leaf } else { (n_rows / 100).clamp(3, 20) }
    }

    /// Whether a tree depends on random draws.
    pub(super) fn draws(&self) -> bool {
        self.extra_trees
            || self.bagging_fraction < 1.0
            || self.feature_fraction < 1.0
            || self.feature_fraction_bylevel < 1.0
            || self.random_strength > 0.0 && self.grow_policy == "oblivious"
            || self.feature_fraction_bynode < 1.0
    }

    /// How trees grow and when that ends.
    pub(super) fn limits(&self) -> Limits {
        let policy = match self.grow_policy.as_str() {
            "oblivious" => GrowPolicy::Oblivious,
            "depth_wise" => GrowPolicy::DepthWise,
            _ => GrowPolicy::LeafWise,
        };
        let (max_leaves, unlimited) = match policy {
            GrowPolicy::LeafWise => (self.max_leaves, usize::MAX),
            GrowPolicy::DepthWise | GrowPolicy::Oblivious => (LEAVES_BY_LEVELS, DEPTH_BY_LEVELS),
        };
        let max_depth = if self.max_depth == 0 { unlimited } else { self.max_depth };
        Limits { policy, max_leaves, max_depth }
    }

    /// Proves that trees which grow by levels do not grow without bounds.
    ///
    /// # Errors
    /// Input error that names the parameter.
    pub(super) fn check_depth(&self) -> Result<()> {
        let limits = self.limits();
        if limits.policy == GrowPolicy::LeafWise || limits.max_depth <= MAX_DEPTH {
            return Ok(());
        }
        Err(Error::input("parameter `max_depth` of gbdt is out of range")
            .expected(format!("at most {MAX_DEPTH} for trees that grow {}", self.grow_policy))
            .got(self.max_depth.to_string())
            .hint("a tree that grows by levels has up to 2^max_depth leaves"))
    }

    /// The name of the loss for `task`.
    pub(super) fn loss_for(&self, task: Task) -> &str {
        match (self.loss.as_str(), task) {
            ("auto", Task::Binary) => "logistic",
            ("auto", Task::Multiclass) => "softmax",
            ("auto", Task::Regression) => "squared",
            (name, _) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_automatic_rate_follows_catboost() {
        // CatBoost 1.2.10 on 16,512 rows, RMSE, 1000 iterations with an eval set: 0.079.
        let params = GbdtParams::default();
        assert!((params.rate(Task::Regression, 16_512) - 0.079).abs() < 0.001);
        assert!(params.rate(Task::Binary, 40_000) > params.rate(Task::Binary, 1_000));
        let few = GbdtParams { n_rounds: 100, ..params };
        assert_eq!(
            few.rate(Task::Binary, 1_000_000),
            0.3_f64.min(few.rate(Task::Binary, 1_000_000))
        );
    }
}
