//! The registry as MLflow changes it: models without versions, versions of any source, tags,
//! stages.
//!
//! Versions of our own stay what they are: they can be tagged, staged and described, and are
//! removed only while no alias stands for them. A version of a client is a source and no model
//! file; `models alias`, `history` and `rollback` work on both.

use super::registered_read::{TrackedModel, TrackedVersion, model_by_id, version_by_number};
use super::{Answer, Pair, Refusal, text_of};
use crate::store::Store;
use crate::store::db::{Db, DbResult, Haste, OptionalRow, params};
use crate::store::registry::{move_alias, next_number};

/// A version that a client registers.
#[derive(Debug, Clone, Default)]
pub struct NewVersion {
    /// The registered model, which must be there.
    pub name: String,
    /// Where its files are.
    pub source: String,
    /// The run that made it.
    pub run_id: Option<String>,
    /// A link to that run.
    pub run_link: Option<String>,
    /// The logged model that it is.
    pub logged_model: Option<String>,
    /// A few words.
    pub description: Option<String>,
    /// Tags by key.
    pub tags: Vec<Pair>,
}

impl Store {
    /// Makes a registered model that has no version yet.
    ///
    /// # Errors
    /// Refused when its name is taken.
    pub fn create_registered_model(
        &mut self,
        name: &str,
        description: Option<&str>,
        tags: &[Pair],
        at_ms: i64,
    ) -> Answer<TrackedModel> {
        self.track(Haste::Certain, |db| {
            free_name(db, name)?;
            db.execute(
                "INSERT INTO models (name, created, description, created_ms, updated_ms)
                 VALUES (?1, ?2, ?3, ?4, ?4)",
                params![name, text_of(at_ms), description, at_ms],
            )?;
            let id = db.last_id()?;
            for (key, value) in tags {
                set_model_tag(db, id, key, value)?;
            }
            model_by_id(db, id)
        })
    }

    /// Gives a registered model another name.
    ///
    /// # Errors
    /// Refused when it is not there, or the name is taken.
    pub fn rename_registered_model(
        &mut self,
        name: &str,
        new_name: &str,
        at_ms: i64,
    ) -> Answer<TrackedModel> {
        self.track(Haste::Certain, |db| {
            let id = model_id(db, name)?;
            if name != new_name {
                free_name(db, new_name)?;
            }
            let change = "UPDATE models SET name = ?2, updated_ms = ?3 WHERE id = ?1";
            db.execute(change, params![id, new_name, at_ms])?;
            model_by_id(db, id)
        })
    }

    /// Describes a registered model.
    ///
    /// # Errors
    /// Refused when it is not there.
    pub fn describe_registered_model(
        &mut self,
        name: &str,
        description: Option<&str>,
        at_ms: i64,
    ) -> Answer<TrackedModel> {
        self.track(Haste::Certain, |db| {
            let id = model_id(db, name)?;
            let change = "UPDATE models SET description = ?2, updated_ms = ?3 WHERE id = ?1";
            db.execute(change, params![id, description, at_ms])?;
            model_by_id(db, id)
        })
    }

    /// Removes a registered model with its versions.
    ///
    /// # Errors
    /// Refused when it is not there, or has versions of our own.
    pub fn delete_registered_model(&mut self, name: &str) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let id = model_id(db, name)?;
            let query = "SELECT count(*) FROM versions WHERE model = ?1 AND source IS NULL";
            let n_own: i64 = db.query_row(query, params![id], |r| r.get(0))?;
            if n_own > 0 {
                return Err(Refusal::Invalid(format!(
                    "Registered Model '{name}' has versions that Modelwright keeps; remove them \
                     with `modelwright models delete {name}`."
                )));
            }
            db.execute("DELETE FROM aliases WHERE model = ?1", params![id])?;
            db.execute("DELETE FROM versions WHERE model = ?1", params![id])?;
            db.execute("DELETE FROM models WHERE id = ?1", params![id])?;
            Ok(())
        })
    }

    /// Sets or removes a tag of a registered model.
    ///
    /// # Errors
    /// Refused when it is not there.
    pub fn tag_registered_model(
        &mut self,
        name: &str,
        key: &str,
        value: Option<&str>,
        at_ms: i64,
    ) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let id = model_id(db, name)?;
            if let Some(value) = value {
                set_model_tag(db, id, key, value)?;
            } else {
                let remove = "DELETE FROM model_tags WHERE model = ?1 AND key = ?2";
                db.execute(remove, params![id, key])?;
            }
            Ok(touch(db, id, at_ms)?)
        })
    }

    /// Registers a version.
    ///
    /// # Errors
    /// Refused when the model is not there.
    pub fn create_model_version(&mut self, new: &NewVersion, at_ms: i64) -> Answer<TrackedVersion> {
        self.track(Haste::Certain, |db| {
            let id = model_id(db, &new.name)?;
            let number = next_number(db, id)?;
            db.execute(
                "INSERT INTO versions (model, number, created, sha256, size_bytes, target, task,
                 note, source, run_id, run_link, logged_model, created_ms, updated_ms)
                 VALUES (?1, ?2, ?3, '', 0, '', 'mlflow', ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
                params![
                    id,
                    number,
                    text_of(at_ms),
                    new.description,
                    new.source,
                    new.run_id,
                    new.run_link,
                    new.logged_model,
                    at_ms
                ],
            )?;
            for (key, value) in &new.tags {
                set_version_tag(db, id, number, key, value)?;
            }
            touch(db, id, at_ms)?;
            version_by_number(db, &new.name, number)
        })
    }

    /// Describes a version.
    ///
    /// # Errors
    /// Refused when it is not there.
    pub fn describe_model_version(
        &mut self,
        name: &str,
        number: i64,
        description: Option<&str>,
        at_ms: i64,
    ) -> Answer<TrackedVersion> {
        self.track(Haste::Certain, |db| {
            let version = version_by_number(db, name, number)?;
            db.execute(
                "UPDATE versions SET note = ?3, updated_ms = ?4 WHERE model = ?1 AND number = ?2",
                params![version.model, number, description, at_ms],
            )?;
            version_by_number(db, name, number)
        })
    }

    /// Moves a version to a stage; with `archive`, those that were in it go to `Archived`.
    ///
    /// # Errors
    /// Refused when it is not there.
    pub fn stage_model_version(
        &mut self,
        name: &str,
        number: i64,
        stage: &str,
        archive: bool,
        at_ms: i64,
    ) -> Answer<TrackedVersion> {
        self.track(Haste::Certain, |db| {
            let version = version_by_number(db, name, number)?;
            if archive {
                db.execute(
                    "UPDATE versions SET stage = 'Archived', updated_ms = ?4
                     WHERE model = ?1 AND stage = ?3 AND number <> ?2",
                    params![version.model, number, stage, at_ms],
                )?;
            }
            db.execute(
                "UPDATE versions SET stage = ?3, updated_ms = ?4 WHERE model = ?1 AND number = ?2",
                params![version.model, number, stage, at_ms],
            )?;
            touch(db, version.model, at_ms)?;
            version_by_number(db, name, number)
        })
    }

    /// Removes a client's version and the aliases that stand for it.
    ///
    /// # Errors
    /// Refused when it is not there, or is our own.
    pub fn delete_model_version(&mut self, name: &str, number: i64, at_ms: i64) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let version = version_by_number(db, name, number)?;
            if version.is_own {
                return Err(Refusal::Invalid(format!(
                    "Version {number} of '{name}' is kept by Modelwright; remove it with \
                     `modelwright models delete {name} --number {number}`."
                )));
            }
            for alias in &version.aliases {
                let reason = Some("its version was deleted");
                move_alias(db, name, alias, None, reason, &text_of(at_ms))?;
            }
            db.execute(
                "DELETE FROM versions WHERE model = ?1 AND number = ?2",
                params![version.model, number],
            )?;
            Ok(touch(db, version.model, at_ms)?)
        })
    }

    /// Sets or removes a tag of a version.
    ///
    /// # Errors
    /// Refused when it is not there.
    pub fn tag_model_version(
        &mut self,
        name: &str,
        number: i64,
        key: &str,
        value: Option<&str>,
    ) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let version = version_by_number(db, name, number)?;
            match value {
                Some(value) => set_version_tag(db, version.model, number, key, value)?,
                None => {
                    db.execute(
                        "DELETE FROM version_tags WHERE model = ?1 AND number = ?2 AND key = ?3",
                        params![version.model, number, key],
                    )?;
                }
            }
            Ok(())
        })
    }

    /// Lets an alias stand for a version, or for none.
    ///
    /// # Errors
    /// Refused when model or version are not there.
    pub fn move_model_alias(
        &mut self,
        name: &str,
        alias: &str,
        number: Option<i64>,
        at_ms: i64,
    ) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let id = model_id(db, name)?;
            if let Some(number) = number {
                version_by_number(db, name, number)?;
            }
            move_alias(db, name, alias, number, Some("by an MLflow client"), &text_of(at_ms))?;
            Ok(touch(db, id, at_ms)?)
        })
    }
}

/// The number of a registered model among all.
pub(super) fn model_id(db: &Db, name: &str) -> Answer<i64> {
    let query = "SELECT id FROM models WHERE name = ?1";
    let found = db.prepare_cached(query)?.query_row(params![name], |r| r.get(0)).optional()?;
    let missing = || Refusal::Missing(format!("Registered Model with name={name} not found"));
    found.ok_or_else(missing)
}

fn free_name(db: &Db, name: &str) -> Answer<()> {
    let query = "SELECT count(*) FROM models WHERE name = ?1";
    let n: i64 = db.query_row(query, params![name], |r| r.get(0))?;
    if n == 0 {
        return Ok(());
    }
    Err(Refusal::Exists(format!("Registered Model (name={name}) already exists.")))
}

fn touch(db: &Db, id: i64, at_ms: i64) -> DbResult<()> {
    db.execute("UPDATE models SET updated_ms = ?2 WHERE id = ?1", params![id, at_ms]).map(drop)
}

fn set_model_tag(db: &Db, id: i64, key: &str, value: &str) -> DbResult<()> {
    db.execute(
        "INSERT INTO model_tags (model, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (model, key) DO UPDATE SET value = excluded.value",
        params![id, key, value],
    )
    .map(drop)
}

fn set_version_tag(db: &Db, id: i64, number: i64, key: &str, value: &str) -> DbResult<()> {
    db.execute(
        "INSERT INTO version_tags (model, number, key, value) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (model, number, key) DO UPDATE SET value = excluded.value",
        params![id, number, key, value],
    )
    .map(drop)
}
