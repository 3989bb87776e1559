//! Repeated rows and repeated columns.
//!
//! One pass hashes every value once and folds it into the hash of its row and of its column. Equal
//! rows and columns have equal hashes; 64 bits make a false meeting improbable (below 10⁻⁷ for a
//! million rows), and columns, where an error would be told by name, are compared again.

use modelwright_core::Context;
use modelwright_core::data::{Column, ColumnData, MISSING_CODE, Table};
use modelwright_core::record::{Alert, AlertKind, Severity};

use crate::profile::wording::{count, percent, share};
use crate::sketch::hash;

/// Rows hashed by one task.
const PART_ROWS: usize = 32_768;
/// From this share on, repeated rows probably matter.
const ROWS_WARNING: f64 = 0.1;
/// The hash of a missing value.
const MISSING: u64 = 0x6d69_7373_696e_6721;

/// What repeats.
pub(crate) struct Repeats {
    /// Rows that repeat an earlier row.
    pub n_rows: usize,
    /// Pairs of columns: a repeated one and the first it repeats, by position.
    pub columns: Vec<(usize, usize)>,
}

/// Finds repeated rows and columns.
pub(super) fn find(table: &Table, ctx: &Context) -> Repeats {
    let columns: Vec<&Column> = table.columns().iter().collect();
    let (mut rows, column_hashes) = hashes(&columns, ctx);
    rows.sort_unstable();
    let n_rows = rows.windows(2).filter(|pair| pair[0] == pair[1]).count();
    Repeats { n_rows, columns: equal_columns(&columns, &column_hashes) }
}

/// A hash of every row of a table over the columns of these names (those that it has): rows that
/// are the same have the same.
pub fn row_hashes(table: &Table, names: &[&str], ctx: &Context) -> Vec<u64> {
    let columns: Vec<&Column> = names.iter().filter_map(|name| table.column(name)).collect();
    hashes(&columns, ctx).0
}

/// The hash of every row over the given columns, and of every column.
pub(crate) fn hashes(columns: &[&Column], ctx: &Context) -> (Vec<u64>, Vec<u64>) {
    let n_rows = columns.first().map_or(0, |c| c.n_rows());
    let dictionaries = ctx.map(columns.len(), |i| match &columns[i].data {
        ColumnData::String { dictionary, .. } => dictionary.iter().map(hash::of_text).collect(),
        _ => Vec::new(),
    });
    let parts = ctx.map(n_rows.div_ceil(PART_ROWS), |part| {
        let (start, end) = (part * PART_ROWS, ((part + 1) * PART_ROWS).min(n_rows));
        let mut rows = vec![0_u64; end - start];
        let of_column = |(column, dictionary): (&&Column, &Vec<u64>)| {
            fold_column(column, dictionary, start, &mut rows)
        };
        let columns: Vec<u64> = columns.iter().zip(&dictionaries).map(of_column).collect();
        (rows, columns)
    });
    let mut rows = Vec::with_capacity(n_rows);
    let mut whole = vec![0_u64; columns.len()];
    for (part_rows, part_columns) in parts {
        rows.extend(part_rows);
        for (hash, part) in whole.iter_mut().zip(part_columns) {
            *hash = hash::fold(*hash, part);
        }
    }
    (rows, whole)
}

fn fold_column(column: &Column, dictionary: &[u64], start: usize, rows: &mut [u64]) -> u64 {
    let mut whole = 0;
    let mut fold = |row: &mut u64, value: u64| {
        *row = hash::fold(*row, value);
        whole = hash::fold(whole, value);
    };
    match &column.data {
        ColumnData::Number(values) => {
            let of_rows = values.wide_part(start..start + rows.len());
            for (row, value) in rows.iter_mut().zip(&*of_rows) {
                fold(row, if value.is_nan() { MISSING } else { (value + 0.0).to_bits() });
            }
        }
        ColumnData::Instant(values) => {
            for (row, value) in rows.iter_mut().zip(&values[start..]) {
                fold(row, *value as u64);
            }
        }
        ColumnData::String { codes, .. } => {
            for (row, code) in rows.iter_mut().zip(&codes[start..]) {
                fold(row, if *code == MISSING_CODE { MISSING } else { dictionary[*code as usize] });
            }
        }
    }
    whole
}

fn equal_columns(columns: &[&Column], hashes: &[u64]) -> Vec<(usize, usize)> {
    let mut first = std::collections::BTreeMap::new();
    let mut pairs = Vec::new();
    for (i, hash) in hashes.iter().enumerate() {
        let original = *first.entry(hash).or_insert(i);
        if original != i && are_equal(columns[i], columns[original]) {
            pairs.push((i, original));
        }
    }
    pairs
}

fn are_equal(a: &Column, b: &Column) -> bool {
    match (&a.data, &b.data) {
        (ColumnData::Number(x), ColumnData::Number(y)) => {
            x.iter().zip(y).all(|(x, y)| x == y || (x.is_nan() && y.is_nan()))
        }
        (ColumnData::Instant(x), ColumnData::Instant(y)) => x == y,
        (ColumnData::String { .. }, ColumnData::String { .. }) => {
            (0..a.n_rows()).all(|row| a.text(row) == b.text(row))
        }
        _ => false,
    }
}

/// The alerts about what repeats; columns of one value repeat trivially and are left out.
pub(super) fn alerts(
    repeats: &Repeats,
    table: &Table,
    is_constant: impl Fn(usize) -> bool,
) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let part = share(repeats.n_rows, table.n_rows());
    if repeats.n_rows > 0 {
        let severity = if part >= ROWS_WARNING { Severity::Warning } else { Severity::Info };
        let message = format!(
            "{} rows ({}) repeat an earlier row exactly",
            count(repeats.n_rows),
            percent(part)
        );
        alerts.push(Alert { kind: AlertKind::DuplicateRows, severity, columns: vec![], message });
    }
    for (copy, original) in repeats.columns.iter().filter(|(copy, _)| !is_constant(*copy)) {
        let name = |i: usize| table.columns()[i].name.clone();
        alerts.push(Alert {
            kind: AlertKind::DuplicateColumns,
            severity: Severity::Warning,
            message: format!("`{}` repeats `{}` exactly", name(*copy), name(*original)),
            columns: vec![name(*copy), name(*original)],
        });
    }
    alerts
}
