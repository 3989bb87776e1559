//! How many rows are unusual beside those that a model was tested on.

use serde::{Deserialize, Serialize};

use super::evaluation::Interval;

/// What a model file's account of usual rows says of later ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnusualRecord {
    /// What the rows are: the name of the file.
    pub on: String,
    /// Rows that were looked at.
    pub n_rows: usize,
    /// Rows of the fit that they are compared with.
    pub n_judged: usize,
    /// Raw columns that count.
    pub n_columns: usize,
    /// The share of the fit's rows beyond which a row is called unusual: it is expected of as many
    /// rows of the same kind.
    pub level: f64,
    /// Rows that are.
    pub n_unusual: usize,
    /// The 95 % interval of their share; `None` without rows.
    pub ci95: Option<Interval>,
    /// Which shares chance alone makes of rows of the same kind, in 95 of 100 files: the fit's rows
    /// are a sample, too.
    pub by_chance: Interval,
    /// Columns that are named most often as what makes rows unusual, with these rows.
    pub causes: Vec<UnusualCause>,
}

/// A column, or one beside another's value, that makes rows unusual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnusualCause {
    /// `age`, or `age with status`.
    pub columns: String,
    /// Unusual rows in which it does.
    pub n_rows: usize,
}
