//! What a run says while it is at work: metrics, parameters, tags.
//!
//! A metric goes to two places: its history, and the metrics of the run, where the latest value
//! is found by every list and search. The latest is the one of the largest step, then of the
//! largest time, then of the largest value.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::logged;
use super::runs::{active, rename, writable};
use super::{Answer, Pair, Refusal};
use crate::store::Store;
use crate::store::db::{Db, Haste, OptionalRow, params};

/// The tag that holds a run's name.
pub(super) const NAME_TAG: &str = "mlflow.runName";

/// A value of a metric.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewPoint {
    /// The metric.
    pub name: String,
    /// The value, which may be NaN but not infinite.
    pub value: f64,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// At which step.
    pub step: i64,
    /// The logged model that it is a metric of as well.
    pub model: Option<String>,
    /// Name and digest of the data set that it was measured on.
    pub dataset: Option<Pair>,
}

/// Several values at once.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Values of metrics.
    pub points: Vec<NewPoint>,
    /// Parameters by key; one that is there already must have the same value.
    pub params: Vec<Pair>,
    /// Tags by key.
    pub tags: Vec<Pair>,
}

impl Store {
    /// Writes down what a run says, all of it or nothing.
    ///
    /// # Errors
    /// Refused when the run is not there, deleted or not the client's, or when a parameter is
    /// there already with another value.
    pub fn log(&mut self, run_id: &str, batch: &Batch) -> Answer<()> {
        self.track(Haste::Quick, |db| {
            let only_tags = batch.points.is_empty() && batch.params.is_empty();
            let run = if only_tags { active(db, run_id)? } else { writable(db, run_id)? };
            add_params(db, run.id, run_id, &batch.params)?;
            add_points(db, run.id, run_id, &batch.points)?;
            for (key, value) in &batch.tags {
                set_tag(db, run.id, key, value)?;
            }
            Ok(())
        })
    }

    /// Removes a tag of a run.
    ///
    /// # Errors
    /// Refused when run or tag are not there.
    pub fn untag_run(&mut self, run_id: &str, key: &str) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let run = active(db, run_id)?;
            let n = db
                .prepare_cached("DELETE FROM tags WHERE run = ?1 AND key = ?2")?
                .execute(params![run.id, key])?;
            let missing =
                || Refusal::Missing(format!("No tag with name: {key} in run with id {run_id}"));
            if n == 0 { Err(missing()) } else { Ok(()) }
        })
    }

    /// Appends a document to the list that a tag of a run holds.
    ///
    /// # Errors
    /// Refused when the run is not there.
    pub fn append_to_tag(&mut self, run_id: &str, key: &str, document: Value) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            let run = active(db, run_id)?;
            let query = "SELECT value FROM tags WHERE run = ?1 AND key = ?2";
            let known: Option<String> =
                db.query_row(query, params![run.id, key], |r| r.get(0)).optional()?;
            let mut list: Vec<Value> =
                known.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            list.push(document);
            set_tag(db, run.id, key, &Value::Array(list).to_string())
        })
    }
}

/// Sets a tag; the one of the name also names the run.
pub(super) fn set_tag(db: &Db, run: i64, key: &str, value: &str) -> Answer<()> {
    db.prepare_cached(
        "INSERT INTO tags (run, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (run, key) DO UPDATE SET value = excluded.value",
    )?
    .execute(params![run, key, value])?;
    if key == NAME_TAG {
        rename(db, run, value)?;
    }
    Ok(())
}

fn add_params(db: &Db, id: i64, run_id: &str, new: &[Pair]) -> Answer<()> {
    if new.is_empty() {
        return Ok(());
    }
    let query = "SELECT parameters FROM runs WHERE id = ?1";
    let text: String = db.prepare_cached(query)?.query_row(params![id], |r| r.get(0))?;
    let mut known: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
    for (key, value) in new {
        let before = known.insert(key.clone(), Value::String(value.clone()));
        if let Some(before) = before.filter(|before| before.as_str() != Some(value)) {
            let before = before.as_str().map_or_else(|| before.to_string(), str::to_owned);
            return Err(Refusal::Invalid(format!(
                "Changing param values is not allowed. Param with key='{key}' was already logged \
                 with value='{before}' for run ID='{run_id}'. Attempted logging new value \
                 '{value}'."
            )));
        }
    }
    db.prepare_cached("UPDATE runs SET parameters = ?2 WHERE id = ?1")?
        .execute(params![id, Value::Object(known).to_string()])?;
    Ok(())
}

fn add_points(db: &Db, id: i64, run_id: &str, points: &[NewPoint]) -> Answer<()> {
    if points.is_empty() {
        return Ok(());
    }
    let insert = db.prepare_cached(
        "INSERT OR IGNORE INTO points (run, name, at_ms, step, value, is_nan)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let rank = |p: &NewPoint| (p.step, p.at_ms, if p.value.is_nan() { 0.0 } else { p.value });
    let mut latest: BTreeMap<&str, &NewPoint> = BTreeMap::new();
    for point in points {
        let (step, at_ms, value) = rank(point);
        insert.execute(params![id, point.name, at_ms, step, value, point.value.is_nan()])?;
        let known = latest.entry(&point.name).or_insert(point);
        if rank(point) > rank(known) {
            *known = point;
        }
    }
    let upsert = db.prepare_cached(
        "INSERT INTO metrics (run, place, name, rows, value, step, at_ms)
         VALUES (?1, 0, ?2, '', ?3, ?4, ?5)
         ON CONFLICT (run, rows, name) DO UPDATE
         SET value = excluded.value, step = excluded.step, at_ms = excluded.at_ms
         WHERE (excluded.step, excluded.at_ms, coalesce(excluded.value, 0.0))
             > (metrics.step, metrics.at_ms, coalesce(metrics.value, 0.0))",
    )?;
    for point in latest.values() {
        let value = Some(point.value).filter(|value| !value.is_nan());
        upsert.execute(params![id, point.name, value, point.step, point.at_ms])?;
    }
    for point in points {
        if let Some(model) = &point.model {
            logged::add_metric(db, model, run_id, point)?;
        }
    }
    Ok(())
}
