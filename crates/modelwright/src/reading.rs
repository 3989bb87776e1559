//! Reading a table within what a run may take: a file, or what another program holds in memory.

use std::path::{Path, PathBuf};

use modelwright_automl::{Purpose, ReadingLimits};
use modelwright_core::context::Event;
use modelwright_core::data::{Column, Schema};
use modelwright_core::record::{DataSource, TextLayout};
use modelwright_core::{Context, Result};
use modelwright_io::{ReadOptions, Room, TableFile, fingerprint, read_path, table_in_memory};

/// Rows, wherever they are.
#[derive(Debug, Clone)]
pub enum Rows {
    /// A file; `-` is standard input.
    File(PathBuf),
    /// Columns in memory.
    Table {
        /// What the record calls them.
        name: String,
        /// What held them, such as `pandas`.
        format: String,
        /// The columns, as they were handed over.
        columns: Vec<Column>,
    },
}

/// As people call them: the account of a run holds no rows.
impl serde::Serialize for Rows {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

impl Rows {
    /// What people call them.
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Table { name, .. } => name.clone(),
        }
    }

    /// Reads them; a file as [`read_within_limits`] does.
    ///
    /// # Errors
    /// As [`read_within_limits`] and [`table_in_memory`].
    pub fn read(
        &self,
        options: ReadOptions,
        to: Purpose,
        scope: &str,
        ctx: &Context,
    ) -> Result<TableFile> {
        match self {
            Self::File(path) => read_within_limits(path, options, to, scope, ctx),
            Self::Table { name, format, columns } => {
                let columns = columns.clone();
                let mut file = table_in_memory(columns, (name, format), Vec::new(), &options, ctx)?;
                file.source.sha256 = fingerprint(&file.table, ctx);
                Ok(file)
            }
        }
    }
}

/// Reads a table under the memory limit and inside the time of `ctx`; a file that asks for more is
/// read as a sample of its rows, and the table's source says so.
///
/// `name` is the scope in which the decisions about the sample stand in the record; a replay
/// reads under the same name.
///
/// # Errors
/// As [`read_path`]; work error when not even a few rows fit under the memory limit.
pub fn read_within_limits(
    path: &Path,
    options: ReadOptions,
    to: Purpose,
    name: &str,
    ctx: &Context,
) -> Result<TableFile> {
    let limits = ReadingLimits::of(ctx, to);
    let mut ctx = ctx.scope(name);
    if let Some(time) = limits.time {
        ctx = ctx.with_time_limit(time);
    }
    // Without a memory limit there may still be one of time.
    let bytes = limits.bytes.unwrap_or(u64::MAX);
    let room = Some(Room { bytes, n_rows_min: limits.n_rows_min });
    let file = read_path(path, &ReadOptions { room, ..options }, &ctx)?;
    ReadingLimits::check_columns(file.table.n_columns(), &ctx)
        .map_err(|e| e.at(path.display().to_string()))?;
    Ok(file)
}

/// Reads the training table, or the sample of it that there is room and time for; `text` is what
/// is known of it if it is text.
///
/// # Errors
/// As [`read_within_limits`].
pub fn read_train(path: &Path, text: &TextLayout, ctx: &Context) -> Result<TableFile> {
    let options = ReadOptions::of_text(text)?;
    let train = read_within_limits(path, options, Purpose::Learn, "read", ctx)?;
    tell_remarks(&train.source, ctx);
    Ok(train)
}

/// Reads the training table of a model that learned before: the columns that it was trained on, as
/// they were read then.
///
/// # Errors
/// As [`read_train`], and input error for a cell that does not fit its column.
pub fn read_train_as(
    path: &Path,
    text: &TextLayout,
    schema: &Schema,
    ctx: &Context,
) -> Result<TableFile> {
    let options = ReadOptions { schema: Some(schema.clone()), ..ReadOptions::of_text(text)? };
    let train = read_within_limits(path, options, Purpose::Learn, "read", ctx)?;
    tell_remarks(&train.source, ctx);
    Ok(train)
}

/// Reads a test table as the training table was read.
///
/// # Errors
/// As [`read_within_limits`].
pub fn read_test(
    path: &Path,
    text: &TextLayout,
    train: &TableFile,
    ctx: &Context,
) -> Result<TableFile> {
    let schema = Some(train.schema.clone());
    let as_trained = ReadOptions { schema, ..ReadOptions::of_text(text)? };
    let test = read_within_limits(path, as_trained, Purpose::Learn, "read-test", ctx)?;
    tell_remarks(&test.source, ctx);
    Ok(test)
}

/// Passes on what the reader had to say.
pub fn tell_remarks(source: &DataSource, ctx: &Context) {
    tell_sample(source, ctx);
    for note in &source.notes {
        ctx.tell(Event::Note(format!("{}: {note}", source.name)));
    }
}

/// Warns that a table is a sample of its file.
pub fn tell_sample(source: &DataSource, ctx: &Context) {
    if let Some(sample) = &source.sample {
        ctx.tell(Event::Warning(format!("{}: {}", source.name, sample.account)));
    }
}
