//! Other leaves: linear ones, one tree for all outputs, and values renewed by a replay.

use super::*;
use crate::gbdt::FitOptions;

fn replayed(model: &GbdtModel, train: &TrainView<'_>, params: &GbdtParams) -> GbdtModel {
    let params = params.clone().check("gbdt").unwrap();
    Gbdt::replay(model, train, &params, &FitOptions::default(), &Context::unlimited(1, 2)).unwrap()
}

fn view<'a>(features: &'a FeatureMatrix, target: &'a Target, rows: &'a [u32]) -> TrainView<'a> {
    TrainView { features, target, weights: None, rows, validation: &[] }
}

/// Three classes by the size of a curve.
fn classes(curve: &[f64]) -> Target {
    let class = |t: &f64| u32::from(*t > 0.5) + u32::from(*t > 1.2);
    Target::Class { codes: curve.iter().map(class).collect(), n_classes: 3 }
}

fn log_loss(probabilities: &[f64], target: &Target) -> f64 {
    let codes = target.codes().unwrap();
    let rows = probabilities.chunks(3).zip(codes);
    -rows.map(|(p, code)| p[*code as usize].max(1e-15).ln()).sum::<f64>() / codes.len() as f64
}

#[test]
fn a_replay_on_the_same_rows_gives_the_same_model() {
    let (features, target) = curve(1500);
    let rows: Vec<u32> = (0..1500).filter(|r| r % 9 != 2).collect();
    let multi = classes(&target);
    let real = Target::Real(target.iter().map(|t| t + 5.0).collect());
    let base = GbdtParams { n_rounds: 12, learning_rate: 0.2, ..whole() };
    let of = |loss: &str| GbdtParams { loss: loss.into(), ..base.clone() };
    let smooth = GbdtParams { path_smooth: 7.0, l1: 0.1, ..base.clone() };
    let cases = [
        (&real, base.clone()),
        (&real, smooth),
        (&real, GbdtParams { path_smooth: 3.0, ..of("quantile") }),
        (&real, of("gamma")),
        (&real, GbdtParams { linear_tree: true, ..base.clone() }),
        (&multi, base.clone()),
        (&multi, GbdtParams { tree_outputs: "all".into(), ..base.clone() }),
    ];
    for (target, params) in cases {
        let ctx = Context::unlimited(1, 1);
        let model = fit_in(&features, target, None, [&rows, &[]], &params, &ctx);
        let again = replayed(&model, &view(&features, target, &rows), &params);
        assert_eq!(again.base_scores(), model.base_scores());
        assert_eq!(again.trees(), model.trees(), "{params:?}");
    }
}

#[test]
fn a_replay_on_more_rows_keeps_splits_and_predicts_better_than_the_part() {
    let (features, target) = curve(3000);
    let all: Vec<u32> = (0..2000).collect();
    let (part, held_out) = all.split_at(1000);
    let real = Target::Real(target.clone());
    let params = GbdtParams { learning_rate: 0.1, ..GbdtParams::default() };
    let ctx = Context::unlimited(1, 1);
    let stopped = fit_in(&features, &real, None, [part, held_out], &params, &ctx);
    let renewed = replayed(&stopped, &view(&features, &real, &all), &params);
    for (a, b) in stopped.trees().iter().zip(renewed.trees()) {
        assert_eq!((&a.features, &a.thresholds), (&b.features, &b.thresholds));
    }
    assert_eq!(renewed.rounds(), stopped.rounds());
    let cover: f32 = renewed.trees()[0].leaf_covers.iter().sum();
    assert_eq!(cover, 2000.0);
    let error = |model: &GbdtModel| rmse(&predictions(model, &features)[2000..], &target[2000..]);
    assert!(error(&renewed) < error(&stopped), "{} {}", error(&renewed), error(&stopped));
    // Out of time, it is the rounds that were reached.
    let decisions =
        Decisions { stopped_after: [(String::new(), 4)].into(), ..Decisions::default() };
    let settings = Settings { replay: Some(decisions), ..Settings::default() };
    let late = Context::new(settings).unwrap();
    let params = params.check("gbdt").unwrap();
    let train = view(&features, &real, &all);
    let early = Gbdt::replay(&stopped, &train, &params, &FitOptions::default(), &late).unwrap();
    assert_eq!(early.trees(), &renewed.trees()[..4]);
}

#[test]
fn a_replay_refuses_other_tables_and_losses() {
    let (features, target) = curve(60);
    let rows: Vec<u32> = (0..60).collect();
    let real = Target::Real(target.clone());
    let params = GbdtParams { n_rounds: 3, ..whole() };
    let model = fit(&features, &real, &params);
    let attempt = |features: &FeatureMatrix, target: &Target, params: &GbdtParams, rows: &[u32]| {
        let params = params.clone().check("gbdt").unwrap();
        let train = view(features, target, rows);
        let options = FitOptions::default();
        Gbdt::replay(&model, &train, &params, &options, &Context::unlimited(1, 1)).is_err()
    };
    assert!(!attempt(&features, &real, &params, &rows));
    assert!(attempt(&matrix(vec![vec![1.0; 60]]), &real, &params, &rows));
    assert!(attempt(&features, &classes(&target), &params, &rows));
    assert!(attempt(
        &features,
        &real,
        &GbdtParams { loss: "poisson".into(), ..params.clone() },
        &rows
    ));
    assert!(attempt(&features, &real, &params, &[]));
}

#[test]
fn one_tree_for_all_classes_learns_and_is_the_same_for_any_number_of_threads() {
    let (features, target) = curve(40_000);
    let target = classes(&target);
    let rows: Vec<u32> = (0..30_000).collect();
    let held_out: Vec<u32> = (30_000..40_000).collect();
    let params = GbdtParams {
        tree_outputs: "all".into(),
        n_rounds: 40,
        learning_rate: 0.2,
        ..GbdtParams::default()
    };
    let run = |sampling: &str, threads| {
        let params = GbdtParams { sampling: sampling.into(), ..params.clone() };
        let ctx = Context::unlimited(1, threads);
        fit_in(&features, &target, None, [&rows, &held_out], &params, &ctx)
    };
    for sampling in ["none", "bernoulli", "mvs", "bayesian"] {
        let model = run(sampling, 1);
        model.validate().unwrap();
        assert_eq!((model.rounds(), model.trees().len()), (40, 40));
        assert!(model.trees().iter().all(|t| t.width() == 3));
        let p = predictions(&model, &features);
        assert!(p.chunks(3).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-9));
        let shares = vec![1.0 / 3.0; p.len()];
        assert!(log_loss(&p, &target) < 0.35 * log_loss(&shares, &target), "{sampling}");
        let bytes = |m: &GbdtModel| postcard::to_stdvec(m).unwrap();
        assert!(bytes(&model) == bytes(&run(sampling, 4)), "{sampling}");
    }
}

#[test]
fn linear_leaves_find_a_line_and_fall_back_where_a_value_is_missing() {
    let x: Vec<f32> = (0..200).map(|i| i as f32 / 10.0).collect();
    let y: Vec<f64> = x
        .iter()
        .map(|x| if *x < 10.0 { f64::from(*x) } else { 50.0 - 2.0 * f64::from(*x) })
        .collect();
    let features = matrix(vec![x]);
    let params = GbdtParams { max_leaves: 2, linear_tree: true, linear_lambda: 0.0, ..plain() };
    let model = fit(&features, &Target::Real(y.clone()), &params);
    model.validate().unwrap();
    let tree = &model.trees()[0];
    assert_eq!(tree.linear.len(), 2);
    let slopes: Vec<f64> = tree.linear.iter().map(|l| l.terms[0].1).collect();
    // The cut nearest to 10 has the two lines up to a row or two.
    assert!((slopes[0] - 1.0).abs() < 0.2 && (slopes[1] + 2.0).abs() < 0.2, "{slopes:?}");
    let plain = fit(
        &features,
        &Target::Real(y.clone()),
        &GbdtParams { linear_tree: false, ..params.clone() },
    );
    let error = |m: &GbdtModel| rmse(&predictions(m, &features), &y);
    assert!(error(&model) < 0.3 * error(&plain), "{} {}", error(&model), error(&plain));
    let missing = FeatureMatrix::new(1, vec![FeatureColumn::dense("x0", vec![f32::NAN])]);
    assert_eq!(predictions(&model, &missing), predictions(&plain, &missing));
    for wrong in [
        GbdtParams { loss: "absolute".into(), ..params.clone() },
        GbdtParams { tree_outputs: "all".into(), ..params.clone() },
    ] {
        let rows: Vec<u32> = (0..200).collect();
        let target = Target::Real(y.clone());
        let wrong = wrong.check("gbdt").unwrap();
        let result = Gbdt::fit(&view(&features, &target, &rows), &wrong, &Context::unlimited(1, 1));
        assert!(result.err().unwrap().to_string().contains("linear_tree"));
    }
}

#[test]
fn linear_leaves_are_the_same_for_any_number_of_threads_and_sampling_keeps_them_valid() {
    let (features, target) = curve(40_000);
    let target = Target::Real(target);
    let rows: Vec<u32> = (0..40_000).collect();
    for sampling in ["none", "bernoulli", "goss"] {
        let params = GbdtParams {
            linear_tree: true,
            n_rounds: 4,
            learning_rate: 0.5,
            sampling: sampling.into(),
            ..whole()
        };
        let run = |threads| {
            let ctx = Context::unlimited(1, threads);
            fit_in(&features, &target, None, [&rows, &[]], &params, &ctx)
        };
        let model = run(1);
        model.validate().unwrap();
        assert!(postcard::to_stdvec(&model).unwrap() == postcard::to_stdvec(&run(4)).unwrap());
        assert!(predictions(&model, &features).iter().all(|p| p.is_finite()));
    }
}
