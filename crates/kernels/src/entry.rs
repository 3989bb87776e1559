//! Rows of a leaf, each with its quantised gradient.
//!
//! An entry is one `u64`: the row in the low half, and in the high half two 16-bit integers, the
//! gradient (signed) above the Hessian. A leaf is a contiguous slice of entries in ascending or
//! descending row order, so that a histogram reads row and gradient from one stream, and a split
//! moves both with one store. Integer sums are exact: any order, any division into chunks, and the
//! difference of parent and sibling give the same bits.
//!
//! A sum of entries is one `i64`, gradient above Hessian; [`Scale::for_rows`] chooses the unit so
//! that neither half can overflow. Rounding is stochastic (a hash of row and seed decides), hence
//! unbiased also for gradients far below one unit. Reference: Shi et al., "Quantized training of
//! gradient boosting decision trees", NeurIPS 2022.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::dispatch::vectorised;

/// A row and its quantised gradient; see the module's text.
pub type Entry = u64;

/// How many units a gradient and a Hessian of 1 have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Units per gradient.
    pub gradient: f32,
    /// Units per Hessian.
    pub hessian: f32,
}

impl Scale {
    /// The finest scale with which `n_rows` entries of these largest values cannot overflow a sum.
    pub fn for_rows(n_rows: usize, largest: [f32; 2]) -> Self {
        let by_sum = i32::MAX as usize / n_rows.max(1);
        let units = by_sum.min(i16::MAX as usize) as f32;
        let scale = |largest: f32| if largest > f32::MIN_POSITIVE { units / largest } else { 0.0 };
        let finite = |scale: f32| if scale.is_finite() { scale } else { f32::MAX };
        Self { gradient: finite(scale(largest[0])), hessian: finite(scale(largest[1])) }
    }
}

/// The row of an entry.
#[inline(always)]
pub fn row(entry: Entry) -> u32 {
    entry as u32
}

/// The entry as a sum of one: gradient in the high, Hessian in the low 32 bits.
#[inline(always)]
pub fn sum_of_one(entry: Entry) -> i64 {
    let gradient = (entry as i64) >> 48;
    (gradient << 32) | ((entry >> 32) & 0xffff) as i64
}

/// The gradient part of a sum, in units.
#[inline(always)]
pub fn gradient_units(sum: i64) -> i32 {
    (sum >> 32) as i32
}

/// The Hessian part of a sum, in units.
#[inline(always)]
pub fn hessian_units(sum: i64) -> i32 {
    sum as i32
}

vectorised! {
    /// The sum of all entries.
    pub fn total(entries: &[Entry]) -> i64 = total_generic
}

#[inline(always)]
fn total_generic(entries: &[Entry]) -> i64 {
    entries.iter().map(|e| sum_of_one(*e)).sum()
}

vectorised! {
    /// Entries of the rows `first_row, first_row + 1, …` with their gradients.
    ///
    /// `scale` must be that of all rows and their largest gradients ([`Scale::for_rows`]).
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn quantise(
        gradients: &[[f32; 2]],
        first_row: u32,
        scale: Scale,
        seed: u32,
        out: &mut [Entry],
    ) = quantise_generic
}

/// Entries of the given rows, with the gradients of those rows.
///
/// # Panics
/// If the lengths of `rows` and `out` differ or a row has no gradient.
pub fn quantise_rows(
    gradients: &[[f32; 2]],
    rows: &[u32],
    scale: Scale,
    seed: u32,
    out: &mut [Entry],
) {
    assert_eq!(rows.len(), out.len(), "one entry per row");
    for (entry, row) in out.iter_mut().zip(rows) {
        *entry = quantise_one(gradients[*row as usize], *row, scale, seed);
    }
}

/// Scores of rows that several threads add to, each to rows of its own.
///
/// Two threads that add to one row would lose an addition, but nothing worse: every access is
/// atomic (and on common machines as fast as a plain one).
#[derive(Debug)]
pub struct SharedScores<'a> {
    cells: &'a [AtomicU64],
}

impl<'a> SharedScores<'a> {
    /// Scores to be shared until this value is dropped.
    pub fn new(scores: &'a mut [f64]) -> Self {
        const { assert!(align_of::<AtomicU64>() == align_of::<f64>()) }
        let cells = std::ptr::from_mut(scores) as *const [AtomicU64];
        // SAFETY: the exclusive borrow lasts as long as the cells, so that all access goes through
        // them; both types have 8 bytes, the same alignment, and any bits are valid.
        Self { cells: unsafe { &*cells } }
    }

    /// Adds `value` to the score of each entry's row.
    ///
    /// # Panics
    /// If a row has no score.
    pub fn add(&self, entries: &[Entry], value: f64) {
        for entry in entries {
            let cell = &self.cells[row(*entry) as usize];
            let score = f64::from_bits(cell.load(Ordering::Relaxed)) + value;
            cell.store(score.to_bits(), Ordering::Relaxed);
        }
    }
}

/// Sums the gradients and Hessians of the entries' rows in f64; the order of the additions follows
/// from the number of entries alone.
///
/// # Panics
/// If a row has no gradient.
pub fn exact_total(entries: &[Entry], gradients: &[[f32; 2]]) -> [f64; 2] {
    /// Sums that run side by side, so that an addition need not wait for the one before.
    const LANES: usize = 4;
    let mut lanes = [[0.0; 2]; LANES];
    let mut add = |lane: usize, entry: &Entry| {
        let gh = gradients[row(*entry) as usize];
        lanes[lane][0] += f64::from(gh[0]);
        lanes[lane][1] += f64::from(gh[1]);
    };
    let (whole, rest) = entries.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, entry) in chunk.iter().enumerate() {
            add(lane, entry);
        }
    }
    for (lane, entry) in rest.iter().enumerate() {
        add(lane, entry);
    }
    let [a, b, c, d] = lanes;
    [a[0] + b[0] + (c[0] + d[0]), a[1] + b[1] + (c[1] + d[1])]
}

#[inline(always)]
fn quantise_generic(
    gradients: &[[f32; 2]],
    first_row: u32,
    scale: Scale,
    seed: u32,
    out: &mut [Entry],
) {
    assert_eq!(gradients.len(), out.len(), "one entry per gradient");
    for (i, (entry, gh)) in out.iter_mut().zip(gradients).enumerate() {
        *entry = quantise_one(*gh, first_row.wrapping_add(i as u32), scale, seed);
    }
}

#[inline(always)]
fn quantise_one(gh: [f32; 2], row: u32, scale: Scale, seed: u32) -> Entry {
    /// Adding 1.5 · 2^23 rounds a small f32 to the nearest integer.
    const ROUNDER: f32 = 12_582_912.0;
    /// Just under 2^-16, so that a whole number of units is never rounded away from itself.
    const DITHER: f32 = 0.996 / 65_536.0;
    let noise = mix(row ^ seed);
    let dither = |bits: u32| (bits as i32 - 32_768) as f32 * DITHER;
    let g = gh[0] * scale.gradient + dither(noise >> 16) + ROUNDER;
    let h = gh[1] * scale.hessian + dither(noise & 0xffff) + ROUNDER;
    let units = |x: f32| u64::from(x.to_bits().wrapping_sub(ROUNDER.to_bits()) & 0xffff);
    (units(g) << 48) | (units(h) << 32) | u64::from(row)
}

/// A hash of 32 bits that vectorises (C. Wellons, "lowbias32").
#[inline(always)]
fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradients(n: usize) -> Vec<[f32; 2]> {
        (0..n).map(|i| [(i as f32 * 0.77).sin(), 0.2 + 0.2 * (i as f32 * 0.3).cos()]).collect()
    }

    #[test]
    fn quantised_sums_are_close_to_the_real_ones_and_never_overflow() {
        for n in [1, 2, 257, 100_000] {
            let gradients = gradients(n);
            let largest = crate::gradient::largest(&gradients);
            let scale = Scale::for_rows(n, largest);
            let mut entries = vec![0; n];
            quantise(&gradients, 0, scale, 7, &mut entries);
            let sum = total(&entries);
            let want: [f64; 2] = gradients
                .iter()
                .fold([0.0; 2], |s, gh| [s[0] + f64::from(gh[0]), s[1] + f64::from(gh[1])]);
            let noise = 3.0 * (n as f64).sqrt();
            let g = f64::from(gradient_units(sum)) - want[0] * f64::from(scale.gradient);
            let h = f64::from(hessian_units(sum)) - want[1] * f64::from(scale.hessian);
            assert!(g.abs() < noise + n as f64 * 1e-3 && h.abs() < noise + n as f64 * 2e-3);
            assert!(entries.iter().enumerate().all(|(i, e)| row(*e) as usize == i));
        }
        let n = 3_000_000;
        let one = Scale::for_rows(n, [1.0, 1.0]);
        assert!(f64::from(one.gradient) * n as f64 <= f64::from(i32::MAX));
        assert_eq!(Scale::for_rows(5, [0.0, 0.0]), Scale { gradient: 0.0, hessian: 0.0 });
    }

    #[test]
    fn whole_numbers_of_units_are_kept_exactly_and_signs_survive() {
        for n in 0..=257_usize {
            let gradients: Vec<[f32; 2]> =
                (0..n).map(|i| [if i % 2 == 0 { 1.0 } else { -1.0 }, 1.0]).collect();
            let mut entries = vec![0; n];
            quantise(&gradients, 3, Scale { gradient: 32_767.0, hessian: 5.0 }, 1, &mut entries);
            for (i, entry) in entries.iter().enumerate() {
                let one = sum_of_one(*entry);
                assert_eq!(gradient_units(one), if i % 2 == 0 { 32_767 } else { -32_767 });
                assert_eq!(hessian_units(one), 5);
            }
            let rows: Vec<u32> = (0..n as u32).rev().collect();
            let mut by_rows = vec![0; n];
            let scale = Scale { gradient: 32_767.0, hessian: 5.0 };
            quantise_rows(&gradients, &rows, scale, 1, &mut by_rows);
            assert!(by_rows.iter().zip(&rows).all(|(e, r)| row(*e) == *r));
        }
    }

    #[test]
    fn small_gradients_keep_their_mean() {
        let gradients = vec![[0.1, 0.3]; 100_000];
        let mut entries = vec![0; gradients.len()];
        quantise(&gradients, 0, Scale { gradient: 1.0, hessian: 1.0 }, 9, &mut entries);
        let sum = total(&entries);
        assert!((f64::from(gradient_units(sum)) / 10_000.0 - 1.0).abs() < 0.05);
        assert!((f64::from(hessian_units(sum)) / 30_000.0 - 1.0).abs() < 0.05);
    }

    #[test]
    fn shared_scores_add_to_the_rows_of_the_entries() {
        let mut scores = vec![1.0; 5];
        let shared = SharedScores::new(&mut scores);
        shared.add(&[4, 1 << 32 | 2], 0.5);
        assert_eq!(scores, [1.0, 1.0, 1.5, 1.0, 1.5]);
        assert_eq!(exact_total(&[1, 0], &[[1.0, 2.0], [3.0, 4.0]]), [4.0, 6.0]);
    }
}
