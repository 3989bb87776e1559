//! LightGBM's text model, as `Booster.save_model` writes it (version 4).
//!
//! LightGBM has no base score: it is added to the leaves of the first round. A node that tests
//! levels sends missing values right in LightGBM; where ours go left, the set is replaced by the
//! levels that are not in it and the children change places.

use std::fmt::{Display, Write};

use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_learners::gbdt::Link;
use modelwright_learners::tree::{LevelSet, Tree};

use super::choose::{ExportModel, refuse};
use super::covers::counts;

/// What LightGBM writes for an infinite threshold: all finite values are at most this.
const ALL_NUMBERS: f64 = 1e300;
/// Bits of `decision_type`: categorical, default left, and missing values are NaN.
const IS_CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;
const MISSING_IS_NAN: u8 = 2 << 2;

/// The bytes of the model.
///
/// # Errors
/// Input error when LightGBM has no such objective, or a set of levels cannot be said.
pub fn write(model: &ExportModel<'_>) -> Result<Vec<u8>> {
    let objective = objective(model)?;
    let n_outputs = model.n_outputs();
    let names = model.feature_names();
    let mut trees = Vec::new();
    for (t, tree) in first_round_with_base(model).iter().enumerate() {
        trees.push(format!("Tree={t}\n{}\n\n", block(tree, model)?));
    }
    let is_linear = u8::from(model.trees.iter().any(|tree| !tree.linear.is_empty()));
    let num_class = if n_outputs > 1 { n_outputs } else { 1 };
    let n_levels = model.level_features();
    let infos = n_levels.iter().zip(&model.largest_levels).map(|(is_level, largest)| {
        match (is_level, largest) {
            (true, Some(largest)) => join((0..=*largest).map(|l| l.to_string()), ":"),
            _ => "none".to_owned(),
        }
    });
    let mut out = format!(
        "tree\nversion=v4\nnum_class={num_class}\nnum_tree_per_iteration={n_outputs}\n\
         label_index=0\nmax_feature_idx={}\nobjective={objective}\n\
         feature_names={}\nfeature_infos={}\ntree_sizes={}\n\n",
        names.len().saturating_sub(1),
        names.join(" "),
        join(infos, " "),
        join(trees.iter().map(String::len), " "),
    );
    for tree in &trees {
        out.push_str(tree);
    }
    let name = objective.split(' ').next().unwrap_or_default();
    let _ = write!(
        out,
        "end of trees\n\nfeature_importances:\n\nparameters:\n[boosting: gbdt]\n\
         [objective: {name}]\n[num_class: {num_class}]\n[linear_tree: {is_linear}]\n\n\
         end of parameters\n"
    );
    Ok(out.into_bytes())
}

fn objective(model: &ExportModel<'_>) -> Result<String> {
    let k = model.n_outputs();
    Ok(match (model.link, model.task) {
        (Link::Identity, _) => "regression".to_owned(),
        (Link::Logistic, Task::Regression) => "cross_entropy".to_owned(),
        (Link::Logistic, _) => "binary sigmoid:1".to_owned(),
        (Link::Softmax, _) => format!("multiclass num_class:{k}"),
        (Link::LogisticEach, _) => format!("multiclassova num_class:{k} sigmoid:1"),
        (Link::Exponential, _) => "poisson".to_owned(),
        (Link::SignedSquare, _) => "regression sqrt".to_owned(),
        (Link::Softplus, _) => "cross_entropy_lambda".to_owned(),
        (Link::Step, _) => return Err(refuse("objective that predicts 0 or 1", "LightGBM")),
        (Link::ExponentialLessOne, _) => return Err(refuse("objective on logarithms", "LightGBM")),
        (Link::Ascending | Link::Quantiles, _) => {
            return Err(refuse("model of several numbers", "LightGBM"));
        }
    })
}

/// The trees, the base scores added to those of the first round.
fn first_round_with_base(model: &ExportModel<'_>) -> Vec<Tree> {
    let mut trees = model.trees.clone();
    if trees.is_empty() {
        return model.base_scores.iter().map(|base| Tree::constant(*base, 1.0)).collect();
    }
    for (tree, base) in trees.iter_mut().zip(&model.base_scores) {
        tree.values.iter_mut().for_each(|value| *value += base);
        tree.linear.iter_mut().for_each(|leaf| leaf.constant += base);
    }
    trees
}

/// Nodes as LightGBM has them.
#[derive(Default)]
struct Nodes {
    thresholds: Vec<f64>,
    kinds: Vec<u8>,
    children: Vec<[i32; 2]>,
    bounds: Vec<usize>,
    words: Vec<u32>,
}

fn nodes(tree: &Tree, model: &ExportModel<'_>) -> Result<Nodes> {
    let mut nodes = Nodes { bounds: vec![0], ..Nodes::default() };
    let mut sets = tree.sets.iter().peekable();
    for (node, threshold) in tree.thresholds.iter().enumerate() {
        let (mut children, missing_left) = (tree.children[node], tree.missing_left[node]);
        if let Some(set) = sets.next_if(|set| set.node as usize == node) {
            nodes.thresholds.push((nodes.bounds.len() - 1) as f64);
            nodes.kinds.push(IS_CATEGORICAL | MISSING_IS_NAN);
            let feature = tree.features[node] as usize;
            if missing_left {
                children.swap(0, 1);
                nodes.words.extend(complement(set, feature, model)?);
            } else {
                nodes.words.extend(set.words.iter().flat_map(|w| [*w as u32, (w >> 32) as u32]));
            }
            nodes.bounds.push(nodes.words.len());
        } else {
            let default = if missing_left { DEFAULT_LEFT } else { 0 };
            nodes.kinds.push(default | MISSING_IS_NAN);
            nodes.thresholds.push(beside(*threshold));
        }
        nodes.children.push(children);
    }
    Ok(nodes)
}

/// The f64 half way to the next f32, which parts the same f32 values.
///
/// Values that were written as text and read again by a hasty reader (pandas' default is one) are
/// off by a last digit; they must not change sides where a value is the threshold itself.
fn beside(threshold: f32) -> f64 {
    let next = f64::from(threshold.next_up());
    f64::midpoint(f64::from(threshold), next).clamp(-ALL_NUMBERS, ALL_NUMBERS)
}

/// The levels that are not in a set.
fn complement(set: &LevelSet, feature: usize, model: &ExportModel<'_>) -> Result<Vec<u32>> {
    let largest = model.largest_levels[feature].ok_or_else(|| {
        Error::input("LightGBM sends missing categories right, and here they go left")
            .column(&model.feature_names()[feature])
            .expected("a feature whose levels are known")
            .hint("export to XGBoost, which has a default side for each node")
    })?;
    let mut words = vec![0_u32; largest as usize / 32 + 1];
    for level in 0..=largest {
        if !set.contains(level as f32) {
            words[level as usize / 32] |= 1 << (level % 32);
        }
    }
    Ok(words)
}

/// The lines of a tree, without an empty one.
fn block(tree: &Tree, model: &ExportModel<'_>) -> Result<String> {
    let nodes = nodes(tree, model)?;
    let (inner_counts, leaf_counts) = counts(tree);
    let mut out = String::new();
    let mut line = |key: &str, value: String| {
        let _ = writeln!(out, "{key}={value}");
    };
    line("num_leaves", tree.n_leaves().to_string());
    line("num_cat", tree.sets.len().to_string());
    line("split_feature", spaced(&tree.features));
    line("split_gain", spaced(&tree.gains));
    line("threshold", exact(&nodes.thresholds));
    line("decision_type", spaced(&nodes.kinds));
    line("left_child", join(nodes.children.iter().map(|c| c[0]), " "));
    line("right_child", join(nodes.children.iter().map(|c| c[1]), " "));
    line("leaf_value", exact(&tree.values));
    line("leaf_weight", spaced(&tree.leaf_covers));
    line("leaf_count", spaced(&leaf_counts));
    line("internal_value", exact(&inner_values(tree)));
    line("internal_weight", spaced(&tree.covers));
    line("internal_count", spaced(&inner_counts));
    if !tree.sets.is_empty() {
        line("cat_boundaries", spaced(&nodes.bounds));
        line("cat_threshold", spaced(&nodes.words));
    }
    line("is_linear", u8::from(!tree.linear.is_empty()).to_string());
    if !tree.linear.is_empty() {
        let constants: Vec<f64> = tree.linear.iter().map(|leaf| leaf.constant).collect();
        line("leaf_const", exact(&constants));
        line("num_features", join(tree.linear.iter().map(|leaf| leaf.terms.len()), " "));
        let terms = || tree.linear.iter().flat_map(|leaf| leaf.terms.iter());
        line("leaf_features", join(terms().map(|(feature, _)| feature), " "));
        line("leaf_coeff", join(terms().map(|(_, c)| format!("{c:?}")), " "));
    }
    line("shrinkage", "1".to_owned());
    Ok(out)
}

/// The mean value of the leaves below each node, for plots.
fn inner_values(tree: &Tree) -> Vec<f64> {
    let mut inner = vec![(0.0, 0.0); tree.features.len()];
    for node in (0..inner.len()).rev() {
        let of_child = |child: i32| {
            let leaf = !child as usize;
            match usize::try_from(child) {
                Ok(child) => inner[child],
                Err(_) => (tree.values[leaf], f64::from(tree.leaf_covers[leaf])),
            }
        };
        let [(a, w), (b, v)] = tree.children[node].map(of_child);
        let mean = if w + v > 0.0 { (a * w + b * v) / (w + v) } else { f64::midpoint(a, b) };
        inner[node] = (mean, w + v);
    }
    inner.into_iter().map(|(mean, _)| mean).collect()
}

/// Numbers with as many digits as it takes to read the same ones.
fn exact(values: &[f64]) -> String {
    join(values.iter().map(|value| format!("{value:?}")), " ")
}

fn spaced<T: Display>(values: &[T]) -> String {
    join(values.iter(), " ")
}

fn join<T: Display>(values: impl Iterator<Item = T>, between: &str) -> String {
    let mut out = String::new();
    for (i, value) in values.enumerate() {
        if i > 0 {
            out.push_str(between);
        }
        let _ = write!(out, "{value}");
    }
    out
}
