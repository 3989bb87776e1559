//! What a look at a model, or a person, changes in the store: all of it or nothing.

use modelwright_core::{Error, Result};
use serde::Serialize;

use super::keep::{WatchLock, holds, lost};
use super::state::{Grounds, WatchState};
use crate::store::db::{Db, OptionalRow, params};
use crate::store::{Store, alias_in, move_alias, parse_reference, version_in};

/// An alias that moves with a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasStep {
    /// The alias.
    pub alias: String,
    /// The version that it is to stand for; `None` removes it.
    pub number: Option<i64>,
    /// The version that it must stand for now, if that matters.
    pub from: Option<i64>,
    /// Why.
    pub reason: Option<String>,
}

/// What is to be written down of a decision.
#[derive(Debug, Clone, Copy)]
pub enum Said<'a> {
    /// The rules decided.
    Rules {
        /// What it rests on.
        grounds: &'a Grounds,
        /// What came of it.
        outcome: Option<&'a serde_json::Value>,
    },
    /// A person decided.
    Person {
        /// Whether they said yes.
        approves: bool,
        /// Why.
        words: &'a str,
    },
}

/// A change of a watched model.
#[derive(Debug, Clone, Copy)]
pub struct WatchChange<'a> {
    /// The model: `NAME@ALIAS`.
    pub model: &'a str,
    /// The right to act on it, which must not be lost; `None` for a person.
    pub lock: Option<&'a WatchLock>,
    /// The state as it was read; `None` where there was none.
    pub read: Option<&'a WatchState>,
    /// The state from now on.
    pub state: &'a WatchState,
    /// Aliases that move, each at most once.
    pub steps: &'a [AliasStep],
    /// What was decided, if that is worth writing down.
    pub said: Option<Said<'a>>,
    /// Now, ISO 8601 in UTC.
    pub at: &'a str,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// All of it was made.
    Done,
    /// Nothing was: somebody else was faster, and changed this.
    Meanwhile(String),
}

impl Committed {
    /// An error where nothing was changed.
    ///
    /// # Errors
    /// Work error that says what somebody else changed.
    pub fn or_error(self, model: &str) -> Result<()> {
        match self {
            Self::Done => Ok(()),
            Self::Meanwhile(what) => Err(Error::work(format!("somebody changed {what} meanwhile"))
                .got(model)
                .hint("nothing was moved; look again")),
        }
    }
}

/// A decision as a row: action, words, grounds, outcome.
type Row = (&'static str, String, String, Option<String>);

impl Store {
    /// Where the watch of a model stands; `None` when it was never watched.
    ///
    /// # Errors
    /// Input error when what is kept cannot be read.
    pub fn watch_state(&self, model: &str) -> Result<Option<WatchState>> {
        let text = self.in_reading(|db| {
            db.query_row("SELECT state FROM watches WHERE model = ?1", params![model], |r| r.get(0))
                .optional()
        })?;
        parsed(text.flatten(), model)
    }

    /// Writes down where a watch stands, why, and moves the aliases that follow from it, in one
    /// transaction: whenever the process ends, state and aliases fit each other. Nothing is changed
    /// where somebody else changed the state, or one of the aliases, since they were read.
    ///
    /// # Errors
    /// Work error when another process has taken the lock, or the store cannot be written to, input
    /// error when a version is gone.
    pub fn commit_watch(&mut self, change: &WatchChange<'_>) -> Result<Committed> {
        let text = json(change.state)?;
        let row = change.said.map(row_of).transpose()?;
        self.change(|db| {
            if let Some(lock) = change.lock
                && !holds(db, lock).map_err(|e| db.failed(e))?
            {
                return Err(lost(change.model));
            }
            if let Some(what) = obstacle(db, change)? {
                return Ok(Committed::Meanwhile(what));
            }
            move_all(db, change)?;
            let write = || {
                db.execute(
                    "INSERT INTO watches (model, state) VALUES (?1, ?2)
                     ON CONFLICT (model) DO UPDATE SET state = excluded.state",
                    params![change.model, text],
                )?;
                if let Some((action, words, grounds, outcome)) = &row {
                    db.execute(
                        "INSERT INTO decisions (model, at, action, words, grounds, outcome)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        params![change.model, change.at, action, words, grounds, outcome],
                    )?;
                }
                Ok(())
            };
            write().map_err(|e| db.failed(e))?;
            Ok(Committed::Done)
        })
    }
}

/// What is no longer as it was read.
fn obstacle(db: &Db, change: &WatchChange<'_>) -> Result<Option<String>> {
    let query = "SELECT state FROM watches WHERE model = ?1";
    let found = db.query_row(query, params![change.model], |r| r.get(0)).optional();
    let text: Option<Option<String>> = found.map_err(|e| db.failed(e))?;
    if parsed(text.flatten(), change.model)?.as_ref() != change.read {
        return Ok(Some("the state of the watch".to_owned()));
    }
    let name = name_of(change.model);
    for step in change.steps.iter().filter(|step| step.from.is_some()) {
        let now = alias_in(db, name, &step.alias).map_err(|e| db.failed(e))?;
        if now != step.from {
            return Ok(Some(format!("the alias {}", step.alias)));
        }
    }
    Ok(None)
}

fn move_all(db: &Db, change: &WatchChange<'_>) -> Result<()> {
    let name = name_of(change.model);
    for step in change.steps {
        if let Some(number) = step.number {
            version_in(db, name, &number.to_string())?;
        } else if alias_in(db, name, &step.alias).map_err(|e| db.failed(e))?.is_none() {
            continue;
        }
        let reason = step.reason.as_deref();
        move_alias(db, name, &step.alias, step.number, reason, change.at)
            .map_err(|e| db.failed(e))?;
    }
    Ok(())
}

fn name_of(model: &str) -> &str {
    parse_reference(model).map_or(model, |(name, _)| name)
}

fn row_of(said: Said<'_>) -> Result<Row> {
    Ok(match said {
        Said::Rules { grounds, outcome } => {
            let Grounds { decided, .. } = grounds;
            let outcome = outcome.map(ToString::to_string);
            (decided.action.name(), decided.words.clone(), json(grounds)?, outcome)
        }
        Said::Person { approves, words } => {
            (if approves { "approve" } else { "reject" }, words.to_owned(), String::new(), None)
        }
    })
}

fn parsed(text: Option<String>, model: &str) -> Result<Option<WatchState>> {
    let state = text.map(|text| {
        serde_json::from_str(&text).map_err(|e| {
            Error::input("the state of the watch cannot be read")
                .got(model)
                .hint("a newer Modelwright may have written it")
                .because(e)
        })
    });
    state.transpose()
}

/// A value as JSON.
fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|e| Error::work("cannot write the state of the watch").because(e))
}
