//! The bins of one column for the rows to learn from.
//!
//! Training rows are a part of the table's, renumbered `0..n` in their order. A dense column is
//! borrowed where the rows are neighbours and copied otherwise; a sparse one stays sparse, so that
//! choosing its rows costs no more than its unusual bins.

use std::borrow::Cow;
use std::ops::Range;

use modelwright_core::data::Codes;

/// A row of the table that is none of the rows to learn from.
const NOWHERE: u32 = u32::MAX;

/// Which rows of a table are learned from.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    /// Ascending.
    chosen: &'a [u32],
    /// The same, where they are neighbours.
    range: Option<Range<usize>>,
    /// The new number of each row of the table; only where they are not neighbours.
    number: Vec<u32>,
}

impl<'a> Rows<'a> {
    /// Rows of a table of `n_table` rows, ascending. `sparse` says whether a column is.
    pub(super) fn new(rows: &'a [u32], n_table: usize, sparse: bool) -> Self {
        let range = match (rows.first(), rows.last()) {
            (Some(first), Some(last)) if (*last - *first) as usize + 1 == rows.len() => {
                Some(*first as usize..*last as usize + 1)
            }
            (None, _) => Some(0..0),
            _ => None,
        };
        let mut number = Vec::new();
        if sparse && range.is_none() {
            number.resize(n_table, NOWHERE);
            for (new, old) in (0..).zip(rows) {
                number[*old as usize] = new;
            }
        }
        Self { chosen: rows, range, number }
    }
}

/// The bin of each row to learn from.
#[derive(Debug, Clone)]
pub(super) enum RowBins<'a> {
    /// One byte per row.
    Dense(Cow<'a, [u8]>),
    /// The bin of most rows, and the other rows (ascending) with theirs.
    Sparse { n_rows: usize, usual: u8, rows: Vec<u32>, bins: Vec<u8> },
}

impl<'a> RowBins<'a> {
    /// The bins of the chosen rows of a column.
    pub(super) fn of(codes: &'a Codes, learned: &Rows<'_>) -> Self {
        match (codes, &learned.range) {
            (Codes::Dense(codes), _) => Self::of_bytes(codes, learned),
            (Codes::Stored(part), _) => {
                part.stored().will_read(part.as_ref().len());
                Self::of_bytes(part.as_ref(), learned)
            }
            (Codes::Sparse(sparse), Some(range)) => {
                let at = |row: usize| sparse.rows.partition_point(|r| (*r as usize) < row);
                let part = at(range.start)..at(range.end);
                let first = range.start as u32;
                Self::Sparse {
                    n_rows: range.len(),
                    usual: sparse.usual,
                    rows: sparse.rows[part.clone()].iter().map(|row| row - first).collect(),
                    bins: sparse.bins[part].to_vec(),
                }
            }
            (Codes::Sparse(sparse), None) => {
                let all = sparse.rows.iter().zip(&sparse.bins);
                let kept = all.map(|(row, bin)| (learned.number[*row as usize], *bin));
                let (rows, bins) = kept.filter(|(row, _)| *row != NOWHERE).unzip();
                Self::Sparse { n_rows: learned.chosen.len(), usual: sparse.usual, rows, bins }
            }
        }
    }

    fn of_bytes(codes: &'a [u8], learned: &Rows<'_>) -> Self {
        Self::Dense(match &learned.range {
            Some(range) => codes[range.clone()].into(),
            None => learned.chosen.iter().map(|r| codes[*r as usize]).collect::<Vec<u8>>().into(),
        })
    }

    /// How many rows each bin has.
    pub(super) fn counts(&self) -> [usize; 256] {
        let mut counts = [0; 256];
        match self {
            Self::Dense(codes) => {
                for code in codes.iter() {
                    counts[usize::from(*code)] += 1;
                }
            }
            Self::Sparse { n_rows, usual, bins, .. } => {
                counts[usize::from(*usual)] = n_rows - bins.len();
                for bin in bins {
                    counts[usize::from(*bin)] += 1;
                }
            }
        }
        counts
    }

    /// One byte per row.
    pub(super) fn into_dense(self) -> Cow<'a, [u8]> {
        match self {
            Self::Dense(codes) => codes,
            Self::Sparse { n_rows, usual, rows, bins } => {
                let mut codes = vec![usual; n_rows];
                for (row, bin) in rows.iter().zip(&bins) {
                    codes[*row as usize] = *bin;
                }
                codes.into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{Shelf, Store as _, StoredPart};

    use super::*;

    #[test]
    fn sparse_and_dense_columns_give_the_same_bins_of_any_rows() {
        let column: Vec<u8> =
            (0..200).map(|r| if r % 40 == 3 { (r / 40) as u8 } else { 7 }).collect();
        let (sparse, dense) = (Codes::from(column.clone()), Codes::Dense(column.clone()));
        let mut draft = Shelf.begin(200).unwrap();
        draft.write(0, &column).unwrap();
        let stored = Codes::Stored(StoredPart::new(draft.finish().unwrap(), 0..200));
        assert!(matches!(sparse, Codes::Sparse(_)));
        let choices: [Vec<u32>; 5] = [
            vec![],
            (0..200).collect(),
            (40..130).collect(),
            (0..200).filter(|r| r % 3 == 0).collect(),
            vec![3, 43, 123],
        ];
        for rows in choices {
            let wanted: Vec<u8> = rows.iter().map(|r| column[*r as usize]).collect();
            let chosen = Rows::new(&rows, column.len(), true);
            let mut counts = [0; 256];
            for bin in &wanted {
                counts[usize::from(*bin)] += 1;
            }
            for codes in [&sparse, &dense, &stored] {
                let bins = RowBins::of(codes, &chosen);
                assert_eq!(bins.counts(), counts);
                assert_eq!(*bins.into_dense(), *wanted);
            }
        }
    }
}
