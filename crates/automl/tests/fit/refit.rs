//! What the delivered model learned from, and what its test never saw.

use modelwright_core::Context;
use modelwright_core::data::Column;
use modelwright_core::random::Random;
use modelwright_core::task::Target;

use super::{FitInput, FitOutcome, fit_ok, input};

fn with_refit(mut asked: FitInput, refit: &str) -> FitOutcome {
    refit.clone_into(&mut asked.options.refit);
    fit_ok(asked, &Context::unlimited(4, 2))
}

#[test]
fn the_delivered_model_learns_from_every_row_unless_it_is_told_not_to() {
    let all = with_refit(input(600, "label"), "all").record;
    let train = with_refit(input(600, "label"), "train").record;
    assert_eq!(all.ensemble.n_rows_all, Some(600));
    assert_eq!(train.ensemble.n_rows_all, None);
    assert_eq!(all.split, train.split);
    assert_eq!(all.trials, train.trials);
    for record in [&all, &train] {
        assert!(record.ensemble.members.iter().all(|m| !m.is_of_folds()), "{record:?}");
    }
}

/// The squared error of the delivered model on rows that it may have learned from.
fn error(outcome: &FitOutcome, asked: &FitInput) -> f64 {
    let ctx = Context::unlimited(0, 1);
    let predictions = outcome.predictor.predict(&asked.table, &ctx).unwrap();
    let Target::Real(truth) = outcome.predictor.encode_target(&asked.table).unwrap() else {
        unreachable!("a regression")
    };
    let squares = truth.iter().zip(&predictions.values).map(|(t, p)| (t - p).powi(2));
    (squares.sum::<f64>() / truth.len() as f64).sqrt()
}

#[test]
fn the_test_is_over_before_the_held_out_rows_are_learned() {
    // Nothing can be learned but by heart: whoever saw the rows predicts them better than chance.
    let noise = || {
        let mut asked = input(400, "signal");
        let mut random = Random::new(9);
        let values = (0..400).map(|_| random.normal()).collect::<Vec<f64>>();
        let mut columns = asked.table.clone().into_columns();
        let at = columns.iter().position(|c| c.name == "signal").unwrap();
        columns[at] = Column::numbers("signal", values);
        asked.table = modelwright_core::data::Table::new(columns).unwrap();
        "balanced".clone_into(&mut asked.options.preset);
        asked
    };
    let outcome = with_refit(noise(), "all");
    let tested = outcome.record.evaluation.as_ref().unwrap();
    let (value, chance) = (tested.metrics[0].value.unwrap(), tested.baseline[0].value.unwrap());
    assert!(value > 0.97 * chance, "{value} {chance}");
    assert!(error(&outcome, &noise()) < value, "{} {value}", error(&outcome, &noise()));
}
