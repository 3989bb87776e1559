//! Shapes, ends and sums of the curves.

use modelwright_core::Context;
use modelwright_core::random::Random;
use modelwright_core::record::{CalibrationBin, CurvePoint};
use modelwright_core::task::{Predictions, Target};

use super::*;
use crate::metric::{MetricInput, metric};

fn binary(n: usize, seed: u64) -> (Target, Predictions) {
    let mut random = Random::new(seed);
    let values: Vec<f64> = (0..n).map(|_| random.unit()).collect();
    let codes = values.iter().map(|p| u32::from(random.unit() < *p)).collect();
    (Target::Class { codes, n_classes: 2 }, Predictions::new(1, values))
}

/// Area under the curve by trapezoids.
fn trapezoids(points: &[CurvePoint]) -> f64 {
    points.windows(2).map(|p| (p[1].x - p[0].x) * f64::midpoint(p[0].y, p[1].y)).sum()
}

#[test]
fn a_thinned_roc_curve_keeps_its_ends_and_its_area() {
    let (truth, p) = binary(20_000, 1);
    let points = roc_curve(&truth, &p, None).unwrap();
    assert_eq!(points.len(), POINTS_MAX);
    assert_eq!((points[0].x, points[0].y, points[0].threshold), (0.0, 0.0, None));
    let last = points.last().unwrap();
    assert_eq!((last.x, last.y), (1.0, 1.0));
    assert!(points.is_sorted_by(|a, b| a.x <= b.x && a.y <= b.y));
    assert!(points[1..].is_sorted_by(|a, b| a.threshold > b.threshold));
    let auc = metric("roc_auc").unwrap().value(&MetricInput::new(&truth, &p)).unwrap();
    assert!((trapezoids(&points) - auc).abs() < 1e-3);
}

#[test]
fn small_curves_are_exact() {
    let truth = Target::Class { codes: vec![0, 0, 1, 1], n_classes: 2 };
    let p = Predictions::new(1, vec![0.1, 0.4, 0.35, 0.8]);
    // The example of scikit-learn's roc_curve and precision_recall_curve.
    let xy = |points: Vec<CurvePoint>| -> Vec<(f64, f64)> {
        points.into_iter().map(|p| (p.x, p.y)).collect()
    };
    let roc = xy(roc_curve(&truth, &p, None).unwrap());
    assert_eq!(roc, [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
    let pr = xy(precision_recall_curve(&truth, &p, None).unwrap());
    assert_eq!(pr, [(0.0, 1.0), (0.5, 1.0), (0.5, 0.5), (1.0, 2.0 / 3.0)]);
    let weighted = xy(roc_curve(&truth, &p, Some(&[1.0, 3.0, 1.0, 1.0])).unwrap());
    assert_eq!(weighted[2], (0.75, 0.5));
}

#[test]
fn a_thinned_precision_recall_curve_keeps_its_ends() {
    let (truth, p) = binary(20_000, 2);
    let points = precision_recall_curve(&truth, &p, None).unwrap();
    assert_eq!(points.len(), POINTS_MAX);
    assert_eq!((points[0].x, points[0].y), (0.0, 1.0));
    assert_eq!(points.last().unwrap().x, 1.0);
    let full = metric("average_precision").unwrap();
    let full = full.value(&MetricInput::new(&truth, &p)).unwrap();
    assert!((trapezoids(&points) - full).abs() < 5e-3);
}

#[test]
fn curves_of_one_class_or_of_many_are_refused() {
    let p = Predictions::new(1, vec![0.1, 0.4]);
    let negatives = Target::Class { codes: vec![0, 0], n_classes: 2 };
    assert!(roc_curve(&negatives, &p, None).is_err());
    assert!(precision_recall_curve(&negatives, &p, None).is_err());
    assert!(roc_curve(&Target::Real(vec![0.0, 1.0]), &p, None).is_err());
    assert!(roc_curve(&negatives, &p, Some(&[1.0])).is_err());
}

#[test]
fn calibration_bins_rise_hold_equal_mass_and_cover_honest_probabilities() {
    let (truth, p) = binary(5000, 3);
    let bins = calibration_bins(&truth, &p, None, None, 10).unwrap();
    assert_eq!(bins.iter().map(|b| b.n_rows).collect::<Vec<_>>(), [500; 10]);
    assert!(bins.is_sorted_by(|a, b| a.predicted < b.predicted));
    let covered = |b: &&CalibrationBin| b.ci95.low <= b.predicted && b.predicted <= b.ci95.high;
    assert!(bins.iter().filter(covered).count() >= 8);
    let twice = vec![2.0; 5000];
    let weighted = calibration_bins(&truth, &p, Some(&twice), None, 10).unwrap();
    // Wilson by the effective number of rows: equal weights change nothing.
    assert!((weighted[4].ci95.low - bins[4].ci95.low).abs() < 1e-12);
}

#[test]
fn rows_that_belong_together_are_one_witness_in_a_bin() {
    // 100 groups of 10 rows: all rows of a group happen, or none does.
    let groups: Vec<u32> = (0..1000).map(|row| row / 10).collect();
    let codes = groups.iter().map(|group| u32::from(group % 3 == 0)).collect();
    let truth = Target::Class { codes, n_classes: 2 };
    let p = Predictions::new(1, vec![0.3; 1000]);
    let of = |groups: Option<&[u32]>| calibration_bins(&truth, &p, None, groups, 10).unwrap()[0];
    let (of_rows, of_groups) = (of(None), of(Some(&groups)));
    let width = |bin: CalibrationBin| bin.ci95.high - bin.ci95.low;
    assert_eq!((of_rows.observed, of_rows.n_effective), (0.34, None));
    assert!((of_groups.observed - 0.34).abs() < 1e-12 && of_groups.n_rows == 1000);
    let worth = of_groups.n_effective.unwrap();
    assert!((85.0..101.0).contains(&worth), "{worth}");
    assert!(width(of_groups) > 2.9 * width(of_rows), "{of_groups:?}");
    // What is consistent with honest probabilities is as wide.
    let bars =
        |bin| crate::reliability::reliability(&truth, &p, None, &[bin]).unwrap().consistent[0];
    let (wide, slim) = (bars(of_groups), bars(of_rows));
    assert!(wide.high - wide.low > 2.9 * (slim.high - slim.low));
    // Each row a group of its own is as without groups, but for the quantile.
    let own: Vec<u32> = (0..1000).collect();
    assert!((width(of(Some(&own))) / width(of_rows) - 1.0).abs() < 0.01);
    assert!(calibration_bins(&truth, &p, None, Some(&own[1..]), 10).is_err());
}

#[test]
fn ties_share_a_bin_and_few_rows_make_few_bins() {
    let codes: Vec<u32> = (0..100).map(|row| row % 2).collect();
    let truth = Target::Class { codes, n_classes: 2 };
    let constant = Predictions::new(1, vec![0.5; 100]);
    let bins = calibration_bins(&truth, &constant, None, None, 10).unwrap();
    assert_eq!((bins.len(), bins[0].n_rows, bins[0].observed), (1, 100, 0.5));
    // Wilson's interval of 50 of 100 (statsmodels: 0.4038315303659956, 0.5961684696340044).
    assert!((bins[0].ci95.low - 0.403_831_530_365_995_6).abs() < 1e-12);
    assert!((bins[0].ci95.high - 0.596_168_469_634_004_4).abs() < 1e-12);
    let (truth, p) = binary(45, 4);
    assert_eq!(calibration_bins(&truth, &p, None, None, 10).unwrap().len(), 2);
    let (truth, p) = binary(3, 4);
    assert_eq!(calibration_bins(&truth, &p, None, None, 10).unwrap().len(), 1);
}

#[test]
fn many_classes_are_calibrated_by_their_top_label() {
    let truth = Target::Class { codes: vec![0, 1, 2], n_classes: 3 };
    let p = Predictions::new(3, vec![0.6, 0.2, 0.2, 0.1, 0.8, 0.1, 0.5, 0.3, 0.2]);
    let bins = calibration_bins(&truth, &p, None, None, 10).unwrap();
    assert_eq!(bins.len(), 1);
    assert!((bins[0].predicted - 1.9 / 3.0).abs() < 1e-12);
    assert!((bins[0].observed - 2.0 / 3.0).abs() < 1e-12);
    assert!(
        calibration_bins(&Target::Real(vec![1.0]), &Predictions::zeros(1, 1), None, None, 5)
            .is_err()
    );
}

#[test]
fn a_confusion_matrix_counts_truth_by_decision() {
    let truth = Target::Class { codes: vec![0, 0, 1, 1, 1], n_classes: 2 };
    let p = Predictions::new(1, vec![0.1, 0.4, 0.35, 0.8, 0.3]);
    let classes = ["no".to_owned(), "yes".to_owned()];
    let matrix = confusion_matrix(&truth, &p, 0.35, &classes).unwrap();
    assert_eq!(matrix.counts, [[1, 1], [1, 2]]);
    assert!(confusion_matrix(&truth, &p, 0.35, &classes[..1]).is_err());
}

#[test]
fn residuals_are_truth_minus_prediction_and_every_row_is_in_one_bar() {
    let mut random = Random::new(1);
    let truth: Vec<f64> = (0..3000).map(|_| random.normal()).collect();
    let ctx = Context::unlimited(1, 1);
    let all = residuals(&Target::Real(truth), &Predictions::zeros(3000, 1), &ctx).unwrap();
    assert_eq!(all.sample.len(), 500);
    assert_eq!(all.histogram.iter().map(|b| b.n_rows).sum::<usize>(), 3000);
    assert!(all.histogram.windows(2).all(|b| b[0].to == b[1].from));
    assert!((all.quantiles[4] - 1.645).abs() < 0.1 && all.quantiles.is_sorted());
    for values in [vec![1.0], vec![0.0; 9], vec![f64::MAX, f64::MIN], vec![0.0, 0.0, 0.0, 1e300]] {
        let n = values.len();
        let few = residuals(&Target::Real(values), &Predictions::zeros(n, 1), &ctx).unwrap();
        assert_eq!(few.histogram.iter().map(|b| b.n_rows).sum::<usize>(), n);
        assert!(few.histogram.iter().all(|b| b.from.is_finite() && b.to.is_finite()));
    }
}
