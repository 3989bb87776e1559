//! Data sets and models that a run took or made.

use super::runs::writable;
use super::{Answer, Pair};
use crate::store::Store;
use crate::store::db::{Db, DbResult, Haste, params};

/// A data set that a run used.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetUse {
    /// Its name.
    pub name: String,
    /// A fingerprint of its rows.
    pub digest: String,
    /// The kind of its source.
    pub source_type: String,
    /// Where it is from.
    pub source: String,
    /// Its columns.
    pub schema: Option<String>,
    /// What is known of its rows.
    pub profile: Option<String>,
    /// What it was used for, among others.
    pub tags: Vec<Pair>,
}

/// A logged model that a run took, or made at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelUse {
    /// The model's id.
    pub model: String,
    /// At which step it was made.
    pub step: i64,
}

impl Store {
    /// Writes down what a run took.
    ///
    /// # Errors
    /// Refused when the run is not there or not the client's.
    pub fn log_inputs(
        &mut self,
        run_id: &str,
        datasets: &[DatasetUse],
        models: &[ModelUse],
    ) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let run = writable(db, run_id)?;
            for dataset in datasets {
                add_dataset(db, run.id, dataset)?;
            }
            add_models(db, run.id, models, false)?;
            Ok(())
        })
    }

    /// Writes down which models a run made.
    ///
    /// # Errors
    /// Refused when the run is not there or not the client's.
    pub fn log_outputs(&mut self, run_id: &str, models: &[ModelUse]) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let run = writable(db, run_id)?;
            Ok(add_models(db, run.id, models, true)?)
        })
    }
}

fn add_dataset(db: &Db, run: i64, dataset: &DatasetUse) -> DbResult<()> {
    let context = dataset.tags.iter().find(|(key, _)| key == "mlflow.data.context");
    // The first use of a data set says what it was for, as with MLflow.
    db.prepare_cached(
        "INSERT OR IGNORE INTO datasets (run, name, digest, source_type, source, schema, profile,
         tags, context) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        run,
        dataset.name,
        dataset.digest,
        dataset.source_type,
        dataset.source,
        dataset.schema,
        dataset.profile,
        serde_json::to_string(&dataset.tags).unwrap_or_default(),
        context.map(|(_, value)| value)
    ])
    .map(drop)
}

fn add_models(db: &Db, run: i64, models: &[ModelUse], is_output: bool) -> DbResult<()> {
    let insert = db.prepare_cached(
        "INSERT OR IGNORE INTO run_models (run, model, is_output, step) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for model in models {
        insert.execute(params![run, model.model, is_output, model.step])?;
    }
    Ok(())
}

/// The data sets of a run.
pub(super) fn datasets(db: &Db, run: i64) -> DbResult<Vec<DatasetUse>> {
    let statement = db.prepare_cached(
        "SELECT name, digest, source_type, source, schema, profile, tags FROM datasets
         WHERE run = ?1 ORDER BY rowid",
    )?;
    let rows = statement.query_map(params![run], |r| {
        let tags: String = r.get(6)?;
        Ok(DatasetUse {
            name: r.get(0)?,
            digest: r.get(1)?,
            source_type: r.get(2)?,
            source: r.get(3)?,
            schema: r.get(4)?,
            profile: r.get(5)?,
            tags: serde_json::from_str(&tags).unwrap_or_default(),
        })
    })?;
    rows.collect()
}

/// The models that a run took, or made.
pub(super) fn models(db: &Db, run: i64, is_output: bool) -> DbResult<Vec<ModelUse>> {
    let statement = db.prepare_cached(
        "SELECT model, step FROM run_models WHERE run = ?1 AND is_output = ?2
         ORDER BY step, model",
    )?;
    let rows = statement.query_map(params![run, is_output], |r| {
        Ok(ModelUse { model: r.get(0)?, step: r.get(1)? })
    })?;
    rows.collect()
}
