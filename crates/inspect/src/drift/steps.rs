//! The distribution of numbers as ascending values with counts.

/// Distinct finite values, ascending, each with the rows that have it.
///
/// Read off a sketch, a value stands for those near it; the sums are those of all rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Steps {
    values: Vec<(f64, f64)>,
    n: f64,
    n_distinct: usize,
    std: Option<f64>,
    rank_error: f64,
    independent: Option<f64>,
}

impl Steps {
    /// The distribution of values, all finite, in any order.
    pub fn of_values(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let mut steps: Vec<(f64, f64)> = Vec::new();
        for value in values {
            // One zero, so that it has one name.
            let value = value + 0.0;
            match steps.last_mut() {
                Some(last) if last.0 == value => last.1 += 1.0,
                _ => steps.push((value, 1.0)),
            }
        }
        Self::of_counts(steps)
    }

    /// The distribution of distinct finite values with counts, ascending by value.
    pub fn of_counts(values: Vec<(f64, f64)>) -> Self {
        let n = values.iter().map(|(_, count)| count).sum();
        let n_distinct = values.len();
        Self { values, n, n_distinct, ..Self::default() }
    }

    /// With what a sketch knows beside the values that it kept: how many there were, their standard
    /// deviation (of the population), and by which share of the rows a rank may be wrong.
    #[must_use]
    pub fn of_sketch(mut self, n_distinct: usize, std: Option<f64>, rank_error: f64) -> Self {
        self.n_distinct = n_distinct.max(self.values.len());
        self.std = std;
        self.rank_error = rank_error;
        self
    }

    /// With ranks that may be wrong by a further share of the rows.
    #[must_use]
    pub fn doubted(mut self, by: f64) -> Self {
        self.rank_error += by;
        self
    }

    /// With rows that belong together, of which this share counts as independent: a test rests on
    /// fewer of them, and distances are what they are.
    #[must_use]
    pub fn independent(mut self, share: f64) -> Self {
        self.independent = Some(share.clamp(0.0, 1.0));
        self
    }

    /// Rows.
    pub fn n(&self) -> f64 {
        self.n
    }

    /// The share of the rows that counts as independent.
    pub fn share_independent(&self) -> f64 {
        self.independent.unwrap_or(1.0)
    }

    /// Rows as far as they are independent.
    pub fn n_independent(&self) -> f64 {
        self.n * self.share_independent()
    }

    /// Distinct values.
    pub fn n_distinct(&self) -> usize {
        self.n_distinct
    }

    /// The values with their counts, ascending.
    pub fn values(&self) -> &[(f64, f64)] {
        &self.values
    }

    /// By which share of the rows a rank may be wrong; 0 when counted exactly.
    pub fn rank_error(&self) -> f64 {
        self.rank_error
    }

    /// Smallest and largest value; `None` without rows.
    pub fn range(&self) -> Option<(f64, f64)> {
        Some((self.values.first()?.0, self.values.last()?.0))
    }

    /// Mean; `None` without rows.
    pub fn mean(&self) -> Option<f64> {
        let sum: f64 = self.values.iter().map(|(v, count)| v * count).sum();
        (self.n > 0.0).then(|| sum / self.n)
    }

    /// Standard deviation of the population (divided by n); `None` without rows.
    pub fn std(&self) -> Option<f64> {
        if self.std.is_some() {
            return self.std;
        }
        let mean = self.mean()?;
        let squares: f64 = self.values.iter().map(|(v, count)| count * (v - mean).powi(2)).sum();
        Some((squares / self.n).sqrt())
    }

    /// The smallest value whose rank reaches the share `q`, in `[0, 1]`; `None` without rows.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let mut below = 0.0;
        for (value, count) in &self.values {
            below += count;
            if below >= q * self.n {
                return Some(*value);
            }
        }
        self.values.last().map(|(value, _)| *value)
    }

    /// The rows between neighbouring `edges` (ascending): lower edge included, upper one excluded
    /// but for the last. Values outside count nowhere.
    pub fn histogram(&self, edges: &[f64]) -> Vec<f64> {
        let n_bins = edges.len().saturating_sub(1);
        let mut counts = vec![0.0; n_bins];
        for (value, count) in &self.values {
            let at = edges.partition_point(|edge| edge <= value);
            let is_last = at == edges.len() && edges.last() == Some(value);
            match (at, is_last) {
                (_, true) if n_bins > 0 => counts[n_bins - 1] += count,
                (1.., false) if at <= n_bins => counts[at - 1] += count,
                _ => {}
            }
        }
        counts
    }

    /// Calls `step` at every distinct value of either distribution, ascending, with the value and
    /// the shares of the rows of either that are at most it.
    pub(super) fn walk(&self, other: &Self, mut step: impl FnMut(f64, f64, f64)) {
        let (mut i, mut j) = (0, 0);
        let (mut below, mut below_other) = (0.0, 0.0);
        while i < self.values.len() || j < other.values.len() {
            let mine = self.values.get(i).map_or(f64::INFINITY, |v| v.0);
            let theirs = other.values.get(j).map_or(f64::INFINITY, |v| v.0);
            let value = mine.min(theirs);
            if mine == value {
                below += self.values[i].1;
                i += 1;
            }
            if theirs == value {
                below_other += other.values[j].1;
                j += 1;
            }
            step(value, below / self.n, below_other / other.n);
        }
    }
}
