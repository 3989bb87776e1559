//! A whole file to a table.

use std::path::Path;

use modelwright_core::data::{Column, ColumnData, Field, Kind, Schema, Storage, Table};
use modelwright_core::record::DataSource;
use modelwright_core::{Context, Error, Result};

use crate::cell::decide::Decided;
use crate::cell::measure::measure_of;
use crate::options::{Format, ReadOptions, Room};
use crate::source::{Source, detect_format};
use crate::{arrow, conform, csv, json, parquet};

/// A table as read, with what its file said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct TableFile {
    /// The values.
    pub table: Table,
    /// Storage, number format and order of dates of every column; the kind is only the storage's
    /// default (profiling decides it).
    pub schema: Schema,
    /// Where it came from and how it was read.
    pub source: DataSource,
}

/// Reads a file; `-` is standard input.
///
/// # Errors
/// Input error when there is no such file, when it is a directory, empty, broken or of no known
/// format, when a record is ragged, or when a value does not fit the schema in `options`.
///
/// # Examples
/// ```no_run
/// use modelwright_core::Context;
/// use modelwright_io::{ReadOptions, read_path};
///
/// let ctx = Context::unlimited(0, 2);
/// let file = read_path("sales.csv.gz".as_ref(), &ReadOptions::default(), &ctx)?;
/// println!("{} rows from {}", file.table.n_rows(), file.source.format);
/// # Ok::<(), modelwright_core::Error>(())
/// ```
pub fn read_path(path: &Path, options: &ReadOptions, ctx: &Context) -> Result<TableFile> {
    let source = Source::path(path)?;
    if source.is_repeatable() {
        return read(&source, options, ctx);
    }
    // Half of the room for the bytes, half for the table.
    let n_bytes_max = options.room.map(|room| room.bytes / 2);
    let bytes = source.hold(source.open_once()?, n_bytes_max)?;
    let room = options.room.map(|room| Room { bytes: room.bytes - bytes.len() as u64, ..room });
    let options = &ReadOptions { room, ..options.clone() };
    read(&Source::memory(&source.name, &bytes), options, ctx)
}

/// The names of a file's columns, by its first row; the rest of a large file is not looked at.
///
/// # Errors
/// As [`read_path`].
pub fn column_names(path: &Path, options: &ReadOptions, ctx: &Context) -> Result<Vec<String>> {
    let first = ReadOptions { n_rows_max: Some(1), hash: false, ..options.clone() };
    Ok(read_path(path, &first, ctx)?.table.names().map(str::to_owned).collect())
}

/// Reads a file's bytes; `name` is used in messages, and its extension where the bytes leave
/// the format open.
///
/// # Errors
/// As [`read_path`].
pub fn read_bytes(
    name: &str,
    bytes: &[u8],
    options: &ReadOptions,
    ctx: &Context,
) -> Result<TableFile> {
    read(&Source::memory(name, bytes), options, ctx)
}

/// What a reader of one format gives.
pub(crate) struct Parts {
    pub columns: Vec<Column>,
    pub schema: Schema,
    pub source: DataSource,
}

fn read(source: &Source<'_>, options: &ReadOptions, ctx: &Context) -> Result<TableFile> {
    let opened = source.open()?;
    let format = match options.format {
        Some(format) => format,
        None => detect_format(source, &opened.head)?,
    };
    let parts = match format {
        Format::Csv => csv::read(source, opened, options, ctx)?,
        Format::Parquet => parquet::read(source, opened, options, ctx)?,
        Format::Json => json::read(source, opened, options, ctx)?,
        Format::Arrow => arrow::read(source, opened, options, ctx)?,
    };
    if parts.columns.is_empty() {
        let error = nothing_to_use(options).at(source.shown());
        let notes = parts.source.notes.join("; ");
        return Err(if notes.is_empty() { error } else { error.got(notes) });
    }
    let table = Table::new(parts.columns).map_err(|e| e.at(source.shown()))?;
    Ok(TableFile { table, schema: parts.schema, source: parts.source })
}

/// The error of a file without a column that is wanted, or without any.
fn nothing_to_use(options: &ReadOptions) -> Error {
    let error = Error::input("the file has no column that can be used");
    match &options.schema {
        Some(schema) if !schema.fields.is_empty() => {
            let names: Vec<String> =
                schema.fields.iter().take(8).map(|f| format!("`{}`", f.name)).collect();
            error
                .expected(format!("columns such as {}", names.join(", ")))
                .hint("check the names in the first line of the file")
        }
        _ => error.hint("check that the file is the one you mean, and its first line"),
    }
}

/// The columns of a typed format as the options ask: those of the schema, or those named, or all.
pub(crate) fn choose(
    decided: Vec<(String, Decided)>,
    options: &ReadOptions,
    notes: &mut Vec<String>,
) -> Result<(Vec<Column>, Schema)> {
    let fields: Vec<Field> = decided.iter().map(|(n, d)| field_of(n, d, notes)).collect();
    let columns: Vec<Column> =
        decided.into_iter().map(|(name, d)| Column { name, data: d.data }).collect();
    let Some(schema) = &options.schema else {
        return Ok((columns, Schema { fields }));
    };
    let columns = conform::conform(columns, schema, 0)?;
    let read = |f: &&Field| columns.iter().any(|c| c.name == f.name);
    let fields = schema.fields.iter().filter(read).cloned().collect();
    Ok((columns, Schema { fields }))
}

/// The field of a decided column; adds a note where its dates could be read in two ways.
pub(crate) fn field_of(name: &str, decided: &Decided, notes: &mut Vec<String>) -> Field {
    let (storage, kind) = match decided.data {
        ColumnData::Number(_) => (Storage::Number, Kind::Number),
        ColumnData::Instant(_) => (Storage::Instant, Kind::Datetime),
        ColumnData::String { .. } => (Storage::String, Kind::Category),
    };
    if decided.order_is_open {
        notes.push(format!(
            "the dates of `{name}` could be month/day or day/month; they are read month first"
        ));
    }
    if decided.is_rounded {
        notes.push(format!(
            "`{name}` holds whole numbers beyond 2^53: they are rounded to about 16 digits"
        ));
    }
    if let Some(measure) = measure_of(&decided.format) {
        notes.push(measure.note(name));
    }
    if !decided.format.missing_words.is_empty() {
        let words: Vec<String> =
            decided.format.missing_words.iter().map(|word| format!("`{word}`")).collect();
        notes.push(format!(
            "`{name}` holds numbers, and in less than 1 % of its values {}: taken as missing",
            words.join(", ")
        ));
    }
    Field {
        number_format: decided.format.clone(),
        day_first: decided.day_first,
        ..Field::new(name, storage, kind)
    }
}
