//! Rows by true and decided class.

use modelwright_core::record::ConfusionMatrix;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Error, Result};

use crate::metric::check_pair;

/// Counts rows by true and decided class; binary targets decide at `threshold`.
///
/// # Errors
/// Input error for a regression target, predictions that do not fit, or labels that are not one
/// per class.
pub fn confusion_matrix(
    truth: &Target,
    predictions: &Predictions,
    threshold: f64,
    classes: &[String],
) -> Result<ConfusionMatrix> {
    check_pair(truth, predictions)?;
    let Target::Class { codes, n_classes } = truth else {
        return Err(
            Error::input("a confusion matrix needs a classification target").got("regression")
        );
    };
    let n_classes = (*n_classes).max(2);
    if classes.len() != n_classes {
        return Err(Error::input("there must be one label per class")
            .expected(format!("{n_classes} labels"))
            .got(format!("{} labels", classes.len())));
    }
    let mut counts = vec![vec![0; n_classes]; n_classes];
    for (truth, decided) in codes.iter().zip(predictions.classes(threshold)) {
        counts[*truth as usize][decided as usize] += 1;
    }
    Ok(ConfusionMatrix { classes: classes.to_vec(), counts })
}
