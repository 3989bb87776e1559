//! The bins of the training rows, in the two layouts that growing needs.
//!
//! Histograms read rows of blocks ([`super::block`]); partitions read one column. Rows are
//! renumbered `0..n_rows` in the order of the training rows. Features that are constant among them
//! are left out. A block's columns are features, or codes of several features ([`super::joint`]);
//! blocks have columns of similar bin counts, so that their sums are as few as they can be.

use std::borrow::Cow;
use std::ops::Range;

use modelwright_core::data::{BinnedColumn, FeatureMatrix};
use modelwright_core::{Error, Result};
use modelwright_kernels::histogram::{MAX_WIDTH, STRIDES, stride_for};
use rayon::prelude::*;

use super::block::Block;
use super::constraints::Constraints;
use super::joint::{JointColumn, join};

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
    /// Where the histogram of each feature lies among those of all features.
    pub places: Vec<Range<usize>>,
    /// What trees may not do with the features, by position in `features`.
    pub constraints: Constraints,
}

/// One feature.
#[derive(Debug)]
pub struct BinFeature<'a> {
    /// Its position in the feature matrix.
    pub index: u32,
    /// The bin of each row.
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
    /// The bins of `rows`, ascending, of all columns.
    ///
    /// # Errors
    /// Input error when a column has no bins, or bins that contradict themselves.
    pub fn new(matrix: &'a FeatureMatrix, rows: &[u32]) -> Result<Self> {
        let features = features_of(matrix, rows)?;
        let blocks = blocks(&features);
        let mut bins = Self {
            n_rows: rows.len(),
            blocks,
            histogram_len: 0,
            places: Vec::new(),
            constraints: Constraints::default(),
            features,
        };
        bins.lay_out();
        Ok(bins)
    }

    /// Lets trees obey the constraints of the matrix's features.
    pub fn constrain(&mut self, of_matrix: &Constraints) {
        self.constraints = of_matrix.select(self.features.iter().map(|f| f.index as usize));
    }

    /// Gives every block and feature its place in a histogram.
    fn lay_out(&mut self) {
        self.places = vec![0..0; self.features.len()];
        for block in &mut self.blocks {
            block.start = self.histogram_len;
            for (feature, offset) in block.members.iter().zip(&block.offsets) {
                let start = block.start + offset;
                self.places[*feature] = start..start + self.features[*feature].n_bins();
            }
            self.histogram_len += block.len;
        }
    }
}

/// The columns that are not constant in `rows` (ascending), as bins of those rows.
///
/// # Errors
/// Input error when a column has no bins, or bins that contradict themselves.
pub fn features_of<'a>(matrix: &'a FeatureMatrix, rows: &[u32]) -> Result<Vec<BinFeature<'a>>> {
    let mut binned = Vec::with_capacity(matrix.columns.len());
    for column in &matrix.columns {
        let bins = column.bins.as_deref().ok_or_else(|| {
            Error::input("a feature has no bins")
                .column(&*column.name)
                .hint("bin all features before trees are grown on them")
        })?;
        binned.push(bins);
    }
    let features: Vec<Option<BinFeature<'a>>> = binned
        .par_iter()
        .enumerate()
        .map(|(i, bins)| feature(i, bins, matrix.columns[i].is_category, rows))
        .collect();
    for (column, feature) in matrix.columns.iter().zip(&features) {
        let sound = feature.as_ref().is_none_or(|f| {
            f.n_bins() <= 256 && f.codes.iter().all(|code| *code <= f.missing_bin())
        });
        if !sound {
            return Err(Error::input("a feature has more bins than cuts").column(&*column.name));
        }
        let cuts = feature.as_ref().map_or(&[][..], |f| f.cuts);
        if column.is_category && cuts.iter().enumerate().any(|(i, c)| *c != i as f32 + 0.5) {
            return Err(Error::input("the bins of a category are not its levels")
                .column(&*column.name)
                .expected("cuts at 0.5, 1.5, 2.5, ..."));
        }
    }
    Ok(features.into_iter().flatten().collect())
}

/// The bins of `rows`; `None` when they are all equal.
fn feature<'a>(
    index: usize,
    bins: &'a BinnedColumn,
    is_category: bool,
    rows: &[u32],
) -> Option<BinFeature<'a>> {
    let first = *rows.first()? as usize;
    let contiguous = rows.last().is_some_and(|last| *last as usize - first + 1 == rows.len());
    let codes = if contiguous {
        Cow::Borrowed(&bins.codes[first..first + rows.len()])
    } else {
        Cow::Owned(rows.iter().map(|r| bins.codes[*r as usize]).collect())
    };
    let constant = codes.iter().all(|code| *code == codes[0]);
    (!constant).then_some(BinFeature { index: index as u32, codes, cuts: &bins.cuts, is_category })
}

/// What becomes a block.
enum Group {
    Features(Vec<usize>),
    Joint(Vec<JointColumn>),
}

/// Columns of one kind and stride, in order, in blocks of nearly equal width.
fn blocks(features: &[BinFeature<'_>]) -> Vec<Block> {
    let joint = join(features);
    let mut alone = vec![true; features.len()];
    for member in joint.iter().flat_map(|column| &column.members) {
        alone[*member] = false;
    }
    let mut plain: [Vec<usize>; STRIDES.len()] = Default::default();
    let mut joined: [Vec<JointColumn>; STRIDES.len()] = Default::default();
    let class = |n_bins: usize| STRIDES.iter().position(|s| *s == stride_for(n_bins)).unwrap_or(0);
    for feature in (0..features.len()).filter(|f| alone[*f]) {
        plain[class(features[feature].n_bins())].push(feature);
    }
    for column in joint {
        joined[class(column.tuples.len())].push(column);
    }
    let plain = plain.into_iter().flat_map(in_widths).map(Group::Features);
    let joined = joined.into_iter().flat_map(in_widths).map(Group::Joint);
    let groups: Vec<Group> = plain.chain(joined).collect();
    let block = |group| match group {
        Group::Features(members) => Block::of_features(features, members),
        Group::Joint(columns) => Block::of_joint(features, &columns),
    };
    groups.into_par_iter().map(block).collect()
}

/// Runs of nearly equal length, none longer than a block is wide.
fn in_widths<T>(columns: Vec<T>) -> Vec<Vec<T>> {
    let n_blocks = columns.len().div_ceil(MAX_WIDTH).max(1);
    let width = columns.len().div_ceil(n_blocks).max(1);
    let mut rest = columns.into_iter();
    let runs = std::iter::repeat_with(|| rest.by_ref().take(width).collect::<Vec<T>>());
    runs.take_while(|run| !run.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelwright_core::data::FeatureColumn;
    use std::sync::Arc;

    fn column(name: &str, codes: Vec<u8>, n_cuts: usize) -> FeatureColumn {
        let values = codes.iter().map(|c| f32::from(*c)).collect();
        let cuts = (0..n_cuts).map(|c| c as f32 + 0.5).collect();
        let bins = Some(Arc::new(BinnedColumn { codes, cuts }));
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
        assert_eq!(*bins.features[1].codes, [0, 1, 3]);
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
}
