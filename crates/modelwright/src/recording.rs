//! Runs are written down in the store, when there is one.
//!
//! A run is written down when the user named a store (`--store`, `MODELWRIGHT_STORE`) or has made
//! the default one by registering a model: a first fit leaves nothing outside of its own folder.
//! A named store that does not work stops the work before it begins; the default one only warns.

mod elsewhere;

use std::path::Path;

use modelwright_core::record::{Evaluation, MetricChange, MonitorRecord, Performance, RunRecord};
use modelwright_core::{Error, Result};
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::store::{Location, NewRun, RunEnd, RunMetric, Store};
use serde::Serialize;

use self::elsewhere::Elsewhere;
pub(crate) use self::elsewhere::LogArg;
use crate::heart::Heart;
use crate::session::Session;
use crate::{machine, output};

/// A run that has begun; written down or not.
pub(crate) struct Recording {
    open: Option<(Store, i64)>,
    is_named: bool,
    elsewhere: Option<Elsewhere>,
    /// Says that the process is there, until the run ends.
    heart: Option<Heart>,
}

/// What is kept of a run that did its work.
pub(crate) struct Recorded<'a> {
    record: Option<&'a RunRecord>,
    monitor: Option<&'a MonitorRecord>,
    model: &'a Path,
    metrics: Vec<RunMetric>,
    note: Option<String>,
    rows: Option<(String, u64)>,
}

impl<'a> Recorded<'a> {
    /// A model was fitted.
    pub(crate) fn fit(record: &'a RunRecord, model: &'a Path) -> Self {
        let (metrics, note, rows) = (Vec::new(), None, None);
        Self { record: Some(record), monitor: None, model, metrics, note, rows }
    }

    /// A model was measured.
    pub(crate) fn evaluation(model: &'a Path, target: &str, evaluation: &Evaluation) -> Self {
        let metric = |m: &modelwright_core::record::MetricValue| RunMetric {
            name: m.name.clone(),
            rows: evaluation.on.clone(),
            value: m.value,
            low: m.ci95.map(|c| c.low),
            high: m.ci95.map(|c| c.high),
        };
        Self {
            record: None,
            monitor: None,
            model,
            metrics: evaluation.metrics.iter().map(metric).collect(),
            note: Some(format!("{target} on {}, {} rows", evaluation.on, evaluation.n_rows)),
            rows: Some((evaluation.on.clone(), evaluation.n_rows as u64)),
        }
    }

    /// A model was watched.
    pub(crate) fn monitor(model: &'a Path, found: &'a MonitorRecord) -> Self {
        let RunEnd { monitor, metrics, note, rows, .. } = monitor_end(found, RunEnd::default());
        Self { record: None, monitor, model, metrics, note, rows }
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
        let Some(location) = Location::find().filter(Location::records_runs) else {
            return Ok(Self { open: None, is_named: false, elsewhere, heart: None });
        };
        let run = NewRun {
            kind: kind.to_owned(),
            started: session.created.clone(),
            target: None,
            parameters: serde_json::to_value(asked)
                .map_err(|e| Error::work("cannot write down what was asked").because(e))?,
            output: output.map(|path| path.display().to_string()),
            git_commit: machine::git_commit(),
            machine: machine::description(),
            parent: None,
        };
        let open = || -> Result<(Store, i64)> {
            let mut store = Store::open(&location.place, &session.created)?;
            let id = store.begin_run(&run)?;
            Ok((store, id))
        };
        let is_named = location.is_named;
        match open() {
            Ok((store, id)) => {
                // Nobody can watch a run whose lines have no place; it runs all the same.
                if let Ok(writer) = store.live_writer(id) {
                    session.told.take(writer);
                }
                let say = move |store: &mut Store, at: &str| store.beat(id, at);
                let heart = Some(Heart::start(&location.place, say));
                Ok(Self { open: Some((store, id)), is_named, elsewhere, heart })
            }
            Err(error) if is_named => Err(error),
            Err(error) => {
                output::warn(&format!("the run is not recorded: {error}"));
                Ok(Self { open: None, is_named, elsewhere, heart: None })
            }
        }
    }

    /// The number of the run, if it is written down.
    pub(crate) fn id(&self) -> Option<i64> {
        self.open.as_ref().map(|open| open.1)
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
        let is_named = self.is_named;
        let written = self.write(&done.as_ref().map(keep), session);
        match (done, written) {
            (done, None) => done,
            (Ok(value), Some((id, Ok(())))) => {
                session.note(&format!("recorded as run {id}"));
                Ok(value)
            }
            (Ok(_), Some((_, Err(error)))) if is_named => Err(error),
            (done, Some((_, Err(error)))) => {
                output::warn(&format!("the end of the run is not recorded: {error}"));
                done
            }
            (Err(error), Some((_, Ok(())))) => Err(error),
        }
    }

    /// Writes down in the store, if there is one, and elsewhere, if that was asked; returns the
    /// run's number and whether the store could be written to.
    fn write(
        self,
        kept: &std::result::Result<Recorded<'_>, &Error>,
        session: &Session,
    ) -> Option<(i64, Result<()>)> {
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
                model_sha256: std::fs::read(kept.model).ok().map(|bytes| sha256_hex(&bytes)),
                metrics: kept.metrics.clone(),
                note: kept.note.clone(),
                rows: kept.rows.clone(),
            },
        };
        drop(self.heart);
        let written = self.open.map(|(mut store, id)| (id, store.end_run(id, &end)));
        if let Some(elsewhere) = &self.elsewhere {
            elsewhere.send(kept.as_ref().map_err(|error| *error), session);
        }
        written
    }
}

/// What a run of the monitor keeps: what was found, metrics on the new rows and those to be
/// expected, and how much moved.
pub(crate) fn monitor_end<'a>(found: &'a MonitorRecord, end: RunEnd<'a>) -> RunEnd<'a> {
    let of = |rows: &'static str, performance: Option<&Performance>| {
        let changes = performance.map_or(&[][..], |p| &p.metrics[..]);
        let metric = |m: &MetricChange| RunMetric {
            name: m.name.clone(),
            rows: rows.to_owned(),
            value: m.value,
            low: m.ci95.map(|c| c.low),
            high: m.ci95.map(|c| c.high),
        };
        changes.iter().map(metric).collect::<Vec<_>>()
    };
    let share = |name: &str, value: Option<f64>| RunMetric {
        name: name.to_owned(),
        rows: "columns".to_owned(),
        value,
        low: None,
        high: None,
    };
    let mut metrics = of("measured", found.performance.as_ref());
    metrics.extend(of("expected", found.estimated.as_ref()));
    metrics.push(share("drift_share", Some(found.dataset.share)));
    metrics.push(share("drift_importance_share", found.dataset.importance_share));
    let note = Some(found.verdict.summary.clone());
    let rows = Some((found.current.names.join(", "), found.current.n_rows));
    RunEnd { monitor: Some(found), metrics, note, rows, ..end }
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
