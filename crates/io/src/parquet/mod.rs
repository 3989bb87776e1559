//! Parquet to a table, column by column in parallel.
//!
//! The low-level column readers of the `parquet` crate decode pages; there is no Arrow in
//! between. Columns that are no flat column (lists, maps, structs, raw bytes) are left out with
//! a note. While columns are decoded, another thread hashes the file.

mod bytes;
mod columns;
mod durations;
mod leaf;
pub(crate) mod stream;

use std::panic::{AssertUnwindSafe, catch_unwind};

use modelwright_core::record::DataSource;
use modelwright_core::{Context, Error, Result};
use parquet::basic::Type as Physical;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use rayon::prelude::*;

pub(crate) use self::leaf::{push_decimal, push_time};

use self::bytes::SharedBytes;
use self::leaf::Leaf;
use crate::options::ReadOptions;
use crate::read::{Parts, choose};
use crate::source::{Opened, Source};
use crate::watch::Watch;

/// Reads a whole Parquet file, or as many of its rows as there is room for.
pub(crate) fn read(
    source: &Source<'_>,
    opened: Opened<'_>,
    options: &ReadOptions,
    ctx: &Context,
) -> Result<Parts> {
    let (hash, compression) = (opened.hash.clone(), opened.compression);
    hash.mark(ctx);
    let mut watch = Watch::new(options, ctx);
    let file = open(source, opened, watch.room_bytes().map(|room| room / 3))?;
    let mut notes = Vec::new();
    let leaves = file.choose(options, &mut notes)?;
    let n_max = options.n_rows_max.unwrap_or(usize::MAX);
    let deadline = watch.deadline();
    let (columns, hashed) = ctx.install(|| {
        rayon::join(
            || columns::read(source, &file, &leaves, n_max, &mut watch),
            || hash.finish(deadline, options.hash),
        )
    });
    let hashed = hashed.map_err(|e| source.broken(e))?;
    let mut decided = Vec::with_capacity(leaves.len());
    for (column, (builder, is_text)) in leaves.iter().zip(columns?) {
        if is_text {
            decided.push((column.name.clone(), builder));
        } else {
            notes.push(format!("column `{}` holds raw bytes and is left out", column.name));
        }
    }
    let n_rows = decided.first().map_or(0, |(_, b)| b.n_rows());
    if n_rows == 0 {
        return Err(no_rows(source, &file));
    }
    let decide = |(name, builder): (String, crate::Builder)| {
        let decided = builder.decide(&name, options.schema.as_ref());
        (name, decided)
    };
    let decided = ctx.install(|| decided.into_par_iter().map(decide).collect());
    let (columns, schema) =
        choose(decided, options, &mut notes).map_err(|e| e.at(source.shown()))?;
    let n_seen = columns::n_seen(&file, &watch.sampling);
    let source = DataSource {
        name: source.name.clone(),
        format: "parquet".to_owned(),
        compression: compression.map(|c| c.name().to_owned()),
        encoding: None,
        delimiter: None,
        sha256: hashed.sha256,
        n_bytes_hashed: hashed.n_bytes,
        n_rows,
        n_columns: columns.len(),
        notes,
        sample: watch.sample(n_rows as u64, n_seen),
    };
    Ok(Parts { columns, schema, source })
}

fn no_rows(source: &Source<'_>, file: &Opening) -> Error {
    let error = Error::input("the file has no rows that can be read").at(source.shown());
    error
        .expected("at least one row in at least one flat column")
        .got(format!("{} rows", file.reader.metadata().file_metadata().num_rows()))
}

/// A flat column of a file.
#[derive(Debug, Clone)]
pub(crate) struct FlatColumn {
    pub name: String,
    position: usize,
    leaf: Leaf,
    is_nullable: bool,
    /// Whether its values are f32, and stay so.
    is_narrow: bool,
}

/// An opened Parquet file.
pub(crate) struct Opening {
    reader: SerializedFileReader<SharedBytes>,
}

/// Opens a source as Parquet: a plain file is read where it lies, all else from memory, which it
/// may take `n_bytes_max` of.
pub(crate) fn open(
    source: &Source<'_>,
    opened: Opened<'_>,
    n_bytes_max: Option<u64>,
) -> Result<Opening> {
    let bytes = match (opened.compression, source.file()) {
        (None, Some(file)) => SharedBytes::file(file?).map_err(|e| source.broken(e))?,
        _ => SharedBytes::Memory(source.hold(opened.reader, n_bytes_max)?.into()),
    };
    let reader = guard(|| SerializedFileReader::new(bytes)).map_err(|e| {
        Error::input("the Parquet file is broken or cut short")
            .at(source.shown())
            .expected("a file that ends with its footer and PAR1")
            .because(e)
            .hint("copy or download it again")
    })?;
    Ok(Opening { reader })
}

impl Opening {
    /// The flat columns that the options ask for; others are noted.
    pub(crate) fn choose(
        &self,
        options: &ReadOptions,
        notes: &mut Vec<String>,
    ) -> Result<Vec<FlatColumn>> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let spans = guard(|| Ok(durations::per_second(self.reader.metadata().file_metadata())));
        let spans = spans.unwrap_or_default();
        let (mut flat, mut nested) = (Vec::new(), Vec::new());
        for (position, column) in schema.columns().iter().enumerate() {
            let name = schema.get_column_root(position).name().to_owned();
            match Leaf::of(column) {
                Some(leaf) => {
                    let leaf = match (leaf, spans.get(&name)) {
                        (Leaf::Integer { .. }, Some(n)) => Leaf::Duration { per_second: *n },
                        (leaf, _) => leaf,
                    };
                    let is_nullable = column.max_def_level() > 0;
                    let is_narrow = column.physical_type() == Physical::FLOAT;
                    flat.push(FlatColumn { name, position, leaf, is_nullable, is_narrow });
                }
                None if !nested.contains(&name) => nested.push(name),
                None => {}
            }
        }
        repair(&mut flat, notes);
        for name in nested {
            notes.push(format!("column `{name}` holds nested or binary values and is left out"));
        }
        if let Some(wanted) = &options.columns {
            let names: Vec<&str> = flat.iter().map(|c| c.name.as_str()).collect();
            if let Some(unknown) = wanted.iter().find(|w| !names.contains(&w.as_str())) {
                let error = Error::input("no such column").column(unknown);
                return Err(error.suggest(unknown, names));
            }
            flat.retain(|c| wanted.contains(&c.name));
        }
        if let Some(schema) = &options.schema {
            flat.retain(|c| schema.field(&c.name).is_some());
        }
        Ok(flat)
    }
}

/// What a failed read of a column means.
fn broken(source: &Source<'_>, error: ParquetError, column: &str) -> Error {
    Error::input("the Parquet file is broken or uses a feature that is not known")
        .at(source.shown())
        .column(column)
        .because(error)
        .hint("write it again with Snappy or zstd compression, by pyarrow or polars")
}

/// Gives repeated or empty names a free one.
fn repair(columns: &mut [FlatColumn], notes: &mut Vec<String>) {
    let names: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
    for (column, name) in columns.iter_mut().zip(crate::csv::repair_names(&names, notes)) {
        column.name = name;
    }
}

/// Runs a decoder; a panic on broken bytes becomes an error.
fn guard<T>(
    work: impl FnOnce() -> std::result::Result<T, ParquetError>,
) -> std::result::Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(ParquetError::General("the decoder found impossible values".to_owned()))
    })
}
