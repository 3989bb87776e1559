//! Random forests and extra trees: the mean of trees.

use std::any::Any;
use std::borrow::Cow;

use modelwright_core::Result;
use modelwright_learners::forest::ForestModel;
use modelwright_learners::tree::Tree;

use super::super::graph::{Graph, Value};
use super::super::trees::{OfOutput, sums, sums_of_wide};
use super::Setting;

pub(super) fn write(
    graph: &mut Graph,
    model: &dyn Any,
    setting: &Setting<'_>,
) -> Option<Result<Value>> {
    let model = model.downcast_ref::<ForestModel>()?;
    Some(predictions(graph, model, setting))
}

fn predictions(graph: &mut Graph, model: &ForestModel, setting: &Setting<'_>) -> Result<Value> {
    let trees = model.trees();
    if model.n_outputs() > 1 {
        let base = vec![0.0; model.n_outputs()];
        let trees: Vec<Cow<'_, Tree>> = trees.iter().map(Cow::Borrowed).collect();
        let total = sums_of_wide(graph, setting, &trees, &base)?;
        return Ok(graph.shares(&total));
    }
    let all: Vec<OfOutput<'_>> = trees.iter().map(|tree| (Cow::Borrowed(tree), 0)).collect();
    let total = sums(graph, setting, &all, &[0.0])?;
    Ok(graph.times(&total, 1.0 / trees.len() as f64))
}
