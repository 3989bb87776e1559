//! Vectors of bytes of AVX-512 with VBMI and GFNI: a test is two instructions, and a leaf's value
//! is looked up in registers, byte by byte.
//!
//! Why the `unsafe` here is sound is said in the module above.

use std::arch::x86_64::{
    __m512i, _mm512_add_pd, _mm512_castsi512_pd, _mm512_cmpgt_epu8_mask, _mm512_loadu_pd,
    _mm512_loadu_si512, _mm512_mask_gf2p8affine_epi64_epi8, _mm512_permutex2var_epi8,
    _mm512_permutexvar_epi8, _mm512_set1_epi64, _mm512_storeu_pd, _mm512_unpackhi_epi8,
    _mm512_unpackhi_epi16, _mm512_unpackhi_epi32, _mm512_unpacklo_epi8, _mm512_unpacklo_epi16,
    _mm512_unpacklo_epi32,
};

use super::{Avx512, Bytes};
use crate::forest::leaves::Table;
use crate::forest::levels::SMALL;

/// For each set of bits, the matrix of bits that removes them from a byte.
const REMOVE: [u64; 256] = {
    let mut matrices = [0; 256];
    let mut kill = 0;
    while kill < 256 {
        let mut bit = 0;
        while bit < 8 {
            // Bit `i` of a product is the parity of the byte and row `7 - i` of the matrix.
            if kill >> bit & 1 == 0 {
                matrices[kill] |= 1 << (8 * (7 - bit) + bit);
            }
            bit += 1;
        }
        kill += 1;
    }
    matrices
};

/// Where the exits of 64 rows are put, so that the transposed values come out in the rows' order:
/// vector `i` takes the places `16 l + 2 i + e` (`l < 4`, `e < 2`) for the rows `8 i + 2 l + e`.
const ORDER: [u8; 64] = {
    let mut order = [0; 64];
    let mut row = 0;
    while row < 64 {
        order[16 * (row % 8 / 2) + 2 * (row / 8) + row % 2] = row as u8;
        row += 1;
    }
    order
};

/// 64 rows.
#[derive(Debug, Clone, Copy)]
pub(in crate::forest) struct Avx512Vbmi(Avx512);

// SAFETY: no method does more than its name says.
unsafe impl Bytes for Avx512Vbmi {
    const N: usize = 64;

    #[inline(always)]
    unsafe fn load(from: &[u8]) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { Avx512::load(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut [u8]) {
        // SAFETY: see the module's text.
        unsafe { self.0.store(to) }
    }

    #[inline(always)]
    unsafe fn splat(byte: u8) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { Avx512::splat(byte) })
    }

    #[inline(always)]
    unsafe fn kill(bits: u8) -> Self {
        // SAFETY: see the module's text.
        Self(Avx512(unsafe { _mm512_set1_epi64(REMOVE[bits as usize] as i64) }))
    }

    #[inline(always)]
    unsafe fn without(self, kill: Self, codes: Self, rank: Self) -> Self {
        let (alive, kill) = (self.0.0, kill.0.0);
        // SAFETY: see the module's text.
        Self(Avx512(unsafe {
            let right = _mm512_cmpgt_epu8_mask(codes.0.0, rank.0.0);
            _mm512_mask_gf2p8affine_epi64_epi8::<0>(alive, right, alive, kill)
        }))
    }

    #[inline(always)]
    unsafe fn with(self, bit: Self, codes: Self, rank: Self) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { self.0.with(bit.0, codes.0, rank.0) })
    }

    #[inline(always)]
    unsafe fn look_up(table: &[u8; SMALL], places: Self) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { Avx512::look_up(table, places.0) })
    }

    #[inline(always)]
    unsafe fn lacks(self, bits: Self) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { self.0.lacks(bits.0) })
    }

    #[inline(always)]
    unsafe fn choose(alive: Self, new: [Self; 2], old: [Self; 2]) -> [Self; 2] {
        // SAFETY: see the module's text.
        unsafe { Avx512::choose(alive.0, new.map(|v| v.0), old.map(|v| v.0)) }.map(Self)
    }

    #[inline(always)]
    unsafe fn lowest_bit(self) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { self.0.lowest_bit() })
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: see the module's text.
        Self(unsafe { self.0.plus(other.0) })
    }

    #[inline(always)]
    unsafe fn add_values(exits: &[u8], table: Table<'_>, out: &mut [f64]) {
        let rows = exits.as_chunks::<64>().0.iter().zip(out.as_chunks_mut::<64>().0);
        // SAFETY: see the module's text.
        unsafe {
            match table.bytes.len() {
                512 => rows.for_each(|(exits, out)| add_64::<1>(exits, table.bytes, out)),
                1024 => rows.for_each(|(exits, out)| add_64::<2>(exits, table.bytes, out)),
                _ => Avx512::add_values(exits, table, out),
            }
        }
    }
}

/// Adds the values of 64 exits below `64 * R`. Byte `j` of the values is looked up for all rows at
/// once; eight vectors of such bytes are then transposed to 64 values.
///
/// # Panics
/// If there are not `512 * R` bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
#[target_feature(enable = "avx512vbmi,gfni,avx2,bmi1,bmi2,lzcnt")]
fn add_64<const R: usize>(exits: &[u8; 64], bytes: &[u8], out: &mut [f64; 64]) {
    let (bytes, rest) = bytes.as_chunks::<64>();
    assert!(bytes.len() == 8 * R && rest.is_empty(), "eight tables of bytes");
    // SAFETY: there are 64 bytes.
    let load = |from: &[u8; 64]| unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
    let places = _mm512_permutexvar_epi8(load(&ORDER), load(exits));
    let byte = |j: usize| {
        if R == 1 {
            _mm512_permutexvar_epi8(places, load(&bytes[j]))
        } else {
            _mm512_permutex2var_epi8(load(&bytes[2 * j]), places, load(&bytes[2 * j + 1]))
        }
    };
    let pair = |j: usize| {
        let (low, high) = (byte(j), byte(j + 1));
        [_mm512_unpacklo_epi8(low, high), _mm512_unpackhi_epi8(low, high)]
    };
    let quad = |j: usize| -> [__m512i; 4] {
        let (low, high) = (pair(j), pair(j + 2));
        [
            _mm512_unpacklo_epi16(low[0], high[0]),
            _mm512_unpackhi_epi16(low[0], high[0]),
            _mm512_unpacklo_epi16(low[1], high[1]),
            _mm512_unpackhi_epi16(low[1], high[1]),
        ]
    };
    let (low, high) = (quad(0), quad(4));
    let add = |values: __m512i, out: &mut [f64; 8]| {
        // SAFETY: there are 8 sums.
        unsafe {
            let sum = _mm512_add_pd(_mm512_loadu_pd(out.as_ptr()), _mm512_castsi512_pd(values));
            _mm512_storeu_pd(out.as_mut_ptr(), sum);
        }
    };
    for (i, out) in out.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        let [first, second] = out.as_chunks_mut::<8>().0 else { continue };
        add(_mm512_unpacklo_epi32(low[i], high[i]), first);
        add(_mm512_unpackhi_epi32(low[i], high[i]), second);
    }
}
