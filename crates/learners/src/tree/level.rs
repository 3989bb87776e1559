//! The best cut of a level of an oblivious tree, feature by feature.
//!
//! Gains of all cuts of a feature are added up leaf by leaf; then the best one is taken, shaken by
//! chance if the rule says so. The levels of a category are cut like numbers, in the order of what
//! they are worth over the whole level.

use modelwright_core::random::Random;
use modelwright_kernels::bounded::add_gains_within;
use modelwright_kernels::level::{Gains, add_gains};
use modelwright_kernels::subset::subset_of;
use modelwright_kernels::threshold::Rule;

use super::oblivious::{Leaf, MAX_DEPTH};
use super::partition::Test;
use super::split::{SplitRule, random_bin};

/// Equal sums on both sides leave this share of the score as rounding dust, which is no gain.
const ROUNDING: f64 = 1e-6;

/// The cut of a level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LevelSplit {
    /// Position in [`super::TrainBins::features`].
    pub(super) feature: usize,
    pub(super) test: Test,
    /// What decides: the gain, or the shaken score.
    pub(super) score: f64,
    /// No row of the level lacks the feature.
    pub(super) no_missing: bool,
}

/// Gains of the cuts of one feature, summed over leaves.
#[derive(Clone)]
pub(super) struct LevelSums {
    /// Missing values right.
    right_way: Gains,
    /// Missing values left.
    left_way: Gains,
    /// All leaves together, as one histogram; needed only to draw cuts and to know missing values.
    pub(super) all: [i64; 256],
    /// Of a category: the bins in the order in which they are cut.
    pub(super) order: Option<Vec<u8>>,
    /// Of a category: what every gain has too much.
    penalty: f64,
}

impl LevelSums {
    pub(super) fn new() -> Self {
        let none = [0.0; 256];
        Self { right_way: none, left_way: none, all: [0; 256], order: None, penalty: 0.0 }
    }

    /// Adds one leaf; without a direction only to what is known of all leaves together.
    pub(super) fn add(
        &mut self,
        histogram: &[i64],
        leaf: &Leaf,
        rule: &Rule,
        direction: Option<i8>,
    ) {
        let (right_way, left_way) = (&mut self.right_way, &mut self.left_way);
        match direction {
            Some(0) if leaf.bounds.is_none() => {
                add_gains(histogram, leaf.sum, rule, right_way, left_way);
            }
            Some(direction) => {
                let bounds = &leaf.bounds;
                add_gains_within(histogram, leaf.sum, rule, bounds, direction, right_way, left_way);
            }
            None => {}
        }
        for (all, sum) in self.all.iter_mut().zip(histogram) {
            *all += sum;
        }
    }

    /// Adds one leaf's levels in their order; the penalty of `grouped` is on the children only.
    pub(super) fn add_sorted(&mut self, sorted: &[i64], leaf: &Leaf, grouped: &Rule, rule: &Rule) {
        if sorted.len() < 2 {
            return;
        }
        let (right_way, left_way) = (&mut self.right_way, &mut self.left_way);
        add_gains_within(sorted, leaf.sum, grouped, &leaf.bounds, 0, right_way, left_way);
        self.penalty += rule.score(leaf.sum) - grouped.score(leaf.sum);
    }

    /// The best cut; `parent` is the score of the level before it is split.
    pub(super) fn best(
        &self,
        rule: &SplitRule,
        feature: usize,
        level: usize,
        n_values: usize,
        parent: f64,
    ) -> Option<LevelSplit> {
        if let Some(order) = &self.order {
            return self.best_of_levels(rule, feature, level, order, parent);
        }
        let no_missing = self.all[n_values] == 0;
        let n_right = if no_missing { n_values - 1 } else { n_values };
        let n_left = if no_missing { 0 } else { n_values - 1 };
        let drawn = if rule.extra_trees {
            Some(self.drawn_bin(rule, feature, level, n_values)?)
        } else {
            None
        };
        let mut noise = rule.random(level as u64, feature as u64);
        let least = rule.min_split_gain.max(parent * ROUNDING);
        let mut best: Option<LevelSplit> = None;
        let ways = [(&self.right_way[..n_right], false), (&self.left_way[..n_left], true)];
        for (gains, missing_left) in ways {
            for (bin, gain) in gains.iter().enumerate() {
                let score = rule.shaken(*gain, parent, &mut noise);
                let asked = *gain > least && drawn.is_none_or(|drawn| drawn == bin);
                if asked && best.is_none_or(|b| score > b.score) {
                    let test = Test { bin: bin as u8, missing_left, subset: None };
                    best = Some(LevelSplit { feature, test, score, no_missing });
                }
            }
        }
        best
    }

    /// The best number of levels, in their order, that go left.
    fn best_of_levels(
        &self,
        rule: &SplitRule,
        feature: usize,
        level: usize,
        order: &[u8],
        parent: f64,
    ) -> Option<LevelSplit> {
        let n = order.len().checked_sub(1).filter(|n| *n > 0)?;
        let stream = (level + MAX_DEPTH + 1) as u64;
        let drawn = rule.extra_trees.then(|| rule.random(stream, feature as u64).below(n));
        let mut noise = rule.random(level as u64, feature as u64);
        let least = rule.min_split_gain.max(parent * ROUNDING);
        let mut best: Option<(usize, f64)> = None;
        for (last, gain) in self.right_way[..n].iter().enumerate() {
            let gain = gain - self.penalty;
            let score = rule.shaken(gain, parent, &mut noise);
            let asked = gain > least && drawn.is_none_or(|drawn| drawn == last);
            if asked && best.is_none_or(|(_, most)| score > most) {
                best = Some((last, score));
            }
        }
        let (last, score) = best?;
        let left = &order[..=last];
        let test = Test { bin: 0, missing_left: false, subset: Some(subset_of(left)) };
        Some(LevelSplit { feature, test, score, no_missing: false })
    }

    fn drawn_bin(
        &self,
        rule: &SplitRule,
        feature: usize,
        level: usize,
        n_values: usize,
    ) -> Option<usize> {
        // Another stream than that of the noise.
        let stream = (level + MAX_DEPTH + 1) as u64;
        random_bin(&self.all[..=n_values], || rule.random(stream, feature as u64))
    }
}

impl SplitRule {
    /// What decides between cuts: the gain, or the square root of the score with a random number.
    fn shaken(&self, gain: f64, parent: f64, noise: &mut Random) -> f64 {
        if self.score_noise == 0.0 {
            return gain;
        }
        (gain + parent).max(0.0).sqrt() + self.score_noise * nearly_normal(noise)
    }
}

/// The sum of four uniform numbers, brought to mean 0 and variance 1.
fn nearly_normal(random: &mut Random) -> f64 {
    const STEP: f64 = 1.0 / 65_536.0;
    let bits = random.next_u64();
    let sum: u64 = (0..4).map(|i| bits >> (16 * i) & 0xffff).sum();
    (sum as f64 * STEP - 2.0 + 2.0 * STEP) * 3.0_f64.sqrt()
}

/// The cut with the larger score; on a tie the lower feature, so that block order is irrelevant.
pub(super) fn better(a: Option<LevelSplit>, b: Option<LevelSplit>) -> Option<LevelSplit> {
    match (a, b) {
        (Some(x), Some(y)) => {
            let second = y.score > x.score || (y.score == x.score && y.feature < x.feature);
            Some(if second { y } else { x })
        }
        (x, None) => x,
        (None, y) => y,
    }
}
