//! From what a user calls a model or a record to the file that holds it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use modelwright_core::record::{FORMAT_VERSION, RunRecord};
use modelwright_core::{Error, Result};
use serde::Deserialize;

use super::container;
use super::read::unpack_artifact;
use crate::outputs::MODEL_FILE;
use crate::store::{Location, Store, parse_reference};

/// The longest time limit of a run, in seconds: about thirty years.
const TIME_MAX_S: f64 = 1e9;

/// The model file that `path` means: itself, the `model.mw` of a fit's folder, or `name@alias` of
/// the store. A file of that name comes first.
///
/// # Errors
/// Input error when there is no such file, folder or registered model, or the folder holds no
/// model.
pub fn resolve_model(path: impl AsRef<Path>) -> Result<PathBuf> {
    let path = path.as_ref();
    let shown = path.display().to_string();
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) => match path.to_str().and_then(parse_reference) {
            Some((name, selector)) => return registered(name, selector),
            None => return Err(with_alias(read_error(path, error), &shown)),
        },
    };
    if !meta.is_dir() {
        return Ok(path.to_owned());
    }
    let inside = path.join(MODEL_FILE);
    if inside.is_file() {
        return Ok(inside);
    }
    Err(Error::input("the folder holds no model")
        .at(shown)
        .expected(format!("a folder with {MODEL_FILE}, as `modelwright fit` leaves it"))
        .hint("give the model file, or the folder that was fit's --out"))
}

/// Says how a registered model of that name is named, if there is one.
fn with_alias(error: Error, name: &str) -> Error {
    let is_registered = Location::find().is_some_and(|location| {
        Store::read(&location.place).is_ok_and(|store| store.model_file(name, "latest").is_ok())
    });
    if !is_registered {
        return error;
    }
    error.hint(format!("a model of this name is registered: {name}@latest"))
}

/// The file of a registered model.
fn registered(name: &str, selector: &str) -> Result<PathBuf> {
    let Some(location) = Location::find() else {
        return Err(Error::input("there is no store to look the model up in")
            .got(format!("{name}@{selector}"))
            .hint("name one with --store"));
    };
    Store::read(&location.place)?.model_file(name, selector)
}

/// Whether the bytes look like an artifact (their seal is not checked).
pub fn looks_like_artifact(bytes: &[u8]) -> bool {
    container::has_artifact_shape(bytes)
}

/// The run's account at `path`: a `record.json`, a model, or a fit's folder.
///
/// # Errors
/// Input error when it is none of these, is damaged, or was written by a newer version.
pub fn read_record(path: impl AsRef<Path>) -> Result<RunRecord> {
    let path = resolve_model(path)?;
    let bytes = fs::read(&path).map_err(|e| read_error(&path, e))?;
    let record = if bytes.starts_with(b"PK") {
        unpack_artifact(&bytes).and_then(|artifact| artifact.record())
    } else {
        parse_record(&bytes)
    };
    record.map_err(|e| e.at(path.display().to_string()))
}

/// Parses a record; the version is looked at first, because the rest may have changed.
pub(crate) fn parse_record(bytes: &[u8]) -> Result<RunRecord> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
        engine_version: String,
    }
    let broken = |e: serde_json::Error| {
        Error::input("not the record of a run")
            .expected("a record.json or model.mw written by `modelwright fit`")
            .because(e)
    };
    let version: Version = serde_json::from_slice(bytes).map_err(broken)?;
    if version.format_version > FORMAT_VERSION {
        return Err(Error::input("the record was written by a newer Modelwright")
            .expected(format!("format version {FORMAT_VERSION} or older"))
            .got(format!(
                "format version {}, written by Modelwright {}",
                version.format_version, version.engine_version
            ))
            .hint("install that version of Modelwright or a later one"));
    }
    let record: RunRecord = serde_json::from_slice(bytes).map_err(broken)?;
    match record.options.time_limit_s.filter(|seconds| !(0.0..=TIME_MAX_S).contains(seconds)) {
        None => Ok(record),
        Some(seconds) => Err(Error::input("the record has a time limit that cannot be")
            .expected("options.time_limit_s from 0 to a thousand million")
            .got(seconds.to_string())),
    }
}

/// Says in the user's words why `path` could not be read.
pub(crate) fn read_error(path: &Path, cause: io::Error) -> Error {
    let error = match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            let hint = match near_names(path) {
                names if names.is_empty() => "check the path".to_owned(),
                names => format!("did you mean `{}`?", names[0]),
            };
            return Error::input("no such file or folder")
                .at(path.display().to_string())
                .expected("a model.mw, a record.json, or a fit's folder")
                .hint(hint);
        }
        io::ErrorKind::PermissionDenied => {
            Error::input("no permission to read the file").hint("change the file's permissions")
        }
        _ => Error::work("cannot read the file"),
    };
    error.at(path.display().to_string()).because(cause)
}

/// Names beside `path` that are close to its own, nearest first.
fn near_names(path: &Path) -> Vec<String> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name().map(|n| n.to_string_lossy().into_owned()) else {
        return Vec::new();
    };
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.filter_map(|e| Some(e.ok()?.file_name().to_string_lossy().into_owned())).collect();
    names.sort_unstable();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    modelwright_core::error::nearest(&name, &known)
        .map(|near| path.with_file_name(near).display().to_string())
        .into_iter()
        .collect()
}
