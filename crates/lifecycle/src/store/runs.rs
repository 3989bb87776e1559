//! Runs: what was asked, what came of it, and whether its process is still there.

use std::fs;

use modelwright_core::record::{MonitorRecord, RunRecord};
use modelwright_core::{Error, Result};

use serde::Serialize;
use serde_json::Value;

use super::db::{Db, DbResult, Row, Value as DbValue, params};
use super::{Store, files, live};

/// The columns of [`RunRow`], in its order.
pub(super) const COLUMNS: &str = "id, kind, status, started, ended, duration_s, host, target, \
     task, metric, data_name, data_sha256, n_rows, parameters, output, model_sha256, \
     record_sha256, git_commit, engine_version, machine, parent, note";

/// The kind of runs that watch a model.
const MONITOR: &str = "monitor";

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
    /// `fit`, `train`, `evaluate`, `monitor` or `retrain`.
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
    /// SHA-256 of the model that came of it, or that it looked at.
    pub model_sha256: Option<String>,
    /// Further metrics.
    pub metrics: Vec<RunMetric>,
    /// In a few words.
    pub note: Option<String>,
    /// The name of the data that were looked at, and how many rows they had; of runs that fit, the
    /// account says it.
    pub rows: Option<(String, u64)>,
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
    /// Metrics, the optimised one first.
    pub metrics: Vec<RunMetric>,
}

impl Store {
    /// Writes down that a run began; returns its number.
    ///
    /// # Errors
    /// Work error when the store cannot be written to.
    pub fn begin_run(&mut self, run: &NewRun) -> Result<i64> {
        let (pid, process) = (i64::from(std::process::id()), process_start(std::process::id()));
        let process = process.unwrap_or_default();
        self.change(|db| {
            db.execute(
                "INSERT INTO runs (kind, status, started, beat, host, pid, process, target,
                 parameters, output, git_commit, engine_version, machine, parent)
                 VALUES (?1, 'running', ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                params![
                    run.kind,
                    run.started,
                    host(),
                    pid,
                    process,
                    run.target,
                    run.parameters.to_string(),
                    run.output,
                    run.git_commit,
                    env!("CARGO_PKG_VERSION"),
                    run.machine,
                    run.parent
                ],
            )
            .map_err(|e| db.failed(e))?;
            db.last_id().map_err(|e| db.failed(e))
        })
    }

    /// Writes down that the process of a run is still there. Other machines, which cannot see the
    /// process, close a run that was not heard of for [`SILENCE_MIN`] minutes.
    ///
    /// # Errors
    /// Work error when the store cannot be written to.
    pub fn beat(&mut self, id: i64, at: &str) -> Result<()> {
        self.change(|db| {
            let beat = "UPDATE runs SET beat = ?2 WHERE id = ?1 AND status = 'running'";
            db.execute(beat, params![id, at]).map_err(|e| db.failed(e))?;
            Ok(())
        })
    }

    /// Writes down how a run ended.
    ///
    /// # Errors
    /// Work error when the store cannot be written to.
    pub fn end_run(&mut self, id: i64, end: &RunEnd<'_>) -> Result<()> {
        let kept = |record: &RunRecord| {
            files::keep(&self.db, &crate::artifact::record_json(record)?, files::RECORD)
        };
        let mut record_sha256 = end.record.map(kept).transpose()?;
        if let Some(found) = end.monitor {
            let bytes = serde_json::to_vec(found)
                .map_err(|e| Error::work("cannot write what was found").because(e))?;
            record_sha256 = Some(files::keep(&self.db, &bytes, files::RECORD)?);
        }
        let status = if end.error.is_some() { RunStatus::Failed } else { RunStatus::Finished };
        let mut metrics = end.record.map_or_else(Vec::new, metrics_of);
        metrics.extend(end.metrics.iter().cloned());
        self.change(|db| {
            let write = || {
                db.execute(
                    "UPDATE runs SET status = ?2, ended = ?3, duration_s = ?4, note = ?5,
                     record_sha256 = ?6, model_sha256 = coalesce(?7, model_sha256) WHERE id = ?1",
                    params![
                        id,
                        status.name(),
                        end.ended,
                        end.duration_s,
                        end.error.as_ref().or(end.note.as_ref()),
                        record_sha256,
                        end.model_sha256
                    ],
                )?;
                if let Some((name, n_rows)) = &end.rows {
                    db.execute(
                        "UPDATE runs SET data_name = ?2, n_rows = ?3 WHERE id = ?1",
                        params![id, name, i64::try_from(*n_rows).unwrap_or(i64::MAX)],
                    )?;
                }
                if let Some(record) = end.record {
                    db.execute(
                        "UPDATE runs SET target = ?2, task = ?3, metric = ?4, data_name = ?5,
                         data_sha256 = ?6, n_rows = ?7 WHERE id = ?1",
                        params![
                            id,
                            record.task.target,
                            record.task.task.name(),
                            record.task.metric,
                            record.data.name,
                            record.data.sha256,
                            super::whole(record.data.n_rows)
                        ],
                    )?;
                }
                for (place, m) in metrics.iter().enumerate() {
                    db.execute(
                        "INSERT INTO metrics (run, place, name, rows, value, low, high)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                         ON CONFLICT (run, rows, name) DO UPDATE SET place = excluded.place,
                         value = excluded.value, low = excluded.low, high = excluded.high",
                        params![id, super::whole(place), m.name, m.rows, m.value, m.low, m.high],
                    )?;
                }
                Ok(())
            };
            write().map_err(|e| db.failed(e))
        })
    }

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
        let Some(sha256) = run.record_sha256.filter(|_| run.kind != MONITOR) else {
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
        let run = self.run(id)?;
        let Some(sha256) = run.record_sha256.filter(|_| run.kind == MONITOR) else {
            return Err(Error::input("the run watched no model")
                .got(format!("run {id}: {}, {}", run.kind, run.status.name()))
                .expected("a run of `modelwright monitor` that came to its end"));
        };
        serde_json::from_slice(&files::read(&self.db, &sha256, files::RECORD)?).map_err(|e| {
            Error::input("what the run found cannot be read").got(format!("run {id}")).because(e)
        })
    }

    /// Closes runs of this machine whose process is gone, as opening the store does; `at` is now,
    /// ISO 8601 in UTC.
    ///
    /// # Errors
    /// Work error when the store cannot be written to.
    pub fn close_lost_runs(&mut self, at: &str) -> Result<()> {
        close_lost(self, at)
    }

    /// Removes a run and what only it names; a registered model that came of it stays.
    ///
    /// # Errors
    /// Input error when there is none, or when it is at work.
    pub fn delete_run(&mut self, id: i64) -> Result<()> {
        let run = self.run(id)?;
        // The process of a run that an MLflow client began is not ours to see.
        if run.status == RunStatus::Running && run.kind != "mlflow" {
            return Err(Error::input("the run is still at work")
                .got(format!("run {id}"))
                .hint("end it first (Ctrl-C keeps the best model so far)"));
        }
        self.change(|db| {
            let remove = || {
                db.execute("DELETE FROM runs WHERE id = ?1", params![id])?;
                live::remove(db.folder(), id);
                match &run.record_sha256 {
                    Some(sha256) => files::remove_unused(db, sha256, files::RECORD),
                    None => Ok(()),
                }
            };
            remove().map_err(|e| db.failed(e))
        })
    }

    /// The runs that a query finds, with their metrics.
    pub(super) fn rows(&self, query: &str, values: &[DbValue]) -> Result<Vec<RunRow>> {
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
        metrics: Vec::new(),
    })
}

/// The metrics of an account: on untouched rows, the optimised one first.
fn metrics_of(record: &RunRecord) -> Vec<RunMetric> {
    let Some(evaluation) = &record.evaluation else { return Vec::new() };
    let of = evaluation.metrics.iter().map(|m| RunMetric {
        name: m.name.clone(),
        rows: evaluation.on.clone(),
        value: m.value,
        low: m.ci95.map(|c| c.low),
        high: m.ci95.map(|c| c.high),
    });
    of.collect()
}

/// Minutes without a word after which a run of another machine is taken for lost. Many beats are
/// missed by then, and clocks of machines that differ by less do no harm.
pub const SILENCE_MIN: f64 = 15.0;

/// Closes runs of this machine whose process is gone, and those of others that fell silent.
pub(super) fn close_lost(store: &mut Store, at: &str) -> Result<()> {
    close_silent(store, at)?;
    let here = host();
    let read = || -> DbResult<Vec<(i64, u32, String)>> {
        let query = "SELECT id, pid, process FROM runs WHERE status = 'running' AND host = ?1";
        let statement = store.db.prepare_cached(query)?;
        let rows = statement.query_map(params![here], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
        rows.collect()
    };
    let running = read().map_err(|e| store.failed(e))?;
    let is_gone =
        |(_, pid, process): &&(i64, u32, String)| process_start(*pid).as_ref() != Some(process);
    let lost: Vec<i64> = running.iter().filter(is_gone).map(|run| run.0).collect();
    if lost.is_empty() {
        return Ok(());
    }
    store.change(|db| {
        for id in lost {
            db.execute(
                "UPDATE runs SET status = 'lost', ended = ?2,
                 note = 'its process ended without a word: killed, or the machine went down'
                 WHERE id = ?1 AND status = 'running'",
                params![id, at],
            )
            .map_err(|e| db.failed(e))?;
        }
        Ok(())
    })
}

/// Closes runs of other machines that were not heard of for long.
fn close_silent(store: &mut Store, at: &str) -> Result<()> {
    let silent = "FROM runs WHERE status = 'running' AND kind <> 'mlflow' AND host <> ?1 AND
         (julianday(?2) - julianday(beat)) * 1440 > ?3";
    let count = |store: &Store| -> DbResult<i64> {
        let query = format!("SELECT count(*) {silent}");
        store.db.query_row(&query, params![host(), at, SILENCE_MIN], |r| r.get(0))
    };
    // Looking takes no lock, and there is mostly nothing to do.
    if count(store).map_err(|e| store.failed(e))? == 0 {
        return Ok(());
    }
    store.change(|db| {
        let close = format!(
            "UPDATE runs SET status = 'lost', ended = ?2, note = 'its machine, ' || host ||
             ', was last heard of at ' || beat WHERE id IN (SELECT id {silent})"
        );
        db.execute(&close, params![host(), at, SILENCE_MIN]).map_err(|e| db.failed(e))?;
        Ok(())
    })
}

/// The name of this machine, as far as it has one.
pub(crate) fn host() -> String {
    let read = |path: &str| fs::read_to_string(path).ok();
    let name = read("/proc/sys/kernel/hostname").or_else(|| read("/etc/hostname"));
    name.map_or("unknown".to_owned(), |name| name.trim().to_owned())
}

/// When a process began, in the kernel's clock ticks: with its number it names one process, also
/// after the number was given to another. `None` when there is no such process.
pub(crate) fn process_start(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, in parentheses, may hold anything; fields are counted after it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // A zombie has ended, though its number is not free yet.
    let is_alive = !matches!(fields.first(), Some(&"Z" | &"X"));
    fields.get(19).filter(|_| is_alive).map(|start| (*start).to_owned())
}
