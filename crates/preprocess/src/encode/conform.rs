//! Brings a raw column into the storage that its kind prescribes.
//!
//! A kind decides how a column is prepared, but files decide how its values are held: a postal
//! code may come as number or as string. Transformers only ever meet one storage per kind:
//!
//! | kind | storage |
//! |---|---|
//! | number | numbers |
//! | date/time | instants |
//! | category, integer category, boolean, text | strings |
//!
//! Numbers become strings as a person writes them (`3`, not `3.0`), so that categories match
//! whichever way a table was stored; numbers become instants as Unix times in seconds or, from
//! their magnitude, milliseconds. A value that cannot be converted is an error with its row.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::FixedState;
use modelwright_core::data::{
    Column, ColumnData, Kind, MISSING_CODE, MISSING_INSTANT, Numbers, Strings, instant_text,
    number_text,
};
use modelwright_core::{Error, Result};

/// From this magnitude on a Unix time is in milliseconds: as seconds it would be the year 5138, as
/// milliseconds it is 1973. Each value decides for itself, so that no row depends on others.
const UNIX_MILLISECONDS: f64 = 1e11;
/// No Unix time is as large: as milliseconds it would be the year 5138.
const UNIX_TOO_LARGE: f64 = 1e14;

/// The column in the storage of `kind`.
///
/// # Errors
/// Input error that names column, row and value, when a value cannot be of this kind.
pub fn conform(column: &Column, kind: Kind) -> Result<Cow<'_, Column>> {
    let data = match (kind, &column.data) {
        (Kind::Number, ColumnData::Number(_))
        | (Kind::Datetime, ColumnData::Instant(_))
        | (
            Kind::Category | Kind::IntegerCategory | Kind::Boolean | Kind::Text,
            ColumnData::String { .. },
        ) => return Ok(Cow::Borrowed(column)),
        (Kind::Identifier | Kind::Constant | Kind::Unsupported, _) => {
            return Err(Error::input("a column of this kind has nothing to learn from")
                .column(&column.name)
                .got(kind.name()));
        }
        (Kind::Number, ColumnData::String { codes, dictionary }) => {
            ColumnData::Number(parse_numbers(column, codes, dictionary)?.into())
        }
        (Kind::Datetime, ColumnData::Number(values)) => {
            ColumnData::Instant(unix_times(column, values)?)
        }
        (Kind::Number | Kind::Datetime, _) => {
            if let Some(row) = (0..column.n_rows()).find(|row| !column.is_missing(*row)) {
                return Err(mismatch(column, kind, row));
            }
            missing_column(kind, column.n_rows())
        }
        (_, ColumnData::Number(values)) => {
            let keys = values.iter().map(|v| (!v.is_nan()).then_some((v + 0.0).to_bits()));
            intern(keys, |bits| number_text(f64::from_bits(bits)))
        }
        (_, ColumnData::Instant(values)) => {
            let keys = values.iter().map(|v| (*v != MISSING_INSTANT).then_some(*v as u64));
            intern(keys, |micros| instant_text(micros.cast_signed()))
        }
    };
    Ok(Cow::Owned(Column { name: column.name.clone(), data }))
}

/// A column of `n_rows` missing values in the storage of `kind`.
pub(super) fn missing_column(kind: Kind, n_rows: usize) -> ColumnData {
    match kind {
        Kind::Number => ColumnData::Number(Numbers::missing(n_rows)),
        Kind::Datetime => ColumnData::Instant(vec![MISSING_INSTANT; n_rows]),
        _ => {
            ColumnData::String { codes: vec![MISSING_CODE; n_rows], dictionary: Strings::default() }
        }
    }
}

/// Each distinct key as text, numbered in order of first appearance.
fn intern(keys: impl Iterator<Item = Option<u64>>, text: impl Fn(u64) -> String) -> ColumnData {
    let mut known: HashMap<u64, u32, FixedState> = HashMap::default();
    let mut dictionary = Strings::default();
    let mut last = (0, MISSING_CODE);
    let codes = keys
        .map(|key| match key {
            None => MISSING_CODE,
            Some(key) if last.1 != MISSING_CODE && last.0 == key => last.1,
            Some(key) => {
                let code = *known.entry(key).or_insert_with(|| dictionary.push(&text(key)));
                last = (key, code);
                code
            }
        })
        .collect();
    ColumnData::String { codes, dictionary }
}

/// Unix times in seconds or milliseconds as microseconds.
fn unix_times(column: &Column, values: &Numbers) -> Result<Vec<i64>> {
    let micros = |(row, value): (usize, f64)| match value.abs() {
        size if size < UNIX_MILLISECONDS => Ok((value * 1e6).round() as i64),
        size if size < UNIX_TOO_LARGE => Ok((value * 1e3).round() as i64),
        size if size.is_nan() => Ok(MISSING_INSTANT),
        _ => Err(mismatch(column, Kind::Datetime, row)),
    };
    values.iter().enumerate().map(micros).collect()
}

fn parse_numbers(column: &Column, codes: &[u32], dictionary: &Strings) -> Result<Vec<f64>> {
    let by_code: Vec<Option<f64>> =
        dictionary.iter().map(|text| text.trim().parse().ok()).collect();
    let value = |(row, code): (usize, &u32)| match by_code.get(*code as usize) {
        None => Ok(f64::NAN),
        Some(Some(value)) => Ok(*value),
        Some(None) => Err(mismatch(column, Kind::Number, row)),
    };
    codes.iter().enumerate().map(value).collect()
}

fn mismatch(column: &Column, kind: Kind, row: usize) -> Error {
    let expected = if kind == Kind::Number { "a number" } else { "a date or time" };
    Error::input("a value does not fit the kind of its column")
        .column(&column.name)
        .row(row as u64 + 1)
        .expected(expected)
        .got(column.display(row).unwrap_or_default())
        .hint("prediction needs the column as it was in training")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_match_whichever_way_they_were_stored() {
        let numbers = Column::numbers("zip", vec![10.0, f64::NAN, 7.0, 10.0, -0.0, 0.0]);
        let strings =
            Column::strings("zip", [Some("10"), None, Some("7"), Some("10"), Some("0"), Some("0")]);
        assert_eq!(*conform(&numbers, Kind::IntegerCategory).unwrap(), strings);
    }

    #[test]
    fn a_word_in_a_column_of_numbers_is_named_with_its_row() {
        let column = Column::strings("age", [Some("31"), None, Some("old")]);
        let error = conform(&column, Kind::Number).unwrap_err().to_string();
        assert!(error.contains("row 3, column `age`") && error.contains("old"), "{error}");
        let column = Column::strings("age", [Some(" 31 "), None]);
        let conformed = conform(&column, Kind::Number).unwrap();
        assert_eq!(conformed.display(0).unwrap(), "31");
        assert!(conformed.is_missing(1));
    }

    #[test]
    fn unix_times_are_read_in_seconds_or_milliseconds_and_nothing_else() {
        let column = Column::numbers("t", vec![1.7e9, 1.7e12, f64::NAN, 0.5, -1.0]);
        let conformed = conform(&column, Kind::Datetime).unwrap();
        let second = 1_000_000;
        let expected =
            vec![1_700_000_000 * second, 1_700_000_000 * second, MISSING_INSTANT, 500_000, -second];
        assert_eq!(conformed.data, ColumnData::Instant(expected));
        for wrong in [f64::INFINITY, 1.7e18, -1e14] {
            let column = Column::numbers("t", vec![1.7e9, wrong]);
            let error = conform(&column, Kind::Datetime).unwrap_err().to_string();
            assert!(error.contains("row 2, column `t`"), "{error}");
        }
    }

    #[test]
    fn a_column_of_missing_values_fits_every_kind() {
        let column = Column::strings("x", [None::<&str>, None]);
        for kind in Kind::ALL.into_iter().filter(|k| k.is_usable()) {
            assert!(conform(&column, kind).unwrap().is_missing(1));
        }
    }
}
