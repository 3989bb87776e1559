//! The bins of a column, one per row, kept as bytes, in memory or outside of it, or, where nearly
//! all rows share one bin, as the rows that do not.
//!
//! Wide tables are often mostly one value: one-hot columns, counts that are nearly always zero.
//! Such a column of `n` rows costs 5 bytes for each row that is not at its usual bin instead of
//! `n` bytes, and what is done per column takes time in proportion to those rows.

use super::stored::StoredPart;

/// Rows for each row that is not at the usual bin, from which a column is kept sparse: below, five
/// bytes each would save little, and a column that is expanded again would cost more than it did.
const ROWS_PER_UNUSUAL: usize = 16;

/// One bin per row; made by `Codes::from(bytes)`, which chooses how they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Codes {
    /// One byte per row.
    Dense(Vec<u8>),
    /// All rows have one bin but a few.
    Sparse(SparseCodes),
    /// One byte per row, outside of memory.
    Stored(StoredPart),
}

/// Bins of a column nearly all of whose rows have one bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparseCodes {
    /// How many rows there are.
    pub n_rows: usize,
    /// The bin of the rows that are not listed.
    pub usual: u8,
    /// The other rows, ascending.
    pub rows: Vec<u32>,
    /// Their bins, none of which is the usual one.
    pub bins: Vec<u8>,
}

impl Codes {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Dense(codes) => codes.len(),
            Self::Sparse(sparse) => sparse.n_rows,
            Self::Stored(part) => part.as_ref().len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bin of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn get(&self, row: usize) -> u8 {
        match self {
            Self::Dense(codes) => codes[row],
            Self::Sparse(sparse) => sparse.get(row),
            Self::Stored(part) => part.as_ref()[row],
        }
    }

    /// The bins of all rows as bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Dense(codes) => codes.clone(),
            Self::Sparse(sparse) => sparse.to_vec(),
            Self::Stored(part) => part.as_ref().to_vec(),
        }
    }

    /// The bytes of memory that they take.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Dense(codes) => codes.len(),
            Self::Sparse(sparse) => 5 * sparse.rows.len(),
            Self::Stored(_) => 0,
        }
    }
}

impl SparseCodes {
    /// The bin of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn get(&self, row: usize) -> u8 {
        assert!(row < self.n_rows, "the row exists");
        match self.rows.binary_search_by(|r| (*r as usize).cmp(&row)) {
            Ok(at) => self.bins[at],
            Err(_) => self.usual,
        }
    }

    /// The bins of all rows as bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut codes = vec![self.usual; self.n_rows];
        for (row, bin) in self.rows.iter().zip(&self.bins) {
            codes[*row as usize] = *bin;
        }
        codes
    }
}

impl From<Vec<u8>> for Codes {
    /// Sparse where at most one row in 16 is not at the most frequent bin (the lowest of equals).
    fn from(codes: Vec<u8>) -> Self {
        let mut counts = [0_usize; 256];
        for code in &codes {
            counts[usize::from(*code)] += 1;
        }
        let usual = (0..=u8::MAX).rev().max_by_key(|bin| counts[usize::from(*bin)]).unwrap_or(0);
        let n_rows = codes.len();
        let n_unusual = n_rows - counts[usize::from(usual)];
        if n_unusual * ROWS_PER_UNUSUAL > n_rows || u32::try_from(n_rows).is_err() {
            return Self::Dense(codes);
        }
        let (mut rows, mut bins) = (Vec::with_capacity(n_unusual), Vec::with_capacity(n_unusual));
        for (row, bin) in codes.iter().enumerate().filter(|(_, bin)| **bin != usual) {
            rows.push(row as u32);
            bins.push(*bin);
        }
        Self::Sparse(SparseCodes { n_rows, usual, rows, bins })
    }
}

impl FromIterator<u8> for Codes {
    fn from_iter<I: IntoIterator<Item = u8>>(codes: I) -> Self {
        codes.into_iter().collect::<Vec<u8>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::stored::{Shelf, Store as _};
    use super::*;

    #[test]
    fn columns_of_one_bin_but_for_a_few_rows_are_sparse_and_say_the_same() {
        let cases = [(0, 1, true), (1, 1, true), (16, 16, true), (100, 3, false), (1000, 40, true)];
        for (n, every, is_sparse) in cases {
            let column: Vec<u8> =
                (0..n).map(|row| if row % every == 0 { (row % 7) as u8 } else { 9 }).collect();
            let codes = Codes::from(column.clone());
            assert_eq!((codes.len(), codes.is_empty()), (n, n == 0));
            assert_eq!(codes.to_vec(), column);
            assert!((0..n).all(|row| codes.get(row) == column[row]), "{n} {every}");
            assert!(codes.bytes() <= n);
            assert_eq!(matches!(codes, Codes::Sparse(_)), is_sparse, "{n} {every}");
        }
    }

    #[test]
    fn stored_codes_say_the_same_and_take_no_memory() {
        let mut draft = Shelf.begin(9).unwrap();
        draft.write(2, &[5, 6]).unwrap();
        draft.write(4, &[7]).unwrap();
        let stored = draft.finish().unwrap();
        let codes = Codes::Stored(StoredPart::new(stored.clone(), 2..5));
        assert_eq!((codes.len(), codes.bytes(), codes.get(2)), (3, 0, 7));
        assert_eq!(codes.to_vec(), [5, 6, 7]);
        assert_ne!(codes, Codes::Stored(StoredPart::new(stored, 3..6)));
    }

    #[test]
    fn of_equally_frequent_bins_the_lowest_is_the_usual_one() {
        assert_eq!(
            Codes::from(vec![4; 20]),
            Codes::Sparse(SparseCodes { n_rows: 20, usual: 4, rows: vec![], bins: vec![] })
        );
        assert_eq!(Codes::from(vec![4, 3]), Codes::Dense(vec![4, 3]));
    }
}
