//! Tests of [`super`]: derivatives against finite differences, and known minima.

use modelwright_core::data::FeatureMatrix;

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

#[test]
fn gradients_are_the_derivatives_of_the_mean_loss() {
    let real = Target::Real(vec![0.5, 3.0, 1.0, 0.0, 7.0]);
    let binary = Target::Class { codes: vec![0, 1, 1, 0, 1], n_classes: 2 };
    let multi = Target::Class { codes: vec![0, 1, 2, 0, 2], n_classes: 3 };
    let weights = [1.0, 2.0, 0.5, 1.0, 3.0];
    let rows: Vec<u32> = (0..5).collect();
    let features = FeatureMatrix::new(5, vec![]);
    let cases = [
        ("squared", &real),
        ("absolute", &real),
        ("huber", &real),
        ("quantile", &real),
        ("poisson", &real),
        ("logistic", &binary),
        ("softmax", &multi),
    ];
    for (name, target) in cases {
        let view = view(&features, target, &rows, Some(&weights));
        let loss = make(&named(name, 0.7), &view, &rows).unwrap();
        let n_outputs = target.n_outputs();
        let scores: Vec<Vec<f64>> = (0..n_outputs)
            .map(|k| (0..5).map(|i| 0.3 * f64::from(i) - 0.25 - 0.4 * k as f64).collect())
            .collect();
        let mut out = vec![vec![[0.0; 2]; 5]; n_outputs];
        loss.gradients(&scores, &mut out);
        let total: f64 = weights.iter().sum();
        for (k, out) in out.iter().enumerate() {
            for (row, gh) in out.iter().enumerate() {
                let step = 1e-5;
                let at = |delta: f64| {
                    let mut moved = scores.clone();
                    moved[k][row] += delta;
                    loss.mean(&moved) * total
                };
                let slope = (at(step) - at(-step)) / (2.0 * step);
                assert!((slope - f64::from(gh[0])).abs() < 1e-3, "{name}: {slope} {}", gh[0]);
                assert!(gh[1] > 0.0, "{name}");
            }
        }
    }
}

#[test]
fn base_scores_minimise_the_loss() {
    let target = Target::Real(vec![1.0, 2.0, 2.5, 8.0, 20.0, 3.0]);
    let rows: Vec<u32> = (0..6).collect();
    let features = FeatureMatrix::new(6, vec![]);
    let view = view(&features, &target, &rows, None);
    for name in ["squared", "absolute", "huber", "quantile", "poisson"] {
        let loss = make(&named(name, 0.8), &view, &rows).unwrap();
        let base = loss.base_scores()[0];
        let at = |score: f64| loss.mean(&[vec![score; 6]]);
        let slack = if name == "huber" { 0.05 } else { 1e-9 };
        for other in [base - 0.3, base + 0.3, base - 0.01, base + 0.01] {
            assert!(at(base) <= at(other) + slack, "{name}: {base} is worse than {other}");
        }
    }
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
