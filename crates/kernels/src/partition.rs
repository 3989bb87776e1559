//! How the entries of a leaf are divided between its children.
//!
//! One pass writes entries that go left to the front of another slice and the others to its back,
//! without a branch on the data; rows that ascend go on doing so on the left and descend on the
//! right. With AVX-512, eight entries are divided by two compressions; elsewhere every entry is
//! written to both places and one of the two ends moves. A row's bin is compared with a cut, or
//! looked up in a table.

#[cfg(target_arch = "x86_64")]
use crate::dispatch::{Isa, isa};
use crate::entry::{Entry, row};

/// Which bins go left.
#[derive(Debug, Clone, Copy)]
pub struct Sides {
    /// The last bin that goes left.
    pub cut: u8,
    /// The bin of missing values, above every cut.
    pub missing: u8,
    /// Whether missing values go left.
    pub missing_left: bool,
}

impl Sides {
    /// Whether rows of a bin go left.
    #[inline(always)]
    pub fn goes_left(&self, bin: u8) -> bool {
        // A missing bin above every cut goes right by itself.
        bin <= self.cut || (self.missing_left && bin == self.missing)
    }
}

/// Divides entries by the bin of their rows: those that go left to the front of `out` in order, the
/// others to its back in reverse order. Returns how many went left.
///
/// # Panics
/// If a row has no bin in `bins`, or `out` is shorter than `entries`.
pub fn divide(entries: &[Entry], out: &mut [Entry], bins: &[u8], sides: Sides) -> usize {
    let out = &mut out[..entries.len()];
    #[cfg(target_arch = "x86_64")]
    if isa() == Isa::Avx512 {
        // SAFETY: the machine has the vector unit.
        return unsafe { avx512::divide::<false>(entries, out, bins, sides, &[0; 256]) };
    }
    divide_rest(entries, out, bins, |bin| sides.goes_left(bin), 0)
}

/// As [`divide`], where any bins may go left: those with `true` in the table.
///
/// # Panics
/// As [`divide`].
pub fn divide_by_table(
    entries: &[Entry],
    out: &mut [Entry],
    bins: &[u8],
    goes_left: &[bool; 256],
) -> usize {
    let out = &mut out[..entries.len()];
    #[cfg(target_arch = "x86_64")]
    if isa() == Isa::Avx512 {
        let table = goes_left.map(u8::from);
        let sides = Sides { cut: 0, missing: 0, missing_left: false };
        // SAFETY: the machine has the vector unit.
        return unsafe { avx512::divide::<true>(entries, out, bins, sides, &table) };
    }
    divide_rest(entries, out, bins, |bin| goes_left[usize::from(bin)], 0)
}

/// Divides the last entries, when `left` of those before them went left.
#[inline(always)]
fn divide_rest(
    entries: &[Entry],
    out: &mut [Entry],
    bins: &[u8],
    goes_left: impl Fn(u8) -> bool,
    mut left: usize,
) -> usize {
    assert!(left <= out.len() && out.len() - left >= entries.len(), "places for all entries");
    let mut right = left + entries.len();
    for entry in entries {
        let goes_left = goes_left(bins[row(*entry) as usize]);
        // SAFETY: each entry moves exactly one of the two ends towards the other, so before the
        // last entry `left < right <= out.len()` holds, and both places exist.
        unsafe {
            *out.get_unchecked_mut(left) = *entry;
            *out.get_unchecked_mut(right - 1) = *entry;
        }
        left += usize::from(goes_left);
        right -= usize::from(!goes_left);
    }
    left
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m128i, __m512i, _mm_cmpeq_epu8_mask, _mm_cmple_epu8_mask, _mm_cvtsi64_si128,
        _mm_set1_epi8, _mm_test_epi8_mask, _mm512_and_si512, _mm512_cmplt_epu64_mask,
        _mm512_loadu_si512, _mm512_maskz_compress_epi64, _mm512_permutexvar_epi64,
        _mm512_set1_epi64, _mm512_setr_epi64, _mm512_storeu_si512,
    };

    use super::{Entry, Sides, divide_rest, row};

    /// Entries of a vector.
    const N: usize = 8;

    /// See [`super::divide`] and, with `TABLE`, [`super::divide_by_table`]: then bins with 1 in the
    /// table go left, else the sides say it. `out` is as long as `entries`.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
    pub(super) fn divide<const TABLE: bool>(
        entries: &[Entry],
        out: &mut [Entry],
        bins: &[u8],
        sides: Sides,
        table: &[u8; 256],
    ) -> usize {
        assert_eq!(entries.len(), out.len(), "one place per entry");
        let cut = _mm_set1_epi8(sides.cut.cast_signed());
        let missing = _mm_set1_epi8(sides.missing.cast_signed());
        let wanted = if sides.missing_left { u8::MAX } else { 0 };
        let backwards = _mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0);
        let (mut left, mut right, mut done) = (0, out.len(), 0);
        // Two vectors of places must be free, or the ends would write over each other.
        while right - left >= 2 * N {
            let entry: &[Entry; N] = entries[done..].first_chunk().expect("as many as places");
            let codes = codes_of::<TABLE>(entry, bins, table);
            let goes_left = if TABLE {
                _mm_test_epi8_mask(codes, codes) as u8
            } else {
                (_mm_cmple_epu8_mask(codes, cut) as u8)
                    | (_mm_cmpeq_epu8_mask(codes, missing) as u8 & wanted)
            };
            // SAFETY: an array of N entries is a vector; the N places from `left` and the N before
            // `right` are in `out` and do not overlap, by the condition of the loop.
            unsafe {
                let entry = _mm512_loadu_si512(entry.as_ptr().cast());
                let to_left = _mm512_maskz_compress_epi64(goes_left, entry);
                let to_right = _mm512_maskz_compress_epi64(!goes_left, entry);
                let to_right = _mm512_permutexvar_epi64(backwards, to_right);
                let places = out.as_mut_ptr();
                _mm512_storeu_si512(places.add(left).cast(), to_left);
                _mm512_storeu_si512(places.add(right - N).cast(), to_right);
            }
            let n_left = goes_left.count_ones() as usize;
            left += n_left;
            right -= N - n_left;
            done += N;
        }
        let (entries, out) = (&entries[done..], &mut out[..right]);
        if TABLE {
            divide_rest(entries, out, bins, |bin| table[usize::from(bin)] != 0, left)
        } else {
            divide_rest(entries, out, bins, |bin| sides.goes_left(bin), left)
        }
    }

    /// The bins of eight entries, or what the table has for them, in the lowest bytes.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn codes_of<const TABLE: bool>(
        entries: &[Entry; N],
        bins: &[u8],
        table: &[u8; 256],
    ) -> __m128i {
        // SAFETY: an array of N entries is a vector.
        let vector: __m512i = unsafe { _mm512_loadu_si512(entries.as_ptr().cast()) };
        let rows = _mm512_and_si512(vector, _mm512_set1_epi64(0xffff_ffff));
        let n_rows = _mm512_set1_epi64(bins.len() as i64);
        assert_eq!(_mm512_cmplt_epu64_mask(rows, n_rows), u8::MAX, "every row has a bin");
        let code = |i: usize| {
            // SAFETY: all rows have just been compared with the number of bins.
            let bin = unsafe { *bins.get_unchecked(row(entries[i]) as usize) };
            u64::from(if TABLE { table[usize::from(bin)] } else { bin }) << (8 * i)
        };
        let low = (code(0) | code(1)) | (code(2) | code(3));
        let high = (code(4) | code(5)) | (code(6) | code(7));
        _mm_cvtsi64_si128((low | high).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins() -> Vec<u8> {
        (0..600_usize).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8 % 7).collect()
    }

    #[test]
    fn a_division_keeps_every_entry_in_order_on_the_left_and_turned_round_on_the_right() {
        let bins = bins();
        for n in 0..=257_u64 {
            for (cut, missing_left) in [(0, false), (2, true), (5, false), (5, true), (3, false)] {
                let sides = Sides { cut, missing: 6, missing_left };
                let entries: Vec<Entry> = (0..n).map(|i| (i << 32) | (i * 2 + 1)).collect();
                let goes_left = |e: &Entry| {
                    let bin = bins[row(*e) as usize];
                    bin <= cut || (bin == 6 && missing_left)
                };
                let (mut wanted, right): (Vec<Entry>, Vec<Entry>) =
                    entries.iter().partition(|e| goes_left(e));
                let n_left = wanted.len();
                wanted.extend(right.iter().rev());
                let mut portable = vec![0; n as usize];
                let by_sides = |bin: u8| sides.goes_left(bin);
                let n_portable = divide_rest(&entries, &mut portable, &bins, by_sides, 0);
                let mut out = vec![0; n as usize];
                assert_eq!(divide(&entries, &mut out, &bins, sides), n_portable);
                assert_eq!(out, portable);
                let table = std::array::from_fn(|bin| sides.goes_left(bin as u8));
                out.fill(0);
                assert_eq!(divide_by_table(&entries, &mut out, &bins, &table), n_portable);
                assert_eq!(out, portable);
                assert_eq!((n_portable, portable), (n_left, wanted));
            }
        }
    }

    #[test]
    fn a_row_without_a_bin_is_never_read() {
        let entries = vec![600; 64];
        let sides = Sides { cut: 1, missing: 6, missing_left: false };
        let read = || divide(&entries, &mut [0; 64], &bins(), sides);
        assert!(std::panic::catch_unwind(read).is_err());
    }
}
