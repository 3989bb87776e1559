//! The most frequent values of a stream with lower bounds of their counts.
//!
//! At most [`CAPACITY`] counters. When more are needed, the count of the first one that does not
//! fit is subtracted from all, and those at zero leave: the merge of Agarwal et al., "Mergeable
//! summaries", TODS 38(4), 2013, for Misra–Gries counters (the same information as Space-Saving's).
//! A kept count is below the true one by at most [`Frequent::error`], which is at most
//! `n / (CAPACITY + 1)`; with at most [`CAPACITY`] distinct values it is exact.

use serde::{Deserialize, Serialize};

/// How many values are counted.
const CAPACITY: usize = 256;

/// A number as a key: ordered by value, with one zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(i64);

impl Key {
    /// The key of a number.
    #[inline]
    pub fn new(value: f64) -> Self {
        let bits = (value + 0.0).to_bits().cast_signed();
        Self(flip(bits))
    }

    /// The number.
    #[inline]
    pub fn value(self) -> f64 {
        f64::from_bits(flip(self.0).cast_unsigned())
    }
}

/// Negative numbers sort backwards by their bits: flips all but the sign; its own inverse.
#[inline]
fn flip(bits: i64) -> i64 {
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// Counters of the most frequent values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frequent<K> {
    /// Ascending by key.
    entries: Vec<(K, u64)>,
    error: u64,
}

impl<K> Default for Frequent<K> {
    fn default() -> Self {
        Self { entries: Vec::new(), error: 0 }
    }
}

impl<K: Ord + Clone> Frequent<K> {
    /// Counters of distinct values with counts, in any order.
    pub(crate) fn of_counts<T>(counts: &[(T, u64)], key: impl Fn(&T) -> K) -> Self {
        let limit = excess(counts.iter().map(|(_, count)| *count));
        let mut entries: Vec<(K, u64)> = counts
            .iter()
            .filter(|(_, count)| *count > limit)
            .map(|(value, count)| (key(value), count - limit))
            .collect();
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Self { entries, error: limit }
    }

    /// Counters of both streams together.
    pub fn merge(&mut self, other: &Self) {
        let mut merged = Vec::with_capacity(self.entries.len() + other.entries.len());
        let mut mine = std::mem::take(&mut self.entries).into_iter().peekable();
        for (key, count) in &other.entries {
            while let Some(before) = mine.next_if(|(k, _)| k < key) {
                merged.push(before);
            }
            let same = mine.next_if(|(k, _)| k == key).map_or(0, |(_, c)| c);
            merged.push((key.clone(), same + count));
        }
        merged.extend(mine);
        let limit = excess(merged.iter().map(|(_, count)| *count));
        merged.retain_mut(|(_, count)| {
            *count = count.saturating_sub(limit);
            *count > 0
        });
        self.entries = merged;
        self.error += other.error + limit;
    }

    /// The values with their counts, most frequent first (equals in order of the values).
    pub fn top(&self) -> Vec<(&K, u64)> {
        let mut top: Vec<(&K, u64)> = self.entries.iter().map(|(k, c)| (k, *c)).collect();
        top.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        top
    }

    /// The values with their counts, ascending by value.
    pub fn entries(&self) -> &[(K, u64)] {
        &self.entries
    }

    /// Whether keys ascend and counters are as many and as large as they can be.
    pub(super) fn is_sound(&self, n_rows: u64) -> bool {
        let n: u128 = self.entries.iter().map(|(_, n)| u128::from(*n)).sum();
        self.entries.len() <= CAPACITY
            && self.entries.windows(2).all(|w| w[0].0 < w[1].0)
            && n <= u128::from(n_rows)
            && self.error <= n_rows
    }

    /// By how much a count may be too small; 0 means that all values and counts are exact.
    pub fn error(&self) -> u64 {
        self.error
    }
}

/// The count of the first value that does not fit; 0 when all fit.
fn excess(counts: impl Iterator<Item = u64>) -> u64 {
    let mut counts: Vec<u64> = counts.collect();
    if counts.len() <= CAPACITY {
        return 0;
    }
    *counts.select_nth_unstable_by(CAPACITY, |a, b| b.cmp(a)).1
}
