//! Rows that a server answered, with the answers that came later: the serving log as data files.
//!
//! `serve --request-log FOLDER` writes the rows of each model into `requests/NAME/part-*.parquet`
//! and labels into `feedback/part-*.parquet`. Each part of the requests becomes one file of rows
//! with their labels, missing where nobody knows them yet. A part whose labels did not change
//! becomes the same bytes again, so that it is not taken for new.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use modelwright_core::context::Event;
use modelwright_core::data::{Column, Table};
use modelwright_core::{Context, Error, Result};
use modelwright_io::{ReadOptions, TableWriter, read_path};
use modelwright_lifecycle::atomic_write;

use crate::Model;

/// What the names of columns begin with that would hide one of the log's own.
const HIDDEN: &str = "column:";
/// The column of a request log that says when a row was asked.
const TIME: &str = "request_time";

/// The label of each request's row, the last that came.
type Labels = BTreeMap<(String, u64), String>;

/// Requests and rows in them.
type Keys = BTreeSet<(String, u64)>;

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
#[derive(Debug, Default, PartialEq)]
pub(super) struct Collected {
    model: PathBuf,
    log: Seen,
    copies: Seen,
}

impl ServedRows<'_> {
    /// Brings the copies up to date with the log, where anything changed since it was `collected`.
    ///
    /// # Errors
    /// Input error when the log cannot be read, work error when a file cannot be written.
    pub(super) fn collect(
        &self,
        model: &Model,
        collected: &mut Collected,
        ctx: &Context,
    ) -> Result<()> {
        // What changes from here on is seen by the next look.
        let log = seen(&[&self.feedback(), &self.requests()])?;
        let copies = seen(&[self.out])?;
        let now = Collected { model: model.path.clone(), log, copies };
        if *collected == now {
            return Ok(());
        }
        copy(self, model, ctx)?;
        *collected = Collected { copies: seen(&[self.out])?, ..now };
        Ok(())
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

fn copy(log: &ServedRows<'_>, model: &Model, ctx: &Context) -> Result<()> {
    let out = log.out;
    let labels = labels(&parts(&log.feedback())?, ctx)?;
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
    let repeated = if labels.is_empty() { Keys::new() } else { repeated(&requests, ctx)? };
    let labels: Labels = labels.into_iter().filter(|(key, _)| !repeated.contains(key)).collect();
    for part in requests {
        let table = read_path(&part, &ReadOptions::default(), ctx)?.table;
        let mut writer = TableWriter::parquet(Vec::new());
        writer.write(&labelled(&table, model, &labels)?)?;
        let bytes = writer.finish()?;
        let path = out.join(part.file_name().unwrap_or_default());
        if fs::read(&path).is_ok_and(|known| known == bytes) {
            continue;
        }
        atomic_write(&path, &bytes)?;
    }
    Ok(())
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

fn labels(parts: &[PathBuf], ctx: &Context) -> Result<Labels> {
    let mut labels = Labels::new();
    for part in parts {
        let table = read_path(part, &ReadOptions::default(), ctx)?.table;
        let label = table.require("label")?;
        for row in 0..table.n_rows() {
            if let (Some(key), Some(text)) = (key(&table, row)?, label.display(row)) {
                labels.insert(key, text);
            }
        }
    }
    Ok(labels)
}

/// The keys that several rows of the log have, with a warning where there are any: who sends one id
/// with many requests has not said which of them a label is of.
fn repeated(requests: &[PathBuf], ctx: &Context) -> Result<Keys> {
    let (mut seen, mut twice) = (Keys::new(), Keys::new());
    for part in requests {
        let table = read_path(part, &ReadOptions::default(), ctx)?.table;
        for row in 0..table.n_rows() {
            if let Some(key) = key(&table, row)?
                && !seen.insert(key.clone())
            {
                twice.insert(key);
            }
        }
    }
    if let Some((id, _)) = twice.first() {
        let text = format!(
            "{} ids of requests stand for several rows of the serving log, such as `{id}`: labels \
             that name them are left out",
            twice.len()
        );
        ctx.tell(Event::Warning(text));
    }
    Ok(twice)
}

/// The request and the row in it, from 1.
fn key(table: &Table, row: usize) -> Result<Option<(String, u64)>> {
    let id = table.require("request_id")?.display(row);
    let place = table.require("request_row")?.display(row);
    let place = place.and_then(|text| text.parse::<f64>().ok()).map(|place| place as u64);
    Ok(id.zip(place))
}

/// The columns that the model reads, when they were asked, and the labels.
fn labelled(table: &Table, model: &Model, labels: &Labels) -> Result<Table> {
    let target = &model.predictor.target;
    let mut columns = Vec::new();
    for field in &model.predictor.schema.fields {
        let hidden = table.column(&format!("{HIDDEN}{}", field.name));
        if let Some(column) = hidden.or_else(|| table.column(&field.name)) {
            columns.push(Column { name: field.name.clone(), data: column.data.clone() });
        }
    }
    let is_taken = columns.iter().any(|column| column.name == TIME) || target == TIME;
    if let Some(time) = table.column(TIME).filter(|_| !is_taken) {
        columns.push(time.clone());
    }
    let mut answers = Vec::with_capacity(table.n_rows());
    for row in 0..table.n_rows() {
        answers.push(key(table, row)?.and_then(|key| labels.get(&key)));
    }
    columns.push(Column::strings(target, answers));
    Table::new(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, columns: Vec<Column>) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut writer = TableWriter::parquet(Vec::new());
        writer.write(&Table::new(columns).unwrap()).unwrap();
        fs::write(path, writer.finish().unwrap()).unwrap();
    }

    fn feedback(path: &Path, labels: &[(&str, f64, &str)]) {
        write(
            path,
            vec![
                Column::strings("request_id", labels.iter().map(|l| Some(l.0)).collect::<Vec<_>>()),
                Column::numbers("request_row", labels.iter().map(|l| l.1).collect()),
                Column::strings("label", labels.iter().map(|l| Some(l.2)).collect::<Vec<_>>()),
            ],
        );
    }

    #[test]
    fn copies_of_parts_that_the_log_lost_are_removed() {
        let out = std::env::temp_dir().join(format!("mw-copies-{}", std::process::id()));
        let _ = fs::remove_dir_all(&out);
        let column = || vec![Column::numbers("x", vec![1.0])];
        write(&out.join("part-1.parquet"), column());
        write(&out.join("part-2.parquet"), column());
        let ids = |ids: &[&str]| {
            let rows = Column::numbers("request_row", vec![1.0; ids.len()]);
            let ids = ids.iter().map(|id| Some(*id)).collect::<Vec<_>>();
            vec![Column::strings("request_id", ids), rows]
        };
        let logged = [out.join("log-1.parquet"), out.join("log-2.parquet")];
        write(&logged[0], ids(&["trace", "own"]));
        write(&logged[1], ids(&["trace", "other"]));
        let twice = repeated(&logged, &Context::unlimited(0, 1)).unwrap();
        assert_eq!(twice.into_iter().collect::<Vec<_>>(), [("trace".to_owned(), 1)]);
        for path in logged {
            fs::remove_file(path).unwrap();
        }
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

    #[test]
    fn labels_find_their_rows_and_the_last_one_counts() {
        let folder = std::env::temp_dir().join(format!("mw-served-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        feedback(&folder.join("part-1.parquet"), &[("r1", 2.0, "no"), ("r9", 1.0, "yes")]);
        feedback(&folder.join("part-2.parquet"), &[("r1", 2.0, "yes"), ("r1", 1.0, "no")]);
        let ctx = Context::unlimited(0, 1);
        let found = labels(&parts(&folder).unwrap(), &ctx).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found[&("r1".to_owned(), 2)], "yes");
        assert!(parts(&folder.join("absent")).unwrap().is_empty());
    }
}
