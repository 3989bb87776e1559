//! Candidates for multiclass tasks.

use super::{Candidate, Value};
use crate::plan::Preset;

/// In the order in which they run.
pub(super) const CANDIDATES: &[Candidate] = &[
    Candidate {
        name: "baseline",
        learner: "baseline",
        encoding: "trees",
        params: &[],
        preset: Preset::Quick,
        reason: "the yardstick: a constant",
    },
    Candidate {
        name: "linear",
        learner: "linear",
        encoding: "linear",
        params: &[],
        preset: Preset::Quick,
        reason: "softmax regression: cheap, different, and the honest yardstick",
    },
    Candidate {
        name: "gbdt",
        learner: "gbdt",
        encoding: "trees",
        params: &[],
        preset: Preset::Quick,
        reason: "the strongest single model on most large tables",
    },
    Candidate {
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
        preset: Preset::Balanced,
        reason: "random thresholds: other errors than the first booster's",
    },
    Candidate {
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
        preset: Preset::Balanced,
        reason: "large trees: deep interactions",
    },
    Candidate {
        name: "gbdt-random-small",
        learner: "gbdt",
        encoding: "trees",
        params: &[
            ("extra_trees", Value::Flag(true)),
            ("max_leaves", Value::Int(16)),
            ("bagging_fraction", Value::Real(1.0)),
        ],
        preset: Preset::Balanced,
        reason: "few leaves with random thresholds: the strongest single model on small tables",
    },
    Candidate {
        name: "gbdt-small-trees",
        learner: "gbdt",
        encoding: "trees",
        params: &[
            ("max_leaves", Value::Int(8)),
            ("feature_fraction", Value::Real(0.9)),
            ("bagging_fraction", Value::Real(1.0)),
            ("feature_fraction_bynode", Value::Real(1.0)),
        ],
        preset: Preset::Balanced,
        reason: "small trees: smooth, nearly additive effects",
    },
    Candidate {
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
        preset: Preset::Best,
        reason: "large trees with random thresholds",
    },
];
