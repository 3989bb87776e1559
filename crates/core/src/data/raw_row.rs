//! One raw row, in memory that is used again for the next: what a server predicts one by one.
//!
//! A table of one row is dozens of allocations; this is none once its buffers have grown.

use super::column::{Column, ColumnData, MISSING_CODE, MISSING_INSTANT, Strings};
use super::schema::{Schema, Storage};
use super::table::Table;
use crate::error::Result;

/// One value of a raw column, in the storage of its field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RawValue<'a> {
    /// No value.
    Missing,
    /// A number; NaN is missing.
    Number(f64),
    /// Microseconds since 1970 UTC.
    Instant(i64),
    /// Text that is not blank.
    Text(&'a str),
}

impl RawValue<'_> {
    /// Whether it is no value, whichever way that is held.
    #[inline]
    pub fn is_missing(self) -> bool {
        match self {
            Self::Missing => true,
            Self::Number(value) => value.is_nan(),
            Self::Instant(value) => value == MISSING_INSTANT,
            Self::Text(_) => false,
        }
    }

    /// The number of a column of numbers, NaN where it is missing; `None` for another storage.
    #[inline]
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(value),
            Self::Missing => Some(f64::NAN),
            _ => None,
        }
    }

    /// The instant of a column of instants, [`MISSING_INSTANT`] where it is missing; `None` for
    /// another storage.
    #[inline]
    pub fn instant(self) -> Option<i64> {
        match self {
            Self::Instant(value) => Some(value),
            Self::Missing => Some(MISSING_INSTANT),
            _ => None,
        }
    }

    /// The value as a column of one row. A value that has another storage is missing.
    pub fn to_column(self, name: &str, storage: Storage) -> Column {
        let data = match storage {
            Storage::Number => ColumnData::Number(vec![self.number().unwrap_or(f64::NAN)].into()),
            Storage::Instant => {
                ColumnData::Instant(vec![self.instant().unwrap_or(MISSING_INSTANT)])
            }
            Storage::String => {
                let mut dictionary = Strings::default();
                let code = match self {
                    Self::Text(text) => dictionary.push(text),
                    _ => MISSING_CODE,
                };
                ColumnData::String { codes: vec![code], dictionary }
            }
        };
        Column { name: name.to_owned(), data }
    }
}

/// How a value is kept: text by its place in the row's own buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Held {
    Absent,
    Missing,
    Number(f64),
    Instant(i64),
    Text { start: usize, end: usize },
}

/// The values of one row by the places of a schema.
#[derive(Debug, Clone, Default)]
pub struct RawRow {
    values: Vec<Held>,
    text: String,
    n_present: usize,
}

impl RawRow {
    /// Forgets all values and makes place for `n_columns`.
    pub fn begin(&mut self, n_columns: usize) {
        self.values.clear();
        self.values.resize(n_columns, Held::Absent);
        self.text.clear();
        self.n_present = 0;
    }

    /// Puts a value, in the storage of its field, in its place.
    ///
    /// # Panics
    /// If there is no such place.
    #[inline]
    pub fn set(&mut self, place: usize, value: RawValue<'_>) {
        self.n_present += usize::from(self.values[place] == Held::Absent);
        self.values[place] = match value {
            RawValue::Missing => Held::Missing,
            RawValue::Number(value) => Held::Number(value),
            RawValue::Instant(value) => Held::Instant(value),
            RawValue::Text(text) => {
                let start = self.text.len();
                self.text.push_str(text);
                Held::Text { start, end: self.text.len() }
            }
        };
    }

    /// Takes row `row` of a table: the columns of `schema` by their names; a column that is not
    /// there, or is held in another storage, leaves its place empty.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn take(&mut self, table: &Table, row: usize, schema: &Schema) {
        self.begin(schema.fields.len());
        for (place, field) in schema.fields.iter().enumerate() {
            let Some(column) = table.column(&field.name) else { continue };
            match (&column.data, field.storage) {
                (ColumnData::Number(values), Storage::Number) => {
                    self.set(place, RawValue::Number(values.at(row)));
                }
                (ColumnData::Instant(values), Storage::Instant) => {
                    let value = values[row];
                    let is_missing = value == MISSING_INSTANT;
                    let value =
                        if is_missing { RawValue::Missing } else { RawValue::Instant(value) };
                    self.set(place, value);
                }
                (ColumnData::String { .. }, Storage::String) => {
                    self.set(place, column.text(row).map_or(RawValue::Missing, RawValue::Text));
                }
                _ => {}
            }
        }
    }

    /// Whether a place has a value, a missing one too.
    #[inline]
    pub fn has(&self, place: usize) -> bool {
        self.values[place] != Held::Absent
    }

    /// Whether every place has a value.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.n_present == self.values.len()
    }

    /// The value of a place; what never came is missing.
    #[inline]
    pub fn value(&self, place: usize) -> RawValue<'_> {
        match self.values[place] {
            Held::Absent | Held::Missing => RawValue::Missing,
            Held::Number(value) => RawValue::Number(value),
            Held::Instant(value) => RawValue::Instant(value),
            Held::Text { start, end } => RawValue::Text(&self.text[start..end]),
        }
    }

    /// The row as a table with every column of the schema.
    ///
    /// # Errors
    /// Input error when two columns have one name.
    pub fn to_table(&self, schema: &Schema) -> Result<Table> {
        let columns = schema.fields.iter().enumerate();
        let column = |(i, field): (usize, &super::Field)| {
            let value = if i < self.values.len() { self.value(i) } else { RawValue::Missing };
            value.to_column(&field.name, field.storage)
        };
        Table::new(columns.map(column).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::{Field, Kind};
    use super::*;

    #[test]
    fn a_row_is_filled_again_and_again_and_becomes_a_table() {
        let schema = Schema {
            fields: vec![
                Field::new("a", Storage::Number, Kind::Number),
                Field::new("b", Storage::String, Kind::Category),
                Field::new("c", Storage::Instant, Kind::Datetime),
            ],
        };
        let mut row = RawRow::default();
        row.begin(3);
        row.set(1, RawValue::Text("of before"));
        row.begin(3);
        assert!(!row.has(1) && !row.is_full());
        row.set(1, RawValue::Text("x"));
        row.set(0, RawValue::Number(-0.5));
        row.set(2, RawValue::Missing);
        assert!(row.is_full());
        assert_eq!(row.value(1), RawValue::Text("x"));
        let table = row.to_table(&schema).unwrap();
        assert_eq!(table.columns()[0], Column::numbers("a", vec![-0.5]));
        assert_eq!(table.columns()[1], Column::strings("b", [Some("x")]));
        assert_eq!(table.columns()[2], Column::instants("c", vec![MISSING_INSTANT]));
        row.begin(3);
        assert!(row.to_table(&schema).unwrap().columns()[1].is_missing(0));
    }
}
