//! Rows in order of time that the split ignores.
//!
//! When the target drifts along time, or neighbours in time have like targets, a random split lets
//! the model look into the future of its test rows. Looked at are the given time column, columns of
//! dates, and numbers that are named like times *and* go one way along the file: `Year built` is a
//! feature of a house, not the time of its row. The bare order of rows is no evidence: many files
//! are sorted by their target, or by place.

use modelwright_core::data::{Column, ColumnData, Kind, MISSING_INSTANT};
use modelwright_core::record::{LeakAction, LeakFinding, LeakKind};
use modelwright_core::task::Target;

use super::study::Study;
use crate::profile::alerts::order::between_share;
use crate::profile::name;
use crate::profile::wording::{count, percent, share};

/// Fewer rows than this have no drift to speak of.
const ROWS_MIN: usize = 500;
/// From this share of the target's variance between stretches of time on, the target drifts.
const DRIFT_MIN: f64 = 0.1;
/// From this correlation of neighbours in time on, neighbours have like targets.
const NEIGHBOURS_MIN: f64 = 0.3;
/// From this share of steps in one direction on, a column goes one way along the file.
const ONE_WAY: f64 = 0.95;
/// A number that is only named like a time has at least so many distinct values.
const TIMES_MIN: usize = 20;

pub(super) fn check(study: &Study<'_>) -> Vec<LeakFinding> {
    let input = study.input;
    if matches!(input.split_kind, "time" | "test file") || study.rows.len() < ROWS_MIN {
        return Vec::new();
    }
    if let Some(name) = input.time_column {
        let given = input.table.column(name).and_then(|column| Drift::along(study, column));
        return given.into_iter().map(|drift| drift.finding(input.split_kind, 0.9)).collect();
    }
    let columns = study.columns();
    let candidates = columns.iter().filter(|(column, kind)| match kind {
        Kind::Datetime => !name::says_birth(&column.name),
        Kind::Number => name::says_time(&column.name) && goes_one_way(column, &study.rows),
        _ => false,
    });
    let worst = candidates
        .filter_map(|(column, _)| Drift::along(study, column))
        .filter(Drift::is_strong)
        .max_by(|a, b| a.strength().total_cmp(&b.strength()));
    worst.into_iter().map(|drift| drift.finding(input.split_kind, 0.6)).collect()
}

/// How the target goes along a column.
struct Drift<'a> {
    column: &'a Column,
    n_rows: usize,
    between: f64,
    neighbours: f64,
    one_way: bool,
}

impl<'a> Drift<'a> {
    fn along(study: &Study<'_>, column: &'a Column) -> Option<Self> {
        let mut order: Vec<(f64, usize)> = study
            .rows
            .iter()
            .enumerate()
            .filter_map(|(i, row)| Some((instant(column, *row as usize)?, i)))
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let n_times = order.chunk_by(|a, b| a.0 == b.0).count();
        if order.len() < ROWS_MIN || n_times < TIMES_MIN {
            return None;
        }
        let (mut between, mut neighbours, mut weight) = (0.0, 0.0, 0.0);
        for values in one_against_rest(&study.target) {
            let values: Vec<f64> = order.iter().map(|(_, i)| values[*i]).collect();
            let spread = variance(&values);
            if let (Some(share), true) = (between_share(&values), spread > 0.0) {
                between += spread * share;
                neighbours += spread * lag_correlation(&values);
                weight += spread;
            }
        }
        (weight > 0.0).then(|| Self {
            column,
            n_rows: order.len(),
            between: between / weight,
            neighbours: neighbours / weight,
            one_way: goes_one_way(column, &study.rows),
        })
    }

    fn is_strong(&self) -> bool {
        // Neighbours along any good feature have like targets; only time in the file's own order
        // makes them suspicious.
        self.between >= DRIFT_MIN || (self.one_way && self.neighbours >= NEIGHBOURS_MIN)
    }

    fn strength(&self) -> f64 {
        (self.between / DRIFT_MIN).max(self.neighbours / NEIGHBOURS_MIN)
    }

    fn finding(&self, split: &str, confidence: f64) -> LeakFinding {
        LeakFinding {
            kind: LeakKind::TimeOrderIgnored,
            columns: vec![self.column.name.clone()],
            confidence,
            share_of_test: None,
            evidence: format!(
                "along `{}`, {} of the target's variance lies between stretches of time and \
                 neighbours in time correlate with {:.2} ({} rows), but the split is {split}: if \
                 the model is to predict the future, use the time split",
                self.column.name,
                percent(self.between.clamp(0.0, 1.0)),
                self.neighbours,
                count(self.n_rows)
            ),
            action: LeakAction::Reported,
        }
    }
}

fn instant(column: &Column, row: usize) -> Option<f64> {
    match &column.data {
        ColumnData::Number(values) => Some(values.at(row)).filter(|v| v.is_finite()),
        ColumnData::Instant(values) => {
            Some(values[row]).filter(|v| *v != MISSING_INSTANT).map(|v| v as f64)
        }
        ColumnData::String { .. } => None,
    }
}

/// Whether the column rises (or falls) along the file in nearly every step.
fn goes_one_way(column: &Column, rows: &[u32]) -> bool {
    let values: Vec<f64> = rows.iter().filter_map(|row| instant(column, *row as usize)).collect();
    let steps = values.len().saturating_sub(1);
    let rising = values.windows(2).filter(|w| w[0] <= w[1]).count();
    let falling = values.windows(2).filter(|w| w[0] >= w[1]).count();
    steps > 0 && share(rising.max(falling), steps) >= ONE_WAY
}

/// The target as numbers: itself, or one indicator per class (the first twenty).
fn one_against_rest(target: &Target) -> Vec<Vec<f64>> {
    match target {
        Target::Real(values) => vec![values.clone()],
        Target::Class { codes, n_classes } => (0..*n_classes as u32)
            .take(20)
            .map(|class| codes.iter().map(|c| f64::from(u8::from(*c == class))).collect())
            .collect(),
    }
}

fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64
}

/// The correlation of each value with the next.
fn lag_correlation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let products: f64 = values.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
    products / (variance(values) * (values.len() - 1) as f64)
}
