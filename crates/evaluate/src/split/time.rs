//! Time split: what is judged lies strictly after what was learned from.
//!
//! Rows of one instant stay on one side, so a cut is moved to the nearest change of instant.
//! Folds chain forward: the rows are cut into k + 1 spans of about equal size; fold i learns
//! from spans 0..=i and is judged on span i + 1.

use modelwright_core::data::Fold;
use modelwright_core::{Error, Result};

use super::{divide, n_judged};

pub(super) fn holdout(times: &[f64], share: f64) -> Result<Fold> {
    let n_rows = times.len();
    let starts = cuts(times, &[n_rows - n_judged(n_rows, share)])?;
    Ok(divide(n_rows, |row| times[row] >= starts[0]))
}

pub(super) fn forward_folds(times: &[f64], k: usize) -> Result<Vec<Fold>> {
    let wanted: Vec<usize> = (1..=k).map(|i| i * times.len() / (k + 1)).collect();
    let starts = cuts(times, &wanted)?;
    let rows_where = |keep: &dyn Fn(f64) -> bool| -> Vec<u32> {
        (0..times.len() as u32).filter(|row| keep(times[*row as usize])).collect()
    };
    Ok((0..k)
        .map(|i| {
            let end = starts.get(i + 1).copied().unwrap_or(f64::INFINITY);
            Fold {
                train: rows_where(&|t| t < starts[i]),
                validation: rows_where(&|t| t >= starts[i] && t < end),
            }
        })
        .collect())
}

/// The instants at which the spans after each cut begin: strictly rising, each as near as can be
/// to its wanted number of earlier rows (ascending), with at least one instant per span.
fn cuts(times: &[f64], wanted: &[usize]) -> Result<Vec<f64>> {
    if let Some(row) = times.iter().position(|t| !t.is_finite()) {
        return Err(Error::input("a row has no usable time")
            .row(row as u64 + 1)
            .got(times[row].to_string())
            .hint("drop the rows without a time, or choose another split"));
    }
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    // Places where a new instant begins: the possible cuts. `-0.0` and `0.0` are one instant.
    let places: Vec<usize> = (1..sorted.len()).filter(|i| sorted[*i] > sorted[*i - 1]).collect();
    if places.len() < wanted.len() {
        return Err(Error::input("there are too few different times to split by")
            .expected(format!("at least {} different times", wanted.len() + 1))
            .got(format!("{} different times", places.len() + 1))
            .hint("use fewer folds, a finer time column, or another split"));
    }
    let mut first = 0;
    let mut starts = Vec::with_capacity(wanted.len());
    for (at, want) in wanted.iter().enumerate() {
        let last = places.len() - (wanted.len() - at);
        let above = places.partition_point(|place| place < want).clamp(first, last);
        let below = above.saturating_sub(1).max(first);
        let nearer = if want.abs_diff(places[below]) <= want.abs_diff(places[above]) {
            below
        } else {
            above
        };
        starts.push(sorted[places[nearer]]);
        first = nearer + 1;
    }
    Ok(starts)
}
