//! The Mish function of a layer's outputs, with bias and dropout, and its derivative.
//!
//! `mish(x) = x · tanh(ln(1 + eˣ))`. With `n = eˣ (eˣ + 2)` the hyperbolic tangent is `n / (n + 2)`
//! and the derivative `n / (n + 2) + 4 x eˣ (eˣ + 1) / (n + 2)²`: one exponential and one division.
//! Reference: Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020.
//!
//! Matrices are in panels, as in [`crate::product`].

use crate::dispatch::vectorised;
use crate::exp::exp;
use crate::product::PANEL;

/// Beyond this the function is its argument to the last bit; the exponential's square is finite.
const STRAIGHT: f32 = 20.0;

/// Below this the function is zero to any useful precision.
const FLAT: f32 = -80.0;

/// Which outputs are set to zero, the others growing so that the mean stays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// Names the draw: outputs of equal keys and places share their fate.
    pub key: u32,
    /// An output is dropped when its random 32 bits are below this.
    pub threshold: u32,
}

impl Dropout {
    /// Drops each output with probability `share`, from 0 to below 1; `None` when that is never.
    pub fn of_share(share: f64, key: u32) -> Option<Self> {
        let threshold = (share.clamp(0.0, 0.99) * 4_294_967_296.0) as u32;
        (threshold > 0).then_some(Self { key, threshold })
    }

    /// What kept outputs are multiplied with.
    fn growth(self) -> f32 {
        (1.0 / (1.0 - f64::from(self.threshold) / 4_294_967_296.0)) as f32
    }
}

vectorised! {
    /// Replaces sums `z` of `rows` rows by `mish(z + bias)`.
    ///
    /// # Panics
    /// If the lengths differ from `rows × bias.len()`, or `bias` is no whole panels.
    pub fn mish(z: &mut [f32], bias: &[f32], rows: usize) = mish_generic
}

vectorised! {
    /// As [`mish`], with dropout; writes the derivative of each result by its sum.
    ///
    /// # Panics
    /// As [`mish`].
    pub fn mish_with_derivative(
        z: &mut [f32],
        derivative: &mut [f32],
        bias: &[f32],
        rows: usize,
        dropout: Option<Dropout>,
    ) = derivative_generic
}

vectorised! {
    /// `a[i] *= b[i]`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn multiply_in_place(a: &mut [f32], b: &[f32]) = multiply_generic
}

vectorised! {
    /// `out[i][j] = a[i][j] · factors[j]` for matrices in panels of `rows` rows.
    ///
    /// # Panics
    /// If the lengths differ from `rows × factors.len()`, or `factors` is no whole panels.
    pub fn scale_columns(a: &[f32], factors: &[f32], out: &mut [f32], rows: usize)
        = scale_columns_generic
}

vectorised! {
    /// Adds `addend[j]` to each element of column `j` of a matrix in panels.
    ///
    /// # Panics
    /// If the lengths differ from `rows × addend.len()`, or `addend` is no whole panels.
    pub fn add_to_columns(a: &mut [f32], addend: &[f32], rows: usize) = add_to_columns_generic
}

vectorised! {
    /// `out[j] = Σ a[i][j]` over the rows of a matrix in panels, from the first to the last.
    ///
    /// # Panics
    /// If the lengths differ from `rows × out.len()`, or `out` is no whole panels.
    pub fn column_sums(a: &[f32], out: &mut [f32], rows: usize) = column_sums_generic
}

vectorised! {
    /// `out[j] = Σ a[i][j] · b[i][j]`, as [`column_sums`].
    ///
    /// # Panics
    /// As [`column_sums`].
    pub fn column_dots(a: &[f32], b: &[f32], out: &mut [f32], rows: usize) = column_dots_generic
}

fn check(length: usize, columns: usize, rows: usize) {
    assert!(columns.is_multiple_of(PANEL), "panels must be whole");
    assert_eq!(length, rows * columns, "the matrix has rows × columns elements");
}

/// The rows of each panel of `a`, with the panel's part of a row of all columns.
#[inline(always)]
fn panels<'a>(
    a: &'a mut [f32],
    row: &'a [f32],
    rows: usize,
) -> impl Iterator<Item = (&'a mut [[f32; PANEL]], &'a [f32; PANEL])> {
    check(a.len(), row.len(), rows);
    let panels = a.as_chunks_mut::<PANEL>().0.chunks_exact_mut(rows.max(1));
    panels.zip(row.as_chunks::<PANEL>().0)
}

/// The sum, not so low that its size would outweigh the smallness of the exponential.
#[inline(always)]
fn bounded(x: f32) -> f32 {
    if x > FLAT { x } else { FLAT }
}

/// `e`, `1 / (n + 2)` and `tanh(ln(1 + eˣ))`.
#[inline(always)]
fn parts(x: f32) -> (f32, f32, f32) {
    let e = exp(if x < STRAIGHT { x } else { STRAIGHT });
    let n = e * (e + 2.0);
    let inverse = 1.0 / (n + 2.0);
    (e, inverse, n * inverse)
}

#[inline(always)]
fn mish_generic(z: &mut [f32], bias: &[f32], rows: usize) {
    for (panel, bias) in panels(z, bias, rows) {
        for row in panel {
            for j in 0..PANEL {
                let x = bounded(row[j] + bias[j]);
                row[j] = x * parts(x).2;
            }
        }
    }
}

/// Random bits of a place (Wellons' `lowbias32`).
#[inline(always)]
fn bits(place: u32) -> u32 {
    let x = (place ^ (place >> 16)).wrapping_mul(0x7feb_352d);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

#[inline(always)]
fn derivative_generic(
    z: &mut [f32],
    derivative: &mut [f32],
    bias: &[f32],
    rows: usize,
    dropout: Option<Dropout>,
) {
    assert_eq!(z.len(), derivative.len(), "one derivative for each output");
    let (key, threshold) = dropout.map_or((0, 0), |d| (d.key, d.threshold));
    let growth = dropout.map_or(1.0, Dropout::growth);
    let mut derivatives = derivative.as_chunks_mut::<PANEL>().0.iter_mut();
    let mut place = key;
    for (panel, bias) in panels(z, bias, rows) {
        for (row, derivative) in panel.iter_mut().zip(&mut derivatives) {
            for j in 0..PANEL {
                let x = bounded(row[j] + bias[j]);
                let (e, inverse, tanh) = parts(x);
                let low = if x < STRAIGHT { x } else { STRAIGHT };
                let slope = tanh + low * (4.0 * e * (e + 1.0) * inverse) * inverse;
                let kept = bits(place.wrapping_add(j as u32)) >= threshold;
                let growth = if kept { growth } else { 0.0 };
                row[j] = x * tanh * growth;
                derivative[j] = slope * growth;
            }
            place = place.wrapping_add(PANEL as u32);
        }
    }
}

#[inline(always)]
fn multiply_generic(a: &mut [f32], b: &[f32]) {
    assert_eq!(a.len(), b.len(), "one factor for each element");
    for (a, b) in a.iter_mut().zip(b) {
        *a *= b;
    }
}

#[inline(always)]
fn scale_columns_generic(a: &[f32], factors: &[f32], out: &mut [f32], rows: usize) {
    assert_eq!(a.len(), out.len(), "one result for each element");
    let mut from = a.as_chunks::<PANEL>().0.iter();
    for (panel, factors) in panels(out, factors, rows) {
        for (row, from) in panel.iter_mut().zip(&mut from) {
            for j in 0..PANEL {
                row[j] = from[j] * factors[j];
            }
        }
    }
}

#[inline(always)]
fn add_to_columns_generic(a: &mut [f32], addend: &[f32], rows: usize) {
    for (panel, addend) in panels(a, addend, rows) {
        for row in panel {
            for j in 0..PANEL {
                row[j] += addend[j];
            }
        }
    }
}

#[inline(always)]
fn column_sums_generic(a: &[f32], out: &mut [f32], rows: usize) {
    check(a.len(), out.len(), rows);
    let panels = a.as_chunks::<PANEL>().0.chunks_exact(rows.max(1));
    out.fill(0.0);
    for (panel, out) in panels.zip(out.as_chunks_mut::<PANEL>().0) {
        let mut sums = [0.0; PANEL];
        for row in panel {
            for j in 0..PANEL {
                sums[j] += row[j];
            }
        }
        *out = sums;
    }
}

#[inline(always)]
fn column_dots_generic(a: &[f32], b: &[f32], out: &mut [f32], rows: usize) {
    check(a.len(), out.len(), rows);
    assert_eq!(a.len(), b.len(), "matrices of one shape");
    let panels = a.as_chunks::<PANEL>().0.chunks_exact(rows.max(1));
    let others = b.as_chunks::<PANEL>().0.chunks_exact(rows.max(1));
    out.fill(0.0);
    for ((panel, other), out) in panels.zip(others).zip(out.as_chunks_mut::<PANEL>().0) {
        let mut sums = [0.0; PANEL];
        for (row, other) in panel.iter().zip(other) {
            for j in 0..PANEL {
                sums[j] += row[j] * other[j];
            }
        }
        *out = sums;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mish_f64(x: f64) -> f64 {
        x * x.exp().ln_1p().tanh()
    }

    #[test]
    fn mish_is_its_formula_and_the_derivative_its_slope() {
        let values: Vec<f32> = (0..PANEL * 40).map(|i| (i as f32 - 640.0) * 0.05).collect();
        let bias = vec![0.25; PANEL];
        let (mut h, mut slope) = (values.clone(), vec![0.0; values.len()]);
        mish_with_derivative(&mut h, &mut slope, &bias, 40, None);
        let mut plain = values.clone();
        mish(&mut plain, &bias, 40);
        assert_eq!(plain, h);
        for (i, v) in values.iter().enumerate() {
            let x = f64::from(*v) + 0.25;
            let near = |got: f32, want: f64| (f64::from(got) - want).abs() < 3e-6 * (1.0 + x.abs());
            assert!(near(h[i], mish_f64(x)), "{x}: {}", h[i]);
            let want = (mish_f64(x + 1e-5) - mish_f64(x - 1e-5)) / 2e-5;
            assert!(near(slope[i], want), "{x}: {} {want}", slope[i]);
        }
    }

    #[test]
    fn mish_of_extreme_sums_is_finite() {
        let mut z = [f32::MAX, -f32::MAX, 1e30, -1e30, 88.0, -88.0, 0.0, -0.0].repeat(4);
        let mut slope = vec![0.0; PANEL];
        mish_with_derivative(&mut z, &mut slope, &[0.0; PANEL], 1, None);
        assert!(z.iter().chain(&slope).all(|v| v.is_finite()), "{z:?} {slope:?}");
        assert!(z[0] > 0.999_999 * f32::MAX && (slope[0] - 1.0).abs() < 1e-6);
        assert!(z[1].abs() < 1e-30 && slope[1].abs() < 1e-30, "{} {}", z[1], slope[1]);
    }

    #[test]
    fn dropout_drops_its_share_and_keeps_the_mean() {
        let dropout = Dropout::of_share(0.25, 77);
        let rows = 2000;
        let (mut h, mut slope) = (vec![1.0; PANEL * rows], vec![0.0; PANEL * rows]);
        mish_with_derivative(&mut h, &mut slope, &[0.0; PANEL], rows, dropout);
        let dropped = h.iter().filter(|v| **v == 0.0).count() as f64 / h.len() as f64;
        assert!((dropped - 0.25).abs() < 0.01, "{dropped}");
        let mean = h.iter().map(|v| f64::from(*v)).sum::<f64>() / h.len() as f64;
        assert!((mean - mish_f64(1.0)).abs() < 0.01, "{mean}");
        assert!(h.iter().zip(&slope).all(|(h, s)| (*h == 0.0) == (*s == 0.0)));
        assert_eq!(Dropout::of_share(0.0, 77), None);
    }

    #[test]
    fn operations_on_columns_agree_with_the_plain_ones_for_any_number_of_rows() {
        for rows in [0, 1, 2, 3, 17] {
            let a: Vec<f32> = (0..rows * 64).map(|i| (i as f32 * 0.3).sin()).collect();
            let row: Vec<f32> = (0..64).map(|j| j as f32 * 0.1).collect();
            let at = |i: usize, j: usize| (j / PANEL * rows + i) * PANEL + j % PANEL;
            let (mut scaled, mut added) = (vec![0.0; a.len()], a.clone());
            let (mut sums, mut dots) = (vec![1.0; 64], vec![1.0; 64]);
            scale_columns(&a, &row, &mut scaled, rows);
            add_to_columns(&mut added, &row, rows);
            column_sums(&a, &mut sums, rows);
            column_dots(&a, &scaled, &mut dots, rows);
            for j in 0..64 {
                let (mut sum, mut dot) = (0.0, 0.0);
                for i in 0..rows {
                    let v = a[at(i, j)];
                    assert_eq!(scaled[at(i, j)], v * row[j]);
                    assert_eq!(added[at(i, j)], v + row[j]);
                    sum += v;
                    dot += v * scaled[at(i, j)];
                }
                assert_eq!((sums[j], dots[j]), (sum, dot), "{rows} rows, column {j}");
            }
        }
    }
}
