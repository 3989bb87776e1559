//! Files of our own runs and models, as clients find them: made when they are asked for.
//!
//! ```text
//! modelwright/runs/12/{record.json, report.html, model/…}
//! modelwright/models/churn/3/{MLmodel, model.mw, requirements.txt, …}
//! ```

use std::fs;
use std::path::PathBuf;

use super::uploads::Entry;
use super::{Answer, OWN_RUN, Refusal};
use crate::artifact::{Manifest, read_error, unpack_artifact};
use crate::export::{MLFLOW_DATA, mlflow_files};
use crate::store::db::{OptionalRow, params};
use crate::store::runs::HAS_ACCOUNT;
use crate::store::{Store, files};

/// The folder of all of them.
pub const OWN_FILES: &str = "modelwright";

/// The folder of a run's model.
const MODEL: &str = "model";
const RECORD: &str = "record.json";
const REPORT: &str = "report.html";

/// A file that a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Artifact {
    /// It lies here.
    File(PathBuf),
    /// It was made just now.
    Made(Vec<u8>),
}

/// What a path below [`OWN_FILES`] means.
enum Place<'a> {
    /// A folder of folders.
    Above,
    /// What is left of the path in the folder of a run.
    Run(i64, &'a [&'a str]),
    /// What is left of it in the folder of a version.
    Version(&'a str, &'a str, &'a [&'a str]),
}

fn place<'a>(parts: &'a [&'a str]) -> Option<Place<'a>> {
    match parts {
        [_] | [_, "runs" | "models"] | [_, "models", _] => Some(Place::Above),
        [_, "runs", number, rest @ ..] => Some(Place::Run(number.parse().ok()?, rest)),
        [_, "models", name, number, rest @ ..] => Some(Place::Version(name, number, rest)),
        _ => None,
    }
}

/// Whether a path is one of ours.
fn is_own(path: &str) -> bool {
    path.strip_prefix(OWN_FILES).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Store {
    /// The file of a path, uploaded or our own.
    ///
    /// # Errors
    /// Refused when there is none.
    pub fn artifact(&self, path: &str) -> Answer<Artifact> {
        if !is_own(path) {
            return self.upload(path).map(Artifact::File);
        }
        let parts: Vec<&str> = path.split('/').collect();
        let missing = || Refusal::Missing(format!("No such artifact: '{path}'"));
        match place(&parts).ok_or_else(missing)? {
            Place::Run(id, [name]) if self.has_record(id)? && [RECORD, REPORT].contains(name) => {
                let record = self.run_record(id)?;
                Ok(Artifact::Made(if *name == RECORD {
                    crate::artifact::record_json(&record)?
                } else {
                    modelwright_inspect::report_html(&record).into_bytes()
                }))
            }
            Place::Run(id, [MODEL, name]) => {
                let file = self.model_of_run(id)?.ok_or_else(missing)?;
                file_of_model(file, name, &format!("{OWN_RUN}{id}"))?.ok_or_else(missing)
            }
            Place::Version(model, number, [name]) => {
                let run = self.run_of_version(model, number)?;
                let file = self.model_file(model, number)?;
                file_of_model(file, name, &run)?.ok_or_else(missing)
            }
            _ => Err(missing()),
        }
    }

    /// What is in a folder, uploaded or our own; nothing in one that is not there.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn artifacts(&self, folder: &str) -> Answer<Vec<Entry>> {
        if !is_own(folder) {
            return self.uploads(folder);
        }
        let parts: Vec<&str> = folder.split('/').collect();
        let entry = |name: &str, size_bytes| Entry { name: name.to_owned(), size_bytes };
        match place(&parts) {
            Some(Place::Run(id, [])) => {
                let mut entries = Vec::new();
                if self.model_of_run(id)?.is_some() {
                    entries.push(entry(MODEL, None));
                }
                if self.has_record(id)? {
                    for name in [RECORD, REPORT] {
                        entries.push(entry(name, Some(self.size_of(&format!("{folder}/{name}"))?)));
                    }
                }
                Ok(entries)
            }
            Some(Place::Run(id, [MODEL])) => match self.model_of_run(id)? {
                Some(file) => files_of_model(&file, &format!("{OWN_RUN}{id}")),
                None => Ok(Vec::new()),
            },
            Some(Place::Version(model, number, [])) => match self.model_file(model, number) {
                Ok(file) => files_of_model(&file, &self.run_of_version(model, number)?),
                Err(_) => Ok(Vec::new()),
            },
            // Of a file, that file, as with uploads.
            Some(Place::Run(_, [.., name]) | Place::Version(_, _, [name])) => {
                match self.size_of(folder) {
                    Ok(size) => Ok(vec![entry(name, Some(size))]),
                    Err(_) => Ok(Vec::new()),
                }
            }
            _ => Ok(Vec::new()),
        }
    }

    fn size_of(&self, path: &str) -> Answer<u64> {
        match self.artifact(path)? {
            Artifact::File(file) => {
                Ok(fs::metadata(&file).map_err(|e| read_error(&file, e))?.len())
            }
            Artifact::Made(bytes) => Ok(bytes.len() as u64),
        }
    }

    fn has_record(&self, id: i64) -> Answer<bool> {
        self.look(|db| {
            let query = format!("SELECT count(*) FROM runs WHERE id = ?1 AND {HAS_ACCOUNT}");
            let n: i64 = db.query_row(&query, params![id], |r| r.get(0))?;
            Ok(n > 0)
        })
    }

    /// The id of the run that made a version; empty where it is unknown.
    fn run_of_version(&self, model: &str, number: &str) -> Answer<String> {
        let run = self.version(model, number)?.run;
        Ok(run.map(|id| format!("{OWN_RUN}{id}")).unwrap_or_default())
    }

    /// The model that a run made, if it is registered: the store keeps no other.
    fn model_of_run(&self, id: i64) -> Answer<Option<PathBuf>> {
        self.look(|db| {
            let query = "SELECT v.sha256 FROM runs r JOIN versions v ON v.sha256 = r.model_sha256
                 WHERE r.id = ?1 LIMIT 1";
            let sha256: Option<String> =
                db.query_row(query, params![id], |r| r.get(0)).optional()?;
            let Some(sha256) = sha256 else { return Ok(None) };
            Ok(files::find(db, &sha256, files::MODEL)?)
        })
    }
}

fn files_of_model(file: &std::path::Path, run: &str) -> Answer<Vec<Entry>> {
    let (manifest, size) = manifest(file)?;
    let made = mlflow_files(&manifest, size, &ids(run));
    let mut entries: Vec<Entry> = made
        .into_iter()
        .map(|(name, text)| Entry { name: name.to_owned(), size_bytes: Some(text.len() as u64) })
        .collect();
    entries.push(Entry { name: MLFLOW_DATA.to_owned(), size_bytes: Some(size) });
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn file_of_model(file: PathBuf, name: &str, run: &str) -> Answer<Option<Artifact>> {
    if name == MLFLOW_DATA {
        return Ok(Some(Artifact::File(file)));
    }
    let (manifest, size) = manifest(&file)?;
    let made = mlflow_files(&manifest, size, &ids(run));
    let found = made.into_iter().find(|(own, _)| *own == name);
    Ok(found.map(|(_, text)| Artifact::Made(text.into_bytes())))
}

/// The run's id, where there is a run.
fn ids(run: &str) -> Vec<(&str, &str)> {
    if run.is_empty() { Vec::new() } else { vec![("run_id", run)] }
}

fn manifest(file: &std::path::Path) -> Answer<(Manifest, u64)> {
    let bytes = fs::read(file).map_err(|e| read_error(file, e))?;
    Ok((unpack_artifact(&bytes)?.manifest, bytes.len() as u64))
}
