//! The serving log as rows with their labels, for whoever looks once.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use modelwright_core::{Context, Error, Result};

use super::{Reading, ServedRows, labelled, parts, usable_labels};
use crate::{Model, Rows};

/// The folder of a log that holds the rows, model by model.
const REQUESTS: &str = "requests";

/// The rows of a log.
pub(crate) struct JoinedLog {
    /// Part by part, with the labels that are known.
    pub(crate) rows: Vec<Rows>,
    /// What is to be said of labels, and of parts that cannot be read.
    pub(crate) notes: Vec<String>,
}

/// Reads the log in a folder: that of `serve --request-log`, where one model was served, or its
/// `requests/NAME`. When rows were asked is told `with_time`.
///
/// # Errors
/// Input error when the folder is no such log, or holds no rows.
pub(crate) fn joined(
    path: &Path,
    model: &Model,
    with_time: bool,
    ctx: &Context,
) -> Result<JoinedLog> {
    let (folder, name) = place(path)?;
    let log = ServedRows { folder: &folder, name: &name, out: Path::new("") };
    let reading = Reading { ctx, broken: RefCell::default() };
    let requests = parts(&log.requests())?;
    let (labels, mut notes) = usable_labels(&log, &requests, model, &reading)?;
    let mut rows = Vec::new();
    for part in &requests {
        let Some(table) = reading.read(part)? else { continue };
        let columns = labelled(&table, model, &labels, with_time)?.into_columns();
        let file = part.file_name().unwrap_or_default().to_string_lossy();
        rows.push(Rows::Table {
            name: format!("{name}/{file}"),
            format: "serving log".to_owned(),
            columns,
        });
    }
    let broken = reading.broken.into_inner();
    notes.extend(broken.iter().map(|(part, why)| format!("{} is left out: {why}", part.display())));
    if rows.is_empty() {
        return Err(Error::input("the serving log holds no rows that can be read")
            .at(log.requests().display().to_string())
            .expected("part-*.parquet, as `serve --request-log` writes them"));
    }
    Ok(JoinedLog { rows, notes })
}

/// The folder of the log, and the model that is meant.
fn place(path: &Path) -> Result<(PathBuf, String)> {
    let name_of = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let above = path.parent().filter(|above| name_of(above).is_some_and(|name| name == REQUESTS));
    if let Some((folder, name)) = above.and_then(Path::parent).zip(name_of(path)) {
        return Ok((folder.to_owned(), name));
    }
    let entries = fs::read_dir(path.join(REQUESTS)).map_err(|e| {
        Error::input("this is a folder, and no serving log")
            .at(path.display().to_string())
            .expected("files of rows, or the folder that `serve --request-log` wrote")
            .because(e)
    })?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| name_of(&entry.path()))
        .collect();
    names.sort();
    match names.as_slice() {
        [name] => Ok((path.to_owned(), name.clone())),
        names => Err(Error::input("it is not clear which model's rows are meant")
            .at(path.display().to_string())
            .expected("a log of one model, or its folder requests/NAME")
            .got(if names.is_empty() { "no model".to_owned() } else { names.join(", ") })),
    }
}
