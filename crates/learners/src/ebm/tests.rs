//! What the tables say, that explanations are exact, and that directions hold.

use std::sync::Arc;

use modelwright_core::data::{BinnedColumn, FeatureColumn, FeatureMatrix, FeatureView};
use modelwright_core::params::Params;
use modelwright_core::random::Random;
use modelwright_core::task::Target;
use proptest::prelude::*;

use super::*;
use crate::learner::Model;

/// A column of numbers with a bin for each tenth, missing where NaN.
fn numbers(name: &str, values: Vec<f32>) -> FeatureColumn {
    let cuts: Vec<f32> = (-30..30).map(|i| i as f32 / 10.0).collect();
    let code = |v: &f32| {
        let bin = if v.is_nan() { cuts.len() + 1 } else { cuts.partition_point(|c| c < v) };
        bin as u8
    };
    let bins = BinnedColumn { codes: values.iter().map(code).collect(), cuts: cuts.clone() };
    FeatureColumn { bins: Some(Arc::new(bins)), ..FeatureColumn::dense(name, values) }
}

fn levels(name: &str, values: Vec<f32>) -> FeatureColumn {
    let bins = BinnedColumn::of_levels(&values).unwrap();
    let column = FeatureColumn::dense(name, values);
    FeatureColumn { bins: Some(Arc::new(bins)), is_category: true, ..column }
}

/// `n` rows of four normal features, of which the last is missing now and then, and a category.
pub(super) fn features(n: usize, seed: u64) -> FeatureMatrix {
    let mut random = Random::new(seed);
    let mut columns: Vec<Vec<f32>> = vec![Vec::new(); 5];
    for _ in 0..n {
        for column in &mut columns[..4] {
            column.push(random.normal().clamp(-2.9, 2.9) as f32);
        }
        if random.below(6) == 0 {
            columns[3].pop();
            columns[3].push(f32::NAN);
        }
        columns[4].push(random.below(7) as f32);
    }
    let category = columns.pop().unwrap();
    let columns = columns.into_iter().enumerate();
    let mut columns: Vec<_> = columns.map(|(j, v)| numbers(&format!("x{j}"), v)).collect();
    columns.push(levels("c", category));
    FeatureMatrix::new(n, columns)
}

pub(super) fn fit_in(
    x: &FeatureMatrix,
    target: &Target,
    params: EbmParams,
    threads: usize,
) -> EbmModel {
    let rows: Vec<u32> = (0..x.n_rows as u32).collect();
    let train = TrainView { features: x, target, weights: None, rows: &rows, validation: &[] };
    let ctx = Context::unlimited(3, threads);
    Ebm::fit(&train, &params.check("ebm").unwrap(), &ctx).unwrap()
}

/// A machine that learns fast, of few bags.
pub(super) fn quick() -> EbmParams {
    EbmParams {
        learning_rate: 0.1,
        outer_bags: 2,
        smoothing_rounds: 5,
        early_stopping_rounds: 20,
        ..EbmParams::default()
    }
}

/// The values of a row as f64.
pub(super) fn row(x: &FeatureMatrix, row: usize) -> [f64; 5] {
    std::array::from_fn(|j| f64::from(x.columns[j].values[row]))
}

/// `2 x0 + x1²`, a jump where x3 is missing, and an effect of three levels.
fn additive(x: &FeatureMatrix) -> Vec<f64> {
    let of = |i: usize| {
        let [a, b, _, d, c] = row(x, i);
        2.0 * a + b * b + if d.is_nan() { 3.0 } else { 0.0 } + if c < 3.0 { 1.0 } else { 0.0 }
    };
    (0..x.n_rows).map(of).collect()
}

fn term<'a>(model: &'a EbmModel, features: &[usize]) -> Option<&'a Term> {
    model.terms().iter().find(|t| model.features(t).collect::<Vec<_>>() == features)
}

#[test]
fn a_sum_of_functions_is_found_function_by_function() {
    let x = features(3000, 1);
    let y = additive(&x);
    let model = fit_in(&x, &Target::Real(y.clone()), quick(), 2);
    let ctx = Context::unlimited(0, 1);
    let predicted = model.predict(&FeatureView::all(&x), &ctx).unwrap().values;
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let error: f64 = predicted.iter().zip(&y).map(|(p, y)| (p - y).powi(2)).sum();
    let spread: f64 = y.iter().map(|y| (y - mean).powi(2)).sum();
    assert!(error < 0.02 * spread, "{}", error / spread);
    assert!((model.intercepts()[0] - mean).abs() < 0.1);
    let line = term(&model, &[0]).unwrap().values(0);
    // Bin 20 ends at -1, bin 50 at 2.
    assert!((line[50] - line[20] - 6.0).abs() < 0.5, "{line:?}");
    let missing = term(&model, &[3]).unwrap().values(0);
    assert!((missing[61] - missing[30] - 3.0).abs() < 0.3, "{missing:?}");
    let of_levels = term(&model, &[4]).unwrap().values(0);
    assert!((of_levels[0] - of_levels[6] - 1.0).abs() < 0.2, "{of_levels:?}");
    assert_eq!(of_levels[7], 0.0, "training has no missing level");
    assert_eq!(model.cuts(4), [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]);
    let importance = |f: usize| term(&model, &[f]).map_or(0.0, Term::importance);
    assert!(importance(0) > importance(4) && importance(4) > importance(2));
}

#[test]
fn a_pair_that_says_more_together_is_found_first_and_learned() {
    let x = features(3000, 2);
    let sign = |i: usize| {
        let [a, _, c, ..] = row(&x, i);
        if (a > 0.0) == (c > 0.3) { 1.0 } else { -1.0 }
    };
    let y: Vec<f64> = (0..x.n_rows).map(sign).collect();
    let error = |interactions: f64| {
        let params = EbmParams { interactions, ..quick() };
        let model = fit_in(&x, &Target::Real(y.clone()), params, 2);
        let ctx = Context::unlimited(0, 1);
        let predicted = model.predict(&FeatureView::all(&x), &ctx).unwrap().values;
        let squares = predicted.iter().zip(&y).map(|(p, y)| (p - y).powi(2));
        (squares.sum::<f64>() / y.len() as f64, model)
    };
    let (alone, model) = error(0.0);
    assert!(model.terms().iter().all(|t| t.shape().len() == 1) && alone > 0.9);
    // A fifth of five features is one pair.
    let (together, model) = error(0.2);
    let pairs: Vec<&Term> = model.terms().iter().filter(|t| t.shape().len() == 2).collect();
    assert_eq!(pairs.len(), 1);
    assert_eq!(model.features(pairs[0]).collect::<Vec<_>>(), [0, 2]);
    assert!(together < 0.15, "{together} {alone}");
    let groups = pairs[0].groups(0).unwrap();
    assert_eq!(groups.len(), model.cuts(0).len() + 2);
    assert!(groups[..61].windows(2).all(|w| w[0] <= w[1]));
    assert!(pairs[0].importance() > 0.5);
}

fn targets(x: &FeatureMatrix) -> [Target; 3] {
    let score: Vec<f64> = (0..x.n_rows)
        .map(|i| {
            let [a, b, c, _, e] = row(x, i);
            a * b + c + 0.3 * e - 1.0
        })
        .collect();
    let class = |s: &f64| u32::from(*s > 0.0) + u32::from(*s > 1.0);
    let codes: Vec<u32> = score.iter().map(class).collect();
    let binary = codes.iter().map(|c| (*c).min(1)).collect();
    [
        Target::Real(score),
        Target::Class { codes: binary, n_classes: 2 },
        Target::Class { codes, n_classes: 3 },
    ]
}

#[test]
fn contributions_and_intercept_sum_to_the_score_of_each_row() {
    let x = features(800, 3);
    let ctx = Context::unlimited(0, 2);
    for target in targets(&x) {
        let model = fit_in(&x, &target, EbmParams { interactions: 0.6, ..quick() }, 2);
        assert!(model.terms().iter().any(|t| t.shape().len() == 2), "a pair is among them");
        let view = FeatureView::all(&x);
        let scores = model.scores(&view, &ctx).unwrap();
        let parts = model.contributions(&view, &ctx).unwrap();
        let n_terms = model.terms().len();
        assert_eq!(parts.len(), scores.len() * n_terms);
        for (i, (score, parts)) in scores.iter().zip(parts.chunks_exact(n_terms)).enumerate() {
            let sum = model.intercepts()[i % model.n_outputs()] + parts.iter().sum::<f64>();
            assert!((sum - score).abs() < 1e-9, "{sum} {score}");
        }
        // Functions are centred, so that scores have the mean of the intercepts.
        for (output, intercept) in model.intercepts().iter().enumerate() {
            let of_output = scores.iter().skip(output).step_by(model.n_outputs());
            let mean = of_output.sum::<f64>() / x.n_rows as f64;
            assert!((mean - intercept).abs() < 1e-9, "{mean} {intercept}");
        }
    }
}

#[test]
fn levels_and_missing_values_that_training_lacks_say_nothing() {
    let x = features(800, 4);
    let [target, ..] = targets(&x);
    let model = fit_in(&x, &target, quick(), 1);
    let mut columns: Vec<Vec<f32>> = (0..4).map(|_| vec![f32::NAN]).collect();
    columns.push(vec![9.0]);
    let new = columns.into_iter().enumerate();
    let new = new.map(|(j, v)| FeatureColumn::dense(&format!("x{j}"), v)).collect();
    let new = FeatureMatrix::new(1, new);
    let parts = model.contributions(&FeatureView::all(&new), &Context::unlimited(0, 1)).unwrap();
    for (part, term) in parts.iter().zip(model.terms()) {
        let knows = model.features(term).all(|f| f == 3);
        assert!(knows || *part == 0.0, "{:?}: {part}", model.features(term).collect::<Vec<_>>());
    }
}

#[test]
fn several_classes_have_no_direction() {
    let x = features(60, 5);
    let [.., target] = targets(&x);
    let rows: Vec<u32> = (0..60).collect();
    let train =
        TrainView { features: &x, target: &target, weights: None, rows: &rows, validation: &[] };
    let params = EbmParams { monotone: "x0:1".into(), ..quick() }.check("ebm").unwrap();
    let error = Ebm::fit(&train, &params, &Context::unlimited(0, 1)).unwrap_err().to_string();
    assert!(error.contains("monotone"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_feature_with_a_direction_never_acts_against_it(
        seed in 0_u64..1000,
        direction in prop::sample::select(vec![-1_i8, 1]),
        max_leaves in 2_usize..5,
        binary in any::<bool>(),
    ) {
        let x = features(150, seed);
        let mut random = Random::new(seed);
        // Bends up and down in x0, and meets x1.
        let score = |i: usize| {
            let [a, b, ..] = row(&x, i);
            (3.0 * a).sin() + a * b
        };
        let noisy: Vec<f64> = (0..150).map(|i| score(i) + 0.5 * random.normal()).collect();
        let target = if binary {
            let codes = noisy.iter().map(|s| u32::from(*s > 0.0)).collect();
            Target::Class { codes, n_classes: 2 }
        } else {
            Target::Real(noisy)
        };
        let monotone = format!("x0:{direction}");
        let params = EbmParams { monotone, max_leaves, interactions: 2.0, ..quick() };
        let model = fit_in(&x, &target, params, 1);
        let alone = |t: &Term| t.shape().len() == 1 || model.features(t).all(|f| f != 0);
        prop_assert!(model.terms().iter().all(alone));
        // Rows that differ in x0 alone, from one end to the other.
        let others = row(&x, seed as usize % 150);
        let columns = (0..5).map(|j| {
            let value = |step: i32| if j == 0 { step as f32 / 10.0 } else { others[j] as f32 };
            FeatureColumn::dense(&format!("x{j}"), (-35..35).map(value).collect())
        });
        let line = FeatureMatrix::new(70, columns.collect());
        let ctx = Context::unlimited(0, 1);
        let predicted = model.predict(&FeatureView::all(&line), &ctx).unwrap().values;
        let rises = |w: &[f64]| (w[1] - w[0]) * f64::from(direction) >= 0.0;
        prop_assert!(predicted.windows(2).all(rises), "{predicted:?}");
    }
}
