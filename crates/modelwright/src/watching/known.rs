//! Rows that do not count any more, told by what is in them.
//!
//! An export often holds the last thirty days, one file a day: the same rows come again, in other
//! files and another order. What a new model has learned from must not judge it, and nothing is
//! staked on a row twice. So a trial, a canary or a guard keeps a hash of every row that was there
//! when it began, and of every row that it took. The hashes lie in a file below the folder of new
//! models: the state of the watch names it by its digest, and it moves with the state.
//!
//! Rows are told apart by what the models read of them. Where that repeats within one file, as of
//! few columns with few values, an equal row is no sign of a copy: such files are counted by path
//! and number alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use modelwright_core::data::Storage;
use modelwright_core::{Context, Result};
use modelwright_io::{ReadOptions, stream_path};
use modelwright_lifecycle::atomic_write;
use modelwright_lifecycle::digest::sha256_hex;
use modelwright_preprocess::profile::row_hashes;

use crate::Model;
use crate::tolerant::{fitting_rows, read_loosely};

/// Rows that are read at a time.
const ROWS_PER_CHUNK: usize = 8192;

/// The folder of the files with hashes, below that of new models.
const FOLDER: &str = "counted";

/// Rows that do not count any more.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KnownRows(BTreeSet<u64>);

/// The rows of a file, by what is in them; `None` of one that cannot be read.
pub(super) struct FileRows {
    pub(super) hashes: Vec<Option<u64>>,
}

impl FileRows {
    /// Reads a file as `model` does.
    ///
    /// # Errors
    /// As the reader, but for values that do not fit.
    pub(super) fn read(model: &Model, path: &Path, ctx: &Context) -> Result<Self> {
        let (options, weight) = model.read_options_of(&[])?;
        let wanted = options.schema.clone().unwrap_or_default();
        let is_other =
            |name: &str| name == model.predictor.target || weight.as_deref() == Some(name);
        let names: Vec<&str> = wanted.fields.iter().map(|field| field.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().filter(|name| !is_other(name)).collect();
        // An answer that nobody can read is no matter here.
        let mut asked = wanted.clone();
        asked.fields.iter_mut().filter(|field| is_other(&field.name)).for_each(|field| {
            field.storage = Storage::String;
        });
        let hashes = read_loosely(&asked, |schema| {
            let options = ReadOptions { schema: Some(schema.clone()), ..options.clone() };
            let mut hashes = Vec::new();
            for table in stream_path(path, &options, ROWS_PER_CHUNK, ctx)? {
                let table = table?;
                let first = hashes.len();
                hashes.resize(first + table.n_rows(), None);
                let (table, kept) = fitting_rows(table, &asked)?;
                for (row, hash) in kept.iter().zip(row_hashes(&table, &names, ctx)) {
                    hashes[first + *row as usize] = Some(hash);
                }
            }
            Ok(hashes)
        })?;
        Ok(Self { hashes })
    }

    /// Whether a row is known by what is in it: within the file, hardly any repeats another.
    pub(super) fn tell_apart(&self) -> bool {
        let known: Vec<u64> = self.hashes.iter().flatten().copied().collect();
        let distinct: BTreeSet<u64> = known.iter().copied().collect();
        (known.len() - distinct.len()) * 10 <= known.len()
    }
}

impl KnownRows {
    /// Adds the rows of a file.
    pub(super) fn add(&mut self, rows: &FileRows) {
        if rows.tell_apart() {
            self.0.extend(rows.hashes.iter().flatten());
        }
    }

    /// Whether a row came for the first time; it does not come for the first time again.
    pub(super) fn is_new(&mut self, hash: u64) -> bool {
        self.0.insert(hash)
    }

    /// Writes them down for the watch of `model`; returns what the state calls them.
    ///
    /// # Errors
    /// Work error when the disk is full or fails.
    pub(super) fn keep(&self, out: &Path, model: &str) -> Result<String> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        let name = format!("{}{}", prefix(model), sha256_hex(&bytes));
        let path = path(out, &name);
        if !path.exists() {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|e| {
                    modelwright_core::Error::work("cannot make the folder of counted rows")
                        .at(folder.display().to_string())
                        .because(e)
                })?;
            }
            atomic_write(&path, &bytes)?;
        }
        Ok(name)
    }

    /// Reads what was written down; `None` where that is gone or is not what it was.
    pub(super) fn read(out: &Path, name: &str) -> Option<Self> {
        let bytes = fs::read(path(out, name)).ok()?;
        let (hashes, rest) = bytes.as_chunks::<8>();
        let is_whole = rest.is_empty() && name.ends_with(&sha256_hex(&bytes));
        is_whole.then(|| Self(hashes.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect()))
    }
}

/// Removes what was written down for the watch of `model`, but for what its state names.
pub(super) fn forget_others(out: &Path, model: &str, named: Option<&str>) {
    let (Ok(entries), prefix) = (fs::read_dir(out.join(FOLDER)), prefix(model)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&prefix) && named != Some(&*name) {
            // What stays is removed at the next look.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn path(out: &Path, name: &str) -> PathBuf {
    out.join(FOLDER).join(name)
}

/// Several watches may have one folder.
fn prefix(model: &str) -> String {
    format!("{}-", &sha256_hex(model.as_bytes())[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_new_once_and_are_read_again_as_they_were_written() {
        let out = std::env::temp_dir().join(format!("mw-known-{}", std::process::id()));
        let _ = fs::remove_dir_all(&out);
        let mut known = KnownRows::default();
        known.add(&FileRows { hashes: vec![Some(3), None, Some(1)] });
        assert!(!known.is_new(3) && known.is_new(7) && !known.is_new(7));
        let name = known.keep(&out, "m@champion").unwrap();
        assert_eq!(KnownRows::read(&out, &name), Some(known));
        let (other, next) = (KnownRows::default(), KnownRows([9].into()));
        let other = other.keep(&out, "m@other").unwrap();
        let next = next.keep(&out, "m@champion").unwrap();
        forget_others(&out, "m@champion", Some(&next));
        let is_there = |name: &str| KnownRows::read(&out, name).is_some();
        assert!(is_there(&next) && is_there(&other) && !is_there(&name));
        fs::write(path(&out, &next), b"12345678").unwrap();
        assert!(!is_there(&next), "it is not what was written");
        fs::remove_dir_all(&out).unwrap();
    }

    #[test]
    fn rows_that_repeat_within_a_file_are_not_known_by_what_is_in_them() {
        let few = FileRows { hashes: (0..100).map(|row| Some(row % 4)).collect() };
        assert!(!few.tell_apart());
        let mut known = KnownRows::default();
        known.add(&few);
        assert!(known.is_new(2), "an equal row is no copy");
        assert!(FileRows { hashes: (0..100).map(|row| Some(row.min(95))).collect() }.tell_apart());
    }
}
