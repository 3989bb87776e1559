//! Shapley values whose background is a sample of rows.
//!
//! For a row `x` and a background row `b`, a leaf pays its value to those sets of features with
//! which the mixture of both meets all conditions of the path. Let `A` be the conditions that only
//! `x` meets and `C` those that only `b` meets (if one is met by neither, the leaf pays nothing):
//! each feature of `A` gets `(a-1)! c! / (a+c)!` of the value, each of `C` loses `a! (c-1)! /
//! (a+c)!` (Lundberg et al., 2020). Only patterns of met conditions matter, and rows share them:
//! for each leaf, background rows are counted by pattern, each pattern of the explained rows is
//! worked out once against those counts, and the rows look it up. The cost therefore grows with
//! rows plus background rows, not with their product (as in Nadel & Wettenstein's WOODELF, 2025),
//! without tables of all patterns.

use std::ops::Range;

use modelwright_core::data::FeatureView;
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;

use super::patterns::{Condition, Decisions, conditions};
use super::{Contributions, Ensemble, Players, pairs};

/// Rows of a task: enough to share patterns.
pub(super) const ROWS: usize = 512;
/// Trees that are prepared at once: bounds the memory of their counts.
pub(super) const GROUP: usize = 64;
/// Conditions that a pattern can hold.
const MAX_CONDITIONS: usize = 64;
/// Conditions up to which patterns are found by their number in a table.
const MAX_DIRECT: usize = 12;

/// Interventional Shapley values of the rows of `x` against the rows of `background`.
///
/// The bias is the mean score of the background rows. Exact up to the rounding of f64, also for
/// trees with linear leaves and for missing values in them (a leaf's linear function holds for a
/// mixture of two rows when the mixture has all its features); a row's values depend neither on
/// the other rows nor on the number of threads.
///
/// # Errors
/// Input error when `x` or `background` have other features than the trees, or there is no
/// background row; work error when the result would not fit in the memory allowed.
pub fn interventional(
    ensemble: &Ensemble<'_>,
    x: &FeatureView<'_>,
    background: &FeatureView<'_>,
    ctx: &Context,
) -> Result<Contributions> {
    let own: Vec<u32> = (0..ensemble.n_features as u32).collect();
    let players = Players::new(&own, ensemble.n_features)?;
    interventional_of(ensemble, &players, x, background, ctx)
}

/// As [`interventional()`], of players: features of one player are exchanged together, and the
/// result has one number for each player in place of each feature.
///
/// # Errors
/// As [`interventional()`]; input error when leaves are linear and players are not features.
pub fn interventional_of(
    ensemble: &Ensemble<'_>,
    players: &Players<'_>,
    x: &FeatureView<'_>,
    background: &FeatureView<'_>,
    ctx: &Context,
) -> Result<Contributions> {
    let n_outputs = ensemble.base.len();
    let stride = players.n() + 1;
    check(ensemble, players, x, background, ctx)?;
    let mut values = vec![0.0; x.n_rows() * n_outputs * stride];
    let mut biases = ensemble.base.to_vec();
    let n = ensemble.trees.len();
    ctx.install(|| {
        for start in (0..n).step_by(GROUP) {
            let group = start..n.min(start + GROUP);
            let prepared: Vec<Prepared> =
                group.into_par_iter().map(|t| prepare(ensemble, players, t, background)).collect();
            for (k, mean) in prepared.iter().flat_map(|p| &p.means) {
                biases[*k] += ensemble.scale * mean;
            }
            let tasks = values.par_chunks_mut(ROWS * n_outputs * stride).enumerate();
            tasks.for_each(|(i, values)| {
                let n_rows = values.len() / (n_outputs * stride);
                let mut out = Out { values, n_outputs, stride };
                for prepared in &prepared {
                    prepared.explain(ensemble, x, (i * ROWS, n_rows), background, &mut out);
                }
            });
        }
    });
    for row in values.chunks_exact_mut(n_outputs * stride) {
        for (k, bias) in biases.iter().enumerate() {
            row[(k + 1) * stride - 1] = *bias;
        }
    }
    Ok(Contributions { n_rows: x.n_rows(), n_outputs, n_features: players.n(), values })
}

/// Proves that rows, background and players fit the trees.
pub(super) fn check(
    ensemble: &Ensemble<'_>,
    players: &Players<'_>,
    x: &FeatureView<'_>,
    background: &FeatureView<'_>,
    ctx: &Context,
) -> Result<()> {
    ensemble.check(x, ensemble.base.len() * (players.n() + 1), ctx)?;
    ensemble.check(background, 0, ctx)?;
    players.check(ensemble)?;
    if background.n_rows() == 0 {
        return Err(Error::input("there are no background rows")
            .expected("at least one row")
            .hint("take 100 to 1000 random training rows"));
    }
    Ok(())
}

/// Where the values of a task's rows go.
pub(super) struct Out<'a> {
    pub(super) values: &'a mut [f64],
    pub(super) n_outputs: usize,
    pub(super) stride: usize,
}

impl Out<'_> {
    /// Adds to the value of a row of the task.
    pub(super) fn add(&mut self, row: usize, output: usize, player: u32, value: f64) {
        self.values[(row * self.n_outputs + output) * self.stride + player as usize] += value;
    }
}

/// A tree with what its background says.
pub(super) struct Prepared {
    pub(super) t: usize,
    pub(super) leaves: Vec<Leaf>,
    /// Mean of the background rows for each output of the tree.
    pub(super) means: Vec<(usize, f64)>,
    /// Whether rows are taken one against one: linear leaves, or paths longer than a pattern.
    pub(super) by_pairs: bool,
}

/// A leaf: its conditions, the patterns of the background, and which rows have each.
pub(super) struct Leaf {
    pub(super) conditions: Vec<Condition>,
    pub(super) background: Vec<Alike>,
    /// The background rows, those of one pattern together.
    pub(super) rows: Vec<u32>,
}

/// Background rows of one pattern.
pub(super) struct Alike {
    pub(super) pattern: u64,
    /// Their share of all.
    pub(super) share: f64,
    /// Their places in [`Leaf::rows`].
    pub(super) places: Range<usize>,
}

pub(super) fn prepare(
    ensemble: &Ensemble<'_>,
    players: &Players<'_>,
    t: usize,
    background: &FeatureView<'_>,
) -> Prepared {
    let tree = &ensemble.trees[t];
    let n = background.n_rows();
    let mut sums: Vec<(usize, f64)> = ensemble.outputs(t).map(|(k, _)| (k, 0.0)).collect();
    for i in 0..n {
        let row = background.row(i);
        let value = |f: usize| background.features.columns[f].values[row];
        let leaf = tree.leaf_of(value);
        for ((_, sum), (_, output)) in sums.iter_mut().zip(ensemble.outputs(t)) {
            *sum += tree.leaf_value(leaf, output, value);
        }
    }
    let means = sums.into_iter().map(|(k, sum)| (k, sum / n as f64)).collect();
    let all = conditions(tree, players);
    let by_pairs = !tree.linear.is_empty() || all.iter().any(|c| c.len() > MAX_CONDITIONS);
    let decisions = Decisions::of(tree, background, 0, n);
    let (mut words, mut patterns) = (Vec::new(), vec![0; n]);
    let leaves = all
        .into_iter()
        .map(|conditions| {
            let (mut background, mut rows) = (Vec::new(), Vec::new());
            if !by_pairs {
                decisions.patterns(&conditions, &mut words, &mut patterns);
                rows.extend(0..n as u32);
                rows.sort_by_key(|row| patterns[*row as usize]);
                let mut start = 0;
                for alike in rows.chunk_by(|a, b| patterns[*a as usize] == patterns[*b as usize]) {
                    let places = start..start + alike.len();
                    start = places.end;
                    let pattern = patterns[alike[0] as usize];
                    let share = alike.len() as f64 / n as f64;
                    background.push(Alike { pattern, share, places });
                }
            }
            Leaf { conditions, background, rows }
        })
        .collect();
    Prepared { t, leaves, means, by_pairs }
}

impl Prepared {
    fn explain(
        &self,
        ensemble: &Ensemble<'_>,
        x: &FeatureView<'_>,
        (first, n_rows): (usize, usize),
        background: &FeatureView<'_>,
        out: &mut Out<'_>,
    ) {
        let tree = &ensemble.trees[self.t];
        let decisions = Decisions::of(tree, x, first, n_rows);
        let outputs: Vec<(usize, usize)> = ensemble.outputs(self.t).collect();
        if self.by_pairs {
            let others = Decisions::of(tree, background, 0, background.n_rows());
            let sides = [(x, first, &decisions), (background, 0, &others)]
                .map(|(view, first, decisions)| pairs::Side { view, first, decisions });
            for (leaf, Leaf { conditions, .. }) in self.leaves.iter().enumerate() {
                let terms = pairs::Terms { tree, leaf, conditions, scale: ensemble.scale };
                let even = 1.0 / background.n_rows() as f64;
                pairs::explain(&terms, &sides, n_rows, |_, _| even, &outputs, out);
            }
            return;
        }
        let mut seen = Seen::default();
        let (mut words, mut patterns) = (Vec::new(), vec![0; n_rows]);
        for (i, leaf) in self.leaves.iter().enumerate() {
            decisions.patterns(&leaf.conditions, &mut words, &mut patterns);
            seen.find(&mut patterns, leaf.conditions.len());
            let shares = leaf.shares(&seen.patterns);
            let pays = |output: usize| ensemble.scale * tree.values[i * tree.width() + output];
            let n = leaf.conditions.len();
            for (row, place) in patterns.iter().enumerate() {
                let Some(shares) = &shares[*place as usize] else { continue };
                for (k, output) in &outputs {
                    let pays = pays(*output);
                    for (condition, share) in leaf.conditions.iter().zip(&shares[..n]) {
                        out.add(row, *k, condition.player, share * pays);
                    }
                }
            }
        }
    }
}

impl Leaf {
    /// For each pattern of explained rows the share of the leaf's value that each condition gets;
    /// `None` when all get nothing.
    fn shares(&self, patterns: &[u64]) -> Vec<Option<Vec<f64>>> {
        let n = self.conditions.len();
        let full = if n == 64 { u64::MAX } else { (1 << n) - 1 };
        let share_of = |x: &u64| -> Option<Vec<f64>> {
            let theirs = full & !x;
            let c = theirs.count_ones() as usize;
            let mut shares: Option<Vec<f64>> = None;
            let mut lost = 0.0;
            for Alike { pattern: b, share, .. } in &self.background {
                let mut ours = x & !b;
                let a = ours.count_ones() as usize;
                if b & theirs != theirs || a + c == 0 {
                    continue;
                }
                let shares = shares.get_or_insert_with(|| vec![0.0; n]);
                lost += share * weight(c, a);
                let gain = share * weight(a, c);
                while ours != 0 {
                    shares[ours.trailing_zeros() as usize] += gain;
                    ours &= ours - 1;
                }
            }
            if let Some(shares) = &mut shares {
                for (i, share) in shares.iter_mut().enumerate() {
                    if theirs >> i & 1 == 1 {
                        *share -= lost;
                    }
                }
            }
            shares
        };
        patterns.iter().map(share_of).collect()
    }
}

/// `(a-1)! c! / (a+c)!`, what each of `a` features gets against `c`; 0 when there is none.
pub(super) fn weight(a: usize, c: usize) -> f64 {
    if a == 0 {
        return 0.0;
    }
    // 1 / (a · binomial(a + c, c)), by the shorter product.
    let (few, many) = (a.min(c), a.max(c));
    let binomial = (1..=few).fold(1.0, |b, i| b * (many + i) as f64 / i as f64);
    1.0 / (a as f64 * binomial)
}

/// The distinct patterns of a task's rows.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) patterns: Vec<u64>,
    place: Vec<u32>,
}

impl Seen {
    /// Finds the distinct patterns and replaces each row's by its place among them.
    pub(super) fn find(&mut self, rows: &mut [u64], n_conditions: usize) {
        self.patterns.clear();
        if n_conditions > MAX_DIRECT {
            self.patterns.extend_from_slice(rows);
            self.patterns.sort_unstable();
            self.patterns.dedup();
            for row in rows {
                *row = self.patterns.partition_point(|p| p < row) as u64;
            }
            return;
        }
        self.place.clear();
        self.place.resize(1 << n_conditions, u32::MAX);
        for row in rows {
            let place = &mut self.place[*row as usize];
            if *place == u32::MAX {
                *place = self.patterns.len() as u32;
                self.patterns.push(*row);
            }
            *row = u64::from(*place);
        }
    }
}
