//! Counterfactuals of a rule that is known.

use modelwright_core::data::{Column, ColumnData};
use modelwright_core::task::Task;

use super::*;
use crate::explain::RawPredictor;

/// Granted where income is at least 50, or at least 30 with an own home and few debts.
struct Credit;

impl RawPredictor for Credit {
    fn predict(&self, table: &Table, _: &Context) -> Result<Predictions> {
        let number = |name: &str, row: usize| match &table.column(name).unwrap().data {
            ColumnData::Number(v) => v.at(row),
            _ => unreachable!(),
        };
        let value = |row: usize| {
            let owns = table.column("home").unwrap().text(row) == Some("own");
            let (income, debts) = (number("income", row), number("debts", row));
            let score = income - if owns { 0.0 } else { 12.0 } - debts;
            (score / 60.0).clamp(0.0, 1.0)
        };
        Ok(Predictions::new(1, (0..table.n_rows()).map(value).collect()))
    }
}

struct AtLeastHalf;

impl Goal for AtLeastHalf {
    fn is_reached(&self, predictions: &Predictions) -> Vec<bool> {
        predictions.values.iter().map(|p| *p >= 0.5).collect()
    }

    fn nearness(&self, numbers: &[f64]) -> f64 {
        numbers[0]
    }
}

fn subject() -> Subject<'static> {
    Subject {
        predictor: &Credit,
        quick: None,
        columns: ["income", "debts", "home", "age"].map(str::to_owned).to_vec(),
        outputs: vec!["granted".to_owned()],
        task: Task::Binary,
    }
}

fn observed() -> Table {
    let numbers = |name: &str, step: usize, n: usize| {
        Column::numbers(name, (0..200).map(|i| (i * step % n) as f64).collect::<Vec<f64>>())
    };
    // No number tells it: what comes with it would change with it.
    let home = (0..200).map(|i| Some(if i % 13 < 4 { "own" } else { "rent" }));
    let columns = vec![
        numbers("income", 7, 60),
        numbers("debts", 3, 25),
        Column::strings("home", home),
        numbers("age", 11, 70),
    ];
    Table::new(columns).unwrap()
}

fn row(income: f64, debts: f64) -> Table {
    let numbers = [("income", income), ("debts", debts), ("age", 40.0)];
    let mut columns: Vec<Column> =
        numbers.iter().map(|(name, v)| Column::numbers(*name, vec![*v])).collect();
    columns.push(Column::strings("home", [Some("rent")]));
    Table::new(columns).unwrap()
}

fn run(row: &Table, options: &CounterfactualOptions) -> Result<Counterfactuals> {
    let ctx = Context::unlimited(0, 2);
    counterfactuals(&subject(), &AtLeastHalf, row, &observed(), options, &ctx)
}

#[test]
fn answers_are_few_small_observed_changes_that_the_model_confirms() {
    // 32 - 12 - 5 = 15 of the 30 that are needed.
    let found = run(&row(32.0, 5.0), &CounterfactualOptions::default()).unwrap();
    assert!(!found.is_reached && !found.answers.is_empty());
    let first = &found.answers[0];
    assert_eq!(first.changes.len(), 1, "{first:?}");
    assert_eq!(first.changes[0].column, "income");
    assert_eq!(first.changes[0].to.as_deref(), Some("47"), "the nearest value that is enough");
    for answer in &found.answers {
        assert!(answer.prediction[0] >= 0.5, "{answer:?}");
        assert!(answer.changes.iter().all(|c| c.column != "age"), "not needed: {answer:?}");
        assert!(answer.changes.iter().all(|c| c.from != c.to));
    }
    let sets: std::collections::BTreeSet<Vec<&str>> = found
        .answers
        .iter()
        .map(|a| a.changes.iter().map(|c| c.column.as_str()).collect())
        .collect();
    assert_eq!(sets.len(), found.answers.len(), "each answer changes other columns");
    assert!(sets.len() > 1, "{sets:?}");
}

#[test]
fn what_may_not_change_does_not_and_directions_are_kept() {
    let immutable = CounterfactualOptions {
        immutable: vec!["income".to_owned()],
        ..CounterfactualOptions::default()
    };
    let found = run(&row(40.0, 5.0), &immutable).unwrap();
    assert!(!found.answers.is_empty());
    assert!(found.answers.iter().flat_map(|a| &a.changes).all(|c| c.column != "income"));
    let of = |vary: &[(&str, Direction)]| CounterfactualOptions {
        vary: Some(vary.iter().map(|(name, way)| ((*name).to_owned(), *way)).collect()),
        ..CounterfactualOptions::default()
    };
    let up = run(&row(32.0, 5.0), &of(&[("income", Direction::Up)])).unwrap();
    assert_eq!(up.answers.len(), 1);
    let down = run(&row(32.0, 5.0), &of(&[("income", Direction::Down)])).unwrap();
    assert!(down.answers.is_empty());
}

#[test]
fn what_tells_one_another_changes_together_and_neither_alone() {
    let with_copy = |table: Table| {
        let mut copy = table.column("income").unwrap().clone();
        copy.name = "salary".to_owned();
        let mut columns = table.columns().to_vec();
        columns.push(copy);
        Table::new(columns).unwrap()
    };
    let mut subject = subject();
    subject.columns.push("salary".to_owned());
    let (row, observed) = (with_copy(row(32.0, 5.0)), with_copy(observed()));
    let ctx = Context::unlimited(0, 2);
    let run = |immutable: &[&str]| {
        let immutable = immutable.iter().map(|name| (*name).to_owned()).collect();
        let options = CounterfactualOptions { immutable, ..CounterfactualOptions::default() };
        counterfactuals(&subject, &AtLeastHalf, &row, &observed, &options, &ctx).unwrap()
    };
    let found = run(&[]);
    assert!(!found.answers.is_empty());
    for answer in &found.answers {
        let to = |name: &str| answer.changes.iter().find(|c| c.column == name).map(|c| &c.to);
        assert_eq!(to("income"), to("salary"), "{answer:?}");
    }
    assert!(found.answers.iter().any(|a| a.changes.len() == 2));
    // What goes with what may not change may not change either.
    let held = run(&["salary"]);
    assert!(held.answers.iter().flat_map(|a| &a.changes).all(|c| c.column != "income"));
}

#[test]
fn flags_are_the_same_however_they_are_spelled() {
    let with_flag = |table: Table, words: [&str; 2]| {
        let n = table.n_rows();
        let flags = Column::strings("flag", (0..n).map(|i| Some(words[i % 2])));
        Table::new(table.columns().iter().cloned().chain([flags]).collect()).unwrap()
    };
    let mut subject = subject();
    subject.columns.push("flag".to_owned());
    let ctx = Context::unlimited(0, 2);
    let of = |words| {
        let (row, observed) =
            (with_flag(row(32.0, 5.0), ["true", "false"]), with_flag(observed(), words));
        let options = CounterfactualOptions::default();
        counterfactuals(&subject, &AtLeastHalf, &row, &observed, &options, &ctx).unwrap()
    };
    let (plain, spelled) = (of(["true", "false"]), of(["True", "FALSE"]));
    let distances =
        |found: &Counterfactuals| found.answers.iter().map(|a| a.distance).collect::<Vec<f64>>();
    assert!(!plain.answers.is_empty());
    assert_eq!(distances(&plain), distances(&spelled));
}

#[test]
fn a_row_that_is_as_wanted_needs_no_change() {
    let found = run(&row(59.0, 0.0), &CounterfactualOptions::default()).unwrap();
    assert!(found.is_reached && found.answers.is_empty());
}

#[test]
fn wrong_questions_are_refused_by_name() {
    let of = |immutable: &[&str]| CounterfactualOptions {
        immutable: immutable.iter().map(|c| (*c).to_owned()).collect(),
        ..CounterfactualOptions::default()
    };
    for (row, options, says) in [
        (row(1.0, 1.0), of(&["incom"]), "did you mean `income`"),
        (row(1.0, 1.0), of(&["income", "debts", "home", "age"]), "no column may change"),
        (observed(), of(&[]), "1 row"),
    ] {
        let error = run(&row, &options).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
