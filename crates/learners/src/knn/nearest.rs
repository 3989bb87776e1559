//! The nearest rows of many queries: blocks of rows are compared with a few queries at a time.
//!
//! Each query keeps candidates that are nearer than the farthest one that it needs so far. Blocks
//! whose nearest row is farther are passed over by one comparison; so the work beside the
//! distances is in proportion to the logarithm of the rows.

use modelwright_core::data::{FeatureMatrix, FeatureView};
use modelwright_core::{Error, Result};
use modelwright_kernels::distance::{LANES, manhattan, squared_euclidean};
use serde::{Deserialize, Serialize};

use super::model::Metric;

/// Queries that are compared with a block before the next block is read.
pub(super) const QUERIES: usize = 64;

/// Values beyond this count as this: no distance overflows, and all of them are far.
const LARGEST: f32 = 1e16;

/// The most features with which no distance overflows.
const MOST_FEATURES: u32 = 500_000;

/// Training rows in the layout of the distance kernels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Blocks {
    n_features: u32,
    n_rows: u32,
    /// For each block of [`LANES`] rows, the rows' values of each feature; the last is padded.
    values: Vec<f32>,
}

/// A training row and its distance to a query, squared for [`Metric::Euclidean`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Neighbour {
    pub(super) row: usize,
    pub(super) distance: f32,
    /// How many rows it counts as.
    pub(super) weight: f64,
}

impl Blocks {
    /// The given rows of a matrix.
    ///
    /// # Errors
    /// Input error for a missing value, or for more features than can be compared.
    pub(super) fn new(features: &FeatureMatrix, rows: &[u32]) -> Result<Self> {
        let n_features = features.n_features();
        if n_features > MOST_FEATURES as usize {
            return Err(Error::input("knn cannot compare so many features")
                .expected(format!("at most {MOST_FEATURES}"))
                .got(n_features.to_string()));
        }
        let mut values = vec![0.0; rows.len().div_ceil(LANES) * n_features * LANES];
        for (j, column) in features.columns.iter().enumerate() {
            for (at, row) in rows.iter().enumerate() {
                let value = column.values[*row as usize];
                if !value.is_finite() {
                    return Err(missing(&column.name, *row as usize));
                }
                let block = at / LANES * n_features;
                values[(block + j) * LANES + at % LANES] = value.clamp(-LARGEST, LARGEST);
            }
        }
        Ok(Self { n_features: n_features as u32, n_rows: rows.len() as u32, values })
    }

    pub(super) fn n_features(&self) -> usize {
        self.n_features as usize
    }

    /// The values of each feature.
    pub(super) fn columns(&self) -> Vec<Vec<f32>> {
        let n_features = self.n_features();
        let value = |j: usize, row: usize| {
            self.values[(row / LANES * n_features + j) * LANES + row % LANES]
        };
        let column = |j: usize| (0..self.n_rows()).map(|row| value(j, row)).collect();
        (0..n_features).map(column).collect()
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows as usize
    }

    /// Whether the parts fit each other and every value is usable.
    pub(super) fn is_sound(&self) -> bool {
        let n_blocks = self.n_rows().div_ceil(LANES);
        let n_values = n_blocks.checked_mul(self.n_features() * LANES);
        self.n_rows > 0
            && self.n_features <= MOST_FEATURES
            && n_values == Some(self.values.len())
            && self.values.iter().all(|v| v.abs() <= LARGEST)
    }

    /// Calls `take(query, neighbours)` for `n` queries from number `first` of the view: those
    /// whose weights sum to `wanted`, nearest first.
    ///
    /// # Errors
    /// Input error for a missing value.
    pub(super) fn nearest(
        &self,
        x: &FeatureView<'_>,
        first: usize,
        n: usize,
        votes: &Votes<'_>,
        mut take: impl FnMut(usize, &[Neighbour]),
    ) -> Result<()> {
        let queries = self.gather(x, first, n)?;
        let mut found: Vec<Candidates> = (0..n).map(|_| Candidates::new(votes.wanted)).collect();
        let mut distances = vec![0.0; n * LANES];
        let mut smallest = vec![0.0; n];
        let size = self.n_features() * LANES;
        for block in 0..self.n_rows().div_ceil(LANES) {
            let values = &self.values[block * size..(block + 1) * size];
            match votes.metric {
                Metric::Euclidean => {
                    squared_euclidean(values, &queries, &mut distances, &mut smallest);
                }
                Metric::Manhattan => manhattan(values, &queries, &mut distances, &mut smallest),
            }
            let start = block * LANES;
            let lanes = LANES.min(self.n_rows() - start);
            let rows = found.iter_mut().zip(&smallest).zip(distances.chunks_exact(LANES));
            for ((candidates, smallest), distances) in rows {
                if *smallest < candidates.limit {
                    candidates.add(start, &distances[..lanes], votes);
                }
            }
        }
        let mut neighbours = Vec::new();
        for (query, candidates) in found.iter_mut().enumerate() {
            candidates.close(votes, &mut neighbours);
            take(query, &neighbours);
        }
        Ok(())
    }

    /// The queries, row after row.
    fn gather(&self, x: &FeatureView<'_>, first: usize, n: usize) -> Result<Vec<f32>> {
        let n_features = self.n_features();
        let mut queries = vec![0.0; n * n_features];
        for (j, column) in x.features.columns.iter().enumerate() {
            for i in 0..n {
                let value = column.values[x.row(first + i)];
                if !value.is_finite() {
                    return Err(missing(&column.name, x.row(first + i)));
                }
                queries[i * n_features + j] = value.clamp(-LARGEST, LARGEST);
            }
        }
        Ok(queries)
    }
}

/// Who votes.
pub(super) struct Votes<'a> {
    pub(super) metric: Metric,
    /// The weights of the neighbours that vote sum to this.
    pub(super) wanted: f64,
    /// The weight of each training row; empty where all are 1.
    pub(super) weights: &'a [f64],
}

impl Votes<'_> {
    fn weight(&self, row: usize) -> f64 {
        self.weights.get(row).copied().unwrap_or(1.0)
    }
}

/// Rows that may be among the nearest of a query.
struct Candidates {
    /// Distance in the high half, row in the low: distances are not negative, so that the numbers
    /// have the order of distances, then rows.
    keys: Vec<u64>,
    /// With so many of them it is time to drop those that are too far.
    capacity: usize,
    /// Rows as far as this are of no use.
    limit: f32,
}

impl Candidates {
    /// Candidates beyond those that are needed, before some are dropped.
    const SLACK: usize = 32;

    fn new(wanted: f64) -> Self {
        let capacity = (2.0 * wanted) as usize + Self::SLACK;
        Self { keys: Vec::new(), capacity, limit: f32::INFINITY }
    }

    /// Takes the rows from `start` on that are near enough.
    fn add(&mut self, start: usize, distances: &[f32], votes: &Votes<'_>) {
        for (lane, distance) in distances.iter().enumerate() {
            if *distance < self.limit {
                self.keys.push(u64::from(distance.to_bits()) << 32 | (start + lane) as u64);
            }
        }
        if self.keys.len() >= self.capacity {
            let needed = self.needed(votes);
            if needed.1 {
                self.keys.truncate(needed.0);
                self.limit = self.keys.last().map_or(f32::INFINITY, |key| distance_of(*key));
            }
            self.capacity = 2 * self.keys.len() + Self::SLACK;
        }
    }

    /// Sorts; how many of the nearest are needed, and whether their weights reach what is wanted.
    fn needed(&mut self, votes: &Votes<'_>) -> (usize, bool) {
        self.keys.sort_unstable();
        let mut sum = 0.0;
        for (i, key) in self.keys.iter().enumerate() {
            sum += votes.weight(row_of(*key));
            if sum >= votes.wanted {
                return (i + 1, true);
            }
        }
        (self.keys.len(), false)
    }

    /// The neighbours that vote, nearest first; the last counts in part.
    fn close(&mut self, votes: &Votes<'_>, neighbours: &mut Vec<Neighbour>) {
        let needed = self.needed(votes).0;
        neighbours.clear();
        let mut left = votes.wanted;
        for key in &self.keys[..needed] {
            let row = row_of(*key);
            let weight = votes.weight(row).min(left);
            left -= weight;
            neighbours.push(Neighbour { row, distance: distance_of(*key), weight });
        }
    }
}

fn row_of(key: u64) -> usize {
    key as u32 as usize
}

fn distance_of(key: u64) -> f32 {
    f32::from_bits((key >> 32) as u32)
}

fn missing(column: &str, row: usize) -> Error {
    Error::input("knn cannot compare a missing value")
        .column(column)
        .row(row as u64 + 1)
        .hint("use an encoding that fills missing values, such as `linear`")
}
