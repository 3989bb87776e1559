//! What is open and what is to be told, in the store.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use modelwright_core::record::MonitorRecord;
use modelwright_core::{Error, Result};

use serde::Serialize;

use super::judge::{Judged, judge, judge_files};
use super::rules::{AlertRules, Severity, SinkKind};
use super::shapes::{Notice, What};
use crate::store::Store;
use crate::store::db::{Db, DbResult, OptionalRow, Row, params};
use crate::when::moment_seconds;

/// What one look at a model changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Observed {
    /// Rules that began to fire.
    pub began: Vec<String>,
    /// Rules that fired before, and still do.
    pub lasting: Vec<String>,
    /// Rules that ceased to fire.
    pub ended: Vec<String>,
    /// Rules about columns that the monitor does not compare, each with the column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<(String, String)>,
}

/// An alert as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlertRow {
    /// Its number.
    pub id: i64,
    /// The model, as it was named.
    pub model: String,
    /// The rule's name.
    pub rule: String,
    /// How serious: `info`, `warning` or `critical`.
    pub severity: String,
    /// When it began.
    pub began: String,
    /// When it was last seen.
    pub last: String,
    /// When it ended; `None` while it lasts.
    pub ended: Option<String>,
    /// How often it was seen.
    pub n_seen: i64,
    /// In one sentence.
    pub summary: String,
    /// Notices that no sink took yet.
    pub n_waiting: i64,
    /// Why the last of them was not taken.
    pub error: Option<String>,
}

/// Holds the rules against a finding, and writes down what began, lasts and ended, with the notices
/// that follow from it.
///
/// # Errors
/// Work error when the store cannot be written to.
pub fn observe(
    store: &mut Store,
    rules: &AlertRules,
    model: &str,
    found: &MonitorRecord,
    at: &str,
) -> Result<Observed> {
    let judged = judge(rules, found);
    store.in_transaction(|db| {
        let mut observed = Observed::default();
        for one in &judged {
            let looked = Looked { db, rules, model, at };
            looked.take(one, &mut observed)?;
            if let Some(column) = one.rule.column.clone().filter(|_| one.is_unknown) {
                observed.unknown.push((one.rule.name.clone(), column));
            }
        }
        let looked = Looked { db, rules, model, at };
        looked.end_orphans(&mut observed)?;
        Ok(observed)
    })
}

/// As [`observe`], of the files of rows that cannot be read now, each with why; none ends the alert
/// about them.
///
/// # Errors
/// As [`observe`].
pub fn observe_files(
    store: &mut Store,
    rules: &AlertRules,
    model: &str,
    unreadable: &[(String, String)],
    at: &str,
) -> Result<Observed> {
    let of_files = rules.of_files();
    store.in_transaction(|db| {
        let mut observed = Observed::default();
        for rule in &of_files {
            Looked { db, rules, model, at }.take(&judge_files(rule, unreadable), &mut observed)?;
        }
        Ok(observed)
    })
}

impl Observed {
    /// This and what another look changed.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.began.extend(other.began);
        self.lasting.extend(other.lasting);
        self.ended.extend(other.ended);
        self.unknown.extend(other.unknown);
        self
    }

    /// Whether nothing fires, and nothing ceased to.
    pub fn is_quiet(&self) -> bool {
        self.began.is_empty() && self.lasting.is_empty() && self.ended.is_empty()
    }
}

/// One rule in a transaction.
struct Looked<'a> {
    db: &'a Db,
    rules: &'a AlertRules,
    model: &'a str,
    at: &'a str,
}

impl Looked<'_> {
    fn take(&self, one: &Judged<'_>, observed: &mut Observed) -> DbResult<()> {
        let name = &one.rule.name;
        let open: Option<(i64, String, String)> = self
            .db
            .query_row(
                // Those that earlier versions wrote down belong to whoever has their rule; another
                // file's rule of that name is another rule.
                "SELECT id, began, told FROM alerts
                 WHERE model = ?1 AND rule = ?2 AND ended IS NULL
                 AND (source = ?3 OR source IS NULL) ORDER BY source IS NULL, id LIMIT 1",
                params![self.model, name, self.rules.source],
                |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
            )
            .optional()?;
        match (open, one.fires) {
            (None, Some(true)) => {
                observed.began.push(name.clone());
                let id = self.begin(one)?;
                self.tell(id, What::Firing, self.at, one)
            }
            (Some((id, began, told)), Some(true)) => {
                observed.lasting.push(name.clone());
                self.db.execute(
                    "UPDATE alerts SET last = ?2, n_seen = n_seen + 1, summary = ?3, source = ?4
                     WHERE id = ?1",
                    params![id, self.at, one.summary, self.rules.source],
                )?;
                if self.is_reminder_due(one, &told) {
                    self.db.execute(
                        "UPDATE alerts SET told = ?2 WHERE id = ?1",
                        params![id, self.at],
                    )?;
                    return self.tell(id, What::Reminder, &began, one);
                }
                self.renew(id, &began, one)
            }
            (Some((id, began, _)), Some(false)) => {
                observed.ended.push(name.clone());
                self.db
                    .execute("UPDATE alerts SET ended = ?2 WHERE id = ?1", params![id, self.at])?;
                self.tell(id, What::Resolved, &began, one)
            }
            (None, _) | (_, None) => Ok(()),
        }
    }

    /// Ends alerts of rules that their file names no more: nothing would ever end them otherwise.
    /// Whoever was told that they began is told. Of alerts that earlier versions wrote down nobody
    /// knows the file, until one with a rule of that name looks.
    fn end_orphans(&self, observed: &mut Observed) -> DbResult<()> {
        let open = self.db.prepare_cached(
            "SELECT id, rule, severity, began FROM alerts WHERE model = ?1 AND ended IS NULL
             AND source = ?2 ORDER BY id",
        )?;
        let rows = open.query_map(params![self.model, self.rules.source], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
        })?;
        for row in rows {
            let (id, name, of, began): (i64, String, String, String) = row?;
            let of_files = self.rules.of_files();
            if self.rules.rules.iter().chain(&of_files).any(|rule| rule.name == name) {
                continue;
            }
            self.db.execute("UPDATE alerts SET ended = ?2 WHERE id = ?1", params![id, self.at])?;
            let told =
                self.db.prepare_cached("SELECT DISTINCT sink FROM notices WHERE alert = ?1")?;
            let told = told.query_map(params![id], |r| r.get::<String>(0))?;
            for sink in told.collect::<DbResult<Vec<_>>>()? {
                if self.rules.sinks.iter().any(|own| own.name == sink) {
                    let notice = Notice {
                        id: String::new(),
                        what: What::Resolved,
                        model: self.model.to_owned(),
                        rule: name.clone(),
                        severity: severity(&of),
                        summary: "The rule was removed.".to_owned(),
                        cause: Vec::new(),
                        began: began.clone(),
                        at: self.at.to_owned(),
                        link: self.rules.link.clone(),
                        rules: self.rules.file(),
                    };
                    self.keep(id, &sink, notice)?;
                }
            }
            observed.ended.push(name);
        }
        Ok(())
    }

    fn begin(&self, one: &Judged<'_>) -> DbResult<i64> {
        self.db.execute(
            "INSERT INTO alerts (model, rule, severity, began, last, told, n_seen, summary, source)
             VALUES (?1, ?2, ?3, ?4, ?4, ?4, 1, ?5, ?6)",
            params![
                self.model,
                one.rule.name,
                one.rule.severity.name(),
                self.at,
                one.summary,
                self.rules.source
            ],
        )?;
        self.db.last_id()
    }

    fn is_reminder_due(&self, one: &Judged<'_>, told: &str) -> bool {
        let Some(span) = one.rule.remind else { return false };
        let since = moment_seconds(self.at).zip(moment_seconds(told)).map(|(now, t)| now - t);
        since.is_some_and(|since| since >= span.as_seconds())
    }

    /// One notice for each sink that the rule means.
    fn tell(&self, id: i64, what: What, began: &str, one: &Judged<'_>) -> DbResult<()> {
        for sink in self.sinks(one) {
            self.write(id, &sink.name, what, began, one)?;
        }
        Ok(())
    }

    /// Alertmanager forgets what is not said again.
    fn renew(&self, id: i64, began: &str, one: &Judged<'_>) -> DbResult<()> {
        for sink in self.sinks(one).filter(|s| s.kind == SinkKind::Alertmanager) {
            self.write(id, &sink.name, What::Reminder, began, one)?;
        }
        Ok(())
    }

    fn sinks(&self, one: &Judged<'_>) -> impl Iterator<Item = &super::rules::Sink> {
        let is_meant = |name: &String| one.rule.to.is_empty() || one.rule.to.contains(name);
        let meant = self.rules.sinks.iter().filter(move |s| s.takes_notices() && is_meant(&s.name));
        meant.collect::<Vec<_>>().into_iter()
    }

    fn write(
        &self,
        id: i64,
        sink: &str,
        what: What,
        began: &str,
        one: &Judged<'_>,
    ) -> DbResult<()> {
        let notice = Notice {
            id: String::new(),
            what,
            model: self.model.to_owned(),
            rule: one.rule.name.clone(),
            severity: one.rule.severity,
            summary: one.summary.clone(),
            cause: one.cause.clone(),
            began: began.to_owned(),
            at: self.at.to_owned(),
            link: self.rules.link.clone(),
            rules: self.rules.file(),
        };
        self.keep(id, sink, notice)
    }

    /// What begins the ids of an alert's notices: that of the ones before, or a new one. Numbers
    /// are those of one store, and whoever is told by several tells them apart by what is drawn.
    fn thread(&self, alert: i64) -> DbResult<String> {
        let query = "SELECT body FROM notices WHERE alert = ?1 AND body <> ''
             ORDER BY id DESC LIMIT 1";
        let body = self.db.query_row(query, params![alert], |r| r.get::<String>(0)).optional()?;
        let known = body.and_then(|body| serde_json::from_str::<Notice>(&body).ok());
        let known = known.and_then(|n| Some(n.id.split_once("-notice-")?.0.to_owned()));
        // The keys of a hash map are drawn by the operating system.
        let drawn = || RandomState::new().build_hasher().finish();
        Ok(known.unwrap_or_else(|| format!("alert-{alert}-{:016x}", drawn())))
    }

    /// Keeps a notice for its sink, under an id that is given here.
    fn keep(&self, alert: i64, sink: &str, mut notice: Notice) -> DbResult<()> {
        self.db.execute(
            "INSERT INTO notices (alert, sink, at, next_try, body) VALUES (?1, ?2, ?3, ?3, '')",
            params![alert, sink, self.at],
        )?;
        let number = self.db.last_id()?;
        notice.id = format!("{}-notice-{number}", self.thread(alert)?);
        // Texts and lists of texts always have a JSON form.
        let body = serde_json::to_string(&notice).unwrap_or_default();
        self.db.execute("UPDATE notices SET body = ?2 WHERE id = ?1", params![number, body])?;
        Ok(())
    }
}

impl Store {
    /// Alerts, newest first; only those that last, if `only_open`.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn alerts(&self, only_open: bool) -> Result<Vec<AlertRow>> {
        let query = format!(
            "SELECT a.id, a.model, a.rule, a.severity, a.began, a.last, a.ended, a.n_seen,
             a.summary,
             (SELECT count(*) FROM notices n WHERE n.alert = a.id AND n.sent IS NULL),
             (SELECT n.error FROM notices n WHERE n.alert = a.id AND n.sent IS NULL
              AND n.error IS NOT NULL ORDER BY n.id DESC LIMIT 1)
             FROM alerts a {} ORDER BY a.id DESC",
            if only_open { "WHERE a.ended IS NULL" } else { "" }
        );
        self.in_reading(|db| {
            let statement = db.prepare_cached(&query)?;
            let rows = statement.query_map(&[], alert_row)?;
            rows.collect()
        })
    }

    /// Ends an alert by hand, such as one whose rules nobody looks at any more; what was not told
    /// of it yet is not told any more.
    ///
    /// # Errors
    /// Input error when there is no such alert, or it is over.
    pub fn close_alert(&mut self, id: i64, at: &str) -> Result<()> {
        let n_closed = self.in_transaction(|db| {
            db.execute(
                "DELETE FROM notices WHERE alert = ?1 AND sent IS NULL AND EXISTS
                 (SELECT 1 FROM alerts WHERE id = ?1 AND ended IS NULL)",
                params![id],
            )?;
            let close = "UPDATE alerts SET ended = ?2 WHERE id = ?1 AND ended IS NULL";
            db.execute(close, params![id, at])
        })?;
        if n_closed == 1 {
            return Ok(());
        }
        Err(Error::input("there is no alert of this number that lasts")
            .got(id.to_string())
            .hint("see `modelwright alerts list`"))
    }

    /// The rules that fire for a model, with their severity: the highest where several files have
    /// a rule of one name.
    pub(super) fn open_alerts(&self, model: &str) -> Result<Vec<(String, String)>> {
        let mut open: Vec<(String, String)> = self.in_reading(|db| {
            let statement = db.prepare_cached(
                "SELECT rule, severity FROM alerts WHERE model = ?1 AND ended IS NULL",
            )?;
            let rows = statement.query_map(params![model], |r| Ok((r.get(0)?, r.get(1)?)))?;
            rows.collect()
        })?;
        open.sort_by(|a, b| a.0.cmp(&b.0).then(severity(&b.1).cmp(&severity(&a.1))));
        open.dedup_by(|later, first| later.0 == first.0);
        Ok(open)
    }
}

fn alert_row(r: &Row) -> DbResult<AlertRow> {
    Ok(AlertRow {
        id: r.get(0)?,
        model: r.get(1)?,
        rule: r.get(2)?,
        severity: r.get(3)?,
        began: r.get(4)?,
        last: r.get(5)?,
        ended: r.get(6)?,
        n_seen: r.get(7)?,
        summary: r.get(8)?,
        n_waiting: r.get(9)?,
        error: r.get(10)?,
    })
}

/// The severity of a stored name.
pub(super) fn severity(name: &str) -> Severity {
    match name {
        "info" => Severity::Info,
        "critical" => Severity::Critical,
        _ => Severity::Warning,
    }
}
