//! Where a watch stands, what was observed, and what is to be done.

use std::collections::{BTreeMap, BTreeSet};

use modelwright_core::record::Status;
use serde::{Deserialize, Serialize};

use super::bets::{Bets, Had};
use super::config::WatchConfig;
use super::decide::decide;
use crate::when::moment_seconds;

/// Where a watch stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WatchState {
    /// When the watch began; triggers count from there until a first retraining.
    pub since: String,
    /// When the last retraining was that came to a decision.
    pub retrained: Option<String>,
    /// When the last one was tried, where it failed: it is tried again after the pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<String>,
    /// SHA-256 of files that a model has learned from, or refused to.
    pub seen: BTreeSet<String>,
    /// Those of them that are as new to the model in use as any: they tell when the world changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlearned: Option<Unlearned>,
    /// SHA-256 of files from before the world changed: nothing is learned from them any more.
    #[serde(default)]
    pub stale: BTreeSet<String>,
    /// SHA-256 of files that could not be read, and why: the same bytes are not tried again, and
    /// what is in the other files is seen nevertheless.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreadable: BTreeMap<String, String>,
    /// What is going on.
    pub phase: Phase,
    /// Rows that the last retraining had, where it left out those from before the world changed,
    /// to learn from and to judge by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub had_rows: Option<u64>,
    /// Whether servers are still to be told that a canary or shadow is over.
    #[serde(default)]
    pub recall: bool,
    /// The version that servers are to be told of as the one in use, as long as not all of them
    /// have heard that a canary or shadow is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted: Option<i64>,
    /// What files had when a model learned from them last: what is added later is new.
    #[serde(default, skip_serializing_if = "Learned::is_empty")]
    pub learned: Learned,
    /// The new files on which the monitor failed last, and what it said: it does not fail on them
    /// once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<(String, String)>,
    /// The new files that the monitor saw last, and what it said, so that it need not look again.
    pub looked: Option<(String, Monitored)>,
    /// How many looks there were at new rows since the last retraining: each tests at a share of
    /// the level, so that all together are wrong as seldom as one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_looks: u64,
    /// The share of the requests, in percent, that the last step of a canary let a version answer;
    /// servers keep it while a person is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// Rows of files that were there when the trial, canary or guard began, by path; of the serving
    /// log, whose parts do not grow, the phase names all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub had: BTreeMap<String, Had>,
    /// The file with what is in the rows that do not count in the trial, canary or guard: those
    /// that were there when it began, and those that its duel took. `None` where they are told
    /// apart by path and number alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// What the duel of the trial, canary or guard has counted so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bets: Option<Bets>,
}

/// Files that challengers of a version learned from, and itself did not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Unlearned {
    /// The version that was in use when they were learned from.
    pub champion: i64,
    /// SHA-256 of the files.
    pub files: BTreeSet<String>,
}

/// A moment may be so much later than now: clocks of machines differ.
const AHEAD_S: i64 = 15 * 60;

impl WatchState {
    /// Takes moments that are still to come, which a clock that was ahead wrote down, for now: time
    /// counts from here. Returns whether there were any.
    pub fn not_ahead_of(&mut self, at: &str) -> bool {
        let Some(now) = moment_seconds(at) else { return false };
        let mut was_ahead = false;
        let since = match &mut self.phase {
            Phase::Steady => None,
            Phase::Trial { since, .. }
            | Phase::Canary { since, .. }
            | Phase::Waiting { since, .. }
            | Phase::Approved { since, .. }
            | Phase::Guard { since, .. } => Some(since),
        };
        let of_state = [&mut self.since].into_iter().chain(&mut self.retrained);
        for moment in of_state.chain(&mut self.tried).chain(since) {
            if moment_seconds(moment).is_some_and(|moment| moment > now + AHEAD_S) {
                at.clone_into(moment);
                was_ahead = true;
            }
        }
        was_ahead
    }

    /// Notes `files` that a challenger of `champion` learned from.
    pub fn challenged(&mut self, champion: i64, files: impl IntoIterator<Item = String>) {
        let held = self.unlearned.take().filter(|held| held.champion == champion);
        let mut held = held.unwrap_or(Unlearned { champion, files: BTreeSet::new() });
        held.files.extend(files);
        self.unlearned = Some(held);
    }

    /// Whether `champion` did not learn from a file.
    pub fn is_new_to(&self, champion: i64, sha256: &str) -> bool {
        let held = self.unlearned.as_ref().filter(|held| held.champion == champion);
        !self.seen.contains(sha256) || held.is_some_and(|held| held.files.contains(sha256))
    }

    /// Forgets what was counted: nobody is judged any more, or another one from the beginning.
    pub fn count_anew(&mut self) {
        self.had.clear();
        self.rows = None;
        self.bets = None;
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What files had when a model learned from them, or refused to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// The columns by which their rows are known again.
    pub columns: Vec<String>,
    /// Each file, by path.
    pub files: BTreeMap<String, LearnedFile>,
}

impl Learned {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// What a file had when a model learned from it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LearnedFile {
    /// Its rows, and a digest of them.
    pub rows: Had,
    /// How many of them had an answer.
    pub n_answers: u64,
}

/// What is going on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Phase {
    /// Nothing but watching.
    #[default]
    Steady,
    /// An accepted model must win on rows that come after it.
    Trial {
        /// Its version.
        version: i64,
        /// Since when.
        since: String,
        /// What names the rows that were there before: they do not count.
        before: BTreeSet<String>,
    },
    /// An accepted model answers a share of the requests.
    Canary {
        /// Its version.
        version: i64,
        /// The number of the step, from 0.
        step: usize,
        /// Since when it is on this step.
        since: String,
        /// What names the rows that were there before its trial, or before the first step.
        before: BTreeSet<String>,
        /// Rows with answers that had come since then when this step began.
        #[serde(default)]
        n_had: u64,
    },
    /// A person must say yes.
    Waiting {
        /// The version that waits.
        version: i64,
        /// Since when.
        since: String,
        /// What names the rows that do not count, where it was on trial or a canary before: it goes
        /// on being judged. `None` elsewhere.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<BTreeSet<String>>,
    },
    /// A person said yes, and the version is in use; the next look begins its guard.
    Approved {
        /// The promoted version.
        version: i64,
        /// The one before it.
        previous: i64,
        /// Since when.
        since: String,
    },
    /// A promoted model is watched beside the one before it.
    Guard {
        /// The promoted version.
        version: i64,
        /// The one before it.
        previous: i64,
        /// Since when.
        since: String,
        /// What names the rows that were there before.
        before: BTreeSet<String>,
    },
}

/// What the monitor said of new rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Monitored {
    /// How serious.
    pub status: Status,
    /// Whether data drifted.
    pub drift: bool,
    /// Whether performance is worse.
    pub performance: bool,
    /// Whether the rows are not as the model needs them.
    pub quality: bool,
    /// Rows that it saw.
    pub n_rows: u64,
    /// Those of them that were in the same files when a model learned from these, or refused to.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_known: u64,
    /// In one sentence.
    pub summary: String,
}

/// Two models on the same later rows, by an always-valid test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Duel {
    /// Rows with answers.
    pub n_rows: u64,
    /// Mean of how much better the newer model is, in `[-1, 1]` a row.
    pub gain: Option<f64>,
    /// P-value of its not being better, whenever it is looked at.
    pub p_better: f64,
    /// P-value of its not being worse.
    pub p_worse: f64,
    /// What was compared, in words.
    pub method: String,
}

/// What was observed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The version that the alias stands for.
    pub champion: i64,
    /// Rows in new files.
    pub n_new_rows: u64,
    /// What the monitor says of them; `None` when there are none.
    pub monitored: Option<Monitored>,
    /// The duel of a trial, a canary or a guard; `None` when nobody is on trial, or no rows came.
    pub duel: Option<Duel>,
}

/// Why a model is retrained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// It was time.
    Schedule,
    /// Data drifted.
    Drift,
    /// Performance is worse.
    Performance,
    /// Enough new rows came.
    Rows,
    /// There are many more rows since the world changed than the last retraining had.
    Growth,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// Go on watching.
    Nothing,
    /// Fit a new model and hold it against the gates.
    Retrain {
        /// Why.
        triggers: Vec<Trigger>,
    },
    /// Begin the trial of an accepted version.
    Try {
        /// The version.
        version: i64,
    },
    /// Let an accepted version answer a share of the requests.
    Canary {
        /// The version.
        version: i64,
        /// The number of the step, from 0.
        step: usize,
        /// The share, in percent.
        percent: f64,
    },
    /// Ask a person.
    Ask {
        /// The version.
        version: i64,
    },
    /// Move the alias to a version.
    Promote {
        /// The version.
        version: i64,
    },
    /// Give up a version that is on trial.
    Discard {
        /// The version.
        version: i64,
    },
    /// Move the alias back.
    RollBack {
        /// The version that comes back.
        version: i64,
    },
    /// Cease to guard a promoted version, or forget what somebody else made moot.
    Settle,
}

impl Action {
    /// The name in the list of decisions.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Retrain { .. } => "retrain",
            Self::Try { .. } => "try",
            Self::Canary { .. } => "canary",
            Self::Ask { .. } => "ask",
            Self::Promote { .. } => "promote",
            Self::Discard { .. } => "discard",
            Self::RollBack { .. } => "roll back",
            Self::Settle => "settle",
        }
    }
}

/// What the rules said, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// What is to be done.
    pub action: Action,
    /// Why, in words with the numbers.
    pub words: String,
}

/// Everything that a decision rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grounds {
    /// The settings.
    pub config: WatchConfig,
    /// The state before.
    pub state: WatchState,
    /// What was observed.
    pub observed: Observation,
    /// The time, ISO 8601 in UTC.
    pub at: String,
    /// What was decided.
    pub decided: Decided,
}

impl Grounds {
    /// Decides.
    pub fn new(config: &WatchConfig, state: &WatchState, observed: Observation, at: &str) -> Self {
        let decided = decide(config, state, &observed, at);
        let (config, state, at) = (config.clone(), state.clone(), at.to_owned());
        Self { config, state, observed, at, decided }
    }

    /// Whether the rules of today say the same again.
    pub fn holds(&self) -> bool {
        decide(&self.config, &self.state, &self.observed, &self.at) == self.decided
    }
}
