//! Numbers that change their level along the file: rows in order of time, or sorted.

use modelwright_core::data::{ColumnData, Kind};
use modelwright_core::record::{Alert, AlertKind, Severity};

use super::Facts;
use crate::profile::wording::percent;

/// Stretches of the file whose means are compared.
const BLOCKS: usize = 20;
/// Fewer rows than this have no order to speak of.
const ROWS_MIN: usize = 500;
/// The share of the variance that lies between the stretches, from which on the level changes.
const BETWEEN_SHARE: f64 = 0.25;

pub(super) fn check(facts: &Facts<'_>, sample: &[u32]) -> Option<Alert> {
    let values: Vec<f64> = match &facts.column.data {
        ColumnData::Number(values) if facts.kind() == Kind::Number => values.of_rows(sample),
        _ => return None,
    };
    let between = between_share(&values)?;
    let what = format!(
        "changes its level along the file: {} of its variance lies between stretches of rows",
        percent(between)
    );
    (between >= BETWEEN_SHARE).then(|| facts.alert(AlertKind::NonStationary, Severity::Info, what))
}

/// The share of variance between consecutive stretches (eta squared); `None` where undefined.
pub(crate) fn between_share(values: &[f64]) -> Option<f64> {
    if values.len() < ROWS_MIN {
        return None;
    }
    let block_rows = values.len().div_ceil(BLOCKS);
    let mean = |part: &mut dyn Iterator<Item = f64>| {
        let (sum, n) = part.fold((0.0, 0_usize), |(sum, n), v| (sum + v, n + 1));
        (sum / n.max(1) as f64, n)
    };
    let finite = |v: &f64| v.is_finite();
    let (grand, n) = mean(&mut values.iter().copied().filter(finite));
    let total: f64 = values.iter().filter(|v| finite(v)).map(|v| (v - grand).powi(2)).sum();
    let between: f64 = values
        .chunks(block_rows)
        .map(|block| {
            let (level, n_block) = mean(&mut block.iter().copied().filter(finite));
            n_block as f64 * (level - grand).powi(2)
        })
        .sum();
    let share = between / total;
    (n >= ROWS_MIN && share.is_finite()).then_some(share)
}
