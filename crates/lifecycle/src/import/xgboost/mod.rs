//! XGBoost's models in JSON and UBJSON (`Booster.save_model("….json")`, `"….ubj"`).
//!
//! Both hold the same document. What its fields mean was taken from XGBoost's documentation
//! ("Introduction to Model IO") and its source (`src/tree/tree_model.cc`, `src/gbm/gbtree.cc`,
//! `src/common/categorical.h`), versions 1.6 to 3.2:
//!
//! * a value *below* the threshold goes left; a missing one goes the default way;
//! * at a categorical node the listed levels go *right*, all others (also unknown ones) left, so
//!   such a node is turned round: ours sends what it lists to the left;
//! * `base_score` is a prediction, not a score: it goes through the inverse of the link;
//! * a DART model multiplies each tree by its weight;
//! * XGBoost adds up in f32, we in f64: predictions differ by its rounding, a few parts in 10⁷.

mod categories;
mod objective;
mod trees;

use modelwright_core::{Error, Result};
use modelwright_learners::tree::Tree;

use super::ImportOptions;
use super::foreign::{ForeignFeature, ForeignModel, Reading, scale_tree};
use crate::document::node::Node;
use crate::document::{Value, json, read_ubjson};

/// More outputs than any model has; a file that claims more is not believed.
const N_OUTPUTS_MAX: usize = 1 << 16;
/// More features than a model without a list of their names may claim.
const N_FEATURES_MAX: usize = 1 << 18;

/// Whether the bytes begin as a model of XGBoost does, in either form.
pub fn is_xgboost(bytes: &[u8]) -> bool {
    is_ubjson(bytes) || bytes.trim_ascii_start().starts_with(b"{")
}

/// JSON has a quoted key after the brace, UBJSON the length of one.
fn is_ubjson(bytes: &[u8]) -> bool {
    matches!(bytes, [b'{', b'L' | b'l' | b'I' | b'U' | b'i' | b'#' | b'$', ..])
}

/// Reads a model, JSON or UBJSON.
///
/// # Errors
/// Input error that says what is broken, with the way to it in the document, or what cannot be
/// kept.
pub fn read(bytes: &[u8], options: &ImportOptions) -> Result<ForeignModel> {
    if bytes.starts_with(b"binf") || bytes.starts_with(b"\x80") {
        return Err(Error::input("not an XGBoost model in JSON or UBJSON")
            .got("the old binary form, or a pickle")
            .hint("load it in XGBoost and save it with Booster.save_model(\"model.ubj\")"));
    }
    let document = if is_ubjson(bytes) { read_ubjson(bytes)? } else { json::read(bytes)? };
    model(&document, options)
}

fn model(document: &Value, options: &ImportOptions) -> Result<ForeignModel> {
    let root = Node::root(document, "the XGBoost model is broken");
    let learner = root.field("learner").map_err(|e| {
        e.hint("the file is no XGBoost model; a LightGBM model is text and begins with `tree`")
    })?;
    let shape = Shape::read(&learner)?;
    let objective = objective::parse(learner.field("objective")?.field("name")?.text()?)?;
    let booster = learner.field("gradient_booster")?;
    let (booster, weights) = match booster.field("name")?.text()? {
        "gbtree" => (booster, None),
        "dart" => (booster.field("gbtree")?, Some(booster.field("weight_drop")?)),
        other => {
            return Err(Error::input("the XGBoost model has no trees")
                .expected("a booster `gbtree` or `dart`")
                .got(other)
                .hint("a linear model has one weight per feature: use them directly"));
        }
    };
    let booster = booster.field("model")?;
    let mut model = ForeignModel {
        library: "XGBoost",
        version: version(&root),
        objective: objective.name.clone(),
        answer: objective.answer(shape.n_outputs)?,
        link: objective.link,
        base_scores: objective.base_scores(&learner, shape.n_outputs)?,
        trees: Vec::new(),
        trees_per_round: shape.n_outputs.saturating_mul(parallel_trees(&booster)?),
        thresholds: Vec::new(),
        features: features(&learner, shape.n_features)?,
        notes: Vec::new(),
    };
    let mut seen = trees::Seen::new(shape.n_features, document);
    model.trees = rounds(&booster, weights.as_ref(), &shape, &mut seen)?;
    model.keep_rounds(options.rounds)?;
    seen.tell(&mut model.features)?;
    categories::tell(&booster, &mut model.features)?;
    tell_unnamed_levels(&mut model);
    tell_best_round(&learner, &mut model);
    model.check()?;
    Ok(model)
}

/// How many trees of each output a round has: a forest per round, or one tree.
fn parallel_trees(booster: &Node<'_>) -> Result<usize> {
    let params = booster.get("gbtree_model_param");
    params.and_then(|p| p.get("num_parallel_tree")).map_or(Ok(1), |n| Ok(n.count()?.max(1)))
}

/// How wide the model is.
pub(super) struct Shape {
    pub(super) n_features: usize,
    pub(super) n_outputs: usize,
}

impl Shape {
    fn read(learner: &Node<'_>) -> Result<Self> {
        let params = learner.field("learner_model_param")?;
        let count = |name: &str| params.get(name).map_or(Ok(0), |node| node.count());
        let n_outputs = count("num_class")?.max(count("num_target")?).max(1);
        if n_outputs > N_OUTPUTS_MAX {
            return Err(params
                .broken()
                .expected(format!("at most {N_OUTPUTS_MAX} classes or targets"))
                .got(n_outputs.to_string()));
        }
        Ok(Self { n_features: params.field("num_feature")?.count()?, n_outputs })
    }
}

fn version(root: &Node<'_>) -> String {
    let numbers = root.get("version").and_then(|node| node.wholes().ok()).unwrap_or_default();
    numbers.iter().map(i32::to_string).collect::<Vec<_>>().join(".")
}

fn features(learner: &Node<'_>, n_features: usize) -> Result<Vec<ForeignFeature>> {
    let list = |name| learner.get(name).map_or(Ok(Vec::new()), |node| node.texts());
    let (mut names, types) = (list("feature_names")?, list("feature_types")?);
    if names.is_empty() && n_features <= N_FEATURES_MAX {
        names = (0..n_features).map(|i| format!("f{i}")).collect();
    }
    if names.len() != n_features || ![0, n_features].contains(&types.len()) {
        return Err(learner
            .broken()
            .expected(format!("names and types of {n_features} features, as num_feature says"))
            .got(format!("{} names, {} types", names.len(), types.len())));
    }
    let mut features: Vec<ForeignFeature> = names.into_iter().map(ForeignFeature::named).collect();
    for (feature, kind) in features.iter_mut().zip(&types) {
        if kind == "c" {
            feature.reading = Reading::LevelNumber;
        }
        // Its Python package calls columns of bool indicators.
        feature.is_flag = kind == "i";
    }
    Ok(features)
}

/// The trees so that tree `t` belongs to output `t % n_outputs`.
///
/// A file has them round after round, in each round output after output, and for each output as
/// many as `num_parallel_tree` says. The order within an output stays.
fn rounds(
    booster: &Node<'_>,
    weights: Option<&Node<'_>>,
    shape: &Shape,
    seen: &mut trees::Seen,
) -> Result<Vec<Tree>> {
    let nodes = booster.field("trees")?.items()?;
    let groups = booster.field("tree_info")?;
    let groups_of = groups.n_wholes(nodes.len())?;
    let weights = weights.map_or(Ok(vec![1.0; nodes.len()]), |w| w.n_numbers(nodes.len()))?;
    let mut by_output: Vec<Vec<Tree>> = vec![Vec::new(); shape.n_outputs];
    for ((node, group), weight) in nodes.iter().zip(groups_of).zip(weights) {
        let output = usize::try_from(group).ok().filter(|group| *group < shape.n_outputs);
        let Some(output) = output else {
            return Err(groups
                .broken()
                .expected(format!("outputs 0 to {}", shape.n_outputs - 1))
                .got(group.to_string()));
        };
        let trees = trees::trees(node, shape, seen)?;
        // A tree of vectors is of every output at once.
        if output + trees.len() > shape.n_outputs {
            return Err(groups
                .broken()
                .expected("output 0 for a tree whose leaves are vectors")
                .got(group.to_string()));
        }
        for (mut tree, of_output) in trees.into_iter().zip(&mut by_output[output..]) {
            scale_tree(&mut tree, weight);
            of_output.push(tree);
        }
    }
    let n_rounds = by_output[0].len();
    if by_output.iter().any(|trees| trees.len() != n_rounds) {
        return Err(groups.broken().expected("as many trees for each output"));
    }
    let mut columns: Vec<_> = by_output.into_iter().map(Vec::into_iter).collect();
    let mut trees = Vec::new();
    for _ in 0..n_rounds {
        trees.extend(columns.iter_mut().filter_map(Iterator::next));
    }
    Ok(trees)
}

/// Files of versions before 3.1 do not name levels.
fn tell_unnamed_levels(model: &mut ForeignModel) {
    let unnamed = model.features.iter().filter(|f| f.reading == Reading::LevelNumber);
    let names: Vec<&str> = unnamed.map(|feature| feature.name.as_str()).collect();
    if !names.is_empty() {
        model.notes.push(format!(
            "the file does not name the levels of {}: the data must hold their numbers",
            names.join(", ")
        ));
    }
}

/// Early stopping leaves its best round in the attributes; the trees after it are still there.
fn tell_best_round(learner: &Node<'_>, model: &mut ForeignModel) {
    let attributes = learner.get("attributes");
    let last = attributes.and_then(|a| a.get("best_iteration")?.count().ok());
    let n_rounds = model.n_rounds();
    let best = last.and_then(|last| last.checked_add(1));
    if let Some(best) = best.filter(|best| *best < n_rounds) {
        model.notes.push(format!(
            "early stopping found round {best} best; all {n_rounds} are kept, as Booster.predict \
             uses them (XGBClassifier and XGBRegressor use {best}: --rounds {best})"
        ));
    }
}

#[cfg(test)]
mod tests;
