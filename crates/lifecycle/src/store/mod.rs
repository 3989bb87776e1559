//! The memory of a team: which runs there were, which models are registered, which one is in use.
//!
//! A store is a folder: `store.db`, an SQLite database in WAL mode, and `artifacts/`, files named
//! by the SHA-256 of their bytes. Any number of processes read and write it at once; every change
//! is one transaction, and a file is complete before a row names it, so that a process that is
//! killed leaves nothing half done. A run whose process is gone is found and closed as `lost` by
//! whoever opens the store next.
//!
//! | file | does |
//! |---|---|
//! | `location` | where the store is: `--store`, `MODELWRIGHT_STORE`, or the user's data folder |
//! | `schema` | the tables, and how older ones become these |
//! | `open` | opens, refuses what is damaged or newer, closes lost runs |
//! | `files` | content-addressed files |
//! | `live` | what a run tells while it is at work |
//! | `stamp` | whether it may have changed, without opening it |
//! | `runs`, `search` | runs: begin, end, list, find |
//! | `registry` | named models: versions, aliases, history, rollback |
//! | [`tracking`] | what MLflow clients write down: experiments, metrics over time, uploads |
//!
//! The clock is not asked here: callers say when something happens.

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
mod tests;
pub mod tracking;

pub use live::{LiveLine, LiveWriter, Told};
pub use location::{Location, parse_reference, set_location};
pub use registry::{AliasChange, ModelSummary, ModelVersion};
pub use runs::{NewRun, RunEnd, RunMetric, RunRow, RunStatus, SILENCE_MIN};
pub(crate) use runs::{host, process_start};
pub use search::RunFilter;
pub use stamp::StoreStamp;

use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};
use rusqlite::Connection;

/// An opened store.
pub struct Store {
    connection: Connection,
    folder: PathBuf,
}

/// A count as SQLite holds it.
fn whole(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Store {
    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What SQLite said, as an error of the store.
    fn failed(&self, cause: rusqlite::Error) -> Error {
        open::failed(&self.folder, cause)
    }

    /// Does `work` in one transaction; what SQLite says is an error of the store.
    pub(crate) fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.change(|db, folder| work(db).map_err(|e| open::failed(folder, e)))
    }

    /// Keeps bytes as a file; returns their hash.
    pub(crate) fn keep_file(&self, bytes: &[u8], extension: &str) -> Result<String> {
        files::keep(&self.folder, bytes, extension)
    }

    /// Reads a kept file, and makes sure that it is what it was.
    pub(crate) fn read_file(&self, sha256: &str, extension: &str) -> Result<Vec<u8>> {
        files::read(&self.folder, sha256, extension)
    }

    /// Reads; what SQLite says is an error of the store.
    pub(crate) fn in_reading<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        work(&self.connection).map_err(|e| self.failed(e))
    }

    /// Does `work` in one transaction that others wait for.
    fn change<T>(
        &mut self,
        work: impl FnOnce(&rusqlite::Transaction<'_>, &Path) -> Result<T>,
    ) -> Result<T> {
        let folder = self.folder.clone();
        let behavior = rusqlite::TransactionBehavior::Immediate;
        let transaction = self
            .connection
            .transaction_with_behavior(behavior)
            .map_err(|e| open::failed(&folder, e))?;
        let done = work(&transaction, &folder)?;
        transaction.commit().map_err(|e| open::failed(&folder, e))?;
        Ok(done)
    }
}
