//! Sums of trees as one operator.
//!
//! `TreeEnsembleRegressor` compares as our trees do: single precision, `value ≤ threshold` goes
//! left, a missing value where the node says. So every row takes the same path. Our leaves are added
//! up in double precision, the operator's in single: sums of hundreds of leaves differ by a few
//! parts in 10⁷ of the largest part sum.
//!
//! * A node that tests levels is a chain of `BRANCH_EQ` whose true branches are one child, as
//!   LightGBM's own converter writes it.
//! * Trees of one leaf are no trees here: they are given back as constants.
//! * A linear leaf adds to the coefficients of the row: the operator sums those of all trees, and
//!   one product with the features finishes the row. Before the leaf its features are asked for
//!   missing values, of which any leads to the plain value.

use modelwright_learners::tree::Tree;

use super::graph::{Attribute, Graph, Value};
use super::proto::DataType;

/// The output to which each number of a tree's leaf belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The leaf has one number, for this output.
    One(usize),
    /// The leaf has a number for every output.
    All,
}

/// Trees on their way into an operator.
pub(super) struct Ensemble {
    n_outputs: usize,
    nodes: Nodes,
    leaves: Leaves,
    /// What trees of one leaf add to each output.
    constants: Vec<f64>,
    /// Features with coefficients in linear leaves, in the order of their targets.
    linear: Vec<u32>,
    n_trees: i64,
}

#[derive(Default)]
struct Nodes {
    trees: Vec<i64>,
    ids: Vec<i64>,
    features: Vec<i64>,
    values: Vec<f32>,
    modes: Vec<Vec<u8>>,
    when_true: Vec<i64>,
    when_false: Vec<i64>,
    missing_is_true: Vec<i64>,
}

#[derive(Default)]
struct Leaves {
    trees: Vec<i64>,
    ids: Vec<i64>,
    targets: Vec<i64>,
    weights: Vec<f32>,
}

/// What a node tests.
struct Test {
    feature: u32,
    value: f32,
    mode: &'static str,
    missing_is_true: bool,
}

impl Ensemble {
    pub(super) fn new(n_outputs: usize) -> Self {
        Self {
            n_outputs,
            nodes: Nodes::default(),
            leaves: Leaves::default(),
            constants: vec![0.0; n_outputs],
            linear: Vec::new(),
            n_trees: 0,
        }
    }

    /// Adds a tree.
    pub(super) fn add(&mut self, tree: &Tree, target: Target) {
        if tree.features.is_empty() && tree.linear.is_empty() {
            for (output, value) in self.outputs(tree, 0, target) {
                self.constants[output] += value;
            }
            return;
        }
        // Nodes keep their numbers; what a node becomes besides gets the next free ones.
        let n_inner = tree.features.len() as i64;
        let mut next = n_inner + tree.n_leaves() as i64;
        let id = |child: i32| match usize::try_from(child) {
            Ok(node) => node as i64,
            Err(_) => n_inner + i64::from(!child),
        };
        for node in 0..tree.features.len() {
            let [left, right] = tree.children[node].map(id);
            self.node(tree, node, [left, right], &mut next);
        }
        for leaf in 0..tree.n_leaves() {
            self.leaf(tree, leaf, n_inner + leaf as i64, target, &mut next);
        }
        self.n_trees += 1;
    }

    /// An inner node: one test, or one for each level that goes left.
    fn node(&mut self, tree: &Tree, node: usize, [left, right]: [i64; 2], next: &mut i64) {
        let (feature, missing_is_true) = (tree.features[node], tree.missing_left[node]);
        let set = tree.sets.binary_search_by_key(&(node as u32), |set| set.node).ok();
        let levels: Vec<u32> = match set {
            None => {
                let value = tree.thresholds[node];
                let test = Test { feature, value, mode: "BRANCH_LEQ", missing_is_true };
                return self.push(node as i64, &test, [left, right]);
            }
            Some(at) => (tree.sets[at].words.iter().enumerate())
                .flat_map(|(i, word)| (0..64).map(move |bit| (i * 64 + bit, word >> bit & 1)))
                .filter(|(_, is_in)| *is_in == 1)
                .map(|(level, _)| level as u32)
                .collect(),
        };
        if levels.is_empty() {
            let value = f32::NEG_INFINITY;
            let test = Test { feature, value, mode: "BRANCH_LT", missing_is_true };
            return self.push(node as i64, &test, [left, right]);
        }
        let mut own = node as i64;
        for (i, level) in levels.iter().enumerate() {
            let is_last = i + 1 == levels.len();
            let otherwise = if is_last { right } else { *next };
            let value = *level as f32;
            let test = Test { feature, value, mode: "BRANCH_EQ", missing_is_true };
            self.push(own, &test, [left, otherwise]);
            own = otherwise;
            *next += i64::from(!is_last);
        }
    }

    fn push(&mut self, id: i64, test: &Test, [when_true, when_false]: [i64; 2]) {
        let nodes = &mut self.nodes;
        nodes.trees.push(self.n_trees);
        nodes.ids.push(id);
        nodes.features.push(i64::from(test.feature));
        nodes.values.push(test.value);
        nodes.modes.push(test.mode.as_bytes().to_vec());
        nodes.when_true.push(when_true);
        nodes.when_false.push(when_false);
        nodes.missing_is_true.push(i64::from(test.missing_is_true));
    }

    fn leaf(&mut self, tree: &Tree, leaf: usize, id: i64, target: Target, next: &mut i64) {
        let linear = tree.linear.get(leaf).filter(|linear| !linear.terms.is_empty());
        let Some(linear) = linear else {
            let constant = tree.linear.get(leaf).map(|linear| linear.constant);
            let plain = self.outputs(tree, leaf, target);
            let values = plain.into_iter().map(|(k, value)| (k, constant.unwrap_or(value)));
            let values = values.collect::<Vec<_>>();
            return self.push_leaf(id, &values);
        };
        let mut own = id;
        for (feature, _) in &linear.terms {
            let (plain, after) = (*next, *next + 1);
            *next += 2;
            // Infinity parts missing values from all others.
            let (feature, value) = (*feature, f32::INFINITY);
            let test = Test { feature, value, mode: "BRANCH_LEQ", missing_is_true: false };
            self.push(own, &test, [after, plain]);
            let values = self.outputs(tree, leaf, target);
            self.push_leaf(plain, &values);
            own = after;
        }
        let mut values = Vec::new();
        for (output, _) in self.outputs(tree, leaf, target) {
            values.push((output, linear.constant));
            for (feature, coefficient) in &linear.terms {
                values.push((self.coefficient(*feature, output), *coefficient));
            }
        }
        self.push_leaf(own, &values);
    }

    /// The target of a feature's coefficient for an output: behind those of the outputs.
    fn coefficient(&mut self, feature: u32, output: usize) -> usize {
        let known = self.linear.iter().position(|own| *own == feature);
        let place = known.unwrap_or_else(|| {
            self.linear.push(feature);
            self.linear.len() - 1
        });
        self.n_outputs * (1 + place) + output
    }

    fn push_leaf(&mut self, id: i64, values: &[(usize, f64)]) {
        let test = Test { feature: 0, value: 0.0, mode: "LEAF", missing_is_true: false };
        self.push(id, &test, [0, 0]);
        for (target, value) in values {
            self.leaves.trees.push(self.n_trees);
            self.leaves.ids.push(id);
            self.leaves.targets.push(*target as i64);
            self.leaves.weights.push(*value as f32);
        }
    }

    /// The numbers of a leaf by output.
    fn outputs(&self, tree: &Tree, leaf: usize, target: Target) -> Vec<(usize, f64)> {
        match target {
            Target::One(output) => vec![(output, tree.values[leaf])],
            Target::All => {
                let n = self.n_outputs;
                tree.values[leaf * n..(leaf + 1) * n].iter().copied().enumerate().collect()
            }
        }
    }

    /// The sums of the rows, double `[rows, outputs]`, without [`Self::constants`]; `None` when
    /// there are no trees. `features` are in single precision.
    pub(super) fn sums(&mut self, graph: &mut Graph, features: &Value) -> Option<Value> {
        if self.n_trees == 0 {
            return None;
        }
        let n_targets = self.n_outputs * (1 + self.linear.len());
        let nodes = std::mem::take(&mut self.nodes);
        let leaves = std::mem::take(&mut self.leaves);
        let attributes = vec![
            ("nodes_treeids", Attribute::Ints(nodes.trees)),
            ("nodes_nodeids", Attribute::Ints(nodes.ids)),
            ("nodes_featureids", Attribute::Ints(nodes.features)),
            ("nodes_values", Attribute::Floats(nodes.values)),
            ("nodes_modes", Attribute::Texts(nodes.modes)),
            ("nodes_truenodeids", Attribute::Ints(nodes.when_true)),
            ("nodes_falsenodeids", Attribute::Ints(nodes.when_false)),
            ("nodes_missing_value_tracks_true", Attribute::Ints(nodes.missing_is_true)),
            ("target_treeids", Attribute::Ints(leaves.trees)),
            ("target_nodeids", Attribute::Ints(leaves.ids)),
            ("target_ids", Attribute::Ints(leaves.targets)),
            ("target_weights", Attribute::Floats(leaves.weights)),
            ("n_targets", Attribute::Int(n_targets as i64)),
            ("aggregate_function", Attribute::Text("SUM")),
            ("post_transform", Attribute::Text("NONE")),
        ];
        let sums = graph.ml("TreeEnsembleRegressor", features, attributes);
        let sums = graph.cast(&sums, DataType::Double);
        Some(self.with_coefficients(graph, features, &sums))
    }

    /// What trees of one leaf add to each output.
    pub(super) fn constants(&self) -> &[f64] {
        &self.constants
    }

    /// Features with coefficients in linear leaves, in the order of their targets.
    #[cfg(test)]
    pub(super) fn linear_features(&self) -> &[u32] {
        &self.linear
    }

    fn with_coefficients(&self, graph: &mut Graph, features: &Value, sums: &Value) -> Value {
        if self.linear.is_empty() {
            return sums.clone();
        }
        let features = graph.cast(features, DataType::Double);
        let missing = graph.op("IsNaN", &[&features]);
        let zero = graph.f64(0.0);
        let known = graph.choose(&missing, &zero, &features);
        let n = self.n_outputs;
        let mut total = graph.columns(sums, &(0..n).collect::<Vec<_>>());
        for (place, feature) in self.linear.iter().enumerate() {
            let first = n * (1 + place);
            let coefficients = graph.columns(sums, &(first..first + n).collect::<Vec<_>>());
            let feature = graph.columns(&known, &[*feature as usize]);
            let product = graph.op("Mul", &[&coefficients, &feature]);
            total = graph.op("Add", &[&total, &product]);
        }
        total
    }
}
