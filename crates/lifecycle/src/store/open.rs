//! Opening a store: what is damaged, foreign or newer is refused, lost runs are closed.

use std::fs;
use std::path::Path;
use std::time::Duration;

use modelwright_core::{Error, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Store;
use super::runs;
use super::schema::{self, APPLICATION, MIGRATIONS};
use crate::atomic::write_error;

/// The database's file.
pub(super) const DATABASE: &str = "store.db";

/// How long one process waits for another's transaction.
const WAIT: Duration = Duration::from_secs(30);

impl Store {
    /// Opens the store in `folder`, making it where there is none; `at` is now, ISO 8601 in UTC.
    ///
    /// # Errors
    /// Input error when the folder cannot be made, or holds a database that is damaged, foreign or
    /// of a newer version.
    pub fn open(folder: &Path, at: &str) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| write_error(folder, e))?;
        let mut store = Self::connect(folder, true)?;
        runs::close_lost(&mut store, at)?;
        Ok(store)
    }

    /// Opens a store that is there, to look things up; lost runs are left as they are.
    ///
    /// # Errors
    /// As [`Self::open_existing`].
    pub fn read(folder: &Path) -> Result<Self> {
        must_be_there(folder)?;
        Self::connect(folder, false)
    }

    /// Opens a store that is there.
    ///
    /// # Errors
    /// As [`Self::open`], and input error when there is none.
    pub fn open_existing(folder: &Path, at: &str) -> Result<Self> {
        let mut store = Self::read(folder)?;
        runs::close_lost(&mut store, at)?;
        Ok(store)
    }

    fn connect(folder: &Path, may_create: bool) -> Result<Self> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if may_create {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let path = folder.join(DATABASE);
        let mut connection =
            Connection::open_with_flags(&path, flags).map_err(|e| failed(folder, e))?;
        prepare(&mut connection, folder)?;
        Ok(Self { connection, folder: folder.to_owned() })
    }
}

fn must_be_there(folder: &Path) -> Result<()> {
    if folder.join(DATABASE).is_file() {
        return Ok(());
    }
    Err(Error::input("there is no store yet")
        .at(folder.display().to_string())
        .expected(format!("a folder with {DATABASE}"))
        .hint(
            "register a model with `modelwright models register NAME MODEL`, or name another store \
             with --store",
        ))
}

fn prepare(connection: &mut Connection, folder: &Path) -> Result<()> {
    let failed = |e| failed(folder, e);
    connection.busy_timeout(WAIT).map_err(failed)?;
    let (application, version, n_tables) = schema::identity(connection).map_err(failed)?;
    let place = || folder.join(DATABASE).display().to_string();
    let is_ours = application == APPLICATION || (n_tables == 0 && version == 0);
    if !is_ours {
        return Err(Error::input("the database is not a store of Modelwright")
            .at(place())
            .hint("name another folder with --store"));
    }
    if version > super::whole(MIGRATIONS.len()) {
        return Err(Error::input("the store was made by a newer Modelwright")
            .at(place())
            .expected(format!("schema version {} or older", MIGRATIONS.len()))
            .got(format!("schema version {version}"))
            .hint("install that version of Modelwright or a later one"));
    }
    // Readers do not wait for a writer; a commit is on the disk before it returns.
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    if version == super::whole(MIGRATIONS.len()) {
        return Ok(());
    }
    // Only where there is something to do: it waits for other writers.
    schema::migrate(connection).map_err(failed)
}

/// Says in the user's words what SQLite could not do.
pub(super) fn failed(folder: &Path, cause: rusqlite::Error) -> Error {
    let code = cause.sqlite_error_code();
    let error = match code {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            Error::input("the store is damaged")
                .expected("an SQLite database as Modelwright writes it")
                .hint("restore store.db from a backup; the model files in artifacts/ are whole")
        }
        Some(ErrorCode::DiskFull) => {
            Error::work("the disk is full").hint("free some space; the store is as it was before")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::work("another process holds the store for too long")
                .hint("try again when it is done")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            Error::input("the store cannot be opened for writing")
                .expected("a folder that you may write to")
                .hint("change its permissions, or name another folder with --store")
        }
        _ => Error::work("the store cannot do that"),
    };
    error.at(folder.join(DATABASE).display().to_string()).because(cause)
}
