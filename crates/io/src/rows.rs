//! Rows that arrive value by value, from a socket rather than from a file.
//!
//! A [`RowReader`] is made once of a model's schema and makes a [`Rows`] for every request. Each
//! value goes at once into the storage that its column has in the model, by the same rules as for
//! a file: numbers and dates in strings are read as training read them, markers such as `NA`
//! stand for missing numbers, a number in a column of strings is written as a person writes it.
//! So a row gives the same table whether it comes from a file or through here.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use modelwright_core::data::{
    Column, ColumnData, Field, Kind, MISSING_CODE, MISSING_INSTANT, RawRow, RawValue, Schema,
    Storage, Strings, Table, number_text,
};
use modelwright_core::{Error, Result};

use crate::cell::decide::Reading;
use crate::cell::number::{Seen, Style};
use crate::cell::{instant, missing, trim};
use crate::conform::{expectation, flag, remedy};
use crate::interner::Interner;

/// The largest whole number that f64 tells apart from its neighbours.
const WHOLE_MAX: u64 = 1 << 53;

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Missing,
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(i128),
    /// A number; NaN is missing.
    Number(f64),
    /// Text; blank text is missing.
    Text(&'a str),
}

/// Knows the columns of a model; makes [`Rows`].
#[derive(Debug, Clone)]
pub struct RowReader {
    fields: Vec<Field>,
    places: HashMap<String, usize, FixedState>,
}

impl RowReader {
    /// For rows of the columns of `schema`.
    pub fn new(schema: &Schema) -> Self {
        let places = schema.fields.iter().map(|f| f.name.clone()).zip(0..).collect();
        Self { fields: schema.fields.clone(), places }
    }

    /// The columns.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The place of a column among [`Self::fields`]; `guess` is looked at first.
    #[inline]
    pub fn place(&self, name: &str, guess: usize) -> Option<usize> {
        if self.fields.get(guess).is_some_and(|field| field.name == name) {
            return Some(guess);
        }
        self.places.get(name).copied()
    }

    /// Rows to be filled, about `n_rows` of them.
    pub fn rows(&self, n_rows: usize) -> Rows<'_> {
        let columns = self.fields.iter().map(|f| Cells::new(f.storage, n_rows)).collect();
        Rows { reader: self, columns, n_done: 0, n_pushed: 0, written: String::new() }
    }

    /// Puts a value in its place of a single row; the same as [`Rows::push`], for a row that does
    /// not become a table. `buffer` is for numbers that become text. A value that does not fit
    /// changes nothing.
    ///
    /// # Errors
    /// Input error with column, expected and got, when the value is none of the column's kind.
    #[inline]
    pub fn set(
        &self,
        row: &mut RawRow,
        place: usize,
        cell: Cell<'_>,
        buffer: &mut String,
    ) -> Result<()> {
        row.set(place, value_of(&self.fields[place], cell, buffer)?);
        Ok(())
    }
}

/// Rows of a model's columns that grow value by value.
///
/// Either row by row ([`Self::push`] for each value, then [`Self::end_row`]), or column by column
/// ([`Self::push`] all values of each, then [`Self::end_columns`]).
#[derive(Debug)]
pub struct Rows<'r> {
    reader: &'r RowReader,
    columns: Vec<Cells>,
    /// Rows that are complete.
    n_done: usize,
    /// Values of the row that is being filled.
    n_pushed: usize,
    /// The last number that became text.
    written: String,
}

impl Rows<'_> {
    /// How many rows are complete.
    pub fn n_rows(&self) -> usize {
        self.n_done
    }

    /// Whether the row that is being filled has a value of the column already.
    #[inline]
    pub fn has(&self, place: usize) -> bool {
        self.columns[place].len() > self.n_done
    }

    /// Adds a value to the column at `place`. A value that does not fit adds nothing.
    ///
    /// # Errors
    /// Input error with column, expected and got, when the value is none of the column's kind.
    #[inline]
    pub fn push(&mut self, place: usize, cell: Cell<'_>) -> Result<()> {
        self.n_pushed += 1;
        let value = value_of(&self.reader.fields[place], cell, &mut self.written)?;
        match (&mut self.columns[place], value) {
            (Cells::Number(values), RawValue::Number(value)) => values.push(value),
            (Cells::Text(texts), RawValue::Text(text)) => texts.push(text),
            (Cells::Instant(values), RawValue::Instant(value)) => values.push(value),
            (column, _) => column.push_missing(),
        }
        Ok(())
    }

    /// The columns that the row that is being filled has no value of.
    pub fn absent(&self) -> impl Iterator<Item = &Field> {
        let is_absent = |(field, cells): (_, &Cells)| (cells.len() <= self.n_done).then_some(field);
        self.reader.fields.iter().zip(&self.columns).filter_map(is_absent)
    }

    /// Whether every column has a value in the row that is being filled.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.n_pushed == self.columns.len() && self.absent().next().is_none()
    }

    /// Completes the row: what was not pushed is missing.
    #[inline]
    pub fn end_row(&mut self) {
        self.n_done += 1;
        self.n_pushed = 0;
        for column in &mut self.columns {
            if column.len() < self.n_done {
                column.push_missing();
            }
        }
    }

    /// Forgets the values of the row that is being filled.
    pub fn drop_row(&mut self) {
        self.n_pushed = 0;
        for column in &mut self.columns {
            column.truncate(self.n_done);
        }
    }

    /// Completes `n_rows` rows whose values were pushed column by column; columns without any
    /// value are missing.
    ///
    /// # Errors
    /// Input error for a column that has another number of values.
    pub fn end_columns(&mut self, n_rows: usize) -> Result<()> {
        let n_rows = self.n_done + n_rows;
        for (column, field) in self.columns.iter().zip(&self.reader.fields) {
            let n = column.len();
            if n != n_rows && n != self.n_done {
                return Err(Error::input("columns differ in length")
                    .column(&field.name)
                    .expected(format!("{} values", n_rows - self.n_done))
                    .got(format!("{} values", n - self.n_done)));
            }
        }
        for column in &mut self.columns {
            (column.len()..n_rows).for_each(|_| column.push_missing());
        }
        (self.n_done, self.n_pushed) = (n_rows, 0);
        Ok(())
    }

    /// The complete rows as a table with every column of the schema.
    ///
    /// # Errors
    /// Input error for more rows than a table can have.
    pub fn into_table(mut self) -> Result<Table> {
        self.drop_row();
        let column = |(cells, field): (Cells, &Field)| Column {
            name: field.name.clone(),
            data: match cells {
                Cells::Number(values) => ColumnData::Number(values.into()),
                Cells::Instant(values) => ColumnData::Instant(values),
                Cells::Text(texts) => texts.into_data(),
            },
        };
        let columns = self.columns.into_iter().zip(&self.reader.fields).map(column).collect();
        Table::with_rows(self.n_done, columns)
    }
}

#[derive(Debug)]
enum Cells {
    Number(Vec<f64>),
    Instant(Vec<i64>),
    Text(Texts),
}

impl Cells {
    fn new(storage: Storage, n_rows: usize) -> Self {
        match storage {
            Storage::Number => Self::Number(Vec::with_capacity(n_rows)),
            Storage::Instant => Self::Instant(Vec::with_capacity(n_rows)),
            Storage::String => {
                Self::Text(Texts { codes: Vec::with_capacity(n_rows), ..Texts::default() })
            }
        }
    }

    #[inline]
    fn len(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Instant(values) => values.len(),
            Self::Text(texts) => texts.codes.len(),
        }
    }

    fn push_missing(&mut self) {
        match self {
            Self::Number(values) => values.push(f64::NAN),
            Self::Instant(values) => values.push(MISSING_INSTANT),
            Self::Text(texts) => texts.codes.push(MISSING_CODE),
        }
    }

    fn truncate(&mut self, n_rows: usize) {
        match self {
            Self::Number(values) => values.truncate(n_rows),
            Self::Instant(values) => values.truncate(n_rows),
            Self::Text(texts) => texts.codes.truncate(n_rows),
        }
    }
}

/// A column of strings. A single string, which is all that most requests bring, needs no index.
#[derive(Debug, Default)]
struct Texts {
    codes: Vec<u32>,
    first: Strings,
    index: Option<Box<Interner>>,
}

impl Texts {
    #[inline]
    fn push(&mut self, text: &str) {
        if self.first.is_empty() && self.index.is_none() {
            self.codes.push(self.first.push(text));
        } else {
            let index = self.index.get_or_insert_with(|| {
                let mut index = Box::<Interner>::default();
                for text in self.first.iter() {
                    index.intern(text);
                }
                index
            });
            self.codes.push(index.intern(text));
        }
    }

    fn into_data(self) -> ColumnData {
        let dictionary = match self.index {
            Some(index) => index.into_strings(),
            None => self.first,
        };
        ColumnData::String { codes: self.codes, dictionary }
    }
}

/// A value in the storage of its field; what is no text there is written to `buffer` first.
#[inline]
fn value_of<'a>(field: &Field, cell: Cell<'a>, buffer: &'a mut String) -> Result<RawValue<'a>> {
    Ok(match (field.storage, cell) {
        (_, Cell::Missing) => RawValue::Missing,
        (Storage::Number, Cell::Number(value)) => RawValue::Number(value),
        (Storage::Number, Cell::Integer(value)) => RawValue::Number(value as f64),
        (Storage::String, Cell::Text(text)) if text.trim().is_empty() => RawValue::Missing,
        (Storage::String, Cell::Text(text)) => RawValue::Text(text),
        (Storage::Number, Cell::Text(text)) => RawValue::Number(number(text, field)?),
        (Storage::Instant, Cell::Text(text)) => RawValue::Instant(moment(text, field)?),
        (Storage::String, Cell::Boolean(value)) => {
            RawValue::Text(if value { "true" } else { "false" })
        }
        (Storage::Number, Cell::Boolean(value)) if field.kind == Kind::Boolean => {
            RawValue::Number(f64::from(u8::from(value)))
        }
        (_, Cell::Number(value)) if value.is_nan() => RawValue::Missing,
        (Storage::String, Cell::Number(value)) => {
            *buffer = number_text(value);
            RawValue::Text(buffer)
        }
        (Storage::String, Cell::Integer(value)) => {
            *buffer = integer_text(value);
            RawValue::Text(buffer)
        }
        (Storage::Number | Storage::Instant, cell) => return Err(misfit(field, cell)),
    })
}

fn number(text: &str, field: &Field) -> Result<f64> {
    let trimmed = trim(text);
    if missing::is_missing(trimmed) {
        return Ok(f64::NAN);
    }
    let style = Style::of(&field.number_format);
    let number = style.parse(trimmed, &mut Seen::of(&field.number_format));
    number.or_else(|| flag(trimmed, field)).ok_or_else(|| misfit(field, Cell::Text(text)))
}

fn moment(text: &str, field: &Field) -> Result<i64> {
    let trimmed = trim(text);
    if missing::is_missing(trimmed) {
        return Ok(MISSING_INSTANT);
    }
    instant::parse(trimmed, field.day_first).ok_or_else(|| misfit(field, Cell::Text(text)))
}

fn integer_text(value: i128) -> String {
    if value.unsigned_abs() <= u128::from(WHOLE_MAX) {
        number_text(value as f64)
    } else {
        value.to_string()
    }
}

#[cold]
fn misfit(field: &Field, cell: Cell<'_>) -> Error {
    let reading = match field.storage {
        Storage::Number => Reading::Number(Style::of(&field.number_format)),
        Storage::Instant => Reading::Instant(field.day_first),
        Storage::String => Reading::Text,
    };
    let got = match cell {
        Cell::Missing => "nothing".to_owned(),
        Cell::Boolean(value) => value.to_string(),
        Cell::Integer(value) => value.to_string(),
        Cell::Number(value) => number_text(value),
        Cell::Text(text) => text.to_owned(),
    };
    let error = Error::input("a value does not fit the column")
        .column(&field.name)
        .expected(expectation(reading, &Seen::of(&field.number_format)))
        .got(got);
    match (field.storage, cell) {
        (Storage::Instant, Cell::Integer(_) | Cell::Number(_)) => {
            error.hint("write dates as texts; pandas does with to_json(date_format=\"iso\")")
        }
        // Rows have no file whose decimal sign could be named.
        (_, Cell::Text(_)) => error.hint(remedy(Reading::Text, "")),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::Context;

    use super::*;
    use crate::{ReadOptions, read_bytes};

    fn schema() -> Schema {
        Schema {
            fields: vec![
                Field::new("age", Storage::Number, Kind::Number),
                Field::new("job", Storage::String, Kind::Category),
                Field::new("since", Storage::Instant, Kind::Datetime),
            ],
        }
    }

    #[test]
    fn rows_give_the_table_that_a_file_of_them_gives() {
        let lines = r#"{"age": "41", "job": 7, "since": "2024-01-31"}
            {"age": 0.1, "job": true, "since": null}
            {"age": "NA", "job": " ", "since": "31 Jan 2024"}
            {"age": -3, "job": 9007199254740993, "since": "NaT"}"#;
        let options = ReadOptions { schema: Some(schema()), ..ReadOptions::default() };
        let ctx = Context::unlimited(0, 1);
        let file = read_bytes("rows.jsonl", lines.as_bytes(), &options, &ctx).unwrap();
        let reader = RowReader::new(&schema());
        let mut rows = reader.rows(4);
        let big = 9_007_199_254_740_993;
        let given = [
            [Cell::Text("41"), Cell::Integer(7), Cell::Text("2024-01-31")],
            [Cell::Number(0.1), Cell::Boolean(true), Cell::Missing],
            [Cell::Text("NA"), Cell::Text(" "), Cell::Text("31 Jan 2024")],
            [Cell::Integer(-3), Cell::Integer(big), Cell::Text("NaT")],
        ];
        for row in given {
            for (place, cell) in row.into_iter().enumerate() {
                rows.push(place, cell).unwrap();
            }
            assert!(rows.is_full());
            rows.end_row();
        }
        let table = rows.into_table().unwrap();
        let (mut single, mut buffer) = (RawRow::default(), String::new());
        for (i, row) in given.into_iter().enumerate() {
            single.begin(3);
            for (place, cell) in row.into_iter().enumerate() {
                reader.set(&mut single, place, cell, &mut buffer).unwrap();
            }
            let single = single.to_table(&schema()).unwrap();
            for (own, of_single) in table.columns().iter().zip(single.columns()) {
                assert_eq!(own.display(i), of_single.display(0), "{} {i}", own.name);
            }
        }
        for (own, of_file) in table.columns().iter().zip(file.table.columns()) {
            for row in 0..4 {
                assert_eq!(own.display(row), of_file.display(row), "{} {row}", own.name);
            }
        }
    }

    #[test]
    fn a_value_that_does_not_fit_says_column_expected_and_got() {
        let reader = RowReader::new(&schema());
        let mut rows = reader.rows(1);
        let error = rows.push(0, Cell::Text("old")).unwrap_err().to_string();
        assert!(error.contains("`age`") && error.contains("a number such as 12.5"), "{error}");
        let error = rows.push(2, Cell::Integer(1_649_116_800_000)).unwrap_err().to_string();
        assert!(error.contains("date_format=\"iso\""), "{error}");
        rows.push(1, Cell::Text("x")).unwrap();
        assert_eq!(rows.absent().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["age", "since"]);
        rows.drop_row();
        assert!(!rows.has(1));
        assert_eq!(rows.into_table().unwrap().n_rows(), 0);
    }

    #[test]
    fn a_boolean_that_is_held_as_a_number_takes_true_and_false() {
        let member = Field::new("member", Storage::Number, Kind::Boolean);
        let schema = Schema { fields: vec![member] };
        let reader = RowReader::new(&schema);
        let mut rows = reader.rows(4);
        for cell in [Cell::Boolean(true), Cell::Boolean(false), Cell::Text("True"), Cell::Missing] {
            rows.push(0, cell).unwrap();
            rows.end_row();
        }
        assert!(rows.push(0, Cell::Text("maybe")).is_err());
        let lines = r#"{"member": true}
            {"member": false}
            {"member": "True"}
            {"member": null}"#;
        let options = ReadOptions { schema: Some(schema.clone()), ..ReadOptions::default() };
        let ctx = Context::unlimited(0, 1);
        let file = read_bytes("rows.jsonl", lines.as_bytes(), &options, &ctx).unwrap();
        for table in [rows.into_table().unwrap(), file.table] {
            let shown = (0..4).map(|row| table.columns()[0].display(row)).collect::<Vec<_>>();
            assert_eq!(shown, [Some("1".into()), Some("0".into()), Some("1".into()), None]);
        }
    }

    #[test]
    fn rows_are_counted_where_no_column_is_asked_for() {
        let reader = RowReader::new(&Schema::default());
        let mut rows = reader.rows(2);
        (0..3).for_each(|_| rows.end_row());
        let table = rows.into_table().unwrap();
        assert_eq!((table.n_rows(), table.select(&[2, 0]).n_rows()), (3, 2));
    }

    #[test]
    fn columns_may_come_one_after_the_other_and_must_be_of_one_length() {
        let reader = RowReader::new(&schema());
        let mut rows = reader.rows(2);
        for text in ["a", "b", "a"] {
            rows.push(1, Cell::Text(text)).unwrap();
        }
        assert!(rows.end_columns(2).is_err());
        rows.end_columns(3).unwrap();
        let table = rows.into_table().unwrap();
        assert_eq!((table.n_rows(), table.column("job").unwrap().text(2)), (3, Some("a")));
        assert!(table.column("age").unwrap().is_missing(0));
        assert_eq!((reader.place("job", 1), reader.place("since", 0)), (Some(1), Some(2)));
        assert_eq!(reader.place("other", 0), None);
    }
}
