//! The sketches of all columns of a table.

use modelwright_core::data::Table;
use modelwright_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use super::column::ColumnSketch;

/// Into how many parts the rows of a column are cut at most; fixed, so that the merged sketch does
/// not depend on the number of threads.
const PARTS_MAX: usize = 8;
/// Fewer rows than this are not cut.
const PART_ROWS_MIN: usize = 65_536;
/// Columns whose parts are held at once: enough for every thread, and little memory.
const COLUMNS_AT_ONCE: usize = 4;

/// The sketches of a table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableSketch {
    /// Rows.
    pub n_rows: usize,
    /// Names and sketches, in file order.
    pub columns: Vec<(String, ColumnSketch)>,
}

impl TableSketch {
    /// The sketches of all columns of a table.
    ///
    /// # Errors
    /// None that a table can cause.
    pub fn of(table: &Table, ctx: &Context) -> Result<Self> {
        let n_rows = table.n_rows();
        let n_parts = n_rows.div_ceil(PART_ROWS_MIN).clamp(1, PARTS_MAX);
        let part_rows = n_rows.div_ceil(n_parts);
        let mut columns = Vec::with_capacity(table.n_columns());
        let at_once = if n_parts == 1 { table.n_columns().max(1) } else { COLUMNS_AT_ONCE };
        for some in table.columns().chunks(at_once) {
            let mut parts = ctx
                .map(some.len() * n_parts, |task| {
                    let (column, part) = (task / n_parts, task % n_parts);
                    let rows = part * part_rows..((part + 1) * part_rows).min(n_rows);
                    ColumnSketch::of(&some[column], rows)
                })
                .into_iter();
            for column in some {
                let mut whole = ColumnSketch::new(super::column::storage_of(&column.data));
                for part in parts.by_ref().take(n_parts) {
                    whole.merge(&part)?;
                }
                columns.push((column.name.clone(), whole));
            }
        }
        Ok(Self { n_rows, columns })
    }

    /// Whether a sketch that was read from a file could have been made by [`Self::of`]; whoever
    /// decodes one asks this before using it.
    ///
    /// # Errors
    /// Input error naming the column whose sketch is not sound.
    pub fn validate(&self) -> Result<()> {
        match self.columns.iter().find(|(_, sketch)| !sketch.is_sound()) {
            Some((name, _)) => Err(Error::input("a stored sketch is damaged").column(name)),
            None => Ok(()),
        }
    }

    /// The sketch of the column `name`.
    pub fn column(&self, name: &str) -> Option<&ColumnSketch> {
        self.columns.iter().find(|(n, _)| n == name).map(|(_, sketch)| sketch)
    }
}
