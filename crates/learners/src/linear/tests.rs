//! Golden values against scikit-learn, and the behaviour of the whole learner.

use modelwright_core::data::{FeatureColumn, FeatureMatrix, FeatureView, SparseColumns};
use modelwright_core::params::Params;
use modelwright_core::task::Target;
use serde::Deserialize;

use super::*;
use crate::learner::Model;

#[derive(Deserialize)]
struct Golden {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    task: String,
    penalty: f64,
    l1_ratio: f64,
    x: Vec<f64>,
    y: Vec<f64>,
    weights: Vec<f64>,
    coefficients: Vec<f64>,
    predictions: Vec<f64>,
}

/// Row-major values as a matrix of columns `x0`, `x1`, ….
fn matrix(values: &[f64], n_columns: usize) -> FeatureMatrix {
    let columns = (0..n_columns).map(|j| {
        let column = values.iter().skip(j).step_by(n_columns).map(|v| *v as f32).collect();
        FeatureColumn::dense(&format!("x{j}"), column)
    });
    FeatureMatrix::new(values.len() / n_columns, columns.collect())
}

fn all_rows(n: usize) -> Vec<u32> {
    (0..n as u32).collect()
}

fn fit(features: &FeatureMatrix, target: &Target, params: LinearParams) -> Result<LinearModel> {
    let rows = all_rows(features.n_rows);
    let train = TrainView { features, target, weights: None, rows: &rows, validation: &[] };
    Linear::fit(&train, &params.check("linear")?, &Context::unlimited(0, 2))
}

fn one_penalty(penalty: f64) -> LinearParams {
    LinearParams { path_steps: 1, path_start: penalty, ..LinearParams::default() }
}

fn close(found: &[f64], wanted: &[f64], tolerance: f64) -> bool {
    found.len() == wanted.len()
        && found.iter().zip(wanted).all(|(f, w)| (f - w).abs() <= tolerance * w.abs().max(1.0))
}

#[test]
fn coefficients_and_predictions_agree_with_scikit_learn() {
    let golden: Golden =
        toml::from_str(include_str!("../../../../testdata/learners/linear.toml")).unwrap();
    assert!(golden.case.len() >= 10);
    for case in &golden.case {
        let n_rows = case.weights.len();
        let features = matrix(&case.x, case.x.len() / n_rows);
        let classes = case.y.iter().map(|y| *y as u32).collect::<Vec<_>>();
        let target = match case.task.as_str() {
            "regression" => Target::Real(case.y.clone()),
            _ => Target::Class {
                n_classes: *classes.iter().max().unwrap() as usize + 1,
                codes: classes,
            },
        };
        assert_eq!(target.task().name(), case.task);
        let params = LinearParams {
            l1_ratio: case.l1_ratio,
            tolerance: 1e-15,
            max_iterations: 10_000,
            ..one_penalty(case.penalty)
        };
        let rows = all_rows(n_rows);
        let weights = Some(case.weights.as_slice());
        let train = TrainView {
            features: &features,
            target: &target,
            weights,
            rows: &rows,
            validation: &[],
        };
        let ctx = Context::unlimited(0, 1);
        let model = Linear::fit(&train, &params.check("linear").unwrap(), &ctx).unwrap();
        let found: Vec<f64> =
            (0..model.n_outputs()).flat_map(|k| model.coefficients(k).to_vec()).collect();
        assert!(
            close(&found, &case.coefficients, 1e-5),
            "{}: {found:?} is not {:?}",
            case.name,
            case.coefficients
        );
        let predictions = model.predict(&FeatureView::all(&features), &ctx).unwrap();
        assert!(close(&predictions.values, &case.predictions, 1e-5), "{}", case.name);
    }
}
