//! The right to act on a model, and what was decided, in the store.

use modelwright_core::{Error, Result};

use serde::Serialize;

use super::state::Grounds;
use crate::store::db::{OptionalRow, params};
use crate::store::{SILENCE_MIN, Store, host, is_alive, own_process};

/// The right to act on a model, which one process has at a time. It ends with the process, or when
/// the process was not heard of for long.
#[derive(Debug)]
pub struct WatchLock {
    model: String,
}

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

/// Host, process number, start of the process, and whether it has been silent for too long.
type Holder = (Option<String>, Option<i64>, Option<String>, bool);

impl Store {
    /// Takes the right to act on a model.
    ///
    /// # Errors
    /// Input error when another process that is still there has it.
    pub fn lock_watch(&mut self, model: &str, at: &str) -> Result<WatchLock> {
        let own = (host(), i64::from(std::process::id()));
        let process = own_process();
        let holder = self.in_transaction(|db| {
            let holder: Option<Holder> = db
                .query_row(
                    "SELECT host, pid, process,
                     coalesce((julianday(?2) - julianday(beat)) * 1440 > ?3, TRUE)
                     FROM watches WHERE model = ?1",
                    params![model, at, SILENCE_MIN],
                    |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
                )
                .optional()?;
            if let Some((Some(host), Some(pid), started, is_silent)) = holder {
                let pid_here = u32::try_from(pid).ok().filter(|_| host == own.0);
                let started = started.unwrap_or_default();
                let is_there = pid_here.and_then(|pid| is_alive(pid, &started));
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
            None => Ok(WatchLock { model: model.to_owned() }),
            Some((host, pid)) => Err(Error::input("another process watches this model")
                .got(format!("{model}: process {pid} on {host}"))
                .hint("two watches of one model would undo each other; end the other one first")),
        }
    }

    /// Says that the process that holds the lock is still there, and so are its runs: fitting a new
    /// model may take longer than other machines wait for a word.
    ///
    /// # Errors
    /// Work error when the store cannot be written to.
    pub fn beat_watch(&mut self, model: &str, at: &str) -> Result<()> {
        self.in_transaction(|db| {
            db.execute(
                "UPDATE watches SET beat = ?2 WHERE model = ?1 AND pid = ?3 AND host = ?4",
                params![model, at, i64::from(std::process::id()), host()],
            )?;
            db.execute(
                "UPDATE runs SET beat = ?1 WHERE status = 'running' AND pid = ?2 AND host = ?3",
                params![at, i64::from(std::process::id()), host()],
            )
            .map(drop)
        })
    }

    /// Gives the right back.
    ///
    /// # Errors
    /// Work error when the store cannot be written to.
    #[expect(clippy::needless_pass_by_value, reason = "who gave the right back has it no more")]
    pub fn unlock_watch(&mut self, lock: WatchLock) -> Result<()> {
        self.in_transaction(|db| {
            db.execute(
                "UPDATE watches SET host = NULL, pid = NULL, process = NULL WHERE model = ?1",
                params![lock.model],
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
