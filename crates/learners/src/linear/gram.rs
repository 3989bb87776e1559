//! The Gram matrix of standardised columns, and exact solvers on it.
//!
//! For squared error everything the rows know is in `G = XᵀWX / Σw` and `c = XᵀWy / Σw`: one pass
//! over the data, `rows · features² / 2` multiplications, and then every penalty strength costs
//! nothing but algebra: Cholesky for ridge, coordinate descent with covariance updates for the
//! elastic net. The same matrix of a sample of rows is the preconditioner of the iterative solver.
//!
//! References: Golub & Van Loan, *Matrix Computations*, 4th ed., §4.2; Friedman, Hastie &
//! Tibshirani, "Regularization paths for generalized linear models via coordinate descent",
//! J. Stat. Softw. 33(1), 2010, §2.2.

use modelwright_core::Context;
use rayon::prelude::*;

use super::design::{Design, Lane, ROWS};
use super::lbfgs::{End, add, dot};

/// `XᵀWX / Σw` (dense columns only, full symmetric) and `XᵀWy / Σw`.
pub(super) struct Gram {
    pub(super) n: usize,
    pub(super) matrix: Vec<f64>,
    pub(super) target: Vec<f64>,
}

/// Tiles that one thread sums.
const CHUNK_TILES: usize = 8;
/// Chunks between two questions whether to go on.
const BATCH_CHUNKS: usize = 8;
/// Up to this many multiplications the products are summed in f64 also within a tile.
const EXACT_PRODUCTS: usize = 2_000_000_000;

impl Gram {
    /// From the given tiles; `values` is the target of every row of the design (or empty).
    ///
    /// `None` when the context said stop.
    pub(super) fn new(
        design: &Design<'_>,
        tiles: &[usize],
        values: &[f64],
        ctx: &Context,
    ) -> Option<Self> {
        let n = design.n_dense;
        let mut gram = Self { n, matrix: vec![0.0; n * n], target: vec![0.0; n] };
        let exact = tiles.len() * ROWS * n * n <= EXACT_PRODUCTS;
        for batch in tiles.chunks(CHUNK_TILES * BATCH_CHUNKS) {
            if !ctx.proceed() {
                return None;
            }
            let parts: Vec<Self> = batch
                .par_chunks(CHUNK_TILES)
                .map(|tiles| {
                    let mut part = Self { n, matrix: vec![0.0; n * n], target: vec![0.0; n] };
                    for tile in tiles {
                        part.add_tile(design, *tile, values, exact);
                    }
                    part
                })
                .collect();
            for part in &parts {
                add(&mut gram.matrix, 1.0, &part.matrix);
                add(&mut gram.target, 1.0, &part.target);
            }
        }
        let total: f64 = tiles.iter().flat_map(|t| design.exact_tile_weights(*t)).sum();
        let total = if total > 0.0 { total } else { 1.0 };
        for t in &mut gram.target {
            *t /= total;
        }
        for i in 0..n {
            for j in i..n {
                let value = gram.matrix[i * n + j] / total;
                gram.matrix[i * n + j] = value;
                gram.matrix[j * n + i] = value;
            }
        }
        Some(gram)
    }

    fn add_tile(&mut self, design: &Design<'_>, tile: usize, values: &[f64], exact: bool) {
        if exact {
            self.add_products_of::<f64>(design, tile, values);
        } else {
            self.add_products_of::<f32>(design, tile, values);
        }
    }

    /// The products of a tile, weighted and summed in `T`.
    fn add_products_of<T: Sum>(&mut self, design: &Design<'_>, tile: usize, values: &[f64]) {
        let lanes = design.tile(tile);
        let mut weighted = vec![[T::default(); ROWS]; lanes.len()];
        for (out, lane) in weighted.iter_mut().zip(lanes) {
            let weights = design.exact_tile_weights(tile);
            for ((out, x), w) in out.iter_mut().zip(lane).zip(weights) {
                *out = T::from(*x) * T::narrow(*w);
            }
        }
        if !values.is_empty() {
            let values = &values[tile * ROWS..values.len().min((tile + 1) * ROWS)];
            for (t, lane) in self.target.iter_mut().zip(&weighted) {
                *t += lane.iter().zip(values).map(|(x, y)| x.wide() * y).sum::<f64>();
            }
        }
        add_products(&mut self.matrix, self.n, &weighted, lanes);
    }

    /// Solves `(scale · G + ridge · I) β = target` by Cholesky.
    ///
    /// A matrix that rounding has made indefinite gets a larger ridge until it is not.
    pub(super) fn factor(&self, scale: f64, ridge: f64) -> Cholesky {
        let mut matrix: Vec<f64> = self.matrix.iter().map(|g| g * scale).collect();
        for i in 0..self.n {
            matrix[i * self.n + i] += ridge;
        }
        Cholesky::of_nearly(self.n, &matrix)
    }

    /// Elastic net by coordinate descent: minimises
    /// `½ βᵀGβ − cᵀβ + l1·‖β‖₁ + ½·l2·‖β‖²`, starting from `beta`.
    pub(super) fn coordinate_descent(
        &self,
        beta: &mut [f64],
        l1: f64,
        l2: f64,
        (tolerance, max_sweeps): (f64, usize),
        ctx: &Context,
    ) -> End {
        let n = self.n;
        // What is left of the target: c − Gβ.
        let mut rest: Vec<f64> =
            (0..n).map(|i| self.target[i] - dot(&self.matrix[i * n..(i + 1) * n], beta)).collect();
        for _ in 0..max_sweeps {
            if !ctx.proceed() {
                return End::Stopped;
            }
            let mut decrease = 0.0;
            for j in 0..n {
                let own = self.matrix[j * n + j];
                if own <= 0.0 {
                    continue;
                }
                let pull = rest[j] + own * beta[j];
                let next = pull.signum() * (pull.abs() - l1).max(0.0) / (own + l2);
                let change = next - beta[j];
                if change != 0.0 {
                    beta[j] = next;
                    add(&mut rest, -change, &self.matrix[j * n..(j + 1) * n]);
                    decrease += 0.5 * (own + l2) * change * change;
                }
            }
            if decrease <= tolerance * 0.5 {
                break;
            }
        }
        End::Done
    }
}

/// A number that products can be summed in.
trait Sum: Copy + Default + std::ops::Mul<Output = Self> + std::ops::AddAssign + From<f32> {
    fn wide(self) -> f64;
    fn narrow(value: f64) -> Self;
}

impl Sum for f32 {
    fn wide(self) -> f64 {
        f64::from(self)
    }

    fn narrow(value: f64) -> Self {
        value as f32
    }
}

impl Sum for f64 {
    fn wide(self) -> f64 {
        self
    }

    fn narrow(value: f64) -> Self {
        value
    }
}

/// Adds all products of columns `i <= j` to the upper triangle, four by two columns at a time.
fn add_products<T: Sum>(matrix: &mut [f64], n: usize, left: &[[T; ROWS]], right: &[Lane]) {
    for i in (0..n).step_by(4) {
        let rows = &left[i..n.min(i + 4)];
        let mut j = i;
        while j < n {
            let width = if j + 1 < n { 2 } else { 1 };
            match (rows.as_array::<4>(), width) {
                (Some(rows), 2) => {
                    add_block(
                        matrix,
                        n,
                        (i, j),
                        products::<T, 4, 2>(rows, [&right[j], &right[j + 1]]),
                    );
                }
                (Some(rows), _) => {
                    add_block(matrix, n, (i, j), products::<T, 4, 1>(rows, [&right[j]]));
                }
                (None, _) => {
                    for (k, row) in rows.iter().enumerate() {
                        for l in 0..width {
                            let product = products::<T, 1, 1>(&[*row], [&right[j + l]]);
                            add_block(matrix, n, (i + k, j + l), product);
                        }
                    }
                }
            }
            j += width;
        }
    }
}

#[inline]
fn add_block<const A: usize, const B: usize>(
    matrix: &mut [f64],
    n: usize,
    (i, j): (usize, usize),
    block: [[f64; B]; A],
) {
    for (a, row) in block.iter().enumerate() {
        for (b, value) in row.iter().enumerate() {
            matrix[(i + a) * n + j + b] += value;
        }
    }
}

/// Dot products of `A` with `B` lanes, in four partial sums each.
#[inline]
fn products<T: Sum, const A: usize, const B: usize>(
    left: &[[T; ROWS]; A],
    right: [&Lane; B],
) -> [[f64; B]; A] {
    let mut sums = [[[T::default(); 4]; B]; A];
    for start in (0..ROWS).step_by(4) {
        for a in 0..A {
            for b in 0..B {
                for l in 0..4 {
                    sums[a][b][l] += left[a][start + l] * T::from(right[b][start + l]);
                }
            }
        }
    }
    sums.map(|row| row.map(|s| s.iter().map(|v| v.wide()).sum()))
}

/// A lower triangular factor `L` with `L Lᵀ = A`.
pub(super) struct Cholesky {
    n: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factors a symmetric matrix; `None` when it is not positive definite.
    fn new(n: usize, mut a: Vec<f64>) -> Option<Self> {
        for i in 0..n {
            let (above, row) = a.split_at_mut(i * n);
            let row = &mut row[..n];
            for j in 0..i {
                let other = &above[j * n..(j + 1) * n];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let pivot = row[i] - dot(&row[..i], &row[..i]);
            if !(pivot > 1e-12 * row[i].abs() && pivot.is_finite()) {
                return None;
            }
            row[i] = pivot.sqrt();
        }
        Some(Self { n, lower: a })
    }

    /// Factors a symmetric matrix of which only the lower triangle is read; one that rounding has
    /// made indefinite gets a larger diagonal until it is not.
    pub(super) fn of_nearly(n: usize, matrix: &[f64]) -> Self {
        let mut extra = 0.0;
        loop {
            let mut matrix = matrix.to_vec();
            for i in 0..n {
                matrix[i * n + i] += extra;
            }
            match Self::new(n, matrix) {
                Some(factor) => return factor,
                None if extra > 1e12 => return Self::identity(n),
                None => extra = if extra == 0.0 { 1e-9 } else { extra * 10.0 },
            }
        }
    }

    fn identity(n: usize) -> Self {
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            lower[i * n + i] = 1.0;
        }
        Self { n, lower }
    }

    /// Replaces `b` by `A⁻¹ b`.
    pub(super) fn solve(&self, b: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            let row = &self.lower[i * n..(i + 1) * n];
            b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
        }
        for i in (0..n).rev() {
            let row = &self.lower[i * n..(i + 1) * n];
            b[i] /= row[i];
            let value = b[i];
            add(&mut b[..i], -value, &row[..i]);
        }
    }
}
