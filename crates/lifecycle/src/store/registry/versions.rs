//! Registering and removing versions, and their numbers.
//!
//! A number is given once in the life of a model, also after its version was removed: whoever wrote
//! `churn@3` down must not find another model there one day. The counter goes with the model when
//! all of it is removed by its name.

use std::fs;
use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};

use super::aliases::{AliasMove, check_alias, set_in};
use super::read::{models_in, version_in, versions_in, versions_or_none};
use super::{ModelVersion, check_word, model_id};
use crate::artifact::{Manifest, unpack_artifact};
use crate::digest::sha256_file;
use crate::store::db::{Db, DbError, DbResult, OptionalRow, params};
use crate::store::runs::HAS_ACCOUNT;
use crate::store::{Store, files, whole};

impl Store {
    /// Keeps a copy of a model file as the next version of `name`. The same bytes are the same
    /// version. Where no run is named it is the one that made these bytes, if the store knows it.
    ///
    /// # Errors
    /// Input error for a name that cannot be one, or a file that is no whole artifact.
    pub fn register(
        &mut self,
        name: &str,
        file: &Path,
        run: Option<i64>,
        note: Option<&str>,
        at: &str,
    ) -> Result<ModelVersion> {
        self.keep_version(name, file, None, (run, note), at)
    }

    /// Registers a version and lets an alias stand for it, both or neither.
    fn keep_version(
        &mut self,
        name: &str,
        file: &Path,
        alias: Option<&str>,
        (run, note): (Option<i64>, Option<&str>),
        at: &str,
    ) -> Result<ModelVersion> {
        check_word(name, "model")?;
        alias.map_or(Ok(()), check_alias)?;
        let bytes = fs::read(file).map_err(|e| crate::artifact::read_error(file, e))?;
        let artifact = unpack_artifact(&bytes).map_err(|e| e.at(file.display().to_string()))?;
        let sha256 = files::keep(&self.db, &bytes, files::MODEL)?;
        self.change(|db| {
            // Somebody may have removed the last version with these bytes meanwhile.
            files::keep(db, &bytes, files::MODEL)?;
            let size = whole(bytes.len());
            let number =
                insert_version(db, name, &artifact.manifest, (&sha256, size), (run, note), at)
                    .map_err(|e| db.failed(e))?;
            let selector = &*number.to_string();
            if let Some(alias) = alias {
                set_in(db, &AliasMove { name, alias, selector, from: None, reason: note }, at)?;
            }
            version_in(db, name, selector)
        })
    }

    /// Registers the model that came of a run: the one that the store keeps already, or `model.mw`
    /// where the run wrote its results, if that is still what the run made.
    ///
    /// # Errors
    /// As [`Self::register`], and input error when the run made no model, or it is not there any
    /// more.
    pub fn register_run(
        &mut self,
        name: &str,
        run: i64,
        note: Option<&str>,
        at: &str,
    ) -> Result<ModelVersion> {
        self.register_run_as(name, run, None, note, at)
    }

    /// The same, with an alias that stands for it from now on: both are done, or nothing is.
    ///
    /// # Errors
    /// As [`Self::register_run`], and input error for an alias that cannot be one.
    pub fn register_run_as(
        &mut self,
        name: &str,
        run: i64,
        alias: Option<&str>,
        note: Option<&str>,
        at: &str,
    ) -> Result<ModelVersion> {
        let own = self.run(run)?;
        let has_account = own.has_account();
        let Some(sha256) = own.model_sha256.filter(|_| has_account) else {
            return Err(Error::input("the run made no model")
                .got(format!("run {run}: {}, {}", own.kind, own.status.name()))
                .expected("a run that fitted a model and came to its end"));
        };
        let written = own.output.map(|output| Path::new(&output).join("model.mw"));
        let is_it = |path: &PathBuf| sha256_file(path).is_ok_and(|found| found == sha256);
        let kept = files::find(&self.db, &sha256, files::MODEL)?;
        let Some(file) = kept.or_else(|| written.clone().filter(is_it)) else {
            let place = written.map_or("nowhere".to_owned(), |path| path.display().to_string());
            return Err(Error::input("the model of the run is not where the run wrote it")
                .at(place)
                .expected(format!("a file with SHA-256 {sha256}"))
                .hint(format!(
                    "register the file where it is: `modelwright models register {name} FILE \
                     --run {run}`"
                )));
        };
        self.keep_version(name, &file, alias, (Some(run), note), at)
    }

    /// Removes a version, or the whole model when `number` is `None`. A model that lost its last
    /// version keeps its name, so that its numbers are not given again.
    ///
    /// # Errors
    /// Input error when there is none, or when an alias stands for it.
    pub fn delete_model(&mut self, name: &str, number: Option<i64>) -> Result<()> {
        self.change(|db| {
            let meant = to_remove(db, name, number)?;
            let remove = || {
                let model = model_id(db, name)?;
                for version in &meant {
                    db.execute(
                        "DELETE FROM versions WHERE model = ?1 AND number = ?2",
                        params![model, version.number],
                    )?;
                    if !version.sha256.is_empty() {
                        files::remove_unused(db, &version.sha256, files::MODEL)?;
                    }
                }
                match number {
                    Some(_) => Ok(0),
                    None => db.execute("DELETE FROM models WHERE id = ?1", params![model]),
                }
            };
            remove().map(drop).map_err(|e: DbError| db.failed(e))
        })
    }
}

/// The versions that are meant, none of them in use.
fn to_remove(db: &Db, name: &str, number: Option<i64>) -> Result<Vec<ModelVersion>> {
    let is_empty_model = || -> Result<bool> {
        Ok(models_in(db)?.iter().any(|m| m.name == name && m.n_versions == 0))
    };
    let versions = match number {
        None if is_empty_model()? => versions_or_none(db, name)?,
        _ => versions_in(db, name)?,
    };
    let newest = versions.first().map_or(0, |v| v.number);
    let meant: Vec<ModelVersion> =
        versions.into_iter().filter(|v| number.is_none_or(|n| v.number == n)).collect();
    if let Some(number) = number.filter(|_| meant.is_empty()) {
        return Err(Error::input("the model has no such version")
            .got(format!("{name}@{number}"))
            .expected(format!("a number up to {newest}")));
    }
    if let Some(used) = meant.iter().find(|v| !v.aliases.is_empty()) {
        return Err(Error::input("the version is in use")
            .got(format!("{name}, version {}: {}", used.number, used.aliases.join(", ")))
            .expected("a version that no alias stands for")
            .hint(format!(
                "move the alias first, or remove it with `modelwright models alias {name} {} \
                 --remove`",
                used.aliases[0]
            )));
    }
    Ok(meant)
}

/// The number of the version with these bytes, which may be new.
fn insert_version(
    db: &Db,
    name: &str,
    manifest: &Manifest,
    (sha256, size_bytes): (&str, i64),
    (run, note): (Option<i64>, Option<&str>),
    at: &str,
) -> DbResult<i64> {
    db.execute("INSERT OR IGNORE INTO models (name, created) VALUES (?1, ?2)", params![name, at])?;
    let model = model_id(db, name)?;
    let run = match run {
        Some(run) => Some(run),
        None => run_that_made(db, sha256)?,
    };
    let known = db
        .query_row(
            "SELECT number FROM versions WHERE model = ?1 AND sha256 = ?2",
            params![model, sha256],
            |r| r.get(0),
        )
        .optional()?;
    if let Some(number) = known {
        db.execute(
            "UPDATE versions SET run = ?3 WHERE model = ?1 AND number = ?2 AND run IS NULL",
            params![model, number, run],
        )?;
        return Ok(number);
    }
    let number = next_number(db, model)?;
    let metric = manifest.metrics.first();
    db.execute(
        "INSERT INTO versions (model, number, created, sha256, size_bytes, target, task, metric,
         value, low, high, run, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            model,
            number,
            at,
            sha256,
            size_bytes,
            manifest.target,
            manifest.task.name(),
            metric.map(|m| m.name.clone()),
            metric.and_then(|m| m.value),
            metric.and_then(|m| m.ci95).map(|c| c.low),
            metric.and_then(|m| m.ci95).map(|c| c.high),
            run,
            note
        ],
    )?;
    Ok(number)
}

/// The first run that made a model of these bytes; runs that only looked at it have no account.
fn run_that_made(db: &Db, sha256: &str) -> DbResult<Option<i64>> {
    let query = format!("SELECT min(id) FROM runs WHERE model_sha256 = ?1 AND {HAS_ACCOUNT}");
    db.query_row(&query, params![sha256], |r| r.get(0))
}

/// Takes the number of a model's next version.
pub(in crate::store) fn next_number(db: &Db, model: i64) -> DbResult<i64> {
    db.execute("UPDATE models SET newest = newest + 1 WHERE id = ?1", params![model])?;
    db.query_row("SELECT newest FROM models WHERE id = ?1", params![model], |r| r.get(0))
}
