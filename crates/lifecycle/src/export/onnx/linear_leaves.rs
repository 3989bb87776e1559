//! Trees whose leaves are linear functions.
//!
//! A leaf adds to the coefficients of the row; the operator sums those of all trees, and one
//! product with the features finishes the row. Before such a leaf its features are asked for
//! missing values, of which any leads to the leaf's plain value.

use std::borrow::Cow;

use modelwright_core::Result;
use modelwright_learners::tree::Tree;

use super::graph::{Graph, Value};
use super::learner::Setting;
use super::trees::{OfOutput, sums_of_wide};

/// The sums of the rows, double `[rows, outputs]`, of `base` and the trees.
///
/// # Errors
/// As [`sums_of_wide`].
pub(super) fn sums(
    graph: &mut Graph,
    setting: &Setting<'_>,
    trees: &[OfOutput<'_>],
    base: &[f64],
) -> Result<Value> {
    let mut used: Vec<u32> = (trees.iter())
        .flat_map(|(tree, _)| tree.linear.iter().flat_map(|leaf| leaf.terms.iter().map(|t| t.0)))
        .collect();
    used.sort_unstable();
    used.dedup();
    let n = base.len();
    let unfolded: Vec<Cow<'_, Tree>> =
        trees.iter().map(|(tree, output)| Cow::Owned(unfold(tree, &used, n, *output))).collect();
    let mut wide = base.to_vec();
    wide.resize(n * (1 + used.len()), 0.0);
    let all = sums_of_wide(graph, setting, &unfolded, &wide)?;
    let features = setting.wide(graph)?;
    let missing = graph.op("IsNaN", &[&features]);
    let zero = graph.f64(0.0);
    let known = graph.choose(&missing, &zero, &features);
    let mut total = graph.columns(&all, &(0..n).collect::<Vec<_>>());
    for (place, feature) in used.iter().enumerate() {
        let first = n * (1 + place);
        let coefficients = graph.columns(&all, &(first..first + n).collect::<Vec<_>>());
        let feature = graph.columns(&known, &[*feature as usize]);
        let product = graph.op("Mul", &[&coefficients, &feature]);
        total = graph.op("Add", &[&total, &product]);
    }
    Ok(total)
}

/// A tree whose leaves have the plain numbers of all outputs, then the coefficients of each used
/// feature for all outputs.
pub(super) fn unfold(tree: &Tree, used: &[u32], n_outputs: usize, output: usize) -> Tree {
    let mut new = Tree {
        features: tree.features.clone(),
        thresholds: tree.thresholds.clone(),
        missing_left: tree.missing_left.clone(),
        children: tree.children.clone(),
        sets: tree.sets.clone(),
        ..Tree::default()
    };
    let mut n_leaves = 0;
    let mut ends = Vec::with_capacity(tree.n_leaves());
    let mut push_leaf = |values: &mut Vec<f64>, filled: &[(usize, f64)]| -> i32 {
        let first = values.len();
        values.resize(first + n_outputs * (1 + used.len()), 0.0);
        for (place, value) in filled {
            values[first + n_outputs * place + output] = *value;
        }
        n_leaves += 1;
        !(n_leaves - 1)
    };
    for leaf in 0..tree.n_leaves() {
        let plain = [(0, tree.values[leaf])];
        let Some(linear) = tree.linear.get(leaf) else {
            ends.push(push_leaf(&mut new.values, &plain));
            continue;
        };
        let mut filled = vec![(0, linear.constant)];
        for (feature, coefficient) in &linear.terms {
            // Every feature of a term is among the used ones.
            let place = used.partition_point(|own| own < feature);
            filled.push((1 + place, *coefficient));
        }
        let end = push_leaf(&mut new.values, &filled);
        let first = new.features.len();
        for (i, (feature, _)) in linear.terms.iter().enumerate() {
            let is_last = i + 1 == linear.terms.len();
            let next = if is_last { end } else { (first + i + 1) as i32 };
            let otherwise = push_leaf(&mut new.values, &plain);
            // Infinity parts missing values from all others.
            new.features.push(*feature);
            new.thresholds.push(f32::INFINITY);
            new.missing_left.push(false);
            new.children.push([next, otherwise]);
        }
        ends.push(if linear.terms.is_empty() { end } else { first as i32 });
    }
    for child in new.children[..tree.features.len()].iter_mut().flatten() {
        if *child < 0 {
            *child = ends[!*child as usize];
        }
    }
    new
}
