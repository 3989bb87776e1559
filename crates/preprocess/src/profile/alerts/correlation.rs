//! Pairs of numbers that say nearly the same: Pearson's correlation on a sample of rows.
//!
//! Columns are scaled to mean 0 and length 1 in f32 once; a correlation is then a dot product.
//! The number of rows shrinks with the number of pairs, so that the work is bounded; the error of
//! a correlation near 1 from 1,000 rows is below 0.01.

use modelwright_core::Context;
use modelwright_core::data::{ColumnData, Kind};
use modelwright_core::record::{Alert, AlertKind, Severity};

use super::{Facts, sample_rows};
use crate::profile::wording::count;

/// From this absolute correlation on, two columns say nearly the same.
const CORRELATION: f32 = 0.95;
/// Multiplications that all pairs together may cost.
const WORK_MAX: usize = 100_000_000;
/// Rows of a sample, at least and at most.
const ROWS: (usize, usize) = (1000, 20_000);
/// The most columns whose pairs are looked at.
const COLUMNS_MAX: usize = 1000;
/// Fewer rows than this correlate by chance.
const ROWS_MIN: usize = 30;
/// Products that are summed side by side.
const LANES: usize = 8;

pub(super) fn check(
    facts: &[Facts<'_>],
    equal: &[(usize, usize)],
    target: Option<&str>,
    ctx: &Context,
) -> Vec<Alert> {
    let is_candidate = |i: &usize| {
        let facts = &facts[*i];
        matches!(facts.column.data, ColumnData::Number(_))
            && matches!(facts.kind(), Kind::Number | Kind::Boolean)
            && Some(facts.profile.name.as_str()) != target
            && !equal.iter().any(|(copy, _)| copy == i)
    };
    let candidates: Vec<usize> = (0..facts.len()).filter(is_candidate).take(COLUMNS_MAX).collect();
    let n_rows = facts.first().map_or(0, |f| f.profile.n_rows);
    if candidates.len() < 2 || n_rows < ROWS_MIN {
        return Vec::new();
    }
    let n_pairs = candidates.len() * (candidates.len() - 1) / 2;
    let rows = sample_rows(n_rows, (WORK_MAX / n_pairs).clamp(ROWS.0, ROWS.1));
    let scaled = ctx.map(candidates.len(), |i| scaled(facts[candidates[i]].column, &rows));
    let pairs = ctx.map(candidates.len(), |i| {
        let later = (i + 1..candidates.len()).map(|j| (j, dot(&scaled[i], &scaled[j])));
        later.filter(|(_, r)| r.abs() >= CORRELATION).collect::<Vec<_>>()
    });
    let mut alerts = Vec::new();
    for (i, partners) in pairs.into_iter().enumerate() {
        for (j, r) in partners {
            let (a, b) = (&facts[candidates[i]].profile.name, &facts[candidates[j]].profile.name);
            alerts.push(Alert {
                kind: AlertKind::HighCorrelation,
                severity: Severity::Info,
                columns: vec![a.clone(), b.clone()],
                message: format!(
                    "`{a}` and `{b}` say nearly the same (correlation {r:.3} in {} rows)",
                    count(rows.len())
                ),
            });
        }
    }
    alerts
}

/// The sampled values, missing ones at the mean, with mean 0 and length 1 (all 0 without spread).
fn scaled(column: &modelwright_core::data::Column, rows: &[u32]) -> Vec<f32> {
    let ColumnData::Number(values) = &column.data else { return Vec::new() };
    let picked = values.of_rows(rows);
    let finite: Vec<f64> = picked.iter().copied().filter(|v| v.is_finite()).collect();
    let mean = finite.iter().sum::<f64>() / finite.len().max(1) as f64;
    let length = finite.iter().map(|v| (v - mean).powi(2)).sum::<f64>().sqrt();
    let scale = if length > 0.0 && length.is_finite() { 1.0 / length } else { 0.0 };
    let one = |v: f64| if v.is_finite() { ((v - mean) * scale) as f32 } else { 0.0 };
    picked.into_iter().map(one).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (mut x, mut y) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    for (x, y) in (&mut x).zip(&mut y) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = x.remainder().iter().zip(y.remainder()).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f32>() + rest
}
