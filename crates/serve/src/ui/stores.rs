//! Connections to the store: one for each request at work, kept for the next.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use modelwright_core::Result;
use modelwright_lifecycle::store::Store;
use tokio::task::spawn_blocking;

use crate::clock;
use crate::problem::Problem;

/// Connections that are kept.
const N_IDLE_MAX: usize = 8;

/// See the module's text.
pub(crate) struct Stores {
    place: PathBuf,
    /// Where files are while they come in.
    folder: PathBuf,
    idle: Mutex<Vec<Store>>,
}

impl Stores {
    /// Of the store at `place`, which is made if it is not there.
    ///
    /// # Errors
    /// Input error when the store cannot be made or used.
    pub(crate) fn open(place: &Path) -> Result<Self> {
        let first = Store::open(place, &clock::utc_text())?;
        let folder = first.folder().to_owned();
        Ok(Self { place: place.to_owned(), folder, idle: Mutex::new(vec![first]) })
    }

    /// The folder, or the URL.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// The folder of its files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Does `work` with a connection of its own, on this thread, which may block.
    ///
    /// # Errors
    /// Those of the work, and when the store cannot be opened.
    pub(crate) fn with<T, E: From<modelwright_core::Error>>(
        &self,
        work: impl FnOnce(&mut Store) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let kept = self.idle().pop();
        let mut store = match kept {
            Some(store) => store,
            None => Store::read(&self.place)?,
        };
        let done = work(&mut store);
        let mut idle = self.idle();
        if idle.len() < N_IDLE_MAX {
            idle.push(store);
        }
        done
    }

    /// Does `work` with a connection of its own, on a thread that may block.
    ///
    /// # Errors
    /// Those of the work; problem 500 when it panicked.
    pub(crate) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Store) -> std::result::Result<T, Problem> + Send + 'static,
    ) -> std::result::Result<T, Problem> {
        let own = self.clone();
        spawn_blocking(move || own.with(work))
            .await
            .unwrap_or_else(|_| Err(Problem::new(500, "internal", "the work broke off")))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Store>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
