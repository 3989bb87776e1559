//! The loss of a row where weak slices are searched: what a person would call a mistake.

use modelwright_core::data::Table;
use modelwright_core::task::{Predictions, Target};

use crate::predictor::Predictor;

/// The losses of the rows: 1 for a wrong decision and 0 for a right one, or the absolute error.
pub(crate) struct Losses {
    /// What a loss is, in words.
    pub name: &'static str,
    /// Of the predictor, one per row.
    pub of_model: Vec<f64>,
    /// Of always giving the same answer: the most frequent class, or the mean.
    pub of_constant: Vec<f64>,
}

/// Measures the rows of `table`; `constant` is what the baseline says of each.
pub(crate) fn losses(
    predictor: &Predictor,
    table: &Table,
    truth: &Target,
    predictions: &Predictions,
    constant: &Predictions,
) -> Losses {
    match truth {
        Target::Class { codes, .. } => {
            let wrong = |decided: &[u32]| {
                decided.iter().zip(codes).map(|(d, c)| f64::from(u8::from(d != c))).collect()
            };
            Losses {
                name: "error rate",
                of_model: wrong(&predictor.decide(table, predictions)),
                of_constant: wrong(&constant.classes(MOST_PROBABLE)),
            }
        }
        Target::Real(values) => {
            let errors = |p: &Predictions| {
                values.iter().zip(&p.values).map(|(y, p)| (y - p).abs()).collect()
            };
            Losses {
                name: "absolute error",
                of_model: errors(predictions),
                of_constant: errors(constant),
            }
        }
    }
}

/// The threshold that names the more probable of two classes.
const MOST_PROBABLE: f64 = 0.5;
