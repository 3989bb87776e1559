//! Tests of [`super`]: what the conformance suite cannot know about this learner.

use std::sync::Arc;

use modelwright_core::context::{Decisions, Settings};
use modelwright_core::data::{
    BinnedColumn, FeatureColumn, FeatureMatrix, FeatureView, MAX_CUTS, TrainView,
};
use modelwright_core::params::Params;
use modelwright_core::random::Random;
use modelwright_core::task::Target;

mod bad_input;
mod golden;
mod init_scores;
mod options;
mod trees;

use super::*;
use crate::learner::{Entry, Model};

/// Columns with cuts between all values, or at quantiles when there are many.
pub(super) fn matrix(columns: Vec<Vec<f32>>) -> FeatureMatrix {
    let n_rows = columns[0].len();
    let column = |(j, values): (usize, Vec<f32>)| {
        let mut sorted: Vec<f32> = values.iter().copied().filter(|v| !v.is_nan()).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        sorted.dedup();
        let middles: Vec<f32> = sorted.windows(2).map(|w| w[0].midpoint(w[1])).collect();
        let step = middles.len().div_ceil(MAX_CUTS).max(1);
        let cuts: Vec<f32> = middles.into_iter().step_by(step).collect();
        let code = |v: &f32| {
            if v.is_nan() { cuts.len() + 1 } else { cuts.partition_point(|c| c < v) }
        };
        let codes = values.iter().map(|v| u8::try_from(code(v)).unwrap()).collect();
        let bins = Some(Arc::new(BinnedColumn { codes, cuts }));
        FeatureColumn { bins, ..FeatureColumn::dense(&format!("x{j}"), values) }
    };
    FeatureMatrix::new(n_rows, columns.into_iter().enumerate().map(column).collect())
}

pub(super) fn fit_in(
    features: &FeatureMatrix,
    target: &Target,
    weights: Option<&[f64]>,
    [rows, validation]: [&[u32]; 2],
    params: &GbdtParams,
    ctx: &Context,
) -> GbdtModel {
    let view = TrainView { features, target, weights, rows, validation };
    Gbdt::fit(&view, &params.clone().check("gbdt").unwrap(), ctx).unwrap()
}

pub(super) fn fit(features: &FeatureMatrix, target: &Target, params: &GbdtParams) -> GbdtModel {
    let rows: Vec<u32> = (0..features.n_rows as u32).collect();
    fit_in(features, target, None, [&rows, &[]], params, &Context::unlimited(1, 1))
}

pub(super) fn predictions(model: &GbdtModel, features: &FeatureMatrix) -> Vec<f64> {
    let ctx = Context::unlimited(0, 1);
    model.predict(&FeatureView::all(features), &ctx).unwrap().values
}

/// One full tree per round, one row per leaf allowed, no shrinkage, no penalty.
pub(super) fn plain() -> GbdtParams {
    GbdtParams { n_rounds: 1, learning_rate: 1.0, min_samples_leaf: 1, l2: 0.0, ..whole() }
}

/// The defaults without random draws.
pub(super) fn whole() -> GbdtParams {
    GbdtParams { bagging_fraction: 1.0, feature_fraction_bynode: 1.0, ..GbdtParams::default() }
}

/// A noisy curve of three features with missing values.
pub(super) fn curve(n: usize) -> (FeatureMatrix, Vec<f64>) {
    let mut random = Random::new(5);
    let mut columns = vec![Vec::new(); 3];
    let mut target = Vec::with_capacity(n);
    for _ in 0..n {
        let x: Vec<f64> = (0..3).map(|_| random.unit()).collect();
        target.push((6.0 * x[0]).sin() + 2.0 * x[1] * x[2] + 0.1 * random.normal());
        for (column, x) in columns.iter_mut().zip(&x) {
            column.push(if random.below(20) == 0 { f32::NAN } else { *x as f32 });
        }
    }
    (matrix(columns), target)
}

pub(super) fn rmse(a: &[f64], b: &[f64]) -> f64 {
    (a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / a.len() as f64).sqrt()
}

#[test]
fn one_tree_on_four_rows_is_what_a_pencil_gives() {
    let features = matrix(vec![vec![1.0, 2.0, 3.0, 4.0]]);
    let target = Target::Real(vec![1.0, 3.0, 10.0, 14.0]);
    let stump = GbdtParams { max_leaves: 2, ..plain() };
    let model = fit(&features, &target, &stump);
    // Mean 7; gradients 6, 4, -3, -7; the cut in the middle gains 10²/2 + 10²/2 = 100.
    assert_eq!(model.base_scores(), [7.0]);
    let tree = &model.trees()[0];
    assert_eq!((tree.thresholds[0], tree.covers[0]), (2.5, 4.0));
    assert!((tree.gains[0] - 100.0).abs() < 0.05);
    assert_eq!(predictions(&model, &features), [2.0, 2.0, 12.0, 12.0]);
    let full = fit(&features, &target, &plain());
    assert_eq!(predictions(&full, &features), [1.0, 3.0, 10.0, 14.0]);
    let half = GbdtParams { learning_rate: 0.5, l2: 2.0, ..stump };
    // Leaf: -(6 + 4) / (2 + 2) · 0.5 = -1.25.
    assert_eq!(predictions(&fit(&features, &target, &half), &features)[0], 5.75);
    let lasso = GbdtParams { learning_rate: 1.0, l2: 0.0, l1: 4.0, ..half };
    // Leaf: -(10 - 4) / 2 = -3.
    assert_eq!(predictions(&fit(&features, &target, &lasso), &features)[0], 4.0);
}

#[test]
fn a_binary_stump_takes_newton_steps() {
    let features = matrix(vec![vec![0.0, 0.0, 1.0, 1.0]]);
    let target = Target::Class { codes: vec![0, 0, 1, 1], n_classes: 2 };
    let model = fit(&features, &target, &plain());
    // p = 1/2: gradient ±1/2, Hessian 1/4, so that each leaf steps by 2.
    let p = 1.0 / (1.0 + (-2.0_f64).exp());
    for (got, want) in predictions(&model, &features).iter().zip([1.0 - p, 1.0 - p, p, p]) {
        assert!((got - want).abs() < 1e-6, "{got} {want}");
    }
}

#[test]
fn missing_values_go_where_they_belong_and_elsewhere_to_the_heavier_side() {
    let nan = f32::NAN;
    let features = matrix(vec![vec![1.0, 2.0, 3.0, 4.0, nan, nan]]);
    let target = Target::Real(vec![0.0, 0.0, 6.0, 6.0, 6.0, 6.0]);
    let model = fit(&features, &target, &plain());
    assert_eq!(predictions(&model, &features), [0.0, 0.0, 6.0, 6.0, 6.0, 6.0]);
    let alone = Target::Real(vec![0.0, 0.0, 0.0, 0.0, 9.0, 9.0]);
    let model = fit(&features, &alone, &plain());
    assert!(model.trees()[0].thresholds[0].is_infinite());
    assert_eq!(predictions(&model, &features), [0.0, 0.0, 0.0, 0.0, 9.0, 9.0]);
    let complete = matrix(vec![vec![1.0, 2.0, 3.0, 4.0, 5.0]]);
    let target = Target::Real(vec![0.0, 5.0, 5.0, 5.0, 5.0]);
    let model = fit(&complete, &target, &plain());
    let unseen = FeatureMatrix::new(1, vec![FeatureColumn::dense("x0", vec![nan])]);
    assert_eq!(predictions(&model, &unseen), [5.0]);
}

#[test]
fn large_tables_give_the_same_bytes_for_any_number_of_threads() {
    let (features, target) = curve(150_000);
    let target = Target::Real(target);
    let rows: Vec<u32> = (0..140_000).filter(|r| r % 7 != 3).collect();
    let validation: Vec<u32> = (140_000..150_000).collect();
    let drawn = GbdtParams {
        n_rounds: 4,
        extra_trees: true,
        bagging_fraction: 0.6,
        feature_fraction_bynode: 0.7,
        ..whole()
    };
    let plain = GbdtParams { n_rounds: 4, path_smooth: 5.0, ..whole() };
    let of = |sampling: &str| GbdtParams { sampling: sampling.into(), ..drawn.clone() };
    let goss = GbdtParams { learning_rate: 0.5, ..of("goss") };
    let robust = GbdtParams { loss: "fair".into(), ..of("bayesian") };
    for params in [plain, of("bernoulli"), goss, of("mvs"), robust] {
        let bytes = |threads| {
            let ctx = Context::unlimited(3, threads);
            let parts = [rows.as_slice(), validation.as_slice()];
            let model = fit_in(&features, &target, None, parts, &params, &ctx);
            let predicted = model.predict(&FeatureView::all(&features), &ctx).unwrap();
            (postcard::to_stdvec(&model).unwrap(), predicted)
        };
        let one = bytes(1);
        assert!(one == bytes(2) && one == bytes(4));
    }
}

#[test]
fn a_row_of_weight_two_counts_as_two_rows() {
    let (features, target) = curve(400);
    let weights: Vec<f64> = (0..400).map(|r| f64::from(1 + r % 2)).collect();
    let twice: Vec<u32> = (0..400).flat_map(|r| vec![r; 1 + r as usize % 2]).collect();
    let repeated = FeatureMatrix::new(
        twice.len(),
        features
            .columns
            .iter()
            .map(|c| {
                let bins = c.bins.as_ref().unwrap();
                let codes = twice.iter().map(|r| bins.codes.get(*r as usize)).collect();
                let values = twice.iter().map(|r| c.values[*r as usize]).collect();
                let bins = Some(Arc::new(BinnedColumn { codes, cuts: bins.cuts.clone() }));
                FeatureColumn { bins, ..FeatureColumn::dense(&c.name, values) }
            })
            .collect(),
    );
    let more: Vec<f64> = twice.iter().map(|r| target[*r as usize]).collect();
    let params = GbdtParams { n_rounds: 20, learning_rate: 0.2, max_leaves: 6, ..plain() };
    let params = GbdtParams { min_child_weight: 10.0, ..params };
    let rows: Vec<u32> = (0..400).collect();
    let ctx = Context::unlimited(1, 1);
    let target = Target::Real(target);
    let weighted = fit_in(&features, &target, Some(&weights), [&rows, &[]], &params, &ctx);
    let doubled = fit(&repeated, &Target::Real(more), &params);
    let (a, b) = (predictions(&weighted, &features), predictions(&doubled, &features));
    // Quantised gradients are rounded at random per row, so that a close choice may differ.
    assert!(rmse(&a, &b) < 0.02, "{}", rmse(&a, &b));
}

#[test]
fn training_loss_falls_round_by_round_for_every_loss() {
    let (features, target) = curve(500);
    let positive: Vec<f64> = target.iter().map(|t| t + 5.0).collect();
    let rows: Vec<u32> = (0..500).collect();
    let losses = ["squared", "absolute", "huber", "fair", "log_cosh", "mape", "quantile"];
    for loss in losses.into_iter().chain(["poisson", "gamma", "tweedie", "squared_log"]) {
        let target = Target::Real(positive.clone());
        let view = TrainView {
            features: &features,
            target: &target,
            weights: None,
            rows: &rows,
            validation: &[],
        };
        let mut last = f64::INFINITY;
        for n_rounds in [0, 1, 5, 20] {
            let params = GbdtParams { loss: loss.into(), n_rounds, ..whole() };
            let model = fit(&features, &target, &params);
            let scores =
                model.scores(&FeatureView::all(&features), &Context::unlimited(0, 1)).unwrap();
            let value = super::loss::make(&params, &view, &rows).unwrap().mean(&[scores]).unwrap();
            assert!(value < last, "{loss}: {value} after {n_rounds} rounds, {last} before");
            last = value;
        }
    }
}

#[test]
fn one_row_one_class_constant_columns_and_zero_rounds_give_valid_models() {
    let one = matrix(vec![vec![3.0]]);
    assert_eq!(predictions(&fit(&one, &Target::Real(vec![4.0]), &plain()), &one), [4.0]);
    let constant = matrix(vec![vec![1.0; 30]]);
    let target = Target::Real((0..30).map(f64::from).collect());
    assert_eq!(predictions(&fit(&constant, &target, &plain()), &constant)[0], 14.5);
    let varied = matrix(vec![(0..30).map(|i| i as f32).collect()]);
    let single = Target::Class { codes: vec![1; 30], n_classes: 2 };
    assert!(predictions(&fit(&varied, &single, &plain()), &varied)[0] > 0.99);
    let absent = Target::Class { codes: (0..30).map(|i| i % 2).collect(), n_classes: 3 };
    let p = predictions(&fit(&varied, &absent, &plain()), &varied);
    assert!(p.iter().all(|p| (0.0..=1.0).contains(p)) && p[2] < 0.2);
    let none = GbdtParams { n_rounds: 0, ..plain() };
    assert_eq!(fit(&varied, &target, &none).rounds(), 0);
}

#[test]
fn the_fewest_rows_of_a_leaf_are_kept_also_where_hessians_differ() {
    let mut random = Random::new(9);
    let x: Vec<f32> = (0..600).map(|_| random.unit() as f32).collect();
    let codes = x.iter().map(|x| u32::from(random.unit() < f64::from(x * x * x))).collect();
    let target = Target::Class { codes, n_classes: 2 };
    let params = GbdtParams { n_rounds: 30, min_samples_leaf: 25, ..whole() };
    let model = fit(&matrix(vec![x]), &target, &params);
    assert!(model.trees().iter().any(|t| t.n_leaves() > 3));
    assert!(model.trees().iter().all(|t| t.leaf_covers.iter().all(|n| *n >= 25.0)));
    let shallow = GbdtParams { max_depth: 2, ..params };
    let (features, target) = curve(1000);
    let model = fit(&features, &Target::Real(target), &shallow);
    assert!(model.trees().iter().all(|t| t.n_leaves() <= 4));
}

#[test]
fn stops_early_at_the_best_round_and_replays_a_deadline() {
    let (features, target) = curve(1200);
    let target = Target::Real(target);
    let rows: Vec<u32> = (0..900).collect();
    let held_out: Vec<u32> = (900..1200).collect();
    let params = GbdtParams { learning_rate: 0.3, early_stopping_rounds: 10, ..plain() };
    let params = GbdtParams { n_rounds: 400, ..params };
    let run = |ctx: &Context| fit_in(&features, &target, None, [&rows, &held_out], &params, ctx);
    let stopped = run(&Context::unlimited(1, 2));
    assert!((1..390).contains(&stopped.rounds()), "{}", stopped.rounds());
    // Without validation rows, the same number of rounds gives the same model.
    let fixed = GbdtParams { n_rounds: stopped.rounds(), ..params.clone() };
    let ctx = Context::unlimited(1, 1);
    let refit = fit_in(&features, &target, None, [&rows, &[]], &fixed, &ctx);
    let bytes = |model: &GbdtModel| postcard::to_stdvec(model).unwrap();
    // The rounds set the automatic learning rate only; it is given here.
    assert_eq!(bytes(&refit), bytes(&stopped));
    let decisions =
        Decisions { stopped_after: [(String::new(), 3)].into(), ..Decisions::default() };
    let replay = Settings { replay: Some(decisions), seed: 1, ..Settings::default() };
    assert!(run(&Context::new(replay).unwrap()).rounds() <= 3);
}

#[test]
fn mutated_bytes_are_refused_or_give_a_model_that_predicts() {
    let (features, target) = curve(200);
    let params = GbdtParams { n_rounds: 3, max_leaves: 5, ..whole() };
    let bytes = postcard::to_stdvec(&fit(&features, &Target::Real(target), &params)).unwrap();
    let entry = Entry::of::<Gbdt>();
    let small = FeatureMatrix::new(
        9,
        features
            .columns
            .iter()
            .map(|c| FeatureColumn::dense(&c.name, c.values[..9].to_vec()))
            .collect(),
    );
    let ctx = Context::unlimited(0, 1);
    let mut random = Random::new(11);
    let mut survived = 0;
    for i in 0..4000 {
        let mut hostile = bytes.clone();
        for _ in 0..=(i % 3) {
            let at = random.below(hostile.len());
            hostile[at] = random.next_u64() as u8;
        }
        if i % 5 == 0 {
            hostile.truncate(random.below(hostile.len()));
        }
        if let Ok(model) = entry.decode(Gbdt::LAYOUT, &hostile) {
            survived += 1;
            if let Ok(p) = model.model.predict(&FeatureView::all(&small), &ctx) {
                assert!(p.values.iter().all(|v| v.is_finite()));
            }
        }
    }
    assert!(survived > 0);
}

/// Concrete strength (UCI), 659 training and 165 test rows; LightGBM 4.7.0 with the same leaves,
/// rate, penalty and rows per leaf has a test error of 5.131 after 100 rounds and 15.409 after 1.
#[test]
fn agrees_with_lightgbm_on_a_small_real_table() {
    let text = include_str!("../../../../testdata/learners/concrete.csv");
    let mut parts = [(vec![Vec::new(); 8], Vec::new()), (vec![Vec::new(); 8], Vec::new())];
    for line in text.lines().skip(1) {
        let (part, numbers) = line.split_once(',').unwrap();
        let (columns, target) = &mut parts[usize::from(part == "test")];
        let numbers: Vec<f32> = numbers.split(',').map(|n| n.parse().unwrap()).collect();
        for (column, number) in columns.iter_mut().zip(&numbers) {
            column.push(*number);
        }
        target.push(f64::from(numbers[8]));
    }
    let [(train, y), (test, y_test)] = parts;
    let (features, test) = (matrix(train), matrix(test));
    let target = Target::Real(y);
    let params =
        GbdtParams { learning_rate: 0.1, max_leaves: 15, min_samples_leaf: 10, l2: 1.0, ..whole() };
    let error = |n_rounds| {
        let params = GbdtParams { n_rounds, ..params.clone() };
        rmse(&predictions(&fit(&features, &target, &params), &test), &y_test)
    };
    assert!((error(1) - 15.409).abs() < 0.05, "{}", error(1));
    assert!((error(100) - 5.131).abs() < 0.35, "{}", error(100));
}

#[test]
fn a_table_of_other_width_is_refused() {
    let (features, target) = curve(50);
    let model = fit(&features, &Target::Real(target), &plain());
    let narrow = matrix(vec![vec![1.0]]);
    assert!(model.predict(&FeatureView::all(&narrow), &Context::unlimited(0, 1)).is_err());
}
