//! Numbers centred, scaled and smoothly clipped, with indicators of missing values.

use modelwright_core::Result;
use modelwright_preprocess::encode::PartView;
use modelwright_preprocess::transform::robust_scale::RobustScale;
use modelwright_preprocess::transform::scaled_number::FittedScaledNumber;

use super::super::columns::Column;
use super::super::encoder::Piece;
use super::super::graph::{Graph, Value};
use super::super::proto::DataType;
use super::{fitted, no_number};

/// Beyond this the clipped value is 3 to the last bit, as in `robust_scale::smooth_clip`.
const Z_MAX: f64 = 1e9;

/// A number to be scaled.
pub(in super::super) struct Scaled {
    /// Double `[rows, 1]`.
    value: Value,
    scale: RobustScale,
    clips: bool,
    /// Which of its features are used: the number (0), whether it is missing (1).
    kept: Vec<u32>,
}

pub(super) fn write(_: &mut Graph, column: &Column, part: &PartView<'_>) -> Option<Result<Piece>> {
    let own = fitted::<FittedScaledNumber>(part)?;
    let scaled = |value: &Value| {
        let (scale, clips, kept) = (own.scale(), own.clips(), part.kept.to_vec());
        Piece::Scaled(Scaled { value: value.clone(), scale, clips, kept })
    };
    Some(column.number().map(scaled).ok_or_else(no_number))
}

/// Several of them at once: a table and how many features it has.
pub(in super::super) fn finish(graph: &mut Graph, all: &[Scaled]) -> (Value, usize) {
    let values: Vec<Value> = all.iter().map(|s| s.value.clone()).collect();
    let x = graph.side_by_side(&values);
    let scales: Vec<RobustScale> = all.iter().map(|s| s.scale).collect();
    let z = scaled(graph, &x, &scales);
    let clips: Vec<bool> = all.iter().map(|s| s.clips).collect();
    let z = if clips.iter().all(|clips| *clips) {
        smooth_clip(graph, &z)
    } else {
        let clipped = smooth_clip(graph, &z);
        let wanted: Vec<f64> = clips.iter().map(|clips| f64::from(u8::from(*clips))).collect();
        let wanted = graph.f64_row(&wanted);
        let wanted = graph.cast(&wanted, DataType::Bool);
        graph.choose(&wanted, &clipped, &z)
    };
    let z = graph.saturated(&z);
    let n = all.len();
    let places = all.iter().enumerate();
    let places: Vec<usize> =
        places.flat_map(|(i, s)| s.kept.iter().map(move |k| i + n * *k as usize)).collect();
    if places.iter().copied().eq(0..n) {
        return (z, n);
    }
    let missing = graph.op("IsNaN", &[&x]);
    let missing = graph.zero_one(&missing);
    let both = graph.side_by_side(&[z, missing]);
    let width = places.len();
    (graph.columns(&both, &places), width)
}

/// `(x − centre) · factor`, 0 where that is NaN, column by column.
pub(in super::super) fn scaled(graph: &mut Graph, x: &Value, scales: &[RobustScale]) -> Value {
    let centers: Vec<f64> = scales.iter().map(|s| s.center).collect();
    let factors: Vec<f64> = scales.iter().map(|s| s.factor).collect();
    let (centers, factors) = (graph.f64_row(&centers), graph.f64_row(&factors));
    let z = graph.op("Sub", &[x, &centers]);
    let z = graph.op("Mul", &[&z, &factors]);
    let missing = graph.op("IsNaN", &[&z]);
    let zero = graph.f64(0.0);
    graph.choose(&missing, &zero, &z)
}

/// `z / √(1 + (z/3)²)`.
pub(in super::super) fn smooth_clip(graph: &mut Graph, z: &Value) -> Value {
    let z = graph.clamp(z, -Z_MAX, Z_MAX);
    let third = graph.f64(3.0);
    let third = graph.op("Div", &[&z, &third]);
    let square = graph.op("Mul", &[&third, &third]);
    let square = graph.plus(&square, 1.0);
    let root = graph.op("Sqrt", &[&square]);
    graph.op("Div", &[&z, &root])
}
