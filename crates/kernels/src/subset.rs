//! Splits of a categorical feature: which levels go left.
//!
//! Levels are sorted by what their leaf would be worth, `G / (H + smooth)`; among all divisions in
//! two, one that cuts this order is best (for one output and a convex loss). Prefixes from both
//! ends are tried, `max_levels` long at most, whenever another `min_group` of Hessian has come
//! together. With few levels each is tried alone instead. The bin of missing values is a level
//! like any other; levels that the leaf does not have are not in the set, and so go right.
//!
//! References: Fisher, "On grouping for maximum homogeneity", JASA 53, 1958; Ke et al., "LightGBM",
//! NeurIPS 2017, whose smoothing and penalties these are.

use crate::bounded::Bounds;
use crate::entry::{Entry, gradient_units, hessian_units};
use crate::partition::divide_by_table;
use crate::threshold::{Cut, Rule};

/// Bins as bits: bit `b % 64` of word `b / 64`.
pub type Subset = [u64; 4];

/// How levels are grouped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelRule {
    /// Hessian that is added to each level's before levels are sorted.
    pub smooth: f64,
    /// Added to the rule's `l2` for both children.
    pub l2: f64,
    /// The most levels of the smaller list, the one that goes left.
    pub max_levels: usize,
    /// Up to this many levels each is tried alone, without the penalty.
    pub max_one_hot: usize,
    /// The least Hessian of a step along the order, in units.
    pub min_group_units: i32,
}

/// Whether a bin is in the subset.
#[inline]
pub fn contains(subset: &Subset, bin: u8) -> bool {
    subset[usize::from(bin / 64)] >> (bin % 64) & 1 == 1
}

/// A subset of bins.
pub fn subset_of(bins: &[u8]) -> Subset {
    let mut subset = [0; 4];
    for bin in bins {
        subset[usize::from(bin / 64)] |= 1 << (bin % 64);
    }
    subset
}

/// The bins that have any Hessian, by `G / (H + smooth)`, ties by bin.
pub fn sorted_levels(histogram: &[i64], rule: &Rule, smooth: f64) -> Vec<u8> {
    let key = |sum: i64| {
        let g = f64::from(gradient_units(sum)) * rule.gradient_unit;
        g / (f64::from(hessian_units(sum)) * rule.hessian_unit + smooth)
    };
    let mut levels: Vec<(f64, u8)> = (histogram.iter().enumerate())
        .filter(|(_, sum)| hessian_units(**sum) > 0)
        .map(|(bin, sum)| (key(*sum), bin as u8))
        .collect();
    levels.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    levels.into_iter().map(|(_, bin)| bin).collect()
}

/// The best split of a leaf by the levels of a feature; the last bin is that of missing values.
///
/// The cut's `bin` has no meaning and is 0.
pub fn best_subset(
    histogram: &[i64],
    total: i64,
    rule: &Rule,
    levels: &LevelRule,
    bounds: &Bounds,
) -> Option<(Cut, Subset)> {
    let order = sorted_levels(histogram, rule, levels.smooth);
    let mut search = Search { histogram, total, rule: *rule, bounds, parent: 0.0, best: None };
    search.parent = rule.score_within(total, bounds);
    if order.len() <= levels.max_one_hot {
        // The last one alone is the first of two the other way round.
        let n = if order.len() == 2 { 1 } else { order.len() };
        for bin in &order[..n] {
            search.consider(histogram[usize::from(*bin)], std::slice::from_ref(bin));
        }
        return search.best;
    }
    search.rule.l2 += levels.l2;
    let longest = levels.max_levels.min(order.len().div_ceil(2)).min(order.len() - 1);
    search.prefixes(&order, longest, levels.min_group_units);
    let backwards: Vec<u8> = order.into_iter().rev().collect();
    search.prefixes(&backwards, longest, levels.min_group_units);
    search.best
}

/// One given division: `left` holds the bins that go left.
pub fn one_subset(
    histogram: &[i64],
    total: i64,
    rule: &Rule,
    levels: &LevelRule,
    bounds: &Bounds,
    left: &[u8],
) -> Option<(Cut, Subset)> {
    let mut search = Search { histogram, total, rule: *rule, bounds, parent: 0.0, best: None };
    search.parent = rule.score_within(total, bounds);
    search.rule.l2 += levels.l2;
    search.consider(left.iter().map(|bin| histogram[usize::from(*bin)]).sum(), left);
    search.best
}

struct Search<'a> {
    histogram: &'a [i64],
    total: i64,
    /// That of the children.
    rule: Rule,
    bounds: &'a Bounds,
    parent: f64,
    best: Option<(Cut, Subset)>,
}

impl Search<'_> {
    fn prefixes(&mut self, order: &[u8], longest: usize, min_group: i32) {
        let (mut left, mut of_group) = (0_i64, 0_i64);
        for n in 1..=longest {
            let sum = self.histogram[usize::from(order[n - 1])];
            left += sum;
            of_group += i64::from(hessian_units(sum));
            if of_group < i64::from(min_group) {
                continue;
            }
            if hessian_units(self.total - left) < min_group {
                break;
            }
            of_group = 0;
            self.consider(left, &order[..n]);
        }
    }

    fn consider(&mut self, left: i64, bins: &[u8]) {
        let Some(children) = self.rule.children_within(left, self.total - left, self.bounds) else {
            return;
        };
        let gain = children - self.parent;
        let least = self.best.as_ref().map_or(self.parent.abs() * 1e-12, |(cut, _)| cut.gain);
        if gain > least {
            let missing = (self.histogram.len() - 1) as u8;
            let missing_left = bins.contains(&missing);
            self.best = Some((Cut { gain, bin: 0, missing_left, left }, subset_of(bins)));
        }
    }
}

/// Entries whose bin goes left to the front of `out` in order, the others to its back in reverse
/// order; returns how many went left. See [`crate::partition::divide`].
///
/// # Panics
/// If a row has no bin in `bins`, or `out` is too short.
pub fn divide_by_subset(
    entries: &[Entry],
    out: &mut [Entry],
    bins: &[u8],
    subset: &Subset,
) -> usize {
    let goes_left: [bool; 256] = std::array::from_fn(|bin| contains(subset, bin as u8));
    divide_by_table(entries, out, bins, &goes_left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::row;

    fn sum(g: i64, h: i64) -> i64 {
        (g << 32) + h
    }

    const RULE: Rule =
        Rule { gradient_unit: 0.01, hessian_unit: 0.02, l1: 0.0, l2: 0.5, min_hessian_units: 1 };
    const LEVELS: LevelRule =
        LevelRule { smooth: 0.0, l2: 0.0, max_levels: 256, max_one_hot: 0, min_group_units: 0 };

    fn best(histogram: &[i64], levels: &LevelRule) -> Option<(Cut, Subset)> {
        best_subset(histogram, histogram.iter().sum(), &RULE, levels, &Bounds::NONE)
    }

    /// The best of all divisions in two.
    fn exhaustive(histogram: &[i64]) -> f64 {
        let total: i64 = histogram.iter().sum();
        let gain = |mask: u32| {
            let left: i64 =
                (0..histogram.len()).filter(|b| mask >> b & 1 == 1).map(|b| histogram[b]).sum();
            RULE.score(left) + RULE.score(total - left) - RULE.score(total)
        };
        (0..1 << histogram.len()).map(gain).fold(0.0, f64::max)
    }

    #[test]
    fn the_sorted_search_finds_the_best_of_all_divisions() {
        let rule = Rule { l2: 0.0, ..RULE };
        for salt in 0..40_i64 {
            let bin = |i: i64| sum((i * 7919 + salt * 31) % 201 - 100, 1 + (i * 104 + salt) % 17);
            let histogram: Vec<i64> = (0..9).map(bin).collect();
            let total: i64 = histogram.iter().sum();
            let (cut, subset) =
                best_subset(&histogram, total, &rule, &LEVELS, &Bounds::NONE).unwrap();
            let left: i64 = (0..9_u8)
                .filter(|b| contains(&subset, *b))
                .map(|b| histogram[usize::from(b)])
                .sum();
            assert_eq!((left, contains(&subset, 8)), (cut.left, cut.missing_left));
            // Only half of the levels are tried from each end, which is all of them together.
            let mut all = 0.0_f64;
            for mask in 0..1 << 9 {
                let left: i64 = (0..9).filter(|b| mask >> b & 1 == 1).map(|b| histogram[b]).sum();
                let gain = rule.score(left) + rule.score(total - left) - rule.score(total);
                all = all.max(gain);
            }
            assert!((cut.gain - all).abs() < 1e-9 * all, "{salt}: {} {all}", cut.gain);
        }
    }

    #[test]
    fn few_levels_are_tried_alone_and_absent_ones_are_in_no_set() {
        let histogram = [sum(10, 50), 0, sum(-30, 50), sum(12, 40), sum(9, 50)];
        let one_hot = LevelRule { max_one_hot: 4, ..LEVELS };
        let (cut, subset) = best(&histogram, &one_hot).unwrap();
        assert_eq!((subset, cut.missing_left), (subset_of(&[2]), false));
        assert!(cut.gain <= exhaustive(&histogram) + 1e-9);
        let alone = [sum(10, 50), 0, 0];
        assert_eq!(best(&alone, &one_hot), None);
        assert_eq!(best(&alone, &LEVELS), None);
    }

    #[test]
    fn smoothing_groups_and_the_penalty_hold_small_levels_back() {
        let mut histogram = vec![sum(1, 200), sum(-1, 200), sum(2, 200), sum(40, 2), 0];
        let free = best(&histogram, &LEVELS).unwrap();
        assert_eq!(free.1, subset_of(&[3]));
        let grouped = LevelRule { min_group_units: 50, ..LEVELS };
        assert_ne!(best(&histogram, &grouped).map(|b| b.1), Some(subset_of(&[3])));
        let penalised = LevelRule { l2: 10.0, ..LEVELS };
        assert!(best(&histogram, &penalised).is_none_or(|b| b.0.gain < free.0.gain));
        let order = |smooth| sorted_levels(&histogram, &RULE, smooth);
        assert_eq!(order(0.0), [1, 0, 2, 3]);
        assert_eq!(order(1e9).last(), Some(&3));
        histogram[3] = sum(1, 2);
        assert_eq!(sorted_levels(&histogram, &RULE, 4.0), [1, 0, 3, 2]);
    }

    #[test]
    fn a_division_by_a_subset_keeps_order_and_every_entry() {
        let bins: Vec<u8> = (0..600_u32).map(|i| (i * 37 % 11) as u8).collect();
        for n in 0..=257_u64 {
            let entries: Vec<Entry> = (0..n).map(|i| (i << 32) | (i * 2 + 1)).collect();
            let subset = subset_of(&[0, 3, 10]);
            let is_left = |e: &Entry| contains(&subset, bins[row(*e) as usize]);
            let (left, right): (Vec<Entry>, Vec<Entry>) = entries.iter().partition(|e| is_left(e));
            let mut out = vec![0; n as usize];
            let n_left = divide_by_subset(&entries, &mut out, &bins, &subset);
            let back: Vec<Entry> = out[n_left..].iter().rev().copied().collect();
            assert_eq!((&out[..n_left], back), (&left[..], right));
        }
    }
}
