//! Linear, logistic and softmax regression, in double precision.

use std::any::Any;

use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_learners::linear::LinearModel;

use super::super::constant::f64s;
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
    if (0..n_outputs).any(|k| !model.sparse_coefficients(k).is_empty()) {
        return Err(Error::input("ONNX has no operators for hashed text").at("--format onnx"));
    }
    let intercepts: Vec<f64> = (0..n_outputs).map(|k| model.intercept(k)).collect();
    let scores = if n_features == 0 {
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
    Ok(match setting.task {
        Task::Regression => graph.clamp(&scores, model.range().0, model.range().1),
        Task::Binary => graph.op("Sigmoid", &[&scores]),
        Task::Multiclass => softmax(graph, &scores),
    })
}
