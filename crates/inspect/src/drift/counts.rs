//! The distribution of a category as values with counts.

use std::collections::BTreeMap;

/// Values with the rows that have them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    values: BTreeMap<String, f64>,
    /// Rows whose values were not counted one by one (a sketch keeps the frequent ones).
    rest: f64,
    n_distinct: usize,
}

impl Counts {
    /// The distribution of distinct values with counts; `rest` rows have other values.
    pub fn new(values: impl IntoIterator<Item = (String, f64)>, rest: f64) -> Self {
        let values: BTreeMap<String, f64> = values.into_iter().collect();
        let n_distinct = values.len() + usize::from(rest > 0.0);
        Self { values, rest, n_distinct }
    }

    /// With the number of distinct values as a sketch knows it.
    #[must_use]
    pub fn with_distinct(mut self, n_distinct: usize) -> Self {
        self.n_distinct = n_distinct.max(self.values.len());
        self
    }

    /// Rows.
    pub fn n(&self) -> f64 {
        self.values.values().sum::<f64>() + self.rest
    }

    /// Distinct values.
    pub fn n_distinct(&self) -> usize {
        self.n_distinct
    }

    /// The rows with a value.
    pub fn of(&self, value: &str) -> f64 {
        self.values.get(value).copied().unwrap_or(0.0)
    }

    /// The values with their counts, in order of the values.
    pub fn values(&self) -> impl Iterator<Item = (&str, f64)> {
        self.values.iter().map(|(value, count)| (value.as_str(), *count))
    }

    /// The most frequent values, most frequent first.
    pub fn top(&self, n: usize) -> Vec<(&str, f64)> {
        let mut top: Vec<(&str, f64)> = self.values().collect();
        top.sort_by(|a, b| b.1.total_cmp(&a.1));
        top.truncate(n);
        top
    }

    /// For every value of either distribution, in order of the values, the rows of both; values
    /// that only one of them counted apart are with the rest of the other, which comes last.
    pub fn beside(&self, other: &Self) -> Vec<(f64, f64)> {
        let mut keys: Vec<&String> = self.values.keys().chain(other.values.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        // A sketch that dropped rare values cannot tell which of them the other side counted.
        let apart = |key: &&String| {
            (self.rest == 0.0 || self.values.contains_key(*key))
                && (other.rest == 0.0 || other.values.contains_key(*key))
        };
        let (apart, pooled): (Vec<&String>, Vec<&String>) = keys.into_iter().partition(apart);
        let pair = |key: &String| (self.of(key), other.of(key));
        let mut pairs: Vec<(f64, f64)> = apart.into_iter().map(pair).collect();
        if self.rest > 0.0 || other.rest > 0.0 {
            let (mut a, mut b) = (self.rest, other.rest);
            for key in pooled {
                let (of_a, of_b) = pair(key);
                a += of_a;
                b += of_b;
            }
            pairs.push((a, b));
        }
        pairs
    }
}
