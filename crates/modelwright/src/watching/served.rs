//! Rows that a server answered, with the answers that came later: the serving log as data files.
//!
//! `serve --request-log FOLDER` writes the rows of each model into `requests/NAME/part-*.parquet`
//! and labels into `feedback/part-*.parquet`. Each part of the requests becomes one file of rows
//! with their labels, missing where nobody knows them yet. A part whose labels did not change
//! becomes the same bytes again, so that it is not taken for new.

mod joined;
mod labels;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use modelwright_core::context::Event;
use modelwright_core::data::{Column, Table};
use modelwright_core::{Context, Error, ErrorKind, Result};
use modelwright_io::{ReadOptions, TableWriter, read_path};
use modelwright_lifecycle::atomic_write;
use serde::{Deserialize, Serialize};

use super::files::Unreadable;
use crate::Model;

pub(crate) use joined::JoinedLog;
use labels::{Labels, key, usable_labels};

/// What the names of columns begin with that would hide one of the log's own.
const HIDDEN: &str = "column:";
/// The column of a request log that says when a row was asked.
pub(crate) const TIME: &str = "request_time";

/// A part of the log, or a copy, as it was: a log in which nothing changed is not read again.
type Seen = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// The serving log of a model that is served as `name`, and the copies of its parts.
#[derive(Debug)]
pub(super) struct ServedRows<'a> {
    /// The folder of the log.
    pub(super) folder: &'a Path,
    /// What the model is served as.
    pub(super) name: &'a str,
    /// The folder of the copies.
    pub(super) out: &'a Path,
}

/// What was there when the copies were last brought up to date: the file of the model, too, which
/// says what columns they have.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Collected {
    model: PathBuf,
    log: Seen,
    copies: Seen,
    /// Parts that could not be read, with why.
    unreadable: Vec<Unreadable>,
}

impl ServedRows<'_> {
    /// Brings the copies up to date with the log, where anything changed since it was `collected`;
    /// says which parts of the log cannot be read, and why.
    ///
    /// # Errors
    /// Input error when the log cannot be listed, work error when a file cannot be written.
    pub(super) fn collect(
        &self,
        model: &Model,
        collected: &mut Collected,
        ctx: &Context,
    ) -> Result<Vec<Unreadable>> {
        // What changes from here on is seen by the next look.
        let log = seen(&[&self.feedback(), &self.requests()])?;
        let copies = seen(&[self.out])?;
        let is_known = collected.model == model.path
            && (&collected.log, &collected.copies) == (&log, &copies)
            && collected.unreadable.is_empty();
        if !is_known {
            let unreadable = copy(self, model, ctx)?;
            let copies = seen(&[self.out])?;
            *collected = Collected { model: model.path.clone(), log, copies, unreadable };
        }
        Ok(collected.unreadable.clone())
    }

    fn feedback(&self) -> PathBuf {
        self.folder.join("feedback")
    }

    fn requests(&self) -> PathBuf {
        self.folder.join("requests").join(self.name)
    }

    /// Whether the log is there: a disk that is not mounted is a folder that is missing or empty.
    fn is_there(&self) -> bool {
        fs::read_dir(self.folder).is_ok_and(|mut entries| entries.next().is_some())
    }
}

/// The files of folders as they are.
fn seen(folders: &[&Path]) -> Result<Seen> {
    let mut seen = Seen::new();
    for folder in folders {
        for path in parts(folder)? {
            let meta = path.metadata().ok();
            let n_bytes = meta.as_ref().map_or(0, fs::Metadata::len);
            seen.push((path, n_bytes, meta.and_then(|meta| meta.modified().ok())));
        }
    }
    Ok(seen)
}

fn copy(log: &ServedRows<'_>, model: &Model, ctx: &Context) -> Result<Vec<Unreadable>> {
    let out = log.out;
    let reading = Reading { ctx, broken: RefCell::default() };
    let requests = parts(&log.requests())?;
    if log.is_there() {
        forget(out, &requests)?;
    }
    if !requests.is_empty() {
        fs::create_dir_all(out).map_err(|e| {
            Error::work("cannot make the folder of collected rows")
                .at(out.display().to_string())
                .because(e)
        })?;
    }
    let (labels, remarks) = usable_labels(log, &requests, model, &reading)?;
    for remark in remarks {
        ctx.tell(Event::Warning(remark));
    }
    for part in requests {
        let Some(table) = reading.read(&part)? else { continue };
        let mut writer = TableWriter::parquet(Vec::new());
        writer.write(&labelled(&table, model, &labels, true)?)?;
        let bytes = writer.finish()?;
        let path = out.join(part.file_name().unwrap_or_default());
        if fs::read(&path).is_ok_and(|known| known == bytes) {
            continue;
        }
        atomic_write(&path, &bytes)?;
    }
    let broken = reading.broken.into_inner();
    Ok(broken.into_iter().map(|(path, why)| (path.display().to_string(), why)).collect())
}

/// Reads the parts of a log, and remembers those that cannot be read: one of them does not hide
/// the others.
struct Reading<'a> {
    ctx: &'a Context,
    broken: RefCell<BTreeMap<PathBuf, String>>,
}

impl Reading<'_> {
    /// The rows of a part; `None` where it cannot be read.
    ///
    /// # Errors
    /// What is about something else than the file, such as the memory.
    fn read(&self, part: &Path) -> Result<Option<Table>> {
        match read_path(part, &ReadOptions::default(), self.ctx) {
            Ok(file) => Ok(Some(file.table)),
            Err(why) if why.kind() == ErrorKind::Input => {
                self.broken.borrow_mut().insert(part.to_owned(), why.to_string());
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}

/// Removes the copies of parts that the log no longer has: what its owner deletes, or its limit, is
/// not learned from for ever.
fn forget(out: &Path, requests: &[PathBuf]) -> Result<()> {
    let is_there =
        |copy: &PathBuf| requests.iter().any(|part| part.file_name() == copy.file_name());
    for copy in parts(out)?.into_iter().filter(|copy| !is_there(copy)) {
        fs::remove_file(&copy).map_err(|e| {
            Error::work("cannot remove a copy of the serving log")
                .at(copy.display().to_string())
                .because(e)
        })?;
    }
    Ok(())
}

/// The Parquet files of a folder, oldest first; none where there is no folder.
fn parts(folder: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|e| {
                Error::input("cannot list the serving log")
                    .at(folder.display().to_string())
                    .because(e)
            })?
            .path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The columns that the model reads, when they were asked if that is wanted, and the labels.
fn labelled(table: &Table, model: &Model, labels: &Labels, with_time: bool) -> Result<Table> {
    let target = &model.predictor.target;
    let mut columns = Vec::new();
    for field in &model.predictor.schema.fields {
        let hidden = table.column(&format!("{HIDDEN}{}", field.name));
        if let Some(column) = hidden.or_else(|| table.column(&field.name)) {
            columns.push(Column { name: field.name.clone(), data: column.data.clone() });
        }
    }
    let is_taken = columns.iter().any(|column| column.name == TIME) || target == TIME;
    if let Some(time) = table.column(TIME).filter(|_| with_time && !is_taken) {
        columns.push(time.clone());
    }
    let mut answers = Vec::with_capacity(table.n_rows());
    for row in 0..table.n_rows() {
        answers.push(key(table, row)?.and_then(|key| labels.get(&key.digest())));
    }
    columns.push(Column::strings(target, answers));
    Table::new(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part of a log.
    pub(super) fn write(path: &Path, columns: Vec<Column>) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut writer = TableWriter::parquet(Vec::new());
        writer.write(&Table::new(columns).unwrap()).unwrap();
        fs::write(path, writer.finish().unwrap()).unwrap();
    }

    #[test]
    fn copies_of_parts_that_the_log_lost_are_removed() {
        let out = std::env::temp_dir().join(format!("mw-copies-{}", std::process::id()));
        let _ = fs::remove_dir_all(&out);
        let column = || vec![Column::numbers("x", vec![1.0])];
        write(&out.join("part-1.parquet"), column());
        write(&out.join("part-2.parquet"), column());
        forget(&out, &[PathBuf::from("log/part-2.parquet")]).unwrap();
        assert_eq!(parts(&out).unwrap(), [out.join("part-2.parquet")]);
        forget(&out, &[]).unwrap();
        assert!(parts(&out).unwrap().is_empty(), "all parts were deleted");
        fs::remove_dir_all(&out).unwrap();
    }

    #[test]
    fn a_log_that_is_away_is_told_from_one_whose_parts_were_deleted() {
        let folder = std::env::temp_dir().join(format!("mw-away-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let is_there =
            || ServedRows { folder: &folder, name: "m", out: Path::new("out") }.is_there();
        assert!(!is_there(), "no folder");
        fs::create_dir_all(&folder).unwrap();
        assert!(!is_there(), "where a disk would be mounted");
        fs::create_dir_all(folder.join("requests/m")).unwrap();
        assert!(is_there(), "its parts are gone, and the log is not");
        fs::remove_dir_all(&folder).unwrap();
    }
}
