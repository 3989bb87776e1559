//! What is answered when something cannot be done.

use std::path::Path;

use modelwright_core::Error;

use crate::store::open::failed;

/// The result of what a client asks for.
pub type Answer<T> = std::result::Result<T, Refusal>;

/// Why something is not done, in the words that the client reads.
#[derive(Debug)]
pub enum Refusal {
    /// It is not there.
    Missing(String),
    /// Its name is taken.
    Exists(String),
    /// The request makes no sense, now or ever.
    Invalid(String),
    /// The store could not do it.
    Failed(Error),
    /// The database said no; becomes [`Self::Failed`] before it leaves the store.
    Database(rusqlite::Error),
}

impl Refusal {
    /// With the store's place in the words.
    pub(super) fn of_store(self, folder: &Path) -> Self {
        match self {
            Self::Database(cause) => Self::Failed(failed(folder, cause)),
            other => other,
        }
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Database(cause)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
