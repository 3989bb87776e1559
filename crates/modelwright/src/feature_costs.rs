//! What columns cost, read from a file of two columns: their names, and a number each.

use std::path::Path;

use modelwright_automl::Purpose;
use modelwright_core::data::ColumnData;
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
        return Err(error("the file does not say what columns cost")
            .expected("a column of names and a column of numbers, e.g. column,cost"));
    };
    let mut read: Vec<(String, f64)> = Vec::with_capacity(costs.len());
    for (row, cost) in costs.iter().enumerate() {
        let name = names.text(row).map(str::trim).filter(|name| !name.is_empty());
        let at_row = |what: &str| error(what).row(row as u64 + 1);
        let name = name.ok_or_else(|| at_row("a cost has no column"))?;
        if !(cost.is_finite() && *cost >= 0.0) {
            return Err(at_row("a cost is missing, negative or endless")
                .column(name)
                .expected("a number from 0"));
        }
        if read.iter().any(|(known, _)| known == name) {
            return Err(at_row("a column has two costs").column(name));
        }
        read.push((name.to_owned(), *cost));
    }
    Ok(read)
}
