//! K nearest neighbours.
//!
//! Distances are added up feature by feature in single precision, in the order in which our own
//! search does it, so that equal distances are equal here too and the same rows vote. That takes
//! memory for the rows asked times the rows kept.

use std::any::Any;

use modelwright_core::Result;
use modelwright_learners::knn::{KnnModel, Metric, Targets};

use super::super::constant::{f32s, f64s, i64s};
use super::super::graph::{Attribute, Graph, Value};
use super::super::proto::DataType;
use super::Setting;

/// Values beyond this count as this, as in `knn::nearest`.
const LARGEST: f32 = 1e16;

pub(super) fn write(
    graph: &mut Graph,
    model: &dyn Any,
    setting: &Setting<'_>,
) -> Option<Result<Value>> {
    let model = model.downcast_ref::<KnnModel>()?;
    Some(predictions(graph, model, setting))
}

fn predictions(graph: &mut Graph, model: &KnnModel, setting: &Setting<'_>) -> Result<Value> {
    let distances = distances(graph, model, setting)?;
    let [near, rows] = graph.smallest(&distances, most_needed(model));
    let near = graph.cast(&near, DataType::Double);
    let counted = counted(graph, model, &rows);
    let votes = votes(graph, model, &near, &counted);
    Ok(match model.targets() {
        Targets::Real(values) => {
            let values = graph.constant(f64s(values, &[values.len()]));
            let values = graph.gather(&values, &rows, 0);
            let parts = graph.op("Mul", &[&values, &votes]);
            graph.sum(&parts, 1, true)
        }
        Targets::Class { codes, n_classes } => {
            let codes: Vec<i64> = codes.iter().map(|code| i64::from(*code)).collect();
            let sums = of_classes(graph, &codes, *n_classes, &rows, &votes);
            smoothed(graph, model, &counted, &sums)
        }
    })
}

/// Distances to the kept rows, single precision `[rows, kept]`; squared if Euclidean.
fn distances(graph: &mut Graph, model: &KnnModel, setting: &Setting<'_>) -> Result<Value> {
    let n_rows = model.n_rows();
    let columns = model.columns();
    if columns.is_empty() {
        let zeros = setting.constant(graph, &vec![0.0; n_rows]);
        return Ok(graph.cast(&zeros, DataType::Float));
    }
    let (low, high) = (graph.f32(-LARGEST), graph.f32(LARGEST));
    let x = graph.op("Clip", &[setting.table()?, &low, &high]);
    let mut total: Option<Value> = None;
    for (j, column) in columns.iter().enumerate() {
        let kept = graph.constant(f32s(column, &[1, n_rows]));
        let own = graph.columns(&x, &[j]);
        // As there: the kept row's value less the one that is asked for.
        let off = graph.op("Sub", &[&kept, &own]);
        let term = match model.metric() {
            Metric::Euclidean => graph.op("Mul", &[&off, &off]),
            Metric::Manhattan => graph.op("Abs", &[&off]),
        };
        total = Some(match total {
            None => term,
            Some(total) => graph.op("Add", &[&total, &term]),
        });
    }
    Ok(total.unwrap_or(x))
}

/// How many of the nearest rows can be needed: the lightest ones, until they have all votes.
fn most_needed(model: &KnnModel) -> usize {
    let mut weights = model.weights().to_vec();
    if weights.is_empty() {
        weights = vec![1.0; model.n_rows()];
    }
    weights.sort_unstable_by(f64::total_cmp);
    let mut sum = 0.0;
    let reached = weights.iter().position(|weight| {
        sum += weight;
        sum >= model.n_neighbors()
    });
    reached.map_or(weights.len(), |at| at + 1)
}

/// How many rows each of the nearest counts as: its weight, the last one what is left.
fn counted(graph: &mut Graph, model: &KnnModel, rows: &Value) -> Value {
    let all = match model.weights() {
        [] => vec![1.0; model.n_rows()],
        weights => weights.to_vec(),
    };
    let weights = graph.constant(f64s(&all, &[all.len()]));
    let weights = graph.gather(&weights, rows, 0);
    let axis = graph.i64(1);
    let before =
        graph.op_with("CumSum", &[&weights, &axis], vec![("exclusive", Attribute::Int(1))]);
    let wanted = graph.f64(model.n_neighbors());
    let left = graph.op("Sub", &[&wanted, &before]);
    let counted = graph.op("Min", &[&weights, &left]);
    let zero = graph.f64(0.0);
    graph.op("Max", &[&counted, &zero])
}

/// The part that each neighbour has in the prediction.
fn votes(graph: &mut Graph, model: &KnnModel, near: &Value, counted: &Value) -> Value {
    let mut parts = counted.clone();
    if model.counts_by_distance() {
        let distance = match model.metric() {
            Metric::Euclidean => graph.op("Sqrt", &[near]),
            Metric::Manhattan => near.clone(),
        };
        let zero = graph.f64(0.0);
        let at_hand = graph.op("Equal", &[near, &zero]);
        // The nearest is the first: it is at hand if any is.
        let nearest = graph.columns(near, &[0]);
        let any_at_hand = graph.op("Equal", &[&nearest, &zero]);
        let divided = graph.op("Div", &[counted, &distance]);
        let only = graph.choose(&at_hand, counted, &zero);
        parts = graph.choose(&any_at_hand, &only, &divided);
    }
    graph.shares(&parts)
}

/// The votes for each class, `[rows, classes]`.
fn of_classes(
    graph: &mut Graph,
    codes: &[i64],
    n_classes: u32,
    rows: &Value,
    votes: &Value,
) -> Value {
    let codes = graph.constant(i64s(codes, &[codes.len()]));
    let codes = graph.gather(&codes, rows, 0);
    let classes: Vec<i64> = (0..i64::from(n_classes)).collect();
    let classes = graph.constant(i64s(&classes, &[classes.len()]));
    let last = graph.constant(i64s(&[2], &[1]));
    let [codes, votes] = [&codes, votes].map(|x| graph.op("Unsqueeze", &[x, &last]));
    let equal = graph.op("Equal", &[&codes, &classes]);
    let equal = graph.cast(&equal, DataType::Double);
    let parts = graph.op("Mul", &[&equal, &votes]);
    graph.sum(&parts, 1, false)
}

/// Shares of votes mixed with the shares of the classes.
fn smoothed(graph: &mut Graph, model: &KnnModel, counted: &Value, sums: &Value) -> Value {
    let n_votes = graph.sum(counted, 1, true);
    let voted = graph.op("Mul", &[sums, &n_votes]);
    let prior: Vec<f64> = model.shares().iter().map(|share| share * model.smoothing()).collect();
    let n_classes = prior.len();
    let prior = graph.f64_row(&prior);
    let mixed = graph.op("Add", &[&voted, &prior]);
    let shares = graph.shares(&mixed);
    if n_classes == 2 { graph.columns(&shares, &[1]) } else { shares }
}
