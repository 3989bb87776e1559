//! Shapley values of known models: by hand, by their axioms, and the methods against each other.

use modelwright_core::data::{Column, ColumnData, Table};
use modelwright_core::task::{Predictions, Task};
use modelwright_core::{Context, Result};

use super::*;
use crate::explain::RawPredictor;

/// `2 a + b·c` where the string column `s` is not `x`, else `a`; ignores `d`.
struct Formula;

impl RawPredictor for Formula {
    fn predict(&self, table: &Table, _: &Context) -> Result<Predictions> {
        let number = |name: &str, row: usize| match &table.column(name).unwrap().data {
            ColumnData::Number(v) if !v.at(row).is_nan() => v.at(row),
            _ => -1.0,
        };
        let value = |row: usize| {
            let product = number("b", row) * number("c", row);
            match table.column("s").unwrap().text(row) {
                Some("x") => number("a", row),
                _ => 2.0 * number("a", row) + product,
            }
        };
        Ok(Predictions::new(1, (0..table.n_rows()).map(value).collect()))
    }
}

fn subject(columns: &[&str]) -> Subject<'static> {
    Subject {
        predictor: &Formula,
        quick: None,
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        outputs: vec!["y".to_owned()],
        task: Task::Regression,
    }
}

const ALL: [&str; 5] = ["a", "b", "c", "d", "s"];

fn table(rows: std::ops::Range<usize>) -> Table {
    let number = |name: &str, m: usize| {
        let value =
            |row: usize| if row % 7 == m { f64::NAN } else { ((row * m + row / 3) % 5) as f64 };
        Column::numbers(name, rows.clone().map(value).collect::<Vec<f64>>())
    };
    let text = rows.clone().map(|row| ["x", "y", "z"].get(row % 4).copied());
    let columns = vec![
        Column::strings("s", text),
        number("d", 3),
        number("c", 2),
        number("b", 1),
        number("a", 4),
    ];
    Table::new(columns).unwrap()
}

fn background() -> Background {
    Background::of_rows(table(50..70), Origin::File)
}

fn run(method: Method, rows: &Table, ctx: &Context) -> Explanation {
    let options =
        ShapleyOptions { method: Some(method), n_background: Some(20), ..Default::default() };
    shapley(&subject(&ALL), rows, &background(), &options, ctx).unwrap()
}

#[test]
fn values_add_up_and_a_column_that_is_not_used_gets_nothing() {
    let ctx = Context::unlimited(0, 2);
    for method in [Method::Exact, Method::Permutation] {
        let explanation = run(method, &table(0..30), &ctx);
        assert_eq!(explanation.n_rows, 30);
        assert!(explanation.largest_gap() < 1e-12, "{}", explanation.largest_gap());
        assert!((0..30).all(|row| explanation.value(row, 3, 0) == 0.0));
        assert_eq!(explanation.effects().last().unwrap().column, "d");
    }
}

#[test]
fn exact_values_are_those_of_the_definition() {
    // One background row; b·c is shared evenly when both change.
    let ctx = Context::unlimited(0, 1);
    let columns = |a: f64, b: f64, c: f64| {
        let s = Column::strings("s", [Some("y")]);
        let numbers = [("a", a), ("b", b), ("c", c), ("d", 0.0)];
        let mut columns: Vec<Column> =
            numbers.iter().map(|(n, v)| Column::numbers(*n, vec![*v])).collect();
        columns.push(s);
        Table::new(columns).unwrap()
    };
    let background = Background::of_rows(columns(1.0, 1.0, 2.0), Origin::File);
    let row = columns(3.0, 2.0, 5.0);
    let options = ShapleyOptions { method: Some(Method::Exact), ..Default::default() };
    let explanation = shapley(&subject(&ALL), &row, &background, &options, &ctx).unwrap();
    // b first: (2 - 1) · 2, b last: (2 - 1) · 5; c first: 1 · 3, c last: 2 · 3.
    assert_eq!(explanation.values, [4.0, 3.5, 4.5, 0.0, 0.0]);
    assert_eq!((explanation.base_values[0], explanation.prediction(0, 0)), (4.0, 16.0));
}

#[test]
fn drawn_orders_come_as_close_to_exact_values_as_their_errors_say() {
    let ctx = Context::unlimited(3, 2);
    let rows = table(0..40);
    let (exact, drawn) = (run(Method::Exact, &rows, &ctx), run(Method::Permutation, &rows, &ctx));
    let errors = drawn.standard_errors.as_ref().unwrap();
    let mut inside = 0;
    let mut n = 0;
    for ((a, b), error) in exact.values.iter().zip(&drawn.values).zip(errors) {
        if *error > 0.0 {
            n += 1;
            inside += usize::from((a - b).abs() < 2.1 * error);
        } else {
            assert!((a - b).abs() < 1e-12);
        }
    }
    assert!(n > 50 && inside * 100 >= n * 95, "{inside} of {n}");
}

#[test]
fn a_row_is_explained_alike_alone_and_among_others_on_any_number_of_threads() {
    let rows = table(0..40);
    for method in [Method::Exact, Method::Permutation] {
        let all = run(method, &rows, &Context::unlimited(0, 1));
        assert_eq!(all, run(method, &rows, &Context::unlimited(0, 4)));
        let one = run(method, &rows.select(&[17]), &Context::unlimited(0, 2));
        assert_eq!(one.values, all.values[17 * 5..18 * 5]);
    }
}

#[test]
fn a_column_that_a_table_lacks_is_missing_in_every_row() {
    let ctx = Context::unlimited(0, 1);
    let columns = table(0..5).into_columns().into_iter().filter(|c| c.name != "b").collect();
    let rows = Table::new(columns).unwrap();
    let mut with = rows.clone().into_columns();
    with.push(Column::numbers("b", vec![f64::NAN; 5]));
    let with = Table::new(with).unwrap();
    assert_eq!(run(Method::Exact, &rows, &ctx).values, run(Method::Exact, &with, &ctx).values);
}

#[test]
fn what_cannot_be_explained_is_refused_by_name() {
    let ctx = Context::unlimited(0, 1);
    let rows = table(0..3);
    let none = Background::of_rows(table(0..0), Origin::File);
    let options = ShapleyOptions::default();
    let error = shapley(&subject(&ALL), &rows, &none, &options, &ctx).unwrap_err().to_string();
    assert!(error.contains("no background rows"), "{error}");
    let names: Vec<String> = (0..17).map(|i| format!("c{i}")).collect();
    let many = Subject { columns: names, ..subject(&ALL) };
    let options = ShapleyOptions { method: Some(Method::Exact), ..options };
    let error = shapley(&many, &rows, &background(), &options, &ctx).unwrap_err().to_string();
    assert!(error.contains("at most 16 columns"), "{error}");
}

#[test]
fn reasons_name_value_and_effect_largest_first() {
    let ctx = Context::unlimited(0, 1);
    let rows = table(0..10);
    let explanation = run(Method::Exact, &rows, &ctx);
    let reasons = Reasons::new(&explanation, &rows, &background());
    let of = reasons.of(9, 0, 3);
    assert!(of.windows(2).all(|w| w[0].effect.abs() >= w[1].effect.abs()), "{of:?}");
    let text: Vec<&str> = of.iter().map(|r| r.text.as_str()).collect();
    assert!(text.iter().any(|t| t.starts_with("a ") && t.contains(" y by ")), "{text:?}");
    assert!(text.iter().any(|t| t.contains("the average)")), "{text:?}");
}

#[test]
fn a_background_spans_the_predictions_and_is_as_large_as_asked() {
    let ctx = Context::unlimited(0, 1);
    let all = table(0..300);
    let background =
        Background::representative(&subject(&ALL), &all, Origin::Data, 20, &ctx).unwrap();
    let mean = |table: &Table| {
        let p = Formula.predict(table, &ctx).unwrap().values;
        p.iter().sum::<f64>() / p.len() as f64
    };
    assert_eq!((background.n_rows(), background.thinned(7).n_rows()), (20, 7));
    assert!((mean(background.table()) - mean(&all)).abs() < 0.5);
    let all = Background::representative(&subject(&ALL), &all, Origin::Data, 999, &ctx).unwrap();
    assert_eq!(all.n_rows(), 300);
}

/// Slow to ask and a little different from [`Formula`], which is quick; counts rows.
#[derive(Default)]
struct Slow(std::sync::atomic::AtomicUsize);

impl RawPredictor for Slow {
    fn predict(&self, table: &Table, ctx: &Context) -> Result<Predictions> {
        self.0.fetch_add(table.n_rows(), std::sync::atomic::Ordering::Relaxed);
        let mut said = Formula.predict(table, ctx)?;
        let ColumnData::Number(a) = &table.column("a").unwrap().data else { unreachable!() };
        let wobble = a.iter().map(|a| if a.is_nan() { 0.3 } else { 0.1 * a * a - 0.4 });
        said.values.iter_mut().zip(wobble).for_each(|(p, wobble)| *p += wobble);
        Ok(said)
    }
}

#[test]
fn a_quick_model_takes_most_of_the_walks_and_values_still_add_up() {
    let rows = table(0..40);
    let drawn = ShapleyOptions {
        method: Some(Method::Permutation),
        n_background: Some(20),
        ..Default::default()
    };
    let run = |quick, method: ShapleyOptions, threads| {
        let slow = Slow::default();
        let subject = Subject { predictor: &slow, quick, ..subject(&ALL) };
        let ctx = Context::unlimited(0, threads);
        let found = shapley(&subject, &rows, &background(), &method, &ctx).unwrap();
        (found, slow.0.into_inner())
    };
    let (exact, _) = run(None, ShapleyOptions { method: Some(Method::Exact), ..drawn }, 1);
    let (alone, n_alone) = run(None, drawn, 1);
    let (both, n_both) = run(Some(&Formula), drawn, 1);
    assert_eq!(both, run(Some(&Formula), drawn, 4).0);
    assert!(n_both * 4 < n_alone, "{n_both} of {n_alone}");
    assert!(both.largest_gap() < 1e-12, "{}", both.largest_gap());
    assert!((0..40).all(|row| both.value(row, 3, 0) == 0.0), "d is not used by either");
    let error = |of: &Explanation| {
        let squares = of.values.iter().zip(&exact.values).map(|(a, b)| (a - b).powi(2));
        (squares.sum::<f64>() / of.values.len() as f64).sqrt()
    };
    assert!(error(&both) < 2.0 * error(&alone) + 0.02, "{} {}", error(&both), error(&alone));
}

#[test]
fn drawn_interactions_find_the_product_and_sum_to_the_values() {
    let rows = table(0..24);
    let run = |threads| {
        let ctx = Context::unlimited(0, threads);
        interactions(&subject(&ALL), &rows, &background(), None, &ctx).unwrap()
    };
    let found = run(1);
    assert_eq!(found, run(4));
    let exact = run_all(&rows);
    for row in 0..24 {
        let matrix = &found.values[row * 25..][..25];
        let all: f64 = matrix.iter().sum();
        let gap = all - (exact.prediction(row, 0) - exact.base_values[0]);
        assert!(gap.abs() < 1e-12, "{gap}");
        assert!((0..5).all(|i| (0..5).all(|j| matrix[i * 5 + j] == matrix[j * 5 + i])));
        assert!(matrix[3 * 5..4 * 5].iter().all(|v| *v == 0.0), "d is not used: {matrix:?}");
        assert_eq!(matrix[1], 0.0, "a and b add up");
    }
    let pairs = found.pairs();
    // b·c only where `s` is not x, and a counts twice there.
    assert_eq!((pairs[0].0, pairs[0].1), ("b", "c"), "{pairs:?}");
    assert!(pairs.iter().any(|p| (p.0, p.1) == ("a", "s") && p.2 > 0.1), "{pairs:?}");
    assert!(pairs.iter().all(|p| !(p.0 == "a" && ["b", "c"].contains(&p.1)) || p.2 == 0.0));
}

#[test]
fn one_background_row_and_two_columns_have_the_interaction_of_the_definition() {
    let ctx = Context::unlimited(0, 1);
    let columns = |b: f64, c: f64| {
        let numbers = [("a", 1.0), ("b", b), ("c", c), ("d", 0.0)];
        let mut columns: Vec<Column> =
            numbers.iter().map(|(n, v)| Column::numbers(*n, vec![*v])).collect();
        columns.push(Column::strings("s", [Some("y")]));
        Table::new(columns).unwrap()
    };
    let background = Background::of_rows(columns(1.0, 2.0), Origin::File);
    let found = interactions(&subject(&ALL), &columns(2.0, 5.0), &background, None, &ctx).unwrap();
    // f(2, 5) - f(2, 2) - f(1, 5) + f(1, 2) = 10 - 4 - 5 + 2 = 3; alone: 2 and 3.
    assert_eq!((found.values[5 + 2], found.values[5 + 1], found.values[10 + 2]), (1.5, 2.0, 3.0));
    assert_eq!(found.pairs()[0], ("b", "c", 3.0));
}

fn run_all(rows: &Table) -> Explanation {
    run(Method::Exact, rows, &Context::unlimited(0, 1))
}
