//! Values of the leaves of a grown tree.
//!
//! Splits are chosen on quantised gradients, values are not: each leaf sums the true gradients of
//! its rows in f64 and takes the Newton step `-T(G) / (H + l2)`, or the quantile of its residuals
//! for losses without curvature. Sums run over fixed chunks of rows and then in chunk order.

use modelwright_kernels::entry::{Entry, exact_total, gradient_units, hessian_units, row};
use rayon::prelude::*;

use super::loss::{LeafQuantile, weighted_quantile};
use super::params::GbdtParams;
use crate::tree::{Grown, SplitRule, monotone};

/// Rows of a chunk of a sum.
const CHUNK_ROWS: usize = 1 << 14;

/// Sets the values of `grown`'s leaves, shrunk by `rate`.
pub(super) fn set_values(
    grown: &mut Grown,
    entries: &[Entry],
    gradients: &[[f32; 2]],
    residuals: Option<(LeafQuantile<'_>, &[f64])>,
    rule: &SplitRule,
    params: &GbdtParams,
    rate: f64,
) {
    let of_leaf = |leaf: &std::ops::Range<usize>| {
        let entries = &entries[leaf.clone()];
        match residuals {
            Some((quantile, scores)) => residual_quantile(entries, quantile, scores, gradients),
            None => newton(sum(entries, gradients), rule),
        }
    };
    let parallel = entries.len() >= 2 * CHUNK_ROWS;
    let mut values: Vec<f64> = if parallel {
        grown.leaves.par_iter().map(of_leaf).collect()
    } else {
        grown.leaves.iter().map(of_leaf).collect()
    };
    if params.path_smooth > 0.0 {
        smooth(grown, &mut values, rule, params.path_smooth);
    }
    if grown.directions.iter().any(|d| *d != 0) {
        let of_node: Vec<f64> = match residuals {
            Some((quantile, scores)) => monotone::node_ranges(grown)
                .into_iter()
                .map(|range| residual_quantile(&entries[range], quantile, scores, gradients))
                .collect(),
            None => node_values(grown, rule),
        };
        monotone::enforce(grown, &of_node, &mut values);
    }
    for (place, value) in grown.tree.values.iter_mut().zip(values) {
        let value = value * rate;
        *place = if value.is_finite() { value } else { 0.0 };
    }
}

fn sum(entries: &[Entry], gradients: &[[f32; 2]]) -> [f64; 2] {
    let chunk = |chunk: &[Entry]| exact_total(chunk, gradients);
    let parts: Vec<[f64; 2]> = if entries.len() > CHUNK_ROWS {
        entries.par_chunks(CHUNK_ROWS).map(chunk).collect()
    } else {
        entries.chunks(CHUNK_ROWS).map(chunk).collect()
    };
    parts.iter().fold([0.0; 2], |s, p| [s[0] + p[0], s[1] + p[1]])
}

fn newton([g, h]: [f64; 2], rule: &SplitRule) -> f64 {
    let shrunk = (g.abs() - rule.l1).max(0.0).copysign(g);
    let curvature = h + rule.l2;
    if curvature > 0.0 { -shrunk / curvature } else { 0.0 }
}

/// Rows count as much as their Hessians, which hold weights and whatever the sampling put in.
fn residual_quantile(
    entries: &[Entry],
    quantile: LeafQuantile<'_>,
    scores: &[f64],
    gradients: &[[f32; 2]],
) -> f64 {
    let mut pairs: Vec<(f64, f32)> = entries
        .iter()
        .map(|e| {
            let row = row(*e) as usize;
            (quantile.targets[row] - scores[row], gradients[row][1])
        })
        .collect();
    weighted_quantile(&mut pairs, quantile.level)
}

/// The value that each inner node would have as a leaf.
fn node_values(grown: &Grown, rule: &SplitRule) -> Vec<f64> {
    let value = |sum: &i64| {
        let g = f64::from(gradient_units(*sum)) * rule.gradient_unit;
        let h = f64::from(hessian_units(*sum)) * rule.hessian_unit;
        newton([g, h], rule)
    };
    grown.node_sums.iter().map(value).collect()
}

/// Draws every node towards its parent: `value = (n · value + strength · parent) / (n + strength)`
/// with `n` its rows, from the root down (LightGBM's `path_smooth`).
fn smooth(grown: &Grown, values: &mut [f64], rule: &SplitRule, strength: f64) {
    let tree = &grown.tree;
    let drawn = |n: f32, value: f64, parent: f64| {
        (f64::from(n) * value + strength * parent) / (f64::from(n) + strength)
    };
    let mut of_node = node_values(grown, rule);
    for node in 0..of_node.len() {
        let parent = of_node[node];
        for child in tree.children[node] {
            if let Ok(inner) = usize::try_from(child) {
                of_node[inner] = drawn(tree.covers[inner], of_node[inner], parent);
            } else {
                let leaf = !child as usize;
                values[leaf] = drawn(tree.leaf_covers[leaf], values[leaf], parent);
            }
        }
    }
}
