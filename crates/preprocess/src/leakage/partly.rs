//! A column that gives the target away in a part of the rows only: filled in for some, missing or
//! the same everywhere else ("the answer, where somebody had looked already").
//!
//! Over all rows such a column predicts no better than an honest one. Looked at are the rows that
//! have a value other than one common filler: there, value and class name each other, or the value
//! lies on one line or in one order with a number. Honest columns hardly do that for two classes or
//! ten numbers and more; a column that is filled for one class only is another check's.

use std::collections::{HashMap, HashSet};

use modelwright_core::Context;
use modelwright_core::data::{Column, ColumnData, Kind};
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};
use modelwright_core::task::Target;

use super::copy::{is_strict, one_to_one, value_bits};
use super::study::Study;
use crate::profile::name;
use crate::profile::wording::{count, percent, share};

/// From this share of the rows on a part is looked at, if as many are outside of it; and so many
/// rows of it.
const PART_MIN: f64 = 0.1;
const PART_ROWS_MIN: usize = 50;
/// Values that may be fillers, the commonest ones.
const FILLERS_MAX: usize = 3;
/// The bits of a missing value.
const MISSING: u64 = u64::MAX;
/// Two classes that are named have at least so many rows of the part: fewer agree by chance.
const CLASS_ROWS_MIN: usize = 20;
/// And no class has more of its rows than this.
const CLASS_SHARE_MAX: f64 = 0.95;
/// A number in the part has at least so many distinct values, and in the target.
const DISTINCT_MIN: usize = 20;

/// Columns that tell the target in a part of the rows, other than the `known` ones; reported, never
/// excluded.
pub(super) fn check(study: &Study<'_>, known: &[String], ctx: &Context) -> Vec<LeakFinding> {
    let is_open = |(column, kind): &(&Column, Kind)| {
        !matches!(kind, Kind::Constant | Kind::Unsupported) && !known.contains(&column.name)
    };
    let columns: Vec<(&Column, Kind)> = study.columns().into_iter().filter(is_open).collect();
    let answers = answers(&study.target);
    let found = ctx.map(columns.len(), |i| {
        let column = columns[i].0;
        let tells = |part: &Vec<usize>| {
            answers.as_ref().is_some_and(|a| names_answers(study, column, a, part))
                || study.target.values().is_some_and(|y| orders_numbers(study, column, y, part))
        };
        let part = parts(study, column).into_iter().find(tells)?;
        Some(finding(column, part.len(), study.rows.len()))
    });
    found.into_iter().flatten().collect()
}

/// Classes, or the values of a number that has few, as numbers; `None` of many values.
fn answers(target: &Target) -> Option<Vec<u64>> {
    match target {
        Target::Class { codes, .. } => Some(codes.iter().map(|code| u64::from(*code)).collect()),
        Target::Real(values) => {
            let bits: Vec<u64> = values.iter().map(|value| (value + 0.0).to_bits()).collect();
            let distinct: HashSet<u64> = bits.iter().copied().collect();
            (distinct.len() < DISTINCT_MIN).then_some(bits)
        }
    }
}

fn finding(column: &Column, n: usize, n_rows: usize) -> LeakFinding {
    LeakFinding {
        kind: LeakKind::TargetCopy,
        columns: vec![column.name.clone()],
        confidence: 0.8,
        share_of_test: None,
        evidence: format!(
            "where `{}` is filled, and not by one common value ({} of {} rows looked at, {}), it \
             is the target in other words",
            column.name,
            count(n),
            count(n_rows),
            percent(share(n, n_rows))
        ),
        action: LeakAction::Reported,
    }
}

/// Parts of the sampled rows, by their places: where values are missing, the rows that have one;
/// else those that have another than one of the commonest values, which may be a filler.
fn parts(study: &Study<'_>, column: &Column) -> Vec<Vec<usize>> {
    let bits: Vec<u64> = study.rows.iter().map(|row| value_bits(column, *row as usize)).collect();
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for value in &bits {
        *counts.entry(*value).or_insert(0) += 1;
    }
    let n_rows = bits.len();
    let mut fillers: Vec<(usize, u64)> = match counts.get(&MISSING) {
        Some(n) => vec![(*n, MISSING)],
        None => counts.iter().map(|(value, n)| (*n, *value)).collect(),
    };
    fillers.retain(|(n, _)| {
        let left = n_rows - n;
        let share_left = share(left, n_rows);
        left >= PART_ROWS_MIN && (PART_MIN..=1.0 - PART_MIN).contains(&share_left)
    });
    fillers.sort_unstable_by_key(|(n, value)| (std::cmp::Reverse(*n), *value));
    fillers.truncate(FILLERS_MAX);
    let part = |(_, filler): (usize, u64)| {
        (0..n_rows).filter(|place| bits[*place] != filler).collect::<Vec<usize>>()
    };
    fillers.into_iter().map(part).collect()
}

/// Each value names an answer and each answer a value, for two that are not rare or more.
fn names_answers(study: &Study<'_>, column: &Column, answers: &[u64], part: &[usize]) -> bool {
    let value = |place: usize| value_bits(column, study.rows[place] as usize);
    let pairs = part.iter().map(|place| (value(*place), answers[*place]));
    if one_to_one(pairs).is_none() {
        return false;
    }
    let mut rows: HashMap<u64, (usize, usize)> = HashMap::new();
    for answer in answers {
        rows.entry(*answer).or_default().1 += 1;
    }
    for place in part {
        rows.entry(answers[*place]).or_default().0 += 1;
    }
    let common: Vec<&(usize, usize)> =
        rows.values().filter(|(n, _)| *n >= CLASS_ROWS_MIN).collect();
    // A class whose rows are nearly all in the part is told by the part alone.
    common.len() >= 2 && common.iter().any(|(n, all)| share(*n, *all) <= CLASS_SHARE_MAX)
}

/// The numbers of the part are in one strict order with the target.
fn orders_numbers(study: &Study<'_>, column: &Column, target: &[f64], part: &[usize]) -> bool {
    let ColumnData::Number(values) = &column.data else { return false };
    // What grows with time is no copy of it.
    if name::says_time(&column.name) {
        return false;
    }
    let pair = |place: &usize| (values.at(study.rows[*place] as usize), target[*place]);
    let pairs: Vec<(f64, f64)> = part.iter().map(pair).filter(|(x, _)| x.is_finite()).collect();
    let mut distinct: Vec<u64> = pairs.iter().map(|(_, y)| y.to_bits()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.len() >= DISTINCT_MIN && is_strict(pairs)
}
