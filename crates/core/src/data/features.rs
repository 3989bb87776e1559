//! Encoded features: what learners read.
//!
//! A [`FeatureMatrix`] is a list of reference-counted f32 columns (NaN is missing), each with an
//! optional binned form, plus an optional sparse block for hashed text. Columns are encoded once;
//! matrices for other folds or learners are new *lists* of the same columns.

use std::sync::Arc;

use super::codes::Codes;

/// The most cut points a column may have: cuts + 1 value bins + 1 bin for missing fit in a byte.
pub const MAX_CUTS: usize = 253;

/// Features of all rows of a table, column-major.
#[derive(Debug, Clone, Default)]
pub struct FeatureMatrix {
    /// How many rows every column has.
    pub n_rows: usize,
    /// The dense columns.
    pub columns: Vec<FeatureColumn>,
    /// Hashed text features, for learners with the `sparse` ability; others never see them.
    pub sparse: Option<Arc<SparseColumns>>,
}

/// One dense feature of all rows.
#[derive(Debug, Clone)]
pub struct FeatureColumn {
    /// What the feature is, e.g. `age`, `workclass=Private`, `hired_at:month`.
    pub name: Arc<str>,
    /// The raw column it was made from, for explanations in the user's words.
    pub source: Arc<str>,
    /// The values; NaN is missing, infinities do not occur. Empty where there are only bins: see
    /// [`FeatureMatrix::of_bins`].
    pub values: Arc<[f32]>,
    /// Whether the values are names rather than sizes: whole numbers from 0 of a category, in no
    /// order, each its own bin (see [`BinnedColumn::of_levels`]). Learners that do not know of it
    /// may take them as numbers.
    pub is_category: bool,
    /// The binned form, for learners with the `bins` ability.
    pub bins: Option<Arc<BinnedColumn>>,
}

/// A column as bin numbers.
///
/// With cut points `c[0] < c[1] < …` a value `v` has the bin `#{j : c[j] < v}`, so that
/// `bin(v) <= b` exactly when `v <= c[b]`. A missing value has the bin `cuts.len() + 1`.
#[derive(Debug, Clone, PartialEq)]
pub struct BinnedColumn {
    /// One bin per row.
    pub codes: Codes,
    /// Ascending cut points, at most [`MAX_CUTS`].
    pub cuts: Vec<f32>,
}

impl BinnedColumn {
    /// How many bins there are, the one for missing values included.
    pub fn n_bins(&self) -> usize {
        self.cuts.len() + 2
    }

    /// The bin of missing values.
    pub fn missing_bin(&self) -> u8 {
        (self.cuts.len() + 1) as u8
    }

    /// The bins of a category's numbers: each number up to the largest is its own bin, whether it
    /// occurs or not. `None` when a value is not such a number, or there are too many.
    pub fn of_levels(values: &[f32]) -> Option<Self> {
        let known = || values.iter().copied().filter(|v| !v.is_nan());
        if known().any(|v| v < 0.0 || v.fract() != 0.0 || v > MAX_CUTS as f32) {
            return None;
        }
        let largest = known().fold(0.0, f32::max) as usize;
        let cuts: Vec<f32> = (0..largest).map(|level| level as f32 + 0.5).collect();
        let missing = (largest + 1) as u8;
        let codes = values.iter().map(|v| if v.is_nan() { missing } else { *v as u8 }).collect();
        Some(Self { codes, cuts })
    }
}

/// Sparse non-negative columns in compressed row form (CSR).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparseColumns {
    /// How many columns there are.
    pub n_columns: usize,
    /// Where each row starts in `indices` and `values`; `n_rows + 1` entries.
    pub row_starts: Vec<u64>,
    /// Column of each entry, ascending within a row.
    pub indices: Vec<u32>,
    /// Value of each entry.
    pub values: Vec<f32>,
    /// The raw column each sparse column comes from.
    pub sources: Vec<Arc<str>>,
}

impl SparseColumns {
    /// The entries of one row: columns and values.
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let (start, end) = (self.row_starts[row] as usize, self.row_starts[row + 1] as usize);
        (&self.indices[start..end], &self.values[start..end])
    }
}

impl FeatureMatrix {
    /// How many dense columns there are.
    pub fn n_features(&self) -> usize {
        self.columns.len()
    }

    /// A matrix of dense columns.
    ///
    /// # Panics
    /// If columns differ in length.
    pub fn new(n_rows: usize, columns: Vec<FeatureColumn>) -> Self {
        assert!(columns.iter().all(|c| c.values.len() == n_rows), "columns must be of one length");
        Self { n_rows, columns, sparse: None }
    }

    /// A matrix of columns that are bins alone, for tables whose values would not fit in memory.
    /// Learners that read more of a row than its bins cannot learn from it.
    ///
    /// # Panics
    /// If columns differ in length, or a column has no bins, or values.
    pub fn of_bins(n_rows: usize, columns: Vec<FeatureColumn>) -> Self {
        let is_binned = |c: &FeatureColumn| {
            c.values.is_empty() && c.bins.as_ref().is_some_and(|bins| bins.codes.len() == n_rows)
        };
        assert!(columns.iter().all(is_binned), "columns must be bins of one length");
        Self { n_rows, columns, sparse: None }
    }

    /// Whether rows have values, and not only bins.
    pub fn has_values(&self) -> bool {
        self.columns.iter().all(|column| column.values.len() == self.n_rows)
    }
}

impl FeatureColumn {
    /// A value that every tree answers as the values of a bin: the largest number of the bin, the
    /// level of a category, NaN for missing values.
    ///
    /// # Panics
    /// If the column has no bins.
    pub fn value_of(&self, bin: u8) -> f32 {
        let bins = self.bins.as_ref().expect("the column has bins");
        match bins.cuts.get(usize::from(bin)) {
            _ if bin >= bins.missing_bin() => f32::NAN,
            _ if self.is_category => f32::from(bin),
            Some(cut) => *cut,
            None => bins.cuts.last().map_or(0.0, |last| last.next_up()),
        }
    }

    /// A column without bins whose feature and source have the same name.
    pub fn dense(name: &str, values: Vec<f32>) -> Self {
        let name: Arc<str> = name.into();
        Self { source: name.clone(), name, values: values.into(), is_category: false, bins: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_bin_falls_into_that_bin() {
        let values = vec![0.5, -2.0, f32::NAN, 7.0, 7.5];
        let cuts = vec![-1.0, 0.5, 7.0];
        let bin = |v: f32| match v {
            v if v.is_nan() => 4,
            v => cuts.iter().filter(|cut| **cut < v).count() as u8,
        };
        let codes: Codes = values.iter().map(|v| bin(*v)).collect();
        let bins = BinnedColumn { codes: codes.clone(), cuts: cuts.clone() };
        let plain = FeatureColumn::dense("x", values);
        let column = FeatureColumn { bins: Some(Arc::new(bins)), values: [].into(), ..plain };
        for code in codes.to_vec() {
            assert_eq!(bin(column.value_of(code)), code);
        }
        let levels = BinnedColumn::of_levels(&[0.0, 1.0, 2.0, f32::NAN]).unwrap();
        let category = FeatureColumn { is_category: true, bins: Some(Arc::new(levels)), ..column };
        assert_eq!([0, 1, 2].map(|bin| category.value_of(bin)), [0.0, 1.0, 2.0]);
        assert!(category.value_of(3).is_nan());
        let matrix = FeatureMatrix::of_bins(4, vec![category]);
        assert!(!matrix.has_values());
        assert!(FeatureMatrix::new(1, vec![FeatureColumn::dense("x", vec![1.0])]).has_values());
    }

    #[test]
    fn numbers_of_a_category_are_their_own_bins_also_where_some_do_not_occur() {
        let binned = BinnedColumn::of_levels(&[3.0, f32::NAN, 0.0, 3.0]).unwrap();
        assert_eq!((binned.codes.to_vec(), binned.cuts), (vec![3, 4, 0, 3], vec![0.5, 1.5, 2.5]));
        let none = BinnedColumn::of_levels(&[f32::NAN]).unwrap();
        assert_eq!((none.codes.to_vec(), none.cuts), (vec![1], vec![]));
        for wrong in [-1.0, 0.5, MAX_CUTS as f32 + 1.0, f32::INFINITY] {
            assert_eq!(BinnedColumn::of_levels(&[0.0, wrong]), None, "{wrong}");
        }
        assert!(BinnedColumn::of_levels(&[MAX_CUTS as f32]).is_some());
    }
}
