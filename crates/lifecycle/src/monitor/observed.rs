//! The values of a column as tests of likeness see them: numbers, whose ranks count, or levels.

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
}
