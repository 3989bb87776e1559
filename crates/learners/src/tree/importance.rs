//! How much each feature mattered to trees while they were grown.
//!
//! Three counts that are read off the trees without data: the gain of a feature's splits, how many
//! there are, and how many rows they saw. All favour features with many distinct values; for what
//! a feature does to predictions see the mean absolute Shapley value
//! ([`crate::tree::shap::Contributions::mean_abs`]).

use serde::Serialize;

use super::Tree;

/// Importances by feature.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Importances {
    /// By how much its splits reduced the loss, in all.
    pub gain: Vec<f64>,
    /// How many splits it has.
    pub splits: Vec<f64>,
    /// How many training rows (or how much weight) its splits saw, in all.
    pub cover: Vec<f64>,
}

impl Importances {
    /// Counts over all trees.
    ///
    /// # Panics
    /// If a tree tests a feature from `n_features` on.
    pub fn of(trees: &[Tree], n_features: usize) -> Self {
        let zero = || vec![0.0; n_features];
        let mut sums = Self { gain: zero(), splits: zero(), cover: zero() };
        for tree in trees {
            for ((feature, gain), cover) in tree.features.iter().zip(&tree.gains).zip(&tree.covers)
            {
                let feature = *feature as usize;
                sums.gain[feature] += f64::from(*gain);
                sums.splits[feature] += 1.0;
                sums.cover[feature] += f64::from(*cover);
            }
        }
        sums
    }

    /// Each kind divided by its sum, so that it sums to 1 (unless nothing was split).
    #[must_use]
    pub fn normalised(&self) -> Self {
        let [gain, splits, cover] = [&self.gain, &self.splits, &self.cover].map(|v| shares(v));
        Self { gain, splits, cover }
    }
}

/// Values divided by their sum; unchanged when that is not positive.
pub fn shares(values: &[f64]) -> Vec<f64> {
    let total: f64 = values.iter().sum();
    values.iter().map(|v| if total > 0.0 { v / total } else { *v }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_and_shares_are_those_of_the_splits() {
        let tree = Tree {
            features: vec![2, 0, 2],
            thresholds: vec![0.0; 3],
            missing_left: vec![true; 3],
            children: vec![[1, 2], [!0, !1], [!2, !3]],
            gains: vec![5.0, 1.0, 2.0],
            covers: vec![10.0, 6.0, 4.0],
            values: vec![0.0; 4],
            leaf_covers: vec![3.0, 3.0, 2.0, 2.0],
            ..Tree::default()
        };
        let found = Importances::of(&[tree, Tree::constant(1.0, 3.0)], 4);
        assert_eq!(found.gain, [1.0, 0.0, 7.0, 0.0]);
        assert_eq!(found.splits, [1.0, 0.0, 2.0, 0.0]);
        assert_eq!(found.cover, [6.0, 0.0, 14.0, 0.0]);
        let shares = found.normalised();
        assert_eq!(shares.gain, [0.125, 0.0, 0.875, 0.0]);
        assert_eq!(shares.cover, [0.3, 0.0, 0.7, 0.0]);
        let none = Importances::of(&[Tree::constant(1.0, 3.0)], 2);
        assert_eq!(none.normalised().gain, [0.0, 0.0]);
    }
}
