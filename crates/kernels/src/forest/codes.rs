//! Values as bytes: the code of a value is the number of thresholds below it.
//!
//! With the distinct thresholds of a feature in order, `x > thresholds[rank]` is the same as
//! `code(x) > rank`, so that all tests of all trees compare bytes. A missing value fails every
//! test that sends it left and passes every other one: a feature has up to two rows of codes, in
//! which missing values are 0 or 255. Reference: Ye et al., "RapidScorer", KDD 2018.

use super::{LANES, PART, Step};
use crate::dispatch::vectorised;

/// The most distinct thresholds of a feature: ranks end at 254, so that 255 is above all of them.
const MAX_THRESHOLDS: usize = 255;
/// Up to this many thresholds each one is compared with all rows; more are searched.
const FEW: usize = 40;

/// How the features of a forest become codes.
#[derive(Debug, Clone)]
pub(super) struct Codes {
    columns: Vec<Column>,
    n_rows: usize,
}

#[derive(Debug, Clone, Default)]
struct Column {
    /// Distinct and ascending.
    thresholds: Vec<f32>,
    /// As `thresholds`, then infinities up to one less than a power of two; empty if few.
    ladder: Vec<f32>,
    /// The row of codes where missing is 255, and that where it is 0, if any node wants it.
    rows: [Option<u32>; 2],
}

impl Codes {
    /// Codes for all nodes of a forest with so many used features.
    pub(super) fn new(n_used: usize, steps: &[Step]) -> Self {
        let mut columns = vec![Column::default(); n_used];
        for step in steps {
            columns[step.column as usize].thresholds.push(step.threshold);
        }
        for column in &mut columns {
            let thresholds = &mut column.thresholds;
            thresholds.sort_unstable_by(f32::total_cmp);
            // By value, so that zeros of both signs are one.
            thresholds.dedup_by(|a, b| a == b);
            if thresholds.len() > MAX_THRESHOLDS {
                *thresholds = Vec::new();
            } else if thresholds.len() > FEW {
                column.ladder.clone_from(thresholds);
                let full = (thresholds.len() + 1).next_power_of_two() - 1;
                column.ladder.resize(full, f32::INFINITY);
            }
        }
        let mut codes = Self { columns, n_rows: 0 };
        for step in steps {
            let column = &mut codes.columns[step.column as usize];
            let row = &mut column.rows[usize::from(step.missing_left)];
            if row.is_none() && !column.thresholds.is_empty() {
                *row = Some(codes.n_rows as u32);
                codes.n_rows += 1;
            }
        }
        codes
    }

    /// How many rows of codes there are.
    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The row of codes and the rank that a node compares: right is `code > rank`. `None` if the
    /// feature has too many thresholds.
    pub(super) fn test(&self, step: &Step) -> Option<(u32, u8)> {
        let column = &self.columns[step.column as usize];
        let row = column.rows[usize::from(step.missing_left)]?;
        let rank = column.thresholds.partition_point(|t| *t < step.threshold);
        Some((row, rank as u8))
    }

    /// Codes of the first `n_rows` rows of a block, one array of values per used feature.
    pub(super) fn encode(&self, values: &[[f32; LANES]], n_rows: usize, codes: &mut [[u8; LANES]]) {
        for (column, values) in self.columns.iter().zip(values) {
            if column.thresholds.is_empty() {
                continue;
            }
            let parts = n_rows.div_ceil(PART) * PART;
            let mut found = [0; LANES];
            if column.ladder.is_empty() {
                count(&column.thresholds, &values[..parts], &mut found[..parts]);
            } else {
                climb(&column.ladder, &values[..parts], &mut found[..parts]);
            }
            let [right, left] = column.rows;
            if let Some(row) = left {
                codes[row as usize] = found;
            }
            if let Some(row) = right {
                missing_right(values, &found, &mut codes[row as usize]);
            }
        }
    }
}

vectorised! {
    /// How many of a few thresholds are below each value (none are below NaN), for whole parts.
    fn count(thresholds: &[f32], values: &[f32], out: &mut [u8]) = count_generic
}

#[inline(always)]
fn count_generic(thresholds: &[f32], values: &[f32], out: &mut [u8]) {
    for (values, out) in values.as_chunks::<PART>().0.iter().zip(out.as_chunks_mut::<PART>().0) {
        let mut counts = [0_u32; PART];
        for threshold in thresholds {
            for (count, x) in counts.iter_mut().zip(values) {
                *count += u32::from(*x > *threshold);
            }
        }
        for (out, count) in out.iter_mut().zip(counts) {
            *out = count as u8;
        }
    }
}

vectorised! {
    /// As [`count`] for ascending thresholds, one less than a power of two of them.
    fn climb(ladder: &[f32], values: &[f32], out: &mut [u8]) = climb_generic
}

#[inline(always)]
fn climb_generic(ladder: &[f32], values: &[f32], out: &mut [u8]) {
    let places = ladder.len() + 1;
    assert!(places.is_power_of_two(), "a ladder is padded");
    for (values, out) in values.as_chunks::<PART>().0.iter().zip(out.as_chunks_mut::<PART>().0) {
        let mut found = [0_u32; PART];
        let mut half = places / 2;
        while half > 0 {
            let ladder = &ladder[half - 1..];
            for (found, x) in found.iter_mut().zip(values) {
                // SAFETY: `found` is a sum of different powers of two above `half`, all below
                // `places`; hence `found + half - 1 <= places - 2`, which the ladder has.
                let threshold = unsafe { *ladder.get_unchecked(*found as usize) };
                *found += if *x > threshold { half as u32 } else { 0 };
            }
            half /= 2;
        }
        for (out, found) in out.iter_mut().zip(found) {
            *out = found as u8;
        }
    }
}

vectorised! {
    fn missing_right(
        values: &[f32; LANES],
        codes: &[u8; LANES],
        out: &mut [u8; LANES],
    ) = missing_right_generic
}

#[inline(always)]
fn missing_right_generic(values: &[f32; LANES], codes: &[u8; LANES], out: &mut [u8; LANES]) {
    for ((out, code), x) in out.iter_mut().zip(codes).zip(values) {
        *out = if x.is_nan() { u8::MAX } else { *code };
    }
}

#[cfg(test)]
pub(super) fn check_portable(ladder: &[f32], values: &[f32; LANES]) {
    let wanted = values.map(|x| ladder.iter().filter(|t| x > **t).count() as u8);
    let mut got = [[0; LANES]; 4];
    count(ladder, values, &mut got[0]);
    count_generic(ladder, values, &mut got[1]);
    assert_eq!(got[..2], [wanted; 2]);
    if (ladder.len() + 1).is_power_of_two() {
        climb(ladder, values, &mut got[2]);
        climb_generic(ladder, values, &mut got[3]);
        assert_eq!(got[2..], [wanted; 2]);
    }
}
