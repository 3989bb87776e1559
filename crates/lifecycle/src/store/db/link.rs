//! A connection to a server: statements that are prepared once, and a new connection in place of
//! one that was lost.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, NoTls, Statement};

use super::address::Address;
use super::tls::Trust;
use super::{DbError, DbResult, Row, Value, dialect, fault};

/// The first pause before another try to connect again; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(250);

/// The last pause: a server that starts anew is back within the quarter of a minute of them all.
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// Statements that are kept prepared; when there are more, all are forgotten.
const N_PREPARED_MAX: usize = 256;

/// See the module's text.
pub(super) struct Link {
    address: Address,
    client: Client,
    prepared: BTreeMap<String, Statement>,
    in_transaction: bool,
}

impl Link {
    /// Connects.
    pub(super) fn open(address: Address) -> DbResult<Self> {
        let client = connect(&address)?;
        Ok(Self { address, client, prepared: BTreeMap::new(), in_transaction: false })
    }

    /// Makes sure that there is a connection before something begins.
    pub(super) fn revive(&mut self) -> DbResult<()> {
        if self.client.is_closed() { self.connect_again() } else { Ok(()) }
    }

    fn connect_again(&mut self) -> DbResult<()> {
        self.in_transaction = false;
        self.prepared.clear();
        let mut pause = PAUSE;
        loop {
            match connect(&self.address) {
                Ok(client) => {
                    self.client = client;
                    return Ok(());
                }
                Err(error) if pause > PAUSE_MAX || !may_pass(&error) => {
                    return Err(error);
                }
                Err(_) => std::thread::sleep(pause),
            }
            pause *= 2;
        }
    }

    pub(super) fn execute(&mut self, sql: &str, values: &[Value]) -> DbResult<usize> {
        let statement = self.prepare(sql, values)?;
        let bound: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as _).collect();
        let n = self.client.execute(&statement, &bound)?;
        Ok(usize::try_from(n).unwrap_or(usize::MAX))
    }

    pub(super) fn query(&mut self, sql: &str, values: &[Value]) -> DbResult<Vec<Row>> {
        self.again_if_lost(|link| link.ask(sql, values))
    }

    /// Begins a transaction with these statements.
    pub(super) fn begin(&mut self, sql: &str) -> DbResult<()> {
        self.again_if_lost(|link| {
            let begun = link.batch(sql);
            if begun.is_err() && !link.client.is_closed() {
                link.batch("ROLLBACK")?;
            }
            begun
        })?;
        self.in_transaction = true;
        Ok(())
    }

    /// Ends a transaction.
    pub(super) fn end(&mut self, sql: &str) -> DbResult<()> {
        self.in_transaction = false;
        self.batch(sql)
    }

    /// Does what changes nothing by itself once more if the connection was lost before or during
    /// it: outside of a transaction nothing can have been forgotten.
    fn again_if_lost<T>(&mut self, mut work: impl FnMut(&mut Self) -> DbResult<T>) -> DbResult<T> {
        if self.in_transaction {
            return work(self);
        }
        self.revive()?;
        match work(self) {
            Err(DbError::Server(error)) if fault::is_loss(&error) => {
                self.connect_again()?;
                work(self)
            }
            done => done,
        }
    }

    fn ask(&mut self, sql: &str, values: &[Value]) -> DbResult<Vec<Row>> {
        let statement = self.prepare(sql, values)?;
        let bound: Vec<&(dyn ToSql + Sync)> = values.iter().map(|v| v as _).collect();
        self.client.query(&statement, &bound)?.iter().map(row).collect()
    }

    pub(super) fn batch(&mut self, sql: &str) -> DbResult<()> {
        Ok(self.client.batch_execute(sql)?)
    }

    fn prepare(&mut self, sql: &str, values: &[Value]) -> DbResult<Statement> {
        // The type of a value is part of what is prepared.
        let key: String = values.iter().map(Value::letter).chain(sql.chars()).collect();
        if let Some(known) = self.prepared.get(&key) {
            return Ok(known.clone());
        }
        if self.prepared.len() >= N_PREPARED_MAX {
            self.prepared.clear();
        }
        let types: Vec<Type> = values.iter().map(Value::kind).collect();
        let made = self.client.prepare_typed(&dialect::statement(sql), &types)?;
        self.prepared.insert(key, made.clone());
        Ok(made)
    }
}

/// Whether another try in a moment may help.
fn may_pass(error: &DbError) -> bool {
    match error {
        DbError::Server(error) => {
            error.code().is_none_or(|code| matches!(code.code(), "57P03" | "53300" | "57P01"))
        }
        _ => false,
    }
}

fn connect(address: &Address) -> DbResult<Client> {
    let config = &address.config;
    let mut client = if config.get_ssl_mode() == SslMode::Disable {
        config.connect(NoTls)?
    } else {
        config.connect(Trust::of(address.roots.as_deref())?)?
    };
    // Moments in texts are UTC; whoever waits for another change is told after half a minute.
    client.batch_execute(&format!(
        "SET TIME ZONE 'UTC'; SET search_path TO {}; SET lock_timeout = '30s'; \
         SET client_min_messages = warning",
        address.schema
    ))?;
    Ok(client)
}

fn row(row: &postgres::Row) -> DbResult<Row> {
    let cells = row.columns().iter().enumerate().map(|(at, column)| {
        let null = Value::Null;
        Ok(match *column.type_() {
            Type::BOOL => {
                row.try_get::<_, Option<bool>>(at)?.map_or(null, |b| Value::Integer(b.into()))
            }
            Type::INT4 => {
                row.try_get::<_, Option<i32>>(at)?.map_or(null, |n| Value::Integer(n.into()))
            }
            Type::INT8 => row.try_get::<_, Option<i64>>(at)?.map_or(null, Value::Integer),
            Type::FLOAT8 => row.try_get::<_, Option<f64>>(at)?.map_or(null, Value::Real),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at)?.map_or(null, Value::Bytes),
            _ => row.try_get::<_, Option<String>>(at)?.map_or(null, Value::Text),
        })
    });
    cells.collect::<DbResult<_>>().map(Row)
}

impl Value {
    /// The type that it is bound as; nothing has the type of its place.
    fn kind(&self) -> Type {
        match self {
            Self::Null => Type::UNKNOWN,
            Self::Integer(_) => Type::INT8,
            Self::Real(_) => Type::FLOAT8,
            Self::Bytes(_) => Type::BYTEA,
            Self::Text(_) | Self::Pattern(_) | Self::ExactPattern(_) => Type::TEXT,
        }
    }

    fn letter(&self) -> char {
        match self {
            Self::Null => '0',
            Self::Integer(_) => 'i',
            Self::Real(_) => 'r',
            Self::Bytes(_) => 'b',
            Self::Text(_) | Self::Pattern(_) | Self::ExactPattern(_) => 't',
        }
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql(kind, out),
            Self::Real(number) => number.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.as_slice().to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            // Only here a backslash in a pattern would mean something.
            Self::Pattern(pattern) | Self::ExactPattern(pattern) => {
                pattern.replace('\\', "\\\\").to_sql(kind, out)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        // Each statement is prepared with the types of its values.
        true
    }

    to_sql_checked!();
}
