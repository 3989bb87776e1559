//! A store in a file of SQLite.

use std::path::Path;
use std::time::Duration;

use modelwright_core::Result;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, params_from_iter};

use super::{DbResult, Haste, Row, Value, fault, read_only};
use crate::store::open::DATABASE;
use crate::store::schema;

/// How long one process waits for another's transaction.
const WAIT: Duration = Duration::from_secs(30);

/// See the module's text.
pub(super) struct File {
    connection: Connection,
    is_read_only: bool,
}

impl File {
    /// Opens the file in `folder`, made where there is none if `may_create`; to be read alone,
    /// where nothing may be written.
    pub(super) fn open(folder: &Path, may_create: bool) -> Result<Self> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if may_create {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let failed = |e: rusqlite::Error| fault::of_file(folder, e.into());
        let mut connection =
            Connection::open_with_flags(folder.join(DATABASE), flags).map_err(failed)?;
        connection.busy_timeout(WAIT).map_err(failed)?;
        if read_only::is_denied(&connection).map_err(failed)? {
            let connection = read_only::open(folder)?;
            connection.busy_timeout(WAIT).map_err(failed)?;
            return Ok(Self { connection, is_read_only: true });
        }
        let place = folder.join(DATABASE).display().to_string();
        let found = schema::identity(&connection).map_err(failed)?;
        schema::check(found).map_err(|e| e.at(place))?;
        // Readers do not wait for a writer; a commit is on the disk before it returns.
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        // Only where there is something to do: it waits for other writers.
        if found.1 != crate::store::whole(schema::MIGRATIONS.len()) {
            schema::migrate(&mut connection).map_err(failed)?;
        }
        Ok(Self { connection, is_read_only: false })
    }

    /// Whether nothing may be written.
    pub(super) fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    pub(super) fn execute(&self, sql: &str, values: &[Value]) -> DbResult<usize> {
        Ok(self.connection.prepare_cached(sql)?.execute(params_from_iter(values))?)
    }

    pub(super) fn query(&self, sql: &str, values: &[Value]) -> DbResult<Vec<Row>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let n_columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let cells = (0..n_columns).map(|at| Ok(cell(row.get_ref(at)?)));
            found.push(Row(cells.collect::<DbResult<_>>()?));
        }
        Ok(found)
    }

    pub(super) fn last_id(&self) -> i64 {
        self.connection.last_insert_rowid()
    }

    pub(super) fn batch(&self, sql: &str) -> DbResult<()> {
        Ok(self.connection.execute_batch(sql)?)
    }

    /// Begins a transaction; how soon it is on the disk is set before it begins.
    pub(super) fn begin(&self, haste: Haste) -> DbResult<()> {
        let level = if haste == Haste::Quick { "NORMAL" } else { "FULL" };
        self.connection.pragma_update(None, "synchronous", level)?;
        self.batch("BEGIN IMMEDIATE")
    }

    pub(super) fn commit(&self) -> DbResult<()> {
        let done = self.batch("COMMIT");
        if done.is_err() {
            // What could not be committed is undone; there may be nothing left to undo.
            let _ = self.batch("ROLLBACK");
        }
        done
    }
}

fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let borrowed = match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) | Self::Pattern(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::ExactPattern(pattern) => {
                return Ok(ToSqlOutput::Owned(rusqlite::types::Value::Text(glob(pattern))));
            }
        };
        Ok(ToSqlOutput::Borrowed(borrowed))
    }
}

/// A pattern of `%` and `_` as one of `*` and `?`: SQLite's `LIKE` knows no large letters.
fn glob(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len() + 2);
    for c in pattern.chars() {
        match c {
            '%' => glob.push('*'),
            '_' => glob.push('?'),
            '*' | '?' | '[' => glob.extend(['[', c, ']']),
            other => glob.push(other),
        }
    }
    glob
}
