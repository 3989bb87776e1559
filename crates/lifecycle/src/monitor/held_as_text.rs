//! Numbers and dates that a file holds as text, as when one value of a column is none.

use modelwright_core::Result;
use modelwright_core::data::{Column, Field, Schema};
use modelwright_io::{Cell, RowReader};

/// Strings as numbers or dates.
pub(super) struct Read {
    /// What cannot be read is missing.
    pub(super) column: Column,
    /// How many values cannot be read, and the first of them.
    pub(super) n_wrong: u64,
    pub(super) wrong: Option<String>,
}

/// Reads strings one by one as rows of a request are read, by the rules of training.
///
/// # Errors
/// Work error when the rows cannot be put together.
pub(super) fn read_strings(column: &Column, field: &Field) -> Result<Read> {
    let reader = RowReader::new(&Schema { fields: vec![field.clone()] });
    let n_rows = column.n_rows();
    let (mut rows, mut n_wrong, mut wrong) = (reader.rows(n_rows), 0, None);
    for row in 0..n_rows {
        let text = column.text(row);
        if rows.push(0, text.map_or(Cell::Missing, Cell::Text)).is_err() {
            rows.push(0, Cell::Missing)?;
            n_wrong += 1;
            wrong = wrong.or_else(|| text.map(str::to_owned));
        }
    }
    rows.end_columns(n_rows)?;
    let read = rows.into_table()?.into_columns().pop();
    let column = read.unwrap_or_else(|| Column::numbers(&field.name, vec![f64::NAN; n_rows]));
    Ok(Read { column, n_wrong, wrong })
}

#[cfg(test)]
mod tests {
    use modelwright_core::data::{Kind, Storage};

    use super::*;

    #[test]
    fn of_dates_and_numbers_held_as_texts_only_those_that_are_none_are_lost() {
        let dates = [Some("2024-01-02"), Some("n/k"), None, Some("2024-02-03")];
        let field = Field::new("day", Storage::Instant, Kind::Datetime);
        let read = read_strings(&Column::strings("day", dates), &field).unwrap();
        assert_eq!((read.n_wrong, read.wrong.as_deref()), (1, Some("n/k")));
        let shown: Vec<Option<String>> = (0..4).map(|row| read.column.display(row)).collect();
        let known = |text: &str| Some(text.to_owned());
        assert_eq!(shown, [known("2024-01-02"), None, None, known("2024-02-03")]);
        let field = Field::new("size", Storage::Number, Kind::Number);
        let texts = Column::strings("size", [Some(" 1.5"), Some("big"), None]);
        let read = read_strings(&texts, &field).unwrap();
        assert_eq!((read.n_wrong, read.column.display(0).as_deref()), (1, Some("1.5")));
        assert!(read.column.is_missing(1) && read.column.is_missing(2));
    }
}
