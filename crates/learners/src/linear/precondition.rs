//! An approximate inverse Hessian for the iterative solver.
//!
//! The Hessian of a generalised linear model at the start of its path is close to `v·G + λ·I`,
//! with `G` the Gram matrix and `v` the variance of the link at the mean prediction (Böhning's
//! bound with the actual variance in place of the worst). `G` comes from a sample of tiles: it
//! decides only how fast the solver is, not what it finds. Few columns get a Cholesky factor,
//! many (and all sparse ones) a diagonal.
//!
//! Reference: Böhning, "Multinomial logistic regression algorithm", AISM 44, 1992.

use modelwright_core::Context;

use super::design::ROWS;
use super::gram::{Cholesky, Gram};
use super::objective::Objective;

/// The most dense columns that get a Cholesky factor.
const MOST_COLUMNS: usize = 600;
/// Factors of all outputs together may cost this many multiplications.
const MOST_PRODUCTS: usize = 300_000_000;
/// Sampled rows per dense column.
const ROWS_PER_COLUMN: usize = 16;

/// What does not depend on the penalty.
pub(super) struct Curvature {
    /// Variance of the link for each output.
    variances: Vec<f64>,
    gram: Option<Gram>,
    /// Mean square of each sparse column.
    sparse: Vec<f64>,
    n_dense: usize,
}

/// An approximate inverse Hessian at one penalty.
pub(super) struct Preconditioner<'a> {
    curvature: &'a Curvature,
    factors: Vec<Cholesky>,
    ridge: f64,
}

impl Curvature {
    /// Measures the curvature; `variances` has one entry per output.
    pub(super) fn new(objective: &Objective<'_>, variances: Vec<f64>, ctx: &Context) -> Self {
        let design = &objective.design;
        let n_dense = design.n_dense;
        let factor_cost = variances.len() * n_dense * n_dense * n_dense / 6;
        let use_gram = n_dense > 0 && n_dense <= MOST_COLUMNS && factor_cost <= MOST_PRODUCTS;
        let wanted = (ROWS_PER_COLUMN * n_dense).max(4096).div_ceil(ROWS);
        let stride = design.n_tiles().div_ceil(wanted).max(1);
        let tiles: Vec<usize> = (0..design.n_tiles()).step_by(stride).collect();
        let gram = if use_gram { Gram::new(design, &tiles, &[], ctx) } else { None };
        let mut sparse = vec![0.0; design.n_sparse];
        for tile in 0..design.n_tiles() {
            let weights = design.tile_weights(tile);
            design.each_sparse(tile, |i, j, v| sparse[j] += f64::from(weights[i] * v * v));
        }
        for s in &mut sparse {
            *s /= design.n_rows as f64;
        }
        Self { variances, gram, sparse, n_dense }
    }

    /// The preconditioner for an L2 penalty of `ridge`; a diagonal one when `diagonal`.
    pub(super) fn at(&self, ridge: f64, diagonal: bool) -> Preconditioner<'_> {
        let factors = match &self.gram {
            Some(gram) if !diagonal => {
                self.variances.iter().map(|v| gram.factor(*v, ridge.max(1e-8))).collect()
            }
            _ => vec![],
        };
        Preconditioner { curvature: self, factors, ridge }
    }
}

impl Preconditioner<'_> {
    /// Multiplies `vector` (laid out as `theta`) by the approximate inverse Hessian.
    pub(super) fn apply(&self, vector: &mut [f64]) {
        let Curvature { variances, sparse, n_dense, .. } = self.curvature;
        let stride = n_dense + sparse.len() + 1;
        for (k, (part, variance)) in vector.chunks_exact_mut(stride).zip(variances).enumerate() {
            let (dense, rest) = part.split_at_mut(*n_dense);
            match self.factors.get(k) {
                Some(factor) => factor.solve(dense),
                None => dense.iter_mut().for_each(|d| *d /= variance + self.ridge),
            }
            let (sparse_part, intercept) = rest.split_at_mut(sparse.len());
            for (d, square) in sparse_part.iter_mut().zip(sparse) {
                *d /= variance * square + self.ridge.max(1e-8);
            }
            intercept[0] /= variance;
        }
    }
}
