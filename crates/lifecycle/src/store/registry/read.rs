//! Looking models and versions up.
//!
//! What is looked up by a change is looked up within its transaction: the functions take the
//! database, and the store's methods only wrap them.

use std::path::PathBuf;

use modelwright_core::{Error, Result};

use super::{AliasChange, ModelSummary, ModelVersion};
use crate::store::db::{Db, DbResult, Row, params};
use crate::store::{Store, files};

const VERSION: &str = "SELECT m.name, v.number, v.created, v.sha256, v.size_bytes, v.target, \
     v.task, v.metric, v.value, v.low, v.high, \
     coalesce(v.run, (SELECT t.run FROM tracked t WHERE t.run_id = v.run_id)), v.note \
     FROM versions v \
     JOIN models m ON m.id = v.model";

/// The task in the row of a version that an MLflow client registered.
const FOREIGN: &str = "mlflow";

impl ModelVersion {
    /// Whether it is a model of an MLflow client, of which the store has no model file.
    pub fn is_foreign(&self) -> bool {
        self.sha256.is_empty() && self.task == FOREIGN
    }
}

impl Store {
    /// All registered models, by name.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn models(&self) -> Result<Vec<ModelSummary>> {
        models_in(&self.db)
    }

    /// The versions of a model, newest first.
    ///
    /// # Errors
    /// Input error when there is no such model, or it has no version.
    pub fn versions(&self, name: &str) -> Result<Vec<ModelVersion>> {
        versions_in(&self.db, name)
    }

    /// The version that `selector` means: an alias, a number, or `latest`.
    ///
    /// # Errors
    /// Input error when there is no such model, alias or version.
    pub fn version(&self, name: &str, selector: &str) -> Result<ModelVersion> {
        version_in(&self.db, name, selector)
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

    /// Where the files of a version lie that an MLflow client registered; `None` of our own.
    ///
    /// # Errors
    /// Input error when there is no such version.
    pub fn foreign_source(&self, name: &str, number: i64) -> Result<Option<String>> {
        self.in_reading(|db| {
            let query = "SELECT v.source FROM versions v JOIN models m ON m.id = v.model
                 WHERE m.name = ?1 AND v.number = ?2";
            db.query_row(query, params![name, number], |r| r.get(0))
        })
    }

    /// The versions that are a model file with this hash, as name and number.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn versions_of_file(&self, sha256: &str) -> Result<Vec<(String, i64)>> {
        self.in_reading(|db| {
            let statement = db.prepare_cached(
                "SELECT m.name, v.number FROM versions v JOIN models m ON m.id = v.model
                 WHERE v.sha256 = ?1 ORDER BY m.name, v.number",
            )?;
            let rows = statement.query_map(params![sha256], |r| Ok((r.get(0)?, r.get(1)?)))?;
            rows.collect()
        })
    }

    /// The versions that came of a run, as name and number.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn versions_of_run(&self, run: i64) -> Result<Vec<(String, i64)>> {
        self.in_reading(|db| {
            let statement = db.prepare_cached(
                "SELECT m.name, v.number FROM versions v JOIN models m ON m.id = v.model
                 WHERE v.run = ?1 ORDER BY m.name, v.number",
            )?;
            let rows = statement.query_map(params![run], |r| Ok((r.get(0)?, r.get(1)?)))?;
            rows.collect()
        })
    }

    /// How aliases moved, newest first.
    ///
    /// # Errors
    /// Input error when there is no such model.
    pub fn history(&self, name: &str) -> Result<Vec<AliasChange>> {
        self.versions(name)?;
        history_in(&self.db, name)
    }
}

pub(super) fn models_in(db: &Db) -> Result<Vec<ModelSummary>> {
    let read = || -> DbResult<Vec<ModelSummary>> {
        let statement = db.prepare_cached(
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
        let aliases = db.prepare_cached(
            "SELECT a.alias, a.number FROM aliases a JOIN models m ON m.id = a.model
             WHERE m.name = ?1 ORDER BY a.alias",
        )?;
        for model in &mut models {
            let rows = aliases.query_map(params![model.name], |r| Ok((r.get(0)?, r.get(1)?)))?;
            model.aliases = rows.collect::<DbResult<_>>()?;
        }
        Ok(models)
    };
    read().map_err(|e| db.failed(e))
}

/// Newest first; an error where there is none.
pub(super) fn versions_in(db: &Db, name: &str) -> Result<Vec<ModelVersion>> {
    let versions = versions_or_none(db, name)?;
    if !versions.is_empty() {
        return Ok(versions);
    }
    let models = models_in(db)?;
    if models.iter().any(|model| model.name == name) {
        return Err(Error::input("the registered model has no version yet").got(name));
    }
    Err(Error::input("there is no registered model of this name")
        .at(db.shown())
        .got(name)
        .expected("the name of a registered model")
        .suggest(name, models.iter().map(|m| m.name.as_str())))
}

/// Newest first; none of a model that has none, or is not there.
pub(super) fn versions_or_none(db: &Db, name: &str) -> Result<Vec<ModelVersion>> {
    let read = || -> DbResult<Vec<ModelVersion>> {
        let query = format!("{VERSION} WHERE m.name = ?1 ORDER BY v.number DESC");
        let statement = db.prepare_cached(&query)?;
        let rows = statement.query_map(params![name], version_row)?;
        let mut versions = rows.collect::<DbResult<Vec<_>>>()?;
        let aliases = db.prepare_cached(
            "SELECT a.alias FROM aliases a JOIN models m ON m.id = a.model
             WHERE m.name = ?1 AND a.number = ?2 ORDER BY a.alias",
        )?;
        for version in &mut versions {
            let rows = aliases.query_map(params![name, version.number], |r| r.get(0))?;
            version.aliases = rows.collect::<DbResult<_>>()?;
        }
        Ok(versions)
    };
    read().map_err(|e| db.failed(e))
}

/// The version that `selector` means: an alias, a number, or `latest`.
pub(crate) fn version_in(db: &Db, name: &str, selector: &str) -> Result<ModelVersion> {
    let versions = versions_in(db, name)?;
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

pub(super) fn history_in(db: &Db, name: &str) -> Result<Vec<AliasChange>> {
    let read = || -> DbResult<Vec<AliasChange>> {
        let statement = db.prepare_cached(
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
    read().map_err(|e| db.failed(e))
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
