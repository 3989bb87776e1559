//! Bodies that are files: CSV, Parquet, Arrow; and answers in these forms.

use std::io::{Cursor, Write};

use modelwright_core::data::{
    Column, ColumnData, Field, MISSING_CODE, MISSING_INSTANT, Numbers, Schema, Storage, Strings,
    Table,
};
use modelwright_core::{Context, Error};
use modelwright_io::{
    Cell, Format, Portions, ReadOptions, Room, TableWriter, read_bytes, stream_reader,
};

use super::negotiate::Form;
use crate::ask::Ask;
use crate::intake::{Batch, OnError};
use crate::problem::Problem;

/// Rows that are counted together.
const COUNTED_ROWS: usize = 4096;

/// A table may be so many times the largest body.
const TABLE_PER_BODY: usize = 16;

/// Reads a body that is a file.
pub(crate) fn read(ask: &Ask, form: Form, ctx: &Context) -> Result<Batch, Problem> {
    let terms = ask.terms()?;
    let schema = &ask.model.predictor.schema;
    if terms.on_error == OnError::Fail {
        let table = read_table(ask, form, schema, ctx)?;
        return Batch::of_table(complete(table, schema), &ask.model, terms);
    }
    of_texts(ask, &read_table(ask, form, &as_texts(schema), ctx)?)
}

/// Every column as texts, so that what does not fit is found row by row.
pub(crate) fn as_texts(schema: &Schema) -> Schema {
    let as_text = |f: &Field| Field { storage: Storage::String, ..f.clone() };
    Schema { fields: schema.fields.iter().map(as_text).collect() }
}

/// The rows of a table that was read so.
pub(crate) fn of_texts(ask: &Ask, table: &Table) -> Result<Batch, Problem> {
    let mut intake = ask.intake(table.n_rows())?;
    for column in table.columns() {
        if let Some(place) = intake.place(&column.name, 0) {
            let cell = |row| column.text(row).map_or(Cell::Missing, Cell::Text);
            intake.column(place, (0..table.n_rows()).map(cell));
        }
    }
    intake.end_columns(table.n_rows())?;
    intake.finish()
}

/// The format of a form, as files have it.
pub(crate) fn format_of(form: Form) -> Format {
    match form {
        Form::Csv => Format::Csv,
        Form::Parquet => Format::Parquet,
        Form::Arrow => Format::Arrow,
        Form::Json | Form::JsonLines => Format::Json,
    }
}

fn read_table(ask: &Ask, form: Form, schema: &Schema, ctx: &Context) -> Result<Table, Problem> {
    let format = format_of(form);
    if schema.fields.is_empty() {
        return count_rows(ask, format, ctx);
    }
    let bytes = (ask.body.len().max(1 << 20) * TABLE_PER_BODY) as u64;
    let options = ReadOptions {
        format: Some(format),
        schema: Some(schema.clone()),
        n_rows_max: Some(ask.rows_max.saturating_add(1)),
        room: Some(Room { bytes, n_rows_min: 1 }),
        ..ReadOptions::default()
    };
    let file = read_bytes("body", &ask.body, &options, ctx).map_err(Problem::of_error)?;
    if file.source.sample.is_some() {
        return Err(Problem::new(413, "body-too-large", "the table in the body is too large")
            .hint("send its rows in several requests"));
    }
    check_columns(ask, &file.table, format, ctx)?;
    Ok(file.table)
}

/// The rows of a body for a model that reads no column of them.
fn count_rows(ask: &Ask, format: Format, ctx: &Context) -> Result<Table, Problem> {
    let body = Box::new(Cursor::new(ask.body.clone()));
    let portions = Portions { rows: COUNTED_ROWS, bytes: ask.body.len().max(1 << 20) as u64 };
    let mut n_rows = 0;
    for table in stream_reader("body", body, format, &Schema::default(), portions, ctx)? {
        n_rows += table?.n_rows();
        if n_rows > ask.rows_max {
            break;
        }
    }
    Ok(Table::with_rows(n_rows, Vec::new())?)
}

/// Refuses a table without a column that the model needs.
fn check_columns(ask: &Ask, table: &Table, format: Format, ctx: &Context) -> Result<(), Problem> {
    let Some((field, error)) = absent(&ask.model.predictor.schema, table) else { return Ok(()) };
    let options =
        ReadOptions { format: Some(format), n_rows_max: Some(1), ..ReadOptions::default() };
    Err(Problem::of_error(match read_bytes("body", &ask.body, &options, ctx) {
        Ok(file) => error.suggest(&field.name, file.table.names()),
        Err(_) => error,
    }))
}

/// A column that the model needs and the table lacks, and the complaint.
pub(crate) fn absent<'s>(schema: &'s Schema, table: &Table) -> Option<(&'s Field, Error)> {
    let absent = schema.fields.iter().find(|f| !f.optional && table.column(&f.name).is_none());
    absent.map(|field| {
        let error = Error::input("a column that the model needs is not there")
            .column(&field.name)
            .expected(format!("a column `{}` ({})", field.name, field.kind.name()));
        (field, error)
    })
}

/// All columns of the schema, in its order; absent ones are missing in every row.
pub(crate) fn complete(table: Table, schema: &Schema) -> Table {
    if table.n_columns() == schema.fields.len() {
        return table;
    }
    let n_rows = table.n_rows();
    let mut given = table.into_columns().into_iter().peekable();
    let column = |field: &Field| {
        given.next_if(|c| c.name == field.name).unwrap_or_else(|| Column {
            name: field.name.clone(),
            data: match field.storage {
                Storage::Number => ColumnData::Number(Numbers::missing(n_rows)),
                Storage::Instant => ColumnData::Instant(vec![MISSING_INSTANT; n_rows]),
                Storage::String => ColumnData::String {
                    codes: vec![MISSING_CODE; n_rows],
                    dictionary: Strings::default(),
                },
            },
        })
    };
    let columns: Vec<Column> = schema.fields.iter().map(column).collect();
    Table::new(columns).expect("the columns of a table and missing ones of the same length")
}

/// Writes a table.
pub(crate) fn write(table: &Table, form: Form) -> Result<Vec<u8>, Problem> {
    let mut writer = writer(form, Vec::new());
    writer.write(table).and_then(|()| writer.finish()).map_err(Problem::of_error)
}

/// What writes tables in a form; those of JSON are written by others.
pub(crate) fn writer<W: Write + Send>(form: Form, out: W) -> TableWriter<W> {
    match form {
        Form::Parquet => TableWriter::parquet(out),
        Form::Arrow => TableWriter::arrow(out),
        Form::Csv | Form::Json | Form::JsonLines => TableWriter::csv(out),
    }
}
