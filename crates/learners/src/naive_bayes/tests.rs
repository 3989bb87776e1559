//! Golden values against scikit-learn, categories in both forms, missing values.

use modelwright_core::data::{FeatureColumn, FeatureMatrix, FeatureView};
use modelwright_core::params::Params;
use serde::Deserialize;

use super::*;
use crate::learner::Model;

#[derive(Deserialize)]
struct Golden {
    real: Vec<f64>,
    levels: Vec<f64>,
    query_real: Vec<f64>,
    query_levels: Vec<f64>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    kinds: String,
    n_classes: usize,
    alpha: f64,
    y: Vec<u32>,
    weights: Vec<f64>,
    predictions: Vec<f64>,
}

/// Row-major values as columns.
fn columns(values: &[f64], n_columns: usize, is_category: bool) -> Vec<FeatureColumn> {
    let column = |j: usize| {
        let values = values.iter().skip(j).step_by(n_columns).map(|v| *v as f32).collect();
        let name = format!("{}{j}", if is_category { "c" } else { "x" });
        FeatureColumn { is_category, ..FeatureColumn::dense(&name, values) }
    };
    (0..n_columns).map(column).collect()
}

fn matrix(columns: Vec<FeatureColumn>) -> FeatureMatrix {
    FeatureMatrix::new(columns[0].values.len(), columns)
}

/// Categories as a column per level.
fn one_hot(columns: Vec<FeatureColumn>) -> Vec<FeatureColumn> {
    let of = |column: FeatureColumn| {
        (0..4).map(move |level| FeatureColumn {
            source: column.name.clone(),
            ..FeatureColumn::dense(
                &format!("{}={level}", column.name),
                column.values.iter().map(|v| f32::from(u8::from(*v == level as f32))).collect(),
            )
        })
    };
    columns.into_iter().flat_map(of).collect()
}

fn fit(
    x: &FeatureMatrix,
    target: &Target,
    weights: Option<&[f64]>,
    params: NaiveBayesParams,
) -> NaiveBayesModel {
    let rows: Vec<u32> = (0..x.n_rows as u32).collect();
    let train = TrainView { features: x, target, weights, rows: &rows, validation: &[] };
    let params = params.check("naive_bayes").unwrap();
    let model = NaiveBayes::fit(&train, &params, &Context::unlimited(0, 2)).unwrap();
    model.validate().unwrap();
    model
}

fn predict(model: &NaiveBayesModel, x: &FeatureMatrix) -> Vec<f64> {
    model.predict(&FeatureView::all(x), &Context::unlimited(0, 1)).unwrap().values
}

#[test]
fn probabilities_are_those_of_scikit_learn() {
    let golden: Golden =
        toml::from_str(include_str!("../../../../testdata/learners/naive_bayes.toml")).unwrap();
    assert!(golden.case.len() >= 12);
    for case in &golden.case {
        let parts = |real: &[f64], levels: &[f64]| match case.kinds.as_str() {
            "real" => columns(real, 3, false),
            "levels" => columns(levels, 2, true),
            _ => [columns(real, 3, false), columns(levels, 2, true)].concat(),
        };
        let x = matrix(parts(&golden.real, &golden.levels));
        let queries = matrix(parts(&golden.query_real, &golden.query_levels));
        let target = Target::Class { codes: case.y.clone(), n_classes: case.n_classes };
        let params =
            NaiveBayesParams { alpha: case.alpha, var_smoothing: 1e-12, ..Default::default() };
        let found = predict(&fit(&x, &target, Some(&case.weights), params), &queries);
        assert_eq!(found.len(), case.predictions.len(), "{}", case.name);
        for (found, wanted) in found.iter().zip(&case.predictions) {
            assert!((found - wanted).abs() < 1e-7, "{}: {found} {wanted}", case.name);
        }
    }
}

#[test]
fn one_hot_columns_of_a_category_are_that_category() {
    let golden: Golden =
        toml::from_str(include_str!("../../../../testdata/learners/naive_bayes.toml")).unwrap();
    let case = golden.case.iter().find(|c| c.name == "multiclass levels plain").unwrap();
    // The first category alone: it has the four levels that there are columns for.
    let first: Vec<f64> = golden.levels.iter().step_by(2).copied().collect();
    let target = Target::Class { codes: case.y.clone(), n_classes: 3 };
    let coded = matrix(columns(&first, 1, true));
    let hot = matrix(one_hot(columns(&first, 1, true)));
    let params = NaiveBayesParams::default;
    let of_code = predict(&fit(&coded, &target, None, params()), &coded);
    // Every row has a 1, so that there is no fifth level.
    let of_hot = predict(&fit(&hot, &target, None, params()), &hot);
    for (a, b) in of_code.iter().zip(&of_hot) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}

#[test]
fn a_missing_or_unknown_value_says_nothing() {
    let x = matrix(
        [
            columns(&[0.0, 1.0, 2.0, 7.0, 8.0, f64::NAN], 1, false),
            columns(&[0.0, 0.0, 1.0, 1.0, f64::NAN, 1.0], 1, true),
        ]
        .concat(),
    );
    let target = Target::Class { codes: vec![0, 0, 0, 1, 1, 1], n_classes: 2 };
    let weights = [1.0, 1.0, 2.0, 1.0, 1.0, 1.0];
    let model = fit(&x, &target, Some(&weights), NaiveBayesParams::default());
    let nothing = [columns(&[f64::NAN; 2], 1, false), columns(&[f64::NAN, 5.0], 1, true)];
    let found = predict(&model, &matrix(nothing.concat()));
    assert!(found.iter().all(|p| (p - 3.0 / 7.0).abs() < 1e-12), "{found:?}");
    // Rows without the category count for the number and for the shares of the classes alone.
    let level = [columns(&[f64::NAN], 1, false), columns(&[1.0], 1, true)];
    let found = predict(&model, &matrix(level.concat()));
    let (of_0, of_1) = (4.0 / 7.0 * (2.0 + 1.0) / 6.0, 3.0 / 7.0 * (2.0 + 1.0) / 4.0);
    assert!((found[0] - of_1 / (of_0 + of_1)).abs() < 1e-12, "{found:?}");
}

#[test]
fn without_a_prior_classes_are_alike() {
    let x = matrix(columns(&[0.0, 1.0, 0.0, 1.0, 0.0, 1.0], 1, true));
    let target = Target::Class { codes: vec![0, 0, 0, 0, 1, 1], n_classes: 3 };
    let params = NaiveBayesParams { fit_prior: false, ..Default::default() };
    let found = predict(&fit(&x, &target, None, params), &x);
    assert_eq!(found[..3], [0.5, 0.5, 0.0], "a class without rows has no chance");
}
