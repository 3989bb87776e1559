//! Distances between query rows and blocks of reference rows.
//!
//! A block holds [`LANES`] reference rows, feature after feature, so that one vector register has
//! the same feature of many rows. A tile of queries goes through the block together: each loaded
//! register is used for all of them, and the sums stay in registers. Per tile:
//!
//! ```text
//! for feature in 0..n_features:
//!     for query in 0..QUERIES:
//!         sums[query] += |block[feature] - query[feature]|²      (or without the square)
//! ```
//!
//! The differences are taken as they are, and not from `|a|² + |b|² - 2ab`: equal rows have a
//! distance of exactly 0 and near ones keep their digits. A sum runs in the order of the features,
//! so that a distance depends on its two rows only. Sums are f32: a distance is rounded to about
//! `n_features · 6e-8` of itself.

use crate::dispatch::vectorised;

/// Rows of a block.
pub const LANES: usize = 32;

/// Queries that go through a block together: more, and the compiler keeps the sums in memory.
const QUERIES: usize = 2;

vectorised! {
    /// Squared Euclidean distances of the queries to the rows of a block, [`LANES`] per query, and
    /// the smallest one of each query.
    ///
    /// `block` has [`LANES`] values per feature, `queries` one row after the other.
    ///
    /// # Panics
    /// If `smallest` has not one place per query, or the other lengths do not fit.
    pub fn squared_euclidean(
        block: &[f32],
        queries: &[f32],
        distances: &mut [f32],
        smallest: &mut [f32],
    ) = squared_generic
}

vectorised! {
    /// As [`squared_euclidean`], with the sum of absolute differences.
    ///
    /// # Panics
    /// As there.
    pub fn manhattan(
        block: &[f32],
        queries: &[f32],
        distances: &mut [f32],
        smallest: &mut [f32],
    ) = manhattan_generic
}

#[inline(always)]
fn squared_generic(block: &[f32], queries: &[f32], distances: &mut [f32], smallest: &mut [f32]) {
    tiles(block, queries, distances, smallest, |d| d * d);
}

#[inline(always)]
fn manhattan_generic(block: &[f32], queries: &[f32], distances: &mut [f32], smallest: &mut [f32]) {
    tiles(block, queries, distances, smallest, f32::abs);
}

#[inline(always)]
fn tiles(
    block: &[f32],
    queries: &[f32],
    distances: &mut [f32],
    smallest: &mut [f32],
    term: impl Fn(f32) -> f32 + Copy,
) {
    let (n_queries, n_features) = (smallest.len(), block.len() / LANES);
    assert!(block.len() == n_features * LANES, "whole features of a block");
    assert!(queries.len() == n_queries * n_features, "a row per query");
    assert!(distances.len() == n_queries * LANES, "distances of all rows of a block per query");
    let (features, _) = block.as_chunks::<LANES>();
    let (distances, _) = distances.as_chunks_mut::<LANES>();
    let whole = n_queries - n_queries % QUERIES;
    let mut at = 0;
    while at < n_queries {
        if at < whole {
            tile::<QUERIES>(features, queries, at, distances, term);
            at += QUERIES;
        } else {
            tile::<1>(features, queries, at, distances, term);
            at += 1;
        }
    }
    for (least, row) in smallest.iter_mut().zip(distances.iter()) {
        *least = least_of(row);
    }
}

/// Distances of `Q` queries from number `at` on.
#[inline(always)]
fn tile<const Q: usize>(
    features: &[[f32; LANES]],
    queries: &[f32],
    at: usize,
    distances: &mut [[f32; LANES]],
    term: impl Fn(f32) -> f32 + Copy,
) {
    let n_features = features.len();
    let rows: [&[f32]; Q] =
        std::array::from_fn(|q| &queries[(at + q) * n_features..(at + q + 1) * n_features]);
    let mut sums = [[0.0_f32; LANES]; Q];
    for (j, feature) in features.iter().enumerate() {
        for q in 0..Q {
            // SAFETY: `j < n_features`, the length of each of `rows`.
            let value = unsafe { *rows[q].get_unchecked(j) };
            for lane in 0..LANES {
                sums[q][lane] += term(feature[lane] - value);
            }
        }
    }
    distances[at..at + Q].copy_from_slice(&sums);
}

#[inline(always)]
fn least_of(row: &[f32; LANES]) -> f32 {
    let mut lanes = *row;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            let other = lanes[lane + width];
            lanes[lane] = if other < lanes[lane] { other } else { lanes[lane] };
        }
        width /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize, step: f32) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * step).sin() * 3.0).collect()
    }

    #[test]
    fn every_number_of_queries_and_features_agrees_with_the_plain_sum_to_the_bit() {
        for n_features in [0, 1, 2, 7, 33, 130] {
            for n_queries in 0..=9 {
                let block = values(n_features * LANES, 0.37);
                let queries = values(n_queries * n_features, 0.83);
                let mut got = [vec![-1.0; n_queries * LANES], vec![-1.0; n_queries * LANES]];
                let mut least = [vec![0.0; n_queries], vec![0.0; n_queries]];
                let [squared, absolute] = &mut got;
                squared_euclidean(&block, &queries, squared, &mut least[0]);
                manhattan(&block, &queries, absolute, &mut least[1]);
                for query in 0..n_queries {
                    for lane in 0..LANES {
                        let differences = (0..n_features)
                            .map(|j| block[j * LANES + lane] - queries[query * n_features + j]);
                        let want = [
                            differences.clone().fold(0.0_f32, |sum, d| sum + d * d),
                            differences.fold(0.0_f32, |sum, d| sum + d.abs()),
                        ];
                        let at = query * LANES + lane;
                        assert_eq!(
                            [got[0][at], got[1][at]].map(f32::to_bits),
                            want.map(f32::to_bits)
                        );
                    }
                    for (got, least) in got.iter().zip(&least) {
                        let row = &got[query * LANES..(query + 1) * LANES];
                        let want = row.iter().copied().fold(f32::INFINITY, f32::min);
                        assert_eq!(least[query], want);
                    }
                }
            }
        }
    }

    #[test]
    fn a_distance_does_not_depend_on_the_other_queries() {
        let (block, queries) = (values(11 * LANES, 0.19), values(7 * 11, 0.41));
        let mut together = vec![0.0; 7 * LANES];
        squared_euclidean(&block, &queries, &mut together, &mut [0.0; 7]);
        for (query, wanted) in queries.chunks_exact(11).zip(together.chunks_exact(LANES)) {
            let mut alone = vec![0.0; LANES];
            squared_euclidean(&block, query, &mut alone, &mut [0.0]);
            assert_eq!(alone, wanted);
        }
    }

    #[test]
    fn vectors_give_the_bits_of_the_portable_path() {
        let (block, queries) = (values(50 * LANES, 0.77), values(9 * 50, 0.29));
        let (mut fast, mut plain) = (vec![0.0; 9 * LANES], vec![0.0; 9 * LANES]);
        let mut least = [[0.0; 9]; 2];
        manhattan(&block, &queries, &mut fast, &mut least[0]);
        manhattan_generic(&block, &queries, &mut plain, &mut least[1]);
        assert_eq!((fast, least[0]), (plain, least[1]));
    }
}
