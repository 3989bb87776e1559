//! Every metric against scikit-learn's values in `testdata/metric` (see `generate.py` there).

use std::collections::BTreeMap;

use modelwright_core::task::{Predictions, Target};
use serde::Deserialize;

use super::{METRICS, MetricInput};

/// Relative tolerance: sums are taken in another order than NumPy's pairwise one.
const TOLERANCE: f64 = 1e-10;

#[derive(Deserialize)]
pub(super) struct Case {
    n_classes: usize,
    threshold: f64,
    truth: Vec<f64>,
    predictions: Vec<f64>,
    weights: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct Golden {
    undefined: Vec<String>,
    values: BTreeMap<String, f64>,
}

/// The named tables that all metrics are tried on.
pub(super) fn cases() -> BTreeMap<String, Case> {
    toml::from_str(&read("inputs")).unwrap()
}

impl Case {
    pub(super) fn table(&self) -> Table {
        let n_outputs = if self.n_classes > 2 { self.n_classes } else { 1 };
        let truth = if self.n_classes > 0 {
            let codes = self.truth.iter().map(|t| *t as u32).collect();
            Target::Class { codes, n_classes: self.n_classes }
        } else {
            Target::Real(self.truth.clone())
        };
        let predictions = Predictions::new(n_outputs, self.predictions.clone());
        Table { truth, predictions, weights: self.weights.clone(), threshold: self.threshold }
    }
}

/// A case in the types that metrics take.
pub(super) struct Table {
    pub(super) truth: Target,
    pub(super) predictions: Predictions,
    pub(super) weights: Option<Vec<f64>>,
    pub(super) threshold: f64,
}

impl Table {
    pub(super) fn input(&self) -> MetricInput<'_> {
        MetricInput {
            truth: &self.truth,
            predictions: &self.predictions,
            weights: self.weights.as_deref(),
            threshold: self.threshold,
        }
    }
}

fn read(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/metric");
    std::fs::read_to_string(format!("{folder}/{name}.toml")).unwrap_or_else(|e| {
        panic!("testdata/metric/{name}.toml: {e}; add the metric to generate.py and run it")
    })
}

#[test]
fn every_metric_agrees_with_scikit_learn_and_is_refused_where_it_is_undefined() {
    let cases = cases();
    let mut wrong = Vec::new();
    for metric in METRICS {
        let name = metric.spec.name;
        let golden: Golden = toml::from_str(&read(name)).unwrap();
        assert!(golden.values.len() >= 5, "{name} has too few golden values");
        for (case, expected) in &golden.values {
            match metric.value(&cases[case].table().input()) {
                Ok(value) => {
                    if (value - expected).abs() > TOLERANCE * expected.abs().max(1e-3) {
                        wrong.push(format!("{name}, {case}: {value}, expected {expected}"));
                    }
                }
                Err(error) => wrong.push(format!("{name}, {case}: {error}, expected {expected}")),
            }
        }
        for case in &golden.undefined {
            if let Ok(value) = metric.value(&cases[case].table().input()) {
                wrong.push(format!("{name}, {case}: {value}, expected an error"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
