//! One named column of a raw table.
//!
//! Three storages carry everything a table file can hold: numbers (f64, or f32 where the source
//! was, see [`Numbers`]; NaN is missing), instants (microseconds since 1970 UTC) and strings (codes
//! into a dictionary of the distinct values).
//! What a column *means* (category, boolean, identifier, …) is its [`super::Kind`], decided later.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::numbers::{Numbers, compacted};
use crate::{Error, Result};

/// The dictionary code of a missing string.
pub const MISSING_CODE: u32 = u32::MAX;

/// The stored value of a missing instant.
pub const MISSING_INSTANT: i64 = i64::MIN;

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The name in the file's header.
    pub name: String,
    /// The values.
    pub data: ColumnData,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnData {
    /// Numbers; NaN is missing. Infinities are kept, so that they can be reported.
    Number(Numbers),
    /// Instants in microseconds since 1970-01-01T00:00:00Z; [`MISSING_INSTANT`] is missing.
    Instant(Vec<i64>),
    /// Codes into a dictionary; [`MISSING_CODE`] is missing.
    String {
        /// One dictionary code per row.
        codes: Vec<u32>,
        /// The distinct values, in order of first appearance.
        dictionary: Strings,
    },
}

impl Column {
    /// A column of numbers: of f64, or of f32 if they came so.
    pub fn numbers(name: impl Into<String>, values: impl Into<Numbers>) -> Self {
        Self { name: name.into(), data: ColumnData::Number(values.into()) }
    }

    /// A column of instants.
    pub fn instants(name: impl Into<String>, values: Vec<i64>) -> Self {
        Self { name: name.into(), data: ColumnData::Instant(values) }
    }

    /// A column of strings; `None` is missing.
    pub fn strings<S: AsRef<str>>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = Option<S>>,
    ) -> Self {
        let mut seen: HashMap<String, u32> = HashMap::new();
        let mut dictionary = Strings::default();
        let codes = values
            .into_iter()
            .map(|value| match value {
                None => MISSING_CODE,
                Some(text) => {
                    if let Some(code) = seen.get(text.as_ref()) {
                        *code
                    } else {
                        let code = dictionary.push(text.as_ref());
                        seen.insert(text.as_ref().to_owned(), code);
                        code
                    }
                }
            })
            .collect();
        Self { name: name.into(), data: ColumnData::String { codes, dictionary } }
    }

    /// How many rows it has.
    pub fn n_rows(&self) -> usize {
        match &self.data {
            ColumnData::Number(values) => values.len(),
            ColumnData::Instant(values) => values.len(),
            ColumnData::String { codes, .. } => codes.len(),
        }
    }

    /// Whether the value of `row` is missing.
    pub fn is_missing(&self, row: usize) -> bool {
        match &self.data {
            ColumnData::Number(values) => values.at(row).is_nan(),
            ColumnData::Instant(values) => values[row] == MISSING_INSTANT,
            ColumnData::String { codes, .. } => codes[row] == MISSING_CODE,
        }
    }

    /// The string of `row`; `None` when missing or not a string column.
    pub fn text(&self, row: usize) -> Option<&str> {
        match &self.data {
            ColumnData::String { codes, dictionary } if codes[row] != MISSING_CODE => {
                Some(dictionary.get(codes[row]))
            }
            _ => None,
        }
    }

    /// The value of `row` as a person would write it; `None` when missing.
    ///
    /// Whole numbers have no decimal point; instants are ISO 8601 in UTC.
    pub fn display(&self, row: usize) -> Option<String> {
        if self.is_missing(row) {
            return None;
        }
        match &self.data {
            ColumnData::Number(values) => Some(number_text(values.at(row))),
            ColumnData::Instant(values) => Some(instant_text(values[row])),
            ColumnData::String { .. } => self.text(row).map(str::to_owned),
        }
    }

    /// A number that two rows of this column share exactly when their values are equal (0 and -0
    /// are, and so are all missing values).
    pub fn key(&self, row: usize) -> u64 {
        match &self.data {
            ColumnData::Number(values) if values.at(row).is_nan() => f64::NAN.to_bits(),
            ColumnData::Number(values) => (values.at(row) + 0.0).to_bits(),
            ColumnData::Instant(values) => values[row] as u64,
            ColumnData::String { codes, .. } => u64::from(codes[row]),
        }
    }

    /// As [`Self::select`] of ascending rows, none twice, in the memory of the column itself: a
    /// copy beside it would be half of a large table's peak.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub(super) fn into_ascending(self, rows: &[u32]) -> Self {
        let data = match self.data {
            ColumnData::Number(values) => ColumnData::Number(values.into_ascending(rows)),
            ColumnData::Instant(values) => ColumnData::Instant(compacted(values, rows)),
            ColumnData::String { codes, dictionary } => {
                ColumnData::String { codes: compacted(codes, rows), dictionary }
            }
        };
        Self { name: self.name, data }
    }

    /// The given rows, in that order; a dictionary is kept as it is.
    #[must_use]
    pub fn select(&self, rows: &[u32]) -> Self {
        let data = match &self.data {
            ColumnData::Number(v) => ColumnData::Number(v.select(rows)),
            ColumnData::Instant(v) => {
                ColumnData::Instant(rows.iter().map(|r| v[*r as usize]).collect())
            }
            ColumnData::String { codes, dictionary } => ColumnData::String {
                codes: rows.iter().map(|r| codes[*r as usize]).collect(),
                dictionary: dictionary.clone(),
            },
        };
        Self { name: self.name.clone(), data }
    }

    /// Adds the rows of another column at the end; strings are taken by their text.
    ///
    /// # Errors
    /// Input error when the two are stored in different ways.
    pub fn append(&mut self, more: &Self) -> Result<()> {
        match (&mut self.data, &more.data) {
            (ColumnData::Number(own), ColumnData::Number(more)) => own.append(more),
            (ColumnData::Instant(own), ColumnData::Instant(more)) => {
                own.reserve_exact(more.len());
                own.extend_from_slice(more);
            }
            (
                ColumnData::String { codes, dictionary },
                ColumnData::String { codes: more, dictionary: of_more },
            ) if dictionary == of_more => {
                codes.reserve_exact(more.len());
                codes.extend_from_slice(more);
            }
            (
                ColumnData::String { codes, dictionary },
                ColumnData::String { codes: more, dictionary: of_more },
            ) => {
                let own_code = dictionary.merge(of_more);
                let own = |code: &u32| own_code.get(*code as usize).copied();
                codes.extend(more.iter().map(|code| own(code).unwrap_or(MISSING_CODE)));
            }
            _ => {
                return Err(Error::input("two tables store a column in different ways")
                    .column(&self.name)
                    .hint("read both files with the same schema"));
            }
        }
        Ok(())
    }

    /// Bytes held in memory.
    pub fn size_bytes(&self) -> usize {
        match &self.data {
            ColumnData::Number(v) => v.size_bytes(),
            ColumnData::Instant(v) => v.len() * 8,
            ColumnData::String { codes, dictionary } => codes.len() * 4 + dictionary.size_bytes(),
        }
    }
}

/// A number as a person writes it: whole numbers without a decimal point.
pub fn number_text(value: f64) -> String {
    if value == value.trunc() && value.abs() < 9.0e15 {
        format!("{}", value as i64)
    } else {
        format!("{value}")
    }
}

/// A number with at most five significant digits, for labels.
pub fn short_number_text(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return number_text(value);
    }
    let scale = 10_f64.powf(4.0 - value.abs().log10().floor());
    let rounded = (value * scale).round() / scale;
    number_text(if rounded.is_finite() { rounded } else { value })
}

/// An instant as ISO 8601 in UTC; the time of day is left out at midnight.
pub fn instant_text(micros: i64) -> String {
    let days = micros.div_euclid(86_400_000_000);
    let of_day = micros.rem_euclid(86_400_000_000);
    let (year, month, day) = civil_from_days(days);
    if of_day == 0 {
        return format!("{year:04}-{month:02}-{day:02}");
    }
    let (seconds, micros) = (of_day / 1_000_000, of_day % 1_000_000);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}{fraction}Z")
}

/// Year, month (1–12) and day (1–31) of a day number counted from 1970-01-01.
///
/// Proleptic Gregorian calendar; method: H. Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", 2013.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let mp = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The distinct strings of a column: one buffer and the end of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strings {
    text: String,
    ends: Vec<u64>,
}

impl Strings {
    /// Adds a string and returns its code; the caller keeps values distinct.
    pub fn push(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u64);
        (self.ends.len() - 1) as u32
    }

    /// The string of a code.
    ///
    /// # Panics
    /// If the code was never given out.
    pub fn get(&self, code: u32) -> &str {
        let code = code as usize;
        let start = if code == 0 { 0 } else { self.ends[code - 1] as usize };
        &self.text[start..self.ends[code] as usize]
    }

    /// Adds the strings that are not there yet; returns the code of each string of `more`.
    fn merge(&mut self, more: &Self) -> Vec<u32> {
        let known: HashMap<String, u32> = self.iter().map(str::to_owned).zip(0..).collect();
        more.iter().map(|t| known.get(t).copied().unwrap_or_else(|| self.push(t))).collect()
    }

    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The strings in code order.
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        (0..self.len() as u32).map(|code| self.get(code))
    }

    /// Bytes held in memory.
    pub fn size_bytes(&self) -> usize {
        self.text.len() + self.ends.len() * 8
    }
}

impl<S: AsRef<str>> FromIterator<S> for Strings {
    fn from_iter<I: IntoIterator<Item = S>>(values: I) -> Self {
        let mut strings = Self::default();
        for value in values {
            strings.push(value.as_ref());
        }
        strings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_interned_and_missing_is_kept() {
        let column = Column::strings("c", [Some("a"), None, Some("b"), Some("a")]);
        let ColumnData::String { codes, dictionary } = &column.data else { unreachable!() };
        assert_eq!(codes, &[0, MISSING_CODE, 1, 0]);
        assert_eq!(dictionary.iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(column.text(3), Some("a"));
        assert!(column.is_missing(1));
    }

    #[test]
    fn appended_rows_keep_their_text_and_what_is_missing() {
        let mut column = Column::strings("c", [Some("a"), Some("b")]);
        column.append(&Column::strings("c", [Some("x"), None, Some("a"), Some("x")])).unwrap();
        let texts: Vec<_> = (0..6).map(|row| column.text(row)).collect();
        assert_eq!(texts, [Some("a"), Some("b"), Some("x"), None, Some("a"), Some("x")]);
        let same = column.clone();
        column.append(&same).unwrap();
        assert_eq!((column.n_rows(), column.text(8)), (12, Some("x")));
        let error = column.append(&Column::numbers("c", vec![1.0])).unwrap_err().to_string();
        assert!(error.contains("different ways"), "{error}");
    }

    #[test]
    fn values_are_shown_as_people_write_them() {
        assert_eq!(Column::numbers("n", vec![3.0, 0.5]).display(0).unwrap(), "3");
        assert_eq!(Column::numbers("n", vec![3.0, 0.5]).display(1).unwrap(), "0.5");
        let day = 86_400_000_000;
        assert_eq!(instant_text(0), "1970-01-01");
        assert_eq!(instant_text(-day), "1969-12-31");
        assert_eq!(instant_text(19_782 * day + 3_661_500_000), "2024-02-29T01:01:01.500000Z");
    }
}
