//! A Parquet file in parts: some rows of all columns at a time.
//!
//! Usually every column is kept open where it is. Each then has a page unpacked, which for many
//! columns is much: where memory is short, columns are opened a few at a time, and again for every
//! part, passing over the rows before it.

use modelwright_core::data::{Column, Schema, Table};
use modelwright_core::{Context, Error, Result};
use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::FileReader;
use rayon::prelude::*;

use super::columns::{open_bytes, parallel};
use super::leaf::{read_all_values, skip_values};
use super::{FlatColumn, Opening, guard, open as open_file};
use crate::conform::conform;
use crate::options::ReadOptions;
use crate::source::{Opened, Source};
use crate::stream::{Chunks, must_have_columns};
use crate::typed::Builder;

/// See the module's text.
pub(crate) struct ParquetChunks {
    source: Source<'static>,
    file: Opening,
    schema: Schema,
    columns: Vec<FlatColumn>,
    /// The columns of the row group that is being read; `None` where they are opened again for
    /// every part, so many at a time.
    readers: Option<Vec<ColumnReader>>,
    n_parallel: usize,
    n_given_of_group: usize,
    n_left_in_group: usize,
    next_group: usize,
    rows_per_chunk: usize,
    n_rows: usize,
    ctx: Context,
    notes: Vec<String>,
}

/// The part of the free memory that open columns may take, and the part of that which the rows of
/// one part take when columns are opened again for each: the more rows, the less often.
const ROOM_SHARE: u64 = 3;
const PART_SHARE: u64 = 8;

/// Opens a Parquet file with a schema in `options`.
pub(crate) fn open(
    source: Source<'static>,
    opened: Opened<'static>,
    options: &ReadOptions,
    rows_per_chunk: usize,
    ctx: &Context,
) -> Result<ParquetChunks> {
    let room = ctx.memory_left_bytes().map(|left| left / 2);
    let file = open_file(&source, opened, options.piece_bytes_max_in(room))?;
    let mut notes = Vec::new();
    let columns = file.choose(options, &mut notes)?;
    let schema = options.schema.clone().unwrap_or_default();
    if columns.is_empty() {
        let fields = file.reader.metadata().file_metadata().schema_descr().columns();
        let names: Vec<String> = fields.iter().map(|c| c.path().string()).collect();
        must_have_columns(&source, &schema, &names)?;
    }
    let (mut readers, mut n_parallel, mut rows_per_chunk) =
        (Some(Vec::new()), columns.len(), rows_per_chunk);
    if let Some(room) = ctx.memory_left_bytes().map(|left| left / ROOM_SHARE)
        && open_bytes(&file, &columns) > room
    {
        readers = None;
        n_parallel = parallel(&file, &columns, room, ctx.threads()).0;
        let row_bytes = 8 * columns.len() as u64;
        rows_per_chunk = rows_per_chunk.max((room / PART_SHARE / row_bytes) as usize);
    }
    Ok(ParquetChunks {
        source,
        file,
        schema,
        columns,
        readers,
        n_parallel: n_parallel.max(1),
        n_given_of_group: 0,
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
            if let Some(readers) = &mut self.readers {
                let open = |c: &FlatColumn| group.get_column_reader(c.position);
                *readers = self.columns.iter().map(open).collect::<std::result::Result<_, _>>()?;
            }
            self.n_given_of_group = 0;
            self.n_left_in_group = group.metadata().num_rows().max(0) as usize;
            self.next_group += 1;
        }
        Ok(true)
    }

    /// The next rows of every column.
    fn read(&mut self, n_rows: usize) -> std::result::Result<Vec<Column>, ParquetError> {
        if let Some(readers) = &mut self.readers {
            let read = |(column, reader)| values(column, reader, n_rows);
            return self.columns.par_iter().zip(readers).map(read).collect();
        }
        let group = self.file.reader.get_row_group(self.next_group - 1)?;
        let n_before = self.n_given_of_group;
        let read = |column: &FlatColumn| {
            let mut reader = group.get_column_reader(column.position)?;
            guard(|| skip_values(&mut reader, n_before))?;
            values(column, &mut reader, n_rows)
        };
        let mut columns = Vec::with_capacity(self.columns.len());
        for some in self.columns.chunks(self.n_parallel) {
            let some: std::result::Result<Vec<Column>, ParquetError> =
                some.par_iter().map(read).collect();
            columns.extend(some?);
        }
        Ok(columns)
    }

    fn broken(&self, error: ParquetError) -> Error {
        let column = self.columns.first().map_or("", |column| &column.name);
        super::broken(&self.source, error, column)
    }
}

/// The next rows of a column.
fn values(
    column: &FlatColumn,
    reader: &mut ColumnReader,
    n_rows: usize,
) -> std::result::Result<Column, ParquetError> {
    let mut builder = Builder::expecting(n_rows);
    let (leaf, is_nullable) = (column.leaf, column.is_nullable);
    guard(|| read_all_values(reader, leaf, is_nullable, n_rows, &mut builder))?;
    Ok(Column { name: column.name.clone(), data: builder.into_data() })
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
        let columns = self.ctx.clone().install(|| self.read(n_wanted));
        let columns = columns.map_err(|e| self.broken(e))?;
        let columns =
            conform(columns, &self.schema, self.n_rows).map_err(|e| e.at(self.source.shown()))?;
        let n_rows = columns.first().map_or(n_wanted, Column::n_rows);
        let table = Table::with_rows(n_rows, columns).map_err(|e| e.at(self.source.shown()))?;
        if table.n_rows() != n_wanted {
            let short = ParquetError::EOF("a row group is shorter than it says".to_owned());
            return Err(self.broken(short));
        }
        self.n_left_in_group -= n_wanted;
        self.n_given_of_group += n_wanted;
        self.n_rows += n_wanted;
        Ok(Some(vec![table]))
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}
