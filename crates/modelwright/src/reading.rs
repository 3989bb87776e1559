//! Reading a table within what a run may take.

use std::path::Path;

use modelwright_automl::{Purpose, ReadingLimits};
use modelwright_core::{Context, Result};
use modelwright_io::{ReadOptions, Room, TableFile, read_path};

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
