//! Predictions of other libraries for the same rows, parameters and loss.

use super::*;

const TARGETS: [f64; 12] = [0.5, 1.0, 0.25, 2.0, 1.5, 0.75, 4.0, 6.5, 3.0, 8.0, 5.5, 12.0];
const WEIGHTS: [f64; 12] = [1.0, 2.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0];

/// One feature, 0 to 11.
fn ramp() -> FeatureMatrix {
    matrix(vec![(0..12).map(|i| i as f32).collect()])
}

fn stumps(loss: &str, n_rounds: usize) -> GbdtParams {
    GbdtParams {
        loss: loss.into(),
        n_rounds,
        max_leaves: 2,
        min_child_weight: 0.0,
        tweedie_variance_power: 1.3,
        ..plain()
    }
}

fn runs(parts: &[(usize, f64)]) -> Vec<f64> {
    parts.iter().flat_map(|(n, value)| vec![*value; *n]).collect()
}

/// LightGBM 4.7.0: `num_leaves=2, min_data_in_leaf=1, min_sum_hessian_in_leaf=0, lambda_l2=0,
/// learning_rate=1, min_data_in_bin=1`, predictions after 1 and 3 rounds.
#[test]
fn weighted_stumps_are_those_of_lightgbm_for_every_loss_that_both_define_alike() {
    let cases = [
        ("squared", 1, runs(&[(9, 2.038_462), (3, 8.5)])),
        ("squared", 3, runs(&[(6, 0.957_265), (3, 3.076_923), (2, 9.538_462), (1, 12.0)])),
        ("poisson", 1, runs(&[(9, 2.700_771), (3, 7.248_766)])),
        ("poisson", 3, runs(&[(6, 1.613_36), (3, 3.306_419), (3, 8.874_301)])),
        ("gamma", 1, runs(&[(6, 0.474_096_2), (6, 5.139_667)])),
        ("gamma", 3, runs(&[(3, 0.670_079_9), (2, 1.085_092), (1, 0.719_996_8), (6, 7.805_47)])),
        ("tweedie", 1, runs(&[(6, 1.431_372), (6, 6.382_128)])),
        ("tweedie", 3, runs(&[(3, 0.725_372), (3, 1.169_302), (5, 5.213_623), (1, 13.224_62)])),
        ("cross_entropy", 1, runs(&[(9, 0.175_125_7), (3, 0.757_125_4)])),
        ("cross_entropy", 3, runs(&[(6, 0.121_173_2), (3, 0.261_002), (3, 0.643_068_9)])),
    ];
    let features = ramp();
    let rows: Vec<u32> = (0..12).collect();
    for (loss, n_rounds, want) in cases {
        let scale = if loss == "cross_entropy" { 12.5 } else { 1.0 };
        let target = Target::Real(TARGETS.iter().map(|y| y / scale).collect());
        let ctx = Context::unlimited(1, 1);
        let params = stumps(loss, n_rounds);
        let model = fit_in(&features, &target, Some(&WEIGHTS), [&rows, &[]], &params, &ctx);
        for (got, want) in predictions(&model, &features).iter().zip(&want) {
            assert!((got / want - 1.0).abs() < 1e-5, "{loss} {n_rounds}: {got} {want}");
        }
    }
}

/// As above with `objective=binary` and the weights of scikit-learn's
/// `compute_sample_weight("balanced", y)`.
#[test]
fn balanced_classes_are_the_weights_of_scikit_learn() {
    let codes = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1];
    let target = Target::Class { codes, n_classes: 2 };
    let params = GbdtParams { class_weight: "balanced".into(), ..stumps("logistic", 1) };
    let got = predictions(&fit(&ramp(), &target, &params), &ramp());
    for (got, want) in got.iter().zip(runs(&[(9, 0.231_475_2), (3, 0.880_797_1)])) {
        assert!((got - want).abs() < 1e-6, "{got} {want}");
    }
}
