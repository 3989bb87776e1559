//! Calibration and decision: from averaged predictions to what is given out.

use modelwright_automl::{Calibrator, Predictor};
use modelwright_core::{Error, Result};
use modelwright_evaluate::calibration::{Isotonic, MARGIN, OWN_SHARE};

use super::columns::Inputs;
use super::constant::{f64s, texts};
use super::fair;
use super::graph::{Attribute, Graph, Value};
use super::link::softmax;
use super::proto::DataType;

/// Calibrated probabilities, of those of `n_outputs` columns.
pub(super) fn calibrate(
    graph: &mut Graph,
    calibrator: &Calibrator,
    p: &Value,
    n_outputs: usize,
) -> Value {
    match calibrator {
        Calibrator::None => p.clone(),
        Calibrator::Temperature(t) if *t == 1.0 => p.clone(),
        Calibrator::Temperature(t) if n_outputs > 1 => {
            let margin = graph.f64(MARGIN);
            let p = graph.op("Max", &[p, &margin]);
            let logs = graph.op("Log", &[&p]);
            let scaled = graph.times(&logs, 1.0 / t);
            softmax(graph, &scaled)
        }
        Calibrator::Temperature(t) => weighted_logs(graph, p, [1.0 / t, 1.0 / t, 0.0]),
        Calibrator::Platt { slope, intercept } => {
            weighted_logs(graph, p, [*slope, *slope, *intercept])
        }
        Calibrator::Beta { a, b, c } => weighted_logs(graph, p, [*a, *b, *c]),
        Calibrator::Isotonic(map) => {
            let value = isotonic(graph, map, p);
            let value = graph.times(&value, 1.0 - OWN_SHARE);
            let own = graph.times(p, OWN_SHARE);
            graph.op("Add", &[&value, &own])
        }
    }
}

/// `1 / (1 + exp(−(a ln p − b ln(1 − p) + c)))`.
fn weighted_logs(graph: &mut Graph, p: &Value, [a, b, c]: [f64; 3]) -> Value {
    let p = graph.clamp(p, MARGIN, 1.0 - MARGIN);
    let one = graph.f64(1.0);
    let rest = graph.op("Sub", &[&one, &p]);
    let [low, high] = [&p, &rest].map(|p| graph.op("Log", &[p]));
    let (low, high) = (graph.times(&low, a), graph.times(&high, b));
    let z = graph.op("Sub", &[&low, &high]);
    let z = graph.plus(&z, c);
    graph.op("Sigmoid", &[&z])
}

/// A line of pieces: which one a row is in, and where in it.
fn isotonic(graph: &mut Graph, map: &Isotonic, p: &Value) -> Value {
    let (x, y) = (map.x(), map.y());
    let n = x.len();
    // Piece `k` is before point `k`; the first and the last are level.
    let bounds = |k: usize| if k == 0 || k == n { None } else { Some((k - 1, k)) };
    let slope = |k| bounds(k).map_or(0.0, |(i, j)| (y[j] - y[i]) / (x[j] - x[i]));
    let start = |k: usize| bounds(k).map_or(x[k.min(n - 1)], |(i, _)| x[i]);
    let level = |k: usize| bounds(k).map_or(y[k.min(n - 1)], |(i, _)| y[i]);
    let points = graph.f64_row(x);
    let above = graph.op("Less", &[&points, p]);
    let above = graph.cast(&above, DataType::Int64);
    let piece = graph.sum(&above, 1, false);
    let tables: [Vec<f64>; 3] =
        [(0..=n).map(slope).collect(), (0..=n).map(start).collect(), (0..=n).map(level).collect()];
    let [slope, start, level] = tables.map(|table| {
        let table = graph.constant(f64s(&table, &[table.len(), 1]));
        graph.gather(&table, &piece, 0)
    });
    let along = graph.op("Sub", &[p, &start]);
    let rise = graph.op("Mul", &[&along, &slope]);
    graph.op("Add", &[&level, &rise])
}

/// The probability of every class, `[rows, 1]` each, in class order.
pub(super) fn of_classes(graph: &mut Graph, p: &Value, n_classes: usize) -> Vec<Value> {
    if n_classes == 2 {
        let one = graph.f64(1.0);
        return vec![graph.op("Sub", &[&one, p]), p.clone()];
    }
    (0..n_classes).map(|class| graph.columns(p, &[class])).collect()
}

/// The label of the class that is decided for, string `[rows, 1]`.
///
/// # Errors
/// Input error when the decision depends on something that cannot be written.
pub(super) fn decide(
    graph: &mut Graph,
    predictor: &Predictor,
    inputs: &Inputs,
    p: &Value,
) -> Result<Value> {
    let n_classes = predictor.classes.len();
    let costs = predictor.costs();
    let class = if n_classes == 2 {
        let threshold = match (predictor.group_thresholds(), costs) {
            (Some(fair), _) => fair::thresholds(graph, fair, inputs)?,
            (None, Some(costs)) => {
                let threshold = costs
                    .threshold()
                    .ok_or_else(|| Error::input("the costs of the model do not fit two classes"))?;
                graph.f64(threshold)
            }
            (None, None) => graph.f64(predictor.threshold),
        };
        let is_positive = graph.op("GreaterOrEqual", &[p, &threshold]);
        graph.cast(&is_positive, DataType::Int64)
    } else if let Some(costs) = costs {
        let costs = graph.constant(f64s(&costs.rows().concat(), &[n_classes, n_classes]));
        let expected = graph.op("MatMul", &[p, &costs]);
        let along = vec![("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(1))];
        graph.op_with("ArgMin", &[&expected], along)
    } else {
        let along = vec![("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(1))];
        graph.op_with("ArgMax", &[p], along)
    };
    let labels = graph.constant(texts(&predictor.classes, &[n_classes]));
    Ok(graph.gather(&labels, &class, 0))
}
