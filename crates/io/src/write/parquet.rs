//! Parquet output: numbers as DOUBLE, instants as TIMESTAMP (microseconds, UTC), strings as
//! STRING; every column may hold missing values.

use std::io::Write;
use std::sync::Arc;

use modelwright_core::data::{ColumnData, MISSING_CODE, MISSING_INSTANT, Table};
use modelwright_core::{Error, Result};
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::failed;

/// Rows gathered into one row group, at least (but for the last).
const GROUP_ROWS: usize = 128 << 10;

/// See the module's text.
pub(super) struct ParquetSink<W: Write + Send> {
    state: State<W>,
    waiting: Vec<Table>,
    n_waiting: usize,
}

enum State<W: Write + Send> {
    /// No table has come, so the columns are not known.
    New(W),
    Open(SerializedFileWriter<W>),
    /// A write failed, and with it the output.
    Lost,
}

impl<W: Write + Send> ParquetSink<W> {
    pub(super) fn new(out: W) -> Self {
        Self { state: State::New(out), waiting: Vec::new(), n_waiting: 0 }
    }

    pub(super) fn write(&mut self, table: &Table) -> Result<()> {
        if let State::New(_) = self.state {
            self.open(table).map_err(failed)?;
        }
        self.n_waiting += table.n_rows();
        self.waiting.push(table.clone());
        if self.n_waiting >= GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<W> {
        self.flush()?;
        match self.state {
            State::Open(writer) => writer.into_inner().map_err(failed),
            State::New(_) => Err(Error::work("a Parquet file needs at least one table")),
            State::Lost => Err(failed("an earlier write failed")),
        }
    }

    fn open(&mut self, table: &Table) -> std::result::Result<(), ParquetError> {
        let fields: std::result::Result<Vec<_>, ParquetError> = table
            .columns()
            .iter()
            .map(|column| {
                let (physical, logical) = match &column.data {
                    ColumnData::Number(_) => (Physical::DOUBLE, None),
                    ColumnData::Instant(_) => {
                        let micros = LogicalType::timestamp(true, TimeUnit::MICROS);
                        (Physical::INT64, Some(micros))
                    }
                    ColumnData::String { .. } => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
                };
                Type::primitive_type_builder(&column.name, physical)
                    .with_repetition(Repetition::OPTIONAL)
                    .with_logical_type(logical)
                    .build()
                    .map(Arc::new)
            })
            .collect();
        let schema = Type::group_type_builder("schema").with_fields(fields?).build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by("modelwright".to_owned())
            .build();
        let State::New(out) = std::mem::replace(&mut self.state, State::Lost) else {
            return Ok(());
        };
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        self.state = State::Open(writer);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let tables = std::mem::take(&mut self.waiting);
        self.n_waiting = 0;
        if tables.is_empty() {
            return Ok(());
        }
        let State::Open(writer) = &mut self.state else {
            return Err(failed("an earlier write failed"));
        };
        let written = write_group(writer, &tables);
        if written.is_err() {
            self.state = State::Lost;
        }
        written.map_err(failed)
    }
}

fn write_group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    tables: &[Table],
) -> std::result::Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    let mut position = 0;
    while let Some(mut column) = group.next_column()? {
        for table in tables {
            write_column(&mut column, &table.columns()[position].data)?;
        }
        column.close()?;
        position += 1;
    }
    group.close()?;
    Ok(())
}

fn write_column(
    writer: &mut SerializedColumnWriter<'_>,
    data: &ColumnData,
) -> std::result::Result<(), ParquetError> {
    match data {
        ColumnData::Number(values) => {
            let present: Vec<f64> = values.iter().filter(|v| !v.is_nan()).collect();
            let levels: Vec<i16> = values.iter().map(|v| i16::from(!v.is_nan())).collect();
            writer.typed::<DoubleType>().write_batch(&present, Some(&levels), None)?;
        }
        ColumnData::Instant(values) => {
            let is_present = |v: &i64| *v != MISSING_INSTANT;
            let present: Vec<i64> = values.iter().copied().filter(is_present).collect();
            let levels: Vec<i16> = values.iter().map(|v| i16::from(is_present(v))).collect();
            writer.typed::<Int64Type>().write_batch(&present, Some(&levels), None)?;
        }
        ColumnData::String { codes, dictionary } => {
            let is_present = |c: &u32| *c != MISSING_CODE;
            let distinct: Vec<ByteArray> = dictionary.iter().map(ByteArray::from).collect();
            let value = |c: &u32| distinct[*c as usize].clone();
            let present: Vec<ByteArray> =
                codes.iter().filter(|c| is_present(c)).map(value).collect();
            let levels: Vec<i16> = codes.iter().map(|c| i16::from(is_present(c))).collect();
            writer.typed::<ByteArrayType>().write_batch(&present, Some(&levels), None)?;
        }
    }
    Ok(())
}
