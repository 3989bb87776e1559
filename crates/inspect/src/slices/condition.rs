//! Conditions on one raw column: a range of numbers or moments, a text, or being missing.

use std::collections::HashMap;
use std::fmt;

use modelwright_core::data::{
    Column, ColumnData, MISSING_CODE, MISSING_INSTANT, Table, instant_text, short_number_text,
};

/// Numbers are cut at these quantiles.
const CUTS: [f64; 3] = [0.25, 0.5, 0.75];

/// The most frequent texts of a column that make conditions.
const TEXTS_MAX: usize = 12;

/// A condition with the rows of the search that fulfil it.
pub(super) struct Condition {
    /// The column's name.
    pub(super) column: String,
    what: What,
    /// Whether each searched row fulfils it, as bits.
    pub(super) rows: Vec<u64>,
}

enum What {
    /// Above the first, up to the second value; either end may be open.
    Range {
        above: Option<f64>,
        up_to: Option<f64>,
        is_time: bool,
    },
    /// Equal to a text.
    Text(String),
    Missing,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.column;
        match &self.what {
            What::Missing => write!(f, "{name} is missing"),
            What::Text(text) => write!(f, "{name} = {text}"),
            What::Range { above, up_to, is_time } => {
                let text =
                    |v: f64| if *is_time { instant_text(v as i64) } else { short_number_text(v) };
                match (above, up_to) {
                    (Some(a), Some(b)) => write!(f, "{} < {name} ≤ {}", text(*a), text(*b)),
                    (Some(a), None) => write!(f, "{name} > {}", text(*a)),
                    (None, Some(b)) => write!(f, "{name} ≤ {}", text(*b)),
                    (None, None) => write!(f, "{name} is there"),
                }
            }
        }
    }
}

impl Condition {
    /// Whether a row of the table fulfils it.
    pub(super) fn holds(&self, table: &Table, row: usize) -> bool {
        table.column(&self.column).is_some_and(|column| self.what.holds(column, row))
    }
}

impl What {
    fn holds(&self, column: &Column, row: usize) -> bool {
        match self {
            Self::Missing => column.is_missing(row),
            Self::Text(text) => column.text(row) == Some(text),
            Self::Range { above, up_to, .. } => value(column, row)
                .is_some_and(|v| above.is_none_or(|a| v > a) && up_to.is_none_or(|b| v <= b)),
        }
    }
}

/// A number or a moment as a number.
fn value(column: &Column, row: usize) -> Option<f64> {
    match &column.data {
        ColumnData::Number(values) => Some(values.at(row)).filter(|v| !v.is_nan()),
        ColumnData::Instant(values) => {
            Some(values[row]).filter(|v| *v != MISSING_INSTANT).map(|v| v as f64)
        }
        ColumnData::String { .. } => None,
    }
}

/// The conditions of the named columns, with the `rows` that fulfil them.
pub(super) fn conditions(table: &Table, names: &[String], rows: &[u32]) -> Vec<Condition> {
    let mut all = Vec::new();
    for name in names {
        let Some(column) = table.column(name) else { continue };
        for what in of_column(column, rows) {
            let mut bits = vec![0_u64; rows.len().div_ceil(64)];
            for (at, row) in rows.iter().enumerate() {
                if what.holds(column, *row as usize) {
                    bits[at / 64] |= 1 << (at % 64);
                }
            }
            all.push(Condition { column: name.clone(), what, rows: bits });
        }
    }
    all
}

fn of_column(column: &Column, rows: &[u32]) -> Vec<What> {
    let mut all = match &column.data {
        ColumnData::String { codes, dictionary } => {
            let mut counts: HashMap<u32, usize> = HashMap::new();
            for row in rows {
                *counts.entry(codes[*row as usize]).or_default() += 1;
            }
            let mut counts: Vec<(u32, usize)> =
                counts.into_iter().filter(|(code, _)| *code != MISSING_CODE).collect();
            counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            counts.truncate(TEXTS_MAX);
            counts.iter().map(|(code, _)| What::Text(dictionary.get(*code).to_owned())).collect()
        }
        ColumnData::Number(_) | ColumnData::Instant(_) => ranges(column, rows),
    };
    if rows.iter().any(|row| column.is_missing(*row as usize)) {
        all.push(What::Missing);
    }
    all
}

/// Ranges between quartiles; of few distinct values one range for each.
fn ranges(column: &Column, rows: &[u32]) -> Vec<What> {
    let is_time = matches!(column.data, ColumnData::Instant(_));
    let mut values: Vec<f64> = rows.iter().filter_map(|r| value(column, *r as usize)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return Vec::new() };
    let mut cuts: Vec<f64> = CUTS.iter().map(|q| values[(q * last as f64) as usize]).collect();
    let mut distinct = values.clone();
    distinct.dedup();
    if distinct.len() <= CUTS.len() + 1 {
        cuts.clone_from(&distinct);
    }
    cuts.retain(|cut| *cut < values[last]);
    cuts.dedup();
    let edges: Vec<Option<f64>> =
        [None].into_iter().chain(cuts.into_iter().map(Some)).chain([None]).collect();
    let range = |ends: &[Option<f64>]| What::Range { above: ends[0], up_to: ends[1], is_time };
    // One range that holds everything says nothing.
    if edges.len() > 2 { edges.windows(2).map(range).collect() } else { Vec::new() }
}
