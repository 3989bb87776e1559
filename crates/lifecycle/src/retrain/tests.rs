//! Gates on predictions that are made up: equal models, better ones, worse slices.

use modelwright_core::Context;
use modelwright_core::data::{Column, Table};
use modelwright_core::random::Random;
use modelwright_core::task::{Predictions, Target};
use modelwright_evaluate::metric;

use super::{Contender, Contest, Decision, Gates, Rule, Slice, decide, slices_of};

/// Answers, and the scores of two models that see them through noise.
struct Rows {
    truth: Target,
    champion: Predictions,
    challenger: Predictions,
    constant: Predictions,
}

fn rows(n: usize, noise: (f64, f64), stream: u64) -> Rows {
    let mut random = Random::stream(5, "retrain/rows", stream);
    let (mut codes, mut a, mut b) = (Vec::new(), Vec::new(), Vec::new());
    let logistic = |z: f64| 1.0 / (1.0 + (-z).exp());
    for _ in 0..n {
        let code = u32::from(random.unit() < 0.4);
        let signal = 2.0 * f64::from(code) - 1.0 + random.normal();
        codes.push(code);
        a.push(logistic(signal + noise.0 * random.normal()));
        b.push(logistic(signal + noise.1 * random.normal()));
    }
    Rows {
        truth: Target::Class { codes, n_classes: 2 },
        champion: Predictions::new(1, a),
        challenger: Predictions::new(1, b),
        constant: Predictions::new(1, vec![0.4; n]),
    }
}

fn contest<'a>(rows: &'a Rows, slices: &'a [Slice]) -> Contest<'a> {
    let contender = |predictions: &'a Predictions| Contender {
        predictions,
        threshold: 0.5,
        predict_s: 0.01,
        size_bytes: 100_000,
    };
    Contest {
        metric: metric("roc_auc").unwrap(),
        truth: &rows.truth,
        weights: None,
        groups: None,
        champion: contender(&rows.champion),
        challenger: contender(&rows.challenger),
        constant: &rows.constant,
        slices,
        data_findings: &[],
        data_remarks: &[],
        self_check: Ok(()),
        n_candidates: 1,
    }
}

fn decided(contest: &Contest<'_>, gates: &Gates) -> Decision {
    decide(contest, gates, &Context::unlimited(1, 2)).unwrap()
}

fn failed(decision: &Decision) -> Vec<&str> {
    decision.gates.iter().filter(|g| !g.passed).map(|g| g.gate.as_str()).collect()
}

#[test]
fn a_model_that_is_no_better_is_accepted_no_oftener_than_the_interval_says() {
    let n_streams = 1000;
    let mut accepted = 0;
    for stream in 0..n_streams {
        let rows = rows(400, (1.0, 1.0), stream);
        accepted += u32::from(decided(&contest(&rows, &[]), &Gates::default()).accepted);
    }
    // 25 are expected; three standard deviations are 15.
    assert!(accepted <= 40, "{accepted} of {n_streams}");
}

/// What a model as good as the challenger says that saw other rows of the same classes.
fn another(rows: &Rows, stream: u64) -> Predictions {
    let other = self::rows(600, (1.0, 1.0), stream);
    let values = |class: u32| {
        let codes = other.truth.codes().unwrap().iter().zip(&other.challenger.values);
        codes.filter(|(code, _)| **code == class).map(|(_, value)| *value).collect::<Vec<_>>()
    };
    let (mut of_class, mut next) = ([values(0), values(1)], [0, 0]);
    let mut value = |code: &u32| {
        let class = *code as usize;
        next[class] += 1;
        let values = &mut of_class[class];
        values[(next[class] - 1) % values.len()]
    };
    Predictions::new(1, rows.truth.codes().unwrap().iter().map(&mut value).collect())
}

#[test]
fn the_better_of_two_models_that_are_no_better_is_accepted_no_oftener_either() {
    let n_streams = 600;
    let (mut accepted, mut as_one) = (0, 0);
    for stream in 0..n_streams {
        let rows = rows(400, (1.0, 1.0), stream);
        let said = [rows.challenger.clone(), another(&rows, stream + 5000)];
        let of = |said: &Predictions, n_candidates: usize| {
            let plain = contest(&rows, &[]);
            let challenger = Contender { predictions: said, ..plain.challenger };
            decided(&Contest { challenger, n_candidates, ..plain }, &Gates::default())
        };
        let [a, b] = [of(&said[0], 2), of(&said[1], 2)];
        let (chosen, at) = if a.challenger >= b.challenger { (a, 0) } else { (b, 1) };
        accepted += u32::from(chosen.accepted);
        as_one += u32::from(of(&said[at], 1).accepted);
    }
    // 15 are expected; three standard deviations are 11.6.
    assert!(accepted <= 26 && accepted < as_one, "{accepted} and {as_one} of {n_streams}");
}

#[test]
fn a_better_model_is_accepted_and_a_worse_one_is_not() {
    let better = rows(3000, (1.5, 0.3), 1);
    let decision = decided(&contest(&better, &[]), &Gates::default());
    assert!(decision.accepted, "{}", decision.summary);
    assert!(decision.challenger > decision.champion && decision.n_rows == 3000);
    let worse = rows(3000, (0.3, 1.5), 2);
    for rule in [Rule::Better, Rule::Refresh] {
        let decision = decided(&contest(&worse, &[]), &Gates { rule, ..Gates::default() });
        assert!(failed(&decision).contains(&"gain"), "{rule:?}: {}", decision.summary);
    }
}

#[test]
fn a_refresh_needs_no_gain_but_enough_rows_to_show_that_nothing_is_lost() {
    let gates = Gates { rule: Rule::Refresh, ..Gates::default() };
    let many = rows(40_000, (0.5, 0.5), 3);
    let decision = decided(&contest(&many, &[]), &gates);
    assert!(decision.accepted, "{}", decision.summary);
    assert!(!decided(&contest(&many, &[]), &Gates::default()).accepted);
    let few = rows(60, (0.5, 0.5), 4);
    assert_eq!(failed(&decided(&contest(&few, &[]), &gates)), ["gain"]);
}

#[test]
fn a_slice_that_suffers_stops_a_model_that_is_better_on_the_whole() {
    let mut rows = rows(6000, (1.5, 0.2), 5);
    let part: Vec<u32> = (0..600).collect();
    let mut random = Random::new(8);
    for row in &part {
        rows.challenger.values[*row as usize] = random.unit();
    }
    let slices = [
        Slice { name: "plan = old".to_owned(), rows: part },
        Slice { name: "plan = new".to_owned(), rows: (600..6000).collect() },
    ];
    let decision = decided(&contest(&rows, &slices), &Gates::default());
    assert!(failed(&decision).contains(&"slices"), "{}", decision.summary);
    let gate = decision.gates.iter().find(|g| g.gate == "slices").unwrap();
    assert!(gate.words.contains("plan = old") && !gate.words.contains("plan = new"));
}

#[test]
fn every_other_gate_can_stop_a_better_model() {
    let rows = rows(3000, (1.5, 0.3), 6);
    let gates = Gates::default();
    let findings = ["`age`: another unit?".to_owned()];
    let bad_data = Contest { data_findings: &findings, ..contest(&rows, &[]) };
    assert_eq!(failed(&decided(&bad_data, &gates)), ["data"]);
    let mut slow = contest(&rows, &[]);
    slow.challenger.predict_s = 10.0;
    assert_eq!(failed(&decided(&slow, &gates)), ["latency"]);
    let mut large = contest(&rows, &[]);
    large.challenger.size_bytes = 900_000_000;
    assert_eq!(failed(&decided(&large, &gates)), ["size"]);
    let torn = Contest { self_check: Err("row 3 differs".to_owned()), ..contest(&rows, &[]) };
    assert_eq!(failed(&decided(&torn, &gates)), ["self-check"]);
    // Ranks as before, but too sure of itself.
    let mut loud = self::rows(3000, (1.5, 0.3), 7);
    for p in &mut loud.challenger.values {
        let logit = (*p / (1.0 - *p)).ln();
        *p = 1.0 / (1.0 + (-8.0 * logit).exp());
    }
    assert_eq!(failed(&decided(&contest(&loud, &[]), &gates)), ["calibration"]);
}

#[test]
fn a_model_that_is_worse_than_a_constant_is_refused_also_if_it_is_better_than_the_old_one() {
    let mut turned = rows(3000, (0.2, 1.5), 9);
    for said in [&mut turned.champion, &mut turned.challenger] {
        said.values.iter_mut().for_each(|p| *p = 1.0 - *p);
    }
    let decision = decided(&contest(&turned, &[]), &Gates::default());
    // What is turned round is not calibrated either.
    assert_eq!(failed(&decision), ["baseline", "calibration"], "{}", decision.summary);
    assert!(decision.challenger > decision.champion && decision.challenger < 0.5);
    let gate = decision.gates.iter().find(|g| g.gate == "baseline").unwrap();
    assert!(gate.words.contains("0.50000 of always giving the same answer"), "{}", gate.words);
    // What cannot be told from a constant is no reason by itself.
    let mut blind = rows(3000, (1.0, 1.0), 10);
    let mut random = Random::new(3);
    blind.challenger.values.iter_mut().for_each(|p| *p = 0.4 + 0.01 * random.normal());
    assert!(!failed(&decided(&contest(&blind, &[]), &Gates::default())).contains(&"baseline"));
}

#[test]
fn slices_that_were_not_looked_at_are_called_so() {
    let rows = rows(3000, (1.5, 0.3), 11);
    let words = |slices: &[Slice]| {
        let decision = decided(&contest(&rows, slices), &Gates::default());
        decision.gates.into_iter().find(|g| g.gate == "slices").unwrap().words
    };
    assert!(words(&[]).contains("No part of the rows has 50"), "{}", words(&[]));
    let codes = rows.truth.codes().unwrap();
    let of_one_class = (0..3000_u32).filter(|row| codes[*row as usize] == 0).collect();
    let one_class = [Slice { name: "plan = old".to_owned(), rows: of_one_class }];
    assert!(words(&one_class).contains("On none of 1 slices"), "{}", words(&one_class));
}

#[test]
fn drift_is_said_and_stops_nothing() {
    let rows = rows(3000, (1.5, 0.3), 8);
    let remarks = ["`age`: mean 38 → 45".to_owned(), "`plan`: `basic` 40 % → 12 %".to_owned()];
    let drifted = Contest { data_remarks: &remarks, ..contest(&rows, &[]) };
    let decision = decided(&drifted, &Gates::default());
    assert!(decision.accepted, "{}", decision.summary);
    let gate = &decision.gates[0];
    assert!(gate.passed && gate.value == Some(0.0), "{gate:?}");
    assert!(gate.words.ends_with("`age`: mean 38 → 45 (and 1 more)"), "{}", gate.words);
}

#[test]
fn slices_are_levels_of_categories_and_thirds_of_numbers() {
    let table = Table::new(vec![
        Column::numbers("age", (0..300).map(f64::from).collect::<Vec<f64>>()),
        Column::strings("plan", (0..300).map(|i| Some(["a", "b"][i % 2]))),
        Column::strings("rare", (0..300).map(|i| Some(if i < 9 { "x" } else { "y" }))),
    ])
    .unwrap();
    let names = ["age", "plan", "rare", "absent"].map(str::to_owned);
    let slices = slices_of(&table, &names);
    let sizes: Vec<(&str, usize)> =
        slices.iter().map(|s| (s.name.as_str(), s.rows.len())).collect();
    assert_eq!(sizes[3..], [("plan = a", 150), ("plan = b", 150), ("rare = y", 291)]);
    assert_eq!(slices[..3].iter().map(|s| s.rows.len()).sum::<usize>(), 300);
}
