//! Vectors of bytes of AVX2 and AVX-512, the latter with and without its later extensions.
//!
//! Why the `unsafe` here is sound, once for all: intrinsics need their vector unit, which the trait
//! demands of the caller; loads and stores touch `N` bytes of a slice, of which the caller promises
//! as many; tables have the bytes that are read.

use std::arch::x86_64::{
    __m256i, __m512i, _mm_loadl_epi64, _mm_loadu_si128, _mm256_add_epi8, _mm256_and_si256,
    _mm256_andnot_si256, _mm256_blendv_epi8, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
    _mm256_cvtepu8_epi32, _mm256_loadu_si256, _mm256_max_epu8, _mm256_min_epu8, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16,
    _mm256_srli_epi16, _mm256_storeu_si256, _mm512_add_epi8, _mm512_add_pd, _mm512_and_si512,
    _mm512_andnot_si512, _mm512_broadcast_i32x4, _mm512_cmpgt_epu8_mask, _mm512_i32gather_pd,
    _mm512_loadu_pd, _mm512_loadu_si512, _mm512_mask_add_epi8, _mm512_mask_mov_epi8,
    _mm512_mask_shuffle_epi8, _mm512_maskz_mov_epi8, _mm512_min_epu8, _mm512_set1_epi8,
    _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_storeu_pd, _mm512_storeu_si512,
    _mm512_test_epi8_mask, _mm512_testn_epi8_mask,
};

use super::Bytes;
use crate::forest::leaves::Table;
use crate::forest::levels::SMALL;

mod vbmi;

pub(in crate::forest) use vbmi::Avx512Vbmi;

/// Position of the lowest bit of a nibble; of none, more than any.
const LOW: [u8; 16] = [8, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0];
/// The same for the high nibble of a byte.
const HIGH: [u8; 16] = [8, 4, 5, 4, 6, 4, 5, 4, 7, 4, 5, 4, 6, 4, 5, 4];

/// 32 rows.
#[derive(Debug, Clone, Copy)]
pub(in crate::forest) struct Avx2(__m256i);

// SAFETY: no method does more than its name says.
unsafe impl Bytes for Avx2 {
    const N: usize = 32;

    #[inline(always)]
    unsafe fn load(from: &[u8]) -> Self {
        debug_assert!(from.len() >= Self::N);
        // SAFETY: see the module's text.
        Self(unsafe { _mm256_loadu_si256(from.as_ptr().cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [u8]) {
        debug_assert!(to.len() >= Self::N);
        // SAFETY: see the module's text.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn splat(byte: u8) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { _mm256_set1_epi8(byte as i8) })
    }

    #[inline(always)]
    unsafe fn without(self, kill: Self, codes: Self, rank: Self) -> Self {
        // SAFETY: see the module's text.
        unsafe {
            let stays = _mm256_cmpeq_epi8(_mm256_max_epu8(codes.0, rank.0), rank.0);
            Self(_mm256_andnot_si256(_mm256_andnot_si256(stays, kill.0), self.0))
        }
    }

    #[inline(always)]
    unsafe fn with(self, bit: Self, codes: Self, rank: Self) -> Self {
        // SAFETY: see the module's text.
        unsafe {
            let stays = _mm256_cmpeq_epi8(_mm256_max_epu8(codes.0, rank.0), rank.0);
            Self(_mm256_or_si256(_mm256_andnot_si256(stays, bit.0), self.0))
        }
    }

    #[inline(always)]
    unsafe fn look_up(table: &[u8; SMALL], places: Self) -> Self {
        // SAFETY: see the module's text.
        unsafe {
            let half = |at: usize| {
                _mm256_broadcastsi128_si256(_mm_loadu_si128(table[at..].as_ptr().cast()))
            };
            let low = _mm256_shuffle_epi8(half(0), places.0);
            let high = _mm256_shuffle_epi8(half(16), places.0);
            // Bit 4 of a place says which half; the blend looks at bit 7.
            Self(_mm256_blendv_epi8(low, high, _mm256_slli_epi16::<3>(places.0)))
        }
    }

    #[inline(always)]
    unsafe fn lacks(self, bits: Self) -> Self {
        // SAFETY: see the module's text.
        unsafe {
            let none = _mm256_cmpeq_epi8(_mm256_and_si256(self.0, bits.0), _mm256_setzero_si256());
            Self(_mm256_and_si256(none, _mm256_set1_epi8(1)))
        }
    }

    #[inline(always)]
    unsafe fn choose(alive: Self, new: [Self; 2], old: [Self; 2]) -> [Self; 2] {
        // SAFETY: see the module's text.
        unsafe {
            let dead = _mm256_cmpeq_epi8(alive.0, _mm256_setzero_si256());
            [
                Self(_mm256_blendv_epi8(new[0].0, old[0].0, dead)),
                Self(_mm256_blendv_epi8(new[1].0, old[1].0, dead)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn lowest_bit(self) -> Self {
        // SAFETY: see the module's text.
        unsafe {
            let table =
                |t: &[u8; 16]| _mm256_broadcastsi128_si256(_mm_loadu_si128(t.as_ptr().cast()));
            let nibble = _mm256_set1_epi8(15);
            let low = _mm256_and_si256(self.0, nibble);
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(self.0), nibble);
            Self(_mm256_min_epu8(
                _mm256_shuffle_epi8(table(&LOW), low),
                _mm256_shuffle_epi8(table(&HIGH), high),
            ))
        }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { _mm256_add_epi8(self.0, other.0) })
    }
}

/// 64 rows.
#[derive(Debug, Clone, Copy)]
pub(in crate::forest) struct Avx512(__m512i);

// SAFETY: no method does more than its name says.
unsafe impl Bytes for Avx512 {
    const N: usize = 64;

    #[inline(always)]
    unsafe fn load(from: &[u8]) -> Self {
        debug_assert!(from.len() >= Self::N);
        // SAFETY: see the module's text.
        Self(unsafe { _mm512_loadu_si512(from.as_ptr().cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [u8]) {
        debug_assert!(to.len() >= Self::N);
        // SAFETY: see the module's text.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn splat(byte: u8) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { _mm512_set1_epi8(byte as i8) })
    }

    #[inline(always)]
    unsafe fn without(self, kill: Self, codes: Self, rank: Self) -> Self {
        // SAFETY: see the module's text.
        unsafe {
            let right = _mm512_cmpgt_epu8_mask(codes.0, rank.0);
            Self(_mm512_andnot_si512(_mm512_maskz_mov_epi8(right, kill.0), self.0))
        }
    }

    #[inline(always)]
    unsafe fn with(self, bit: Self, codes: Self, rank: Self) -> Self {
        // SAFETY: see the module's text.
        unsafe {
            let right = _mm512_cmpgt_epu8_mask(codes.0, rank.0);
            Self(_mm512_mask_add_epi8(self.0, right, self.0, bit.0))
        }
    }

    #[inline(always)]
    unsafe fn look_up(table: &[u8; SMALL], places: Self) -> Self {
        // SAFETY: see the module's text.
        unsafe {
            let half =
                |at: usize| _mm512_broadcast_i32x4(_mm_loadu_si128(table[at..].as_ptr().cast()));
            let high = _mm512_test_epi8_mask(places.0, _mm512_set1_epi8(16));
            let low = _mm512_shuffle_epi8(half(0), places.0);
            Self(_mm512_mask_shuffle_epi8(low, high, half(16), places.0))
        }
    }

    #[inline(always)]
    unsafe fn lacks(self, bits: Self) -> Self {
        // SAFETY: see the module's text.
        unsafe {
            let none = _mm512_testn_epi8_mask(self.0, bits.0);
            Self(_mm512_maskz_mov_epi8(none, _mm512_set1_epi8(1)))
        }
    }

    #[inline(always)]
    unsafe fn choose(alive: Self, new: [Self; 2], old: [Self; 2]) -> [Self; 2] {
        // SAFETY: see the module's text.
        unsafe {
            let some = _mm512_test_epi8_mask(alive.0, alive.0);
            [
                Self(_mm512_mask_mov_epi8(old[0].0, some, new[0].0)),
                Self(_mm512_mask_mov_epi8(old[1].0, some, new[1].0)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn lowest_bit(self) -> Self {
        // SAFETY: see the module's text.
        unsafe {
            let table = |t: &[u8; 16]| _mm512_broadcast_i32x4(_mm_loadu_si128(t.as_ptr().cast()));
            let nibble = _mm512_set1_epi8(15);
            let low = _mm512_and_si512(self.0, nibble);
            let high = _mm512_and_si512(_mm512_srli_epi16::<4>(self.0), nibble);
            Self(_mm512_min_epu8(
                _mm512_shuffle_epi8(table(&LOW), low),
                _mm512_shuffle_epi8(table(&HIGH), high),
            ))
        }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { _mm512_add_epi8(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn add_values(exits: &[u8], table: Table<'_>, out: &mut [f64]) {
        let (exits, out) = (exits.as_chunks::<8>().0, out.as_chunks_mut::<8>().0);
        for (exits, out) in exits.iter().zip(out) {
            // SAFETY: see the module's text.
            unsafe {
                let exits = _mm256_cvtepu8_epi32(_mm_loadl_epi64(exits.as_ptr().cast()));
                let new = _mm512_i32gather_pd::<8>(exits, table.values.as_ptr());
                let sum = _mm512_add_pd(_mm512_loadu_pd(out.as_ptr()), new);
                _mm512_storeu_pd(out.as_mut_ptr(), sum);
            }
        }
    }
}
