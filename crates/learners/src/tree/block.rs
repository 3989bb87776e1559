//! Some columns side by side, and the histograms of the features in them.
//!
//! A block sums gradients per bin of its columns; where columns are codes of several features
//! ([`super::joint`]), it then expands the sums to the bins of the features. A sparse block sums
//! the unusual bins of each row alone, and gives the usual ones the rest of the leaf's total.
//! Integer sums make all ways, and any division of the rows, equal to the bit.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use modelwright_core::data::{Stored, StoredPart};
use modelwright_kernels::entry::{Entry, hessian_units, row, sum_of_one};
use modelwright_kernels::histogram::{BinBlock, SparseRows, add, stride_for};
use rayon::prelude::*;

use super::bins::BinFeature;
use super::dictionary::{Column, Dictionary, Place};

/// Rows that are read at a time where a block is made.
const CHUNK_ROWS: usize = 1 << 14;

/// Rows that are read at a time where they are not in memory.
const STORED_ROWS: usize = 1 << 18;

/// Columns of one stride, or the unusual bins of some, and where the histograms of their features
/// are.
#[derive(Debug)]
pub struct Block {
    bins: Bins,
    /// How many members are columns by themselves, in a dense block; they come first.
    n_plain: usize,
    /// One per column of several features, in a dense block.
    dictionaries: Vec<Dictionary>,
    /// Where the bins of the other members are in the block's histogram.
    places: Vec<Place>,
    /// Positions in [`super::TrainBins::features`].
    pub members: Vec<usize>,
    /// Where the histogram of each member starts in that of the block.
    pub offsets: Vec<usize>,
    /// Where the block's histogram starts among those of all blocks.
    pub start: usize,
    /// Where the sums of the block's columns start among those of all blocks.
    pub sums_start: usize,
    /// How many sums the block's histogram has.
    pub len: usize,
    /// Where the rows are, if not in memory.
    stored: Option<Arc<dyn Stored>>,
}

/// What is known of each row.
#[derive(Debug)]
enum Bins {
    /// The code of every column.
    Dense(BinBlock),
    /// The places of its unusual bins.
    Sparse(SparseRows),
}

impl Block {
    /// A block of at most [`modelwright_kernels::histogram::MAX_WIDTH`] columns.
    pub(super) fn dense(features: &[BinFeature<'_>], columns: &[Column<'_>]) -> Self {
        let n_codes = columns.iter().map(|column| column.n_codes(features)).max().unwrap_or(1);
        let stride = stride_for(n_codes);
        let (plain, joint): (Vec<Column<'_>>, Vec<Column<'_>>) =
            columns.iter().partition(|column| matches!(column, Column::Feature(_)));
        let codes: Vec<&[u8]> = plain.iter().chain(&joint).map(|c| c.codes(features)).collect();
        let members: Vec<usize> = plain.iter().flat_map(Column::members).copied().collect();
        let bins = Bins::Dense(BinBlock::from_columns(&codes, stride));
        let mut block = Self::plain(bins, members, stride);
        for column in joint {
            let dictionary = block.take((column, &column.counts(features)), features);
            block.dictionaries.push(dictionary);
        }
        block
    }

    /// A block of features whose rows were written elsewhere, in the order of `members`.
    pub(super) fn elsewhere(members: Vec<usize>, rows: StoredPart) -> Self {
        let stored = rows.stored().clone();
        let columns = BinBlock::elsewhere(Arc::new(rows), members.len());
        let stride = columns.stride();
        Self { stored: Some(stored), ..Self::plain(Bins::Dense(columns), members, stride) }
    }

    /// A block of columns that nearly always have their usual code.
    pub(super) fn sparse(features: &[BinFeature<'_>], columns: &[Column<'_>]) -> Self {
        let mut block = Self::plain(Bins::Sparse(SparseRows::of_parts(&[])), Vec::new(), 0);
        let counts: Vec<Vec<usize>> = columns.par_iter().map(|c| c.counts(features)).collect();
        let meaning: Vec<(&[u8], Dictionary)> = columns
            .iter()
            .zip(&counts)
            .map(|(column, n)| (column.codes(features), block.take((*column, n), features)))
            .collect();
        let n_rows = meaning.first().map_or(0, |(codes, _)| codes.len());
        let parts: Vec<(Vec<u16>, Vec<u16>)> = (0..n_rows.div_ceil(CHUNK_ROWS))
            .into_par_iter()
            .map(|part| {
                let rows = part * CHUNK_ROWS..((part + 1) * CHUNK_ROWS).min(n_rows);
                unusual_places(&meaning, rows)
            })
            .collect();
        block.bins = Bins::Sparse(SparseRows::of_parts(&parts));
        block
    }

    /// A block of features with a column of `stride` sums each.
    fn plain(bins: Bins, members: Vec<usize>, stride: usize) -> Self {
        Self {
            bins,
            n_plain: members.len(),
            dictionaries: Vec::new(),
            places: Vec::new(),
            offsets: (0..members.len()).map(|position| position * stride).collect(),
            len: members.len() * stride,
            members,
            start: 0,
            sums_start: 0,
            stored: None,
        }
    }

    /// Makes room for the members of a column behind those that are there.
    fn take(&mut self, counted: (Column<'_>, &[usize]), features: &[BinFeature<'_>]) -> Dictionary {
        let (dictionary, places) = Dictionary::of(counted, features, self.len);
        for member in counted.0.members() {
            self.members.push(*member);
            self.offsets.push(self.len);
            self.len += features[*member].n_bins();
        }
        self.places.extend(places);
        dictionary
    }

    /// To about how many bins a row has to be added.
    pub fn updates_per_row(&self) -> usize {
        match &self.bins {
            Bins::Dense(columns) => columns.width(),
            Bins::Sparse(rows) => 1 + rows.n_places() / rows.n_rows().max(1),
        }
    }

    /// Whether no cut of a member can leave `least` units of Hessian on both sides: whichever side
    /// its usual bin is on, the other one has at most what is not in that bin.
    ///
    /// `histogram` is that of the block, `total` its leaf's sum. Of members with columns of their
    /// own nothing is known.
    pub fn is_settled(&self, member: usize, histogram: &[i64], total: i64, least: i32) -> bool {
        let place = member.checked_sub(self.n_plain).and_then(|member| self.places.get(member));
        place.is_some_and(|place| {
            hessian_units(total) - hessian_units(histogram[place.usual as usize]) < least
        })
    }

    /// How many sums [`Self::add`] adds to.
    pub fn n_sums(&self) -> usize {
        match &self.bins {
            Bins::Dense(columns) => columns.histogram_len(),
            Bins::Sparse(_) => self.len,
        }
    }

    /// Sums the entries of a leaf, part by part, into the block's histogram (any content before);
    /// `total` is that of all of them.
    pub fn fill(&self, parts: &[&[Entry]], total: i64, histogram: &mut [i64]) {
        match &self.bins {
            Bins::Dense(columns) if !self.dictionaries.is_empty() => {
                if parts.iter().map(|part| part.len()).sum::<usize>() < columns.stride() {
                    histogram.fill(0);
                    for part in parts {
                        self.scatter(columns, part, histogram);
                    }
                    self.complete(total, histogram);
                } else {
                    let mut sums = vec![0; self.n_sums()];
                    self.add_parts(parts, &mut sums);
                    self.expand(&[&sums], total, histogram);
                }
            }
            Bins::Dense(_) | Bins::Sparse(_) => {
                histogram.fill(0);
                self.add_parts(parts, histogram);
                self.complete(total, histogram);
            }
        }
    }

    /// The block's histogram (any content before) of the sums of each part of a leaf whose total is
    /// `total`.
    pub fn expand(&self, parts: &[&[i64]], total: i64, histogram: &mut [i64]) {
        let Some((first, others)) = parts.split_first() else { return };
        if self.dictionaries.is_empty() {
            histogram.copy_from_slice(first);
            for part in others {
                add(histogram, part);
            }
        } else {
            let mut sums = Cow::Borrowed(*first);
            for part in others {
                add(sums.to_mut(), part);
            }
            histogram.fill(0);
            // Every column has as many sums.
            let stride = self.n_sums() / (self.n_plain + self.dictionaries.len());
            let (plain, joint) = sums.split_at(self.n_plain * stride);
            histogram[..plain.len()].copy_from_slice(plain);
            for (dictionary, sums) in self.dictionaries.iter().zip(joint.chunks_exact(stride)) {
                dictionary.expand(sums, histogram);
            }
        }
        self.complete(total, histogram);
    }

    /// Gives usual bins what is left of the total.
    fn complete(&self, total: i64, histogram: &mut [i64]) {
        for place in &self.places {
            place.complete(total, histogram);
        }
    }

    fn add_parts(&self, parts: &[&[Entry]], sums: &mut [i64]) {
        for part in parts {
            self.add(part, sums);
        }
    }

    /// Adds entries, whose rows ascend or descend, to the sums of the block's columns; those of
    /// rows that lie elsewhere some at a time.
    pub fn add(&self, entries: &[Entry], sums: &mut [i64]) {
        let columns = match &self.bins {
            Bins::Dense(columns) => columns,
            Bins::Sparse(rows) => return rows.accumulate(entries, sums),
        };
        let Some(stored) = &self.stored else {
            return columns.accumulate(entries, sums);
        };
        for part in entries.chunks(STORED_ROWS) {
            if let (Some(first), Some(last)) = (part.first(), part.last()) {
                let n_rows = row(*last).abs_diff(row(*first)) as usize + 1;
                stored.will_read(n_rows * columns.width());
            }
            columns.accumulate(part, sums);
        }
    }

    /// Adds few entries straight to the bins of the features.
    fn scatter(&self, columns: &BinBlock, entries: &[Entry], histogram: &mut [i64]) {
        for entry in entries {
            let sum = sum_of_one(*entry);
            let (plain, joint) = columns.row(row(*entry) as usize).split_at(self.n_plain);
            for (bin, offset) in plain.iter().zip(&self.offsets) {
                histogram[offset + usize::from(*bin)] += sum;
            }
            for (dictionary, code) in self.dictionaries.iter().zip(joint) {
                for place in dictionary.places_of(*code) {
                    histogram[*place as usize] += sum;
                }
            }
        }
    }
}

/// How many unusual bins each of the rows has, and their places.
fn unusual_places(columns: &[(&[u8], Dictionary)], rows: Range<usize>) -> (Vec<u16>, Vec<u16>) {
    let (mut counts, mut all) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        let before = all.len();
        for (codes, dictionary) in columns {
            all.extend(dictionary.places_of(codes[row]).iter().map(|place| *place as u16));
        }
        counts.push((all.len() - before) as u16);
    }
    (counts, all)
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::Codes;

    use super::super::joint::join;
    use super::super::row_bins::{RowBins, Rows};
    use super::*;

    fn usual_bin(column: &[u8]) -> usize {
        let count = |bin: usize| column.iter().filter(|code| usize::from(**code) == bin).count();
        (0..256).rev().max_by_key(|bin| count(*bin)).unwrap()
    }

    /// Bins of each feature, that of missing values included.
    const N_BINS: usize = 10;

    fn hash(i: usize) -> usize {
        i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
    }

    #[test]
    fn joint_mixed_and_sparse_blocks_give_each_feature_the_histogram_it_has_alone() {
        let n = 2000_usize;
        // Two of a few bins, one mostly at bin 3, and forty of which at most one is not at 0.
        let mut columns: Vec<Vec<u8>> = vec![
            (0..n).map(|r| (hash(r) % 5) as u8).collect(),
            (0..n).map(|r| (hash(r + n) % 9) as u8).collect(),
            (0..n).map(|r| if r % 17 == 0 { (r % 7) as u8 } else { 3 }).collect(),
        ];
        columns.extend((0..40).map(|k| (0..n).map(|r| u8::from(hash(3 * r) % 50 == k)).collect()));
        let cuts: &[f32] = &[0.5; N_BINS - 2];
        let codes = columns.iter().map(|codes| Cow::Borrowed(&**codes));
        let features: Vec<BinFeature<'_>> = (0..)
            .zip(codes)
            .map(|(index, codes)| BinFeature { index, codes, cuts, is_category: false })
            .collect();
        let rows: Vec<u32> = (0..n as u32).collect();
        let codes: Vec<Codes> = columns.iter().map(|codes| codes.clone().into()).collect();
        assert!(codes.iter().any(|codes| matches!(codes, Codes::Sparse(_))));
        let chosen = Rows::new(&rows, n, true);
        let bins: Vec<RowBins<'_>> = codes.iter().map(|c| RowBins::of(c, &chosen)).collect();
        let joint = join(&bins);
        let joint: Vec<_> = joint.iter().map(Column::Joint).collect();
        assert_eq!(joint.iter().map(|c| c.members().len()).sum::<usize>(), columns.len());
        assert!(joint.len() <= 4, "{} columns", joint.len());
        // The same, with two features that stand before the joint columns as well.
        let mixed = [Column::Feature(1)].into_iter().chain(joint.clone());
        let mixed: Vec<_> = mixed.chain([Column::Feature(0)]).collect();
        for block in [
            Block::dense(&features, &joint),
            Block::dense(&features, &mixed),
            Block::sparse(&features, &joint),
            Block::sparse(&features, &mixed),
        ] {
            for n_entries in [0, 1, 7, 255, 256, 257, n] {
                check(&block, &columns, n_entries);
            }
        }
    }

    /// Compares the histograms of `n_entries` of the rows with those of each column alone.
    fn check(block: &Block, columns: &[Vec<u8>], n_entries: usize) {
        let n = columns[0].len();
        let entries: Vec<Entry> = (0..n_entries)
            .map(|i| (hash(i * 5) as u64 & 0xffff) << 48 | 9 << 32 | (i * n / n_entries) as u64)
            .collect();
        let total = entries.iter().map(|e| sum_of_one(*e)).sum();
        let mut histogram = vec![77; block.len];
        block.fill(&[&entries], total, &mut histogram);
        for (place, (member, offset)) in block.members.iter().zip(&block.offsets).enumerate() {
            let mut want = vec![0; N_BINS];
            for entry in &entries {
                let bin = columns[*member][row(*entry) as usize];
                want[usize::from(bin)] += sum_of_one(*entry);
            }
            assert_eq!(histogram[*offset..offset + want.len()], want, "{member} {n_entries}");
            // The most that a side of any cut can have, found bin by bin.
            let hessians = want.iter().map(|sum| hessian_units(*sum));
            let rest = hessian_units(total) - hessians.max().unwrap_or(0);
            let settled = |least| block.is_settled(place, &histogram, total, least);
            assert!(!settled(rest), "{member} {n_entries}");
            if let Some(known) = place.checked_sub(block.n_plain) {
                let usual = block.places[known].usual as usize;
                assert_eq!(usual - offset, usual_bin(&columns[*member]));
                assert!(settled(hessian_units(total) + 1));
            }
        }
    }
}
