//! The bins of the training rows, in the two layouts that growing needs.
//!
//! Histograms read rows of blocks ([`super::block`]); partitions read one column. Rows are
//! renumbered `0..n_rows` in the order of the training rows. Features that are constant among them
//! are left out. A block's columns are features, or codes of several features ([`super::joint`]);
//! which stand side by side is told in [`super::layout`].

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use modelwright_core::data::{BinnedColumn, Codes, FeatureMatrix, Store, Stored, StoredPart};
use modelwright_core::{Error, Result};
use modelwright_kernels::histogram::interleave;
use modelwright_kernels::partition::Sides;
use modelwright_kernels::subset::{contains, subset_of};
use rayon::prelude::*;

use super::block::Block;
use super::constraints::Constraints;
use super::dictionary::Column;
use super::joint::join;
use super::layout::{blocks, in_widths};
use super::partition::{Route, Test};
use super::row_bins::{RowBins, Rows};

/// Rows that are written at a time where they do not fit in memory.
const ROWS_PER_WRITE: usize = 1 << 16;
/// Updates of the histograms of all rows from which threads share the work on a tree: with fewer,
/// calling them takes longer than they save (39,000 rows of 8 joint columns take one thread 1.2 ms
/// a tree, and two 0.95).
const SHARED_UPDATES: usize = 1 << 18;

/// Bins of the rows to learn from.
#[derive(Debug)]
pub struct TrainBins<'a> {
    /// How many rows there are.
    pub n_rows: usize,
    /// The features that are not constant, ascending.
    pub features: Vec<BinFeature<'a>>,
    /// The blocks, in the order of their histograms.
    pub blocks: Vec<Block>,
    /// How many sums the histograms of all features have together.
    pub histogram_len: usize,
    /// How many sums the columns of all blocks have together.
    pub n_sums: usize,
    /// Where the histogram of each feature lies among those of all features.
    pub places: Vec<Range<usize>>,
    /// Whether there is so much to do that threads share the work on a tree.
    pub is_shared: bool,
    /// What trees may not do with the features, by position in `features`.
    pub constraints: Constraints,
    /// The codes of each joint column.
    joint: Vec<Vec<u8>>,
    /// Where the bins of each feature are, if not with the feature itself.
    homes: Vec<Option<Home>>,
    /// Where the features' bins are, if not in memory.
    stored: Option<Arc<dyn Stored>>,
}

/// The joint column that holds a feature's bins.
#[derive(Debug, Clone)]
struct Home {
    /// Its number.
    column: usize,
    /// The feature's bin for each code of the column.
    bins: Vec<u8>,
}

/// One feature.
#[derive(Debug)]
pub struct BinFeature<'a> {
    /// Its position in the feature matrix.
    pub index: u32,
    /// The bin of each row; empty where a joint column of [`TrainBins`] has it.
    pub codes: Cow<'a, [u8]>,
    /// Its cut points.
    pub cuts: &'a [f32],
    /// Whether its bins are the levels of a category.
    pub is_category: bool,
}

impl BinFeature<'_> {
    /// How many bins it has, the missing bin included.
    pub fn n_bins(&self) -> usize {
        self.cuts.len() + 2
    }

    /// The bin of missing values.
    pub fn missing_bin(&self) -> u8 {
        (self.cuts.len() + 1) as u8
    }

    /// The real threshold of a cut after `bin`.
    pub fn threshold(&self, bin: u8) -> f32 {
        self.cuts.get(usize::from(bin)).copied().unwrap_or(f32::INFINITY)
    }
}

impl<'a> TrainBins<'a> {
    /// The bins of `rows`, ascending, of all columns. Where a column is not in memory, rows of
    /// blocks are written beside it.
    ///
    /// # Errors
    /// Input error when a column has no bins, or bins that contradict themselves; work error when
    /// there is no room for what is written.
    pub fn new(matrix: &'a FeatureMatrix, rows: &[u32]) -> Result<Self> {
        let (mut features, columns) = columns_of(matrix, rows)?;
        let stored = stored_by(matrix);
        // Codes of joint columns would be in memory.
        let joint = if stored.is_some() { Vec::new() } else { join(&columns) };
        let mut homes = vec![None; features.len()];
        for (number, column) in joint.iter().enumerate() {
            for (place, member) in column.members.iter().enumerate() {
                let bins = column.tuples.iter().map(|tuple| tuple[place]).collect();
                homes[*member] = Some(Home { column: number, bins });
            }
        }
        for ((feature, bins), home) in features.iter_mut().zip(columns).zip(&homes) {
            if home.is_none() {
                feature.codes = bins.into_dense();
            }
        }
        let blocks = if let Some(stored) = &stored {
            stored_blocks(&features, rows.len(), &*stored.store())?
        } else {
            let alone = (0..features.len()).filter(|f| homes[*f].is_none());
            let columns = alone.map(Column::Feature).chain(joint.iter().map(Column::Joint));
            blocks(&features, columns.collect())
        };
        let mut bins = Self {
            n_rows: rows.len(),
            blocks,
            histogram_len: 0,
            n_sums: 0,
            places: Vec::new(),
            is_shared: false,
            constraints: Constraints::default(),
            joint: joint.into_iter().map(|column| column.codes).collect(),
            homes,
            features,
            stored,
        };
        bins.lay_out();
        Ok(bins)
    }

    /// Lets trees obey the constraints of the matrix's features.
    pub fn constrain(&mut self, of_matrix: &Constraints) {
        self.constraints = of_matrix.select(self.features.iter().map(|f| f.index as usize));
    }

    /// How rows are divided by a test of a feature: by its own bins, or by the codes of the joint
    /// column that has them.
    pub fn route(&self, feature: usize, test: &Test) -> Route<'_> {
        if let Some(stored) = &self.stored {
            stored.will_read(self.n_rows);
        }
        let own = &self.features[feature];
        let sides =
            Sides { cut: test.bin, missing: own.missing_bin(), missing_left: test.missing_left };
        let goes_left = |bin: u8| match &test.subset {
            Some(subset) => contains(subset, bin),
            None => sides.goes_left(bin),
        };
        match &self.homes[feature] {
            Some(home) => {
                let codes = (0..=u8::MAX).zip(&home.bins);
                let left = codes.filter(|(_, bin)| goes_left(**bin));
                let left: Vec<u8> = left.map(|(code, _)| code).collect();
                Route::BySubset(&self.joint[home.column], subset_of(&left))
            }
            None => match test.subset {
                Some(subset) => Route::BySubset(&own.codes, subset),
                None => Route::BySides(&own.codes, sides),
            },
        }
    }

    /// To about how many bins a row has to be added.
    pub fn updates_per_row(&self) -> usize {
        self.blocks.iter().map(Block::updates_per_row).sum()
    }

    /// Gives every block and feature its place in a histogram.
    fn lay_out(&mut self) {
        self.is_shared = self.n_rows * self.updates_per_row() >= SHARED_UPDATES;
        self.places = vec![0..0; self.features.len()];
        for block in &mut self.blocks {
            (block.start, block.sums_start) = (self.histogram_len, self.n_sums);
            for (feature, offset) in block.members.iter().zip(&block.offsets) {
                let start = block.start + offset;
                self.places[*feature] = start..start + self.features[*feature].n_bins();
            }
            self.histogram_len += block.len;
            self.n_sums += block.n_sums();
        }
    }
}

/// The columns that are not constant in `rows` (ascending), as bins of those rows.
///
/// # Errors
/// Input error when a column has no bins, or bins that contradict themselves.
pub fn features_of<'a>(matrix: &'a FeatureMatrix, rows: &[u32]) -> Result<Vec<BinFeature<'a>>> {
    let (mut features, columns) = columns_of(matrix, rows)?;
    for (feature, bins) in features.iter_mut().zip(columns) {
        feature.codes = bins.into_dense();
    }
    Ok(features)
}

/// As [`features_of`], with the bins beside the features, sparse where they are.
fn columns_of<'a>(
    matrix: &'a FeatureMatrix,
    rows: &[u32],
) -> Result<(Vec<BinFeature<'a>>, Vec<RowBins<'a>>)> {
    let mut binned: Vec<&BinnedColumn> = Vec::with_capacity(matrix.columns.len());
    for column in &matrix.columns {
        let bins = column.bins.as_deref().ok_or_else(|| {
            Error::input("a feature has no bins")
                .column(&*column.name)
                .hint("bin all features before trees are grown on them")
        })?;
        binned.push(bins);
    }
    let sparse = binned.iter().any(|bins| matches!(bins.codes, Codes::Sparse(_)));
    let n_table = binned.iter().map(|bins| bins.codes.len()).max().unwrap_or(0);
    let rows = Rows::new(rows, n_table, sparse);
    let read: Vec<(RowBins<'a>, Seen)> = binned
        .par_iter()
        .map(|bins| {
            let of_rows = RowBins::of(&bins.codes, &rows);
            let seen = Seen::of(&of_rows.counts());
            (of_rows, seen)
        })
        .collect();
    let (mut features, mut columns) = (Vec::new(), Vec::new());
    for (index, ((codes, seen), bins)) in read.into_iter().zip(binned).enumerate() {
        let column = &matrix.columns[index];
        if seen.n_bins < 2 {
            continue;
        }
        if bins.n_bins() > 256 || seen.largest > bins.missing_bin() {
            return Err(Error::input("a feature has more bins than cuts").column(&*column.name));
        }
        let levels =
            (0..).zip(&bins.cuts).all(|(level, cut): (u16, _)| *cut == f32::from(level) + 0.5);
        if column.is_category && !levels {
            return Err(Error::input("the bins of a category are not its levels")
                .column(&*column.name)
                .expected("cuts at 0.5, 1.5, 2.5, ..."));
        }
        features.push(BinFeature {
            index: index as u32,
            codes: Cow::Borrowed(&[]),
            cuts: &bins.cuts,
            is_category: column.is_category,
        });
        columns.push(codes);
    }
    Ok((features, columns))
}

/// Which bins occur.
struct Seen {
    n_bins: usize,
    largest: u8,
}

impl Seen {
    fn of(counts: &[usize; 256]) -> Self {
        let occurring = || (0..=u8::MAX).filter(|bin| counts[usize::from(*bin)] > 0);
        Self { n_bins: occurring().count(), largest: occurring().next_back().unwrap_or(0) }
    }
}

/// The bytes that columns of the matrix are part of, where they are not in memory.
fn stored_by(matrix: &FeatureMatrix) -> Option<Arc<dyn Stored>> {
    matrix.columns.iter().find_map(|column| match &column.bins.as_ref()?.codes {
        Codes::Stored(part) => Some(part.stored().clone()),
        _ => None,
    })
}

/// Blocks of all features whose rows are kept in `store`.
fn stored_blocks(
    features: &[BinFeature<'_>],
    n_rows: usize,
    store: &dyn Store,
) -> Result<Vec<Block>> {
    let groups = in_widths((0..features.len()).collect());
    let mut draft = store.begin((n_rows * features.len()) as u64)?;
    let mut rows = Vec::new();
    let (mut at, mut places) = (0, Vec::with_capacity(groups.len()));
    for members in &groups {
        let columns: Vec<&[u8]> = members.iter().map(|f| &*features[*f].codes).collect();
        for start in (0..n_rows).step_by(ROWS_PER_WRITE) {
            let end = (start + ROWS_PER_WRITE).min(n_rows);
            rows.resize((end - start) * members.len(), 0);
            interleave(&columns, start, end, &mut rows);
            draft.write((at + start * members.len()) as u64, &rows)?;
        }
        places.push(at..at + n_rows * members.len());
        at += n_rows * members.len();
    }
    let stored = draft.finish()?;
    let block =
        |(members, place)| Block::elsewhere(members, StoredPart::new(stored.clone(), place));
    Ok(groups.into_iter().zip(places).map(block).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelwright_core::data::FeatureColumn;

    fn column(name: &str, codes: Vec<u8>, n_cuts: usize) -> FeatureColumn {
        let values = codes.iter().map(|c| f32::from(*c)).collect();
        let cuts = (0..n_cuts).map(|c| c as f32 + 0.5).collect();
        let bins = Some(Arc::new(BinnedColumn { codes: codes.into(), cuts }));
        FeatureColumn { bins, ..FeatureColumn::dense(name, values) }
    }

    #[test]
    fn constant_features_are_left_out_and_blocks_follow_bin_counts() {
        let columns = vec![
            column("many", vec![0, 150, 3, 4], 200),
            column("same", vec![7, 7, 7, 7], 10),
            column("few", vec![0, 1, 2, 3], 2),
        ];
        let matrix = FeatureMatrix::new(4, columns);
        let bins = TrainBins::new(&matrix, &[0, 1, 3]).unwrap();
        assert_eq!(bins.features.iter().map(|f| f.index).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(*features_of(&matrix, &[0, 1, 3]).unwrap()[1].codes, [0, 1, 3]);
        let shape: Vec<_> = bins.blocks.iter().map(|b| (b.len, &b.members)).collect();
        assert_eq!(shape, [(4 + 202, &vec![0, 1])]);
        assert_eq!((&bins.places, bins.histogram_len), (&vec![0..202, 202..206], 206));
        assert!(bins.features[1].threshold(2).is_infinite());
    }

    #[test]
    fn unbinned_or_contradictory_columns_are_refused_by_name() {
        let matrix = FeatureMatrix::new(2, vec![FeatureColumn::dense("raw", vec![0.0, 1.0])]);
        let error = TrainBins::new(&matrix, &[0, 1]).unwrap_err();
        assert!(error.to_string().contains("raw"), "{error}");
        let matrix = FeatureMatrix::new(2, vec![column("wild", vec![0, 9], 1)]);
        assert!(TrainBins::new(&matrix, &[0, 1]).is_err());
    }

    #[test]
    fn rows_are_divided_alike_by_joint_codes_and_by_the_bins_of_each_feature() {
        let n = 900_usize;
        let columns: Vec<Vec<u8>> = vec![
            (0..n).map(|r| (r * 7 % 5) as u8).collect(),
            (0..n).map(|r| (r * r % 200) as u8).collect(),
            (0..n).map(|r| if r % 50 == 1 { (r / 50 % 4) as u8 } else { 2 }).collect(),
            (0..n).map(|r| if r % 31 == 0 { 4 } else { 0 }).collect(),
            (0..n).map(|r| u8::from(r % 3 == 0)).collect(),
        ];
        let columns = columns.into_iter().enumerate();
        let columns = columns.map(|(i, codes)| column(&format!("c{i}"), codes, 202)).collect();
        let matrix = FeatureMatrix::new(n, columns);
        let some: Vec<u32> = (0..n as u32).filter(|r| r % 4 != 2).collect();
        for rows in [(0..n as u32).collect(), (100..700).collect(), some] {
            let bins = TrainBins::new(&matrix, &rows).unwrap();
            let n_joint = bins.homes.iter().flatten().count();
            assert!((4..=5).contains(&n_joint), "{n_joint}");
            let own = features_of(&matrix, &rows).unwrap();
            for (feature, own) in own.iter().enumerate() {
                for (bin, missing_left, subset) in
                    [(0, false, None), (2, true, None), (1, false, Some(subset_of(&[1, 2, 150])))]
                {
                    let test = Test { bin, missing_left, subset };
                    let entries: Vec<u64> = (0..rows.len() as u64).collect();
                    let goes_left = |row: &u64| {
                        let code = own.codes[*row as usize];
                        subset.map_or(code <= bin, |subset| contains(&subset, code))
                    };
                    let (left, mut right): (Vec<u64>, Vec<u64>) =
                        entries.iter().partition(|r| goes_left(r));
                    right.reverse();
                    let mut to = vec![0; entries.len()];
                    let n_left = bins.route(feature, &test).divide(&entries, &mut to);
                    assert_eq!(to[..n_left], left, "{feature} {bin}");
                    assert_eq!(to[n_left..], right, "{feature} {bin}");
                }
            }
        }
    }
}
