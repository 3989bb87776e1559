//! The members that portfolios choose from, each once: a learner, its encoding and parameters.

use super::{Candidate, Effort, LEVELS, PLAIN, Value};
use crate::plan::Preset;

/// A constant.
pub(super) const BASELINE: Candidate = Candidate {
    name: "baseline",
    learner: "baseline",
    encoding: "trees",
    params: &[],
    effort: PLAIN,
    preset: Preset::Quick,
    reason: "the yardstick: a constant",
};

/// Regularised linear, logistic or softmax regression.
pub(super) const LINEAR: Candidate = Candidate {
    name: "linear",
    learner: "linear",
    encoding: "linear",
    params: &[],
    effort: PLAIN,
    preset: Preset::Quick,
    reason: "a straight line: cheap, different, and the honest yardstick",
};

/// The linear model of few columns. Steps of the path are finer: how many columns stay is decided
/// by them.
pub(super) const LINEAR_SPARSE: Candidate = Candidate {
    name: "linear-sparse",
    learner: "linear",
    encoding: "linear",
    params: &[
        ("l1_ratio", Value::Real(1.0)),
        ("path_ratio", Value::Real(0.6)),
        ("path_steps", Value::Int(16)),
    ],
    effort: PLAIN,
    preset: Preset::Balanced,
    reason: "a straight line through few columns: where most of them say nothing",
};

/// The booster with its defaults.
pub(super) const GBDT: Candidate = Candidate {
    name: "gbdt",
    learner: "gbdt",
    encoding: "trees",
    params: &[],
    effort: PLAIN,
    preset: Preset::Quick,
    reason: "the strongest single model on most large tables",
};

/// A booster that draws its thresholds.
pub(super) const RANDOM_THRESHOLDS: Candidate = Candidate {
    name: "gbdt-random-thresholds",
    learner: "gbdt",
    encoding: "trees",
    params: &[
        ("extra_trees", Value::Flag(true)),
        ("max_leaves", Value::Int(40)),
        ("feature_fraction", Value::Real(0.5)),
        ("min_samples_leaf", Value::Int(3)),
        ("bagging_fraction", Value::Real(1.0)),
        ("feature_fraction_bynode", Value::Real(1.0)),
    ],
    effort: Effort { rounds: 1.5, cost: 0.75 },
    preset: Preset::Balanced,
    reason: "random thresholds: other errors than the first booster's",
};

/// A booster of large trees.
pub(super) const LARGE_TREES: Candidate = Candidate {
    name: "gbdt-large-trees",
    learner: "gbdt",
    encoding: "trees",
    params: &[
        ("max_leaves", Value::Int(96)),
        ("feature_fraction", Value::Real(0.6)),
        ("min_samples_leaf", Value::Int(8)),
        ("bagging_fraction", Value::Real(1.0)),
        ("feature_fraction_bynode", Value::Real(1.0)),
    ],
    effort: Effort { rounds: 0.6, cost: 2.2 },
    preset: Preset::Balanced,
    reason: "large trees: deep interactions",
};

/// A booster of small trees that draws its thresholds.
pub(super) const RANDOM_SMALL: Candidate = Candidate {
    name: "gbdt-random-small",
    learner: "gbdt",
    encoding: "trees",
    params: &[
        ("extra_trees", Value::Flag(true)),
        ("max_leaves", Value::Int(16)),
        ("bagging_fraction", Value::Real(1.0)),
    ],
    effort: Effort { rounds: 2.5, cost: 0.4 },
    preset: Preset::Balanced,
    reason: "few leaves with random thresholds: the strongest single model on small tables",
};

/// A booster of tiny trees.
pub(super) const SMALL_TREES: Candidate = Candidate {
    name: "gbdt-small-trees",
    learner: "gbdt",
    encoding: "trees",
    params: &[
        ("max_leaves", Value::Int(8)),
        ("feature_fraction", Value::Real(0.9)),
        ("bagging_fraction", Value::Real(1.0)),
        ("feature_fraction_bynode", Value::Real(1.0)),
    ],
    effort: Effort { rounds: 2.0, cost: 0.4 },
    preset: Preset::Balanced,
    reason: "small trees: smooth, nearly additive effects",
};

/// A booster of large trees that draws its thresholds.
pub(super) const RANDOM_LARGE: Candidate = Candidate {
    name: "gbdt-random-large",
    learner: "gbdt",
    encoding: "trees",
    params: &[
        ("extra_trees", Value::Flag(true)),
        ("max_leaves", Value::Int(160)),
        ("feature_fraction", Value::Real(0.4)),
        ("min_samples_leaf", Value::Int(12)),
        ("bagging_fraction", Value::Real(1.0)),
        ("feature_fraction_bynode", Value::Real(1.0)),
    ],
    effort: Effort { rounds: 1.2, cost: 1.6 },
    preset: Preset::Best,
    reason: "large trees with random thresholds",
};

/// A booster of symmetric trees: one cut for all nodes of a level, as CatBoost's.
pub(super) const OBLIVIOUS: Candidate = Candidate {
    name: "gbdt-oblivious",
    learner: "gbdt",
    encoding: "trees",
    params: &[
        ("grow_policy", Value::Name("oblivious")),
        ("max_depth", Value::Int(6)),
        ("l2", Value::Real(3.0)),
        ("feature_fraction_bynode", Value::Real(1.0)),
    ],
    effort: Effort { rounds: 2.0, cost: 1.2 },
    preset: Preset::Balanced,
    reason: "symmetric trees: strongly regularised, other errors than leaf-wise ones",
};

/// A random forest, judged out of bag.
pub(super) const RANDOM_FOREST: Candidate = Candidate {
    name: "random-forest",
    learner: "random_forest",
    encoding: "trees",
    params: &[("n_trees", Value::Int(200))],
    effort: PLAIN,
    preset: Preset::Balanced,
    reason: "deep trees, averaged instead of added up; judged out of bag, so one fit is enough",
};

/// Extra trees, judged out of bag.
pub(super) const EXTRA_TREES: Candidate = Candidate {
    name: "extra-trees",
    learner: "extra_trees",
    encoding: "trees",
    params: &[("n_trees", Value::Int(200)), ("bootstrap", Value::Flag(true))],
    effort: PLAIN,
    preset: Preset::Balanced,
    reason: "deep random trees, averaged: smoother than a forest; judged out of bag",
};

/// A booster that cuts categories into sets of levels; for tables that have such categories alone,
/// see [`mod@crate::plan`].
pub(super) const LEVEL_SETS: Candidate = Candidate {
    name: "gbdt-level-sets",
    learner: "gbdt",
    encoding: LEVELS,
    params: &[],
    effort: PLAIN,
    preset: Preset::Balanced,
    reason: "sets of levels of a category: what target statistics cannot tell apart",
};

/// The neural net.
pub(super) const NEURAL_NET: Candidate = Candidate {
    name: "neural-net",
    learner: "neural_net",
    encoding: "network",
    params: &[],
    effort: PLAIN,
    preset: Preset::Balanced,
    reason: "smooth functions of many features: what trees approximate by steps",
};

/// The best booster so far with columns made of several raw ones; see [`crate::derived`].
pub(super) const DERIVED: Candidate = Candidate {
    name: "gbdt-derived",
    learner: "gbdt",
    encoding: "derived",
    params: &[],
    effort: PLAIN,
    preset: Preset::Balanced,
    reason: "differences, ratios, groups and crosses of columns; kept only when beyond noise",
};

/// Nearest neighbours.
pub(super) const KNN: Candidate = Candidate {
    name: "knn",
    learner: "knn",
    encoding: "linear",
    params: &[],
    effort: PLAIN,
    preset: Preset::Balanced,
    reason: "local means: errors unlike those of trees, where distances mean something",
};

/// The explainable boosting machine.
pub(super) const EBM: Candidate = Candidate {
    name: "ebm",
    learner: "ebm",
    encoding: "native",
    params: &[],
    effort: PLAIN,
    preset: Preset::Balanced,
    reason: "a sum of curves and a few pairs: smooth, and a person can read it",
};

/// Naive Bayes.
pub(super) const NAIVE_BAYES: Candidate = Candidate {
    name: "naive-bayes",
    learner: "naive_bayes",
    encoding: "native",
    params: &[],
    effort: PLAIN,
    preset: Preset::Best,
    reason: "every column by itself: hard to beat where rows are very few",
};
