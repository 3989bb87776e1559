//! Gradient sums of features that nearly always have one bin.
//!
//! Each row lists the places of its unusual bins in the histogram, most often none at all:
//!
//! ```text
//! for place in places(row): histogram[place] += sum
//! ```
//!
//! The sum of a usual bin is what the others leave of the leaf's total; it is not found here.

use super::{PREFETCH_ROWS, prefetch};
use crate::entry::{Entry, row, sum_of_one};

/// The most sums of a histogram: places are stored in 16 bits.
pub const MAX_PLACES: usize = 1 << 16;

/// Some places of a histogram for each row.
#[derive(Debug, Clone)]
pub struct SparseRows {
    /// Where the places of each row start; one more than there are rows.
    starts: Vec<u32>,
    places: Vec<u16>,
    /// No place is as large.
    end: usize,
}

impl SparseRows {
    /// Rows that follow each other in parts: how many places each row of a part has, and the
    /// places.
    ///
    /// # Panics
    /// If a part does not have as many places as its rows say, or there are 2³² of them.
    pub fn of_parts(parts: &[(Vec<u16>, Vec<u16>)]) -> Self {
        let n_rows = parts.iter().map(|(counts, _)| counts.len()).sum::<usize>();
        let mut starts = Vec::with_capacity(n_rows + 1);
        let mut places = Vec::with_capacity(parts.iter().map(|(_, places)| places.len()).sum());
        starts.push(0);
        let mut at = 0_u32;
        for (counts, part) in parts {
            for count in counts {
                at = at.checked_add(u32::from(*count)).expect("fewer than 2³² places");
                starts.push(at);
            }
            places.extend_from_slice(part);
            assert_eq!(at as usize, places.len(), "as many places as the rows say");
        }
        let end = places.iter().max().map_or(0, |largest| usize::from(*largest) + 1);
        Self { starts, places, end }
    }

    /// How many places all rows have together.
    pub fn n_places(&self) -> usize {
        self.places.len()
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Adds the gradients of the entries to the places of their rows.
    ///
    /// # Panics
    /// If there is no such row or a place is not in the histogram.
    pub fn accumulate(&self, entries: &[Entry], histogram: &mut [i64]) {
        assert!(self.end <= histogram.len(), "a histogram of these rows");
        for (i, entry) in entries.iter().enumerate() {
            if let Some(ahead) = entries.get(i + PREFETCH_ROWS) {
                let start = self.starts[row(*ahead) as usize] as usize;
                prefetch(self.places.as_ptr().wrapping_add(start).cast());
            }
            let row = row(*entry) as usize;
            let (start, end) = (self.starts[row], self.starts[row + 1]);
            let sum = sum_of_one(*entry);
            for place in &self.places[start as usize..end as usize] {
                // SAFETY: every place is below `end`, which is at most the length checked above.
                unsafe {
                    *histogram.get_unchecked_mut(usize::from(*place)) += sum;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_adds_to_its_places_and_to_no_others() {
        let rows: Vec<Vec<u16>> = vec![vec![], vec![3], vec![0, 3, 9], vec![], vec![9, 9], vec![1]];
        let part =
            |rows: &[Vec<u16>]| (rows.iter().map(|row| row.len() as u16).collect(), rows.concat());
        let sparse = SparseRows::of_parts(&[part(&rows[..2]), part(&[]), part(&rows[2..])]);
        assert_eq!((sparse.n_rows(), sparse.n_places()), (6, 7));
        for n in 0..=6_u64 {
            let entries: Vec<Entry> = (6 - n..6).map(|r| (5 - r) << 48 | 2 << 32 | r).collect();
            let mut want = [1; 10];
            for entry in &entries {
                for place in &rows[row(*entry) as usize] {
                    want[usize::from(*place)] += sum_of_one(*entry);
                }
            }
            let mut got = [1; 10];
            sparse.accumulate(&entries, &mut got);
            assert_eq!(got, want);
        }
    }

    #[test]
    fn a_histogram_that_is_too_short_is_never_written() {
        let sparse = SparseRows::of_parts(&[(vec![1], vec![4])]);
        let write = || sparse.accumulate(&[0], &mut [0; 4]);
        assert!(std::panic::catch_unwind(write).is_err());
    }
}
