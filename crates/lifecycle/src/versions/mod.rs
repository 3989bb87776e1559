//! Data sets as versions: what they hold, what changed between two of them, and what that did to
//! the score.
//!
//! A data set is its content: [`Snapshot::content`] is a hash of the values of all columns by name,
//! the same for the same table whether it came as CSV or Parquet, and in whatever order its columns
//! stand. Of each column and each row a hash is kept, no value: two snapshots tell which columns
//! differ and how many rows came and went, and nothing else.

mod content;
mod diff;
mod keep;
#[cfg(test)]
mod tests;

pub use content::{ColumnVersion, Snapshot};
pub use diff::{ChangedColumn, Difference, Matched, diff_snapshots, diff_tables};
pub use keep::{LogLine, SnapshotRow};
