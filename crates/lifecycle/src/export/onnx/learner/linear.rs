//! Linear, logistic and softmax regression, in double precision.

use std::any::Any;

use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_learners::linear::LinearModel;

use super::super::constant::f64s;
use super::super::encoder::SparseLevels;
use super::super::graph::{Graph, Value};
use super::super::link::softmax;
use super::Setting;

pub(super) fn write(
    graph: &mut Graph,
    model: &dyn Any,
    setting: &Setting<'_>,
) -> Option<Result<Value>> {
    let model = model.downcast_ref::<LinearModel>()?;
    Some(predictions(graph, model, setting))
}

fn predictions(graph: &mut Graph, model: &LinearModel, setting: &Setting<'_>) -> Result<Value> {
    let (n_features, n_outputs) = (model.centers().len(), model.n_outputs());
    let by_output: Vec<&[f64]> = (0..n_outputs).map(|k| model.coefficients(k)).collect();
    let intercepts: Vec<f64> = (0..n_outputs).map(|k| model.intercept(k)).collect();
    let mut scores = if n_features == 0 {
        setting.constant(graph, &intercepts)
    } else {
        let x = setting.wide(graph)?;
        let centers = graph.f64_row(model.centers());
        let x = graph.op("Sub", &[&x, &centers]);
        let turned = (0..n_features).flat_map(|j| by_output.iter().map(move |of| of[j]));
        let turned: Vec<f64> = turned.collect();
        let coefficients = graph.constant(f64s(&turned, &[n_features, n_outputs]));
        let sums = graph.op("MatMul", &[&x, &coefficients]);
        let intercepts = graph.f64_row(&intercepts);
        graph.op("Add", &[&sums, &intercepts])
    };
    for of_levels in sparse_sums(graph, model, &setting.features.levels)? {
        scores = graph.op("Add", &[&scores, &of_levels]);
    }
    Ok(match setting.task {
        Task::Regression => graph.clamp(&scores, model.range().0, model.range().1),
        Task::Binary => graph.op("Sigmoid", &[&scores]),
        Task::Multiclass => softmax(graph, &scores),
    })
}

/// What the levels of each sparse block add to the scores, double `[rows, outputs]`.
fn sparse_sums(
    graph: &mut Graph,
    model: &LinearModel,
    blocks: &[SparseLevels],
) -> Result<Vec<Value>> {
    let by_output: Vec<&[f64]> =
        (0..model.n_outputs()).map(|k| model.sparse_coefficients(k)).collect();
    let n_written: usize = blocks.iter().map(|block| block.n).sum();
    if by_output.iter().any(|of| of.len() != n_written) {
        return Err(Error::work("a linear model reads other sparse columns than are written"));
    }
    let mut start = 0;
    let one = |block: &SparseLevels| {
        let columns = start..start + block.n;
        start = columns.end;
        let rows: Vec<f64> = columns.flat_map(|j| by_output.iter().map(move |of| of[j])).collect();
        let table = graph.constant(f64s(&rows, &[block.n, by_output.len()]));
        graph.gather(&table, &block.codes, 0)
    };
    Ok(blocks.iter().map(one).collect())
}
