//! Random forests and extra trees: the mean of trees.

use std::any::Any;

use modelwright_core::Result;
use modelwright_learners::forest::ForestModel;

use super::super::graph::{Graph, Value};
use super::super::trees::{Ensemble, Target};
use super::Setting;

pub(super) fn write(
    graph: &mut Graph,
    model: &dyn Any,
    setting: &Setting<'_>,
) -> Option<Result<Value>> {
    let model = model.downcast_ref::<ForestModel>()?;
    Some(Ok(predictions(graph, model, setting)))
}

fn predictions(graph: &mut Graph, model: &ForestModel, setting: &Setting<'_>) -> Value {
    let mut ensemble = Ensemble::new(model.n_outputs());
    for tree in model.trees() {
        ensemble.add(tree, Target::All);
    }
    let base = ensemble.constants().to_vec();
    let sums = match &setting.features.table {
        None => None,
        Some(features) => ensemble.sums(graph, features),
    };
    let total = setting.scores(graph, sums, &base);
    if model.n_outputs() > 1 {
        return graph.shares(&total);
    }
    graph.times(&total, 1.0 / model.trees().len() as f64)
}
