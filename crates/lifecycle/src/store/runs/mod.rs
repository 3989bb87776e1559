//! Runs: what was asked, what came of it, and whether its process is still there.
//!
//! | file | does |
//! |---|---|
//! | `write` | begins, ends and removes runs |
//! | `read` | finds runs and their accounts |
//! | `lost` | closes runs whose process is gone |

mod lost;
mod read;
mod write;

use modelwright_core::record::{
    AuditRecord, Evaluation, Interval, MetricValue, MonitorRecord, RunRecord,
};
use serde::Serialize;
use serde_json::Value;

pub use lost::SILENCE_MIN;
pub(super) use lost::close_lost;
pub(crate) use lost::{host, is_alive, own_process};
pub(super) use read::COLUMNS;

/// The kind of runs that watch a model, and of those that look for groups that it treats otherwise:
/// what they keep is no account of a fit.
const MONITOR: &str = "monitor";
const AUDIT: &str = "audit";

/// The condition, on rows of `runs`, that a run keeps the account of a fit.
pub(in crate::store) const HAS_ACCOUNT: &str =
    "record_sha256 IS NOT NULL AND kind NOT IN ('monitor', 'audit')";

/// How a run ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Its process is at work.
    Running,
    /// It came to its end.
    Finished,
    /// It ended with an error.
    Failed,
    /// Its process is gone without a word: killed, or the machine went down.
    Lost,
}

impl RunStatus {
    /// The name in the database and in searches.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Lost => "lost",
        }
    }

    fn of(name: &str) -> Self {
        let all = [Self::Running, Self::Finished, Self::Failed];
        all.into_iter().find(|status| status.name() == name).unwrap_or(Self::Lost)
    }
}

/// A run that begins.
#[derive(Debug, Clone, Default)]
pub struct NewRun {
    /// `fit`, `train`, `evaluate`, `audit`, `monitor` or `retrain`.
    pub kind: String,
    /// When, ISO 8601 in UTC.
    pub started: String,
    /// The target column, if it is known yet.
    pub target: Option<String>,
    /// What was asked.
    pub parameters: Value,
    /// Where results go.
    pub output: Option<String>,
    /// The commit of the folder that it was started in.
    pub git_commit: Option<String>,
    /// Operating system and processor.
    pub machine: String,
    /// The run that started it.
    pub parent: Option<i64>,
}

/// A metric of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunMetric {
    /// Its name.
    pub name: String,
    /// The rows that it was measured on, e.g. `holdout`.
    pub rows: String,
    /// The value.
    pub value: Option<f64>,
    /// Lower and upper end of its 95 % interval.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
}

impl RunMetric {
    /// A metric on some rows, with its interval where it has one.
    pub fn new(
        name: impl Into<String>,
        rows: impl Into<String>,
        value: Option<f64>,
        ci95: Option<Interval>,
    ) -> Self {
        let (low, high) = ci95.map(|ci| (ci.low, ci.high)).unzip();
        Self { name: name.into(), rows: rows.into(), value, low, high }
    }

    /// The metrics of an evaluation.
    pub fn of(evaluation: &Evaluation) -> Vec<Self> {
        let metric = |m: &MetricValue| Self::new(&m.name, &evaluation.on, m.value, m.ci95);
        evaluation.metrics.iter().map(metric).collect()
    }
}

/// What a run was about that fitted nothing; of runs that fit, the account says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The target column.
    pub target: String,
    /// The task.
    pub task: String,
    /// The metric that the model is optimised for, of runs that measured it.
    pub metric: Option<String>,
    /// SHA-256 of the data file, where there is one.
    pub data_sha256: Option<String>,
}

/// How a run ends.
#[derive(Debug, Clone, Default)]
pub struct RunEnd<'a> {
    /// When, ISO 8601 in UTC.
    pub ended: String,
    /// Wall seconds.
    pub duration_s: f64,
    /// Why it failed; `None` when it did not.
    pub error: Option<String>,
    /// The complete account, of runs that fit.
    pub record: Option<&'a RunRecord>,
    /// What was found, of runs that watch a model.
    pub monitor: Option<&'a MonitorRecord>,
    /// What was found, of runs that audit a model.
    pub audit: Option<&'a AuditRecord>,
    /// SHA-256 of the model that came of it, or that it looked at.
    pub model_sha256: Option<String>,
    /// Further metrics.
    pub metrics: Vec<RunMetric>,
    /// In a few words.
    pub note: Option<String>,
    /// The name of the data that were looked at, and how many rows they had; of runs that fit, the
    /// account says it.
    pub rows: Option<(String, u64)>,
    /// What it was about, of runs that fit nothing.
    pub subject: Option<Subject>,
}

/// A run as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRow {
    /// Its number.
    pub id: i64,
    /// What it did.
    pub kind: String,
    /// How it ended.
    pub status: RunStatus,
    /// When it began.
    pub started: String,
    /// When it ended.
    pub ended: Option<String>,
    /// Wall seconds.
    pub duration_s: Option<f64>,
    /// The machine's name.
    pub host: String,
    /// Target column.
    pub target: Option<String>,
    /// Task.
    pub task: Option<String>,
    /// The optimised metric.
    pub metric: Option<String>,
    /// Name of the data file.
    pub data_name: Option<String>,
    /// SHA-256 of the data file.
    pub data_sha256: Option<String>,
    /// Rows of the data.
    pub n_rows: Option<i64>,
    /// What was asked.
    pub parameters: Value,
    /// Where results went.
    pub output: Option<String>,
    /// SHA-256 of the model file.
    pub model_sha256: Option<String>,
    /// SHA-256 of the account, which the store keeps.
    pub record_sha256: Option<String>,
    /// Commit of the folder it was started in.
    pub git_commit: Option<String>,
    /// Version of Modelwright.
    pub engine_version: String,
    /// Operating system and processor.
    pub machine: String,
    /// The run that started it.
    pub parent: Option<i64>,
    /// A few words, or the error.
    pub note: Option<String>,
    /// What an MLflow client calls it.
    pub name: Option<String>,
    /// The experiment that an MLflow client put it in.
    pub experiment: Option<String>,
    /// Metrics, the optimised one first.
    pub metrics: Vec<RunMetric>,
}

impl RunRow {
    /// Whether the store keeps the complete account of a fit of it.
    pub fn has_account(&self) -> bool {
        self.record_sha256.is_some() && ![MONITOR, AUDIT].contains(&self.kind.as_str())
    }
}
