//! `data`: versions of data sets: what they hold, what changed, what that did to the score.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use modelwright::lifecycle::versions::{
    ChangedColumn, Difference, Matched, Snapshot, diff_snapshots, diff_tables,
};
use modelwright_core::data::Table;
use modelwright_core::{Context, Error, Result};
use modelwright_io::{ReadOptions, read_path};
use serde_json::json;

use crate::flags::text::TextArgs;
use crate::flags::values;
use crate::output::{self, TextTable, count, number};
use crate::recording::{existing_store, store};
use crate::session::{Limits, Session};

const EXAMPLES: &str = "\
Examples:
  modelwright data snapshot train.csv
  modelwright data diff train.csv train_new.csv --key customer
  modelwright data diff 3 train.csv
  modelwright data log --target churned

A data set is what it holds: the same table as CSV or Parquet has the same content hash. Snapshots
keep hashes of columns and rows, no values. Recorded fits, retrainings, evaluations and audits take
one by themselves where that takes little time.";

/// Flags of `data`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Data {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Keep what a file holds now, as hashes
    Snapshot {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        text: TextArgs,
    },
    /// Which columns and rows differ
    Diff {
        /// A file, or a snapshot's number or hash
        #[arg(value_name = "BEFORE")]
        before: PathBuf,
        /// A file, or a snapshot's number or hash
        #[arg(value_name = "AFTER")]
        after: PathBuf,
        /// The column by which rows are matched, of two files [default: by what they hold]
        #[arg(long, value_name = "COLUMN", value_parser = values::name)]
        key: Option<String>,
        #[command(flatten)]
        text: TextArgs,
    },
    /// Which data runs used, what changed in them since the run before, and the score
    Log {
        /// Only runs on this target
        #[arg(long, value_name = "COLUMN", value_parser = values::name)]
        target: Option<String>,
    },
}

impl Data {
    /// Does what is asked.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        match self.action {
            Action::Snapshot { file, text } => snapshot(&file, &text, session),
            Action::Diff { before, after, key, text: said } => {
                let found = diff((&before, &after), key.as_deref(), &said, session)?;
                if session.global.json {
                    return output::print_json(&found);
                }
                output::print(&text(&found))
            }
            Action::Log { target } => log(target.as_deref(), session),
        }
    }
}

fn snapshot(file: &Path, text: &TextArgs, session: &Session) -> Result<()> {
    let ctx = session.context(Limits::default())?;
    let read = read_path(file, &ReadOptions::of_text(&text.layout())?, &ctx)?;
    let snapshot = Snapshot::of(&read.table, &ctx);
    drop(ctx);
    let name = &read.source.name;
    let mut store = store(session)?;
    let kept = store.keep_snapshot(name, &read.source.sha256, &snapshot, &session.created)?;
    if session.global.json {
        return output::print_json(&json!({ "snapshot": kept, "columns": snapshot.columns }));
    }
    output::print(&format!(
        "snapshot {}: {name}, {} rows, {} columns\n  content  {}\n",
        kept.id,
        count(snapshot.n_rows),
        snapshot.columns.len(),
        kept.content
    ))
}

/// What a name means: a file's table, or a snapshot.
enum Side {
    Table(Table),
    Snapshot(Snapshot),
}

impl Side {
    fn of(name: &Path, text: &TextArgs, session: &Session, ctx: &Context) -> Result<Self> {
        if name.exists() {
            let options = ReadOptions::of_text(&text.layout())?;
            return Ok(Self::Table(read_path(name, &options, ctx)?.table));
        }
        existing_store(session)?.snapshot(&name.to_string_lossy()).map(Self::Snapshot)
    }

    fn snapshot(self, ctx: &Context) -> Snapshot {
        match self {
            Self::Table(table) => Snapshot::of(&table, ctx),
            Self::Snapshot(snapshot) => snapshot,
        }
    }
}

fn diff(
    (before, after): (&Path, &Path),
    key: Option<&str>,
    said: &TextArgs,
    session: &Session,
) -> Result<Difference> {
    if let (Some(key), Some(stored)) = (key, [before, after].into_iter().find(|p| !p.exists())) {
        // What is neither a file nor a snapshot is said first.
        existing_store(session)?.snapshot(&stored.to_string_lossy())?;
        return Err(no_keys(key, stored));
    }
    let ctx = session.context(Limits::default())?;
    match (Side::of(before, said, session, &ctx)?, Side::of(after, said, session, &ctx)?) {
        (Side::Table(a), Side::Table(b)) => diff_tables(&a, &b, key, &ctx),
        (a, b) => Ok(diff_snapshots(&a.snapshot(&ctx), &b.snapshot(&ctx))),
    }
}

/// Snapshots know rows only whole: which of them has which key is not in their hashes.
fn no_keys(key: &str, stored: &Path) -> Error {
    Error::input("rows can be matched by a key only where both are files")
        .at("--key")
        .expected("two files")
        .got(format!(
            "the snapshot {}, which keeps a hash of each row and no values of `{key}`",
            stored.display()
        ))
        .hint(
            "give the file that the snapshot was taken of, or leave --key out: rows are then \
             compared by what they hold",
        )
}

/// The rows in words.
fn rows_text(found: &Difference) -> String {
    let n = |n: Option<usize>| n.map_or("?".to_owned(), count);
    let rows = format!("{} rows, {} before", count(found.n_rows.1), count(found.n_rows.0));
    match &found.matched {
        Matched::Not => format!("{rows} (not compared one by one)"),
        Matched::Content => {
            format!("{rows}: {} came, {} went", n(found.rows_added), n(found.rows_removed))
        }
        Matched::Key(key) => format!(
            "{rows}: {} came, {} went, {} changed (by `{key}`)",
            n(found.rows_added),
            n(found.rows_removed),
            n(found.rows_changed)
        ),
    }
}

fn text(found: &Difference) -> String {
    if found.is_empty() {
        return format!("the same: {} rows\n", count(found.n_rows.0));
    }
    let mut text = format!("{}\n", rows_text(found));
    for (what, names) in [("new", &found.columns_added), ("gone", &found.columns_removed)] {
        if !names.is_empty() {
            let _ = writeln!(text, "{what} columns: {}", names.join(", "));
        }
    }
    let changed: Vec<&ChangedColumn> =
        found.columns_changed.iter().filter(|c| says_something(c, found)).collect();
    if !changed.is_empty() {
        let mut table = TextTable::new(&["changed column", "type", ">missing", ">values changed"]);
        for column in changed {
            let pair = |a: String, b: String| if a == b { a } else { format!("{a} → {b}") };
            let (was, is) = column.storage.clone();
            let (before, after) = column.n_missing;
            table.row(vec![
                column.name.clone(),
                pair(was, is),
                pair(count(before), count(after)),
                column.n_values.map_or(String::new(), count),
            ]);
        }
        text += "\n";
        text += &table.render();
    }
    if is_all_new(found) {
        text += "\nNo row is the same on both sides: what changed in every row makes all of them \
                 others.\nWith --key COLUMN the rows of two files are matched by a column, and \
                 values are counted.\n";
    }
    text
}

/// Whether no row of either side is one of the other.
fn is_all_new(found: &Difference) -> bool {
    found.matched == Matched::Content
        && found.n_rows.0.min(found.n_rows.1) > 0
        && found.rows_removed == Some(found.n_rows.0)
}

/// Whether a line about a column says more than that rows came, went or changed places: where other
/// columns are the same value by value, rows stand where they stood.
fn says_something(column: &ChangedColumn, found: &Difference) -> bool {
    column.n_values.is_some()
        || column.storage.0 != column.storage.1
        || column.n_missing.0 != column.n_missing.1
        || found.n_columns_same > 0
}

fn log(target: Option<&str>, session: &Session) -> Result<()> {
    let store = existing_store(session)?;
    let lines = store.data_log(target)?;
    let snapshots = store.snapshots()?;
    if session.global.json {
        return output::print_json(&json!({ "runs": lines, "snapshots": snapshots }));
    }
    let mut text = String::new();
    if !lines.is_empty() {
        let titles = ["run", "kind", "data", ">rows", "score", ">change", "", "what changed since"];
        let mut table = TextTable::new(&titles);
        for line in &lines {
            let score = line.metric.as_ref().zip(line.value);
            let since = match (&line.difference, line.before) {
                (Some(found), Some(before)) => format!("run {before}: {}", rows_text(found)),
                (None, Some(before)) => {
                    let was = lines.iter().find(|l| l.run == before);
                    let is_same = was.is_some_and(|was| was.data_sha256 == line.data_sha256);
                    let what = if is_same { "the same data" } else { "other data, not compared" };
                    format!("run {before}: {what}")
                }
                (_, None) => String::new(),
            };
            let hash = line.data_sha256.as_deref().and_then(|h| h.get(..8)).unwrap_or_default();
            table.row(vec![
                line.run.to_string(),
                line.kind.clone(),
                format!("{} {hash}", line.data_name.as_deref().unwrap_or_default()),
                line.n_rows.map_or(String::new(), |n| count(usize::try_from(n).unwrap_or(0))),
                score.map_or(String::new(), |(m, v)| format!("{m} {}", number(v))),
                line.change.map_or(String::new(), |c| format!("{c:+.5}")),
                line.is_within.map_or("", |is| if is { "within" } else { "beyond" }).to_owned(),
                since,
            ]);
        }
        text += &table.render();
        if lines.iter().any(|line| line.is_within.is_some()) {
            text += "\nwithin, beyond: of the 95 % interval of the score of the run before\n";
        }
    }
    if !snapshots.is_empty() {
        let mut table = TextTable::new(&[">snapshot", "taken", "file", ">rows", "content"]);
        for s in &snapshots {
            table.row(vec![
                s.id.to_string(),
                output::time(&s.at),
                s.name.clone(),
                count(usize::try_from(s.n_rows).unwrap_or(0)),
                s.content.get(..16).unwrap_or_default().to_owned(),
            ]);
        }
        text += if text.is_empty() { "" } else { "\n" };
        text += &table.render();
    }
    if text.is_empty() {
        "no runs and no snapshots\n".clone_into(&mut text);
    }
    output::print(&text)
}
