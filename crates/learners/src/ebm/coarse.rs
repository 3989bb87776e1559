//! Coarser bins for pairs: at most 31 groups of a feature's bins, and one for missing values.
//!
//! Groups are runs of bins with about equal numbers of rows; levels of a category are first put in
//! the order of the function that the feature has alone, so that a run of levels is a group of
//! similar ones.

use super::mains::BINS;

/// Places along each side of a pair's table.
pub(super) const SIDE: usize = 32;
/// The place of missing values; groups of values come before it.
pub(super) const MISSING: usize = SIDE - 1;

/// The groups of a feature.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Coarse {
    /// The group of each bin, the missing bin last.
    pub(super) group_of: Vec<u8>,
}

impl Coarse {
    /// Groups bins by their rows in `counts`, the missing bin last; `function` is what a category
    /// has alone, by bin, and `None` for values that have an order.
    pub(super) fn new(counts: &[u32], function: Option<&[f64]>) -> Self {
        let n_values = counts.len() - 1;
        let mut order: Vec<usize> = (0..n_values).collect();
        if let Some(function) = function {
            order.sort_by(|a, b| function[*a].total_cmp(&function[*b]));
        }
        let mut group_of = vec![MISSING as u8; counts.len()];
        let occupied = order.iter().filter(|bin| counts[**bin] > 0).count();
        let mut left: u32 = counts[..n_values].iter().sum();
        let (mut group, mut filled) = (0, 0);
        for bin in order {
            group_of[bin] = group as u8;
            filled += counts[bin];
            left -= counts[bin];
            let groups_left = MISSING - 1 - group;
            let wanted = (filled + left) as usize / (groups_left + 1).max(1);
            let is_full = filled > 0 && (occupied <= MISSING || filled as usize >= wanted.max(1));
            if is_full && groups_left > 0 && left > 0 {
                group += 1;
                filled = 0;
            }
        }
        Self { group_of }
    }
}

/// The place of a pair of groups in a table of [`SIDE`]².
#[inline]
pub(super) fn cell(a: u8, b: u8) -> u16 {
    u16::from(a) * SIDE as u16 + u16::from(b)
}

/// The groups of a feature whose function is `values`, if it is a category.
pub(super) fn of_feature(counts: &[u32; BINS], n_bins: usize, function: Option<&[f64]>) -> Coarse {
    Coarse::new(&counts[..n_bins], function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_bins_keep_a_group_each_and_many_share_evenly() {
        let few = Coarse::new(&[5, 0, 7, 9, 2], None);
        assert_eq!(few.group_of, [0, 1, 1, 2, MISSING as u8]);
        let many = Coarse::new(&[[10; 200].as_slice(), &[3]].concat(), None);
        assert_eq!(many.group_of[200], MISSING as u8);
        assert!(many.group_of[..200].windows(2).all(|w| w[0] <= w[1] && w[1] - w[0] <= 1));
        let mut rows = [0; SIDE];
        many.group_of[..200].iter().for_each(|g| rows[usize::from(*g)] += 10);
        assert_eq!(many.group_of[199], MISSING as u8 - 1, "all groups are used");
        assert!(rows[..MISSING].iter().all(|n| (40..=90).contains(n)), "{rows:?}");
    }

    #[test]
    fn a_heavy_bin_takes_a_group_and_the_rest_is_shared() {
        let mut counts = vec![1; 100];
        counts[50] = 10_000;
        counts.push(0);
        let coarse = Coarse::new(&counts, None);
        assert!(coarse.group_of[99] > 15, "{:?}", coarse.group_of);
    }

    #[test]
    fn levels_are_grouped_by_what_they_do() {
        let function: Vec<f64> = (0..64).map(|level| f64::from((level * 7) % 64)).collect();
        let coarse = Coarse::new(&[[4; 64].as_slice(), &[0]].concat(), Some(&function));
        let mut pairs: Vec<(f64, u8)> =
            function.iter().copied().zip(coarse.group_of.iter().copied()).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(pairs.windows(2).all(|w| w[0].1 <= w[1].1));
    }
}
