//! Arrow IPC output, as a stream: numbers as Float64, instants as Timestamp (microseconds, UTC),
//! strings as Utf8; every column may hold missing values. A table becomes a record batch.

use std::io::Write;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, LargeStringArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Schema};
use modelwright_core::data::{Column, ColumnData, MISSING_INSTANT, Table};
use modelwright_core::{Error, Result};

use super::failed;

/// A batch with more text takes 64-bit offsets.
const SHORT_TEXT_BYTES: usize = i32::MAX as usize;

/// See the module's text.
pub(super) enum ArrowSink<W: Write> {
    /// No table has come, so the columns are not known.
    New(W),
    Open(Box<StreamWriter<W>>),
    /// A write failed, and with it the output.
    Lost,
}

impl<W: Write> ArrowSink<W> {
    pub(super) fn new(out: W) -> Self {
        Self::New(out)
    }

    pub(super) fn write(&mut self, table: &Table) -> Result<()> {
        let batch = batch(table).map_err(failed)?;
        let mut writer = match std::mem::replace(self, Self::Lost) {
            Self::New(out) => {
                Box::new(StreamWriter::try_new(out, &batch.schema()).map_err(failed)?)
            }
            Self::Open(writer) => writer,
            Self::Lost => return Err(failed("an earlier write failed")),
        };
        writer.write(&batch).map_err(failed)?;
        *self = Self::Open(writer);
        Ok(())
    }

    pub(super) fn finish(self) -> Result<W> {
        match self {
            Self::Open(writer) => writer.into_inner().map_err(failed),
            Self::New(_) => Err(Error::work("an Arrow stream needs at least one table")),
            Self::Lost => Err(failed("an earlier write failed")),
        }
    }
}

fn batch(table: &Table) -> std::result::Result<RecordBatch, ArrowError> {
    let arrays: Vec<ArrayRef> = table.columns().iter().map(array).collect();
    let fields = table.columns().iter().zip(&arrays).map(|(column, array)| {
        arrow_schema::Field::new(&column.name, array.data_type().clone(), true)
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, arrays)
}

fn array(column: &Column) -> ArrayRef {
    match &column.data {
        ColumnData::Number(values) => {
            let known = values.iter().map(|value| (!value.is_nan()).then_some(value));
            Arc::new(known.collect::<Float64Array>())
        }
        ColumnData::Instant(values) => {
            let known = values.iter().map(|value| (*value != MISSING_INSTANT).then_some(*value));
            Arc::new(known.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        ColumnData::String { .. } => {
            let texts = || (0..column.n_rows()).map(|row| column.text(row));
            if texts().flatten().map(str::len).sum::<usize>() > SHORT_TEXT_BYTES {
                Arc::new(texts().collect::<LargeStringArray>())
            } else {
                Arc::new(texts().collect::<StringArray>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use modelwright_core::Context;

    use super::*;
    use crate::{ReadOptions, read_bytes};

    #[test]
    fn what_is_written_is_read_back() {
        let table = |shift: f64| {
            Table::new(vec![
                Column::numbers("x", vec![0.1 + shift, f64::NAN, -0.0]),
                Column::instants("when", vec![1, MISSING_INSTANT, -5_000_000]),
                Column::strings("class", [Some("a \"b\""), None, Some("é")]),
            ])
            .unwrap()
        };
        let mut sink = ArrowSink::new(Vec::new());
        sink.write(&table(0.0)).unwrap();
        sink.write(&table(1.0)).unwrap();
        let bytes = sink.finish().unwrap();
        let ctx = Context::unlimited(0, 1);
        let read = read_bytes("a", &bytes, &ReadOptions::default(), &ctx).unwrap().table;
        assert_eq!(read.n_rows(), 6);
        let shown = |name: &str, row| read.column(name).unwrap().display(row);
        assert_eq!(shown("x", 3).as_deref(), Some("1.1"));
        assert_eq!((shown("x", 1), shown("class", 4)), (None, None));
        assert_eq!(shown("class", 0).as_deref(), Some("a \"b\""));
        assert_eq!(shown("when", 2).as_deref(), Some("1969-12-31T23:59:55Z"));
        assert!(ArrowSink::new(Vec::new()).finish().is_err());
    }
}
