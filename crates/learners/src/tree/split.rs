//! The best split of a leaf, over the features that it may use.

use std::ops::Range;

use modelwright_core::random::Random;
use modelwright_kernels::bounded::{Bounds, best_cut_within};
use modelwright_kernels::entry::hessian_units;
use modelwright_kernels::subset::{LevelRule, Subset, best_subset, one_subset, sorted_levels};
use modelwright_kernels::threshold::{Cut, Rule, best_cut, one_cut};

use super::bins::TrainBins;
use super::block::Block;
use super::constraints::{Constraints, Groups};

/// What a split must obey and how features are drawn; the same for all leaves of a tree.
#[derive(Debug, Clone, Copy)]
pub struct SplitRule {
    /// Real gradient per unit.
    pub gradient_unit: f64,
    /// Real Hessian per unit.
    pub hessian_unit: f64,
    /// Penalty on the absolute value of a leaf.
    pub l1: f64,
    /// Penalty on the square of a leaf.
    pub l2: f64,
    /// The fewest rows of a leaf.
    pub min_samples_leaf: usize,
    /// The least Hessian of a leaf.
    pub min_child_weight: f64,
    /// The least gain of a split.
    pub min_split_gain: f64,
    /// The part of the tree's features that each level may use.
    pub feature_fraction_bylevel: f64,
    /// The part of the level's features that each node may use.
    pub feature_fraction_bynode: f64,
    /// Whether each feature is cut at one random place instead of the best.
    pub extra_trees: bool,
    /// The spread of the random numbers that oblivious trees add to the square root of each cut's
    /// score (which has the unit of a gradient); 0 adds none.
    pub score_noise: f64,
    /// How levels of categories are grouped.
    pub levels: LevelRule,
    /// The fewest rows of a group of levels.
    pub min_data_per_group: usize,
    /// The seed of the tree's draws.
    pub seed: u64,
}

/// A split of a leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// Position in [`TrainBins::features`].
    pub feature: usize,
    /// Where and what it gains.
    pub cut: Cut,
    /// The bins that go left, where the feature is a category.
    pub subset: Option<Subset>,
}

/// The leaf that is to be split.
#[derive(Debug, Clone, Copy)]
pub struct LeafSums {
    /// Gradients and Hessians.
    pub total: i64,
    /// How many rows it has.
    pub n_rows: usize,
    /// A number of its own within the tree, for random draws.
    pub id: u64,
    /// What its value must obey.
    pub bounds: Bounds,
}

/// Where in the tree a node is, as far as its features depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The node's number within the tree.
    pub id: u64,
    /// How many splits lie above it.
    pub depth: usize,
    /// The groups of features that hold all of its path.
    pub groups: Groups,
}

impl SplitRule {
    /// The rule of one leaf in the kernel's terms.
    ///
    /// Rows per bin are not counted: a child's rows are taken to be in proportion to its Hessian,
    /// exactly so when all Hessians are equal (LightGBM's estimate). The grower counts after the
    /// partition; where it finds too few, it asks again with the bound doubled.
    pub fn of_leaf(&self, leaf: &LeafSums, doublings: i32) -> Rule {
        let per_row = f64::from(hessian_units(leaf.total)) / leaf.n_rows.max(1) as f64;
        let by_rows = (self.min_samples_leaf as f64 - 0.5) * per_row * 2_f64.powi(doublings);
        let by_weight = self.min_child_weight / self.hessian_unit;
        let least = by_rows.max(by_weight).ceil().max(1.0);
        Rule {
            gradient_unit: self.gradient_unit,
            hessian_unit: self.hessian_unit,
            l1: self.l1,
            l2: self.l2,
            min_hessian_units: least.min(f64::from(i32::MAX)) as i32,
        }
    }

    /// Which of the tree's features a node may use; `None` is all of them.
    ///
    /// The nodes of a level draw from what the level has drawn, without what their path forbids.
    pub fn node_features(
        &self,
        tree_features: &[bool],
        constraints: &Constraints,
        place: Place,
    ) -> Option<Vec<bool>> {
        let mut allowed = draw(tree_features, self.feature_fraction_bylevel, || {
            Random::stream(self.seed, "tree level", place.depth as u64)
        });
        if constraints.has_groups() {
            constraints.forbid(place.groups, allowed.get_or_insert_with(|| tree_features.to_vec()));
        }
        let by_node =
            draw(allowed.as_deref().unwrap_or(tree_features), self.feature_fraction_bynode, || {
                self.random(place.id, u64::MAX)
            });
        by_node.or(allowed)
    }

    /// The bounds of a leaf's children, which have the given sums.
    pub fn child_bounds(&self, leaf: &LeafSums, direction: i8, sums: [i64; 2]) -> [Bounds; 2] {
        if direction == 0 {
            return [leaf.bounds; 2];
        }
        let rule = self.of_leaf(leaf, 0);
        leaf.bounds.of_children(direction, sums.map(|sum| rule.value(sum)))
    }

    /// The best split of a leaf by some features of one block.
    ///
    /// `members` are their positions there, `histogram` is that of the block. Ties go to the lower
    /// feature.
    pub fn best_of_members(
        &self,
        bins: &TrainBins<'_>,
        (block, members): (&Block, Range<usize>),
        histogram: &[i64],
        leaf: &LeafSums,
        rule: &Rule,
        allowed: &[bool],
    ) -> Option<Split> {
        let mut best: Option<Split> = None;
        for member in members {
            let (feature, start) = (&block.members[member], &block.offsets[member]);
            let least = rule.min_hessian_units;
            if !allowed[*feature] || block.is_settled(member, histogram, leaf.total, least) {
                continue;
            }
            let sums = &histogram[*start..start + bins.features[*feature].n_bins()];
            if bins.features[*feature].is_category {
                let found = self.subset(sums, leaf, rule, *feature);
                let split = found
                    .filter(|(cut, _)| cut.gain > self.min_split_gain)
                    .map(|(cut, s)| Split { feature: *feature, cut, subset: Some(s) });
                best = better(best, split);
                continue;
            }
            let direction = bins.constraints.direction(*feature);
            let cut = if direction != 0 || !leaf.bounds.is_none() {
                self.bounded_cut(sums, leaf, rule, *feature, direction)
            } else if self.extra_trees {
                self.random_cut(sums, leaf, rule, *feature)
            } else {
                best_cut(sums, leaf.total, rule)
            };
            let split = cut.filter(|c| c.gain > self.min_split_gain).map(|cut| Split {
                feature: *feature,
                cut,
                subset: None,
            });
            best = better(best, split);
        }
        best
    }

    /// A cut between two bins drawn from those that the leaf's rows span.
    fn random_cut(
        &self,
        sums: &[i64],
        leaf: &LeafSums,
        rule: &Rule,
        feature: usize,
    ) -> Option<Cut> {
        let bin = random_bin(sums, || self.random(leaf.id, feature as u64))?;
        one_cut(sums, leaf.total, rule, bin as u8)
    }

    /// The best cut, or a random one, of a leaf or feature whose values have bounds.
    fn bounded_cut(
        &self,
        sums: &[i64],
        leaf: &LeafSums,
        rule: &Rule,
        feature: usize,
        direction: i8,
    ) -> Option<Cut> {
        let bins = if self.extra_trees {
            let bin = random_bin(sums, || self.random(leaf.id, feature as u64))?;
            bin..bin + 1
        } else {
            0..sums.len() - 1
        };
        best_cut_within(sums, leaf.total, rule, &leaf.bounds, direction, bins)
    }

    /// The best division of a category's levels, or a random one along their order.
    fn subset(
        &self,
        sums: &[i64],
        leaf: &LeafSums,
        rule: &Rule,
        feature: usize,
    ) -> Option<(Cut, Subset)> {
        let levels = self.levels_of(leaf);
        if !self.extra_trees {
            return best_subset(sums, leaf.total, rule, &levels, &leaf.bounds);
        }
        let order = sorted_levels(sums, rule, levels.smooth);
        if order.len() < 2 {
            return None;
        }
        let n_left = 1 + self.random(leaf.id, feature as u64).below(order.len() - 1);
        one_subset(sums, leaf.total, rule, &levels, &leaf.bounds, &order[..n_left])
    }

    /// How levels are grouped in one leaf.
    fn levels_of(&self, leaf: &LeafSums) -> LevelRule {
        let per_row = f64::from(hessian_units(leaf.total)) / leaf.n_rows.max(1) as f64;
        let least = (per_row * (self.min_data_per_group as f64 - 0.5)).ceil();
        LevelRule { min_group_units: least.clamp(1.0, f64::from(i32::MAX)) as i32, ..self.levels }
    }

    /// The random numbers of a node (or level) for a feature.
    pub fn random(&self, node: u64, feature: u64) -> Random {
        Random::stream(self.seed, "tree node", node << 32 | (feature & 0xffff_ffff))
    }
}

/// A bin drawn from those that the rows of a histogram span, without the last one; that one if it
/// is the only one beside missing values, and `None` if there are none of those either.
pub fn random_bin(histogram: &[i64], random: impl FnOnce() -> Random) -> Option<usize> {
    let (missing, values) = histogram.split_last()?;
    let first = values.iter().position(|s| *s != 0)?;
    let last = values.iter().rposition(|s| *s != 0)?;
    if first == last {
        return (*missing != 0).then_some(last);
    }
    Some(first + random().below(last - first))
}

/// A part of the features, drawn; `None` is all of them.
fn draw(features: &[bool], fraction: f64, random: impl Fn() -> Random) -> Option<Vec<bool>> {
    if fraction >= 1.0 {
        return None;
    }
    let usable: Vec<usize> = (0..features.len()).filter(|f| features[*f]).collect();
    let wanted = (usable.len() as f64 * fraction).round().max(1.0);
    let drawn = random().sample(usable.len(), wanted as usize);
    let mut allowed = vec![false; features.len()];
    for i in drawn {
        allowed[usable[i as usize]] = true;
    }
    Some(allowed)
}

/// The split with the larger gain; on a tie the lower feature, so that block order is irrelevant.
pub fn better(a: Option<Split>, b: Option<Split>) -> Option<Split> {
    match (a, b) {
        (Some(x), Some(y)) => {
            let second =
                y.cut.gain > x.cut.gain || (y.cut.gain == x.cut.gain && y.feature < x.feature);
            Some(if second { y } else { x })
        }
        (x, None) => x,
        (None, y) => y,
    }
}
#[cfg(test)]
impl SplitRule {
    /// A rule without restrictions or draws, for tests.
    pub(super) fn plain(scale: modelwright_kernels::entry::Scale) -> Self {
        Self {
            gradient_unit: 1.0 / f64::from(scale.gradient),
            hessian_unit: 1.0 / f64::from(scale.hessian),
            l1: 0.0,
            l2: 1.0,
            min_samples_leaf: 1,
            min_child_weight: 0.0,
            min_split_gain: 0.0,
            feature_fraction_bylevel: 1.0,
            feature_fraction_bynode: 1.0,
            extra_trees: false,
            score_noise: 0.0,
            levels: LevelRule {
                smooth: 0.0,
                l2: 0.0,
                max_levels: 256,
                max_one_hot: 0,
                min_group_units: 0,
            },
            min_data_per_group: 1,
            seed: 1,
        }
    }
}
