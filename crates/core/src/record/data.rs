//! What was found in the data: source, profile, alerts, leakage.

use serde::{Deserialize, Serialize};

use crate::data::Kind;

/// Where a table came from and how it was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DataSource {
    /// File name without its folder.
    pub name: String,
    /// Format, e.g. `csv`, `parquet`.
    pub format: String,
    /// Compression, e.g. `gzip`.
    pub compression: Option<String>,
    /// Character encoding of a text format, e.g. `UTF-8`, `windows-1252`.
    pub encoding: Option<String>,
    /// Field separator of a CSV.
    pub delimiter: Option<char>,
    /// SHA-256 of the file's bytes, hexadecimal.
    pub sha256: String,
    /// How many bytes the hash covers, where there was no time to read all of the file: the first
    /// ones, or those of the parts that were read, each behind its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_bytes_hashed: Option<u64>,
    /// Data rows of the table.
    pub n_rows: usize,
    /// Columns.
    pub n_columns: usize,
    /// What the reader had to say (encoding guessed, rows repaired, …).
    pub notes: Vec<String>,
    /// How the rows of the table were taken from those of the file; `None` when all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

/// What a person says about a text table, where looking at it may not tell: parts that are not said
/// are found out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextLayout {
    /// Stands between fields; a blank for any run of blanks and tabs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// Whether the first record holds the names of the columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// Whether a comma is the decimal sign, rather than a point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal_comma: Option<bool>,
    /// The character encoding, by its name, e.g. `windows-1252`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
}

impl TextLayout {
    /// Whether nothing is said.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// This, and what `other` says where this is silent.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            separator: self.separator.or(other.separator),
            header: self.header.or(other.header),
            decimal_comma: self.decimal_comma.or(other.decimal_comma),
            encoding: self.encoding.or_else(|| other.encoding.clone()),
        }
    }
}

/// The rows that were taken from a file which did not fit into memory or time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Rows that the reader came across: all of the file, unless parts of it were not read.
    pub n_rows_seen: u64,
    /// The share of the rows seen that was kept, in `(0, 1]`; which ones, a fixed hash of the
    /// row's place and the seed decides.
    pub row_share: f64,
    /// The share of the file's parts that was read, in `(0, 1]`; the parts are spread over it.
    pub part_share: f64,
    /// Reading ended before this byte of the text (or batch, of an Arrow file); `None` when it went
    /// to the end.
    pub end: Option<u64>,
    /// All this in words, with the reason.
    pub account: String,
}

/// What a table looks like.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableProfile {
    /// Rows.
    pub n_rows: usize,
    /// Rows that repeat an earlier row exactly.
    pub n_duplicate_rows: usize,
    /// Bytes in memory, all numbers as f64: the same for the same values, whatever their source.
    pub size_bytes: usize,
    /// One entry per column, in file order.
    pub columns: Vec<ColumnProfile>,
    /// Columns that have no entry here, because there are too many: the model file has all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_left_out: usize,
    /// What deserves attention.
    pub alerts: Vec<Alert>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl TableProfile {
    /// The most columns that an account or a report lists: as many as a person looks through, and
    /// few enough for a file that opens at once.
    pub const LISTED_MAX: usize = 500;

    /// The first [`Self::LISTED_MAX`] columns and the column `kept`; `None` where there are no
    /// more.
    pub fn shortened(&self, kept: Option<&str>) -> Option<Self> {
        if self.columns.len() <= Self::LISTED_MAX {
            return None;
        }
        let (first, rest) = self.columns.split_at(Self::LISTED_MAX);
        let kept = rest.iter().filter(|column| Some(column.name.as_str()) == kept);
        let columns: Vec<ColumnProfile> = first.iter().chain(kept).cloned().collect();
        let n_left_out = self.n_left_out + self.columns.len() - columns.len();
        let (n_rows, alerts) = (self.n_rows, self.alerts.clone());
        let (n_duplicate_rows, size_bytes) = (self.n_duplicate_rows, self.size_bytes);
        Some(Self { n_rows, n_duplicate_rows, size_bytes, columns, n_left_out, alerts })
    }
}

/// What a column looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// What it means, with the evidence.
    pub kind: KindGuess,
    /// Rows.
    pub n_rows: usize,
    /// Missing values.
    pub n_missing: usize,
    /// Distinct values that are not missing (estimated above a few thousand).
    pub n_distinct: usize,
    /// Whether `n_distinct` is exact.
    pub distinct_is_exact: bool,
    /// The most frequent values, most frequent first.
    pub top: Vec<Level>,
    /// Statistics of a column of numbers or instants (instants in seconds since 1970).
    pub numbers: Option<Numbers>,
    /// Statistics of a column of strings.
    pub texts: Option<Texts>,
}

/// A kind and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindGuess {
    /// The kind.
    pub kind: Kind,
    /// The evidence in words, e.g. `12 distinct whole numbers in 39,074 rows`.
    pub evidence: String,
    /// Whether the user decided it.
    pub overridden: bool,
}

/// A value and how often it occurs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// The value as text.
    pub value: String,
    /// Rows that have it (a lower bound when `n_distinct` is not exact).
    pub n_rows: usize,
}

/// A named count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// What is counted.
    pub name: String,
    /// How many.
    pub n: usize,
}

/// Statistics of numbers. Moments are over finite values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// Finite values.
    pub n_finite: usize,
    /// Infinite values.
    pub n_infinite: usize,
    /// Zeros.
    pub n_zero: usize,
    /// Negative values.
    pub n_negative: usize,
    /// Whether every finite value is whole.
    pub integral: bool,
    /// Smallest finite value.
    pub min: Option<f64>,
    /// Largest finite value.
    pub max: Option<f64>,
    /// Mean.
    pub mean: Option<f64>,
    /// Standard deviation (n − 1).
    pub std: Option<f64>,
    /// Skewness (population).
    pub skewness: Option<f64>,
    /// Quantiles 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99.
    pub quantiles: Vec<f64>,
    /// Equal-width histogram from `min` to `max`.
    pub histogram: Vec<Bin>,
}

/// One bar of a histogram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower end.
    pub from: f64,
    /// Upper end (included in the last bar only).
    pub to: f64,
    /// Rows in it.
    pub n_rows: usize,
}

/// Statistics of strings, in characters and blank-separated words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Texts {
    /// Shortest length.
    pub min_length: usize,
    /// Longest length.
    pub max_length: usize,
    /// Mean length.
    pub mean_length: f64,
    /// Mean number of words.
    pub mean_words: f64,
}

/// How much attention something deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Probably matters.
    Warning,
    /// Act on it.
    Severe,
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// One value.
    Constant,
    /// One value in nearly all rows.
    NearConstant,
    /// No value at all.
    Empty,
    /// Many missing values.
    Missing,
    /// Many zeros.
    Zeros,
    /// Infinite values.
    Infinite,
    /// Nearly every value is distinct: a name of the row.
    IdLike,
    /// Every value is distinct.
    Unique,
    /// Very many categories.
    HighCardinality,
    /// Strongly skewed numbers.
    Skewed,
    /// One category (or target class) dominates.
    Imbalanced,
    /// Repeated rows.
    DuplicateRows,
    /// Two columns with the same values.
    DuplicateColumns,
    /// Two columns that say nearly the same.
    HighCorrelation,
    /// Numbers and words in one column.
    MixedTypes,
    /// Categories that differ only in case or blanks (`Yes`, `yes `).
    DirtyCategories,
    /// A number that stands for missing (−1, 999, 9999).
    Sentinel,
    /// Text that looks like dates.
    DateAsText,
    /// Every text has the same length.
    ConstantLength,
    /// Values spread evenly over the range.
    Uniform,
    /// Values that change their level along the file.
    NonStationary,
    /// Nested or binary values.
    Unsupported,
    /// Classes of the target with very few rows.
    RareClass,
}

/// Something in the data that deserves attention.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// How much attention it deserves.
    pub severity: Severity,
    /// The columns concerned; empty for the whole table.
    pub columns: Vec<String>,
    /// In words, with the numbers.
    pub message: String,
}

/// How information about the target may have leaked into the features or the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakKind {
    /// One feature alone nearly determines the target.
    TargetProxy,
    /// A feature is a copy of the target.
    TargetCopy,
    /// A row identifier predicts the target.
    Identifier,
    /// A column is filled only when the target is known (or has a certain value).
    FilledAfterwards,
    /// The same rows are in training and test.
    DuplicateAcrossSplit,
    /// Rows of one group are on both sides of the split.
    GroupAcrossSplit,
    /// The rows are ordered in time and the split ignores it.
    TimeOrderIgnored,
}

/// What was done about a leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakAction {
    /// Only reported.
    Reported,
    /// The column was excluded.
    Excluded,
    /// The column was kept because the user said so.
    KeptOnRequest,
    /// The rows were kept on one side of the split.
    RowsKeptTogether,
}

/// A suspected leak.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeakFinding {
    /// What kind.
    pub kind: LeakKind,
    /// The columns concerned.
    pub columns: Vec<String>,
    /// How sure, from 0 to 1.
    pub confidence: f64,
    /// The share of the test rows that it concerns, where it is about rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_of_test: Option<f64>,
    /// Why it is suspected, in words, with the numbers.
    pub evidence: String,
    /// What was done.
    pub action: LeakAction,
}
