//! The parameters, and what their automatic values resolve to for a given table.

use modelwright_core::declare_params;
use modelwright_core::params::Domain;
use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_kernels::subset::LevelRule;

use crate::tree::oblivious::MAX_DEPTH;
use crate::tree::{GrowPolicy, Limits};

use super::rate;

/// The losses by name; `auto` follows the task.
const LOSSES: &[&str] = &[
    "auto",
    "logistic",
    "softmax",
    "focal",
    "squared",
    "squared_log",
    "absolute",
    "huber",
    "fair",
    "log_cosh",
    "mape",
    "quantile",
    "poisson",
    "gamma",
    "tweedie",
    "cross_entropy",
];

/// Ways to draw the rows of a round; see [`super::sampling`].
const SAMPLINGS: &[&str] = &["none", "bernoulli", "goss", "mvs", "bayesian"];

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
        /// The most splits between root and leaf; 0 is 6, and no limit for leaf-wise growth.
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
        /// The part of the level's features that each node (or oblivious level) may use.
        feature_fraction_bynode: f64 = 0.7, Domain::real(0.01, 1.0);
        /// How the rows of a round are drawn; `goss` and `mvs` prefer those of large gradients.
        sampling: String = "bernoulli", Domain::Choice(SAMPLINGS);
        /// The part of the rows that each tree is grown on, for bernoulli and mvs sampling.
        bagging_fraction: f64 = 0.8, Domain::real(0.05, 1.0);
        /// The part of the rows, those of the largest gradients, that goss sampling keeps.
        top_rate: f64 = 0.2, Domain::real(0.0, 1.0);
        /// The part of the rows that goss sampling draws from the others.
        other_rate: f64 = 0.1, Domain::real(0.0, 1.0);
        /// How uneven the random row weights of bayesian sampling are; 0 makes all of them 1.
        bagging_temperature: f64 = 1.0, Domain::real(0.0, 10.0);
        /// Whether features are cut at random places: more varied trees, less overfitting.
        extra_trees: bool = false, Domain::Flag;
        /// How much chance decides between cuts of an oblivious tree; fades as rounds are added.
        random_strength: f64 = 1.0, Domain::real(0.0, 1e3);
        /// Directions in which features may act on the score, by name: `age:+1,price:-1`.
        monotone: String = "", Domain::Text("names with +1, -1 or 0, such as age:+1,price:-1");
        /// Groups of features that may share a path of a tree, by name: `age,income|hours,age`.
        interactions: String = "", Domain::Text("groups of names, such as age,income|hours,age");
        /// Hessian added to each level of a category before levels are sorted.
        cat_smooth: f64 = 10.0, Domain::real(0.0, 1e6);
        /// Penalty on the square of a leaf, added where the levels of a category are grouped.
        cat_l2: f64 = 10.0, Domain::real(0.0, 1e6);
        /// The most levels of a category that a split lists.
        max_cat_threshold: usize = 32_usize, Domain::int(1, 254);
        /// Up to this many levels of a category each is split off alone.
        max_cat_to_onehot: usize = 4_usize, Domain::int(1, 254);
        /// The fewest rows of a group of levels of a category.
        min_data_per_group: usize = 10_usize, Domain::int(1, 1_000_000);
        /// Strength, in rows, with which leaves are drawn towards the value of their parent.
        path_smooth: f64 = 0.0, Domain::real(0.0, 1e6);
        /// Whether leaves are linear functions of the features tested on the way to them.
        linear_tree: bool = false, Domain::Flag;
        /// Penalty, in rows, on the squares of the coefficients of linear leaves.
        linear_lambda: f64 = 1.0, Domain::real(0.0, 1e6);
        /// Whether a round has one tree for each output (class), or one tree for `all` of them.
        tree_outputs: String = "one", Domain::Choice(&["one", "all"]);
        /// Rounds without improvement of the validation loss before stopping; 0 chooses by rows.
        early_stopping_rounds: usize = 0_usize, Domain::int(0, 100_000);
        /// What is minimised; `auto` is logistic, softmax or squared, by task.
        loss: String = "auto", Domain::Choice(LOSSES);
        /// The level of the quantile loss, and the part of errors that huber takes as squared.
        alpha: f64 = 0.5, Domain::real(0.001, 0.999);
        /// Errors up to about this much are taken as squared by the fair loss.
        fair_c: f64 = 1.0, Domain::real(1e-6, 1e9).log();
        /// The variance of a tweedie target is in proportion to its mean raised to this power.
        tweedie_variance_power: f64 = 1.5, Domain::real(1.01, 1.99);
        /// How much less rows count that are predicted well, for the focal loss; 0 is logistic.
        focal_gamma: f64 = 2.0, Domain::real(0.0, 10.0);
        /// Whether classes count as often as they occur, or `balanced`: all the same.
        class_weight: String = "none", Domain::Choice(&["none", "balanced"]);
        /// Whether scores start from the constant that fits best, or from `base_score`.
        boost_from_average: bool = true, Domain::Flag;
        /// The score that all rows start from when it is not the best constant (before the link).
        base_score: f64 = 0.0, Domain::real(-1e9, 1e9);
        /// The column with the score that each row starts from; one for each of many classes.
        init_score: String = "", Domain::Text("names of columns, such as margin");
        /// Levels of quantiles that are learned at once, in place of `loss`; they never cross.
        quantiles: String = "", Domain::Text("ascending levels, such as 0.1,0.5,0.9");
    }
}

impl GbdtParams {
    /// The learning rate for a table of `n_rows` to learn from, `validated` by other rows or not.
    pub(super) fn rate(&self, task: Task, n_rows: usize, validated: bool) -> f64 {
        if self.learning_rate > 0.0 {
            return self.learning_rate;
        }
        rate::automatic(task, n_rows, self.n_rounds, validated)
    }

    /// The fewest rows of a leaf for a table of `n_rows`: 20 as in LightGBM, fewer below 2,000
    /// rows, where 20 rows would leave only a few leaves.
    pub(super) fn min_samples(&self, n_rows: usize) -> usize {
        if self.min_samples_leaf > 0 { self.min_samples_leaf } else { (n_rows / 100).clamp(3, 20) }
    }

    /// How levels of categories are grouped.
    pub(super) fn levels(&self) -> LevelRule {
        LevelRule {
            smooth: self.cat_smooth,
            l2: self.cat_l2,
            max_levels: self.max_cat_threshold,
            max_one_hot: self.max_cat_to_onehot,
            min_group_units: 1,
        }
    }

    /// Whether a tree depends on random draws.
    pub(super) fn draws(&self) -> bool {
        self.extra_trees
            || self.draws_rows()
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

    /// The levels of the quantiles that are to be learned; none for one number.
    ///
    /// # Errors
    /// Input error for what is no ascending list of numbers between 0 and 1.
    pub(super) fn quantile_levels(&self) -> Result<Vec<f64>> {
        read_levels(&self.quantiles)
    }

    /// Refuses a loss of another kind beside quantiles.
    ///
    /// # Errors
    /// Input error that names the loss.
    pub(super) fn check_quantiles(&self) -> Result<()> {
        if matches!(self.loss.as_str(), "auto" | "quantile") {
            return Ok(());
        }
        Err(Error::input("quantiles are learned by their own loss")
            .at("loss")
            .expected("auto or quantile beside `quantiles`")
            .got(self.loss.clone()))
    }

    /// How many trees a round has.
    pub(super) fn trees_per_round(&self, n_outputs: usize) -> usize {
        if self.tree_outputs == "all" { 1 } else { n_outputs }
    }

    /// Whether rows or their weights are drawn.
    pub(super) fn draws_rows(&self) -> bool {
        match self.sampling.as_str() {
            "none" => false,
            "bernoulli" | "mvs" => self.bagging_fraction < 1.0,
            _ => true,
        }
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

/// Reads the parameter `quantiles`; none of an empty text.
///
/// # Errors
/// Input error for what is no ascending list of numbers between 0 and 1.
pub fn read_levels(text: &str) -> Result<Vec<f64>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let levels: Vec<Option<f64>> = text.split(',').map(|level| level.trim().parse().ok()).collect();
    let is_inside = |level: &Option<f64>| level.is_some_and(|l| l > 0.0 && l < 1.0);
    if levels.iter().all(is_inside) && levels.windows(2).all(|pair| pair[0] < pair[1]) {
        return Ok(levels.into_iter().flatten().collect());
    }
    Err(Error::input("these levels of quantiles cannot be learned")
        .at("quantiles")
        .expected("ascending numbers between 0 and 1, separated by commas")
        .got(text)
        .hint("e.g. 0.1,0.5,0.9"))
}
