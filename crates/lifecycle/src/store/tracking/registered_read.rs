//! The registry as MLflow reads it.

use std::path::PathBuf;

use super::registered::model_id;
use super::{Answer, MODEL_VERSIONS, Page, Pair, REGISTERED_MODELS, Refusal, Search, pairs};
use crate::store::Store;
use crate::store::db::{Db, DbResult, OptionalRow, Row, params};
use crate::store::files;

/// A registered model.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackedModel {
    /// Its name.
    pub name: String,
    /// A few words.
    pub description: Option<String>,
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last changed.
    pub updated_ms: i64,
    /// Tags by key.
    pub tags: Vec<Pair>,
    /// Aliases and the versions that they stand for.
    pub aliases: Vec<(String, i64)>,
    /// The newest version of each stage.
    pub latest: Vec<TrackedVersion>,
}

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackedVersion {
    /// The model's number among all.
    pub(super) model: i64,
    /// The model's name.
    pub name: String,
    /// Its number, from 1.
    pub number: i64,
    /// A few words.
    pub description: Option<String>,
    /// Where its files are.
    pub source: String,
    /// Whether it is a model of our own, whose file the store keeps.
    pub is_own: bool,
    /// The run that made it.
    pub run_id: Option<String>,
    /// A link to that run.
    pub run_link: Option<String>,
    /// The logged model that it is.
    pub logged_model: Option<String>,
    /// `None`, `Staging`, `Production` or `Archived`.
    pub stage: String,
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last changed.
    pub updated_ms: i64,
    /// Tags by key.
    pub tags: Vec<Pair>,
    /// The aliases that stand for it.
    pub aliases: Vec<String>,
}

impl Store {
    /// The registered model of this name.
    ///
    /// # Errors
    /// Refused when there is none.
    pub fn registered_model(&self, name: &str) -> Answer<TrackedModel> {
        self.look(|db| model_by_id(db, model_id(db, name)?))
    }

    /// A page of registered models.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn search_registered_models(&self, search: &Search) -> Answer<Page<TrackedModel>> {
        self.look(|db| {
            let page = REGISTERED_MODELS.page(db, &[], search)?;
            page.try_map(|id: i64| model_by_id(db, id))
        })
    }

    /// A version of a registered model.
    ///
    /// # Errors
    /// Refused when there is none.
    pub fn model_version(&self, name: &str, number: i64) -> Answer<TrackedVersion> {
        self.look(|db| version_by_number(db, name, number))
    }

    /// The version that an alias stands for.
    ///
    /// # Errors
    /// Refused when there is no such model or alias.
    pub fn model_version_of_alias(&self, name: &str, alias: &str) -> Answer<TrackedVersion> {
        self.look(|db| {
            let id = model_id(db, name)?;
            let query = "SELECT number FROM aliases WHERE model = ?1 AND alias = ?2";
            let number =
                db.query_row(query, params![id, alias], |r| r.get(0)).optional()?.ok_or_else(
                    || Refusal::Invalid(format!("Registered model alias {alias} not found.")),
                )?;
            version_by_number(db, name, number)
        })
    }

    /// A page of versions of all registered models.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn search_model_versions(&self, search: &Search) -> Answer<Page<TrackedVersion>> {
        self.look(|db| {
            let page = MODEL_VERSIONS.page(db, &[], search)?;
            page.try_map(|id: i64| {
                let query = format!("{VERSION} WHERE id = ?1");
                let version = db.prepare_cached(&query)?.query_row(params![id], version_row)?;
                Ok(complete(db, version)?)
            })
        })
    }

    /// The file with these bytes, if the store keeps it as a registered model.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn kept_model(&self, sha256: &str) -> Answer<Option<PathBuf>> {
        self.look(|db| {
            let query = "SELECT count(*) FROM versions WHERE sha256 = ?1";
            let n: i64 = db.query_row(query, params![sha256], |r| r.get(0))?;
            if n > 0 { Ok(files::find(db, sha256, files::MODEL)?) } else { Ok(None) }
        })
    }
}

const VERSION: &str = "SELECT model, name, number, description, source, is_own, run_id, run_link, \
     logged_model, stage, created_ms, updated_ms FROM tracked_versions";

fn version_row(r: &Row) -> DbResult<TrackedVersion> {
    Ok(TrackedVersion {
        model: r.get(0)?,
        name: r.get(1)?,
        number: r.get(2)?,
        description: r.get(3)?,
        source: r.get(4)?,
        is_own: r.get(5)?,
        run_id: r.get(6)?,
        run_link: r.get(7)?,
        logged_model: r.get(8)?,
        stage: r.get(9)?,
        created_ms: r.get(10)?,
        updated_ms: r.get(11)?,
        tags: Vec::new(),
        aliases: Vec::new(),
    })
}

fn complete(db: &Db, mut version: TrackedVersion) -> DbResult<TrackedVersion> {
    let key = params![version.model, version.number];
    let tags = "SELECT key, value FROM version_tags WHERE model = ?1 AND number = ?2";
    version.tags = pairs(db, tags, key)?;
    let aliases = db.prepare_cached(
        "SELECT alias FROM aliases WHERE model = ?1 AND number = ?2 ORDER BY alias",
    )?;
    let rows = aliases.query_map(key, |r| r.get(0))?;
    version.aliases = rows.collect::<DbResult<_>>()?;
    Ok(version)
}

/// A version of a model.
pub(super) fn version_by_number(db: &Db, name: &str, number: i64) -> Answer<TrackedVersion> {
    let query = format!("{VERSION} WHERE name = ?1 AND number = ?2");
    let found =
        db.prepare_cached(&query)?.query_row(params![name, number], version_row).optional()?;
    let missing =
        || Refusal::Missing(format!("Model Version (name={name}, version={number}) not found"));
    Ok(complete(db, found.ok_or_else(missing)?)?)
}

/// A registered model by its number among all.
pub(super) fn model_by_id(db: &Db, id: i64) -> Answer<TrackedModel> {
    let query =
        "SELECT name, description, created_ms, updated_ms FROM tracked_models WHERE id = ?1";
    let mut model = db.prepare_cached(query)?.query_row(params![id], |r| {
        Ok(TrackedModel {
            name: r.get(0)?,
            description: r.get(1)?,
            created_ms: r.get(2)?,
            updated_ms: r.get(3)?,
            tags: Vec::new(),
            aliases: Vec::new(),
            latest: Vec::new(),
        })
    })?;
    let tags = "SELECT key, value FROM model_tags WHERE model = ?1";
    model.tags = pairs(db, tags, params![id])?;
    let aliases =
        db.prepare_cached("SELECT alias, number FROM aliases WHERE model = ?1 ORDER BY alias")?;
    let rows = aliases.query_map(params![id], |r| Ok((r.get(0)?, r.get(1)?)))?;
    model.aliases = rows.collect::<DbResult<_>>()?;
    let query = format!(
        "{VERSION} v WHERE model = ?1 AND number = (SELECT max(o.number) FROM tracked_versions o
         WHERE o.model = v.model AND o.stage = v.stage) ORDER BY number"
    );
    let latest = db.prepare_cached(&query)?;
    let rows = latest.query_map(params![id], version_row)?;
    for version in rows.collect::<DbResult<Vec<_>>>()? {
        model.latest.push(complete(db, version)?);
    }
    Ok(model)
}
