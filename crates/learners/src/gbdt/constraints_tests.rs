//! Constraints hold on random tables, for every grower, loss and way of drawing.

use modelwright_core::data::{FeatureMatrix, FeatureView, TrainView};
use modelwright_core::params::Params;
use modelwright_core::random::Random;
use modelwright_core::task::Target;

use super::tests::*;
use super::*;

/// Five random features, some values missing or rounded, and a wild target.
fn wild(seed: u64, n: usize) -> (FeatureMatrix, Vec<f64>) {
    let mut random = Random::new(seed);
    let mut columns = vec![Vec::new(); 5];
    let mut target = Vec::new();
    for _ in 0..n {
        let x: Vec<f64> = (0..5).map(|_| random.normal()).collect();
        let noise = random.normal();
        target.push((3.0 * x[0]).sin() + x[1] * x[2] + (x[3] > 0.0) as u8 as f64 * x[4] + noise);
        for (j, (column, x)) in columns.iter_mut().zip(&x).enumerate() {
            let coarse = if j == 3 { x.round() } else { *x };
            column.push(if random.below(12) == 0 { f32::NAN } else { coarse as f32 });
        }
    }
    (matrix(columns), target)
}

/// Draws parameters that must not matter to a guarantee.
fn drawn(random: &mut Random, loss: &str) -> GbdtParams {
    let policies = ["leaf_wise", "depth_wise", "oblivious"];
    let chance = |random: &mut Random| random.below(2) == 0;
    GbdtParams {
        n_rounds: 12,
        learning_rate: 0.3,
        loss: loss.into(),
        grow_policy: policies[random.below(3)].into(),
        max_leaves: 2 + random.below(30),
        max_depth: 1 + random.below(6),
        min_samples_leaf: 1 + random.below(10),
        l1: if chance(random) { 0.0 } else { 0.5 },
        l2: if chance(random) { 0.0 } else { 2.0 },
        extra_trees: chance(random),
        path_smooth: if chance(random) { 0.0 } else { 3.0 },
        bagging_fraction: if chance(random) { 1.0 } else { 0.7 },
        feature_fraction_bynode: if chance(random) { 1.0 } else { 0.7 },
        ..GbdtParams::default()
    }
}

fn scores(model: &GbdtModel, rows: &[Vec<f32>]) -> Vec<f64> {
    let columns = (0..5).map(|j| rows.iter().map(|row| row[j]).collect()).collect();
    let ctx = Context::unlimited(0, 1);
    model.scores(&FeatureView::all(&matrix(columns)), &ctx).unwrap()
}

#[test]
fn scores_follow_the_directions_along_every_feature_whatever_else_is_set() {
    let losses = ["squared", "absolute", "quantile", "huber", "poisson", "logistic"];
    for case in 0..60_u64 {
        let mut random = Random::new(case);
        let (features, y) = wild(case, 150);
        let loss = losses[case as usize % losses.len()];
        let target = match loss {
            "logistic" => Target::Class {
                codes: y.iter().map(|y| u32::from(*y > 0.0)).collect(),
                n_classes: 2,
            },
            "poisson" => Target::Real(y.iter().map(|y| y.abs().round()).collect()),
            _ => Target::Real(y),
        };
        let directions: Vec<i32> = (0..5).map(|_| [-1, 0, 1][random.below(3)]).collect();
        let text: Vec<String> =
            directions.iter().enumerate().map(|(j, d)| format!("x{j}:{d}")).collect();
        let params = GbdtParams { monotone: text.join(","), ..drawn(&mut random, loss) };
        let model = fit(&features, &target, &params);
        for row in (0..150).step_by(11) {
            let row: Vec<f32> = features.columns.iter().map(|c| c.values[row]).collect();
            for (j, direction) in directions.iter().enumerate() {
                let grid = (-30..=30).map(|step| {
                    let mut row = row.clone();
                    row[j] = step as f32 / 10.0;
                    row
                });
                let along = scores(&model, &grid.collect::<Vec<_>>());
                for pair in along.windows(2) {
                    let rise = (pair[1] - pair[0]) * f64::from(*direction);
                    assert!(rise >= 0.0, "case {case}, x{j}: {pair:?}, {params:?}");
                }
            }
        }
    }
}

#[test]
fn a_model_with_directions_still_learns() {
    let (features, target) = curve(800);
    // The third feature helps where the second is large, and never hurts.
    for grow_policy in ["leaf_wise", "depth_wise", "oblivious"] {
        let params = GbdtParams {
            n_rounds: 60,
            learning_rate: 0.2,
            grow_policy: grow_policy.into(),
            monotone: "x1:1,x2:1".into(),
            ..whole()
        };
        let model = fit(&features, &Target::Real(target.clone()), &params);
        let error = rmse(&predictions(&model, &features), &target);
        assert!(error < 0.3, "{grow_policy}: {error}");
    }
}

#[test]
fn no_path_joins_features_that_no_group_holds_together() {
    let groups = [vec![0, 1], vec![1, 2], vec![3]];
    let may_meet = |a: usize, b: usize| {
        groups.iter().any(|g| g.contains(&a) && g.contains(&b)) || (a == 4 && b == 4)
    };
    for case in 0..30_u64 {
        let mut random = Random::new(case);
        let (features, y) = wild(case, 200);
        let params =
            GbdtParams { interactions: "x0,x1|x1,x2|x3".into(), ..drawn(&mut random, "squared") };
        let model = fit(&features, &Target::Real(y), &params);
        let mut n_splits = 0;
        for tree in model.trees() {
            let mut paths = vec![Vec::new(); tree.features.len()];
            for (node, children) in tree.children.iter().enumerate() {
                let feature = tree.features[node] as usize;
                n_splits += 1;
                for other in &paths[node] {
                    assert!(may_meet(feature, *other), "case {case}: {feature} and {other}");
                }
                let mut path = paths[node].clone();
                path.push(feature);
                for child in children.iter().filter_map(|c| usize::try_from(*c).ok()) {
                    paths[child].clone_from(&path);
                }
            }
        }
        assert!(n_splits > 0);
    }
}

#[test]
fn constraints_that_make_no_sense_are_refused_by_name() {
    let (features, y) = wild(1, 60);
    let message = |target: &Target, params: GbdtParams| {
        let rows: Vec<u32> = (0..60).collect();
        let view =
            TrainView { features: &features, target, weights: None, rows: &rows, validation: &[] };
        let params = params.check("gbdt").unwrap();
        Gbdt::fit(&view, &params, &Context::unlimited(0, 1)).unwrap_err().to_string()
    };
    let with = |monotone: &str, interactions: &str| GbdtParams {
        monotone: monotone.into(),
        interactions: interactions.into(),
        ..plain()
    };
    let real = Target::Real(y);
    assert!(message(&real, with("y0:1", "")).contains("`monotone`"));
    assert!(message(&real, with("", "x0,zz9")).contains("`interactions`"));
    let classes = Target::Class { codes: (0..60).map(|i| i % 3).collect(), n_classes: 3 };
    assert!(message(&classes, with("x0:1", "")).contains("several classes"));
}
