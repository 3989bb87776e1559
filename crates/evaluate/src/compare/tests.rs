//! The tests against named references, and what a comparison says in words.

use modelwright_core::random::Random;
use serde::Deserialize;

use super::*;
use crate::CostMatrix;
use crate::metric::metric;

#[derive(Deserialize)]
struct File<T> {
    case: Vec<T>,
}

#[derive(Deserialize)]
struct DelongCase {
    name: String,
    codes: Vec<u32>,
    a: Vec<f64>,
    b: Vec<f64>,
    auc: [f64; 2],
    variance: [f64; 2],
    covariance: f64,
    p_value: f64,
    ci95: [f64; 2],
}

#[derive(Deserialize)]
struct McNemarCase {
    both: usize,
    only_a: usize,
    only_b: usize,
    neither: usize,
    p_value: f64,
    ci95: [f64; 2],
}

fn read<T: for<'a> Deserialize<'a>>(name: &str) -> Vec<T> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/compare");
    let text = std::fs::read_to_string(format!("{folder}/{name}.toml")).unwrap();
    toml::from_str::<File<T>>(&text).unwrap().case
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-10 * a.abs().max(b.abs()).max(1e-3)
}

fn ctx(threads: usize) -> Context {
    Context::unlimited(5, threads)
}

/// Predictions of `n` rows, blurred by `noise`.
fn model(codes: &[u32], noise: f64, seed: u64) -> Predictions {
    let mut random = Random::new(seed);
    let score =
        |code: &u32| 1.0 / (1.0 + (1.0 - 2.0 * f64::from(*code) + noise * random.normal()).exp());
    Predictions::new(1, codes.iter().map(score).collect())
}

fn codes(n: usize) -> Vec<u32> {
    (0..n).map(|row| u32::from(row % 3 == 0)).collect()
}

#[test]
fn delong_agrees_with_its_definition_over_all_pairs() {
    for case in read::<DelongCase>("delong") {
        let own = delong(&case.codes, &case.a, &case.b).unwrap();
        for i in 0..2 {
            assert!(near(own.auc[i], case.auc[i]), "{}", case.name);
            assert!(near(own.variance[i], case.variance[i]), "{}", case.name);
        }
        assert!(near(own.covariance, case.covariance), "{}", case.name);
        assert!(near(own.p_value, case.p_value), "{}: {}", case.name, own.p_value);
        let ci95 = own.interval();
        assert!(near(ci95.low, case.ci95[0].max(-1.0)), "{}", case.name);
        assert!(near(ci95.high, case.ci95[1].min(1.0)), "{}", case.name);
    }
}

#[test]
fn mcnemar_agrees_with_statsmodels() {
    for case in read::<McNemarCase>("mcnemar") {
        let row = |n: usize, a: u32, b: u32| vec![(a, b); n];
        let rows = [
            row(case.both, 1, 1),
            row(case.only_a, 1, 0),
            row(case.only_b, 0, 1),
            row(case.neither, 0, 0),
        ]
        .concat();
        let (a, b): (Vec<u32>, Vec<u32>) = rows.into_iter().unzip();
        let own = mcnemar(&vec![1; a.len()], &a, &b);
        assert_eq!((own.only_a, own.only_b), (case.only_a as u64, case.only_b as u64));
        assert!(near(own.p_value, case.p_value), "{} {}", own.p_value, case.p_value);
        assert!(near(own.interval().low, case.ci95[0]) && near(own.interval().high, case.ci95[1]));
    }
    // statsmodels corrects even a difference of zero, and then doubts it; here it is p = 1.
    let (a, b) = ([vec![1; 13], vec![0; 13]].concat(), [vec![0; 13], vec![1; 13]].concat());
    assert_eq!(mcnemar(&[1; 26], &a, &b).p_value, 1.0);
}

#[test]
fn a_model_does_not_differ_from_itself() {
    let codes = codes(200);
    let p = model(&codes, 1.0, 1);
    let truth = Target::Class { codes, n_classes: 2 };
    for name in ["roc_auc", "accuracy", "log_loss", "f1"] {
        let result = compare(metric(name).unwrap(), &Paired::new(&truth, &p, &p), &ctx(1)).unwrap();
        assert_eq!((result.difference, result.p_value), (0.0, 1.0), "{name}");
        assert!(result.verdict.starts_with("No difference in"), "{}", result.verdict);
    }
}

#[test]
fn a_clearly_better_model_is_named_whatever_the_direction_of_the_metric() {
    let codes = codes(900);
    let (a, b) = (model(&codes, 3.0, 1), model(&codes, 0.5, 2));
    let truth = Target::Class { codes, n_classes: 2 };
    for (name, word) in [("roc_auc", "higher"), ("accuracy", "higher"), ("log_loss", "lower")] {
        let metric = metric(name).unwrap();
        let result = compare(metric, &Paired::new(&truth, &a, &b), &ctx(1)).unwrap();
        assert!(result.is_significant());
        let start = format!("B is better than A: its {name} is {word} by ");
        assert!(result.verdict.starts_with(&start), "{}", result.verdict);
        assert!(result.ci95.low <= result.difference && result.difference <= result.ci95.high);
        assert!(result.ci95.low * result.ci95.high > 0.0);
    }
}

#[test]
fn equal_models_are_called_different_in_about_one_of_twenty_samples() {
    for name in ["roc_auc", "accuracy", "brier_score"] {
        let mut n_shown = 0;
        for sample in 0..200 {
            let codes = codes(120);
            let (a, b) =
                (model(&codes, 1.5, 2 * sample + 100), model(&codes, 1.5, 2 * sample + 101));
            let truth = Target::Class { codes, n_classes: 2 };
            let result =
                compare(metric(name).unwrap(), &Paired::new(&truth, &a, &b), &ctx(1)).unwrap();
            n_shown += usize::from(result.is_significant());
        }
        // 10 expected of 200; the binomial distribution leaves 2..=21 in 1 of 1000 cases.
        // McNemar's continuity correction makes it conservative.
        assert!(
            (if name == "accuracy" { 0 } else { 2 }..=21).contains(&n_shown),
            "{name} {n_shown}"
        );
    }
}

#[test]
fn the_paired_bootstrap_agrees_with_delong_and_does_not_depend_on_threads() {
    let codes = codes(400);
    let (a, b) = (model(&codes, 1.5, 1), model(&codes, 2.0, 2));
    let truth = Target::Class { codes, n_classes: 2 };
    let roc_auc = metric("roc_auc").unwrap();
    let ones = vec![1.0; 400];
    let weights = Some(&ones[..]);
    let weighed = Paired { weights, ..Paired::new(&truth, &a, &b) };
    let by_delong = compare(roc_auc, &Paired::new(&truth, &a, &b), &ctx(1)).unwrap();
    let resampled = compare(roc_auc, &weighed, &ctx(1)).unwrap();
    assert!((by_delong.ci95.low - resampled.ci95.low).abs() < 0.005);
    assert!((by_delong.ci95.high - resampled.ci95.high).abs() < 0.005);
    for threads in [2, 4] {
        let again = compare(roc_auc, &weighed, &ctx(threads)).unwrap();
        assert_eq!(resampled, again);
    }
}

#[test]
fn what_cannot_be_tested_is_an_error_or_stays_unsure() {
    let truth = Target::Class { codes: vec![1, 0, 0], n_classes: 2 };
    let p = Predictions::new(1, vec![0.9, 0.1, 0.2]);
    let roc_auc = metric("roc_auc").unwrap();
    let error = compare(roc_auc, &Paired::new(&truth, &p, &p), &ctx(1)).unwrap_err();
    assert_eq!(error.expected_text(), Some("at least two rows of each class"));
    let short = Predictions::new(1, vec![0.9]);
    assert!(compare(roc_auc, &Paired::new(&truth, &p, &short), &ctx(1)).is_err());
    // Perfect against reversed on four rows: both orders are constant.
    let reversed = delong(&[1, 1, 0, 0], &[0.9, 0.8, 0.2, 0.1], &[0.1, 0.2, 0.8, 0.9]).unwrap();
    assert_eq!((reversed.auc, reversed.p_value), ([1.0, 0.0], 0.125));
}

#[test]
fn numbers_are_written_with_four_digits() {
    for (value, text) in [(0.012_345_6, "0.01235"), (1234.56, "1235"), (-2.5, "-2.5"), (0.0, "0")] {
        assert_eq!(digits(value), text);
    }
}

#[test]
fn a_difference_is_weighed_against_what_matters() {
    let codes = codes(900);
    let (a, b) = (model(&codes, 3.0, 1), model(&codes, 0.5, 2));
    let truth = Target::Class { codes, n_classes: 2 };
    let log_loss = metric("log_loss").unwrap();
    let result = compare(log_loss, &Paired::new(&truth, &a, &b), &ctx(1)).unwrap();
    let weight = result.weigh(false, 900, 0.005);
    assert!(weight.b_better > 0.999 && weight.a_better < 0.001);
    assert!(weight.words.starts_with("The difference matters: B is better by more than 0.005"));
    let same = compare(log_loss, &Paired::new(&truth, &a, &a), &ctx(1)).unwrap();
    let weight = same.weigh(false, 900, 0.005);
    assert_eq!(weight.equal, 1.0);
    let words = "The difference does not matter: it is within ±0.005 with a probability of 100 %.";
    assert_eq!(weight.words, words);
    let unsure = Comparison { difference: 0.004, p_value: 0.4, ..result };
    let ci95 = Interval { low: -0.006, high: 0.014 };
    let weight = Comparison { ci95, ..unsure }.weigh(true, 900, 0.005);
    assert!(weight.words.starts_with("Whether it matters is open"), "{}", weight.words);
    assert!(weight.words.ends_with("takes about 11,000 rows."), "{}", weight.words);
}

#[test]
fn decisions_are_compared_by_what_they_cost() {
    let codes = codes(900);
    let (a, b) = (model(&codes, 3.0, 1), model(&codes, 0.5, 2));
    let truth = Target::Class { codes, n_classes: 2 };
    let labels = ["no".to_owned(), "yes".to_owned()];
    let costs = CostMatrix::of_named(&[("fn".to_owned(), 5.0)].into(), &labels).unwrap();
    let result = compare_costs(&costs, &Paired::new(&truth, &a, &b), &ctx(2)).unwrap();
    assert!(result.value_b < result.value_a && result.is_significant());
    assert!(result.verdict.starts_with("B is cheaper than A: by "), "{}", result.verdict);
    assert!(result.verdict.contains("per 1,000 rows"));
    let same = compare_costs(&costs, &Paired::new(&truth, &a, &a), &ctx(1)).unwrap();
    assert_eq!((same.difference, same.p_value), (0.0, 1.0));
    assert!(same.verdict.starts_with("No difference in cost is shown"));
}

#[test]
fn rows_that_cost_exactly_the_same_more_show_no_more_than_their_number_can() {
    let labels = ["no".to_owned(), "yes".to_owned()];
    let costs = CostMatrix::of_named(&[("fp".to_owned(), 1.0)].into(), &labels).unwrap();
    let compared = |n: usize| {
        let truth = Target::Class { codes: vec![0; n], n_classes: 2 };
        let says = |p: f64| Predictions::new(1, vec![p; n]);
        compare_costs(&costs, &Paired::new(&truth, &says(0.9), &says(0.1)), &ctx(1)).unwrap()
    };
    let two = compared(2);
    assert_eq!((two.difference, two.p_value), (1.0, 0.5), "two rows of two signs");
    assert!(two.verdict.starts_with("No difference in cost is shown"), "{}", two.verdict);
    let twenty = compared(20);
    assert!(twenty.is_significant() && twenty.p_value > 0.0, "{}", twenty.p_value);
}

/// How many of 200 samples of two equally good models show a difference, where 30 rows are asked
/// for eight times each.
fn n_shown_of_repeated(name: &str, knows_groups: bool) -> usize {
    let mut n_shown = 0;
    for seed in 0..200 {
        let codes = codes(30);
        let (a, b) = (model(&codes, 1.0, 2 * seed + 10), model(&codes, 1.0, 2 * seed + 11));
        let rows: Vec<u32> = (0..240).map(|row| row / 8).collect();
        let truth = Target::Class { codes, n_classes: 2 }.select(&rows);
        let (a, b) = (a.select(&rows), b.select(&rows));
        let groups = knows_groups.then_some(&rows[..]);
        let pair = Paired { groups, ..Paired::new(&truth, &a, &b) };
        let tested = compare(metric(name).unwrap(), &pair, &ctx(1));
        n_shown += usize::from(tested.is_ok_and(|c| c.is_significant()));
    }
    n_shown
}

#[test]
fn rows_of_a_group_are_one_witness() {
    for name in ["log_loss", "roc_auc"] {
        // Of 200 tests at 5 %, more than 21 are shown in 1 of 1,000 cases.
        let n_shown = n_shown_of_repeated(name, true);
        assert!(n_shown <= 21, "{name}: {n_shown} of 200 with groups");
        assert!(n_shown_of_repeated(name, false) > 60, "the rows alone mislead: {name}");
    }
}

#[test]
fn a_difference_between_groups_is_found_and_one_group_is_refused() {
    let codes = codes(900);
    let (a, b) = (model(&codes, 2.0, 1), model(&codes, 1.0, 2));
    let truth = Target::Class { codes, n_classes: 2 };
    let groups: Vec<u32> = (0..900).map(|row| row / 10).collect();
    let pair = Paired { groups: Some(&groups), ..Paired::new(&truth, &a, &b) };
    let log_loss = metric("log_loss").unwrap();
    let found = compare(log_loss, &pair, &ctx(1)).unwrap();
    assert!(found.is_significant() && found.difference > 0.0, "{found:?}");
    assert_eq!(found.method, "paired bootstrap of 90 whole groups, t with 89 degrees of freedom");
    assert_eq!(found, compare(log_loss, &pair, &ctx(4)).unwrap());
    let labels = ["no".to_owned(), "yes".to_owned()];
    let costs = CostMatrix::of_named(&[("fn".to_owned(), 5.0)].into(), &labels).unwrap();
    assert!(compare_costs(&costs, &pair, &ctx(1)).unwrap().is_significant());
    let one = vec![3; 900];
    let alone = Paired { groups: Some(&one), ..pair };
    assert!(compare(log_loss, &alone, &ctx(1)).is_err());
    assert!(compare_costs(&costs, &alone, &ctx(1)).is_err());
    // Groups of one row each are rows.
    let each: Vec<u32> = (0..900).collect();
    let rows = Paired { groups: Some(&each), ..pair };
    let plain = compare(log_loss, &Paired { groups: None, ..pair }, &ctx(1)).unwrap();
    assert_eq!(compare(log_loss, &rows, &ctx(1)).unwrap(), plain);
}

/// Squared errors of two models that are equally good, with tails as losses have them: how often
/// the interval of their difference lies wholly above 0, of `n` simulated samples.
fn falsely_better(n_rows: usize, n: u64) -> f64 {
    let ctx = Context::unlimited(1, 2);
    let mae = metric("mae").unwrap();
    let mut wrong = 0;
    for seed in 0..n {
        let mut random = Random::stream(seed, "skewed", 0);
        // A loses an exponential, B always its mean: differences are skewed to one side.
        let exponential: Vec<f64> = (0..n_rows).map(|_| -(1.0 - random.unit()).ln()).collect();
        let truth = Target::Real(vec![0.0; n_rows]);
        let (a, b) = (Predictions::new(1, exponential), Predictions::new(1, vec![1.0; n_rows]));
        let found = compare(mae, &Paired::new(&truth, &a, &b), &ctx).unwrap();
        assert!(found.method.contains("studentised"), "{}", found.method);
        wrong += u64::from(found.ci95.high < 0.0);
    }
    wrong as f64 / n as f64
}

#[test]
fn skewed_losses_of_equal_models_are_called_different_as_seldom_as_promised() {
    // 2.5 of 100 are meant; percentiles of 60 rows come to 6.
    let wrong = falsely_better(60, 1000);
    assert!(wrong < 0.045, "{wrong}");
}

#[test]
fn three_rows_show_no_difference() {
    let truth = Target::Real(vec![0.0; 3]);
    let (a, b) =
        (Predictions::new(1, vec![1.0, 1.1, 1.2]), Predictions::new(1, vec![3.0, 3.3, 3.1]));
    let ctx = Context::unlimited(1, 1);
    let found = compare(metric("rmse").unwrap(), &Paired::new(&truth, &a, &b), &ctx).unwrap();
    assert!(found.p_value >= 0.25 && found.ci95.high >= 0.0, "{found:?}");
}
