//! A column that is told by the target: a flag, a reason or a date that is written when one outcome
//! has come.
//!
//! Such a column need not predict the whole target, so that its own score may look honest. What
//! gives it away is the other direction: knowing the target, one knows the column. For a number,
//! all rows of one side of the column (a group of its values, or its being filled) lie beyond one
//! value of the target, and most rows beyond it are of that side. For classes, some values go with
//! one class only and cover it; unless the column tells the other classes apart too, in part: then
//! it is a strong feature of a world with rules, which says more than that one outcome has come.

use modelwright_core::Context;
use modelwright_core::data::{Column, Kind};
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};
use modelwright_core::task::Target;

use super::levels::Levels;
use super::score;
use super::study::Study;
use crate::profile::wording::{count, percent, share};

/// Columns with more levels than this are not written by an outcome.
const LEVELS_MAX: usize = 40;
/// Fewer rows on a side than this show nothing.
const SIDE_ROWS_MIN: usize = 30;
/// At least this share of the rows is on the other side of the value.
const BEYOND_MIN: f64 = 0.5;
/// Of the rows beyond the value, at least this share is of the side: an honest feature has high
/// values too, but not all of them.
const COVERED_MIN: f64 = 0.8;
/// Of the rows of a side, at most this share may be on the wrong side of the value.
const ERRORS_MAX: f64 = 0.002;
/// Precision and recall of a class by its values.
const AGREE_MIN: f64 = 0.99;
/// From this skill on a column tells the other classes apart as well …
const TELLS_OTHERS_MIN: f64 = 0.1;
/// … and from this one on it may have been written for each of them.
const TELLS_OTHERS_MAX: f64 = 0.75;
/// A class with more than this share of the rows is common enough for accidents.
const CLASS_SHARE_MAX: f64 = 0.8;

/// Findings about columns other than the `known` ones; all are reported, none is excluded.
pub(super) fn check(study: &Study<'_>, known: &[String], ctx: &Context) -> Vec<LeakFinding> {
    let is_open = |(column, kind): &(&Column, Kind)| {
        !matches!(kind, Kind::Constant | Kind::Unsupported) && !known.contains(&column.name)
    };
    let columns: Vec<(&Column, Kind)> = study.columns().into_iter().filter(is_open).collect();
    let found = ctx.map(columns.len(), |i| {
        let column = columns[i].0;
        let evidence = match &study.target {
            Target::Class { codes, n_classes } if *n_classes > 2 => {
                of_classes(study, column, codes, *n_classes)
            }
            // Of two classes the score of the column alone says as much.
            Target::Class { .. } => None,
            Target::Real(values) => of_numbers(study, column, values),
        }?;
        Some(LeakFinding {
            kind: LeakKind::FilledAfterwards,
            columns: vec![column.name.clone()],
            confidence: 0.6,
            share_of_test: None,
            evidence,
            action: LeakAction::Reported,
        })
    });
    found.into_iter().flatten().collect()
}

/// The levels of the column's values, or, where there are too many, of its being filled.
fn few_levels(study: &Study<'_>, column: &Column) -> (Vec<u32>, usize, &'static str) {
    let levels = Levels::of(column, &study.rows, usize::MAX);
    if levels.n <= LEVELS_MAX {
        return (levels.codes, levels.n, "has certain values");
    }
    let filled = study.rows.iter().map(|row| u32::from(!column.is_missing(*row as usize)));
    (filled.collect(), 2, "is filled")
}

fn of_numbers(study: &Study<'_>, column: &Column, target: &[f64]) -> Option<String> {
    let (codes, n_levels, what) = few_levels(study, column);
    let mut sums = vec![(0_usize, 0.0); n_levels];
    for (code, y) in codes.iter().zip(target) {
        let sum = &mut sums[*code as usize];
        *sum = (sum.0 + 1, sum.1 + y);
    }
    let mut order: Vec<usize> = (0..n_levels).filter(|l| sums[*l].0 > 0).collect();
    order.sort_by(|a, b| {
        (sums[*a].1 / sums[*a].0 as f64).total_cmp(&(sums[*b].1 / sums[*b].0 as f64))
    });
    let mut rank = vec![0; n_levels];
    for (place, level) in order.iter().enumerate() {
        rank[*level] = place;
    }
    let mut sorted = target.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    // Every way to part the levels, ordered by their means, into a low and a high side.
    (1..order.len()).find_map(|cut| {
        let high = |code: &u32| rank[*code as usize] >= cut;
        one_sided(&codes, target, &sorted, &high, 1.0)
            .or_else(|| one_sided(&codes, target, &sorted, &|code| !high(code), -1.0))
            .map(|(n, beyond, value)| {
                let than = if value.1 > 0.0 { "at least" } else { "at most" };
                format!(
                    "where `{}` {what} ({} of {} rows looked at) the target is {than} {:.6}, which \
                     only {} of the rows are: it seems to be written when the target is known",
                    column.name,
                    count(n),
                    count(codes.len()),
                    value.0,
                    percent(1.0 - beyond)
                )
            })
    })
}

/// Rows of a side, the share of all rows that its target is beyond, and that value with its sign.
fn one_sided(
    codes: &[u32],
    target: &[f64],
    sorted: &[f64],
    is_side: &dyn Fn(&u32) -> bool,
    sign: f64,
) -> Option<(usize, f64, (f64, f64))> {
    let mut side: Vec<f64> =
        codes.iter().zip(target).filter(|(c, _)| is_side(c)).map(|(_, y)| sign * y).collect();
    let n = side.len();
    if n < SIDE_ROWS_MIN || codes.len() - n < SIDE_ROWS_MIN {
        return None;
    }
    let least = (n as f64 * ERRORS_MAX) as usize;
    let value = sign * *side.select_nth_unstable_by(least, f64::total_cmp).1;
    let below = if sign > 0.0 {
        sorted.partition_point(|y| *y < value)
    } else {
        sorted.len() - sorted.partition_point(|y| *y <= value)
    };
    let beyond = share(below, sorted.len());
    let covered = share(n, sorted.len() - below);
    (beyond >= BEYOND_MIN && covered >= COVERED_MIN).then_some((n, beyond, (value, sign)))
}

fn of_classes(
    study: &Study<'_>,
    column: &Column,
    classes: &[u32],
    n_classes: usize,
) -> Option<String> {
    let (codes, n_levels, what) = few_levels(study, column);
    let mut counts = vec![vec![0_usize; n_classes]; n_levels];
    for (code, class) in codes.iter().zip(classes) {
        counts[*code as usize][*class as usize] += 1;
    }
    (0..n_classes).find_map(|class| {
        let n_class: usize = counts.iter().map(|c| c[class]).sum();
        if n_class < SIDE_ROWS_MIN || share(n_class, classes.len()) > CLASS_SHARE_MAX {
            return None;
        }
        let is_own = |c: &Vec<usize>| 2 * c[class] > c.iter().sum();
        let own = counts.iter().filter(|c| is_own(c));
        let hits: usize = own.clone().map(|c| c[class]).sum();
        let said: usize = own.flatten().sum();
        let agrees = share(hits, n_class) >= AGREE_MIN && share(hits, said) >= AGREE_MIN;
        let is_written = || {
            let is_other = |row: &usize| !is_own(&counts[codes[*row] as usize]);
            let skill = skill_in(study, (&codes, n_levels), (classes, n_classes), is_other);
            !(TELLS_OTHERS_MIN..TELLS_OTHERS_MAX).contains(&skill)
        };
        (agrees && is_written()).then(|| {
            format!(
                "`{}` {what} in {} of the {} rows of one class and in {} other rows: it seems to \
                 be written when the class is known",
                column.name,
                percent(share(hits, n_class)),
                count(n_class),
                count(said - hits)
            )
        })
    })
}

/// How well the levels tell the classes of some of the rows apart.
fn skill_in(
    study: &Study<'_>,
    (codes, n_levels): (&[u32], usize),
    (classes, n_classes): (&[u32], usize),
    is_meant: impl Fn(&usize) -> bool,
) -> f64 {
    let rows: Vec<usize> = (0..codes.len()).filter(is_meant).collect();
    let pick = |all: &[u32]| rows.iter().map(|row| all[*row]).collect::<Vec<u32>>();
    let halves: Vec<bool> = rows.iter().map(|row| study.halves[*row]).collect();
    let levels = Levels { codes: pick(codes), n: n_levels };
    // Three at least, so that two classes are scored like more.
    let target = Target::Class { codes: pick(classes), n_classes: n_classes.max(3) };
    score::out_of_fold(&levels, &target, &halves).skill
}
