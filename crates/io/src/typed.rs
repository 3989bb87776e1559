//! Columns of formats that have types of their own: JSON, Parquet, Arrow.
//!
//! A [`Builder`] takes value after value and holds the narrowest storage that keeps them all:
//! numbers that come as f32 stay so until an f64 comes, and numbers stay numbers until a string (or
//! a whole number that f64 cannot hold) comes, then all become strings, as they would be written.
//! Strings of a finished column are looked at like those of a CSV: when every one of them is a
//! number or a date, that is what the column is, so that a table is the same table in every format.
//! Markers such as `NA` are kept as strings here, because these formats have a missing value of
//! their own; only blank strings are missing.

use modelwright_core::data::{
    ColumnData, MISSING_CODE, MISSING_INSTANT, Numbers, Schema, Storage, instant_text, number_text,
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
    /// Numbers that all came as f32.
    Narrow(Vec<f32>),
    Instant(Vec<i64>),
    Text {
        codes: Vec<u32>,
        interner: Interner,
    },
}

/// A number in the width that its source has.
pub(crate) trait Real: Copy {
    /// Adds it to a column; NaN is missing.
    fn push(self, builder: &mut Builder);
    /// Adds numbers to a column; NaN is missing.
    fn push_all(builder: &mut Builder, new: impl Iterator<Item = Self>);
}

impl Real for f64 {
    #[inline]
    fn push(self, builder: &mut Builder) {
        builder.push_number(self);
    }

    fn push_all(builder: &mut Builder, mut new: impl Iterator<Item = Self>) {
        if !matches!(builder.values, Values::Number(_)) {
            // The first one decides what the others are pushed to.
            let Some(first) = new.next() else { return };
            builder.push_number(first);
        }
        match &mut builder.values {
            Values::Number(values) => values.extend(new),
            _ => new.for_each(|value| builder.push_number(value)),
        }
    }
}

impl Real for f32 {
    #[inline]
    fn push(self, builder: &mut Builder) {
        builder.push_narrow(self);
    }

    fn push_all(builder: &mut Builder, mut new: impl Iterator<Item = Self>) {
        if !matches!(builder.values, Values::Narrow(_)) {
            let Some(first) = new.next() else { return };
            builder.push_narrow(first);
        }
        match &mut builder.values {
            Values::Narrow(values) => values.extend(new),
            _ => new.for_each(|value| builder.push_narrow(value)),
        }
    }
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
            Values::Narrow(values) => values.len(),
            Values::Instant(values) => values.len(),
            Values::Text { codes, .. } => codes.len(),
        }
    }

    /// Bytes held in memory.
    pub(crate) fn size_bytes(&self) -> u64 {
        let n = match &self.values {
            Values::Missing(_) => 0,
            Values::Number(values) => values.len() * 8,
            Values::Narrow(values) => values.len() * 4,
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
            Values::Narrow(values) => values.push(f32::NAN),
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
            Values::Narrow(values) => {
                let mut wide = Vec::with_capacity(self.n_expected.max(values.len() + 1));
                wide.extend(values.iter().map(|v| f64::from(*v)));
                wide.push(value);
                self.values = Values::Number(wide);
            }
            _ => self.push_text(&number_text(value)),
        }
    }

    /// A number that came as f32; NaN is missing.
    #[inline]
    pub fn push_narrow(&mut self, value: f32) {
        match &mut self.values {
            Values::Narrow(values) => values.push(value),
            Values::Missing(n) => {
                let mut values = Vec::with_capacity(self.n_expected.max(*n + 1));
                values.resize(*n, f32::NAN);
                values.push(value);
                self.values = Values::Narrow(values);
            }
            _ => self.push_number(f64::from(value)),
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
            (_, ColumnData::Number(new)) => self.append_numbers(&new),
            (Values::Instant(values), ColumnData::Instant(new)) => values.extend(new),
            (_, ColumnData::Instant(new)) => new.into_iter().for_each(|v| {
                if v == MISSING_INSTANT { self.push_missing() } else { self.push_instant(v) }
            }),
            (_, ColumnData::String { codes: new, dictionary }) => {
                let (codes, interner) = self.as_text();
                push_codes(codes, interner, &new, &dictionary);
            }
        }
    }

    fn append_numbers(&mut self, new: &Numbers) {
        match (&mut self.values, new.narrow()) {
            (Values::Number(values), _) => values.extend_from_slice(&new.wide()),
            (Values::Narrow(values), Some(new)) => values.extend_from_slice(new),
            (_, Some(new)) => {
                let push = |v: &f32| if v.is_nan() { self.push_missing() } else { v.push(self) };
                new.iter().for_each(push);
            }
            (_, None) => {
                let push = |v: f64| if v.is_nan() { self.push_missing() } else { v.push(self) };
                new.iter().for_each(push);
            }
        }
    }

    /// The values as they are; all missing are numbers.
    pub fn into_data(self) -> ColumnData {
        match self.values {
            Values::Missing(n) => ColumnData::Number(Numbers::missing(n)),
            Values::Number(mut values) => {
                values.shrink_to_fit();
                ColumnData::Number(values.into())
            }
            Values::Narrow(mut values) => {
                values.shrink_to_fit();
                ColumnData::Number(values.into())
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
            let mut of_number = |v: f64| code((!v.is_nan()).then(|| number_text(v)));
            let codes = match &self.values {
                Values::Number(values) => values.iter().map(|v| of_number(*v)).collect(),
                Values::Narrow(values) => values.iter().map(|v| of_number(f64::from(*v))).collect(),
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
        assert!(values.at(0) == 1.5 && values.at(1).is_nan());
    }

    #[test]
    fn numbers_that_came_as_f32_stay_so_until_another_comes() {
        let numbers = |builder: Builder| match builder.into_data() {
            ColumnData::Number(values) => values,
            _ => panic!("numbers"),
        };
        let narrow = || {
            let mut builder = Builder::new(1);
            builder.push_narrow(0.1);
            builder.push_missing();
            <f32 as Real>::push_all(&mut builder, [0.5, f32::NAN].into_iter());
            builder.append(ColumnData::Number(Numbers::missing(1)));
            builder.append(ColumnData::Number(vec![2.0_f32].into()));
            assert_eq!((builder.n_rows(), builder.size_bytes()), (7, 28));
            builder
        };
        let values = numbers(narrow());
        assert!(values.is_narrow());
        let known: Vec<f64> = values.iter().filter(|v| !v.is_nan()).collect();
        assert_eq!(known, [f64::from(0.1_f32), 0.5, 2.0]);
        assert_eq!((values.len(), values.at(0).to_bits()), (7, f64::NAN.to_bits()));

        let mut mixed = narrow();
        mixed.push_number(0.1);
        mixed.push_narrow(0.1);
        mixed.append(ColumnData::Number(vec![0.25_f32].into()));
        let values = numbers(mixed);
        assert_eq!((values.is_narrow(), values.len()), (false, 10));
        assert_eq!([7, 8, 9].map(|row| values.at(row)), [0.1, f64::from(0.1_f32), 0.25]);

        let mut texts = narrow();
        texts.push_text("x");
        texts.push_narrow(0.5);
        let ColumnData::String { codes, dictionary } = texts.into_data() else { panic!() };
        assert_eq!(codes[5..], [MISSING_CODE, 2, 3, 1]);
        assert_eq!(dictionary.get(0), number_text(f64::from(0.1_f32)));
    }

    #[test]
    fn parts_of_different_storage_join() {
        let mut builder = Builder::new(0);
        builder.append(ColumnData::Number(vec![1.0, f64::NAN].into()));
        builder.append(ColumnData::Number(vec![2.0].into()));
        let mut part = Builder::new(0);
        part.push_text("x");
        builder.append(part.into_data());
        builder.append(ColumnData::Number(vec![f64::NAN].into()));
        let ColumnData::String { codes, dictionary } = builder.into_data() else { panic!() };
        assert_eq!(codes, [0, MISSING_CODE, 1, 2, MISSING_CODE]);
        assert_eq!(dictionary.iter().collect::<Vec<_>>(), ["1", "2", "x"]);
    }
}
