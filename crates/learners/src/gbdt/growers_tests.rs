//! Tests of the growers through the booster: golden trees, depth, draws, odd tables.

use modelwright_core::data::FeatureMatrix;
use modelwright_core::params::Params;
use modelwright_core::task::Target;
use serde::Deserialize;

use super::tests::*;
use super::*;
use crate::learner::Model;

/// Written by `testdata/learners/growers.py`.
#[derive(Deserialize)]
struct Golden {
    x0: Vec<f32>,
    x1: Vec<f32>,
    x2: Vec<f32>,
    x3: Vec<f32>,
    y: Vec<f64>,
    label: Vec<f64>,
    oblivious: Vec<f64>,
    depth_wise: Vec<f64>,
}

fn golden() -> Golden {
    toml::from_str(include_str!("../../../../testdata/learners/growers.toml")).unwrap()
}

fn levels(policy: &str, max_depth: usize) -> GbdtParams {
    GbdtParams {
        grow_policy: policy.into(),
        n_rounds: 8,
        learning_rate: 0.4,
        max_depth,
        random_strength: 0.0,
        min_samples_leaf: 1,
        l2: 2.0,
        ..whole()
    }
}

fn assert_close(got: &[f64], want: &[f64], within: f64) {
    for (row, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() < within, "row {row}: {got}, expected {want}");
    }
}

#[test]
fn oblivious_trees_are_those_of_catboost() {
    let golden = golden();
    let filled = golden.x2.iter().map(|v| if v.is_nan() { 9.0 } else { *v }).collect();
    let features = matrix(vec![golden.x0, golden.x1, filled, golden.x3]);
    let model = fit(&features, &Target::Real(golden.y), &levels("oblivious", 4));
    assert!(model.trees().iter().all(|t| t.n_leaves() == 16));
    assert_close(&predictions(&model, &features), &golden.oblivious, 1e-6);
}

#[test]
fn depth_wise_trees_are_those_of_xgboost() {
    let golden = golden();
    let features = matrix(vec![golden.x0, golden.x1, golden.x2, golden.x3]);
    let codes = golden.label.iter().map(|l| *l as u32).collect();
    let target = Target::Class { codes, n_classes: 2 };
    let model = fit(&features, &target, &levels("depth_wise", 4));
    assert_close(&predictions(&model, &features), &golden.depth_wise, 1e-5);
}

#[test]
fn an_oblivious_tree_on_four_rows_is_what_a_pencil_gives() {
    // Gradients 1, -1 | 3, 3 by x0; x1 tells the first two apart and leaves the others together.
    let features = matrix(vec![vec![0.0, 0.0, 1.0, 1.0], vec![0.0, 1.0, 0.0, 0.0]]);
    let target = Target::Real(vec![0.0, 2.0, -2.0, -2.0]);
    let model = fit(&features, &target, &GbdtParams { l2: 0.0, n_rounds: 1, ..whole_tree() });
    let tree = &model.trees()[0];
    // Mean -0.5: x0 gains 3²/2 + 3²/2 = 9; then x1 gains 1/2 + ... = 2 in the left leaf only.
    assert_eq!(tree.features, [0, 1, 1]);
    assert_eq!(tree.thresholds, [0.5; 3]);
    assert_eq!(tree.children, [[1, 2], [!0, !1], [!2, !3]]);
    assert_eq!(tree.covers, [4.0, 2.0, 2.0]);
    assert_eq!(tree.leaf_covers, [1.0, 1.0, 2.0, 0.0]);
    assert_close(
        &tree.gains.iter().map(|g| f64::from(*g)).collect::<Vec<_>>(),
        &[9.0, 2.0, 0.0],
        1e-2,
    );
    assert_close(&predictions(&model, &features), &[0.0, 2.0, -2.0, -2.0], 1e-9);
    // A side without rows adds nothing.
    let unseen = matrix(vec![vec![1.0], vec![1.0]]);
    assert_eq!(predictions(&model, &unseen), [-0.5]);
}

fn whole_tree() -> GbdtParams {
    GbdtParams { learning_rate: 1.0, ..levels("oblivious", 2) }
}

#[test]
fn a_depth_wise_tree_without_a_limit_of_leaves_is_the_leaf_wise_one() {
    let (features, target) = curve(600);
    let target = Target::Real(target);
    let by_level = GbdtParams { n_rounds: 3, ..levels("depth_wise", 5) };
    let by_leaf =
        GbdtParams { grow_policy: "leaf_wise".into(), max_leaves: 32, ..by_level.clone() };
    let [a, b] = [by_level, by_leaf].map(|p| fit(&features, &target, &p));
    assert!(a.trees().iter().all(|t| t.n_leaves() > 16));
    assert_close(&predictions(&a, &features), &predictions(&b, &features), 1e-9);
}

#[test]
fn every_grower_gives_the_same_bytes_for_any_number_of_threads() {
    let (features, target) = curve(90_000);
    let target = Target::Real(target);
    let rows: Vec<u32> = (0..90_000).filter(|r| r % 7 != 3).collect();
    for policy in ["leaf_wise", "depth_wise", "oblivious"] {
        let drawn = GbdtParams {
            n_rounds: 3,
            extra_trees: true,
            feature_fraction_bylevel: 0.7,
            ..levels(policy, 7)
        };
        let shaken = GbdtParams {
            n_rounds: 3,
            random_strength: 1.0,
            feature_fraction: 0.7,
            feature_fraction_bynode: 0.7,
            bagging_fraction: 0.5,
            ..levels(policy, 7)
        };
        for params in [drawn, shaken] {
            let bytes = |threads| {
                let ctx = Context::unlimited(3, threads);
                let model = fit_in(&features, &target, None, [&rows, &[]], &params, &ctx);
                model.validate().unwrap();
                postcard::to_stdvec(&model).unwrap()
            };
            let one = bytes(1);
            assert!(one == bytes(2) && one == bytes(4), "{policy}");
        }
    }
}

#[test]
fn odd_tables_are_grown_on_by_every_grower() {
    let nan = f32::NAN;
    let missing: Vec<f32> = (0..40).map(|i| if i % 2 == 0 { nan } else { i as f32 }).collect();
    let tables: [(&str, Vec<Vec<f32>>); 5] = [
        ("one row", vec![vec![3.0]]),
        ("constant", vec![vec![1.0; 40], vec![nan; 40]]),
        ("all missing beside a ramp", vec![vec![nan; 40], (0..40).map(|i| i as f32).collect()]),
        ("half missing", vec![missing]),
        ("missing or one value", vec![(0..40).map(|i| if i < 20 { nan } else { 7.0 }).collect()]),
    ];
    for policy in ["leaf_wise", "depth_wise", "oblivious"] {
        for (what, columns) in &tables {
            for extra_trees in [false, true] {
                let features = matrix(columns.clone());
                let y: Vec<f64> = (0..features.n_rows).map(|i| f64::from(i as u32 / 20)).collect();
                let params = GbdtParams { extra_trees, ..levels(policy, 4) };
                let model = fit(&features, &Target::Real(y.clone()), &params);
                model.validate().unwrap();
                let got = predictions(&model, &features);
                assert!(got.iter().all(|p| p.is_finite()), "{policy}, {what}");
                let telling = what.starts_with("all") || what.starts_with("missing");
                if telling && !extra_trees {
                    assert!(rmse(&got, &y) < 0.1, "{policy}, {what}: {got:?}");
                }
            }
        }
    }
}

#[test]
fn deep_oblivious_trees_that_exceed_the_memory_for_histograms_are_the_same() {
    let (features, target) = curve(3000);
    let target = Target::Real(target);
    // 60 copies of three features: 180 histograms of 256 sums are 369 kB a leaf.
    let wide: Vec<Vec<f32>> = (0..180).map(|i| features.columns[i % 3].values.to_vec()).collect();
    let params = GbdtParams { n_rounds: 1, ..levels("oblivious", 10) };
    let narrow = fit(&features, &target, &params);
    let wide = matrix(wide);
    let model = fit(&wide, &target, &params);
    assert_eq!(model.trees()[0].n_leaves(), 1024);
    assert_eq!(predictions(&model, &wide), predictions(&narrow, &features));
}

#[test]
fn a_tree_that_grows_by_levels_has_at_most_twelve_of_them() {
    let (features, target) = curve(60);
    let target = Target::Real(target);
    let rows: Vec<u32> = (0..60).collect();
    let ctx = Context::unlimited(0, 1);
    let view = TrainView {
        features: &features,
        target: &target,
        weights: None,
        rows: &rows,
        validation: &[],
    };
    for policy in ["depth_wise", "oblivious"] {
        let params = levels(policy, 13).check("gbdt").unwrap();
        let error = Gbdt::fit(&view, &params, &ctx).unwrap_err().to_string();
        assert!(error.contains("max_depth") && error.contains("13"), "{error}");
        let params = levels(policy, 12).check("gbdt").unwrap();
        assert!(Gbdt::fit(&view, &params, &ctx).is_ok());
    }
}

#[test]
fn chance_fades_from_the_scores_of_oblivious_trees_as_rounds_are_added() {
    let (features, target) = curve(200);
    let target = Target::Real(target);
    let shaken = GbdtParams { random_strength: 1.0, ..levels("oblivious", 3) };
    let plain = GbdtParams { random_strength: 0.0, ..shaken.clone() };
    let trees = |params: &GbdtParams, seed| {
        let rows: Vec<u32> = (0..200).collect();
        let ctx = Context::unlimited(seed, 1);
        fit_in(&features, &target, None, [&rows, &[]], params, &ctx).trees().to_vec()
    };
    assert_ne!(trees(&shaken, 1)[0].features, trees(&shaken, 2)[0].features);
    assert_eq!(trees(&plain, 1)[0].features, trees(&plain, 2)[0].features);
}

#[test]
fn a_level_draws_features_that_all_its_nodes_share() {
    let (narrow, target) = curve(500);
    let columns = (0..9).map(|i| narrow.columns[i % 3].values.to_vec()).collect();
    let features: FeatureMatrix = matrix(columns);
    let params =
        GbdtParams { n_rounds: 2, feature_fraction_bylevel: 0.11, ..levels("depth_wise", 4) };
    let model = fit(&features, &Target::Real(target), &params);
    for tree in model.trees() {
        let mut depth = vec![0; tree.features.len()];
        let mut of_depth = std::collections::BTreeMap::new();
        for (node, children) in tree.children.iter().enumerate() {
            let feature = tree.features[node];
            assert_eq!(*of_depth.entry(depth[node]).or_insert(feature), feature);
            for child in children.iter().filter_map(|c| usize::try_from(*c).ok()) {
                depth[child] = depth[node] + 1;
            }
        }
        assert!(of_depth.len() > 2);
    }
}
