//! The account of rows whose target looks wrong, by predictions of models that had not seen them:
//! the ensemble's out of fold, or a finished model's of later rows.

use modelwright_core::data::number_text;
use modelwright_core::record::{Suspect, SuspectsRecord};
use modelwright_core::task::{Predictions, Target};
use modelwright_evaluate::suspects::{class_suspects, number_suspects};

/// Rows that the record names at most.
const NAMED_MAX: usize = 200;

/// The rows that were judged, and where they stood.
pub(crate) struct Judged<'a> {
    pub truth: &'a Target,
    /// Calibrated, of models that did not learn from the row.
    pub predictions: &'a Predictions,
    /// Whether that is because the rows came after the fit.
    pub are_later: bool,
    /// Their weights; a row without any is no row.
    pub weights: Option<&'a [f64]>,
    pub classes: &'a [String],
    /// Position of each judged row in the table that was read; `None` when that was a sample.
    pub rows: Option<&'a [u32]>,
}

/// What looks wrong among the judged rows.
pub(crate) fn find(judged: &Judged<'_>) -> SuspectsRecord {
    let row = |at: usize| judged.rows.map(|rows| u64::from(rows[at]) + 1);
    let (n_suspects, method, rows) = match judged.truth {
        Target::Class { codes, n_classes } => {
            let all = class_suspects(codes, *n_classes, judged.predictions, judged.weights);
            let named = all.iter().take(NAMED_MAX).map(|s| Suspect {
                row: row(s.row),
                given: judged.classes[codes[s.row] as usize].clone(),
                expected: judged.classes[s.expected as usize].clone(),
                chance: Some(s.chance),
                deviations: None,
            });
            let method = if judged.are_later {
                "confident learning on the probabilities of the finished model"
            } else {
                "confident learning on out-of-fold probabilities"
            };
            (all.len(), method, named.collect())
        }
        Target::Real(values) => {
            let all = number_suspects(values, judged.predictions, judged.weights);
            let named = all.iter().take(NAMED_MAX).map(|s| Suspect {
                row: row(s.row),
                given: number_text(values[s.row]),
                expected: number_text(judged.predictions.values[s.row]),
                chance: None,
                deviations: Some(s.deviations),
            });
            let method = if judged.are_later {
                "residuals of the finished model beside those of similar predictions"
            } else {
                "residuals out of fold beside those of similar predictions"
            };
            (all.len(), method, named.collect())
        }
    };
    SuspectsRecord { n_rows: judged.truth.n_rows(), n_suspects, method: method.to_owned(), rows }
}
