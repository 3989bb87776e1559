//! Rows of one group (a patient, a customer) on both sides of the split.
//!
//! With a group column given, the split is checked against it. Without one, columns that are named
//! like keys and whose values repeat are looked at: when rows of one value have like targets, a
//! random split lets the model recognise the group instead of learning the question. Where targets
//! are somewhat alike only, the other columns may still give a group away: see [`super::panel`].

use std::collections::BTreeSet;

use modelwright_core::data::{Column, Kind};
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};
use modelwright_core::task::Target;

use super::panel;
use super::study::Study;
use crate::profile::name;
use crate::profile::wording::{count, percent, share};

/// A suspected group column has at least so many groups, of at most so many rows on average.
const GROUPS_MIN: usize = 50;
const GROUP_ROWS_MAX: f64 = 50.0;
/// At least this share of rows has company in its group.
const COMPANY_SHARE_MIN: f64 = 0.2;
/// Categories that are looked at for a complete panel, the first ones.
const CATEGORIES_MAX: usize = 40;
/// From this intraclass correlation on, rows of a group have like targets.
const LIKENESS_MIN: f64 = 0.3;

pub(super) fn check(study: &Study<'_>) -> Vec<LeakFinding> {
    let input = study.input;
    if input.split_kind == "group" {
        return Vec::new();
    }
    if let Some(name) = input.group {
        let Some(column) = input.table.column(name) else { return Vec::new() };
        let across = input.test.and_then(|test| test.column(name));
        return match across {
            Some(test) => shared(column, test, input.split_kind).into_iter().collect(),
            None if input.split_kind == "test file" => Vec::new(),
            None => vec![ignored(column, input.split_kind)],
        };
    }
    let suspects = study.columns().into_iter().filter(|(column, kind)| {
        matches!(kind, Kind::IntegerCategory | Kind::Category | Kind::Identifier | Kind::Number)
            && name::says_perhaps_key(&column.name)
    });
    let found: Vec<LeakFinding> =
        suspects.filter_map(|(column, _)| suspected(study, column)).collect();
    if found.is_empty() { complete_panel(study).into_iter().collect() } else { found }
}

/// Rows of each value of a category at each of several times, and like targets within a value: the
/// first such category.
fn complete_panel(study: &Study<'_>) -> Option<LeakFinding> {
    if !matches!(study.input.split_kind, "random" | "stratified") {
        return None;
    }
    let categories = study.columns().into_iter().filter(|(_, kind)| {
        matches!(kind, Kind::IntegerCategory | Kind::Category | Kind::Identifier)
    });
    categories.take(CATEGORIES_MAX).find_map(|(column, _)| {
        let rows = by_value(study, column);
        let groups = of_company(&rows);
        let (time, n_things, n_times) = panel::complete(study, column, &groups)?;
        let likeness = intraclass_correlation(&groups, study.input.target)?;
        let evidence = format!(
            "these are panel data: {} values of `{}` at {} times along `{time}`, each pair once, \
             and rows of one value have like targets (intraclass correlation {likeness:.2}): to \
             predict of others, use the group split with `{}`{}",
            count(n_things),
            column.name,
            count(n_times),
            column.name,
            later(&time)
        );
        (likeness >= panel::LIKENESS_MIN).then(|| finding(column, 0.5, evidence))
    })
}

/// The rows that have a value, with its bits, by value.
fn by_value(study: &Study<'_>, column: &Column) -> Vec<(u64, u32)> {
    let mut rows: Vec<(u64, u32)> = (0..study.input.table.n_rows())
        .filter(|row| !column.is_missing(*row))
        .map(|row| (super::copy::value_bits(column, row), row as u32))
        .collect();
    rows.sort_unstable();
    rows
}

/// Those that share their value with others.
fn of_company(rows: &[(u64, u32)]) -> Vec<&[(u64, u32)]> {
    rows.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1).collect()
}

fn finding(column: &Column, confidence: f64, evidence: String) -> LeakFinding {
    LeakFinding {
        kind: LeakKind::GroupAcrossSplit,
        columns: vec![column.name.clone()],
        confidence,
        share_of_test: None,
        evidence,
        action: LeakAction::Reported,
    }
}

/// The group column was given, and a test file has groups of the training part.
/// With a split by time, that is what was asked for.
fn shared(train: &Column, test: &Column, split_kind: &str) -> Option<LeakFinding> {
    let values = |c: &Column| (0..c.n_rows()).filter_map(|row| c.display(row)).collect::<Vec<_>>();
    let known: BTreeSet<String> = values(train).into_iter().collect();
    let test_values = values(test);
    let n_shared = test_values.iter().filter(|v| known.contains(*v)).count();
    let is_later = split_kind == "time";
    let so = if is_later { ", as a split by time has it" } else { "" };
    (n_shared > 0).then(|| {
        finding(
            train,
            if is_later { 0.3 } else { 0.95 },
            format!(
                "{} of {} test rows ({}) belong to a group of `{}` that is also in training{so}",
                count(n_shared),
                count(test_values.len()),
                percent(share(n_shared, test_values.len())),
                train.name
            ),
        )
    })
}

fn ignored(column: &Column, split: &str) -> LeakFinding {
    finding(
        column,
        0.9,
        format!(
            "rows of one `{}` belong together, but the {split} split parts them: use the group \
             split",
            column.name
        ),
    )
}

/// Rows of one value have like targets, and most rows have company.
fn suspected(study: &Study<'_>, column: &Column) -> Option<LeakFinding> {
    let n_rows = study.input.table.n_rows();
    let rows = by_value(study, column);
    let groups = of_company(&rows);
    let n_company: usize = groups.iter().map(|g| g.len()).sum();
    let mean_rows = n_company as f64 / groups.len().max(1) as f64;
    if groups.len() < GROUPS_MIN
        || mean_rows > GROUP_ROWS_MAX
        || share(n_company, n_rows) < COMPANY_SHARE_MIN
    {
        return None;
    }
    let likeness = intraclass_correlation(&groups, study.input.target)?;
    let alike = format!(
        "{} of rows share their `{}` with another row, and rows of one value have like targets \
         (intraclass correlation {likeness:.2})",
        percent(share(n_company, n_rows)),
        column.name
    );
    if likeness >= LIKENESS_MIN {
        let or_time = match panel::time_of(study, column, &groups) {
            Some(time) => later(&time),
            None => String::new(),
        };
        let advice = "if these rows belong together, use the group split with it";
        return Some(finding(column, 0.5, format!("{alike}: {advice}{or_time}")));
    }
    let is_parted = matches!(study.input.split_kind, "random" | "stratified");
    if !is_parted || likeness < panel::LIKENESS_MIN {
        return None;
    }
    let panel::Panel { time, n_steady, n_columns } = panel::of(study, column, &groups)?;
    let evidence = format!(
        "{alike}; they follow each other along `{time}` and are nearly the same in {} of {} other \
         columns, so that the model knows its test rows from training: to predict of others, use \
         the group split with `{}`{}",
        count(n_steady),
        count(n_columns),
        column.name,
        later(&time)
    );
    Some(finding(column, 0.5, evidence))
}

/// What to do where rows of one thing are of several times.
fn later(time: &str) -> String {
    format!("; to predict later rows of the same, the time split with `{time}`")
}

/// Rows that have a value in common, with its bits; at least two each.
pub(super) type Groups<'a> = [&'a [(u64, u32)]];

/// One-way intraclass correlation ICC(1) of the target within groups (Shrout & Fleiss, 1979),
/// averaged over classes by their variance.
pub(super) fn intraclass_correlation(groups: &Groups<'_>, target: &Target) -> Option<f64> {
    let values: Vec<Vec<f64>> = match target {
        Target::Real(values) => vec![values.clone()],
        Target::Class { codes, n_classes } => (0..*n_classes as u32)
            .take(20)
            .map(|class| codes.iter().map(|c| f64::from(u8::from(*c == class))).collect())
            .collect(),
    };
    let n: usize = groups.iter().map(|g| g.len()).sum();
    let (mut between, mut within) = (0.0, 0.0);
    for values in values {
        let grand =
            groups.iter().flat_map(|g| g.iter()).map(|(_, r)| values[*r as usize]).sum::<f64>()
                / n as f64;
        for group in groups {
            let size = group.len() as f64;
            let mean = group.iter().map(|(_, r)| values[*r as usize]).sum::<f64>() / size;
            between += size * (mean - grand).powi(2);
            within += group.iter().map(|(_, r)| (values[*r as usize] - mean).powi(2)).sum::<f64>();
        }
    }
    let k = n as f64 / groups.len() as f64;
    let (between, within) =
        (between / (groups.len() - 1) as f64, within / (n - groups.len()).max(1) as f64);
    let icc = (between - within) / (between + (k - 1.0) * within);
    icc.is_finite().then_some(icc)
}
