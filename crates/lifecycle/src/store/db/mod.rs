//! One way to talk to a database, whether it is a file of SQLite or a server of PostgreSQL.
//!
//! The store's statements are written once, in SQLite's words as far as both understand them;
//! `dialect` rewrites for PostgreSQL what it calls otherwise. Rows are read whole before they are
//! looked at. A change is a transaction that all other writers wait for, on both: SQLite has one
//! writer anyway, and on a server the store takes a lock that is its own.
//!
//! | file | does |
//! |---|---|
//! | `value` | parameters and cells |
//! | `sqlite` | a file |
//! | `read_only` | a file where nothing may be written |
//! | `dialect` | SQLite's words as PostgreSQL's |
//! | `address` | the URL of a server |
//! | `link`, `server` | a connection and the thread that owns it |
//! | `tls` | encrypted connections |
//! | `fault` | what went wrong, in the user's words |

mod address;
mod dialect;
mod fault;
mod link;
mod read_only;
mod server;
mod sqlite;
mod tls;
mod value;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};

use super::files;

pub(crate) use address::is_address;
pub(super) use address::{Address, shown};
pub(crate) use fault::{DbError, DbResult};
use server::Server;
use sqlite::File;
pub(crate) use value::{FromValue, Row, ToValue, Value};

/// The parameters of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::db::ToValue::to_value(&$value)),*]
    };
}
pub(crate) use params;

/// How soon a change must be on the disk itself. Either way it is whole, or was never made, after
/// the process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Haste {
    /// Before the answer: nothing is lost in a power cut.
    Certain,
    /// Soon: a power cut may take the last moments. For values that come by the thousand.
    Quick,
}

enum Back {
    File(File),
    Server(Server),
}

/// A connection to the database of a store.
pub(crate) struct Db {
    back: Back,
    /// Where files of the store are, or are kept near.
    folder: PathBuf,
    in_transaction: Cell<bool>,
    /// Hash and kind of files that the transaction at work left without a name.
    left: RefCell<Vec<(String, &'static str)>>,
}

/// A statement that can be executed again and again.
pub(crate) struct Statement<'a> {
    db: &'a Db,
    sql: String,
}

/// Ends a transaction that nobody committed.
struct Undo<'a>(&'a Db);

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if self.0.in_transaction.replace(false) {
            self.0.left.take();
            // A connection that is lost has undone it already.
            let _ = self.0.end(false);
        }
    }
}

impl Db {
    /// Opens the database of the store in a folder, or on a server.
    ///
    /// # Errors
    /// Input error when it cannot be reached, is none of ours, or was made by a newer version.
    pub(super) fn open(place: &Path, may_create: bool) -> Result<Self> {
        let (back, folder) = match Address::parse(place)? {
            None => (Back::File(File::open(place, may_create)?), place.to_owned()),
            Some(address) => {
                let folder = address.cache();
                (Back::Server(Server::open(address, may_create)?), folder)
            }
        };
        Ok(Self { back, folder, in_transaction: Cell::new(false), left: RefCell::default() })
    }

    /// Where files of the store are, or are kept near.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it is a server, which keeps the files itself.
    pub(super) fn is_server(&self) -> bool {
        matches!(self.back, Back::Server(_))
    }

    /// Whether nothing may be written to it.
    pub(super) fn is_read_only(&self) -> bool {
        matches!(&self.back, Back::File(file) if file.is_read_only())
    }

    /// What went wrong, in the user's words.
    pub(crate) fn failed(&self, cause: DbError) -> Error {
        match &self.back {
            Back::File(_) => fault::of_file(&self.folder, cause),
            Back::Server(server) => fault::of_server(&server.shown(), cause),
        }
    }

    /// Where it is, without secrets.
    pub(super) fn shown(&self) -> String {
        match &self.back {
            Back::File(_) => self.folder.display().to_string(),
            Back::Server(server) => server.shown(),
        }
    }

    /// A statement to be executed several times.
    #[expect(clippy::unnecessary_wraps, reason = "a back end may prepare it at once")]
    pub(crate) fn prepare_cached(&self, sql: &str) -> DbResult<Statement<'_>> {
        Ok(Statement { db: self, sql: sql.to_owned() })
    }

    /// Executes a statement; returns how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, values: &[Value]) -> DbResult<usize> {
        match &self.back {
            Back::File(file) => file.execute(sql, values),
            Back::Server(server) => server.execute(sql, values),
        }
    }

    /// The rows that a query finds.
    pub(crate) fn query(&self, sql: &str, values: &[Value]) -> DbResult<Vec<Row>> {
        match &self.back {
            Back::File(file) => file.query(sql, values),
            Back::Server(server) => server.query(sql, values),
        }
    }

    /// The first row that a query finds.
    pub(crate) fn query_row<T>(
        &self,
        sql: &str,
        values: &[Value],
        read: impl FnOnce(&Row) -> DbResult<T>,
    ) -> DbResult<T> {
        read(self.query(sql, values)?.first().ok_or(DbError::NoRow)?)
    }

    /// The number that the last row of a table with numbers got.
    pub(crate) fn last_id(&self) -> DbResult<i64> {
        match &self.back {
            Back::File(file) => Ok(file.last_id()),
            Back::Server(_) => self.query_row("SELECT lastval()", &[], |r| r.get(0)),
        }
    }

    /// Executes statements without parameters.
    pub(super) fn batch(&self, sql: &str) -> DbResult<()> {
        match &self.back {
            Back::File(file) => file.batch(sql),
            Back::Server(server) => server.batch(sql),
        }
    }

    /// Does `work` in one transaction that other writers wait for.
    pub(super) fn change<T, E: From<DbError>>(
        &self,
        haste: Haste,
        work: impl FnOnce(&Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.begin(haste)?;
        let undo = Undo(self);
        let done = work(self)?;
        self.in_transaction.set(false);
        drop(undo);
        let left = self.left.take();
        self.end(true)?;
        if !left.is_empty() {
            // The change is made; what of it cannot be tidied up stays, and harms nobody.
            let _ = self.sweep(haste, &left);
        }
        Ok(done)
    }

    /// Removes files that no row names, while nobody else can begin to name them.
    fn sweep(&self, haste: Haste, left: &[(String, &'static str)]) -> DbResult<()> {
        self.begin(haste)?;
        let _undo = Undo(self);
        // Nothing of the database changes: there is nothing to commit.
        files::sweep(self, left)
    }

    /// Begins a transaction that other writers wait for.
    fn begin(&self, haste: Haste) -> DbResult<()> {
        match &self.back {
            Back::File(file) => file.begin(haste)?,
            Back::Server(server) => server.begin(haste)?,
        }
        self.in_transaction.set(true);
        Ok(())
    }

    /// Remembers a file that no row names any more, until it is certain that none does.
    pub(super) fn leave(&self, sha256: &str, extension: &'static str) {
        self.left.borrow_mut().push((sha256.to_owned(), extension));
    }

    /// Ends a transaction, with all its changes or none.
    fn end(&self, keep: bool) -> DbResult<()> {
        match &self.back {
            Back::File(file) if keep => file.commit(),
            Back::File(file) => file.batch("ROLLBACK"),
            Back::Server(server) => server.end(keep),
        }
    }

    /// Does `work` on one view of the whole store, whatever others write meanwhile.
    pub(super) fn snapshot<T>(&self, work: impl FnOnce(&Self) -> DbResult<T>) -> DbResult<T> {
        if self.in_transaction.get() {
            return work(self);
        }
        match &self.back {
            Back::File(_) => self.batch("BEGIN")?,
            Back::Server(server) => server.look()?,
        }
        self.in_transaction.set(true);
        let _undo = Undo(self);
        work(self)
    }
}

impl Statement<'_> {
    /// As [`Db::execute`].
    pub(crate) fn execute(&self, values: &[Value]) -> DbResult<usize> {
        self.db.execute(&self.sql, values)
    }

    /// As [`Db::query_row`].
    pub(crate) fn query_row<T>(
        &self,
        values: &[Value],
        read: impl FnOnce(&Row) -> DbResult<T>,
    ) -> DbResult<T> {
        self.db.query_row(&self.sql, values, read)
    }

    /// The rows that it finds, each read by `read`.
    pub(crate) fn query_map<T>(
        &self,
        values: &[Value],
        read: impl FnMut(&Row) -> DbResult<T>,
    ) -> DbResult<std::vec::IntoIter<DbResult<T>>> {
        let rows = self.db.query(&self.sql, values)?;
        Ok(rows.iter().map(read).collect::<Vec<_>>().into_iter())
    }
}

/// A row that may be missing.
pub(crate) trait OptionalRow<T> {
    /// `None` in place of the error that there is no row.
    fn optional(self) -> DbResult<Option<T>>;
}

impl<T> OptionalRow<T> for DbResult<T> {
    fn optional(self) -> DbResult<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(DbError::NoRow) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
