//! A feature that is the target in other words: a one-to-one code of its classes, or the number in
//! another unit.

use std::collections::BTreeMap;

use modelwright_core::Context;
use modelwright_core::data::{Column, ColumnData, Kind, MISSING_CODE, MISSING_INSTANT};
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};
use modelwright_core::task::Target;

use super::exclusion;
use super::study::Study;
use crate::profile::name;
use crate::profile::wording::{count, percent, share};

/// Fewer rows than this may agree by chance: reported, not excluded.
const SURE_ROWS_MIN: usize = 50;
/// A copied number is there in at least this share of rows.
const PRESENT_SHARE_MIN: f64 = 0.5;
/// A copied number has at least so many distinct values.
const DISTINCT_MIN: usize = 10;
/// Sampled rows that are looked at first; nearly every honest feature fails here.
const FIRST_LOOK: usize = 200;

pub(super) fn check(study: &Study<'_>, ctx: &Context) -> Vec<LeakFinding> {
    let columns: Vec<(&Column, Kind)> = study.columns();
    let found = ctx.map(columns.len(), |i| {
        let (column, kind) = columns[i];
        if matches!(kind, Kind::Constant | Kind::Unsupported) {
            return None;
        }
        let evidence = match study.input.target {
            Target::Class { codes, .. } => class_code(column, codes),
            Target::Real(values) if kind == Kind::Number => same_order(study, column, values),
            Target::Real(_) => None,
        }?;
        let sure = study.input.table.n_rows() >= SURE_ROWS_MIN;
        Some(LeakFinding {
            kind: LeakKind::TargetCopy,
            columns: vec![column.name.clone()],
            confidence: if sure { 0.999 } else { 0.7 },
            evidence,
            action: if sure { exclusion(study.input) } else { LeakAction::Reported },
        })
    });
    found.into_iter().flatten().collect()
}

/// Each value (missing is one) goes with one class only, and each class with one value only.
fn class_code(column: &Column, classes: &[u32]) -> Option<String> {
    let mut class_of: BTreeMap<u64, u32> = BTreeMap::new();
    let mut value_of: BTreeMap<u32, u64> = BTreeMap::new();
    for (row, class) in classes.iter().enumerate() {
        let value = value_bits(column, row);
        let same_class = *class_of.entry(value).or_insert(*class) == *class;
        let same_value = *value_of.entry(*class).or_insert(value) == value;
        if !same_class || !same_value {
            return None;
        }
    }
    (class_of.len() >= 2).then(|| {
        format!(
            "`{}` has exactly one value for each of the {} classes in all {} rows: it is the \
             target in other words",
            column.name,
            class_of.len(),
            count(classes.len())
        )
    })
}

/// A value as bits that are equal exactly for equal values of the column.
pub(super) fn value_bits(column: &Column, row: usize) -> u64 {
    match &column.data {
        ColumnData::Number(values) if values[row].is_nan() => u64::MAX,
        ColumnData::Number(values) => (values[row] + 0.0).to_bits(),
        ColumnData::Instant(values) if values[row] == MISSING_INSTANT => u64::MAX,
        ColumnData::Instant(values) => values[row].cast_unsigned(),
        ColumnData::String { codes, .. } if codes[row] == MISSING_CODE => u64::MAX,
        ColumnData::String { codes, .. } => u64::from(codes[row]),
    }
}

/// The target rises (or falls) strictly with the column, and equals where the column equals.
fn same_order(study: &Study<'_>, column: &Column, target: &[f64]) -> Option<String> {
    let ColumnData::Number(values) = &column.data else { return None };
    // What grows with time is no copy of it.
    if name::says_time(&column.name) {
        return None;
    }
    let pairs_of = |rows: &mut dyn Iterator<Item = usize>| {
        let pairs = rows.map(|row| (values[row], target[row]));
        pairs.filter(|(x, _)| x.is_finite()).collect::<Vec<(f64, f64)>>()
    };
    let mut first = study.rows.iter().take(FIRST_LOOK).map(|r| *r as usize);
    if !is_strict(pairs_of(&mut first)) {
        return None;
    }
    let pairs = pairs_of(&mut (0..values.len()));
    let n = pairs.len();
    let present = share(n, values.len());
    let mut distinct: Vec<u64> = pairs.iter().map(|(x, _)| x.to_bits()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    if present < PRESENT_SHARE_MIN || distinct.len() < DISTINCT_MIN || !is_strict(pairs) {
        return None;
    }
    Some(format!(
        "`{}` orders all {} rows that have it ({}) exactly as the target does: it is the target \
         on another scale",
        column.name,
        count(n),
        percent(present)
    ))
}

fn is_strict(mut pairs: Vec<(f64, f64)>) -> bool {
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    pairs.dedup();
    let rises = pairs.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1);
    let falls = pairs.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 > w[1].1);
    pairs.len() > 1 && (rises || falls)
}
