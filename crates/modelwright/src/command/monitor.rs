//! `monitor`: a model on new rows: what moved, whether it matters, whether the model still holds.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use modelwright::inspect::{monitor_html, monitor_text};
use modelwright::lifecycle::alerts::{AlertRules, Network, Whose, deliver, observe, observe_files};
use modelwright::lifecycle::monitor::{MonitorOptions, SeasonChoice};
use modelwright::{Model, MonitorRequest, Rows};
use modelwright_core::record::{MonitorRecord, Status, Verdict};
use modelwright_core::{Error, ErrorKind, Result};

use crate::flags::text::TextArgs;
use crate::flags::{ModelArg, values};
use crate::machine;
use crate::output;
use crate::recording::{LogArg, Recorded, Recording, store};
use crate::run_end::monitor_end;
use crate::session::{Limits, Session};

const EXAMPLES: &str = "\
Examples:
  modelwright monitor churn this_week.csv
  modelwright monitor churn logs/*.parquet --report drift.html
  modelwright monitor churn this_week.csv --reference last_year.csv --json
  modelwright monitor shop today.csv --reference last_year.csv --season weekday
  modelwright monitor churn@champion this_week.csv --alerts rules.toml
  modelwright monitor churn@champion request-log/
  modelwright monitor churn this_week.csv --history churn-weeks.json
  modelwright monitor churn served.csv --labels answers.csv --id customer --fail-on alarm

Without --reference the rows are compared with what the model file keeps of its training. Where
the target is known, among the rows or in --labels, performance is measured; without it, it is
estimated from the model's calibrated probabilities. Thresholds are those of Evidently's preset.";

/// Flags of `monitor`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Monitor {
    #[command(flatten)]
    model: ModelArg,
    /// The new rows, in one or more files, or the folder of `serve --request-log`
    #[arg(value_name = "CURRENT", required = true)]
    current: Vec<PathBuf>,
    /// Rows to compare with, instead of what the model keeps of its training
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    /// A file with the target column, when CURRENT has none
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The column by which the answers in --labels belong to rows [default: the order of rows]
    #[arg(long, value_name = "COLUMN", value_parser = values::name, requires = "labels")]
    id: Option<String>,
    /// The share of drifted columns from which on the dataset has drifted
    #[arg(long, value_name = "SHARE", default_value = "0.5",
          value_parser = values::share_of_columns)]
    drift_share: f64,
    /// Compare rows with those rows of --reference that are of the same season
    #[arg(long, value_enum, value_name = "SEASON", default_value = "none")]
    season: SeasonFlag,
    /// The column with the time of each row [default: that of the model's run, or its only dates]
    #[arg(long, value_name = "COLUMN", value_parser = values::name)]
    time_column: Option<String>,
    /// Look at the groups of this column too where answers are known (repeatable); those that the
    /// fit was told are sensitive are looked at anyway
    #[arg(long, value_name = "COLUMN", value_parser = values::name)]
    by: Vec<String>,
    /// Remember this batch in a file, and call small shifts that stay over the batches in it
    #[arg(long, value_name = "FILE.json")]
    history: Option<PathBuf>,
    /// Look at the columns only
    #[arg(long)]
    no_predictions: bool,
    /// Leave out the look at all columns together, which takes most of the time of a small table
    #[arg(long)]
    no_multivariate: bool,
    /// Where to write a page about it
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// A TOML file of rules and sinks: who is told of what (see `modelwright alerts --help`)
    #[arg(long, value_name = "RULES.toml")]
    alerts: Option<PathBuf>,
    /// End with exit code 1 when this was found (repeatable)
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    fail_on: Vec<FailOn>,
    #[command(flatten)]
    text: TextArgs,
    #[command(flatten)]
    log: LogArg,
}

/// Which rows are alike in season (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SeasonFlag {
    /// All rows
    None,
    /// As the reference shows a rhythm by itself, if it does
    Auto,
    /// Those of the same hour of the day
    Hour,
    /// Those of the same day of the week
    Weekday,
    /// Those of the same month of the year
    Month,
}

impl SeasonFlag {
    fn choice(self) -> SeasonChoice {
        match self {
            Self::None => SeasonChoice::None,
            Self::Auto => SeasonChoice::Auto,
            Self::Hour => SeasonChoice::Hour,
            Self::Weekday => SeasonChoice::Weekday,
            Self::Month => SeasonChoice::Month,
        }
    }
}

/// What a pipeline may stop at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// The dataset, the predictions, or columns that matter drifted
    Drift,
    /// Performance is worse than on the untouched rows, measured or expected
    Performance,
    /// Columns or values are not as the model needs them
    Quality,
    /// Any of these three
    Alarm,
    /// Anything that is worth a look
    Any,
}

impl FailOn {
    fn holds(self, verdict: &Verdict) -> bool {
        match self {
            Self::Drift => verdict.drift,
            Self::Performance => verdict.performance,
            Self::Quality => verdict.quality,
            Self::Alarm => verdict.status == Status::Alarm,
            Self::Any => verdict.status != Status::Stable,
        }
    }
}

impl Monitor {
    /// Compares, prints, and fails if that was asked for.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        output::spare(self.report.as_deref(), self.inputs(), "--report")?;
        output::spare_model(self.report.as_deref(), &self.model.model, "--report")?;
        output::spare(self.history.as_deref(), self.inputs(), "--history")?;
        output::spare_model(self.history.as_deref(), &self.model.model, "--history")?;
        let rules = self.alerts.as_deref().map(AlertRules::read).transpose()?;
        let asked = serde_json::json!({
            "model": self.model.model, "current": self.current, "reference": self.reference,
            "labels": self.labels,
        });
        let recording =
            Recording::begin("monitor", &asked, self.report.as_deref(), &self.log, session)?;
        let done = self.look(session);
        if let (Err(error), Some(rules)) = (&done, &rules)
            && error.kind() == ErrorKind::Input
        {
            self.tell_of_files(rules, session);
        }
        let (_, record) = recording.end(done, session, |(path, found)| Recorded {
            end: monitor_end(found),
            model: path,
        })?;
        if let Some(path) = &self.report {
            modelwright_lifecycle::atomic_write(path, monitor_html(&record).as_bytes())?;
        }
        if session.global.json {
            output::print_json(&record)?;
        } else {
            output::print(&monitor_text(&record))?;
        }
        // What was found is said first: nobody's mailbox is to stand in its way.
        if let Some(rules) = &rules {
            self.tell(rules, Some(&record), &[], session)?;
        }
        match self.fail_on.iter().find(|what| what.holds(&record.verdict)) {
            None => Ok(()),
            Some(what) => Err(failed(*what, &record)),
        }
    }

    /// Tells of files that cannot be read, so that nobody takes silence for good news. What keeps
    /// it from that is a warning: the monitor ends with why it could not look.
    fn tell_of_files(&self, rules: &AlertRules, session: &Session) {
        let told = self.unreadable(session).and_then(|unreadable| {
            if unreadable.is_empty() {
                Ok(())
            } else {
                self.tell(rules, None, &unreadable, session)
            }
        });
        if let Err(error) = told {
            output::warn(&format!("nobody was told of files that cannot be read: {error}"));
        }
    }

    /// The files of new rows that cannot be read, each with why.
    fn unreadable(&self, session: &Session) -> Result<Vec<(String, String)>> {
        let model = Model::load(&self.model.model)?.with_text(self.text.layout());
        let ctx = session.fresh_context(None)?;
        modelwright::unreadable_files(&model, &self.request(), &ctx)
    }

    /// Tells those whom the rules name; who cannot be told is told later.
    fn tell(
        &self,
        rules: &AlertRules,
        found: Option<&MonitorRecord>,
        unreadable: &[(String, String)],
        session: &Session,
    ) -> Result<()> {
        let model = self.model.model.display().to_string();
        let mut store = store(session)?;
        let mut seen = observe_files(&mut store, rules, &model, unreadable, &session.created)?;
        if let Some(found) = found {
            seen = seen.and(observe(&mut store, rules, &model, found, &session.created)?);
        }
        let of = Whose::Model(&model, found);
        let sent = deliver(&mut store, rules, of, &Network::new()?, &machine::utc_now)?;
        for (what, names) in [("fires", &seen.began), ("is over", &seen.ended)] {
            for name in names {
                session.note(&format!("alert: `{name}` {what}"));
            }
        }
        for (rule, column) in &seen.unknown {
            output::warn(&format!("the rule `{rule}` is about `{column}`, which is not compared"));
        }
        for (sink, why) in &sent.failed {
            output::warn(&format!("`{sink}` was not told ({why}); it is tried again next time"));
        }
        for (sink, but) in &sent.partly {
            output::warn(&format!("`{sink}` took a notice, but {but}"));
        }
        for (sink, why) in &sent.unreadable {
            output::warn(&format!("a notice for `{sink}` is {why}"));
        }
        for (sink, n) in &sent.given_up {
            let words = "the rules name it no more";
            output::warn(&format!("{n} notices for `{sink}` are given up: {words}"));
        }
        Ok(())
    }

    /// Compares; returns the model's file and what was found.
    fn look(&self, session: &Session) -> Result<(PathBuf, MonitorRecord)> {
        let model = Model::load(&self.model.model)?.with_text(self.text.layout());
        let ctx = session.context(Limits::default())?;
        let mut record = modelwright::monitor(&model, &self.request(), &ctx)?;
        record.created.clone_from(&session.created);
        Ok((model.path, record))
    }

    /// The files that are read.
    fn inputs(&self) -> impl Iterator<Item = &Path> {
        let others = [&self.reference, &self.labels, &self.alerts].into_iter().flatten();
        self.current.iter().chain(others).map(PathBuf::as_path)
    }

    /// What is to be compared.
    fn request(&self) -> MonitorRequest {
        MonitorRequest {
            current: self.current.iter().cloned().map(Rows::File).collect(),
            reference: self.reference.clone().map(Rows::File),
            labels: self.labels.clone().map(Rows::File),
            id: self.id.clone(),
            options: MonitorOptions {
                drift_share: self.drift_share,
                predict: !self.no_predictions,
                multivariate: !self.no_multivariate,
                season: self.season.choice(),
                time_column: self.time_column.clone(),
                by: self.by.clone(),
                look: None,
            },
            history: self.history.clone(),
        }
    }
}

fn failed(what: FailOn, record: &MonitorRecord) -> Error {
    let name = what.to_possible_value().map_or(String::new(), |v| v.get_name().to_owned());
    Error::work(format!("found what --fail-on {name} was to stop at")).got(&record.verdict.summary)
}
