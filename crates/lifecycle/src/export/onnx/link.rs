//! From scores to predictions.

use modelwright_core::{Error, Result};
use modelwright_learners::gbdt::Link;

use super::graph::{Attribute, Graph, Value};
use super::proto::DataType;

/// The exponential of more than this is not a finite number, as in `gbdt::model`.
const LARGEST_LOG: f64 = 700.0;

/// Predictions, double `[rows, outputs]`, of scores of that form.
///
/// # Errors
/// Input error for a link that no prediction has.
pub(super) fn apply(graph: &mut Graph, link: Link, scores: &Value) -> Result<Value> {
    Ok(match link {
        Link::Identity => scores.clone(),
        Link::Logistic | Link::LogisticEach => graph.op("Sigmoid", &[scores]),
        Link::Softmax => softmax(graph, scores),
        Link::Exponential => {
            let largest = graph.f64(LARGEST_LOG);
            let score = graph.op("Min", &[scores, &largest]);
            graph.op("Exp", &[&score])
        }
        Link::ExponentialLessOne => {
            let largest = graph.f64(LARGEST_LOG);
            let score = graph.op("Min", &[scores, &largest]);
            let grown = graph.op("Exp", &[&score]);
            graph.plus(&grown, -1.0)
        }
        Link::SignedSquare => {
            let size = graph.op("Abs", &[scores]);
            graph.op("Mul", &[scores, &size])
        }
        Link::Softplus => {
            let zero = graph.f64(0.0);
            let positive = graph.op("Max", &[scores, &zero]);
            let size = graph.op("Abs", &[scores]);
            let size = graph.op("Neg", &[&size]);
            let small = graph.op("Exp", &[&size]);
            let small = graph.plus(&small, 1.0);
            let small = graph.op("Log", &[&small]);
            graph.op("Add", &[&positive, &small])
        }
        Link::Step => {
            let zero = graph.f64(0.0);
            let above = graph.op("Greater", &[scores, &zero]);
            graph.cast(&above, DataType::Double)
        }
        Link::Ascending | Link::Quantiles => {
            return Err(Error::input("quantiles of a value are no prediction")
                .at("--format onnx")
                .expected("a model of one number or of classes"));
        }
    })
}

/// Shares of the exponentials within each row.
pub(super) fn softmax(graph: &mut Graph, scores: &Value) -> Value {
    graph.op_with("Softmax", &[scores], vec![("axis", Attribute::Int(1))])
}
