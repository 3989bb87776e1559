//! Blocks of rows that follow each other in time: the witnesses where rows are like neighbours.
//!
//! What sums rows up by groups (intervals of clusters, resamples of groups, folds of whole groups)
//! holds for rows with a memory once a group is a block of rows that is several times as long as
//! the memory: blocks have next to nothing to do with each other, whatever goes on within them.
//! What is summed may have a memory longer than the sum of its autocorrelations `τ` tells (answers
//! are mostly chance, and their chances linger), so that a block has [`MEMORIES`] times `τ`; the
//! t-distribution of the number of blocks makes up for what they still have in common.
//!
//! Reference: Flegal & Jones, "Batch means and spectral variance estimators in Markov chain Monte
//! Carlo", Annals of Statistics 38, 2010.

use modelwright_core::data::{ColumnData, MISSING_INSTANT, Table};

/// A block is so many times as long as the memory of the rows.
const MEMORIES: f64 = 8.0;
/// Blocks, at least: of fewer nothing can be said.
const BLOCKS_MIN: usize = 10;

/// The rows in the order of `times`, of equal ones in that in which they came; as they came where
/// not all times are known.
pub(super) fn in_time(n_rows: usize, times: &[i64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n_rows as u32).collect();
    if times.len() == n_rows && !times.contains(&MISSING_INSTANT) {
        order.sort_by_key(|row| times[*row as usize]);
    }
    order
}

/// Whether so many rows, that count as a `share` of them, make too few blocks of their length.
pub(super) fn are_too_few(n_rows: usize, share: f64) -> bool {
    share < 1.0 && n_rows as f64 * share < MEMORIES * BLOCKS_MIN as f64
}

/// The block of each row, where rows in this order count as a `share` of them, in `(0, 1]`; every
/// row is a block of its own where they count whole.
pub(super) fn blocks(order: &[u32], share: f64) -> Vec<u32> {
    let most = (order.len() / BLOCKS_MIN).max(1);
    let length = if share < 1.0 {
        ((MEMORIES / share.max(f64::MIN_POSITIVE)).ceil() as usize).clamp(1, most)
    } else {
        1
    };
    let mut of_rows = vec![0; order.len()];
    for (place, row) in order.iter().enumerate() {
        of_rows[*row as usize] = (place / length) as u32;
    }
    of_rows
}

/// The block of each row of a table, with the time of each in the column `time`; rows of which one
/// in `n_rows / n` was drawn are that much less alike.
pub(super) fn of_sample(table: &Table, time: &str, share: f64, n_rows: u64) -> Vec<u32> {
    let times = match table.column(time).map(|column| &column.data) {
        Some(ColumnData::Instant(times)) => times.as_slice(),
        _ => &[],
    };
    let drawn = table.n_rows() as f64 / (n_rows as f64).max(1.0);
    blocks(&in_time(table.n_rows(), times), (share / drawn.min(1.0)).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_longer_than_the_memory_and_there_are_enough_of_them() {
        let order = in_time(1_000, &(0..1_000).rev().collect::<Vec<i64>>());
        assert_eq!(order[0], 999, "the earliest first");
        let of_rows = blocks(&order, 0.1);
        assert_eq!((of_rows[999], of_rows[920], of_rows[919], of_rows[0]), (0, 0, 1, 12));
        assert_eq!(
            blocks(&order, 1e-9).iter().max(),
            Some(&9),
            "a block is no longer than a tenth"
        );
        assert_eq!(blocks(&order, 1.0).iter().max(), Some(&999));
        assert!(are_too_few(799, 0.1) && !are_too_few(800, 0.1) && !are_too_few(5, 1.0));
        assert_eq!(blocks(&[], 0.5), Vec::<u32>::new());
        assert_eq!(in_time(3, &[5, MISSING_INSTANT, 1]), [0, 1, 2]);
    }
}
