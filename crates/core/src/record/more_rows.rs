//! Whether more training rows would help.

use serde::{Deserialize, Serialize};

use super::evaluation::Interval;

/// One of the model's members, fitted again on parts of its training rows, each judged on the same
/// untouched rows; and what a curve through the scores says of more rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoreRowsRecord {
    /// The trial that was fitted.
    pub trial: String,
    /// The metric's name.
    pub metric: String,
    /// Untouched rows that judged every fit.
    pub n_rows_tested: usize,
    /// The fits, by rising number of rows.
    pub points: Vec<CurveSize>,
    /// By how much the largest fit is better than the one on half as many rows, with the p-value of
    /// "by nothing".
    pub last_gain: f64,
    /// 95 % interval of that.
    pub last_ci95: Interval,
    /// Its p-value.
    pub last_p_value: f64,
    /// By how much twice as many rows are expected to be better still; `None` when the scores lie
    /// on no curve.
    pub next_gain: Option<f64>,
    /// What cannot be exceeded by more rows alone, by the curve.
    pub limit: Option<f64>,
    /// A gain up to this makes no difference in practice.
    pub rope: f64,
    /// What it comes to.
    pub finding: MoreRows,
    /// The same in a sentence.
    pub words: String,
}

/// A fit on a part of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CurveSize {
    /// Rows that it learned from.
    pub n_rows: usize,
    /// The metric on the untouched rows.
    pub score: f64,
    /// 95 % interval over the choice of the untouched rows.
    pub ci95: Option<Interval>,
}

/// Whether more rows would help.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoreRows {
    /// The last doubling helped beyond chance, and the next is expected to matter.
    WouldHelp,
    /// The next doubling is expected to make no difference in practice.
    WouldNotHelp,
    /// Neither is shown.
    #[default]
    Unclear,
}
