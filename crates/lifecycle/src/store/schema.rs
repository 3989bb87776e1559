//! The tables, as a list of migrations: the database keeps how many of them it has seen.

use modelwright_core::{Error, Result};
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
    // When the process of a run last said that it is there.
    "ALTER TABLE runs ADD COLUMN beat TEXT;",
    // Alerts, and what somebody is still to be told of them.
    "
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    model TEXT NOT NULL,
    rule TEXT NOT NULL,
    severity TEXT NOT NULL,
    began TEXT NOT NULL,
    last TEXT NOT NULL,
    told TEXT NOT NULL,
    ended TEXT,
    n_seen INTEGER NOT NULL,
    summary TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_open_alert ON alerts(model, rule) WHERE ended IS NULL;
CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert INTEGER NOT NULL REFERENCES alerts(id) ON DELETE CASCADE,
    sink TEXT NOT NULL,
    at TEXT NOT NULL,
    body TEXT NOT NULL,
    n_tries INTEGER NOT NULL DEFAULT 0,
    next_try TEXT NOT NULL,
    sent TEXT,
    error TEXT
) STRICT;
CREATE INDEX waiting_notices ON notices(next_try) WHERE sent IS NULL;
",
    // Models that a daemon watches: who does, where it stands, and what was decided why.
    "
CREATE TABLE watches (
    model TEXT PRIMARY KEY,
    state TEXT,
    host TEXT,
    pid INTEGER,
    process TEXT,
    beat TEXT
) STRICT;
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    model TEXT NOT NULL,
    at TEXT NOT NULL,
    action TEXT NOT NULL,
    words TEXT NOT NULL,
    grounds TEXT NOT NULL,
    outcome TEXT
) STRICT;
CREATE INDEX decisions_by_model ON decisions(model);
",
    // What data sets held.
    "
CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    at TEXT NOT NULL,
    file_sha256 TEXT NOT NULL,
    content TEXT NOT NULL,
    n_rows INTEGER NOT NULL,
    columns TEXT NOT NULL,
    rows_sha256 TEXT
) STRICT;
CREATE INDEX snapshots_by_file ON snapshots(file_sha256);
",
    // The number that a model's newest version got, also when that version was removed.
    "
ALTER TABLE models ADD COLUMN newest INTEGER NOT NULL DEFAULT 0;
UPDATE models SET newest = (SELECT coalesce(max(given.number), 0) FROM (
    SELECT model, number FROM versions
    UNION ALL SELECT model, number FROM history
    UNION ALL SELECT model, before FROM history) AS given WHERE given.model = models.id);
",
    // The file of rules that an alert is from: another file does not know whether it still holds.
    "ALTER TABLE alerts ADD COLUMN source TEXT;",
    // A rule of another file is another rule, also where both have one name.
    "
DROP INDEX one_open_alert;
CREATE UNIQUE INDEX one_open_alert ON alerts(model, rule, source) WHERE ended IS NULL;
",
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

/// Refuses a database that is none of ours, or that a newer version made: its mark, how many
/// migrations it has seen, and how many tables there are.
///
/// # Errors
/// Input error without the place.
pub(super) fn check((application, version, n_tables): (i32, i64, i64)) -> Result<()> {
    if application != APPLICATION && (n_tables > 0 || version > 0) {
        return Err(Error::input("the database is not a store of Modelwright")
            .expected("an empty one, or one that Modelwright made")
            .got(format!("{n_tables} tables of somebody else"))
            .hint("name another one with --store"));
    }
    if version > super::whole(MIGRATIONS.len()) {
        return Err(Error::input("the store was made by a newer Modelwright")
            .expected(format!("schema version {} or older", MIGRATIONS.len()))
            .got(format!("schema version {version}"))
            .hint("install that version of Modelwright or a later one"));
    }
    Ok(())
}

/// What a file says of itself: its mark, how many migrations it has seen, and how many tables
/// there are.
pub(super) fn identity(connection: &Connection) -> rusqlite::Result<(i32, i64, i64)> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let n_tables = number("SELECT count(*) FROM sqlite_master")?;
    Ok((number("PRAGMA application_id")? as i32, number("PRAGMA user_version")?, n_tables))
}
