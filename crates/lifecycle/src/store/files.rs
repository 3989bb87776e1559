//! Files named by what they hold: equal bytes are kept once.
//!
//! Of a store in a folder they lie beside the database. A server keeps them as rows, in parts, so
//! that one address is all that a machine needs to know, and one backup holds everything; copies
//! lie near whoever wrote or read them, and are checked by their hash before they are used.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};

use super::db::{Db, DbResult, OptionalRow, params};
use crate::atomic::{AtomicFile, atomic_write, write_error};
use crate::digest::sha256_hex;

/// The folder of all files.
pub(super) const FOLDER: &str = "artifacts";

/// What the names of files end with, by what they are.
pub(super) const MODEL: &str = "mw";
pub(super) const RECORD: &str = "json";
pub(super) const UPLOAD: &str = "bin";

/// Bytes of one row of a server's files: far below what a message may hold.
const PART_BYTES: u64 = 8 << 20;

/// The path of the file with this hash.
pub(super) fn path(folder: &Path, sha256: &str, extension: &str) -> PathBuf {
    let start = sha256.get(..2).unwrap_or("00");
    folder.join(FOLDER).join(start).join(format!("{sha256}.{extension}"))
}

/// Keeps the bytes; returns their hash. The file is complete when this returns.
pub(super) fn keep(db: &Db, bytes: &[u8], extension: &str) -> Result<String> {
    let sha256 = sha256_hex(bytes);
    let path = path(db.folder(), &sha256, extension);
    if fs::metadata(&path).is_ok_and(|meta| meta.len() == bytes.len() as u64) {
        publish(db, &sha256, extension)?;
        return Ok(sha256);
    }
    put(&path, bytes)?;
    publish(db, &sha256, extension)?;
    Ok(sha256)
}

/// Writes a file whole.
fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(|e| write_error(parent, e))?;
    atomic_write(path, bytes)
}

/// Sends a file that lies near to the server, if the store is on one and has it not yet. The same
/// hash is the same bytes, so that parts of somebody who was killed are completed by the next.
pub(super) fn publish(db: &Db, sha256: &str, extension: &str) -> Result<()> {
    if !db.is_server() || is_on_server(db, sha256, extension).map_err(|e| db.failed(e))? {
        return Ok(());
    }
    let path = path(db.folder(), sha256, extension);
    let failed = |e| crate::artifact::read_error(&path, e);
    let mut file = fs::File::open(&path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let n_parts = i64::try_from(size.div_ceil(PART_BYTES).max(1)).unwrap_or(i64::MAX);
    for part in 0..n_parts {
        let mut bytes = Vec::new();
        (&mut file).take(PART_BYTES).read_to_end(&mut bytes).map_err(failed)?;
        db.execute(
            "INSERT OR IGNORE INTO files (sha256, extension, part, n_parts, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![sha256, extension, part, n_parts, bytes.as_slice()],
        )
        .map_err(|e| db.failed(e))?;
    }
    Ok(())
}

fn is_on_server(db: &Db, sha256: &str, extension: &str) -> DbResult<bool> {
    let query = "SELECT coalesce(max(n_parts), -1) = count(*) FROM files
         WHERE sha256 = ?1 AND extension = ?2";
    db.query_row(query, params![sha256, extension], |r| r.get(0))
}

/// Brings a file of the server near; `None` when the server has it not.
fn fetch(db: &Db, sha256: &str, extension: &str) -> Result<Option<PathBuf>> {
    let path = path(db.folder(), sha256, extension);
    if !is_on_server(db, sha256, extension).map_err(|e| db.failed(e))? {
        return Ok(None);
    }
    let parent = path.parent().unwrap_or(&path);
    fs::create_dir_all(parent).map_err(|e| write_error(parent, e))?;
    let mut file = AtomicFile::create(&path)?;
    for part in 0_i64.. {
        let query = "SELECT bytes FROM files WHERE sha256 = ?1 AND extension = ?2 AND part = ?3";
        let found: Option<Vec<u8>> = db
            .query_row(query, params![sha256, extension, part], |r| r.get(0))
            .optional()
            .map_err(|e| db.failed(e))?;
        let Some(bytes) = found else { break };
        file.write_all(&bytes).map_err(|e| write_error(&path, e))?;
    }
    file.commit()?;
    Ok(Some(path))
}

/// Where a kept file lies, near enough to be opened; `None` when it is not there.
pub(super) fn find(db: &Db, sha256: &str, extension: &str) -> Result<Option<PathBuf>> {
    let path = path(db.folder(), sha256, extension);
    if !db.is_server() {
        return Ok(path.is_file().then_some(path));
    }
    // What lies near may have been damaged since; what the server has was never changed.
    let is_whole = fs::read(&path).is_ok_and(|bytes| sha256_hex(&bytes) == sha256);
    if is_whole { Ok(Some(path)) } else { fetch(db, sha256, extension) }
}

/// Reads a kept file and makes sure that it is still what its name says.
pub(super) fn read(db: &Db, sha256: &str, extension: &str) -> Result<Vec<u8>> {
    if db.is_server() {
        find(db, sha256, extension)?;
    }
    let path = path(db.folder(), sha256, extension);
    let damaged = |what: &str| Error::input(what).at(path.display().to_string());
    let bytes = fs::read(&path).map_err(|e| {
        damaged("a file of the store cannot be read").because(e).hint("restore it from a backup")
    })?;
    if sha256_hex(&bytes) != sha256 {
        return Err(damaged("a file of the store was changed")
            .expected(format!("bytes with SHA-256 {sha256}"))
            .hint("restore it from a backup, or register the model again"));
    }
    Ok(bytes)
}

/// Lets the file go if no row names it any more. Called inside the transaction that removed the
/// last row; the file itself goes once that is certain ([`sweep`]).
pub(super) fn remove_unused(db: &Db, sha256: &str, extension: &'static str) -> DbResult<()> {
    if is_used(db, sha256, extension)? {
        return Ok(());
    }
    if db.is_server() {
        db.execute(
            "DELETE FROM files WHERE sha256 = ?1 AND extension = ?2",
            params![sha256, extension],
        )?;
    }
    db.leave(sha256, extension);
    Ok(())
}

/// As [`remove_unused`], of an uploaded file.
pub(super) fn remove_unused_upload(db: &Db, sha256: &str) -> DbResult<()> {
    remove_unused(db, sha256, UPLOAD)
}

/// Removes files that transactions left without a name, after those were committed: a change that
/// is undone must find its files again. In a transaction of its own, so that nobody begins to name
/// a file while it goes. Whoever is killed before leaves a file that harms nobody.
pub(super) fn sweep(db: &Db, left: &[(String, &'static str)]) -> DbResult<()> {
    for (sha256, extension) in left {
        if !is_used(db, sha256, extension)? {
            let _ = fs::remove_file(path(db.folder(), sha256, extension));
        }
    }
    Ok(())
}

/// Whether a row names the file.
fn is_used(db: &Db, sha256: &str, extension: &str) -> DbResult<bool> {
    let query = if extension == UPLOAD {
        "SELECT count(*) FROM uploads WHERE sha256 = ?1"
    } else {
        "SELECT (SELECT count(*) FROM versions WHERE sha256 = ?1)
              + (SELECT count(*) FROM runs WHERE record_sha256 = ?1)"
    };
    let n: i64 = db.query_row(query, params![sha256], |r| r.get(0))?;
    Ok(n > 0)
}
