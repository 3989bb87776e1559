//! Interventional values with a weight for each pair of row and background row.
//!
//! What is done to a score afterwards (a logistic function, a mean with others, a calibration)
//! scales the values of a pair of rows by the quotient of the differences after and before
//! (G-DeepSHAP: Chen, Lundberg & Lee, "Explaining a series of models by propagating Shapley
//! values", Nature Communications 13, 2022; the `shap` package does the same for probabilities of
//! boosters).
//! The quotients need no explanation to be known, so that they come in as weights.

use modelwright_core::data::FeatureView;
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;

use super::interventional::{GROUP, Leaf, Out, Prepared, ROWS, Seen, check, prepare, weight};
use super::patterns::Decisions;
use super::{Ensemble, Players, pairs};

/// What each player adds to each row of `x`: the sum over background rows of its interventional
/// value for the pair of rows times the pair's weight. Row-major, `x.n_rows() × players.n()`.
///
/// `weights` are row-major by row and background row. The ensemble has one output.
///
/// # Errors
/// As [`super::interventional_of`]; input error when weights do not fit, or there are more outputs.
pub fn weighted(
    ensemble: &Ensemble<'_>,
    players: &Players<'_>,
    x: &FeatureView<'_>,
    background: &FeatureView<'_>,
    weights: &[f64],
    ctx: &Context,
) -> Result<Vec<f64>> {
    check(ensemble, players, x, background, ctx)?;
    let n_background = background.n_rows();
    if weights.len() != x.n_rows() * n_background || ensemble.base.len() != 1 {
        return Err(Error::input("weights are for the pairs of rows of one output")
            .expected(format!("{} × {n_background} weights", x.n_rows()))
            .got(format!("{} weights", weights.len())));
    }
    let stride = players.n();
    let mut values = vec![0.0; x.n_rows() * stride];
    let n = ensemble.trees.len();
    ctx.install(|| {
        for start in (0..n).step_by(GROUP) {
            let group = start..n.min(start + GROUP);
            let prepared: Vec<Prepared> =
                group.into_par_iter().map(|t| prepare(ensemble, players, t, background)).collect();
            let tasks = values.par_chunks_mut(ROWS * stride.max(1)).enumerate();
            tasks.for_each(|(i, values)| {
                let n_rows = values.len() / stride;
                let weights = &weights[i * ROWS * n_background..];
                let mut out = Out { values, n_outputs: 1, stride };
                let task = Task { ensemble, x, first: i * ROWS, n_rows, background, weights };
                for prepared in &prepared {
                    task.add(prepared, &mut out);
                }
            });
        }
    });
    Ok(values)
}

/// Some rows, and their weights.
struct Task<'a> {
    ensemble: &'a Ensemble<'a>,
    x: &'a FeatureView<'a>,
    first: usize,
    n_rows: usize,
    background: &'a FeatureView<'a>,
    weights: &'a [f64],
}

/// A pattern of the background that has something to say to a pattern of rows.
struct Opposite {
    /// Conditions that only the row meets.
    ours: u64,
    /// What each of them gets, and each of those that only the background meets loses.
    gain: f64,
    loss: f64,
    /// Which of the leaf's patterns it is.
    alike: usize,
}

impl Task<'_> {
    fn add(&self, prepared: &Prepared, out: &mut Out<'_>) {
        let tree = &self.ensemble.trees[prepared.t];
        let decisions = Decisions::of(tree, self.x, self.first, self.n_rows);
        let n_background = self.background.n_rows();
        if prepared.by_pairs {
            let others = Decisions::of(tree, self.background, 0, n_background);
            let sides = [(self.x, self.first, &decisions), (self.background, 0, &others)]
                .map(|(view, first, decisions)| pairs::Side { view, first, decisions });
            for (leaf, Leaf { conditions, .. }) in prepared.leaves.iter().enumerate() {
                let scale = self.ensemble.scale;
                let terms = pairs::Terms { tree, leaf, conditions, scale };
                let weight = |i: usize, j: usize| self.weights[i * n_background + j];
                pairs::explain(&terms, &sides, self.n_rows, weight, &[(0, 0)], out);
            }
            return;
        }
        let mut seen = Seen::default();
        let (mut words, mut patterns) = (Vec::new(), vec![0; self.n_rows]);
        for (i, leaf) in prepared.leaves.iter().enumerate() {
            decisions.patterns(&leaf.conditions, &mut words, &mut patterns);
            seen.find(&mut patterns, leaf.conditions.len());
            let opposites: Vec<Vec<Opposite>> =
                seen.patterns.iter().map(|pattern| opposites(leaf, *pattern)).collect();
            let pays = self.ensemble.scale * tree.values[i];
            for (row, place) in patterns.iter().enumerate() {
                let opposites = &opposites[*place as usize];
                if opposites.is_empty() {
                    continue;
                }
                let theirs = full(leaf) & !seen.patterns[*place as usize];
                let weights = &self.weights[row * n_background..][..n_background];
                let values = &mut out.values[row * out.stride..][..out.stride];
                add_row(leaf, opposites, theirs, weights, pays, values);
            }
        }
    }
}

/// All conditions of a leaf as bits.
fn full(leaf: &Leaf) -> u64 {
    let n = leaf.conditions.len();
    if n == 64 { u64::MAX } else { (1 << n) - 1 }
}

/// The background patterns with which a row of this pattern reaches the leaf together.
fn opposites(leaf: &Leaf, pattern: u64) -> Vec<Opposite> {
    let theirs = full(leaf) & !pattern;
    let c = theirs.count_ones() as usize;
    let of = |(alike, b): (usize, u64)| {
        let ours = pattern & !b;
        let a = ours.count_ones() as usize;
        let is_reached = b & theirs == theirs && a + c > 0;
        is_reached.then(|| Opposite { ours, gain: weight(a, c), loss: weight(c, a), alike })
    };
    leaf.background.iter().map(|b| b.pattern).enumerate().filter_map(of).collect()
}

fn add_row(
    leaf: &Leaf,
    opposites: &[Opposite],
    theirs: u64,
    weights: &[f64],
    pays: f64,
    values: &mut [f64],
) {
    let mut lost = 0.0;
    for opposite in opposites {
        let rows = &leaf.rows[leaf.background[opposite.alike].places.clone()];
        let weight = pays * rows.iter().map(|b| weights[*b as usize]).sum::<f64>();
        lost += weight * opposite.loss;
        let gain = weight * opposite.gain;
        let mut ours = opposite.ours;
        while ours != 0 {
            values[leaf.conditions[ours.trailing_zeros() as usize].player as usize] += gain;
            ours &= ours - 1;
        }
    }
    let mut theirs = theirs;
    while theirs != 0 {
        values[leaf.conditions[theirs.trailing_zeros() as usize].player as usize] -= lost;
        theirs &= theirs - 1;
    }
}
