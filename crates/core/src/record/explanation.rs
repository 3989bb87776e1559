//! Why the model predicts what it predicts: what columns add, how predictions move along them, and
//! (only when rows may be shown) a few rows with their reasons.

use serde::{Deserialize, Serialize};

use super::evaluation::Interval;
use super::surrogate::SurrogateRecord;

/// The explanation of a model on some rows, summed up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExplanationRecord {
    /// How values were found: `exact`, `permutation` or `tree`.
    pub method: String,
    /// What is divided among the columns: `probability`, `margin` or `value`.
    pub scale: String,
    /// Rows that were explained.
    pub n_rows: usize,
    /// Background rows that stood for "not known".
    pub n_background: usize,
    /// What is explained: classes, or (binary) the positive class, or the target.
    pub outputs: Vec<String>,
    /// The mean over the background, one per output.
    pub base_values: Vec<f64>,
    /// The columns, those that add most first.
    pub effects: Vec<EffectRecord>,
    /// How predictions move along the first of them.
    pub profiles: Vec<ProfileRecord>,
    /// Columns along which there was no time to move predictions; `None` where that was not
    /// written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_untimely: Option<usize>,
    /// What the first columns of numbers add along their values, by another column that changes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependences: Vec<DependenceRecord>,
    /// How differently rows respond to the first columns of numbers, by curves of rows (ICE).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<ResponseRecord>,
    /// A small tree that says about the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surrogate: Option<SurrogateRecord>,
    /// Single rows with their reasons; empty unless rows may be shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<ExampleRecord>,
}

/// What one column adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectRecord {
    /// The raw column.
    pub column: String,
    /// The mean size of what it adds, summed over outputs.
    pub mean_abs: f64,
    /// Its 95 % interval over the choice of rows.
    pub ci95: Interval,
    /// How many rows have which effect (multiclass: on the class that is predicted), by how large
    /// the value is.
    pub swarm: Vec<SwarmBin>,
}

/// Rows of similar effect and value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SwarmBin {
    /// The middle of the effects.
    pub effect: f64,
    /// The fifth of the values that they are in, from 0; `None` for categories and missing values.
    pub level: Option<u8>,
    /// How many there are.
    pub n_rows: usize,
}

/// What a column adds along its values, apart for groups of another column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DependenceRecord {
    /// The raw column.
    pub column: String,
    /// The column whose groups differ most; `None` when no column tells more than chance.
    pub by: Option<String>,
    /// The share of what varies among rows of like values that these groups tell.
    pub share: f64,
    /// Rows that were explained.
    pub n_rows: usize,
    /// A line for each group; one when there are none.
    pub lines: Vec<DependenceLine>,
}

/// A group of rows, along a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DependenceLine {
    /// The group in words; empty when there is only one.
    pub label: String,
    /// Means, by rising value.
    pub points: Vec<DependencePoint>,
}

/// Rows of like values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DependencePoint {
    /// Their mean value.
    pub value: f64,
    /// What the column adds to them on average (multiclass: to the class that is predicted).
    pub effect: f64,
    /// How many there are.
    pub n_rows: usize,
}

/// How differently rows respond to a column: centred curves, in groups of another column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseRecord {
    /// The raw column.
    pub column: String,
    /// The output that moves.
    pub output: String,
    /// Rows whose curves were found.
    pub n_rows: usize,
    /// A line is the mean of at least so many rows with curves that are alike; 1 where rows may be
    /// shown.
    pub rows_per_line: usize,
    /// Whether points are microseconds since 1970.
    pub is_instant: bool,
    /// The share of the movement that all rows have in common, in [0, 1]; `None` where nothing
    /// moves.
    pub common: Option<f64>,
    /// The column whose groups tell most of how curves differ; `None` when none tells more than
    /// chance.
    pub by: Option<String>,
    /// The share of the differences that these groups tell.
    pub share: f64,
    /// The values that rows were given, ascending.
    pub points: Vec<f64>,
    /// The groups; one without a label when there are none.
    pub groups: Vec<ResponseGroup>,
}

/// The curves of a group of rows, each less its own value at the first point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseGroup {
    /// The group in words; empty when there is only one.
    pub label: String,
    /// Rows.
    pub n_rows: usize,
    /// Their mean curve.
    pub mean: Vec<f64>,
    /// Curves of like rows.
    pub lines: Vec<Vec<f64>>,
}

/// How predictions move along a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileRecord {
    /// The raw column.
    pub column: String,
    /// `ale` (accumulated local effects) or `partial_dependence`.
    pub method: String,
    /// The output that moves.
    pub output: String,
    /// Rows that were moved.
    pub n_rows: usize,
    /// Whether numbers are microseconds since 1970.
    pub is_instant: bool,
    /// The points.
    pub points: Vec<ProfilePointRecord>,
}

/// A point of a profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfilePointRecord {
    /// The value as people write it.
    pub value: String,
    /// The value as a number; `None` for a category.
    pub number: Option<f64>,
    /// Rows that have about this value.
    pub n_rows: usize,
    /// The difference to the mean prediction.
    pub effect: f64,
    /// Half of its 95 % interval.
    pub half_width: f64,
}

/// A row with its reasons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExampleRecord {
    /// Which row it is, in words.
    pub label: String,
    /// What is predicted of it.
    pub output: String,
    /// The prediction.
    pub prediction: f64,
    /// The mean over the background.
    pub base_value: f64,
    /// The largest parts, and what all others add together.
    pub parts: Vec<ExamplePart>,
    /// What the columns that are not named add together.
    pub others: f64,
}

/// What a column adds to a row's prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamplePart {
    /// The raw column.
    pub column: String,
    /// Its value; `None` when missing.
    pub value: Option<String>,
    /// What it adds.
    pub effect: f64,
    /// Standard error of that, where it was sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
    /// The same as a sentence.
    pub text: String,
}
