//! A file of any size as a sequence of small tables, in constant memory: for prediction.
//!
//! Columns are read as a schema says, strictly. CSV and JSON Lines are parsed ahead by all
//! threads, block by block; Parquet and Arrow are decoded some rows at a time. Rows keep their
//! order, and no table has more than `rows_per_chunk` rows; how the rows are cut into tables
//! depends on nothing but the file and `rows_per_chunk`.

use std::collections::VecDeque;
use std::io::Read;
use std::path::Path;

use modelwright_core::data::{Schema, Table};
use modelwright_core::{Context, Error, Result};

use crate::options::{Format, ReadOptions};
use crate::source::{Source, detect_format};
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

/// The same of bytes that come one after the other, once: those of a socket. They are called
/// `name` in errors. Parquet, and Arrow's file format, have their table of contents at the end and
/// are held in memory; only Arrow's stream, CSV and JSON Lines are read as they come.
///
/// # Errors
/// As [`stream_path`].
pub fn stream_reader(
    name: &str,
    reader: Box<dyn Read + Send>,
    format: Format,
    schema: &Schema,
    rows_per_chunk: usize,
    ctx: &Context,
) -> Result<TableStream> {
    let options = ReadOptions {
        format: Some(format),
        schema: Some(schema.clone()),
        ..ReadOptions::default()
    };
    stream(Source::once(name, reader), &options, rows_per_chunk, ctx)
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

/// The error for a file that has none of the columns that are wanted.
pub(crate) fn no_columns(source: &Source<'_>, schema: &Schema, names: &[String]) -> Error {
    let wanted: Vec<&str> = schema.fields.iter().take(6).map(|f| f.name.as_str()).collect();
    Error::input("the file has none of the columns that are needed")
        .at(source.shown())
        .expected(format!("columns such as {}", wanted.join(", ")))
        .got(names.join(", "))
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
