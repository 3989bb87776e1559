//! What later rows say of a model, where there is no time for all of it.

use std::time::Duration;

use modelwright_automl::later::{IMPORTANCES, LaterRows, Looked, Patience, look};
use modelwright_automl::unusual::{UNUSUAL_COLUMNS, UNUSUALNESS, columns};
use modelwright_automl::{FitOutcome, Predictor, Reference};
use modelwright_core::Context;
use modelwright_core::data::{Column, ColumnData, Table};
use modelwright_core::record::Single;
use modelwright_evaluate::metric;

use super::{fit_ok, input, table};

fn fitted() -> FitOutcome {
    let mut input = input(400, "signal");
    let (learner, params) = ("gbdt".to_owned(), std::collections::BTreeMap::new());
    input.options.single = Some(Single { learner, params, encoding: None, n_folds: Some(0) });
    fit_ok(input, &Context::unlimited(1, 2))
}

fn looked(made: &FitOutcome, predictor: &Predictor, patience: Patience, ctx: &Context) -> Looked {
    let rows = table(460).select(&(400..460).collect::<Vec<u32>>());
    looked_at(made, predictor, &rows, (patience, true), ctx)
}

fn looked_at(
    made: &FitOutcome,
    predictor: &Predictor,
    rows: &Table,
    (patience, are_new): (Patience, bool),
    ctx: &Context,
) -> Looked {
    let places: Vec<u32> = (0..rows.n_rows() as u32).map(|row| 2 * row).collect();
    let later = LaterRows {
        usual: made.usual.as_ref(),
        on: "later",
        table: rows,
        places: Some(&places),
        are_new,
        weights: None,
        groups: None,
        times: None,
        metric: metric("mae").unwrap(),
        sensitive: &[],
        known: (&made.reference, made.predictions.as_ref()),
        patience,
    };
    look(predictor, &later, ctx).unwrap()
}

#[test]
fn importances_of_later_rows_end_with_their_time_and_that_is_written_down() {
    let made = fitted();
    let ctx = Context::unlimited(1, 2);
    let whole = looked(&made, &made.predictor, Patience::default(), &ctx);
    assert_eq!(whole.importances.len(), 3);
    assert!(!ctx.decisions().stopped_after.contains_key(IMPORTANCES));
    let constant = whole.evaluation.baseline_is.unwrap();
    assert_eq!(constant, "the median of the target in these very rows, which suits mae");
    let ctx = Context::unlimited(1, 2);
    let patience = Patience { importances: Duration::ZERO, ..Patience::default() };
    let hurried = looked(&made, &made.predictor, patience, &ctx);
    assert!(hurried.importances.is_empty());
    assert_eq!(ctx.decisions().stopped_after.get(IMPORTANCES), Some(&0));
}

#[test]
fn answers_of_later_rows_that_look_wrong_are_named_by_their_places() {
    let made = fitted();
    let rows = table(460).select(&(400..460).collect::<Vec<u32>>());
    let with_error = |column: &Column| {
        let mut column = column.clone();
        if let ("signal", ColumnData::Number(values)) = (&*column.name, &mut column.data) {
            values.change(|values| values[10] += 1000.0);
        }
        column
    };
    let rows = Table::new(rows.columns().iter().map(with_error).collect()).unwrap();
    let look = |are_new| {
        let patience = (Patience::default(), are_new);
        looked_at(&made, &made.predictor, &rows, patience, &Context::unlimited(1, 2)).suspects
    };
    let found = look(true).unwrap();
    assert_eq!((found.n_rows, found.rows[0].row), (60, Some(21)), "{found:?}");
    assert!(found.method.contains("finished model"));
    assert!(look(false).is_none(), "what was learned from contradicts nothing");
}

#[test]
fn a_model_file_tells_unusual_rows_without_a_row_of_its_training() {
    let made = fitted();
    let ctx = Context::unlimited(1, 2);
    let usual = made.usual.clone().unwrap();
    // With what was said, without it, and without what is said now: all forms are read.
    for predictions in [made.predictions.as_ref(), None] {
        let bytes = Reference::encode(&made.reference, predictions, Some(&usual)).unwrap();
        let read = Reference::decode(&bytes).unwrap();
        assert_eq!(read.predictions.as_ref(), predictions);
        assert_eq!(read.usual.as_ref(), Some(&usual));
        assert!(Reference::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(Reference::decode(&[&bytes[..], b"more"].concat()).is_err());
    }
    let old = Reference::encode(&made.reference, made.predictions.as_ref(), None).unwrap();
    assert!(Reference::decode(&old).unwrap().usual.is_none());
    // Rows in another unit are unusual, the same rows as they were are not.
    let rows = table(460).select(&(400..460).collect::<Vec<u32>>());
    let change = |column: &Column| {
        let mut column = column.clone();
        if let ColumnData::Number(values) = &mut column.data
            && column.name != "signal"
        {
            values.change(|values| values.iter_mut().for_each(|v| *v = *v * 1000.0 + 1e6));
        }
        column
    };
    let shifted = Table::new(rows.columns().iter().map(change).collect()).unwrap();
    let of = |rows: &Table| {
        let patience = (Patience::default(), true);
        looked_at(&made, &made.predictor, rows, patience, &ctx).unusual.unwrap()
    };
    let (same, other) = (of(&rows), of(&shifted));
    assert!(same.n_unusual <= 12 && same.n_rows == 60, "{same:?}");
    assert!(other.n_unusual == 60 && !other.causes.is_empty(), "{other:?}");
    assert!(other.ci95.unwrap().low > other.by_chance.high, "{other:?}");
    let [scores, named] = columns(&usual, &shifted, &ctx);
    assert_eq!((scores.name.as_str(), named.name.as_str()), (UNUSUALNESS, UNUSUAL_COLUMNS));
    assert!((0..60).all(|row| named.text(row).is_some_and(|text| !text.is_empty())));
}
