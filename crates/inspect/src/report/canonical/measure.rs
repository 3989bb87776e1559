//! Evaluations simulated from a fixed seed.

use modelwright_core::random::Random;
use modelwright_core::record::{
    CalibrationBin, ConfusionMatrix, CurvePoint, Evaluation, Interval, MetricValue, PredictedBin,
    Residuals,
};
use modelwright_core::task::{Predictions, Target};
use modelwright_evaluate::reliability::{reliability, usefulness};

fn metric(name: &str, value: f64, half: f64) -> MetricValue {
    MetricValue {
        name: name.into(),
        value: Some(value),
        ci95: (half > 0.0).then_some(Interval { low: value - half, high: value + half }),
        note: None,
    }
}

const METHOD: &str = "stratified bootstrap, 1000 resamples";

fn split(rows: &[(f64, bool)]) -> (Target, Predictions) {
    let codes = rows.iter().map(|r| u32::from(r.1)).collect();
    let predictions = Predictions::new(1, rows.iter().map(|r| r.0).collect());
    (Target::Class { codes, n_classes: 2 }, predictions)
}

/// The receiver operating characteristic and precision over recall, of rows by falling probability.
fn curves(rows: &[(f64, bool)]) -> (Vec<CurvePoint>, Vec<CurvePoint>) {
    let positives = rows.iter().filter(|r| r.1).count() as f64;
    let negatives = rows.len() as f64 - positives;
    let (mut roc, mut pr, mut tp, mut fp) = (vec![], vec![], 0.0, 0.0);
    for (i, (p, y)) in rows.iter().enumerate() {
        if *y {
            tp += 1.0;
        } else {
            fp += 1.0;
        }
        if i % 40 == 39 || i + 1 == rows.len() {
            let threshold = Some(*p);
            roc.push(CurvePoint { x: fp / negatives, y: tp / positives, threshold });
            pr.push(CurvePoint { x: tp / positives, y: tp / (tp + fp), threshold });
        }
    }
    (roc, pr)
}

/// A binary evaluation of 9,769 rows whose probabilities are slightly too sure.
pub(super) fn binary() -> Evaluation {
    let mut random = Random::new(7);
    let mut rows: Vec<(f64, bool)> = (0..9_769)
        .map(|_| {
            let z = -2.1 + 2.6 * random.normal();
            let p = 1.0 / (1.0 + (-z).exp());
            (1.0 / (1.0 + (-1.12 * z).exp()), random.unit() < p)
        })
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (roc, pr) = curves(&rows);
    let counts = |y: bool, said: bool| {
        rows.iter().filter(|r| r.1 == y && (r.0 >= 0.41) == said).count() as u64
    };
    let bins = calibration(&rows);
    let (truth, predictions) = split(&rows);
    Evaluation {
        reliability: reliability(&truth, &predictions, None, &bins).ok(),
        usefulness: usefulness(&truth, &predictions, None).ok(),
        on: "holdout".into(),
        n_rows: rows.len(),
        interval_method: METHOD.into(),
        metrics: vec![
            metric("roc_auc", 0.9274, 0.0052),
            metric("log_loss", 0.2752, 0.009),
            metric("average_precision", 0.8291, 0.0124),
            metric("accuracy", 0.8731, 0.0066),
            metric("f1", 0.7193, 0.0151),
            metric("brier_score", 0.0871, 0.0031),
            metric("matthews_corrcoef", 0.6412, 0.0178),
            metric("expected_cost", 0.1334, 0.0061),
        ],
        baseline: vec![
            metric("roc_auc", 0.5, 0.0),
            metric("log_loss", 0.5502, 0.004),
            metric("average_precision", 0.2394, 0.0),
            metric("accuracy", 0.7606, 0.0),
            metric("f1", 0.0, 0.0),
            metric("brier_score", 0.1821, 0.002),
            metric("matthews_corrcoef", 0.0, 0.0),
            metric("expected_cost", 0.3447, 0.0),
        ],
        roc,
        precision_recall: pr,
        calibration: bins,
        confusion: Some(ConfusionMatrix {
            classes: vec!["<=50K".into(), ">50K".into()],
            counts: vec![
                vec![counts(false, false), counts(false, true)],
                vec![counts(true, false), counts(true, true)],
            ],
            of_groups: None,
        }),
        baseline_is: Some("the share of each class in the training rows".into()),
        ..Evaluation::default()
    }
}

fn calibration(rows: &[(f64, bool)]) -> Vec<CalibrationBin> {
    let bin = |i: usize| {
        let inside = |p: f64| ((p * 10.0) as usize).min(9) == i;
        let rows: Vec<_> = rows.iter().filter(|r| inside(r.0)).collect();
        let n = rows.len() as f64;
        let observed = rows.iter().filter(|r| r.1).count() as f64 / n;
        let half = 1.96 * (observed * (1.0 - observed) / n).sqrt();
        CalibrationBin {
            predicted: rows.iter().map(|r| r.0).sum::<f64>() / n,
            observed,
            ci95: Interval { low: (observed - half).max(0.0), high: (observed + half).min(1.0) },
            n_rows: rows.len(),
            n_effective: None,
        }
    };
    (0..10).map(bin).collect()
}

/// A multiclass evaluation where each class is right with the given chance.
pub(super) fn classes(names: &[&str], n_rows: usize, right: f64) -> Evaluation {
    let mut random = Random::new(11);
    let k = names.len();
    let mut counts = vec![vec![0_u64; k]; k];
    for row in 0..n_rows {
        let truth = row % k;
        let near = [(truth + 1) % k, (truth + 7) % k, random.below(k)][random.below(3)];
        counts[truth][if random.unit() < right { truth } else { near }] += 1;
    }
    let ln_k = (k as f64).ln();
    Evaluation {
        reliability: None,
        usefulness: None,
        on: "holdout".into(),
        n_rows,
        interval_method: METHOD.into(),
        metrics: vec![
            metric("log_loss", 0.13, 0.031),
            metric("accuracy", right, 0.012),
            metric("balanced_accuracy", right - 0.002, 0.012),
            MetricValue {
                name: "roc_auc_ovr".into(),
                value: None,
                ci95: None,
                note: Some("a class has no row".into()),
            },
        ],
        baseline: vec![metric("log_loss", ln_k, 0.0), metric("accuracy", 1.0 / k as f64, 0.0)],
        calibration: vec![CalibrationBin {
            predicted: 0.94,
            observed: right,
            ci95: Interval { low: right - 0.02, high: right + 0.02 },
            n_rows,
            n_effective: None,
        }],
        confusion: Some(ConfusionMatrix {
            classes: names.iter().map(|n| (*n).into()).collect(),
            counts,
            of_groups: None,
        }),
        baseline_is: Some("the share of each class in the training rows".into()),
        ..Evaluation::default()
    }
}

/// A regression evaluation of 4,128 rows.
pub(super) fn regression() -> Evaluation {
    let mut random = Random::new(3);
    let sample = (0..500)
        .map(|_| {
            let x = 60_000.0 + 420_000.0 * random.unit().powf(1.6);
            let y = (x + 42_000.0 * random.normal()).clamp(15_000.0, 500_001.0);
            CurvePoint { x, y, threshold: None }
        })
        .collect();
    let shape = |x: f64| (-(x - 0.5) * (x - 0.5) * 60.0).exp();
    Evaluation {
        reliability: None,
        usefulness: None,
        on: "holdout".into(),
        n_rows: 4_128,
        interval_method: "bootstrap, 1000 resamples".into(),
        metrics: vec![
            metric("rmse", 46_812.0, 1_510.0),
            metric("mae", 30_940.0, 870.0),
            metric("r2", 0.8342, 0.0108),
            metric("mape", 0.171, 0.006),
        ],
        baseline: vec![
            metric("rmse", 115_210.0, 1_400.0),
            metric("mae", 91_300.0, 1_200.0),
            metric("r2", -0.0003, 0.0),
            metric("mape", 0.61, 0.02),
        ],
        residuals: Some(Residuals {
            sample,
            histogram: super::columns::bins(-260_000.0, 260_000.0, 40, shape, 4_128),
            quantiles: vec![-71_400.0, -22_300.0, -1_900.0, 19_800.0, 80_300.0],
            by_prediction: (0..20)
                .map(|k| {
                    let predicted = 90_000.0 + 21_000.0 * f64::from(k);
                    let (low, high) = (predicted * 0.8, predicted * 1.25);
                    PredictedBin { n_rows: 206, predicted, mean: predicted * 1.01, low, high }
                })
                .collect(),
        }),
        ..Evaluation::default()
    }
}
