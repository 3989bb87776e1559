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
//! leaf's total. This contains the packing of small bins and the bundling of exclusive features
//! (Ke et al., "LightGBM", NeurIPS 2017, section 4), without its conflicts: the result is exact.

use super::bins::BinFeature;

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

/// Joins what can be joined; features that are in no column stay by themselves.
///
/// Every column has at least two members. The result depends on nothing but the bins.
pub fn join(features: &[BinFeature<'_>]) -> Vec<JointColumn> {
    let mut columns: Vec<JointColumn> = Vec::new();
    let mut seen = Seen::default();
    for (position, spread) in by_spread(features) {
        let codes = &features[position].codes;
        let open = columns.iter_mut().rev().filter(|c| c.has_room_for(spread.n_bins));
        let joined = open.take(MAX_OFFERS).any(|column| column.take(position, codes, &mut seen));
        if !joined {
            columns.push(JointColumn::of(position, codes, spread.n_bins));
        }
    }
    columns.retain(|column| column.members.len() > 1);
    columns
}

/// How the rows of a feature spread over its bins.
struct Spread {
    n_bins: usize,
    n_usual: usize,
}

/// The features that may be joined, those most often at their usual bin first.
fn by_spread(features: &[BinFeature<'_>]) -> Vec<(usize, Spread)> {
    let mut spreads: Vec<(usize, Spread)> = features
        .iter()
        .enumerate()
        .filter_map(|(position, feature)| {
            let mut counts = [0_usize; 256];
            for code in feature.codes.iter() {
                counts[usize::from(*code)] += 1;
            }
            let n_bins = counts.iter().filter(|n| **n > 0).count();
            let n_usual = counts.iter().copied().max().unwrap_or(0);
            (n_bins <= MAX_BINS).then_some((position, Spread { n_bins, n_usual }))
        })
        .collect();
    spreads.sort_by_key(|(position, spread)| (std::cmp::Reverse(spread.n_usual), *position));
    spreads
}

impl JointColumn {
    fn of(position: usize, codes: &[u8], n_bins: usize) -> Self {
        let mut column =
            Self { members: vec![position], codes: vec![0; codes.len()], tuples: Vec::new() };
        let mut code_of = [None; 256];
        for (code, bin) in column.codes.iter_mut().zip(codes) {
            *code = *code_of[usize::from(*bin)].get_or_insert_with(|| {
                column.tuples.push(vec![*bin]);
                (column.tuples.len() - 1) as u8
            });
        }
        debug_assert_eq!(column.tuples.len(), n_bins, "one tuple per occupied bin");
        column
    }

    /// Whether a feature could be taken at all: each of its bins needs a tuple.
    fn has_room_for(&self, n_bins: usize) -> bool {
        self.tuples.len().max(n_bins) < MAX_TUPLES
    }

    /// Takes a feature, if there are not too many tuples then.
    fn take(&mut self, position: usize, bins: &[u8], seen: &mut Seen) -> bool {
        let step = (bins.len() / SAMPLE_ROWS).max(1);
        let sample = self.codes.iter().zip(bins).step_by(step);
        if seen.count(sample).is_none() || seen.count(self.codes.iter().zip(bins)).is_none() {
            return false;
        }
        let tuples = seen.pairs.iter().map(|(code, bin)| {
            let mut tuple = self.tuples[usize::from(*code)].clone();
            tuple.push(*bin);
            tuple
        });
        self.tuples = tuples.collect();
        for (code, bin) in self.codes.iter_mut().zip(bins) {
            *code = seen.code_of[index(*code, *bin)];
        }
        self.members.push(position);
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

    use super::*;

    fn features(columns: &[Vec<u8>]) -> Vec<BinFeature<'_>> {
        let cuts: &[f32] = &[0.5; 253];
        let codes = columns.iter().map(|codes| Cow::Borrowed(&**codes));
        (0..)
            .zip(codes)
            .map(|(index, codes)| BinFeature { index, codes, cuts, is_category: false })
            .collect()
    }

    fn check(columns: &[Vec<u8>], joint: &[JointColumn]) {
        for column in joint {
            assert!(column.tuples.len() <= MAX_TUPLES && column.members.len() > 1);
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
        let joint = join(&features(&bits));
        assert_eq!(joint.len(), 1);
        check(&bits, &joint);
        let exclusive: Vec<Vec<u8>> =
            (0..40).map(|k| (0..5000).map(|row| u8::from(row % 41 == k)).collect()).collect();
        let joint = join(&features(&exclusive));
        assert_eq!((joint.len(), joint[0].tuples.len()), (1, 41));
        check(&exclusive, &joint);
    }

    #[test]
    fn columns_with_too_many_tuples_stay_apart_even_if_only_late_rows_show_it() {
        let n = 20_000_u32;
        // Few tuples in the first rows and in the sample, all 400 in the odd rows at the end.
        let column = |shift: u32| {
            (0..n).map(move |r| if r > 19_000 && r % 2 == 1 { (r / shift % 20) as u8 } else { 0 })
        };
        let columns = vec![column(2).collect(), column(40).collect()];
        assert!(join(&features(&columns)).is_empty());
        let wide = vec![(0..n).map(|r| (r % 200) as u8).collect(), column(2).collect()];
        assert!(join(&features(&wide)).is_empty());
    }
}
