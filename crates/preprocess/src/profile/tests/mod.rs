//! Kinds, statistics, alerts and the task on small tables.

mod alerts;
mod kinds;

use modelwright_core::data::{Column, ColumnData, Kind, Table};
use modelwright_core::record::{Alert, AlertKind};
use modelwright_core::task::Task;
use modelwright_core::{Context, random::Random};

use super::*;

fn profile_of(columns: Vec<Column>) -> Profile {
    profile_with(columns, &ProfileOptions::default())
}

fn profile_with(columns: Vec<Column>, options: &ProfileOptions) -> Profile {
    let table = Table::new(columns).unwrap();
    profile_table(&table, &table.storage_schema(), options, &Context::unlimited(0, 2)).unwrap()
}

fn normals(n: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..n).map(|_| random.normal()).collect()
}

fn draws(n: usize, below: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..n).map(|_| random.below(below) as f64).collect()
}

fn words<'a>(n: usize, of: &[&'a str], seed: u64) -> Vec<Option<&'a str>> {
    let mut random = Random::new(seed);
    (0..n).map(|_| Some(of[random.below(of.len())])).collect()
}

#[test]
fn a_table_without_rows_or_columns_is_profiled() {
    assert_eq!(profile_of(vec![]).record.columns.len(), 0);
    let empty = profile_of(vec![
        Column::numbers("x", Vec::<f64>::new()),
        Column::strings("s", Vec::<Option<&str>>::new()),
        Column::instants("t", vec![]),
    ]);
    assert!(empty.record.columns.iter().all(|c| c.kind.kind == Kind::Constant));
    let one = profile_of(vec![
        Column::numbers("x", vec![1.5]),
        Column::strings("s", [Some("a")]),
        Column::numbers("none", vec![f64::NAN]),
    ]);
    assert_eq!(one.record.n_rows, 1);
    assert!(one.record.columns.iter().all(|c| c.kind.kind == Kind::Constant));
    assert!(one.schema.field("none").unwrap().optional);
}

#[test]
fn statistics_are_those_of_the_values() {
    let profile = profile_of(vec![
        Column::numbers("x", vec![3.0, 1.0, f64::NAN, 2.0, 2.0, f64::INFINITY]),
        Column::strings("s", [Some("one two"), Some("é"), None, Some("é"), Some("b"), Some("b")]),
        Column::instants("t", vec![0, 86_400_000_000, i64::MIN, 0, 0, 0]),
    ]);
    let [x, s, t] = &profile.record.columns[..] else { unreachable!() };
    let numbers = x.numbers.as_ref().unwrap();
    assert_eq!((x.n_missing, x.n_distinct, numbers.n_infinite, numbers.n_finite), (1, 4, 1, 4));
    assert_eq!((numbers.min, numbers.max, numbers.mean), (Some(1.0), Some(3.0), Some(2.0)));
    assert_eq!(numbers.quantiles[3], 2.0);
    assert_eq!(numbers.histogram.iter().map(|b| b.n_rows).sum::<usize>(), 4);
    assert_eq!(numbers.histogram.last().unwrap().to, 3.0);
    assert_eq!(x.top[0].value, "2");
    let texts = s.texts.as_ref().unwrap();
    assert_eq!((texts.min_length, texts.max_length, s.n_distinct), (1, 7, 3));
    assert!((texts.mean_words - 1.2).abs() < 1e-12);
    assert_eq!((s.top[0].value.as_str(), s.top[0].n_rows), ("b", 2));
    assert_eq!(t.top[0].value, "1970-01-01");
    assert_eq!(t.numbers.as_ref().unwrap().max, Some(86_400.0));
}

#[test]
fn a_profile_does_not_depend_on_threads_or_seed() {
    let n = 70_000;
    let mut columns: Vec<Column> =
        (0..6).map(|i| Column::numbers(format!("x{i}"), normals(n, i))).collect();
    columns.push(Column::strings("s", words(n, &["a", "b", "B "], 9)));
    let table = Table::new(columns).unwrap();
    let run = |seed, threads| {
        let context = Context::unlimited(seed, threads);
        profile_table(&table, &table.storage_schema(), &ProfileOptions::default(), &context)
            .unwrap()
    };
    let one = run(0, 1);
    for other in [run(0, 2), run(5, 4)] {
        assert_eq!(one.record, other.record);
        assert_eq!(one.sketches, other.sketches);
    }
}

#[test]
fn unknown_columns_and_impossible_kinds_are_refused() {
    let table = Table::new(vec![
        Column::numbers("price", vec![1.0, 2.0, 3.0]),
        Column::strings("shop", [Some("a"), Some("b"), Some("c")]),
        Column::numbers("seen", vec![1.6e12, f64::NAN, 1.7e12]),
    ])
    .unwrap();
    let seen = ProfileOptions {
        kinds: [("seen".to_owned(), Kind::Datetime)].into(),
        ..ProfileOptions::default()
    };
    let context = Context::unlimited(0, 1);
    let profile = profile_table(&table, &table.storage_schema(), &seen, &context).unwrap();
    assert_eq!(profile.schema.fields[2].kind, Kind::Datetime);
    let refused = |name: &str, kind: Kind| {
        let options = ProfileOptions { kinds: [(name.to_owned(), kind)].into(), target: None };
        let context = Context::unlimited(0, 1);
        profile_table(&table, &table.storage_schema(), &options, &context).unwrap_err().to_string()
    };
    assert!(refused("prise", Kind::Number).contains("did you mean `price`"));
    assert!(refused("shop", Kind::Datetime).contains("strings"));
    assert!(refused("price", Kind::Datetime).contains("Unix times"));
    assert!(refused("price", Kind::Boolean).contains("3 distinct"));
    let options = ProfileOptions { target: Some("pice".into()), ..ProfileOptions::default() };
    let context = Context::unlimited(0, 1);
    assert!(profile_table(&table, &table.storage_schema(), &options, &context).is_err());
}

fn task(column: &Column) -> Result<(Task, String)> {
    let profile = profile_of(vec![column.clone()]);
    guess_task(column, &profile.record.columns[0].kind)
}

#[test]
fn the_task_follows_from_the_target() {
    let cycle = |n: usize, values: &[f64]| {
        Column::numbers("y", (0..n).map(|i| values[i % values.len()]).collect::<Vec<f64>>())
    };
    assert_eq!(task(&cycle(10, &[1.0, 2.0])).unwrap().0, Task::Binary);
    assert_eq!(task(&cycle(10, &[0.5, 2.5])).unwrap().0, Task::Binary);
    assert_eq!(task(&cycle(400, &[0.0, 1.0, 2.0, 3.0])).unwrap().0, Task::Multiclass);
    assert_eq!(task(&cycle(40, &[0.0, 1.0, 2.0, 3.0])).unwrap().0, Task::Regression);
    assert_eq!(task(&Column::numbers("y", normals(500, 1))).unwrap().0, Task::Regression);
    let ratings: Vec<f64> = (0..4000_u32)
        .map(|i| f64::from((i % 3) + (i / 3 % 3) + (i / 9 % 3) + 1 + u32::from(i % 100 == 0)))
        .collect();
    assert_eq!(task(&Column::numbers("rating", ratings)).unwrap().0, Task::Regression);
    let texts = Column::strings("y", words(300, &["red", "green", "blue"], 2));
    assert_eq!(task(&texts).unwrap().0, Task::Multiclass);
    assert_eq!(
        task(&Column::strings("y", words(30, &["a", "b"], 2))).unwrap().1,
        "2 distinct labels"
    );
}

#[test]
fn a_target_that_cannot_be_learned_is_refused_with_the_reason() {
    let refused = |column: Column| task(&column).unwrap_err().to_string();
    assert!(refused(Column::numbers("y", vec![f64::NAN; 5])).contains("no value"));
    let one = refused(Column::numbers("y", vec![7.0, f64::NAN, 7.0]));
    assert!(one.contains("one value") && one.contains("`7` in all 2 rows"), "{one}");
    let text = refused(Column::strings("y", (0..50).map(|i| Some(format!("text {i}")))));
    assert!(text.contains("too many labels") && text.contains("50 distinct"), "{text}");
    assert!(refused(Column::instants("y", vec![1, 2, 3])).contains("date"));
}
