//! The tables, as a list of migrations: the database keeps how many of them it has seen.

use rusqlite::Connection;

/// Marks our databases among all SQLite files: `MWst`.
pub(super) const APPLICATION: i32 = 0x4d57_7374;

/// From nothing to the tables of today; never changed, only added to.
pub(super) const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    started TEXT NOT NULL,
    ended TEXT,
    duration_s REAL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process TEXT NOT NULL,
    target TEXT,
    task TEXT,
    metric TEXT,
    data_name TEXT,
    data_sha256 TEXT,
    n_rows INTEGER,
    parameters TEXT NOT NULL,
    output TEXT,
    model_sha256 TEXT,
    record_sha256 TEXT,
    git_commit TEXT,
    engine_version TEXT NOT NULL,
    machine TEXT NOT NULL,
    parent INTEGER REFERENCES runs(id) ON DELETE SET NULL,
    note TEXT
) STRICT;
CREATE INDEX runs_by_status ON runs(status);
CREATE TABLE metrics (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    rows TEXT NOT NULL,
    value REAL,
    low REAL,
    high REAL,
    PRIMARY KEY (run, rows, name)
) STRICT;
CREATE TABLE tags (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT;
CREATE TABLE models (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    created TEXT NOT NULL
) STRICT;
CREATE TABLE versions (
    model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    created TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    target TEXT NOT NULL,
    task TEXT NOT NULL,
    metric TEXT,
    value REAL,
    low REAL,
    high REAL,
    run INTEGER REFERENCES runs(id) ON DELETE SET NULL,
    note TEXT,
    PRIMARY KEY (model, number)
) STRICT;
CREATE TABLE aliases (
    model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE,
    alias TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (model, alias),
    FOREIGN KEY (model, number) REFERENCES versions(model, number)
) STRICT;
CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE,
    alias TEXT NOT NULL,
    number INTEGER,
    before INTEGER,
    at TEXT NOT NULL,
    reason TEXT
) STRICT;
",
    super::tracking::schema::TRACKING,
];

/// Brings the tables to today's form, each migration in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    loop {
        let change = rusqlite::TransactionBehavior::Immediate;
        let transaction = connection.transaction_with_behavior(change)?;
        // Asked inside: another process may have been faster.
        let done: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let Some(next) = usize::try_from(done).ok().and_then(|done| MIGRATIONS.get(done)) else {
            return Ok(());
        };
        transaction.execute_batch(next)?;
        transaction.pragma_update(None, "user_version", done + 1)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.commit()?;
    }
}

/// What a database says of itself: whose it is, and how many migrations it has seen.
pub(super) fn identity(connection: &Connection) -> rusqlite::Result<(i32, i64, i64)> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let n_tables = number("SELECT count(*) FROM sqlite_master")?;
    Ok((number("PRAGMA application_id")? as i32, number("PRAGMA user_version")?, n_tables))
}
