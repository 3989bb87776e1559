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
use modelwright_io::stream_path;
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::watch::Had;
use modelwright_preprocess::profile::row_hashes;

use super::files::DataFile;
use crate::Model;

/// Rows that are read at a time.
const ROWS_PER_CHUNK: usize = 8192;

/// Files whose rows are still to be counted.
pub(super) fn uncounted<'a>(files: impl Iterator<Item = &'a DataFile>) -> BTreeMap<String, Had> {
    files.map(|file| (key(file), Had::default())).collect()
}

/// Counts the rows that are in the files now, as far as `model` reads them, where that was not done
/// yet. A file that cannot be read stays uncounted: nothing of it counts before it is.
///
/// # Errors
/// As the reader, but for files that cannot be read.
pub(super) fn count<'a>(
    model: &Model,
    files: impl Iterator<Item = &'a DataFile>,
    had: &mut BTreeMap<String, Had>,
    ctx: &Context,
) -> Result<()> {
    for file in files {
        let Some(had) = had.get_mut(&key(file)).filter(|had| had.digest.is_empty()) else {
            continue;
        };
        match first_rows(model, &file.path, u64::MAX, ctx) {
            Err(error) if error.kind() == ErrorKind::Input => {}
            found => *had = found?,
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

/// How many rows a file has, at most `n_max`, and their digest.
fn first_rows(model: &Model, path: &Path, n_max: u64, ctx: &Context) -> Result<Had> {
    let names: Vec<&str> =
        model.predictor.schema.fields.iter().map(|field| field.name.as_str()).collect();
    let (mut n_rows, mut hashes) = (0, Vec::new());
    for table in stream_path(path, &model.read_options()?, ROWS_PER_CHUNK, ctx)? {
        for hash in row_hashes(&table?, &names, ctx) {
            if n_rows == n_max {
                break;
            }
            hashes.extend(hash.to_le_bytes());
            n_rows += 1;
        }
        if n_rows == n_max {
            break;
        }
    }
    Ok(Had { n_rows, digest: sha256_hex(&hashes) })
}
