//! Files by path: what clients upload, kept by content and found by name.
//!
//! A path is a key of a table and never one of the file system, so that no path can lead out of
//! the store. A file is complete before its path names it; the last path that is removed takes
//! the file along.

use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Answer, Refusal};
use crate::atomic::{AtomicFile, write_error};
use crate::digest::hex;
use crate::store::Store;
use crate::store::db::{Db, DbResult, Haste, OptionalRow, params};
use crate::store::files::{self, UPLOAD};

/// A file that comes in, piece by piece.
#[derive(Debug)]
pub struct Incoming {
    file: AtomicFile,
    folder: PathBuf,
    hash: Sha256,
    size_bytes: u64,
}

/// A file that came in whole and has no path yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    sha256: String,
    size_bytes: u64,
}

/// A file or a folder of uploads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without its folders.
    pub name: String,
    /// Its size; `None` of a folder.
    pub size_bytes: Option<u64>,
}

impl Incoming {
    /// Begins a file of the store in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn begin(folder: &Path) -> modelwright_core::Result<Self> {
        let place = folder.join(files::FOLDER);
        std::fs::create_dir_all(&place).map_err(|e| write_error(&place, e))?;
        let file = AtomicFile::create(place.join("upload"))?;
        Ok(Self { file, folder: folder.to_owned(), hash: Sha256::new(), size_bytes: 0 })
    }

    /// Adds the next piece.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn add(&mut self, bytes: &[u8]) -> modelwright_core::Result<()> {
        self.file.write_all(bytes).map_err(|e| write_error(self.file.path(), e))?;
        self.hash.update(bytes);
        self.size_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Ends the file, which is then on the disk.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn end(self) -> modelwright_core::Result<Stored> {
        let sha256 = hex(&self.hash.finalize());
        let path = files::path(&self.folder, &sha256, UPLOAD);
        if path.is_file() {
            return Ok(Stored { sha256, size_bytes: self.size_bytes });
        }
        let parent = path.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(parent).map_err(|e| write_error(parent, e))?;
        self.file.commit_as(&path)?;
        Ok(Stored { sha256, size_bytes: self.size_bytes })
    }
}

impl Store {
    /// Gives a file its path, which may have meant another one before.
    ///
    /// # Errors
    /// Refused when the path is one of a folder; when the file is gone already.
    pub fn put_upload(&mut self, path: &str, stored: &Stored, at_ms: i64) -> Answer<()> {
        self.track(Haste::Certain, |db| {
            if !list(db, path)?.is_empty() {
                return Err(Refusal::Invalid(format!("'{path}' is a folder, not a file.")));
            }
            // The last path of the same bytes may have been removed meanwhile.
            if !files::path(db.folder(), &stored.sha256, UPLOAD).is_file() {
                let gone = modelwright_core::Error::work("the upload was removed while it came in");
                return Err(Refusal::Failed(gone.hint("send it again")));
            }
            files::publish(db, &stored.sha256, UPLOAD)?;
            let before = sha256_of(db, path)?;
            db.execute(
                "INSERT INTO uploads (path, sha256, size_bytes, at_ms) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256,
                 size_bytes = excluded.size_bytes, at_ms = excluded.at_ms",
                params![path, stored.sha256, stored.size_bytes.cast_signed(), at_ms],
            )?;
            if let Some(before) = before.filter(|before| *before != stored.sha256) {
                files::remove_unused_upload(db, &before)?;
            }
            Ok(())
        })
    }

    /// The file of a path.
    ///
    /// # Errors
    /// Refused when there is none.
    pub fn upload(&self, path: &str) -> Answer<PathBuf> {
        let sha256 = self.look(|db| Ok(sha256_of(db, path)?))?;
        let missing = || Refusal::Missing(format!("No such artifact: '{path}'"));
        files::find(&self.db, &sha256.ok_or_else(missing)?, UPLOAD)?.ok_or_else(missing)
    }

    /// What is in a folder, by name; nothing in one that is not there. Of a file, that file.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn uploads(&self, folder: &str) -> Answer<Vec<Entry>> {
        self.look(|db| {
            let entries = list(db, folder)?;
            if !entries.is_empty() || folder.is_empty() {
                return Ok(entries);
            }
            let query = "SELECT size_bytes FROM uploads WHERE path = ?1";
            let size: Option<i64> =
                db.prepare_cached(query)?.query_row(params![folder], |r| r.get(0)).optional()?;
            let name = folder.rsplit('/').next().unwrap_or(folder).to_owned();
            let file = |size: i64| Entry { name, size_bytes: Some(size.cast_unsigned()) };
            Ok(size.map(file).into_iter().collect())
        })
    }

    /// Removes a file, or a folder with all that is in it; returns how many files that were.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub fn remove_uploads(&mut self, path: &str) -> Answer<usize> {
        self.track(Haste::Certain, |db| {
            let (low, high) = range(path);
            let statement = db.prepare_cached(
                "DELETE FROM uploads WHERE path = ?1 OR (path >= ?2 AND path < ?3)
                 RETURNING sha256",
            )?;
            let rows = statement.query_map(params![path, low, high], |r| r.get(0))?;
            let mut removed = rows.collect::<DbResult<Vec<String>>>()?;
            let n = removed.len();
            removed.sort_unstable();
            removed.dedup();
            for sha256 in removed {
                files::remove_unused_upload(db, &sha256)?;
            }
            Ok(n)
        })
    }
}

fn sha256_of(db: &Db, path: &str) -> DbResult<Option<String>> {
    db.prepare_cached("SELECT sha256 FROM uploads WHERE path = ?1")?
        .query_row(params![path], |r| r.get(0))
        .optional()
}

/// The paths inside a folder lie between these two; `0` follows on `/`.
fn range(folder: &str) -> (String, String) {
    (format!("{folder}/"), format!("{folder}0"))
}

/// What is in a folder; the whole store's top when it has no name.
fn list(db: &Db, folder: &str) -> DbResult<Vec<Entry>> {
    let (low, high) = match folder {
        "" => (String::new(), char::MAX.to_string()),
        folder => range(folder),
    };
    let start = if folder.is_empty() { 0 } else { low.len() };
    let statement = db.prepare_cached(
        "SELECT path, size_bytes FROM uploads WHERE path >= ?1 AND path < ?2 ORDER BY path",
    )?;
    let found = statement.query_map(params![low, high], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let mut entries: Vec<Entry> = Vec::new();
    for found in found {
        let (path, size): (String, i64) = found?;
        let rest = path.get(start..).unwrap_or_default();
        let (name, is_folder) = match rest.split_once('/') {
            Some((name, _)) => (name, true),
            None => (rest, false),
        };
        if is_folder && entries.last().is_some_and(|last| last.name == name) {
            continue;
        }
        let size_bytes = (!is_folder).then(|| size.cast_unsigned());
        entries.push(Entry { name: name.to_owned(), size_bytes });
    }
    // `a-b` stands between the files of the folder `a` and `a` itself.
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries.dedup_by(|a, b| a.name == b.name);
    Ok(entries)
}
