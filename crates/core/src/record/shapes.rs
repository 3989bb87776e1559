//! What a model that adds up functions of single columns and of pairs adds where, and who changed
//! that by hand.

use serde::{Deserialize, Serialize};

use super::evaluation::MetricValue;

/// The functions of an explainable boosting machine, as numbers that a person may read and change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shapes {
    /// [`Shapes::FORMAT`].
    pub format: String,
    /// The target column.
    pub target: String,
    /// What the numbers add up to: `value`, `log_odds` or `log_probability` (up to a constant).
    pub scale: String,
    /// What each number of a list stands for: the positive class, the target, or every class.
    pub outputs: Vec<String>,
    /// What the sum begins with, for each output.
    pub intercepts: Vec<f64>,
    /// The functions.
    pub terms: Vec<ShapeTerm>,
}

impl Shapes {
    /// The name and version of the format.
    pub const FORMAT: &'static str = "modelwright-shapes/1";
}

/// A function of one column, or of a pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShapeTerm {
    /// The raw column, or the two.
    pub columns: Vec<String>,
    /// What is read of each: the column itself, or a part of it such as `signup:month`.
    pub features: Vec<String>,
    /// The mean size of what it adds, summed over outputs.
    pub importance: f64,
    /// Of one column: its bins and what each adds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bins: Vec<ShapeBin>,
    /// Of a pair: the bins of either side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sides: Vec<Vec<ShapeBin>>,
    /// Of a pair: what is added, by bin of the first side, bin of the second side, and output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub table: Vec<Vec<Vec<f64>>>,
}

impl ShapeTerm {
    /// What is added in each bin, or in each of the pairs of bins (the second side first), one
    /// number for each output.
    pub fn cells(&self) -> Vec<&[f64]> {
        let of_bins = self.bins.iter().map(|bin| bin.add.as_slice());
        of_bins.chain(self.table.iter().flatten().map(Vec::as_slice)).collect()
    }
}

/// Some values of a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShapeBin {
    /// Numbers above this; `None` is from below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// Numbers up to this; `None` is to above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<f64>,
    /// These values of a category.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// Missing values too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
    /// What is added, for each output; empty for a side of a pair.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<f64>,
}

/// A change of a model by hand, and what it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditRecord {
    /// Who changed it.
    pub author: String,
    /// Why, in the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When: ISO 8601 in UTC, filled by the caller.
    pub created: String,
    /// SHA-256 of the model file that was changed.
    pub parent_sha256: String,
    /// What was changed.
    pub terms: Vec<TermEdit>,
    /// The rows on which the model was measured before and after.
    pub on: String,
    /// How many of them.
    pub n_rows: usize,
    /// Metrics before.
    pub before: Vec<MetricValue>,
    /// The same after.
    pub after: Vec<MetricValue>,
    /// Whether they are the file that the model learned from: it then looks better than it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub learned_from: bool,
}

/// A function that was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TermEdit {
    /// Its features; none is the intercept.
    pub features: Vec<String>,
    /// Numbers that were changed.
    pub n_changed: usize,
    /// Numbers that it has.
    pub n_numbers: usize,
    /// The largest change, with its sign.
    pub largest: f64,
}
