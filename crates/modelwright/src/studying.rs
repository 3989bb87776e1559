//! A table of scores as a study of learners: its first column names the data sets or folds, every
//! other one is a learner.

use modelwright_core::data::{ColumnData, Table};
use modelwright_core::{Error, Result};
use modelwright_evaluate::compare::study::{Study, StudyInput, study};

/// How scores are compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct StudyOptions {
    /// Whether smaller scores are better.
    pub smaller_is_better: bool,
    /// A difference up to this does not matter; `None` is 0.005.
    pub rope: Option<f64>,
    /// Set where the rows are folds of one data set: test rows over training rows.
    pub test_to_train: Option<f64>,
    /// Set where the rows are the folds of five repetitions of two-fold cross-validation.
    pub five_by_two: bool,
}

/// Compares the learners of a table of scores.
///
/// # Errors
/// Input error when a column holds no numbers, a score is missing, or there are too few.
pub fn study_scores(table: &Table, options: StudyOptions) -> Result<Study> {
    /// Of scores from 0 to 1.
    const ROPE: f64 = 0.005;
    let mut columns = table.columns().iter();
    let first = table.columns().first();
    if first.is_some_and(|c| matches!(c.data, ColumnData::String { .. })) {
        columns.next();
    }
    let mut names = Vec::new();
    let mut scores = vec![Vec::new(); table.n_rows()];
    for column in columns {
        let ColumnData::Number(values) = &column.data else {
            return Err(Error::input("a learner's scores must be numbers")
                .column(&column.name)
                .expected("a number in every row; only the first column may hold names"));
        };
        names.push(column.name.clone());
        for (row, value) in values.iter().enumerate() {
            if !value.is_finite() {
                return Err(Error::input("a score is missing or infinite")
                    .column(&column.name)
                    .row(row as u64 + 1)
                    .hint("leave out data sets that a learner has no score on"));
            }
            scores[row].push(value);
        }
    }
    study(&StudyInput {
        names: &names,
        scores: &scores,
        larger_is_better: !options.smaller_is_better,
        rope: options.rope.unwrap_or(ROPE),
        test_to_train: options.test_to_train,
        five_by_two: options.five_by_two,
    })
}
