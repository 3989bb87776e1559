//! Files named by what they hold: equal bytes are kept once.

use std::fs;
use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};
use rusqlite::{Connection, params};

use crate::atomic::{atomic_write, write_error};
use crate::digest::sha256_hex;

/// The folder of all files.
pub(super) const FOLDER: &str = "artifacts";

/// What the names of files end with, by what they are.
pub(super) const MODEL: &str = "mw";
pub(super) const RECORD: &str = "json";
pub(super) const UPLOAD: &str = "bin";

/// The path of the file with this hash.
pub(super) fn path(folder: &Path, sha256: &str, extension: &str) -> PathBuf {
    let start = sha256.get(..2).unwrap_or("00");
    folder.join(FOLDER).join(start).join(format!("{sha256}.{extension}"))
}

/// Keeps the bytes; returns their hash. The file is complete when this returns.
pub(super) fn keep(folder: &Path, bytes: &[u8], extension: &str) -> Result<String> {
    let sha256 = sha256_hex(bytes);
    let path = path(folder, &sha256, extension);
    if fs::metadata(&path).is_ok_and(|meta| meta.len() == bytes.len() as u64) {
        return Ok(sha256);
    }
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|e| write_error(parent, e))?;
    atomic_write(&path, bytes)?;
    Ok(sha256)
}

/// Reads a kept file and makes sure that it is still what its name says.
pub(super) fn read(folder: &Path, sha256: &str, extension: &str) -> Result<Vec<u8>> {
    let path = path(folder, sha256, extension);
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

/// Removes the file if no row names it any more. Called inside the transaction that removed the
/// last row, so that nobody can begin to name it meanwhile.
pub(super) fn remove_unused(
    connection: &Connection,
    folder: &Path,
    sha256: &str,
    extension: &str,
) -> rusqlite::Result<()> {
    let query = "SELECT (SELECT count(*) FROM versions WHERE sha256 = ?1)
                      + (SELECT count(*) FROM runs WHERE record_sha256 = ?1)";
    let n: i64 = connection.query_row(query, params![sha256], |row| row.get(0))?;
    if n == 0 {
        // A file that stays harms nobody.
        let _ = fs::remove_file(path(folder, sha256, extension));
    }
    Ok(())
}

/// Removes an uploaded file if no path means it any more; see [`remove_unused`].
pub(super) fn remove_unused_upload(
    connection: &Connection,
    folder: &Path,
    sha256: &str,
) -> rusqlite::Result<()> {
    let query = "SELECT count(*) FROM uploads WHERE sha256 = ?1";
    let n: i64 = connection.query_row(query, params![sha256], |row| row.get(0))?;
    if n == 0 {
        let _ = fs::remove_file(path(folder, sha256, UPLOAD));
    }
    Ok(())
}
