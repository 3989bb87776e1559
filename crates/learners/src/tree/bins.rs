//! The bins of the training rows, in the two layouts that growing needs.
//!
//! Histograms read rows of blocks ([`BinBlock`]); partitions read one column. Rows are renumbered
//! `0..n_rows` in the order of the training rows. Features that are constant among them are left
//! out. Blocks join features of similar bin counts, so that each block's histogram is as small as
//! its features allow.

use std::borrow::Cow;

use modelwright_core::data::{BinnedColumn, FeatureMatrix};
use modelwright_core::{Error, Result};
use modelwright_kernels::histogram::{BinBlock, MAX_WIDTH, STRIDES, stride_for};
use rayon::prelude::*;

/// Bins of the rows to learn from.
#[derive(Debug)]
pub struct TrainBins<'a> {
    /// How many rows there are.
    pub n_rows: usize,
    /// The features that are not constant, ascending.
    pub features: Vec<BinFeature<'a>>,
    /// The blocks, in the order of their histograms.
    pub blocks: Vec<Block>,
    /// How many sums the histograms of all blocks have together.
    pub histogram_len: usize,
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
}

/// Some features side by side.
#[derive(Debug)]
pub struct Block {
    /// Their bins, row-major.
    pub bins: BinBlock,
    /// Position in [`TrainBins::features`] of each column.
    pub members: Vec<usize>,
    /// Where its histogram starts among those of all blocks.
    pub start: usize,
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

impl Block {
    /// Where the histogram of column `position` lies among those of all blocks.
    pub fn place(&self, position: usize, n_bins: usize) -> std::ops::Range<usize> {
        let start = self.start + position * self.bins.stride();
        start..start + n_bins
    }
}

impl<'a> TrainBins<'a> {
    /// The bins of `rows`, ascending, of all columns.
    ///
    /// # Errors
    /// Input error when a column has no bins, or bins that contradict themselves.
    pub fn new(matrix: &'a FeatureMatrix, rows: &[u32]) -> Result<Self> {
        let mut binned = Vec::with_capacity(matrix.columns.len());
        for column in &matrix.columns {
            let bins = column.bins.as_deref().ok_or_else(|| {
                Error::input("a feature has no bins")
                    .column(&*column.name)
                    .hint("bin all features before trees are grown on them")
            })?;
            binned.push(bins);
        }
        let features: Vec<Option<BinFeature<'a>>> =
            binned.par_iter().enumerate().map(|(i, bins)| feature(i, bins, rows)).collect();
        for (column, feature) in matrix.columns.iter().zip(&features) {
            let sound = feature.as_ref().is_none_or(|f| {
                f.n_bins() <= 256 && f.codes.iter().all(|code| *code <= f.missing_bin())
            });
            if !sound {
                return Err(Error::input("a feature has more bins than cuts").column(&*column.name));
            }
        }
        let features: Vec<BinFeature<'a>> = features.into_iter().flatten().collect();
        let (blocks, histogram_len) = blocks(&features);
        Ok(Self { n_rows: rows.len(), features, blocks, histogram_len })
    }
}

/// The bins of `rows`; `None` when they are all equal.
fn feature<'a>(index: usize, bins: &'a BinnedColumn, rows: &[u32]) -> Option<BinFeature<'a>> {
    let first = *rows.first()? as usize;
    let contiguous = rows.last().is_some_and(|last| *last as usize - first + 1 == rows.len());
    let codes = if contiguous {
        Cow::Borrowed(&bins.codes[first..first + rows.len()])
    } else {
        Cow::Owned(rows.iter().map(|r| bins.codes[*r as usize]).collect())
    };
    let constant = codes.iter().all(|code| *code == codes[0]);
    (!constant).then_some(BinFeature { index: index as u32, codes, cuts: &bins.cuts })
}

/// Features of one stride, in order, in blocks of nearly equal width.
fn blocks(features: &[BinFeature<'_>]) -> (Vec<Block>, usize) {
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    for stride in STRIDES {
        let same = |i: &usize| stride_for(features[*i].n_bins()) == stride;
        let members: Vec<usize> = (0..features.len()).filter(same).collect();
        let n_blocks = members.len().div_ceil(MAX_WIDTH).max(1);
        let width = members.len().div_ceil(n_blocks).max(1);
        groups.extend(members.chunks(width).map(|chunk| (stride, chunk.to_vec())));
    }
    let mut blocks: Vec<Block> = groups
        .into_par_iter()
        .map(|(stride, members)| {
            let columns: Vec<&[u8]> = members.iter().map(|i| &*features[*i].codes).collect();
            Block { bins: BinBlock::from_columns(&columns, stride), members, start: 0 }
        })
        .collect();
    let mut start = 0;
    for block in &mut blocks {
        block.start = start;
        start += block.bins.histogram_len();
    }
    (blocks, start)
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
        let shape: Vec<_> = bins.blocks.iter().map(|b| (b.bins.stride(), &b.members)).collect();
        assert_eq!(shape, [(16, &vec![1]), (256, &vec![0])]);
        assert_eq!(bins.histogram_len, 16 + 256);
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
