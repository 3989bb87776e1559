//! What in the data deserves attention.
//!
//! Each file holds the checks of one subject; a check yields an [`Alert`] with its columns and the
//! numbers in words. Kinds and thresholds follow fg-data-profiling (`model/alerts.py`,
//! `config.py`) where they make sense; correlation is stricter and the rest weighed so that a
//! clean table has few alerts. Many alike alerts become one (see [`listed_max`]).

mod columns;
mod correlation;
mod numbers;
pub(crate) mod order;
pub(crate) mod rows;
mod strings;
mod target;

pub use rows::row_hashes;

use modelwright_core::Context;
use modelwright_core::data::{Column, Kind, Table};
use modelwright_core::random::Random;
use modelwright_core::record::{Alert, AlertKind, ColumnProfile, Severity};

use super::wording;
use crate::sketch::ColumnSketch;

/// Rows that the costly checks look at; larger tables are sampled.
const SAMPLE_ROWS: usize = 20_000;

/// A column with all that is known of it.
pub(crate) struct Facts<'a> {
    /// The values.
    pub column: &'a Column,
    /// The entry of the record.
    pub profile: &'a ColumnProfile,
    /// The summary.
    pub sketch: &'a ColumnSketch,
}

impl Facts<'_> {
    fn kind(&self) -> Kind {
        self.profile.kind.kind
    }

    fn n_present(&self) -> usize {
        self.profile.n_rows - self.profile.n_missing
    }

    /// An alert about this column; `what` follows its name.
    fn alert(&self, kind: AlertKind, severity: Severity, what: impl AsRef<str>) -> Alert {
        let name = &self.profile.name;
        let message = format!("`{name}` {}", what.as_ref());
        Alert { kind, severity, columns: vec![name.clone()], message }
    }
}

/// What was found in a table.
pub(super) struct Found {
    /// All alerts, most severe first.
    pub alerts: Vec<Alert>,
    /// Rows that repeat an earlier row exactly.
    pub n_duplicate_rows: usize,
}

/// Looks at all columns and at the whole table.
pub(super) fn find(
    table: &Table,
    facts: &[Facts<'_>],
    target: Option<&str>,
    ctx: &Context,
) -> Found {
    let sample = sample_rows(table.n_rows(), SAMPLE_ROWS);
    let per_column = ctx.map(facts.len(), |i| {
        let facts = &facts[i];
        if Some(facts.profile.name.as_str()) == target {
            return target::check(facts);
        }
        let mut alerts = columns::check(facts);
        alerts.extend(numbers::check(facts));
        let of_strings = strings::check(facts);
        if of_strings.iter().any(|alert| alert.kind == AlertKind::DateAsText) {
            // That a date has many values needs no second alert.
            alerts.retain(|alert| alert.kind != AlertKind::HighCardinality);
        }
        alerts.extend(of_strings);
        alerts.extend(order::check(facts, &sample));
        alerts
    });
    let mut alerts: Vec<Alert> = per_column.into_iter().flatten().collect();
    let repeats = rows::find(table, ctx);
    alerts.extend(rows::alerts(&repeats, table, |i| !facts[i].kind().is_usable()));
    alerts.extend(correlation::check(facts, &repeats.columns, target, ctx));
    let mut alerts = grouped(alerts);
    alerts.sort_by_key(|alert| std::cmp::Reverse(alert.severity));
    Found { alerts, n_duplicate_rows: repeats.n_rows }
}

/// Ascending rows, all of them or a fixed random sample that does not depend on the user's seed.
fn sample_rows(n_rows: usize, n_max: usize) -> Vec<u32> {
    if n_rows <= n_max {
        return (0..n_rows as u32).collect();
    }
    Random::stream(0, "profile/rows", 0).sample(n_rows, n_max)
}

/// Alike alerts as one, where there are many of them.
fn grouped(alerts: Vec<Alert>) -> Vec<Alert> {
    let mut groups: Vec<((AlertKind, Severity), Vec<Alert>)> = Vec::new();
    for alert in alerts {
        let key = (alert.kind, alert.severity);
        match groups.iter_mut().find(|(k, _)| *k == key) {
            Some((_, group)) => group.push(alert),
            None => groups.push((key, vec![alert])),
        }
    }
    let mut out = Vec::new();
    for ((kind, severity), group) in groups {
        if group.len() <= listed_max(severity) {
            out.extend(group);
            continue;
        }
        let n_alike = group.len();
        let first = group[0].message.clone();
        let mut columns: Vec<String> = Vec::new();
        for name in group.into_iter().flat_map(|alert| alert.columns) {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        let unit = match kind {
            AlertKind::HighCorrelation | AlertKind::DuplicateColumns => "pairs of columns",
            _ => "columns",
        };
        let (n, what) = (wording::count(n_alike), headline(kind));
        let message = format!("{n} {unit} {what}, for example: {first}");
        out.push(Alert { kind, severity, columns, message });
    }
    out
}

/// So many alike alerts are listed one by one; more become one.
fn listed_max(severity: Severity) -> usize {
    if severity == Severity::Info { 4 } else { 8 }
}

/// What columns of one kind of alert have in common; follows "12 columns".
fn headline(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Constant => "have only one value and are not used",
        AlertKind::NearConstant => "have one value in nearly all rows",
        AlertKind::Empty => "have no value at all",
        AlertKind::Missing => "have many missing values",
        AlertKind::Zeros => "are mostly zero",
        AlertKind::Infinite => "have infinite values",
        AlertKind::IdLike => "only name their row and are not used",
        AlertKind::Unique => "have no value twice",
        AlertKind::HighCardinality => "have very many categories",
        AlertKind::Skewed => "are strongly skewed",
        AlertKind::Imbalanced => "are dominated by one category",
        AlertKind::DuplicateRows => "are about repeated rows",
        AlertKind::DuplicateColumns => "are the same twice",
        AlertKind::HighCorrelation => "say nearly the same",
        AlertKind::MixedTypes => "mix numbers and words",
        AlertKind::DirtyCategories => "have categories that differ only in case or blanks",
        AlertKind::Sentinel => "have a number that seems to stand for missing",
        AlertKind::DateAsText => "hold dates as text",
        AlertKind::ConstantLength => "have texts of one length",
        AlertKind::Uniform => "spread evenly over their range",
        AlertKind::NonStationary => "change their level along the file",
        AlertKind::Unsupported => "cannot be used",
        AlertKind::RareClass => "have classes with very few rows",
    }
}
