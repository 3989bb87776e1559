//! Products of matrices in panels of 32 columns: the layers of a neural net, forward and backward.
//!
//! A matrix of `rows × columns` is kept as panels: the first 32 columns row by row, then the next
//! 32, and so on, so that the element at `(i, j)` is at `(j / 32 · rows + i) · 32 + j % 32`. The
//! number of columns is a multiple of [`PANEL`]; who has fewer pads with zeros. A product then
//! reads each operand from front to back, and neither has to be copied first.
//!
//! Every element of a result is one chain of fused multiplications and additions in ascending order
//! of the inner index, each rounded once. It therefore depends on its own row and column only: not
//! on the vector unit, nor on how many other rows or columns there are.

use crate::dispatch::{Isa, isa};

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

/// Columns of a panel.
pub const PANEL: usize = 32;

/// Elements of a panel of as many rows.
const BLOCK: usize = PANEL * PANEL;

/// Where the left operand's elements are: row `i` and inner index `k` at
/// `(k / run) · run_step + i · row_step + (k % run) · step`, counted from the tile's first row.
#[derive(Clone, Copy)]
struct Left {
    row_step: usize,
    step: usize,
    run: usize,
    run_step: usize,
    n_runs: usize,
}

/// A register of f32 lanes.
trait Lanes: Copy {
    /// How many.
    const N: usize;
    /// Loads `N` numbers.
    ///
    /// # Safety
    /// `from` is valid for reads of `N` numbers.
    unsafe fn load(from: *const f32) -> Self;
    /// Stores `N` numbers.
    ///
    /// # Safety
    /// `to` is valid for writes of `N` numbers.
    unsafe fn store(self, to: *mut f32);
    /// The same number in every lane.
    fn splat(value: f32) -> Self;
    /// `self · b + c`, rounded once.
    fn fused(self, b: Self, c: Self) -> Self;
}

/// `A · B` with `A` of `rows × inner`, `B` of `inner × columns`, into `c` of `rows × columns`.
///
/// # Panics
/// If the lengths do not fit, or `inner` or `columns` is no multiple of [`PANEL`].
pub fn multiply(a: &[f32], b: &[f32], c: &mut [f32], rows: usize, inner: usize, columns: usize) {
    assert!(inner.is_multiple_of(PANEL) && columns.is_multiple_of(PANEL), "panels must be whole");
    assert_eq!(a.len(), rows * inner, "the left matrix has rows × inner elements");
    assert_eq!(b.len(), inner * columns, "the right matrix has inner × columns elements");
    assert_eq!(c.len(), rows * columns, "the product has rows × columns elements");
    if rows == 0 || inner == 0 {
        c.fill(0.0);
        return;
    }
    let left = Left {
        row_step: PANEL,
        step: 1,
        run: PANEL,
        run_step: rows * PANEL,
        n_runs: inner / PANEL,
    };
    for (b, c) in b.chunks_exact(inner * PANEL).zip(c.chunks_exact_mut(rows * PANEL)) {
        // SAFETY: row `i < rows` and inner index `k < inner` lie inside `a` in panel order; `b` has
        // `inner` rows of a panel and `c` has `rows` of them.
        unsafe { panel(a.as_ptr(), left, b.as_ptr(), c.as_mut_ptr(), rows) };
    }
}

/// `Aᵀ · B` with `A` of `inner × rows`, `B` of `inner × columns`, into `c` of `rows × columns`.
///
/// # Panics
/// If the lengths do not fit, or `rows` or `columns` is no multiple of [`PANEL`].
pub fn multiply_transposed(
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
    rows: usize,
    inner: usize,
    columns: usize,
) {
    assert!(rows.is_multiple_of(PANEL) && columns.is_multiple_of(PANEL), "panels must be whole");
    assert_eq!(a.len(), inner * rows, "the left matrix has inner × rows elements");
    assert_eq!(b.len(), inner * columns, "the right matrix has inner × columns elements");
    assert_eq!(c.len(), rows * columns, "the product has rows × columns elements");
    if inner == 0 {
        c.fill(0.0);
        return;
    }
    let left = Left { row_step: 1, step: PANEL, run: inner, run_step: 0, n_runs: 1 };
    for (b, c) in b.chunks_exact(inner * PANEL).zip(c.chunks_exact_mut(rows * PANEL)) {
        for (a, c) in a.chunks_exact(inner * PANEL).zip(c.chunks_exact_mut(PANEL * PANEL)) {
            // SAFETY: `a` is a panel of `inner` rows, whose 32 columns are the rows of this tile;
            // `b` has `inner` rows of a panel and `c` has 32 of them.
            unsafe { panel(a.as_ptr(), left, b.as_ptr(), c.as_mut_ptr(), PANEL) };
        }
    }
}

/// The transpose of `a` (`rows × columns`, both multiples of [`PANEL`]) into `out`.
///
/// # Panics
/// If the lengths do not fit or the panels are not whole.
pub fn transpose(a: &[f32], out: &mut [f32], rows: usize, columns: usize) {
    assert!(rows.is_multiple_of(PANEL) && columns.is_multiple_of(PANEL), "panels must be whole");
    assert!(a.len() == rows * columns && out.len() == a.len(), "one length");
    let (down, across) = (rows / PANEL, columns / PANEL);
    for i in 0..down {
        for j in 0..across {
            let from = &a[(j * down + i) * BLOCK..][..BLOCK];
            let to = &mut out[(i * across + j) * BLOCK..][..BLOCK];
            for (r, row) in from.chunks_exact(PANEL).enumerate() {
                for (c, value) in row.iter().enumerate() {
                    to[c * PANEL + r] = *value;
                }
            }
        }
    }
}

/// One panel of a product: `rows × 32`.
///
/// # Safety
/// `a` is valid for reads wherever `left` points for rows below `rows`; `b` for as many rows of a
/// panel as there are inner indices; `c` for writes of `rows` rows of a panel.
unsafe fn panel(a: *const f32, left: Left, b: *const f32, c: *mut f32, rows: usize) {
    match isa() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` has detected what the functions enable; the rest is the caller's.
        Isa::Avx512 => unsafe { x86_64::panel_avx512(a, left, b, c, rows) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { x86_64::panel_avx2(a, left, b, c, rows) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: the caller's.
        Isa::Neon => unsafe { aarch64::panel_neon(a, left, b, c, rows) },
        // SAFETY: the caller's.
        _ => unsafe { panel_generic::<Four, 4, 2>(a, left, b, c, rows) },
    }
}

/// Tiles of `R` rows and `V` registers of columns, then the rows that are left.
///
/// # Safety
/// As [`panel`].
#[inline(always)]
unsafe fn panel_generic<L: Lanes, const R: usize, const V: usize>(
    a: *const f32,
    left: Left,
    b: *const f32,
    c: *mut f32,
    rows: usize,
) {
    let mut row = 0;
    // SAFETY: tiles cover rows below `rows` and columns below 32; the rest is the caller's.
    unsafe {
        while row + R <= rows {
            columns::<L, R, V>(a.add(row * left.row_step), left, b, c.add(row * PANEL));
            row += R;
        }
        while row < rows {
            columns::<L, 1, V>(a.add(row * left.row_step), left, b, c.add(row * PANEL));
            row += 1;
        }
    }
}

/// `R` rows of a panel.
///
/// # Safety
/// As [`panel`], for `R` rows.
#[inline(always)]
unsafe fn columns<L: Lanes, const R: usize, const V: usize>(
    a: *const f32,
    left: Left,
    b: *const f32,
    c: *mut f32,
) {
    let mut column = 0;
    while column < PANEL {
        // SAFETY: 32 is a multiple of the tile's columns.
        unsafe { tile::<L, R, V>(a, left, b.add(column), c.add(column)) };
        column += V * L::N;
    }
}

/// `R` rows and `V` registers of columns, all in registers until the sums are complete.
///
/// # Safety
/// As [`panel`], for `R` rows and the columns from where `b` and `c` point.
#[inline(always)]
unsafe fn tile<L: Lanes, const R: usize, const V: usize>(
    a: *const f32,
    left: Left,
    mut b: *const f32,
    c: *mut f32,
) {
    let mut sums = [[L::splat(0.0); V]; R];
    for run in 0..left.n_runs {
        // SAFETY: the caller's.
        let mut a = unsafe { a.add(run * left.run_step) };
        for _ in 0..left.run {
            // SAFETY: the caller's; `a` and `b` are moved at most to the end of what is read.
            unsafe {
                let mut right = [L::splat(0.0); V];
                for (v, right) in right.iter_mut().enumerate() {
                    *right = L::load(b.add(v * L::N));
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    let factor = L::splat(*a.add(i * left.row_step));
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = factor.fused(right, *sum);
                    }
                }
                a = a.wrapping_add(left.step);
                b = b.wrapping_add(PANEL);
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        for (v, sum) in sums.iter().enumerate() {
            // SAFETY: the caller's.
            unsafe { sum.store(c.add(i * PANEL + v * L::N)) };
        }
    }
}

/// Four lanes on any machine; where it has fused operations the compiler finds its vectors.
#[derive(Clone, Copy)]
struct Four([f32; 4]);

impl Lanes for Four {
    const N: usize = 4;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's.
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) };
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    fn fused(self, b: Self, c: Self) -> Self {
        let mut sum = c.0;
        for (lane, sum) in sum.iter_mut().enumerate() {
            *sum = self.0[lane].mul_add(b.0[lane], *sum);
        }
        Self(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, step: f32) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * step).sin()).collect()
    }

    fn at(rows: usize, i: usize, j: usize) -> usize {
        (j / PANEL * rows + i) * PANEL + j % PANEL
    }

    /// One element by its definition.
    fn element(inner: usize, a: impl Fn(usize) -> f32, b: impl Fn(usize) -> f32) -> u32 {
        (0..inner).fold(0.0_f32, |sum, k| a(k).mul_add(b(k), sum)).to_bits()
    }

    #[test]
    fn every_element_is_a_chain_of_fused_operations_for_any_number_of_rows() {
        for (rows, inner, columns) in
            [(0, 32, 32), (1, 32, 64), (2, 96, 32), (7, 64, 96), (8, 32, 32), (29, 160, 64)]
        {
            let (a, b) = (wave(rows * inner, 0.37), wave(inner * columns, 0.91));
            let mut c = vec![f32::NAN; rows * columns];
            multiply(&a, &b, &mut c, rows, inner, columns);
            for i in 0..rows {
                for j in 0..columns {
                    let want = element(inner, |k| a[at(rows, i, k)], |k| b[at(inner, k, j)]);
                    assert_eq!(c[at(rows, i, j)].to_bits(), want, "{rows} {inner}: {i} {j}");
                }
            }
        }
    }

    #[test]
    fn the_transposed_left_matrix_is_read_in_place() {
        for (rows, inner, columns) in [(32, 0, 32), (32, 1, 32), (64, 5, 96), (96, 128, 32)] {
            let (a, b) = (wave(rows * inner, 0.53), wave(inner * columns, 0.29));
            let mut c = vec![f32::NAN; rows * columns];
            multiply_transposed(&a, &b, &mut c, rows, inner, columns);
            for i in 0..rows {
                for j in 0..columns {
                    let want = element(inner, |k| a[at(inner, k, i)], |k| b[at(inner, k, j)]);
                    assert_eq!(c[at(rows, i, j)].to_bits(), want, "{rows} {inner}: {i} {j}");
                }
            }
        }
    }

    #[test]
    fn all_vector_units_give_the_bits_of_the_portable_path() {
        let (rows, inner) = (21, 96);
        let (a, b) = (wave(rows * inner, 0.37), wave(inner * PANEL, 0.91));
        let (mut want, mut got) = (vec![0.0; rows * PANEL], vec![0.0; rows * PANEL]);
        let left = Left { row_step: 32, step: 1, run: 32, run_step: rows * 32, n_runs: 3 };
        // SAFETY: the lengths are those that `multiply` asks for.
        unsafe {
            panel_generic::<Four, 4, 2>(a.as_ptr(), left, b.as_ptr(), want.as_mut_ptr(), rows);
            #[cfg(target_arch = "x86_64")]
            if isa() >= Isa::Avx2 {
                x86_64::panel_avx2(a.as_ptr(), left, b.as_ptr(), got.as_mut_ptr(), rows);
                assert_eq!(got, want);
            }
            panel(a.as_ptr(), left, b.as_ptr(), got.as_mut_ptr(), rows);
        }
        assert_eq!(got, want);
    }

    #[test]
    fn a_transpose_turns_every_element_and_back() {
        let a = wave(64 * 96, 0.1);
        let (mut turned, mut back) = (vec![0.0; a.len()], vec![0.0; a.len()]);
        transpose(&a, &mut turned, 64, 96);
        assert_eq!(turned[at(96, 70, 33)], a[at(64, 33, 70)]);
        transpose(&turned, &mut back, 96, 64);
        assert_eq!(back, a);
    }
}
