//! The threshold of each row's group, where decisions keep a definition of fairness.
//!
//! The groups of several columns are looked up as crossed categories are. A quantity that was cut
//! into ranges becomes the name of its range first.

use modelwright_automl::fair::{AND, GroupThresholds};
use modelwright_core::data::Column as RawColumn;
use modelwright_core::{Error, Result};
use modelwright_evaluate::fairness::Grouping;

use super::columns::{Column, Inputs};
use super::constant::{f64s, i64s};
use super::graph::{Attribute, Graph, Value};
use super::proto::DataType;

/// The threshold of each row, double `[rows, 1]`.
///
/// # Errors
/// Input error when a group's name does not say which values it has.
pub(super) fn thresholds(
    graph: &mut Graph,
    fair: &GroupThresholds,
    inputs: &Inputs,
) -> Result<Value> {
    let groupings = fair.groupings();
    let mut groups = Vec::new();
    for (name, threshold) in fair.groups() {
        let values: Vec<&str> = name.split(AND).collect();
        if values.len() != groupings.len() {
            return Err(Error::input("the groups of the model cannot be told apart in ONNX")
                .at("--format onnx")
                .expected(format!("values without `{AND}`"))
                .got(name));
        }
        groups.push((values, *threshold));
    }
    let mut key = None;
    let mut radixes = Vec::new();
    let mut places: Vec<Vec<&str>> = Vec::new();
    for (i, grouping) in groupings.iter().enumerate() {
        let mut known: Vec<&str> = groups.iter().map(|(values, _)| values[i]).collect();
        known.sort_unstable();
        known.dedup();
        let own = codes(graph, grouping, &known, inputs)?;
        let radix = known.len() as i64 + 1;
        key = Some(match key {
            None => own,
            Some(key) => {
                let by = graph.i64(radix);
                let key = graph.op("Mul", &[&key, &by]);
                graph.op("Add", &[&key, &own])
            }
        });
        radixes.push(radix);
        places.push(known);
    }
    let Some(key) = key else { return Ok(graph.f64(fair.common())) };
    let key_of = |values: &[&str]| {
        let places = values.iter().zip(&places).zip(&radixes);
        places.fold(0_i64, |key, ((value, known), radix)| {
            key * radix + known.binary_search(value).map_or(known.len() as i64, |i| i as i64)
        })
    };
    let keys = groups.iter().map(|(values, _)| key_of(values)).collect();
    let attributes = vec![
        ("keys_int64s", Attribute::Ints(keys)),
        ("values_int64s", Attribute::Ints((0..groups.len() as i64).collect())),
        ("default_int64", Attribute::Int(groups.len() as i64)),
    ];
    let group = graph.ml("LabelEncoder", &key, attributes);
    let table: Vec<f64> = groups.iter().map(|(_, t)| *t).chain([fair.common()]).collect();
    let table = graph.constant(f64s(&table, &[table.len(), 1]));
    Ok(graph.gather(&table, &group, 0))
}

/// The place of each row's value among the `known` ones, or one more; int64 `[rows]`.
fn codes(graph: &mut Graph, grouping: &Grouping, known: &[&str], inputs: &Inputs) -> Result<Value> {
    let place = |name: &str| known.binary_search(&name).unwrap_or(known.len());
    let name_of = |column: RawColumn| place(&grouping.names(&column)[0]);
    let missing = name_of(RawColumn::numbers("", vec![f64::NAN]));
    let column = inputs.column(graph, &grouping.column, grouping.cuts.is_none())?;
    let Some(cuts) = &grouping.cuts else {
        let texts = known.iter().enumerate().map(|(i, text)| ((*text).to_owned(), i)).collect();
        return column.codes_of(graph, texts, known.len(), missing);
    };
    let (value, is_instant) = match &column {
        Column::Number(value) | Column::NumberName(value) => (value.clone(), false),
        Column::Instant(value) => (graph.cast(value, DataType::Double), true),
        _ => {
            return Err(Error::input("a range of groups is no range of numbers")
                .at("--format onnx")
                .column(&grouping.column));
        }
    };
    // A value of each range, and its name.
    let inside = |at: usize| match at.checked_sub(1) {
        Some(before) => cuts[before],
        None => cuts.first().map_or(0.0, |first| first - first.abs().max(1.0)),
    };
    let of_range = |at: usize| {
        let value = inside(at);
        name_of(if is_instant {
            RawColumn::instants("", vec![value as i64])
        } else {
            RawColumn::numbers("", vec![value])
        }) as i64
    };
    let ranges: Vec<i64> = (0..=cuts.len()).map(of_range).collect();
    let points = graph.f64_row(cuts);
    let above = graph.op("LessOrEqual", &[&points, &value]);
    let above = graph.cast(&above, DataType::Int64);
    let range = graph.sum(&above, 1, false);
    let table = graph.constant(i64s(&ranges, &[ranges.len()]));
    let code = graph.gather(&table, &range, 0);
    let is_missing = column.is_missing(graph);
    let is_missing = graph.reshape(&is_missing, &[-1]);
    let missing = graph.i64(missing as i64);
    Ok(graph.choose(&is_missing, &missing, &code))
}
