//! The search with AVX-512: the nodes of a level are in registers, and a permutation looks them up.

use std::arch::x86_64::{
    __m512, __m512i, _CMP_GT_OQ, _mm_storeu_si128, _mm512_add_epi32, _mm512_cmp_ps_mask,
    _mm512_cvtepi32_epi8, _mm512_loadu_ps, _mm512_mask_add_epi32, _mm512_mask_blend_ps,
    _mm512_permutex2var_ps, _mm512_permutexvar_ps, _mm512_set1_epi32, _mm512_sub_epi32,
    _mm512_test_epi32_mask,
};

use crate::dispatch::{Isa, isa};

/// Codes of values by a search tree of 16, 32, 64, 128 or 256 places.
///
/// # Panics
/// If the machine has no AVX-512, the tree has another length, or there are not as many codes as
/// values, a multiple of 16.
pub(super) fn climb(tree: &[f32], values: &[f32], out: &mut [u8]) {
    assert!(isa() == Isa::Avx512, "the machine has the vector unit");
    // SAFETY: it has.
    unsafe {
        match tree.len() {
            16 => climb_levels::<4>(tree, values, out),
            32 => climb_levels::<5>(tree, values, out),
            64 => climb_levels::<6>(tree, values, out),
            128 => climb_levels::<7>(tree, values, out),
            _ => climb_levels::<8>(tree, values, out),
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn climb_levels<const LEVELS: u32>(tree: &[f32], values: &[f32], out: &mut [u8]) {
    assert!(tree.len() == 1 << LEVELS && values.len() == out.len(), "a tree and its rows");
    let (tree, rest) = tree.as_chunks::<16>();
    assert!(rest.is_empty(), "a tree has whole registers");
    let one = _mm512_set1_epi32(1);
    let places = _mm512_set1_epi32(1 << LEVELS);
    for (values, out) in values.as_chunks::<16>().0.iter().zip(out.as_chunks_mut::<16>().0) {
        // SAFETY: there are 16 values.
        let x = unsafe { _mm512_loadu_ps(values.as_ptr()) };
        let mut node = one;
        for level in 0..LEVELS {
            let right = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(x, look_up(tree, level, node));
            let twice = _mm512_add_epi32(node, node);
            node = _mm512_mask_add_epi32(twice, right, twice, one);
        }
        let code = _mm512_cvtepi32_epi8(_mm512_sub_epi32(node, places));
        // SAFETY: there is room for 16 bytes.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), code) };
    }
}

/// The thresholds of nodes of a level: node `i` of it lies in the tree at `i`, and a permutation
/// reads as many low bits of `i` as its table has places.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn look_up(tree: &[[f32; 16]], level: u32, node: __m512i) -> __m512 {
    // SAFETY: there are 16 values.
    let table = |i: usize| unsafe { _mm512_loadu_ps(tree[i].as_ptr()) };
    let pair = |i: usize| _mm512_permutex2var_ps(table(i), node, table(i + 1));
    let bit = |bit: i32| _mm512_test_epi32_mask(node, _mm512_set1_epi32(bit));
    match level {
        0..4 => _mm512_permutexvar_ps(node, table(0)),
        4 => _mm512_permutexvar_ps(node, table(1)),
        5 => pair(2),
        6 => _mm512_mask_blend_ps(bit(32), pair(4), pair(6)),
        _ => {
            let low = _mm512_mask_blend_ps(bit(32), pair(8), pair(10));
            let high = _mm512_mask_blend_ps(bit(32), pair(12), pair(14));
            _mm512_mask_blend_ps(bit(64), low, high)
        }
    }
}
