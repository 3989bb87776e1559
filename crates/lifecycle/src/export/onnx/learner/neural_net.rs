//! A neural net for tables.
//!
//! All members at once: tensors are `[members, rows, width]`, and what members share is stretched.
//! Inside the net everything is in single precision, as in our own; sums run in another order and
//! the cosine is another polynomial, so that its numbers differ by about one part in 10⁶.

use std::any::Any;

use modelwright_core::Result;
use modelwright_core::task::Task;
use modelwright_learners::neural_net::{NetView, NeuralNetModel, OutputView, Role};
use modelwright_preprocess::transform::robust_scale::RobustScale;

use super::super::constant::{f32s, i64s};
use super::super::graph::{Attribute, Graph, Value};
use super::super::proto::DataType;
use super::super::transform::scaled_number::{scaled, smooth_clip};
use super::Setting;

/// Cosines of a number, mixtures of them, and numbers of both (`kernels::periodic`).
const WAVES: usize = 16;
const MIXTURES: usize = 3;
const N_PERIODIC: usize = WAVES * (2 + MIXTURES) + MIXTURES;
/// Inputs that a category becomes.
const LEVEL_WIDTH: usize = 8;

pub(super) fn write(
    graph: &mut Graph,
    model: &dyn Any,
    setting: &Setting<'_>,
) -> Option<Result<Value>> {
    let model = model.downcast_ref::<NeuralNetModel>()?;
    Some(predictions(graph, model, setting))
}

fn predictions(graph: &mut Graph, model: &NeuralNetModel, setting: &Setting<'_>) -> Result<Value> {
    let output = model.output();
    let n_outputs = output.start.len();
    let Some(net) = model.net() else {
        let start: Vec<f64> = output.start.iter().map(|s| f64::from(*s)).collect();
        let head = setting.constant(graph, &start);
        let head = graph.reshape(&head, &[1, -1, n_outputs as i64]);
        return Ok(linked(graph, &head, &output, setting.task, 1));
    };
    let x = setting.table()?;
    let inputs = inputs(graph, &net, x);
    let head = layers(graph, &net, &inputs, n_outputs);
    let head = graph.cast(&head, DataType::Double);
    Ok(linked(graph, &head, &output, setting.task, net.members))
}

/// What comes in, single precision `[rows, inputs]`.
fn inputs(graph: &mut Graph, net: &NetView<'_>, x: &Value) -> Value {
    let mut parts = Vec::new();
    let numbers = of_role(net, |role| matches!(role, Role::Number { .. }));
    if !numbers.is_empty() {
        let z = clipped(graph, net, x, &numbers);
        parts.push(periodic(graph, net.tensors[0].as_slice(), &z, numbers.len()));
    }
    parts.extend(flags(graph, net, x));
    parts.extend(embeddings(graph, net, x));
    graph.side_by_side(&parts)
}

fn of_role(net: &NetView<'_>, is: impl Fn(&Role) -> bool) -> Vec<usize> {
    (0..net.columns.len()).filter(|i| is(&net.columns[*i].role)).collect()
}

/// Scaled and clipped numbers; 0 where missing.
fn clipped(graph: &mut Graph, net: &NetView<'_>, x: &Value, places: &[usize]) -> Value {
    let x = graph.columns(x, places);
    let x = graph.cast(&x, DataType::Double);
    let scale = |i: &usize| match net.columns[*i].role {
        Role::Number { center, factor } | Role::Flag { center, factor } => {
            RobustScale { center, factor }
        }
        Role::Unused | Role::Category { .. } => RobustScale { center: 0.0, factor: 0.0 },
    };
    let scales: Vec<RobustScale> = places.iter().map(scale).collect();
    let z = scaled(graph, &x, &scales);
    let z = smooth_clip(graph, &z);
    graph.cast(&z, DataType::Float)
}

/// Each number beside its mixtures of cosines: `[rows, 4 · numbers]`.
fn periodic(graph: &mut Graph, tensor: &[f32], z: &Value, n: usize) -> Value {
    let part = |from: usize, to: usize| -> Vec<f32> {
        tensor.chunks_exact(N_PERIODIC).flat_map(|own| own[from..to].iter().copied()).collect()
    };
    let frequencies = graph.constant(f32s(&part(0, WAVES), &[n, WAVES]));
    let phases = graph.constant(f32s(&part(WAVES, 2 * WAVES), &[n, WAVES]));
    let end = (2 + MIXTURES) * WAVES;
    let mixtures = graph.constant(f32s(&part(2 * WAVES, end), &[n, MIXTURES, WAVES]));
    let constants = graph.constant(f32s(&part(end, N_PERIODIC), &[n, MIXTURES]));
    let number = graph.reshape(z, &[-1, n as i64, 1]);
    let turns = graph.op("Mul", &[&number, &frequencies]);
    let turns = graph.op("Add", &[&turns, &phases]);
    // Within half a turn the angle has all digits of its fraction.
    let whole = graph.op("Round", &[&turns]);
    let turns = graph.op("Sub", &[&turns, &whole]);
    let turn = graph.f32(std::f32::consts::TAU);
    let angle = graph.op("Mul", &[&turns, &turn]);
    let waves = graph.op("Cos", &[&angle]);
    let waves = graph.reshape(&waves, &[-1, n as i64, 1, WAVES as i64]);
    let mixed = graph.op("Mul", &[&waves, &mixtures]);
    let mixed = graph.sum(&mixed, 3, false);
    let mixed = graph.op("Add", &[&mixed, &constants]);
    let both = graph.op_with("Concat", &[&number, &mixed], vec![("axis", Attribute::Int(2))]);
    graph.reshape(&both, &[-1, (n * (1 + MIXTURES)) as i64])
}

/// Numbers of two values and marks of missing ones, in the order of the columns.
fn flags(graph: &mut Graph, net: &NetView<'_>, x: &Value) -> Option<Value> {
    let two_valued = of_role(net, |role| matches!(role, Role::Flag { .. }));
    let marked: Vec<usize> =
        (0..net.columns.len()).filter(|i| net.columns[*i].tells_missing).collect();
    let mut parts = Vec::new();
    if !two_valued.is_empty() {
        parts.push(clipped(graph, net, x, &two_valued));
    }
    if !marked.is_empty() {
        let own = graph.columns(x, &marked);
        let missing = graph.op("IsNaN", &[&own]);
        parts.push(graph.zero_one(&missing));
    }
    if parts.is_empty() {
        return None;
    }
    let place = |i: usize| {
        let flag = two_valued.binary_search(&i).ok();
        let mark = marked.binary_search(&i).ok().map(|at| two_valued.len() + at);
        flag.into_iter().chain(mark)
    };
    let order: Vec<usize> = (0..net.columns.len()).flat_map(place).collect();
    let together = graph.side_by_side(&parts);
    let is_ordered = order.iter().copied().eq(0..order.len());
    Some(if is_ordered { together } else { graph.columns(&together, &order) })
}

/// The embeddings of categories, `[rows, 8 · categories]`.
fn embeddings(graph: &mut Graph, net: &NetView<'_>, x: &Value) -> Option<Value> {
    let places = of_role(net, |role| matches!(role, Role::Category { .. }));
    if places.is_empty() {
        return None;
    }
    let counts: Vec<f32> = (places.iter())
        .map(|i| match net.columns[*i].role {
            Role::Category { n_levels } => n_levels as f32,
            _ => 0.0,
        })
        .collect();
    let mut first = 0_i64;
    let starts: Vec<i64> = (counts.iter())
        .map(|n| {
            first += *n as i64 + 2;
            first - *n as i64 - 2
        })
        .collect();
    let x = graph.columns(x, &places);
    let n = counts.len();
    let others = graph.constant(f32s(&counts, &[n]));
    let missing: Vec<f32> = counts.iter().map(|n| n + 1.0).collect();
    let (missing, zero) = (graph.constant(f32s(&missing, &[n])), graph.f32(0.0));
    let whole = graph.op("Floor", &[&x]);
    let is_whole = graph.op("Equal", &[&x, &whole]);
    let not_negative = graph.op("GreaterOrEqual", &[&x, &zero]);
    let known = graph.op("Less", &[&x, &others]);
    let known = graph.op("And", &[&known, &not_negative]);
    let known = graph.op("And", &[&known, &is_whole]);
    let level = graph.choose(&known, &x, &others);
    let is_missing = graph.op("IsNaN", &[&x]);
    let level = graph.choose(&is_missing, &missing, &level);
    let level = graph.cast(&level, DataType::Int64);
    let starts = graph.constant(i64s(&starts, &[n]));
    let row = graph.op("Add", &[&level, &starts]);
    let tensor = &net.tensors[1];
    let table = graph.constant(f32s(tensor, &[tensor.len() / LEVEL_WIDTH, LEVEL_WIDTH]));
    let found = graph.gather(&table, &row, 0);
    Some(graph.reshape(&found, &[-1, (n * LEVEL_WIDTH) as i64]))
}

/// The head's numbers of every member: `[members, rows, outputs]`.
fn layers(graph: &mut Graph, net: &NetView<'_>, inputs: &Value, n_outputs: usize) -> Value {
    let members = net.members;
    let mut width = net.tensors[2].len() / members;
    let scales = graph.constant(f32s(&net.tensors[2], &[members, 1, width]));
    let first = graph.constant(i64s(&[0], &[1]));
    let inputs = graph.op("Unsqueeze", &[inputs, &first]);
    let mut x = graph.op("Mul", &[&inputs, &scales]);
    for layer in 0..=net.hidden.len() {
        let (weights, biases) = (&net.tensors[3 + 2 * layer], &net.tensors[4 + 2 * layer]);
        let own = net.hidden.get(layer).copied();
        let copies = if own.is_none() { members } else { 1 };
        let outputs = own.unwrap_or(n_outputs);
        let weights = graph.constant(f32s(weights, &[copies, width, outputs]));
        let biases = graph.constant(f32s(biases, &[members, 1, outputs]));
        let sums = graph.op("MatMul", &[&x, &weights]);
        x = graph.op("Add", &[&sums, &biases]);
        if own.is_some() {
            x = mish(graph, &x);
        }
        width = outputs;
    }
    x
}

/// `x · tanh(ln(1 + eˣ))`.
fn mish(graph: &mut Graph, x: &Value) -> Value {
    let soft = graph.op("Softplus", &[x]);
    let gate = graph.op("Tanh", &[&soft]);
    graph.op("Mul", &[x, &gate])
}

/// The mean of the members' predictions.
fn linked(
    graph: &mut Graph,
    head: &Value,
    output: &OutputView<'_>,
    task: Task,
    members: usize,
) -> Value {
    let each = match task {
        Task::Regression => {
            let value = graph.times(head, output.scale);
            let value = graph.plus(&value, output.center);
            graph.clamp(&value, output.range.0, output.range.1)
        }
        Task::Binary => graph.op("Sigmoid", &[head]),
        Task::Multiclass => graph.op_with("Softmax", &[head], vec![("axis", Attribute::Int(2))]),
    };
    let total = graph.sum(&each, 0, false);
    graph.times(&total, 1.0 / members as f64)
}
