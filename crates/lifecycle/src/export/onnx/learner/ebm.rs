//! Explainable boosting machines: functions of one feature are small trees, those of pairs tables.

use std::any::Any;
use std::borrow::Cow;

use modelwright_core::Result;
use modelwright_learners::ebm::{EbmModel, Term};
use modelwright_learners::tree::Tree;

use super::super::constant::{f64s, i64s};
use super::super::graph::{Graph, Value};
use super::super::link;
use super::super::proto::DataType;
use super::super::trees::{OfOutput, sums, sums_of_wide};
use super::Setting;

pub(super) fn write(
    graph: &mut Graph,
    model: &dyn Any,
    setting: &Setting<'_>,
) -> Option<Result<Value>> {
    let model = model.downcast_ref::<EbmModel>()?;
    Some(predictions(graph, model, setting))
}

fn predictions(graph: &mut Graph, model: &EbmModel, setting: &Setting<'_>) -> Result<Value> {
    let n_outputs = model.n_outputs();
    let mut mains = Vec::new();
    let mut pairs = Vec::new();
    for term in model.terms() {
        let features: Vec<usize> = model.features(term).collect();
        match features.as_slice() {
            [feature] => {
                let bins: Vec<usize> = (0..term.shape()[0] as usize).collect();
                let values = |bin: usize| (0..n_outputs).map(|k| term.values(k)[bin]).collect();
                mains.push(Steps::of(model, *feature, &bins).tree(values));
            }
            _ => pairs.push((term, features)),
        }
    }
    let base = model.intercepts();
    let mut scores = if n_outputs > 1 {
        let mains: Vec<Cow<'_, Tree>> = mains.into_iter().map(Cow::Owned).collect();
        sums_of_wide(graph, setting, &mains, base)?
    } else {
        let mains: Vec<OfOutput<'_>> = mains.into_iter().map(|t| (Cow::Owned(t), 0)).collect();
        sums(graph, setting, &mains, base)?
    };
    if !pairs.is_empty() {
        let added = of_pairs(graph, model, &pairs, setting)?;
        scores = graph.op("Add", &[&scores, &added]);
    }
    link::apply(graph, model.link(), &scores)
}

/// What pairs add: each row's group of either feature by small trees, the cell of both in a table.
fn of_pairs(
    graph: &mut Graph,
    model: &EbmModel,
    pairs: &[(&Term, Vec<usize>)],
    setting: &Setting<'_>,
) -> Result<Value> {
    let n_outputs = model.n_outputs();
    // Two trees for each pair: the group of a side, times what a group of it counts for.
    let mut cells: Vec<OfOutput<'_>> = Vec::new();
    let (mut starts, mut values) = (Vec::new(), Vec::new());
    for (p, (term, features)) in pairs.iter().enumerate() {
        starts.push((values.len() / n_outputs) as i64);
        let n_cells: usize = term.shape().iter().map(|n| *n as usize).product();
        values.extend(
            (0..n_cells).flat_map(|cell| (0..n_outputs).map(move |k| term.values(k)[cell])),
        );
        let counts = [term.shape()[1] as usize, 1];
        for (side, feature) in features.iter().enumerate().take(2) {
            let groups = term.groups(side).unwrap_or_default();
            let groups: Vec<usize> = groups.iter().map(|g| usize::from(*g)).collect();
            let number = |group: usize| vec![(group * counts[side]) as f64];
            let tree = Steps::of(model, *feature, &groups).tree(number);
            cells.push((Cow::Owned(tree), p));
        }
    }
    let places = sums(graph, setting, &cells, &vec![0.0; pairs.len()])?;
    // Sums of two whole numbers are whole.
    let places = graph.cast(&places, DataType::Int64);
    let starts = graph.constant(i64s(&starts, &[starts.len()]));
    let places = graph.op("Add", &[&places, &starts]);
    let table = graph.constant(f64s(&values, &[values.len() / n_outputs, n_outputs]));
    let found = graph.gather(&table, &places, 0);
    Ok(graph.sum(&found, 1, false))
}

/// A function of one feature that is constant between some cuts.
struct Steps {
    feature: u32,
    /// Ascending; step `i` is up to cut `i`, the last one beyond all.
    cuts: Vec<f32>,
    /// The number of each step.
    numbers: Vec<usize>,
    /// The number of missing values.
    missing: usize,
    /// Beyond it a value is missing.
    end: f32,
}

impl Steps {
    /// Neighbouring bins of one number become one step; `numbers` has one for each bin, the missing
    /// one last.
    fn of(model: &EbmModel, feature: usize, numbers: &[usize]) -> Self {
        let all = model.cuts(feature);
        let is_category = model.is_category(feature);
        let end = if is_category { all.len() as f32 + 0.5 } else { f32::INFINITY };
        let mut steps = Self {
            feature: feature as u32,
            cuts: Vec::new(),
            numbers: numbers.first().copied().into_iter().collect(),
            missing: numbers.last().copied().unwrap_or(0),
            end,
        };
        for (i, cut) in all.iter().enumerate() {
            if numbers[i + 1] != numbers[i] {
                steps.cuts.push(*cut);
                steps.numbers.push(numbers[i + 1]);
            }
        }
        steps
    }

    /// A balanced tree whose root parts off missing values; `values` gives a leaf's numbers.
    fn tree(&self, values: impl Fn(usize) -> Vec<f64>) -> Tree {
        let mut tree = Tree::default();
        let n_leaves = self.numbers.len() + 1;
        let leaves = self.numbers.iter().chain([&self.missing]);
        tree.values = leaves.flat_map(|number| values(*number)).collect();
        tree.leaf_covers = vec![0.0; n_leaves];
        let root = node(&mut tree, self.feature, self.end);
        let below = self.grow(&mut tree, 0, self.numbers.len());
        tree.children[root] = [below, !(n_leaves as i32 - 1)];
        tree
    }

    /// The steps from `start` to before `end` as a branch.
    fn grow(&self, tree: &mut Tree, start: usize, end: usize) -> i32 {
        if end - start == 1 {
            return !(start as i32);
        }
        let middle = usize::midpoint(start, end);
        let own = node(tree, self.feature, self.cuts[middle - 1]);
        let left = self.grow(tree, start, middle);
        let right = self.grow(tree, middle, end);
        tree.children[own] = [left, right];
        own as i32
    }
}

fn node(tree: &mut Tree, feature: u32, threshold: f32) -> usize {
    tree.features.push(feature);
    tree.thresholds.push(threshold);
    tree.missing_left.push(false);
    tree.children.push([0, 0]);
    tree.gains.push(0.0);
    tree.covers.push(0.0);
    tree.features.len() - 1
}
