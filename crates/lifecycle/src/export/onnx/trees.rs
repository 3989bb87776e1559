//! Sums of trees as operators.
//!
//! `TreeEnsemble` in double precision compares as our trees do: a feature in single precision is
//! the same number in double, `value ≤ threshold` goes left, a missing value where the node says.
//! So every row takes the same path, and leaves are added up in double precision as ours are.
//!
//! * A node that tests levels is `BRANCH_MEMBER`. What is no whole number is in no set, but a
//!   runtime may cut its fraction off; such values become -1 first.
//! * Trees of one leaf are no trees here: they are constants.
//! * Linear leaves are [`super::linear_leaves`].
//! * Trees with several numbers in a leaf give the number of the leaf, whose row of a table is
//!   added: the operator's leaves have one number each.

use std::borrow::Cow;

use modelwright_core::Result;
use modelwright_learners::tree::Tree;

use super::constant::{f64s, u8s};
use super::graph::{Attribute, Graph, Value};
use super::learner::Setting;
use super::proto::DataType;

/// Tests of a node (`nodes_modes`).
const LESS_OR_EQUAL: u8 = 0;
const LESS: u8 = 1;
const MEMBER: u8 = 6;

/// Leaves are added up (`aggregate_function`).
const SUM: i64 = 1;

/// Trees whose leaves are looked up together: what they add is held in memory for all rows at once.
const LOOKED_UP_TOGETHER: usize = 32;

/// Levels are below this.
const LEVELS_END: f64 = 4_294_967_296.0;

/// A tree with one number in each leaf, and the output it adds to.
pub(super) type OfOutput<'a> = (Cow<'a, Tree>, usize);

/// The sums of the rows, double `[rows, outputs]`: `base`, and trees with one number in each leaf.
///
/// # Errors
/// Work error when there are trees but no features.
pub(super) fn sums(
    graph: &mut Graph,
    setting: &Setting<'_>,
    trees: &[OfOutput<'_>],
    base: &[f64],
) -> Result<Value> {
    let mut ensemble = Ensemble::new(base);
    for (tree, output) in trees {
        ensemble.add(tree, *output);
    }
    if ensemble.roots.is_empty() {
        return Ok(setting.constant(graph, &ensemble.constants));
    }
    let features = setting.wide(graph)?;
    Ok(ensemble.write(graph, &features, setting.features.n))
}

/// The same of trees with a number for each output in every leaf.
///
/// # Errors
/// As [`sums`].
pub(super) fn sums_of_wide(
    graph: &mut Graph,
    setting: &Setting<'_>,
    trees: &[Cow<'_, Tree>],
    base: &[f64],
) -> Result<Value> {
    let n_outputs = base.len();
    let mut total = setting.constant(graph, base);
    for together in trees.chunks(LOOKED_UP_TOGETHER) {
        let mut rows = Vec::new();
        let mut places: Vec<OfOutput<'_>> = Vec::new();
        for (t, tree) in together.iter().enumerate() {
            let first = rows.len() / n_outputs;
            rows.extend_from_slice(&tree.values);
            let values = (first..first + tree.n_leaves()).map(|row| row as f64).collect();
            places.push((Cow::Owned(Tree { values, ..Tree::clone(tree) }), t));
        }
        let places = sums(graph, setting, &places, &vec![0.0; together.len()])?;
        // Whole numbers, one for each tree.
        let places = graph.cast(&places, DataType::Int64);
        let table = graph.constant(f64s(&rows, &[rows.len() / n_outputs, n_outputs]));
        let found = graph.gather(&table, &places, 0);
        let added = graph.sum(&found, 1, false);
        total = graph.op("Add", &[&total, &added]);
    }
    Ok(total)
}

/// Trees on their way into an operator.
struct Ensemble {
    n_outputs: usize,
    roots: Vec<i64>,
    nodes: Nodes,
    /// The output to which each leaf adds, and what.
    targets: Vec<i64>,
    weights: Vec<f64>,
    /// The levels of nodes that test sets, each set ended by NaN.
    levels: Vec<f64>,
    /// Features whose levels are tested, ascending.
    of_levels: Vec<u32>,
    /// The base, and what trees of one leaf add to it.
    constants: Vec<f64>,
}

#[derive(Default)]
struct Nodes {
    features: Vec<i64>,
    modes: Vec<u8>,
    splits: Vec<f64>,
    missing_is_true: Vec<i64>,
    /// Where rows go that pass, and that do not: places of nodes or leaves, and whether of leaves.
    children: [(Vec<i64>, Vec<i64>); 2],
}

impl Ensemble {
    fn new(base: &[f64]) -> Self {
        Self {
            n_outputs: base.len(),
            roots: Vec::new(),
            nodes: Nodes::default(),
            targets: Vec::new(),
            weights: Vec::new(),
            levels: Vec::new(),
            of_levels: Vec::new(),
            constants: base.to_vec(),
        }
    }

    fn add(&mut self, tree: &Tree, output: usize) {
        if tree.features.is_empty() {
            self.constants[output] += tree.values[0];
            return;
        }
        let (first, first_leaf) = (self.nodes.features.len(), self.weights.len());
        let child = |child: i32| match usize::try_from(child) {
            Ok(node) => ((first + node) as i64, 0),
            Err(_) => ((first_leaf + !child as usize) as i64, 1),
        };
        self.roots.push(first as i64);
        for node in 0..tree.features.len() {
            let (mode, split) = self.test(tree, node);
            let nodes = &mut self.nodes;
            nodes.features.push(i64::from(tree.features[node]));
            nodes.modes.push(mode);
            nodes.splits.push(split);
            nodes.missing_is_true.push(i64::from(tree.missing_left[node]));
            for (side, next) in nodes.children.iter_mut().zip(tree.children[node].map(child)) {
                side.0.push(next.0);
                side.1.push(next.1);
            }
        }
        self.targets.resize(first_leaf + tree.n_leaves(), output as i64);
        self.weights.extend_from_slice(&tree.values);
    }

    /// What a node asks.
    fn test(&mut self, tree: &Tree, node: usize) -> (u8, f64) {
        let Ok(at) = tree.sets.binary_search_by_key(&(node as u32), |set| set.node) else {
            return (LESS_OR_EQUAL, f64::from(tree.thresholds[node]));
        };
        let before = self.levels.len();
        for (i, word) in tree.sets[at].words.iter().enumerate() {
            let on = (0..64).filter(|bit| word >> bit & 1 == 1);
            self.levels.extend(on.map(|bit| (i * 64 + bit) as f64));
        }
        if self.levels.len() == before {
            // Nothing is in an empty set, nor below all numbers.
            return (LESS, f64::NEG_INFINITY);
        }
        self.levels.push(f64::NAN);
        if let Err(place) = self.of_levels.binary_search(&tree.features[node]) {
            self.of_levels.insert(place, tree.features[node]);
        }
        (MEMBER, 0.0)
    }

    /// The sums of the rows, of features in double precision.
    fn write(self, graph: &mut Graph, features: &Value, n_features: usize) -> Value {
        let features = self.with_whole_levels(graph, features, n_features);
        let [passed, failed] = self.nodes.children;
        let (n_nodes, n_leaves) = (self.nodes.modes.len(), self.weights.len());
        let mut attributes = vec![
            ("n_targets", Attribute::Int(self.n_outputs as i64)),
            ("aggregate_function", Attribute::Int(SUM)),
            ("post_transform", Attribute::Int(0)),
            ("tree_roots", Attribute::Ints(self.roots)),
            ("nodes_modes", Attribute::Tensor(u8s(self.nodes.modes))),
            ("nodes_featureids", Attribute::Ints(self.nodes.features)),
            ("nodes_splits", Attribute::Tensor(f64s(&self.nodes.splits, &[n_nodes]))),
            ("nodes_truenodeids", Attribute::Ints(passed.0)),
            ("nodes_trueleafs", Attribute::Ints(passed.1)),
            ("nodes_falsenodeids", Attribute::Ints(failed.0)),
            ("nodes_falseleafs", Attribute::Ints(failed.1)),
            ("nodes_missing_value_tracks_true", Attribute::Ints(self.nodes.missing_is_true)),
            ("leaf_targetids", Attribute::Ints(self.targets)),
            ("leaf_weights", Attribute::Tensor(f64s(&self.weights, &[n_leaves]))),
        ];
        if !self.levels.is_empty() {
            let levels = f64s(&self.levels, &[self.levels.len()]);
            attributes.push(("membership_values", Attribute::Tensor(levels)));
        }
        let sums = graph.ml("TreeEnsemble", &features, attributes);
        let constants = graph.f64_row(&self.constants);
        graph.op("Add", &[&sums, &constants])
    }

    /// The features, with -1 where one whose levels are tested is no whole number of a level.
    fn with_whole_levels(&self, graph: &mut Graph, features: &Value, n: usize) -> Value {
        if self.of_levels.is_empty() {
            return features.clone();
        }
        let is_tested = |f: usize| f64::from(u8::from(self.of_levels.contains(&(f as u32))));
        let tested = graph.f64_row(&(0..n).map(is_tested).collect::<Vec<f64>>());
        let tested = graph.cast(&tested, DataType::Bool);
        let end = graph.f64(LEVELS_END);
        let floor = graph.op("Floor", &[features]);
        let is_whole = graph.op("Equal", &[features, &floor]);
        let is_small = graph.op("Less", &[features, &end]);
        let is_level = graph.op("And", &[&is_whole, &is_small]);
        let missing = graph.op("IsNaN", &[features]);
        let is_fine = graph.op("Or", &[&is_level, &missing]);
        let is_not = graph.op("Not", &[&is_fine]);
        let is_not = graph.op("And", &[&tested, &is_not]);
        let none = graph.f64(-1.0);
        graph.choose(&is_not, &none, features)
    }
}
