//! A file of any size as a sequence of small tables, in constant memory: for prediction.
//!
//! Columns are read as a schema says, strictly. CSV and JSON Lines are parsed ahead by all
//! threads, block by block; Parquet and Arrow are decoded some rows at a time. Rows keep their
//! order, and no table has more than `rows_per_chunk` rows; how the rows are cut into tables
//! depends on nothing but the file and `rows_per_chunk`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use modelwright_core::data::{Schema, Table};
use modelwright_core::{Context, Error, Result};

use crate::options::{Format, ReadOptions};
use crate::source::{PIECE_TOO_LARGE, Source, WHOLE_TOO_LARGE, detect_format};
use crate::{arrow, csv, json, parquet};

/// Tables of a file, in row order; see the module's text.
pub struct TableStream {
    chunks: Box<dyn Chunks>,
    ready: VecDeque<Table>,
    rows_per_chunk: usize,
    n_rows: usize,
    is_done: bool,
}

/// A reader of one format that gives the next tables of a file.
pub(crate) trait Chunks: Send {
    /// The next tables; `None` at the end of the file.
    fn next_tables(&mut self) -> Result<Option<Vec<Table>>>;

    /// What the user should know about the file.
    fn notes(&self) -> &[String];
}

/// Opens a file (`-` is standard input) to be read in parts, as the options say, by their schema.
///
/// Columns come in the schema's order; those that the file lacks are left out of every table.
///
/// # Errors
/// Input error as [`crate::read_path`], also when the file has none of the schema's columns.
///
/// # Examples
/// ```no_run
/// use modelwright_core::{Context, data::Schema};
/// use modelwright_io::{ReadOptions, stream_path};
///
/// # let schema = Schema::default();
/// let ctx = Context::unlimited(0, 2);
/// let options = ReadOptions { schema: Some(schema), ..ReadOptions::default() };
/// for table in stream_path("new.csv".as_ref(), &options, 8192, &ctx)? {
///     println!("{} rows", table?.n_rows());
/// }
/// # Ok::<(), modelwright_core::Error>(())
/// ```
pub fn stream_path(
    path: &Path,
    options: &ReadOptions,
    rows_per_chunk: usize,
    ctx: &Context,
) -> Result<TableStream> {
    stream(Source::path(path)?, options, rows_per_chunk, ctx)
}

/// How what nobody vouches for is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portions {
    /// Rows of a table, at most.
    pub rows: usize,
    /// Bytes of what must be held at once, at most: a record of a text, a message of an Arrow
    /// stream (unpacked too), what of a format cannot be read in parts.
    pub bytes: u64,
}

impl Portions {
    /// How they are read.
    fn options(self, format: Format, schema: &Schema) -> ReadOptions {
        ReadOptions {
            format: Some(format),
            schema: Some(schema.clone()),
            piece_bytes_max: Some(self.bytes),
            ..ReadOptions::default()
        }
    }
}

/// The same of bytes that come one after the other, once: those of a socket. They are called
/// `name` in errors. Parquet, and Arrow's file format, have their table of contents at the end and
/// are held in memory; only Arrow's stream, CSV and JSON Lines are read as they come.
///
/// # Errors
/// As [`stream_path`], and one that [`is_too_large`] tells for more than the portions allow.
pub fn stream_reader(
    name: &str,
    reader: Box<dyn Read + Send>,
    format: Format,
    schema: &Schema,
    portions: Portions,
    ctx: &Context,
) -> Result<TableStream> {
    stream(Source::once(name, reader), &portions.options(format, schema), portions.rows, ctx)
}

/// The same of a file that is open, and may have no name.
///
/// # Errors
/// As [`stream_reader`].
pub fn stream_file(
    name: &str,
    file: File,
    format: Format,
    schema: &Schema,
    portions: Portions,
    ctx: &Context,
) -> Result<TableStream> {
    stream(Source::opened(name, file), &portions.options(format, schema), portions.rows, ctx)
}

/// Whether an error says that more would have to be held at once than was allowed.
pub fn is_too_large(error: &Error) -> bool {
    [PIECE_TOO_LARGE, WHOLE_TOO_LARGE].contains(&error.what())
}

pub(crate) fn stream(
    source: Source<'static>,
    options: &ReadOptions,
    rows_per_chunk: usize,
    ctx: &Context,
) -> Result<TableStream> {
    let opened = source.open()?;
    let format = match options.format {
        Some(format) => format,
        None => detect_format(&source, &opened.head)?,
    };
    let rows_per_chunk = rows_per_chunk.max(1);
    let chunks: Box<dyn Chunks> = match format {
        Format::Csv => Box::new(csv::stream::open(source, opened, options, rows_per_chunk, ctx)?),
        Format::Json => Box::new(json::stream::open(source, opened, options, ctx)?),
        Format::Parquet => {
            Box::new(parquet::stream::open(source, opened, options, rows_per_chunk, ctx)?)
        }
        Format::Arrow => {
            Box::new(arrow::stream::open(source, opened, options, rows_per_chunk, ctx)?)
        }
    };
    Ok(TableStream { chunks, ready: VecDeque::new(), rows_per_chunk, n_rows: 0, is_done: false })
}

/// The error for a file that has none of the columns that are wanted; none where none is: then
/// its rows are counted.
pub(crate) fn must_have_columns(
    source: &Source<'_>,
    schema: &Schema,
    names: &[String],
) -> Result<()> {
    if schema.fields.is_empty() {
        return Ok(());
    }
    let wanted: Vec<&str> = schema.fields.iter().take(6).map(|f| f.name.as_str()).collect();
    Err(Error::input("the file has none of the columns that are needed")
        .at(source.shown())
        .expected(format!("columns such as {}", wanted.join(", ")))
        .got(names.join(", ")))
}

impl TableStream {
    /// How many rows have been given out.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// What the reader had to say so far (encoding guessed, names repaired, …).
    pub fn notes(&self) -> &[String] {
        self.chunks.notes()
    }

    fn refill(&mut self) -> Result<bool> {
        while self.ready.is_empty() {
            let Some(tables) = self.chunks.next_tables()? else { return Ok(false) };
            for table in tables {
                if table.n_rows() <= self.rows_per_chunk {
                    self.ready.extend((table.n_rows() > 0).then_some(table));
                    continue;
                }
                let rows: Vec<u32> = (0..table.n_rows() as u32).collect();
                self.ready.extend(rows.chunks(self.rows_per_chunk).map(|r| table.select(r)));
            }
        }
        Ok(true)
    }
}

impl Iterator for TableStream {
    type Item = Result<Table>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        match self.refill() {
            Ok(true) => {
                let table = self.ready.pop_front()?;
                self.n_rows += table.n_rows();
                Some(Ok(table))
            }
            Ok(false) => {
                self.is_done = true;
                None
            }
            Err(error) => {
                self.is_done = true;
                Some(Err(error))
            }
        }
    }
}
