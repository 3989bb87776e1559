//! Groups of runs.

use super::{Answer, EXPERIMENTS, Page, Pair, Refusal, Search, View, pairs};
use crate::store::Store;
use crate::store::db::{Db, DbResult, Haste, OptionalRow, Row, params};

/// A group of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// Its number; 0 is there from the start, 1 holds our own runs.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Where its artifacts go.
    pub artifact_location: String,
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last changed.
    pub updated_ms: i64,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// Tags by key.
    pub tags: Vec<Pair>,
}

const EXPERIMENT: &str = "SELECT id, name, artifact_location, created_ms, updated_ms, \
     deleted_ms IS NOT NULL FROM experiments";

impl Store {
    /// Makes an experiment; returns its number.
    ///
    /// # Errors
    /// Refused when the name is taken.
    pub fn create_experiment(
        &mut self,
        name: &str,
        artifact_location: Option<&str>,
        tags: &[Pair],
        at_ms: i64,
    ) -> Answer<i64> {
        self.track(Haste::Certain, |db| {
            free_name(db, name)?;
            db.execute(
                "INSERT INTO experiments (name, artifact_location, created_ms, updated_ms)
                 VALUES (?1, ?2, ?3, ?3)",
                params![name, artifact_location.unwrap_or(""), at_ms],
            )?;
            let id = db.last_id()?;
            if artifact_location.is_none_or(str::is_empty) {
                db.execute(
                    "UPDATE experiments SET artifact_location = 'mlflow-artifacts:/' || id
                     WHERE id = ?1",
                    params![id],
                )?;
            }
            for (key, value) in tags {
                set_tag(db, id, key, value)?;
            }
            Ok(id)
        })
    }

    /// The experiment with this number.
    ///
    /// # Errors
    /// Refused when there is none.
    pub fn experiment(&self, id: i64) -> Answer<Experiment> {
        self.look(|db| by_id(db, id))
    }

    /// The experiment of this name, deleted or not.
    ///
    /// # Errors
    /// Refused when there is none.
    pub fn experiment_by_name(&self, name: &str) -> Answer<Experiment> {
        self.look(|db| {
            let query = format!("{EXPERIMENT} WHERE name = ?1");
            let found = db.prepare_cached(&query)?.query_row(params![name], row).optional()?;
            let missing =
                || Refusal::Missing(format!("Could not find experiment with name '{name}'"));
            with_tags(db, found.ok_or_else(missing)?)
        })
    }

    /// A page of experiments.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn search_experiments(&self, view: View, search: &Search) -> Answer<Page<Experiment>> {
        self.look(|db| {
            let page = EXPERIMENTS.page(db, &[view.sql()], search)?;
            page.try_map(|id: i64| by_id(db, id))
        })
    }

    /// Gives an experiment another name.
    ///
    /// # Errors
    /// Refused when it is not there or deleted, or the name is taken.
    pub fn rename_experiment(&mut self, id: i64, name: &str, at_ms: i64) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let experiment = by_id(db, id)?;
            if experiment.is_deleted {
                return Err(Refusal::Invalid("Cannot rename a non-active experiment.".to_owned()));
            }
            if experiment.name != name {
                free_name(db, name)?;
            }
            db.execute(
                "UPDATE experiments SET name = ?2, updated_ms = ?3 WHERE id = ?1",
                params![id, name, at_ms],
            )?;
            Ok(())
        })
    }

    /// Marks an experiment and its runs as deleted, or takes that back.
    ///
    /// # Errors
    /// Refused when it is not there, is deleted already (or is not), or must stay.
    pub fn delete_experiment(&mut self, id: i64, delete: bool, at_ms: i64) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let experiment = by_id(db, id)?;
            if id <= 1 && delete {
                let name = &experiment.name;
                let text = format!("The experiment '{name}' is built in and cannot be deleted.");
                return Err(Refusal::Invalid(text));
            }
            if experiment.is_deleted == delete {
                let state = if delete { "active" } else { "deleted" };
                let text = format!("No {state} experiment with id={id} exists");
                return Err(Refusal::Missing(text));
            }
            // A run that was deleted before its experiment stays deleted when that comes back.
            let before: Option<i64> = db.query_row(
                "SELECT deleted_ms FROM experiments WHERE id = ?1",
                params![id],
                |r| r.get(0),
            )?;
            let deleted = delete.then_some(at_ms);
            db.execute(
                "UPDATE experiments SET deleted_ms = ?2, updated_ms = ?3 WHERE id = ?1",
                params![id, deleted, at_ms],
            )?;
            db.execute(
                "UPDATE tracked SET deleted_ms = ?2
                 WHERE experiment = ?1 AND deleted_ms IS NOT DISTINCT FROM ?3",
                params![id, deleted, before],
            )?;
            Ok(())
        })
    }

    /// Sets a tag of an experiment.
    ///
    /// # Errors
    /// Refused when it is not there or deleted.
    pub fn tag_experiment(&mut self, id: i64, key: &str, value: &str) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            active(db, id)?;
            Ok(set_tag(db, id, key, value)?)
        })
    }

    /// Removes a tag of an experiment.
    ///
    /// # Errors
    /// Refused when it is not there.
    pub fn untag_experiment(&mut self, id: i64, key: &str) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            active(db, id)?;
            let n = db.execute(
                "DELETE FROM experiment_tags WHERE experiment = ?1 AND key = ?2",
                params![id, key],
            )?;
            let missing =
                || Refusal::Missing(format!("No tag with name: {key} in experiment with id {id}"));
            if n == 0 { Err(missing()) } else { Ok(()) }
        })
    }
}

/// The experiment, if it is there and not deleted.
pub(super) fn active(db: &Db, id: i64) -> Answer<Experiment> {
    let experiment = by_id(db, id)?;
    if experiment.is_deleted {
        return Err(Refusal::Invalid(format!(
            "The experiment {id} must be in the 'active' state. Current state is deleted."
        )));
    }
    Ok(experiment)
}

fn by_id(db: &Db, id: i64) -> Answer<Experiment> {
    let query = format!("{EXPERIMENT} WHERE id = ?1");
    let found = db.prepare_cached(&query)?.query_row(params![id], row).optional()?;
    let missing = || Refusal::Missing(format!("No Experiment with id={id} exists"));
    with_tags(db, found.ok_or_else(missing)?)
}

fn with_tags(db: &Db, experiment: Experiment) -> Answer<Experiment> {
    let query = "SELECT key, value FROM experiment_tags WHERE experiment = ?1";
    let tags = pairs(db, query, params![experiment.id])?;
    Ok(Experiment { tags, ..experiment })
}

fn row(r: &Row) -> DbResult<Experiment> {
    Ok(Experiment {
        id: r.get(0)?,
        name: r.get(1)?,
        artifact_location: r.get(2)?,
        created_ms: r.get(3)?,
        updated_ms: r.get(4)?,
        is_deleted: r.get(5)?,
        tags: Vec::new(),
    })
}

fn free_name(db: &Db, name: &str) -> Answer<()> {
    let known: Option<bool> = db
        .query_row(
            "SELECT deleted_ms IS NOT NULL FROM experiments WHERE name = ?1",
            params![name],
            |r| r.get(0),
        )
        .optional()?;
    match known {
        None => Ok(()),
        Some(false) => Err(Refusal::Exists(format!("Experiment(name={name}) already exists."))),
        Some(true) => Err(Refusal::Exists(format!(
            "Experiment(name={name}) already exists in deleted state. You can restore the \
             experiment, or use another name."
        ))),
    }
}

fn set_tag(db: &Db, id: i64, key: &str, value: &str) -> DbResult<()> {
    db.prepare_cached(
        "INSERT INTO experiment_tags (experiment, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value",
    )?
    .execute(params![id, key, value])
    .map(drop)
}
