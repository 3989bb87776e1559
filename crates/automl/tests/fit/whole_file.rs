//! Rows that do not fit in memory: the sample decides, the last fit learns from all of them.

use std::sync::Arc;

use modelwright_automl::whole_file::{AllRows, Tables};
use modelwright_core::context::{Decisions, Settings};
use modelwright_core::data::{Column, ColumnData, Schema, Shelf, Store, Table};
use modelwright_core::params::ParamValue;
use modelwright_core::random::Random;
use modelwright_core::record::{Sample, Single};
use modelwright_core::{Context, Error, Result};

use super::{FitInput, FitOutcome, fit_ok, input};

/// A table that plays a file; a broken one fails behind its first part.
#[derive(Debug)]
struct File {
    table: Table,
    is_broken: bool,
}

impl AllRows for File {
    fn tables(&self, schema: &Schema, n_rows: usize, _: &Context) -> Result<Tables> {
        let names: Vec<&str> = schema.fields.iter().map(|f| f.name.as_str()).collect();
        assert!(names.contains(&"y") && !names.contains(&"unused"), "{names:?}");
        let wanted = |c: &Column| names.contains(&c.name.as_str());
        let columns = self.table.columns().iter().filter(|c| wanted(c)).cloned().collect();
        let table = Table::new(columns)?;
        let rows: Vec<u32> = (0..table.n_rows() as u32).collect();
        let mut parts: Vec<Result<Table>> = rows
            .chunks(n_rows.min(self.table.n_rows() / 8))
            .map(|part| Ok(table.select(part)))
            .collect();
        if self.is_broken {
            parts.truncate(1);
            parts.push(Err(Error::input("the file ends in the middle")));
        }
        Ok(Box::new(parts.into_iter()))
    }

    fn store(&self, _: u64) -> Arc<dyn Store> {
        Arc::new(Shelf)
    }
}

const N_ALL: usize = 6000;

/// A curve of three columns; every fiftieth target is missing.
fn table(classes: bool) -> Table {
    let mut random = Random::new(11);
    let mut columns = vec![Vec::new(); 3];
    let mut y = Vec::new();
    for row in 0..N_ALL {
        let x: Vec<f64> = (0..3).map(|_| random.unit()).collect();
        let noise = 0.1 * random.normal();
        y.push(if row % 50 == 7 { f64::NAN } else { (9.0 * x[0]).sin() + x[1] * x[2] + noise });
        columns.iter_mut().zip(x).for_each(|(column, x)| column.push(x));
    }
    let mut columns: Vec<Column> = (0..)
        .zip(columns)
        .map(|(i, values): (usize, Vec<f64>)| Column::numbers(format!("x{i}"), values))
        .collect();
    // A class that only the last rows have, which no sample of the first ones knows.
    let class = |(row, y): (usize, &f64)| match y {
        y if y.is_nan() => None,
        _ if row >= N_ALL - 5 => Some("rare"),
        y => Some(if *y > 0.5 { "high" } else { "low" }),
    };
    columns.push(if classes {
        Column::strings("y", y.iter().enumerate().map(class))
    } else {
        Column::numbers("y", y)
    });
    columns.push(Column::numbers("unused", vec![1.0; N_ALL]));
    Table::new(columns).unwrap()
}

/// A fit of a sample of the first `n` rows of the table.
fn asked(n: usize, classes: bool, is_broken: bool) -> FitInput {
    let table = table(classes);
    let sample = table.select(&(0..n as u32).collect::<Vec<u32>>());
    let mut asked = input(200, "signal");
    asked.options = modelwright_core::record::Options::new("y");
    asked.options.single = Some(Single {
        learner: "gbdt".to_owned(),
        params: [("n_rounds".to_owned(), ParamValue::Int(60))].into(),
        encoding: None,
        n_folds: Some(0),
    });
    asked.schema = sample.storage_schema();
    asked.table = sample;
    asked.source.n_rows = n;
    asked.source.sample = Some(Sample {
        n_rows_seen: N_ALL as u64,
        row_share: 0.1,
        part_share: 1.0,
        end: None,
        account: "a sample".to_owned(),
    });
    asked.all_rows = Some(Arc::new(File { table, is_broken }));
    asked
}

fn error_of(outcome: &FitOutcome) -> f64 {
    let all = table(false);
    let known: Vec<u32> = (0..N_ALL as u32).filter(|row| row % 50 != 7).collect();
    let rows = all.select(&known);
    let predictions = outcome.predictor.predict(&rows, &Context::unlimited(0, 1)).unwrap();
    let truth = outcome.predictor.encode_target(&rows).unwrap();
    let squares = truth.values().unwrap().iter().zip(&predictions.values);
    (squares.map(|(t, p)| (t - p).powi(2)).sum::<f64>() / known.len() as f64).sqrt()
}

fn bytes(outcome: &FitOutcome) -> Vec<u8> {
    outcome.predictor.encode().unwrap()
}

fn replayed(asked: FitInput, decisions: Decisions, threads: usize) -> FitOutcome {
    let settings = Settings { replay: Some(decisions), seed: 4, threads, ..Settings::default() };
    fit_ok(asked, &Context::new(settings).unwrap())
}

#[test]
fn the_last_fit_learns_from_rows_that_the_sample_left_out() {
    let known = N_ALL - N_ALL / 50;
    let whole = fit_ok(asked(400, false, false), &Context::unlimited(4, 2));
    assert_eq!(whole.record.ensemble.n_rows_all, Some(known as u64));
    let notes = whole.record.plan.notes.join("\n");
    assert!(notes.contains("the search works on a sample"), "{notes}");
    assert!(notes.contains(&format!("learned last from {known} rows")), "{notes}");
    let mut alone = asked(400, false, false);
    alone.all_rows = None;
    let sample = fit_ok(alone, &Context::unlimited(4, 2));
    // The test is of the sample either way.
    assert_eq!(whole.record.evaluation, sample.record.evaluation);
    assert!(
        error_of(&whole) < 0.8 * error_of(&sample),
        "{} {}",
        error_of(&whole),
        error_of(&sample)
    );
    let again = replayed(asked(400, false, false), whole.record.decisions.clone(), 1);
    assert!(bytes(&again) == bytes(&whole) && again.record.decisions == whole.record.decisions);
}

#[test]
fn where_time_is_short_the_last_fit_learns_from_a_part_of_the_file() {
    let whole = fit_ok(asked(400, false, false), &Context::unlimited(4, 2));
    let mut decisions = whole.record.decisions.clone();
    let of_time = decisions.chosen.get_mut("whole-file:rows-in-time").unwrap();
    assert!(*of_time > N_ALL as u64, "no limit, no fewer rows: {of_time}");
    *of_time = 3000;
    let part = replayed(asked(400, false, false), decisions.clone(), 2);
    let n_learned = part.record.ensemble.n_rows_all.unwrap();
    assert!((2700..3300).contains(&n_learned), "{n_learned}");
    assert!(error_of(&whole) < error_of(&part));
    let again = replayed(asked(400, false, false), part.record.decisions.clone(), 1);
    assert!(bytes(&again) == bytes(&part));
    // Hardly more rows than the sample has are not worth it: then it learns from all of those.
    *decisions.chosen.get_mut("whole-file:rows-in-time").unwrap() = 320;
    for live in ["rows-by-memory", "refit/encode/trees", "refit/gbdt"] {
        let yes = if live == "rows-by-memory" { u64::MAX } else { 1 };
        decisions.chosen.insert(format!("all-rows:{live}"), yes);
    }
    let kept = replayed(asked(400, false, false), decisions, 2);
    assert!(kept.record.ensemble.n_rows_all.is_some_and(|n| n <= 400));
    let said = kept.record.plan.notes.join("\n") + &kept.record.warnings.join("\n");
    assert!(
        said.contains("all members keep the sample") && said.contains("did not come"),
        "{said}"
    );
    let again = replayed(asked(400, false, false), kept.record.decisions.clone(), 1);
    assert!(bytes(&again) == bytes(&kept) && again.record.warnings == kept.record.warnings);
}

#[test]
fn a_file_that_cannot_be_read_again_leaves_the_models_of_the_sample() {
    let broken = fit_ok(asked(400, false, true), &Context::unlimited(4, 2));
    let notes = broken.record.plan.notes.join("\n");
    assert!(notes.contains("all members keep the sample"), "{notes}");
    assert_eq!(broken.record.ensemble.n_rows_all, None);
    assert!(error_of(&broken) < 0.5);
    // Repeated with a sound file it still comes out as it was.
    let again = replayed(asked(400, false, false), broken.record.decisions.clone(), 2);
    assert!(bytes(&again) == bytes(&broken));
    assert_eq!(again.record.plan, broken.record.plan);
}

#[test]
fn rows_of_a_class_that_the_sample_lacks_are_left_out() {
    let outcome = fit_ok(asked(900, true, false), &Context::unlimited(4, 2));
    assert_eq!(outcome.predictor.classes, ["high", "low"]);
    let known = N_ALL - N_ALL / 50 - 5;
    assert_eq!(outcome.record.ensemble.n_rows_all, Some(known as u64));
}

#[test]
fn who_asks_for_the_tested_rows_or_reads_almost_all_gets_no_second_reading() {
    let mut tested = asked(400, false, false);
    tested.options.refit = "train".to_owned();
    let mut nearly_all = asked(400, false, false);
    nearly_all.source.sample.as_mut().unwrap().n_rows_seen = 330;
    let mut late = asked(400, false, false);
    late.source.sample.as_mut().unwrap().part_share = 0.5;
    for asked in [tested, nearly_all, late] {
        let outcome = fit_ok(asked, &Context::unlimited(4, 2));
        let notes = outcome.record.plan.notes.join("\n");
        assert!(!notes.contains("the search works on a sample"), "{notes}");
        assert!(outcome.record.ensemble.n_rows_all.is_none_or(|n| n <= 400));
    }
}

#[test]
fn above_two_million_rows_the_search_works_on_a_sample_and_the_last_fit_on_all() {
    let n = 2_300_000;
    let mut random = Random::new(3);
    let x: Vec<f64> = (0..n).map(|_| random.unit()).collect();
    let y: Vec<f64> = x.iter().map(|x| (9.0 * x).sin() + random.normal()).collect();
    let table = Table::new(vec![Column::numbers("x", x), Column::numbers("y", y)]).unwrap();
    let mut asked = asked(400, false, false);
    asked.source.sample = None;
    asked.source.n_rows = n;
    asked.options.holdout = 0.05;
    let single = asked.options.single.as_mut().unwrap();
    single.params.insert("n_rounds".to_owned(), ParamValue::Int(3));
    asked.table = table.clone();
    asked.schema = table.storage_schema();
    asked.all_rows = Some(Arc::new(File { table, is_broken: false }));
    let record = fit_ok(asked, &Context::unlimited(4, 2)).record;
    let notes = record.plan.notes.join("\n");
    assert!(notes.contains("2000000 of 2185000 training rows are searched on"), "{notes}");
    assert_eq!(record.ensemble.n_rows_all, Some(n as u64));
}

#[test]
fn a_number_that_is_no_target_beyond_the_sample_costs_its_row_and_not_the_last_fit() {
    let mut asked = asked(400, false, false);
    let plain = table(false);
    let columns = plain.columns().iter().map(|column| {
        let mut column = column.clone();
        if let ("y", ColumnData::Number(values)) = (column.name.as_str(), &mut column.data) {
            values.change(|values| {
                (values[N_ALL - 2], values[N_ALL - 4]) = (f64::INFINITY, 1e200);
            });
        }
        column
    });
    let table = Table::new(columns.collect()).unwrap();
    asked.all_rows = Some(Arc::new(File { table, is_broken: false }));
    let outcome = fit_ok(asked, &Context::unlimited(4, 2));
    let known = N_ALL - N_ALL / 50 - 2;
    assert_eq!(outcome.record.ensemble.n_rows_all, Some(known as u64));
}
