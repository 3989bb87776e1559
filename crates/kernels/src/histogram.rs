//! Gradient sums per bin: the innermost loop of tree growing.
//!
//! Features are kept in blocks of at most [`MAX_WIDTH`] whose bins stand next to each other, row
//! after row, so that one row of a leaf costs one cache line and its gradient is loaded once for
//! the whole block. A histogram of a block is `width * stride` sums (see [`crate::entry`]) and
//! stays in the first-level cache. Per row:
//!
//! ```text
//! sum = gradient and Hessian of the entry, in one i64
//! for feature in 0..width: histogram[feature * stride + bin[row][feature]] += sum
//! ```
//!
//! Tricks: one read-modify-write per update instead of two; width and stride are constants of the
//! compiled copy, so that the inner loop is unrolled with folded addresses; rows further down a
//! leaf with gaps are prefetched; consecutive updates go to different features and hence never
//! wait for each other's store.

mod sparse;
mod tables;

use std::fmt;
use std::sync::Arc;

use crate::entry::{Entry, row, sum_of_one};

pub use sparse::{MAX_PLACES, SparseRows};

/// The most features of a block.
pub const MAX_WIDTH: usize = 16;

/// Sums per feature, for features of few, some and many bins.
pub const STRIDES: [usize; 3] = [16, 64, 256];

/// Rows ahead that are prefetched where a leaf's rows are too far apart for the hardware to guess.
const PREFETCH_ROWS: usize = 24;

/// Bytes from one row of a leaf to its next, on average, from which rows are prefetched: nearer
/// ones come by themselves, and asking for each costs a narrow block a tenth of its time.
const GAP_BYTES: usize = 48;

/// Rows that are brought into a block at a time.
const RUN_ROWS: usize = 512;

/// The smallest stride that holds `n_bins` bins.
///
/// # Panics
/// If there are more than 256 bins.
pub fn stride_for(n_bins: usize) -> usize {
    let stride = STRIDES.into_iter().find(|s| n_bins <= *s);
    stride.expect("bins are bytes, so that a feature has at most 256")
}

/// The bins of a few features, row-major.
#[derive(Debug, Clone)]
pub struct BinBlock {
    width: usize,
    stride: usize,
    n_rows: usize,
    bins: Bins,
}

/// Bytes that may be anywhere.
pub type Elsewhere = Arc<dyn AsRef<[u8]> + Send + Sync>;

#[derive(Clone)]
enum Bins {
    Here(Vec<u8>),
    Elsewhere(Elsewhere),
}

impl Bins {
    #[inline]
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Here(bytes) => bytes,
            Self::Elsewhere(bytes) => (**bytes).as_ref(),
        }
    }
}

impl fmt::Debug for Bins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bins", self.bytes().len())
    }
}

/// Writes the rows `start..end` of columns row by row; returns the largest bin.
///
/// # Panics
/// If `to` does not have a place for each.
pub fn interleave(columns: &[&[u8]], start: usize, end: usize, to: &mut [u8]) -> u8 {
    let width = columns.len();
    assert_eq!(to.len(), (end - start) * width, "a place for each bin");
    let mut largest = 0;
    // Rows are done in runs that fit the cache, or every column would stream all places.
    for first in (start..end).step_by(RUN_ROWS) {
        let last = (first + RUN_ROWS).min(end);
        for (position, column) in columns.iter().enumerate() {
            let places = to[(first - start) * width..(last - start) * width].iter_mut();
            let places = places.skip(position).step_by(width);
            for (place, bin) in places.zip(&column[first..last]) {
                *place = *bin;
                largest = largest.max(*bin);
            }
        }
    }
    largest
}

impl BinBlock {
    /// A block of columns of equal length, each with bins below `stride`.
    ///
    /// # Panics
    /// If there are no or too many columns, lengths differ, `stride` is not one of [`STRIDES`], or
    /// a bin is too large.
    pub fn from_columns(columns: &[&[u8]], stride: usize) -> Self {
        let width = columns.len();
        assert!((1..=MAX_WIDTH).contains(&width), "a block has 1 to {MAX_WIDTH} columns");
        assert!(STRIDES.contains(&stride), "stride must be one of {STRIDES:?}");
        let n_rows = columns[0].len();
        assert!(columns.iter().all(|c| c.len() == n_rows), "columns must be of one length");
        let mut bins = vec![0; n_rows * width];
        let largest = interleave(columns, 0, n_rows, &mut bins);
        assert!((largest as usize) < stride, "bins must be below the stride");
        Self { width, stride, n_rows, bins: Bins::Here(bins) }
    }

    /// A block whose rows of `width` bins lie elsewhere, as [`interleave`] wrote them. It has the
    /// widest stride, which no byte exceeds.
    ///
    /// # Panics
    /// If there are no or too many columns, or the last row is not whole.
    pub fn elsewhere(bins: Elsewhere, width: usize) -> Self {
        assert!((1..=MAX_WIDTH).contains(&width), "a block has 1 to {MAX_WIDTH} columns");
        let len = (*bins).as_ref().len();
        assert!(len.is_multiple_of(width), "the last row is whole");
        let stride = STRIDES[STRIDES.len() - 1];
        Self { width, stride, n_rows: len / width, bins: Bins::Elsewhere(bins) }
    }

    /// The bins of one row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[u8] {
        &self.bins.bytes()[row * self.width..(row + 1) * self.width]
    }

    /// How many features it has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Sums per feature in a histogram of this block.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// How many sums a histogram of this block has.
    pub fn histogram_len(&self) -> usize {
        self.width * self.stride
    }

    /// Adds the gradients of the entries to the bins of their rows.
    ///
    /// # Panics
    /// If a row is not in the block or `histogram` is not of [`Self::histogram_len`].
    pub fn accumulate(&self, entries: &[Entry], histogram: &mut [i64]) {
        assert_eq!(histogram.len(), self.histogram_len(), "a histogram of this block");
        match self.stride {
            16 => self.by_width::<16>(entries, histogram),
            64 => self.by_width::<64>(entries, histogram),
            _ => self.by_width::<256>(entries, histogram),
        }
    }

    fn by_width<const S: usize>(&self, entries: &[Entry], histogram: &mut [i64]) {
        match self.width {
            1 => self.by_gaps::<1, S>(entries, histogram),
            2 => self.by_gaps::<2, S>(entries, histogram),
            3 => self.by_gaps::<3, S>(entries, histogram),
            4 => self.by_gaps::<4, S>(entries, histogram),
            5 => self.by_gaps::<5, S>(entries, histogram),
            6 => self.by_gaps::<6, S>(entries, histogram),
            7 => self.by_gaps::<7, S>(entries, histogram),
            8 => self.by_gaps::<8, S>(entries, histogram),
            9 => self.by_gaps::<9, S>(entries, histogram),
            10 => self.by_gaps::<10, S>(entries, histogram),
            11 => self.by_gaps::<11, S>(entries, histogram),
            12 => self.by_gaps::<12, S>(entries, histogram),
            13 => self.by_gaps::<13, S>(entries, histogram),
            14 => self.by_gaps::<14, S>(entries, histogram),
            15 => self.by_gaps::<15, S>(entries, histogram),
            _ => self.by_gaps::<16, S>(entries, histogram),
        }
    }

    fn by_gaps<const W: usize, const S: usize>(&self, entries: &[Entry], histogram: &mut [i64]) {
        let first_and_last = entries.first().zip(entries.last());
        let n_rows = first_and_last.map_or(0, |(a, b)| row(*b).abs_diff(row(*a)) as usize);
        if n_rows * W >= GAP_BYTES * entries.len() {
            self.run::<W, S, true>(entries, histogram);
        } else {
            self.run::<W, S, false>(entries, histogram);
        }
    }

    #[inline(never)]
    fn run<const W: usize, const S: usize, const HAS_GAPS: bool>(
        &self,
        entries: &[Entry],
        histogram: &mut [i64],
    ) {
        let all = self.bins.bytes();
        assert!(histogram.len() == W * S && self.width == W && all.len() == self.n_rows * W);
        for (i, entry) in entries.iter().enumerate() {
            if HAS_GAPS && let Some(ahead) = entries.get(i + PREFETCH_ROWS) {
                prefetch(all.as_ptr().wrapping_add(row(*ahead) as usize * W));
            }
            let start = row(*entry) as usize * W;
            let bins: &[u8; W] = all[start..start + W].first_chunk().expect("the slice is W long");
            let sum = sum_of_one(*entry);
            for (feature, bin) in bins.iter().enumerate() {
                // SAFETY: `feature < W`, and `bin < S`: checked when the block was made of columns;
                // elsewhere `S` is 256, which no byte reaches. So the place is below `W * S`,
                // which is the length checked above.
                unsafe {
                    *histogram.get_unchecked_mut(feature * S + usize::from(*bin)) += sum;
                }
            }
        }
    }
}

/// Replaces each sum of `parent` by its difference to `child`, which is the sibling's sum.
///
/// # Panics
/// If the lengths differ.
pub fn subtract(parent: &mut [i64], child: &[i64]) {
    assert_eq!(parent.len(), child.len(), "histograms of one block");
    for (parent, child) in parent.iter_mut().zip(child) {
        *parent -= child;
    }
}

/// Adds each sum of `part` to `whole`.
///
/// # Panics
/// If the lengths differ.
pub fn add(whole: &mut [i64], part: &[i64]) {
    assert_eq!(whole.len(), part.len(), "histograms of one block");
    for (whole, part) in whole.iter_mut().zip(part) {
        *whole += part;
    }
}

#[inline(always)]
fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint that never faults, whatever the address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above; the instruction changes neither memory nor flags.
    unsafe {
        std::arch::asm!(
            "prfm pldl1keep, [{address}]",
            address = in(reg) address,
            options(nostack, preserves_flags, readonly)
        );
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(i: usize) -> usize {
        i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
    }

    fn entries(n: usize, start: usize) -> Vec<Entry> {
        entries_with_gaps(n, start, 2)
    }

    fn entries_with_gaps(n: usize, start: usize, step: usize) -> Vec<Entry> {
        let entry = |i: usize| {
            let high = (hash(i + 11) & 0xffff) << 48 | (hash(i + 5) & 0x7fff) << 32;
            high as u64 | (start + step * i) as u64
        };
        (0..n).map(entry).collect()
    }

    /// One bin at a time, straight from the definition.
    fn oracle(columns: &[Vec<u8>], stride: usize, entries: &[Entry]) -> Vec<i64> {
        let mut histogram = vec![0; columns.len() * stride];
        for (feature, column) in columns.iter().enumerate() {
            for entry in entries {
                let bin = column[row(*entry) as usize] as usize;
                histogram[feature * stride + bin] += sum_of_one(*entry);
            }
        }
        histogram
    }

    #[test]
    fn a_block_that_lies_elsewhere_has_the_same_sums() {
        let columns: Vec<Vec<u8>> =
            (0..5).map(|f| (0..1300).map(|r| (hash(r * 31 + f) % 256) as u8).collect()).collect();
        let slices: Vec<&[u8]> = columns.iter().map(Vec::as_slice).collect();
        let mut bytes = vec![0; 5 * 1300];
        // In two parts, the second of which does not begin at a run.
        assert!(interleave(&slices, 0, 600, &mut bytes[..3000]) > 200);
        interleave(&slices, 600, 1300, &mut bytes[3000..]);
        let here = BinBlock::from_columns(&slices, 256);
        let elsewhere = BinBlock::elsewhere(Arc::new(bytes), 5);
        assert_eq!((here.row(1299), here.stride()), (elsewhere.row(1299), elsewhere.stride()));
        let (mut a, mut b) = (vec![0; 5 * 256], vec![0; 5 * 256]);
        here.accumulate(&entries(600, 3), &mut a);
        elsewhere.accumulate(&entries(600, 3), &mut b);
        assert_eq!(a, b);
    }

    #[test]
    fn every_width_stride_and_length_agrees_with_the_oracle() {
        for stride in STRIDES {
            for width in 1..=MAX_WIDTH {
                let columns: Vec<Vec<u8>> = (0..width)
                    .map(|f| (0..2100).map(|r| (hash(r * 31 + f) % stride) as u8).collect())
                    .collect();
                let slices: Vec<&[u8]> = columns.iter().map(Vec::as_slice).collect();
                let block = BinBlock::from_columns(&slices, stride);
                let lengths =
                    if width % 5 == 1 { (0..=257).collect() } else { vec![0, 1, 63, 500] };
                for n in lengths {
                    // Rows far enough from each other are prefetched, at least in wide blocks.
                    for (start, step) in [(0, 2), (1, 2), (7, 2), (7, 1), (3, 4)] {
                        let entries = entries_with_gaps(n, start, step);
                        let mut got = vec![0; block.histogram_len()];
                        block.accumulate(&entries, &mut got);
                        let want = oracle(&columns, stride, &entries);
                        assert_eq!(got, want, "{stride} {width} {n} {step}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_difference_of_parent_and_child_is_the_sibling_to_the_bit() {
        let column: Vec<u8> = (0..600).map(|r| (hash(r) % 200) as u8).collect();
        let block = BinBlock::from_columns(&[&column, &column], 256);
        let all = entries(257, 3);
        let sums = |part: &[Entry]| {
            let mut histogram = vec![0; block.histogram_len()];
            block.accumulate(part, &mut histogram);
            histogram
        };
        for cut in [0, 1, 100, 257] {
            let mut parent = sums(&all);
            subtract(&mut parent, &sums(&all[..cut]));
            assert_eq!(parent, sums(&all[cut..]));
            add(&mut parent, &sums(&all[..cut]));
            assert_eq!(parent, sums(&all));
        }
    }

    #[test]
    fn the_stride_holds_the_bins() {
        assert_eq!([1, 16, 17, 64, 65, 256].map(stride_for), [16, 16, 64, 64, 256, 256]);
    }
}
