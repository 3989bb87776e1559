//! The loss of a row where weak slices are searched: what a person would call a mistake.

use modelwright_core::data::Table;
use modelwright_core::task::{Predictions, Target};

use crate::predictor::Predictor;

/// The loss in words, and that of every row: 1 for a wrong decision, or the absolute error.
pub(crate) fn losses(
    predictor: &Predictor,
    table: &Table,
    truth: &Target,
    predictions: &Predictions,
) -> (&'static str, Vec<f64>) {
    match truth {
        Target::Class { codes, .. } => {
            let decided = predictor.decide(table, predictions);
            let wrong = decided.iter().zip(codes).map(|(d, c)| f64::from(u8::from(d != c)));
            ("error rate", wrong.collect())
        }
        Target::Real(values) => {
            let errors = values.iter().zip(&predictions.values).map(|(y, p)| (y - p).abs());
            ("absolute error", errors.collect())
        }
    }
}
