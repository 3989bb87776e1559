//! Tables to bytes, chunk by chunk: the predictions' way out.
//!
//! A writer takes anything that implements `Write`; which file that is, and that it appears
//! only when complete, is the business of whoever calls. All chunks must have the columns of the
//! first one.

mod arrow;
mod csv;
mod parquet;

use std::io::Write;

use modelwright_core::data::Table;
use modelwright_core::{Error, Result};

/// Writes tables one after the other into one CSV or Parquet file, or Arrow stream.
///
/// # Examples
/// ```
/// use modelwright_core::data::{Column, Table};
/// use modelwright_io::TableWriter;
///
/// let mut writer = TableWriter::csv(Vec::new());
/// writer.write(&Table::new(vec![Column::numbers("prediction", vec![0.25, f64::NAN])])?)?;
/// writer.write(&Table::new(vec![Column::numbers("prediction", vec![3.0])])?)?;
/// assert_eq!(writer.finish()?, b"prediction\n0.25\n\"\"\n3\n");
/// # Ok::<(), modelwright_core::Error>(())
/// ```
pub struct TableWriter<W: Write + Send> {
    sink: Sink<W>,
    names: Option<Vec<String>>,
}

enum Sink<W: Write + Send> {
    Csv(csv::CsvSink<W>),
    Parquet(Box<parquet::ParquetSink<W>>),
    Arrow(Box<arrow::ArrowSink<W>>),
}

impl<W: Write + Send> TableWriter<W> {
    /// A CSV in UTF-8 with commas: a header, quotes where needed, `\n` line ends, numbers by
    /// their shortest text that reads back as the same number, missing values empty (`""` where
    /// the table has one column, since a blank line is no row).
    pub fn csv(out: W) -> Self {
        Self { sink: Sink::Csv(csv::CsvSink::new(out)), names: None }
    }

    /// A Parquet file, compressed with zstd.
    pub fn parquet(out: W) -> Self {
        Self { sink: Sink::Parquet(Box::new(parquet::ParquetSink::new(out))), names: None }
    }

    /// An Arrow IPC stream, a record batch for each table.
    pub fn arrow(out: W) -> Self {
        Self { sink: Sink::Arrow(Box::new(arrow::ArrowSink::new(out))), names: None }
    }

    /// Adds the rows of a table.
    ///
    /// # Errors
    /// Work error when the columns differ from those of the first table, or when writing fails.
    pub fn write(&mut self, table: &Table) -> Result<()> {
        match &self.names {
            None => self.names = Some(table.names().map(str::to_owned).collect()),
            Some(names) if table.names().eq(names.iter().map(String::as_str)) => {}
            Some(names) => {
                return Err(Error::work("a part of a table has other columns than the first")
                    .expected(names.join(", "))
                    .got(table.names().collect::<Vec<_>>().join(", ")));
            }
        }
        match &mut self.sink {
            Sink::Csv(sink) => sink.write(table),
            Sink::Parquet(sink) => sink.write(table),
            Sink::Arrow(sink) => sink.write(table),
        }
    }

    /// Writes what is left, and gives the output back.
    ///
    /// # Errors
    /// Work error when writing fails.
    pub fn finish(self) -> Result<W> {
        match self.sink {
            Sink::Csv(sink) => sink.finish(),
            Sink::Parquet(sink) => sink.finish(),
            Sink::Arrow(sink) => sink.finish(),
        }
    }
}

/// What a failed write means.
fn failed(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::work("the table cannot be written")
        .because(cause)
        .hint("look for free space and for the right to write there")
}
