//! A feature that is the target in other words: a one-to-one code of its classes, or the number in
//! another unit.

use std::collections::HashMap;

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
/// At least so many rows repeat a value that came before.
const REPEATED_MIN: usize = 30;
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
            Target::Real(values) => value_code(column, values),
        }?;
        let sure = study.input.table.n_rows() >= SURE_ROWS_MIN;
        Some(LeakFinding {
            kind: LeakKind::TargetCopy,
            columns: vec![column.name.clone()],
            confidence: if sure { 0.999 } else { 0.7 },
            share_of_test: None,
            evidence,
            action: if sure { exclusion(study.input) } else { LeakAction::Reported },
        })
    });
    found.into_iter().flatten().collect()
}

/// Each value goes with one class only, and each class with one value only. Missing is a value, or,
/// where most rows have one, nothing at all.
fn class_code(column: &Column, classes: &[u32]) -> Option<String> {
    let all = || (0..classes.len()).map(|row| (value_bits(column, row), u64::from(classes[row])));
    let n_classes = one_to_one(all()).or_else(|| {
        let present = all().filter(|(value, _)| *value != u64::MAX);
        let is_enough = share(present.clone().count(), classes.len()) >= PRESENT_SHARE_MIN;
        is_enough.then(|| one_to_one(present)).flatten()
    })?;
    (n_classes >= 2).then(|| {
        let n_missing = (0..classes.len()).filter(|row| column.is_missing(*row)).count();
        format!(
            "`{}` has exactly one value for each of the {n_classes} classes in all {} rows that \
             have it: it is the target in other words",
            column.name,
            count(classes.len() - n_missing)
        )
    })
}

/// The same for a number: each text goes with one value of the target only, and each value with
/// one text only, where values repeat often enough for this to be no accident.
fn value_code(column: &Column, target: &[f64]) -> Option<String> {
    if !matches!(column.data, ColumnData::String { .. }) {
        return None;
    }
    let present = (0..target.len()).filter(|row| !column.is_missing(*row));
    let pairs = present.map(|row| (value_bits(column, row), (target[row] + 0.0).to_bits()));
    let n = pairs.clone().count();
    let n_values = one_to_one(pairs)?;
    (n_values >= DISTINCT_MIN && n >= n_values + REPEATED_MIN).then(|| {
        format!(
            "`{}` has exactly one text for each of the {} values of the target in {} rows: it is \
             the target in other words",
            column.name,
            count(n_values),
            count(n)
        )
    })
}

/// How many pairs there are when left and right name each other; `None` when they do not.
pub(super) fn one_to_one(pairs: impl Iterator<Item = (u64, u64)>) -> Option<usize> {
    let (mut right_of, mut left_of) = (HashMap::new(), HashMap::new());
    for (left, right) in pairs {
        let same_right = *right_of.entry(left).or_insert(right) == right;
        let same_left = *left_of.entry(right).or_insert(left) == left;
        if !same_right || !same_left {
            return None;
        }
    }
    Some(right_of.len())
}

/// A value as bits that are equal exactly for equal values of the column.
pub(super) fn value_bits(column: &Column, row: usize) -> u64 {
    match &column.data {
        ColumnData::Number(values) if values.at(row).is_nan() => u64::MAX,
        ColumnData::Number(values) => (values.at(row) + 0.0).to_bits(),
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
        let pairs = rows.map(|row| (values.at(row), target[row]));
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

/// Whether the right numbers rise, or fall, strictly with the left ones.
pub(super) fn is_strict(mut pairs: Vec<(f64, f64)>) -> bool {
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    pairs.dedup();
    let rises = pairs.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1);
    let falls = pairs.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 > w[1].1);
    pairs.len() > 1 && (rises || falls)
}
