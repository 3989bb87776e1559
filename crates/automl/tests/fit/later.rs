//! What later rows say of a model, where there is no time for all of it.

use std::time::Duration;

use modelwright_automl::later::{IMPORTANCES, LaterRows, Looked, Patience, look};
use modelwright_automl::{FitOutcome, Predictor};
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
