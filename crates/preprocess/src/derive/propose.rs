//! Which derived columns are worth a look, given which inputs matter most.
//!
//! Bounded by the constants below, whatever the number of columns: pairs of the leading numbers,
//! numbers against the means of groups, crosses of the leading categories, elapsed times, missing
//! values.

use super::form::Form;
use super::pool::Entry;

/// Numbers that are paired with each other.
const NUMBERS_MAX: usize = 12;

/// Numbers that are set against groups.
const GROUPED_MAX: usize = 8;

/// Categories by which numbers are grouped.
const GROUPS_MAX: usize = 6;

/// Categories that are crossed in pairs.
const CROSSED_MAX: usize = 10;

/// Categories that are crossed in threes, where there are no numbers.
const TRIPLES_OF: usize = 6;

/// Instants that are subtracted from each other.
const INSTANTS_MAX: usize = 5;

/// Columns whose missing values make a pattern.
const PATTERN_MAX: usize = 32;

/// A column is part of the pattern if at least this share of its values is missing: with a few rare
/// ones beside it every pattern would fall apart into levels of a few rows.
const PATTERN_SHARE_MIN: f64 = 0.01;

/// Numbers are added and subtracted when their middle halves differ in width by at most this
/// factor: otherwise the larger one is all there is.
const WIDTH_RATIO_MAX: f64 = 50.0;

/// A form and its inputs, as positions in the pool.
pub(super) type Candidate = (Form, Vec<u32>);

/// The candidates; `ranked` are the positions in the pool, what matters most first.
pub(super) fn propose(pool: &[Entry], ranked: &[usize]) -> Vec<Candidate> {
    let of = |is: &dyn Fn(&Entry) -> bool, most: usize| -> Vec<usize> {
        ranked.iter().copied().filter(|i| is(&pool[*i])).take(most).collect()
    };
    let numbers = of(&|e| e.is_size, NUMBERS_MAX);
    let categories = of(&Entry::is_category, CROSSED_MAX);
    let has_instants =
        |e: &Entry| matches!(e.column.data, modelwright_core::data::ColumnData::Instant(_));
    let mut found = Vec::new();
    for (a, b) in pairs(&numbers) {
        arithmetic(pool, (a, b), &mut found);
    }
    for (a, b) in pairs(&of(&has_instants, INSTANTS_MAX)) {
        found.push((Form::ElapsedDays, places([a, b])));
    }
    for x in numbers.iter().take(GROUPED_MAX) {
        for group in categories.iter().take(GROUPS_MAX) {
            if pool[*x].field != pool[*group].field {
                for form in [Form::GroupMean, Form::OffGroupMean, Form::OverGroupMean] {
                    found.push((form, places([*x, *group])));
                }
            }
        }
    }
    crosses(pool, &categories, numbers.is_empty(), &mut found);
    let with_missing = |share: f64| {
        let has = move |e: &Entry| e.missing > 0.0 && e.missing >= share && !e.raw.recast;
        (0_u32..).zip(pool).filter(move |(_, entry)| has(entry)).map(|(i, _)| i)
    };
    let parts = [
        (Form::MissingPattern, with_missing(PATTERN_SHARE_MIN).take(PATTERN_MAX).collect()),
        (Form::MissingCount, with_missing(0.0).collect::<Vec<u32>>()),
    ];
    found.extend(parts.into_iter().filter(|(_, of)| of.len() > 1));
    found
}

fn arithmetic(pool: &[Entry], (a, b): (usize, usize), found: &mut Vec<Candidate>) {
    let widths = (pool[a].width, pool[b].width);
    let (narrow, wide) = (widths.0.min(widths.1), widths.0.max(widths.1));
    if wide <= narrow * WIDTH_RATIO_MAX {
        found.push((Form::Difference, places([a, b])));
        found.push((Form::Sum, places([a, b])));
    }
    found.push((Form::Product, places([a, b])));
    if pool[b].has_one_sign {
        found.push((Form::Ratio, places([a, b])));
    } else if pool[a].has_one_sign {
        found.push((Form::Ratio, places([b, a])));
    }
}

fn crosses(pool: &[Entry], categories: &[usize], triples: bool, found: &mut Vec<Candidate>) {
    for i in categories {
        if pool[*i].raw.recast {
            found.push((Form::Cross, places([*i])));
        }
    }
    let differ = |i: usize, j: usize| pool[i].field != pool[j].field;
    for (i, j) in pairs(categories) {
        if differ(i, j) {
            found.push((Form::Cross, places([i, j])));
        }
    }
    if triples {
        let first = &categories[..categories.len().min(TRIPLES_OF)];
        for (n, i) in first.iter().enumerate() {
            for (j, k) in pairs(&first[n + 1..]) {
                if differ(*i, j) && differ(*i, k) && differ(j, k) {
                    found.push((Form::Cross, places([*i, j, k])));
                }
            }
        }
    }
}

fn pairs(of: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    of.iter().enumerate().flat_map(|(n, i)| of[n + 1..].iter().map(move |j| (*i, *j)))
}

fn places<const N: usize>(of: [usize; N]) -> Vec<u32> {
    of.map(|i| i as u32).to_vec()
}
