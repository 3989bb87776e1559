//! Each alert fires on a table made for it, and none on a clean one.

use super::*;

const N: usize = 2000;

/// Columns without anything worth an alert.
fn clean() -> Vec<Column> {
    vec![
        Column::numbers("height", normals(N, 1)),
        Column::numbers("weight", normals(N, 2)),
        Column::strings("colour", words(N, &["red", "green", "blue"], 3)),
        Column::strings("member", words(N, &["yes", "no"], 4)),
    ]
}

fn alerts_of(columns: Vec<Column>, target: Option<&str>) -> Vec<Alert> {
    let options = ProfileOptions { target: target.map(str::to_owned), ..ProfileOptions::default() };
    profile_with(columns, &options).record.alerts
}

/// The only alert of a clean table with one more column.
fn only(column: Column) -> Alert {
    let name = column.name.clone();
    let mut columns = clean();
    columns.push(column);
    let alerts = alerts_of(columns, None);
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    assert!(alerts[0].columns.contains(&name) && alerts[0].message.contains(&name));
    alerts[0].clone()
}

fn kind(column: Column) -> AlertKind {
    only(column).kind
}

/// `value` in the first `n` rows, normal numbers in the others.
fn spiked(n: usize, value: f64) -> Vec<f64> {
    let mut values = normals(N, 8);
    values[..n].fill(value);
    Random::new(1).shuffle(&mut values);
    values
}

#[test]
fn a_clean_table_has_no_alert() {
    assert_eq!(alerts_of(clean(), Some("colour")), []);
    assert_eq!(alerts_of(clean(), Some("height")), []);
}

#[test]
fn alerts_on_repeats_and_missing_values() {
    assert_eq!(kind(Column::numbers("x", vec![1.0; N])), AlertKind::Constant);
    assert_eq!(kind(Column::numbers("x", vec![f64::NAN; N])), AlertKind::Empty);
    let mut labels = vec![Some("a"); N];
    labels[0] = Some("b");
    assert_eq!(kind(Column::strings("x", labels)), AlertKind::NearConstant);
    assert_eq!(kind(Column::numbers("x", spiked(N / 3, f64::NAN))), AlertKind::Missing);
    let mut labels = words(N, &["a", "b", "c"], 1);
    labels[..N * 9 / 10].fill(Some("a"));
    assert_eq!(kind(Column::strings("x", labels)), AlertKind::Imbalanced);
    let keys = (0..N).map(|i| Some(format!("key{i}")));
    assert_eq!(kind(Column::strings("x", keys)), AlertKind::IdLike);
    let distinct =
        (0..N).map(|i| (i * 7919 % 1_000_003) as f64).map(|v| v.sqrt().round() * 1e4 + v);
    assert_eq!(kind(Column::numbers("x", distinct.collect::<Vec<f64>>())), AlertKind::Unique);
    let many = (0..N).map(|i| Some(format!("level {}", "x".repeat(1 + i % 60))));
    assert_eq!(kind(Column::strings("x", many)), AlertKind::HighCardinality);
}

#[test]
fn alerts_on_numbers() {
    assert_eq!(kind(Column::numbers("x", spiked(1200, 0.0))), AlertKind::Zeros);
    assert_eq!(kind(Column::numbers("x", spiked(3, f64::INFINITY))), AlertKind::Infinite);
    assert_eq!(kind(Column::numbers("x", spiked(3, 5000.0))), AlertKind::Skewed);
    let even = (0..N).map(|i| ((i * 1009) % N) as f64 / 7.0).collect::<Vec<f64>>();
    assert_eq!(kind(Column::numbers("x", even)), AlertKind::Uniform);
    let drifting =
        normals(N, 5).iter().enumerate().map(|(i, v)| v + i as f64 / 300.0).collect::<Vec<f64>>();
    assert_eq!(kind(Column::numbers("x", drifting)), AlertKind::NonStationary);
}

#[test]
fn a_spike_alone_at_the_edge_is_a_sentinel_and_an_ordinary_extreme_is_not() {
    let ages = |extra: f64, n: usize| {
        let mut values: Vec<f64> =
            normals(N, 3).iter().map(|v| (40.0 + 12.0 * v).round().abs()).collect();
        values[..n].fill(extra);
        Random::new(2).shuffle(&mut values);
        Column::numbers("age", values)
    };
    let alert = only(ages(999.0, 40));
    assert_eq!(alert.kind, AlertKind::Sentinel);
    assert!(alert.message.contains("999 in 40 rows (2 %)"), "{}", alert.message);
    assert_eq!(only(ages(-1.0, 300)).kind, AlertKind::Sentinel);
    let mut columns = clean();
    columns.push(ages(99.0, 2));
    assert_eq!(alerts_of(columns, None), []);
}

#[test]
fn alerts_on_strings() {
    let dirty = only(Column::strings("x", words(N, &["new york", "New York ", "Rome", "Oslo"], 1)));
    assert_eq!(dirty.kind, AlertKind::DirtyCategories);
    assert!(dirty.message.contains("1 category"), "{}", dirty.message);
    let mixed = (0..N).map(|i| Some(if i % 9 == 0 { "many".into() } else { (i % 30).to_string() }));
    assert_eq!(kind(Column::strings("x", mixed)), AlertKind::MixedTypes);
    let dates = (0..N).map(|i| Some(format!("{}/{}/2020", 1 + i % 12, 1 + i % 28)));
    assert_eq!(kind(Column::strings("x", dates)), AlertKind::DateAsText);
    let codes = (0..N).map(|i| Some(format!("Z{:04}", (i * 7) % 400 + 1000)));
    let mut columns = clean();
    columns.push(Column::strings("x", codes));
    let kinds: Vec<AlertKind> = alerts_of(columns, None).iter().map(|a| a.kind).collect();
    assert!(kinds.contains(&AlertKind::ConstantLength), "{kinds:?}");
    let binary = (0..N).map(|i| Some(format!("\u{1}{}", i % 40)));
    assert_eq!(kind(Column::strings("x", binary)), AlertKind::Unsupported);
}

#[test]
fn a_target_in_several_spellings_is_one() {
    let mut columns = clean();
    columns.push(Column::strings("y", words(N, &["TRUE", "True", "true", "FALSE"], 5)));
    let alerts = alerts_of(columns, Some("y"));
    let of_target = |kind| alerts.iter().any(|a| a.kind == kind && a.columns == ["y"]);
    assert!(of_target(AlertKind::DirtyCategories), "{alerts:?}");
}

#[test]
fn numbers_with_signs_beside_one_word_are_mixed() {
    let cells = (0..N)
        .map(|i| Some(if i % 7 == 0 { "sold out".into() } else { format!("{}.5 %", i % 30) }));
    let alert = only(Column::strings("x", cells));
    assert_eq!(alert.kind, AlertKind::MixedTypes);
    assert!(alert.message.ends_with("and the word `sold out`"), "{}", alert.message);
}

#[test]
fn alerts_on_the_whole_table() {
    let mut columns = clean();
    columns.push(Column { name: "copy".into(), ..columns[0].clone() });
    let noise = normals(N, 7);
    let ColumnData::Number(weight) = &columns[1].data else { unreachable!() };
    let near = weight.iter().zip(noise).map(|(w, e)| 3.0 - 2.0 * w + 0.1 * e).collect::<Vec<f64>>();
    columns.push(Column::numbers("near", near));
    let alerts = alerts_of(columns, None);
    let kinds: Vec<AlertKind> = alerts.iter().map(|a| a.kind).collect();
    assert_eq!(kinds, [AlertKind::DuplicateColumns, AlertKind::HighCorrelation]);
    assert_eq!(alerts[0].columns, ["copy", "height"]);
    assert_eq!(alerts[1].columns, ["weight", "near"]);

    let table = Table::new(clean()).unwrap();
    let rows: Vec<u32> = (0..N as u32).chain(0..30).collect();
    let profile = profile_of(table.select(&rows).into_columns());
    assert_eq!(profile.record.n_duplicate_rows, 30);
    assert_eq!(profile.record.alerts[0].kind, AlertKind::DuplicateRows);
    assert!(profile.record.alerts[0].message.starts_with("30 rows (1.5 %)"));
}

#[test]
fn alerts_on_the_target() {
    let of_target = |labels: Vec<Option<&str>>| {
        let mut columns = clean();
        columns.push(Column::strings("y", labels));
        alerts_of(columns, Some("y")).iter().map(|a| a.kind).collect::<Vec<_>>()
    };
    assert_eq!(of_target(words(N, &["a", "b"], 5)), []);
    let mut labels = vec![Some("a"); N];
    labels[..40].fill(Some("b"));
    assert_eq!(of_target(labels.clone()), [AlertKind::Imbalanced]);
    labels[3..40].fill(None);
    let kinds = of_target(labels);
    assert!([AlertKind::Missing, AlertKind::RareClass].iter().all(|k| kinds.contains(k)));
}

#[test]
fn many_alike_alerts_become_one() {
    let columns = (0..20).map(|i| Column::numbers(format!("c{i}"), vec![f64::from(i); N]));
    let mut all = clean();
    all.extend(columns);
    let alerts = alerts_of(all, None);
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].columns.len(), 20);
    assert!(
        alerts[0].message.starts_with("20 columns have only one value"),
        "{}",
        alerts[0].message
    );
}
