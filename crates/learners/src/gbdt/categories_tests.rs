//! Splits by the levels of a category: golden trees, unseen and missing levels, every grower.

use std::sync::Arc;

use modelwright_core::data::{BinnedColumn, FeatureColumn, FeatureMatrix, FeatureView};
use modelwright_core::random::Random;
use modelwright_core::task::Target;
use serde::Deserialize;

use super::tests::*;
use super::*;
use crate::learner::Model;

#[derive(Deserialize)]
struct Golden {
    x0: Vec<f32>,
    y: Vec<f64>,
    level: Vec<f32>,
    categories: Vec<f64>,
}

/// The columns of [`matrix`], after one of levels.
fn with_levels(levels: Vec<f32>, numbers: Vec<Vec<f32>>) -> FeatureMatrix {
    let bins = Some(Arc::new(BinnedColumn::of_levels(&levels).unwrap()));
    let category =
        FeatureColumn { bins, is_category: true, ..FeatureColumn::dense("level", levels) };
    let n_rows = category.values.len();
    let numbers = if numbers.is_empty() { Vec::new() } else { matrix(numbers).columns };
    FeatureMatrix::new(n_rows, std::iter::once(category).chain(numbers).collect())
}

/// Trees by the levels alone, with nothing held back.
fn free() -> GbdtParams {
    GbdtParams {
        cat_smooth: 0.0,
        cat_l2: 0.0,
        max_cat_threshold: 254,
        max_cat_to_onehot: 1,
        min_data_per_group: 1,
        ..plain()
    }
}

#[test]
fn trees_that_split_levels_are_those_of_lightgbm() {
    let golden: Golden =
        toml::from_str(include_str!("../../../../testdata/learners/growers.toml")).unwrap();
    let features = with_levels(golden.level, vec![golden.x0]);
    let params = GbdtParams {
        n_rounds: 8,
        learning_rate: 0.4,
        max_leaves: 6,
        l2: 1.0,
        cat_smooth: 1.0,
        ..free()
    };
    let model = fit(&features, &Target::Real(golden.y), &params);
    let got = predictions(&model, &features);
    for (row, (got, want)) in got.iter().zip(&golden.categories).enumerate() {
        assert!((got - want).abs() < 1e-5, "row {row}: {got}, expected {want}");
    }
}

#[test]
fn one_split_divides_levels_by_their_means_and_unseen_ones_go_right() {
    // Means 5, 1, 5.5, 0.5, and missing like the high ones.
    let nan = f32::NAN;
    let levels = vec![0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 5.0, 5.0, nan, nan];
    let y = vec![5.0, 5.0, 1.0, 1.0, 5.5, 5.5, 0.5, 0.5, 5.0, 5.0];
    let features = with_levels(levels, vec![]);
    for grow_policy in ["leaf_wise", "depth_wise", "oblivious"] {
        let params = GbdtParams {
            max_leaves: 2,
            max_depth: 1,
            random_strength: 0.0,
            grow_policy: grow_policy.into(),
            ..free()
        };
        let model = fit(&features, &Target::Real(y.clone()), &params);
        model.validate().unwrap();
        let got = predictions(&model, &features);
        let [low, high] = [0.75, 5.166_666_666_666_667];
        let want = [high, high, low, low, high, high, low, low, high, high];
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-6, "{grow_policy}: {got}, expected {want}");
        }
        // Levels 3 and 4 have no rows, 77 no bin: right, where the set is not.
        let tree = &model.trees()[0];
        let right = tree.values[1] + model.base_scores()[0];
        let unseen =
            FeatureMatrix::new(4, vec![FeatureColumn::dense("level", vec![3.0, 4.0, 77.0, 200.0])]);
        assert_eq!(predictions(&model, &unseen), [right; 4], "{grow_policy}");
        assert_eq!(tree.sets.len(), 1);
    }
}

/// Sixty levels with effects of their own, a number, and noise.
fn shops(n: usize) -> (FeatureMatrix, Vec<f64>) {
    let mut random = Random::new(8);
    let effects: Vec<f64> = (0..60).map(|_| 2.0 * random.normal()).collect();
    let (mut levels, mut numbers, mut y) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let level = random.below(60);
        let x = random.normal();
        y.push(effects[level] * if x > 0.3 { 1.0 } else { 0.4 } + 0.3 * random.normal());
        levels.push(if random.below(30) == 0 { f32::NAN } else { level as f32 });
        numbers.push(x as f32);
    }
    (with_levels(levels, vec![numbers]), y)
}

#[test]
fn rows_end_in_the_leaves_that_counted_them_for_every_grower() {
    let (features, y) = shops(1500);
    for grow_policy in ["leaf_wise", "depth_wise", "oblivious"] {
        for extra_trees in [false, true] {
            let params = GbdtParams {
                n_rounds: 6,
                learning_rate: 0.5,
                extra_trees,
                grow_policy: grow_policy.into(),
                min_data_per_group: 5,
                ..whole()
            };
            let model = fit(&features, &Target::Real(y.clone()), &params);
            model.validate().unwrap();
            assert!(model.trees().iter().any(|t| !t.sets.is_empty()), "{grow_policy}");
            let mut scores = vec![model.base_scores()[0]; 1500];
            for tree in model.trees() {
                let mut counts = vec![0.0; tree.n_leaves()];
                for (row, score) in scores.iter_mut().enumerate() {
                    let leaf = tree.leaf_of(|f| features.columns[f].values[row]);
                    counts[leaf] += 1.0;
                    *score += tree.values[leaf];
                }
                assert_eq!(counts, tree.leaf_covers, "{grow_policy} {extra_trees}");
            }
            assert_eq!(predictions(&model, &features), scores);
        }
    }
}

#[test]
fn levels_are_learned_better_as_sets_than_as_numbers() {
    let (features, y) = shops(2000);
    let mut as_numbers = features.clone();
    as_numbers.columns[0].is_category = false;
    let (train, test): (Vec<u32>, Vec<u32>) = (0..2000).partition(|r| r % 4 > 0);
    for grow_policy in ["leaf_wise", "oblivious"] {
        let params = GbdtParams {
            n_rounds: 60,
            learning_rate: 0.1,
            grow_policy: grow_policy.into(),
            ..whole()
        };
        let error = |features: &FeatureMatrix| {
            let target = Target::Real(y.clone());
            let ctx = Context::unlimited(1, 1);
            let model = fit_in(features, &target, None, [&train, &[]], &params, &ctx);
            let got = model.predict(&FeatureView::of(features, &test), &ctx).unwrap().values;
            rmse(&got, &test.iter().map(|r| y[*r as usize]).collect::<Vec<_>>())
        };
        let [sets, numbers] = [error(&features), error(&as_numbers)];
        assert!(sets < 0.9 * numbers, "{grow_policy}: {sets} {numbers}");
    }
}

#[test]
fn threads_change_no_byte_of_a_model_that_splits_levels() {
    let (features, y) = shops(90_000);
    let target = Target::Real(y);
    let rows: Vec<u32> = (0..90_000).collect();
    for grow_policy in ["leaf_wise", "oblivious"] {
        let params = GbdtParams { n_rounds: 3, grow_policy: grow_policy.into(), ..whole() };
        let bytes = |threads| {
            let ctx = Context::unlimited(3, threads);
            let model = fit_in(&features, &target, None, [&rows, &[]], &params, &ctx);
            postcard::to_stdvec(&model).unwrap()
        };
        let one = bytes(1);
        assert!(one == bytes(2) && one == bytes(4), "{grow_policy}");
    }
}

#[test]
fn odd_categories_give_valid_models_or_errors() {
    let y: Vec<f64> = (0..30).map(f64::from).collect();
    let tables = [
        ("one level", vec![2.0; 30]),
        ("all missing", vec![f32::NAN; 30]),
        ("one level or missing", (0..30).map(|i| if i < 9 { f32::NAN } else { 4.0 }).collect()),
        ("every row its own level", (0..30).map(|i| i as f32).collect()),
    ];
    for (what, levels) in tables {
        for grow_policy in ["leaf_wise", "oblivious"] {
            let features = with_levels(levels.clone(), vec![]);
            let params = GbdtParams { grow_policy: grow_policy.into(), ..free() };
            let model = fit(&features, &Target::Real(y.clone()), &params);
            model.validate().unwrap();
            let got = predictions(&model, &features);
            assert!(got.iter().all(|p| p.is_finite()), "{what}");
        }
    }
    let mut wrong = matrix(vec![(0..30).map(|i| i as f32 * 1.5).collect()]);
    wrong.columns[0].is_category = true;
    let rows: Vec<u32> = (0..30).collect();
    let target = Target::Real(y);
    let view = TrainView {
        features: &wrong,
        target: &target,
        weights: None,
        rows: &rows,
        validation: &[],
    };
    let params = modelwright_core::params::Params::check(free(), "gbdt").unwrap();
    let error = Gbdt::fit(&view, &params, &Context::unlimited(0, 1)).unwrap_err().to_string();
    assert!(error.contains("`x0`") && error.contains("levels"), "{error}");
}
