//! A store in a file of SQLite where nothing may be written: a backup, a mounted image, the folder
//! of another user.
//!
//! The database is in WAL mode, in which readers too want a small file beside it (`-shm`). Where
//! that is there, because a writer has the store open, it is read together with the writer; where
//! it cannot be made, nobody writes, and the file is read as one that does not change. Changes that
//! a killed writer left in `-wal` cannot be had in that way, and are not passed over in silence.

use std::fs;
use std::path::Path;

use modelwright_core::{Error, Result};
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use super::fault;
use crate::store::open::DATABASE;
use crate::store::schema;

/// Whether the file, which was opened for writing, turns out to be one that may only be read.
///
/// # Errors
/// What else keeps it from being used.
pub(super) fn is_denied(connection: &Connection) -> rusqlite::Result<bool> {
    let looked = connection.is_readonly(MAIN_DB).and_then(|is_read_only| {
        schema::identity(connection)?;
        Ok(is_read_only)
    });
    match looked {
        Err(error) if is_refusal(&error) => Ok(true),
        other => other,
    }
}

/// Whether an error says that writing is not allowed.
pub(super) fn is_refusal(error: &rusqlite::Error) -> bool {
    let denied = [ErrorCode::CannotOpen, ErrorCode::PermissionDenied, ErrorCode::ReadOnly];
    error.sqlite_error_code().is_some_and(|code| denied.contains(&code))
}

/// Opens the database in `folder` to be read alone.
///
/// # Errors
/// Input error when it may not even be read, was not finished by a writer, or has tables of another
/// version, which only a writer may change.
pub(super) fn open(folder: &Path) -> Result<Connection> {
    let failed = |e: rusqlite::Error| fault::unreadable(folder, e.into());
    let place = folder.join(DATABASE);
    let shown = place.display().to_string();
    let (connection, found) = match look(&place, "mode=ro") {
        Err(error) if is_refusal(&error) => {
            must_be_finished(folder)?;
            look(&place, "immutable=1").map_err(failed)?
        }
        other => other.map_err(failed)?,
    };
    schema::check(found).map_err(|e| e.at(shown.clone()))?;
    if found.1 != crate::store::whole(schema::MIGRATIONS.len()) {
        return Err(Error::input("the store was made by an older version, and may only be read")
            .at(shown)
            .expected(format!("tables of version {}", schema::MIGRATIONS.len()))
            .got(format!("version {}", found.1))
            .hint("open it once where you may write to it, or copy its folder and name the copy"));
    }
    Ok(connection)
}

fn look(place: &Path, how: &str) -> rusqlite::Result<(Connection, (i32, i64, i64))> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(place, how), flags)?;
    let found = schema::identity(&connection)?;
    Ok((connection, found))
}

/// A path as SQLite reads it in a URI.
fn uri(place: &Path, how: &str) -> String {
    let mut uri = "file:".to_owned();
    for c in place.to_string_lossy().chars() {
        match c {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            c => uri.push(c),
        }
    }
    uri + "?" + how
}

/// Refuses to read past what a writer left in the log of changes.
fn must_be_finished(folder: &Path) -> Result<()> {
    let log = folder.join(format!("{DATABASE}-wal"));
    let n_bytes = fs::metadata(&log).map_or(0, |meta| meta.len());
    if n_bytes == 0 {
        return Ok(());
    }
    Err(Error::input("the last changes of the store cannot be read where nothing may be written")
        .at(log.display().to_string())
        .expected("no changes that a writer left behind")
        .got(format!("{n_bytes} bytes of them"))
        .hint("open it once where you may write to it, or copy its folder and name the copy"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::tests::{NOW, begin, finish};

    /// A store with one run, closed by its writer.
    fn closed(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("mw-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let mut store = Store::open(&folder, NOW).unwrap();
        let id = begin(&mut store, "fit", 3);
        finish(&mut store, id, 0.5);
        folder
    }

    fn n_runs(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM runs", [], |r| r.get(0)).unwrap()
    }

    #[test]
    fn a_closed_store_is_read_as_one_that_does_not_change() {
        let folder = closed("read#only?");
        let place = folder.join(DATABASE);
        for how in ["mode=ro", "immutable=1"] {
            let (connection, _) = look(&place, how).unwrap();
            assert_eq!(n_runs(&connection), 1, "{how}");
            let error = connection.execute("DELETE FROM runs", []).unwrap_err();
            assert!(is_refusal(&error), "{how}: {error}");
        }
        assert_eq!(n_runs(&open(&folder).unwrap()), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_a_killed_writer_left_is_not_passed_over() {
        let folder = closed("unfinished");
        must_be_finished(&folder).unwrap();
        fs::write(folder.join("store.db-wal"), "left").unwrap();
        let error = must_be_finished(&folder).unwrap_err();
        assert!(error.hint_text().is_some() && error.to_string().contains("4 bytes"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_older_store_that_may_only_be_read_is_refused_with_the_way_out() {
        let folder = closed("older");
        let older = Connection::open(folder.join(DATABASE)).unwrap();
        older.pragma_update(None, "user_version", 1).unwrap();
        drop(older);
        let error = open(&folder).unwrap_err();
        assert_eq!(error.got_text(), Some("version 1"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }
}
