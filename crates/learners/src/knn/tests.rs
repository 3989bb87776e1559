//! Golden values against scikit-learn, ties, weights, and the draw of rows.

use modelwright_core::data::{FeatureColumn, FeatureMatrix, FeatureView};
use modelwright_core::params::Params;
use modelwright_core::random::Random;
use serde::Deserialize;

use super::*;
use crate::learner::Model;

#[derive(Deserialize)]
struct Golden {
    n_features: usize,
    x: Vec<f64>,
    queries: Vec<f64>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    task: String,
    n_neighbors: usize,
    weights: String,
    metric: String,
    y: Vec<f64>,
    predictions: Vec<f64>,
}

/// Row-major values as a matrix of columns.
fn matrix(values: &[f64], n_columns: usize) -> FeatureMatrix {
    let columns = (0..n_columns).map(|j| {
        let column = values.iter().skip(j).step_by(n_columns).map(|v| *v as f32).collect();
        FeatureColumn::dense(&format!("x{j}"), column)
    });
    FeatureMatrix::new(values.len() / n_columns, columns.collect())
}

fn fit(x: &FeatureMatrix, target: &Target, weights: Option<&[f64]>, params: KnnParams) -> KnnModel {
    let rows: Vec<u32> = (0..x.n_rows as u32).collect();
    let train = TrainView { features: x, target, weights, rows: &rows, validation: &[] };
    let model = Knn::fit(&train, &params.check("knn").unwrap(), &Context::unlimited(5, 2)).unwrap();
    model.validate().unwrap();
    model
}

fn predict(model: &KnnModel, x: &FeatureMatrix, threads: usize) -> Vec<f64> {
    model.predict(&FeatureView::all(x), &Context::unlimited(0, threads)).unwrap().values
}

#[test]
fn predictions_are_those_of_scikit_learn() {
    let golden: Golden =
        toml::from_str(include_str!("../../../../testdata/learners/knn.toml")).unwrap();
    assert!(golden.case.len() >= 8);
    let x = matrix(&golden.x, golden.n_features);
    let queries = matrix(&golden.queries, golden.n_features);
    for case in &golden.case {
        let codes: Vec<u32> = case.y.iter().map(|y| *y as u32).collect();
        let target = match case.task.as_str() {
            "regression" => Target::Real(case.y.clone()),
            "binary" => Target::Class { codes, n_classes: 2 },
            _ => Target::Class { codes, n_classes: 3 },
        };
        let params = KnnParams {
            n_neighbors: case.n_neighbors,
            weights: case.weights.clone(),
            metric: case.metric.clone(),
            smoothing: 0.0,
            ..KnnParams::default()
        };
        let found = predict(&fit(&x, &target, None, params), &queries, 1);
        assert_eq!(found.len(), case.predictions.len(), "{}", case.name);
        for (found, wanted) in found.iter().zip(&case.predictions) {
            assert!((found - wanted).abs() < 2e-6, "{}: {found} {wanted}", case.name);
        }
    }
}

/// `n` rows of `p` normal features.
fn normal(n: usize, p: usize, seed: u64) -> FeatureMatrix {
    let mut random = Random::new(seed);
    matrix(&(0..n * p).map(|_| random.normal()).collect::<Vec<f64>>(), p)
}

/// The mean of the `k` nearest by the definition, ties in row order.
fn by_definition(x: &FeatureMatrix, y: &[f64], query: &FeatureMatrix, at: usize, k: usize) -> f64 {
    let mut all: Vec<(f32, usize)> = (0..x.n_rows)
        .map(|row| {
            let terms = x.columns.iter().zip(&query.columns);
            let sum = terms.fold(0.0_f32, |sum, (a, b)| {
                let d = a.values[row] - b.values[at];
                sum + d * d
            });
            (sum, row)
        })
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all[..k].iter().map(|(_, row)| y[*row]).sum::<f64>() / k as f64
}

#[test]
fn the_nearest_of_many_rows_are_found_whatever_the_threads() {
    let (x, queries) = (normal(5000, 6, 1), normal(300, 6, 2));
    let y: Vec<f64> = (0..5000).map(f64::from).collect();
    let params = KnnParams { n_neighbors: 7, weights: "uniform".into(), ..KnnParams::default() };
    let model = fit(&x, &Target::Real(y.clone()), None, params);
    let found = predict(&model, &queries, 1);
    assert_eq!(found, predict(&model, &queries, 4));
    for (at, found) in found.iter().enumerate() {
        let wanted = by_definition(&x, &y, &queries, at, 7);
        assert!((found - wanted).abs() < 1e-9, "{at}: {found} {wanted}");
    }
}

#[test]
fn ties_go_to_the_earlier_rows() {
    let x = matrix(&[1.0; 200], 1);
    let y: Vec<f64> = (0..200).map(f64::from).collect();
    for n_neighbors in [1, 3, 40] {
        let params = KnnParams { n_neighbors, ..KnnParams::default() };
        let found = predict(&fit(&x, &Target::Real(y.clone()), None, params), &x, 1);
        assert!((found[150] - (n_neighbors as f64 - 1.0) / 2.0).abs() < 1e-12, "{}", found[150]);
    }
}

#[test]
fn a_row_of_weight_three_is_three_rows_and_the_last_neighbour_counts_in_part() {
    let x = matrix(&[0.0, 1.0, 2.0, 9.0], 1);
    let target = Target::Real(vec![10.0, 20.0, 60.0, 1e6]);
    let params = KnnParams { n_neighbors: 3, weights: "uniform".into(), ..KnnParams::default() };
    let query = matrix(&[-1.0], 1);
    let weights = [1.0, 3.0, 1.0, 1.0];
    let found = predict(&fit(&x, &target, Some(&weights), params.clone()), &query, 1);
    assert!((found[0] - 50.0 / 3.0).abs() < 1e-12, "one of 10 and two of 20: {found:?}");
    let weights = [0.5, 0.5, 0.0, 0.5];
    let found = predict(&fit(&x, &target, Some(&weights), params), &query, 1);
    assert!((found[0] - (30.0 + 1e6) / 3.0).abs() < 1e-6, "all that there are: {found:?}");
}

#[test]
fn smoothing_leaves_every_class_a_chance() {
    let x = matrix(&[0.0, 0.1, 0.2, 5.0], 1);
    let target = Target::Class { codes: vec![0, 0, 0, 1], n_classes: 2 };
    let params = KnnParams { n_neighbors: 3, smoothing: 1.0, ..KnnParams::default() };
    let found = predict(&fit(&x, &target, None, params), &matrix(&[0.05], 1), 1);
    // Of three votes none, and a quarter of the one that is shared out.
    assert!((found[0] - 0.25 / 4.0).abs() < 1e-12, "{found:?}");
}

#[test]
fn of_too_many_rows_some_are_drawn() {
    let x = normal(500, 2, 3);
    let target = Target::Real((0..500).map(f64::from).collect());
    let params = KnnParams { max_rows: 60, ..KnnParams::default() };
    let model = fit(&x, &target, None, params.clone());
    assert_eq!(model.n_rows(), 60);
    assert_eq!(model, fit(&x, &target, None, params));
    assert_eq!(model.n_neighbors(), 5.0);
    assert_eq!(fit(&x, &target, None, KnnParams::default()).n_neighbors(), 12.0);
}
