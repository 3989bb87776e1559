//! Everything of a run, as a client sees it.

use modelwright_core::Result;
use serde_json::{Map, Value};

use super::runs::find;
use super::used::{self, DatasetUse, ModelUse};
use super::{Answer, Page, Pair, RUNS, Refusal, Search, View, pairs};
use crate::store::Store;
use crate::store::db::{Db, DbResult, params};

/// A run, our own or a client's.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackedRun {
    /// Its number among all runs of the store.
    pub id: i64,
    /// Its id.
    pub run_id: String,
    /// Its experiment.
    pub experiment: i64,
    /// Its name.
    pub name: String,
    /// Who began it.
    pub user: String,
    /// In MLflow's words.
    pub status: String,
    /// When it began, milliseconds since 1970.
    pub start_ms: Option<i64>,
    /// When it ended.
    pub end_ms: Option<i64>,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// Where its artifacts are.
    pub artifact_uri: String,
    /// The latest value of each metric.
    pub metrics: Vec<LatestMetric>,
    /// Parameters by key.
    pub params: Vec<Pair>,
    /// Tags by key.
    pub tags: Vec<Pair>,
    /// Data sets that it used.
    pub datasets: Vec<DatasetUse>,
    /// Logged models that it took.
    pub models_in: Vec<ModelUse>,
    /// Logged models that it made.
    pub models_out: Vec<ModelUse>,
}

/// The latest value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestMetric {
    /// Its name.
    pub name: String,
    /// The value; may be NaN.
    pub value: f64,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// At which step.
    pub step: i64,
}

/// What a run uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFiles {
    /// Path below the run's folder, and bytes.
    pub files: Vec<(String, u64)>,
    /// Whether these are not all.
    pub has_more: bool,
}

fn joined(folder: &str, name: &str) -> String {
    [folder, name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

impl Store {
    /// The run with an id.
    ///
    /// # Errors
    /// Refused when it is not there.
    pub fn tracked_run(&self, run_id: &str) -> Answer<TrackedRun> {
        self.look(|db| {
            let found = find(db, run_id)?;
            Ok(by_number(db, found.id)?)
        })
    }

    /// The run with a number among all runs of the store, which has such a run.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn tracked_run_of(&self, id: i64) -> Result<TrackedRun> {
        self.look(|db| Ok(by_number(db, id)?)).map_err(Refusal::error)
    }

    /// The files that a run uploaded, by their path below its folder, with their sizes; the first
    /// `n_max` of them, and whether there are more. `None` where they are kept elsewhere.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn files_of_run(&self, run: &TrackedRun, n_max: usize) -> Result<Option<RunFiles>> {
        let Some(root) = run.artifact_uri.strip_prefix("mlflow-artifacts:/") else {
            return Ok(None);
        };
        let root = root.trim_matches('/');
        let (mut files, mut folders) = (Vec::new(), vec![String::new()]);
        while let Some(folder) = folders.pop() {
            let mut inner = Vec::new();
            for entry in self.artifacts(&joined(root, &folder)).map_err(Refusal::error)? {
                let path = joined(&folder, &entry.name);
                match entry.size_bytes {
                    None => inner.push(path),
                    Some(size) => files.push((path, size)),
                }
            }
            folders.extend(inner.into_iter().rev());
            if files.len() > n_max {
                break;
            }
        }
        let has_more = files.len() > n_max;
        files.truncate(n_max);
        Ok(Some(RunFiles { files, has_more }))
    }

    /// A page of the runs of some experiments.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn search_tracked_runs(
        &self,
        experiments: &[i64],
        view: View,
        search: &Search,
    ) -> Answer<Page<TrackedRun>> {
        self.look(|db| {
            let list: Vec<String> = experiments.iter().map(i64::to_string).collect();
            let inside = super::is_one_of("e.experiment", &list);
            let page = RUNS.page(db, &[&inside, view.sql()], search)?;
            page.try_map(|id: i64| Ok(by_number(db, id)?))
        })
    }
}

fn by_number(db: &Db, id: i64) -> DbResult<TrackedRun> {
    let query = "SELECT id, run_id, experiment, name, user, status, start_ms, end_ms,
         deleted_ms IS NOT NULL, artifact_uri, parameters FROM tracked_runs WHERE id = ?1";
    let mut run = db.prepare_cached(query)?.query_row(params![id], |r| {
        let parameters: String = r.get(10)?;
        Ok(TrackedRun {
            id: r.get(0)?,
            run_id: r.get(1)?,
            experiment: r.get(2)?,
            name: r.get(3)?,
            user: r.get(4)?,
            status: r.get(5)?,
            start_ms: r.get(6)?,
            end_ms: r.get(7)?,
            is_deleted: r.get(8)?,
            artifact_uri: r.get(9)?,
            params: params_of(&parameters),
            metrics: Vec::new(),
            tags: Vec::new(),
            datasets: Vec::new(),
            models_in: Vec::new(),
            models_out: Vec::new(),
        })
    })?;
    run.metrics = metrics(db, &run)?;
    let tags = "SELECT key, min(value) FROM tracked_tags WHERE run = ?1 GROUP BY key ORDER BY key";
    run.tags = pairs(db, tags, params![id])?;
    run.datasets = used::datasets(db, id)?;
    run.models_in = used::models(db, id, false)?;
    run.models_out = used::models(db, id, true)?;
    Ok(run)
}

fn metrics(db: &Db, run: &TrackedRun) -> DbResult<Vec<LatestMetric>> {
    let query = "SELECT name, value, step, at_ms FROM measured WHERE run = ?1 ORDER BY place, name";
    let statement = db.prepare_cached(query)?;
    let at_end = run.end_ms.or(run.start_ms).unwrap_or(0);
    let rows = statement.query_map(params![run.id], |r| {
        Ok(LatestMetric {
            name: r.get(0)?,
            value: r.get::<Option<f64>>(1)?.unwrap_or(f64::NAN),
            step: r.get::<Option<i64>>(2)?.unwrap_or(0),
            at_ms: r.get::<Option<i64>>(3)?.unwrap_or(at_end),
        })
    })?;
    rows.collect()
}

/// What was asked, as texts: MLflow knows no others.
fn params_of(parameters: &str) -> Vec<Pair> {
    let parameters: Map<String, Value> = serde_json::from_str(parameters).unwrap_or_default();
    let text = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    parameters.into_iter().filter_map(|(key, value)| Some((key, text(value)?))).collect()
}
