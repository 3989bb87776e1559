//! What went wrong in a database, in the user's words.

use std::error::Error as _;
use std::io;
use std::path::Path;

use modelwright_core::Error;
use postgres::error::SqlState;
use rusqlite::ErrorCode;

use crate::store::open::DATABASE;

/// What a database answers.
pub(crate) type DbResult<T> = std::result::Result<T, DbError>;

/// Why a database did not do what it was told.
#[derive(Debug)]
pub enum DbError {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// PostgreSQL, or the way to it, says so.
    Server(postgres::Error),
    /// The server cannot be reached, or its certificate is not trusted, for this reason.
    Away(String),
    /// There is no such row.
    NoRow,
    /// A cell at a place is not what it must be.
    Form(usize, String),
}

impl std::fmt::Display for DbError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            Self::Server(error) => match error.as_db_error() {
                Some(said) => write!(f, "{} ({})", said.message(), said.code().code()),
                None => cause_of(error).fmt(f),
            },
            Self::Away(why) => f.write_str(why),
            Self::NoRow => f.write_str("a row that must be there is missing"),
            Self::Form(at, got) => write!(f, "column {at} holds {got}"),
        }
    }
}

impl std::error::Error for DbError {}

impl From<rusqlite::Error> for DbError {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Sqlite(cause)
    }
}

impl From<postgres::Error> for DbError {
    fn from(cause: postgres::Error) -> Self {
        Self::Server(cause)
    }
}

/// The words of an error and of what led to it.
fn cause_of(error: &postgres::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = inner.source();
    }
    words
}

/// Of a store in a folder.
pub(super) fn of_file(folder: &Path, cause: DbError) -> Error {
    let code = if let DbError::Sqlite(error) = &cause { error.sqlite_error_code() } else { None };
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
        Some(ErrorCode::ReadOnly) => Error::input("the store may only be read")
            .expected("a folder and a database that you may write to")
            .got("a change")
            .hint("change its permissions, or name another folder with --store"),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Error::input("the store cannot be opened for writing")
                .expected("a folder that you may write to")
                .hint("change its permissions, or name another folder with --store")
        }
        _ => Error::work("the store cannot do that"),
    };
    error.at(folder.join(DATABASE).display().to_string()).because(cause)
}

/// Of a store in a folder that may not be written to, and cannot be read either.
pub(super) fn unreadable(folder: &Path, cause: DbError) -> Error {
    let code = if let DbError::Sqlite(error) = &cause { error.sqlite_error_code() } else { None };
    match code {
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Error::input("the store cannot be opened")
                .at(folder.join(DATABASE).display().to_string())
                .expected("a folder and a database that you may read")
                .hint("change their permissions, or name another folder with --store")
                .because(cause)
        }
        _ => of_file(folder, cause),
    }
}

/// Of a store on a server, whose address `place` is without the password.
pub(super) fn of_server(place: &str, cause: DbError) -> Error {
    let error = match &cause {
        DbError::Away(_) => away(),
        DbError::Server(error) => match error.code() {
            Some(code) => of_state(code),
            None if is_loss(error) => lost(),
            None => away(),
        },
        _ => Error::work("the store cannot do that"),
    };
    error.at(place).because(cause)
}

/// Whether the server ended the connection, or went away.
pub(super) fn is_loss(error: &postgres::Error) -> bool {
    let ends = |code: &SqlState| matches!(code.code(), "57P01" | "57P02");
    let breaks = |error: &io::Error| {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
    };
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    error.is_closed() || error.code().is_some_and(ends) || cause.is_some_and(breaks)
}

fn away() -> Error {
    Error::work("the server of the store cannot be reached")
        .expected("a PostgreSQL server that answers there")
        .hint("is it running, and are host, port and sslmode right?")
}

fn lost() -> Error {
    Error::work("the connection to the store was lost")
        .expected("a server that answers until the change is done")
        .hint("what was not finished was undone, nothing else is lost; try again")
}

fn of_state(code: &SqlState) -> Error {
    match code.code() {
        "28P01" | "28000" => Error::input("the server of the store does not let this user in")
            .expected("a user of the server, with its password")
            .hint("give the password in PGPASSWORD or in the URL"),
        "3D000" => Error::input("the server has no such database")
            .expected("a database that is there")
            .hint("make it with `createdb NAME`, or name another one"),
        "42501" => Error::input("the user may not do that in the database of the store")
            .expected("a user that may make a schema and write to its tables")
            .hint("GRANT CREATE ON DATABASE … TO the user, or name another one"),
        "25006" => Error::input("the store cannot be opened for writing")
            .expected("a server that takes changes, not its copy")
            .hint("name the first server"),
        "53100" => Error::work("the disk of the server is full")
            .hint("free some space; the store is as it was before"),
        "53300" | "57P03" => Error::work("the server of the store takes no connection now")
            .hint("try again in a moment, or let it take more at once (max_connections)"),
        "55P03" => Error::work("another process holds the store for too long")
            .hint("try again when it is done"),
        "57P01" | "57P02" | "08006" | "08003" => lost(),
        _ => Error::work("the store cannot do that"),
    }
}
