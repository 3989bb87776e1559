//! Calibrators against scikit-learn, against known distortions, and the choice between them.

use modelwright_core::random::Random;
use serde::Deserialize;

use super::*;

/// Labels drawn with probability `p`, and what a model says that distorts `p` by `distort`.
fn drawn(n: usize, seed: u64, distort: impl Fn(f64) -> f64) -> (Target, Predictions) {
    let mut random = Random::new(seed);
    let (mut codes, mut values) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let p = 0.02 + 0.96 * random.unit();
        codes.push(u32::from(random.unit() < p));
        values.push(distort(p));
    }
    (Target::Class { codes, n_classes: 2 }, Predictions::new(1, values))
}

/// Doubled log-odds.
fn overconfident(p: f64) -> f64 {
    sigmoid(2.0 * (p / (1.0 - p)).ln())
}

/// `k` parts by turns.
fn parts(n: u32, k: u32) -> Vec<Vec<u32>> {
    (0..k).map(|part| (0..n).filter(|row| row % k == part).collect()).collect()
}

fn mean_loss(truth: &Target, predictions: &Predictions) -> f64 {
    let entry = crate::metric::metric("log_loss").unwrap();
    entry.value(&crate::MetricInput::new(truth, predictions)).unwrap()
}

#[test]
fn doubled_log_odds_are_halved_again_and_nothing_richer_is_taken() {
    let (truth, predictions) = drawn(20_000, 1, overconfident);
    let choice = choose(&truth, &predictions, None, &parts(20_000, 5));
    let Calibrator::Temperature(t) = choice.calibrator else { panic!("{choice:?}") };
    assert!((t - 2.0).abs() < 0.1, "{t}");
    assert_eq!(choice.tried.len(), 4);
}

#[test]
fn each_distortion_finds_a_calibration_that_undoes_it() {
    for (name, distort) in [
        ("shifted", (|p| sigmoid((p / (1.0 - p)).ln() + 1.2)) as fn(f64) -> f64),
        ("lopsided", |p| sigmoid(2.5 * p.ln() - 0.3 * (1.0 - p).ln() + 0.4)),
        ("stepped", |p| if p < 0.5 { 0.4 + 0.1 * p } else { 0.55 + 0.1 * p }),
    ] {
        let (truth, mut predictions) = drawn(20_000, 2, distort);
        let choice = choose(&truth, &predictions, None, &parts(20_000, 5));
        let wanted = match name {
            "shifted" => "platt",
            "lopsided" => "beta",
            _ => "isotonic",
        };
        assert_eq!(choice.calibrator.name(), wanted, "{name}: {choice:?}");
        let (fresh_truth, mut fresh) = drawn(20_000, 3, distort);
        let before = mean_loss(&fresh_truth, &fresh);
        choice.calibrator.apply(&mut fresh);
        choice.calibrator.apply(&mut predictions);
        let (_, ideal) = drawn(20_000, 3, |p| p);
        let (after, best) = (mean_loss(&fresh_truth, &fresh), mean_loss(&fresh_truth, &ideal));
        assert!(after < best + 0.002 && after < before - 0.002, "{name}: {before} {after} {best}");
    }
}

#[test]
fn honest_probabilities_few_rows_and_noise_are_left_alone() {
    let mut n_accepted = 0;
    for seed in 0..20 {
        let (truth, predictions) = drawn(3_000, 100 + seed, |p| p);
        let choice = choose(&truth, &predictions, None, &parts(3_000, 5));
        n_accepted += usize::from(choice.calibrator != Calibrator::None);
    }
    assert!(n_accepted <= 1, "{n_accepted} of 20 honest models were calibrated");
    let (truth, predictions) = drawn(200, 1, overconfident);
    let choice = choose(&truth, &predictions, None, &parts(200, 5));
    assert_eq!(choice.calibrator, Calibrator::None);
    assert!(choice.note.unwrap().contains("too few"));
}

#[test]
fn every_binary_map_rises_strictly_and_stays_between_0_and_1() {
    let (truth, predictions) = drawn(4_000, 5, |p| sigmoid(3.0 * p.ln() - 0.5 * (1.0 - p).ln()));
    let grid: Vec<f64> = (0..=1_000).map(|i| f64::from(i) / 1_000.0).collect();
    for method in Method::ALL {
        let calibrator = method.fit(&truth, &predictions, None).unwrap();
        calibrator.validate(1).unwrap();
        let mut values = Predictions::new(1, grid.clone());
        calibrator.apply(&mut values);
        let values = values.values;
        assert!(values.iter().all(|p| (0.0..=1.0).contains(p)), "{method:?}");
        assert!(values.windows(2).all(|w| w[0] < w[1]), "{method:?} makes ties");
    }
}

#[test]
fn a_weight_of_two_is_the_row_twice() {
    let (truth, predictions) = drawn(400, 9, overconfident);
    let weights: Vec<f64> = (0..400).map(|row| f64::from(row % 3)).collect();
    let rows: Vec<u32> = (0..400).flat_map(|r| vec![r; r as usize % 3]).collect();
    for method in Method::ALL {
        let mut weighted = predictions.clone();
        method.fit(&truth, &predictions, Some(&weights)).unwrap().apply(&mut weighted);
        let (repeated_truth, repeated) = (truth.select(&rows), predictions.select(&rows));
        let mut plain = predictions.clone();
        method.fit(&repeated_truth, &repeated, None).unwrap().apply(&mut plain);
        let gap = weighted.values.iter().zip(&plain.values).map(|(a, b)| (a - b).abs());
        assert!(gap.fold(0.0, f64::max) < 1e-6, "{method:?}");
    }
}

#[test]
fn scaled_rows_still_sum_to_one_and_separated_rows_have_an_answer() {
    let mut predictions = Predictions::new(3, vec![0.7, 0.3, 0.0]);
    Calibrator::Temperature(1.7).apply(&mut predictions);
    assert!((predictions.values.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let truth = Target::Class { codes: vec![0, 0, 1, 1], n_classes: 2 };
    let predictions = Predictions::new(1, vec![0.0, 0.2, 0.8, 1.0]);
    for method in Method::ALL {
        if let Some(calibrator) = method.fit(&truth, &predictions, None) {
            let mut values = predictions.clone();
            calibrator.apply(&mut values);
            assert!(values.values.iter().all(|p| (0.0..=1.0).contains(p)), "{calibrator:?}");
        }
    }
    let falling = Predictions::new(1, vec![0.9, 0.8, 0.2, 0.1]);
    assert_eq!(Method::Platt.fit(&truth, &falling, None), None, "a map must rise");
}

#[test]
fn what_does_not_fit_or_rise_is_refused_when_it_is_read() {
    for broken in [
        Calibrator::Temperature(0.0),
        Calibrator::Temperature(f64::NAN),
        Calibrator::Platt { slope: -1.0, intercept: 0.0 },
        Calibrator::Beta { a: 0.0, b: 0.0, c: 0.0 },
        Calibrator::Beta { a: 1.0, b: f64::INFINITY, c: 0.0 },
    ] {
        assert!(broken.validate(1).is_err(), "{broken:?}");
    }
    assert!(Calibrator::Platt { slope: 1.0, intercept: 0.0 }.validate(3).is_err());
    assert!(Calibrator::Temperature(2.0).validate(3).is_ok());
}

#[derive(Deserialize)]
struct Golden {
    x: Vec<f64>,
    y: Vec<f64>,
    weights: Option<Vec<f64>>,
    at: Vec<f64>,
    isotonic: Vec<f64>,
    platt: Option<Vec<f64>>,
    beta: Option<Vec<f64>>,
}

fn golden() -> std::collections::BTreeMap<String, Golden> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/calibration/golden.toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn isotonic_regression_agrees_with_scikit_learn() {
    for (name, case) in golden() {
        let map = Isotonic::fit(&case.x, &case.y, case.weights.as_deref()).unwrap();
        for (x, expected) in case.at.iter().zip(&case.isotonic) {
            let value = map.value(*x);
            assert!((value - expected).abs() < 1e-12, "{name} at {x}: {value}, not {expected}");
        }
    }
}

#[test]
fn platt_and_beta_agree_with_scikit_learn() {
    let mut n_compared = 0;
    for (name, case) in golden() {
        let codes: Vec<u32> = case.y.iter().map(|y| *y as u32).collect();
        let truth = Target::Class { codes, n_classes: 2 };
        let predictions = Predictions::new(1, case.x.clone());
        for (method, expected) in [(Method::Platt, &case.platt), (Method::Beta, &case.beta)] {
            let Some(expected) = expected else { continue };
            let fitted = method.fit(&truth, &predictions, case.weights.as_deref()).unwrap();
            let mut values = Predictions::new(1, case.at.clone());
            fitted.apply(&mut values);
            n_compared += 1;
            for (value, expected) in values.values.iter().zip(expected) {
                assert!((value - expected).abs() < 1e-5, "{name} {method:?}: {value}, {expected}");
            }
        }
    }
    assert!(n_compared >= 4, "the golden file has too few cases");
}

#[test]
fn a_score_of_cross_fitted_probabilities_is_that_of_new_rows_and_a_score_in_sample_is_not() {
    let steps = |p: f64| if p < 0.5 { 0.4 + 0.1 * p } else { 0.55 + 0.1 * p };
    let (mut in_sample, mut cross_fitted, mut fresh, mut n) = (0.0, 0.0, 0.0, 0.0);
    for seed in 0..12 {
        let (truth, predictions) = drawn(2_400, 40 + seed, steps);
        let choice = choose(&truth, &predictions, None, &parts(2_400, 5));
        let Calibrator::Isotonic(_) = choice.calibrator else { continue };
        let honest = choice.cross_fitted.unwrap();
        let tried = choice.tried.iter().rfind(|t| t.accepted).unwrap();
        assert!((mean_loss(&truth, &honest) - tried.log_loss).abs() < 1e-9);
        let (new_truth, mut new) = drawn(40_000, 9_000 + seed, steps);
        let mut own = predictions;
        choice.calibrator.apply(&mut new);
        choice.calibrator.apply(&mut own);
        in_sample += mean_loss(&truth, &own);
        cross_fitted += mean_loss(&truth, &honest);
        fresh += mean_loss(&new_truth, &new);
        n += 1.0;
    }
    assert!(n >= 6.0, "{n} of 12 took isotonic regression");
    let (in_sample, cross_fitted, fresh) = (in_sample / n, cross_fitted / n, fresh / n);
    assert!(in_sample < fresh - 0.004, "too good: {in_sample} beside {fresh}");
    assert!((cross_fitted - fresh).abs() < 0.006, "{cross_fitted} {fresh}");
    assert!(cross_fitted - in_sample > 0.004, "{cross_fitted} {in_sample}");
}

#[test]
fn rows_with_a_period_are_thinned_by_chance() {
    // Every second row is of another kind; one row of two would be of one kind only.
    let n = 520_000;
    let mut random = Random::new(8);
    let codes = (0..n).map(|row| u32::from(row % 2 == 0 || random.unit() < 0.02)).collect();
    let truth = Target::Class { codes, n_classes: 2 };
    let p: Vec<f64> = (0..n).map(|row| if row % 2 == 0 { 0.7 } else { 0.3 }).collect();
    let whole = vec![(0..n as u32 / 2).collect(), (n as u32 / 2..n as u32).collect()];
    let choice = choose(&truth, &Predictions::new(1, p), None, &whole);
    assert!((choice.log_loss - 0.367).abs() < 0.01, "{}", choice.log_loss);
}
