//! Golden values against scikit-learn, and the behaviour of the whole learner.

use std::sync::Arc;

use modelwright_core::data::{FeatureColumn, FeatureMatrix, FeatureView, SparseColumns};
use modelwright_core::params::Params;
use modelwright_core::random::Random;
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

/// `n` rows of two columns and a target that is linear in them.
fn line(n: usize) -> (FeatureMatrix, Vec<f64>) {
    let mut random = Random::new(5);
    let (mut x, mut y) = (vec![], vec![]);
    for _ in 0..n {
        let (a, b) = (random.normal(), random.normal());
        x.extend([a, b]);
        y.push(3.0 * f64::from(a as f32) - 2.0 * f64::from(b as f32) + 100.0);
    }
    (matrix(&x, 2), y)
}

#[test]
fn predictions_stay_near_the_range_of_the_training_target() {
    let (features, y) = line(200);
    let high = y.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let low = y.iter().copied().fold(f64::INFINITY, f64::min);
    let model = fit(&features, &Target::Real(y), one_penalty(1e-9)).unwrap();
    let far = matrix(&[1e6, 0.0, 0.0, 1e6], 2);
    let found = model.predict(&FeatureView::all(&far), &Context::unlimited(0, 1)).unwrap();
    let margin = 0.1 * (high - low);
    assert!(close(&found.values, &[high + margin, low - margin], 1e-9), "{found:?}");
}

#[test]
fn unscaled_features_are_learned_as_well_as_scaled_ones() {
    let (features, y) = line(300);
    let stretched =
        features.columns.iter().zip([(1e6_f32, 0.0), (1e-4, 30.0)]).map(|(c, (k, o))| {
            FeatureColumn::dense(&c.name, c.values.iter().map(|v| v * k + o).collect())
        });
    let stretched = FeatureMatrix::new(300, stretched.collect());
    let ctx = Context::unlimited(0, 1);
    for params in [one_penalty(0.01), LinearParams { l1_ratio: 0.5, ..one_penalty(0.01) }] {
        let target = Target::Real(y.clone());
        let plain = fit(&features, &target, params.clone()).unwrap();
        let scaled = fit(&stretched, &target, params).unwrap();
        let a = plain.predict(&FeatureView::all(&features), &ctx).unwrap();
        let b = scaled.predict(&FeatureView::all(&stretched), &ctx).unwrap();
        // 30 + 1e-4 x keeps about five digits of x in f32.
        assert!(close(&a.values, &b.values, 1e-3));
    }
}

#[test]
fn the_iterative_solver_agrees_with_the_exact_one() {
    let (features, mut y) = line(700);
    let mut random = Random::new(6);
    for y in &mut y {
        *y += random.normal();
    }
    let target = Target::Real(y);
    for l1_ratio in [0.0, 0.5] {
        let params = LinearParams { l1_ratio, tolerance: 1e-14, ..one_penalty(0.05) };
        let exact = fit(&features, &target, params.clone()).unwrap();
        // An empty sparse block keeps the learner from the Gram matrix.
        let mut with_sparse = features.clone();
        with_sparse.sparse = Some(Arc::new(SparseColumns {
            n_columns: 1,
            row_starts: vec![0; 701],
            ..SparseColumns::default()
        }));
        let iterative = fit(&with_sparse, &target, params).unwrap();
        assert!(close(iterative.coefficients(0), exact.coefficients(0), 1e-5), "{l1_ratio}");
        assert_eq!(iterative.sparse_coefficients(0), [0.0]);
    }
}

#[test]
fn the_exact_solvers_agree_where_both_apply() {
    let (features, y) = line(300);
    let target = Target::Real(y);
    let tight = LinearParams { tolerance: 1e-16, max_iterations: 100_000, ..one_penalty(0.1) };
    let cholesky = fit(&features, &target, tight.clone()).unwrap();
    let descent = fit(&features, &target, LinearParams { l1_ratio: 1e-12, ..tight }).unwrap();
    assert!(close(cholesky.coefficients(0), descent.coefficients(0), 1e-6));
}

#[test]
fn sparse_columns_are_learned_from_like_dense_ones() {
    // One word per row; the class is whether it is an even word.
    let n_rows = 400;
    let words: Vec<u32> = (0..n_rows).map(|i| (i * 7 % 10) as u32).collect();
    let mut features = FeatureMatrix::new(n_rows, vec![]);
    features.sparse = Some(Arc::new(SparseColumns {
        n_columns: 10,
        row_starts: (0..=n_rows as u64).collect(),
        indices: words.clone(),
        values: vec![1.0; n_rows],
        sources: vec!["text".into(); 10],
    }));
    let codes: Vec<u32> = words.iter().map(|w| 1 - w % 2).collect();
    let target = Target::Class { codes: codes.clone(), n_classes: 2 };
    let ctx = Context::unlimited(0, 2);
    for l1_ratio in [0.0, 0.5] {
        let params = LinearParams { l1_ratio, ..one_penalty(1e-3) };
        let model = fit(&features, &target, params).unwrap();
        let signs: Vec<bool> = model.sparse_coefficients(0).iter().map(|c| *c > 0.0).collect();
        assert_eq!(signs, (0..10).map(|w| w % 2 == 0).collect::<Vec<_>>());
        let found = model.predict(&FeatureView::all(&features), &ctx).unwrap();
        assert_eq!(found.classes(0.5), codes);
        let mut without = features.clone();
        without.sparse = None;
        assert!(model.predict(&FeatureView::all(&without), &ctx).is_err());
    }
}

#[test]
fn a_strong_one_norm_leaves_only_the_features_that_matter() {
    let mut random = Random::new(8);
    let n = 500;
    let x: Vec<f64> = (0..n * 6).map(|_| random.normal()).collect();
    let features = matrix(&x, 6);
    let score: Vec<f64> = x.chunks_exact(6).map(|r| 2.0 * r[1] - r[4]).collect();
    let noise: Vec<f64> = (0..n).map(|_| random.normal()).collect();
    let binary = score.iter().zip(&noise).map(|(s, e)| u32::from(s + e > 0.0)).collect();
    let targets = [
        Target::Real(score.iter().zip(&noise).map(|(s, e)| s + e).collect()),
        Target::Class { codes: binary, n_classes: 2 },
    ];
    for target in targets {
        let params = LinearParams { l1_ratio: 1.0, ..one_penalty(0.08) };
        let model = fit(&features, &target, params).unwrap();
        let kept: Vec<bool> = model.coefficients(0).iter().map(|c| *c != 0.0).collect();
        assert_eq!(kept, [false, true, false, false, true, false], "{:?}", target.task());
    }
}

#[test]
fn validation_rows_choose_a_strong_penalty_for_noise_and_a_weak_one_for_signal() {
    let mut random = Random::new(9);
    let (n, p) = (300, 60);
    let x: Vec<f64> = (0..n * p).map(|_| random.normal()).collect();
    let features = matrix(&x, p);
    let noise: Vec<f64> = (0..n).map(|_| random.normal()).collect();
    let signal: Vec<f64> = x.chunks_exact(p).map(|r| r.iter().sum::<f64>()).collect();
    let (rows, validation): (Vec<u32>, Vec<u32>) = all_rows(n).into_iter().partition(|r| r % 3 > 0);
    let penalty = |y: &[f64]| {
        let target = Target::Real(y.to_vec());
        let train = TrainView {
            features: &features,
            target: &target,
            weights: None,
            rows: &rows,
            validation: &validation,
        };
        let params = LinearParams::default().check("linear").unwrap();
        Linear::fit(&train, &params, &Context::unlimited(0, 1)).unwrap().penalty()
    };
    assert!(penalty(&noise) > 0.3, "{}", penalty(&noise));
    assert!(penalty(&signal) < 1e-3, "{}", penalty(&signal));
}

#[test]
fn classes_that_training_lacks_are_improbable_and_do_not_disturb_the_judge() {
    let (features, y) = line(90);
    // Class 1 of 4 occurs in no training row but in one validation row.
    let mut codes: Vec<u32> = y.iter().map(|y| if *y > 100.0 { 3 } else { 0 }).collect();
    codes[..10].fill(2);
    codes[80] = 1;
    let target = Target::Class { codes, n_classes: 4 };
    let (rows, validation) = (all_rows(60), (60..90).collect::<Vec<u32>>());
    let train = TrainView {
        features: &features,
        target: &target,
        weights: None,
        rows: &rows,
        validation: &validation,
    };
    let ctx = Context::unlimited(0, 1);
    let params = LinearParams::default().check("linear").unwrap();
    let model = Linear::fit(&train, &params, &ctx).unwrap();
    let found = model.predict(&FeatureView::all(&features), &ctx).unwrap();
    assert!((0..90).all(|i| found.row(i)[1] < 1e-9));
    assert!((10..60).all(|i| found.row(i)[3] + found.row(i)[0] > 0.3));
}

#[test]
fn targets_beyond_reason_are_refused_with_their_row() {
    let (features, mut y) = line(20);
    y[3] = 1e200;
    let error = fit(&features, &Target::Real(y), LinearParams::default()).unwrap_err();
    assert!(error.to_string().contains("row 4"), "{error}");
}

#[test]
fn repeated_columns_share_their_coefficient_even_without_a_penalty_to_speak_of() {
    let (features, y) = line(100);
    let columns = [0, 0, 1].map(|j| features.columns[j].clone()).to_vec();
    let features = FeatureMatrix::new(100, columns);
    let model = fit(&features, &Target::Real(y.clone()), one_penalty(1e-12)).unwrap();
    assert!((model.coefficients(0)[..2].iter().sum::<f64>() - 3.0).abs() < 1e-3);
    let found = model.predict(&FeatureView::all(&features), &Context::unlimited(0, 1)).unwrap();
    assert!(close(&found.values, &y, 1e-4), "{:?}", model.coefficients(0));
}

#[test]
fn more_columns_than_the_gram_matrix_takes_are_solved_iteratively() {
    let (n, p) = (120, 1100);
    let mut random = Random::new(12);
    let x: Vec<f64> = (0..n * p).map(|_| random.normal()).collect();
    let y: Vec<f64> = x.chunks_exact(p).map(|row| 5.0 * row[3] + 1.0).collect();
    let features = matrix(&x, p);
    let params = LinearParams { tolerance: 1e-10, ..one_penalty(0.01) };
    let model = fit(&features, &Target::Real(y.clone()), params).unwrap();
    let found = model.predict(&FeatureView::all(&features), &Context::unlimited(0, 1)).unwrap();
    // Ridge with p > n nearly interpolates: what is left of the target is about λ n / p of it.
    assert!(close(&found.values, &y, 0.05));
}

#[test]
fn a_row_of_weight_two_is_the_row_twice_even_with_more_columns_than_rows() {
    let mut random = Random::new(11);
    let (n_rows, n_columns) = (15, 30);
    let x: Vec<f64> = (0..n_rows * n_columns).map(|_| random.unit()).collect();
    let features = matrix(&x, n_columns);
    let times: Vec<u32> = (0..n_rows as u32).map(|i| i % 4).collect();
    let weights: Vec<f64> = times.iter().map(|t| f64::from(*t)).collect();
    let twice: Vec<u32> = (0..n_rows as u32)
        .flat_map(|i| std::iter::repeat_n(i, times[i as usize] as usize))
        .collect();
    let classes = |n: u32| Target::Class {
        codes: (0..n_rows as u32).map(|i| i * 7 % n).collect(),
        n_classes: n as usize,
    };
    let real = Target::Real((0..n_rows).map(|i| (i * 7 % 11) as f64).collect());
    for target in [real, classes(2), classes(3)] {
        let fit = |rows: &[u32], weights: Option<&[f64]>| {
            let train =
                TrainView { features: &features, target: &target, weights, rows, validation: &[] };
            let params = LinearParams::default().check("linear").unwrap();
            let ctx = Context::unlimited(0, 1);
            let model = Linear::fit(&train, &params, &ctx).unwrap();
            model.predict(&FeatureView::all(&features), &ctx).unwrap().values
        };
        let (weighted, repeated) = (fit(&all_rows(n_rows), Some(&weights)), fit(&twice, None));
        assert!(close(&weighted, &repeated, 1e-8), "{weighted:?} {repeated:?}");
    }
}
