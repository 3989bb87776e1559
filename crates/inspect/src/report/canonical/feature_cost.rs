//! What columns cost: one is paid for, one is left out to keep the limit.

use modelwright_core::record::{FeatureCostRecord, FeatureCostStep};

/// Two costly columns, of which the limit allows one.
pub(super) fn costs() -> FeatureCostRecord {
    let step = |left_out: &[&str], cost: f64, score: f64| FeatureCostStep {
        left_out: left_out.iter().map(|name| (*name).to_owned()).collect(),
        cost,
        score: Some(score),
    };
    FeatureCostRecord {
        of_all: 5.5,
        of_model: 1.5,
        limit: Some(2.0),
        left_out: vec!["capital-gain".to_owned()],
        path: vec![step(&[], 5.5, 0.9241), step(&["capital-gain"], 1.5, 0.9012)],
    }
}
