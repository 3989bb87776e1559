//! Beginning, ending and removing runs.

use modelwright_core::record::RunRecord;
use modelwright_core::{Error, Result};

use serde::Serialize;

use super::{NewRun, RunEnd, RunMetric, RunRow, RunStatus, host, own_process};
use crate::store::db::{Db, DbError, DbResult, params};
use crate::store::tracking::forget_files;
use crate::store::{Store, files, live, whole};

impl Store {
    /// Writes down that a run began; returns its number.
    ///
    /// # Errors
    /// Work error when the store cannot be written to.
    pub fn begin_run(&mut self, run: &NewRun) -> Result<i64> {
        let (pid, process) = (i64::from(std::process::id()), own_process());
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
    /// process, close a run that was not heard of for [`crate::store::SILENCE_MIN`] minutes.
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
            files::keep(&self.db, &crate::artifact::account_json(record)?, files::RECORD)
        };
        let mut record_sha256 = end.record.map(kept).transpose()?;
        if let Some(found) = end.monitor {
            record_sha256 = Some(keep_found(&self.db, found)?);
        }
        if let Some(found) = end.audit {
            record_sha256 = Some(keep_found(&self.db, found)?);
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
                tell_subject(db, id, end)?;
                for (place, m) in metrics.iter().enumerate() {
                    db.execute(
                        "INSERT INTO metrics (run, place, name, rows, value, low, high)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                         ON CONFLICT (run, rows, name) DO UPDATE SET place = excluded.place,
                         value = excluded.value, low = excluded.low, high = excluded.high",
                        params![id, whole(place), m.name, m.rows, m.value, m.low, m.high],
                    )?;
                }
                Ok(())
            };
            write().map_err(|e| db.failed(e))
        })
    }

    /// Removes a run and what only it names; a registered model that came of it stays.
    ///
    /// # Errors
    /// Input error when there is none, or when it is at work.
    pub fn delete_run(&mut self, id: i64) -> Result<()> {
        self.delete_runs(&[id])
    }

    /// Removes runs, all of them or none.
    ///
    /// # Errors
    /// As [`Self::delete_run`].
    pub fn delete_runs(&mut self, ids: &[i64]) -> Result<()> {
        let mut runs = ids.iter().map(|id| self.run(*id)).collect::<Result<Vec<_>>>()?;
        runs.sort_by_key(|run| run.id);
        runs.dedup_by_key(|run| run.id);
        // The process of a run that an MLflow client began is not ours to see.
        let is_at_work = |run: &&RunRow| run.status == RunStatus::Running && run.kind != "mlflow";
        if let Some(run) = runs.iter().find(is_at_work) {
            return Err(Error::input("the run is still at work")
                .got(format!("run {}", run.id))
                .hint("end it first (Ctrl-C keeps the best model so far)"));
        }
        self.change(|db| {
            let remove = |run: &RunRow| {
                forget_files(db, run.id)?;
                db.execute("DELETE FROM runs WHERE id = ?1", params![run.id])?;
                match &run.record_sha256 {
                    Some(sha256) => files::remove_unused(db, sha256, files::RECORD),
                    None => Ok(()),
                }
            };
            runs.iter().try_for_each(remove).map_err(|e: DbError| db.failed(e))
        })?;
        for run in &runs {
            live::remove(self.folder(), run.id);
        }
        Ok(())
    }
}

/// Keeps what a run found beside the database.
fn keep_found(db: &Db, found: &impl Serialize) -> Result<String> {
    let bytes = serde_json::to_vec(found)
        .map_err(|e| Error::work("cannot write what was found").because(e))?;
    files::keep(db, &bytes, files::RECORD)
}

/// Writes down what a run was about, and which data it used.
fn tell_subject(db: &Db, id: i64, end: &RunEnd<'_>) -> DbResult<()> {
    if let Some((name, n_rows)) = &end.rows {
        db.execute(
            "UPDATE runs SET data_name = ?2, n_rows = ?3 WHERE id = ?1",
            params![id, name, i64::try_from(*n_rows).unwrap_or(i64::MAX)],
        )?;
    }
    if let Some(subject) = &end.subject {
        db.execute(
            "UPDATE runs SET target = ?2, task = ?3, metric = ?4, data_sha256 = ?5 WHERE id = ?1",
            params![id, subject.target, subject.task, subject.metric, subject.data_sha256],
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
                whole(record.data.n_rows)
            ],
        )?;
    }
    Ok(())
}

/// The metrics of an account: on untouched rows, the optimised one first.
fn metrics_of(record: &RunRecord) -> Vec<RunMetric> {
    record.evaluation.as_ref().map_or(Vec::new(), RunMetric::of)
}
