//! Parts of the judged rows that must not suffer: the values of categories, the thirds of numbers.

use std::collections::BTreeMap;

use modelwright_core::data::{Column, ColumnData, Numbers, Table};

/// Parts with fewer rows say nothing.
pub(super) const ROWS_MIN: usize = 50;
/// The most frequent values of a category that are looked at.
const LEVELS_MAX: usize = 8;
/// Parts of a number, at quantiles.
const PARTS: usize = 3;

/// A part of the judged rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// In words, e.g. `plan = basic`.
    pub name: String,
    /// Its rows, ascending.
    pub rows: Vec<u32>,
}

/// The slices of the named columns, as far as the table has them; parts of few rows are left out.
pub fn slices_of(table: &Table, columns: &[String]) -> Vec<Slice> {
    let found = columns.iter().filter_map(|name| table.column(name));
    found.flat_map(of_column).filter(|slice| slice.rows.len() >= ROWS_MIN).collect()
}

fn of_column(column: &Column) -> Vec<Slice> {
    if let ColumnData::Number(values) = &column.data {
        let mut sorted: Vec<f64> = values.iter().filter(|v| v.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut distinct = sorted.clone();
        distinct.dedup();
        if distinct.len() > LEVELS_MAX {
            return of_quantiles(&column.name, values, &sorted);
        }
    }
    let mut rows: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for row in 0..column.n_rows() {
        let value = column.display(row).unwrap_or_else(|| "(missing)".to_owned());
        rows.entry(value).or_default().push(row as u32);
    }
    let mut levels: Vec<(String, Vec<u32>)> = rows.into_iter().collect();
    levels.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    levels.truncate(LEVELS_MAX);
    let slice = |(value, rows)| Slice { name: format!("{} = {value}", column.name), rows };
    levels.into_iter().map(slice).collect()
}

fn of_quantiles(name: &str, values: &Numbers, sorted: &[f64]) -> Vec<Slice> {
    let edge = |part: usize| sorted[part * (sorted.len() - 1) / PARTS];
    let part = |part: usize| {
        let (low, high) = (edge(part), edge(part + 1));
        let is_in = |v: f64| (v > low || (part == 0 && v >= low)) && v <= high;
        let rows = (0..).zip(values).filter(|(_, v)| is_in(*v)).map(|(row, _)| row).collect();
        Slice { name: format!("{name} from {low:.4} to {high:.4}"), rows }
    };
    (0..PARTS).map(part).collect()
}
