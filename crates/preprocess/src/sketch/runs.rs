//! A block of rows as sorted distinct values with counts.

use std::ops::Range;

use modelwright_core::data::{MISSING_CODE, MISSING_INSTANT};

use super::MICROS;
use super::frequent::Key;

/// The numbers of a block of rows.
#[derive(Debug, Default)]
pub(super) struct NumberRuns {
    /// Finite values ascending, with counts; 0 and −0 are one.
    pub runs: Vec<(f64, u64)>,
    /// Missing values.
    pub n_missing: u64,
    /// Infinite values.
    pub n_infinite: u64,
}

/// The runs of numbers; NaN is missing.
pub(super) fn of_numbers(values: &[f64]) -> NumberRuns {
    let mut keys = Vec::with_capacity(values.len());
    let mut out = NumberRuns::default();
    for value in values {
        if value.is_finite() {
            keys.push(Key::new(*value));
        } else if value.is_nan() {
            out.n_missing += 1;
        } else {
            out.n_infinite += 1;
        }
    }
    out.runs = count_sorted(keys, Key::value);
    out
}

/// The runs of instants, in seconds since 1970.
pub(super) fn of_instants(values: &[i64]) -> NumberRuns {
    let keys: Vec<i64> = values.iter().copied().filter(|v| *v != MISSING_INSTANT).collect();
    let n_missing = (values.len() - keys.len()) as u64;
    NumberRuns { runs: count_sorted(keys, |v| v as f64 / MICROS), n_missing, n_infinite: 0 }
}

/// Instants in seconds since 1970; NaN is missing.
pub(super) fn seconds(values: &[i64]) -> Vec<f64> {
    let second = |v: &i64| if *v == MISSING_INSTANT { f64::NAN } else { *v as f64 / MICROS };
    values.iter().map(second).collect()
}

/// The runs of dictionary codes, and how many rows are missing.
pub(super) fn of_codes(codes: &[u32], rows: Range<usize>) -> (Vec<(u32, u64)>, u64) {
    let codes = &codes[rows];
    let present: Vec<u32> = codes.iter().copied().filter(|c| *c != MISSING_CODE).collect();
    let n_missing = (codes.len() - present.len()) as u64;
    // Few strings are counted faster than their codes are sorted.
    let last = present.iter().copied().max().unwrap_or(0);
    if last as usize >= codes.len() {
        return (count_sorted(present, |c| c), n_missing);
    }
    let mut counts = vec![0_u64; last as usize + 1];
    for code in present {
        counts[code as usize] += 1;
    }
    ((0..).zip(counts).filter(|(_, n)| *n > 0).collect(), n_missing)
}

fn count_sorted<K: Ord + Copy, V>(mut keys: Vec<K>, value: impl Fn(K) -> V) -> Vec<(V, u64)> {
    keys.sort_unstable();
    let mut runs = Vec::new();
    let mut start = 0;
    while start < keys.len() {
        let key = keys[start];
        let mut end = start + 1;
        while end < keys.len() && keys[end] == key {
            end += 1;
        }
        runs.push((value(key), (end - start) as u64));
        start = end;
    }
    runs
}
