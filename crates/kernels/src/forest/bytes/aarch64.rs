//! Vectors of bytes of NEON.
//!
//! Why the `unsafe` here is sound, once for all: every machine of this architecture has NEON; loads
//! and stores touch 16 bytes of a slice, of which the caller promises as many; a table has the
//! bytes that are read.

use std::arch::aarch64::{
    uint8x16_t, uint8x16x2_t, vaddq_u8, vandq_u8, vbicq_u8, vbslq_u8, vceqzq_u8, vcgtq_u8,
    vclzq_u8, vdupq_n_u8, vld1q_u8, vorrq_u8, vqtbl2q_u8, vrbitq_u8, vst1q_u8,
};

use super::Bytes;
use crate::forest::levels::SMALL;

/// 16 rows.
#[derive(Debug, Clone, Copy)]
pub(in crate::forest) struct Neon(uint8x16_t);

// SAFETY: no method does more than its name says.
unsafe impl Bytes for Neon {
    const N: usize = 16;

    #[inline(always)]
    unsafe fn load(from: &[u8]) -> Self {
        debug_assert!(from.len() >= Self::N);
        // SAFETY: see the module's text.
        Self(unsafe { vld1q_u8(from.as_ptr()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [u8]) {
        debug_assert!(to.len() >= Self::N);
        // SAFETY: see the module's text.
        unsafe { vst1q_u8(to.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    unsafe fn splat(byte: u8) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { vdupq_n_u8(byte) })
    }

    #[inline(always)]
    unsafe fn without(self, kill: Self, codes: Self, rank: Self) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { vbicq_u8(self.0, vandq_u8(kill.0, vcgtq_u8(codes.0, rank.0))) })
    }

    #[inline(always)]
    unsafe fn with(self, bit: Self, codes: Self, rank: Self) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { vorrq_u8(self.0, vandq_u8(bit.0, vcgtq_u8(codes.0, rank.0))) })
    }

    #[inline(always)]
    unsafe fn look_up(table: &[u8; SMALL], places: Self) -> Self {
        const { assert!(SMALL == 32, "two registers hold the table") }
        // SAFETY: see the module's text.
        unsafe {
            let (low, high) = (vld1q_u8(table.as_ptr()), vld1q_u8(table[16..].as_ptr()));
            Self(vqtbl2q_u8(uint8x16x2_t(low, high), places.0))
        }
    }

    #[inline(always)]
    unsafe fn lacks(self, bits: Self) -> Self {
        // SAFETY: see the module's text.
        unsafe { Self(vandq_u8(vceqzq_u8(vandq_u8(self.0, bits.0)), vdupq_n_u8(1))) }
    }

    #[inline(always)]
    unsafe fn choose(alive: Self, new: [Self; 2], old: [Self; 2]) -> [Self; 2] {
        // SAFETY: see the module's text.
        unsafe {
            let dead = vceqzq_u8(alive.0);
            [Self(vbslq_u8(dead, old[0].0, new[0].0)), Self(vbslq_u8(dead, old[1].0, new[1].0))]
        }
    }

    #[inline(always)]
    unsafe fn lowest_bit(self) -> Self {
        // SAFETY: see the module's text. Zeros before the highest bit of the reversed byte.
        Self(unsafe { vclzq_u8(vrbitq_u8(self.0)) })
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { vaddq_u8(self.0, other.0) })
    }
}
