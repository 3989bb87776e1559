//! Very many rows: which of them are sketched whole.
//!
//! Sorting every value of ten million rows tells nothing that an eighth of them does not: the error
//! of a quantile is that of the sketch (1 % of the rows) long before. So the first
//! [`WHOLE_ROWS`] rows are sketched whole, and of the later ones one block in [`ONE_IN`], drawn by
//! a fixed stream within each group of blocks, so that no period of the rows can hide in it. What
//! quality rests on is counted over all rows: their number, missing and infinite values, values out
//! of range or never seen, categories, means, standard deviations, extremes.

use std::ops::Range;

use modelwright_core::random::number_at;

/// Rows that are sketched whole, whatever comes after them.
pub(super) const WHOLE_ROWS: u64 = 1 << 20;

/// Rows of a block.
const BLOCK_ROWS: u64 = 1 << 14;

/// Of so many later blocks one is sketched whole.
const ONE_IN: u64 = 8;

/// The stream that draws it: fixed, so that the same rows always give the same sketch.
const STREAM: u64 = 0x6d6f_6e69_746f_7231;

/// Rows of a table that are treated alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Which rows.
    pub(super) rows: Range<usize>,
    /// Whether all is kept of them, or only what is exact and cheap.
    pub(super) is_whole: bool,
}

/// The parts of the next `n_rows` rows, after `n_before` others.
pub(super) fn parts(n_before: u64, n_rows: usize) -> Vec<Part> {
    if n_before + n_rows as u64 <= WHOLE_ROWS {
        return vec![Part { rows: 0..n_rows, is_whole: true }];
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut start = 0;
    while start < n_rows {
        let at = n_before + start as u64;
        let end = n_rows.min(start + (BLOCK_ROWS - at % BLOCK_ROWS) as usize);
        let is_whole = is_drawn(at);
        match parts.last_mut() {
            Some(last) if last.is_whole == is_whole => last.rows.end = end,
            _ => parts.push(Part { rows: start..end, is_whole }),
        }
        start = end;
    }
    parts
}

fn is_drawn(row: u64) -> bool {
    let block = row / BLOCK_ROWS;
    row < WHOLE_ROWS || number_at(STREAM, block / ONE_IN) % ONE_IN == block % ONE_IN
}

/// What is exact and what is not, in words.
pub(super) fn words(n_rows: u64) -> String {
    format!(
        "of {n_rows} rows, quantiles, distances and distinct values of numbers come from the first \
         {WHOLE_ROWS} and one block of {BLOCK_ROWS} in {ONE_IN} after them; exact over all rows: \
         counts, missing, infinite, out of range and unseen values, categories, means, standard \
         deviations"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_rows_are_drawn_does_not_depend_on_how_they_come() {
        let n_rows = WHOLE_ROWS + 40 * BLOCK_ROWS + 77;
        let drawn = |part_rows: u64| {
            let mut rows: Vec<Range<u64>> = Vec::new();
            let mut at = 0;
            while at < n_rows {
                let n = part_rows.min(n_rows - at);
                for part in parts(at, n as usize).into_iter().filter(|p| p.is_whole) {
                    let (start, end) = (at + part.rows.start as u64, at + part.rows.end as u64);
                    match rows.last_mut() {
                        Some(last) if last.end == start => last.end = end,
                        _ => rows.push(start..end),
                    }
                }
                at += n;
            }
            rows
        };
        let whole = drawn(n_rows);
        assert_eq!(whole, drawn(10_007));
        assert_eq!(whole, drawn(BLOCK_ROWS));
        let n_drawn: u64 = whole.iter().map(|r| r.end - r.start).sum();
        assert_eq!(whole[0].start, 0);
        assert_eq!((n_drawn - WHOLE_ROWS) / BLOCK_ROWS, 5, "one block in each group of eight");
    }
}
