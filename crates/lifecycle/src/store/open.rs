//! Opening a store: what is damaged, foreign or newer is refused, lost runs are closed.

use std::fs;
use std::path::Path;

use modelwright_core::{Error, Result};

use super::Store;
use super::db::{Db, is_address};
use super::runs;
use crate::atomic::write_error;

/// The database's file.
pub(super) const DATABASE: &str = "store.db";

impl Store {
    /// Opens the store at `place`, a folder or the URL of a server's database, making it where
    /// there is none; `at` is now, ISO 8601 in UTC.
    ///
    /// # Errors
    /// Input error when the place cannot be made or reached, or holds a database that is damaged,
    /// foreign or of a newer version.
    pub fn open(place: &Path, at: &str) -> Result<Self> {
        if !is_address(place) {
            fs::create_dir_all(place).map_err(|e| write_error(place, e))?;
        }
        let mut store = Self { db: Db::open(place, true)?, place: place.to_owned() };
        runs::close_lost(&mut store, at)?;
        Ok(store)
    }

    /// Opens a store that is there, to look things up; lost runs are left as they are.
    ///
    /// # Errors
    /// As [`Self::open_existing`].
    pub fn read(place: &Path) -> Result<Self> {
        if !is_address(place) {
            must_be_there(place)?;
        }
        Ok(Self { db: Db::open(place, false)?, place: place.to_owned() })
    }

    /// Opens a store that is there.
    ///
    /// # Errors
    /// As [`Self::open`], and input error when there is none.
    pub fn open_existing(place: &Path, at: &str) -> Result<Self> {
        let mut store = Self::read(place)?;
        runs::close_lost(&mut store, at)?;
        Ok(store)
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
