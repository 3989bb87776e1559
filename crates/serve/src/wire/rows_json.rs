//! Rows as JSON: objects with named values, or arrays of values in the order of the columns.
//!
//! The text is read once, value by value into the columns of the model, without a tree between.

use std::fmt;

use modelwright_core::Error;
use modelwright_io::Cell;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::intake::Intake;
use crate::problem::{Fault, Problem};

/// What stands in a body of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One row.
    Single,
    /// A list of rows.
    List,
}

/// Reads an object, or an array of objects or arrays.
pub(crate) fn read_rows(json: &[u8], intake: &mut Intake<'_>) -> Result<Shape, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let shape = if json.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[') {
        let read = deserializer.deserialize_seq(RowsSeed(intake));
        read.map_err(|e| out_of_range(&e, intake).unwrap_or_else(|| malformed(&e)))?;
        Shape::List
    } else {
        let read = RowSeed(intake).deserialize(&mut deserializer);
        read.map_err(|e| out_of_range(&e, intake).unwrap_or_else(|| malformed(&e)))?;
        intake.end_row();
        Shape::Single
    };
    deserializer.end().map_err(|e| malformed(&e))?;
    Ok(shape)
}

/// Reads a single object; false where the text is anything else.
pub(crate) fn read_single(json: &[u8], row: &mut impl Sink) -> bool {
    if json.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
        return false;
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    RowSeed(row).deserialize(&mut deserializer).is_ok() && deserializer.end().is_ok()
}

/// Reads one object per line; blank lines are nothing. `n_before` lines came before these.
pub(crate) fn read_lines(text: &[u8], n_before: usize, intake: &mut Intake<'_>) {
    for (i, line) in text.split(|b| *b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut deserializer = serde_json::Deserializer::from_slice(line);
        let read = RowSeed(intake).deserialize(&mut deserializer);
        if let Err(cause) = read.and_then(|()| deserializer.end()) {
            intake.bad_row(
                Error::input(format!("line {} is no JSON object: {cause}", n_before + i + 1))
                    .expected("one object per line: {\"name\": value, …}")
                    .got(String::from_utf8_lossy(line)),
            );
        }
        if !intake.end_row() {
            break;
        }
    }
}

/// Reads `{"name": [value, …], …}`.
pub(crate) fn read_columns(json: &[u8], intake: &mut Intake<'_>) -> Result<(), Problem> {
    let columns: Vec<(String, super::cells::FlatData)> =
        serde_json::from_slice::<super::cells::Pairs>(json).map_err(|e| malformed(&e))?.0;
    let n_rows = columns.first().map_or(0, |(_, data)| data.len());
    for (name, data) in &columns {
        if data.len() != n_rows {
            return Err(Problem::malformed(format!("column `{name}` has another length"))
                .expected(format!("{n_rows} values"))
                .got(&format!("{} values", data.len())));
        }
        if let Some(place) = intake.place(name, 0) {
            if intake.has(place) {
                return Err(Problem::malformed(format!("column `{name}` comes twice")));
            }
            intake.column(place, data.cells());
        }
    }
    intake.end_columns(n_rows)
}

/// The place of a number that is beyond all numbers, such as `1e999`: the text is JSON, and nothing
/// else says which row and column the reader was at.
fn out_of_range(cause: &serde_json::Error, intake: &Intake<'_>) -> Option<Problem> {
    if !cause.to_string().starts_with("number out of range") {
        return None;
    }
    let (row, column) = intake.at();
    let error = Error::input("a number is too large")
        .expected("a number between -1.7976931348623157e308 and 1.7976931348623157e308, or null");
    let error = match column {
        Some(column) => error.column(column),
        None => error,
    };
    Some(Problem::of_faults(vec![Fault { row, error }]))
}

/// A body that is no JSON, or not of the form that is needed.
pub(crate) fn malformed(cause: &serde_json::Error) -> Problem {
    let what = if cause.is_data() { "the JSON is not of the right form" } else { "no valid JSON" };
    Problem::malformed(format!("{what}: {cause}"))
        .expected("an object {\"column\": value, …} or a list of such objects")
}

/// Takes the values of a row as they are read.
pub(crate) trait Sink {
    /// How many columns a row has.
    fn n_columns(&self) -> usize;

    /// The place of a column; `guess` is looked at first.
    fn place(&mut self, name: &str, guess: usize) -> Option<usize>;

    /// A value.
    fn cell(&mut self, place: usize, cell: Cell<'_>);

    /// A value that is none: a list or an object.
    fn nested(&mut self, place: usize, got: &str);

    /// The row is an array of `n_values` values, which is another number than there are columns.
    fn wrong_length(&mut self, n_values: usize);
}

impl Sink for Intake<'_> {
    fn n_columns(&self) -> usize {
        self.model().reader.fields().len()
    }

    #[inline]
    fn place(&mut self, name: &str, guess: usize) -> Option<usize> {
        Intake::place(self, name, guess)
    }

    #[inline]
    fn cell(&mut self, place: usize, cell: Cell<'_>) {
        Intake::cell(self, place, cell);
    }

    fn nested(&mut self, place: usize, got: &str) {
        Intake::nested(self, place, got);
    }

    fn wrong_length(&mut self, n_values: usize) {
        let n_columns = self.n_columns();
        self.bad_row(
            Error::input("a row has another number of values than the model has columns")
                .expected(format!("{n_columns} values, or an object with names"))
                .got(format!("{n_values} values")),
        );
    }
}

/// Reads a list of rows.
pub(crate) struct RowsSeed<'i, 'm>(pub(crate) &'i mut Intake<'m>);

impl<'de> DeserializeSeed<'de> for RowsSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut reads = true;
        while reads && items.next_element_seed(RowSeed(self.0))?.is_some() {
            reads = self.0.end_row();
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// Reads one row; the caller ends it.
pub(crate) struct RowSeed<'i, S>(pub(crate) &'i mut S);

impl<'de, S: Sink> DeserializeSeed<'de> for RowSeed<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: Sink> Visitor<'de> for RowSeed<'_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row: an object of named values, or an array of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let intake = self.0;
        // Clients nearly always send columns in one order.
        let mut guess = 0;
        while let Some(place) = map.next_key_seed(KeySeed { intake, guess })? {
            if let Some(place) = place {
                guess = place + 1;
                map.next_value_seed(CellSeed { intake, place })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let intake = self.0;
        let n_columns = intake.n_columns();
        let mut place = 0;
        while place < n_columns {
            if items.next_element_seed(CellSeed { intake, place })?.is_none() {
                break;
            }
            place += 1;
        }
        let mut n_values = place;
        while items.next_element::<IgnoredAny>()?.is_some() {
            n_values += 1;
        }
        if n_values != n_columns {
            intake.wrong_length(n_values);
        }
        Ok(())
    }
}

struct KeySeed<'i, S> {
    intake: &'i mut S,
    guess: usize,
}

impl<'de, S: Sink> DeserializeSeed<'de> for KeySeed<'_, S> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<S: Sink> Visitor<'_> for KeySeed<'_, S> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.intake.place(key, self.guess))
    }
}

/// Reads one value into a column.
pub(crate) struct CellSeed<'i, S> {
    pub(crate) intake: &'i mut S,
    pub(crate) place: usize,
}

impl<'de, S: Sink> DeserializeSeed<'de> for CellSeed<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: Sink> Visitor<'de> for CellSeed<'_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.intake.cell(self.place, Cell::Boolean(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.intake.cell(self.place, Cell::Integer(i128::from(value)));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.intake.cell(self.place, Cell::Integer(i128::from(value)));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.intake.cell(self.place, Cell::Number(value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.intake.cell(self.place, Cell::Text(value));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.intake.cell(self.place, Cell::Missing);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        self.intake.nested(self.place, "a list");
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.intake.nested(self.place, "an object");
        Ok(())
    }
}
