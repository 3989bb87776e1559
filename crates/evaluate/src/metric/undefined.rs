//! Where a metric measures nothing, though scikit-learn gives a number by convention.
//!
//! A search needs a number for every candidate, and there [`MetricEntry::value`] keeps
//! scikit-learn's conventions (0 for 0 / 0, often with an `UndefinedMetricWarning`). Whoever is
//! shown a result must not take such a 0 for a bad model: `0 (0 to 0)` of rows without a positive
//! one says nothing about any model. What is shown therefore comes from [`MetricEntry::measured`].
//!
//! | metric | measures nothing where |
//! |---|---|
//! | average precision, recall, F1 | no row is of the positive class |
//! | average precision, precision | all rows are of the positive class |
//! | precision | no row is decided as the positive class |
//! | Matthews correlation, balanced accuracy | all rows are of one class |
//! | R², explained variance, D² | all rows have the same answer |

use modelwright_core::task::{Target, Task};
use modelwright_core::{Error, Result};

use super::{MetricEntry, MetricInput};

impl MetricEntry {
    /// The value, where these rows measure one.
    ///
    /// # Errors
    /// As [`MetricEntry::value`], and input error where that is a number by convention alone.
    pub fn measured(&self, input: &MetricInput<'_>) -> Result<f64> {
        let value = self.value(input)?;
        match nothing_measured(self.name(), input) {
            None => Ok(value),
            Some(error) => Err(error),
        }
    }
}

/// Why the metric measures nothing on these rows, if it does not; the input has been checked.
pub(crate) fn nothing_measured(name: &str, input: &MetricInput<'_>) -> Option<Error> {
    let counts = |row: &usize| input.weights.is_none_or(|w| w[*row] > 0.0);
    let rows = (0..input.truth.n_rows()).filter(counts);
    let is_precision = name == "precision" && input.truth.task() == Task::Binary;
    if is_precision && !is_any_decided(input, rows) {
        return Some(refused(
            "the model decides for the positive class in none",
            "at least one row decided so",
        ));
    }
    nothing_measured_of_truth(name, input)
}

fn refused(why: &str, expected: &str) -> Error {
    Error::input(format!("undefined on these rows: {why}")).expected(expected)
}

/// Why these rows measure nothing whatever a model says of them, if they do not.
pub(crate) fn nothing_measured_of_truth(name: &str, input: &MetricInput<'_>) -> Option<Error> {
    let counts = |row: &usize| input.weights.is_none_or(|w| w[*row] > 0.0);
    let refuse = |why: &str, expected: &str| Some(refused(why, expected));
    match input.truth {
        Target::Class { codes, .. } => {
            let rows = || (0..codes.len()).filter(counts);
            let is_binary = input.truth.task() == Task::Binary;
            match name {
                "average_precision" | "recall" | "f1"
                    if is_binary && !rows().any(|row| codes[row] == 1) =>
                {
                    refuse("none is of the positive class", "at least one positive row")
                }
                "average_precision" | "precision"
                    if is_binary
                        && rows().next().is_some()
                        && rows().all(|row| codes[row] == 1) =>
                {
                    refuse("all are of the positive class", "at least one row of the other class")
                }
                "matthews_corrcoef" | "balanced_accuracy"
                    if is_one(rows().map(|row| codes[row])) =>
                {
                    refuse("all are of one class", "rows of two classes")
                }
                _ => None,
            }
        }
        Target::Real(values) => {
            let rows = (0..values.len()).filter(counts);
            let is_of_variance = matches!(name, "r2" | "explained_variance" | "d2_absolute_error");
            (is_of_variance && is_one(rows.map(|row| values[row])))
                .then(|| refuse("all have the same answer", "answers that differ"))
                .flatten()
        }
    }
}

fn is_any_decided(input: &MetricInput<'_>, mut rows: impl Iterator<Item = usize>) -> bool {
    let decided = input.predictions.classes(input.threshold);
    rows.any(|row| decided[row] == 1)
}

/// Whether all are the same.
fn is_one<T: PartialEq>(mut values: impl Iterator<Item = T>) -> bool {
    let first = values.next();
    values.all(|value| first.as_ref() == Some(&value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::metric;
    use modelwright_core::task::Predictions;

    fn measured(name: &str, codes: &[u32], values: &[f64], weights: Option<&[f64]>) -> Option<f64> {
        let truth = Target::Class { codes: codes.to_vec(), n_classes: 2 };
        let p = Predictions::new(1, values.to_vec());
        metric(name)
            .unwrap()
            .measured(&MetricInput { weights, ..MetricInput::new(&truth, &p) })
            .ok()
    }

    #[test]
    fn rows_without_a_positive_one_measure_no_metric_of_positive_rows() {
        for name in ["average_precision", "recall", "f1", "matthews_corrcoef", "roc_auc"] {
            assert_eq!(measured(name, &[0, 0, 0], &[0.1, 0.2, 0.7], None), None, "{name}");
            let unweighted = Some(&[1.0, 1.0, 0.0][..]);
            assert_eq!(measured(name, &[0, 0, 1], &[0.1, 0.2, 0.7], unweighted), None, "{name}");
        }
        // One false alarm of one: that is measured, as are rows that need no positive one.
        assert_eq!(measured("precision", &[0, 0, 0], &[0.1, 0.2, 0.7], None), Some(0.0));
        assert_eq!(measured("accuracy", &[0, 0, 0], &[0.1, 0.2, 0.7], None), Some(2.0 / 3.0));
        assert!(measured("log_loss", &[0, 0, 0], &[0.1, 0.2, 0.7], None).is_some());
    }

    #[test]
    fn rows_of_the_positive_class_alone_measure_nothing_that_others_could_spoil() {
        for name in ["average_precision", "precision", "balanced_accuracy", "roc_auc"] {
            assert_eq!(measured(name, &[1, 1, 1], &[0.1, 0.6, 0.7], None), None, "{name}");
        }
        assert_eq!(measured("recall", &[1, 1, 1], &[0.1, 0.6, 0.7], None), Some(2.0 / 3.0));
    }

    #[test]
    fn a_model_that_never_says_yes_has_a_recall_but_no_precision() {
        let (codes, values) = ([0, 1, 1], [0.1, 0.2, 0.3]);
        assert_eq!(measured("precision", &codes, &values, None), None);
        assert_eq!(measured("recall", &codes, &values, None), Some(0.0));
        assert_eq!(measured("f1", &codes, &values, None), Some(0.0));
        assert_eq!(measured("matthews_corrcoef", &codes, &values, None), Some(0.0));
    }

    #[test]
    fn one_answer_for_all_rows_has_no_variance_to_explain() {
        let truth = Target::Real(vec![2.0; 5]);
        let p = Predictions::new(1, vec![1.0, 2.0, 3.0, 2.0, 2.0]);
        let input = MetricInput::new(&truth, &p);
        for name in ["r2", "explained_variance", "d2_absolute_error"] {
            assert!(metric(name).unwrap().measured(&input).is_err(), "{name}");
            assert_eq!(metric(name).unwrap().value(&input).unwrap(), 0.0, "as scikit-learn");
        }
        assert!(metric("mae").unwrap().measured(&input).is_ok());
    }
}
