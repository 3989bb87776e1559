//! From what the user names to files of models: single ones, and folders of many.
//!
//! A folder of models holds, for each name, a `NAME.mw`, a fit's folder `NAME/`, or a folder
//! `NAME/` with numbered folders of versions, of which the highest is served. `NAME@ALIAS` is the
//! version of a registered model that the alias stands for.

use std::fs;
use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};
use modelwright_lifecycle::artifact::resolve_model;
use modelwright_lifecycle::store::Store;

use crate::settings::ModelSource;

/// A file that is to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) name: String,
    /// The number of its folder, where it has one.
    pub(super) version: Option<u64>,
    pub(super) path: PathBuf,
    /// What the user wrote, where it is a registered model: it may come to mean another version.
    pub(super) reference: Option<PathBuf>,
}

impl Found {
    /// A file.
    fn file(name: String, version: Option<u64>, path: PathBuf) -> Self {
        Self { name, version, path, reference: None }
    }

    /// What it is known by from one look to the next.
    pub(super) fn key(&self) -> &Path {
        self.reference.as_deref().unwrap_or(&self.path)
    }
}

/// Whether a text can be a model's name: letters, digits, `_`, `-` and `.`, not `.` first.
pub(crate) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    !text.is_empty() && text.len() <= 128 && !text.starts_with('.') && text.chars().all(fits)
}

/// The files that a source means now; none of an empty folder.
///
/// # Errors
/// Input error when there is nothing at its path that could be served.
pub(super) fn find(source: &ModelSource, store: Option<&Path>) -> Result<Vec<Found>> {
    let path = &source.path;
    if let Some(name) = source.name.as_ref().filter(|name| !is_name(name)) {
        return Err(Error::input("the name cannot stand in a URL")
            .expected("letters, digits, `_`, `-` and `.`")
            .got(name));
    }
    if let Some((name, selector)) = source.registered() {
        return Ok(vec![find_registered(source, name, selector, store)?]);
    }
    let single = resolve_model(path);
    if !path.is_dir() || single.is_ok() {
        let file = single?;
        let name = match &source.name {
            Some(name) => name.clone(),
            None => name_of(path)?,
        };
        return Ok(vec![Found::file(name, None, file)]);
    }
    let mut found = Vec::new();
    if let Some(name) = &source.name {
        found.extend(versions(path, name));
    }
    if found.is_empty() {
        for child in children(path)? {
            found.extend(of_child(&child));
        }
    }
    // One that is empty waits for its models, as a volume that is filled later does.
    if found.is_empty() && !children(path)?.iter().all(|child| is_hidden(child)) {
        return Err(Error::input("the folder holds no models")
            .at(path.display().to_string())
            .expected(
                "NAME.mw files, fit folders, NAME/1/model.mw, or an empty folder to fill later",
            )
            .hint("`modelwright fit … --out FOLDER/NAME` makes one"));
    }
    Ok(found)
}

/// The version of a registered model that its alias stands for now.
fn find_registered(
    source: &ModelSource,
    name: &str,
    selector: &str,
    store: Option<&Path>,
) -> Result<Found> {
    let Some(folder) = store else {
        return Err(Error::input("there is no store to look the model up in")
            .got(format!("{name}@{selector}"))
            .hint("name one with --store"));
    };
    let store = Store::read(folder)?;
    let number = store.version(name, selector)?.number;
    Ok(Found {
        name: source.name.clone().unwrap_or_else(|| name.to_owned()),
        version: u64::try_from(number).ok(),
        path: store.model_file(name, &number.to_string())?,
        reference: Some(source.path.clone()),
    })
}

/// The file of a version of the registered model that a source names, whatever its alias stands
/// for.
///
/// # Errors
/// Input error when there is no store, or no such version in it.
pub(super) fn find_version(
    source: &ModelSource,
    version: u64,
    store: Option<&Path>,
) -> Result<PathBuf> {
    let (Some((name, _)), Some(folder)) = (source.registered(), store) else {
        return Err(Error::input("there is no store to look the model up in")
            .got(source.path.display().to_string())
            .hint("name one with --store"));
    };
    Store::read(folder)?.model_file(name, &version.to_string())
}

fn of_child(child: &Path) -> Vec<Found> {
    let is_other = child.is_file() && child.extension().is_none_or(|e| e != "mw");
    let Ok(name) = name_of(child) else { return Vec::new() };
    if is_other {
        return Vec::new();
    }
    if let Ok(path) = resolve_model(child) {
        return vec![Found::file(name, None, path)];
    }
    if child.is_dir() { versions(child, &name) } else { Vec::new() }
}

/// The numbered folders below `folder`, ascending.
fn versions(folder: &Path, name: &str) -> Vec<Found> {
    let numbered = |path: &PathBuf| {
        let version = path.file_name()?.to_str()?.parse::<u64>().ok()?;
        let path = resolve_model(path).ok()?;
        Some(Found::file(name.to_owned(), Some(version), path))
    };
    let mut found: Vec<Found> =
        children(folder).unwrap_or_default().iter().filter_map(numbered).collect();
    found.sort_by_key(|f| f.version);
    found
}

fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|e| {
        Error::work("cannot list the folder").at(folder.display().to_string()).because(e)
    })?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

/// Whether a file says nothing about what a folder is for: `.gitkeep`, or a file system's own.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name == "lost+found"
}

/// A name from a path: the file's without `.mw`, or the folder's.
fn name_of(path: &Path) -> Result<String> {
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let own = full.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let own = if own == "model.mw" {
        full.parent().and_then(Path::file_name).and_then(|n| n.to_str()).unwrap_or("model")
    } else {
        own.strip_suffix(".mw").unwrap_or(own)
    };
    if is_name(own) {
        return Ok(own.to_owned());
    }
    Err(Error::input("the path gives no name that can stand in a URL")
        .at(path.display().to_string())
        .expected("letters, digits, `_`, `-` and `.`")
        .got(own)
        .hint("name the model: NAME=PATH"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_lead_out_of_a_folder() {
        for name in ["churn", "churn-2.1", "prix_é"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "..", ".hidden", "a/b", "a\\b", "a b", "a:predict", "a%2e"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_source_may_have_a_name() {
        let source: ModelSource = "churn=out/model.mw".parse().unwrap();
        assert_eq!(
            (source.name.as_deref(), source.path.to_str()),
            (Some("churn"), Some("out/model.mw"))
        );
        let source: ModelSource = "./a=b/model.mw".parse().unwrap();
        assert_eq!(source.name, None);
    }
}
