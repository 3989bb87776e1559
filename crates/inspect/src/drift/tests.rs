//! Values of scipy and numpy (`testdata/drift/generate.py`), null rates, and planted shifts.

use modelwright_core::random::Random;
use serde::Deserialize;

use super::distance::{jensen_shannon, psi, sturges, wasserstein};
use super::test::{chi_squared_homogeneity, kolmogorov_smirnov};
use super::{Counts, Steps, benjamini_hochberg, score_counts, score_steps, unit};

#[derive(Deserialize)]
struct Recipe {
    n: u64,
    #[serde(rename = "mul")]
    factor: u64,
    #[serde(rename = "mod")]
    modulus: u64,
    div: f64,
    add: f64,
}

impl Recipe {
    fn sample(&self) -> Steps {
        let value = |i: u64| (i * self.factor % self.modulus) as f64 / self.div + self.add;
        Steps::of_values((0..self.n).map(value).collect())
    }
}

#[derive(Deserialize)]
struct Case {
    name: String,
    reference: Recipe,
    current: Recipe,
    n_distinct: usize,
    ks_distance: f64,
    ks_p: f64,
    wasserstein: f64,
    jensen_shannon: f64,
    psi: f64,
    homogeneity_p: f64,
    choice: String,
    score: f64,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../../../testdata/drift/cases.json")).unwrap()
}

fn near(name: &str, what: &str, got: f64, wanted: f64, tolerance: f64) {
    let scale = wanted.abs().max(1e-8);
    assert!((got - wanted).abs() <= tolerance * scale, "{name}: {what} is {got}, not {wanted}");
}

fn counts(steps: &Steps) -> Counts {
    Counts::new(steps.values().iter().map(|(v, n)| (format!("{v:?}"), *n)), 0.0)
}

#[test]
fn measures_agree_with_scipy() {
    let cases = cases();
    assert!(cases.len() > 10);
    for case in cases {
        let (a, b) = (case.reference.sample(), case.current.sample());
        let name = &case.name;
        let (distance, p) = kolmogorov_smirnov(&a, &b).unwrap();
        near(name, "the KS distance", distance, case.ks_distance, 1e-9);
        near(name, "the KS p-value", p, case.ks_p, 1e-6);
        near(name, "Wasserstein", wasserstein(&a, &b).unwrap(), case.wasserstein, 1e-9);
        let pairs =
            if a.n_distinct() > 20 { sturges(&a, &b) } else { counts(&a).beside(&counts(&b)) };
        near(name, "Jensen-Shannon", jensen_shannon(&pairs).unwrap(), case.jensen_shannon, 1e-9);
        near(name, "PSI", psi(&pairs).unwrap(), case.psi, 1e-9);
        let p = chi_squared_homogeneity(&pairs).unwrap();
        near(name, "homogeneity", p, case.homogeneity_p, 1e-9);
        let scored = score_steps(&a, &b, case.n_distinct).unwrap();
        assert_eq!(scored.choice.name(), case.choice, "{name}");
        near(name, "the score", scored.score, case.score, 1e-6);
    }
}

#[test]
fn a_test_of_equal_samples_alarms_at_its_nominal_rate() {
    let (mut by_ks, mut by_counts) = (0, 0);
    let n_streams = 1000;
    for stream in 0..n_streams {
        let mut random = Random::stream(7, "drift/null", stream);
        let mut draw = |n: usize| (0..n).map(|_| random.normal()).collect::<Vec<f64>>();
        let (a, b) = (Steps::of_values(draw(400)), Steps::of_values(draw(150)));
        by_ks += u32::from(kolmogorov_smirnov(&a, &b).unwrap().1 < 0.05);
        let rounded = |steps: &Steps| {
            let value = |(v, n): &(f64, f64)| ((v * 1.5).round().to_string(), *n);
            let mut counts = std::collections::BTreeMap::new();
            for (key, n) in steps.values().iter().map(value) {
                *counts.entry(key).or_insert(0.0) += n;
            }
            Counts::new(counts, 0.0)
        };
        let pairs = rounded(&a).beside(&rounded(&b));
        by_counts += u32::from(chi_squared_homogeneity(&pairs).unwrap() < 0.05);
    }
    // 50 are expected; three standard deviations are 21.
    assert!((29..=71).contains(&by_ks), "{by_ks} of {n_streams} alarms by KS");
    assert!((29..=71).contains(&by_counts), "{by_counts} of {n_streams} alarms by counts");
}

#[test]
fn adjusted_p_values_keep_the_false_discovery_rate() {
    // scipy.stats.false_discovery_control([0.01, 0.04, 0.03, 0.5])
    let adjusted = benjamini_hochberg(&[0.01, 0.04, 0.03, 0.5]);
    for (got, wanted) in adjusted.iter().zip([0.04, 0.053_333_333_333, 0.053_333_333_333, 0.5]) {
        assert!((got - wanted).abs() < 1e-9, "{adjusted:?}");
    }
    assert!(benjamini_hochberg(&[]).is_empty());
    let mut alarms = 0;
    for stream in 0..1000 {
        let mut random = Random::stream(3, "drift/many", stream);
        let p: Vec<f64> = (0..20).map(|_| random.unit()).collect();
        alarms += u32::from(benjamini_hochberg(&p).iter().any(|p| *p < 0.05));
    }
    assert!((29..=71).contains(&alarms), "{alarms} of 1000 sets of 20 columns alarm");
}

#[test]
fn planted_shifts_are_found_and_a_unit_change_is_named() {
    let mut random = Random::new(5);
    let mut draw = |n: usize| (0..n).map(|_| 20.0 + 3.0 * random.normal()).collect::<Vec<f64>>();
    let a = Steps::of_values(draw(2000));
    let same = Steps::of_values(draw(500));
    let moved = Steps::of_values(draw(500).into_iter().map(|v| v + 1.5).collect());
    let inches = Steps::of_values(draw(500).into_iter().map(|v| v / 2.54).collect());
    assert!(!score_steps(&a, &same, 2500).unwrap().exceeds());
    let scored = score_steps(&a, &moved, 2500).unwrap();
    assert!(scored.exceeds() && scored.p_value < 1e-6 && (scored.score - 0.5).abs() < 0.15);
    assert_eq!((unit::factor(&a, &same), unit::factor(&a, &moved)), (None, None));
    let factor = unit::factor(&a, &inches).unwrap();
    assert!((factor * 2.54 - 1.0).abs() < 0.05, "{factor}");
}

#[test]
fn a_value_that_one_sketch_dropped_is_pooled_on_both_sides() {
    let a = Counts::new([("x".to_owned(), 50.0), ("y".to_owned(), 30.0)], 20.0);
    let b = Counts::new([("x".to_owned(), 5.0), ("z".to_owned(), 7.0)], 0.0);
    assert_eq!(a.beside(&b), [(50.0, 5.0), (30.0, 0.0), (20.0, 7.0)]);
    assert_eq!(b.beside(&a), [(5.0, 50.0), (0.0, 30.0), (7.0, 20.0)]);
}

#[test]
fn sides_without_rows_have_no_score() {
    let some = Steps::of_values(vec![1.0, 2.0]);
    assert!(score_steps(&some, &Steps::default(), 2).is_none());
    assert!(score_steps(&Steps::default(), &some, 2).is_none());
    let none = Counts::default();
    assert!(score_counts(&none, &none, 0).is_none());
    let constant = Steps::of_values(vec![4.0; 30]);
    assert_eq!(score_steps(&constant, &constant, 1).unwrap().score, 1.0);
    assert_eq!(unit::factor(&constant, &some), None);
}

#[test]
fn rows_of_which_a_part_is_independent_are_tested_as_that_part() {
    let column = |n: u64, add: f64| {
        Steps::of_values((0..n).map(|i| ((i * 7919) % n) as f64 / n as f64 + add).collect())
    };
    // Every row ten times is as sure as every row once.
    let often = |add: f64| {
        let once = column(200, add);
        Steps::of_counts(once.values().iter().map(|(v, n)| (*v, 10.0 * n)).collect())
    };
    let (was, is) = (often(0.0).independent(0.1), often(0.1).independent(0.1));
    let (distance, p) = kolmogorov_smirnov(&was, &is).unwrap();
    let (same, once) = kolmogorov_smirnov(&column(200, 0.0), &column(200, 0.1)).unwrap();
    let (_, sure) = kolmogorov_smirnov(&often(0.0), &often(0.1)).unwrap();
    assert!((distance - same).abs() < 1e-12 && p > 0.2 && sure < 1e-6, "{p} {sure}");
    assert!((p - once).abs() < 0.05, "{p} {once}");
    let counts = |a: f64, b: f64| {
        Counts::new([("a".to_owned(), a), ("b".to_owned(), b), ("c".to_owned(), 300.0)], 0.0)
    };
    let scored = |share: f64| {
        let (was, is) = (counts(300.0, 300.0), counts(350.0, 250.0));
        score_counts(&was.independent(share), &is.independent(share), 3).unwrap()
    };
    let (all, part) = (scored(1.0), scored(0.1));
    assert_eq!(all.psi, part.psi);
    assert!(all.p_value < 0.02 && part.p_value > 0.3, "{all:?} {part:?}");
}
