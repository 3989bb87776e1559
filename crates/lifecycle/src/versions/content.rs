//! What a table holds, as hashes.

use modelwright_core::data::{Column, ColumnData, Storage, Table};
use modelwright_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest::{hex, sha256_hex};

/// Stand for a missing value and for the end of a value: neither is part of a text.
const MISSING: &[u8] = b"\0";
const END: &[u8] = b"\x1f";

/// Rows whose hashes are kept, at most: eight bytes each.
const ROWS_MAX: usize = 4_000_000;

/// What hashing takes for each value of a table, in seconds, and the share of the time left that
/// it may take beside other work.
const SECONDS_PER_VALUE: f64 = 5e-7;
const SHARE_OF_TIME: f64 = 0.02;
/// The same where there is no limit.
const SECONDS_MAX: f64 = 10.0;

/// Rows that are hashed by one thread at a time.
const ROWS_PER_TASK: usize = 16_384;

/// A table at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// SHA-256 of all it holds.
    pub content: String,
    /// Rows.
    pub n_rows: usize,
    /// Its columns, by name.
    pub columns: Vec<ColumnVersion>,
    /// A hash of each row, ascending; empty when there are too many rows.
    #[serde(skip)]
    pub rows: Vec<u64>,
}

/// A column at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnVersion {
    /// Its name.
    pub name: String,
    /// How its values are held.
    pub storage: Storage,
    /// SHA-256 of its values in order.
    pub sha256: String,
    /// Missing values.
    pub n_missing: usize,
}

impl Snapshot {
    /// What a table holds.
    pub fn of(table: &Table, ctx: &Context) -> Self {
        let mut columns = ctx.map(table.n_columns(), |i| version(&table.columns()[i]));
        columns.sort_by(|a, b| a.name.cmp(&b.name));
        let all: Vec<String> =
            columns.iter().map(|c| format!("{}\0{:?}\0{}", c.name, c.storage, c.sha256)).collect();
        let content = sha256_hex(format!("{}\n{}", table.n_rows(), all.join("\n")).as_bytes());
        let mut rows = Vec::new();
        if table.n_rows() <= ROWS_MAX {
            rows = row_hashes(table, &names(table), ctx);
            rows.sort_unstable();
        }
        Self { content, n_rows: table.n_rows(), columns, rows }
    }

    /// The same beside other work, which has its budget: `None` where it would take more than a
    /// fiftieth of the time left, or than some seconds without a limit. No result of that work
    /// depends on it.
    pub fn beside(table: &Table, ctx: &Context) -> Option<Self> {
        let seconds = SECONDS_PER_VALUE * table.n_rows() as f64 * table.n_columns() as f64;
        let allowed =
            ctx.remaining().map_or(SECONDS_MAX, |left| left.as_secs_f64() * SHARE_OF_TIME);
        (seconds <= allowed.min(SECONDS_MAX)).then(|| Self::of(table, ctx))
    }

    /// The hashes of rows as bytes.
    pub(super) fn row_bytes(&self) -> Vec<u8> {
        self.rows.iter().flat_map(|hash| hash.to_le_bytes()).collect()
    }

    /// The hashes of rows from bytes.
    pub(super) fn with_row_bytes(mut self, bytes: &[u8]) -> Result<Self> {
        let (hashes, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() || hashes.len() != self.n_rows {
            return Err(Error::input("the rows of a snapshot are damaged")
                .expected(format!("{} hashes", self.n_rows))
                .got(format!("{} bytes", bytes.len())));
        }
        self.rows = hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect();
        Ok(self)
    }
}

/// The names of a table's columns, ascending.
pub(super) fn names(table: &Table) -> Vec<String> {
    let mut names: Vec<String> = table.names().map(str::to_owned).collect();
    names.sort_unstable();
    names
}

fn version(column: &Column) -> ColumnVersion {
    let mut hasher = Sha256::new();
    let mut n_missing = 0;
    for row in 0..column.n_rows() {
        if let Some(text) = column.display(row) {
            hasher.update(text.as_bytes());
        } else {
            n_missing += 1;
            hasher.update(MISSING);
        }
        hasher.update(END);
    }
    ColumnVersion {
        name: column.name.clone(),
        storage: storage_of(&column.data),
        sha256: hex(&hasher.finalize()),
        n_missing,
    }
}

fn storage_of(data: &ColumnData) -> Storage {
    match data {
        ColumnData::Number(_) => Storage::Number,
        ColumnData::Instant(_) => Storage::Instant,
        ColumnData::String { .. } => Storage::String,
    }
}

/// A hash of each row, in order, over the named columns.
pub(super) fn row_hashes(table: &Table, names: &[String], ctx: &Context) -> Vec<u64> {
    let columns: Vec<&Column> = names.iter().filter_map(|name| table.column(name)).collect();
    let n_rows = table.n_rows();
    let parts = ctx.map(n_rows.div_ceil(ROWS_PER_TASK), |part| {
        let rows = part * ROWS_PER_TASK..((part + 1) * ROWS_PER_TASK).min(n_rows);
        rows.map(|row| row_hash(&columns, row)).collect::<Vec<u64>>()
    });
    parts.concat()
}

fn row_hash(columns: &[&Column], row: usize) -> u64 {
    let mut hasher = Sha256::new();
    for column in columns {
        match column.display(row) {
            Some(text) => hasher.update(text.as_bytes()),
            None => hasher.update(MISSING),
        }
        hasher.update(END);
    }
    let digest = hasher.finalize();
    digest.iter().take(8).fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
}
