//! What columns cost, read from a file of two columns: their names, and a number each.

use std::path::Path;

use modelwright_automl::Purpose;
use modelwright_core::data::{Column, ColumnData};
use modelwright_core::{Context, Error, Result};
use modelwright_io::ReadOptions;

use crate::reading::read_within_limits;

/// Reads names and costs: the first column of text, and the first of numbers, in any format that
/// tables are read in.
///
/// # Errors
/// Input error when there are no such columns, a name or a cost is missing, or a cost is negative.
pub fn feature_costs_of(path: &Path) -> Result<Vec<(String, f64)>> {
    let ctx = Context::unlimited(0, 1);
    let file = read_within_limits(path, ReadOptions::default(), Purpose::Learn, "costs", &ctx)?;
    let error = |what: &str| Error::input(what).at(path.display().to_string());
    let columns = file.table.columns();
    let names = columns.iter().find(|c| matches!(c.data, ColumnData::String { .. }));
    let costs = columns.iter().find_map(|c| match &c.data {
        ColumnData::Number(values) => Some(values),
        _ => None,
    });
    let (Some(names), Some(costs)) = (names, costs) else {
        return Err(no_number(columns).map_or_else(
            || {
                error("the file does not say what columns cost")
                    .expected("a column of names and a column of numbers, e.g. column,cost")
            },
            |(row, column, text)| {
                error("a cost is no number")
                    .row(row)
                    .column(column)
                    .expected("a number from 0")
                    .got(text)
            },
        ));
    };
    let mut read: Vec<(String, f64)> = Vec::with_capacity(costs.len());
    for (row, cost) in costs.iter().enumerate() {
        let name = names.text(row).map(str::trim).filter(|name| !name.is_empty());
        let at_row = |what: &str| error(what).row(row as u64 + 1);
        let name = name.ok_or_else(|| at_row("a cost has no column"))?;
        if !(cost.is_finite() && cost >= 0.0) {
            let found = if cost.is_nan() { "nothing".to_owned() } else { cost.to_string() };
            return Err(at_row("a cost is missing, negative or endless")
                .column(name)
                .expected("a number from 0")
                .got(found));
        }
        if read.iter().any(|(known, _)| known == name) {
            return Err(at_row("a column has two costs").column(name).expected("one cost"));
        }
        read.push((name.to_owned(), cost));
    }
    Ok(read)
}

/// The first row (from 1), the column and the text of a cost that is no number, where some are.
fn no_number(columns: &[Column]) -> Option<(u64, &str, &str)> {
    columns.iter().find_map(|column| {
        let is_number =
            |row: usize| column.text(row).is_some_and(|text| text.trim().parse::<f64>().is_ok());
        let ColumnData::String { codes, .. } = &column.data else { return None };
        let n_rows = codes.len();
        // Names that look like numbers are rare, and a column of names alone is no column of costs.
        (0..n_rows).any(is_number).then_some(())?;
        let row = (0..n_rows).find(|row| column.text(*row).is_some() && !is_number(*row))?;
        Some((row as u64 + 1, column.name.as_str(), column.text(row)?))
    })
}
