//! What watching a model on new rows found: drift, data quality, performance.

use serde::{Deserialize, Serialize};

use super::data::{Bin, Level};
use super::evaluation::Interval;
use super::over_time::OverTimeRecord;
use crate::data::Kind;
use crate::task::Task;

/// The version of the format of a [`MonitorRecord`].
pub const MONITOR_VERSION: u32 = 1;

/// Everything that was found on new rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonitorRecord {
    /// [`MONITOR_VERSION`] of the writer.
    pub format_version: u32,
    /// Version of Modelwright that made it.
    pub engine_version: String,
    /// When, ISO 8601 in UTC; filled by the caller.
    pub created: String,
    /// The model that is watched.
    pub model: WatchedModel,
    /// What is compared with.
    pub reference: RowsRecord,
    /// The new rows.
    pub current: RowsRecord,
    /// What it comes to.
    pub verdict: Verdict,
    /// In words: what moved, and what that means; the most important first.
    pub explanation: Vec<String>,
    /// Columns and values that are not as the model expects them.
    pub quality: Vec<QualityFinding>,
    /// Drift of the model's columns, in the order of its schema.
    pub columns: Vec<ColumnDrift>,
    /// The columns together.
    pub dataset: DatasetDrift,
    /// Drift of what the model says.
    pub predictions: Option<ColumnDrift>,
    /// Drift of the target, where the new rows have it.
    pub target: Option<ColumnDrift>,
    /// Whether a classifier can tell the new rows from the reference rows.
    pub multivariate: Option<Multivariate>,
    /// Metrics on new rows whose answers are known.
    pub performance: Option<Performance>,
    /// Metrics expected on new rows without answers.
    pub estimated: Option<Performance>,
    /// By which seasons the rows were compared; `None` where they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub season: Option<SeasonRecord>,
    /// Groups and periods of the rows whose answers are known; `None` where they are too few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_time: Option<OverTimeRecord>,
    /// What the batches of a history come to together; `None` without a history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accumulated: Option<Accumulated>,
    /// What could not be looked at, and why.
    pub notes: Vec<String>,
}

/// Evidence over all batches of a history: small shifts that stay.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Accumulated {
    /// Batches so far, this one among them.
    pub n_batches: u64,
    /// The chance, at most, that evidence ever becomes so large where nothing moves, however many
    /// batches come; of all means together.
    pub p_value: f64,
    /// Below which p-value something moved.
    pub level: f64,
    /// Whether it did.
    pub drifted: bool,
    /// The means that are watched.
    pub means: Vec<AccumulatedMean>,
}

/// A mean over batches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AccumulatedMean {
    /// `answers` (the share of the second class, or the mean), `predictions` (their mean) or `loss`
    /// (by how much it is above what the probabilities promise, or the squared error).
    pub name: String,
    /// As [`Accumulated::p_value`], of this mean alone.
    pub p_value: f64,
    /// What the reference has.
    pub reference: f64,
    /// The mean of the batches since `since`; `None` where none has a value.
    pub value: Option<f64>,
    /// Independent rows since then.
    pub n_rows: f64,
    /// The batch, from 1, since which most speaks for a shift.
    pub since: u64,
}

/// New rows were held against reference rows of the same season.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SeasonRecord {
    /// `hour`, `weekday` or `month`.
    pub season: String,
    /// The column with the time of each row.
    pub column: String,
    /// The seasons that either side has, in the order of the calendar.
    pub seasons: Vec<SeasonRows>,
    /// As many rows the reference counts for in the seasons of the new rows.
    pub n_effective: u64,
    /// New rows of seasons of which the reference has too few rows: all of it stands in for them.
    pub n_lacking: u64,
}

/// The rows of a season.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeasonRows {
    /// Such as `Mon`, `13h` or `Feb`.
    pub name: String,
    /// Rows of the reference.
    pub n_reference: u64,
    /// New rows.
    pub n_current: u64,
}

/// Which model was watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchedModel {
    /// The target column.
    pub target: String,
    /// The task.
    pub task: Task,
    /// The optimised metric.
    pub metric: String,
    /// When it was made.
    pub created: String,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowsRecord {
    /// File names, or `training data`.
    pub names: Vec<String>,
    /// Rows.
    pub n_rows: u64,
    /// Whether its values were kept, or only a sketch of them.
    pub is_exact: bool,
}

/// What it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing moved beyond chance.
    Stable,
    /// Something moved; the model as a whole may still be right.
    Watch,
    /// The model should not be relied on before somebody looked.
    Alarm,
}

/// The finding in one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// How serious.
    pub status: Status,
    /// In one sentence.
    pub summary: String,
    /// Whether data drifted: the dataset, the predictions, or columns that matter.
    pub drift: bool,
    /// Whether performance is worse than on the untouched rows, measured or expected.
    pub performance: bool,
    /// Whether columns or values are not as the model needs them.
    pub quality: bool,
}

/// What is wrong with a column or its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualityKind {
    /// A column of the model is not there.
    MissingColumn,
    /// A column that the model does not know.
    UnexpectedColumn,
    /// Values that cannot be read as the column's type.
    WrongType,
    /// Every value is missing.
    Empty,
    /// One value only, where there were several.
    Constant,
    /// More (or fewer) missing values than before.
    Missing,
    /// Values that were never seen in training.
    UnseenValues,
    /// Numbers beyond the smallest or largest of the training.
    OutOfRange,
    /// Infinite numbers.
    Infinite,
    /// All numbers seem to be multiplied by one factor.
    Unit,
}

/// A finding about a column or its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityFinding {
    /// What is wrong.
    pub kind: QualityKind,
    /// The column.
    pub column: String,
    /// Whether it breaks what the model relies on, or is only worth knowing.
    pub is_severe: bool,
    /// Whether the values are broken (unreadable, gone, stuck, of another unit), rather than
    /// distributed in another way, which a new model can learn. Only severe findings are.
    #[serde(default)]
    pub is_broken: bool,
    /// New rows concerned; `None` for the column itself.
    pub n_rows: Option<u64>,
    /// In words, with the numbers.
    pub message: String,
}

/// How the values of a column moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDrift {
    /// The column.
    pub column: String,
    /// What it means.
    pub kind: Kind,
    /// Its share of the model's permutation importance, in `[0, 1]`; `None` when unknown.
    pub importance: Option<f64>,
    /// The measure that was chosen, by Evidently's name; `None` when nothing could be compared.
    pub measure: Option<String>,
    /// Its value.
    pub score: Option<f64>,
    /// From which value on (distances) or below which (p-values) it speaks of drift.
    pub threshold: Option<f64>,
    /// Whether the measure alone speaks of drift.
    pub exceeds: bool,
    /// Two-sided p-value of a two-sample test.
    pub p_value: Option<f64>,
    /// The p-value adjusted for the number of columns (Benjamini–Hochberg).
    pub p_adjusted: Option<f64>,
    /// The column drifted: the measure exceeds its threshold, and not by chance.
    pub drifted: bool,
    /// Population stability index.
    pub psi: Option<f64>,
    /// The reference values.
    pub reference: Summary,
    /// The new values.
    pub current: Summary,
    /// What moved, in words; empty when nothing did.
    pub words: String,
}

/// The values of a column on one side.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Rows.
    pub n_rows: u64,
    /// Missing values.
    pub n_missing: u64,
    /// Distinct values (estimated above a few thousand).
    pub n_distinct: u64,
    /// Mean of numbers.
    pub mean: Option<f64>,
    /// Standard deviation of numbers (n − 1).
    pub std: Option<f64>,
    /// Quantiles 0.05, 0.25, 0.5, 0.75, 0.95 of numbers.
    pub quantiles: Vec<f64>,
    /// Rows of numbers in bins that both sides share.
    pub bins: Vec<Bin>,
    /// The most frequent values of categories, of either side, in the same order on both.
    pub levels: Vec<Level>,
}

/// The columns together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetDrift {
    /// Columns that were compared.
    pub n_columns: usize,
    /// Columns that drifted.
    pub n_drifted: usize,
    /// Their share.
    pub share: f64,
    /// Columns whose measure alone speaks of drift, before chance is accounted for.
    pub n_exceeding: usize,
    /// The share of the model's importance that drifted columns carry; `None` when unknown.
    pub importance_share: Option<f64>,
    /// From which share on the dataset drifted.
    pub threshold: f64,
    /// Whether it did.
    pub drifted: bool,
}

/// A classifier between reference rows and new rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Multivariate {
    /// Area under its ROC curve on rows that it did not learn from; 0.5 tells nothing apart.
    pub roc_auc: f64,
    /// 95 % interval.
    pub ci95: Interval,
    /// From which lower end on it is drift.
    pub threshold: f64,
    /// Whether it is.
    pub drifted: bool,
    /// Rows of either side that were used.
    pub n_reference: usize,
    /// Rows of the new side that were used.
    pub n_current: usize,
    /// Whether the relations among the columns still hold; `None` where there are too few columns,
    /// and in records of before 2026-11-27.
    #[serde(default)]
    pub reconstruction: Option<Reconstruction>,
}

/// What rows lose when only the main directions of the reference are kept, in standard deviations
/// of its columns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reconstruction {
    /// Mean error of the new rows.
    pub error: f64,
    /// Mean error of reference rows from which the directions were not learned.
    pub reference: f64,
    /// Of the difference of the two.
    pub standard_error: f64,
    /// Columns that were compared.
    pub n_columns: usize,
    /// Directions that were kept.
    pub n_components: usize,
    /// Whether the difference is beyond chance, and large enough to matter.
    pub drifted: bool,
}

/// Metrics on the new rows beside those on the untouched rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// How they came about.
    pub method: String,
    /// New rows.
    pub n_rows: u64,
    /// What they are compared with, e.g. `holdout`; `None` when there is nothing.
    pub compared_with: Option<String>,
    /// The metrics; the optimised one first, where it could be had.
    pub metrics: Vec<MetricChange>,
    /// What the numbers rely on.
    pub caveat: String,
}

/// A metric then and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricChange {
    /// scikit-learn's name.
    pub name: String,
    /// Whether larger is better.
    pub larger_is_better: bool,
    /// On the new rows.
    pub value: Option<f64>,
    /// Its 95 % interval.
    pub ci95: Option<Interval>,
    /// On the untouched rows, in the same way.
    pub reference: Option<f64>,
    /// Its 95 % interval.
    pub reference_ci95: Option<Interval>,
    /// New minus reference, with a 95 % interval of independent samples.
    pub change: Option<f64>,
    /// The interval of the change.
    pub change_ci95: Option<Interval>,
    /// Whether it is worse beyond chance.
    pub worse: bool,
    /// The share of the model's lead over the constant baseline that is lost; `None` when the
    /// baseline is not known, or the metric did not get worse.
    pub lost: Option<f64>,
    /// Why something is missing.
    pub note: Option<String>,
}
