//! The tests on scores against SciPy, statsmodels, baycomp and scikit-posthocs
//! (`testdata/compare/generate_statistics.py`), and simulations of what they promise.

use modelwright_core::Context;
use modelwright_core::random::Random;
use modelwright_core::record::Interval;
use modelwright_core::task::{Predictions, Target};
use serde::Deserialize;

use super::adjust::{benjamini_hochberg, holm};
use super::datasets::{Ranking, wilcoxon};
use super::folds::{FoldDifference, five_by_two};
use super::power::belief;
use crate::metric::{MetricInput, metric};
use crate::resample::permutation::against_chance;
use crate::resample::{Drawing, bca_of, bootstrap_interval};

const GOLDEN: &str = include_str!("../../../../testdata/compare/statistics.toml");

#[derive(Deserialize)]
struct Golden {
    folds: Vec<Folds>,
    five_by_two: Vec<FiveByTwo>,
    adjust: Vec<Adjust>,
    ranking: Vec<Ranked>,
    signed_rank: Vec<SignedRank>,
    bca: Vec<Bca>,
}

#[derive(Deserialize)]
struct Folds {
    name: String,
    differences: Vec<f64>,
    test_to_train: f64,
    rope: f64,
    statistic: f64,
    p_value: f64,
    ci95: [f64; 2],
    probabilities: [f64; 3],
}

#[derive(Deserialize)]
struct FiveByTwo {
    differences: Vec<f64>,
    t: [f64; 2],
    f: [f64; 2],
}

#[derive(Deserialize)]
struct Adjust {
    p_values: Vec<f64>,
    holm: Vec<f64>,
    benjamini_hochberg: Vec<f64>,
}

#[derive(Deserialize)]
struct Ranked {
    scores: Vec<Vec<f64>>,
    mean_ranks: Vec<f64>,
    friedman: [f64; 2],
    iman_davenport: [f64; 2],
    nemenyi: Vec<f64>,
}

#[derive(Deserialize)]
struct SignedRank {
    differences: Vec<f64>,
    statistic: f64,
    p_value: f64,
}

#[derive(Deserialize)]
struct Bca {
    value: f64,
    left_out: Vec<f64>,
    resampled: Vec<f64>,
    ci95: [f64; 2],
}

fn golden() -> Golden {
    toml::from_str(GOLDEN).unwrap()
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{found} not {expected}");
}

#[track_caller]
fn all_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).for_each(|(f, e)| close(*f, *e));
}

fn ends(ci95: Interval) -> [f64; 2] {
    [ci95.low, ci95.high]
}

#[test]
fn two_support_vector_machines_on_moons_compare_as_scikit_learn_shows_it() {
    let case = &golden().folds[0];
    let test = FoldDifference::new(&case.differences, case.test_to_train).unwrap();
    let rounded = |v: f64| format!("{v:.3}");
    assert_eq!(rounded(test.statistic()), "0.750");
    assert_eq!(rounded(test.p_value() / 2.0), "0.227", "one-sided, as in the example");
    assert_eq!(rounded(test.probabilities(0.0)[2]), "0.773");
    assert_eq!(rounded(test.probabilities(0.01)[1]), "0.432");
}

#[test]
fn corrected_t_tests_and_their_probabilities_are_the_references() {
    for case in golden().folds {
        let test = FoldDifference::new(&case.differences, case.test_to_train).unwrap();
        close(test.statistic(), case.statistic);
        close(test.p_value(), case.p_value);
        all_close(&ends(test.interval()), &case.ci95);
        all_close(&test.probabilities(case.rope), &case.probabilities);
        assert!(!case.name.is_empty());
    }
    for case in golden().five_by_two {
        let pairs: Vec<[f64; 2]> = case.differences.chunks_exact(2).map(|c| [c[0], c[1]]).collect();
        let test = five_by_two(&pairs.try_into().unwrap()).unwrap();
        all_close(&[test.t.0, test.t.1], &case.t);
        all_close(&[test.f.0, test.f.1], &case.f);
    }
}

#[test]
fn adjusted_p_values_are_statsmodels() {
    for case in golden().adjust {
        all_close(&holm(&case.p_values), &case.holm);
        all_close(&benjamini_hochberg(&case.p_values), &case.benjamini_hochberg);
    }
    assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
}

#[test]
fn ranks_across_data_sets_are_scipys_and_posthocs() {
    for case in golden().ranking {
        let ranking = Ranking::new(&case.scores, true).unwrap();
        all_close(&ranking.mean_ranks, &case.mean_ranks);
        all_close(&[ranking.friedman.0, ranking.friedman.1], &case.friedman);
        let (f, p) = ranking.iman_davenport.unwrap();
        all_close(&[f, p], &case.iman_davenport);
        let pairs: Vec<f64> = (1..case.mean_ranks.len()).map(|b| ranking.nemenyi(0, b)).collect();
        all_close(&pairs, &case.nemenyi);
        let mirrored = Ranking::new(&case.scores, false).unwrap();
        close(mirrored.friedman.0, ranking.friedman.0);
    }
    for case in golden().signed_rank {
        let test = wilcoxon(&case.differences).unwrap();
        close(test.positive.min(test.negative), case.statistic);
        close(test.p_value, case.p_value);
    }
}

/// The two-sided p-value by going through all ways to give signs to the ranks.
fn by_all_signs(ranks: &[f64], least: f64) -> f64 {
    let n = ranks.len();
    let sum = |signs: u32| -> f64 {
        ranks.iter().enumerate().filter(|(i, _)| signs >> i & 1 == 1).map(|(_, rank)| rank).sum()
    };
    let below = (0..1_u32 << n).filter(|signs| sum(*signs) <= least).count();
    (2.0 * below as f64 / 2.0_f64.powf(n as f64)).min(1.0)
}

#[test]
fn signed_ranks_with_ties_are_counted_as_all_ways_to_give_signs_are() {
    // The middle ranks of each are written out by hand.
    let cases: [(&[f64], &[f64]); 4] = [
        (&[0.1; 5], &[3.0; 5]),
        (&[0.1, 0.1, -0.2, 0.3, 0.0, 0.3, 0.3], &[1.5, 1.5, 3.0, 5.0, 5.0, 5.0]),
        (&[-0.1, 0.2, -0.2, 0.2, 0.2, 0.5], &[1.0, 3.5, 3.5, 3.5, 3.5, 6.0]),
        (&[0.1, -0.1], &[1.5, 1.5]),
    ];
    for (differences, ranks) in cases {
        let test = wilcoxon(differences).unwrap();
        assert_eq!(test.p_value, by_all_signs(ranks, test.positive.min(test.negative)));
        assert!(test.p_value >= 2.0 * 0.5_f64.powf(ranks.len() as f64), "{differences:?}");
    }
}

#[test]
fn bca_intervals_are_scipys() {
    for case in golden().bca {
        let resampled = case.resampled.into_iter().map(Some).collect();
        all_close(
            &ends(bca_of(case.value, resampled, &case.left_out, [0.025; 2]).unwrap()),
            &case.ci95,
        );
    }
}

#[test]
fn what_cannot_be_tested_is_refused() {
    assert!(FoldDifference::new(&[0.1], 0.1).is_err());
    assert!(FoldDifference::new(&[0.1, f64::NAN], 0.1).is_err());
    assert!(FoldDifference::new(&[0.1, 0.2], 0.0).is_err());
    let equal = FoldDifference::new(&[0.0, 0.0, 0.0], 0.5).unwrap();
    assert_eq!((equal.p_value(), equal.probabilities(0.01)), (1.0, [0.0, 1.0, 0.0]));
    let sure = FoldDifference::new(&[0.1, 0.1], 0.5).unwrap();
    assert_eq!(sure.p_value(), 0.0);
    assert!(five_by_two(&[[0.1, 0.1]; 5]).is_err());
    assert!(five_by_two(&[[f64::NAN, 0.1]; 5]).is_err());
    assert!(Ranking::new(&[vec![1.0, 1.0], vec![2.0, 2.0]], true).is_err());
    assert!(Ranking::new(&[vec![1.0, 2.0], vec![2.0]], true).is_err());
    assert!(wilcoxon(&[0.0, 0.0]).is_err());
    assert!(bca_of(1.0, vec![None, None], &[1.0, 2.0], [0.025; 2]).is_err());
}

#[test]
fn rows_needed_grow_with_the_square_of_the_uncertainty() {
    let ci = |half: f64| Interval { low: 0.01 - half, high: 0.01 + half };
    let one = belief(0.01, ci(0.02), 1000, 0.005);
    let two = belief(0.01, ci(0.04), 1000, 0.005);
    let (n_one, n_two) = (one.n_rows_needed.unwrap(), two.n_rows_needed.unwrap());
    assert!((n_two / n_one - 4.0).abs() < 0.01, "{n_one} {n_two}");
    // (1.96 + 0.8416)² / 1.96² · 1000 · 4
    assert!((n_one - 8173.0).abs() < 5.0, "{n_one}");
    assert!((one.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(one.probabilities[2] > one.probabilities[1]);
    let none = belief(0.0, Interval { low: 0.0, high: 0.0 }, 10, 0.005);
    assert_eq!((none.probabilities, none.n_rows_needed), ([0.0, 1.0, 0.0], None));
}

/// The largest distance of sorted p-values from the uniform distribution (Kolmogorov & Smirnov).
fn distance_from_uniform(mut p_values: Vec<f64>) -> f64 {
    p_values.sort_by(f64::total_cmp);
    let n = p_values.len() as f64;
    let gap = |(i, p): (usize, &f64)| (p - i as f64 / n).abs().max((p - (i + 1) as f64 / n).abs());
    p_values.iter().enumerate().map(gap).fold(0.0, f64::max)
}

#[test]
fn p_values_are_uniform_when_there_is_nothing_to_find() {
    let mut random = Random::new(4);
    let mut normal = |n: usize| (0..n).map(|_| random.normal()).collect::<Vec<f64>>();
    let n = 1000;
    // Independent differences: the correction must be that of independent splits, 0.
    let t: Vec<f64> =
        (0..n).map(|_| FoldDifference::new(&normal(10), 1e-12).unwrap().p_value()).collect();
    let signed: Vec<f64> = (0..n).map(|_| wilcoxon(&normal(40)).unwrap().p_value).collect();
    // 1.95 / √1000 is passed by chance in one of 1000 samples.
    for p_values in [t, signed] {
        let distance = distance_from_uniform(p_values);
        assert!(distance < 1.95 / (n as f64).sqrt(), "{distance}");
    }
    let roc_auc = metric("roc_auc").unwrap();
    let chance: Vec<f64> = (0..300)
        .map(|seed| {
            let codes = (0..60).map(|row| u32::from(row % 3 == 0)).collect();
            let truth = Target::Class { codes, n_classes: 2 };
            let mut random = Random::new(900 + seed);
            let p = Predictions::new(1, (0..60).map(|_| random.unit()).collect());
            let ctx = Context::unlimited(seed, 1);
            let input = MetricInput::new(&truth, &p);
            against_chance(roc_auc, &input, 99, &ctx).unwrap().p_value
        })
        .collect();
    // P-values of a hundred steps are a hundredth farther from uniform.
    assert!(distance_from_uniform(chance) < 1.95 / 300.0_f64.sqrt() + 0.01);
}

#[test]
fn nineteen_of_twenty_intervals_of_skewed_metrics_and_of_groups_hold_the_truth() {
    let mae = metric("mae").unwrap();
    let (mut rows, mut groups) = (0, 0);
    for seed in 0..300 {
        let mut random = Random::new(seed);
        // |error| of exponential size has mean 1.
        let errors: Vec<f64> = (0..60).map(|_| -(1.0 - random.unit()).ln()).collect();
        let truth = Target::Real(errors);
        let p = Predictions::zeros(60, 1);
        let ctx = Context::unlimited(seed, 1);
        let input = MetricInput::new(&truth, &p);
        let ci = bootstrap_interval(mae, &input, 400, &ctx).unwrap();
        rows += usize::from(ci.low <= 1.0 && 1.0 <= ci.high);
        // Sixty groups of five equal rows: rows are no independent witnesses.
        let each: Vec<f64> = (0..60).map(|_| -(1.0 - random.unit()).ln()).collect();
        let truth = Target::Real((0..300).map(|row| each[row / 5]).collect());
        let codes: Vec<u32> = (0..300).map(|row| row / 5).collect();
        let p = Predictions::zeros(300, 1);
        let input = MetricInput::new(&truth, &p);
        let drawing = Drawing { groups: Some(&codes), ..Drawing::from(400) };
        let ci = bootstrap_interval(mae, &input, drawing, &ctx).unwrap();
        groups += usize::from(ci.low <= 1.0 && 1.0 <= ci.high);
    }
    // 285 expected; with so few rows bootstrap intervals hold a little less often.
    assert!((270..=298).contains(&rows) && (270..=298).contains(&groups), "{rows} {groups}");
}
