//! Whether groups of people are treated alike, as an audit finds it.

use serde::{Deserialize, Serialize};

use super::evaluation::{Interval, MetricValue};
use super::uncertainty::GroupCoverage;

/// What an audit of groups found on one set of rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FairnessRecord {
    /// `holdout`, or the name of the file.
    pub on: String,
    /// Rows.
    pub n_rows: usize,
    /// Groups with fewer rows are counted, but not judged.
    pub min_group: usize,
    /// How the intervals were computed.
    pub interval_method: String,
    /// Questions that were judged together, whose p-values are corrected for their number; 0 in
    /// records of versions that did not.
    #[serde(default)]
    pub n_questions: usize,
    /// Each sensitive column by itself, then all of them together; with many classes each class
    /// against the others.
    pub audits: Vec<GroupAudit>,
    /// How often intervals or sets of predictions held the truth of each judged group; empty when
    /// the model has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldGroups>,
    /// Columns that reveal a sensitive one, the most telling first.
    pub proxies: Vec<Proxy>,
}

/// What intervals or sets of predictions reach in the groups of one partition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldGroups {
    /// The columns whose values make the groups.
    pub columns: Vec<String>,
    /// The share of rows that is to be held.
    pub level: f64,
    /// The groups.
    pub groups: Vec<GroupCoverage>,
}

/// One partition of the rows into groups, measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupAudit {
    /// The columns whose values make the groups.
    pub columns: Vec<String>,
    /// The class that counts as positive; `None` for a regression.
    pub positive: Option<String>,
    /// How values were put together to groups, if they were.
    pub note: Option<String>,
    /// Each measure on all rows.
    pub overall: Vec<MetricValue>,
    /// The groups, in the order of their values.
    pub groups: Vec<GroupMeasures>,
    /// For each measure: how far the judged groups lie apart.
    pub disparities: Vec<Disparity>,
    /// The definitions of fairness, under the names of fairlearn and AIF360.
    pub definitions: Vec<Disparity>,
    /// What it comes to.
    pub judgement: Judgement,
    /// The same in words, a sentence or two.
    pub verdict: String,
}

/// A group, measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupMeasures {
    /// The value, or the values joined by ` · `.
    pub name: String,
    /// Rows.
    pub n_rows: usize,
    /// Whether there are enough rows to say anything.
    pub is_judged: bool,
    /// Its measures, in the order of [`GroupAudit::overall`]; none when it is not judged.
    pub measures: Vec<MetricValue>,
}

/// How far groups lie apart by one measure or definition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Disparity {
    /// The measure, or the definition's name such as `demographic_parity_difference`.
    pub name: String,
    /// Largest less smallest value of the groups, or the definition's value; `None` where it is
    /// undefined or fewer than two groups are judged.
    pub value: Option<f64>,
    /// Smallest over largest value; only of measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// 95 % interval of the value, for the two groups that are farthest apart.
    pub ci95: Option<Interval>,
    /// The chance of such a disparity or a larger one when all groups are alike.
    pub p_value: Option<f64>,
    /// The same, corrected by Holm's method for all questions of the audit that are judged; `None`
    /// of what is shown and not judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_holm: Option<f64>,
    /// The group with the smallest value.
    pub lowest: Option<String>,
    /// The group with the largest value.
    pub highest: Option<String>,
    /// Why there is no value; only of definitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How decisions were made fair, and what that costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MitigationRecord {
    /// The definition of fairness: `demographic_parity`, `equal_opportunity` or `equalized_odds`.
    pub constraint: String,
    /// The largest difference of rates that was allowed.
    pub max_gap: f64,
    /// How it was done: `thresholds`, `one_threshold`, `reweighing` or `exponentiated_gradient`.
    #[serde(default = "thresholds", skip_serializing_if = "is_thresholds")]
    pub method: String,
    /// The columns whose values make the groups.
    pub columns: Vec<String>,
    /// The threshold for everybody, which groups without one of their own keep.
    pub threshold: f64,
    /// Groups that are constrained, with their thresholds.
    pub groups: Vec<GroupThreshold>,
    /// Out-of-fold rows that it was chosen on.
    pub n_rows: usize,
    /// The model as it would be without, on these rows.
    pub before: FairPoint,
    /// What is in use, on these rows.
    pub after: FairPoint,
    /// The best that other allowed gaps would give in the same way, from wide to narrow.
    pub front: Vec<FairPoint>,
    /// All ways that were looked at, if there was more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<MitigationTrial>,
    /// The trials of the search that were learned again in a fair way; empty when none was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learned_from: Vec<String>,
    /// The same two on untouched rows, `(before, after)`; `None` when there are none.
    pub held: Option<(FairPoint, FairPoint)>,
}

fn thresholds() -> String {
    "thresholds".to_owned()
}

fn is_thresholds(method: &str) -> bool {
    method == "thresholds"
}

/// A way to be fair, and what it comes to out of fold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MitigationTrial {
    /// See [`MitigationRecord::method`].
    pub method: String,
    /// Whether a prediction needs the sensitive columns.
    pub needs_columns: bool,
    /// At the gap that was allowed; `None` when nothing came of it.
    pub reached: Option<FairPoint>,
    /// The optimised metric of its scores.
    pub score: Option<f64>,
    /// Fits that it took beyond those of the search.
    pub n_fits: usize,
    /// The best that other allowed gaps would give, from wide to narrow.
    pub front: Vec<FairPoint>,
    /// Why nothing came of it, or what ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The threshold of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupThreshold {
    /// The group's name.
    pub group: String,
    /// Positive is decided from this probability on.
    pub threshold: f64,
    /// Share of its rows that are then decided positive, out of fold.
    pub selection_rate: f64,
    /// The same of its positive rows.
    pub true_positive_rate: f64,
    /// The same of its negative rows.
    pub false_positive_rate: f64,
}

/// How unequal and how right decisions are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct FairPoint {
    /// The gap that was allowed; `None` where nothing was asked.
    pub max_gap: Option<f64>,
    /// The largest difference of the constrained rates.
    pub gap: f64,
    /// Share of rows that are decided rightly.
    pub accuracy: f64,
}

/// What an audit comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Too few rows to say anything.
    #[default]
    NotJudged,
    /// No large disparity, and enough rows to have seen one.
    Alike,
    /// A disparity that may be chance, or too few rows to rule one out.
    Unclear,
    /// A large disparity that is not chance.
    Unequal,
}

/// A column that reveals a sensitive one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proxy {
    /// The column that reveals; empty for all columns together.
    pub column: String,
    /// The sensitive column.
    pub sensitive: String,
    /// Cramér's V of the two, corrected for chance, in [0, 1].
    pub association: f64,
    /// The share of rows whose group it tells, by rows that were not looked at.
    pub told: f64,
    /// 95 % interval of that share, by units where rows belong together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_ci95: Option<Interval>,
    /// The share that is told by always naming the largest group.
    pub guessed: f64,
}
