//! Rows that were there before: what a trial, a canary or a guard does not count of files that
//! grow.
//!
//! A file that somebody appends to is another one by its bytes, but most of its rows may be what
//! the new model has learned from. So the rows of every file are counted when a phase begins, and a
//! digest is kept of them. Later only those beyond count, and none where the first rows are others.

use std::collections::BTreeMap;
use std::path::Path;

use modelwright_core::context::Event;
use modelwright_core::{Context, ErrorKind, Result};
use modelwright_io::{ReadOptions, stream_path};
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::watch::Had;
use modelwright_preprocess::profile::row_hashes;

use super::files::DataFile;
use super::known::{FileRows, KnownRows};
use crate::Model;
use crate::tolerant::{fitting_rows, read_loosely};

/// Rows that are read at a time.
const ROWS_PER_CHUNK: usize = 8192;

/// The hash of a row with a value that does not fit its column.
const UNREADABLE: u64 = 0;

/// Files whose rows are still to be counted.
pub(super) fn uncounted<'a>(files: impl Iterator<Item = &'a DataFile>) -> BTreeMap<String, Had> {
    files.map(|file| (key(file), Had::default())).collect()
}

/// Counts the rows that are in the files now, as far as `model` reads them, where that was not done
/// yet, and notes what is in them. A file that cannot be read stays uncounted: nothing of it counts
/// before it is.
///
/// # Errors
/// As the reader, but for files that cannot be read.
pub(super) fn count<'a>(
    model: &Model,
    files: impl Iterator<Item = &'a DataFile>,
    had: &mut BTreeMap<String, Had>,
    mut known: Option<&mut KnownRows>,
    ctx: &Context,
) -> Result<()> {
    for file in files {
        let Some(had) = had.get_mut(&key(file)).filter(|had| had.digest.is_empty()) else {
            continue;
        };
        let count = || -> Result<(Had, Option<FileRows>)> {
            let counted = first_rows(model, &file.path, u64::MAX, ctx)?;
            let rows = known.is_some().then(|| FileRows::read(model, &file.path, ctx));
            Ok((counted, rows.transpose()?))
        };
        match count() {
            Err(error) if error.kind() == ErrorKind::Input => {}
            found => {
                let (counted, rows) = found?;
                *had = counted;
                if let (Some(known), Some(rows)) = (known.as_deref_mut(), rows) {
                    known.add(&rows);
                }
            }
        }
    }
    Ok(())
}

fn key(file: &DataFile) -> String {
    file.path.to_string_lossy().into_owned()
}

/// The number of the first row of a file that was not there before; `None` where that cannot be
/// told, with a warning where it was rewritten.
///
/// # Errors
/// As the reader.
pub(super) fn first_new(
    model: &Model,
    path: &Path,
    had: Option<&Had>,
    ctx: &Context,
) -> Result<Option<u32>> {
    let Some(had) = had else { return Ok(Some(0)) };
    if had.digest.is_empty() {
        return Ok(None);
    }
    if first_rows(model, path, had.n_rows, ctx)? == *had {
        return Ok(u32::try_from(had.n_rows).ok());
    }
    ctx.tell(Event::Warning(format!(
        "{} was rewritten since the new model is judged: which of its rows came after is not \
         known, and none of them counts (append rows, or give new ones a file of their own)",
        path.display()
    )));
    Ok(None)
}

/// How many rows a file has, at most `n_max`, and their digest. A row that cannot be read is one.
fn first_rows(model: &Model, path: &Path, n_max: u64, ctx: &Context) -> Result<Had> {
    let wanted = &model.predictor.schema;
    let names: Vec<&str> = wanted.fields.iter().map(|field| field.name.as_str()).collect();
    let options = model.read_options()?;
    let hashes = read_loosely(wanted, |schema| {
        let options = ReadOptions { schema: Some(schema.clone()), ..options.clone() };
        let mut hashes = Vec::new();
        for table in stream_path(path, &options, ROWS_PER_CHUNK, ctx)? {
            let table = table?;
            let first = hashes.len();
            hashes.resize(first + table.n_rows(), UNREADABLE);
            let (table, kept) = fitting_rows(table, wanted)?;
            for (row, hash) in kept.iter().zip(row_hashes(&table, &names, ctx)) {
                hashes[first + *row as usize] = hash;
            }
            if hashes.len() as u64 >= n_max {
                hashes.truncate(n_max as usize);
                break;
            }
        }
        Ok(hashes)
    })?;
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
    Ok(Had { n_rows: hashes.len() as u64, digest: sha256_hex(&bytes) })
}
