//! What changed between two tables.

use std::collections::BTreeMap;

use modelwright_core::data::{Column, Table};
use modelwright_core::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use super::content::{Snapshot, names, row_hashes};

/// How rows of both sides were put beside each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matched {
    /// By what they hold: a changed row went and came.
    Content,
    /// By the value of a column.
    Key(String),
    /// Not at all: there are too many of them, or their columns differ.
    Not,
}

/// What changed between two tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Rows before and after.
    pub n_rows: (usize, usize),
    /// Columns that only the second has.
    pub columns_added: Vec<String>,
    /// Columns that only the first has.
    pub columns_removed: Vec<String>,
    /// Columns of both whose values or type differ.
    pub columns_changed: Vec<ChangedColumn>,
    /// Columns that are the same, value by value.
    pub n_columns_same: usize,
    /// How rows were put beside each other.
    pub matched: Matched,
    /// Rows that only the second has.
    pub rows_added: Option<usize>,
    /// Rows that only the first has.
    pub rows_removed: Option<usize>,
    /// Rows of both, matched by a key, that differ in some column.
    pub rows_changed: Option<usize>,
}

/// A column of both whose values or type differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangedColumn {
    /// Its name.
    pub name: String,
    /// Its type before and after.
    pub storage: (String, String),
    /// Missing values before and after.
    pub n_missing: (usize, usize),
    /// Values that differ in rows that were matched by a key.
    pub n_values: Option<usize>,
}

impl Difference {
    /// Whether both are the same.
    pub fn is_empty(&self) -> bool {
        self.n_rows.0 == self.n_rows.1
            && self.columns_added.is_empty()
            && self.columns_removed.is_empty()
            && self.columns_changed.is_empty()
    }
}

/// What changed between two snapshots.
pub fn diff_snapshots(before: &Snapshot, after: &Snapshot) -> Difference {
    let mut found = columns(before, after);
    let has_rows = |s: &Snapshot| s.rows.len() == s.n_rows;
    let same_columns = found.columns_added.is_empty() && found.columns_removed.is_empty();
    if same_columns && has_rows(before) && has_rows(after) {
        let (removed, added) = come_and_gone(&before.rows, &after.rows);
        (found.rows_removed, found.rows_added) = (Some(removed), Some(added));
        found.matched = Matched::Content;
    }
    found
}

/// What changed between two tables; rows are matched by the values of `key`, or by what they hold
/// in the columns that both have.
///
/// # Errors
/// Input error when the key is not there, or not unique.
pub fn diff_tables(
    before: &Table,
    after: &Table,
    key: Option<&str>,
    ctx: &Context,
) -> Result<Difference> {
    let mut found = columns(&Snapshot::of(before, ctx), &Snapshot::of(after, ctx));
    if let Some(key) = key {
        by_key(before, after, key, &mut found)?;
        return Ok(found);
    }
    let mut common = names(before);
    common.retain(|name| after.column(name).is_some());
    let sorted = |table: &Table| {
        let mut hashes = row_hashes(table, &common, ctx);
        hashes.sort_unstable();
        hashes
    };
    let (removed, added) = come_and_gone(&sorted(before), &sorted(after));
    (found.rows_removed, found.rows_added) = (Some(removed), Some(added));
    found.matched = Matched::Content;
    Ok(found)
}

fn columns(before: &Snapshot, after: &Snapshot) -> Difference {
    let of = |s: &Snapshot, name: &str| s.columns.iter().find(|c| c.name == name).cloned();
    let only = |a: &Snapshot, b: &Snapshot| {
        let names = a.columns.iter().map(|c| c.name.clone());
        names.filter(|name| of(b, name).is_none()).collect::<Vec<String>>()
    };
    let (mut changed, mut n_same) = (Vec::new(), 0);
    for was in &before.columns {
        let Some(is) = of(after, &was.name) else { continue };
        if is == *was && before.n_rows == after.n_rows {
            n_same += 1;
            continue;
        }
        let storage = |c: &super::ColumnVersion| format!("{:?}", c.storage).to_lowercase();
        changed.push(ChangedColumn {
            name: was.name.clone(),
            storage: (storage(was), storage(&is)),
            n_missing: (was.n_missing, is.n_missing),
            n_values: None,
        });
    }
    Difference {
        n_rows: (before.n_rows, after.n_rows),
        columns_added: only(after, before),
        columns_removed: only(before, after),
        columns_changed: changed,
        n_columns_same: n_same,
        matched: Matched::Not,
        rows_added: None,
        rows_removed: None,
        rows_changed: None,
    }
}

/// How many elements of two ascending lists are in the first only, and in the second only.
fn come_and_gone(before: &[u64], after: &[u64]) -> (usize, usize) {
    let (mut i, mut j, mut gone, mut come) = (0, 0, 0, 0);
    while i < before.len() && j < after.len() {
        let (a, b) = (before[i], after[j]);
        gone += usize::from(a < b);
        come += usize::from(b < a);
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    (gone + before.len() - i, come + after.len() - j)
}

fn by_key(before: &Table, after: &Table, key: &str, found: &mut Difference) -> Result<()> {
    let (was, is) = (rows_by_key(before, key)?, rows_by_key(after, key)?);
    let pairs: Vec<(usize, usize)> =
        was.iter().filter_map(|(key, row)| Some((*row, *is.get(key)?))).collect();
    let mut differs = vec![false; pairs.len()];
    for changed in &mut found.columns_changed {
        let (Some(a), Some(b)) = (before.column(&changed.name), after.column(&changed.name)) else {
            continue;
        };
        let mut n_values = 0;
        for (at, (row_a, row_b)) in pairs.iter().enumerate() {
            if a.display(*row_a) != b.display(*row_b) {
                n_values += 1;
                differs[at] = true;
            }
        }
        changed.n_values = Some(n_values);
    }
    // Where rows only came or went, the columns' values are what they were.
    found.n_columns_same += found.columns_changed.len();
    found.columns_changed.retain(|c| c.n_values != Some(0) || c.storage.0 != c.storage.1);
    found.n_columns_same -= found.columns_changed.len();
    found.rows_changed = Some(differs.iter().filter(|d| **d).count());
    found.rows_removed = Some(was.len() - pairs.len());
    found.rows_added = Some(is.len() - pairs.len());
    found.matched = Matched::Key(key.to_owned());
    Ok(())
}

fn rows_by_key(table: &Table, key: &str) -> Result<BTreeMap<String, usize>> {
    let column: &Column = table.require(key)?;
    let mut rows = BTreeMap::new();
    for row in 0..column.n_rows() {
        let place = row as u64 + 1;
        let Some(value) = column.display(row) else {
            return Err(Error::input("the key is missing in a row")
                .row(place)
                .column(key)
                .expected("a value in every row"));
        };
        if let Some(first) = rows.insert(value.clone(), row) {
            return Err(Error::input("two rows have one key")
                .row(place)
                .column(key)
                .expected("every key once")
                .got(format!("{value}, also in row {}", first + 1)));
        }
    }
    Ok(rows)
}
