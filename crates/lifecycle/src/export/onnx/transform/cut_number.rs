//! A number on its own side of the thresholds of an imported model.
//!
//! As there: the nearest number in single precision between the images of the cut points around it.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::cut_number::FittedCutNumber;

use super::super::columns::Column;
use super::super::constant::f32s;
use super::super::encoder::Piece;
use super::super::graph::{Graph, Value};
use super::super::proto::DataType;
use super::{fitted, no_number};

pub(super) fn write(
    graph: &mut Graph,
    column: &Column,
    part: &PartView<'_>,
) -> Option<Result<Piece>> {
    let own = fitted::<FittedCutNumber>(part)?;
    let Some(value) = column.number() else { return Some(Err(no_number())) };
    let number = prepared(graph, own, value);
    if own.cuts().is_empty() {
        return Some(Ok(Piece::Number(number)));
    }
    let cuts = graph.f64_row(own.cuts());
    let below = graph.op("Less", &[&cuts, &number]);
    let below = graph.cast(&below, DataType::Int64);
    let n_below = graph.sum(&below, 1, false);
    let least = own.images().iter().map(|image| image.next_up());
    let least: Vec<f32> = std::iter::once(-f32::MAX).chain(least).collect();
    let most: Vec<f32> = own.images().iter().copied().chain([f32::MAX]).collect();
    let bounds = [least, most].map(|bounds| {
        let bounds = graph.constant(f32s(&bounds, &[bounds.len(), 1]));
        graph.gather(&bounds, &n_below, 0)
    });
    let single = graph.cast(&number, DataType::Float);
    let raised = graph.op("Max", &[&single, &bounds[0]]);
    let bounded = graph.op("Min", &[&raised, &bounds[1]]);
    let (low, high) = (graph.f32(-f32::MAX), graph.f32(f32::MAX));
    let bounded = graph.op("Clip", &[&bounded, &low, &high]);
    let missing = graph.op("IsNaN", &[&single]);
    Some(Ok(Piece::Table(graph.choose(&missing, &single, &bounded), 1)))
}

/// Zeros as missing values, fractions dropped.
fn prepared(graph: &mut Graph, own: &FittedCutNumber, value: &Value) -> Value {
    let mut number = value.clone();
    if let Some(limit) = own.missing_up_to() {
        let (limit, missing) = (graph.f64(limit), graph.f64(f64::NAN));
        let size = graph.op("Abs", &[&number]);
        let is_zero = graph.op("LessOrEqual", &[&size, &limit]);
        number = graph.choose(&is_zero, &missing, &number);
    }
    if own.is_whole() {
        let size = graph.op("Abs", &[&number]);
        let whole = graph.op("Floor", &[&size]);
        let sign = graph.op("Sign", &[&number]);
        number = graph.op("Mul", &[&whole, &sign]);
    }
    number
}
