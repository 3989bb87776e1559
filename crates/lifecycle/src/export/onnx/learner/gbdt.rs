//! A booster: base scores, trees, a link.

use std::any::Any;

use modelwright_core::Result;
use modelwright_learners::gbdt::GbdtModel;

use super::super::graph::{Graph, Value};
use super::super::link;
use super::super::trees::{Ensemble, Target};
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
    let n_outputs = model.n_outputs();
    let mut ensemble = Ensemble::new(n_outputs);
    for (t, tree) in model.trees().iter().enumerate() {
        let is_joint = tree.width() > 1 || n_outputs == 1;
        ensemble.add(tree, if is_joint { Target::All } else { Target::One(t % n_outputs) });
    }
    let base = model.base_scores().iter().zip(ensemble.constants()).map(|(a, b)| a + b);
    let base: Vec<f64> = base.collect();
    let sums = match &setting.features.table {
        None => None,
        Some(features) => ensemble.sums(graph, features),
    };
    let scores = setting.scores(graph, sums, &base);
    link::apply(graph, model.link(), &scores)
}
