//! What files had when a model learned from them last: what is added later is new.
//!
//! A file is another one by its bytes as soon as one row is appended to it, or one answer comes
//! late. Its other rows are no news: a retraining that waits for new rows, or for many more of
//! them, would start by rows that were learned from long ago. So the rows of each file are counted
//! when a model learns from them, with a digest of what is in them and how many had an answer.

use std::path::Path;

use modelwright_core::data::Schema;
use modelwright_core::{Context, ErrorKind, Result};
use modelwright_io::{ReadOptions, stream_path};
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_lifecycle::watch::{Had, Learned, LearnedFile};
use modelwright_preprocess::profile::row_hashes;

use super::files::DataFile;
use crate::Model;
use crate::tolerant::{fitting_rows, read_loosely};

/// Rows that are read at a time.
const ROWS_PER_CHUNK: usize = 8192;

/// The hash of a row with a value that does not fit its column.
const UNREADABLE: u64 = 0;

/// What files have now; one that cannot be read is left out.
///
/// # Errors
/// What is about something else than a file.
pub(super) fn of_files<'a>(
    model: &Model,
    files: impl Iterator<Item = &'a DataFile>,
    ctx: &Context,
) -> Result<Learned> {
    let fields = &model.predictor.schema.fields;
    let columns: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    let mut learned = Learned { columns, ..Learned::default() };
    for file in files {
        match rows_of(model, &learned.columns, (&file.path, u64::MAX), ctx) {
            Ok(rows) => {
                learned.files.insert(file.path.to_string_lossy().into_owned(), rows);
            }
            Err(error) if error.kind() == ErrorKind::Input => {}
            Err(error) => return Err(error),
        }
    }
    Ok(learned)
}

/// How many rows of new files are none: they were there when a model learned last, and no answer
/// came to them since. Of a file that was rewritten all rows are new.
///
/// # Errors
/// What is about something else than a file.
pub(super) fn n_known(
    model: &Model,
    files: &[&DataFile],
    learned: &Learned,
    ctx: &Context,
) -> Result<u64> {
    let mut n_known = 0;
    for file in files {
        let Some(had) = learned.files.get(&*file.path.to_string_lossy()) else { continue };
        match rows_of(model, &learned.columns, (&file.path, had.rows.n_rows), ctx) {
            Ok(now) if now.rows == had.rows => {
                let n_answered = now.n_answers.saturating_sub(had.n_answers);
                n_known += had.rows.n_rows.saturating_sub(n_answered);
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Input => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n_known)
}

/// The rows of a file, at most `n_max`.
fn rows_of(
    model: &Model,
    columns: &[String],
    (path, n_max): (&Path, u64),
    ctx: &Context,
) -> Result<LearnedFile> {
    let record = model.artifact.record()?;
    let target = &model.predictor.target;
    let mut wanted = Schema::default();
    for name in columns.iter().filter(|name| *name != target) {
        Model::add_column(&mut wanted, &record.schema, name);
    }
    wanted.fields.push(Model::target_field(&record));
    let names: Vec<&str> =
        columns.iter().map(String::as_str).filter(|name| *name != target.as_str()).collect();
    let options = model.read_options()?;
    let (hashes, n_answers) = read_loosely(&wanted, |schema| {
        let options = ReadOptions { schema: Some(schema.clone()), ..options.clone() };
        let (mut hashes, mut n_answers) = (Vec::new(), 0);
        for table in stream_path(path, &options, ROWS_PER_CHUNK, ctx)? {
            let table = table?;
            let left = n_max.saturating_sub(hashes.len() as u64);
            let rows: Vec<u32> = (0..table.n_rows() as u32).take(left as usize).collect();
            let (table, first) = (table.select(&rows), hashes.len());
            hashes.resize(first + rows.len(), UNREADABLE);
            let (table, kept) = fitting_rows(table, &wanted)?;
            for (row, hash) in kept.iter().zip(row_hashes(&table, &names, ctx)) {
                hashes[first + *row as usize] = hash;
            }
            if let Some(answers) = table.column(target) {
                n_answers += (0..kept.len()).filter(|row| !answers.is_missing(*row)).count();
            }
            if hashes.len() as u64 >= n_max {
                break;
            }
        }
        Ok((hashes, n_answers as u64))
    })?;
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash: &u64| hash.to_le_bytes()).collect();
    let rows = Had { n_rows: hashes.len() as u64, digest: sha256_hex(&bytes) };
    Ok(LearnedFile { rows, n_answers })
}
