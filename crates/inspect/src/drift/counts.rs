//! The distribution of a category as values with counts.

use std::collections::BTreeMap;

/// Values with the rows that have them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    values: BTreeMap<String, f64>,
    /// Rows whose values were not counted one by one (a sketch keeps the frequent ones).
    rest: f64,
    /// By how much the count of a value may be too small; those rows are in the rest.
    error: f64,
    n_distinct: usize,
    independent: Option<f64>,
}

impl Counts {
    /// The distribution of distinct values with counts; `rest` rows have other values.
    pub fn new(values: impl IntoIterator<Item = (String, f64)>, rest: f64) -> Self {
        let values: BTreeMap<String, f64> = values.into_iter().collect();
        let n_distinct = values.len() + usize::from(rest > 0.0);
        Self { values, rest, n_distinct, ..Self::default() }
    }

    /// With counts that are lower bounds, as those of a sketch are: each may be too small by up to
    /// `error` rows, which are in the rest.
    #[must_use]
    pub fn with_error(mut self, error: f64) -> Self {
        self.error = error.max(0.0);
        self
    }

    /// With the number of distinct values as a sketch knows it.
    #[must_use]
    pub fn with_distinct(mut self, n_distinct: usize) -> Self {
        self.n_distinct = n_distinct.max(self.values.len());
        self
    }

    /// With rows that belong together, of which this share counts as independent: a test rests on
    /// fewer of them, and distances are what they are.
    #[must_use]
    pub fn independent(mut self, share: f64) -> Self {
        self.independent = Some(share.clamp(0.0, 1.0));
        self
    }

    /// The share of the rows that counts as independent.
    pub fn share_independent(&self) -> f64 {
        self.independent.unwrap_or(1.0)
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

    /// By how many rows the count of a value may be too small.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// Rows whose values were not counted one by one.
    pub fn rest(&self) -> f64 {
        self.rest
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

    /// Both distributions as alike as what was counted allows, with the values that both know.
    ///
    /// A count of a sketch is a bound: what is between it and the bound on the other side is no
    /// difference. Values that only one of them counted apart go to its rest, as they are in the
    /// rest of the other. Distributions that were counted whole stay as they are.
    pub fn settled(&self, other: &Self) -> (Self, Self) {
        if self.rest == 0.0 && other.rest == 0.0 {
            return (self.clone(), other.clone());
        }
        let (apart, _) = self.keys(other);
        let (n_a, n_b) = (self.n().max(1.0), other.n().max(1.0));
        let bounds = |of: &Self, n: f64, key: &String| {
            let low = of.of(key);
            let room = if of.values.contains_key(key) { of.error } else { 0.0 };
            (low / n, (low + room) / n)
        };
        let (mut a, mut b) = (BTreeMap::new(), BTreeMap::new());
        for key in apart {
            let (low_a, high_a) = bounds(self, n_a, key);
            let (low_b, high_b) = bounds(other, n_b, key);
            // The nearest ends where the bounds do not meet.
            let share = low_a.max(low_b);
            a.insert(key.clone(), share.min(high_a) * n_a);
            b.insert(key.clone(), share.min(high_b) * n_b);
        }
        let of = |values: BTreeMap<String, f64>, whole: &Self| {
            let named: f64 = values.values().sum();
            let rest = (whole.n() - named).max(0.0);
            let (n_distinct, independent) = (whole.n_distinct, whole.independent);
            Self { values, rest, error: 0.0, n_distinct, independent }
        };
        (of(a, self), of(b, other))
    }

    /// The values of either distribution, in order: those that can be told apart in both, and those
    /// that only one of them counted.
    fn keys<'a>(&'a self, other: &'a Self) -> (Vec<&'a String>, Vec<&'a String>) {
        let mut keys: Vec<&String> = self.values.keys().chain(other.values.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        // A sketch that dropped rare values cannot tell which of them the other side counted.
        let apart = |key: &&String| {
            (self.rest == 0.0 || self.values.contains_key(*key))
                && (other.rest == 0.0 || other.values.contains_key(*key))
        };
        keys.into_iter().partition(apart)
    }

    /// For every value of either distribution, in order of the values, the rows of both; values
    /// that only one of them counted apart are with the rest of the other, which comes last.
    pub fn beside(&self, other: &Self) -> Vec<(f64, f64)> {
        let (apart, pooled) = self.keys(other);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_bounds_are_no_difference_and_what_is_beyond_them_is() {
        let named = |pairs: &[(&str, f64)], rest: f64| {
            Counts::new(pairs.iter().map(|(value, n)| ((*value).to_owned(), *n)), rest)
        };
        // Of 100, 60 and 10 rows, a sketch has 90 and 50: ten too few each, and lost the third.
        let sketch = named(&[("a", 90.0), ("b", 50.0)], 30.0).with_error(10.0);
        let whole = named(&[("a", 100.0), ("b", 60.0), ("c", 10.0)], 0.0);
        let (was, is) = sketch.settled(&whole);
        let close = |found: [f64; 3], wanted: [f64; 3]| {
            let is_close = found.iter().zip(wanted).all(|(f, w)| (f - w).abs() < 1e-9);
            assert!(is_close, "{found:?}, not {wanted:?}");
        };
        close([was.of("a"), was.of("b"), was.rest()], [100.0, 60.0, 10.0]);
        close([is.of("a"), is.of("b"), is.rest()], [100.0, 60.0, 10.0]);
        assert!(is.values().all(|(value, _)| value != "c"), "its share was not counted");
        let moved = named(&[("a", 130.0), ("b", 30.0), ("c", 10.0)], 0.0);
        let (was, is) = sketch.settled(&moved);
        close([was.of("a"), was.of("b"), was.n()], [100.0, 50.0, 170.0]);
        close([is.of("a"), is.of("b"), is.n()], [130.0, 30.0, 170.0]);
        let (a, b) = whole.settled(&moved);
        assert_eq!((a, b), (whole, moved), "what was counted whole stays as it is");
    }
}
