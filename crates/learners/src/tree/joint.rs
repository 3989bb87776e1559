//! Joint columns: several features in one byte per row.
//!
//! Features of few bins, or whose values go together, take few *different tuples* of bins in all
//! rows: eight yes-no columns 256 at most, forty one-hot columns of one category just 41. Where
//! features have at most 256 tuples, a dictionary of tuples and one code per row say all, and one
//! histogram update per row serves all of them. A finished histogram of codes is expanded to those
//! of the features by the dictionary, exactly, because sums are integers:
//!
//! ```text
//! for code in dictionary: for (feature, bin) in tuple(code): histogram[feature][bin] += sums[code]
//! ```
//!
//! Only bins other than a feature's usual one are added; the usual one is what is left of the
//! leaf's total. A sparse feature is joined in time proportional to its unusual rows: all others
//! keep their codes. This contains the packing of small bins and the bundling of exclusive features
//! (Ke et al., "LightGBM", NeurIPS 2017, section 4), without its conflicts: the result is exact.

use rayon::prelude::*;

use super::row_bins::RowBins;

/// The most tuples of a joint column: codes are bytes.
const MAX_TUPLES: usize = 256;
/// Features of more occupied bins than this leave no room for a second feature.
const MAX_BINS: usize = MAX_TUPLES / 2;
/// Joint columns that a feature is offered to before it opens its own.
const MAX_OFFERS: usize = 24;
/// Rows that are looked at before all rows are.
const SAMPLE_ROWS: usize = 4096;

/// Features that share a code per row.
#[derive(Debug, Clone)]
pub struct JointColumn {
    /// Positions in [`super::TrainBins::features`], at least 2.
    pub members: Vec<usize>,
    /// The code of each row.
    pub codes: Vec<u8>,
    /// The bin of each member (inner) for each code (outer).
    pub tuples: Vec<Vec<u8>>,
}

/// A joint column that features are still taken into.
///
/// Where there are at most 256 rows it takes every feature, thousands of them: what a feature
/// costs must not grow with those before it, so that tuples are written down once, at the end.
struct Open {
    members: Vec<usize>,
    /// The code of each row.
    codes: Vec<u8>,
    /// How many rows each code has.
    counts: [u32; MAX_TUPLES],
    /// For each member what its codes mean: the code before it was taken, and its bin.
    steps: Vec<Vec<(u8, u8)>>,
}

/// Joins what can be joined; features that are in no column stay by themselves.
///
/// Every column has at least two members. The result depends on nothing but the bins.
pub(super) fn join(features: &[RowBins<'_>]) -> Vec<JointColumn> {
    let mut columns: Vec<Open> = Vec::new();
    let mut seen = Seen::default();
    for (position, spread) in by_spread(features) {
        let bins = &features[position];
        let open = columns.iter_mut().rev().filter(|c| c.has_room_for(spread.n_bins));
        let joined = open.take(MAX_OFFERS).any(|column| column.take(position, bins, &mut seen));
        if !joined {
            columns.push(Open::of(position, bins));
        }
    }
    columns.retain(|column| column.members.len() > 1);
    columns.into_iter().map(Open::finish).collect()
}

/// How the rows of a feature spread over its bins.
struct Spread {
    n_bins: usize,
    n_usual: usize,
}

/// The features that may be joined, those most often at their usual bin first.
fn by_spread(features: &[RowBins<'_>]) -> Vec<(usize, Spread)> {
    let mut spreads: Vec<(usize, Spread)> = features
        .par_iter()
        .enumerate()
        .filter_map(|(position, feature)| {
            let counts = feature.counts();
            let n_bins = counts.iter().filter(|n| **n > 0).count();
            let n_usual = counts.iter().copied().max().unwrap_or(0);
            (n_bins <= MAX_BINS).then_some((position, Spread { n_bins, n_usual }))
        })
        .collect();
    spreads.sort_by_key(|(position, spread)| (std::cmp::Reverse(spread.n_usual), *position));
    spreads
}

impl Open {
    /// A column of one feature: its occurring bins in ascending order.
    fn of(position: usize, bins: &RowBins<'_>) -> Self {
        let of_bin = bins.counts();
        let occurring: Vec<u8> = (0..=u8::MAX).filter(|b| of_bin[usize::from(*b)] > 0).collect();
        let (mut code_of, mut counts) = ([0; 256], [0; MAX_TUPLES]);
        for (code, bin) in (0..=u8::MAX).zip(&occurring) {
            code_of[usize::from(*bin)] = code;
            counts[usize::from(code)] = of_bin[usize::from(*bin)] as u32;
        }
        let mut codes = bins.clone().into_dense().into_owned();
        for code in &mut codes {
            *code = code_of[usize::from(*code)];
        }
        let steps = vec![occurring.into_iter().map(|bin| (0, bin)).collect()];
        Self { members: vec![position], codes, counts, steps }
    }

    /// How many codes there are.
    fn n_codes(&self) -> usize {
        self.steps.last().map_or(0, Vec::len)
    }

    /// Writes the tuples down, from the member taken last to the first.
    fn finish(self) -> JointColumn {
        let n_codes = self.n_codes();
        let mut tuples = vec![vec![0; self.members.len()]; n_codes];
        // Every code fits into a byte.
        let mut earlier: Vec<usize> = (0..n_codes).collect();
        for (member, step) in self.steps.iter().enumerate().rev() {
            for (tuple, code) in tuples.iter_mut().zip(&mut earlier) {
                let (before, bin) = step[*code];
                tuple[member] = bin;
                *code = usize::from(before);
            }
        }
        JointColumn { members: self.members, codes: self.codes, tuples }
    }

    /// Whether a feature could be taken at all: each of its bins needs a tuple.
    fn has_room_for(&self, n_bins: usize) -> bool {
        self.n_codes().max(n_bins) < MAX_TUPLES
    }

    /// Takes a feature, if there are not too many tuples then.
    fn take(&mut self, position: usize, bins: &RowBins<'_>, seen: &mut Seen) -> bool {
        let taken = match bins {
            RowBins::Dense(bins) => self.take_dense(bins, seen),
            RowBins::Sparse { usual, rows, bins, .. } => self.take_sparse(*usual, rows, bins, seen),
        };
        if taken {
            self.members.push(position);
        }
        taken
    }

    fn take_dense(&mut self, bins: &[u8], seen: &mut Seen) -> bool {
        let step = (bins.len() / SAMPLE_ROWS).max(1);
        let sample = self.codes.iter().zip(bins).step_by(step);
        if seen.count(sample).is_none() || seen.count(self.codes.iter().zip(bins)).is_none() {
            return false;
        }
        self.steps.push(seen.pairs.clone());
        self.counts = [0; MAX_TUPLES];
        for (code, bin) in self.codes.iter_mut().zip(bins) {
            *code = seen.code_of[index(*code, *bin)];
            self.counts[usize::from(*code)] += 1;
        }
        true
    }

    /// Rows at the usual bin keep their codes; the others get those of new tuples.
    fn take_sparse(&mut self, usual: u8, rows: &[u32], bins: &[u8], seen: &mut Seen) -> bool {
        let codes = &self.codes;
        if seen.count(rows.iter().map(|row| &codes[*row as usize]).zip(bins)).is_none() {
            return false;
        }
        let mut left = self.counts;
        for row in rows {
            left[usize::from(self.codes[*row as usize])] -= 1;
        }
        // A code that no row keeps is free for another tuple, and there is one: that of its rows.
        let n_codes = self.n_codes();
        let free: Vec<usize> = (0..n_codes).filter(|code| left[*code] == 0).collect();
        let n_kept = n_codes - free.len();
        if n_kept + seen.pairs.len() > MAX_TUPLES {
            return false;
        }
        let places = free.into_iter().chain(n_codes..);
        let mut step: Vec<(u8, u8)> = (0..n_codes).map(|code| (code as u8, usual)).collect();
        for (place, pair) in places.zip(&seen.pairs) {
            seen.code_of[index(pair.0, pair.1)] = place as u8;
            match step.get_mut(place) {
                Some(old) => *old = *pair,
                None => step.push(*pair),
            }
        }
        self.steps.push(step);
        self.counts = left;
        for (row, bin) in rows.iter().zip(bins) {
            let code = &mut self.codes[*row as usize];
            *code = seen.code_of[index(*code, *bin)];
            self.counts[usize::from(*code)] += 1;
        }
        true
    }
}

fn index(code: u8, bin: u8) -> usize {
    usize::from(code) << 8 | usize::from(bin)
}

/// Pairs of code and bin that have been met.
#[derive(Default)]
struct Seen {
    /// In the order in which they were met; the place is the new code.
    pairs: Vec<(u8, u8)>,
    /// The new code of a pair; valid where `met` says so.
    code_of: Vec<u8>,
    met: Vec<bool>,
}

impl Seen {
    /// Meets all pairs; `None` when there are too many different ones.
    fn count<'a>(&mut self, pairs: impl Iterator<Item = (&'a u8, &'a u8)>) -> Option<()> {
        self.code_of.resize(1 << 16, 0);
        self.met.resize(1 << 16, false);
        for (code, bin) in self.pairs.drain(..) {
            self.met[index(code, bin)] = false;
        }
        for (code, bin) in pairs {
            let at = index(*code, *bin);
            if !self.met[at] {
                if self.pairs.len() == MAX_TUPLES {
                    return None;
                }
                self.met[at] = true;
                self.code_of[at] = self.pairs.len() as u8;
                self.pairs.push((*code, *bin));
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use modelwright_core::data::Codes;

    use super::super::row_bins::Rows;
    use super::*;

    /// Joins the columns as they are and with sparse ones kept sparse, which must agree.
    fn joined(columns: &[Vec<u8>]) -> Vec<JointColumn> {
        let dense: Vec<RowBins<'_>> =
            columns.iter().map(|codes| RowBins::Dense(Cow::Borrowed(codes))).collect();
        let codes: Vec<Codes> = columns.iter().map(|codes| codes.clone().into()).collect();
        let rows: Vec<u32> = (0..columns[0].len() as u32).collect();
        let chosen = Rows::new(&rows, rows.len(), true);
        let sparse: Vec<RowBins<'_>> = codes.iter().map(|c| RowBins::of(c, &chosen)).collect();
        let (dense, sparse) = (join(&dense), join(&sparse));
        let shape = |joint: &[JointColumn]| -> Vec<(Vec<usize>, usize)> {
            joint.iter().map(|column| (column.members.clone(), column.tuples.len())).collect()
        };
        assert_eq!(shape(&dense), shape(&sparse));
        check(columns, &dense);
        check(columns, &sparse);
        sparse
    }

    fn check(columns: &[Vec<u8>], joint: &[JointColumn]) {
        for column in joint {
            assert!(column.tuples.len() <= MAX_TUPLES && column.members.len() > 1);
            for code in 0..MAX_TUPLES {
                let occurs = column.codes.iter().any(|c| usize::from(*c) == code);
                assert_eq!(occurs, code < column.tuples.len());
            }
            for (row, code) in column.codes.iter().enumerate() {
                let tuple = &column.tuples[usize::from(*code)];
                for (member, bin) in column.members.iter().zip(tuple) {
                    assert_eq!(columns[*member][row], *bin);
                }
            }
        }
    }

    #[test]
    fn eight_yes_no_columns_or_forty_exclusive_ones_become_one() {
        let bits: Vec<Vec<u8>> =
            (0..8).map(|bit| (0..600_u32).map(|row| (row >> bit & 1) as u8).collect()).collect();
        let joint = joined(&bits);
        assert_eq!(joint.len(), 1);
        let exclusive: Vec<Vec<u8>> =
            (0..40).map(|k| (0..5000).map(|row| u8::from(row % 41 == k)).collect()).collect();
        let joint = joined(&exclusive);
        assert_eq!((joint.len(), joint[0].tuples.len()), (1, 41));
    }

    #[test]
    fn columns_with_too_many_tuples_stay_apart_even_if_only_late_rows_show_it() {
        let n = 20_000_u32;
        // Few tuples in the first rows and in the sample, all 400 in the odd rows at the end.
        let column = |shift: u32| {
            (0..n).map(move |r| if r > 19_000 && r % 2 == 1 { (r / shift % 20) as u8 } else { 0 })
        };
        let columns = vec![column(2).collect(), column(40).collect()];
        assert!(joined(&columns).is_empty());
        let wide = vec![(0..n).map(|r| (r % 200) as u8).collect(), column(2).collect()];
        assert!(joined(&wide).is_empty());
    }

    #[test]
    fn a_bin_that_all_rows_of_a_code_have_takes_that_codes_place() {
        // The second column is unusual just where the first one is, so that no code is added.
        let first: Vec<u8> = (0..320).map(|r| u8::from(r % 40 == 0)).collect();
        let second: Vec<u8> = (0..320).map(|r| if r % 40 == 0 { 5 } else { 2 }).collect();
        let third: Vec<u8> = (0..320).map(|r| u8::from(r % 80 == 0)).collect();
        let joint = joined(&[first, second, third]);
        assert_eq!((joint.len(), joint[0].tuples.len()), (1, 3));
    }

    #[test]
    fn a_column_of_thousands_of_features_is_written_down_once() {
        // No more rows than tuples: everything joins. Copies of all tuples for each feature would
        // be 60 million rows of up to 6,000 bytes.
        let n = 60_u32;
        let columns: Vec<Vec<u8>> = (0..6000_u32)
            .map(|k| (0..n).map(|r| (r.wrapping_mul(k + 7) % (3 + k % 40)) as u8).collect())
            .collect();
        let joint = joined(&columns);
        assert_eq!(joint.iter().map(|column| column.members.len()).sum::<usize>(), 6000);
        assert_eq!(joint.len(), 1);
    }
}
