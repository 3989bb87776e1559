//! Sums of functions of bins: what an additive model adds to the scores of its training rows.
//!
//! Each column of a block has a table with one number per bin. A row looks up a number in each
//! table and adds them, column after column, in f32 to its f64 score: the numbers are the small
//! steps of one sweep of boosting, so that what single precision rounds away is far below them.

use super::BinBlock;

impl BinBlock {
    /// Adds to the score of each row the numbers that the tables have for its bins.
    ///
    /// The table of a column starts at the column's place in a histogram.
    ///
    /// # Panics
    /// If `tables` is not as long as a histogram of this block, or `scores` has not one per row.
    pub fn add_tables(&self, tables: &[f32], scores: &mut [f64]) {
        assert_eq!(tables.len(), self.histogram_len(), "a table per column");
        assert_eq!(scores.len(), self.n_rows, "a score per row");
        match self.stride {
            16 => self.tables_by_width::<16>(tables, scores),
            64 => self.tables_by_width::<64>(tables, scores),
            _ => self.tables_by_width::<256>(tables, scores),
        }
    }

    fn tables_by_width<const S: usize>(&self, tables: &[f32], scores: &mut [f64]) {
        match self.width {
            1 => self.look_up::<1, S>(tables, scores),
            2 => self.look_up::<2, S>(tables, scores),
            3 => self.look_up::<3, S>(tables, scores),
            4 => self.look_up::<4, S>(tables, scores),
            5 => self.look_up::<5, S>(tables, scores),
            6 => self.look_up::<6, S>(tables, scores),
            7 => self.look_up::<7, S>(tables, scores),
            8 => self.look_up::<8, S>(tables, scores),
            9 => self.look_up::<9, S>(tables, scores),
            10 => self.look_up::<10, S>(tables, scores),
            11 => self.look_up::<11, S>(tables, scores),
            12 => self.look_up::<12, S>(tables, scores),
            13 => self.look_up::<13, S>(tables, scores),
            14 => self.look_up::<14, S>(tables, scores),
            15 => self.look_up::<15, S>(tables, scores),
            _ => self.look_up::<16, S>(tables, scores),
        }
    }

    #[inline(never)]
    fn look_up<const W: usize, const S: usize>(&self, tables: &[f32], scores: &mut [f64]) {
        let all = self.bins.bytes();
        assert!(tables.len() == W * S && self.width == W && all.len() == self.n_rows * W);
        let (rows, _) = all.as_chunks::<W>();
        for (bins, score) in rows.iter().zip(scores) {
            let mut sum = 0.0_f32;
            for (column, bin) in bins.iter().enumerate() {
                // SAFETY: `column < W`, and `bin < S` was checked when the block was made, so that
                // the place is below `W * S`, which is the length checked above.
                sum += unsafe { *tables.get_unchecked(column * S + usize::from(*bin)) };
            }
            *score += f64::from(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MAX_WIDTH, STRIDES};
    use super::*;

    #[test]
    fn every_width_stride_and_length_adds_what_a_plain_loop_adds() {
        for stride in STRIDES {
            for width in 1..=MAX_WIDTH {
                for n_rows in [0, 1, 7, 257] {
                    let bin = |row: usize, column: usize| (row * 31 + column * 7) % stride;
                    let columns: Vec<Vec<u8>> = (0..width)
                        .map(|c| (0..n_rows).map(|r| bin(r, c) as u8).collect())
                        .collect();
                    let slices: Vec<&[u8]> = columns.iter().map(Vec::as_slice).collect();
                    let block = BinBlock::from_columns(&slices, stride);
                    let tables: Vec<f32> =
                        (0..width * stride).map(|i| (i as f32 * 0.37).sin()).collect();
                    let mut scores: Vec<f64> = (0..n_rows).map(|r| r as f64).collect();
                    block.add_tables(&tables, &mut scores);
                    for (row, score) in scores.iter().enumerate() {
                        let sum = (0..width)
                            .fold(0.0_f32, |sum, c| sum + tables[c * stride + bin(row, c)]);
                        assert_eq!(*score, row as f64 + f64::from(sum), "{stride} {width} {row}");
                    }
                }
            }
        }
    }
}
