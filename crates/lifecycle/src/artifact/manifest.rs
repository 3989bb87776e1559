//! `manifest.json`: what an artifact is, readable without its model.
//!
//! Everything in it is also in the record; it is repeated so that a registry, a server or a
//! person with `unzip -p` can answer the usual questions from one small, stable document.

use std::collections::BTreeMap;

use modelwright_core::data::{Kind, Schema, Storage};
use modelwright_core::record::{Interval, OwnKind, RunRecord};
use modelwright_core::task::Task;
use modelwright_learners::OWN;
use serde::{Deserialize, Serialize};

/// The version of the artifact's format; raised when a reader of the old one would go wrong.
pub const FORMAT_VERSION: u32 = 3;

/// What an artifact is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// Versions of what made it.
    pub versions: Versions,
    /// When the run began, ISO 8601 in UTC.
    pub created: String,
    /// The question.
    pub task: Task,
    /// Target column.
    pub target: String,
    /// Labels in class order (for binary the positive class is the second); empty for regression.
    pub classes: Vec<String>,
    /// The decision threshold on the positive class (binary).
    pub threshold: Option<f64>,
    /// The columns that a prediction reads, in training order.
    pub schema: Vec<ManifestField>,
    /// What `metrics` were measured on, e.g. `holdout`; `None` when nothing could be held out.
    pub evaluated_on: Option<String>,
    /// Rows that `metrics` were measured on.
    pub n_rows_evaluated: usize,
    /// Metrics on untouched rows, the optimised one first.
    pub metrics: Vec<ManifestMetric>,
    /// SHA-256 of the data files, by role (`train`, `test`).
    pub data: BTreeMap<String, String>,
    /// Seeds of the run.
    pub seeds: Seeds,
    /// What a program must bring to predict with it, where a part is code of the user's own; empty
    /// for a model that runs anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Size and SHA-256 of every other part, by name.
    pub parts: BTreeMap<String, Part>,
}

/// Versions of what made an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Modelwright.
    pub modelwright: String,
    /// Format of `record.json`.
    pub record: u32,
}

/// Seeds of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeds {
    /// The seed of all random streams.
    pub run: u64,
}

/// One column that a prediction reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestField {
    /// The column's name.
    pub name: String,
    /// What it means.
    pub kind: Kind,
    /// How its values are held.
    pub storage: Storage,
    /// Whether prediction works without it.
    pub optional: bool,
    /// Smallest value in training (numbers; instants in seconds since 1970).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest value in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The most frequent values in training (categories and booleans), most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// Distinct values in training.
    #[serde(default)]
    pub n_distinct: usize,
    /// Missing values in training.
    #[serde(default)]
    pub n_missing: usize,
}

/// A metric with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestMetric {
    /// scikit-learn's name.
    pub name: String,
    /// The value; `None` where it is undefined.
    pub value: Option<f64>,
    /// 95 % interval.
    pub ci95: Option<Interval>,
}

/// What a part must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Bytes.
    pub size_bytes: u64,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// The manifest of a run whose model reads the columns of `schema`; `parts` are added later.
    pub fn of(record: &RunRecord, schema: &Schema) -> Self {
        let mut data = BTreeMap::from([("train".to_owned(), record.data.sha256.clone())]);
        if let Some(test) = &record.test_data {
            data.insert("test".to_owned(), test.sha256.clone());
        }
        let evaluation = record.evaluation.as_ref();
        let metrics = evaluation.map_or(&[][..], |e| &e.metrics);
        Self {
            format_version: FORMAT_VERSION,
            versions: Versions {
                modelwright: record.engine_version.clone(),
                record: record.format_version,
            },
            created: record.clock.created.clone(),
            task: record.task.task,
            target: record.task.target.clone(),
            classes: record.task.classes.clone(),
            threshold: record.threshold,
            schema: fields(record, schema),
            evaluated_on: evaluation.map(|e| e.on.clone()),
            n_rows_evaluated: evaluation.map_or(0, |e| e.n_rows),
            metrics: metrics
                .iter()
                .map(|m| ManifestMetric { name: m.name.clone(), value: m.value, ci95: m.ci95 })
                .collect(),
            data,
            seeds: Seeds { run: record.options.seed },
            needs: needs(record),
            parts: BTreeMap::new(),
        }
    }
}

/// What the members of the user's own were made with.
fn needs(record: &RunRecord) -> Vec<String> {
    let is_member = |name: &str| record.ensemble.members.iter().any(|m| m.trial == name);
    let mut members = record.trials.iter().filter(|t| is_member(&t.trial.name));
    if members.all(|t| t.trial.learner != OWN) {
        return Vec::new();
    }
    // A member may have another name than its learner: one that learned again in a fair way.
    let is_named = record.options.own.iter().any(|part| is_member(&part.name));
    let own = record.options.own.iter().filter(|part| part.kind == OwnKind::Learner);
    let own = own.filter(|part| !is_named || is_member(&part.name));
    let mut needs: Vec<String> = own.flat_map(|part| part.needs.iter().cloned()).collect();
    needs.sort_unstable();
    needs.dedup();
    needs
}

fn fields(record: &RunRecord, schema: &Schema) -> Vec<ManifestField> {
    let field = |field: &modelwright_core::data::Field| {
        let profile = record.profile.columns.iter().find(|c| c.name == field.name);
        let numbers = profile.and_then(|p| p.numbers.as_ref());
        let named = matches!(field.kind, Kind::Category | Kind::IntegerCategory | Kind::Boolean);
        let levels = profile.filter(|_| named).map_or(&[][..], |p| &p.top);
        ManifestField {
            name: field.name.clone(),
            kind: field.kind,
            storage: field.storage,
            optional: field.optional,
            min: numbers.and_then(|n| n.min),
            max: numbers.and_then(|n| n.max),
            levels: levels.iter().map(|l| l.value.clone()).collect(),
            n_distinct: profile.map_or(0, |p| p.n_distinct),
            n_missing: profile.map_or(0, |p| p.n_missing),
        }
    };
    schema.fields.iter().map(field).collect()
}
