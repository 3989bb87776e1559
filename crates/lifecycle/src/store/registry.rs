//! Named models: versions that never change, aliases that move, and the history of both.

use std::fs;
use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};

use serde::Serialize;

use super::db::{Db, DbError, DbResult, OptionalRow, Row, params};
use super::{Store, files};
use crate::artifact::{Manifest, unpack_artifact};

/// A registered model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelSummary {
    /// Its name.
    pub name: String,
    /// When its first version was registered.
    pub created: String,
    /// How many versions there are.
    pub n_versions: i64,
    /// The number of the last version.
    pub latest: Option<i64>,
    /// Aliases with the versions that they stand for.
    pub aliases: Vec<(String, i64)>,
}

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelVersion {
    /// The model's name.
    pub name: String,
    /// Its number, from 1.
    pub number: i64,
    /// When it was registered.
    pub created: String,
    /// SHA-256 of the model file.
    pub sha256: String,
    /// Size of the model file.
    pub size_bytes: i64,
    /// Target column.
    pub target: String,
    /// Task.
    pub task: String,
    /// The optimised metric.
    pub metric: Option<String>,
    /// Its value on untouched rows.
    pub value: Option<f64>,
    /// Lower and upper end of its 95 % interval.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
    /// The run that made it.
    pub run: Option<i64>,
    /// A few words.
    pub note: Option<String>,
    /// The aliases that stand for it.
    pub aliases: Vec<String>,
}

/// An alias that moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AliasChange {
    /// The alias.
    pub alias: String,
    /// The version that it stands for since; `None` when it was removed.
    pub number: Option<i64>,
    /// The version that it stood for before.
    pub before: Option<i64>,
    /// When.
    pub at: String,
    /// Why.
    pub reason: Option<String>,
}

const VERSION: &str = "SELECT m.name, v.number, v.created, v.sha256, v.size_bytes, v.target, \
     v.task, v.metric, v.value, v.low, v.high, v.run, v.note FROM versions v \
     JOIN models m ON m.id = v.model";

impl Store {
    /// Keeps a copy of a model file as the next version of `name`. The same bytes are the same
    /// version.
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
        check_word(name, "model")?;
        let bytes = fs::read(file).map_err(|e| crate::artifact::read_error(file, e))?;
        let artifact = unpack_artifact(&bytes).map_err(|e| e.at(file.display().to_string()))?;
        let sha256 = files::keep(&self.db, &bytes, files::MODEL)?;
        let number = self.change(|db| {
            // Somebody may have removed the last version with these bytes meanwhile.
            files::keep(db, &bytes, files::MODEL)?;
            let size = super::whole(bytes.len());
            insert_version(db, name, &artifact.manifest, (&sha256, size), (run, note), at)
                .map_err(|e| db.failed(e))
        })?;
        self.version(name, &number.to_string())
    }

    /// All registered models, by name.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn models(&self) -> Result<Vec<ModelSummary>> {
        let read = || -> DbResult<Vec<ModelSummary>> {
            let statement = self.db.prepare_cached(
                "SELECT m.name, m.created, count(v.number), max(v.number) FROM models m
                 LEFT JOIN versions v ON v.model = m.id GROUP BY m.id ORDER BY m.name",
            )?;
            let rows = statement.query_map(&[], |r| {
                Ok(ModelSummary {
                    name: r.get(0)?,
                    created: r.get(1)?,
                    n_versions: r.get(2)?,
                    latest: r.get(3)?,
                    aliases: Vec::new(),
                })
            })?;
            let mut models = rows.collect::<DbResult<Vec<_>>>()?;
            let aliases = self.db.prepare_cached(
                "SELECT a.alias, a.number FROM aliases a JOIN models m ON m.id = a.model
                 WHERE m.name = ?1 ORDER BY a.alias",
            )?;
            for model in &mut models {
                let rows =
                    aliases.query_map(params![model.name], |r| Ok((r.get(0)?, r.get(1)?)))?;
                model.aliases = rows.collect::<DbResult<_>>()?;
            }
            Ok(models)
        };
        read().map_err(|e| self.failed(e))
    }

    /// The versions of a model, newest first.
    ///
    /// # Errors
    /// Input error when there is no such model.
    pub fn versions(&self, name: &str) -> Result<Vec<ModelVersion>> {
        let read = || -> DbResult<Vec<ModelVersion>> {
            let query = format!("{VERSION} WHERE m.name = ?1 ORDER BY v.number DESC");
            let statement = self.db.prepare_cached(&query)?;
            let rows = statement.query_map(params![name], version_row)?;
            let mut versions = rows.collect::<DbResult<Vec<_>>>()?;
            let aliases = self.db.prepare_cached(
                "SELECT a.alias FROM aliases a JOIN models m ON m.id = a.model
                 WHERE m.name = ?1 AND a.number = ?2 ORDER BY a.alias",
            )?;
            for version in &mut versions {
                let rows = aliases.query_map(params![name, version.number], |r| r.get(0))?;
                version.aliases = rows.collect::<DbResult<_>>()?;
            }
            Ok(versions)
        };
        let versions = read().map_err(|e| self.failed(e))?;
        if !versions.is_empty() {
            return Ok(versions);
        }
        let models = self.models()?;
        if models.iter().any(|model| model.name == name) {
            return Err(Error::input("the registered model has no version yet").got(name));
        }
        Err(self.no_model(name, &models))
    }

    /// The version that `selector` means: an alias, a number, or `latest`.
    ///
    /// # Errors
    /// Input error when there is no such model, alias or version.
    pub fn version(&self, name: &str, selector: &str) -> Result<ModelVersion> {
        let versions = self.versions(name)?;
        let is_meant = |v: &&ModelVersion| {
            v.aliases.iter().any(|a| a == selector) || v.number.to_string() == selector
        };
        if let Some(found) = versions.iter().find(is_meant) {
            return Ok(found.clone());
        }
        if selector == "latest" {
            return Ok(versions[0].clone());
        }
        let aliases = versions.iter().flat_map(|v| v.aliases.iter().map(String::as_str));
        Err(Error::input("the model has no such alias or version")
            .got(format!("{name}@{selector}"))
            .expected(format!("an alias, `latest`, or a number up to {}", versions[0].number))
            .suggest(selector, aliases))
    }

    /// The model file that `name@selector` means.
    ///
    /// # Errors
    /// Input error when there is none.
    pub fn model_file(&self, name: &str, selector: &str) -> Result<PathBuf> {
        let version = self.version(name, selector)?;
        if version.sha256.is_empty() {
            return Err(Error::input("this version is a model of an MLflow client")
                .got(format!("{name}, version {}", version.number))
                .expected("a version that is a model.mw")
                .hint(format!(
                    "load it with `mlflow.pyfunc.load_model(\"models:/{name}/{}\")`",
                    version.number
                )));
        }
        let found = files::find(&self.db, &version.sha256, files::MODEL)?;
        found.ok_or_else(|| {
            let path = files::path(self.folder(), &version.sha256, files::MODEL);
            Error::input("the file of a registered model is gone")
                .at(path.display().to_string())
                .got(format!("{name}, version {}", version.number))
                .hint("restore artifacts/ from a backup, or register the model again")
        })
    }

    /// The versions that are a model file with this hash, as name and number.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn versions_of_file(&self, sha256: &str) -> Result<Vec<(String, i64)>> {
        let read = || -> DbResult<Vec<(String, i64)>> {
            let statement = self.db.prepare_cached(
                "SELECT m.name, v.number FROM versions v JOIN models m ON m.id = v.model
                 WHERE v.sha256 = ?1 ORDER BY m.name, v.number",
            )?;
            let rows = statement.query_map(params![sha256], |r| Ok((r.get(0)?, r.get(1)?)))?;
            rows.collect()
        };
        read().map_err(|e| self.failed(e))
    }

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
        check_word(alias, "alias")?;
        if alias == "latest" || alias.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::input("the alias has a meaning already")
                .got(alias)
                .expected("a word that is neither `latest` nor a number"));
        }
        let number = self.version(name, selector)?.number;
        self.change(|db| {
            move_alias(db, name, alias, Some(number), reason, at).map_err(|e| db.failed(e))
        })
    }

    /// Removes an alias.
    ///
    /// # Errors
    /// Input error when there is none.
    pub fn remove_alias(&mut self, name: &str, alias: &str, at: &str) -> Result<()> {
        let number = self.version(name, alias)?;
        if !number.aliases.iter().any(|a| a == alias) {
            return Err(Error::input("the model has no such alias").got(alias));
        }
        self.change(|db| move_alias(db, name, alias, None, None, at).map_err(|e| db.failed(e)))?;
        Ok(())
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
        let now = self.version(name, alias)?.number;
        let numbers: Vec<i64> = self.versions(name)?.iter().map(|v| v.number).collect();
        let history = self.history(name)?;
        let mut moves = history.iter().filter(|change| change.alias == alias);
        let earlier = moves.find(|c| c.number == Some(now)).and_then(|change| change.before);
        let Some(before) = earlier.filter(|before| numbers.contains(before)) else {
            return Err(Error::input("the alias stood for no other version before")
                .got(format!("{name}@{alias}, version {now}"))
                .hint("see `modelwright models history NAME`, and move it with `models alias`"));
        };
        self.set_alias(name, alias, &before.to_string(), reason.or(Some("rolled back")), at)?;
        Ok(before)
    }

    /// How aliases moved, newest first.
    ///
    /// # Errors
    /// Input error when there is no such model.
    pub fn history(&self, name: &str) -> Result<Vec<AliasChange>> {
        self.versions(name)?;
        let read = || -> DbResult<Vec<AliasChange>> {
            let statement = self.db.prepare_cached(
                "SELECT h.alias, h.number, h.before, h.at, h.reason FROM history h
                 JOIN models m ON m.id = h.model WHERE m.name = ?1 ORDER BY h.id DESC",
            )?;
            let rows = statement.query_map(params![name], |r| {
                Ok(AliasChange {
                    alias: r.get(0)?,
                    number: r.get(1)?,
                    before: r.get(2)?,
                    at: r.get(3)?,
                    reason: r.get(4)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(|e| self.failed(e))
    }

    /// Removes a version, or the whole model when `number` is `None`.
    ///
    /// # Errors
    /// Input error when there is none, or when an alias stands for it.
    pub fn delete_model(&mut self, name: &str, number: Option<i64>) -> Result<()> {
        let versions = self.versions(name)?;
        let meant: Vec<&ModelVersion> =
            versions.iter().filter(|v| number.is_none_or(|n| v.number == n)).collect();
        if meant.is_empty() {
            return Err(Error::input("the model has no such version")
                .got(number.map_or(String::new(), |n| format!("{name}@{n}")))
                .expected(format!("a number up to {}", versions[0].number)));
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
        self.change(|db| {
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
                db.execute(
                    "DELETE FROM models WHERE id = ?1
                     AND NOT EXISTS (SELECT 1 FROM versions WHERE model = ?1)",
                    params![model],
                )
            };
            remove().map(drop).map_err(|e: DbError| db.failed(e))
        })
    }

    fn no_model(&self, name: &str, models: &[ModelSummary]) -> Error {
        Error::input("there is no registered model of this name")
            .at(self.db.shown())
            .got(name)
            .expected("the name of a registered model")
            .suggest(name, models.iter().map(|m| m.name.as_str()))
    }
}

fn version_row(r: &Row) -> DbResult<ModelVersion> {
    Ok(ModelVersion {
        name: r.get(0)?,
        number: r.get(1)?,
        created: r.get(2)?,
        sha256: r.get(3)?,
        size_bytes: r.get(4)?,
        target: r.get(5)?,
        task: r.get(6)?,
        metric: r.get(7)?,
        value: r.get(8)?,
        low: r.get(9)?,
        high: r.get(10)?,
        run: r.get(11)?,
        note: r.get(12)?,
        aliases: Vec::new(),
    })
}

fn model_id(db: &Db, name: &str) -> DbResult<i64> {
    db.query_row("SELECT id FROM models WHERE name = ?1", params![name], |r| r.get(0))
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
    let known = db
        .query_row(
            "SELECT number FROM versions WHERE model = ?1 AND sha256 = ?2",
            params![model, sha256],
            |r| r.get(0),
        )
        .optional()?;
    if let Some(number) = known {
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

/// The number of a model's next version. Numbers are never given twice, also when the last version
/// was removed.
pub(super) fn next_number(db: &Db, model: i64) -> DbResult<i64> {
    db.query_row(
        "SELECT 1 + coalesce(max(number), 0) FROM (
             SELECT number FROM versions WHERE model = ?1
             UNION ALL SELECT number FROM history WHERE model = ?1
             UNION ALL SELECT before FROM history WHERE model = ?1) AS given",
        params![model],
        |r| r.get(0),
    )
}

/// Lets an alias stand for a version, or for none; returns what it stood for before.
pub(super) fn move_alias(
    db: &Db,
    name: &str,
    alias: &str,
    number: Option<i64>,
    reason: Option<&str>,
    at: &str,
) -> DbResult<Option<i64>> {
    let model = model_id(db, name)?;
    let before: Option<i64> = db
        .query_row(
            "SELECT number FROM aliases WHERE model = ?1 AND alias = ?2",
            params![model, alias],
            |r| r.get(0),
        )
        .optional()?;
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

/// Refuses names that could not be written as `name@alias`.
fn check_word(word: &str, what: &str) -> Result<()> {
    let text = format!("{word}@x");
    if super::parse_reference(&text).is_some_and(|(name, _)| name == word) {
        return Ok(());
    }
    Err(Error::input(format!(
        "this cannot be the name of a{} {what}",
        if what == "alias" { "n" } else { "" }
    ))
    .got(word)
    .expected("letters, digits, `-`, `_` and `.`, not beginning with a dot"))
}
