//! A booster: base scores, trees, a link.

use std::any::Any;
use std::borrow::Cow;

use modelwright_core::Result;
use modelwright_learners::gbdt::GbdtModel;
use modelwright_learners::tree::Tree;

use super::super::graph::{Graph, Value};
use super::super::trees::{OfOutput, sums, sums_of_wide};
use super::super::{linear_leaves, link};
use super::Setting;

pub(super) fn write(
    graph: &mut Graph,
    model: &dyn Any,
    setting: &Setting<'_>,
) -> Option<Result<Value>> {
    let model = model.downcast_ref::<GbdtModel>()?;
    Some(predictions(graph, model, setting))
}

fn predictions(graph: &mut Graph, model: &GbdtModel, setting: &Setting<'_>) -> Result<Value> {
    let scores = scores(graph, model, setting)?;
    link::apply(graph, model.link(), &scores)
}

/// The scores before the link, double `[rows, outputs]`.
///
/// # Errors
/// As [`sums`].
pub(in super::super) fn scores(
    graph: &mut Graph,
    model: &GbdtModel,
    setting: &Setting<'_>,
) -> Result<Value> {
    let (trees, base) = (model.trees(), model.base_scores());
    if trees.iter().any(|tree| tree.width() > 1) {
        let trees: Vec<Cow<'_, Tree>> = trees.iter().map(Cow::Borrowed).collect();
        sums_of_wide(graph, setting, &trees, base)
    } else {
        let of_output = |(t, tree)| (Cow::Borrowed(tree), t % base.len());
        let trees: Vec<OfOutput<'_>> = trees.iter().enumerate().map(of_output).collect();
        if trees.iter().any(|(tree, _)| !tree.linear.is_empty()) {
            linear_leaves::sums(graph, setting, &trees, base)
        } else {
            sums(graph, setting, &trees, base)
        }
    }
}
