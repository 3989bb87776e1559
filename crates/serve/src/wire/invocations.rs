//! `/invocations`: the shapes of MLflow's scoring server and of SageMaker.
//!
//! `dataframe_split`, `dataframe_records`, `instances`, `inputs`, or a CSV with a header. The
//! answer is `{"predictions": [...]}` whatever the rows came as, as MLflow's server has it, unless
//! another form is asked for by `Accept`.

use modelwright_core::{Context, Error};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::negotiate::Form;
use super::rows_json::malformed;
use super::{plain, tabular, v1};
use crate::ask::{Ask, Reply};
use crate::clock;
use crate::intake::Batch;
use crate::problem::Problem;

const EXPECTED: &str = "an object with dataframe_split, dataframe_records, instances or inputs";

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    dataframe_split: Option<Split<'a>>,
    #[serde(borrow, default)]
    dataframe_records: Option<&'a RawValue>,
    #[serde(borrow, default)]
    instances: Option<&'a RawValue>,
    #[serde(borrow, default)]
    inputs: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Split<'a> {
    columns: Vec<Name>,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// A column's name; a frame that was made without names counts its columns.
#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Number(serde_json::Number),
}

impl Name {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

/// Answers a request.
pub(crate) fn predict(ask: &Ask, ctx: &Context) -> Result<Reply, Problem> {
    let form = Form::of_body(ask);
    let is_table = matches!(form, Form::Csv | Form::Parquet | Form::Arrow);
    let answers = Form::of_answer(ask, if is_table { Form::Json } else { form });
    if form != Form::Json && (!is_table || answers != Form::Json || ask.body.is_empty()) {
        return plain::predict(ask, ctx);
    }
    let begun = clock::now();
    if is_table {
        let batch = tabular::read(ask, form, ctx)?;
        ask.model.stats.input_ns.add(clock::nanos(begun.elapsed()));
        return v1::answer(ask, batch, ctx);
    }
    let envelope: Envelope<'_> =
        serde_json::from_slice(&ask.body).map_err(|e| malformed(&e).expected(EXPECTED))?;
    let batch = match envelope {
        Envelope { dataframe_split: Some(split), .. } => read_split(ask, split)?,
        Envelope { dataframe_records: Some(rows), .. } | Envelope { instances: Some(rows), .. } => {
            v1::read_list(ask, rows)?
        }
        Envelope { inputs: Some(inputs), .. } => v1::read_list_or_columns(ask, inputs)?,
        _ => return Err(Problem::malformed("there are no rows").expected(EXPECTED)),
    };
    ask.model.stats.input_ns.add(clock::nanos(begun.elapsed()));
    v1::answer(ask, batch, ctx)
}

fn read_split(ask: &Ask, split: Split<'_>) -> Result<Batch, Problem> {
    let mut deserializer = serde_json::Deserializer::from_str(split.data.get());
    let rows: Vec<super::cells::FlatData> = Vec::deserialize(&mut deserializer)
        .map_err(|e| malformed(&e).expected("data: a list of lists, one for each row"))?;
    let mut intake = ask.intake(rows.len())?;
    let names = split.columns.into_iter().map(Name::into_text).enumerate();
    let places: Vec<Option<usize>> = names.map(|(i, name)| intake.place(&name, i)).collect();
    for row in &rows {
        if row.len() == places.len() {
            for (cell, place) in row.cells().zip(&places) {
                if let Some(place) = place {
                    intake.cell(*place, cell);
                }
            }
        } else {
            intake.bad_row(
                Error::input("a row has another number of values than there are columns")
                    .expected(format!("{} values", places.len()))
                    .got(format!("{} values", row.len())),
            );
        }
        if !intake.end_row() {
            break;
        }
    }
    intake.finish()
}
