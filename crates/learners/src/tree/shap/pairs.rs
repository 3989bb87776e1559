//! Interventional values row against row: for linear leaves, and for paths of more conditions than
//! a pattern has bits.
//!
//! What a leaf pays to a mixture of two rows is a sum of products with one factor per feature: the
//! plain value times "all conditions are met"; and, where the leaf is linear, what the linear
//! function differs from it, times "all conditions are met and no feature of the function is
//! missing": a product for the constant and one for each term, whose own feature has its value as
//! a factor. The Shapley value of a product of factors, `on` with the row and `off` with the
//! background, is the integral of the module's text with `o` and `z` replaced by them.

use modelwright_core::data::FeatureView;

use super::interventional::Out;
use super::patterns::{Condition, Decisions};
use super::quadrature::{Point, points};
use crate::tree::Tree;

/// Rows with their decisions in the tree.
pub(super) struct Side<'a> {
    /// The rows.
    pub(super) view: &'a FeatureView<'a>,
    /// The row of the view that is row 0 of the decisions.
    pub(super) first: usize,
    /// Who goes left where.
    pub(super) decisions: &'a Decisions,
}

/// A leaf and what it depends on.
pub(super) struct Terms<'a> {
    /// The tree.
    pub(super) tree: &'a Tree,
    /// The leaf.
    pub(super) leaf: usize,
    /// The conditions of its path.
    pub(super) conditions: &'a [Condition],
    /// What all values are multiplied by.
    pub(super) scale: f64,
}

/// A player of a leaf, which is a feature where leaves are linear: its condition and its place in
/// the linear function, if it has them.
struct Player {
    feature: u32,
    condition: Option<usize>,
    coefficient: Option<f64>,
}

/// Factors of a product: with the row and with the background row.
type Factors = Vec<[f64; 2]>;

impl Terms<'_> {
    fn players(&self) -> Vec<Player> {
        let mut players: Vec<Player> = self
            .conditions
            .iter()
            .enumerate()
            .map(|(j, c)| Player { feature: c.player, condition: Some(j), coefficient: None })
            .collect();
        let linear = self.tree.linear.get(self.leaf);
        for (feature, coefficient) in linear.iter().flat_map(|l| &l.terms) {
            match players.iter_mut().find(|p| p.feature == *feature) {
                Some(player) => {
                    *player.coefficient.get_or_insert(0.0) += coefficient;
                }
                None => players.push(Player {
                    feature: *feature,
                    condition: None,
                    coefficient: Some(*coefficient),
                }),
            }
        }
        players
    }
}

/// Adds the leaf's values of the first `n_rows` rows of `sides[0]`, summed over those of `sides[1]`
/// with the weights that `weight` gives each pair.
pub(super) fn explain(
    terms: &Terms<'_>,
    sides: &[Side<'_>; 2],
    n_rows: usize,
    weight: impl Fn(usize, usize) -> f64,
    outputs: &[(usize, usize)],
    out: &mut Out<'_>,
) {
    let players = terms.players();
    let rule = points(players.len().saturating_sub(1));
    let n_conditions = terms.conditions.len();
    let met = [0, 1].map(|side: usize| sides[side].decisions.answers(terms.conditions));
    let n_background = sides[1].view.n_rows();
    let tree = terms.tree;
    for i in 0..n_rows {
        // Sums over the background: of products of conditions, and of what is linear.
        let mut plain = vec![0.0; players.len()];
        let mut linear = vec![0.0; players.len()];
        for j in 0..n_background {
            let rows = [i, j].map(|r: usize| r * n_conditions);
            let holds = |side: usize, c: usize| met[side][rows[side] + c];
            if (0..n_conditions).any(|c| !holds(0, c) && !holds(1, c)) {
                continue;
            }
            let truth = |player: &Player| {
                [0, 1].map(|side| player.condition.is_none_or(|c| holds(side, c)).into())
            };
            let factors: Factors = players.iter().map(truth).collect();
            let weight = weight(i, j);
            shapley(&factors, weight, &rule, &mut plain);
            if let Some(function) = tree.linear.get(terms.leaf) {
                let rest = function.constant - tree.values[terms.leaf];
                let values = |player: &Player| {
                    [(0, i), (1, j)].map(|(side, r)| {
                        let Side { view, first, .. } = &sides[side];
                        let values = &view.features.columns[player.feature as usize].values;
                        f64::from(values[view.row(first + r)])
                    })
                };
                let values: Factors = players.iter().map(values).collect();
                add_linear(&players, factors, &values, [rest, weight], &rule, &mut linear);
            }
        }
        for (k, output) in outputs {
            let value = tree.values[terms.leaf * tree.width() + output];
            for ((player, plain), linear) in players.iter().zip(&plain).zip(&linear) {
                out.add(i, *k, player.feature, terms.scale * (value * plain + linear));
            }
        }
    }
}

/// Adds what the linear function pays beyond the plain value, `rest` and its terms, times a weight.
fn add_linear(
    players: &[Player],
    mut factors: Factors,
    values: &Factors,
    [rest, weight]: [f64; 2],
    rule: &[Point],
    out: &mut [f64],
) {
    for ((player, factors), values) in players.iter().zip(&mut factors).zip(values) {
        if player.coefficient.is_some() {
            for (factor, value) in factors.iter_mut().zip(values) {
                *factor *= f64::from(u8::from(!value.is_nan()));
            }
        }
    }
    shapley(&factors, rest * weight, rule, out);
    for (k, player) in players.iter().enumerate() {
        let Some(coefficient) = player.coefficient else { continue };
        let whole = factors[k];
        for (factor, value) in factors[k].iter_mut().zip(&values[k]) {
            *factor = if *factor == 0.0 { 0.0 } else { *value };
        }
        shapley(&factors, coefficient * weight, rule, out);
        factors[k] = whole;
    }
}

/// Adds the Shapley values of `scale · Π factor`.
fn shapley(factors: &Factors, scale: f64, rule: &[Point], out: &mut [f64]) {
    if scale == 0.0 || factors.contains(&[0.0; 2]) {
        return;
    }
    let n = factors.len();
    let mut before = vec![1.0; n + 1];
    for point in rule {
        let at = |f: &[f64; 2]| point.t * f[0] + point.rest * f[1];
        for (i, f) in factors.iter().enumerate() {
            before[i + 1] = before[i] * at(f);
        }
        let mut after = scale * point.weight;
        for (i, f) in factors.iter().enumerate().rev() {
            out[i] += (f[0] - f[1]) * before[i] * after;
            after *= at(f);
        }
    }
}
