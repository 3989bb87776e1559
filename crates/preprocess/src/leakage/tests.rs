//! Each check fires on a leak made for it, and none on honest data.

use modelwright_core::data::{Column, Schema, Table};
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};
use modelwright_core::task::Target;
use modelwright_core::{Context, random::Random};

use super::*;
use crate::profile::{ProfileOptions, profile_table};

pub(super) const N: usize = 3000;

/// A binary problem with two honest features, and its target.
pub(super) struct World {
    columns: Vec<Column>,
    classes: Vec<u32>,
}

impl World {
    pub(super) fn new() -> Self {
        let mut random = Random::new(11);
        let x: Vec<f64> = (0..N).map(|_| random.normal()).collect();
        let z: Vec<f64> = (0..N).map(|_| random.normal()).collect();
        let classes = x.iter().map(|x| u32::from(x + random.normal() > 0.5)).collect::<Vec<u32>>();
        let columns = vec![Column::numbers("x", x), Column::numbers("z", z)];
        Self { columns, classes }
    }

    pub(super) fn with(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    pub(super) fn class(&self, row: usize) -> u32 {
        self.classes[row]
    }

    fn table(&self) -> Table {
        let mut columns = self.columns.clone();
        let labels = self.classes.iter().map(|c| Some(if *c == 1 { "yes" } else { "no" }));
        columns.push(Column::strings("y", labels));
        Table::new(columns).unwrap()
    }

    pub(super) fn findings(&self) -> Vec<LeakFinding> {
        self.findings_with(|input| input)
    }

    fn findings_with(
        &self,
        change: impl for<'a> Fn(LeakageInput<'a>) -> LeakageInput<'a>,
    ) -> Vec<LeakFinding> {
        let target = Target::Class { codes: self.classes.clone(), n_classes: 2 };
        findings(&self.table(), &target, change)
    }
}

/// Texts of a few words drawn from `pool`, with what `told` adds to those of a row.
fn texts(told: impl Fn(usize) -> &'static str) -> Column {
    const POOL: [&str; 8] = ["call", "bill", "asked", "about", "again", "plan", "router", "price"];
    let mut random = Random::new(5);
    let mut word = || POOL[random.below(POOL.len())];
    let of_row = |row| format!("{} {} {} {}", word(), told(row), word(), row % 97);
    Column::strings("note", (0..N).map(of_row).collect::<Vec<_>>().iter().map(|t| Some(t.as_str())))
}

#[test]
fn a_word_that_names_the_class_in_a_text_is_found_and_one_that_only_leans_to_it_is_not() {
    let world = World::new();
    let classes = world.classes.clone();
    let told = world.with(texts(|row| if classes[row] == 1 { "Cancel" } else { "regular" }));
    let found = told.findings();
    let named: Vec<_> = found.iter().filter(|f| f.columns == ["note"]).collect();
    assert_eq!(named.len(), 1, "{found:?}");
    assert!(named[0].evidence.contains("“cancel”") || named[0].evidence.contains("“regular”"));
    assert_eq!(named[0].action, LeakAction::Reported);
    let world = World::new();
    let leans = world.with(texts(|row| {
        if (classes[row] == 1) == (row % 10 == 0) { "regular" } else { "cancel" }
    }));
    assert_eq!(leans.findings(), []);
}

pub(super) fn numbers(name: impl Into<String>, values: impl Iterator<Item = f64>) -> Column {
    Column::numbers(name, values.collect::<Vec<f64>>())
}

fn schema(table: &Table) -> Schema {
    let context = Context::unlimited(0, 2);
    let options = ProfileOptions::default();
    profile_table(table, &table.storage_schema(), &options, &context).unwrap().schema
}

pub(super) fn findings(
    table: &Table,
    target: &Target,
    change: impl for<'a> Fn(LeakageInput<'a>) -> LeakageInput<'a>,
) -> Vec<LeakFinding> {
    let schema = schema(table);
    let input = LeakageInput {
        table,
        schema: &schema,
        target,
        target_column: "y",
        test: None,
        group: None,
        time_column: None,
        split_kind: "stratified",
        keep_leaks: false,
    };
    check(&change(input), &Context::unlimited(0, 2)).unwrap()
}

/// The one finding about a column of its own.
pub(super) fn only(findings: &[LeakFinding], column: &str) -> (LeakKind, LeakAction) {
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].columns, [column]);
    (findings[0].kind, findings[0].action)
}

/// Numbers of a regression target with an honest feature beside it.
fn regression(make: impl Fn(f64, &mut Random) -> f64) -> Vec<LeakFinding> {
    let mut random = Random::new(3);
    let x: Vec<f64> = (0..N).map(|_| random.normal()).collect();
    let y: Vec<f64> = x.iter().map(|x| 10.0 + x + random.normal()).collect();
    let leak = y.iter().map(|y| make(*y, &mut random)).collect::<Vec<f64>>();
    let table = Table::new(vec![
        Column::numbers("x", x),
        Column::numbers("leak", leak),
        Column::numbers("y", y.clone()),
    ])
    .unwrap();
    findings(&table, &Target::Real(y), |input| input)
}

#[test]
fn honest_features_raise_nothing() {
    assert_eq!(World::new().findings(), []);
    assert_eq!(regression(|_, random| random.normal()), []);
    assert_eq!(regression(|y, random| y + 0.5 * random.normal()), []);
}

#[test]
fn a_code_of_the_classes_is_a_copy_and_excluded_unless_kept() {
    let world = World::new();
    let codes: Vec<Option<&str>> =
        (0..N).map(|i| if world.class(i) == 1 { Some("A7") } else { None }).collect();
    let world = world.with(Column::strings("code", codes));
    let excluded = (LeakKind::TargetCopy, LeakAction::Excluded);
    assert_eq!(only(&world.findings(), "code"), excluded);
    let kept = world.findings_with(|input| LeakageInput { keep_leaks: true, ..input });
    assert_eq!(only(&kept, "code").1, LeakAction::KeptOnRequest);
}

#[test]
fn a_number_in_another_unit_is_a_copy() {
    let excluded = (LeakKind::TargetCopy, LeakAction::Excluded);
    assert_eq!(only(&regression(|y, _| 100.0 - 3.0 * y), "leak"), excluded);
    assert_eq!(only(&regression(|y, _| (y / 9.0).exp()), "leak"), excluded);
}

#[test]
fn a_feature_that_all_but_repeats_the_target_is_excluded() {
    let mut world = World::new();
    let mut random = Random::new(2);
    let amounts: Vec<f64> = (0..N)
        .map(|i| if world.class(i) == 1 { 1.0 + random.unit() } else { random.unit() * 0.9 })
        .collect();
    world = world.with(Column::numbers("amount", amounts));
    let excluded = (LeakKind::TargetProxy, LeakAction::Excluded);
    assert_eq!(only(&world.findings(), "amount"), excluded);
}

#[test]
fn a_strong_but_honest_feature_is_reported_at_most() {
    let mut world = World::new();
    let mut random = Random::new(2);
    // Right in 99.3 % of rows, as the odour of mushrooms nearly is.
    let odours: Vec<Option<&str>> = (0..N)
        .map(|i| {
            Some(if (world.class(i) == 1) == (random.unit() < 0.993) { "foul" } else { "none" })
        })
        .collect();
    world = world.with(Column::strings("odour", odours));
    assert_eq!(only(&world.findings(), "odour"), (LeakKind::TargetProxy, LeakAction::Reported));
}

#[test]
fn an_easy_problem_is_not_a_leak() {
    // Several features separate the classes, as petals separate irises.
    let mut world = World::new();
    let mut random = Random::new(2);
    for name in ["length", "width", "area", "volume"] {
        let value = |i| f64::from(world.class(i)) * 9.0 + random.normal();
        let column = numbers(name, (0..N).map(value));
        world = world.with(column);
    }
    let findings = world.findings();
    assert!(findings.iter().all(|f| f.action == LeakAction::Reported), "{findings:#?}");
}

#[test]
fn few_rows_exclude_nothing() {
    let classes: Vec<u32> = (0..30).map(|i| i % 2).collect();
    let labels = classes.iter().map(|c| Some(if *c == 1 { "b" } else { "a" }));
    let table = Table::new(vec![
        numbers("same", classes.iter().map(|c| f64::from(*c))),
        Column::strings("y", labels),
    ])
    .unwrap();
    let found = findings(&table, &Target::Class { codes: classes, n_classes: 2 }, |input| input);
    assert_eq!(only(&found, "same"), (LeakKind::TargetCopy, LeakAction::Reported));
}

#[test]
fn a_column_that_is_filled_when_the_target_is_known_is_found() {
    let world = World::new();
    let mut random = Random::new(5);
    let dates: Vec<f64> =
        (0..N).map(|i| if world.class(i) == 1 { random.normal() } else { f64::NAN }).collect();
    let world = world.with(Column::numbers("claim_amount", dates.clone()));
    let excluded = (LeakKind::FilledAfterwards, LeakAction::Excluded);
    assert_eq!(only(&world.findings(), "claim_amount"), excluded);

    // Filled for some of one class only: suspicious, but it may be honest.
    let some = dates.iter().map(|v| if random.unit() < 0.5 { *v } else { f64::NAN });
    let world = World::new().with(numbers("claim_amount", some));
    assert_eq!(only(&world.findings(), "claim_amount").1, LeakAction::Reported);

    let honest = (0..N).map(|_| if random.unit() < 0.4 { f64::NAN } else { 1.0 + random.unit() });
    assert_eq!(World::new().with(numbers("v", honest)).findings(), []);
}

#[test]
fn an_identifier_that_follows_the_target_is_found() {
    let world = World::new();
    // Positive rows were numbered first.
    let mut order: Vec<usize> = (0..N).collect();
    order.sort_by_key(|i| std::cmp::Reverse(world.class(*i)));
    let mut ids = vec![0.0; N];
    for (id, row) in order.into_iter().enumerate() {
        ids[row] = (id * 2 + 7) as f64;
    }
    let found = world.with(Column::numbers("customer_id", ids)).findings();
    assert_eq!(only(&found, "customer_id"), (LeakKind::Identifier, LeakAction::Excluded));
    let plain = numbers("customer_id", (0..N).map(|i| i as f64));
    assert_eq!(World::new().with(plain).findings(), []);
}

#[test]
fn a_number_that_follows_time_tells_no_more_than_time_does() {
    // Rows are numbered by the day, and days matter: to the date column as much as to the number.
    let mut random = Random::new(5);
    let classes: Vec<u32> =
        (0..N).map(|i| u32::from(random.unit() < 0.25 + 0.4 * i as f64 / N as f64)).collect();
    let orders = numbers("order", (0..N).map(|i| (i * 3 + 40) as f64));
    let days = numbers("day", (0..N).map(|i| (i / 30) as f64));
    let plain = World { columns: vec![orders.clone(), days], classes: classes.clone() };
    assert_eq!(plain.findings(), []);
    let noise = numbers("z", (0..N).map(|_| random.normal()));
    let alone = World { columns: vec![orders, noise], classes };
    assert_eq!(only(&alone.findings(), "order").0, LeakKind::Identifier);
}

#[test]
fn a_rule_about_one_class_is_no_leak_where_the_column_tells_the_others_apart_too() {
    let mut random = Random::new(8);
    let mut pairs = Vec::new();
    for _ in 0..N {
        let health = random.below(3);
        let others = if random.unit() < 0.7 { health } else { 3 - health };
        pairs.push((health, if health == 0 { 0 } else { others }));
    }
    let find = |level: &dyn Fn(usize) -> String| {
        let columns = vec![
            Column::strings("health", pairs.iter().map(|(h, _)| Some(level(*h)))),
            Column::strings("y", pairs.iter().map(|(_, y)| Some(format!("class {y}")))),
        ];
        let table = Table::new(columns).unwrap();
        let codes = pairs.iter().map(|(_, y)| *y as u32).collect();
        findings(&table, &Target::Class { codes, n_classes: 3 }, |input| input)
    };
    assert_eq!(find(&|h| format!("level {h}")), []);
    let flag = find(&|h| (if h == 0 { "closed" } else { "open" }).to_owned());
    assert_eq!(only(&flag, "health").0, LeakKind::FilledAfterwards);
}

#[test]
fn rows_copied_into_the_test_are_found_and_natural_repeats_are_told_apart() {
    let world = World::new();
    let table = world.table();
    let fresh: Vec<u32> = (0..1000).collect();
    let train: Vec<u32> = (500..N as u32).collect();
    let (test, train) = (table.select(&fresh), table.select(&train));
    let target = Target::Class { codes: world.classes[500..].to_vec(), n_classes: 2 };
    let schema = schema(&train);
    let input = LeakageInput {
        table: &train,
        schema: &schema,
        target: &target,
        target_column: "y",
        test: Some(&test),
        group: None,
        time_column: None,
        split_kind: "test file",
        keep_leaks: false,
    };
    let context = Context::unlimited(0, 2);
    let found = check(&input, &context).unwrap();
    assert_eq!((found[0].kind, found.len()), (LeakKind::DuplicateAcrossSplit, 1));
    assert!(found[0].confidence > 0.8 && found[0].evidence.starts_with("500 of 1,000 test rows"));

    let disjoint = table.select(&(0..500).collect::<Vec<u32>>());
    assert_eq!(check(&LeakageInput { test: Some(&disjoint), ..input }, &context).unwrap(), []);
}

#[test]
fn groups_on_both_sides_are_found_when_named_and_suspected_when_not() {
    let world = World::new();
    // Ten rows per patient, all with the target of the patient.
    let classes: Vec<u32> = (0..N).map(|i| world.class(i / 10)).collect();
    let patients = numbers("patient_id", (0..N).map(|i| ((i / 10) * 31 % 997) as f64));
    let world = World { columns: world.columns, classes }.with(patients);
    let suspected = world.findings();
    assert_eq!(only(&suspected, "patient_id"), (LeakKind::GroupAcrossSplit, LeakAction::Reported));
    assert!(suspected[0].confidence < 0.7);
    let named = world.findings_with(|input| LeakageInput { group: Some("patient_id"), ..input });
    assert!(named[0].kind == LeakKind::GroupAcrossSplit && named[0].confidence > 0.8);
    let split = world.findings_with(|input| LeakageInput {
        group: Some("patient_id"),
        split_kind: "group",
        ..input
    });
    assert_eq!(split, []);
}

#[test]
fn a_target_that_drifts_in_time_under_a_random_split_is_found() {
    let world = World::new();
    let mut random = Random::new(8);
    let classes: Vec<u32> =
        (0..N).map(|i| u32::from(random.unit() < i as f64 / N as f64)).collect();
    let days: Vec<i64> = (0_i64..).take(N).map(|i| i * 86_400_000_000).collect();
    let days = Column::instants("day", days);
    let drifting = World { columns: world.columns, classes }.with(days.clone());
    assert_eq!(only(&drifting.findings(), "day").0, LeakKind::TimeOrderIgnored);
    let by_time = drifting.findings_with(|input| LeakageInput { split_kind: "time", ..input });
    assert_eq!(by_time, []);
    assert_eq!(World::new().with(days).findings(), []);
}

#[test]
fn a_feature_named_like_a_time_is_not_the_time_of_the_row() {
    // Newer houses cost more, but the file is not in the order of their years.
    let mut random = Random::new(9);
    let years: Vec<f64> = (0..N).map(|_| 1900.0 + random.below(120) as f64).collect();
    let y: Vec<f64> = years.iter().map(|year| year * 2.0 + 30.0 * random.normal()).collect();
    let table =
        Table::new(vec![Column::numbers("Year", years), Column::numbers("y", y.clone())]).unwrap();
    assert_eq!(findings(&table, &Target::Real(y), |input| input), []);
}

#[test]
fn findings_do_not_depend_on_threads() {
    let world = World::new();
    let codes = (0..N).map(|i| f64::from(world.class(i)) * 2.0 + 1.0).collect::<Vec<f64>>();
    let world = world.with(Column::numbers("code", codes));
    let table = world.table();
    let (schema, target) =
        (schema(&table), Target::Class { codes: world.classes.clone(), n_classes: 2 });
    let input = LeakageInput {
        table: &table,
        schema: &schema,
        target: &target,
        target_column: "y",
        test: None,
        group: None,
        time_column: None,
        split_kind: "random",
        keep_leaks: false,
    };
    let one = check(&input, &Context::unlimited(0, 1)).unwrap();
    assert_eq!(one.len(), 1);
    for threads in [2, 4] {
        assert_eq!(one, check(&input, &Context::unlimited(3, threads)).unwrap());
    }
}

#[test]
fn empty_and_degenerate_tables_are_checked_and_wrong_lengths_refused() {
    let empty = Table::new(["x", "y"].map(|name| numbers(name, [].into_iter())).to_vec());
    let table = empty.unwrap();
    assert_eq!(findings(&table, &Target::Real(vec![]), |input| input), []);
    let missing = Table::new(vec![
        Column::numbers("x", vec![f64::NAN; 40]),
        Column::strings("s", vec![None::<&str>; 40]),
        Column::numbers("y", vec![1.0; 40]),
    ])
    .unwrap();
    assert_eq!(findings(&missing, &Target::Real(vec![1.0; 40]), |input| input), []);
    let one_class = Target::Class { codes: vec![0; 40], n_classes: 3 };
    assert_eq!(findings(&missing, &one_class, |input| input), []);
    let schema = schema(&missing);
    let input = LeakageInput {
        table: &missing,
        schema: &schema,
        target: &Target::Real(vec![1.0]),
        target_column: "y",
        test: None,
        group: Some("nobody"),
        time_column: None,
        split_kind: "random",
        keep_leaks: false,
    };
    let context = Context::unlimited(0, 1);
    assert!(check(&input, &context).unwrap_err().to_string().contains("one value per row"));
    let target = Target::Real(vec![1.0; 40]);
    let error = check(&LeakageInput { target: &target, ..input }, &context).unwrap_err();
    assert!(error.to_string().contains("no such column"));
}

/// A regression's column made of the target and chance.
pub(super) fn regression_with(make: impl Fn(&[f64], &mut Random) -> Column) -> Vec<LeakFinding> {
    let mut random = Random::new(5);
    let x: Vec<f64> = (0..N).map(|_| random.normal()).collect();
    let y: Vec<f64> = x.iter().map(|x| (10.0 * (x + random.normal())).round()).collect();
    let leak = make(&y, &mut random);
    let columns = vec![Column::numbers("x", x), leak, Column::numbers("y", y.clone())];
    findings(&Table::new(columns).unwrap(), &Target::Real(y), |input| input)
}

#[test]
fn a_copy_with_missing_values_or_errors_is_still_a_copy() {
    let world = World::new();
    let mut random = Random::new(4);
    let some: Vec<Option<&str>> = (0..N)
        .map(|i| (random.unit() < 0.8).then(|| if world.class(i) == 1 { "A7" } else { "B2" }))
        .collect();
    let world = world.with(Column::strings("code", some));
    assert_eq!(only(&world.findings(), "code"), (LeakKind::TargetCopy, LeakAction::Excluded));

    let world = World::new();
    let spoiled: Vec<f64> = (0..N)
        .map(|i| f64::from(world.class(if random.unit() < 0.95 { i } else { (i * 7) % N })))
        .collect();
    let world = world.with(Column::numbers("code", spoiled));
    assert_eq!(only(&world.findings(), "code"), (LeakKind::TargetCopy, LeakAction::Reported));

    let spoiled = regression_with(|y, random| {
        let value = |i: usize| if random.unit() < 0.9 { y[i] } else { y[(i * 7) % N] };
        numbers("leak", (0..N).map(value).map(|y| 3.0 - 2.0 * y))
    });
    assert_eq!(only(&spoiled, "leak"), (LeakKind::TargetCopy, LeakAction::Reported));
}

#[test]
fn a_number_written_as_text_is_a_copy() {
    let found = regression_with(|y, _| {
        Column::strings("leak", y.iter().map(|y| Some(format!("code-{}", y * 7.0 + 0.0))))
    });
    assert_eq!(only(&found, "leak"), (LeakKind::TargetCopy, LeakAction::Excluded));
}

#[test]
fn what_is_written_for_one_outcome_is_found_though_it_predicts_little() {
    let reported = (LeakKind::FilledAfterwards, LeakAction::Reported);
    let is_high = |y: &f64| f64::from(u8::from(*y > 15.0));
    let flag = regression_with(|y, _| numbers("leak", y.iter().map(is_high)));
    assert_eq!(only(&flag, "leak"), reported);
    let reason = regression_with(|y, random| {
        let mut code = |y: &f64| {
            let codes = if *y < -12.0 { ["R1", "R2"] } else { ["N1", "N2"] };
            Some(codes[random.below(2)])
        };
        Column::strings("leak", y.iter().map(&mut code).collect::<Vec<_>>())
    });
    assert_eq!(only(&reason, "leak"), reported);
    let filled = regression_with(|y, random| {
        let mut value = |y: &f64| if *y > 15.0 { random.normal() } else { f64::NAN };
        numbers("leak", y.iter().map(&mut value))
    });
    assert_eq!(only(&filled, "leak"), reported);
}

#[test]
fn high_values_of_an_honest_feature_are_no_outcome() {
    // Every large house is dear, but not every dear house is large.
    let found = regression_with(|y, random| {
        let mut large = |y: &f64| f64::from(u8::from(*y > 12.0 && random.unit() < 0.4));
        numbers("leak", y.iter().map(&mut large))
    });
    assert_eq!(found, []);
}

#[test]
fn a_few_more_repeats_across_the_split_than_within_are_no_copies() {
    // 9 of 60 test rows against 12 % of the training rows, and 30 of 60.
    let table_of = |values: &[f64]| {
        let values = values.iter().map(|v| 10.0 * (0.731 * v).sin()).collect::<Vec<f64>>();
        Table::new(vec![Column::numbers("x", values)]).unwrap()
    };
    let mut train: Vec<f64> = (0..211).map(f64::from).collect();
    train.extend((0..29).map(f64::from).take(15));
    let found = |n_twins: usize| {
        let test: Vec<f64> =
            (0..60).map(|i| if i < n_twins { 100.0 + i as f64 } else { 5e3 + i as f64 }).collect();
        let (train, test) = (table_of(&train), table_of(&test));
        let target = Target::Real(vec![0.0; train.n_rows()]);
        let input = LeakageInput {
            table: &train,
            schema: &schema(&train),
            target: &target,
            target_column: "y",
            test: Some(&test),
            group: None,
            time_column: None,
            split_kind: "random",
            keep_leaks: false,
        };
        super::duplicates::check(&input, &Context::unlimited(0, 1)).unwrap()
    };
    assert!(found(9).confidence < 0.5, "{:?}", found(9));
    assert!(found(30).confidence > 0.8, "{:?}", found(30));
}

/// Customers that are seen month by month: what is known of them hardly changes, and they leave
/// somewhat alike.
fn customers(n_steady: usize, has_months: bool) -> (Table, Target) {
    const MONTHS: usize = 6;
    let mut random = Random::new(5);
    let n_rows = N / MONTHS * MONTHS;
    let mut columns =
        vec![numbers("customer_id", (0..n_rows).map(|row| (1000 + 7 * (row / MONTHS)) as f64))];
    let leaning: Vec<f64> = (0..n_rows / MONTHS).map(|_| random.normal()).collect();
    for i in 0..4 {
        let own: Vec<f64> = (0..n_rows / MONTHS).map(|_| random.normal()).collect();
        let noise = if i < n_steady { 0.02 } else { 1.0 };
        let value = |row: usize| own[row / MONTHS] + noise * random.normal();
        columns.push(numbers(format!("f{i}"), (0..n_rows).map(value)));
    }
    if has_months {
        let month = |row: usize| 2_629_800_000_000 * (row % MONTHS).cast_signed() as i64;
        columns.push(Column::instants("month", (0..n_rows).map(month).collect()));
    }
    let leaves = |row: usize| u32::from(0.7 * leaning[row / MONTHS] + random.normal() > 0.9);
    let codes: Vec<u32> = (0..n_rows).map(leaves).collect();
    let labels = codes.iter().map(|c| Some(if *c == 1 { "yes" } else { "no" }));
    columns.push(Column::strings("y", labels));
    (Table::new(columns).unwrap(), Target::Class { codes, n_classes: 2 })
}

#[test]
fn things_that_are_seen_again_nearly_the_same_are_found() {
    let (table, target) = customers(4, true);
    let found = findings(&table, &target, |input| input);
    assert_eq!(only(&found, "customer_id"), (LeakKind::GroupAcrossSplit, LeakAction::Reported));
    let evidence = &found[0].evidence;
    for words in ["along `month`", "4 of 4 other", "group split with `customer_id`", "time split"] {
        assert!(evidence.contains(words), "{words}: {evidence}");
    }
    for split in ["group", "time", "test file"] {
        let found = findings(&table, &target, |input| LeakageInput { split_kind: split, ..input });
        assert!(found.is_empty(), "{split}: {found:#?}");
    }
}

#[test]
fn a_category_with_a_row_at_each_time_is_told_as_panel_data() {
    let (n_firms, n_months) = (120, 15);
    let mut random = Random::new(5);
    let own: Vec<f64> = (0..n_firms).map(|_| random.normal()).collect();
    let rows = || (0..n_firms).flat_map(|firm| (0..n_months).map(move |month| (firm, month)));
    let names: Vec<String> = rows().map(|(firm, _)| format!("firm {firm}")).collect();
    let month = |(_, month): (usize, usize)| 2_629_800_000_000 * month.cast_signed() as i64;
    let y: Vec<f64> = rows().map(|(firm, _)| own[firm] + random.normal()).collect();
    let table = Table::new(vec![
        Column::strings("firm", names.iter().map(|name| Some(name.as_str()))),
        Column::instants("month", rows().map(month).collect()),
        numbers("x", (0..names.len()).map(|i| (i * 37 % 101) as f64)),
        Column::numbers("y", y.clone()),
    ]);
    let (table, target) = (table.unwrap(), Target::Real(y));
    let found = findings(&table, &target, |input| input);
    assert_eq!(only(&found, "firm"), (LeakKind::GroupAcrossSplit, LeakAction::Reported));
    assert!(found[0].evidence.contains("120 values of `firm` at 15 times"), "{found:#?}");
    for split in ["group", "time", "test file"] {
        let found = findings(&table, &target, |input| LeakageInput { split_kind: split, ..input });
        assert!(found.iter().all(|f| f.kind != LeakKind::GroupAcrossSplit), "{split}: {found:#?}");
    }
}

#[test]
fn things_that_change_or_have_no_times_are_not_called_the_same() {
    for (n_steady, has_months) in [(0, true), (1, true), (4, false)] {
        let (table, target) = customers(n_steady, has_months);
        let found = findings(&table, &target, |input| input);
        let is_said = found.iter().any(|f| f.evidence.contains("nearly the same"));
        assert!(!is_said && found.is_empty() != has_months, "{n_steady} {has_months}: {found:#?}");
    }
}
