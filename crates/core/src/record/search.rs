//! What was planned and tried: plan, trials, ensemble.

use serde::{Deserialize, Serialize};

use super::evaluation::Interval;
use crate::params::ParamMap;

/// What `fit` intends to do: a value that can be printed, stored and replayed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Cross-validation folds; 0 means one validation part instead.
    pub n_folds: usize,
    /// Share of the training rows in the validation part, when there are no folds; 0 when
    /// nothing is judged before the untouched rows.
    pub validation_share: f64,
    /// The trials, in the order in which they run; the budget may end the list early.
    pub trials: Vec<PlannedTrial>,
    /// Rounds of the greedy ensemble selection.
    pub ensemble_rounds: usize,
    /// The most variants of the members that are tried in time that the trials leave over.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub variants_max: usize,
    /// The most times that the rows are parted into folds in other ways, in time left over, to
    /// judge every trial again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeats_max: usize,
    /// Named heuristics and the reason for each choice.
    pub notes: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// One candidate: an encoding and a learner with its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedTrial {
    /// A name that is unique in the plan, e.g. `gbdt-default`.
    pub name: String,
    /// The learner's name in the catalog.
    pub learner: String,
    /// The encoding's name.
    pub encoding: String,
    /// Columns that it does not learn from, beside those that no trial learns from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Parameters that differ from the learner's defaults.
    pub params: ParamMap,
    /// Whether the learner does exactly the rounds that `params` name, without early stopping.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fixed_rounds: bool,
    /// Why it is here.
    pub reason: String,
}

impl PlannedTrial {
    /// What its features are called: equal for trials that read the same ones. It is the
    /// encoding's name, and what is left out of it.
    pub fn features(&self) -> String {
        if self.without.is_empty() {
            return self.encoding.clone();
        }
        format!("{}{WITHOUT}{}", self.encoding, self.without.join(", "))
    }
}

/// What stands between an encoding and the columns that are left out of it.
const WITHOUT: &str = " without ";

/// The encoding in the name of some features: see [`PlannedTrial::features`].
pub fn encoding_of(features: &str) -> &str {
    features.split(WITHOUT).next().unwrap_or(features)
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialStatus {
    /// It ran to its own end.
    Done,
    /// The budget or the user stopped it; what was learned so far is used.
    Stopped,
    /// It failed; `note` says why.
    Failed,
    /// The budget did not allow it.
    Skipped,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// The planned trial.
    pub trial: PlannedTrial,
    /// How it ended.
    pub status: TrialStatus,
    /// Why it failed, was stopped or skipped.
    pub note: Option<String>,
    /// Validation score in the optimised metric's unit, on predictions out of fold.
    pub score: Option<f64>,
    /// 95 % interval of the score.
    pub ci95: Option<Interval>,
    /// Whether a paired test cannot tell it from the best trial (5 % level).
    pub indistinguishable_from_best: bool,
    /// Whether it was scored and is not used: it has no rank, and nothing is compared with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_left_out: bool,
    /// Rounds (or sweeps) that each fold used.
    pub rounds: Vec<usize>,
}

/// The combination of trials that became the model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EnsembleRecord {
    /// The members with positive weight; weights sum to 1.
    pub members: Vec<Member>,
    /// Small models that learned from the ensemble and have no weight in it: only offers are made
    /// of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub students: Vec<Member>,
    /// Validation score of the combination, out of fold: optimistic, because it was selected.
    pub score: Option<f64>,
    /// The same, corrected for the selection (bootstrap bias correction); equal to `score` where
    /// there was nothing to select from.
    pub corrected_score: Option<f64>,
    /// 95 % interval of the corrected score.
    pub corrected_ci95: Option<Interval>,
    /// How many rows the delivered members learned from, when the held-out rows are among them:
    /// then members of the same recipe that had not seen those rows were tested in their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_rows_all: Option<u64>,
    /// The members that the last fit left as they were tested, because there was no time or memory
    /// for them; empty where all learned from all rows, or none was asked to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_as_tested: Vec<String>,
}

/// A trial's share in the ensemble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The trial's name.
    pub trial: String,
    /// Its weight, in `(0, 1]`; 0 for students.
    pub weight: f64,
    /// Rounds of the refitted model, or the mean of the fold models.
    pub rounds: usize,
    /// How many models are averaged: refits, or one per fold.
    #[serde(default = "one_model")]
    pub n_models: usize,
    /// Whether the models learned without giving rows away to folds. (Records that were written
    /// before this was say it of none; one model alone always is such a refit.)
    #[serde(default)]
    pub is_refit: bool,
}

impl Member {
    /// Whether the models are those of the folds.
    pub fn is_of_folds(&self) -> bool {
        self.n_models > 1 && !self.is_refit
    }
}

/// What records say that were written before [`Member::n_models`] was.
fn one_model() -> usize {
    1
}
