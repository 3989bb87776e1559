//! Naive Bayes: logarithms of likelihoods added up, in double precision.

use std::any::Any;

use modelwright_core::Result;
use modelwright_learners::naive_bayes::{Evidence, Likelihood, NaiveBayesModel, Normal};

use super::super::constant::f64s;
use super::super::graph::{Attribute, Graph, Value};
use super::super::link::softmax;
use super::super::proto::DataType;
use super::Setting;

/// The logarithm of a share of nothing: no exponential of it is above 0.
const LOG_OF_NOTHING: f64 = -1e9;

pub(super) fn write(
    graph: &mut Graph,
    model: &dyn Any,
    setting: &Setting<'_>,
) -> Option<Result<Value>> {
    let model = model.downcast_ref::<NaiveBayesModel>()?;
    Some(predictions(graph, model, setting))
}

fn predictions(graph: &mut Graph, model: &NaiveBayesModel, setting: &Setting<'_>) -> Result<Value> {
    let n_classes = model.shares().len();
    let logs = model.shares().iter().map(|share| share.ln().max(LOG_OF_NOTHING));
    let logs: Vec<f64> = logs.collect();
    let mut scores = setting.constant(graph, &logs);
    let mut normals: Vec<(usize, &[Normal])> = Vec::new();
    for likelihood in model.likelihoods() {
        match likelihood {
            Likelihood::Normal { feature, normals: own } => {
                normals.push((*feature as usize, own));
            }
            Likelihood::Levels { evidence, log_shares } => {
                let added = of_levels(graph, evidence, log_shares, n_classes, setting)?;
                scores = graph.op("Add", &[&scores, &added]);
            }
        }
    }
    if !normals.is_empty() {
        let added = of_normals(graph, &normals, n_classes, setting)?;
        scores = graph.op("Add", &[&scores, &added]);
    }
    let p = softmax(graph, &scores);
    Ok(if n_classes == 2 { graph.columns(&p, &[1]) } else { p })
}

/// Logarithms of densities, summed over the numbers that are known.
fn of_normals(
    graph: &mut Graph,
    normals: &[(usize, &[Normal])],
    n_classes: usize,
    setting: &Setting<'_>,
) -> Result<Value> {
    let features: Vec<usize> = normals.iter().map(|(feature, _)| *feature).collect();
    let of_each = |f: fn(&Normal) -> f64| -> Vec<f64> {
        normals.iter().flat_map(|(_, own)| own.iter().map(f)).collect()
    };
    let dims = [features.len(), n_classes];
    let means = graph.constant(f64s(&of_each(|n| n.mean), &dims));
    let halves = graph.constant(f64s(&of_each(|n| 0.5 / n.variance), &dims));
    let log = |n: &Normal| -0.5 * (std::f64::consts::TAU * n.variance).ln();
    let constants = graph.constant(f64s(&of_each(log), &dims));
    let x = setting.wide(graph)?;
    let x = graph.columns(&x, &features);
    let x = graph.reshape(&x, &[-1, features.len() as i64, 1]);
    let off = graph.op("Sub", &[&x, &means]);
    let square = graph.op("Mul", &[&off, &off]);
    let square = graph.op("Mul", &[&square, &halves]);
    let logs = graph.op("Sub", &[&constants, &square]);
    let missing = graph.op("IsNaN", &[&logs]);
    let zero = graph.f64(0.0);
    let logs = graph.choose(&missing, &zero, &logs);
    Ok(graph.sum(&logs, 1, false))
}

/// Logarithms of the share that each class has at a row's level.
fn of_levels(
    graph: &mut Graph,
    evidence: &Evidence,
    log_shares: &[f64],
    n_classes: usize,
    setting: &Setting<'_>,
) -> Result<Value> {
    let n_levels = log_shares.len() / n_classes;
    // A row per level, and one for what says nothing.
    let of_level = |level: usize| (0..n_classes).map(move |c| log_shares[c * n_levels + level]);
    let table = (0..n_levels).flat_map(of_level).chain(std::iter::repeat_n(0.0, n_classes));
    let table: Vec<f64> = table.collect();
    let table = graph.constant(f64s(&table, &[n_levels + 1, n_classes]));
    let x = setting.wide(graph)?;
    let level = match evidence {
        Evidence::Number(feature) | Evidence::Level(feature) => {
            let x = graph.columns(&x, &[*feature as usize]);
            graph.op("Floor", &[&x])
        }
        Evidence::OneHot(features) => {
            let places: Vec<usize> = features.iter().map(|f| *f as usize).collect();
            first_on(graph, &x, &places)
        }
    };
    let (zero, end) = (graph.f64(0.0), graph.f64(n_levels as f64));
    let not_negative = graph.op("GreaterOrEqual", &[&level, &zero]);
    let known = graph.op("Less", &[&level, &end]);
    let known = graph.op("And", &[&not_negative, &known]);
    let place = graph.choose(&known, &level, &end);
    let place = graph.cast(&place, DataType::Int64);
    let place = graph.reshape(&place, &[-1]);
    Ok(graph.gather(&table, &place, 0))
}

/// The place of the first feature that is on, or their number; NaN where one is missing.
fn first_on(graph: &mut Graph, x: &Value, features: &[usize]) -> Value {
    let x = graph.columns(x, features);
    let half = graph.f64(0.5);
    let on = graph.op("Greater", &[&x, &half]);
    let places: Vec<f64> = (0..features.len()).map(|i| i as f64).collect();
    let (places, none) = (graph.f64_row(&places), graph.f64(features.len() as f64));
    let places = graph.choose(&on, &places, &none);
    let first = graph.op_with(
        "ReduceMin",
        &[&places],
        vec![("axes", Attribute::Ints(vec![1])), ("keepdims", Attribute::Int(1))],
    );
    // A sum is missing where one of its numbers is.
    let total = graph.sum(&x, 1, true);
    let missing = graph.op("IsNaN", &[&total]);
    let nothing = graph.f64(f64::NAN);
    graph.choose(&missing, &nothing, &first)
}
