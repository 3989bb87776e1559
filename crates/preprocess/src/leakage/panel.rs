//! Things that are looked at again and again: rows of one thing at several times, nearly the same.
//!
//! A table of customers by month has a key, a time, and features that hardly change from one month
//! to the next. A random split puts months of the same customer on both sides, and the model knows
//! its test rows almost by heart. The target need not be nearly the same for that to pay: some
//! likeness is enough, where the other columns say who it is.
//!
//! All of it must be there, so that clean tables stay clean: a column that is named like a key and
//! repeats (that is seen to by the caller), times that differ within its groups, most of the other
//! columns alike within them, and a target that is more alike than by chance.

use modelwright_core::data::{Column, ColumnData, Kind};
use modelwright_core::task::Target;

use super::copy::value_bits;
use super::groups::{Groups, intraclass_correlation};
use super::study::Study;
use crate::profile::name;
use crate::profile::wording::share;

/// From this intraclass correlation of the target on, knowing the thing helps.
pub(super) const LIKENESS_MIN: f64 = 0.1;
/// From this one on, a column is nearly the same in all rows of a thing.
const STEADY_MIN: f64 = 0.9;
/// At least so many columns are, and this share of those that were looked at.
const STEADY_COLUMNS_MIN: usize = 3;
const STEADY_SHARE_MIN: f64 = 0.5;
/// Columns that are looked at, the first ones.
const COLUMNS_MAX: usize = 40;
/// At least this share of the rows of things have times of their own.
const OWN_TIMES_MIN: f64 = 0.95;

/// Of a complete panel: things, times, and the share of their pairs that have a row, at least.
const THINGS_MIN: usize = 10;
const TIMES_MIN: usize = 4;
const CELLS_MIN: f64 = 0.8;

/// Things seen at several times.
pub(super) struct Panel {
    /// The column of the times.
    pub time: String,
    /// Columns that are nearly the same in all rows of a thing, and those that were looked at.
    pub n_steady: usize,
    pub n_columns: usize,
}

/// Whether the groups of a key are things seen at several times; `None` where they are not.
pub(super) fn of(study: &Study<'_>, key: &Column, groups: &Groups<'_>) -> Option<Panel> {
    let time = time_of(study, key, groups)?;
    let others = study.columns().into_iter().filter(|(column, kind)| {
        let is_other = column.name != key.name && !is_time(column, *kind);
        is_other && kind.is_usable() && !matches!(kind, Kind::Text | Kind::Datetime)
    });
    let likeness = |(column, _): (&Column, Kind)| intraclass_correlation(groups, &values(column)?);
    let likenesses: Vec<f64> = others.take(COLUMNS_MAX).filter_map(likeness).collect();
    let n_steady = likenesses.iter().filter(|icc| **icc >= STEADY_MIN).count();
    let n_columns = likenesses.len();
    let is_panel = n_steady >= STEADY_COLUMNS_MIN && share(n_steady, n_columns) >= STEADY_SHARE_MIN;
    is_panel.then_some(Panel { time, n_steady, n_columns })
}

/// The time column whose values differ within the groups: the first one.
pub(super) fn time_of(study: &Study<'_>, key: &Column, groups: &Groups<'_>) -> Option<String> {
    let times = study
        .columns()
        .into_iter()
        .filter(|(c, kind)| c.name != key.name && is_time(c, *kind) && !name::says_birth(&c.name));
    let n_rows: usize = groups.iter().map(|group| group.len()).sum();
    let is_own = |column: &Column| {
        let n_own = groups.iter().map(|group| {
            let mut times: Vec<u64> =
                group.iter().map(|(_, row)| value_bits(column, *row as usize)).collect();
            times.sort_unstable();
            times.dedup();
            times.len()
        });
        share(n_own.sum(), n_rows) >= OWN_TIMES_MIN
    };
    times.map(|(column, _)| column).find(|c| is_own(c)).map(|c| c.name.clone())
}

/// A category of which each value has a row at nearly each time, and no two at one: so many values
/// and times, and what the column of the times is called. Nobody needs to name it like a key.
pub(super) fn complete(
    study: &Study<'_>,
    column: &Column,
    groups: &Groups<'_>,
) -> Option<(String, usize, usize)> {
    let time = time_of(study, column, groups)?;
    let times = study.input.table.column(&time)?;
    let rows = || groups.iter().flat_map(|group| group.iter());
    let bits = |row: u32| value_bits(times, row as usize);
    let mut distinct: Vec<u64> = rows().map(|(_, row)| bits(*row)).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let mut pairs: Vec<(u64, u64)> = rows().map(|(key, row)| (*key, bits(*row))).collect();
    let n_rows = pairs.len();
    pairs.sort_unstable();
    pairs.dedup();
    let n_cells = groups.len() * distinct.len();
    let is_complete = pairs.len() == n_rows && share(n_rows, n_cells) >= CELLS_MIN;
    let is_large = groups.len() >= THINGS_MIN && distinct.len() >= TIMES_MIN;
    (is_complete && is_large).then_some((time, groups.len(), distinct.len()))
}

fn is_time(column: &Column, kind: Kind) -> bool {
    match kind {
        Kind::Datetime => true,
        Kind::Number | Kind::IntegerCategory => name::says_time(&column.name),
        _ => false,
    }
}

/// The column as something whose likeness can be measured; a missing value is the mean, or a level
/// of its own.
fn values(column: &Column) -> Option<Target> {
    match &column.data {
        ColumnData::Number(values) => {
            let known: Vec<f64> = values.iter().filter(|v| v.is_finite()).collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let filled = values.map(|v| if v.is_finite() { v } else { mean });
            (!known.is_empty()).then_some(Target::Real(filled))
        }
        ColumnData::String { codes, dictionary } => {
            let missing = dictionary.len() as u32;
            let codes = codes.iter().map(|code| (*code).min(missing)).collect();
            Some(Target::Class { codes, n_classes: dictionary.len() + 1 })
        }
        ColumnData::Instant(_) => None,
    }
}
