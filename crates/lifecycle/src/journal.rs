//! Rows written down as they come, for later: lines first, Parquet when there are enough.
//!
//! A [`Journal`] appends rows to `journal.jsonl`, a line each, and turns that file into
//! `part-NAME.parquet` when it is told to. What was flushed survives the end of the process at any
//! moment: the next one that opens the folder turns the lines that were left into a file, up to the
//! first that is not whole. Before lines become a file they are renamed to `turning-NAME.jsonl`,
//! which is removed after it: where both are found, the file has the rows already, so that no row
//! is there twice. Lines that nobody can read any more (their schema is gone, or all are damaged;
//! damaged ones among others) are left as `unread-NAME.jsonl`. Files beyond a limit of bytes are
//! removed, oldest first. A folder is one process's at a time: two would take each other's lines
//! for left ones.
//!
//! Names come from outside (times, say) and decide the order of age; nothing here reads a clock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelwright_core::context::Event;
use modelwright_core::data::{Column, ColumnData, Schema, Table};
use modelwright_core::{Context, Error, ErrorKind, Result};
use modelwright_io::{Format, ReadOptions, TableWriter, read_bytes};
use serde_json::Value;

use crate::atomic::{AtomicFile, atomic_write};

const LINES: &str = "journal.jsonl";
/// What new lines are called until the old ones are gone.
const NEXT: &str = "journal.next.jsonl";
const SCHEMA: &str = "journal.schema.json";
/// What lines are called while they become the file of the same name.
const TURNING: &str = "turning-";
/// What lines are called that cannot become a file.
const UNREAD: &str = "unread-";
const LOCK: &str = "journal.lock";
/// Lines that wait in memory for a disk that takes nothing.
const WAITING_BYTES: usize = 1 << 20;

/// See the module's text.
pub struct Journal {
    folder: PathBuf,
    schema: Schema,
    lines: File,
    /// Whole lines that the system does not have yet.
    waiting: Vec<u8>,
    /// Bytes of the whole lines that it has.
    n_written: u64,
    n_rows: usize,
    n_bytes: u64,
    bytes_max: u64,
    /// The right to the folder, which ends with the process however that ends.
    _lock: File,
}

impl Journal {
    /// Opens the journal of a folder, which is made if it is not there. Lines that another process
    /// left become the file `part-NAME.parquet`.
    ///
    /// `bytes_max` bounds the files of the folder together.
    ///
    /// # Errors
    /// Work error when the folder cannot be written to, or another journal has it.
    pub fn open(
        folder: &Path,
        schema: Schema,
        bytes_max: u64,
        name: &str,
        ctx: &Context,
    ) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
        let right = lock(folder)?;
        recover(folder, name, ctx)?;
        let text = serde_json::to_vec(&schema)
            .map_err(|e| Error::work("cannot write the schema").because(e))?;
        atomic_write(folder.join(SCHEMA), &text)?;
        let path = folder.join(LINES);
        Ok(Self {
            lines: new_lines(&path)?,
            folder: folder.to_owned(),
            schema,
            waiting: Vec::new(),
            n_written: 0,
            n_rows: 0,
            n_bytes: 0,
            bytes_max,
            _lock: right,
        })
    }

    /// The columns of its rows.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Rows since the last file.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Bytes of their lines.
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Adds rows; columns are found by name, absent ones are missing.
    ///
    /// # Errors
    /// Work error when rows that were added before fill the memory that they may wait in, and the
    /// disk does not take them; these rows are then not added.
    pub fn append(&mut self, table: &Table) -> Result<()> {
        if self.waiting.len() >= WAITING_BYTES {
            self.flush()?;
        }
        let columns: Vec<&Column> =
            self.schema.fields.iter().filter_map(|f| table.column(&f.name)).collect();
        let n_before = self.waiting.len();
        let text = &mut self.waiting;
        for row in 0..table.n_rows() {
            let cells = columns.iter().map(|c| (c.name.clone(), cell(c, row)));
            let object: serde_json::Map<String, Value> = cells.collect();
            // Writing to a vector cannot fail.
            let _ = serde_json::to_writer(&mut *text, &object);
            text.push(b'\n');
        }
        self.n_bytes += (text.len() - n_before) as u64;
        self.n_rows += table.n_rows();
        Ok(())
    }

    /// Hands what was added to the system: from then on it survives the end of the process.
    ///
    /// # Errors
    /// Work error when the disk is full or fails; what was added waits for the next time.
    pub fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.lines.write_all(&self.waiting).map_err(|e| {
            // Half a line would spoil the next one. All that waits is written again.
            let _ = self.lines.set_len(self.n_written);
            failed(&self.folder.join(LINES), e)
        })?;
        self.n_written += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// Turns the lines into the file `part-NAME.parquet` and begins anew; `None` when there are
    /// none.
    ///
    /// # Errors
    /// Work error when the disk is full or fails; the lines are then still there, and become a file
    /// when the folder is opened again.
    pub fn rotate(&mut self, name: &str, ctx: &Context) -> Result<Option<PathBuf>> {
        self.flush()?;
        // What the disk was too full for when its turn was.
        for left in named(&self.folder, TURNING)? {
            turn(&self.folder, &self.schema, &left, ctx)?;
        }
        if self.n_rows == 0 {
            return Ok(None);
        }
        // New lines are there before the old ones go: rows always have somewhere to go.
        let (path, next) = (self.folder.join(LINES), self.folder.join(NEXT));
        let lines = new_lines(&next)?;
        let name = set_aside(&self.folder, name)?;
        fs::rename(&next, &path).map_err(|e| {
            let _ = fs::rename(turning_path(&self.folder, &name), &path);
            failed(&path, e)
        })?;
        // From here on, new rows go to new lines, whatever becomes of the old ones.
        self.lines = lines;
        (self.n_rows, self.n_bytes, self.n_written) = (0, 0, 0);
        let written = turn(&self.folder, &self.schema, &name, ctx)?;
        bound(&self.folder, self.bytes_max)?;
        Ok(written)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Who wanted to know would have asked.
        let _ = self.flush();
    }
}

/// Turns lines that an ended process left in a folder into a file, where there are any, and
/// nobody else has the folder.
///
/// # Errors
/// Work error when the folder cannot be written to.
pub fn recover_left(folder: &Path, name: &str, ctx: &Context) -> Result<()> {
    if !folder.join(LINES).exists() && named(folder, TURNING)?.is_empty() {
        // What is no journal, or has nothing left, gets no file of ours.
        return Ok(());
    }
    match lock(folder) {
        Ok(_right) => recover(folder, name, ctx),
        // Whoever has it takes care of its lines.
        Err(_) => Ok(()),
    }
}

/// A file for lines, empty, whose end is where is written.
fn new_lines(path: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.and_then(|file| file.set_len(0).map(|()| file));
    file.map_err(|e| failed(path, e))
}

/// Takes the right to a folder.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(|e| failed(&path, e))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::work("another process writes rows down here")
            .at(folder.display().to_string())
            .expected("a folder that nobody else writes to")
            .hint("give each server a folder of its own")),
        // Some file systems know no locks; there, nobody can be told from another.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// The files of a journal's folder, oldest first.
///
/// # Errors
/// Work error when the folder cannot be listed.
pub fn parts(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|e| failed(folder, e))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.retain(|p| {
        let name = p.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        name.starts_with("part-") && name.ends_with(".parquet")
    });
    paths.sort();
    Ok(paths)
}

/// Removes the oldest files of a folder until the rest is within `bytes_max`; the newest stays.
///
/// # Errors
/// Work error when a file cannot be removed.
pub fn bound(folder: &Path, bytes_max: u64) -> Result<()> {
    let mut parts = parts(folder)?;
    parts.pop();
    // Lines that did not become files are older than the newest file.
    for prefix in [TURNING, UNREAD] {
        let left = named(folder, prefix)?.into_iter();
        parts.extend(left.map(|name| folder.join(format!("{prefix}{name}.jsonl"))));
    }
    parts.sort_by_key(|path| age(path));
    let size = |path: &PathBuf| path.metadata().map_or(0, |meta| meta.len());
    let mut n_bytes: u64 = parts.iter().map(size).sum();
    for part in parts {
        if n_bytes <= bytes_max {
            break;
        }
        n_bytes -= size(&part);
        fs::remove_file(&part).map_err(|e| failed(&part, e))?;
    }
    Ok(())
}

/// Turns lines that were left into files.
fn recover(folder: &Path, name: &str, ctx: &Context) -> Result<()> {
    let lines = folder.join(LINES);
    if lines.exists() {
        set_aside(folder, name)?;
    }
    let schema = fs::read(folder.join(SCHEMA)).ok();
    let schema = schema.and_then(|bytes| serde_json::from_slice::<Schema>(&bytes).ok());
    for name in named(folder, TURNING)? {
        let why = match schema.as_ref().map(|schema| turn(folder, schema, &name, ctx)) {
            Some(Ok(_)) => continue,
            Some(Err(error)) if error.kind() == ErrorKind::Input => error.what().to_owned(),
            Some(Err(error)) => return Err(error),
            None => format!("{SCHEMA} is gone or damaged"),
        };
        // Nobody can say what the lines mean: they are left for whoever can. The next schema is
        // not theirs.
        let (lines, left) = (turning_path(folder, &name), format!("{UNREAD}{name}.jsonl"));
        fs::rename(&lines, folder.join(&left)).map_err(|e| failed(&lines, e))?;
        ctx.tell(Event::Warning(format!(
            "rows that were written down cannot be read; they are left in {left} of {}: {why}",
            folder.display()
        )));
    }
    Ok(())
}

/// The names of lines that are no file, such as those that were to become one, in their order.
fn named(folder: &Path, prefix: &str) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(|e| failed(folder, e))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let name = |file: String| Some(file.strip_prefix(prefix)?.strip_suffix(".jsonl")?.to_owned());
    let mut names: Vec<String> = names.filter_map(name).collect();
    names.sort();
    Ok(names)
}

/// What decides which file is older: its name without what it is.
fn age(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    name.split_once('-').map_or(String::new(), |(_, name)| name.to_owned())
}

fn turning_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{TURNING}{name}.jsonl"))
}

fn part_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("part-{name}.parquet"))
}

/// Renames the lines for the file that they are to become; returns its name, which is `name` or,
/// where that is taken, one that follows on it.
fn set_aside(folder: &Path, name: &str) -> Result<String> {
    let unread = |name: &String| folder.join(format!("{UNREAD}{name}.jsonl"));
    let is_taken = |name: &String| {
        [turning_path(folder, name), part_path(folder, name), unread(name)]
            .iter()
            .any(|p| p.exists())
    };
    let mut own = name.to_owned();
    for again in 1_u32.. {
        if !is_taken(&own) {
            break;
        }
        own = format!("{name}~{again}");
    }
    let (lines, path) = (folder.join(LINES), turning_path(folder, &own));
    fs::rename(&lines, &path).map_err(|e| failed(&lines, e))?;
    Ok(own)
}

/// Writes the whole lines that were set aside as Parquet, and removes them.
fn turn(folder: &Path, schema: &Schema, name: &str, ctx: &Context) -> Result<Option<PathBuf>> {
    let (lines, path) = (turning_path(folder, name), part_path(folder, name));
    let mut written = path.exists().then(|| path.clone());
    if written.is_none() {
        let mut bytes = fs::read(&lines).map_err(|e| failed(&lines, e))?;
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |last| last + 1);
        bytes.truncate(whole);
        if !bytes.is_empty() {
            let options = ReadOptions {
                format: Some(Format::Json),
                schema: Some(schema.clone()),
                ..ReadOptions::default()
            };
            let read = |bytes: &[u8]| read_bytes(LINES, bytes, &options, ctx);
            let table = match read(&bytes) {
                Err(error) if error.kind() == ErrorKind::Input => {
                    // One line that a full disk or a lost power cut costs no others.
                    let (good, bad) = parted(&bytes);
                    if good.is_empty() || bad.is_empty() {
                        return Err(error);
                    }
                    let file = read(&good)?;
                    keep_unread(folder, name, &bad, ctx)?;
                    file.table
                }
                read => read?.table,
            };
            let mut writer = TableWriter::parquet(AtomicFile::create(&path)?);
            writer.write(&table)?;
            writer.finish()?.commit()?;
            written = Some(path);
        }
    }
    fs::remove_file(&lines).map_err(|e| failed(&lines, e))?;
    Ok(written)
}

/// The lines that are objects, and those that are none.
fn parted(lines: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for line in lines.split_inclusive(|b| *b == b'\n') {
        let is_object = serde_json::from_slice::<serde_json::Map<String, Value>>(line).is_ok();
        if is_object { &mut good } else { &mut bad }.extend_from_slice(line);
    }
    (good, bad)
}

/// Leaves damaged lines for whoever can read them, and says so without quoting them.
fn keep_unread(folder: &Path, name: &str, bad: &[u8], ctx: &Context) -> Result<()> {
    let left = format!("{UNREAD}{name}.jsonl");
    atomic_write(folder.join(&left), bad)?;
    let n = bad.split_inclusive(|b| *b == b'\n').count();
    ctx.tell(Event::Warning(format!(
        "{n} damaged lines of rows that were written down are left in {left} of {}",
        folder.display()
    )));
    Ok(())
}

/// A cell as a line has it; what JSON has no number for is a text that is read as that number.
fn cell(column: &Column, row: usize) -> Value {
    match &column.data {
        ColumnData::Number(values) if values.at(row).is_infinite() => {
            if values.at(row) > 0.0 { "inf" } else { "-inf" }.into()
        }
        ColumnData::Number(values) => values.at(row).into(),
        _ => column.display(row).into(),
    }
}

fn failed(path: &Path, cause: io::Error) -> Error {
    Error::work("the journal cannot be written").at(path.display().to_string()).because(cause)
}

#[cfg(test)]
mod tests;
