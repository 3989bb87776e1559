//! Boosters that learn on: what they learn from, and what they leave as it was.

use modelwright_core::data::Column;
use modelwright_core::params::ParamValue;
use modelwright_core::record::{CostRecord, Single};

use super::*;
use crate::{FitInput, Own, fit};

/// Rows whose answers depend on `x` with the sign of `turn`.
fn table(n_rows: usize, from: usize, turn: f64) -> Table {
    let x = |i: usize| ((i * 7919) % 1009) as f64 / 504.5 - 1.0;
    let noise = |i: usize| ((i * 3571 + 11) % 991) as f64 / 991.0 - 0.5;
    let rows = || from..from + n_rows;
    Table::new(vec![
        Column::numbers("x", rows().map(x).collect::<Vec<f64>>()),
        Column::numbers("z", rows().map(|i| ((i * 104_729) % 997) as f64).collect::<Vec<f64>>()),
        Column::numbers("y", rows().map(|i| 3.0 * turn * x(i) + noise(i)).collect::<Vec<f64>>()),
    ])
    .unwrap()
}

fn source(name: &str) -> DataSource {
    DataSource { name: name.to_owned(), ..DataSource::default() }
}

fn first(learner: &str) -> FitOutcome {
    let rows = table(400, 0, 1.0);
    let mut options = Options::new("y");
    let rounds = ("n_rounds".to_owned(), ParamValue::Int(40));
    let rate = ("learning_rate".to_owned(), ParamValue::Real(0.1));
    let params: ParamMap = if learner == "gbdt" { [rounds, rate].into() } else { ParamMap::new() };
    options.single =
        Some(Single { learner: learner.to_owned(), params, encoding: None, n_folds: Some(0) });
    let input = FitInput {
        schema: rows.storage_schema(),
        table: rows,
        source: source("first"),
        test: None,
        options,
        own: Own::default(),
        all_rows: None,
    };
    fit(input, &Context::unlimited(3, 2)).unwrap()
}

fn on(first: &FitOutcome, judged: Table) -> Result<FitOutcome> {
    let input = ContinueInput {
        predictor: &first.predictor,
        record: &first.record,
        parent_sha256: "parent".to_owned(),
        table: table(300, 1000, -1.0),
        source: source("new"),
        judged,
        judged_source: source("newest"),
        options: first.record.options.clone(),
    };
    continue_boosters(input, &Context::unlimited(3, 2))
}

fn error(said: &modelwright_core::task::Predictions, rows: &Table) -> f64 {
    let Some(modelwright_core::data::ColumnData::Number(y)) = rows.column("y").map(|c| &c.data)
    else {
        unreachable!()
    };
    let n = y.len() as f64;
    said.values.iter().zip(y).map(|(a, b)| (a - b).abs()).sum::<f64>() / n
}

#[test]
fn after_a_change_the_boosters_learn_on_and_their_account_says_so() {
    let first = first("gbdt");
    let judged = table(100, 2000, -1.0);
    let ctx = Context::unlimited(3, 2);
    let was = error(&first.predictor.predict(&judged, &ctx).unwrap(), &judged);
    let outcome = on(&first, judged.clone()).unwrap();
    let is = error(outcome.tested.as_ref().unwrap(), &judged);
    assert!(is < 0.4 * was, "{is} {was}");
    let [of] = &outcome.record.continued[..] else { panic!() };
    assert_eq!((of.n_rows, of.n_judged, of.members[0].before), (400, 100, 40));
    let added = of.members[0].added;
    assert!((20..=300).contains(&added), "{added}");
    assert_eq!(outcome.record.ensemble.members[0].rounds, 40 + added);
    let value = outcome.record.evaluation.unwrap().metrics[0].value.unwrap();
    assert!(value > 0.0 && value < was, "{value}");
    let again = on(&first, judged).unwrap();
    let bytes = |outcome: &FitOutcome| outcome.predictor.encode().unwrap();
    assert!(bytes(&again) == bytes(&on(&first, table(100, 2000, -1.0)).unwrap()));
    let read = Predictor::decode(&bytes(&again)).unwrap();
    assert_eq!(read.predict(&table(9, 5, 1.0), &ctx).unwrap().n_rows(), 9);
}

#[test]
fn the_rows_that_judge_teach_only_what_is_delivered() {
    let first = first("gbdt");
    let ctx = Context::unlimited(3, 2);
    // Other answers of the rows that judge.
    let (judged, other) = (table(100, 2000, -1.0), table(100, 2000, 5.0));
    let (a, b) = (on(&first, judged.clone()).unwrap(), on(&first, other).unwrap());
    assert_eq!(a.tested, b.tested, "they taught what they judge");
    let said = |of: &FitOutcome| of.predictor.predict(&judged, &ctx).unwrap();
    assert_ne!(said(&a), said(&b), "and they are lost on what is delivered");
}

#[test]
fn a_model_without_boosters_is_refused() {
    let error = on(&first("linear"), table(100, 2000, -1.0)).err().unwrap();
    assert!(error.to_string().contains("no gradient boosters"), "{error}");
}

#[test]
fn what_decisions_of_the_old_model_came_to_is_not_said_of_the_new_one() {
    let mut first = first("gbdt");
    let costs = vec![vec![0.0, 1.0], vec![5.0, 0.0]];
    let was =
        CostRecord { costs: costs.clone(), expected_cost: Some(9.0), ..CostRecord::default() };
    first.record.costs = Some(was);
    let is = on(&first, table(100, 2000, -1.0)).unwrap().record.costs.unwrap();
    assert_eq!(is, CostRecord { costs, ..CostRecord::default() });
}
