//! The run as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::continued::ContinuedRecord;
use super::data::{Bin, Count, DataSource, LeakFinding, TableProfile, TextLayout};
use super::evaluation::{Evaluation, Importance, Nested};
use super::explanation::ExplanationRecord;
use super::fairness::{FairnessRecord, MitigationRecord};
use super::familiarity::FamiliarityRecord;
use super::feature_cost::FeatureCostRecord;
use super::more_rows::MoreRowsRecord;
use super::offer::{Offer, Picked};
use super::own::OwnPart;
use super::retrained::RetrainedRecord;
use super::robustness::RobustnessRecord;
use super::search::{EnsembleRecord, Plan, PlannedTrial, TrialRecord};
use super::second_level::SecondLevelRecord;
use super::shapes::{EditRecord, Shapes};
use super::slices::SlicesRecord;
use super::suspects::SuspectsRecord;
use super::uncertainty::{CalibrationRecord, CostRecord, IntervalsRecord};
use super::unusual::UnusualRecord;
use crate::context::Decisions;
use crate::data::{Kind, Schema};
use crate::params::ParamMap;
use crate::task::Task;

/// The version of the record's format; raised when a reader of the old one would go wrong.
pub const FORMAT_VERSION: u32 = 1;

/// Everything a run was asked, found, tried and measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// Version of Modelwright that made it.
    pub engine_version: String,
    /// What was asked, resolved.
    pub options: Options,
    /// The training data.
    pub data: DataSource,
    /// The test data, if a test file was given.
    pub test_data: Option<DataSource>,
    /// The columns as they were used.
    pub schema: Schema,
    /// What the training data look like.
    pub profile: TableProfile,
    /// Suspected leaks and what was done.
    pub leakage: Vec<LeakFinding>,
    /// The question.
    pub task: TaskRecord,
    /// How rows were parted.
    pub split: SplitRecord,
    /// What was planned.
    pub plan: Plan,
    /// What came of it, in the order in which it ran.
    pub trials: Vec<TrialRecord>,
    /// Whether the search came to its own end: every planned trial was tried, none was cut off or
    /// hurried, and more time would have changed nothing.
    #[serde(default)]
    pub is_exhausted: bool,
    /// The combination that became the model.
    pub ensemble: EnsembleRecord,
    /// The delivered combination and what could be picked in its place, by falling size; empty
    /// when there is nothing smaller.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offers: Vec<Offer>,
    /// Which of the offers this model is; `None` is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picked: Option<Picked>,
    /// The functions of a model that is a sum of them, the most important ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shapes: Option<Shapes>,
    /// Changes by hand since the fit, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<EditRecord>,
    /// The continuations that made the model of an earlier one, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continued: Vec<ContinuedRecord>,
    /// The files and the wishes of the retraining that made the model, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrained: Option<RetrainedRecord>,
    /// What the columns cost that the model reads, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature_costs: Option<FeatureCostRecord>,
    /// The decision threshold on the positive class (binary), chosen out of fold.
    pub threshold: Option<f64>,
    /// Whether a second level of models corrects the members' mean; `None` when none was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_level: Option<SecondLevelRecord>,
    /// How the probabilities were calibrated out of fold (classification).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationRecord>,
    /// What wrong decisions cost, when the user said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<CostRecord>,
    /// How intervals or sets of predictions are made, and what they reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<IntervalsRecord>,
    /// Training rows whose target looks wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspects: Option<SuspectsRecord>,
    /// The one evaluation on untouched rows; `None` when there were too few rows to hold out.
    pub evaluation: Option<Evaluation>,
    /// Groups of untouched rows for which the model is worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slices: Option<SlicesRecord>,
    /// Whether the groups of the sensitive columns are treated alike on the untouched rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fairness: Option<FairnessRecord>,
    /// How decisions were made fair, when that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mitigation: Option<MitigationRecord>,
    /// What becomes of the metric when the untouched rows are strained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robustness: Option<RobustnessRecord>,
    /// How far the untouched rows lie from the training rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub familiarity: Option<FamiliarityRecord>,
    /// How many rows of a later file are unusual; `None` in the account of a fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusual: Option<UnusualRecord>,
    /// Whether more rows would help; `None` when there was no time to find out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more_rows: Option<MoreRowsRecord>,
    /// What the whole search is worth by outer folds, when that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nested: Option<Nested>,
    /// Permutation importances of the raw columns on the untouched rows, largest first.
    pub importances: Vec<Importance>,
    /// Why the model predicts so, on the untouched rows; `None` when there was no time for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<ExplanationRecord>,
    /// What the clock and the machine decided, for replay.
    pub decisions: Decisions,
    /// Everything that depends on the clock or the machine and on which nothing depends.
    pub clock: Clock,
    /// What the user should act on.
    pub warnings: Vec<String>,
}

/// What was asked of `fit`, with defaults resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent wishes, each yes or no")]
pub struct Options {
    /// Target column.
    pub target: String,
    /// Task, when the user named it.
    pub task: Option<Task>,
    /// The metric that is optimised.
    pub metric: Option<String>,
    /// `quick`, `balanced` or `best`.
    pub preset: String,
    /// Wall time in seconds.
    pub time_limit_s: Option<f64>,
    /// Memory in bytes.
    pub memory_limit_bytes: Option<u64>,
    /// Seed of all random streams.
    pub seed: u64,
    /// Share of rows held out.
    pub holdout: f64,
    /// `random`, `stratified`, `group` or `time`; `None` chooses.
    pub split: Option<String>,
    /// Group column.
    pub group: Option<String>,
    /// Time column.
    pub time_column: Option<String>,
    /// Weight column.
    pub weight: Option<String>,
    /// What the user said about tables of text.
    #[serde(default, skip_serializing_if = "TextLayout::is_open")]
    pub text: TextLayout,
    /// Columns not to use.
    pub exclude: Vec<String>,
    /// Columns whose groups are audited (and that may be used as features).
    pub sensitive: Vec<String>,
    /// Label of the positive class.
    pub positive: Option<String>,
    /// The classes in their order, also those of which there may be no rows; empty where they are
    /// those of the rows. An earlier model's, where one takes its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// What decisions cost: `fp`, `fn` (binary) or `actual:predicted`; empty when all errors are
    /// alike.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cost: BTreeMap<String, f64>,
    /// Levels of prediction intervals or sets, in (0, 1); `None` chooses by the task, an empty
    /// list is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Vec<f64>>,
    /// The column whose groups are each to reach the levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_coverage: Option<String>,
    /// The definition of fairness that decisions must keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fair: Option<String>,
    /// The largest difference of rates that it allows, in [0, 1]; `None` is 0.05.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_gap: Option<f64>,
    /// How decisions are made fair: `thresholds`, `one_threshold`, `reweighing`,
    /// `exponentiated_gradient` or `auto`; `None` is by thresholds of groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mitigation: Option<String>,
    /// Kinds that the user decided.
    pub kinds: BTreeMap<String, Kind>,
    /// Keep near-certain leaks.
    pub keep_leaks: bool,
    /// What the delivered model learns from when the test is over: `all` rows, or `train`, the
    /// rows that were not held out.
    #[serde(default = "train_rows")]
    pub refit: String,
    /// Directions in which columns may act on the score, such as `age:+1,price:-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monotone: Option<String>,
    /// Groups of columns that may act together, such as `age,income|hours`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interactions: Option<String>,
    /// Only models that a person can read as a whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interpretable: bool,
    /// The longest time to predict one row, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_latency_us: Option<f64>,
    /// The largest size of the stored predictor, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size_bytes: Option<u64>,
    /// What columns cost, for each row that is predicted, by their names; `*` stands for all that
    /// are not named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub feature_cost: BTreeMap<String, f64>,
    /// The most that the columns may cost together that the model reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_feature_cost: Option<f64>,
    /// Deliver the fastest of the offers that a test cannot tell from the best one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prefer_simple: bool,
    /// Teach small models what the ensemble says, and offer them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub distill: bool,
    /// Let a second level of models correct the mean of the members, where that pays.
    #[serde(default = "yes", skip_serializing_if = "is_on")]
    pub second_level: bool,
    /// Outer folds that judge the whole search; `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nested: Option<usize>,
    /// Single rows may be shown in the report.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_rows: bool,
    /// The one learner to train; `None` searches for the best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub single: Option<Single>,
    /// The only learners to search among, by name; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learners: Vec<String>,
    /// Parts that are code of the caller's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<OwnPart>,
    /// The candidates to try in place of those of the portfolio: an earlier run's members, to be
    /// fitted again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<PlannedTrial>,
    /// The booster that rounds were added to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continued: Option<Continued>,
}

/// A booster that a run began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continued {
    /// The file's name without its folder.
    pub name: String,
    /// Of the file, in hexadecimal digits.
    pub sha256: String,
    /// The rounds that it had.
    pub rounds: usize,
}

/// One learner in place of a search: what `train` was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Single {
    /// The learner's name in the catalog.
    pub learner: String,
    /// Parameters that the user gave; the others are the learner's own.
    pub params: ParamMap,
    /// The encoding; `None` chooses one that fits the learner.
    pub encoding: Option<String>,
    /// Cross-validation folds, 0 for none; `None` chooses by rows and time.
    pub n_folds: Option<usize>,
}

/// What records say that were written before [`Options::second_level`] was.
fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde passes")]
fn is_on(flag: &bool) -> bool {
    *flag
}

/// What records say that were written before [`Options::refit`] was.
fn train_rows() -> String {
    "train".to_owned()
}

impl Options {
    /// The share of rows held out when the user names none.
    pub const HOLDOUT: f64 = 0.2;

    /// The defaults for a target.
    pub fn new(target: impl Into<String>) -> Self {
        Self {
            target: target.into(),
            task: None,
            metric: None,
            preset: "balanced".to_owned(),
            time_limit_s: None,
            memory_limit_bytes: None,
            seed: 0,
            holdout: Self::HOLDOUT,
            split: None,
            group: None,
            time_column: None,
            weight: None,
            text: TextLayout::default(),
            exclude: Vec::new(),
            sensitive: Vec::new(),
            positive: None,
            classes: Vec::new(),
            cost: BTreeMap::new(),
            intervals: None,
            group_coverage: None,
            fair: None,
            max_gap: None,
            mitigation: None,
            kinds: BTreeMap::new(),
            keep_leaks: false,
            refit: "all".to_owned(),
            monotone: None,
            interactions: None,
            interpretable: false,
            max_latency_us: None,
            max_size_bytes: None,
            feature_cost: BTreeMap::new(),
            max_feature_cost: None,
            prefer_simple: false,
            distill: false,
            second_level: true,
            nested: None,
            with_rows: false,
            single: None,
            learners: Vec::new(),
            own: Vec::new(),
            trials: Vec::new(),
            continued: None,
        }
    }
}

/// The question, resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// The task.
    pub task: Task,
    /// Why this task, e.g. `2 distinct labels`.
    pub evidence: String,
    /// Target column.
    pub target: String,
    /// The metric that is optimised.
    pub metric: String,
    /// Whether larger is better.
    pub larger_is_better: bool,
    /// Labels in class order (for binary the positive class is the second); empty for regression.
    pub classes: Vec<String>,
    /// Rows of each class.
    pub class_counts: Vec<Count>,
    /// Distribution of a regression target.
    pub histogram: Vec<Bin>,
    /// Rows left out because the target is missing.
    pub n_rows_without_target: usize,
}

/// How rows were parted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SplitRecord {
    /// `random`, `stratified`, `group`, `time` or `test file`.
    pub kind: String,
    /// Why, in words.
    pub reason: String,
    /// Rows for training and validation.
    pub n_train: usize,
    /// Rows held out.
    pub n_holdout: usize,
    /// Cross-validation folds; 0 for one validation part, or none: see the plan.
    pub n_folds: usize,
    /// How many times the rows were parted into folds once more, in another way: predictions out of
    /// fold are the mean over all of them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_repeats: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// What depends on the clock or the machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// When the run began, ISO 8601 in UTC.
    pub created: String,
    /// Wall seconds of the whole run until the record was written.
    pub total_s: f64,
    /// Wall seconds of each phase.
    pub phases: Vec<PhaseTime>,
    /// Wall seconds of each trial, by name.
    pub trials: Vec<PhaseTime>,
    /// Worker threads.
    pub threads: usize,
    /// Peak resident memory in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Operating system and processor.
    pub machine: String,
}

/// A named duration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// What took the time.
    pub name: String,
    /// Wall seconds.
    pub seconds: f64,
}
