//! Runs of clients: begin, change, end, hide.

use super::experiments::active as active_experiment;
use super::log::{NAME_TAG, set_tag};
use super::{Answer, Pair, Refusal, text_of};
use crate::store::Store;
use crate::store::db::{Db, DbResult, Haste, OptionalRow, Row, params};

/// What the ids of our own runs begin with; their number follows.
pub const OWN_RUN: &str = "modelwright-";

/// The tag that names the run in which a run is nested.
const PARENT_TAG: &str = "mlflow.parentRunId";

/// A run that a client begins.
#[derive(Debug, Clone)]
pub struct NewTrackedRun {
    /// Its id, which nobody else has.
    pub run_id: String,
    /// Its experiment.
    pub experiment: i64,
    /// Its name.
    pub name: String,
    /// Who began it.
    pub user: String,
    /// When, milliseconds since 1970.
    pub start_ms: i64,
    /// Tags by key.
    pub tags: Vec<Pair>,
}

/// What a client says of a run later.
#[derive(Debug, Clone, Default)]
pub struct RunUpdate {
    /// `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED` or `KILLED`.
    pub status: Option<String>,
    /// When it ended, milliseconds since 1970.
    pub end_ms: Option<i64>,
    /// Another name.
    pub name: Option<String>,
}

/// A run, found by its id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Its number.
    pub(super) id: i64,
    /// Whether it is deleted.
    pub(super) is_deleted: bool,
    /// Whether our own program recorded it.
    pub(super) is_own: bool,
}

impl Store {
    /// Writes down that a run began.
    ///
    /// # Errors
    /// Refused when its experiment is not there or deleted.
    pub fn create_tracked_run(&mut self, run: &NewTrackedRun) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let experiment = active_experiment(db, run.experiment)?;
            let commit = run.tags.iter().find(|(key, _)| key == "mlflow.source.git.commit");
            db.prepare_cached(
                "INSERT INTO runs (kind, status, started, host, pid, process, parameters,
                 git_commit, engine_version, machine, note)
                 VALUES ('mlflow', 'running', ?1, '', 0, '', '{}', ?2, 'mlflow', ?3, ?4)",
            )?
            .execute(params![
                text_of(run.start_ms),
                commit.map(|(_, value)| value),
                run.user,
                run.name
            ])?;
            let id = db.last_id()?;
            let uri = format!("{}/{}/artifacts", experiment.artifact_location, run.run_id);
            db.prepare_cached(
                "INSERT INTO tracked (run, run_id, experiment, name, user, status, start_ms,
                 artifact_uri) VALUES (?1, ?2, ?3, ?4, ?5, 'RUNNING', ?6, ?7)",
            )?
            .execute(params![
                id,
                run.run_id,
                run.experiment,
                run.name,
                run.user,
                run.start_ms,
                uri
            ])?;
            for (key, value) in &run.tags {
                set_tag(db, id, key, value)?;
            }
            set_tag(db, id, NAME_TAG, &run.name)?;
            if let Some((_, parent)) = run.tags.iter().find(|(key, _)| key == PARENT_TAG)
                && let Ok(parent) = find(db, parent)
            {
                db.execute("UPDATE runs SET parent = ?2 WHERE id = ?1", params![id, parent.id])?;
            }
            Ok(())
        })
    }

    /// Changes name or state of a run. The state of our own runs is not the client's to say.
    ///
    /// # Errors
    /// Refused when it is not there or deleted.
    pub fn update_tracked_run(&mut self, run_id: &str, update: &RunUpdate) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let run = active(db, run_id)?;
            if run.is_own && (update.status.is_some() || update.end_ms.is_some()) {
                return Err(own(run_id));
            }
            if let Some(name) = update.name.as_deref().filter(|name| !name.is_empty()) {
                rename(db, run.id, name)?;
                set_tag(db, run.id, NAME_TAG, name)?;
            }
            if let Some(status) = &update.status {
                let (ours, has_ended) = match status.as_str() {
                    "FINISHED" => ("finished", true),
                    "FAILED" => ("failed", true),
                    "KILLED" => ("lost", true),
                    _ => ("running", false),
                };
                let end_ms = update.end_ms.filter(|_| has_ended);
                db.prepare_cached(
                    "UPDATE runs SET status = ?2, ended = ?3, duration_s =
                     (?4 - (SELECT start_ms FROM tracked WHERE run = ?1)) / 1000.0 WHERE id = ?1",
                )?
                .execute(params![run.id, ours, end_ms.map(text_of), end_ms])?;
                db.prepare_cached("UPDATE tracked SET status = ?2, end_ms = ?3 WHERE run = ?1")?
                    .execute(params![run.id, status, update.end_ms])?;
            } else if let Some(end_ms) = update.end_ms {
                db.prepare_cached("UPDATE tracked SET end_ms = ?2 WHERE run = ?1")?
                    .execute(params![run.id, end_ms])?;
            }
            Ok(())
        })
    }

    /// Hides a run from lists and searches, or shows it again.
    ///
    /// # Errors
    /// Refused when it is not there.
    pub fn hide_run(&mut self, run_id: &str, hide: bool, at_ms: i64) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let run = find(db, run_id)?;
            if run.is_deleted == hide {
                return Ok(());
            }
            if run.is_own && hide && is_running(db, run.id)? {
                return Err(Refusal::Invalid(format!(
                    "The run {run_id} is at work; end it before it is deleted."
                )));
            }
            db.execute(
                "INSERT INTO tracked (run, deleted_ms) VALUES (?1, ?2)
                 ON CONFLICT (run) DO UPDATE SET deleted_ms = excluded.deleted_ms",
                params![run.id, hide.then_some(at_ms)],
            )?;
            Ok(())
        })
    }
}

fn is_running(db: &Db, id: i64) -> DbResult<bool> {
    let query = "SELECT status = 'running' FROM runs WHERE id = ?1";
    db.query_row(query, params![id], |r| r.get(0))
}

/// The run with an id, deleted or not.
pub(super) fn find(db: &Db, run_id: &str) -> Answer<Found> {
    let found = if let Some(number) = run_id.strip_prefix(OWN_RUN) {
        db.prepare_cached(
            "SELECT r.id, t.deleted_ms IS NOT NULL, 1 FROM runs r
             LEFT JOIN tracked t ON t.run = r.id WHERE r.id = ?1 AND t.run_id IS NULL",
        )?
        .query_row(params![number.parse::<i64>().unwrap_or(-1)], found)
    } else {
        db.prepare_cached("SELECT run, deleted_ms IS NOT NULL, 0 FROM tracked WHERE run_id = ?1")?
            .query_row(params![run_id], found)
    };
    let missing = || Refusal::Missing(format!("Run with id={run_id} not found"));
    found.optional()?.ok_or_else(missing)
}

fn found(r: &Row) -> DbResult<Found> {
    Ok(Found { id: r.get(0)?, is_deleted: r.get(1)?, is_own: r.get(2)? })
}

/// The run with an id, which must not be deleted.
pub(super) fn active(db: &Db, run_id: &str) -> Answer<Found> {
    let run = find(db, run_id)?;
    if run.is_deleted {
        return Err(Refusal::Invalid(format!(
            "The run {run_id} must be in the 'active' state. Current state is deleted."
        )));
    }
    Ok(run)
}

/// The run with an id, which a client began and may write to.
pub(super) fn writable(db: &Db, run_id: &str) -> Answer<Found> {
    let run = active(db, run_id)?;
    if run.is_own { Err(own(run_id)) } else { Ok(run) }
}

fn own(run_id: &str) -> Refusal {
    Refusal::Invalid(format!(
        "The run {run_id} was recorded by Modelwright itself: tags, name and deletion can be \
         changed, what it was asked and what it measured cannot."
    ))
}

/// Gives a run another name.
pub(super) fn rename(db: &Db, id: i64, name: &str) -> DbResult<()> {
    db.prepare_cached(
        "INSERT INTO tracked (run, name) VALUES (?1, ?2)
         ON CONFLICT (run) DO UPDATE SET name = excluded.name",
    )?
    .execute(params![id, name])?;
    db.prepare_cached("UPDATE runs SET note = ?2 WHERE id = ?1 AND kind = 'mlflow'")?
        .execute(params![id, name])?;
    Ok(())
}
