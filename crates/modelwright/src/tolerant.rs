//! Rows as far as they can be read: a bad cell costs its row, and not the whole file.
//!
//! A schema is strict: the first value that does not fit ends the reading. Where rows come by
//! themselves, as a watch gets them, nobody is there to repair one. A column with such a value is
//! then read as text, and taken value by value: rows whose values do not fit are left out.

use modelwright_core::data::{Column, ColumnData, Field, Schema, Storage, Table};
use modelwright_core::{Context, Result, context::Event};
use modelwright_io::conform_in_memory;

use crate::monitoring::misfit;

/// Reads by `wanted`; where a value does not fit its column, once more with that column as text.
///
/// # Errors
/// As `read`, for what is about no value.
pub(crate) fn read_loosely<T>(
    wanted: &Schema,
    mut read: impl FnMut(&Schema) -> Result<T>,
) -> Result<T> {
    let mut loose = wanted.clone();
    loop {
        let error = match read(&loose) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let Some(field) = misfit(&error, &mut loose) else { return Err(error) };
        let optional = field.optional;
        *field = Field::new(field.name.clone(), Storage::String, field.kind);
        field.optional = optional;
    }
}

/// The rows of a table that was read loosely whose values are what `wanted` says, in its columns;
/// and which of the rows those are.
///
/// # Errors
/// Work error when the columns make no table.
pub(crate) fn fitting_rows(table: Table, wanted: &Schema) -> Result<(Table, Vec<u32>)> {
    let mut fits = vec![true; table.n_rows()];
    let mut is_loose = false;
    for column in table.columns() {
        let field = wanted.field(&column.name).filter(|field| field.storage != Storage::String);
        let (Some(field), ColumnData::String { codes, dictionary }) = (field, &column.data) else {
            continue;
        };
        is_loose = true;
        let fit: Vec<bool> = dictionary.iter().map(|text| is_fitting(text, field)).collect();
        for (fits, code) in fits.iter_mut().zip(codes) {
            // What is missing fits.
            *fits &= fit.get(*code as usize).is_none_or(|fit| *fit);
        }
    }
    let kept: Vec<u32> = (0..).zip(&fits).filter(|(_, fits)| **fits).map(|(row, _)| row).collect();
    if !is_loose {
        return Ok((table, kept));
    }
    let columns = table.select(&kept).into_columns();
    Ok((conform_in_memory(columns, wanted)?, kept))
}

fn is_fitting(text: &str, field: &Field) -> bool {
    let column = Column::strings(&field.name, [Some(text)]);
    conform_in_memory(vec![column], &Schema { fields: vec![field.clone()] }).is_ok()
}

/// Says how many rows of a file were left out, if any were.
pub(crate) fn tell_left_out(n_rows: usize, shown: &str, ctx: &Context) {
    if n_rows > 0 {
        let rows = if n_rows == 1 { "1 row was".to_owned() } else { format!("{n_rows} rows were") };
        let why = "a value does not fit its column, or the answer is none that the model knows";
        ctx.tell(Event::Warning(format!("{rows} left out of {shown}: {why}")));
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::Error;
    use modelwright_core::data::Kind;

    use super::*;

    fn schema() -> Schema {
        let fields = vec![
            Field::new("x", Storage::Number, Kind::Number),
            Field::new("shop", Storage::String, Kind::Category),
        ];
        Schema { fields }
    }

    #[test]
    fn a_column_with_a_bad_value_is_read_as_text_and_costs_only_the_rows_that_have_one() {
        let mut read = 0;
        let shops = ["a", "b", "c", "d"].map(Some);
        let table = read_loosely(&schema(), |schema| {
            read += 1;
            if schema.field("x").unwrap().storage == Storage::Number {
                return Err(Error::input("a value does not fit the column").row(2).column("x"));
            }
            Table::new(vec![
                Column::strings("x", [Some("1.5"), Some("n/a?"), None, Some("2")]),
                Column::strings("shop", shops),
            ])
        });
        assert_eq!(read, 2);
        let (table, kept) = fitting_rows(table.unwrap(), &schema()).unwrap();
        assert_eq!(kept, [0, 2, 3]);
        let ColumnData::Number(x) = &table.column("x").unwrap().data else { panic!("no numbers") };
        assert_eq!((x.at(0), x.at(1).is_nan(), x.at(2)), (1.5, true, 2.0));
        assert_eq!(table.column("shop").unwrap().text(2), Some("d"));
    }

    #[test]
    fn what_is_about_no_value_is_an_error() {
        let read = |_: &Schema| -> Result<Table> { Err(Error::input("no such file").at("rows")) };
        assert!(read_loosely(&schema(), read).is_err());
    }
}
