//! Tests of [`super`]: derivatives against finite differences, and known minima.

use modelwright_core::data::FeatureMatrix;
use modelwright_core::params::{Domain, Params};

use super::*;

fn view<'a>(
    features: &'a FeatureMatrix,
    target: &'a Target,
    rows: &'a [u32],
    weights: Option<&'a [f64]>,
) -> TrainView<'a> {
    TrainView { features, target, weights, rows, validation: &[] }
}

fn named(name: &str, alpha: f64) -> GbdtParams {
    GbdtParams { loss: name.to_owned(), alpha, ..GbdtParams::default() }
}

/// Every loss with targets that it can learn.
fn every_loss() -> Vec<(&'static str, Target)> {
    let real = Target::Real(vec![0.5, 3.0, 1.0, 0.25, 7.0]);
    let zeros = Target::Real(vec![0.5, 3.0, 0.0, 0.0, 7.0]);
    let parts = Target::Real(vec![0.5, 0.0, 1.0, 0.25, 0.75]);
    let binary = Target::Class { codes: vec![0, 1, 1, 0, 1], n_classes: 2 };
    let multi = Target::Class { codes: vec![0, 1, 2, 0, 2], n_classes: 3 };
    let of_real = ["squared", "absolute", "huber", "fair", "log_cosh", "mape", "quantile", "gamma"];
    let mut all: Vec<_> = of_real.into_iter().map(|name| (name, real.clone())).collect();
    all.extend([
        ("poisson", zeros.clone()),
        ("squared_log", zeros.clone()),
        ("tweedie", zeros),
        ("cross_entropy", parts),
    ]);
    all.extend([("logistic", binary.clone()), ("focal", binary), ("softmax", multi)]);
    all
}

#[test]
fn no_loss_is_forgotten_here() {
    let names: Vec<_> = every_loss().into_iter().map(|(name, _)| name).collect();
    let loss = GbdtParams::SPECS.iter().find(|s| s.name == "loss").unwrap();
    let Domain::Choice(known) = loss.domain else { panic!("the loss is a choice") };
    for name in known.iter().filter(|n| **n != "auto") {
        assert!(names.contains(name), "{name}");
    }
}

/// The sum over rows of a loss, and its gradients, at scores that differ between rows.
fn at_some_scores(loss: &dyn Loss, scores: &[Vec<f64>]) -> Vec<Vec<[f32; 2]>> {
    let mut out = vec![vec![[0.0; 2]; scores[0].len()]; scores.len()];
    loss.gradients(scores, &mut out).unwrap();
    out
}

#[test]
fn gradients_are_the_derivatives_of_the_mean_loss_and_hessians_are_not_below_the_second() {
    let weights = [1.0, 2.0, 0.5, 1.0, 3.0];
    let total: f64 = weights.iter().sum();
    let rows: Vec<u32> = (0..5).collect();
    let features = FeatureMatrix::new(5, vec![]);
    for (name, target) in every_loss() {
        let view = view(&features, &target, &rows, Some(&weights));
        let loss = make(&named(name, 0.7), &view, &rows).unwrap();
        for start in [-3.0, -0.25, 2.1] {
            let scores: Vec<Vec<f64>> = (0..target.n_outputs())
                .map(|k| (0..5).map(|i| start + 0.3 * f64::from(i) - 0.4 * k as f64).collect())
                .collect();
            for (k, out) in at_some_scores(loss.as_ref(), &scores).iter().enumerate() {
                for (row, gh) in out.iter().enumerate() {
                    let at = |delta: f64| {
                        let mut moved = scores.clone();
                        moved[k][row] += delta;
                        loss.mean(&moved).unwrap() * total
                    };
                    let [g, h] = gh.map(f64::from);
                    let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                    assert!((slope - g).abs() < 1e-3 * (1.0 + g.abs()), "{name}: {slope} {g}");
                    let second = (at(1e-3) - 2.0 * at(0.0) + at(-1e-3)) / 1e-6;
                    assert!(h > 0.0 && h > second - 1e-3 * (1.0 + h), "{name}: {second} {h}");
                    // Where it is meant to be the second derivative, it is.
                    let factor = match name {
                        "squared" | "squared_log" | "gamma" | "tweedie" | "cross_entropy"
                        | "logistic" => 1.0,
                        "poisson" => 0.7_f64.exp(),
                        "softmax" => 1.5,
                        _ => continue,
                    };
                    let close = (h - factor * second).abs() < 2e-3 * (1.0 + h);
                    assert!(close, "{name}: {} {h}", factor * second);
                }
            }
        }
    }
}

#[test]
fn gradients_stay_finite_at_extreme_scores() {
    let rows: Vec<u32> = (0..5).collect();
    let features = FeatureMatrix::new(5, vec![]);
    for (name, target) in every_loss() {
        let view = view(&features, &target, &rows, None);
        let loss = make(&named(name, 0.7), &view, &rows).unwrap();
        for score in [-1e4, -800.0, -40.0, 40.0, 800.0, 1e4] {
            let scores = vec![vec![score; 5]; target.n_outputs()];
            let out = at_some_scores(loss.as_ref(), &scores);
            let usable = |gh: &[f32; 2]| gh[0].is_finite() && gh[1].is_finite() && gh[1] >= 0.0;
            assert!(out.iter().flatten().all(usable), "{name} at {score}: {out:?}");
            assert!(!loss.mean(&scores).unwrap().is_nan(), "{name} at {score}");
        }
    }
}

#[test]
fn base_scores_minimise_the_loss() {
    let weights = [1.0, 2.5, 0.0, 1.0, 3.0];
    let rows: Vec<u32> = (0..5).collect();
    let features = FeatureMatrix::new(5, vec![]);
    for (name, target) in every_loss() {
        for level in [0.2, 0.8] {
            let view = view(&features, &target, &rows, Some(&weights));
            let loss = make(&named(name, level), &view, &rows).unwrap();
            let base = loss.base_scores().unwrap();
            let at = |k: usize, delta: f64| {
                let mut moved = base.clone();
                moved[k] += delta;
                let scores: Vec<Vec<f64>> = moved.iter().map(|s| vec![*s; 5]).collect();
                loss.mean(&scores).unwrap()
            };
            for k in 0..base.len() {
                for delta in [-0.3, 0.3, -0.01, 0.01] {
                    assert!(at(k, 0.0) <= at(k, delta) + 1e-9, "{name}: {base:?} {delta}");
                }
            }
        }
    }
}

#[test]
fn base_scores_of_convex_losses_are_exact_also_far_from_the_median() {
    let mut values: Vec<f64> = (0..999).map(f64::from).collect();
    values.extend([1e6; 300]);
    let weights = vec![1.0_f32; values.len()];
    for point in [&fair::Fair { c: 0.5 } as &dyn Object, &log_cosh::LogCosh, &fair::Fair { c: 1e6 }]
    {
        let score = point.minimum(&values, &weights);
        let slope = |s: f64| values.iter().map(|y| point.slope(*y, s)).sum::<f64>();
        assert!(slope(score - 2e-6) <= 0.0 && slope(score + 2e-6) >= 0.0, "{score}");
    }
}

/// A point loss as an object.
trait Object {
    fn minimum(&self, targets: &[f64], weights: &[f32]) -> f64;
    fn slope(&self, target: f64, score: f64) -> f64;
}

impl<P: real::PointLoss> Object for P {
    fn minimum(&self, targets: &[f64], weights: &[f32]) -> f64 {
        self.base_score(targets, weights)
    }

    fn slope(&self, target: f64, score: f64) -> f64 {
        self.gradient(target, score)[0]
    }
}

#[test]
fn a_focus_of_zero_is_the_logistic_loss() {
    let target = Target::Class { codes: vec![0, 1, 1, 0, 1], n_classes: 2 };
    let rows: Vec<u32> = (0..5).collect();
    let features = FeatureMatrix::new(5, vec![]);
    let view = view(&features, &target, &rows, None);
    let plain = GbdtParams { focal_gamma: 0.0, ..named("focal", 0.5) };
    let focal = make(&plain, &view, &rows).unwrap();
    let logistic = make(&named("logistic", 0.5), &view, &rows).unwrap();
    let scores = [vec![-4.0, -1.0, 0.0, 0.5, 9.0]];
    let (a, b) =
        (at_some_scores(focal.as_ref(), &scores), at_some_scores(logistic.as_ref(), &scores));
    for (a, b) in a[0].iter().zip(&b[0]) {
        assert!((a[0] - b[0]).abs() < 1e-5 && (a[1] - b[1]).abs() < 1e-5, "{a:?} {b:?}");
    }
    let base = |loss: &dyn Loss| loss.base_scores().unwrap()[0];
    assert!((base(focal.as_ref()) - base(logistic.as_ref())).abs() < 1e-6);
}

#[test]
fn several_quantiles_have_the_gradients_of_each() {
    let target = Target::Real(vec![1.0, 4.0, 2.0, 8.0]);
    let rows: Vec<u32> = (0..4).collect();
    let features = FeatureMatrix::new(4, vec![]);
    let view = view(&features, &target, &rows, None);
    let several = make_quantiles(&[0.1, 0.9], Link::Ascending, &view, &rows).unwrap();
    let scores = [vec![1.5; 4], vec![6.0; 4]];
    let out = at_some_scores(several.as_ref(), &scores);
    let mut mean = 0.0;
    for (k, level) in [0.1, 0.9].into_iter().enumerate() {
        let one = make(&named("quantile", level), &view, &rows).unwrap();
        assert_eq!(at_some_scores(one.as_ref(), &scores[k..=k])[0], out[k]);
        assert_eq!(one.base_scores().unwrap()[0], several.base_scores().unwrap()[k]);
        mean += one.mean(&scores[k..=k]).unwrap();
    }
    assert!((several.mean(&scores).unwrap() - mean).abs() < 1e-12);
    for levels in [&[0.5, 0.5][..], &[0.9, 0.1], &[0.0], &[1.0], &[f64::NAN]] {
        assert!(make_quantiles(levels, Link::Ascending, &view, &rows).is_err(), "{levels:?}");
    }
}

#[test]
fn balanced_classes_weigh_the_same_and_follow_the_learning_rows() {
    let target = Target::Class { codes: vec![0, 0, 0, 1, 1, 1, 1], n_classes: 2 };
    let features = FeatureMatrix::new(7, vec![]);
    let weights = [1.0, 1.0, 2.0, 1.0, 7.0, 7.0, 7.0];
    let view = view(&features, &target, &[0, 1, 2, 3], Some(&weights));
    let params = GbdtParams { class_weight: "balanced".into(), ..named("logistic", 0.5) };
    let learning = make(&params, &view, view.rows).unwrap();
    // 4 of the weight has class 0 and 1 has class 1: factors 5/8 and 5/2.
    assert_eq!(learning.base_scores().unwrap(), [0.0]);
    let out = at_some_scores(learning.as_ref(), &[vec![0.0; 4]]);
    assert_eq!(out[0].iter().map(|gh| gh[0]).collect::<Vec<_>>(), [0.3125, 0.3125, 0.625, -1.25]);
    let judging = make(&params, &view, &[4, 0]).unwrap();
    let out = at_some_scores(judging.as_ref(), &[vec![0.0; 2]]);
    assert_eq!(out[0].iter().map(|gh| gh[0]).collect::<Vec<_>>(), [-8.75, 0.3125]);
}

#[test]
fn targets_outside_the_range_of_a_loss_are_refused_by_row() {
    let features = FeatureMatrix::new(3, vec![]);
    let cases = [
        ("poisson", -1.0, "at least 0"),
        ("tweedie", -0.1, "at least 0"),
        ("gamma", 0.0, "above 0"),
        ("cross_entropy", 1.1, "from 0 to 1"),
        ("squared", f64::NAN, "finite"),
        ("absolute", f64::INFINITY, "finite"),
    ];
    for (name, wrong, expected) in cases {
        let target = Target::Real(vec![wrong, 0.5, wrong]);
        let view = view(&features, &target, &[1, 2], None);
        let text = make(&named(name, 0.5), &view, &[1, 2]).err().unwrap().to_string();
        assert!(text.contains("row 3") && text.contains(expected), "{name}: {text}");
    }
    let target = Target::Class { codes: vec![0, 1, 2], n_classes: 2 };
    let view = view(&features, &target, &[0, 1, 2], None);
    let text = make(&named("auto", 0.5), &view, &[0, 1, 2]).err().unwrap().to_string();
    assert!(text.contains("row 3"), "{text}");
}

#[test]
fn losses_that_do_not_fit_are_refused() {
    let target = Target::Real(vec![1.0, -2.0]);
    let features = FeatureMatrix::new(2, vec![]);
    let view = view(&features, &target, &[0, 1], None);
    for name in ["logistic", "softmax", "poisson"] {
        assert!(make(&named(name, 0.5), &view, &[0, 1]).is_err(), "{name}");
    }
    let zero = TrainView { weights: Some(&[0.0, 0.0]), ..view };
    assert!(make(&named("squared", 0.5), &zero, &[0, 1]).is_err());
    let negative = TrainView { weights: Some(&[1.0, -1.0]), ..view };
    assert!(make(&named("squared", 0.5), &negative, &[0, 1]).is_err());
    let target = Target::Real(vec![1.0, f64::NAN]);
    let view = TrainView { target: &target, ..view };
    assert!(make(&named("squared", 0.5), &view, &[0, 1]).is_err());
}

#[test]
fn a_weighted_quantile_counts_weight_not_rows() {
    let mut pairs = [(3.0, 1.0), (1.0, 1.0), (2.0, 8.0)];
    assert_eq!(weighted_quantile(&mut pairs, 0.5), 2.0);
    assert_eq!(weighted_quantile(&mut pairs, 0.05), 1.0);
    assert_eq!(weighted_quantile(&mut pairs, 0.95), 3.0);
    assert_eq!(weighted_quantile(&mut [], 0.5), 0.0);
}

#[test]
fn a_quantile_of_many_is_that_of_the_sorted_ones() {
    let mut random = modelwright_core::random::Random::new(3);
    for n in [1, 31, 33, 500, 4001] {
        let draw = |_| (random.below(97) as f64, random.below(4) as f32);
        let pairs: Vec<(f64, f32)> = (0..n).map(draw).collect();
        let total: f64 = pairs.iter().map(|p| f64::from(p.1)).sum();
        let mut sorted = pairs.clone();
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        for level in [0.001, 0.25, 0.5, 0.9, 0.999] {
            let mut below = 0.0;
            let want = sorted.iter().find(|(_, w)| {
                below += f64::from(*w);
                below >= level * total && *w > 0.0
            });
            let want = want.or(sorted.last()).unwrap().0;
            assert_eq!(weighted_quantile(&mut pairs.clone(), level), want, "{n} {level}");
        }
    }
}
