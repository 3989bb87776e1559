//! A Parquet file in parts: some rows of all columns at a time.

use modelwright_core::data::{Column, Schema, Table};
use modelwright_core::{Context, Error, Result};
use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::FileReader;
use rayon::prelude::*;

use super::leaf::read_values;
use super::{FlatColumn, Opening, guard, open as open_file};
use crate::conform::conform;
use crate::options::ReadOptions;
use crate::source::{Opened, Source};
use crate::stream::{Chunks, no_columns};
use crate::typed::Builder;

/// See the module's text.
pub(crate) struct ParquetChunks {
    source: Source<'static>,
    file: Opening,
    schema: Schema,
    columns: Vec<FlatColumn>,
    /// The columns of the row group that is being read.
    readers: Vec<ColumnReader>,
    n_left_in_group: usize,
    next_group: usize,
    rows_per_chunk: usize,
    n_rows: usize,
    ctx: Context,
    notes: Vec<String>,
}

/// Opens a Parquet file with a schema in `options`.
pub(crate) fn open(
    source: Source<'static>,
    opened: Opened<'static>,
    options: &ReadOptions,
    rows_per_chunk: usize,
    ctx: &Context,
) -> Result<ParquetChunks> {
    let file = open_file(&source, opened)?;
    let mut notes = Vec::new();
    let columns = file.choose(options, &mut notes)?;
    let schema = options.schema.clone().unwrap_or_default();
    if columns.is_empty() {
        let fields = file.reader.metadata().file_metadata().schema_descr().columns();
        let names: Vec<String> = fields.iter().map(|c| c.path().string()).collect();
        return Err(no_columns(&source, &schema, &names));
    }
    Ok(ParquetChunks {
        source,
        file,
        schema,
        columns,
        readers: Vec::new(),
        n_left_in_group: 0,
        next_group: 0,
        rows_per_chunk,
        n_rows: 0,
        ctx: ctx.clone(),
        notes,
    })
}

impl ParquetChunks {
    /// Opens the columns of the next row group that has rows; false at the end of the file.
    fn next_group(&mut self) -> std::result::Result<bool, ParquetError> {
        while self.n_left_in_group == 0 {
            if self.next_group == self.file.reader.num_row_groups() {
                return Ok(false);
            }
            let group = self.file.reader.get_row_group(self.next_group)?;
            let open = |c: &FlatColumn| group.get_column_reader(c.position);
            self.readers = self.columns.iter().map(open).collect::<std::result::Result<_, _>>()?;
            self.n_left_in_group = group.metadata().num_rows().max(0) as usize;
            self.next_group += 1;
        }
        Ok(true)
    }

    fn broken(&self, error: ParquetError) -> Error {
        super::broken(&self.source, error, &self.columns[0].name)
    }
}

impl Chunks for ParquetChunks {
    fn next_tables(&mut self) -> Result<Option<Vec<Table>>> {
        if self.ctx.is_cancelled() {
            return Err(Error::interrupted("interrupted while reading"));
        }
        let has_rows = self.next_group().map_err(|e| self.broken(e))?;
        if !has_rows {
            return Ok(None);
        }
        let n_wanted = self.rows_per_chunk.min(self.n_left_in_group);
        let read = |(column, reader): (&FlatColumn, &mut ColumnReader)| {
            let mut builder = Builder::new(0);
            let found = guard(|| {
                read_values(reader, column.leaf, column.is_nullable, n_wanted, &mut builder)
            });
            found.map(|_| Column { name: column.name.clone(), data: builder.into_data() })
        };
        let (columns, readers) = (&self.columns, &mut self.readers);
        let columns: std::result::Result<Vec<Column>, ParquetError> =
            self.ctx.install(|| columns.par_iter().zip(readers).map(read).collect());
        let columns = columns.map_err(|e| self.broken(e))?;
        let columns =
            conform(columns, &self.schema, self.n_rows).map_err(|e| e.at(self.source.shown()))?;
        let table = Table::new(columns).map_err(|e| e.at(self.source.shown()))?;
        if table.n_rows() != n_wanted {
            let short = ParquetError::EOF("a row group is shorter than it says".to_owned());
            return Err(self.broken(short));
        }
        self.n_left_in_group -= n_wanted;
        self.n_rows += n_wanted;
        Ok(Some(vec![table]))
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}
