//! The conformance suite: what every metric of the catalog must fulfil.
//!
//! A metric is checked by being listed in [`METRICS`]; there are no exceptions.

use modelwright_core::ErrorKind;
use modelwright_core::random::Random;
use modelwright_core::task::{Predictions, Target, Task};

use super::golden::cases;
use super::{METRICS, MetricEntry, MetricInput, Needs, metric, metrics_for};

/// A table whose values suit every metric (targets and predictions of a regression are positive)
/// and whose predictions are the truth blurred by `noise`.
fn table(task: Task, n_rows: usize, noise: f64, seed: u64) -> (Target, Predictions) {
    let mut random = Random::new(seed);
    let n_classes = match task {
        Task::Regression => {
            let truth: Vec<f64> = (0..n_rows).map(|_| 1.0 + 9.0 * random.unit()).collect();
            let blurred = truth.iter().map(|y| y * (noise * random.normal()).exp()).collect();
            return (Target::Real(truth), Predictions::new(1, blurred));
        }
        Task::Binary => 2,
        Task::Multiclass => 6,
    };
    // The first rows have each class once, so that no metric is undefined.
    let draw = |row: usize, random: &mut Random| {
        if row < n_classes { row } else { random.below(n_classes) }
    };
    let codes: Vec<u32> = (0..n_rows).map(|row| draw(row, &mut random) as u32).collect();
    let mut values = Vec::new();
    for code in &codes {
        let mut row: Vec<f64> = (0..n_classes)
            .map(|class| {
                let own = f64::from(u8::from(class as u32 == *code));
                (1.0 - noise) * own + noise * random.unit()
            })
            .collect();
        let total: f64 = row.iter().sum();
        for p in &mut row {
            *p /= total;
        }
        values.extend_from_slice(if n_classes == 2 { &row[1..] } else { &row });
    }
    let n_outputs = if n_classes == 2 { 1 } else { n_classes };
    (Target::Class { codes, n_classes }, Predictions::new(n_outputs, values))
}

/// Calls `check` for every metric and each of its tasks.
fn for_each(check: impl Fn(&MetricEntry, Task)) {
    for metric in METRICS {
        for task in metric.spec.tasks {
            check(metric, *task);
        }
    }
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

#[test]
fn names_are_unique_and_specs_are_complete() {
    let mut names: Vec<&str> = METRICS.iter().map(|m| m.spec.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    for metric in METRICS {
        let spec = metric.spec;
        let (low, high) = spec.range;
        assert!(low <= spec.perfect && spec.perfect <= high, "{}", spec.name);
        assert_eq!(spec.perfect, if spec.larger_is_better { high } else { low }, "{}", spec.name);
        assert!(!spec.tasks.is_empty() && !spec.title.is_empty() && !spec.reference.is_empty());
        assert!(spec.text.len() > 30 && spec.text.ends_with('.'), "{}: {}", spec.name, spec.text);
        assert!(!spec.text.contains("  "), "{}: {}", spec.name, spec.text);
        assert_eq!(metric.of_confusion.is_some(), spec.needs == Needs::Labels, "{}", spec.name);
    }
}

#[test]
fn perfect_predictions_give_the_perfect_value() {
    for_each(|metric, task| {
        let (truth, predictions) = table(task, 60, 0.0, 1);
        let value = metric.value(&MetricInput::new(&truth, &predictions)).unwrap();
        assert!((value - metric.spec.perfect).abs() < 1e-9, "{} {value}", metric.spec.name);
    });
}

#[test]
fn values_are_in_range_on_every_golden_table() {
    for (name, case) in cases() {
        let table = case.table();
        for metric in METRICS.iter().filter(|m| m.spec.tasks.contains(&table.truth.task())) {
            if let Ok(value) = metric.value(&table.input()) {
                let (low, high) = metric.spec.range;
                assert!(low <= value && value <= high, "{} {name}: {value}", metric.spec.name);
            }
        }
    }
}

#[test]
fn the_order_of_rows_changes_nothing() {
    for_each(|metric, task| {
        let (truth, predictions) = table(task, 60, 0.8, 2);
        let mut random = Random::new(9);
        let weights: Vec<f64> = (0..60).map(|_| 0.2 + random.unit()).collect();
        let mut order: Vec<u32> = (0..60).collect();
        random.shuffle(&mut order);
        let shuffled: Vec<f64> = order.iter().map(|row| weights[*row as usize]).collect();
        let value = metric
            .value(&MetricInput {
                weights: Some(&weights),
                ..MetricInput::new(&truth, &predictions)
            })
            .unwrap();
        let (truth, predictions) = (truth.select(&order), predictions.select(&order));
        let input =
            MetricInput { weights: Some(&shuffled), ..MetricInput::new(&truth, &predictions) };
        let after = metric.value(&input).unwrap();
        assert!(near(value, after), "{}: {value} {after}", metric.spec.name);
    });
}

#[test]
fn a_row_of_weight_two_is_the_row_twice_and_of_weight_zero_absent() {
    for_each(|metric, task| {
        let (truth, predictions) = table(task, 60, 0.8, 3);
        let mut random = Random::new(10);
        // The first rows, one of each class, stay.
        let counts: Vec<usize> =
            (0..60).map(|row| if row < 6 { 1 } else { random.below(4) }).collect();
        let weights: Vec<f64> = counts.iter().map(|c| *c as f64).collect();
        let repeated: Vec<u32> = (0..60).flat_map(|row| vec![row as u32; counts[row]]).collect();
        let (truth_2, predictions_2) = (truth.select(&repeated), predictions.select(&repeated));
        let by_rows = metric.value(&MetricInput::new(&truth_2, &predictions_2)).unwrap();
        let input =
            MetricInput { weights: Some(&weights), ..MetricInput::new(&truth, &predictions) };
        let by_weights = metric.value(&input).unwrap();
        assert!(near(by_rows, by_weights), "{}: {by_rows} {by_weights}", metric.spec.name);

        // And splitting a row's weight over two copies of it changes nothing.
        let halves: Vec<f64> = weights.iter().chain(&weights).map(|w| w / 2.0).collect();
        let twice: Vec<u32> = (0..60).chain(0..60).collect();
        let (truth_2, predictions_2) = (truth.select(&twice), predictions.select(&twice));
        let input =
            MetricInput { weights: Some(&halves), ..MetricInput::new(&truth_2, &predictions_2) };
        let split = metric.value(&input).unwrap();
        assert!(near(split, by_weights), "{}: {split} {by_weights}", metric.spec.name);
    });
}

#[test]
fn more_noise_is_worse_on_average() {
    for_each(|metric, task| {
        let mean = |noise: f64| -> f64 {
            let value = |seed| {
                let (truth, predictions) = table(task, 120, noise, seed);
                metric.value(&MetricInput::new(&truth, &predictions)).unwrap()
            };
            (20..40).map(value).sum::<f64>() / 20.0
        };
        let (little, more, most) = (mean(0.6), mean(0.8), mean(1.0));
        let spec = metric.spec;
        assert!(spec.is_better(little, more), "{}: {little} {more}", spec.name);
        assert!(spec.is_better(more, most), "{}: {more} {most}", spec.name);
    });
}

#[test]
fn a_prepared_metric_gives_the_same_bits_as_asking_once() {
    for_each(|metric, task| {
        let (truth, predictions) = table(task, 50, 0.9, 4);
        let weights: Vec<f64> = (0..50).map(|row| f64::from(row % 3) + 0.5).collect();
        for weights in [None, Some(&weights[..])] {
            let input = MetricInput { weights, ..MetricInput::new(&truth, &predictions) };
            let prepared = metric.prepare(&MetricInput { weights: None, ..input }).unwrap();
            let first = prepared.value(weights).unwrap();
            assert_eq!(first.to_bits(), metric.value(&input).unwrap().to_bits());
            assert_eq!(first.to_bits(), prepared.value(weights).unwrap().to_bits());
        }
    });
}

#[test]
fn hostile_input_is_a_typed_error_that_says_what_was_expected() {
    for_each(|metric, task| {
        let (truth, predictions) = table(task, 12, 0.5, 5);
        let good = MetricInput::new(&truth, &predictions);
        let refused = |input: &MetricInput<'_>| {
            let error = metric.value(input).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Input, "{}", metric.spec.name);
        };
        let zeros = [0.0; 12];
        let mut weights = [1.0; 12];
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            weights[3] = bad;
            refused(&MetricInput { weights: Some(&weights), ..good });
        }
        refused(&MetricInput { weights: Some(&zeros), ..good });
        refused(&MetricInput { weights: Some(&zeros[..11]), ..good });
        let mut broken = predictions.clone();
        broken.values[2] = f64::NAN;
        refused(&MetricInput { predictions: &broken, ..good });
        let short = predictions.select(&[0, 1, 2]);
        refused(&MetricInput { predictions: &short, ..good });
        let wide = Predictions::zeros(12, predictions.n_outputs + 1);
        refused(&MetricInput { predictions: &wide, ..good });
        let (none, no_rows) = (truth.select(&[]), predictions.select(&[]));
        refused(&MetricInput::new(&none, &no_rows));
        let codes = vec![9; 12];
        let out_of_range = match &truth {
            Target::Class { n_classes, .. } => Target::Class { codes, n_classes: *n_classes },
            Target::Real(_) => Target::Real(vec![f64::INFINITY; 12]),
        };
        refused(&MetricInput { truth: &out_of_range, ..good });
        if metric.spec.needs == Needs::Probabilities {
            let mut above = predictions.clone();
            above.values[0] = 1.5;
            refused(&MetricInput { predictions: &above, ..good });
        }
    });
    for metric in METRICS {
        for task in Task::ALL.into_iter().filter(|t| !metric.spec.tasks.contains(t)) {
            let (truth, predictions) = table(task, 12, 0.5, 5);
            let error = metric.value(&MetricInput::new(&truth, &predictions)).unwrap_err();
            assert!(error.hint_text().is_some(), "{} {error}", metric.spec.name);
        }
    }
}

#[test]
fn huge_weights_give_a_finite_value_or_an_error() {
    for_each(|metric, task| {
        let (truth, predictions) = table(task, 12, 0.5, 5);
        for weight in [1e12, 1e300, f64::MAX, f64::MIN_POSITIVE] {
            let weights = [weight; 12];
            let good = MetricInput::new(&truth, &predictions);
            if let Ok(value) = metric.value(&MetricInput { weights: Some(&weights), ..good }) {
                assert!(value.is_finite(), "{}", metric.spec.name);
            }
        }
    });
}

#[test]
fn no_metric_is_ever_nan_on_extreme_numbers() {
    let extreme = [0.0, -0.0, 1.0, -1.0, 1e-308, 5e-324, 1e300, 1e308, -1e308, f64::MAX, f64::MIN];
    let pairs = extreme.iter().flat_map(|y| extreme.iter().map(move |p| (*y, *p)));
    let (truth, values): (Vec<f64>, Vec<f64>) = pairs.unzip();
    for n_rows in [1, 2, 7, 100] {
        let truth = Target::Real(truth[..n_rows].to_vec());
        let predictions = Predictions::new(1, values[..n_rows].to_vec());
        for metric in METRICS.iter().filter(|m| m.spec.tasks.contains(&Task::Regression)) {
            if let Ok(value) = metric.value(&MetricInput::new(&truth, &predictions)) {
                assert!(value.is_finite(), "{}", metric.spec.name);
            }
        }
    }
}

#[test]
fn a_name_is_found_and_a_slip_or_a_foreign_name_is_suggested() {
    assert_eq!(metric("f1_macro").unwrap().spec.name, "f1_macro");
    let hint = |name: &str| metric(name).unwrap_err().hint_text().map(str::to_owned).unwrap();
    assert_eq!(hint("roc_acu"), "did you mean `roc_auc`?");
    assert_eq!(hint("neg_root_mean_squared_error"), "did you mean `rmse`?");
    assert_eq!(hint("AUC"), "did you mean `roc_auc`?");
    assert!(hint("zzz").starts_with("known: roc_auc"));
}

#[test]
fn the_default_metrics_of_a_task_fit_it_and_begin_with_the_optimised_one() {
    for task in Task::ALL {
        let metrics: Vec<&MetricEntry> = metrics_for(task).collect();
        assert_eq!(metrics[0].spec.name, task.default_metric());
        assert!(metrics.len() >= 6);
        assert!(metrics.iter().all(|m| m.spec.tasks.contains(&task)));
    }
}
