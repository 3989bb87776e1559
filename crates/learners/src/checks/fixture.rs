//! Small tables that every learner is tried on: easy to learn, encoded as learners may ask for.

use std::sync::Arc;

use modelwright_core::data::{
    BinnedColumn, FeatureColumn, FeatureMatrix, FeatureView, MAX_CUTS, TrainView,
};
use modelwright_core::params::{ParamMap, ParamValue};
use modelwright_core::random::Random;
use modelwright_core::task::{Predictions, Target, Task};
use modelwright_core::{Context, Result};

use crate::example::GaussianNaiveBayes;
use crate::{Entry, Fitted, LEARNERS};

/// A table with its target and a division into rows to learn from, to stop by, and to judge on.
#[derive(Clone)]
pub(super) struct Fixture {
    pub(super) features: FeatureMatrix,
    pub(super) target: Target,
    pub(super) weights: Option<Vec<f64>>,
    pub(super) rows: Vec<u32>,
    pub(super) validation: Vec<u32>,
    pub(super) test: Vec<u32>,
}

/// Every learner of the catalog and the example, with every task it says it can learn.
pub(super) fn each(check: impl Fn(&Entry, Task)) {
    let example = Entry::of::<GaussianNaiveBayes>();
    for entry in LEARNERS.iter().chain([&example]) {
        for task in entry.spec.tasks {
            check(entry, *task);
        }
    }
}

/// Few rounds, where the learner learns in rounds: most checks need no good model.
pub(super) fn quick(entry: &Entry) -> ParamMap {
    let defaults = entry.default_params();
    let rounds = entry.spec.rounds_param.and_then(|name| Some((name, defaults.get(name)?)));
    match rounds {
        Some((name, ParamValue::Int(rounds))) => {
            ParamMap::from([(name.to_owned(), ParamValue::Int(*rounds.min(&12)))])
        }
        _ => ParamMap::new(),
    }
}

/// A threaded context without limits.
pub(super) fn context(threads: usize) -> Context {
    Context::unlimited(7, threads)
}

/// The columns as a learner may ask for them: values, and bins of at most [`MAX_CUTS`] cuts.
pub(super) fn matrix(columns: Vec<Vec<f32>>) -> FeatureMatrix {
    let n_rows = columns.first().map_or(0, Vec::len);
    let columns = columns.into_iter().enumerate().map(|(j, values)| FeatureColumn {
        bins: Some(Arc::new(bins(&values))),
        ..FeatureColumn::dense(&format!("x{j}"), values)
    });
    FeatureMatrix::new(n_rows, columns.collect())
}

/// Cuts at evenly spaced ranks of the distinct values.
fn bins(values: &[f32]) -> BinnedColumn {
    let mut distinct: Vec<f32> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    distinct.sort_unstable_by(f32::total_cmp);
    distinct.dedup();
    let n_cuts = distinct.len().saturating_sub(1).min(MAX_CUTS);
    let cuts: Vec<f32> =
        (0..n_cuts).map(|c| distinct[c * (distinct.len() - 1) / n_cuts.max(1)]).collect();
    let codes = values.iter().map(|v| {
        let bin = if v.is_nan() { cuts.len() + 1 } else { cuts.partition_point(|c| c < v) };
        u8::try_from(bin).unwrap()
    });
    BinnedColumn { codes: codes.collect(), cuts: cuts.clone() }
}

/// The given rows, in that order, with the same cuts.
pub(super) fn select(features: &FeatureMatrix, rows: &[u32]) -> FeatureMatrix {
    let columns = features.columns.iter().map(|column| FeatureColumn {
        values: rows.iter().map(|r| column.values[*r as usize]).collect(),
        bins: column.bins.as_ref().map(|bins| {
            let codes = rows.iter().map(|r| bins.codes.get(*r as usize)).collect();
            Arc::new(BinnedColumn { codes, cuts: bins.cuts.clone() })
        }),
        ..column.clone()
    });
    FeatureMatrix::new(rows.len(), columns.collect())
}

/// Two informative columns, one of noise, one of few whole values, one constant.
pub(super) fn easy(task: Task, n_rows: usize) -> Fixture {
    let mut random = Random::new(11);
    let mut columns = vec![vec![]; 5];
    let (mut codes, mut values) = (vec![], vec![]);
    for _ in 0..n_rows {
        let (a, b) = (random.normal(), random.normal());
        let level = random.below(4) as f64;
        for (column, value) in columns.iter_mut().zip([a, b, random.normal(), level, 3.0]) {
            column.push(value as f32);
        }
        let score = 2.0 * a - b + 0.5 * level + 0.5 * random.normal();
        codes.push(match task {
            Task::Multiclass => u32::from(score > -0.5) + u32::from(score > 2.0),
            _ => u32::from(score > 0.75),
        });
        values.push(10.0 + 3.0 * score);
    }
    let target = match task {
        Task::Regression => Target::Real(values),
        Task::Binary => Target::Class { codes, n_classes: 2 },
        Task::Multiclass => Target::Class { codes, n_classes: 3 },
    };
    let n = n_rows as u32;
    Fixture {
        features: matrix(columns),
        target,
        weights: None,
        rows: (0..n * 3 / 5).collect(),
        validation: (n * 3 / 5..n * 4 / 5).collect(),
        test: (n * 4 / 5..n).collect(),
    }
}

/// A table of all rows for learning, from columns and a target that fits the task.
pub(super) fn table(task: Task, columns: Vec<Vec<f32>>, n_rows: usize, n_seen: usize) -> Fixture {
    let codes = (0..n_rows).map(|i| (i % n_seen) as u32).collect();
    let target = match task {
        Task::Regression => Target::Real((0..n_rows).map(|i| (i % n_seen) as f64).collect()),
        Task::Binary => Target::Class { codes, n_classes: 2 },
        Task::Multiclass => Target::Class { codes, n_classes: 3 },
    };
    let mut features = matrix(columns);
    features.n_rows = n_rows;
    let rows: Vec<u32> = (0..n_rows as u32).collect();
    Fixture { features, target, weights: None, test: rows.clone(), rows, validation: vec![] }
}

impl Fixture {
    /// What the learner may see.
    pub(super) fn train(&self) -> TrainView<'_> {
        TrainView {
            features: &self.features,
            target: &self.target,
            weights: self.weights.as_deref(),
            rows: &self.rows,
            validation: &self.validation,
        }
    }

    /// A fit with few rounds on one thread.
    pub(super) fn fit(&self, entry: &Entry) -> Result<Fitted> {
        entry.fit(&self.train(), &quick(entry), &context(1))
    }

    /// Predictions of the test rows.
    pub(super) fn predict(&self, fitted: &Fitted) -> Result<Predictions> {
        fitted.model.predict(&FeatureView::of(&self.features, &self.test), &context(1))
    }

    /// Mean log loss, or root mean squared error, of predictions of the test rows.
    pub(super) fn loss(&self, predictions: &Predictions) -> f64 {
        let losses = self.test.iter().enumerate().map(|(i, row)| {
            let (row, p) = (*row as usize, predictions.row(i));
            match &self.target {
                Target::Real(values) => (p[0] - values[row]).powi(2),
                Target::Class { codes, n_classes: 2 } => {
                    -(if codes[row] == 1 { p[0] } else { 1.0 - p[0] }).max(1e-15).ln()
                }
                Target::Class { codes, .. } => -p[codes[row] as usize].max(1e-15).ln(),
            }
        });
        losses.sum::<f64>() / self.test.len() as f64
    }
}

/// Fails unless predictions have the task's shape, are finite, and are probabilities where the
/// task says so.
pub(super) fn assert_valid(predictions: &Predictions, target: &Target, n_rows: usize, what: &str) {
    assert_eq!(predictions.n_outputs, target.n_outputs(), "{what}: outputs");
    assert_eq!(predictions.n_rows(), n_rows, "{what}: rows");
    for row in predictions.values.chunks_exact(predictions.n_outputs) {
        assert!(row.iter().all(|p| p.is_finite()), "{what}: {row:?}");
        if target.task().is_classification() {
            assert!(row.iter().all(|p| (0.0..=1.0).contains(p)), "{what}: {row:?}");
        }
        if target.task() == Task::Multiclass {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{what}: {row:?}");
        }
    }
}
