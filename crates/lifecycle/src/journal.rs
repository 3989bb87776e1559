//! Rows written down as they come, for later: lines first, Parquet when there are enough.
//!
//! A [`Journal`] appends rows to `journal.jsonl`, a line each, and turns that file into
//! `part-NAME.parquet` when it is told to. What was flushed survives the end of the process at
//! any moment: the next one that opens the folder turns the lines that were left into a file, up
//! to the first that is not whole. Before lines become a file they are renamed to
//! `turning-NAME.jsonl`, which is removed after it: where both are found, the file has the rows
//! already, so that no row is there twice. Lines that nobody can read any more (their schema is
//! gone, or they are damaged) are left as `unread-NAME.jsonl`. Files beyond a limit of bytes are
//! removed, oldest first. A folder is one process's at a time: two would take
//! each other's lines for left ones.
//!
//! Names come from outside (times, say) and decide the order of age; nothing here reads a clock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
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

/// See the module's text.
pub struct Journal {
    folder: PathBuf,
    schema: Schema,
    lines: BufWriter<File>,
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
        let lines = OpenOptions::new().create(true).append(true).open(&path);
        let lines = BufWriter::new(lines.map_err(|e| failed(&path, e))?);
        let (folder, n_rows, n_bytes) = (folder.to_owned(), 0, 0);
        Ok(Self { folder, schema, lines, n_rows, n_bytes, bytes_max, _lock: right })
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
    /// Work error when the disk is full or fails.
    pub fn append(&mut self, table: &Table) -> Result<()> {
        let columns: Vec<&Column> =
            self.schema.fields.iter().filter_map(|f| table.column(&f.name)).collect();
        let mut text = Vec::new();
        for row in 0..table.n_rows() {
            let cells = columns.iter().map(|c| (c.name.clone(), cell(c, row)));
            let object: serde_json::Map<String, Value> = cells.collect();
            // Writing to a vector cannot fail.
            let _ = serde_json::to_writer(&mut text, &object);
            text.push(b'\n');
        }
        self.lines.write_all(&text).map_err(|e| failed(&self.folder.join(LINES), e))?;
        self.n_rows += table.n_rows();
        self.n_bytes += text.len() as u64;
        Ok(())
    }

    /// Hands what was added to the system: from then on it survives the end of the process.
    ///
    /// # Errors
    /// Work error when the disk is full or fails.
    pub fn flush(&mut self) -> Result<()> {
        self.lines.flush().map_err(|e| failed(&self.folder.join(LINES), e))
    }

    /// Turns the lines into the file `part-NAME.parquet` and begins anew; `None` when there are
    /// none.
    ///
    /// # Errors
    /// Work error when the disk is full or fails; the lines are then still there, and become a file
    /// when the folder is opened again.
    pub fn rotate(&mut self, name: &str, ctx: &Context) -> Result<Option<PathBuf>> {
        self.flush()?;
        if self.n_rows == 0 {
            return Ok(None);
        }
        // New lines are there before the old ones go: rows always have somewhere to go.
        let (path, next) = (self.folder.join(LINES), self.folder.join(NEXT));
        let lines = File::create(&next).map_err(|e| failed(&next, e))?;
        let name = set_aside(&self.folder, name)?;
        fs::rename(&next, &path).map_err(|e| {
            let _ = fs::rename(turning_path(&self.folder, &name), &path);
            failed(&path, e)
        })?;
        // From here on, new rows go to new lines, whatever becomes of the old ones.
        self.lines = BufWriter::new(lines);
        (self.n_rows, self.n_bytes) = (0, 0);
        let written = turn(&self.folder, &self.schema, &name, ctx)?;
        self.bound()?;
        Ok(written)
    }

    /// Removes the oldest files until the rest is within the limit; the newest stays.
    fn bound(&self) -> Result<()> {
        let mut parts = parts(&self.folder)?;
        parts.pop();
        // Lines that did not become files are older than the newest file.
        for prefix in [TURNING, UNREAD] {
            let left = named(&self.folder, prefix)?.into_iter();
            parts.extend(left.map(|name| self.folder.join(format!("{prefix}{name}.jsonl"))));
        }
        parts.sort_by_key(|path| age(path));
        let size = |path: &PathBuf| path.metadata().map_or(0, |meta| meta.len());
        let mut n_bytes: u64 = parts.iter().map(size).sum();
        for part in parts {
            if n_bytes <= self.bytes_max {
                break;
            }
            n_bytes -= size(&part);
            fs::remove_file(&part).map_err(|e| failed(&part, e))?;
        }
        Ok(())
    }
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
            Some(Err(error)) if error.kind() == ErrorKind::Input => error.to_string(),
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
            let table = read_bytes(LINES, &bytes, &options, ctx)?.table;
            let mut writer = TableWriter::parquet(AtomicFile::create(&path)?);
            writer.write(&table)?;
            writer.finish()?.commit()?;
            written = Some(path);
        }
    }
    fs::remove_file(&lines).map_err(|e| failed(&lines, e))?;
    Ok(written)
}

/// A cell as a line has it; what JSON has no number for is a text that is read as that number.
fn cell(column: &Column, row: usize) -> Value {
    match &column.data {
        ColumnData::Number(values) if values[row].is_infinite() => {
            if values[row] > 0.0 { "inf" } else { "-inf" }.into()
        }
        ColumnData::Number(values) => values[row].into(),
        _ => column.display(row).into(),
    }
}

fn failed(path: &Path, cause: io::Error) -> Error {
    Error::work("the journal cannot be written").at(path.display().to_string()).because(cause)
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{Field, Kind, Storage};
    use modelwright_io::read_path;

    use super::*;

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn folder(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("mw-journal-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder(path)
    }

    fn schema() -> Schema {
        Schema {
            fields: vec![
                Field::new("x", Storage::Number, Kind::Number),
                Field::new("name", Storage::String, Kind::Category),
                Field::new("at", Storage::Instant, Kind::Datetime),
            ],
        }
    }

    fn table(x: &[f64]) -> Table {
        let n = x.len();
        let texts = (0..n).map(|i| (i % 2 == 0).then(|| format!("{i}")));
        let columns = vec![
            Column::numbers("x", x.to_vec()),
            Column::strings("name", texts),
            Column::instants("at", (1_700_000_000_000_000..).take(n).collect()),
        ];
        Table::new(columns).unwrap()
    }

    #[test]
    fn rows_come_back_as_they_were_and_old_files_go() {
        let (folder, ctx) = (folder("rows"), Context::unlimited(0, 1));
        let mut journal = Journal::open(&folder.0, schema(), 1, "0", &ctx).unwrap();
        assert_eq!(journal.rotate("1", &ctx).unwrap(), None);
        let rows = table(&[0.1, f64::NAN, f64::INFINITY, -3.0]);
        journal.append(&rows).unwrap();
        let path = journal.rotate("2", &ctx).unwrap().unwrap();
        let options = ReadOptions { schema: Some(schema()), ..ReadOptions::default() };
        let read = read_path(&path, &options, &ctx).unwrap().table;
        for (own, read) in rows.columns().iter().zip(read.columns()) {
            for row in 0..4 {
                assert_eq!(own.display(row), read.display(row), "{} {row}", own.name);
            }
        }
        journal.append(&table(&[1.0])).unwrap();
        journal.rotate("3", &ctx).unwrap();
        journal.append(&table(&[1.0])).unwrap();
        journal.rotate("4", &ctx).unwrap();
        let left: Vec<PathBuf> = parts(&folder.0).unwrap();
        assert_eq!(
            left,
            [folder.0.join("part-4.parquet")],
            "one byte is allowed beside the newest"
        );
    }

    #[test]
    fn lines_that_were_left_become_a_file_without_the_one_that_is_not_whole() {
        let (folder, ctx) = (folder("left"), Context::unlimited(0, 1));
        let mut journal = Journal::open(&folder.0, schema(), 1 << 20, "0", &ctx).unwrap();
        journal.append(&table(&[1.0, 2.0, 3.0])).unwrap();
        journal.flush().unwrap();
        let other = Journal::open(&folder.0, schema(), 1 << 20, "1", &ctx).err().unwrap();
        assert_eq!(other.what(), "another process writes rows down here");
        assert!(folder.0.join(LINES).metadata().unwrap().len() > 0, "its lines are untouched");
        // As a process that is killed leaves it: what was flushed, with half a line at the end.
        drop(journal);
        let lines = folder.0.join(LINES);
        let mut bytes = fs::read(&lines).unwrap();
        bytes.truncate(bytes.len() - 5);
        fs::write(&lines, &bytes).unwrap();
        drop(Journal::open(&folder.0, schema(), 1 << 20, "1", &ctx).unwrap());
        let file = read_path(&folder.0.join("part-1.parquet"), &ReadOptions::default(), &ctx);
        assert_eq!(file.unwrap().table.n_rows(), 2);
        assert_eq!(fs::read(&lines).unwrap(), b"");
    }

    #[test]
    fn rows_are_there_once_wherever_a_process_is_killed_while_lines_become_a_file() {
        let (folder, ctx) = (folder("once"), Context::unlimited(0, 1));
        let rows = || {
            let read = |path: &PathBuf| read_path(path, &ReadOptions::default(), &ctx);
            let of = |path| read(path).unwrap().table.n_rows();
            parts(&folder.0).unwrap().iter().map(of).sum::<usize>()
        };
        let open = |name| Journal::open(&folder.0, schema(), 1 << 20, name, &ctx).unwrap();
        let mut journal = open("0");
        journal.append(&table(&[1.0, 2.0])).unwrap();
        journal.flush().unwrap();
        let lines = fs::read(folder.0.join(LINES)).unwrap();
        journal.rotate("1", &ctx).unwrap();
        drop(journal);
        // Killed after the file was there, before its lines were gone.
        fs::write(turning_path(&folder.0, "1"), &lines).unwrap();
        drop(open("2"));
        assert_eq!((rows(), named(&folder.0, TURNING).unwrap().len()), (2, 0));
        // Killed before the file was there; meanwhile new lines had come.
        fs::write(turning_path(&folder.0, "3"), &lines).unwrap();
        fs::write(folder.0.join(LINES), &lines).unwrap();
        drop(open("3"));
        assert_eq!((rows(), named(&folder.0, TURNING).unwrap().len()), (6, 0));
        assert_eq!(parts(&folder.0).unwrap().len(), 3, "no file takes another's place");
    }

    #[test]
    fn lines_that_nobody_can_read_are_left_and_keep_no_journal_from_being_opened() {
        let (folder, ctx) = (folder("unread"), Context::unlimited(0, 1));
        let open = |name, bytes| Journal::open(&folder.0, schema(), bytes, name, &ctx).unwrap();
        let mut journal = open("0", 1 << 20);
        journal.append(&table(&[1.0])).unwrap();
        journal.flush().unwrap();
        drop(journal);
        fs::remove_file(folder.0.join(SCHEMA)).unwrap();
        drop(open("1", 1 << 20));
        // Damaged, though there is a schema: no number.
        fs::write(folder.0.join(LINES), "{\"x\":\"no number\"}\n").unwrap();
        drop(open("2", 1 << 20));
        assert_eq!(named(&folder.0, UNREAD).unwrap(), ["1", "2"]);
        assert_eq!(named(&folder.0, TURNING).unwrap(), Vec::<String>::new());
        // They count among what the folder may hold.
        let mut journal = open("3", 1);
        journal.append(&table(&[1.0])).unwrap();
        let newest = journal.rotate("4", &ctx).unwrap().unwrap();
        assert_eq!(named(&folder.0, UNREAD).unwrap(), Vec::<String>::new());
        assert_eq!(parts(&folder.0).unwrap(), [newest]);
    }

    #[test]
    fn rows_go_on_to_the_old_lines_where_no_new_ones_can_be_begun() {
        let (folder, ctx) = (folder("begun"), Context::unlimited(0, 1));
        let mut journal = Journal::open(&folder.0, schema(), 1 << 20, "0", &ctx).unwrap();
        journal.append(&table(&[1.0])).unwrap();
        journal.flush().unwrap();
        // Nothing can be made under this name.
        fs::create_dir(folder.0.join(NEXT)).unwrap();
        assert!(journal.rotate("1", &ctx).is_err());
        journal.append(&table(&[2.0])).unwrap();
        journal.flush().unwrap();
        let lines = fs::read_to_string(folder.0.join(LINES)).unwrap();
        assert_eq!(lines.lines().count(), 2);
        fs::remove_dir(folder.0.join(NEXT)).unwrap();
        let path = journal.rotate("2", &ctx).unwrap().unwrap();
        assert_eq!(read_path(&path, &ReadOptions::default(), &ctx).unwrap().table.n_rows(), 2);
        assert!(!folder.0.join(NEXT).exists() && folder.0.join(LINES).exists());
    }
}
