//! Tables as one JSON document: an array with an object per row, written as the rows come.

use std::io::{self, Write};

use modelwright_core::data::{Column, ColumnData, Table};
use modelwright_core::{Error, Result};
use serde_json::Value;

/// Writes tables one after the other into one array.
pub(crate) struct RowsJson<W: Write> {
    out: io::BufWriter<W>,
    n_rows: usize,
}

impl<W: Write> RowsJson<W> {
    /// An array that is written to `out`.
    pub(crate) fn new(out: W) -> Self {
        Self { out: io::BufWriter::new(out), n_rows: 0 }
    }

    /// Adds the rows of a table.
    ///
    /// # Errors
    /// Work error when writing fails.
    pub(crate) fn write(&mut self, table: &Table) -> Result<()> {
        self.write_rows(table).map_err(failed)
    }

    /// Closes the array and gives the output back.
    ///
    /// # Errors
    /// Work error when writing fails.
    pub(crate) fn finish(mut self) -> Result<W> {
        let end: &[u8] = if self.n_rows == 0 { b"[]\n" } else { b"\n]\n" };
        self.out.write_all(end).and_then(|()| self.out.flush()).map_err(failed)?;
        self.out.into_inner().map_err(|e| failed(e.into_error()))
    }

    fn write_rows(&mut self, table: &Table) -> io::Result<()> {
        for row in 0..table.n_rows() {
            self.out.write_all(if self.n_rows == 0 { b"[\n{" } else { b",\n{" })?;
            self.n_rows += 1;
            for (i, column) in table.columns().iter().enumerate() {
                if i > 0 {
                    self.out.write_all(b",")?;
                }
                serde_json::to_writer(&mut self.out, &column.name)?;
                self.out.write_all(b":")?;
                serde_json::to_writer(&mut self.out, &cell(column, row))?;
            }
            self.out.write_all(b"}")?;
        }
        Ok(())
    }
}

/// A cell as JSON: a number, a text, or null; infinities and NaN have no other form.
fn cell(column: &Column, row: usize) -> Value {
    match &column.data {
        ColumnData::Number(values) => values.at(row).into(),
        _ => column.display(row).into(),
    }
}

fn failed(cause: io::Error) -> Error {
    Error::work("the result cannot be written").because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_several_tables_are_one_array() {
        let table = |v: f64| {
            let text = Column::strings("b", [Some("x\"y")]);
            Table::new(vec![Column::numbers("a", vec![v]), text]).unwrap()
        };
        let mut rows = RowsJson::new(Vec::new());
        rows.write(&table(0.5)).unwrap();
        rows.write(&table(f64::NAN)).unwrap();
        let text = String::from_utf8(rows.finish().unwrap()).unwrap();
        let parsed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed, serde_json::json!([{"a": 0.5, "b": "x\"y"}, {"a": null, "b": "x\"y"}]));
        assert_eq!(RowsJson::new(Vec::new()).finish().unwrap(), b"[]\n");
    }
}
