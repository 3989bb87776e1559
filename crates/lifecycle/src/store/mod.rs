//! The memory of a team: which runs there were, which models are registered, which one is in use.
//!
//! A store is a folder: `store.db`, an SQLite database in WAL mode, and `artifacts/`, files named
//! by the SHA-256 of their bytes. Or it is a schema in a database of a PostgreSQL server, files and
//! all, with copies of the files near whoever reads them. Any number of processes read and write
//! it at once; every change is one transaction, and a file is complete before a row names it, so
//! that a process that is killed leaves nothing half done. A run whose process is gone is found and
//! closed as `lost` by whoever opens the store next.
//!
//! | file | does |
//! |---|---|
//! | `location` | where the store is: `--store`, `MODELWRIGHT_STORE`, or the user's data folder |
//! | `db` | one way to talk to SQLite and to PostgreSQL |
//! | `schema` | the tables, and how older ones become these |
//! | `open` | opens, refuses what is damaged or newer, closes lost runs |
//! | `files` | content-addressed files |
//! | `live` | what a run tells while it is at work |
//! | `stamp` | whether it may have changed, without opening it |
//! | `runs`, `search` | runs: begin, end, close, list, find |
//! | `registry` | named models: versions, aliases, history, rollback |
//! | [`tracking`] | what MLflow clients write down: experiments, metrics over time, uploads |
//!
//! The clock is not asked here: callers say when something happens.

pub(crate) mod db;
mod files;
mod live;
mod location;
mod open;
mod registry;
mod runs;
mod schema;
mod search;
mod stamp;
#[cfg(test)]
pub(crate) mod tests;
pub mod tracking;

pub use live::{LiveLine, LiveWriter, Told};
pub use location::{Location, parse_reference, set_location, shown_place};
pub use registry::{AliasChange, AliasMove, ModelSummary, ModelVersion, Moved};
pub(crate) use registry::{alias_in, move_alias, version_in};
pub use runs::{NewRun, RunEnd, RunMetric, RunRow, RunStatus, SILENCE_MIN, Subject};
pub(crate) use runs::{host, is_alive, own_process};
pub use search::RunFilter;
pub use stamp::StoreStamp;

use std::path::{Path, PathBuf};

use db::{Db, DbError, DbResult, Haste};
use modelwright_core::{Error, Result};

/// An opened store.
pub struct Store {
    db: Db,
    place: PathBuf,
}

/// A count as databases hold it.
fn whole(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Store {
    /// Where it is: the folder, or the URL of the server's database.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// The folder of its files; of a store on a server, where copies of them are kept near.
    pub fn folder(&self) -> &Path {
        self.db.folder()
    }

    /// Whether it may only be read: changes are refused.
    pub fn is_read_only(&self) -> bool {
        self.db.is_read_only()
    }

    /// Does `work` in one transaction; what the database says is an error of the store.
    pub(crate) fn in_transaction<T>(&mut self, work: impl FnOnce(&Db) -> DbResult<T>) -> Result<T> {
        self.db.change(Haste::Certain, work).map_err(|e| self.failed(e))
    }

    /// Does `work` in one transaction that others wait for.
    pub(crate) fn change<T>(&mut self, work: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        let done = self.db.change(Haste::Certain, |db| work(db).map_err(Undone::Work));
        done.map_err(|undone| match undone {
            Undone::Work(error) => error,
            Undone::Database(cause) => self.failed(cause),
        })
    }

    /// Keeps bytes as a file; returns their hash.
    pub(crate) fn keep_file(&self, bytes: &[u8], extension: &str) -> Result<String> {
        files::keep(&self.db, bytes, extension)
    }

    /// Reads a kept file, and makes sure that it is what it was.
    pub(crate) fn read_file(&self, sha256: &str, extension: &str) -> Result<Vec<u8>> {
        files::read(&self.db, sha256, extension)
    }

    /// Reads; what the database says is an error of the store.
    pub(crate) fn in_reading<T>(&self, work: impl FnOnce(&Db) -> DbResult<T>) -> Result<T> {
        work(&self.db).map_err(|e| self.failed(e))
    }

    /// What the database said, as an error of the store.
    fn failed(&self, cause: DbError) -> Error {
        self.db.failed(cause)
    }
}

/// Why a change was not made.
enum Undone {
    Work(Error),
    Database(DbError),
}

impl From<DbError> for Undone {
    fn from(cause: DbError) -> Self {
        Self::Database(cause)
    }
}
