//! XGBoost's model as JSON or UBJSON, in the shape that version 2.0 and later write.
//!
//! A value goes left where it is *below* the threshold, so ours is moved up to the next f32; a
//! set's levels go right, so a node that tests levels is turned round. A right child must stand
//! next after its left one: XGBoost's predictor counts on it. Leaves are f32 there, and XGBoost
//! adds them up in f32: predictions agree to a few parts in 10⁷.

use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_learners::gbdt::Link;
use modelwright_learners::tree::Tree;

use super::choose::{ExportModel, refuse};
use crate::document::{Value, Width, json, write_ubjson};

/// The version that is written into the file: the first that has all its fields.
const VERSION: [i64; 3] = [2, 0, 0];
/// The root's parent.
const NO_PARENT: i32 = i32::MAX;
/// A leaf's children.
const NO_CHILD: i32 = -1;

/// The model in JSON.
///
/// # Errors
/// Input error when XGBoost has no such objective or leaves, or a number is too large for f32.
pub fn write_json(model: &ExportModel<'_>) -> Result<Vec<u8>> {
    Ok(json::write(&document(model)?).into_bytes())
}

/// The model in UBJSON.
///
/// # Errors
/// As [`write_json`].
pub fn write_ubj(model: &ExportModel<'_>) -> Result<Vec<u8>> {
    Ok(write_ubjson(&document(model)?))
}

fn document(model: &ExportModel<'_>) -> Result<Value> {
    let n_outputs = model.n_outputs();
    // Without trees, the base scores of several outputs would have no place.
    let nothing = vec![Tree::constant(0.0, 1.0); n_outputs];
    let trees = if model.trees.is_empty() { &nothing } else { &model.trees };
    let n_trees = trees.len();
    let trees = trees.iter().enumerate().map(|(t, tree)| document_of(t, tree, model));
    let trees: Vec<Value> = trees.collect::<Result<_>>()?;
    let n_rounds = n_trees / n_outputs;
    let rounds = (0..=n_rounds).map(|round| i64::from(id(round * n_outputs)));
    let groups = (0..n_trees).map(|t| i64::from(id(t % n_outputs)));
    let booster = Value::object([
        ("gbtree_model_param", params(&[("num_parallel_tree", 1), ("num_trees", n_trees)])),
        ("iteration_indptr", Value::wholes(rounds)),
        ("tree_info", Value::wholes(groups)),
        ("trees", Value::List(trees)),
    ]);
    let of_type = |is_level: bool| if is_level { "c" } else { "float" };
    let types = model.level_features().into_iter().map(of_type);
    let (objective, base_score) = (objective(model)?, base_score(model)?);
    let learner = Value::object([
        ("attributes", Value::object([])),
        ("feature_names", Value::texts(model.feature_names())),
        ("feature_types", Value::texts(types)),
        ("gradient_booster", Value::object([("model", booster), ("name", Value::text("gbtree"))])),
        ("learner_model_param", learner_params(model, base_score)),
        ("objective", objective),
    ]);
    Ok(Value::object([("learner", learner), ("version", Value::wholes(VERSION))]))
}

fn params(params: &[(&str, usize)]) -> Value {
    let text = |(name, value): &(&str, usize)| ((*name).to_owned(), Value::text(value.to_string()));
    Value::Object(params.iter().map(text).collect())
}

fn learner_params(model: &ExportModel<'_>, base_score: f32) -> Value {
    let n_outputs = model.n_outputs();
    let n_classes = if n_outputs > 1 { n_outputs } else { 0 };
    let n_features = model.largest_levels.len();
    let mut values = params(&[
        ("boost_from_average", 1),
        ("num_class", n_classes),
        ("num_feature", n_features),
        ("num_target", 1),
    ]);
    if let Value::Object(fields) = &mut values {
        fields.insert("base_score".to_owned(), Value::text(format!("{base_score:E}")));
    }
    values
}

/// The objective and the parameters without which XGBoost does not load it.
fn objective(model: &ExportModel<'_>) -> Result<Value> {
    let plain = ("reg_loss_param", vec![("scale_pos_weight", "1".to_owned())]);
    let (name, (block, params)) = match (model.link, model.task) {
        (Link::Identity, _) => ("reg:squarederror", plain),
        (Link::Logistic, Task::Regression) => ("reg:logistic", plain),
        (Link::Logistic, _) => ("binary:logistic", plain),
        (Link::Softmax, _) => {
            let n_classes = model.n_outputs().to_string();
            ("multi:softprob", ("softmax_multiclass_param", vec![("num_class", n_classes)]))
        }
        (Link::Exponential, _) => {
            let step = vec![("max_delta_step", "0.7".to_owned())];
            ("count:poisson", ("poisson_regression_param", step))
        }
        (Link::Step, _) => ("binary:hinge", ("", Vec::new())),
        (Link::LogisticEach, _) => {
            return Err(refuse("one-against-the-rest objective", "XGBoost"));
        }
        (Link::SignedSquare, _) => return Err(refuse("objective on roots", "XGBoost")),
        (Link::ExponentialLessOne, _) => return Err(refuse("objective on logarithms", "XGBoost")),
        (Link::Ascending | Link::Quantiles, _) => {
            return Err(refuse("model of several numbers", "XGBoost"));
        }
        (Link::Softplus, _) => return Err(refuse("softplus objective", "XGBoost")),
    };
    let mut fields = vec![("name".to_owned(), Value::text(name))];
    if !block.is_empty() {
        let text = |(name, value): (&str, String)| (name.to_owned(), Value::Text(value));
        let params = Value::Object(params.into_iter().map(text).collect());
        fields.push((block.to_owned(), params));
    }
    Ok(Value::Object(fields.into_iter().collect()))
}

/// The base score as a prediction, which is how XGBoost keeps it.
///
/// It is one number for all classes; those of ours that differ are added to the first round
/// (`document_of`), and this is then the prediction of a score of 0.
fn base_score(model: &ExportModel<'_>) -> Result<f32> {
    let base = match model.link {
        Link::Logistic => 0.5,
        Link::Exponential => 1.0,
        _ => shared_base(model) as f32,
    };
    if base.is_finite() { Ok(base) } else { Err(too_large("the base score")) }
}

/// The score that `base_score` stands for. Where that is not a score itself its rounding would
/// show in every prediction, so it is then 0 and all goes into the first round.
fn shared_base(model: &ExportModel<'_>) -> f64 {
    match (model.link, model.base_scores.as_slice()) {
        (Link::Identity, [base]) => f64::from(*base as f32),
        _ => 0.0,
    }
}

fn too_large(what: &str) -> Error {
    Error::input(format!("{what} is too large for XGBoost"))
        .expected("numbers in the range of f32")
        .hint("export to LightGBM, which has f64")
}

/// A tree, one entry per node.
fn document_of(t: usize, tree: &Tree, model: &ExportModel<'_>) -> Result<Value> {
    if !tree.linear.is_empty() {
        return Err(refuse("linear leaves", "XGBoost"));
    }
    let extra = match model.base_scores.get(t) {
        Some(base) => base - shared_base(model),
        None => 0.0,
    };
    let n_nodes = tree.features.len() + tree.n_leaves();
    let nodes = NodeArrays::of(tree, extra);
    if nodes.conditions.iter().any(|number| !number.is_finite()) {
        return Err(too_large("a leaf or threshold"));
    }
    let flags = |flags: Vec<bool>| Value::numbers(Width::U8, flags.into_iter().map(u8::from));
    let sizes = params(&[
        ("num_deleted", 0),
        ("num_feature", model.largest_levels.len()),
        ("num_nodes", n_nodes),
        ("size_leaf_vector", 1),
    ]);
    Ok(Value::object([
        ("base_weights", Value::numbers(Width::F32, vec![0.0; n_nodes])),
        ("categories", Value::numbers(Width::I32, nodes.levels)),
        ("categories_nodes", Value::numbers(Width::I32, nodes.nodes_of_sets)),
        ("categories_segments", Value::numbers(Width::I64, nodes.level_starts)),
        ("categories_sizes", Value::numbers(Width::I64, nodes.level_counts)),
        ("default_left", flags(nodes.default_left)),
        ("id", Value::Whole(id(t).into())),
        ("left_children", Value::numbers(Width::I32, nodes.left)),
        ("loss_changes", Value::numbers(Width::F32, nodes.gains)),
        ("parents", Value::numbers(Width::I32, nodes.parents)),
        ("right_children", Value::numbers(Width::I32, nodes.right)),
        ("split_conditions", Value::numbers(Width::F32, nodes.conditions)),
        ("split_indices", Value::numbers(Width::I32, nodes.features)),
        ("split_type", flags(nodes.is_set)),
        ("sum_hessian", Value::numbers(Width::F32, nodes.covers)),
        ("tree_param", sizes),
    ]))
}

/// A number of nodes or trees as XGBoost keeps it; ours are counted in 32 bits, too.
fn id(number: usize) -> i32 {
    (number as u32).cast_signed()
}

/// A tree's nodes as XGBoost has them, leaves among them: level by level, and a right child next
/// after its left one.
#[derive(Default)]
struct NodeArrays {
    left: Vec<i32>,
    right: Vec<i32>,
    parents: Vec<i32>,
    features: Vec<i32>,
    /// Thresholds of inner nodes, values of leaves.
    conditions: Vec<f32>,
    default_left: Vec<bool>,
    is_set: Vec<bool>,
    gains: Vec<f32>,
    covers: Vec<f32>,
    levels: Vec<i32>,
    nodes_of_sets: Vec<i32>,
    level_starts: Vec<u32>,
    level_counts: Vec<u32>,
}

impl NodeArrays {
    /// `extra` is added to the leaves.
    fn of(tree: &Tree, extra: f64) -> Self {
        let mut nodes = Self::default();
        // The tree's own number of each node, in our order: `!leaf` for a leaf.
        let mut order = vec![if tree.features.is_empty() { !0 } else { 0 }];
        nodes.parents.push(NO_PARENT);
        let mut next = 0;
        while let Some(own) = order.get(next).copied() {
            match usize::try_from(own) {
                Err(_) => nodes.push_leaf(tree, !own as usize, extra),
                Ok(own) => {
                    let children = nodes.push_inner(tree, own, id(order.len()));
                    order.extend(children);
                    nodes.parents.extend([id(next); 2]);
                }
            }
            next += 1;
        }
        nodes
    }

    fn push_leaf(&mut self, tree: &Tree, leaf: usize, extra: f64) {
        self.left.push(NO_CHILD);
        self.right.push(NO_CHILD);
        self.features.push(0);
        self.conditions.push((tree.values[leaf] + extra) as f32);
        self.default_left.push(false);
        self.is_set.push(false);
        self.gains.push(0.0);
        self.covers.push(tree.leaf_covers[leaf]);
    }

    /// Adds an inner node whose children will be `first` and the one after it; returns which
    /// children of the tree these are.
    fn push_inner(&mut self, tree: &Tree, own: usize, first: i32) -> [i32; 2] {
        let mut children = tree.children[own];
        let mut default_left = tree.missing_left[own];
        // Readers of JSON refuse infinity; only infinite values, which encoders write as the
        // largest number, would tell it from that.
        let mut threshold = tree.thresholds[own].next_up().min(f32::MAX);
        let set = tree.sets.binary_search_by_key(&(own as u32), |set| set.node);
        let set = set.ok().map(|i| &tree.sets[i]);
        if set.is_some() {
            // XGBoost knows no empty set; nothing is below the smallest number either.
            threshold = -f32::MAX;
        }
        let set = set.filter(|set| set.words.iter().any(|word| *word != 0));
        if let Some(set) = set {
            children.swap(0, 1);
            default_left = !default_left;
            let start = self.levels.len();
            let n_bits = set.words.len() as u32 * 64;
            self.levels
                .extend((0..n_bits).filter(|l| set.contains(*l as f32)).map(u32::cast_signed));
            self.nodes_of_sets.push(id(self.left.len()));
            self.level_starts.push(start as u32);
            self.level_counts.push((self.levels.len() - start) as u32);
        }
        self.left.push(first);
        self.right.push(first + 1);
        self.features.push(tree.features[own].cast_signed());
        self.conditions.push(threshold);
        self.default_left.push(default_left);
        self.is_set.push(set.is_some());
        self.gains.push(tree.gains[own]);
        self.covers.push(tree.covers[own]);
        children
    }
}
