//! A copy of the target with errors in it: typed by hand, delayed, or spoiled on purpose.
//!
//! Classes: the column has as many common values as there are classes, and value and class name
//! each other in nearly all rows of *every* class, which a strong feature hardly does. Numbers: in
//! most rows the column lies exactly on one line with the target (the slope is the median of the
//! slopes between pairs of rows: Theil, 1950; Sen, JASA 63, 1968).

use std::collections::HashMap;

use modelwright_core::Context;
use modelwright_core::data::{Column, ColumnData, Kind};
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};
use modelwright_core::task::Target;

use super::copy::value_bits;
use super::study::Study;
use crate::profile::wording::{count, percent, share};

/// Value and class name each other in at least this share of the rows of every class.
const AGREE_MIN: f64 = 0.88;
/// Fewer rows of a class than this show nothing.
const CLASS_ROWS_MIN: usize = 10;
/// Values that have less than this share of the rows are typing errors.
const COMMON_MIN: f64 = 1e-3;
/// A number lies on the line in at least this share of rows.
const ON_LINE_MIN: f64 = 0.6;
/// A number that is copied has at least so many distinct values on the line.
const DISTINCT_MIN: usize = 10;
/// Pairs of rows that give a slope.
const N_PAIRS: usize = 1000;
/// How far from the line a value may be, as a share of the target's range: rounding.
const ROUNDING: f64 = 1e-6;

/// Copies with errors among columns other than the `known` ones; reported, never excluded.
pub(super) fn check(study: &Study<'_>, known: &[String], ctx: &Context) -> Vec<LeakFinding> {
    let is_open = |(column, kind): &(&Column, Kind)| {
        !matches!(kind, Kind::Constant | Kind::Unsupported) && !known.contains(&column.name)
    };
    let columns: Vec<(&Column, Kind)> = study.columns().into_iter().filter(is_open).collect();
    let found = ctx.map(columns.len(), |i| {
        let column = columns[i].0;
        let evidence = match &study.target {
            Target::Class { codes, n_classes } => of_classes(study, column, codes, *n_classes),
            Target::Real(values) => of_numbers(study, column, values),
        }?;
        Some(LeakFinding {
            kind: LeakKind::TargetCopy,
            columns: vec![column.name.clone()],
            confidence: 0.7,
            share_of_test: None,
            evidence,
            action: LeakAction::Reported,
        })
    });
    found.into_iter().flatten().collect()
}

fn of_classes(
    study: &Study<'_>,
    column: &Column,
    classes: &[u32],
    n_classes: usize,
) -> Option<String> {
    let mut counts: HashMap<u64, Vec<usize>> = HashMap::new();
    let most = 4 * n_classes + 8;
    for (row, class) in study.rows.iter().zip(classes) {
        let value = value_bits(column, *row as usize);
        if value != u64::MAX {
            counts.entry(value).or_insert_with(|| vec![0; n_classes])[*class as usize] += 1;
        }
        if counts.len() > most {
            return None;
        }
    }
    let n: usize = counts.values().flatten().sum();
    let is_common = |c: &&Vec<usize>| share(c.iter().sum(), n) >= COMMON_MIN;
    let common: Vec<&Vec<usize>> = counts.values().filter(is_common).collect();
    if common.len() != n_classes || share(n, classes.len()) < 0.5 {
        return None;
    }
    let mut least = 1.0_f64;
    let mut named = vec![false; n_classes];
    for of_value in common {
        let (class, hits) = of_value.iter().enumerate().max_by_key(|(_, n)| **n)?;
        let of_class: usize = counts.values().map(|c| c[class]).sum();
        if std::mem::replace(&mut named[class], true) || of_class < CLASS_ROWS_MIN {
            return None;
        }
        least = least.min(share(*hits, of_value.iter().sum())).min(share(*hits, of_class));
    }
    (least >= AGREE_MIN).then(|| {
        format!(
            "`{}` has one value for each of the {n_classes} classes in at least {} of the rows of \
             every one ({} rows looked at): it looks like the target with errors in it",
            column.name,
            percent(least),
            count(n)
        )
    })
}

fn of_numbers(study: &Study<'_>, column: &Column, target: &[f64]) -> Option<String> {
    let ColumnData::Number(values) = &column.data else { return None };
    let pairs: Vec<(f64, f64)> = study
        .rows
        .iter()
        .zip(target)
        .map(|(row, y)| (values.at(*row as usize), *y))
        .filter(|(x, _)| x.is_finite())
        .collect();
    let half = pairs.len() / 2;
    let mut slopes: Vec<f64> = (0..half.min(N_PAIRS))
        .map(|i| (pairs[i], pairs[i + half]))
        .filter(|(a, b)| a.0 != b.0)
        .map(|(a, b)| (b.1 - a.1) / (b.0 - a.0))
        .collect();
    let slope = median(&mut slopes)?;
    let mut offsets: Vec<f64> = pairs.iter().map(|(x, y)| y - slope * x).collect();
    let offset = median(&mut offsets)?;
    let (low, high) =
        target.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), y| (l.min(*y), h.max(*y)));
    let near = ROUNDING * (high - low);
    let on_line = pairs.iter().filter(|(x, y)| (y - slope * x - offset).abs() <= near);
    let mut distinct: Vec<u64> = on_line.clone().map(|(x, _)| x.to_bits()).collect();
    let n_on_line = distinct.len();
    distinct.sort_unstable();
    distinct.dedup();
    let is_line = slope != 0.0 && slope.is_finite() && near > 0.0;
    let agree = share(n_on_line, pairs.len());
    (is_line && agree >= ON_LINE_MIN && distinct.len() >= DISTINCT_MIN).then(|| {
        format!(
            "`{}` lies exactly on a line with the target in {} of {} rows looked at: it looks like \
             the target with errors in it",
            column.name,
            percent(agree),
            count(pairs.len())
        )
    })
}

fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
}
