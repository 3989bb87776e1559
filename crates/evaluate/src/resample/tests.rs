//! Coverage, determinism, and the cost of selecting by luck.

use modelwright_core::Context;
use modelwright_core::random::Random;
use modelwright_core::task::{Predictions, Target, Task};

use super::*;
use crate::metric::{MetricEntry, MetricInput, metric, metrics_for};

fn ctx(threads: usize) -> Context {
    Context::unlimited(3, threads)
}

/// Scores of two normal classes whose means differ by `shift` standard deviations.
fn normal_scores(n: usize, shift: f64, seed: u64) -> (Target, Predictions) {
    let mut random = Random::new(seed);
    let codes: Vec<u32> = (0..n).map(|row| u32::from(row % 4 == 0)).collect();
    let score = |code: &u32| {
        let z = random.normal() + shift * f64::from(*code);
        1.0 / (1.0 + (-z).exp())
    };
    let values = codes.iter().map(score).collect();
    (Target::Class { codes, n_classes: 2 }, Predictions::new(1, values))
}

#[test]
fn nineteen_of_twenty_intervals_hold_the_true_area_under_the_curve() {
    // AUC of two unit normals one standard deviation apart: Φ(1 / √2).
    let expected = 0.760_249_938_906_523_6;
    let roc_auc = metric("roc_auc").unwrap();
    let holds = |seed| {
        let (truth, p) = normal_scores(200, 1.0, seed);
        let ci95 =
            bootstrap_interval(roc_auc, &MetricInput::new(&truth, &p), 300, &ctx(1)).unwrap();
        ci95.low <= expected && expected <= ci95.high
    };
    let n_holding = (0..200).filter(|seed| holds(*seed)).count();
    // 190 expected; percentile intervals of 200 rows hold a little less often.
    assert!((176..=198).contains(&n_holding), "{n_holding}");
}

#[test]
fn an_interval_of_a_mean_is_as_wide_as_theory_says() {
    let mut random = Random::new(1);
    let truth = Target::Real((0..2000).map(|_| random.normal()).collect());
    let p = Predictions::zeros(2000, 1);
    let input = MetricInput::new(&truth, &p);
    let mae = metric("mae").unwrap();
    let ci95 = bootstrap_interval(mae, &input, 1000, &ctx(2)).unwrap();
    // |z| has variance 1 - 2/π.
    let width = 2.0 * 1.96 * ((1.0 - 2.0 / std::f64::consts::PI) / 2000.0).sqrt();
    assert!(((ci95.high - ci95.low) / width - 1.0).abs() < 0.1);
}

#[test]
fn results_do_not_depend_on_the_number_of_threads_but_on_the_seed() {
    let (truth, p) = normal_scores(333, 1.0, 1);
    let input = MetricInput::new(&truth, &p);
    let metrics: Vec<&MetricEntry> = metrics_for(Task::Binary).collect();
    let one = bootstrap_intervals(&metrics, &input, 101, &ctx(1));
    assert_eq!(one.len(), metrics.len());
    for result in &one {
        let (value, ci95) = (result.value.unwrap(), result.ci95.unwrap());
        assert!(ci95.low < value && value < ci95.high, "{result:?}");
    }
    for threads in [2, 4] {
        assert_eq!(one, bootstrap_intervals(&metrics, &input, 101, &ctx(threads)));
    }
    assert_ne!(one, bootstrap_intervals(&metrics, &input, 101, &Context::unlimited(4, 1)));
    let alone = bootstrap_interval(metrics[0], &input, 101, &ctx(2)).unwrap();
    assert_eq!(one[0].ci95, Some(alone), "shared and own resampling are the same");
}

#[test]
fn a_rare_class_is_in_every_resample() {
    let mut codes = vec![0; 60];
    codes.push(1);
    let truth = Target::Class { codes, n_classes: 2 };
    let of_last = |score: f64| {
        let scores = (0..61).map(|row| if row == 60 { score } else { f64::from(row) / 70.0 });
        let p = Predictions::new(1, scores.collect());
        let input = MetricInput::new(&truth, &p);
        bootstrap_interval(metric("roc_auc").unwrap(), &input, 200, &ctx(1)).unwrap()
    };
    // Were it left out of a resample, there would be no area.
    let among_others = of_last(0.5);
    assert!(among_others.low > 0.3 && among_others.high < 0.8, "{among_others:?}");
    // That the only one is the highest of all says next to nothing.
    let first = of_last(0.9);
    assert!(first.low < 0.03 && first.high == 1.0, "{first:?}");
}

#[test]
fn classes_of_one_row_each_give_no_interval_but_a_note() {
    let truth = Target::Class { codes: (0..30).collect(), n_classes: 30 };
    let p = Predictions::new(30, vec![1.0 / 30.0; 900]);
    let metrics = [metric("balanced_accuracy").unwrap(), metric("f1_macro").unwrap()];
    let results = bootstrap_intervals(&metrics, &MetricInput::new(&truth, &p), 100, &ctx(1));
    for result in results {
        assert!(result.value.is_some() && result.ci95.is_none(), "{result:?}");
        assert!(result.note.unwrap().contains("30 of 30 rows alone"));
    }
}

#[test]
fn the_scale_of_the_values_changes_no_interval() {
    let mut random = Random::new(5);
    let errors: Vec<f64> = (0..60).map(|_| random.normal()).collect();
    let medae = metric("medae").unwrap();
    let of_scale = |scale: f64| {
        let truth = Target::Real(errors.iter().map(|e| e * scale).collect());
        let p = Predictions::zeros(60, 1);
        let ci = bootstrap_interval(medae, &MetricInput::new(&truth, &p), 200, &ctx(1)).unwrap();
        [ci.low / scale, ci.high / scale]
    };
    let plain = of_scale(1.0);
    for scale in [2.0_f64.powi(990), 2.0_f64.powi(-600)] {
        assert_eq!(of_scale(scale), plain, "{scale:e}");
    }
}

#[test]
fn rows_that_belong_together_are_drawn_together() {
    let mut random = Random::new(8);
    // Forty groups of ten rows that err alike.
    let errors: Vec<f64> = (0..40).map(|_| random.normal()).collect();
    let truth = Target::Real((0..400).map(|row| errors[row / 10]).collect());
    let p = Predictions::zeros(400, 1);
    // Any numbers may name the groups.
    let groups: Vec<u32> = (0..400).map(|row| 7 + 1000 * (row / 10)).collect();
    let input = MetricInput::new(&truth, &p);
    for name in ["rmse", "mae", "medae", "r2"] {
        let width = |drawing| {
            let ci = bootstrap_interval(metric(name).unwrap(), &input, drawing, &ctx(2)).unwrap();
            ci.high - ci.low
        };
        let by_row = width(Drawing::from(400));
        let by_group = width(Drawing { groups: Some(&groups), ..Drawing::from(400) });
        assert!(by_group > 2.0 * by_row || by_row == 0.0, "{name}: {by_group} {by_row}");
    }
    let one_group = vec![3; 400];
    for groups in [&one_group[..], &groups[..5]] {
        let drawing = Drawing { groups: Some(groups), ..Drawing::from(400) };
        let error = bootstrap_interval(metric("mae").unwrap(), &input, drawing, &ctx(1));
        assert!(error.unwrap_err().to_string().contains("two groups"));
    }
}

#[test]
fn undefined_metrics_are_noted_and_the_others_keep_their_intervals() {
    let truth = Target::Class { codes: vec![1; 30], n_classes: 2 };
    let p = Predictions::new(1, (0..30).map(|row| f64::from(row) / 30.0).collect());
    let metrics = [metric("roc_auc").unwrap(), metric("log_loss").unwrap()];
    let results = bootstrap_intervals(&metrics, &MetricInput::new(&truth, &p), 50, &ctx(1));
    assert_eq!(results[0].value, None);
    assert!(results[0].note.as_ref().unwrap().contains("undefined"), "{results:?}");
    assert!(results[1].ci95.is_some() && results[1].note.is_none());
    let none = bootstrap_intervals(&metrics, &MetricInput::new(&truth, &p), 0, &ctx(1));
    assert!(none[1].value.is_some() && none[1].ci95.is_none() && none[1].note.is_some());
    let empty = Target::Class { codes: vec![], n_classes: 2 };
    let no_rows = Predictions::new(1, vec![]);
    let results = bootstrap_intervals(&metrics, &MetricInput::new(&empty, &no_rows), 50, &ctx(1));
    assert!(results.iter().all(|r| r.value.is_none() && r.note.is_some()));
}

#[test]
fn zero_weights_are_never_drawn_and_large_tables_take_fewer_resamples() {
    let truth = Target::Real(vec![1.0, 2.0, 3.0, 100.0]);
    let p = Predictions::new(1, vec![1.5, 2.5, 3.5, 0.0]);
    let weights = [1.0, 2.0, 0.5, 0.0];
    let input = MetricInput { weights: Some(&weights), ..MetricInput::new(&truth, &p) };
    let ci95 = bootstrap_interval(metric("mae").unwrap(), &input, 200, &ctx(1)).unwrap();
    assert_eq!((ci95.low, ci95.high), (0.5, 0.5));
    assert_eq!(n_resamples_for(10_000, 1000), 1000);
    assert!(n_resamples_for(1_000_000, 1000) < 1000);
    assert_eq!(n_resamples_for(100_000_000, 1000), 100);
    assert_eq!(n_resamples_for(0, 1000), 1000);
}

#[test]
fn the_best_of_many_guessing_models_is_corrected_to_chance() {
    let codes: Vec<u32> = (0..200).map(|row| row % 2).collect();
    let truth = Target::Class { codes, n_classes: 2 };
    let guess = |seed| {
        let mut random = Random::new(seed);
        Predictions::new(1, (0..200).map(|_| random.unit()).collect())
    };
    let models: Vec<Predictions> = (0..50).map(guess).collect();
    let models: Vec<&Predictions> = models.iter().collect();
    let roc_auc = metric("roc_auc").unwrap();
    let score = |p: &&Predictions| roc_auc.value(&MetricInput::new(&truth, p)).unwrap();
    let best = models.iter().map(score).fold(0.0, f64::max);
    let (corrected, ci95) = corrected_score(roc_auc, &truth, &models, None, 200, &ctx(2)).unwrap();
    assert!(best > 0.57, "luck alone gives {best}");
    assert!((corrected - 0.5).abs() < (best - 0.5) / 2.0, "{corrected} of {best}");
    assert!(ci95.low < 0.5 && 0.5 < ci95.high);
}

#[test]
fn without_a_choice_there_is_nothing_to_correct() {
    let (truth, p) = normal_scores(400, 1.0, 2);
    let roc_auc = metric("roc_auc").unwrap();
    let plain = roc_auc.value(&MetricInput::new(&truth, &p)).unwrap();
    let one = corrected_score(roc_auc, &truth, &[&p], None, 300, &ctx(1)).unwrap();
    assert!((one.0 - plain).abs() < 0.005, "{} {plain}", one.0);
    let by_closure =
        bootstrap_bias_corrected(roc_auc, &truth, None, 300, &ctx(4), |_| Ok(p.clone())).unwrap();
    assert!((one.0 - by_closure.0).abs() < 1e-12 && one.1 == by_closure.1);
    assert!(corrected_score(roc_auc, &truth, &[], None, 300, &ctx(1)).is_err());
}

#[test]
fn one_row_has_a_value_and_no_interval() {
    let (truth, predictions) = (Target::Real(vec![3.0]), Predictions::new(1, vec![2.0]));
    let input = MetricInput::new(&truth, &predictions);
    let metric = crate::metric::metric("rmse").unwrap();
    let found = &bootstrap_intervals(&[metric], &input, 200, &Context::unlimited(0, 1))[0];
    assert_eq!((found.value, found.ci95), (Some(1.0), None));
    assert!(found.note.as_ref().unwrap().contains("two rows"), "{found:?}");
}

/// Errors of which one in ten is three times as large, as a table whose predictions are 0.
fn long_tailed(n: usize, seed: u64) -> (Target, Predictions) {
    let mut random = Random::new(seed);
    let error = |random: &mut Random| {
        let size = if random.unit() < 0.1 { 3.0 } else { 1.0 };
        size * random.normal()
    };
    (Target::Real((0..n).map(|_| error(&mut random)).collect()), Predictions::zeros(n, 1))
}

#[test]
fn forty_rows_with_a_long_tail_hold_the_true_error_as_often_as_they_say() {
    let (rmse, expected) = (metric("rmse").unwrap(), 1.8_f64.sqrt());
    let holds = |seed| {
        let (truth, p) = long_tailed(40, seed);
        let ci = bootstrap_interval(rmse, &MetricInput::new(&truth, &p), 400, &ctx(1)).unwrap();
        ci.low <= expected && expected <= ci.high
    };
    let n_holding = (1..=300).filter(|seed| holds(*seed)).count();
    // 285 expected; three standard deviations are 11. Without the law of the tail it is 255.
    assert!((274..=296).contains(&n_holding), "{n_holding}");
}

#[test]
fn few_rows_that_carry_the_error_give_a_wide_interval_within_sight_and_a_word() {
    let mut random = Random::new(11);
    let mut errors: Vec<f64> = (0..120).map(|_| random.normal()).collect();
    errors[17] = 30.0;
    let p = Predictions::zeros(120, 1);
    let truth = Target::Real(errors);
    let metrics = [metric("rmse").unwrap(), metric("r2").unwrap(), metric("medae").unwrap()];
    let found = bootstrap_intervals(&metrics, &MetricInput::new(&truth, &p), 400, &ctx(2));
    let (value, ci) = (found[0].value.unwrap(), found[0].ci95.unwrap());
    assert!(ci.low < 1.5 && ci.high > 1.3 * value && ci.high < 10.0 * value, "{ci:?} {value}");
    let note = found[0].note.as_ref().unwrap();
    assert_eq!(note, "1 row carries half of the error of 120: other rows may say otherwise");
    assert_eq!(found[2].note, None, "a median does not rest on it");
    let weights: Vec<f64> = (0..120).map(|row| if row == 17 { 0.0 } else { 2.0 }).collect();
    let input = MetricInput { weights: Some(&weights), ..MetricInput::new(&truth, &p) };
    assert_eq!(bootstrap_intervals(&metrics, &input, 400, &ctx(1))[0].note, None);
}

/// Rows of two classes, nearly all predicted well, the `wrong` ones confidently wrong.
fn confident(n: usize, wrong: &[usize]) -> (Target, Predictions) {
    let codes: Vec<u32> = (0..n).map(|row| (row % 2) as u32).collect();
    let value = |(row, code): (usize, &u32)| {
        let p = 0.99 + 0.009 * (row % 7) as f64 / 7.0;
        if (*code == 1) == wrong.contains(&row) { 1.0 - p } else { p }
    };
    let values = codes.iter().enumerate().map(value).collect();
    (Target::Class { codes, n_classes: 2 }, Predictions::new(1, values))
}

#[test]
fn a_loss_of_classes_that_one_row_carries_ends_within_sight() {
    let (truth, p) = confident(120, &[31]);
    for name in ["log_loss", "brier_score"] {
        let input = MetricInput::new(&truth, &p);
        let found = &bootstrap_intervals(&[metric(name).unwrap()], &input, 400, &ctx(2))[0];
        let (value, ci) = (found.value.unwrap(), found.ci95.unwrap());
        assert!(ci.high > 1.5 * value && ci.high < 6.0 * value, "{name}: {ci:?} {value}");
        assert!(ci.low < value);
    }
}

#[test]
fn few_rows_of_classes_do_not_say_how_large_a_loss_is() {
    let (truth, p) = confident(6, &[]);
    let metrics = ["log_loss", "brier_score", "average_precision"].map(|m| metric(m).unwrap());
    let found = bootstrap_intervals(&metrics, &MetricInput::new(&truth, &p), 400, &ctx(1));
    for loss in &found[..2] {
        assert!(loss.value.is_some() && loss.ci95.is_none(), "{loss:?}");
        assert!(loss.note.as_ref().unwrap().contains("at least 20 rows"), "{loss:?}");
    }
    assert!(found[2].ci95.unwrap().low < 0.7, "{:?}", found[2]);
}

#[test]
fn the_loss_of_sixty_rows_of_classes_is_held_as_often_as_its_interval_says() {
    let log_loss = metric("log_loss").unwrap();
    let draw = |n: usize, seed| {
        let mut random = Random::new(seed);
        let values: Vec<f64> =
            (0..n).map(|_| 1.0 / (1.0 + (-2.5 * random.normal()).exp())).collect();
        let codes = values.iter().map(|p| u32::from(random.unit() < *p)).collect();
        (Target::Class { codes, n_classes: 2 }, Predictions::new(1, values))
    };
    let (truth, p) = draw(200_000, 99);
    let expected = log_loss.value(&MetricInput::new(&truth, &p)).unwrap();
    let holds = |seed| {
        let (truth, p) = draw(60, seed);
        let drawing = Drawing { mix: Mix::Drawn, ..Drawing::from(300) };
        let input = MetricInput::new(&truth, &p);
        let ci = bootstrap_interval(log_loss, &input, drawing, &ctx(1)).unwrap();
        ci.low <= expected && expected <= ci.high
    };
    let n_holding = (1..=200).filter(|seed| holds(*seed)).count();
    // 190 expected; three standard deviations are 9.
    assert!((180..=199).contains(&n_holding), "{n_holding}");
}
