//! Aliases: names that move from version to version, each move written down.
//!
//! What a selector means, what the alias stands for, and the move are one transaction: nobody comes
//! between looking and moving.

use modelwright_core::{Error, Result};

use super::read::{history_in, version_in, versions_in};
use super::{AliasChange, check_word, model_id};
use crate::store::Store;
use crate::store::db::{Db, DbResult, OptionalRow, params};

/// What the reason of a move back begins with: such a move is no step forward, and going back once
/// more goes on from where it arrived.
pub(super) const ROLLED_BACK: &str = "rolled back";

/// An alias that is to move.
#[derive(Debug, Clone, Copy)]
pub struct AliasMove<'a> {
    /// The model's name.
    pub name: &'a str,
    /// The alias.
    pub alias: &'a str,
    /// The version that it is to stand for: an alias, a number, or `latest`.
    pub selector: &'a str,
    /// What it stands for as far as the asker knows; if that is no longer so, nothing moves. `None`
    /// for whoever does not care.
    pub from: Option<i64>,
    /// Why.
    pub reason: Option<&'a str>,
}

/// What became of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// The alias stands for `number` now, and stood for `before`.
    Done {
        /// The version that it stands for.
        number: i64,
        /// The version that it stood for.
        before: Option<i64>,
    },
    /// Somebody else moved it meanwhile, to `now`; nothing was changed.
    Meanwhile {
        /// The version that it stands for, if any.
        now: Option<i64>,
    },
}

impl Store {
    /// Lets an alias stand for a version; returns what it stood for before.
    ///
    /// # Errors
    /// Input error when there is no such model or version, or the alias cannot be one.
    pub fn set_alias(
        &mut self,
        name: &str,
        alias: &str,
        selector: &str,
        reason: Option<&str>,
        at: &str,
    ) -> Result<Option<i64>> {
        let wish = AliasMove { name, alias, selector, from: None, reason };
        match self.set_alias_from(&wish, at)? {
            Moved::Done { before, .. } => Ok(before),
            Moved::Meanwhile { now } => Ok(now),
        }
    }

    /// Lets an alias stand for a version, if it still stands for what the asker knows.
    ///
    /// # Errors
    /// As [`Self::set_alias`].
    pub fn set_alias_from(&mut self, wish: &AliasMove<'_>, at: &str) -> Result<Moved> {
        check_alias(wish.alias)?;
        self.change(|db| set_in(db, wish, at))
    }

    /// Removes an alias; returns what it stood for.
    ///
    /// # Errors
    /// Input error when there is none.
    pub fn remove_alias(&mut self, name: &str, alias: &str, at: &str) -> Result<i64> {
        self.change(|db| {
            let version = version_in(db, name, alias)?;
            if !version.aliases.iter().any(|a| a == alias) {
                return Err(Error::input("the model has no such alias").got(alias));
            }
            move_alias(db, name, alias, None, None, at).map_err(|e| db.failed(e))?;
            Ok(version.number)
        })
    }

    /// Lets an alias stand again for the version that it stood for before; returns it.
    ///
    /// # Errors
    /// Input error when it stood for no other version that is still there.
    pub fn roll_back(
        &mut self,
        name: &str,
        alias: &str,
        reason: Option<&str>,
        at: &str,
    ) -> Result<i64> {
        match self.roll_back_from(name, alias, None, reason, at)? {
            Moved::Done { number, .. } => Ok(number),
            Moved::Meanwhile { now } => Ok(now.unwrap_or_default()),
        }
    }

    /// As [`Self::roll_back`], if the alias still stands for what the asker knows.
    ///
    /// # Errors
    /// As [`Self::roll_back`].
    pub fn roll_back_from(
        &mut self,
        name: &str,
        alias: &str,
        from: Option<i64>,
        reason: Option<&str>,
        at: &str,
    ) -> Result<Moved> {
        check_alias(alias)?;
        self.change(|db| {
            let now = version_in(db, name, alias)?.number;
            if from.is_some_and(|known| known != now) {
                return Ok(Moved::Meanwhile { now: Some(now) });
            }
            let numbers: Vec<i64> = versions_in(db, name)?.iter().map(|v| v.number).collect();
            let mut steps = steps_forward(&history_in(db, name)?, alias);
            steps.retain(|step| *step != now && numbers.contains(step));
            let Some(before) = steps.pop() else {
                return Err(Error::input("the alias stood for no other version before")
                    .got(format!("{name}@{alias}, version {now}"))
                    .hint(
                        "see `modelwright models history NAME`, and move it with `models alias`",
                    ));
            };
            let reason = match reason {
                Some(reason) if reason.starts_with(ROLLED_BACK) => reason.to_owned(),
                Some(reason) => format!("{ROLLED_BACK}: {reason}"),
                None => ROLLED_BACK.to_owned(),
            };
            move_alias(db, name, alias, Some(before), Some(&reason), at)
                .map_err(|e| db.failed(e))?;
            Ok(Moved::Done { number: before, before: Some(now) })
        })
    }
}

/// The versions that an alias went forward through to the present one, oldest first: what was
/// rolled back is not on the way. `history` has the newest move first.
fn steps_forward(history: &[AliasChange], alias: &str) -> Vec<i64> {
    let mut steps: Vec<i64> = Vec::new();
    for change in history.iter().rev().filter(|change| change.alias == alias) {
        let Some(number) = change.number else {
            steps.clear();
            continue;
        };
        if steps.is_empty() {
            steps.extend(change.before);
        }
        let is_back = change.reason.as_deref().is_some_and(|why| why.starts_with(ROLLED_BACK));
        match steps.iter().rposition(|step| *step == number) {
            Some(place) if is_back => steps.truncate(place + 1),
            _ => steps.push(number),
        }
    }
    steps
}

/// Moves an alias within a transaction.
pub(super) fn set_in(db: &Db, wish: &AliasMove<'_>, at: &str) -> Result<Moved> {
    let AliasMove { name, alias, selector, from, reason } = *wish;
    let number = version_in(db, name, selector)?.number;
    let now = alias_in(db, name, alias).map_err(|e| db.failed(e))?;
    if from.is_some_and(|known| Some(known) != now) {
        return Ok(Moved::Meanwhile { now });
    }
    let before = move_alias(db, name, alias, Some(number), reason, at).map_err(|e| db.failed(e))?;
    Ok(Moved::Done { number, before })
}

/// What an alias stands for.
pub(crate) fn alias_in(db: &Db, name: &str, alias: &str) -> DbResult<Option<i64>> {
    let query = "SELECT a.number FROM aliases a JOIN models m ON m.id = a.model
         WHERE m.name = ?1 AND a.alias = ?2";
    db.query_row(query, params![name, alias], |r| r.get(0)).optional()
}

/// Lets an alias stand for a version, or for none; returns what it stood for before.
pub(crate) fn move_alias(
    db: &Db,
    name: &str,
    alias: &str,
    number: Option<i64>,
    reason: Option<&str>,
    at: &str,
) -> DbResult<Option<i64>> {
    let model = model_id(db, name)?;
    let before = alias_in(db, name, alias)?;
    match number {
        Some(number) => db.execute(
            "INSERT INTO aliases (model, alias, number) VALUES (?1, ?2, ?3)
             ON CONFLICT (model, alias) DO UPDATE SET number = excluded.number",
            params![model, alias, number],
        )?,
        None => db.execute(
            "DELETE FROM aliases WHERE model = ?1 AND alias = ?2",
            params![model, alias],
        )?,
    };
    if before != number {
        db.execute(
            "INSERT INTO history (model, alias, number, before, at, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![model, alias, number, before, at, reason],
        )?;
    }
    Ok(before)
}

/// Refuses words that mean something else already.
pub(super) fn check_alias(alias: &str) -> Result<()> {
    check_word(alias, "alias")?;
    if alias == "latest" || alias.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::input("the alias has a meaning already")
            .got(alias)
            .expected("a word that is neither `latest` nor a number"));
    }
    Ok(())
}
