//! What later rows say of a model, where there is no time for all of it.

use std::time::Duration;

use modelwright_automl::later::{IMPORTANCES, LaterRows, Looked, Patience, look};
use modelwright_automl::{FitOutcome, Predictor};
use modelwright_core::Context;
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
    let later = LaterRows {
        on: "later",
        table: &rows,
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
