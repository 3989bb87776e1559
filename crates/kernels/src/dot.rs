//! Dot products, scaled additions and sums, accumulated in f64 over a fixed number of lanes.
//!
//! The products of two f32 are exact in f64. The lanes are folded pairwise in a fixed order, so
//! that a result depends on the data and its length only. Called by linear learners and metrics.

use crate::dispatch::vectorised;

/// Accumulators per reduction; enough to hide the latency of an addition on all units.
const LANES: usize = 32;

vectorised! {
    /// `Σ a[i] · b[i]`, each product exact.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn dot_f32(a: &[f32], b: &[f32]) -> f64 = dot_f32_generic
}

vectorised! {
    /// `Σ a[i] · b[i]`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn dot_f64(a: &[f64], b: &[f64]) -> f64 = dot_f64_generic
}

vectorised! {
    /// `Σ x[i] · r[i]` for single-precision features and double-precision residuals.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn dot_f32_f64(x: &[f32], r: &[f64]) -> f64 = dot_mixed_generic
}

vectorised! {
    /// `Σ a[i]`.
    pub fn sum_f32(a: &[f32]) -> f64 = sum_f32_generic
}

vectorised! {
    /// `Σ a[i]`.
    pub fn sum_f64(a: &[f64]) -> f64 = sum_f64_generic
}

vectorised! {
    /// `y[i] += a · x[i]`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn axpy_f32(a: f32, x: &[f32], y: &mut [f32]) = axpy_f32_generic
}

vectorised! {
    /// `y[i] += a · x[i]` for single-precision `x`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn axpy_f32_f64(a: f64, x: &[f32], y: &mut [f64]) = axpy_mixed_generic
}

vectorised! {
    /// `y[i] += a · x[i]`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn axpy_f64(a: f64, x: &[f64], y: &mut [f64]) = axpy_f64_generic
}

/// Sums `term(i)` for `i` in `0..n`: lane `i % LANES` takes term `i`, lanes are folded by halves.
#[inline(always)]
fn reduce(n: usize, term: impl Fn(usize) -> f64) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    let whole = n - n % LANES;
    let mut start = 0;
    while start < whole {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += term(start + lane);
        }
        start += LANES;
    }
    for i in whole..n {
        lanes[i - whole] += term(i);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn dot_f32_generic(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "a dot product needs equal lengths");
    let b = &b[..a.len()];
    // SAFETY: `reduce` calls the closure with indices below `a.len() == b.len()` only.
    reduce(a.len(), |i| unsafe { f64::from(*a.get_unchecked(i)) * f64::from(*b.get_unchecked(i)) })
}

#[inline(always)]
fn dot_f64_generic(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "a dot product needs equal lengths");
    // SAFETY: `reduce` calls the closure with indices below `a.len() == b.len()` only.
    reduce(a.len(), |i| unsafe { a.get_unchecked(i) * b.get_unchecked(i) })
}

#[inline(always)]
fn dot_mixed_generic(x: &[f32], r: &[f64]) -> f64 {
    assert_eq!(x.len(), r.len(), "a dot product needs equal lengths");
    // SAFETY: `reduce` calls the closure with indices below `x.len() == r.len()` only.
    reduce(x.len(), |i| unsafe { f64::from(*x.get_unchecked(i)) * r.get_unchecked(i) })
}

#[inline(always)]
fn sum_f32_generic(a: &[f32]) -> f64 {
    // SAFETY: `reduce` calls the closure with indices below `a.len()` only.
    reduce(a.len(), |i| unsafe { f64::from(*a.get_unchecked(i)) })
}

#[inline(always)]
fn sum_f64_generic(a: &[f64]) -> f64 {
    // SAFETY: `reduce` calls the closure with indices below `a.len()` only.
    reduce(a.len(), |i| unsafe { *a.get_unchecked(i) })
}

#[inline(always)]
fn axpy_f32_generic(a: f32, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "a scaled addition needs equal lengths");
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

#[inline(always)]
fn axpy_mixed_generic(a: f64, x: &[f32], y: &mut [f64]) {
    assert_eq!(x.len(), y.len(), "a scaled addition needs equal lengths");
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * f64::from(*x);
    }
}

#[inline(always)]
fn axpy_f64_generic(a: f64, x: &[f64], y: &mut [f64]) {
    assert_eq!(x.len(), y.len(), "a scaled addition needs equal lengths");
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, step: f64) -> Vec<f64> {
        (0..n).map(|i| (i as f64 * step).sin() * 3.0).collect()
    }

    #[test]
    fn every_length_and_start_agrees_with_the_plain_sum() {
        let a64 = wave(300, 0.7);
        let b64 = wave(300, 1.3);
        let a32: Vec<f32> = a64.iter().map(|v| *v as f32).collect();
        let b32: Vec<f32> = b64.iter().map(|v| *v as f32).collect();
        for n in 0..=257 {
            for start in [0, 1, 3] {
                let part = start..start + n;
                let near = |got: f64, terms: &mut dyn Iterator<Item = f64>| {
                    let want: f64 = terms.sum();
                    assert!((got - want).abs() < 1e-11, "{n} {start}: {got} {want}");
                };
                let (a, b) = (&a32[part.clone()], &b32[part.clone()]);
                let (c, d) = (&a64[part.clone()], &b64[part]);
                let both = || a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y));
                near(dot_f32(a, b), &mut both());
                near(dot_f64(c, d), &mut c.iter().zip(d).map(|(x, y)| x * y));
                near(dot_f32_f64(a, d), &mut a.iter().zip(d).map(|(x, y)| f64::from(*x) * y));
                near(sum_f32(a), &mut a.iter().map(|x| f64::from(*x)));
                near(sum_f64(c), &mut c.iter().copied());
            }
        }
    }

    #[test]
    fn vectors_give_the_bits_of_the_portable_path() {
        let a = wave(1001, 0.31);
        let b = wave(1001, 0.57);
        assert_eq!(dot_f64(&a, &b).to_bits(), dot_f64_generic(&a, &b).to_bits());
        let a32: Vec<f32> = a.iter().map(|v| *v as f32).collect();
        assert_eq!(dot_f32_f64(&a32, &b).to_bits(), dot_mixed_generic(&a32, &b).to_bits());
    }

    #[test]
    fn a_scaled_addition_adds() {
        let mut y = vec![1.0_f64, 2.0, 3.0];
        axpy_f64(2.0, &[1.0, 0.0, -1.0], &mut y);
        axpy_f32_f64(0.5, &[2.0, 2.0, 2.0], &mut y);
        assert_eq!(y, [4.0, 3.0, 2.0]);
        let mut z = vec![1.0_f32; 2];
        axpy_f32(3.0, &[1.0, -1.0], &mut z);
        assert_eq!(z, [4.0, -2.0]);
    }
}
