//! Snapshots in the store, and which runs used which data.

use modelwright_core::{Error, Result};

use serde::Serialize;

use super::content::{ColumnVersion, Snapshot};
use super::diff::{Difference, diff_snapshots};
use crate::store::db::{DbResult, OptionalRow, Row, params};
use crate::store::{RunFilter, RunRow, RunStatus, Store};

/// What the files of row hashes end with.
const ROWS: &str = "rows";

/// A snapshot as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SnapshotRow {
    /// Its number.
    pub id: i64,
    /// The name of its file.
    pub name: String,
    /// When it was taken.
    pub at: String,
    /// SHA-256 of the file's bytes, by which runs name it.
    pub file_sha256: String,
    /// SHA-256 of what the table holds.
    pub content: String,
    /// Rows.
    pub n_rows: i64,
    /// Columns.
    pub n_columns: i64,
}

/// A run, the data that it used, and how both differ from the run before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogLine {
    /// The run's number.
    pub run: i64,
    /// What it did.
    pub kind: String,
    /// When it began.
    pub at: String,
    /// The target.
    pub target: Option<String>,
    /// The name of the data file.
    pub data_name: Option<String>,
    /// SHA-256 of the data file.
    pub data_sha256: Option<String>,
    /// Rows.
    pub n_rows: Option<i64>,
    /// The optimised metric and its value.
    pub metric: Option<String>,
    /// See `metric`.
    pub value: Option<f64>,
    /// The value minus that of the run `before`, by the same metric.
    pub change: Option<f64>,
    /// Whether the value lies within the 95 % interval of that of the run before; `None` where
    /// there is no change, or no interval.
    pub is_within: Option<bool>,
    /// The run that it stands beside; its data are what `difference` begins with. Of runs that look
    /// at a model, the look before at the same one, else the run that made it.
    pub before: Option<i64>,
    /// What changed in the data since; `None` when they are the same, or a snapshot is missing.
    pub difference: Option<Difference>,
}

impl Store {
    /// Keeps a snapshot; the same content under the same bytes is kept once.
    ///
    /// # Errors
    /// Work error when the store cannot be written to.
    pub fn keep_snapshot(
        &mut self,
        name: &str,
        file_sha256: &str,
        snapshot: &Snapshot,
        at: &str,
    ) -> Result<SnapshotRow> {
        let known = self.snapshots()?.into_iter().find(|s| {
            s.content == snapshot.content && s.file_sha256 == file_sha256 && s.name == name
        });
        if let Some(known) = known {
            return Ok(known);
        }
        let rows = if snapshot.rows.is_empty() {
            None
        } else {
            Some(self.keep_file(&snapshot.row_bytes(), ROWS)?)
        };
        let columns = serde_json::to_string(&snapshot.columns)
            .map_err(|e| Error::work("cannot write the snapshot").because(e))?;
        let n_rows = i64::try_from(snapshot.n_rows).unwrap_or(i64::MAX);
        self.in_transaction(|db| {
            db.execute(
                "INSERT INTO snapshots (name, at, file_sha256, content, n_rows, columns,
                 rows_sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![name, at, file_sha256, snapshot.content, n_rows, columns, rows],
            )?;
            let id = db.last_id()?;
            db.query_row(&format!("{COLUMNS} WHERE id = ?1"), params![id], row)
        })
    }

    /// All snapshots, newest first.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn snapshots(&self) -> Result<Vec<SnapshotRow>> {
        self.in_reading(|db| {
            let statement = db.prepare_cached(&format!("{COLUMNS} ORDER BY id DESC"))?;
            let rows = statement.query_map(&[], row)?;
            rows.collect()
        })
    }

    /// The snapshot that a text means: its number, or the start of a hash of its content or file.
    ///
    /// # Errors
    /// Input error when none, or several different ones, are meant.
    pub fn snapshot(&self, text: &str) -> Result<Snapshot> {
        let all = self.snapshots()?;
        let is_meant = |s: &&SnapshotRow| {
            let of_hash = |hash: &str| text.len() >= 6 && hash.starts_with(text);
            s.id.to_string() == text || of_hash(&s.content) || of_hash(&s.file_sha256)
        };
        let meant: Vec<&SnapshotRow> = all.iter().filter(is_meant).collect();
        let Some(first) = meant.first() else {
            return Err(Error::input("there is no such file, and no such snapshot")
                .got(text)
                .expected("a file, the number of a snapshot, or six characters of its hash")
                .hint("list them with `modelwright data log`"));
        };
        if meant.iter().any(|s| s.content != first.content) {
            return Err(Error::input("several snapshots begin so").got(text));
        }
        self.load_snapshot(first.id)
    }

    fn load_snapshot(&self, id: i64) -> Result<Snapshot> {
        let (content, n_rows, columns, rows): (String, i64, String, Option<String>) = self
            .in_reading(|db| {
                db.query_row(
                    "SELECT content, n_rows, columns, rows_sha256 FROM snapshots WHERE id = ?1",
                    params![id],
                    |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
                )
            })?;
        let columns: Vec<ColumnVersion> = serde_json::from_str(&columns)
            .map_err(|e| Error::input("a snapshot cannot be read").because(e))?;
        let n_rows = usize::try_from(n_rows).unwrap_or(0);
        let snapshot = Snapshot { content, n_rows, columns, rows: Vec::new() };
        match rows {
            None => Ok(snapshot),
            Some(sha256) => snapshot.with_row_bytes(&self.read_file(&sha256, ROWS)?),
        }
    }

    /// Runs that fitted or measured something, newest first, each beside the run before on the same
    /// target: what changed in the data, and in the score. A look at a model stands beside the look
    /// before at the same one, else beside the run that made it: another model has other scores on
    /// the same rows. `target` limits it to one.
    ///
    /// # Errors
    /// Work error when the store cannot be read.
    pub fn data_log(&self, target: Option<&str>) -> Result<Vec<LogLine>> {
        let is_meant = |run: &RunRow| {
            run.status == RunStatus::Finished
                && run.data_sha256.is_some()
                && target.is_none_or(|t| run.target.as_deref() == Some(t))
        };
        let mut runs = self.runs(&RunFilter::default())?;
        runs.retain(is_meant);
        let line = |at: usize| {
            let run = &runs[at];
            self.log_line(run, before(run, &runs[at + 1..]))
        };
        (0..runs.len()).map(line).collect()
    }

    fn log_line(&self, run: &RunRow, before: Option<&RunRow>) -> Result<LogLine> {
        let score = |run: &RunRow| {
            let first = run.metrics.first()?;
            Some((first.name.clone(), first.value?))
        };
        let (now, was) = (score(run), before.and_then(score));
        let change = match (&now, &was) {
            (Some(now), Some(was)) if now.0 == was.0 => Some(now.1 - was.1),
            _ => None,
        };
        // By chance alone values differ: only one beyond the interval tells of the data.
        let interval = before.and_then(|run| {
            let first = run.metrics.first()?;
            first.low.zip(first.high)
        });
        let is_within = match (&now, change, interval) {
            (Some((_, value)), Some(_), Some((low, high))) => Some((low..=high).contains(value)),
            _ => None,
        };
        let difference = match before {
            Some(before) if before.data_sha256 != run.data_sha256 => self.between(before, run)?,
            _ => None,
        };
        Ok(LogLine {
            run: run.id,
            kind: run.kind.clone(),
            at: run.started.clone(),
            target: run.target.clone(),
            data_name: run.data_name.clone(),
            data_sha256: run.data_sha256.clone(),
            n_rows: run.n_rows,
            metric: now.as_ref().map(|n| n.0.clone()),
            value: now.map(|n| n.1),
            change,
            is_within,
            before: before.map(|b| b.id),
            difference,
        })
    }

    /// What changed in the data of two runs, if there is a snapshot of both.
    fn between(&self, before: &RunRow, after: &RunRow) -> Result<Option<Difference>> {
        let of = |run: &RunRow| -> Result<Option<i64>> {
            self.in_reading(|db| {
                db.query_row(
                    "SELECT id FROM snapshots WHERE file_sha256 = ?1 ORDER BY id DESC LIMIT 1",
                    params![run.data_sha256],
                    |r| r.get(0),
                )
                .optional()
            })
        };
        let (Some(a), Some(b)) = (of(before)?, of(after)?) else { return Ok(None) };
        Ok(Some(diff_snapshots(&self.load_snapshot(a)?, &self.load_snapshot(b)?)))
    }
}

/// The run that a run stands beside, among earlier ones, newest first.
fn before<'a>(run: &RunRow, earlier: &'a [RunRow]) -> Option<&'a RunRow> {
    let of_target = || earlier.iter().filter(|r| r.target == run.target);
    let same_kind = |r: &&RunRow| r.kind == run.kind;
    if run.has_account() || run.model_sha256.is_none() {
        return of_target().find(same_kind);
    }
    let of_model = || of_target().filter(|r| r.model_sha256 == run.model_sha256);
    of_model().find(same_kind).or_else(|| of_model().find(|r| r.has_account()))
}

const COLUMNS: &str = "SELECT id, name, at, file_sha256, content, n_rows,
     json_array_length(columns) FROM snapshots";

fn row(r: &Row) -> DbResult<SnapshotRow> {
    Ok(SnapshotRow {
        id: r.get(0)?,
        name: r.get(1)?,
        at: r.get(2)?,
        file_sha256: r.get(3)?,
        content: r.get(4)?,
        n_rows: r.get(5)?,
        n_columns: r.get(6)?,
    })
}
