//! The file of rules and sinks.
//!
//! ```toml
//! link = "https://models.example.org/monitor"     # goes into every notice
//!
//! [[rule]]
//! name = "drift that matters"
//! when = "drift"                  # or performance, quality, alarm, watch, share, column, metric,
//!                                 # unreadable
//! severity = "warning"
//! remind = "1d"
//!
//! [[rule]]
//! name = "churn model below 0.8"
//! when = "metric"
//! metric = "roc_auc"
//! below = 0.8
//! to = ["pager"]
//!
//! [[sink]]
//! name = "team"
//! kind = "slack"
//! url = "env:SLACK_WEBHOOK"       # secrets come from the environment
//! ```

use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::letter::is_address;
use crate::smtp::MailServer;
use crate::toml_file::{self, About};
use crate::when::Span;

/// What is told, and to whom.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRules {
    /// Where people can look: goes into every notice.
    pub link: Option<String>,
    /// When something is told.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
    /// Who is told.
    #[serde(default, rename = "sink")]
    pub sinks: Vec<Sink>,
    /// The file, by its whole path: alerts of its rules end when it names them no more. Empty for
    /// rules of no file.
    #[serde(skip)]
    pub source: String,
}

/// When something is told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name: an alert is one rule of one file about one model.
    pub name: String,
    /// What must be so.
    pub when: When,
    /// The column that is meant, of `column`.
    pub column: Option<String>,
    /// The metric that is meant, of `metric`.
    pub metric: Option<String>,
    /// Fires below this value (`metric`).
    pub below: Option<f64>,
    /// Fires above this value (`metric`, `share`, the score of `column`).
    pub above: Option<f64>,
    /// How serious it is.
    #[serde(default)]
    pub severity: Severity,
    /// Names of the sinks; none is all of them.
    #[serde(default)]
    pub to: Vec<String>,
    /// Tell it again after this time as long as it lasts; never if absent.
    pub remind: Option<Span>,
}

/// What must be so for a rule to fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The verdict speaks of drift.
    Drift,
    /// Performance is worse beyond chance, measured or expected.
    Performance,
    /// Columns or values are not as the model needs them.
    Quality,
    /// The verdict is *alarm*.
    Alarm,
    /// The verdict is *watch* or *alarm*.
    Watch,
    /// More than `above` of the columns drifted.
    Share,
    /// A column drifted, or its score is above `above`.
    Column,
    /// A metric is below `below` or above `above`: measured where answers are known, else expected.
    Metric,
    /// A file of rows cannot be read. Files without such a rule have one all the same: what is not
    /// looked at must not look like what is well.
    Unreadable,
}

/// The name of the rule about files that cannot be read, where none is given.
pub(super) const UNREADABLE: &str = "rows that cannot be read";

/// How serious an alert is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look within the day.
    #[default]
    Warning,
    /// Worth getting up for.
    Critical,
}

impl Severity {
    /// The name in files and notices.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// In which form.
    pub kind: SinkKind,
    /// Where, of those that are asked over HTTP or SMTP; `env:NAME` takes it from the environment.
    pub url: Option<String>,
    /// The sender's address, of `email`.
    pub from: Option<String>,
    /// The addresses that a letter goes to, of `email`.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// Who logs in to the server of mail, where it wants that.
    pub user: Option<String>,
    /// The password for `user`, in the form `env:NAME`.
    pub password: Option<String>,
    /// The file, of `file` and `prometheus`; `{model}` stands for the model's name.
    pub path: Option<PathBuf>,
    /// More headers, such as `Authorization`; values may be `env:NAME`.
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
    /// How long Alertmanager keeps an alert that nobody renewed.
    pub hold: Option<Span>,
}

/// The form of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkKind {
    /// The notice as one JSON object, by POST.
    Webhook,
    /// A Slack message.
    Slack,
    /// An adaptive card for a Teams workflow.
    Teams,
    /// A CloudEvent 1.0 in structured mode.
    Cloudevents,
    /// Alertmanager's `/api/v2/alerts`.
    Alertmanager,
    /// A letter, handed to a server of mail.
    Email,
    /// A JSON line at the end of a file.
    File,
    /// The state as Prometheus metrics, for node_exporter's textfile collector.
    Prometheus,
}

/// What errors call the file.
const ABOUT: About = About { name: "the alert rules", holds: "tables [[rule]] and [[sink]]" };

impl AlertRules {
    /// Reads and checks a file of rules.
    ///
    /// # Errors
    /// Input error that says what is wrong, and where.
    pub fn read(path: &Path) -> Result<Self> {
        let text = toml_file::read_text(path, ABOUT)?;
        let rules = Self::parse(&text).map_err(|e| toml_file::in_file(e, path))?;
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Ok(Self { source: whole.to_string_lossy().into_owned(), ..rules })
    }

    /// The rules of a text.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(text: &str) -> Result<Self> {
        let rules: Self = toml_file::parse(text, ABOUT)?;
        rules.check()?;
        Ok(rules)
    }

    /// The rules about files that cannot be read: those that are given, else one for all sinks.
    pub(super) fn of_files(&self) -> Vec<Rule> {
        let given: Vec<Rule> =
            self.rules.iter().filter(|rule| rule.when == When::Unreadable).cloned().collect();
        if !given.is_empty() {
            return given;
        }
        vec![Rule {
            name: UNREADABLE.to_owned(),
            when: When::Unreadable,
            column: None,
            metric: None,
            below: None,
            above: None,
            severity: Severity::Warning,
            to: Vec::new(),
            remind: None,
        }]
    }

    /// The file, where there is one.
    pub(super) fn file(&self) -> Option<String> {
        Some(self.source.clone()).filter(|source| !source.is_empty())
    }

    /// Whether everything that is named is there.
    ///
    /// # Errors
    /// Input error for what is not.
    pub fn check(&self) -> Result<()> {
        unique("rule", self.rules.iter().map(|r| r.name.as_str()))?;
        unique("sink", self.sinks.iter().map(|s| s.name.as_str()))?;
        for rule in &self.rules {
            rule.check()?;
            if let Some(absent) = rule.to.iter().find(|n| !self.sinks.iter().any(|s| s.name == **n))
            {
                return Err(Error::input("a rule names a sink that is not there")
                    .at(format!("rule `{}`", rule.name))
                    .got(absent)
                    .suggest(absent, self.sinks.iter().map(|s| s.name.as_str())));
            }
        }
        self.sinks.iter().try_for_each(Sink::check)
    }
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
    match (names.first(), twice) {
        (Some(&""), _) => Err(Error::input(format!("a {what} has no name"))),
        (_, Some(pair)) => Err(Error::input(format!("two {what}s have one name")).got(pair[0])),
        _ => Ok(()),
    }
}

impl Rule {
    fn check(&self) -> Result<()> {
        let wrong = |what: &str, expected: &str| {
            let at = format!("rule `{}`", self.name);
            Err(Error::input(what.to_owned()).at(at).expected(expected.to_owned()))
        };
        let has_bound = self.below.is_some() || self.above.is_some();
        match self.when {
            When::Metric if self.metric.is_none() || !has_bound => {
                wrong("a rule about a metric is not complete", "metric, and below or above")
            }
            When::Column if self.column.is_none() => {
                wrong("a rule about a column names none", "column")
            }
            When::Share if self.above.is_none() => {
                wrong("a rule about a share has no bound", "above, between 0 and 1")
            }
            When::Metric => {
                let name = self.metric.as_deref().unwrap_or_default();
                modelwright_evaluate::metric(name)
                    .map(drop)
                    .map_err(|e| e.at(format!("rule `{}`", self.name)))
            }
            _ => Ok(()),
        }
    }
}

impl Sink {
    fn check(&self) -> Result<()> {
        let needs_path = matches!(self.kind, SinkKind::File | SinkKind::Prometheus);
        let lacks = if needs_path { self.path.is_none() } else { self.url.is_none() };
        if !lacks {
            return if self.kind == SinkKind::Email { self.check_mail() } else { Ok(()) };
        }
        Err(Error::input("a sink does not say where")
            .at(format!("sink {}", self.name))
            .expected(if needs_path { "path" } else { "url" }))
    }

    fn check_mail(&self) -> Result<()> {
        let wrong = |what: &str, expected: &str| {
            Error::input(what).at(format!("sink {}", self.name)).expected(expected)
        };
        let address = "an address such as ops@example.org";
        if !self.from.as_deref().is_some_and(is_address) {
            return Err(wrong("a sink of letters does not say who sends them", "from")
                .got(self.from.as_deref().unwrap_or("nothing"))
                .hint(address));
        }
        if self.recipients.is_empty() {
            return Err(wrong("a sink of letters goes to nobody", "recipients"));
        }
        if let Some(other) = self.recipients.iter().find(|text| !is_address(text)) {
            return Err(wrong("a letter cannot go there", address).got(other));
        }
        if self.user.is_some() != self.password.is_some() {
            return Err(wrong("a sink of letters logs in by half", "user and password"));
        }
        if self.password.as_ref().is_some_and(|text| !text.starts_with("env:")) {
            return Err(wrong("a password stands in the alert rules", "password = \"env:NAME\"")
                .hint("files are copied and committed; name a variable of the environment"));
        }
        match self.url.as_deref() {
            Some(url) if !url.starts_with("env:") => {
                MailServer::parse(url).map(drop).map_err(|e| e.at(format!("sink {}", self.name)))
            }
            _ => Ok(()),
        }
    }

    /// Whether the sink is told of every alert, one by one.
    pub(super) fn takes_notices(&self) -> bool {
        self.kind != SinkKind::Prometheus
    }

    /// Its file, for a model.
    pub(super) fn file(&self, model: &str) -> PathBuf {
        let path = self.path.clone().unwrap_or_default();
        let text = path.to_string_lossy();
        if text.contains("{model}") {
            let fits = |c: char| if c.is_alphanumeric() || "-_.@".contains(c) { c } else { '_' };
            let name: String = model.chars().map(fits).collect();
            return PathBuf::from(text.replace("{model}", &name));
        }
        path
    }
}
