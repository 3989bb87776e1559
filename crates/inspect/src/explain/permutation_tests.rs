//! Importances of known models: what matters, what does not, and what must not matter.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use modelwright_core::context::Settings;
use modelwright_evaluate::metric;

use super::*;

/// Predicts `2 a + b`, and ignores `c`.
struct Sum;

impl RawPredictor for Sum {
    fn predict(&self, table: &Table, ctx: &Context) -> Result<Predictions> {
        let value = |name: &str, row: usize| match &table.column(name).unwrap().data {
            ColumnData::Number(values) => values.at(row),
            ColumnData::String { codes, .. } => f64::from(codes[row]),
            ColumnData::Instant(_) => unreachable!(),
        };
        let n = table.n_rows();
        Ok(Predictions::new(1, ctx.map(n, |r| 2.0 * value("a", r) + value("b", r))))
    }
}

fn data(n_rows: usize) -> (Table, Target) {
    let mut random = Random::new(1);
    let a: Vec<f64> = (0..n_rows).map(|_| random.normal()).collect();
    let b: Vec<usize> = (0..n_rows).map(|_| random.below(3)).collect();
    let c: Vec<f64> = (0..n_rows).map(|_| random.normal()).collect();
    // Codes follow the order of first appearance: row by row, so they are named after themselves.
    let names = Column::strings("b", b.iter().map(|v| Some(format!("level {v}"))));
    let ColumnData::String { codes, .. } = &names.data else { unreachable!() };
    let y = a.iter().zip(codes).map(|(a, b)| 2.0 * a + f64::from(*b)).collect();
    let columns = vec![Column::numbers("a", a), names, Column::numbers("c", c)];
    (Table::new(columns).unwrap(), Target::Real(y))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

#[test]
fn what_the_model_uses_ranks_by_its_share_and_the_rest_is_exactly_zero() {
    let (table, target) = data(4000);
    let rmse = metric("rmse").unwrap();
    let ctx = Context::unlimited(0, 2);
    let columns = names(&["c", "b", "a"]);
    let found =
        permutation_importance(&Sum, &table, &target, None, rmse, &columns, 5, &ctx).unwrap();
    let order: Vec<&str> = found.iter().map(|i| i.column.as_str()).collect();
    assert_eq!(order, ["a", "b", "c"]);
    // Shuffling x of weight w costs w · sd(x) · sqrt(2): the difference of two equal draws.
    assert!((found[0].mean - 2.0 * 2.0_f64.sqrt()).abs() < 0.15, "{:?}", found[0]);
    let uniform_sd = (2.0_f64 / 3.0).sqrt();
    assert!((found[1].mean - uniform_sd * 2.0_f64.sqrt()).abs() < 0.1, "{:?}", found[1]);
    assert!(found[1].ci95.low > 0.0 && found[1].ci95.low < found[1].mean);
    assert_eq!((found[2].mean, found[2].ci95.low, found[2].ci95.high), (0.0, 0.0, 0.0));
    assert!(found.iter().all(|i| i.n_repeats == 5));
}

#[test]
fn the_result_is_the_same_for_any_thread_count_and_any_other_columns() {
    let (table, target) = data(500);
    let rmse = metric("rmse").unwrap();
    let run = |threads, columns: &[&str]| {
        let ctx = Context::unlimited(3, threads);
        let columns = names(columns);
        permutation_importance(&Sum, &table, &target, None, rmse, &columns, 3, &ctx).unwrap()
    };
    let all = run(1, &["a", "b", "c"]);
    assert_eq!(all, run(2, &["a", "b", "c"]));
    assert_eq!(all, run(4, &["c", "a", "b"]));
    assert_eq!(all[0], run(2, &["a"])[0]);
}

#[test]
fn a_larger_is_better_metric_loses_in_the_same_direction() {
    let (table, target) = data(500);
    let r2 = metric("r2").unwrap();
    let ctx = Context::unlimited(0, 1);
    let columns = names(&["a"]);
    let found = permutation_importance(&Sum, &table, &target, None, r2, &columns, 2, &ctx).unwrap();
    assert!(found[0].mean > 0.5, "{found:?}");
}

#[test]
fn weights_of_zero_hide_rows() {
    let (table, target) = data(400);
    let rmse = metric("rmse").unwrap();
    let ctx = Context::unlimited(0, 1);
    // A row that is wrong by a million would drown everything, if it counted.
    let Target::Real(mut y) = target else { unreachable!() };
    y[7] += 1e6;
    let mut weights = vec![1.0; 400];
    weights[7] = 0.0;
    let columns = names(&["a"]);
    let target = Target::Real(y);
    let found =
        permutation_importance(&Sum, &table, &target, Some(&weights), rmse, &columns, 3, &ctx);
    assert!(found.unwrap()[0].mean > 2.0);
}

#[test]
fn a_cancelled_run_reports_only_columns_with_an_interval() {
    let (table, target) = data(100);
    let rmse = metric("rmse").unwrap();
    let stopped = |limit| {
        let decisions = modelwright_core::context::Decisions {
            stopped_after: [(String::new(), limit)].into(),
            ..Default::default()
        };
        let settings = Settings {
            replay: Some(decisions),
            time_limit: Some(Duration::from_mins(1)),
            cancel: Arc::new(AtomicBool::new(false)),
            ..Settings::default()
        };
        let ctx = Context::new(settings).unwrap();
        let columns = names(&["a", "b", "c"]);
        permutation_importance(&Sum, &table, &target, None, rmse, &columns, 4, &ctx).unwrap()
    };
    assert!(stopped(1).is_empty());
    assert_eq!(stopped(3).len(), 1);
    let repeats: Vec<usize> = stopped(7).iter().map(|i| i.n_repeats).collect();
    assert_eq!(repeats, [3, 2, 2]);
}

#[test]
fn a_missing_column_and_unequal_lengths_are_refused() {
    let (table, target) = data(10);
    let rmse = metric("rmse").unwrap();
    let ctx = Context::unlimited(0, 1);
    let run = |target: &Target, columns: &[&str]| {
        let columns = names(columns);
        permutation_importance(&Sum, &table, target, None, rmse, &columns, 2, &ctx)
    };
    assert!(run(&target, &["d"]).unwrap_err().to_string().contains("no such column"));
    let short = target.select(&[0, 1]);
    assert!(run(&short, &["a"]).unwrap_err().to_string().contains("10 rows"));
    assert!(run(&target, &[]).unwrap().is_empty());
}

#[test]
fn without_a_clock_the_first_columns_are_shuffled_and_no_more() {
    let (table, target) = data(40);
    let mut columns = table.into_columns();
    let more = |i: usize| Column::numbers(format!("x{i}"), vec![0.0; 40]);
    columns.extend((0..COLUMNS_UNHURRIED).map(more));
    let table = Table::new(columns).unwrap();
    let all: Vec<String> = table.names().map(str::to_owned).collect();
    let rmse = metric("rmse").unwrap();
    let n_found = |ctx: &Context| {
        permutation_importance(&Sum, &table, &target, None, rmse, &all, 2, ctx).unwrap().len()
    };
    assert_eq!(n_found(&Context::unlimited(0, 1)), COLUMNS_UNHURRIED);
    let clock = Settings { time_limit: Some(Duration::from_mins(10)), ..Settings::default() };
    assert_eq!(n_found(&Context::new(clock).unwrap()), all.len());
}
