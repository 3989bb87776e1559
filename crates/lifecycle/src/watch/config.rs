//! The settings of a watch: a TOML file.
//!
//! ```toml
//! model = "churn@champion"            # the registered model and the alias that may move
//! data = ["warehouse/churn-*.parquet"]  # rows with answers; new and changed files are new rows
//! every = "1h"                        # how often the daemon looks
//!
//! [trigger]
//! drift = true
//! schedule = "30d"
//!
//! [window]
//! last = "180d"
//! time_column = "day"
//!
//! [retrain]
//! time = "10m"
//! rule = "better"
//!
//! [rollout]
//! trial = true
//! approval = false
//! ```

use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::monitor::SeasonChoice;
use crate::retrain::{Gates, RetrainPlan, Rule};
use crate::store::parse_reference;
use crate::toml_file::{self, About};
use crate::when::Span;

/// How a model is watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchConfig {
    /// `NAME@ALIAS`: the model, and the alias that moves.
    pub model: String,
    /// Files with rows and their answers; `*` in a file's name stands for anything. Relative to the
    /// folder of the settings.
    #[serde(default)]
    pub data: Vec<String>,
    /// What a server wrote down: rows with the answers that came later.
    pub log: Option<ServingLog>,
    /// How often the daemon looks.
    #[serde(default = "hour")]
    pub every: Span,
    /// The folder of new models and their decisions; relative as `data`.
    #[serde(default = "folder")]
    pub out: PathBuf,
    /// The alias of a new model on trial.
    #[serde(default = "challenger")]
    pub challenger: String,
    /// A file of alert rules.
    pub alerts: Option<PathBuf>,
    /// How new rows are looked at.
    #[serde(default)]
    pub monitor: MonitorSettings,
    /// What starts a retraining.
    #[serde(default)]
    pub trigger: Triggers,
    /// Which rows a new model learns from and is judged by.
    #[serde(default)]
    pub window: Window,
    /// How a new model is fitted and what it must prove.
    #[serde(default)]
    pub retrain: RetrainSettings,
    /// How an accepted model comes into use.
    #[serde(default)]
    pub rollout: Rollout,
}

/// What a server wrote down (`serve --request-log`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServingLog {
    /// The folder of the log; relative as `data`.
    pub folder: PathBuf,
    /// The name that the model is served under; its registered name if absent.
    pub served: Option<String>,
}

/// How new rows are looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MonitorSettings {
    /// At most so many new files, the last by name; 0 for all.
    pub newest: usize,
    /// From which share of drifted columns on the dataset drifted.
    pub drift_share: f64,
    /// A file of rows to compare with, in place of what the model keeps of its training; relative
    /// as `data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<PathBuf>,
    /// By which seasons rows are compared with those of the reference.
    #[serde(skip_serializing_if = "is_none")]
    pub season: SeasonChoice,
    /// The column with the time of each row; that of the model's own run, or its only dates, if
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_column: Option<String>,
    /// Columns whose groups are looked at where answers are known, besides the sensitive ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_none(season: &SeasonChoice) -> bool {
    *season == SeasonChoice::None
}

impl Default for MonitorSettings {
    fn default() -> Self {
        let (reference, season, time_column) = (None, SeasonChoice::None, None);
        let by = Vec::new();
        Self { newest: 0, drift_share: 0.5, reference, season, time_column, by }
    }
}

/// What starts a retraining.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Triggers {
    /// The monitor speaks of drift.
    pub drift: bool,
    /// The monitor says that performance is worse.
    pub performance: bool,
    /// So long after the last retraining.
    pub schedule: Option<Span>,
    /// So many new rows since the last retraining.
    pub rows: Option<u64>,
    /// So many times as many rows as the last retraining had, since the world changed: what was
    /// learned from few rows is learned again from more; 0 for never.
    pub growth: f64,
    /// Whatever starts it, not before so long after the last retraining.
    pub at_most_every: Span,
}

impl Default for Triggers {
    fn default() -> Self {
        let at_most_every = Span::seconds(86_400);
        let (schedule, rows, growth) = (None, None, 2.0);
        Self { drift: true, performance: true, schedule, rows, growth, at_most_every }
    }
}

/// Which rows a new model learns from and is judged by: those of all files, or the last of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Window {
    /// Rows of the last so-and-so long, by the time column.
    pub last: Option<Span>,
    /// So many of the last rows.
    pub rows: Option<usize>,
    /// Files: so many of the last by name.
    pub files: Option<usize>,
    /// Whether rows from before the model's losses changed are left out, when performance is what
    /// started the retraining.
    pub adaptive: bool,
    /// The column with the time of each row; that of the model's own run if absent.
    pub time_column: Option<String>,
    /// The share of the rows, the most recent ones, that judges.
    pub judge: f64,
}

impl Default for Window {
    fn default() -> Self {
        let (last, rows, files, time_column) = (None, None, None, None);
        Self { last, rows, files, adaptive: true, time_column, judge: 0.25 }
    }
}

/// How a new model is fitted and what it must prove.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrainSettings {
    /// Wall time; that of the old model's run if absent.
    pub time: Option<Span>,
    /// How it is found.
    pub plan: RetrainPlan,
    /// An older word for `plan = "same"`; with `auto`, the members are fitted again beside the
    /// boosters that learn on.
    pub same_plan: bool,
    /// What it must prove.
    pub rule: Rule,
    /// See [`Gates::gain`].
    pub gain: Option<f64>,
    /// See [`Gates::slice_loss`].
    pub slice_loss: f64,
    /// See [`Gates::latency_factor`].
    pub latency: f64,
    /// See [`Gates::size_factor`].
    pub size: f64,
    /// Columns whose values must not suffer; the most important and the sensitive ones if none.
    pub slices: Vec<String>,
}

impl Default for RetrainSettings {
    fn default() -> Self {
        let gates = Gates::default();
        Self {
            time: None,
            plan: RetrainPlan::Search,
            same_plan: false,
            rule: gates.rule,
            gain: gates.gain,
            slice_loss: gates.slice_loss,
            latency: gates.latency_factor,
            size: gates.size_factor,
            slices: Vec::new(),
        }
    }
}

impl RetrainSettings {
    /// The gates.
    pub fn gates(&self) -> Gates {
        Gates {
            rule: self.rule,
            gain: self.gain,
            slice_loss: self.slice_loss,
            latency_factor: self.latency,
            size_factor: self.size,
        }
    }
}

/// How an accepted model comes into use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rollout {
    /// Whether it must also win on rows that come after its training.
    pub trial: bool,
    /// Rows with answers before a trial or guard is decided.
    pub min_rows: u64,
    /// The level of the always-valid test.
    pub alpha: f64,
    /// How long a trial may last.
    pub deadline: Span,
    /// Whether a person must say yes.
    pub approval: bool,
    /// How long the model before it is kept beside a promoted one, to come back if it is better;
    /// zero for not at all.
    pub guard: Span,
    /// The servers on which it is brought in by degrees.
    pub canary: Option<CanarySettings>,
}

/// How an accepted model answers more and more requests of servers, before it is promoted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanarySettings {
    /// Their addresses, such as `http://127.0.0.1:8080`.
    pub servers: Vec<String>,
    /// The name that they serve the model under; its registered name if absent.
    pub served: Option<String>,
    /// A key with the scope `admin`, in the form `env:NAME`.
    pub key: Option<String>,
    /// The share of requests that it answers on each step, in percent, ascending.
    #[serde(default = "percents")]
    pub percents: Vec<f64>,
    /// How long each step lasts at least.
    #[serde(default = "day")]
    pub step: Span,
}

fn percents() -> Vec<f64> {
    vec![5.0, 25.0, 50.0]
}

fn day() -> Span {
    Span::seconds(86_400)
}

impl CanarySettings {
    /// What is wrong with them: where, and what is expected.
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let is_address =
            |url: &String| ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        if self.servers.is_empty() || !self.servers.iter().all(is_address) {
            return Some(("rollout.canary.servers", "addresses such as http://127.0.0.1:8080"));
        }
        // Addresses stand in messages, and in the account of every decision.
        let authority = |url: &String| {
            let rest = url.split_once("://").map_or("", |(_, rest)| rest);
            rest.split(['/', '?', '#']).next().unwrap_or("").contains('@')
        };
        if self.servers.iter().any(authority) {
            let expected =
                "addresses without user and password: name a key with `key = \"env:NAME\"`";
            return Some(("rollout.canary.servers", expected));
        }
        if self.key.as_ref().is_some_and(|key| !key.starts_with("env:")) {
            return Some(("rollout.canary.key", "env:NAME: a key does not stand in settings"));
        }
        let is_share = |percent: &f64| *percent > 0.0 && *percent <= 100.0;
        let ascends = self.percents.windows(2).all(|pair| pair[0] < pair[1]);
        if self.percents.is_empty() || !self.percents.iter().all(is_share) || !ascends {
            return Some(("rollout.canary.percents", "ascending shares above 0 and up to 100"));
        }
        None
    }
}

impl Default for Rollout {
    fn default() -> Self {
        Self {
            trial: false,
            min_rows: 200,
            alpha: 0.05,
            deadline: Span::seconds(14 * 86_400),
            approval: false,
            guard: Span::seconds(14 * 86_400),
            canary: None,
        }
    }
}

fn hour() -> Span {
    Span::seconds(3600)
}

fn folder() -> PathBuf {
    PathBuf::from("modelwright-watch")
}

fn challenger() -> String {
    "challenger".to_owned()
}

/// What errors call the file.
const ABOUT: About = About {
    name: "the settings",
    holds: "model, data, and tables such as [trigger] and [retrain]",
};

impl WatchConfig {
    /// Reads and checks the settings; paths in them are then those of the process.
    ///
    /// # Errors
    /// Input error that says what is wrong, and where.
    pub fn read(path: &Path) -> Result<Self> {
        let text = toml_file::read_text(path, ABOUT)?;
        let mut config = Self::parse(&text).map_err(|e| toml_file::in_file(e, path))?;
        let home = path.parent().unwrap_or(Path::new(""));
        for pattern in &mut config.data {
            *pattern = home.join(&*pattern).to_string_lossy().into_owned();
        }
        if let Some(log) = &mut config.log {
            log.folder = home.join(&log.folder);
        }
        config.out = home.join(&config.out);
        config.monitor.reference = config.monitor.reference.map(|path| home.join(path));
        config.alerts = config.alerts.map(|path| home.join(path));
        Ok(config)
    }

    /// The settings of a text.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(text: &str) -> Result<Self> {
        let config: Self = toml_file::parse(text, ABOUT)?;
        config.check()?;
        Ok(config)
    }

    /// The model's name and the alias that moves.
    ///
    /// # Errors
    /// Input error when `model` is no such pair.
    pub fn target(&self) -> Result<(&str, &str)> {
        let is_alias = |alias: &str| alias != "latest" && alias.parse::<u64>().is_err();
        parse_reference(&self.model).filter(|(_, alias)| is_alias(alias)).ok_or_else(|| {
            Error::input("the settings name no alias that could move")
                .at("model")
                .got(&self.model)
                .expected("NAME@ALIAS, such as churn@champion")
        })
    }

    fn check(&self) -> Result<()> {
        let (_, alias) = self.target()?;
        let share = |value: f64| value > 0.0 && value < 1.0;
        let share_or_none = |value: f64| (0.0..=1.0).contains(&value);
        let rules: [(bool, &str, &str); 11] = [
            (
                !self.data.is_empty() || self.log.is_some(),
                "data",
                "at least one file or pattern, or a [log]",
            ),
            (self.challenger != alias, "challenger", "another alias than the one in use"),
            (share(self.window.judge), "window.judge", "a share between 0 and 1"),
            (share(self.rollout.alpha), "rollout.alpha", "a level between 0 and 1"),
            (
                self.monitor.drift_share > 0.0 && self.monitor.drift_share <= 1.0,
                "monitor.drift_share",
                "a share up to 1",
            ),
            (
                is_none(&self.monitor.season) || self.monitor.reference.is_some(),
                "monitor.season",
                "a file to compare with, season by season: monitor.reference",
            ),
            (
                self.trigger.growth == 0.0
                    || self.trigger.growth > 1.0 && self.trigger.growth.is_finite(),
                "trigger.growth",
                "a number above 1, or 0 for never",
            ),
            (self.every.as_seconds() > 0, "every", "more than zero"),
            (share_or_none(self.retrain.slice_loss), "retrain.slice_loss", "a share from 0 to 1"),
            (
                self.retrain.gain.is_none_or(|gain| gain.is_finite() && gain >= 0.0),
                "retrain.gain",
                "a number from 0",
            ),
            (
                self.retrain.latency > 0.0 && self.retrain.size > 0.0,
                "retrain",
                "latency and size above zero",
            ),
        ];
        let broken = rules.iter().find(|rule| !rule.0).map(|(_, at, expected)| (*at, *expected));
        let of_canary = || self.rollout.canary.as_ref().and_then(CanarySettings::fault);
        match broken.or_else(of_canary) {
            None => Ok(()),
            Some((at, expected)) => {
                Err(Error::input("the setting cannot be used").at(at).expected(expected))
            }
        }
    }
}
