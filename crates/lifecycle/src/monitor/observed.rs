//! The values of a column as tests of likeness see them: numbers, whose ranks count, or levels.

use std::hash::{DefaultHasher, Hash, Hasher};

use modelwright_core::data::{Column, ColumnData, MISSING_CODE, MISSING_INSTANT};

/// What each row has; `None` where it has no value.
pub(super) enum Observed {
    Numbers(Vec<Option<f64>>),
    Levels(Vec<Option<u64>>),
}

impl Observed {
    /// The values of a column; texts that are no category are compared by their lengths.
    pub(super) fn of(column: &Column, is_category: bool) -> Self {
        let rows = 0..column.n_rows();
        match &column.data {
            ColumnData::Number(values) if is_category => {
                let level = |row| values.at(row).is_finite().then(|| column.key(row));
                Self::Levels(rows.map(level).collect())
            }
            ColumnData::Number(values) => Self::Numbers(
                rows.map(|row| Some(values.at(row)).filter(|v| v.is_finite())).collect(),
            ),
            ColumnData::Instant(times) => {
                let time = |row: usize| (times[row] != MISSING_INSTANT).then(|| times[row] as f64);
                Self::Numbers(rows.map(time).collect())
            }
            ColumnData::String { codes, .. } if is_category => {
                let level =
                    |row: usize| (codes[row] != MISSING_CODE).then(|| u64::from(codes[row]));
                Self::Levels(rows.map(level).collect())
            }
            ColumnData::String { .. } => {
                let length = |row| column.text(row).map(|text| text.chars().count() as f64);
                Self::Numbers(rows.map(length).collect())
            }
        }
    }

    /// The values that [`packed`] made.
    pub(super) fn of_packed(values: impl Iterator<Item = u64>, are_levels: bool) -> Self {
        let known = values.map(|value| Some(value).filter(|value| *value != MISSING));
        if are_levels {
            return Self::Levels(known.collect());
        }
        Self::Numbers(known.map(|value| value.map(f64::from_bits)).collect())
    }
}

/// What [`packed`] makes of no value: the bits of no finite number, and of no level.
pub(super) const MISSING: u64 = u64::MAX;

/// One value as [`Observed::of`] sees it, in 64 bits: those of a number, or a level. Texts are
/// levels by their hashes, which are the same for every column; they are not to be stored.
pub(super) fn packed(column: &Column, row: usize, is_level: bool) -> u64 {
    match &column.data {
        ColumnData::Number(values) if !values.at(row).is_finite() => MISSING,
        ColumnData::Number(_) => column.key(row),
        ColumnData::Instant(times) if times[row] == MISSING_INSTANT => MISSING,
        ColumnData::Instant(times) => (times[row] as f64).to_bits(),
        ColumnData::String { codes, dictionary } => match codes[row] {
            MISSING_CODE => MISSING,
            code if is_level => {
                let mut hasher = DefaultHasher::new();
                dictionary.get(code).hash(&mut hasher);
                hasher.finish() >> 1
            }
            code => (dictionary.get(code).chars().count() as f64).to_bits(),
        },
    }
}
