//! Several columns as one category: crossed levels, and patterns of missing values.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use modelwright_core::Result;
use modelwright_core::data::{Column, ColumnData, MISSING_CODE, Strings};

use super::form::CROSSED_MAX;
use crate::transform::transformer::strings;

/// Stands between the levels of a cross, where no text has it.
pub const BETWEEN: char = '\u{1f}';

/// The levels of up to [`CROSSED_MAX`] columns of strings as one; a missing one is an empty text,
/// and all of them missing is missing.
///
/// # Errors
/// Input error for another storage.
pub(super) fn cross(columns: &[&Column]) -> Result<ColumnData> {
    let parts: Vec<(&[u32], &Strings)> =
        columns.iter().take(CROSSED_MAX).map(|c| strings(c)).collect::<Result<_>>()?;
    let n_rows = columns.first().map_or(0, |c| c.n_rows());
    let mut known: HashMap<[u32; CROSSED_MAX], u32, FixedState> = HashMap::default();
    let mut dictionary = Strings::default();
    let mut text = String::new();
    let mut codes = Vec::with_capacity(n_rows);
    for row in 0..n_rows {
        let mut key = [MISSING_CODE; CROSSED_MAX];
        for (place, (codes, _)) in key.iter_mut().zip(&parts) {
            *place = codes[row];
        }
        let is_missing = key.iter().all(|code| *code == MISSING_CODE);
        codes.push(if is_missing {
            MISSING_CODE
        } else {
            *known.entry(key).or_insert_with(|| {
                text.clear();
                for (i, (code, (_, of))) in key.iter().zip(&parts).enumerate() {
                    if i > 0 {
                        text.push(BETWEEN);
                    }
                    if *code != MISSING_CODE {
                        text.push_str(of.get(*code));
                    }
                }
                dictionary.push(&text)
            })
        });
    }
    Ok(ColumnData::String { codes, dictionary })
}

/// How many of the columns are missing, per row.
pub(super) fn missing_count(columns: &[&Column]) -> ColumnData {
    let n_rows = columns.first().map_or(0, |c| c.n_rows());
    let mut counts = vec![0.0; n_rows];
    for column in columns {
        for (row, count) in counts.iter_mut().enumerate() {
            *count += f64::from(u8::from(column.is_missing(row)));
        }
    }
    ColumnData::Number(counts.into())
}

/// What the pattern of missing values has for a missing value, and for another.
pub const PATTERN_SIGNS: [char; 2] = ['-', 'x'];

/// Which of the columns are missing, per row: a text with one sign per column.
pub(super) fn missing_pattern(columns: &[&Column]) -> ColumnData {
    let n_rows = columns.first().map_or(0, |c| c.n_rows());
    let pattern = |row: usize| -> String {
        let sign = |c: &&Column| PATTERN_SIGNS[usize::from(!c.is_missing(row))];
        columns.iter().map(sign).collect()
    };
    Column::strings("", (0..n_rows).map(|row| Some(pattern(row)))).data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cross_has_a_level_for_every_combination_and_missing_parts_stay_empty() {
        let a = Column::strings("a", [Some("x"), Some("x"), None, None, Some("x")]);
        let b = Column::strings("b", [Some("1"), None, Some("1"), None, Some("1")]);
        let column = Column { name: "a & b".to_owned(), data: cross(&[&a, &b]).unwrap() };
        let texts: Vec<Option<&str>> = (0..5).map(|row| column.text(row)).collect();
        let both = Some("x\u{1f}1");
        assert_eq!(texts, [both, Some("x\u{1f}"), Some("\u{1f}1"), None, both]);
        let number = Column::numbers("n", vec![1.0; 5]);
        assert!(cross(&[&a, &number]).is_err());
    }

    #[test]
    fn missing_values_are_counted_and_told_apart_by_where_they_are() {
        let a = Column::numbers("a", vec![1.0, f64::NAN, f64::NAN]);
        let b = Column::strings("b", [Some("1"), None, Some("")]);
        assert_eq!(missing_count(&[&a, &b]), ColumnData::Number(vec![0.0, 2.0, 1.0].into()));
        let column = Column { name: String::new(), data: missing_pattern(&[&a, &b]) };
        assert_eq!([0, 1, 2].map(|row| column.text(row).unwrap()), ["xx", "--", "-x"]);
    }
}
