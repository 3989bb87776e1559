//! Panels of a product with NEON registers.
//!
//! Every AArch64 machine that Rust's standard library runs on has NEON, so that nothing is asked at
//! run time. It has 32 registers: tiles of 4 × 16 keep sixteen sums, four registers of the right
//! matrix and a factor in them, and sixteen chains hide the latency of two fused units.

use std::arch::aarch64::{float32x4_t, vdupq_n_f32, vfmaq_f32, vld1q_f32, vst1q_f32};

use super::{Lanes, Left, panel_generic};

/// Four lanes.
#[derive(Clone, Copy)]
struct Quad(float32x4_t);

impl Lanes for Quad {
    const N: usize = 4;

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's.
        Self(unsafe { vld1q_f32(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's.
        unsafe { vst1q_f32(to, self.0) };
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: every machine of this architecture has the unit.
        Self(unsafe { vdupq_n_f32(value) })
    }

    #[inline(always)]
    fn fused(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `splat`. One rounding, as `f32::mul_add` has.
        Self(unsafe { vfmaq_f32(c.0, self.0, b.0) })
    }
}

/// [`super::panel`] with tiles of 4 × 16.
///
/// # Safety
/// As [`super::panel`].
pub(super) unsafe fn panel_neon(
    a: *const f32,
    left: Left,
    b: *const f32,
    c: *mut f32,
    rows: usize,
) {
    // SAFETY: the caller's.
    unsafe { panel_generic::<Quad, 4, 4>(a, left, b, c, rows) };
}
