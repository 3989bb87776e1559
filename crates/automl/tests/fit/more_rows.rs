//! Would more rows help: the curve of a fit, the same of a stored model, and too few rows.

use modelwright_automl::more_rows::of_model;
use modelwright_core::Context;
use modelwright_core::record::{MoreRows, Single};

use super::{fit_ok, input, table};

fn single(n_rows: usize, target: &str, learner: &str) -> modelwright_automl::FitOutcome {
    let mut input = input(n_rows, target);
    let (learner, params) = (learner.to_owned(), std::collections::BTreeMap::new());
    input.options.single = Some(Single { learner, params, encoding: None, n_folds: Some(0) });
    fit_ok(input, &Context::unlimited(1, 2))
}

#[test]
fn a_fit_says_whether_more_rows_would_help_and_a_stored_model_says_it_again() {
    let outcome = single(6400, "signal", "linear");
    let found = outcome.record.more_rows.as_ref().unwrap();
    assert_eq!(found.metric, "rmse");
    // 5,120 rows to learn from, halved four times.
    let sizes: Vec<usize> = found.points.iter().map(|p| p.n_rows).collect();
    assert_eq!(sizes, [320, 640, 1280, 2560, 5120]);
    assert_eq!(found.n_rows_tested, 1280);
    // A plain linear model of this world has learned all it can.
    assert_eq!(found.finding, MoreRows::WouldNotHelp, "{found:?}");
    let ctx = Context::unlimited(7, 2);
    let again = of_model(&outcome.predictor, &outcome.record, &table(6400), &ctx).unwrap();
    assert_eq!(again.finding, MoreRows::WouldNotHelp, "{again:?}");
    let threads = Context::unlimited(7, 1);
    let one = of_model(&outcome.predictor, &outcome.record, &table(6400), &threads).unwrap();
    assert_eq!(one, again, "the number of threads changes nothing");
}

#[test]
fn few_rows_are_on_no_curve_and_refused_with_what_it_takes() {
    let outcome = single(300, "label", "linear");
    assert!(outcome.record.more_rows.is_none());
    let ctx = Context::unlimited(7, 1);
    let error = of_model(&outcome.predictor, &outcome.record, &table(300), &ctx).unwrap_err();
    assert_eq!(error.what(), "too few rows for a learning curve");
    assert_eq!(error.expected_text(), Some("at least 500 rows"));
}
