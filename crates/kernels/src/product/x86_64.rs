//! Panels of a product with AVX2 and AVX-512 registers.

use std::arch::x86_64::{
    __m256, __m512, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps,
    _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_storeu_ps,
};

use super::{Lanes, Left, panel_generic};

/// Eight lanes.
#[derive(Clone, Copy)]
struct Eight(__m256);

impl Lanes for Eight {
    const N: usize = 8;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's; this type is used by `panel_avx2` only, which enables the unit.
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as in `load`.
        unsafe { _mm256_storeu_ps(to, self.0) };
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: as in `load`.
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    fn fused(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `load`.
        Self(unsafe { _mm256_fmadd_ps(self.0, b.0, c.0) })
    }
}

/// Sixteen lanes.
#[derive(Clone, Copy)]
struct Sixteen(__m512);

impl Lanes for Sixteen {
    const N: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's; this type is used by `panel_avx512` only, which enables the unit.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as in `load`.
        unsafe { _mm512_storeu_ps(to, self.0) };
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: as in `load`.
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    fn fused(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `load`.
        Self(unsafe { _mm512_fmadd_ps(self.0, b.0, c.0) })
    }
}

/// [`super::panel`] with tiles of 4 × 16: eight sums, as many as hide the latency of two units.
///
/// # Safety
/// As [`super::panel`], on a machine that has the unit.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn panel_avx2(
    a: *const f32,
    left: Left,
    b: *const f32,
    c: *mut f32,
    rows: usize,
) {
    // SAFETY: the caller's.
    unsafe { panel_generic::<Eight, 4, 2>(a, left, b, c, rows) };
}

/// [`super::panel`] with tiles of 8 × 32: sixteen sums.
///
/// # Safety
/// As [`super::panel`], on a machine that has the unit.
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
pub(super) unsafe fn panel_avx512(
    a: *const f32,
    left: Left,
    b: *const f32,
    c: *mut f32,
    rows: usize,
) {
    // SAFETY: the caller's.
    unsafe { panel_generic::<Sixteen, 8, 2>(a, left, b, c, rows) };
}
