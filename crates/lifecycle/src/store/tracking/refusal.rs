//! What is answered when something cannot be done.

use modelwright_core::Error;

use crate::store::db::{Db, DbError};

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
    Database(DbError),
}

impl Refusal {
    /// With the store's place in the words.
    pub(super) fn of_store(self, db: &Db) -> Self {
        match self {
            Self::Database(cause) => Self::Failed(db.failed(cause)),
            other => other,
        }
    }

    /// The same for whoever is no client.
    pub(super) fn error(self) -> Error {
        match self {
            Self::Missing(text) | Self::Exists(text) | Self::Invalid(text) => Error::input(text),
            Self::Failed(error) => error,
            Self::Database(cause) => Error::work("the store cannot be read").because(cause),
        }
    }
}

impl From<DbError> for Refusal {
    fn from(cause: DbError) -> Self {
        Self::Database(cause)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
