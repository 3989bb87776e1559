//! What is predicted: the task, the target in numbers, and predictions of it.
//!
//! A classification target is stored as class indices into an explicit, ordered list of labels.
//! For a binary task the class at index 1 is the *positive* class: every probability, threshold
//! and metric refers to it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The kinds of question that can be asked of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Two classes; the one at index 1 is the positive class.
    Binary,
    /// Three or more classes.
    Multiclass,
    /// A real number.
    Regression,
}

impl Task {
    /// All tasks, in the order in which they are documented.
    pub const ALL: [Self; 3] = [Self::Binary, Self::Multiclass, Self::Regression];

    /// The name used in flags, records and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Multiclass => "multiclass",
            Self::Regression => "regression",
        }
    }

    /// Whether the target is a class.
    pub fn is_classification(self) -> bool {
        self != Self::Regression
    }

    /// The metric that is optimised when the user names none.
    pub fn default_metric(self) -> &'static str {
        match self {
            Self::Binary => "roc_auc",
            Self::Multiclass => "log_loss",
            Self::Regression => "rmse",
        }
    }
}

impl std::str::FromStr for Task {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name).ok_or_else(|| {
            Error::input("unknown task").got(name).suggest(name, Self::ALL.map(Task::name))
        })
    }
}

/// The target of every row, in the form that learners and metrics use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Target {
    /// Class index of each row, `0..n_classes`.
    Class {
        /// One class index per row.
        codes: Vec<u32>,
        /// How many classes there are (also those that no row here has).
        n_classes: usize,
    },
    /// A finite real value per row.
    Real(Vec<f64>),
}

impl Target {
    /// How many rows it has.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Class { codes, .. } => codes.len(),
            Self::Real(values) => values.len(),
        }
    }

    /// How many numbers a prediction of one row has: 1 for regression and binary (the probability
    /// of the positive class), the number of classes otherwise.
    pub fn n_outputs(&self) -> usize {
        match self {
            Self::Class { n_classes, .. } if *n_classes > 2 => *n_classes,
            _ => 1,
        }
    }

    /// The task this target belongs to.
    pub fn task(&self) -> Task {
        match self {
            Self::Class { n_classes, .. } if *n_classes > 2 => Task::Multiclass,
            Self::Class { .. } => Task::Binary,
            Self::Real(_) => Task::Regression,
        }
    }

    /// The target of the given rows, in that order.
    #[must_use]
    pub fn select(&self, rows: &[u32]) -> Self {
        match self {
            Self::Class { codes, n_classes } => Self::Class {
                codes: rows.iter().map(|r| codes[*r as usize]).collect(),
                n_classes: *n_classes,
            },
            Self::Real(values) => Self::Real(rows.iter().map(|r| values[*r as usize]).collect()),
        }
    }

    /// Adds the rows of another part of the same target.
    ///
    /// # Panics
    /// If the parts are of different tasks.
    pub fn append(&mut self, part: Self) {
        match (self, part) {
            (Self::Class { codes, .. }, Self::Class { codes: new, .. }) => codes.extend(new),
            (Self::Real(values), Self::Real(new)) => values.extend(new),
            _ => panic!("parts of one target are of one task"),
        }
    }

    /// The class indices, if this is a classification target.
    pub fn codes(&self) -> Option<&[u32]> {
        match self {
            Self::Class { codes, .. } => Some(codes),
            Self::Real(_) => None,
        }
    }

    /// The real values, if this is a regression target.
    pub fn values(&self) -> Option<&[f64]> {
        match self {
            Self::Class { .. } => None,
            Self::Real(values) => Some(values),
        }
    }
}

/// Predictions of many rows, row-major with shape `(n_rows, n_outputs)`.
///
/// * regression: one column, the predicted value;
/// * binary: one column, the probability of the positive class, in `[0, 1]`;
/// * multiclass: one column per class, each row summing to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// How many numbers a row has.
    pub n_outputs: usize,
    /// The numbers, row after row.
    pub values: Vec<f64>,
}

impl Predictions {
    /// Predictions from row-major values.
    ///
    /// # Panics
    /// If `values` does not hold whole rows.
    pub fn new(n_outputs: usize, values: Vec<f64>) -> Self {
        assert!(n_outputs > 0 && values.len().is_multiple_of(n_outputs), "rows must be whole");
        Self { n_outputs, values }
    }

    /// `n_rows` rows of zeros.
    pub fn zeros(n_rows: usize, n_outputs: usize) -> Self {
        Self::new(n_outputs, vec![0.0; n_rows * n_outputs])
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.values.len() / self.n_outputs
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.n_outputs..(row + 1) * self.n_outputs]
    }

    /// The given rows, in that order.
    #[must_use]
    pub fn select(&self, rows: &[u32]) -> Self {
        let values = rows.iter().flat_map(|r| self.row(*r as usize)).copied().collect();
        Self { n_outputs: self.n_outputs, values }
    }

    /// The most probable class of each row; binary uses `threshold` on the positive class.
    ///
    /// Ties go to the smaller class index.
    pub fn classes(&self, threshold: f64) -> Vec<u32> {
        if self.n_outputs == 1 {
            return self.values.iter().map(|p| u32::from(*p >= threshold)).collect();
        }
        self.values
            .chunks_exact(self.n_outputs)
            .map(|row| {
                let mut best = 0;
                for (class, p) in row.iter().enumerate() {
                    if *p > row[best] {
                        best = class;
                    }
                }
                best as u32
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_take_the_first_of_equals_and_the_threshold() {
        let multi = Predictions::new(3, vec![0.4, 0.4, 0.2, 0.1, 0.2, 0.7]);
        assert_eq!(multi.classes(0.5), [0, 2]);
        assert_eq!(Predictions::new(1, vec![0.3, 0.5]).classes(0.5), [0, 1]);
    }

    #[test]
    fn an_unknown_task_is_refused_with_a_suggestion() {
        let error = "regresion".parse::<Task>().unwrap_err();
        assert!(error.to_string().contains("did you mean `regression`"), "{error}");
    }
}
