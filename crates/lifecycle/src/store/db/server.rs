//! A store on a server of PostgreSQL.
//!
//! The connection lives on a thread of its own, which does one thing after the other: so the store
//! can be used from threads that serve many requests at once, where a connection of this kind may
//! not wait. Connections that are given back are kept for the next to open the same store.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

use modelwright_core::{Error, Result};

use super::address::Address;
use super::link::Link;
use super::{DbError, DbResult, Haste, Row, Value, dialect, fault};
use crate::store::schema::{self, MIGRATIONS};

/// Connections that are kept for each store.
const N_IDLE_MAX: usize = 4;

/// Kept connections by address.
static IDLE: Mutex<BTreeMap<String, Vec<Worker>>> = Mutex::new(BTreeMap::new());

/// Work for the thread of a connection.
type Job = Box<dyn FnOnce(&mut Link) + Send>;

/// The thread of a connection; it ends when this is dropped.
struct Worker(Sender<Job>);

impl Worker {
    fn start(address: Address) -> DbResult<Self> {
        let (jobs, todo) = channel::<Job>();
        let (opened, answer) = channel();
        let live = move || match Link::open(address) {
            Err(error) => drop(opened.send(Err(error))),
            Ok(mut link) => {
                drop(opened.send(Ok(())));
                for job in todo {
                    job(&mut link);
                }
            }
        };
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(live)
            .map_err(|e| DbError::Away(e.to_string()))?;
        answer.recv().unwrap_or_else(|_| Err(gone()))?;
        Ok(Self(jobs))
    }

    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Link) -> DbResult<T> + Send + 'static,
    ) -> DbResult<T> {
        let (said, answer) = channel();
        let job = move |link: &mut Link| drop(said.send(work(link)));
        self.0.send(Box::new(job)).map_err(|_| gone())?;
        answer.recv().unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> DbError {
    DbError::Away("the thread of the connection has ended".to_owned())
}

/// See the module's text.
pub(super) struct Server {
    /// Always there until it is dropped.
    worker: Option<Worker>,
    shown: String,
    /// What connections are kept by: the address with its password.
    key: String,
    /// Whether its tables are those of today: only then may others have the connection.
    is_ready: bool,
}

impl Server {
    /// Connects and brings the tables to today's form; makes them if `may_create`.
    pub(super) fn open(address: Address, may_create: bool) -> Result<Self> {
        let shown = address.shown();
        let secret = address.config.get_password().unwrap_or_default();
        let key = format!("{shown} {:?} {secret:?}", address.config.get_ssl_mode());
        let kept =
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&key).and_then(Vec::pop);
        let failed = |e| fault::of_server(&shown, e);
        if let Some(worker) = kept {
            worker.ask(Link::revive).map_err(failed)?;
            return Ok(Self { worker: Some(worker), shown, key, is_ready: true });
        }
        let schema = address.schema.clone();
        let worker = Worker::start(address).map_err(failed)?;
        let mut server = Self { worker: Some(worker), shown, key, is_ready: false };
        server.prepare(&schema, may_create)?;
        server.is_ready = true;
        Ok(server)
    }

    pub(super) fn shown(&self) -> String {
        self.shown.clone()
    }

    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Link) -> DbResult<T> + Send + 'static,
    ) -> DbResult<T> {
        self.worker.as_ref().ok_or_else(gone)?.ask(work)
    }

    pub(super) fn execute(&self, sql: &str, values: &[Value]) -> DbResult<usize> {
        let (sql, values) = (sql.to_owned(), values.to_vec());
        self.ask(move |link| link.execute(&sql, &values))
    }

    pub(super) fn query(&self, sql: &str, values: &[Value]) -> DbResult<Vec<Row>> {
        let (sql, values) = (sql.to_owned(), values.to_vec());
        self.ask(move |link| link.query(&sql, &values))
    }

    pub(super) fn batch(&self, sql: &str) -> DbResult<()> {
        let sql = sql.to_owned();
        self.ask(move |link| link.batch(&sql))
    }

    /// Begins a transaction that all other writers of this store wait for.
    pub(super) fn begin(&self, haste: Haste) -> DbResult<()> {
        let commit = if haste == Haste::Quick { "off" } else { "on" };
        let begin = format!("BEGIN; SET LOCAL synchronous_commit = {commit}; {LOCK}");
        self.ask(move |link| link.begin(&begin))
    }

    /// Begins a transaction that looks at one state of the store.
    pub(super) fn look(&self) -> DbResult<()> {
        self.ask(|link| link.begin("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    }

    /// Ends a transaction, with all its changes or none.
    pub(super) fn end(&self, keep: bool) -> DbResult<()> {
        self.ask(move |link| link.end(if keep { "COMMIT" } else { "ROLLBACK" }))
    }

    /// Refuses what is foreign or newer, and brings what is older to today's form.
    fn prepare(&self, schema: &str, may_create: bool) -> Result<()> {
        let failed = |e| fault::of_server(&self.shown, e);
        let (is_ours, version, n_tables) = self.identity(schema).map_err(failed)?;
        if !is_ours && n_tables == 0 && !may_create {
            return Err(Error::input("there is no store yet")
                .at(self.shown())
                .expected(format!("a schema {schema} with the tables of a store"))
                .hint("register a model with `modelwright models register NAME MODEL`"));
        }
        let application = if is_ours { schema::APPLICATION } else { 0 };
        schema::check((application, version, n_tables)).map_err(|e| e.at(self.shown()))?;
        let n_known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        if is_ours && version == n_known {
            return Ok(());
        }
        self.migrate(schema).map_err(failed)
    }

    /// Whether the tables are ours, how many migrations they have seen, and how many there are.
    fn identity(&self, schema: &str) -> DbResult<(bool, i64, i64)> {
        let count = "SELECT count(*), count(*) FILTER (WHERE tablename = 'store_version')
             FROM pg_tables WHERE schemaname = ?1";
        let found = self.query(count, super::params![schema])?;
        let first = found.first().ok_or(DbError::NoRow)?;
        let (n_tables, n_versions): (i64, i64) = (first.get(0)?, first.get(1)?);
        if n_versions == 0 {
            return Ok((false, 0, n_tables));
        }
        let version = self.query("SELECT max(version) FROM store_version", &[])?;
        Ok((true, version.first().ok_or(DbError::NoRow)?.get(0)?, n_tables))
    }

    fn migrate(&self, schema: &str) -> DbResult<()> {
        let schema = schema.to_owned();
        self.ask(move |link| {
            // Another process may be at it, or was faster.
            link.begin(&format!("BEGIN; {LOCK_BY_NAME}'{schema}'))"))?;
            let done = migrate(link, &schema);
            link.end(if done.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
            done
        })
    }
}

/// Takes the lock of all writers of this store until the transaction ends.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext('modelwright ' || current_schema()))";

/// The same, by the name of a schema that may not be there yet; the name and `))` follow.
const LOCK_BY_NAME: &str = "SELECT pg_advisory_xact_lock(hashtext('modelwright ' || ";

/// All migrations in one transaction: PostgreSQL undoes changes of tables too.
fn migrate(link: &mut Link, schema: &str) -> DbResult<()> {
    // Somebody with more rights may have made the schema for a user that may not.
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = ?1";
    if count(link, schemas, schema)? == 0 {
        link.batch(&format!("CREATE SCHEMA {schema}"))?;
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = ?1
         AND tablename = 'store_version'";
    if count(link, tables, schema)? == 0 {
        link.batch(dialect::FUNCTIONS)?;
        link.batch(
            "CREATE TABLE store_version (version BIGINT NOT NULL);
             INSERT INTO store_version VALUES (0);
             CREATE TABLE files (sha256 TEXT COLLATE \"C\", extension TEXT COLLATE \"C\",
                 part BIGINT, n_parts BIGINT NOT NULL, bytes BYTEA NOT NULL,
                 PRIMARY KEY (sha256, extension, part));
             ALTER TABLE files ALTER COLUMN bytes SET STORAGE EXTERNAL",
        )?;
    }
    let found = link.query("SELECT max(version) FROM store_version", &[])?;
    let done: i64 = found.first().ok_or(DbError::NoRow)?.get(0)?;
    for sql in MIGRATIONS.iter().skip(usize::try_from(done).unwrap_or(0)) {
        link.batch(&dialect::migration(sql))?;
    }
    link.batch(&format!("UPDATE store_version SET version = {}", MIGRATIONS.len()))
}

fn count(link: &mut Link, query: &str, schema: &str) -> DbResult<i64> {
    link.query(query, super::params![schema])?.first().ok_or(DbError::NoRow)?.get(0)
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(worker) = self.worker.take().filter(|_| self.is_ready) else { return };
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.entry(self.key.clone()).or_default();
        if kept.len() < N_IDLE_MAX {
            kept.push(worker);
        }
    }
}
