//! What the library offers beside parameters: losses of one's own, starts, looks at the model.

use std::sync::Mutex;

use super::*;
use crate::gbdt::{FitOptions, Objective, Snapshot};

fn fit_with(
    features: &FeatureMatrix,
    target: &Target,
    [rows, validation]: [&[u32]; 2],
    params: &GbdtParams,
    options: &FitOptions<'_>,
) -> GbdtModel {
    let view = TrainView { features, target, weights: None, rows, validation };
    let params = params.clone().check("gbdt").unwrap();
    Gbdt::fit_with(&view, &params, options, &Context::unlimited(1, 2)).unwrap()
}

fn bytes(model: &GbdtModel) -> Vec<u8> {
    postcard::to_stdvec(model).unwrap()
}

fn scores(model: &GbdtModel, features: &FeatureMatrix) -> Vec<f64> {
    model.scores(&FeatureView::all(features), &Context::unlimited(0, 1)).unwrap()
}

/// The squared loss from outside.
struct Own;

impl Objective for Own {
    fn base_scores(&self, targets: &[f64], _: &[f32]) -> Vec<f64> {
        vec![targets.iter().sum::<f64>() / targets.len() as f64]
    }

    fn gradients(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<Vec<[f64; 2]>> {
        vec![targets.iter().zip(&scores[0]).map(|(y, s)| [s - y, 1.0]).collect()]
    }

    fn losses(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<f64> {
        targets.iter().zip(&scores[0]).map(|(y, s)| 0.5 * (s - y).powi(2)).collect()
    }
}

#[test]
fn a_loss_of_ones_own_gives_the_trees_of_the_same_loss_built_in() {
    let (features, target) = curve(600);
    let target = Target::Real(target);
    let rows: Vec<u32> = (0..450).collect();
    let held_out: Vec<u32> = (450..600).collect();
    let params = GbdtParams { n_rounds: 60, learning_rate: 0.2, ..GbdtParams::default() };
    let fit = |options| fit_with(&features, &target, [&rows, &held_out], &params, &options);
    let own = fit(FitOptions { objective: Some(&Own), ..FitOptions::default() });
    let built_in = fit(FitOptions::default());
    assert_eq!(own.rounds(), built_in.rounds());
    assert_eq!(own.trees(), built_in.trees());
}

#[test]
fn rounds_added_in_two_fits_are_those_of_one() {
    let (features, target) = curve(800);
    let rows: Vec<u32> = (0..800).collect();
    let real = Target::Real(target.clone());
    let classes = Target::Class {
        codes: target.iter().map(|t| (*t > 0.5) as u32 + (*t > 1.2) as u32).collect(),
        n_classes: 3,
    };
    for (target, sampling) in [(&real, "bernoulli"), (&classes, "mvs"), (&classes, "goss")] {
        let params =
            GbdtParams { learning_rate: 0.1, sampling: sampling.into(), ..GbdtParams::default() };
        let fit = |n_rounds, warm_start| {
            let params = GbdtParams { n_rounds, ..params.clone() };
            let options = FitOptions { warm_start, ..FitOptions::default() };
            fit_with(&features, target, [&rows, &[]], &params, &options)
        };
        let whole = fit(30, None);
        let first = fit(12, None);
        let continued = fit(18, Some(&first));
        assert_eq!(continued.rounds(), 30);
        assert!(bytes(&continued) == bytes(&whole), "{sampling}");
    }
}

#[test]
fn a_warm_start_that_validation_rows_do_not_like_is_returned_as_it_was() {
    let (features, target) = curve(300);
    let noise = Target::Real(
        target.iter().enumerate().map(|(i, t)| if i < 200 { *t } else { -9.0 * t }).collect(),
    );
    let rows: Vec<u32> = (0..200).collect();
    let held_out: Vec<u32> = (200..300).collect();
    let start = fit_with(
        &features,
        &noise,
        [&rows, &[]],
        &GbdtParams { n_rounds: 2, ..whole() },
        &FitOptions::default(),
    );
    let options = FitOptions { warm_start: Some(&start), ..FitOptions::default() };
    let params = GbdtParams { n_rounds: 200, ..whole() };
    let model = fit_with(&features, &noise, [&rows, &held_out], &params, &options);
    assert!(bytes(&model) == bytes(&start));
}

#[test]
fn init_scores_shift_what_is_learned_and_count_for_validation_rows_too() {
    let (features, target) = curve(500);
    let rows: Vec<u32> = (0..400).collect();
    let held_out: Vec<u32> = (400..500).collect();
    let offsets: Vec<f64> = (0..500).map(|i| f64::from(i % 7) * 3.0).collect();
    let shifted = Target::Real(target.iter().zip(&offsets).map(|(t, o)| t + o).collect());
    let params = GbdtParams { n_rounds: 80, learning_rate: 0.2, ..whole() };
    let options = FitOptions { init_scores: Some(&offsets), ..FitOptions::default() };
    let with = fit_with(&features, &shifted, [&rows, &held_out], &params, &options);
    let zero = GbdtParams { boost_from_average: false, ..params };
    let plain = fit_with(
        &features,
        &Target::Real(target),
        [&rows, &held_out],
        &zero,
        &FitOptions::default(),
    );
    // The same residuals, up to the rounding of a sum: the same number of rounds and scores.
    assert_eq!(with.base_scores(), [0.0]);
    assert_eq!(with.rounds(), plain.rounds());
    assert!(rmse(&scores(&with, &features), &scores(&plain, &features)) < 0.02);
}

#[test]
fn a_given_base_score_is_where_scores_start() {
    let (features, target) = curve(100);
    let params = GbdtParams { n_rounds: 0, boost_from_average: false, base_score: -2.5, ..whole() };
    let model = fit(&features, &Target::Real(target), &params);
    assert_eq!(predictions(&model, &features)[0], -2.5);
}

#[test]
fn several_quantiles_never_cross_and_hold_their_shares() {
    let mut random = Random::new(8);
    let x: Vec<f32> = (0..4000).map(|_| random.unit() as f32).collect();
    let y = x.iter().map(|x| f64::from(*x) * (1.0 + random.normal())).collect();
    let features = matrix(vec![x]);
    let target = Target::Real(y);
    let rows: Vec<u32> = (0..3000).collect();
    let levels = [0.05, 0.5, 0.9];
    let options = FitOptions { quantile_levels: Some(&levels), ..FitOptions::default() };
    let params = GbdtParams { n_rounds: 60, learning_rate: 0.2, ..whole() };
    let model = fit_with(&features, &target, [&rows, &[]], &params, &options);
    assert_eq!((model.n_outputs(), model.rounds()), (3, 60));
    model.validate().unwrap();
    let p = predictions(&model, &features);
    assert!(p.chunks(3).all(|row| row[0] <= row[1] && row[1] <= row[2]));
    let values = target.values().unwrap();
    for (k, level) in levels.iter().enumerate() {
        let below = (3000..4000).filter(|r| values[*r] <= p[r * 3 + k]).count() as f64 / 1000.0;
        assert!((below - level).abs() < 0.05, "{level}: {below}");
    }
    // Sorting can only help: sums of pinball losses of the raw scores are not smaller.
    let loss = |p: &[f64]| {
        let of = |(i, q): (usize, &f64)| {
            let e = values[i / 3] - q;
            (levels[i % 3] * e).max((levels[i % 3] - 1.0) * e)
        };
        p.iter().enumerate().map(of).sum::<f64>()
    };
    assert!(loss(&p) <= loss(&scores(&model, &features)) + 1e-9);
}

#[test]
fn snapshots_are_whole_models_and_the_last_is_no_worse_than_the_end() {
    let (features, target) = curve(500);
    let target = Target::Real(target);
    let rows: Vec<u32> = (0..400).collect();
    let held_out: Vec<u32> = (400..500).collect();
    let seen = Mutex::new(Vec::new());
    let take = |model: &GbdtModel| {
        model.validate().unwrap();
        seen.lock().unwrap().push((model.rounds(), bytes(model)));
    };
    let options =
        FitOptions { snapshot: Some(Snapshot { every: 10, take: &take }), ..FitOptions::default() };
    let params = GbdtParams { n_rounds: 45, learning_rate: 0.1, ..whole() };
    let watched = fit_with(&features, &target, [&rows, &[]], &params, &options);
    let rounds: Vec<usize> = seen.lock().unwrap().iter().map(|s| s.0).collect();
    assert_eq!(rounds, [10, 20, 30, 40]);
    let fit = |n_rounds| {
        let params = GbdtParams { n_rounds, ..params.clone() };
        fit_with(&features, &target, [&rows, &[]], &params, &FitOptions::default())
    };
    assert!(seen.lock().unwrap()[1].1 == bytes(&fit(20)));
    assert!(bytes(&watched) == bytes(&fit(45)), "watching changes nothing");
    seen.lock().unwrap().clear();
    let long = GbdtParams { n_rounds: 400, learning_rate: 0.3, ..whole() };
    let judged = fit_with(&features, &target, [&rows, &held_out], &long, &options);
    let rounds: Vec<usize> = seen.lock().unwrap().iter().map(|s| s.0).collect();
    assert_eq!(rounds.last(), Some(&judged.rounds()), "cut to the best round: {rounds:?}");
}
