//! Columns that are made of several raw ones.

use modelwright_core::{Error, Result};
use modelwright_preprocess::derive::{Derived, Form};

use super::columns::Column;
use super::constant::f64s;
use super::graph::{Graph, Value};
use super::proto::DataType;

const MICROS_PER_DAY: f64 = 86_400_000_000.0;

/// The derived column of its inputs.
///
/// # Errors
/// Work error when the inputs do not fit the form, which no sound model has.
pub(super) fn make(graph: &mut Graph, derived: &Derived, inputs: &[Column]) -> Result<Column> {
    let number = |i: usize| inputs.get(i).and_then(Column::number);
    let value = match (derived.form(), inputs) {
        (Form::Difference, _) => arithmetic(graph, "Sub", number(0), number(1)),
        (Form::Sum, _) => arithmetic(graph, "Add", number(0), number(1)),
        (Form::Product, _) => arithmetic(graph, "Mul", number(0), number(1)),
        (Form::Ratio, _) => ratio(graph, number(0), number(1)),
        (Form::ElapsedDays, [a, b]) => elapsed(graph, a, b),
        (Form::GroupMean, [_, group]) => mean(graph, derived, group)?,
        (Form::OffGroupMean, [_, group]) => {
            let mean = mean(graph, derived, group)?;
            arithmetic(graph, "Sub", number(0), mean.as_ref())
        }
        (Form::OverGroupMean, [_, group]) => {
            let mean = mean(graph, derived, group)?;
            ratio(graph, number(0), mean.as_ref())
        }
        (Form::MissingCount, columns) => {
            let flags = missing(graph, columns);
            Some(graph.sum(&flags, 1, true))
        }
        (Form::Cross, columns) => return Ok(Column::Cross(columns.to_vec())),
        (Form::MissingPattern, columns) => return Ok(Column::Pattern(missing(graph, columns))),
        _ => None,
    };
    let wrong = || Error::work(format!("the inputs of {:?} do not fit", derived.form()));
    value.map(Column::Number).ok_or_else(wrong)
}

fn arithmetic(graph: &mut Graph, op: &str, a: Option<&Value>, b: Option<&Value>) -> Option<Value> {
    a.zip(b).map(|(a, b)| graph.op(op, &[a, b]))
}

/// A quotient; missing where the divisor is 0.
fn ratio(graph: &mut Graph, a: Option<&Value>, b: Option<&Value>) -> Option<Value> {
    let (a, b) = a.zip(b)?;
    let (zero, missing) = (graph.f64(0.0), graph.f64(f64::NAN));
    let is_zero = graph.op("Equal", &[b, &zero]);
    let quotient = graph.op("Div", &[a, b]);
    Some(graph.choose(&is_zero, &missing, &quotient))
}

fn elapsed(graph: &mut Graph, a: &Column, b: &Column) -> Option<Value> {
    let (Column::Instant(of_a), Column::Instant(of_b)) = (a, b) else { return None };
    let unknown = [a, b].map(|column| column.is_missing(graph));
    let unknown = graph.op("Or", &[&unknown[0], &unknown[1]]);
    let numbers = [of_a, of_b].map(|value| graph.cast(value, DataType::Double));
    let micros = graph.op("Sub", &[&numbers[0], &numbers[1]]);
    let (day, missing) = (graph.f64(MICROS_PER_DAY), graph.f64(f64::NAN));
    let days = graph.op("Div", &[&micros, &day]);
    Some(graph.choose(&unknown, &missing, &days))
}

/// The mean of each row's group.
fn mean(graph: &mut Graph, derived: &Derived, group: &Column) -> Result<Option<Value>> {
    let Some(groups) = derived.groups() else { return Ok(None) };
    let codes = group.codes(graph, groups.levels())?;
    let means = graph.constant(f64s(groups.means(), &[groups.means().len(), 1]));
    Ok(Some(graph.gather(&means, &codes, 0)))
}

/// 1 where a column is missing, double `[rows, columns]`.
fn missing(graph: &mut Graph, columns: &[Column]) -> Value {
    let flags: Vec<Value> = columns.iter().map(|column| column.is_missing(graph)).collect();
    let flags = graph.side_by_side(&flags);
    graph.cast(&flags, DataType::Double)
}
