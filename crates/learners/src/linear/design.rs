//! The features of some rows as a solver wants them: standardised, tiled, ready for two passes.
//!
//! Dense columns are centred and scaled to unit variance and stored in tiles of [`ROWS`] rows,
//! each column of a tile contiguous. Scores (`X θ`) are then a chain of vector additions and
//! gradients (`Xᵀ r`) plain dot products, both over arrays of fixed length that stay in the
//! first-level cache. The last tile is padded with zeros, and padded rows have weight zero.
//! Sparse columns are read in place; they are scaled by one common factor and not centred.

use modelwright_core::data::{FeatureMatrix, SparseColumns};
use modelwright_core::{Error, Result};
use rayon::prelude::*;

/// Rows of a tile.
pub(super) const ROWS: usize = 256;

/// One column (or score) of a tile.
pub(super) type Lane = [f32; ROWS];

/// How raw features become standardised ones.
#[derive(Debug, Clone)]
pub(super) struct Scaling {
    /// Weighted mean of each dense column.
    pub(super) centers: Vec<f64>,
    /// One over the weighted standard deviation; 0 for a constant column.
    pub(super) scales: Vec<f64>,
    /// What sparse values are multiplied by.
    pub(super) sparse_scale: f64,
    /// Number of sparse columns.
    pub(super) n_sparse: usize,
}

/// Standardised features of some rows.
pub(super) struct Design<'a> {
    pub(super) n_rows: usize,
    pub(super) n_dense: usize,
    pub(super) n_sparse: usize,
    tiles: Vec<f32>,
    sparse: Option<(&'a SparseColumns, f32)>,
    rows: &'a [u32],
    /// Weight of each row, mean 1 over all rows; zero in the padding.
    pub(super) weights: Vec<f32>,
    /// The same without the padding and without rounding.
    pub(super) exact_weights: Vec<f64>,
}

/// Refuses a column with a missing (or infinite) value among `rows`, by name.
///
/// # Errors
/// Input error with row and column.
pub(super) fn refuse_missing(features: &FeatureMatrix, rows: &[u32]) -> Result<()> {
    let found = features
        .columns
        .par_iter()
        .map(|c| rows.iter().find(|r| !c.values[**r as usize].is_finite()).map(|r| (c, *r)))
        .find_first(Option::is_some)
        .flatten();
    match found {
        Some((column, row)) => Err(missing_value(&column.name, row as usize)),
        None => Ok(()),
    }
}

/// The error for a missing value, which this learner cannot use.
pub(super) fn missing_value(column: &str, row: usize) -> Error {
    Error::input("linear cannot use missing or infinite values")
        .row(row as u64 + 1)
        .column(column)
        .expected("a finite number")
        .hint("impute the column before this learner, as the `linear` encoding does")
}

impl Scaling {
    /// No features at all: what a constant model needs.
    pub(super) fn none(n_dense: usize, n_sparse: usize) -> Self {
        Self {
            centers: vec![0.0; n_dense],
            scales: vec![0.0; n_dense],
            sparse_scale: 0.0,
            n_sparse,
        }
    }

    /// Weighted moments of the rows; `weights` is parallel to `rows` and sums to a positive number.
    pub(super) fn fit(features: &FeatureMatrix, rows: &[u32], weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let (centers, scales) = features
            .columns
            .par_iter()
            .map(|column| standardise(&column.values, rows, weights, total))
            .unzip();
        let sparse = features.sparse.as_deref();
        Self {
            centers,
            scales,
            sparse_scale: sparse.map_or(1.0, |s| sparse_scale(s, rows, weights, total)),
            n_sparse: sparse.map_or(0, |s| s.n_columns),
        }
    }
}

/// Mean and one over the standard deviation of a column, by two passes.
fn standardise(values: &[f32], rows: &[u32], weights: &[f64], total: f64) -> (f64, f64) {
    let first = rows.first().map_or(0.0, |r| values[*r as usize]);
    if rows.iter().all(|r| values[*r as usize] == first) {
        return (f64::from(first), 0.0);
    }
    let pairs = || rows.iter().zip(weights).map(|(r, w)| (f64::from(values[*r as usize]), *w));
    let mean = pairs().map(|(x, w)| w * x).sum::<f64>() / total;
    let variance = pairs().map(|(x, w)| w * (x - mean) * (x - mean)).sum::<f64>() / total;
    let deviation = variance.sqrt();
    // Varying only in rows of no weight, or below what f32 resolves: no information.
    if deviation > f64::from(f32::EPSILON) * 1e-3 * mean.abs() && deviation > 0.0 {
        (mean, 1.0 / deviation)
    } else {
        (mean, 0.0)
    }
}

/// One factor for all sparse columns that gives rows a mean squared length of [`SPARSE_LENGTH`].
///
/// One factor, not one per column: the weights of TF-IDF say how much a term matters, and scaling
/// each column would undo that.
fn sparse_scale(sparse: &SparseColumns, rows: &[u32], weights: &[f64], total: f64) -> f64 {
    let length: f64 = rows
        .iter()
        .zip(weights)
        .map(|(r, w)| {
            let values = sparse.row(*r as usize).1;
            w * values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>()
        })
        .sum::<f64>()
        / total;
    if length > 0.0 { (SPARSE_LENGTH / length).sqrt() } else { 1.0 }
}

/// A text counts about as much as this many standardised dense columns.
const SPARSE_LENGTH: f64 = 10.0;

impl<'a> Design<'a> {
    /// The rows of `features`, standardised. `weights` is parallel to `rows`.
    pub(super) fn new(
        features: &'a FeatureMatrix,
        rows: &'a [u32],
        weights: &[f64],
        scaling: &Scaling,
    ) -> Self {
        let (n_rows, n_dense) = (rows.len(), features.n_features());
        let mut tiles = vec![0.0_f32; n_rows.div_ceil(ROWS) * n_dense * ROWS];
        if n_dense > 0 {
            tiles.par_chunks_mut(n_dense * ROWS).zip(rows.par_chunks(ROWS)).for_each(
                |(tile, rows)| {
                    for (j, lane) in tile.chunks_exact_mut(ROWS).enumerate() {
                        let values = &features.columns[j].values;
                        let (center, scale) = (scaling.centers[j], scaling.scales[j]);
                        for (out, row) in lane.iter_mut().zip(rows) {
                            *out = ((f64::from(values[*row as usize]) - center) * scale) as f32;
                        }
                    }
                },
            );
        }
        let mean = weights.iter().sum::<f64>() / n_rows.max(1) as f64;
        let exact_weights: Vec<f64> = weights.iter().map(|w| w / mean).collect();
        let mut scaled: Vec<f32> = exact_weights.iter().map(|w| *w as f32).collect();
        scaled.resize(n_rows.div_ceil(ROWS) * ROWS, 0.0);
        let sparse = features.sparse.as_deref().filter(|_| scaling.n_sparse > 0);
        Self {
            n_rows,
            n_dense,
            n_sparse: scaling.n_sparse,
            tiles,
            sparse: sparse.map(|s| (s, scaling.sparse_scale as f32)),
            rows,
            weights: scaled,
            exact_weights,
        }
    }

    /// How many tiles there are.
    pub(super) fn n_tiles(&self) -> usize {
        self.n_rows.div_ceil(ROWS)
    }

    /// Parameters of one output: dense coefficients, sparse coefficients, intercept.
    pub(super) fn n_params(&self) -> usize {
        self.n_dense + self.n_sparse + 1
    }

    /// The dense columns of a tile.
    pub(super) fn tile(&self, tile: usize) -> &[Lane] {
        let start = tile * self.n_dense * ROWS;
        self.tiles[start..start + self.n_dense * ROWS].as_chunks().0
    }

    /// The weights of a tile's rows.
    pub(super) fn tile_weights(&self, tile: usize) -> &[f32] {
        &self.weights[tile * ROWS..(tile + 1) * ROWS]
    }

    /// The same in f64, of as many rows as the tile has.
    pub(super) fn exact_tile_weights(&self, tile: usize) -> &[f64] {
        &self.exact_weights[tile * ROWS..self.n_rows.min((tile + 1) * ROWS)]
    }

    /// Scores of a tile's rows for each output: `theta` holds `n_params` numbers per output.
    pub(super) fn scores(&self, tile: usize, theta: &[f32], scores: &mut [Lane]) {
        let lanes = self.tile(tile);
        for (score, theta) in scores.iter_mut().zip(theta.chunks_exact(self.n_params())) {
            score.fill(theta[self.n_params() - 1]);
            let (fours, rest) = lanes.as_chunks::<4>();
            let (theta_fours, theta_rest) = theta[..self.n_dense].as_chunks::<4>();
            for (x, b) in fours.iter().zip(theta_fours) {
                add_four(score, x, b);
            }
            for (x, b) in rest.iter().zip(theta_rest) {
                for (s, x) in score.iter_mut().zip(x) {
                    *s += b * x;
                }
            }
        }
        self.each_sparse(tile, |i, j, v| {
            for (score, theta) in scores.iter_mut().zip(theta.chunks_exact(self.n_params())) {
                score[i] += v * theta[self.n_dense + j];
            }
        });
    }

    /// Adds `Xᵀ residuals` of a tile to `gradient`, laid out as `theta` in [`Self::scores`].
    pub(super) fn add_gradient(&self, tile: usize, residuals: &[Lane], gradient: &mut [f64]) {
        let n_params = self.n_params();
        let (fours, rest) = self.tile(tile).as_chunks::<4>();
        for (r, gradient) in residuals.iter().zip(gradient.chunks_exact_mut(n_params)) {
            gradient[n_params - 1] += r.iter().map(|r| f64::from(*r)).sum::<f64>();
            let (fours_out, rest_out) = gradient[..self.n_dense].as_chunks_mut::<4>();
            for (x, g) in fours.iter().zip(fours_out) {
                for (g, dot) in g.iter_mut().zip(dots(x, r)) {
                    *g += dot;
                }
            }
            for (x, g) in rest.iter().zip(rest_out) {
                *g += dots(std::array::from_ref(x), r)[0];
            }
        }
        self.each_sparse(tile, |i, j, v| {
            for (r, gradient) in residuals.iter().zip(gradient.chunks_exact_mut(n_params)) {
                gradient[self.n_dense + j] += f64::from(r[i] * v);
            }
        });
    }

    /// Calls `f(row in tile, sparse column, scaled value)` for each sparse entry of a tile.
    pub(super) fn each_sparse(&self, tile: usize, mut f: impl FnMut(usize, usize, f32)) {
        let Some((sparse, scale)) = self.sparse else { return };
        let rows = &self.rows[tile * ROWS..self.n_rows.min((tile + 1) * ROWS)];
        for (i, row) in rows.iter().enumerate() {
            let (indices, values) = sparse.row(*row as usize);
            for (j, v) in indices.iter().zip(values) {
                f(i, *j as usize, v * scale);
            }
        }
    }
}

#[inline]
fn add_four(score: &mut Lane, x: &[Lane; 4], b: &[f32; 4]) {
    let [x0, x1, x2, x3] = x;
    for i in 0..ROWS {
        score[i] += (b[0] * x0[i] + b[1] * x1[i]) + (b[2] * x2[i] + b[3] * x3[i]);
    }
}

/// Dot products of `M` lanes with one, in eight partial sums each.
#[inline]
fn dots<const M: usize>(x: &[Lane; M], r: &Lane) -> [f64; M] {
    let mut sums = [[0.0_f32; 8]; M];
    for start in (0..ROWS).step_by(8) {
        for m in 0..M {
            for l in 0..8 {
                sums[m][l] += x[m][start + l] * r[start + l];
            }
        }
    }
    sums.map(|s| s.iter().map(|v| f64::from(*v)).sum())
}
