//! How many thresholds are below each value: the code of a value.
//!
//! Few thresholds are compared one after the other with all rows. More are a search tree in
//! breadth-first order that is padded with infinities to a power of two: node `i` has the children
//! `2i` and `2i + 1`, and the last step lands on the code. With AVX-512 the top levels of the tree
//! are permutations of registers; elsewhere they are looked up in memory.

#[cfg(target_arch = "x86_64")]
mod x86_64;

use super::PART;
use super::bytes::Unit;
use crate::dispatch::vectorised;

/// The most distinct thresholds: codes are bytes, and 255 means missing.
pub(super) const MAX_THRESHOLDS: usize = 255;
/// Up to this many thresholds each one is compared with all rows.
const FEW: usize = 40;
/// The same where the search is made of permutations.
const FEW_PERMUTED: usize = 6;

/// The distinct thresholds of a feature.
#[derive(Debug, Clone, Default)]
pub(super) struct Search {
    /// Ascending.
    thresholds: Vec<f32>,
    /// The search tree, at least 16 places of which the first is not used.
    tree: Vec<f32>,
}

impl Search {
    /// # Panics
    /// If there are none or too many thresholds, or they do not ascend.
    pub(super) fn new(thresholds: Vec<f32>) -> Self {
        assert!((1..=MAX_THRESHOLDS).contains(&thresholds.len()), "ranks are bytes");
        assert!(thresholds.windows(2).all(|pair| pair[0] < pair[1]), "thresholds ascend");
        let places = (thresholds.len() + 1).next_power_of_two().max(16);
        let mut tree = vec![f32::INFINITY; places];
        for (node, threshold) in tree.iter_mut().enumerate().skip(1) {
            // Node `i` of a level of `len` nodes is the (2k + 1)-th of 2 len equal steps.
            let len = 1 << node.ilog2();
            let sorted = (2 * (node - len) + 1) * (places / (2 * len)) - 1;
            if let Some(value) = thresholds.get(sorted) {
                *threshold = *value;
            }
        }
        Self { thresholds, tree }
    }

    /// How many thresholds are below this one.
    pub(super) fn rank(&self, threshold: f32) -> u8 {
        self.thresholds.partition_point(|t| *t < threshold) as u8
    }

    /// The codes of whole parts of rows; missing values have code 0. The machine must have `unit`.
    pub(super) fn codes(&self, unit: Unit, values: &[f32], out: &mut [u8]) {
        assert!(values.len() == out.len() && out.len().is_multiple_of(PART), "whole parts");
        let permuted = unit >= Unit::Avx512;
        if self.thresholds.len() <= if permuted { FEW_PERMUTED } else { FEW } {
            return count(&self.thresholds, values, out);
        }
        #[cfg(target_arch = "x86_64")]
        if permuted {
            return x86_64::climb(&self.tree, values, out);
        }
        climb(&self.tree, values, out);
    }
}

vectorised! {
    /// How many of a few thresholds are below each value (none are below NaN), for whole parts.
    fn count(thresholds: &[f32], values: &[f32], out: &mut [u8]) = count_generic
}

#[inline(always)]
fn count_generic(thresholds: &[f32], values: &[f32], out: &mut [u8]) {
    for (values, out) in values.as_chunks::<PART>().0.iter().zip(out.as_chunks_mut::<PART>().0) {
        let mut counts = [0_u32; PART];
        for threshold in thresholds {
            for (count, x) in counts.iter_mut().zip(values) {
                *count += u32::from(*x > *threshold);
            }
        }
        for (out, count) in out.iter_mut().zip(counts) {
            *out = count as u8;
        }
    }
}

vectorised! {
    /// As [`count`] by a search tree.
    fn climb(tree: &[f32], values: &[f32], out: &mut [u8]) = climb_generic
}

#[inline(always)]
fn climb_generic(tree: &[f32], values: &[f32], out: &mut [u8]) {
    assert!(tree.len().is_power_of_two(), "a tree is padded");
    let n_levels = tree.len().ilog2();
    for (values, out) in values.as_chunks::<PART>().0.iter().zip(out.as_chunks_mut::<PART>().0) {
        let mut nodes = [1_u32; PART];
        for _ in 0..n_levels {
            for (node, x) in nodes.iter_mut().zip(values) {
                // SAFETY: before step `s` the node is below 2^(s + 1), and there are as many steps
                // as make that the length of the tree.
                let threshold = unsafe { *tree.get_unchecked(*node as usize) };
                *node = 2 * *node + u32::from(*x > threshold);
            }
        }
        for (out, node) in out.iter_mut().zip(nodes) {
            *out = (node - tree.len() as u32) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_searching_counts_the_thresholds_below() {
        let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0, f32::MAX, f32::MIN];
        for n in [1, 2, 6, 7, 15, 16, 31, 32, 40, 41, 63, 64, 127, 128, 200, 254, 255] {
            let mut thresholds: Vec<f32> = (0..n).map(|i| (i as f32 - 3.0) / 7.0).collect();
            if n > 2 {
                thresholds[0] = f32::NEG_INFINITY;
                thresholds[n - 1] = f32::INFINITY;
            }
            let search = Search::new(thresholds.clone());
            let values: Vec<f32> =
                (0..4 * PART).map(|i| (i as f32 - 9.0) / 7.0).chain(special).collect();
            let values = &values[special.len()..];
            let wanted: Vec<u8> = (values.iter())
                .map(|x| thresholds.iter().filter(|t| x > *t).count() as u8)
                .collect();
            let mut got = vec![vec![0; values.len()]; 4];
            count_generic(&thresholds, values, &mut got[0]);
            climb_generic(&search.tree, values, &mut got[1]);
            climb(&search.tree, values, &mut got[2]);
            search.codes(super::super::bytes::unit(), values, &mut got[3]);
            for got in got {
                assert_eq!(got, wanted, "{n} thresholds");
            }
        }
    }
}
