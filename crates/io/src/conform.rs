//! Columns of typed formats, and the columns that a schema asks for.
//!
//! A CSV is parsed by its schema at once; Parquet, Arrow and JSON bring types of their own. Here
//! their columns become what the schema says, strictly: a value that does not fit is an error
//! with its row and column.

use std::collections::HashMap;

use modelwright_core::data::{
    Column, ColumnData, Field, Kind, MISSING_CODE, MISSING_INSTANT, NumberFormat, Numbers, Schema,
    Storage,
};
use modelwright_core::{Error, Result};

use crate::cell::decide::Reading;
use crate::cell::measure::measure_of;
use crate::cell::number::{Seen, Style};
use crate::cell::{instant, missing, trim};

/// The columns of `schema` that are there, in its order and storage; others are dropped.
///
/// `n_rows_before` counts the rows of earlier chunks, for the row in errors.
pub(crate) fn conform(
    columns: Vec<Column>,
    schema: &Schema,
    n_rows_before: usize,
) -> Result<Vec<Column>> {
    let mut given: HashMap<String, Column> =
        columns.into_iter().map(|column| (column.name.clone(), column)).collect();
    let mut result = Vec::with_capacity(schema.fields.len());
    for field in &schema.fields {
        if let Some(column) = given.remove(&field.name) {
            result.push(cast(column, field, n_rows_before)?);
        }
    }
    Ok(result)
}

/// `true` and `false` in a boolean column that training had as 1 and 0.
pub(crate) fn flag(text: &str, field: &Field) -> Option<f64> {
    flag_of(text).filter(|_| field.kind == Kind::Boolean)
}

/// `true` and `false` as 1 and 0.
pub(crate) fn flag_of(text: &str) -> Option<f64> {
    ["false", "true"].iter().position(|word| text.eq_ignore_ascii_case(word)).map(|at| at as f64)
}

/// What a value of a column must look like, in words.
pub(crate) fn expectation(reading: Reading, seen: &Seen) -> String {
    match reading {
        Reading::Text => "text".to_owned(),
        Reading::Number(style) => number_expectation(&seen.format(style)),
        Reading::Instant(None) => "a date or time such as 2024-01-31 or 31 Jan 2024".to_owned(),
        Reading::Instant(Some(true)) => "a date such as 31/01/2024 (day first)".to_owned(),
        Reading::Instant(Some(false)) => "a date such as 01/31/2024 (month first)".to_owned(),
    }
}

/// What to do about a value that does not fit its column.
pub(crate) fn remedy(reading: Reading, value: &str) -> &'static str {
    let reads = |style: Style| style.parse(trim(value), &mut Seen::default()).is_some();
    match reading {
        Reading::Number(Style::Plain | Style::Point) if reads(Style::Comma) => {
            "where the comma is the sign before decimals in this file: --decimal comma"
        }
        Reading::Number(Style::Comma) if reads(Style::Point) => {
            "where the point is the sign before decimals in this file: --decimal point"
        }
        _ => "mend the value, or fit again with the column as it is now",
    }
}

fn number_expectation(format: &NumberFormat) -> String {
    let number = if format.decimal_comma { "12,5" } else { "12.5" };
    if format.percent {
        return format!("a percentage such as {number} %, as in training");
    }
    if let Some(measure) = measure_of(format) {
        return measure.expectation(number);
    }
    match &format.currency {
        Some(currency) => format!("an amount such as {currency} {number}, as in training"),
        None => format!("a number such as {number}, as in training"),
    }
}

fn cast(column: Column, field: &Field, n_rows_before: usize) -> Result<Column> {
    let misfit = |row: usize, value: String, expected: String| {
        Error::input("a value does not fit the column")
            .row((n_rows_before + row) as u64 + 1)
            .column(&field.name)
            .expected(expected)
            .hint(remedy(Reading::Number(Style::of(&field.number_format)), &value))
            .got(value)
    };
    let name = column.name.clone();
    let n_rows = column.n_rows();
    let is_empty = (0..n_rows).all(|row| column.is_missing(row));
    let data = match (column.data, field.storage) {
        (data @ ColumnData::Number(_), Storage::Number)
        | (data @ ColumnData::Instant(_), Storage::Instant)
        | (data @ ColumnData::String { .. }, Storage::String) => data,
        (_, Storage::Number) if is_empty => ColumnData::Number(Numbers::missing(n_rows)),
        (_, Storage::Instant) if is_empty => ColumnData::Instant(vec![MISSING_INSTANT; n_rows]),
        (ColumnData::String { codes, dictionary }, storage) => {
            let reading = match storage {
                Storage::Number => Reading::Number(Style::of(&field.number_format)),
                _ => Reading::Instant(field.day_first),
            };
            let texts = codes.iter().map(|c| (*c != MISSING_CODE).then(|| dictionary.get(*c)));
            parse_texts(texts, reading, field).map_err(|(row, value)| {
                misfit(row, value, expectation(reading, &Seen::of(&field.number_format)))
            })?
        }
        (data, Storage::String) => {
            let typed = Column { name: name.clone(), data };
            Column::strings("", (0..n_rows).map(|row| typed.display(row))).data
        }
        (data, storage) => {
            let typed = Column { name: name.clone(), data };
            let row = (0..n_rows).find(|r| !typed.is_missing(*r)).unwrap_or(0);
            let expected = if storage == Storage::Number { "a number" } else { "a date or time" };
            return Err(misfit(row, typed.display(row).unwrap_or_default(), expected.to_owned()));
        }
    };
    Ok(Column { name, data })
}

fn parse_texts<'a>(
    texts: impl Iterator<Item = Option<&'a str>>,
    reading: Reading,
    field: &Field,
) -> std::result::Result<ColumnData, (usize, String)> {
    let mut seen = Seen::of(&field.number_format);
    let present = |text: Option<&'a str>| text.map(trim).filter(|t| !missing::is_missing(t));
    let texts = texts.enumerate().map(|(row, text)| (row, present(text)));
    if let Reading::Number(style) = reading {
        let value = |(row, text): (usize, Option<&str>)| match text {
            None => Ok(f64::NAN),
            Some(t) => {
                let number = style.parse(t, &mut seen).or_else(|| flag(t, field));
                number.ok_or_else(|| (row, t.to_owned()))
            }
        };
        return Ok(ColumnData::Number(texts.map(value).collect::<std::result::Result<_, _>>()?));
    }
    let value = |(row, text): (usize, Option<&str>)| match text {
        None => Ok(MISSING_INSTANT),
        Some(t) => instant::parse(t, field.day_first).ok_or_else(|| (row, t.to_owned())),
    };
    Ok(ColumnData::Instant(texts.map(value).collect::<std::result::Result<_, _>>()?))
}
