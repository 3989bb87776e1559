//! The right to act on a model, and what was decided, in the store.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use modelwright_core::{Error, Result};
use serde::Serialize;

use super::state::Grounds;
use crate::store::db::{Db, DbResult, OptionalRow, params};
use crate::store::{SILENCE_MIN, Store, host, is_alive, own_process};

/// The right to act on a model, which one process has at a time. It ends with the process, or when
/// the process was not heard of for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchLock {
    model: String,
    /// The process that has it, and a number that was drawn for it alone.
    process: String,
}

/// What stands between a process and the number that was drawn.
const DRAWN: char = '#';

/// A decision as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecisionRow {
    /// Its number.
    pub id: i64,
    /// The model: `NAME@ALIAS`.
    pub model: String,
    /// When.
    pub at: String,
    /// What was done.
    pub action: String,
    /// Why.
    pub words: String,
    /// What it rests on; `None` for what a person decided.
    pub grounds: Option<Grounds>,
    /// What came of it.
    pub outcome: Option<serde_json::Value>,
}

/// Whether a lock is still that of who took it.
pub(super) fn holds(db: &Db, lock: &WatchLock) -> DbResult<bool> {
    let query = "SELECT process FROM watches WHERE model = ?1";
    let found: Option<Option<String>> =
        db.query_row(query, params![lock.model], |r| r.get(0)).optional()?;
    Ok(found.flatten().as_deref() == Some(lock.process.as_str()))
}

/// Another process acts on the model now.
pub(super) fn lost(model: &str) -> Error {
    Error::work("another process has taken over the watch of this model")
        .got(model)
        .hint("this one was not heard of for a quarter of an hour; nothing was moved, and it ends")
}

/// Host, process number, start of the process, and whether it has been silent for too long.
type Holder = (Option<String>, Option<i64>, Option<String>, bool);

impl Store {
    /// Takes the right to act on a model.
    ///
    /// # Errors
    /// Input error when another process that is still there has it.
    pub fn lock_watch(&mut self, model: &str, at: &str) -> Result<WatchLock> {
        let own = (host(), i64::from(std::process::id()));
        let drawn = RandomState::new().build_hasher().finish();
        let process = format!("{}{DRAWN}{drawn:016x}", own_process());
        let holder = self.in_transaction(|db| {
            let holder: Option<Holder> = db
                .query_row(
                    "SELECT host, pid, process,
                     coalesce(abs(julianday(?2) - julianday(beat)) * 1440 > ?3, TRUE)
                     FROM watches WHERE model = ?1",
                    params![model, at, SILENCE_MIN],
                    |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
                )
                .optional()?;
            if let Some((Some(host), Some(pid), started, is_silent)) = holder {
                let pid_here = u32::try_from(pid).ok().filter(|_| host == own.0);
                let started = started.unwrap_or_default();
                // Earlier versions drew no number.
                let started = started.split(DRAWN).next().unwrap_or_default();
                let is_there = pid_here.and_then(|pid| is_alive(pid, started));
                if is_there.unwrap_or(!is_silent) {
                    return Ok(Some((host, pid)));
                }
            }
            db.execute(
                "INSERT INTO watches (model, host, pid, process, beat) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (model) DO UPDATE SET host = excluded.host, pid = excluded.pid,
                 process = excluded.process, beat = excluded.beat",
                params![model, own.0, own.1, process, at],
            )?;
            Ok(None)
        })?;
        match holder {
            None => Ok(WatchLock { model: model.to_owned(), process }),
            Some((host, pid)) => Err(Error::input("another process watches this model")
                .got(format!("{model}: process {pid} on {host}"))
                .hint("two watches of one model would undo each other; end the other one first")),
        }
    }

    /// Says that the process that holds the lock is still there, and so are its runs: fitting a new
    /// model may take longer than other machines wait for a word.
    ///
    /// # Errors
    /// Work error when another process has taken the lock meanwhile, or the store cannot be written
    /// to.
    pub fn beat_watch(&mut self, lock: &WatchLock, at: &str) -> Result<()> {
        let n_held = self.in_transaction(|db| {
            db.execute(
                "UPDATE runs SET beat = ?1 WHERE status = 'running' AND pid = ?2 AND host = ?3
                 AND process = ?4",
                params![at, i64::from(std::process::id()), host(), own_process()],
            )?;
            db.execute(
                "UPDATE watches SET beat = ?2 WHERE model = ?1 AND process = ?3",
                params![lock.model, at, lock.process],
            )
        })?;
        if n_held == 0 { Err(lost(&lock.model)) } else { Ok(()) }
    }

    /// Refuses to go on where another process has taken the lock meanwhile.
    ///
    /// # Errors
    /// Work error that says so, or when the store cannot be read.
    pub fn must_hold_watch(&self, lock: &WatchLock) -> Result<()> {
        if self.holds_watch(lock)? { Ok(()) } else { Err(lost(&lock.model)) }
    }

    /// Whether a lock is still that of who took it.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn holds_watch(&self, lock: &WatchLock) -> Result<bool> {
        self.in_reading(|db| holds(db, lock))
    }

    /// Gives the right back; what another process has taken meanwhile stays its own.
    ///
    /// # Errors
    /// Work error when the store cannot be written to.
    #[expect(clippy::needless_pass_by_value, reason = "who gave the right back has it no more")]
    pub fn unlock_watch(&mut self, lock: WatchLock) -> Result<()> {
        self.in_transaction(|db| {
            db.execute(
                "UPDATE watches SET host = NULL, pid = NULL, process = NULL
                 WHERE model = ?1 AND process = ?2",
                params![lock.model, lock.process],
            )
            .map(drop)
        })
    }

    /// What was decided about a model, oldest first.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn watch_decisions(&self, model: &str) -> Result<Vec<DecisionRow>> {
        self.in_reading(|db| {
            let statement = db.prepare_cached(
                "SELECT id, model, at, action, words, grounds, outcome FROM decisions
                 WHERE model = ?1 ORDER BY id",
            )?;
            let rows = statement.query_map(params![model], |r| {
                let (grounds, outcome): (String, Option<String>) = (r.get(5)?, r.get(6)?);
                Ok(DecisionRow {
                    id: r.get(0)?,
                    model: r.get(1)?,
                    at: r.get(2)?,
                    action: r.get(3)?,
                    words: r.get(4)?,
                    grounds: serde_json::from_str(&grounds).ok(),
                    outcome: outcome.and_then(|text| serde_json::from_str(&text).ok()),
                })
            })?;
            rows.collect()
        })
    }

    /// The models that are or were watched: `NAME@ALIAS`.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn watched_models(&self) -> Result<Vec<String>> {
        self.in_reading(|db| {
            let statement = db.prepare_cached("SELECT model FROM watches ORDER BY model")?;
            let rows = statement.query_map(&[], |r| r.get(0))?;
            rows.collect()
        })
    }
}
