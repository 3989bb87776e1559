//! fairlearn's values, honest intervals and p-values, and what is not judged.

use std::collections::BTreeMap;

use modelwright_core::Context;
use modelwright_core::data::Column;
use modelwright_core::random::Random;
use modelwright_core::record::{Disparity, GroupAudit, Judgement};
use modelwright_core::task::{Predictions, Target};
use serde::Deserialize;

use super::*;

const GOLDEN: &str = include_str!("../../../../testdata/fairness/golden.toml");

#[derive(Deserialize)]
struct Golden {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    truth: Vec<u32>,
    decided: Vec<u32>,
    scores: Vec<f64>,
    groups: Vec<u32>,
    weights: Option<Vec<f64>>,
    measure: BTreeMap<String, Expected>,
    definition: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Expected {
    overall: f64,
    by_group: Vec<f64>,
    difference: f64,
    ratio: f64,
}

fn ctx(threads: usize) -> Context {
    Context::unlimited(7, threads)
}

fn groups(codes: Vec<u32>) -> Groups {
    let n = codes.iter().max().map_or(0, |m| m + 1);
    let names = (0..n).map(|g| format!("g{g}")).collect();
    Groups { columns: vec!["g".to_owned()], names, codes, note: None }
}

fn run(
    (truth, p, decided): (&Target, &Predictions, &[u32]),
    weights: Option<&[f64]>,
    groups: &Groups,
    (min_group, n_resamples): (usize, usize),
    threads: usize,
) -> GroupAudit {
    let positive = truth.codes().map(|_| (1, "yes"));
    let input = FairnessInput {
        truth,
        predictions: p,
        decided,
        weights,
        units: None,
        positive,
        min_group,
        n_resamples,
    };
    fairness(&input, groups, &ctx(threads)).unwrap()
}

fn close(found: Option<f64>, expected: f64, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what} is undefined"));
    assert!((found - expected).abs() < 1e-12, "{what}: {found} instead of {expected}");
}

fn named<'a>(of: &'a [Disparity], name: &str) -> &'a Disparity {
    of.iter().find(|d| d.name == name).unwrap_or_else(|| panic!("{name} is not there"))
}

#[test]
fn every_measure_and_definition_has_fairlearns_value() {
    let golden: Golden = toml::from_str(GOLDEN).unwrap();
    for case in golden.case {
        let truth = Target::Class { codes: case.truth, n_classes: 2 };
        let p = Predictions::new(1, case.scores);
        let of = groups(case.groups);
        let weights = case.weights.as_deref();
        let audit = run((&truth, &p, &case.decided), weights, &of, (1, 20), 1);
        for (name, expected) in &case.measure {
            let what = format!("{}: {name}", case.name);
            let own = |of: &[modelwright_core::record::MetricValue]| {
                of.iter().find(|m| m.name == *name).unwrap().value
            };
            close(own(&audit.overall), expected.overall, &what);
            for (group, value) in audit.groups.iter().zip(&expected.by_group) {
                close(own(&group.measures), *value, &format!("{what} of {}", group.name));
            }
            let gap = named(&audit.disparities, name);
            close(gap.value, expected.difference, &what);
            close(gap.ratio, expected.ratio, &what);
        }
        for (name, value) in &case.definition {
            close(named(&audit.definitions, name).value, *value, name);
        }
    }
}

/// Rows of two groups with their own rates of selection, whatever the truth.
fn selected(n: usize, rates: [f64; 2], seed: u64) -> (Target, Predictions, Vec<u32>, Groups) {
    let mut random = Random::new(seed);
    let codes: Vec<u32> = (0..n).map(|_| u32::from(random.unit() < 0.4)).collect();
    let of: Vec<u32> = (0..n).map(|row| (row % 2) as u32).collect();
    let decided: Vec<u32> =
        of.iter().map(|g| u32::from(random.unit() < rates[*g as usize])).collect();
    let p = decided.iter().map(|d| f64::from(*d)).collect();
    (Target::Class { codes, n_classes: 2 }, Predictions::new(1, p), decided, groups(of))
}

#[test]
fn nineteen_of_twenty_intervals_hold_the_true_difference() {
    let mut holding = 0;
    for seed in 0..300 {
        let (truth, p, decided, of) = selected(300, [0.5, 0.2], seed);
        let audit = run((&truth, &p, &decided), None, &of, (30, 200), 2);
        let ci = named(&audit.disparities, "selection_rate").ci95.unwrap();
        holding += usize::from(ci.low <= 0.3 && 0.3 <= ci.high);
    }
    // 285 expected; the binomial distribution leaves 272..=297 in 1 of 1000 cases.
    assert!((272..=297).contains(&holding), "{holding}");
}

#[test]
fn equal_groups_are_called_unequal_in_about_one_of_twenty_samples() {
    let (mut shares, mut residuals) = (0, 0);
    for seed in 0..300 {
        let (truth, p, decided, of) = selected(300, [0.3, 0.3], seed);
        let audit = run((&truth, &p, &decided), None, &of, (30, 20), 2);
        shares += usize::from(named(&audit.disparities, "selection_rate").p_value.unwrap() < 0.05);
        let mut random = Random::new(1000 + seed);
        let truth = Target::Real((0..300).map(|_| random.normal()).collect());
        let p = Predictions::new(1, vec![0.0; 300]);
        let audit = run((&truth, &p, &[]), None, &of, (30, 200), 2);
        let gap = named(&audit.disparities, "mean_residual");
        residuals += usize::from(gap.p_value.unwrap() < 0.05);
    }
    // 15 expected; the binomial distribution leaves 4..=30 in 1 of 1000 cases.
    assert!((4..=30).contains(&shares) && (4..=30).contains(&residuals), "{shares} {residuals}");
}

#[test]
fn a_large_gap_is_named_with_both_groups_and_not_called_chance() {
    let (truth, p, decided, of) = selected(1000, [0.5, 0.2], 1);
    let audit = run((&truth, &p, &decided), None, &of, (30, 100), 1);
    assert_eq!(audit.judgement, Judgement::Unequal);
    assert!(audit.verdict.starts_with("“g1” rows are decided “yes” 0."), "{}", audit.verdict);
    assert!(audit.verdict.contains("below four fifths, and not by chance"), "{}", audit.verdict);
    for threads in [2, 4] {
        assert_eq!(audit, run((&truth, &p, &decided), None, &of, (30, 100), threads));
    }
    let (truth, p, decided, of) = selected(4000, [0.5, 0.5], 1);
    let audit = run((&truth, &p, &decided), None, &of, (30, 100), 1);
    assert_eq!(audit.judgement, Judgement::Alike, "{}", audit.verdict);
}

#[test]
fn a_group_of_three_rows_is_counted_and_not_judged() {
    let (truth, p, decided, mut of) = selected(300, [0.3, 0.3], 1);
    of.codes[..3].fill(2);
    of.names.push("few".to_owned());
    let audit = run((&truth, &p, &decided), None, &of, (30, 50), 1);
    let few = &audit.groups[2];
    assert!((few.n_rows, few.is_judged) == (3, false) && few.measures.is_empty());
    assert!(audit.verdict.ends_with("1 group with fewer than 30 rows is not judged."));
    assert!(audit.disparities.iter().all(|d| d.highest.as_deref() != Some("few")));
    let one_group = Groups { codes: vec![0; 300], ..of };
    let audit = run((&truth, &p, &decided), None, &one_group, (30, 50), 1);
    assert_eq!(audit.judgement, Judgement::NotJudged);
    assert!(audit.verdict.starts_with("Not judged: of 3 groups 1 has at least 30 rows"));
}

#[test]
fn one_class_leaves_its_rates_undefined_and_the_others_judged() {
    let (_, p, decided, of) = selected(300, [0.5, 0.2], 1);
    let truth = Target::Class { codes: vec![0; 300], n_classes: 2 };
    let audit = run((&truth, &p, &decided), None, &of, (30, 50), 1);
    assert_eq!(named(&audit.disparities, "true_positive_rate").value, None);
    assert_eq!(named(&audit.definitions, "equalized_odds_difference").value, None);
    assert!(named(&audit.definitions, "demographic_parity_ratio").value.unwrap() < 0.6);
    let rate = audit.groups[0].measures.iter().find(|m| m.name == "true_positive_rate").unwrap();
    assert_eq!(rate.note.as_deref(), Some("rests on 0 rows only"));
}

#[test]
fn numbers_are_judged_by_their_residuals() {
    let mut random = Random::new(5);
    let of = groups((0..600).map(|row| row % 2).collect());
    let shift = |row: usize| if row.is_multiple_of(2) { 1.0 } else { 0.0 };
    let truth = Target::Real((0..600).map(|row| random.normal() + shift(row)).collect());
    let p = Predictions::new(1, vec![0.0; 600]);
    let audit = run((&truth, &p, &[]), None, &of, (30, 200), 1);
    let gap = named(&audit.definitions, "mean_residual_difference");
    assert_eq!((gap.lowest.as_deref(), gap.highest.as_deref()), (Some("g1"), Some("g0")));
    assert!((gap.value.unwrap() - 1.0).abs() < 0.3 && gap.p_value.unwrap() < 1e-6);
    assert_eq!(audit.judgement, Judgement::Unequal);
    assert!(audit.verdict.contains("unequal, and not by chance"), "{}", audit.verdict);
}

#[test]
fn groups_that_are_treated_exactly_alike_are_not_held_against_themselves() {
    let truth = Target::Class { codes: (0..200).map(|i| i / 2 % 2).collect(), n_classes: 2 };
    let p = Predictions::new(1, vec![0.9; 200]);
    let audit = run(
        (&truth, &p, &[1; 200]),
        None,
        &groups((0..200).map(|i| i % 2).collect()),
        (30, 100),
        1,
    );
    assert!(audit.verdict.starts_with("100.0 % of the rows of every group"), "{}", audit.verdict);
    assert!(!audit.verdict.contains("against"), "{}", audit.verdict);
}

#[test]
fn values_that_are_called_like_no_number_have_a_place_too() {
    let names: Vec<String> = (0..60)
        .map(|i| if i % 3 == 0 { "nan".to_owned() } else { format!("{}", i % 29) })
        .collect();
    let column = Column::strings("s", names.iter().map(|n| Some(n.as_str())));
    let groups = Grouping { column: "s".to_owned(), cuts: None }.groups(&column);
    assert_eq!(groups.names.last().map(String::as_str), Some("nan"));
    assert_eq!(groups.names[..3], ["0", "1", "2"]);
}

#[test]
fn the_cuts_of_dates_are_told_as_dates() {
    let day = 86_400_000_000_i64;
    let column = Column::instants("born", (0..40).map(|i| i * day).collect());
    let groups = Grouping::of(&column).groups(&column);
    let note = groups.note.unwrap();
    assert!(note.contains("1970-01-11"), "{note}");
}

#[test]
fn quantities_are_cut_at_quartiles_and_values_keep_their_names() {
    let age = Column::numbers("age", (0..100).map(|row| f64::from(row % 50)).collect::<Vec<f64>>());
    let of = Grouping::of(&age).groups(&age);
    assert_eq!(of.names, ["below 12", "12 to below 25", "25 to below 37", "37 and more"]);
    assert_eq!(of.note.as_deref(), Some("age is cut at its quartiles: 12, 25, 37"));
    let sex =
        Column::strings("sex", ["m", "f"].into_iter().cycle().take(99).map(Some).chain([None]));
    let of = sensitive_groups(&[&sex, &age]);
    assert_eq!(of[0].names, ["f", "m", "(missing)"]);
    assert_eq!(of[2].names.len(), 9);
    assert_eq!(of[2].columns, ["sex", "age"]);
    assert!(of[2].names.contains(&"f · below 12".to_owned()), "{:?}", of[2].names);
    let written = Column::strings("age", (0..50).map(|row| Some(format!("{row}"))));
    assert_eq!(Grouping::of(&written).groups(&written).names.len(), 4);
    let many = Column::strings("id", (0..100).map(|row| Some(format!("k{row}"))));
    let of = Grouping::of(&many).groups(&many);
    assert_eq!((of.names.len(), of.names[40].as_str()), (41, "(other values)"));
    assert_eq!(of.counts()[40], 60);
}

#[test]
fn a_proxy_is_found_and_noise_is_not() {
    let mut random = Random::new(2);
    let of = groups((0..1000).map(|row| row % 2).collect());
    let told: Vec<f64> = of.codes.iter().map(|g| f64::from(*g) * 2.0 + random.normal()).collect();
    let noise: Vec<f64> = (0..1000).map(|_| random.normal()).collect();
    let key = (0..1000).map(|row| Some(format!("key {row}")));
    let columns = [
        Column::numbers("height", told),
        Column::numbers("noise", noise),
        Column::strings("key", key),
    ];
    let found = proxies(columns.iter(), &of, None);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].column, "height");
    assert!(found[0].association > 0.5 && found[0].told > 0.75 && found[0].guessed < 0.51);
}

#[test]
fn independent_columns_of_few_rows_are_hardly_ever_proxies() {
    let n_found: usize = (0..40)
        .map(|seed| {
            let mut random = Random::new(seed);
            let of = groups((0..200).map(|_| u32::from(random.unit() < 0.54)).collect());
            let columns: Vec<Column> = (0..8)
                .map(|i| {
                    let values = (0..200).map(|_| random.normal()).collect::<Vec<f64>>();
                    Column::numbers(format!("x{i}"), values)
                })
                .collect();
            proxies(columns.iter(), &of, None).len()
        })
        .sum();
    // Some of 8 columns in 5 of 100 tables, by Holm's method; association alone names 80 and more.
    assert!(n_found <= 5, "{n_found} of 320 columns");
}

/// A weight and a height of each of some patients, both the same at all ten visits; only the height
/// goes with the sex.
fn visits(seed: u64, n_patients: u32) -> (Groups, [Column; 2], Vec<u32>) {
    let mut random = Random::new(seed);
    let sex: Vec<u32> = (0..n_patients).map(|_| u32::from(random.unit() < 0.5)).collect();
    let weight: Vec<f64> = sex.iter().map(|_| random.normal()).collect();
    let height: Vec<f64> = sex.iter().map(|s| f64::from(*s) * 2.5 + random.normal()).collect();
    let units: Vec<u32> = (0..10 * n_patients).map(|row| row / 10).collect();
    let often = |of: &[f64]| units.iter().map(|unit| of[*unit as usize]).collect::<Vec<f64>>();
    let columns =
        [Column::numbers("weight", often(&weight)), Column::numbers("height", often(&height))];
    (groups(units.iter().map(|unit| sex[*unit as usize]).collect()), columns, units)
}

#[test]
fn what_names_the_patient_does_not_reveal_what_is_the_same_at_all_visits() {
    let (mut n_false, mut n_true, mut n_of_rows) = (0, 0, 0);
    for seed in 0..40 {
        let (of, columns, units) = visits(seed, 100);
        let names = |units: Option<&[u32]>| -> Vec<String> {
            proxies(columns.iter(), &of, units).into_iter().map(|p| p.column).collect()
        };
        n_of_rows += usize::from(names(None).contains(&"weight".to_owned()));
        let found = names(Some(&units));
        n_false += usize::from(found.contains(&"weight".to_owned()));
        n_true += usize::from(found.contains(&"height".to_owned()));
    }
    assert_eq!(n_of_rows, 40, "a row's own unit tells it");
    assert!(n_false <= 3 && n_true >= 38, "{n_false} false, {n_true} true");
    let (of, columns, units) = visits(1, 100);
    let found = proxies(columns.iter(), &of, Some(&units));
    let ci95 = found[0].told_ci95.unwrap();
    // 100 patients: 0.85 ± 0.07.
    assert!(ci95.high - ci95.low > 0.11 && found[0].told > 0.75, "{found:?}");
}

#[test]
fn few_large_units_show_a_proxy_that_goes_through_all_of_them() {
    let mut random = Random::new(3);
    let of = groups((0..2_000).map(|_| u32::from(random.unit() < 0.5)).collect());
    let height =
        of.codes.iter().map(|g| f64::from(*g) * 2.0 + random.normal()).collect::<Vec<f64>>();
    let noise = (0..2_000).map(|_| random.normal()).collect::<Vec<f64>>();
    let columns = [Column::numbers("height", height), Column::numbers("noise", noise)];
    let hospitals: Vec<u32> = (0..2_000).map(|row| row / 200).collect();
    let found = proxies(columns.iter(), &of, Some(&hospitals));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].column, "height");
    assert!(proxies(columns.iter(), &of, Some(&[7; 2_000])).is_empty(), "one witness");
}

#[test]
fn units_of_one_row_are_rows() {
    let mut random = Random::new(5);
    let of = groups((0..1_000).map(|row| row % 2).collect());
    let told = of.codes.iter().map(|g| f64::from(*g) + random.normal()).collect::<Vec<f64>>();
    let columns = [Column::numbers("height", told)];
    let each: Vec<u32> = (0..1_000).collect();
    let rows = proxies(columns.iter(), &of, None);
    let units = proxies(columns.iter(), &of, Some(&each));
    assert!((rows[0].association - units[0].association).abs() < 0.02, "{rows:?} {units:?}");
}

#[test]
fn corrected_p_values_are_named_and_stand_beside_the_plain_ones() {
    let (truth, p, decided, of) = selected(400, [0.7, 0.3], 4);
    let audit = run((&truth, &p, &decided), None, &of, (30, 100), 1);
    assert!(audit.verdict.contains("(p < 0.001)"), "{}", audit.verdict);
    let mut three = vec![audit.clone(), audit.clone(), audit];
    judge_together(&mut three, 30);
    assert!(three[0].verdict.contains("(corrected p < 0.001)"), "{}", three[0].verdict);
    let of = |name: &str| named(&three[0].definitions, name);
    let selection = named(&three[0].disparities, "selection_rate");
    for name in ["demographic_parity_difference", "demographic_parity_ratio"] {
        assert_eq!((of(name).p_value, of(name).p_holm), (selection.p_value, selection.p_holm));
    }
    let odds = of("equalized_odds_difference");
    assert!(odds.p_holm >= odds.p_value, "{odds:?}");
    assert_eq!(of("accuracy_difference").p_holm, None, "it is shown and not judged");
}

#[test]
fn a_definition_without_a_value_says_which_rate_is_withheld() {
    // Three positive rows in each group: too few for a true positive rate.
    let codes = (0..200).map(|row| u32::from(row % 100 < 3)).collect();
    let truth = Target::Class { codes, n_classes: 2 };
    let decided = vec![0; 200];
    let of = groups((0..200).map(|row| row / 100).collect());
    let audit = run((&truth, &Predictions::zeros(200, 1), &decided), None, &of, (30, 100), 1);
    let ratio = named(&audit.definitions, "equalized_odds_ratio");
    assert_eq!(ratio.value, None);
    let note = ratio.note.as_deref().unwrap();
    assert!(note.starts_with("true_positive_rate rests on at least 10 rows in 0 of 2"), "{note}");
    let ratio = named(&audit.definitions, "demographic_parity_ratio");
    assert!(ratio.note.as_ref().is_some_and(|n| n.starts_with("selection_rate is 0")), "{ratio:?}");
}

#[test]
fn rows_of_one_class_leave_open_what_needs_both() {
    for (class, words) in [(0, "No row is “yes”"), (1, "Every row is “yes”")] {
        let truth = Target::Class { codes: vec![class; 200], n_classes: 2 };
        let decided: Vec<u32> = (0..200).map(|row| u32::from(row % 10 == 0)).collect();
        let scores = Predictions::new(1, decided.iter().map(|d| f64::from(*d)).collect());
        let of = groups((0..200).map(|row| row / 100).collect());
        let audit = run((&truth, &scores, &decided), None, &of, (30, 100), 1);
        assert!(audit.verdict.contains(words), "{}", audit.verdict);
        assert!(audit.verdict.contains("cannot be judged"), "{}", audit.verdict);
        assert_eq!(audit.judgement, Judgement::Unclear);
        let of_itself = |d: &&Disparity| d.lowest.is_some() && d.lowest == d.highest;
        assert_eq!(audit.definitions.iter().find(of_itself), None);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (truth, p, decided, of) = selected(30, [0.5, 0.2], 1);
    let input = FairnessInput {
        truth: &truth,
        predictions: &p,
        decided: &decided[1..],
        weights: None,
        units: None,
        positive: Some((1, "yes")),
        min_group: 1,
        n_resamples: 10,
    };
    let error = fairness(&input, &of, &ctx(1)).unwrap_err();
    assert_eq!(error.got_text(), Some("30 groups, 29 decisions"));
    let none = FairnessInput { decided: &decided, positive: None, ..input };
    assert!(fairness(&none, &of, &ctx(1)).is_err());
}

/// Audits of six columns that say nothing about 400 rows, judged together or each by itself:
/// whether any is called unequal.
fn any_unequal(seed: u64, is_together: bool) -> bool {
    let mut random = Random::new(seed);
    let mut draw = |n: usize| -> Vec<u32> { (0..400).map(|_| random.below(n) as u32).collect() };
    let (codes, decided) = (draw(2), draw(2));
    let columns: Vec<Vec<u32>> = (0..6).map(|_| draw(3)).collect();
    let truth = Target::Class { codes, n_classes: 2 };
    let p = Predictions::new(1, decided.iter().map(|d| f64::from(*d)).collect());
    let said = (&truth, &p, &decided[..]);
    let mut audits: Vec<GroupAudit> =
        columns.into_iter().map(|column| run(said, None, &groups(column), (30, 20), 1)).collect();
    if is_together {
        // Six columns, and selection, true and false positive rates of each.
        assert_eq!(judge_together(&mut audits, 30), 18);
    }
    audits.iter().any(|a| a.judgement == Judgement::Unequal)
}

#[test]
fn many_columns_do_not_make_chance_a_finding() {
    let n = |together| (0..100).filter(|seed| any_unequal(*seed, together)).count();
    // At 5 %, more than 13 of 100 in one of 1,000 samples.
    assert!(n(true) <= 13, "{} of 100", n(true));
    assert!(n(false) > 25, "each by itself misleads: {} of 100", n(false));
}

#[test]
fn a_true_gap_is_found_among_many_columns_and_its_p_value_is_the_corrected_one() {
    let mut random = Random::new(3);
    let codes: Vec<u32> = (0..2000).map(|_| random.below(2) as u32).collect();
    let column: Vec<u32> = (0..2000).map(|_| random.below(2) as u32).collect();
    let decided: Vec<u32> =
        column.iter().map(|g| u32::from(random.unit() < [0.3, 0.6][*g as usize])).collect();
    let truth = Target::Class { codes, n_classes: 2 };
    let p = Predictions::new(1, decided.iter().map(|d| f64::from(*d)).collect());
    let other: Vec<u32> = (0..2000).map(|_| random.below(3) as u32).collect();
    let of = |column: Vec<u32>| run((&truth, &p, &decided), None, &groups(column), (30, 20), 1);
    let mut audits = [of(column), of(other)];
    judge_together(&mut audits, 30);
    assert_eq!(audits[0].judgement, Judgement::Unequal);
    assert_ne!(audits[1].judgement, Judgement::Unequal);
    let rate = named(&audits[0].disparities, "selection_rate");
    let (raw, corrected) = (rate.p_value.unwrap(), rate.p_holm.unwrap());
    assert!(corrected > raw && corrected < 1e-6, "{raw} {corrected}");
    let shown = named(&audits[0].disparities, "accuracy");
    assert_eq!(shown.p_holm, None, "what is shown and not judged is not corrected");
}

/// Forty units of ten rows that are all decided alike, of two groups that are treated alike.
fn of_units(seed: u64) -> (Target, Predictions, Vec<u32>, Groups, Vec<u32>) {
    let mut random = Random::new(seed);
    let by_unit: Vec<u32> = (0..40).map(|_| u32::from(random.unit() < 0.5)).collect();
    let decided: Vec<u32> = (0..400).map(|row| by_unit[row / 10]).collect();
    let p = decided.iter().map(|d| 0.2 + 0.6 * f64::from(*d)).collect();
    let codes = (0..400).map(|row| (row % 2) as u32).collect();
    let of = groups((0..400).map(|row| (row / 10 % 2) as u32).collect());
    // Any numbers may name the units.
    let units = (0..400).map(|row| 7 + 3 * (row / 10)).collect();
    (Target::Class { codes, n_classes: 2 }, Predictions::new(1, p), decided, of, units)
}

fn with_units(
    (truth, p, decided, of, units): &(Target, Predictions, Vec<u32>, Groups, Vec<u32>),
    n_resamples: usize,
) -> GroupAudit {
    let input = FairnessInput {
        truth,
        predictions: p,
        decided,
        weights: None,
        units: Some(units),
        positive: Some((1, "yes")),
        min_group: 30,
        n_resamples,
    };
    fairness(&input, of, &ctx(1)).unwrap()
}

#[test]
fn rows_of_one_unit_are_one_witness_and_groups_alike_are_rarely_accused() {
    let gap = |audit: &GroupAudit| named(&audit.disparities, "selection_rate").clone();
    let (mut by_unit, mut by_row, mut held) = (0, 0, 0);
    for seed in 0..200 {
        let rows = of_units(seed);
        let found = gap(&with_units(&rows, 1));
        by_unit += usize::from(found.p_value.unwrap() <= 0.05);
        // Largest less smallest is never below 0; the true difference is 0.
        held += usize::from(found.ci95.unwrap().low <= 0.0);
        let (truth, p, decided, of, _) = &rows;
        let plain = run((truth, p, decided), None, of, (30, 1), 1);
        by_row += usize::from(gap(&plain).p_value.unwrap() <= 0.05);
    }
    assert!((2..=19).contains(&by_unit), "{by_unit} of 200");
    assert!(held >= 181, "{held} of 200");
    assert!(by_row > 100, "as if rows were independent: {by_row}");
}

#[test]
fn units_of_one_row_each_change_little_and_one_unit_says_nothing() {
    let (truth, p, decided, of, units) = of_units(3);
    let single = (truth, p, decided, of, (0..400).collect::<Vec<u32>>());
    let (truth, p, decided, of, _) = &single;
    let (plain, own) =
        (run((truth, p, decided), None, of, (30, 1000), 1), with_units(&single, 1000));
    for name in ["selection_rate", "mean_prediction"] {
        let width = |audit: &GroupAudit| {
            let ci = named(&audit.disparities, name).ci95.unwrap();
            ci.high - ci.low
        };
        let quotient = width(&own) / width(&plain);
        assert!((quotient - 1.0).abs() < 0.25, "{name}: {quotient}");
    }
    let one = (single.0, single.1, single.2, single.3, vec![5; 400]);
    let audit = with_units(&one, 300);
    assert!(audit.disparities.iter().all(|d| d.ci95.is_none()), "{:?}", audit.disparities);
    let short = FairnessInput {
        truth: &one.0,
        predictions: &one.1,
        decided: &one.2,
        weights: None,
        units: Some(&units[..5]),
        positive: Some((1, "yes")),
        min_group: 30,
        n_resamples: 10,
    };
    assert!(fairness(&short, &one.3, &ctx(1)).unwrap_err().to_string().contains("unit"));
}
