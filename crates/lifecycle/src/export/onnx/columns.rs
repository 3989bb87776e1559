//! Raw columns as inputs of the graph, and as what transformers read them.
//!
//! | raw column | input, one row per row of the table | missing |
//! |---|---|---|
//! | numbers | double `[rows, 1]` | NaN |
//! | dates and times | int64 `[rows, 1]`, microseconds since 1970 UTC | the smallest int64 |
//! | Unix times held as numbers | double `[rows, 1]`, seconds or milliseconds | NaN |
//! | texts | string `[rows, 1]` | the empty text |
//!
//! What `encode::conform` does while rows are read is done here by operators: numbers that name
//! categories are looked up as numbers, Unix times become microseconds.

use std::collections::BTreeMap;

use modelwright_core::data::{Field, Kind, MISSING_INSTANT, Storage};
use modelwright_core::{Error, Result};

use super::graph::{Attribute, Graph, Value};
use super::proto::DataType;

/// As `encode::conform`: Unix times are seconds below, milliseconds from here on, and nothing from
/// the second number on.
const UNIX_TIMES: [f64; 2] = [1e11, 1e14];

/// A column of one value per row, as a transformer meets it.
#[derive(Debug, Clone)]
pub(super) enum Column {
    /// Double `[rows, 1]`.
    Number(Value),
    /// Microseconds, int64 `[rows, 1]`.
    Instant(Value),
    /// String `[rows, 1]`.
    Text(Value),
    /// Numbers that name categories, double `[rows, 1]`.
    NumberName(Value),
    /// Several categories as one.
    Cross(Vec<Column>),
    /// Which of several columns are missing, double `[rows, columns]` of 0 and 1.
    Pattern(Value),
}

/// An input of the exported graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The raw column.
    pub name: String,
    /// What the column means.
    pub kind: Kind,
    /// The type of its values.
    pub of: DataType,
    /// Whether rows may lack it: then it is given as missing values.
    pub optional: bool,
}

impl Input {
    /// The input that a column becomes.
    pub(super) fn of(field: &Field) -> Self {
        let of = match (field.storage, field.kind) {
            (Storage::Number, _) | (_, Kind::Number) => DataType::Double,
            (Storage::Instant | Storage::String, Kind::Datetime) => DataType::Int64,
            _ => DataType::String,
        };
        Self { name: field.name.clone(), kind: field.kind, of, optional: field.optional }
    }

    /// How its values are written.
    pub fn text(&self) -> &'static str {
        match (self.of, self.kind) {
            (DataType::Int64, _) => {
                "microseconds since 1970-01-01T00:00:00Z; the smallest int64 (NaT) is missing"
            }
            (DataType::Double, Kind::Datetime) => {
                "Unix time in seconds or milliseconds; NaN is missing"
            }
            (DataType::Double, _) => "a number; NaN is missing",
            _ => "a text; the empty text is missing",
        }
    }

    /// The name of its type in ONNX.
    pub fn type_name(&self) -> &'static str {
        match self.of {
            DataType::Int64 => "tensor(int64)",
            DataType::Double => "tensor(double)",
            _ => "tensor(string)",
        }
    }
}

/// The inputs of a graph by name.
pub(super) struct Inputs {
    by_name: BTreeMap<String, (Input, Value)>,
    /// The first one: it tells how many rows there are.
    pub(super) first: Value,
}

impl Inputs {
    /// Makes the inputs of a graph.
    ///
    /// # Errors
    /// Input error when there are none.
    pub(super) fn new(graph: &mut Graph, inputs: &[Input]) -> Result<Self> {
        let mut by_name = BTreeMap::new();
        let mut first = None;
        for input in inputs {
            let value = graph.input(&input.name, input.of, input.text().to_owned());
            first.get_or_insert_with(|| value.clone());
            by_name.insert(input.name.clone(), (input.clone(), value));
        }
        let first = first.ok_or_else(|| {
            Error::input("the model reads no column, and a graph without inputs has no rows")
                .at("--format onnx")
        })?;
        Ok(Self { by_name, first })
    }

    /// The raw column `name`, as its kind says, or as the names of categories.
    ///
    /// # Errors
    /// Input error when it is no input.
    pub(super) fn column(&self, graph: &mut Graph, name: &str, as_names: bool) -> Result<Column> {
        let (input, value) = self.by_name.get(name).ok_or_else(|| {
            Error::input("the model reads a column that its schema does not have").column(name)
        })?;
        let value = value.clone();
        Ok(match (input.of, input.kind) {
            (DataType::Int64, _) => Column::Instant(value),
            (DataType::Double, Kind::Datetime) => Column::Instant(instants(graph, &value)),
            (DataType::Double, Kind::Number) if !as_names => Column::Number(value),
            (DataType::Double, _) => Column::NumberName(value),
            _ => Column::Text(value),
        })
    }
}

impl Column {
    /// Numbers in double precision, `[rows, 1]`; `None` for anything else.
    pub(super) fn number(&self) -> Option<&Value> {
        match self {
            Self::Number(value) => Some(value),
            _ => None,
        }
    }

    /// Which values are missing, `[rows, 1]`.
    pub(super) fn is_missing(&self, graph: &mut Graph) -> Value {
        match self {
            Self::Number(value) | Self::NumberName(value) => graph.op("IsNaN", &[value]),
            Self::Instant(value) => {
                let missing = graph.i64(MISSING_INSTANT);
                graph.op("Equal", &[value, &missing])
            }
            Self::Text(value) => {
                let attributes = vec![
                    ("keys_strings", Attribute::Texts(vec![Vec::new()])),
                    ("values_int64s", Attribute::Ints(vec![1])),
                    ("default_int64", Attribute::Int(0)),
                ];
                let flag = graph.ml("LabelEncoder", value, attributes);
                graph.cast(&flag, DataType::Bool)
            }
            Self::Cross(parts) => {
                let flags: Vec<Value> = parts.iter().map(|part| part.is_missing(graph)).collect();
                let each = |all: Option<Value>, flag: &Value| match all {
                    None => Some(flag.clone()),
                    Some(all) => Some(graph.op("And", &[&all, flag])),
                };
                flags.iter().fold(None, each).unwrap_or_else(|| graph.i64(0))
            }
            Self::Pattern(value) => {
                // A pattern is never missing itself.
                let first = graph.columns(value, &[0]);
                let none = graph.f64(-1.0);
                graph.op("Equal", &[&first, &none])
            }
        }
    }
}

/// Unix times as microseconds; what is no time is missing.
fn instants(graph: &mut Graph, value: &Value) -> Value {
    let size = graph.op("Abs", &[value]);
    let [seconds, none] = UNIX_TIMES.map(|limit| graph.f64(limit));
    let (in_seconds, in_milliseconds) = (graph.f64(1e6), graph.f64(1e3));
    let is_seconds = graph.op("Less", &[&size, &seconds]);
    let factor = graph.choose(&is_seconds, &in_seconds, &in_milliseconds);
    // Halves away from zero, as `f64::round`.
    let scaled = graph.op("Mul", &[&size, &factor]);
    let scaled = graph.plus(&scaled, 0.5);
    let whole = graph.op("Floor", &[&scaled]);
    let sign = graph.op("Sign", &[value]);
    let micros = graph.op("Mul", &[&whole, &sign]);
    let is_time = graph.op("Less", &[&size, &none]);
    let zero = graph.f64(0.0);
    let safe = graph.choose(&is_time, &micros, &zero);
    let safe = graph.cast(&safe, DataType::Int64);
    let missing = graph.i64(MISSING_INSTANT);
    graph.choose(&is_time, &safe, &missing)
}
