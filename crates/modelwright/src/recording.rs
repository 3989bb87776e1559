//! Runs are written down in the store, when there is one.
//!
//! A run is written down when the user named a store (`--store`, `MODELWRIGHT_STORE`) or has made
//! the default one by registering a model or looking at the page: a first fit leaves nothing
//! outside of its own folder.
//! A named store that does not work stops the work before it begins; the default one only warns.

mod elsewhere;

use std::path::Path;

use modelwright_core::record::{AuditRecord, Evaluation, FairnessRecord, MonitorRecord, RunRecord};
use modelwright_core::{Error, Result};
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::store::{Location, RunEnd, RunMetric, Store, Subject};
use serde::Serialize;

use self::elsewhere::Elsewhere;
pub(crate) use self::elsewhere::LogArg;
use crate::Model;
use crate::run_account::{RunAccount, Written, audit_metrics, monitor_end};
use crate::session::Session;
use crate::{machine, output};

/// A run that has begun; written down or not.
pub(crate) struct Recording {
    account: RunAccount,
    elsewhere: Option<Elsewhere>,
}

/// What is kept of a run that did its work.
pub(crate) struct Recorded<'a> {
    record: Option<&'a RunRecord>,
    monitor: Option<&'a MonitorRecord>,
    audit: Option<&'a AuditRecord>,
    model: &'a Path,
    metrics: Vec<RunMetric>,
    note: Option<String>,
    rows: Option<(String, u64)>,
    subject: Option<Subject>,
}

impl<'a> Recorded<'a> {
    /// A model was fitted.
    pub(crate) fn fit(record: &'a RunRecord, model: &'a Path) -> Self {
        Self { record: Some(record), ..Self::of(model) }
    }

    /// Nothing but the model yet.
    fn of(model: &'a Path) -> Self {
        Self {
            record: None,
            monitor: None,
            audit: None,
            model,
            metrics: Vec::new(),
            note: None,
            rows: None,
            subject: None,
        }
    }

    /// A model was measured on the file of this SHA-256.
    pub(crate) fn evaluation(
        model: &'a Model,
        evaluation: &Evaluation,
        sha256: Option<&str>,
    ) -> Self {
        let metric = |m: &modelwright_core::record::MetricValue| RunMetric {
            name: m.name.clone(),
            rows: evaluation.on.clone(),
            value: m.value,
            low: m.ci95.map(|c| c.low),
            high: m.ci95.map(|c| c.high),
        };
        let target = &model.predictor.target;
        Self {
            metrics: evaluation.metrics.iter().map(metric).collect(),
            note: Some(format!("{target} on {}, {} rows", evaluation.on, evaluation.n_rows)),
            rows: Some((evaluation.on.clone(), evaluation.n_rows as u64)),
            subject: Some(Subject {
                metric: Some(model.predictor.metric.clone()),
                ..subject(model, sha256)
            }),
            ..Self::of(&model.path)
        }
    }

    /// A model was audited on the file of this SHA-256.
    pub(crate) fn audit(model: &'a Model, found: &'a AuditRecord, sha256: Option<&str>) -> Self {
        let FairnessRecord { on, n_rows, audits, .. } = &found.fairness;
        // The worst of all findings is what is to be known of the run.
        let worst = audits.iter().rev().max_by_key(|audit| audit.judgement);
        let words = worst.map_or(String::new(), |audit| format!(": {}", audit.verdict));
        Self {
            audit: Some(found),
            metrics: audit_metrics(found),
            note: Some(format!("{} on {on}, {n_rows} rows{words}", found.target)),
            rows: Some((on.clone(), *n_rows as u64)),
            subject: Some(subject(model, sha256)),
            ..Self::of(&model.path)
        }
    }

    /// A model was watched.
    pub(crate) fn monitor(model: &'a Path, found: &'a MonitorRecord) -> Self {
        let RunEnd { monitor, metrics, note, rows, .. } = monitor_end(found, RunEnd::default());
        Self { monitor, metrics, note, rows, ..Self::of(model) }
    }

    /// With a few words.
    pub(crate) fn with_note(self, note: String) -> Self {
        Self { note: Some(note), ..self }
    }
}

impl Recording {
    /// Writes down that a run begins; `log` says where it is logged besides.
    ///
    /// # Errors
    /// When the store that the user named cannot be written to, or `log` names no address.
    pub(crate) fn begin(
        kind: &str,
        asked: &impl Serialize,
        output: Option<&Path>,
        log: &LogArg,
        session: &Session,
    ) -> Result<Self> {
        let elsewhere = log.open(kind, asked)?;
        let location = Location::find().filter(Location::records_runs);
        let (asked, created) = ((kind, asked), &session.created);
        let account = RunAccount::begin(location, asked, output, created, &output::warn)?;
        // Nobody can watch a run whose lines have no place; it runs all the same.
        if let Some(writer) = account.live_writer() {
            session.told.take(writer);
        }
        Ok(Self { account, elsewhere })
    }

    /// The number of the run, if it is written down.
    pub(crate) fn id(&self) -> Option<i64> {
        self.account.id()
    }

    /// The account of the run in the store.
    pub(crate) fn account(&mut self) -> &mut RunAccount {
        &mut self.account
    }

    /// Writes down how the run ended and passes on what came of it.
    ///
    /// # Errors
    /// What the work said; else, when the store that the user named cannot be written to.
    pub(crate) fn end<T>(
        self,
        done: Result<T>,
        session: &Session,
        keep: impl for<'a> FnOnce(&'a T) -> Recorded<'a>,
    ) -> Result<T> {
        let written = self.write(&done.as_ref().map(keep), session);
        let note = |text: &str| session.note(text);
        match (&done, written.heard(&note, &output::warn)) {
            (Ok(_), Err(error)) => Err(error),
            _ => done,
        }
    }

    /// Writes down in the store, if there is one, and elsewhere, if that was asked.
    fn write(self, kept: &std::result::Result<Recorded<'_>, &Error>, session: &Session) -> Written {
        let ended = machine::utc_now();
        let duration_s = session.started.elapsed().as_secs_f64();
        let end = match kept {
            Err(error) => {
                let error = Some(error.to_string());
                RunEnd { ended, duration_s, error, ..RunEnd::default() }
            }
            Ok(kept) => RunEnd {
                ended,
                duration_s,
                error: None,
                record: kept.record,
                monitor: kept.monitor,
                audit: kept.audit,
                model_sha256: std::fs::read(kept.model).ok().map(|bytes| sha256_hex(&bytes)),
                metrics: kept.metrics.clone(),
                note: kept.note.clone(),
                rows: kept.rows.clone(),
                subject: kept.subject.clone(),
            },
        };
        let written = self.account.end_with(&end);
        if let Some(elsewhere) = &self.elsewhere {
            elsewhere.send(kept.as_ref().map_err(|error| *error), session);
        }
        written
    }
}

/// What a look at a model on the file of this SHA-256 is about.
fn subject(model: &Model, sha256: Option<&str>) -> Subject {
    Subject {
        target: model.predictor.target.clone(),
        task: model.predictor.task.name().to_owned(),
        metric: None,
        data_sha256: sha256.filter(|sha256| !sha256.is_empty()).map(str::to_owned),
    }
}

/// The store of this process, which must be there.
///
/// # Errors
/// Input error when there is none, or it cannot be used.
pub(crate) fn existing_store(session: &Session) -> Result<Store> {
    Store::open_existing(&location()?.place, &session.created)
}

/// The store of this process, made if there is none.
///
/// # Errors
/// Input error when it cannot be made or used.
pub(crate) fn store(session: &Session) -> Result<Store> {
    Store::open(&location()?.place, &session.created)
}

fn location() -> Result<Location> {
    Location::find().ok_or_else(|| {
        Error::input("there is no folder for a store")
            .expected("--store DIR, or MODELWRIGHT_STORE, or HOME in the environment")
    })
}
