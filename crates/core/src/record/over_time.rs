//! How good a watched model is in each group of rows, and from period to period.

use serde::{Deserialize, Serialize};

use super::evaluation::MetricValue;
use super::fairness::FairnessRecord;

/// Groups and periods of rows whose answers are known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OverTimeRecord {
    /// Groups with fewer rows are counted, but not judged.
    pub min_group: usize,
    /// Whether the groups of the sensitive columns are treated alike; `None` without such columns.
    pub fairness: Option<FairnessRecord>,
    /// Every group of the columns that are looked at, over all rows.
    pub slices: Vec<SliceRecord>,
    /// The column that the periods follow; `None` for the order of the rows.
    pub by: Option<String>,
    /// Periods of equally many rows, in order; none where rows are too few for two.
    pub periods: Vec<PeriodRecord>,
}

/// One group of rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SliceRecord {
    /// The column.
    pub column: String,
    /// Its value, or range of values.
    pub group: String,
    /// Rows with answers.
    pub n_rows: usize,
    /// Whether there are enough rows to say anything.
    pub is_judged: bool,
    /// The optimised metric, with its interval; `None` within a period, and of too few rows.
    pub metric: Option<MetricValue>,
    /// By how much predictions are too high on average, with a 95 % interval: the mean probability
    /// of the positive class less its share; with many classes, the mean probability of the chosen
    /// class less the share of right choices; the mean prediction less the mean of numbers.
    pub bias: Option<MetricValue>,
    /// The share of rows that are decided to be positive, with Wilson's 95 % interval; of two
    /// classes only.
    pub selected: Option<MetricValue>,
    /// The p-value of no bias, corrected for all groups (Benjamini–Hochberg); only over all rows.
    pub p_adjusted: Option<f64>,
    /// Whether the predictions are off in this group, beyond chance and by enough to matter.
    pub is_off: bool,
}

/// One period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeriodRecord {
    /// The first time in it, or the number of its first row.
    pub begin: String,
    /// The last.
    pub end: String,
    /// Rows with answers.
    pub n_rows: usize,
    /// The optimised metric.
    pub metric: MetricValue,
    /// See [`SliceRecord::bias`].
    pub bias: MetricValue,
    /// The groups in this period, in the order of [`OverTimeRecord::slices`].
    pub slices: Vec<SliceRecord>,
}
