//! Runs and their accounts, as they were written down.

use modelwright_core::record::{AuditRecord, MonitorRecord, RunRecord};
use modelwright_core::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{AUDIT, MONITOR, RunMetric, RunRow, RunStatus};
use crate::store::db::{Db, DbResult, Row, Value as DbValue, params};
use crate::store::{Store, files};

/// The columns of [`RunRow`], in its order.
pub(in crate::store) const COLUMNS: &str = "id, kind, status, started, ended, duration_s, host, \
     target, task, metric, data_name, data_sha256, n_rows, parameters, output, model_sha256, \
     record_sha256, git_commit, engine_version, machine, parent, note, \
     (SELECT t.name FROM tracked t WHERE t.run = runs.id), \
     (SELECT x.name FROM tracked t JOIN experiments x ON x.id = t.experiment \
     WHERE t.run = runs.id)";

impl Store {
    /// The run with this number.
    ///
    /// # Errors
    /// Input error when there is none.
    pub fn run(&self, id: i64) -> Result<RunRow> {
        let query = format!("SELECT {COLUMNS} FROM runs WHERE id = ?1");
        let mut found = self.rows(&query, params![id])?;
        found.pop().ok_or_else(|| {
            Error::input("there is no such run")
                .got(id.to_string())
                .hint("list them with `modelwright runs list`")
        })
    }

    /// The complete account of a run that fitted a model.
    ///
    /// # Errors
    /// Input error when there is none, or when it was damaged.
    pub fn run_record(&self, id: i64) -> Result<RunRecord> {
        let run = self.run(id)?;
        let has_account = run.has_account();
        let Some(sha256) = run.record_sha256.filter(|_| has_account) else {
            return Err(Error::input("the run has no account")
                .got(format!("run {id}: {}, {}", run.kind, run.status.name()))
                .expected("a run that fitted a model and came to its end"));
        };
        crate::artifact::parse_record(&files::read(&self.db, &sha256, files::RECORD)?)
    }

    /// What a run that watched a model found.
    ///
    /// # Errors
    /// Input error when the run watched none, or what it found was damaged.
    pub fn run_monitor(&self, id: i64) -> Result<MonitorRecord> {
        self.found(id, (MONITOR, "the run watched no model"))
    }

    /// What a run that audited a model found.
    ///
    /// # Errors
    /// Input error when the run audited none, or what it found was damaged.
    pub fn run_audit(&self, id: i64) -> Result<AuditRecord> {
        self.found(id, (AUDIT, "the run audited no model"))
    }

    /// What a run of this kind found; the words say that it is none.
    fn found<T: DeserializeOwned>(&self, id: i64, (kind, is_none): (&str, &str)) -> Result<T> {
        let run = self.run(id)?;
        let Some(sha256) = run.record_sha256.filter(|_| run.kind == kind) else {
            return Err(Error::input(is_none)
                .got(format!("run {id}: {}, {}", run.kind, run.status.name()))
                .expected(format!("a run of `modelwright {kind}` that came to its end")));
        };
        serde_json::from_slice(&files::read(&self.db, &sha256, files::RECORD)?).map_err(|e| {
            Error::input("what the run found cannot be read").got(format!("run {id}")).because(e)
        })
    }

    /// The runs that a query finds, with their metrics.
    pub(in crate::store) fn rows(&self, query: &str, values: &[DbValue]) -> Result<Vec<RunRow>> {
        let read = |db: &Db| -> DbResult<Vec<RunRow>> {
            let statement = db.prepare_cached(query)?;
            let rows = statement.query_map(values, row)?;
            let mut runs = rows.collect::<DbResult<Vec<RunRow>>>()?;
            let of_run = db.prepare_cached(
                "SELECT name, rows, value, low, high FROM metrics WHERE run = ?1 ORDER BY place",
            )?;
            for run in &mut runs {
                let metrics = of_run.query_map(params![run.id], |r| {
                    Ok(RunMetric {
                        name: r.get(0)?,
                        rows: r.get(1)?,
                        value: r.get(2)?,
                        low: r.get(3)?,
                        high: r.get(4)?,
                    })
                })?;
                run.metrics = metrics.collect::<DbResult<_>>()?;
            }
            Ok(runs)
        };
        // One view of runs and metrics: another process may end a run between the two.
        self.db.snapshot(read).map_err(|e| self.failed(e))
    }
}

fn row(r: &Row) -> DbResult<RunRow> {
    let status: String = r.get(2)?;
    let parameters: String = r.get(13)?;
    Ok(RunRow {
        id: r.get(0)?,
        kind: r.get(1)?,
        status: RunStatus::of(&status),
        started: r.get(3)?,
        ended: r.get(4)?,
        duration_s: r.get(5)?,
        host: r.get(6)?,
        target: r.get(7)?,
        task: r.get(8)?,
        metric: r.get(9)?,
        data_name: r.get(10)?,
        data_sha256: r.get(11)?,
        n_rows: r.get(12)?,
        parameters: serde_json::from_str(&parameters).unwrap_or(Value::String(parameters)),
        output: r.get(14)?,
        model_sha256: r.get(15)?,
        record_sha256: r.get(16)?,
        git_commit: r.get(17)?,
        engine_version: r.get(18)?,
        machine: r.get(19)?,
        parent: r.get(20)?,
        note: r.get(21)?,
        name: r.get(22)?,
        experiment: r.get(23)?,
        metrics: Vec::new(),
    })
}
