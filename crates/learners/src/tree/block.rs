//! Some columns side by side, and the histograms of the features in them.
//!
//! A block sums gradients per bin of its columns; where columns are codes of several features
//! ([`super::joint`]), it then expands the sums to the bins of the features. Integer sums make both
//! ways, and any division of the rows, equal to the bit.

use std::sync::Arc;

use modelwright_core::data::{Stored, StoredPart};
use modelwright_kernels::entry::{Entry, hessian_units, row, sum_of_one};
use modelwright_kernels::histogram::{BinBlock, add, stride_for};
use rayon::prelude::*;

use super::bins::BinFeature;
use super::joint::JointColumn;

/// The fewest rows of a chunk.
const CHUNK_ROWS: usize = 1 << 14;

/// Rows that are read at a time where they are not in memory.
const STORED_ROWS: usize = 1 << 18;

/// Columns of one stride, and where the histograms of their features are.
#[derive(Debug)]
pub struct Block {
    columns: BinBlock,
    /// One per column, or none when every column is a feature.
    dictionaries: Vec<Dictionary>,
    /// Where the usual bin of each member is in the block's histogram; empty when every column is
    /// a feature.
    usual: Vec<usize>,
    /// Positions in [`super::TrainBins::features`].
    pub members: Vec<usize>,
    /// Where the histogram of each member starts in that of the block.
    pub offsets: Vec<usize>,
    /// Where the block's histogram starts among those of all blocks.
    pub start: usize,
    /// How many sums the block's histogram has.
    pub len: usize,
    /// Where the rows are, if not in memory.
    stored: Option<Arc<dyn Stored>>,
}

/// What the codes of a joint column mean in the block's histogram.
#[derive(Debug)]
struct Dictionary {
    /// Where the places of each code start; one more than there are codes.
    starts: Vec<u32>,
    /// Bins of the members other than their usual ones.
    places: Vec<u32>,
    /// The usual bin of each member, and where its bins start and end.
    usual: Vec<[u32; 3]>,
}

impl Block {
    /// A block of features that are columns by themselves.
    pub(super) fn of_features(features: &[BinFeature<'_>], members: Vec<usize>) -> Self {
        let n_bins = members.iter().map(|f| features[*f].n_bins()).max().unwrap_or(1);
        let stride = stride_for(n_bins);
        let columns: Vec<&[u8]> = members.iter().map(|f| &*features[*f].codes).collect();
        Self {
            columns: BinBlock::from_columns(&columns, stride),
            dictionaries: Vec::new(),
            usual: Vec::new(),
            offsets: (0..members.len()).map(|position| position * stride).collect(),
            len: members.len() * stride,
            members,
            start: 0,
            stored: None,
        }
    }

    /// A block of features whose rows were written elsewhere, in the order of `members`.
    pub(super) fn elsewhere(members: Vec<usize>, rows: StoredPart) -> Self {
        let stored = rows.stored().clone();
        let columns = BinBlock::elsewhere(Arc::new(rows), members.len());
        let stride = columns.stride();
        Self {
            columns,
            dictionaries: Vec::new(),
            usual: Vec::new(),
            offsets: (0..members.len()).map(|position| position * stride).collect(),
            len: members.len() * stride,
            members,
            start: 0,
            stored: Some(stored),
        }
    }

    /// A block of columns that are codes of several features.
    pub(super) fn of_joint(features: &[BinFeature<'_>], joint: &[&JointColumn]) -> Self {
        let n_codes = joint.iter().map(|column| column.tuples.len()).max().unwrap_or(1);
        let columns: Vec<&[u8]> = joint.iter().map(|column| &*column.codes).collect();
        let mut block = Self {
            columns: BinBlock::from_columns(&columns, stride_for(n_codes)),
            dictionaries: Vec::new(),
            usual: Vec::new(),
            members: Vec::new(),
            offsets: Vec::new(),
            start: 0,
            len: 0,
            stored: None,
        };
        for column in joint {
            let first = block.members.len();
            for member in &column.members {
                block.members.push(*member);
                block.offsets.push(block.len);
                block.len += features[*member].n_bins();
            }
            let ends = block.offsets[first..].iter().copied().skip(1).chain([block.len]);
            let ranges: Vec<[u32; 2]> = block.offsets[first..]
                .iter()
                .zip(ends)
                .map(|(s, e)| [*s as u32, e as u32])
                .collect();
            let dictionary = Dictionary::of(column, &ranges);
            block.usual.extend(dictionary.usual.iter().map(|[usual, ..]| *usual as usize));
            block.dictionaries.push(dictionary);
        }
        block
    }

    /// How many columns a row has to be added to.
    pub fn n_columns(&self) -> usize {
        self.columns.width()
    }

    /// Whether no cut of a member can leave `least` units of Hessian on both sides: whichever side
    /// its usual bin is on, the other one has at most what is not in that bin.
    ///
    /// `histogram` is that of the block, `total` its leaf's sum. Of members with columns of their
    /// own nothing is known.
    pub fn is_settled(&self, member: usize, histogram: &[i64], total: i64, least: i32) -> bool {
        self.usual
            .get(member)
            .is_some_and(|usual| hessian_units(total) - hessian_units(histogram[*usual]) < least)
    }

    /// Sums `entries`, whose total is `sum`, into the block's histogram (any content before).
    pub fn fill(&self, entries: &[Entry], sum: i64, histogram: &mut [i64], parallel: bool) {
        histogram.fill(0);
        if self.dictionaries.is_empty() {
            self.accumulate(entries, histogram, parallel);
            return;
        }
        if entries.len() < self.columns.stride() {
            self.scatter(entries, histogram);
        } else {
            let mut sums = vec![0; self.columns.histogram_len()];
            self.accumulate(entries, &mut sums, parallel);
            for (dictionary, sums) in
                self.dictionaries.iter().zip(sums.chunks_exact(self.columns.stride()))
            {
                dictionary.expand(sums, histogram);
            }
        }
        for dictionary in &self.dictionaries {
            dictionary.complete(sum, histogram);
        }
    }

    fn accumulate(&self, entries: &[Entry], sums: &mut [i64], parallel: bool) {
        if !parallel || entries.len() < 2 * CHUNK_ROWS {
            self.sum(entries, sums);
            return;
        }
        let n_chunks = (entries.len() / CHUNK_ROWS).min(2 * rayon::current_num_threads());
        let parts: Vec<Vec<i64>> = entries
            .par_chunks(entries.len().div_ceil(n_chunks))
            .map(|chunk| {
                let mut part = vec![0; sums.len()];
                self.sum(chunk, &mut part);
                part
            })
            .collect();
        for part in parts {
            add(sums, &part);
        }
    }

    /// Adds entries, which ascend by row; those of rows that lie elsewhere part by part.
    fn sum(&self, entries: &[Entry], sums: &mut [i64]) {
        let Some(stored) = &self.stored else {
            return self.columns.accumulate(entries, sums);
        };
        for part in entries.chunks(STORED_ROWS) {
            if let (Some(first), Some(last)) = (part.first(), part.last()) {
                let n_rows = row(*last).saturating_sub(row(*first)) as usize + 1;
                stored.will_read(n_rows * self.columns.width());
            }
            self.columns.accumulate(part, sums);
        }
    }

    /// Adds few entries straight to the bins of the features.
    fn scatter(&self, entries: &[Entry], histogram: &mut [i64]) {
        for entry in entries {
            let sum = sum_of_one(*entry);
            for (dictionary, code) in
                self.dictionaries.iter().zip(self.columns.row(row(*entry) as usize))
            {
                for place in dictionary.places_of(usize::from(*code)) {
                    histogram[*place as usize] += sum;
                }
            }
        }
    }
}

impl Dictionary {
    /// `ranges` says where the bins of each member start and end in the block's histogram.
    fn of(column: &JointColumn, ranges: &[[u32; 2]]) -> Self {
        let mut n_rows_of = vec![0_usize; column.tuples.len()];
        for code in &column.codes {
            n_rows_of[usize::from(*code)] += 1;
        }
        let usual: Vec<[u32; 3]> = ranges
            .iter()
            .enumerate()
            .map(|(member, [start, end])| {
                let mut n_rows = [0_usize; 256];
                for (tuple, n) in column.tuples.iter().zip(&n_rows_of) {
                    n_rows[usize::from(tuple[member])] += n;
                }
                let most = (0..256).rev().max_by_key(|bin| n_rows[*bin]).unwrap_or(0) as u32;
                [start + most, *start, *end]
            })
            .collect();
        let mut dictionary = Self { starts: vec![0], places: Vec::new(), usual };
        for tuple in &column.tuples {
            let places = tuple.iter().zip(&dictionary.usual);
            let places = places.map(|(bin, [usual, start, _])| (start + u32::from(*bin), *usual));
            dictionary.places.extend(places.filter(|(at, usual)| at != usual).map(|(at, _)| at));
            dictionary.starts.push(dictionary.places.len() as u32);
        }
        dictionary
    }

    fn places_of(&self, code: usize) -> &[u32] {
        &self.places[self.starts[code] as usize..self.starts[code + 1] as usize]
    }

    /// Adds the sums of the codes to all bins but the usual ones.
    fn expand(&self, sums: &[i64], histogram: &mut [i64]) {
        for (code, sum) in sums[..self.starts.len() - 1].iter().enumerate() {
            if *sum != 0 {
                for place in self.places_of(code) {
                    histogram[*place as usize] += sum;
                }
            }
        }
    }

    /// Gives the usual bins what the others leave of the total.
    fn complete(&self, total: i64, histogram: &mut [i64]) {
        for [usual, start, end] in &self.usual {
            let others: i64 = histogram[*start as usize..*end as usize].iter().sum();
            histogram[*usual as usize] = total - others;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use modelwright_core::data::Codes;

    use super::super::joint::join;
    use super::super::row_bins::{RowBins, Rows};
    use super::*;

    fn usual_bin(column: &[u8]) -> usize {
        let count = |bin: usize| column.iter().filter(|code| usize::from(**code) == bin).count();
        (0..256).rev().max_by_key(|bin| count(*bin)).unwrap()
    }

    #[test]
    fn a_joint_block_gives_each_feature_the_histogram_it_has_alone() {
        let n = 2000_usize;
        let hash = |i: usize| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        // Two of a few bins, one mostly at bin 3, and forty of which at most one is not at 0.
        let mut columns: Vec<Vec<u8>> = vec![
            (0..n).map(|r| (hash(r) % 5) as u8).collect(),
            (0..n).map(|r| (hash(r + n) % 9) as u8).collect(),
            (0..n).map(|r| if r % 17 == 0 { (r % 7) as u8 } else { 3 }).collect(),
        ];
        columns.extend((0..40).map(|k| (0..n).map(|r| u8::from(hash(3 * r) % 50 == k)).collect()));
        let cuts: &[f32] = &[0.5; 8];
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
        let joint: Vec<_> = joint.iter().collect();
        assert_eq!(joint.iter().map(|c| c.members.len()).sum::<usize>(), columns.len());
        assert!(joint.len() <= 4, "{} columns", joint.len());
        let block = Block::of_joint(&features, &joint);
        for n_entries in [0, 1, 7, 255, 256, 257, n] {
            let entries: Vec<Entry> = (0..n_entries)
                .map(|i| (hash(i * 5) as u64 & 0xffff) << 48 | 9 << 32 | (i * n / n_entries) as u64)
                .collect();
            let total = entries.iter().map(|e| sum_of_one(*e)).sum();
            let mut histogram = vec![77; block.len];
            block.fill(&entries, total, &mut histogram, false);
            for (member, offset) in block.members.iter().zip(&block.offsets) {
                let mut want = vec![0; features[*member].n_bins()];
                for entry in &entries {
                    let bin = columns[*member][row(*entry) as usize];
                    want[usize::from(bin)] += sum_of_one(*entry);
                }
                assert_eq!(histogram[*offset..offset + want.len()], want, "{member} {n_entries}");
                // The most that a side of any cut can have, found bin by bin.
                let hessians = want.iter().map(|sum| hessian_units(*sum));
                let rest = hessian_units(total) - hessians.max().unwrap_or(0);
                let place = block.members.iter().position(|m| m == member).unwrap();
                let settled = |least| block.is_settled(place, &histogram, total, least);
                assert!(!settled(rest), "{member} {n_entries}");
                let is_usual = block.usual[place] - offset == usual_bin(&columns[*member]);
                assert!(is_usual && settled(hessian_units(total) + 1));
            }
        }
    }
}
