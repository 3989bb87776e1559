//! The store of runs and registered models.

use std::path::PathBuf;

use modelwright::evaluate::metric;
use modelwright::lifecycle::resolve_model;
use modelwright::lifecycle::store::{Location, ModelVersion, RunFilter, Store, shown_place};
use modelwright::machine;
use modelwright_core::{Error, Result};
use pyo3::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Realm, raise};

/// What is asked of a store.
#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
enum Ask {
    Runs {
        query: Option<String>,
        best: Option<String>,
        limit: usize,
    },
    Run {
        id: i64,
    },
    DeleteRuns {
        ids: Vec<i64>,
    },
    Models,
    Versions {
        name: String,
    },
    Register {
        name: String,
        model: PathBuf,
        alias: Option<String>,
        run: Option<i64>,
        note: Option<String>,
    },
    File {
        name: String,
        version: String,
    },
    Alias {
        name: String,
        alias: String,
        version: String,
        reason: Option<String>,
    },
    RemoveAlias {
        name: String,
        alias: String,
    },
    History {
        name: String,
    },
    RollBack {
        name: String,
        alias: String,
        reason: Option<String>,
    },
    Delete {
        name: String,
        number: Option<i64>,
    },
}

/// Where a store is: the named folder, or that of the command line.
pub(crate) fn location(folder: Option<PathBuf>) -> Option<Location> {
    match folder {
        Some(place) => Some(Location { place, is_named: true }),
        None => Location::find(),
    }
}

/// The folder of the store of this process, or its URL without the password; none where there is
/// no place for one.
#[pyfunction]
#[pyo3(signature = (folder))]
pub(crate) fn store_folder(folder: Option<PathBuf>) -> Option<String> {
    location(folder).map(|found| shown_place(&found.place))
}

/// Does what is asked (as JSON) of a store, and answers in JSON.
#[pyfunction]
#[pyo3(signature = (folder, asked))]
pub(crate) fn store(py: Python<'_>, folder: Option<PathBuf>, asked: &str) -> PyResult<String> {
    let done = py.detach(|| -> Result<String> {
        let asked: Ask = serde_json::from_str(asked)
            .map_err(|e| Error::input("what is asked of the store cannot be read").because(e))?;
        let location = location(folder).ok_or_else(|| {
            Error::input("there is no folder for a store")
                .expected("a folder, or MODELWRIGHT_STORE or HOME in the environment")
        })?;
        let now = machine::utc_now();
        let is_first = matches!(asked, Ask::Register { .. });
        let mut store = if is_first {
            Store::open(&location.place, &now)?
        } else {
            Store::open_existing(&location.place, &now)?
        };
        Ok(answer(&mut store, asked, &now)?.to_string())
    });
    done.map_err(|e| raise(py, &e, Realm::Option))
}

fn answer(store: &mut Store, asked: Ask, now: &str) -> Result<Value> {
    Ok(match asked {
        Ask::Runs { query, best, limit } => {
            let filter = query.as_deref().map_or(Ok(RunFilter::default()), RunFilter::parse)?;
            let mut filter = filter.at_most(limit);
            if let Some(name) = best {
                let spec = metric(&name).map_err(|e| e.at("best"))?.spec;
                filter = filter.best_first(spec.name, spec.larger_is_better);
            }
            json!(store.runs(&filter)?)
        }
        Ask::Run { id } => json!(store.run(id)?),
        Ask::DeleteRuns { ids } => {
            store.delete_runs(&ids)?;
            Value::Null
        }
        Ask::Models => json!(store.models()?),
        Ask::Versions { name } => json!(store.versions(&name)?),
        Ask::Register { name, model, alias, run, note } => {
            let file = resolve_model(&model)?;
            run.map(|run| store.run(run)).transpose()?;
            let version = store.register(&name, &file, run, note.as_deref(), now)?;
            let number = version.number.to_string();
            let mut remarks = Vec::new();
            if let Some(alias) = alias {
                remarks = store.remarks_on_move(&name, &alias, &version);
                store.set_alias(&name, &alias, &number, note.as_deref(), now)?;
            }
            with_warnings(&store.version(&name, &number)?, &remarks)
        }
        Ask::File { name, version } => json!(store.model_file(&name, &version)?),
        Ask::Alias { name, alias, version, reason } => {
            let next = store.version(&name, &version)?;
            let remarks = store.remarks_on_move(&name, &alias, &next);
            store.set_alias(&name, &alias, &version, reason.as_deref(), now)?;
            with_warnings(&store.version(&name, &alias)?, &remarks)
        }
        Ask::RemoveAlias { name, alias } => {
            store.remove_alias(&name, &alias, now)?;
            Value::Null
        }
        Ask::History { name } => json!(store.history(&name)?),
        Ask::RollBack { name, alias, reason } => {
            store.roll_back(&name, &alias, reason.as_deref(), now)?;
            json!(store.version(&name, &alias)?)
        }
        Ask::Delete { name, number } => {
            store.delete_model(&name, number)?;
            Value::Null
        }
    })
}

/// A version, and what Python is to warn of.
fn with_warnings(version: &ModelVersion, warnings: &[String]) -> Value {
    let mut document = json!(version);
    document["warnings"] = json!(warnings);
    document
}
