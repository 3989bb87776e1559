//! The oblivious grower: all leaves of a level are split by the same cut.
//!
//! ```text
//! leaves = [all rows]
//! while fewer than max_depth levels:
//!     score of a cut = sum of what it gains in each leaf; take the best cut of all features
//!     partition every leaf; sum the smaller children, subtract for the larger ones
//! ```
//!
//! Such a tree has one question per level, so that it regularises (a cut must help in many places)
//! and predicts fast. It is kept in the general form: 2^depth leaves, node `i` has the children
//! `2i + 1` and `2i + 2`; a side of a node may be empty of training rows.
//!
//! Early in boosting, scores may be shaken by random numbers ([`SplitRule::score_noise`]), so that
//! trees differ. Histograms of a level are kept while they fit a budget; beyond it each leaf is
//! summed from its rows, block by block, when cuts are scored.
//!
//! Reference: Prokhorenkova et al., "CatBoost: unbiased boosting with categorical features",
//! NeurIPS 2018; Lou & Obukhov, "BDT: gradient boosted decision tables", KDD 2017.

use modelwright_kernels::bounded::Bounds;
use modelwright_kernels::entry::{hessian_units, total};
use modelwright_kernels::subset::{contains, sorted_levels};
use modelwright_kernels::threshold::Rule;

use super::bins::TrainBins;
use super::block::Block;
use super::constraints::Groups;
use super::grow::Grown;
use super::histogram::{Child, Source, divide_and_split, sum_parts};
use super::level::{LevelSplit, LevelSums, better};
use super::model::Tree;
use super::partition::{Divided, Route, divide, levels as levels_of};
use super::split::{LeafSums, Place, SplitRule};
use super::workspace::{LeafPlace, Places, Workspace, by_part};
use crate::together::apart;

/// The most levels of a tree: 4096 leaves.
pub const MAX_DEPTH: usize = 12;
/// Bytes that the histograms of one level may take.
const HISTOGRAM_BYTES: usize = 128 << 20;
/// Work (histogram sums looked at, entries moved) from which it is shared between threads.
const PARALLEL_WORK: usize = 1 << 16;

/// Grows a tree of at most `max_depth` levels on the first `n_entries` entries.
pub fn grow(
    bins: &TrainBins<'_>,
    rule: &SplitRule,
    max_depth: usize,
    tree_features: &[bool],
    workspace: &mut Workspace,
    n_entries: usize,
) -> Grown {
    let place = LeafPlace::root(n_entries);
    let parts = workspace.places(n_entries).of(&place);
    let sum = by_part(parts, bins.is_shared, total).into_iter().sum();
    let root = Leaf { place, sum, bounds: Bounds::NONE, histogram: None };
    let groups = Groups::MAX;
    let leaves = vec![root];
    let mut grower = Grower { bins, rule, tree_features, workspace, n_entries, leaves, groups };
    let max_depth = max_depth.min(MAX_DEPTH);
    let mut levels = Vec::new();
    grower.sum_root(max_depth > 0);
    while levels.len() < max_depth {
        let Some(split) = grower.best(levels.len()) else { break };
        if !grower.workspace.may_do(n_entries * bins.features.len()) {
            break;
        }
        levels.push(grower.split(split, levels.len() + 1 < max_depth));
    }
    grower.finish(&levels)
}

struct Grower<'a> {
    bins: &'a TrainBins<'a>,
    rule: &'a SplitRule,
    tree_features: &'a [bool],
    workspace: &'a mut Workspace,
    n_entries: usize,
    /// The leaves of the level, in the order of their rows.
    leaves: Vec<Leaf>,
    /// The groups of features that hold all levels so far.
    groups: Groups,
}

/// A leaf of the level that is being split.
pub(super) struct Leaf {
    place: LeafPlace,
    pub(super) sum: i64,
    pub(super) bounds: Bounds,
    /// `None` when there are no rows or no room.
    histogram: Option<Vec<i64>>,
}

/// What is known of a level once it is split.
struct Level {
    split: LevelSplit,
    /// Rows and sum of each of its nodes.
    nodes: Vec<(usize, i64)>,
    /// What each of its nodes gains.
    gains: Vec<f64>,
}

/// A pair of children and the memory for their histograms: of the smaller one, of the larger one
/// (with the parent's histogram in it).
type Task<'a> = (&'a mut Leaf, Vec<i64>, &'a mut Leaf, Vec<i64>);

impl Leaf {
    fn sums(&self) -> LeafSums {
        LeafSums { total: self.sum, n_rows: self.n_rows(), id: 0, bounds: self.bounds }
    }

    fn n_rows(&self) -> usize {
        self.place.n_rows()
    }
}

impl Grower<'_> {
    fn sum_root(&mut self, wanted: bool) {
        if wanted && !self.bins.features.is_empty() && self.leaves[0].n_rows() > 0 {
            let mut histogram = self.workspace.take_histogram(self.bins.histogram_len);
            let places = self.workspace.places(self.n_entries);
            let sources = sum_parts(self.bins, places, &[&self.leaves[0].place]);
            let sum = self.leaves[0].sum;
            let parallel = self.bins.is_shared && rayon::current_num_threads() > 1;
            let mut parts = Vec::with_capacity(self.bins.blocks.len());
            let mut rest = &mut histogram[..];
            for block in &self.bins.blocks {
                let (part, tail) = std::mem::take(&mut rest).split_at_mut(block.len);
                parts.push((block, part));
                rest = tail;
            }
            let fill = |(block, part): (&Block, &mut [i64])| sources[0].fill(block, sum, part);
            if parallel {
                apart(parts, fill);
            } else {
                parts.into_iter().for_each(fill);
            }
            self.leaves[0].histogram = Some(histogram);
        }
    }

    /// The best cut of a level, over all features that it may use.
    fn best(&self, level: usize) -> Option<LevelSplit> {
        let place = Place { id: level as u64, depth: level, groups: self.groups };
        let constraints = &self.bins.constraints;
        let drawn = self.rule.node_features(self.tree_features, constraints, place);
        let allowed = drawn.as_deref().unwrap_or(self.tree_features);
        let rules: Vec<Rule> =
            self.leaves.iter().map(|l| self.rule.of_leaf(&l.sums(), 0)).collect();
        let parent = self.leaves.iter().zip(&rules).map(|(l, r)| r.score(l.sum)).sum();
        let score = |block: &Block| self.best_of_block(block, level, allowed, &rules, parent);
        let work = self.leaves.len() * self.bins.histogram_len;
        let found: Vec<Option<LevelSplit>> =
            if work >= PARALLEL_WORK && rayon::current_num_threads() > 1 {
                apart(self.bins.blocks.iter().collect(), score)
            } else {
                self.bins.blocks.iter().map(score).collect()
            };
        found.into_iter().fold(None, better)
    }

    fn best_of_block(
        &self,
        block: &Block,
        level: usize,
        allowed: &[bool],
        rules: &[Rule],
        parent: f64,
    ) -> Option<LevelSplit> {
        let mut sums: Vec<LevelSums> = vec![LevelSums::new(); block.members.len()];
        self.each_leaf(block, rules, |leaf, rule, histogram| {
            for ((feature, offset), sums) in block.members.iter().zip(&block.offsets).zip(&mut sums)
            {
                if allowed[*feature] {
                    let of_feature = &histogram[*offset..][..self.bins.features[*feature].n_bins()];
                    let direction = self.bins.constraints.direction(*feature);
                    let is_category = self.bins.features[*feature].is_category;
                    sums.add(of_feature, leaf, rule, (!is_category).then_some(direction));
                }
            }
        });
        let is_category = |f: &usize| self.bins.features[*f].is_category;
        if block.members.iter().any(|f| allowed[*f] && is_category(f)) {
            self.add_categories(block, allowed, rules, &mut sums);
        }
        let mut best = None;
        for (feature, sums) in block.members.iter().zip(&sums).filter(|(f, _)| allowed[**f]) {
            let n_values = self.bins.features[*feature].n_bins() - 1;
            let split = sums.best(self.rule, *feature, level, n_values, parent);
            best = better(best, split);
        }
        best
    }

    /// Where the entries of the leaves are.
    fn places(&self) -> Places<'_> {
        self.workspace.places(self.n_entries)
    }

    /// Gives `work` the block's histogram of every leaf that has rows.
    fn each_leaf(&self, block: &Block, rules: &[Rule], mut work: impl FnMut(&Leaf, &Rule, &[i64])) {
        let (places, mut scratch) = (self.places(), Vec::new());
        for (leaf, rule) in self.leaves.iter().zip(rules).filter(|(l, _)| l.n_rows() > 0) {
            if let Some(all) = &leaf.histogram {
                work(leaf, rule, &all[block.start..block.start + block.len]);
            } else {
                scratch.resize(block.len, 0);
                block.fill(&places.of(&leaf.place), leaf.sum, &mut scratch);
                work(leaf, rule, &scratch);
            }
        }
    }

    /// Adds the gains of a block's categories: their levels are sorted by the sums of the whole
    /// level of the tree, and cut like numbers in that order.
    fn add_categories(
        &self,
        block: &Block,
        allowed: &[bool],
        rules: &[Rule],
        sums: &mut [LevelSums],
    ) {
        let Some(any) = rules.first() else { return };
        for (feature, sums) in block.members.iter().zip(&mut *sums) {
            let feature_bins = &self.bins.features[*feature];
            if allowed[*feature] && feature_bins.is_category {
                let all = &sums.all[..feature_bins.n_bins()];
                sums.order = Some(sorted_levels(all, any, self.rule.levels.smooth));
            }
        }
        let mut sorted = Vec::new();
        self.each_leaf(block, rules, |leaf, rule, histogram| {
            let grouped = Rule { l2: rule.l2 + self.rule.levels.l2, ..*rule };
            for (offset, sums) in block.offsets.iter().zip(&mut *sums) {
                let Some(order) = sums.order.take() else { continue };
                sorted.clear();
                sorted.extend(order.iter().map(|bin| histogram[offset + usize::from(*bin)]));
                sorted.push(0);
                sums.add_sorted(&sorted, leaf, &grouped, rule);
                sums.order = Some(order);
            }
        });
    }

    /// Splits every leaf; `more` says that another level may follow.
    fn split(&mut self, mut split: LevelSplit, more: bool) -> Level {
        let route = self.bins.route(split.feature, &split.test);
        let leaves: Vec<(&LeafPlace, Route<'_>)> =
            self.leaves.iter().map(|leaf| (&leaf.place, route)).collect();
        let divided = divide(self.workspace, self.n_entries, self.bins.is_shared, &leaves, total);
        let left_sum = |parts: &Vec<Divided<i64>>| parts.iter().map(|part| part.of_left).sum();
        let left_sums: Vec<i64> = divided.iter().map(left_sum).collect();
        if let Some(subset) = &split.test.subset {
            let missing = self.bins.features[split.feature].missing_bin();
            split.test.missing_left = contains(subset, missing);
        } else if split.no_missing {
            // Values that are missing only later go with the heavier side.
            let hessian = |sum: i64| i64::from(hessian_units(sum));
            let left: i64 = left_sums.iter().map(|sum| hessian(*sum)).sum();
            let all: i64 = self.leaves.iter().map(|leaf| hessian(leaf.sum)).sum();
            split.test.missing_left = 2 * left > all;
        }
        let constraints = &self.bins.constraints;
        let direction = constraints.direction(split.feature);
        self.groups = constraints.narrow(self.groups, split.feature);
        let mut level = Level { split, nodes: Vec::new(), gains: Vec::new() };
        let mut pairs = Vec::with_capacity(left_sums.len());
        let leaves = std::mem::take(&mut self.leaves).into_iter();
        for ((leaf, divided), left_sum) in leaves.zip(divided).zip(left_sums) {
            let rule = self.rule.of_leaf(&leaf.sums(), 0);
            let right_sum = leaf.sum - left_sum;
            let gain = rule.score(left_sum) + rule.score(right_sum) - rule.score(leaf.sum);
            level.nodes.push((leaf.n_rows(), leaf.sum));
            level.gains.push(gain);
            let n_left: Vec<usize> = divided.iter().map(|part| part.n_left).collect();
            let [to_left, to_right] = leaf.place.children(&n_left);
            let [below, above] =
                self.rule.child_bounds(&leaf.sums(), direction, [left_sum, right_sum]);
            let left = Leaf { place: to_left, sum: left_sum, bounds: below, histogram: None };
            let right = Leaf { place: to_right, sum: right_sum, bounds: above, histogram: None };
            pairs.push((left, right, leaf.histogram));
        }
        self.sum_children(&mut pairs, more);
        self.leaves = pairs.into_iter().flat_map(|(left, right, _)| [left, right]).collect();
        level
    }

    /// Gives the children their histograms, if there is room for all of them.
    fn sum_children(&mut self, pairs: &mut [(Leaf, Leaf, Option<Vec<i64>>)], more: bool) {
        let with_rows = |leaf: &Leaf| usize::from(leaf.n_rows() > 0);
        let n: usize = pairs.iter().map(|(a, b, _)| with_rows(a) + with_rows(b)).sum();
        let held = pairs.iter().any(|(.., histogram)| histogram.is_some());
        if !more || !held || n * self.bins.histogram_len * 8 > HISTOGRAM_BYTES {
            for (.., histogram) in pairs {
                if let Some(histogram) = histogram.take() {
                    self.workspace.give_histogram(histogram);
                }
            }
            return;
        }
        let mut tasks = Vec::with_capacity(pairs.len());
        for (left, right, histogram) in pairs {
            let Some(parent) = histogram.take() else { continue };
            let (small, large) =
                if left.n_rows() <= right.n_rows() { (left, right) } else { (right, left) };
            let room = if small.n_rows() == 0 {
                Vec::new()
            } else {
                self.workspace.take_histogram(self.bins.histogram_len)
            };
            tasks.push((small, room, large, parent));
        }
        let (bins, rule) = (self.bins, self.rule);
        let small: Vec<&LeafPlace> = tasks.iter().map(|(small, ..)| &small.place).collect();
        let sources = sum_parts(bins, self.workspace.places(self.n_entries), &small);
        let one = |((small, mut room, large, mut parent), source): (Task<'_>, Source<'_>)| {
            if small.n_rows() > 0 {
                divide_and_split(
                    bins,
                    rule,
                    &source,
                    Child { sum: small.sum, histogram: &mut room, leaf: None },
                    Child { sum: large.sum, histogram: &mut parent, leaf: None },
                );
                small.histogram = Some(room);
            }
            large.histogram = Some(parent);
        };
        if bins.is_shared && n * bins.histogram_len >= PARALLEL_WORK {
            apart(tasks.into_iter().zip(sources).collect(), one);
        } else {
            tasks.into_iter().zip(sources).for_each(one);
        }
    }

    #[expect(clippy::cast_possible_wrap, reason = "a tree has at most 2^12 leaves")]
    fn finish(self, levels: &[Level]) -> Grown {
        let n_inner = (1_usize << levels.len()) - 1;
        let mut tree = Tree::default();
        let mut node_sums = Vec::with_capacity(n_inner);
        let mut directions = Vec::new();
        for level in levels {
            let feature = &self.bins.features[level.split.feature];
            for ((n_rows, sum), gain) in level.nodes.iter().zip(&level.gains) {
                let node = tree.features.len();
                let child = |i: usize| if i < n_inner { i as i32 } else { !((i - n_inner) as i32) };
                tree.features.push(feature.index);
                if let Some(subset) = &level.split.test.subset {
                    tree.sets.push(levels_of(node, feature, subset));
                    tree.thresholds.push(0.0);
                } else {
                    tree.thresholds.push(feature.threshold(level.split.test.bin));
                }
                tree.missing_left.push(level.split.test.missing_left);
                tree.children.push([child(2 * node + 1), child(2 * node + 2)]);
                tree.gains.push(*gain as f32);
                tree.covers.push(*n_rows as f32);
                node_sums.push(*sum);
                if self.bins.constraints.is_monotone() {
                    directions.push(self.bins.constraints.direction(level.split.feature));
                }
            }
        }
        tree.values = vec![0.0; self.leaves.len()];
        tree.leaf_covers = self.leaves.iter().map(|leaf| leaf.n_rows() as f32).collect();
        let leaves = self.leaves.iter().map(|leaf| leaf.place.clone()).collect();
        for leaf in self.leaves {
            if let Some(histogram) = leaf.histogram {
                self.workspace.give_histogram(histogram);
            }
        }
        Grown { tree, leaves, node_sums, directions }
    }
}
