//! What must hold of forests: limits, exact cuts, honest out-of-bag errors.

use modelwright_core::Context;
use modelwright_core::data::{BinnedColumn, FeatureColumn, FeatureMatrix, FeatureView, TrainView};
use modelwright_core::params::Params;
use modelwright_core::task::Target;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::learner::Model;

fn hash(i: usize) -> f32 {
    let h = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((h ^ (h >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 / 16_777_216.0
}

/// Columns of whole numbers and NaN, with a bin for each number.
fn matrix(columns: Vec<Vec<f32>>) -> FeatureMatrix {
    let binned = |(i, values): (usize, Vec<f32>)| {
        let mut cuts: Vec<f32> = values.iter().filter(|v| !v.is_nan()).map(|v| v + 0.5).collect();
        cuts.sort_unstable_by(f32::total_cmp);
        cuts.dedup();
        let missing = (cuts.len() + 1) as u8;
        let code = |v: &f32| {
            if v.is_nan() { missing } else { cuts.partition_point(|c| c < v) as u8 }
        };
        let codes = values.iter().map(code).collect();
        let bins = Some(Arc::new(BinnedColumn { codes, cuts }));
        FeatureColumn { bins, ..FeatureColumn::dense(&format!("f{i}"), values) }
    };
    let n_rows = columns[0].len();
    FeatureMatrix::new(n_rows, columns.into_iter().enumerate().map(binned).collect())
}

/// Three informative columns (one with missing values that mean something) and a target.
fn table(n: usize) -> (FeatureMatrix, Vec<f64>) {
    let a: Vec<f32> = (0..n).map(|i| (hash(i) * 40.0).floor()).collect();
    let b: Vec<f32> = (0..n).map(|i| (hash(i + n) * 40.0).floor()).collect();
    let c: Vec<f32> = (0..n)
        .map(|i| if hash(i + 2 * n) < 0.2 { f32::NAN } else { (hash(i) * 9.0).floor() })
        .collect();
    let y = (0..n)
        .map(|i| {
            let missing = if c[i].is_nan() { 30.0 } else { 0.0 };
            f64::from(a[i]) + 0.5 * f64::from(b[i]) + missing + 4.0 * f64::from(hash(i + 3 * n))
        })
        .collect();
    (matrix(vec![a, b, c]), y)
}

fn view<'a>(features: &'a FeatureMatrix, target: &'a Target, rows: &'a [u32]) -> TrainView<'a> {
    TrainView { features, target, weights: None, rows, validation: &[] }
}

fn settings(change: impl FnOnce(&mut RandomForestParams)) -> Checked<RandomForestParams> {
    let mut params = RandomForestParams { n_trees: 20, ..RandomForestParams::default() };
    change(&mut params);
    RandomForestParams::from_map("random_forest", &params.to_map()).unwrap()
}

fn squared_error(got: &[f64], want: &[f64]) -> f64 {
    got.iter().zip(want).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / got.len() as f64
}

#[test]
fn full_trees_of_all_rows_and_features_repeat_their_training_data() {
    let (features, y) = table(300);
    let rows: Vec<u32> = (0..300).collect();
    let ctx = Context::unlimited(1, 2);
    let target = Target::Real(y.clone());
    let exact = settings(|p| {
        p.bootstrap = false;
        p.max_features = "all".to_owned();
        p.min_samples_leaf = 1;
        p.n_trees = 2;
    });
    let (model, out_of_bag) =
        RandomForest::grow(&view(&features, &target, &rows), &exact, &ctx).unwrap();
    let predicted = model.predict(&FeatureView::all(&features), &ctx).unwrap();
    // Rows of equal features share a leaf; there are few of them.
    assert!(squared_error(&predicted.values, &y) < 0.2);
    let sorted = |tree: &crate::tree::Tree| {
        let mut values = tree.values.clone();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    assert_eq!(sorted(&model.trees()[0]), sorted(&model.trees()[1]));
    assert!(out_of_bag.predictions.iter().all(|p| p.is_nan()));
    assert_eq!(model.out_of_bag_error(), None);
}

#[test]
fn the_out_of_bag_error_is_that_of_new_rows() {
    let (features, y) = table(4000);
    let rows: Vec<u32> = (0..2000).collect();
    let new: Vec<u32> = (2000..4000).collect();
    let ctx = Context::unlimited(3, 2);
    let target = Target::Real(y.clone());
    let train = view(&features, &target, &rows);
    let (model, out_of_bag) =
        RandomForest::grow(&train, &settings(|p| p.n_trees = 60), &ctx).unwrap();
    // A row is out of the bags of 37 % of the trees: 22 of 60.
    let fewer = RandomForest::fit(&train, &settings(|p| p.n_trees = 22), &ctx).unwrap();
    let predicted = fewer.predict(&FeatureView::of(&features, &new), &ctx).unwrap();
    let error = squared_error(&predicted.values, &y[2000..]);
    let estimate = model.out_of_bag_error().unwrap();
    assert!((estimate / error - 1.0).abs() < 0.25, "{estimate} {error}");
    let by_hand = squared_error(&out_of_bag.predictions, &y[..2000]);
    assert!((estimate - by_hand).abs() < 1e-9);
    let share: f64 = out_of_bag.n_trees.iter().map(|n| f64::from(*n)).sum::<f64>() / 120_000.0;
    assert!((share - 0.368).abs() < 0.02, "{share}");
}

/// The target of [`table`] where `noise` is 0, and mostly chance where it is large.
fn noisy(n: usize, noise: f64) -> (FeatureMatrix, Vec<f64>) {
    let (features, y) = table(n);
    let noisy = |(i, y): (usize, f64)| y + noise * f64::from(hash(i + 7 * n) - 0.5);
    (features, y.into_iter().enumerate().map(noisy).collect())
}

#[test]
fn leaves_are_shrunk_where_the_target_is_noisy_and_left_where_it_is_not() {
    let ctx = Context::unlimited(3, 2);
    let rows: Vec<u32> = (0..1500).collect();
    let new: Vec<u32> = (1500..3000).collect();
    let error = |noise: f64, shrink: bool| {
        let (features, y) = noisy(3000, noise);
        let target = Target::Real(y.clone());
        let params = settings(|p| {
            p.n_trees = 60;
            p.hierarchical_shrinkage = shrink;
        });
        let model = RandomForest::fit(&view(&features, &target, &rows), &params, &ctx).unwrap();
        model.validate().unwrap();
        let predicted = model.predict(&FeatureView::of(&features, &new), &ctx).unwrap();
        (squared_error(&predicted.values, &y[1500..]), model)
    };
    let ((plain, _), (shrunk, _)) = (error(200.0, false), error(200.0, true));
    assert!(shrunk < 0.93 * plain, "{shrunk} {plain}");
    let ((plain, first), (kept, second)) = (error(0.0, false), error(0.0, true));
    assert!(kept <= plain, "{kept} {plain}");
    assert_eq!(first.trees()[0].children, second.trees()[0].children);
}

#[test]
fn the_choice_of_a_shrinkage_does_not_flatter_the_out_of_bag_error() {
    let mut ratio = 0.0;
    for seed in 0..10 {
        let (features, _) = table(200);
        let y: Vec<f64> = (0..200).map(|i| f64::from(hash(i + 1000 * (seed + 5)))).collect();
        let mean = y.iter().sum::<f64>() / 200.0;
        let rows: Vec<u32> = (0..200).collect();
        let (ctx, target) = (Context::unlimited(seed as u64, 2), Target::Real(y.clone()));
        let params = settings(|p| p.n_trees = 60);
        let model = RandomForest::fit(&view(&features, &target, &rows), &params, &ctx).unwrap();
        ratio += model.out_of_bag_error().unwrap() / squared_error(&y, &[mean; 200]) / 10.0;
    }
    assert!((1.0..1.3).contains(&ratio), "{ratio}");
}

#[test]
fn the_best_cut_is_the_one_that_trying_all_finds() {
    let n = 120;
    let codes: Vec<u8> = (0..n).map(|i| (hash(i) * 12.0) as u8).collect();
    let targets: Vec<f64> = (0..n).map(|i| f64::from(hash(i + 500))).collect();
    let rows = bag::all(&(0..n).map(|i| 0.5 + hash(i + 900)).collect::<Vec<f32>>());
    let mean = criterion::Mean { targets: &targets };
    let sum_of = |of: &dyn Fn(u8) -> bool| {
        let mut sums = vec![0.0; 4];
        for drawn in rows.iter().filter(|d| of(codes[d.row as usize])) {
            criterion::Criterion::add(&mean, *drawn, &mut sums);
        }
        sums
    };
    let total = sum_of(&|_| true);
    for missing in [11, 200] {
        for min_leaf in [1, 30] {
            let mut want = f64::NEG_INFINITY;
            for cut in 0..11_u8 {
                for missing_left in [false, true] {
                    let left = sum_of(&|c| if c == missing { missing_left } else { c <= cut });
                    let right: Vec<f64> = total.iter().zip(&left).map(|(t, l)| t - l).collect();
                    if left[0] >= f64::from(min_leaf) && right[0] >= f64::from(min_leaf) {
                        let score = |s: &[f64]| criterion::Criterion::score(&mean, s);
                        want = want.max(score(&left) + score(&right));
                    }
                }
            }
            let mut sums = cut::Sums::new(4);
            sums.fill(&mean, &rows, &codes);
            let got = sums.best_cut(&mean, &total, missing, min_leaf as usize).unwrap();
            assert!((got.score - want).abs() < 1e-9, "{missing} {min_leaf}");
        }
    }
}

/// Both forests on complete rows, asked about rows without the second of two columns.
#[test]
fn values_that_are_missing_only_later_go_with_most_rows() {
    let n = 2000;
    // The second column is skewed: four of five rows are small.
    let a: Vec<f32> = (0..n).map(|i| (hash(i) * 20.0).floor()).collect();
    let b: Vec<f32> = (0..n).map(|i| (hash(i + n).powi(6) * 40.0).floor()).collect();
    let y: Vec<f64> = a.iter().zip(&b).map(|(a, b)| f64::from(2.0 * a + b)).collect();
    let features = matrix(vec![a.clone(), b]);
    let rows: Vec<u32> = (0..n as u32).collect();
    let (ctx, target) = (Context::unlimited(5, 2), Target::Real(y.clone()));
    let train = view(&features, &target, &rows);
    let extra = ExtraTreesParams { n_trees: 20, bootstrap: false, ..ExtraTreesParams::default() };
    let extra = ExtraTreesParams::from_map("extra_trees", &extra.to_map()).unwrap();
    let forests = [
        RandomForest::fit(&train, &settings(|p| p.bootstrap = false), &ctx).unwrap(),
        ExtraTrees::fit(&train, &extra, &ctx).unwrap(),
    ];
    let without = FeatureMatrix::new(
        n,
        vec![FeatureColumn::dense("f0", a), FeatureColumn::dense("f1", vec![f32::NAN; n])],
    );
    for forest in forests {
        for tree in forest.trees() {
            let below = |child: i32| match usize::try_from(child) {
                Ok(node) => tree.covers[node],
                Err(_) => tree.leaf_covers[!child as usize],
            };
            for (node, children) in tree.children.iter().enumerate() {
                let [left, right] = children.map(below);
                assert_eq!(tree.missing_left[node], left > right, "{left} {right}");
            }
        }
        let predicted = forest.predict(&FeatureView::all(&without), &ctx).unwrap();
        let bias = predicted.values.iter().zip(&y).map(|(p, y)| p - y).sum::<f64>() / n as f64;
        // Sent to the right they would end among the largest, 20 too high.
        assert!(bias.abs() < 6.0, "{bias}");
    }
}

#[test]
fn limits_are_kept_and_larger_leaves_come_first() {
    let (features, y) = table(500);
    let rows: Vec<u32> = (0..500).collect();
    let (ctx, target) = (Context::unlimited(1, 1), Target::Real(y));
    let train = view(&features, &target, &rows);
    let limited = settings(|p| {
        p.max_leaves = 9;
        p.min_samples_leaf = 20;
        p.bootstrap = false;
    });
    let model = RandomForest::fit(&train, &limited, &ctx).unwrap();
    assert!(model.trees().iter().all(|t| t.n_leaves() <= 9));
    assert!(model.trees().iter().flat_map(|t| &t.leaf_covers).all(|n| *n >= 20.0));
    let shallow = RandomForest::fit(&train, &settings(|p| p.max_depth = 2), &ctx).unwrap();
    assert!(shallow.trees().iter().all(|t| t.n_leaves() <= 4));
    let stumps = RandomForest::fit(&train, &settings(|p| p.max_leaves = 1), &ctx).unwrap();
    assert!(stumps.trees().iter().all(|t| t.n_leaves() == 1));
}

#[test]
fn shares_of_classes_are_probabilities_and_extra_trees_learn_them() {
    let (features, y) = table(3000);
    let codes: Vec<u32> = y.iter().map(|y| ((y / 25.0) as u32).min(3)).collect();
    let target = Target::Class { codes: codes.clone(), n_classes: 4 };
    let rows: Vec<u32> = (0..2000).collect();
    let new: Vec<u32> = (2000..3000).collect();
    let ctx = Context::unlimited(1, 2);
    let params = ExtraTreesParams { n_trees: 40, ..ExtraTreesParams::default() };
    let params = ExtraTreesParams::from_map("extra_trees", &params.to_map()).unwrap();
    let model = ExtraTrees::fit(&view(&features, &target, &rows), &params, &ctx).unwrap();
    let predicted = model.predict(&FeatureView::of(&features, &new), &ctx).unwrap();
    let mut right = 0;
    for (i, row) in new.iter().enumerate() {
        let p = predicted.row(i);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let best = (0..4).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap();
        right += usize::from(best as u32 == codes[*row as usize]);
    }
    assert!(right > 850, "{right} of 1000");
}

#[test]
fn rows_far_from_all_others_are_isolated_early() {
    let n = 2000;
    let mut a: Vec<f32> = (0..n).map(|i| (hash(i) * 50.0).floor()).collect();
    let mut b: Vec<f32> = (0..n).map(|i| (hash(i + n) * 50.0).floor()).collect();
    for odd in 0..10 {
        a[odd * 200] = 150.0 + odd as f32;
        b[odd * 200] = 180.0 + odd as f32;
    }
    let features = matrix(vec![a, b]);
    let rows: Vec<u32> = (0..n as u32).collect();
    let ctx = Context::unlimited(1, 2);
    let params = IsolationForestParams::from_map("isolation_forest", &BTreeMap::default()).unwrap();
    let forest = IsolationForest::fit(&features, &rows, &params, &ctx).unwrap();
    forest.validate().unwrap();
    let scores = forest.scores(&FeatureView::all(&features), &ctx).unwrap();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| scores[*j].total_cmp(&scores[*i]));
    assert!(order[..10].iter().all(|row| row % 200 == 0), "{:?}", &order[..12]);
    assert!(scores.iter().all(|s| (0.0..=1.0).contains(s)));
    assert!(scores[order[0]] > 0.6 && scores[order[n / 2]] < 0.5);
    let again = IsolationForest::fit(&features, &rows, &params, &Context::unlimited(1, 1)).unwrap();
    assert_eq!(again, forest);
}

#[test]
fn explanations_add_up_to_the_mean_of_the_trees() {
    let (features, y) = table(400);
    let rows: Vec<u32> = (0..400).collect();
    let ctx = Context::unlimited(3, 2);
    let codes = y.iter().map(|y| u32::from(*y > 30.0) + u32::from(*y > 50.0)).collect();
    for target in [Target::Real(y), Target::Class { codes, n_classes: 3 }] {
        let train = view(&features, &target, &rows);
        let model = RandomForest::fit(&train, &settings(|_| {}), &ctx).unwrap();
        let few = FeatureView::of(&features, &rows[..30]);
        let predicted = model.predict(&few, &ctx).unwrap();
        let sample = FeatureView::of(&features, &rows[300..]);
        let values = model.shap(&few, &ctx).unwrap();
        let against = model.shap_interventional(&few, &sample, &ctx).unwrap();
        let pairs = model.shap_interactions(&few, &ctx).unwrap();
        let n_outputs = model.n_outputs();
        for (i, wanted) in predicted.values.iter().enumerate() {
            let (row, output) = (i / n_outputs, i % n_outputs);
            let sum: f64 = pairs.of(row, output).iter().sum();
            for got in [values.score(row, output), against.score(row, output), sum] {
                assert!((got - wanted).abs() < 1e-9, "{row} {output}: {got} {wanted}");
            }
        }
        let splits: usize = model.trees().iter().map(|t| t.features.len()).sum();
        assert_eq!(model.importances().splits.iter().sum::<f64>(), splits as f64);
    }
}
