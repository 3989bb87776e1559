//! Fitted models as operators, one file per learner.
//!
//! Each makes double `[rows, outputs]` of the features of its encoder, as `Model::predict` does.

mod baseline;
mod ebm;
mod forest;
pub(super) mod gbdt;
mod knn;
mod linear;
mod naive_bayes;
mod neural_net;

use std::any::Any;

use modelwright_core::task::Task;
use modelwright_core::{Error, Result};
use modelwright_learners::Fitted;

use super::constant::f64s;
use super::encoder::Features;
use super::graph::{Graph, Value};
use super::proto::DataType;

/// What a model's operators are made of.
pub(super) struct Setting<'a> {
    /// What its encoder writes.
    pub(super) features: &'a Features,
    /// What is predicted.
    pub(super) task: Task,
    /// Any input of the graph: it tells the number of rows.
    pub(super) rows: &'a Value,
}

/// Writes the models of one learner; `None` for models of others.
type Write = fn(&mut Graph, &dyn Any, &Setting<'_>) -> Option<Result<Value>>;

/// All that can be written.
const WRITERS: [Write; 8] = [
    baseline::write,
    linear::write,
    naive_bayes::write,
    knn::write,
    forest::write,
    gbdt::write,
    neural_net::write,
    ebm::write,
];

/// The predictions of a model, double `[rows, outputs]`.
///
/// # Errors
/// Input error that names the learner when the format has no operators for it.
pub(super) fn write(graph: &mut Graph, fitted: &Fitted, setting: &Setting<'_>) -> Result<Value> {
    let model: &dyn Any = fitted.model.as_ref();
    for write in WRITERS {
        if let Some(predictions) = write(graph, model, setting) {
            return predictions;
        }
    }
    Err(Error::input("ONNX has no operators for a model of this learner")
        .at("--format onnx")
        .got(fitted.learner))
}

impl Setting<'_> {
    /// The features, of which the model has some.
    fn table(&self) -> Result<&Value> {
        self.features.table.as_ref().ok_or_else(|| Error::work("a model without features"))
    }

    /// The features in double precision.
    pub(super) fn wide(&self, graph: &mut Graph) -> Result<Value> {
        Ok(graph.cast(self.table()?, DataType::Double))
    }

    /// The same numbers for each row.
    pub(super) fn constant(&self, graph: &mut Graph, row: &[f64]) -> Value {
        let row = graph.constant(f64s(row, &[1, row.len()]));
        // `[rows, 1]` stretches to the row's width.
        let shape = graph.op("Shape", &[self.rows]);
        graph.op("Expand", &[&row, &shape])
    }
}
