//! Models that runs logged.

use super::experiments::active as active_experiment;
use super::{Answer, LOGGED_MODELS, NewPoint, Page, Pair, Refusal, Search, View, pairs};
use crate::store::Store;
use crate::store::db::{Db, DbResult, Haste, OptionalRow, params};

/// A model that a client logs.
#[derive(Debug, Clone, Default)]
pub struct NewLoggedModel {
    /// Its id, which nobody else has.
    pub id: String,
    /// Its experiment.
    pub experiment: i64,
    /// Its name.
    pub name: String,
    /// Its type.
    pub model_type: Option<String>,
    /// The run that made it.
    pub source_run: Option<String>,
    /// Parameters by key.
    pub params: Vec<Pair>,
    /// Tags by key.
    pub tags: Vec<Pair>,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

/// A logged model.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedModel {
    /// Its id.
    pub id: String,
    /// Its experiment.
    pub experiment: i64,
    /// Its name.
    pub name: String,
    /// Its type.
    pub model_type: Option<String>,
    /// The run that made it.
    pub source_run: Option<String>,
    /// In MLflow's words.
    pub status: String,
    /// Where its files are.
    pub artifact_uri: String,
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last changed.
    pub updated_ms: i64,
    /// Parameters by key.
    pub params: Vec<Pair>,
    /// Tags by key.
    pub tags: Vec<Pair>,
    /// Latest values by metric and data set.
    pub metrics: Vec<LoggedMetric>,
    /// Registered models and their versions that it became.
    pub registrations: Vec<(String, i64)>,
}

/// A metric of a logged model.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedMetric {
    /// Its name.
    pub name: String,
    /// The value; may be NaN.
    pub value: f64,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// At which step.
    pub step: i64,
    /// Name and digest of the data set; empty when it is unknown.
    pub dataset: Pair,
    /// The run that measured it.
    pub run_id: String,
}

impl Store {
    /// Writes down that a model is about to be uploaded.
    ///
    /// # Errors
    /// Refused when its experiment is not there or deleted.
    pub fn create_logged_model(&mut self, new: &NewLoggedModel) -> Answer<LoggedModel> {
        self.track(Haste::Certain, |db| {
            let experiment = active_experiment(db, new.experiment)?;
            let uri = format!("{}/models/{}/artifacts", experiment.artifact_location, new.id);
            db.execute(
                "INSERT INTO logged_models (id, experiment, name, type, source_run, status,
                 artifact_uri, created_ms, updated_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'LOGGED_MODEL_PENDING', ?6, ?7, ?7)",
                params![
                    new.id,
                    new.experiment,
                    new.name,
                    new.model_type,
                    new.source_run,
                    uri,
                    new.at_ms
                ],
            )?;
            put(db, "logged_model_params", &new.id, &new.params)?;
            put(db, "logged_model_tags", &new.id, &new.tags)?;
            by_id(db, &new.id)
        })
    }

    /// The logged model with an id.
    ///
    /// # Errors
    /// Refused when it is not there or deleted.
    pub fn logged_model(&self, id: &str) -> Answer<LoggedModel> {
        self.look(|db| by_id(db, id))
    }

    /// Says how the upload of a model ended.
    ///
    /// # Errors
    /// Refused when it is not there.
    pub fn finalize_logged_model(
        &mut self,
        id: &str,
        status: &str,
        at_ms: i64,
    ) -> Answer<LoggedModel> {
        self.track(Haste::Certain, |db| {
            by_id(db, id)?;
            db.execute(
                "UPDATE logged_models SET status = ?2, updated_ms = ?3 WHERE id = ?1",
                params![id, status, at_ms],
            )?;
            by_id(db, id)
        })
    }

    /// Marks a logged model as deleted.
    ///
    /// # Errors
    /// Refused when it is not there.
    pub fn delete_logged_model(&mut self, id: &str, at_ms: i64) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            by_id(db, id)?;
            let change = "UPDATE logged_models SET deleted_ms = ?2 WHERE id = ?1";
            db.execute(change, params![id, at_ms])?;
            Ok(())
        })
    }

    /// Adds parameters and tags of a logged model.
    ///
    /// # Errors
    /// Refused when it is not there.
    pub fn annotate_logged_model(
        &mut self,
        id: &str,
        params: &[Pair],
        tags: &[Pair],
        at_ms: i64,
    ) -> Answer<LoggedModel> {
        self.track(Haste::Certain, |db| {
            by_id(db, id)?;
            put(db, "logged_model_params", id, params)?;
            put(db, "logged_model_tags", id, tags)?;
            let change = "UPDATE logged_models SET updated_ms = ?2 WHERE id = ?1";
            db.execute(change, params![id, at_ms])?;
            by_id(db, id)
        })
    }

    /// Removes a tag of a logged model.
    ///
    /// # Errors
    /// Refused when model or tag are not there.
    pub fn untag_logged_model(&mut self, id: &str, key: &str) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            by_id(db, id)?;
            let remove = "DELETE FROM logged_model_tags WHERE model = ?1 AND key = ?2";
            let n = db.execute(remove, params![id, key])?;
            let missing = || {
                Refusal::Missing(format!("No tag with key '{key}' found for model with ID '{id}'."))
            };
            if n == 0 { Err(missing()) } else { Ok(()) }
        })
    }

    /// A page of the logged models of some experiments.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn search_logged_models(
        &self,
        experiments: &[i64],
        search: &Search,
    ) -> Answer<Page<LoggedModel>> {
        self.look(|db| {
            let list: Vec<String> = experiments.iter().map(i64::to_string).collect();
            let inside = super::is_one_of("e.experiment", &list);
            let page = LOGGED_MODELS.page(db, &[&inside, View::Active.sql()], search)?;
            page.try_map(|id: String| by_id(db, &id))
        })
    }
}

fn put(db: &Db, table: &str, id: &str, new: &[Pair]) -> DbResult<()> {
    let insert = db.prepare_cached(&format!(
        "INSERT INTO {table} (model, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (model, key) DO UPDATE SET value = excluded.value"
    ))?;
    for (key, value) in new {
        insert.execute(params![id, key, value])?;
    }
    Ok(())
}

/// Adds a value of a metric that is also one of a model.
pub(super) fn add_metric(db: &Db, model: &str, run_id: &str, point: &NewPoint) -> Answer<()> {
    let known: Option<i64> = db
        .prepare_cached("SELECT 1 FROM logged_models WHERE id = ?1")?
        .query_row(params![model], |r| r.get(0))
        .optional()?;
    if known.is_none() {
        return Err(missing(model));
    }
    let (dataset, digest) = point.dataset.clone().unwrap_or_default();
    let value = if point.value.is_nan() { 0.0 } else { point.value };
    db.prepare_cached(
        "INSERT INTO logged_model_metrics (model, name, dataset, digest, step, at_ms, value,
         is_nan, run_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (model, name, dataset, digest) DO UPDATE SET step = excluded.step,
         at_ms = excluded.at_ms, value = excluded.value, is_nan = excluded.is_nan,
         run_id = excluded.run_id
         WHERE (excluded.step, excluded.at_ms, excluded.value) > (logged_model_metrics.step,
         logged_model_metrics.at_ms, logged_model_metrics.value)",
    )?
    .execute(params![
        model,
        point.name,
        dataset,
        digest,
        point.step,
        point.at_ms,
        value,
        point.value.is_nan(),
        run_id
    ])?;
    Ok(())
}

fn missing(id: &str) -> Refusal {
    Refusal::Missing(format!("Logged model with ID '{id}' not found."))
}

fn by_id(db: &Db, id: &str) -> Answer<LoggedModel> {
    let found = db
        .prepare_cached(
            "SELECT id, experiment, name, type, source_run, status, artifact_uri, created_ms,
             updated_ms FROM logged_models WHERE id = ?1 AND deleted_ms IS NULL",
        )?
        .query_row(params![id], |r| {
            Ok(LoggedModel {
                id: r.get(0)?,
                experiment: r.get(1)?,
                name: r.get(2)?,
                model_type: r.get(3)?,
                source_run: r.get(4)?,
                status: r.get(5)?,
                artifact_uri: r.get(6)?,
                created_ms: r.get(7)?,
                updated_ms: r.get(8)?,
                params: Vec::new(),
                tags: Vec::new(),
                metrics: Vec::new(),
                registrations: Vec::new(),
            })
        })
        .optional()?;
    let mut model = found.ok_or_else(|| missing(id))?;
    let of = |table: &str| format!("SELECT key, value FROM {table} WHERE model = ?1");
    model.params = pairs(db, &of("logged_model_params"), params![id])?;
    model.tags = pairs(db, &of("logged_model_tags"), params![id])?;
    model.metrics = metrics(db, id)?;
    let registered = db.prepare_cached(
        "SELECT name, number FROM tracked_versions WHERE logged_model = ?1 ORDER BY name, number",
    )?;
    let rows = registered.query_map(params![id], |r| Ok((r.get(0)?, r.get(1)?)))?;
    model.registrations = rows.collect::<DbResult<_>>()?;
    Ok(model)
}

fn metrics(db: &Db, id: &str) -> DbResult<Vec<LoggedMetric>> {
    let statement = db.prepare_cached(
        "SELECT name, CASE WHEN is_nan = 1 THEN NULL ELSE value END, at_ms, step, dataset, digest,
         run_id FROM logged_model_metrics WHERE model = ?1",
    )?;
    let rows = statement.query_map(params![id], |r| {
        Ok(LoggedMetric {
            name: r.get(0)?,
            value: r.get::<Option<f64>>(1)?.unwrap_or(f64::NAN),
            at_ms: r.get(2)?,
            step: r.get(3)?,
            dataset: (r.get(4)?, r.get(5)?),
            run_id: r.get(6)?,
        })
    })?;
    rows.collect()
}
