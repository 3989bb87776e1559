//! Columns of formats that have types of their own: JSON, Parquet, Arrow.
//!
//! A [`Builder`] takes value after value and holds the narrowest storage that keeps them all:
//! numbers stay numbers until a string (or a whole number that f64 cannot hold) comes, then all
//! become strings, as they would be written. Strings of a finished column are looked at like
//! those of a CSV: when every one of them is a number or a date, that is what the column is, so
//! that a table is the same table in every format. Markers such as `NA` are kept as strings
//! here, because these formats have a missing value of their own; only blank strings are missing.

use modelwright_core::data::{
    ColumnData, MISSING_CODE, MISSING_INSTANT, Schema, Storage, instant_text, number_text,
};

use crate::cell::decide::{Decided, Decimals, decide, decide_strings};
use crate::csv::push_codes;
use crate::interner::Interner;

/// The largest whole number that f64 tells apart from its neighbours.
const WHOLE_MAX: u64 = 1 << 53;

/// A column that grows by values of any type.
pub struct Builder {
    values: Values,
    /// How many rows it will have, if that is known: then it need not grow step by step.
    n_expected: usize,
}

enum Values {
    /// So many missing values, and nothing else.
    Missing(usize),
    Number(Vec<f64>),
    Instant(Vec<i64>),
    Text {
        codes: Vec<u32>,
        interner: Interner,
    },
}

impl Builder {
    /// A column that begins with missing values.
    pub fn new(n_missing: usize) -> Self {
        Self { values: Values::Missing(n_missing), n_expected: 0 }
    }

    /// An empty column that will have about so many rows.
    pub(crate) fn expecting(n_rows: usize) -> Self {
        Self { values: Values::Missing(0), n_expected: n_rows }
    }

    /// How many rows it has.
    pub fn n_rows(&self) -> usize {
        match &self.values {
            Values::Missing(n) => *n,
            Values::Number(values) => values.len(),
            Values::Instant(values) => values.len(),
            Values::Text { codes, .. } => codes.len(),
        }
    }

    /// Bytes held in memory.
    pub(crate) fn size_bytes(&self) -> u64 {
        let n = match &self.values {
            Values::Missing(_) => 0,
            Values::Number(values) => values.len() * 8,
            Values::Instant(values) => values.len() * 8,
            Values::Text { codes, interner } => codes.len() * 4 + interner.size_bytes(),
        };
        n as u64
    }

    /// A missing value.
    #[inline]
    pub fn push_missing(&mut self) {
        match &mut self.values {
            Values::Missing(n) => *n += 1,
            Values::Number(values) => values.push(f64::NAN),
            Values::Instant(values) => values.push(MISSING_INSTANT),
            Values::Text { codes, .. } => codes.push(MISSING_CODE),
        }
    }

    /// A number; NaN is missing.
    #[inline]
    pub fn push_number(&mut self, value: f64) {
        match &mut self.values {
            Values::Number(values) => values.push(value),
            Values::Missing(n) => {
                let mut values = Vec::with_capacity(self.n_expected.max(*n + 1));
                values.resize(*n, f64::NAN);
                values.push(value);
                self.values = Values::Number(values);
            }
            _ if value.is_nan() => self.push_missing(),
            _ => self.push_text(&number_text(value)),
        }
    }

    /// Numbers; NaN is missing.
    pub(crate) fn push_numbers(&mut self, mut new: impl Iterator<Item = f64>) {
        if !matches!(self.values, Values::Number(_)) {
            // The first one decides what the others are pushed to.
            let Some(first) = new.next() else { return };
            self.push_number(first);
        }
        match &mut self.values {
            Values::Number(values) => values.extend(new),
            _ => new.for_each(|value| self.push_number(value)),
        }
    }

    /// A whole number; kept as its digits where f64 cannot tell it from its neighbours.
    #[inline]
    pub fn push_integer(&mut self, value: i128) {
        if value.unsigned_abs() <= u128::from(WHOLE_MAX) {
            self.push_number(value as f64);
        } else {
            self.push_text(&value.to_string());
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[inline]
    pub fn push_instant(&mut self, micros: i64) {
        match &mut self.values {
            Values::Instant(values) => values.push(micros),
            Values::Missing(n) => {
                let mut values = Vec::with_capacity(self.n_expected.max(*n + 1));
                values.resize(*n, MISSING_INSTANT);
                values.push(micros);
                self.values = Values::Instant(values);
            }
            _ => self.push_text(&instant_text(micros)),
        }
    }

    /// A string; a blank one is missing.
    #[inline]
    pub fn push_text(&mut self, text: &str) {
        if text.trim().is_empty() {
            self.push_missing();
            return;
        }
        let (codes, interner) = self.as_text();
        codes.push(interner.intern(text));
    }

    /// The string that an earlier row of the same column was pushed as.
    ///
    /// `code` is what [`Self::last_code`] gave then, and the column has been of strings since.
    #[inline]
    pub(crate) fn push_code(&mut self, code: u32) {
        match &mut self.values {
            Values::Text { codes, .. } => codes.push(code),
            _ => debug_assert!(false, "a code before there are strings"),
        }
    }

    /// How the last row is held, where the column holds strings: a missing one has a code too.
    pub(crate) fn last_code(&self) -> Option<u32> {
        match &self.values {
            Values::Text { codes, .. } => codes.last().copied(),
            _ => None,
        }
    }

    /// Adds the rows of a part of the same column.
    pub(crate) fn append(&mut self, part: ColumnData) {
        match (&mut self.values, part) {
            (Values::Number(values), ColumnData::Number(new)) => values.extend(new),
            (Values::Instant(values), ColumnData::Instant(new)) => values.extend(new),
            (_, ColumnData::Number(new)) if new.iter().all(|v| v.is_nan()) => {
                for _ in new {
                    self.push_missing();
                }
            }
            (_, ColumnData::Number(new)) => new
                .into_iter()
                .for_each(|v| if v.is_nan() { self.push_missing() } else { self.push_number(v) }),
            (_, ColumnData::Instant(new)) => new.into_iter().for_each(|v| {
                if v == MISSING_INSTANT { self.push_missing() } else { self.push_instant(v) }
            }),
            (_, ColumnData::String { codes: new, dictionary }) => {
                let (codes, interner) = self.as_text();
                push_codes(codes, interner, &new, &dictionary);
            }
        }
    }

    /// The values as they are; all missing are numbers.
    pub fn into_data(self) -> ColumnData {
        match self.values {
            Values::Missing(n) => ColumnData::Number(vec![f64::NAN; n]),
            Values::Number(mut values) => {
                values.shrink_to_fit();
                ColumnData::Number(values)
            }
            Values::Instant(mut values) => {
                values.shrink_to_fit();
                ColumnData::Instant(values)
            }
            Values::Text { mut codes, interner } => {
                codes.shrink_to_fit();
                ColumnData::String { codes, dictionary: interner.into_strings() }
            }
        }
    }

    /// The finished column, see [`decide_data`].
    pub(crate) fn decide(self, name: &str, schema: Option<&Schema>) -> Decided {
        decide_data(self.into_data(), name, schema)
    }

    fn as_text(&mut self) -> (&mut Vec<u32>, &mut Interner) {
        if !matches!(self.values, Values::Text { .. }) {
            let mut interner = Interner::default();
            let mut code = |text: Option<String>| match text {
                None => MISSING_CODE,
                Some(text) => interner.intern(&text),
            };
            let codes = match &self.values {
                Values::Number(values) => {
                    values.iter().map(|v| code((!v.is_nan()).then(|| number_text(*v)))).collect()
                }
                Values::Instant(values) => values
                    .iter()
                    .map(|v| code((*v != MISSING_INSTANT).then(|| instant_text(*v))))
                    .collect(),
                _ => vec![MISSING_CODE; self.n_rows()],
            };
            self.values = Values::Text { codes, interner };
        }
        match &mut self.values {
            Values::Text { codes, interner } => (codes, interner),
            _ => unreachable!("made text just above"),
        }
    }
}

/// What a column is: strings that are all numbers or dates become what they say. What a schema has
/// as text stays text: the category `1e3` alone in a few rows would become a number, and then the
/// category `1000`.
pub(crate) fn decide_data(data: ColumnData, name: &str, schema: Option<&Schema>) -> Decided {
    let field = schema.and_then(|schema| schema.field(name));
    if field.is_some_and(|field| field.storage == Storage::String) {
        return Decided::plain(data);
    }
    match data {
        ColumnData::String { codes, dictionary } => match decide(dictionary.iter(), Decimals::Open)
        {
            None if !dictionary.is_empty() => {
                Decided::plain(ColumnData::String { codes, dictionary })
            }
            _ => decide_strings(codes, dictionary, Decimals::Open),
        },
        data => Decided::plain(data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_strings_when_a_string_comes_and_back_when_all_are_numbers() {
        let mut builder = Builder::new(1);
        builder.push_number(1.5);
        builder.push_missing();
        builder.push_text("2");
        builder.push_integer(i128::from(WHOLE_MAX) + 1);
        let ColumnData::String { codes, dictionary } = builder.into_data() else { panic!() };
        assert_eq!(codes, [MISSING_CODE, 0, MISSING_CODE, 1, 2]);
        assert_eq!(dictionary.iter().collect::<Vec<_>>(), ["1.5", "2", "9007199254740993"]);

        let mut builder = Builder::new(0);
        builder.push_text("1.5");
        builder.push_text(" ");
        let ColumnData::Number(values) = builder.decide("c", None).data else { panic!() };
        assert!(values[0] == 1.5 && values[1].is_nan());
    }

    #[test]
    fn parts_of_different_storage_join() {
        let mut builder = Builder::new(0);
        builder.append(ColumnData::Number(vec![1.0, f64::NAN]));
        builder.append(ColumnData::Number(vec![2.0]));
        let mut part = Builder::new(0);
        part.push_text("x");
        builder.append(part.into_data());
        builder.append(ColumnData::Number(vec![f64::NAN]));
        let ColumnData::String { codes, dictionary } = builder.into_data() else { panic!() };
        assert_eq!(codes, [0, MISSING_CODE, 1, 2, MISSING_CODE]);
        assert_eq!(dictionary.iter().collect::<Vec<_>>(), ["1", "2", "x"]);
    }
}
