//! One tree of an XGBoost model.
//!
//! A file has one entry per node, leaves among them, in any order; ours have inner nodes and
//! leaves apart, parents first. The walk that sorts them proves that they are a tree, and leaves
//! out what pruning left behind.

use modelwright_core::{Error, Result};
use modelwright_learners::tree::{LevelSet, Tree};

use super::Shape;
use crate::document::Value;
use crate::document::node::Node;
use crate::import::foreign::{ForeignFeature, Reading};

/// A leaf's left child.
const NO_CHILD: i32 = -1;
/// XGBoost's levels are below this: larger whole numbers are not all f32.
const LEVEL_END: i32 = 1 << 24;
/// Words of 64 levels that all sets together may have, whatever the size of the file: 16 MiB.
const WORDS_FREE: usize = 1 << 21;

/// What the trees say of the features, and how much memory their sets may still take.
pub(super) struct Seen {
    in_sets: Vec<bool>,
    in_thresholds: Vec<bool>,
    words_left: usize,
}

impl Seen {
    pub(super) fn new(n_features: usize, document: &Value) -> Self {
        Self {
            in_sets: vec![false; n_features],
            in_thresholds: vec![false; n_features],
            words_left: WORDS_FREE + count(document),
        }
    }

    /// Hands the facts to the features.
    ///
    /// # Errors
    /// Input error for a feature that is a category in one tree and a number in another.
    pub(super) fn tell(&self, features: &mut [ForeignFeature]) -> Result<()> {
        for (f, feature) in features.iter_mut().enumerate() {
            if self.in_sets[f] && self.in_thresholds[f] {
                return Err(Error::input(
                    "the feature is a category in one tree and a number in another",
                )
                .column(&feature.name)
                .hint("train all rounds with the same feature types"));
            }
            if self.in_sets[f] {
                feature.reading = Reading::LevelNumber;
            } else if self.in_thresholds[f] {
                feature.reading = Reading::Number { zero_is_missing: false };
            }
        }
        Ok(())
    }
}

/// How many numbers a document has.
fn count(value: &Value) -> usize {
    match value {
        Value::Numbers(_, numbers) => numbers.len(),
        Value::List(list) => list.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// The arrays of a file's tree, one entry per node.
struct Arrays {
    left: Vec<i32>,
    right: Vec<i32>,
    features: Vec<i32>,
    /// Thresholds of inner nodes; values of leaves, unless these are vectors.
    conditions: Vec<f64>,
    default_left: Vec<f64>,
    is_set: Vec<f64>,
    gains: Vec<f64>,
    covers: Vec<f64>,
}

impl Arrays {
    fn read(node: &Node<'_>) -> Result<Self> {
        let left = node.field("left_children")?.wholes()?;
        let n = left.len();
        if n == 0 {
            return Err(node.field("left_children")?.broken().expected("at least one node"));
        }
        let or = |name: &str, value: f64| match node.get(name) {
            Some(node) => node.n_numbers(n),
            None => Ok(vec![value; n]),
        };
        Ok(Self {
            right: node.field("right_children")?.n_wholes(n)?,
            features: node.field("split_indices")?.n_wholes(n)?,
            conditions: node.field("split_conditions")?.n_numbers(n)?,
            default_left: node.field("default_left")?.n_numbers(n)?,
            is_set: or("split_type", 0.0)?,
            gains: or("loss_changes", 0.0)?,
            covers: or("sum_hessian", 0.0)?,
            left,
        })
    }
}

/// The trees that one tree of a file becomes: one, or one per output if its leaves are vectors.
pub(super) fn trees(node: &Node<'_>, shape: &Shape, seen: &mut Seen) -> Result<Vec<Tree>> {
    let arrays = Arrays::read(node)?;
    let mut sets = Sets::read(node)?;
    let order = walk(&arrays, node)?;
    let mut tree = Tree::default();
    for (at, children) in &order.inner {
        push_inner(&mut tree, node, &arrays, *at, *children, shape, seen)?;
        if arrays.is_set[*at] != 0.0 {
            let set = sets.take(node, *at, tree.features.len() as u32 - 1, seen)?;
            turn_round(&mut tree, set);
        }
    }
    tree.leaf_covers = order.leaves.iter().map(|at| cover(arrays.covers[*at])).collect();
    let width = match node.get("tree_param").and_then(|p| p.get("size_leaf_vector")) {
        Some(size) => size.count()?.max(1),
        None => 1,
    };
    if width == 1 {
        tree.values =
            order.leaves.iter().map(|at| f64::from(arrays.conditions[*at] as f32)).collect();
        return Ok(vec![tree]);
    }
    if width != shape.n_outputs {
        return Err(node.broken().expected(format!("leaves of {} numbers", shape.n_outputs)));
    }
    let values = vector_leaves(node, &arrays, &order.leaves, width)?;
    let of_output = |k: usize| Tree {
        values: values.iter().skip(k).step_by(width).copied().collect(),
        ..tree.clone()
    };
    Ok((0..width).map(of_output).collect())
}

fn push_inner(
    tree: &mut Tree,
    node: &Node<'_>,
    arrays: &Arrays,
    at: usize,
    children: [i32; 2],
    shape: &Shape,
    seen: &mut Seen,
) -> Result<()> {
    let feature = usize::try_from(arrays.features[at]).ok().filter(|f| *f < shape.n_features);
    let Some(feature) = feature else {
        return Err(node
            .field("split_indices")?
            .broken()
            .expected(format!("features below {}", shape.n_features))
            .got(arrays.features[at].to_string()));
    };
    let is_set = arrays.is_set[at] != 0.0;
    let uses = if is_set { &mut seen.in_sets } else { &mut seen.in_thresholds };
    uses[feature] = true;
    let threshold = arrays.conditions[at] as f32;
    // Before version 3 the threshold of a node that tests levels is NaN.
    if threshold.is_nan() && !is_set {
        return Err(node.field("split_conditions")?.broken().expected("numbers").got("NaN"));
    }
    tree.features.push(feature as u32);
    // `value < threshold` is `value <= the next number below it`.
    tree.thresholds.push(if is_set { 0.0 } else { threshold.next_down() });
    tree.missing_left.push(arrays.default_left[at] != 0.0);
    tree.children.push(children);
    let gain = arrays.gains[at] as f32;
    tree.gains.push(if gain.is_finite() { gain } else { 0.0 });
    tree.covers.push(cover(arrays.covers[at]));
    Ok(())
}

/// Makes the last node send `set` left: XGBoost sends it right.
fn turn_round(tree: &mut Tree, set: LevelSet) {
    let last = tree.features.len() - 1;
    tree.children[last].swap(0, 1);
    tree.missing_left[last] = !tree.missing_left[last];
    tree.sets.push(set);
}

fn cover(sum_hessian: f64) -> f32 {
    let cover = sum_hessian as f32;
    if cover.is_finite() { cover.max(0.0) } else { 0.0 }
}

/// Which nodes of a file are reached, and how they follow each other in our arrays.
struct Order {
    /// Position in the file, and the children in our numbers.
    inner: Vec<(usize, [i32; 2])>,
    /// Positions in the file.
    leaves: Vec<usize>,
}

/// Walks from the root, level by level.
fn walk(arrays: &Arrays, node: &Node<'_>) -> Result<Order> {
    let mut order = Order { inner: Vec::new(), leaves: Vec::new() };
    let n = arrays.left.len();
    let is_leaf = |at: usize| arrays.left[at] == NO_CHILD;
    if is_leaf(0) {
        order.leaves.push(0);
        return Ok(order);
    }
    let mut is_reached = vec![false; n];
    is_reached[0] = true;
    order.inner.push((0, [0, 0]));
    let mut next = 0;
    while let Some((at, _)) = order.inner.get(next).copied() {
        for (side, child) in [arrays.left[at], arrays.right[at]].into_iter().enumerate() {
            let child = usize::try_from(child).ok().filter(|c| *c < n && !is_reached[*c]);
            let Some(child) = child else {
                return Err(node
                    .broken()
                    .expected("children that exist, each of one parent")
                    .got(format!("the children of node {at}")));
            };
            is_reached[child] = true;
            if is_leaf(child) {
                order.inner[next].1[side] = !(order.leaves.len() as u32).cast_signed();
                order.leaves.push(child);
            } else {
                order.inner[next].1[side] = (order.inner.len() as u32).cast_signed();
                order.inner.push((child, [0, 0]));
            }
        }
        next += 1;
    }
    Ok(order)
}

/// The values of vector leaves, leaf after leaf.
///
/// Since 3.2 they are in `leaf_weights`, and a leaf's right child says where; before, every node
/// had its vector in `base_weights`.
fn vector_leaves(
    node: &Node<'_>,
    arrays: &Arrays,
    leaves: &[usize],
    width: usize,
) -> Result<Vec<f64>> {
    let (list, is_own) = match node.get("leaf_weights") {
        Some(list) => (list, true),
        None => (node.field("base_weights")?, false),
    };
    let numbers = list.numbers()?;
    // Leaves that share a vector would make much memory of a small file.
    if leaves.len().checked_mul(width).is_none_or(|n| n > numbers.len()) {
        return Err(list.broken().expected(format!("{width} numbers for each leaf")));
    }
    let mut values = Vec::new();
    for at in leaves {
        let position = if is_own { usize::try_from(arrays.right[*at]).ok() } else { Some(*at) };
        let start = position.and_then(|p| p.checked_mul(width));
        let slice = start.and_then(|s| numbers.get(s..s.checked_add(width)?));
        let Some(slice) = slice else {
            return Err(list.broken().expected(format!("{width} numbers for each leaf")));
        };
        values.extend(slice.iter().map(|value| f64::from(*value as f32)));
    }
    Ok(values)
}

/// The sets of a tree: those of node `nodes[i]` are `levels[starts[i]..][..sizes[i]]`.
struct Sets {
    nodes: Vec<i32>,
    starts: Vec<i32>,
    sizes: Vec<i32>,
    levels: Vec<i32>,
}

impl Sets {
    fn read(node: &Node<'_>) -> Result<Self> {
        let list = |name| node.get(name).map_or(Ok(Vec::new()), |node| node.wholes());
        let sets = Self {
            nodes: list("categories_nodes")?,
            starts: list("categories_segments")?,
            sizes: list("categories_sizes")?,
            levels: list("categories")?,
        };
        if sets.starts.len() != sets.nodes.len() || sets.sizes.len() != sets.nodes.len() {
            return Err(node.broken().expected("a segment and a size for each categorical node"));
        }
        if !sets.nodes.is_sorted() {
            return Err(node.broken().expected("categories_nodes in ascending order"));
        }
        Ok(sets)
    }

    /// The set of the file's node `at`, for our node `ours`.
    fn take(&mut self, node: &Node<'_>, at: usize, ours: u32, seen: &mut Seen) -> Result<LevelSet> {
        let broken =
            |expected: &str| Err(node.broken().expected(expected).got(format!("node {at}")));
        let Ok(i) = self.nodes.binary_search(&(at as u32).cast_signed()) else {
            return broken("levels for each categorical node");
        };
        let bounds = usize::try_from(self.starts[i]).ok().zip(usize::try_from(self.sizes[i]).ok());
        let levels = bounds.and_then(|(start, n)| self.levels.get(start..start.checked_add(n)?));
        let Some(levels) = levels else {
            return broken("segments inside `categories`");
        };
        if levels.iter().any(|level| !(0..LEVEL_END).contains(level)) {
            return broken("levels from 0 to 2^24");
        }
        let n_words = levels.iter().max().map_or(0, |level| *level as usize / 64 + 1);
        seen.words_left = match seen.words_left.checked_sub(n_words + levels.len()) {
            Some(left) => left,
            None => return broken("sets of levels that fit the size of the file"),
        };
        let mut words = vec![0_u64; n_words];
        for level in levels {
            words[*level as usize / 64] |= 1 << (level % 64);
        }
        Ok(LevelSet { node: ours, words })
    }
}
