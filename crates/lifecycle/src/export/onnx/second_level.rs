//! A second level: what members say against their mean, a line through it, and trees.

use modelwright_automl::{Predictor, SecondLevelView};
use modelwright_core::Result;
use modelwright_core::task::Task;

use super::columns::Inputs;
use super::encoder::{self, Features};
use super::graph::{Graph, Value};
use super::learner::{Setting, gbdt};
use super::link::softmax;

/// The corrected mean of what the members say, double `[rows, outputs]`.
///
/// # Errors
/// Input error for a column that ONNX has no operators for.
pub(super) fn corrected(
    graph: &mut Graph,
    (predictor, level): (&Predictor, &SecondLevelView<'_>),
    inputs: &Inputs,
    (said, mean): (&[Value], &Value),
) -> Result<Value> {
    let (task, n_outputs) = (predictor.task, predictor.n_outputs());
    let soft = softened(graph, mean, (task, n_outputs));
    let away: Vec<Value> = said
        .iter()
        .map(|own| {
            let own = softened(graph, own, (task, n_outputs));
            graph.op("Sub", &[&own, &soft])
        })
        .collect();
    let start = start(graph, mean, (task, n_outputs));
    let line = graph.times(&start, level.slope);
    let mut score = graph.plus(&line, level.intercept);
    if let Some(moved) = moved(graph, level.weights, &away) {
        let moved = graph.clamp(&moved, -level.reach, level.reach);
        score = graph.op("Add", &[&score, &moved]);
    }
    if let Some((of, model)) = level.trees {
        let mut parts: Vec<Value> = encoder::write(graph, of, inputs)?.table.into_iter().collect();
        parts.push(graph.saturated(&soft));
        for away in &away {
            let own = graph.op("Add", &[away, &soft]);
            parts.push(graph.saturated(&own));
        }
        let table = Some(graph.side_by_side(&parts));
        let n = of.feature_names().len() + (said.len() + 1) * n_outputs;
        let features = Features { table, n, levels: Vec::new() };
        let setting = Setting { features: &features, task, rows: &inputs.first };
        let added = gbdt::scores(graph, model, &setting)?;
        score = graph.op("Add", &[&score, &added]);
    }
    if let Some((low, high)) = level.range {
        let [low, high] = [low, high].map(|bound| graph.f64(bound));
        let low = graph.op("Min", &[&low, &start]);
        let high = graph.op("Max", &[&high, &start]);
        let above = graph.op("Max", &[&score, &low]);
        score = graph.op("Min", &[&above, &high]);
    }
    Ok(match (task, n_outputs) {
        (Task::Regression, _) => score,
        (_, 1) => graph.op("Sigmoid", &[&score]),
        _ => softmax(graph, &score),
    })
}

/// The members' differences by their weights; `None` where they have none.
fn moved(graph: &mut Graph, weights: &[f64], away: &[Value]) -> Option<Value> {
    let mut total: Option<Value> = None;
    for (weight, away) in weights.iter().zip(away) {
        let part = graph.times(away, *weight);
        total = Some(match total {
            None => part,
            Some(total) => graph.op("Add", &[&total, &part]),
        });
    }
    total
}

/// The scores as members are compared.
fn softened(graph: &mut Graph, p: &Value, (task, n_outputs): (Task, usize)) -> Value {
    if task == Task::Regression {
        return p.clone();
    }
    let softening = SecondLevelView::SOFTENING;
    let p = graph.plus(p, softening);
    let n = if n_outputs == 1 { 2 } else { n_outputs };
    let p = graph.times(&p, 1.0 / (1.0 + n as f64 * softening));
    if n_outputs == 1 { log_odds(graph, &p) } else { graph.op("Log", &[&p]) }
}

/// The scores that are corrected.
fn start(graph: &mut Graph, p: &Value, (task, n_outputs): (Task, usize)) -> Value {
    let margin = SecondLevelView::MARGIN;
    match (task, n_outputs) {
        (Task::Regression, _) => p.clone(),
        (_, 1) => {
            let p = graph.clamp(p, margin, 1.0 - margin);
            log_odds(graph, &p)
        }
        _ => {
            let margin = graph.f64(margin);
            let p = graph.op("Max", &[p, &margin]);
            graph.op("Log", &[&p])
        }
    }
}

fn log_odds(graph: &mut Graph, p: &Value) -> Value {
    let one = graph.f64(1.0);
    let rest = graph.op("Sub", &[&one, p]);
    let odds = graph.op("Div", &[p, &rest]);
    graph.op("Log", &[&odds])
}
