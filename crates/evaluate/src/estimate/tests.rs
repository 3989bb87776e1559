//! Estimates against the metrics of labels that are drawn from the very probabilities.

use modelwright_core::Context;
use modelwright_core::random::Random;
use modelwright_core::record::MetricValue;
use modelwright_core::task::{Predictions, Target};

use super::{ErrorCurve, ExpectedBinary, ExpectedErrors, ExpectedMulticlass};
use crate::metric::{MetricInput, metric};

fn of<'a>(values: &'a [MetricValue], name: &str) -> &'a MetricValue {
    values.iter().find(|m| m.name == name).unwrap()
}

/// Probabilities that lean to 0, and labels drawn by them.
fn labelled(n: usize, stream: u64) -> (Vec<f64>, Vec<u32>) {
    let mut random = Random::stream(11, "estimate/rows", stream);
    let p: Vec<f64> = (0..n).map(|_| random.unit().powi(2)).collect();
    let codes = p.iter().map(|p| u32::from(random.unit() < *p)).collect();
    (p, codes)
}

#[test]
fn expected_metrics_hold_those_of_the_true_labels_as_often_as_they_say() {
    let ctx = Context::unlimited(1, 2);
    let names = ["roc_auc", "log_loss", "brier_score", "accuracy", "f1", "matthews_corrcoef"];
    let mut held = vec![0; names.len()];
    let n_sets = 200;
    for stream in 0..n_sets {
        let (p, codes) = labelled(500, stream);
        let mut sums = ExpectedBinary::new(0.4);
        sums.add(&p[..200]);
        sums.add(&p[200..]);
        let estimated = sums.metrics(&ctx);
        let truth = Target::Class { codes, n_classes: 2 };
        let predictions = Predictions::new(1, p);
        let input = MetricInput { threshold: 0.4, ..MetricInput::new(&truth, &predictions) };
        for (name, held) in names.iter().zip(&mut held) {
            let reached = metric(name).unwrap().value(&input).unwrap();
            let ci95 = of(&estimated, name).ci95.unwrap();
            *held += u32::from((ci95.low..=ci95.high).contains(&reached));
        }
    }
    // 190 of 200 are expected; three standard deviations are 9.
    for (name, held) in names.iter().zip(held) {
        assert!((179..=199).contains(&held), "{name}: {held} of {n_sets}");
    }
}

#[test]
fn labels_of_a_model_that_is_surer_than_a_number_near_one_can_say_are_drawn_too() {
    let mut sums = ExpectedBinary::new(0.5);
    sums.add(&[1e-17, 1e-18, 1e-300, 1.0 - 1e-16]);
    let accuracy = sums.metrics(&Context::unlimited(1, 2));
    let accuracy = of(&accuracy, "accuracy").ci95.unwrap();
    assert_eq!((accuracy.low, accuracy.high), (1.0, 1.0));
}

#[test]
fn a_blurred_column_lowers_the_expected_score_and_certainty_raises_it() {
    let ctx = Context::unlimited(1, 2);
    let auc = |p: &[f64]| {
        let mut sums = ExpectedBinary::new(0.5);
        sums.add(p);
        of(&sums.metrics(&ctx), "roc_auc").value.unwrap()
    };
    let (p, _) = labelled(2000, 0);
    let blurred: Vec<f64> = p.iter().map(|p| 0.3 + 0.1 * p).collect();
    let certain: Vec<f64> = p.iter().map(|p| if *p > 0.5 { 0.99 } else { 0.01 }).collect();
    assert!(auc(&blurred) < auc(&p) && auc(&p) < auc(&certain));
    let certainties: Vec<f64> = (0..50).map(|i| f64::from(i % 2)).collect();
    assert_eq!(auc(&certainties), 1.0);
}

#[test]
fn no_rows_and_one_sided_rows_are_no_trouble() {
    let ctx = Context::unlimited(1, 1);
    assert!(ExpectedBinary::new(0.5).metrics(&ctx).is_empty());
    assert!(ExpectedMulticlass::default().metrics().is_empty());
    let mut sums = ExpectedBinary::new(0.5);
    sums.add(&[0.0, 0.0, 0.0]);
    let metrics = sums.metrics(&ctx);
    assert_eq!(of(&metrics, "accuracy").value, Some(1.0));
    assert_eq!(of(&metrics, "roc_auc").value, None, "no positive row is expected");
}

#[test]
fn many_classes_and_errors_are_estimated_from_sums() {
    let mut random = Random::new(3);
    let (mut values, mut codes) = (Vec::new(), Vec::new());
    for _ in 0..4000 {
        let raw: Vec<f64> = (0..3).map(|_| random.unit().powi(3) + 0.01).collect();
        let total: f64 = raw.iter().sum();
        let p: Vec<f64> = raw.iter().map(|v| v / total).collect();
        let draw = random.unit();
        codes.push(u32::from(draw > p[0]) + u32::from(draw > p[0] + p[1]));
        values.extend(p);
    }
    let predictions = Predictions::new(3, values);
    let mut sums = ExpectedMulticlass::default();
    sums.add(&predictions);
    let truth = Target::Class { codes, n_classes: 3 };
    let input = MetricInput::new(&truth, &predictions);
    for expected in sums.metrics() {
        let reached = metric(&expected.name).unwrap().value(&input).unwrap();
        let (value, ci95) = (expected.value.unwrap(), expected.ci95.unwrap());
        let half = (ci95.high - ci95.low) / 2.0;
        assert!((reached - value).abs() < 2.0 * half, "{}: {reached}, {value}", expected.name);
    }
}

#[test]
fn errors_grow_with_predictions_that_had_larger_errors() {
    let mut random = Random::new(9);
    let predictions: Vec<f64> = (0..4000).map(|_| 10.0 * random.unit()).collect();
    let truth: Vec<f64> = predictions.iter().map(|p| p + (1.0 + p) * random.normal()).collect();
    let curve = ErrorCurve::learn(&truth, &predictions).unwrap();
    let rmse = |predictions: &[f64]| {
        let mut sums = ExpectedErrors::default();
        sums.add(&curve, predictions);
        of(&sums.metrics(), "rmse").clone()
    };
    let all = rmse(&predictions);
    let real =
        (truth.iter().zip(&predictions).map(|(t, p)| (t - p).powi(2)).sum::<f64>() / 4000.0).sqrt();
    assert!((all.value.unwrap() - real).abs() < 1e-9, "the mean of the bins is the whole");
    let large = rmse(&vec![9.0; 100]);
    assert!(large.value.unwrap() > 9.0 && all.value.unwrap() < 8.0);
    assert!(large.ci95.unwrap().low < 10.0 && large.ci95.unwrap().high > 9.0);
    assert!(ErrorCurve::learn(&truth[..10], &predictions[..10]).is_none());
}
