//! Values of the leaves of a grown tree.
//!
//! Splits are chosen on quantised gradients, values are not: each leaf sums the true gradients of
//! its rows in f64 and takes the Newton step `-T(G) / (H + l2)`, or the quantile of its residuals
//! for losses without curvature. Sums run over fixed chunks of the rows of each part, and then in
//! the order of chunks and parts.

use modelwright_kernels::entry::{Entry, exact_total, row};
use rayon::prelude::*;

use super::loss::{LeafQuantile, weighted_quantile};
use super::params::GbdtParams;
use crate::tree::{LeafPlace, Places, Tree, by_part, monotone};

/// Rows of a chunk of a sum.
const CHUNK_ROWS: usize = 1 << 14;
/// Rows from which threads share the work on them.
const SHARED_ROWS: usize = 4 * CHUNK_ROWS;

/// The rows of a tree's leaves, and what one output knows of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeafRows<'a> {
    /// The entries of each leaf.
    pub(super) leaves: &'a [LeafPlace],
    /// In which direction the feature of each inner node must act; empty when none must.
    pub(super) directions: &'a [i8],
    /// Rows, leaf after leaf; only the rows of entries are read.
    pub(super) places: Places<'a>,
    /// Of every row.
    pub(super) gradients: &'a [[f32; 2]],
    /// For losses without curvature: the quantile that is wanted, and every row's score.
    pub(super) residuals: Option<(LeafQuantile<'a>, &'a [f64])>,
}

/// Sets what the leaves of `tree` have for `output`, shrunk by `rate`.
pub(super) fn set_values(
    tree: &mut Tree,
    output: usize,
    rows: &LeafRows<'_>,
    params: &GbdtParams,
    rate: f64,
) {
    let directions = rows.directions;
    let directed = directions.iter().any(|d| *d != 0);
    let with_nodes = directed || params.path_smooth > 0.0;
    let mut values = match rows.residuals {
        None => rows.steps(tree, params, with_nodes),
        Some((quantile, scores)) => rows.quantiles(tree, quantile, scores, with_nodes),
    };
    let n_leaves = tree.n_leaves();
    if params.path_smooth > 0.0 {
        smooth(tree, &mut values, params.path_smooth);
    }
    if directed {
        let (of_leaves, of_nodes) = values.split_at_mut(n_leaves);
        monotone::enforce(tree, directions, of_nodes, of_leaves);
    }
    let width = tree.width();
    for (leaf, value) in values[..n_leaves].iter().enumerate() {
        let value = value * rate;
        tree.values[leaf * width + output] = if value.is_finite() { value } else { 0.0 };
    }
}

/// The Newton step of gradient and Hessian.
pub(super) fn newton([g, h]: [f64; 2], params: &GbdtParams) -> f64 {
    let shrunk = (g.abs() - params.l1).max(0.0).copysign(g);
    let curvature = h + params.l2;
    if curvature > 0.0 { -shrunk / curvature } else { 0.0 }
}

impl LeafRows<'_> {
    /// Whether threads share the work on them.
    fn is_shared(&self) -> bool {
        self.places.entries.len() >= SHARED_ROWS
    }

    /// `of_leaf` of every leaf, in parallel where there are many rows.
    fn map<T: Send>(&self, of_leaf: impl Fn(&LeafPlace) -> T + Sync + Send) -> Vec<T> {
        if self.is_shared() {
            self.leaves.par_iter().map(of_leaf).collect()
        } else {
            self.leaves.iter().map(of_leaf).collect()
        }
    }

    /// The sums of the leaves, each thread in parts of its own where there are several.
    fn sums(&self) -> Vec<[f64; 2]> {
        let n_parts = self.leaves.first().map_or(0, |leaf| leaf.parts.len());
        if n_parts == 1 {
            return self.map(|leaf| sum(self.places.part(leaf, 0), self.gradients));
        }
        let of_part = |part: usize| -> Vec<[f64; 2]> {
            let of = |leaf: &LeafPlace| sum(self.places.part(leaf, part), self.gradients);
            self.leaves.iter().map(of).collect()
        };
        let parts = by_part((0..n_parts).collect(), self.is_shared(), of_part);
        let of_leaf = |leaf: usize| added(parts.iter().map(|part| part[leaf]));
        (0..self.leaves.len()).map(of_leaf).collect()
    }

    /// Newton steps of the leaves, then of the inner nodes where they are asked for.
    fn steps(&self, tree: &Tree, params: &GbdtParams, with_nodes: bool) -> Vec<f64> {
        let mut sums = self.sums();
        if with_nodes {
            let of_nodes = fold_up(tree, &sums, |a, b| [a[0] + b[0], a[1] + b[1]]);
            sums.extend(of_nodes);
        }
        sums.into_iter().map(|sum| newton(sum, params)).collect()
    }

    /// Quantiles of the residuals of the leaves, then of the inner nodes where they are asked for.
    fn quantiles(
        &self,
        tree: &Tree,
        quantile: LeafQuantile<'_>,
        scores: &[f64],
        with_nodes: bool,
    ) -> Vec<f64> {
        // Rows count as much as their Hessians, which hold weights and what sampling put in.
        let pair = |entry: &Entry| {
            let row = row(*entry) as usize;
            (quantile.targets[row] - scores[row], self.gradients[row][1])
        };
        let of = |leaves: &mut dyn Iterator<Item = &LeafPlace>| {
            let parts = leaves.flat_map(|leaf| self.places.of(leaf));
            let mut pairs: Vec<(f64, f32)> = parts.flatten().map(pair).collect();
            weighted_quantile(&mut pairs, quantile.level)
        };
        let mut values = self.map(|leaf| of(&mut std::iter::once(leaf)));
        if with_nodes {
            let of_leaves: Vec<Vec<usize>> =
                (0..self.leaves.len()).map(|leaf| vec![leaf]).collect();
            let of_nodes = fold_up(tree, &of_leaves, |a, b| [a, b].concat());
            let below = |leaves: Vec<usize>| of(&mut leaves.iter().map(|leaf| &self.leaves[*leaf]));
            values.extend(of_nodes.into_iter().map(below));
        }
        values
    }
}

/// What each inner node has, joined from its children.
fn fold_up<T: Clone>(tree: &Tree, of_leaves: &[T], join: impl Fn(T, T) -> T) -> Vec<T> {
    let mut of_nodes: Vec<Option<T>> = vec![None; tree.children.len()];
    for node in (0..tree.children.len()).rev() {
        let [left, right] = tree.children[node].map(|child| match usize::try_from(child) {
            Ok(inner) => of_nodes[inner].clone(),
            Err(_) => of_leaves.get(!child as usize).cloned(),
        });
        if let (Some(left), Some(right)) = (left, right) {
            of_nodes[node] = Some(join(left, right));
        }
    }
    of_nodes.into_iter().flatten().collect()
}

fn sum(entries: &[Entry], gradients: &[[f32; 2]]) -> [f64; 2] {
    let chunk = |chunk: &[Entry]| exact_total(chunk, gradients);
    if entries.len() >= SHARED_ROWS {
        let chunks: Vec<[f64; 2]> = entries.par_chunks(CHUNK_ROWS).map(chunk).collect();
        added(chunks.into_iter())
    } else {
        added(entries.chunks(CHUNK_ROWS).map(chunk))
    }
}

fn added(sums: impl Iterator<Item = [f64; 2]>) -> [f64; 2] {
    sums.fold([0.0; 2], |s, p| [s[0] + p[0], s[1] + p[1]])
}

/// Draws every node towards its parent: `value = (n · value + strength · parent) / (n + strength)`
/// with `n` its rows, from the root down (LightGBM's `path_smooth`).
///
/// `values` are those of the leaves, then of the inner nodes.
fn smooth(tree: &Tree, values: &mut [f64], strength: f64) {
    let n_leaves = tree.n_leaves();
    let drawn = |n: f32, value: f64, parent: f64| {
        (f64::from(n) * value + strength * parent) / (f64::from(n) + strength)
    };
    for (node, children) in tree.children.iter().enumerate() {
        let parent = values[n_leaves + node];
        for child in children {
            let (place, cover) = match usize::try_from(*child) {
                Ok(inner) => (n_leaves + inner, tree.covers[inner]),
                Err(_) => (!*child as usize, tree.leaf_covers[!*child as usize]),
            };
            values[place] = drawn(cover, values[place], parent);
        }
    }
}
