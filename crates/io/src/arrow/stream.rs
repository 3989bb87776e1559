//! An Arrow file or stream in parts: some rows of a batch at a time.

use arrow_array::RecordBatch;
use modelwright_core::data::{Column, Schema, Table};
use modelwright_core::{Context, Result};

use super::{ArrowBatches, must_have_room, open_in_parts, push_array};
use crate::conform::conform;
use crate::options::ReadOptions;
use crate::source::{Opened, Source};
use crate::stream::{Chunks, must_have_columns};
use crate::typed::Builder;

/// See the module's text.
pub(crate) struct ArrowChunks {
    source: Source<'static>,
    batches: ArrowBatches,
    schema: Schema,
    /// The batch that is being given out, and the rows of it that were.
    batch: Option<RecordBatch>,
    n_given: usize,
    rows_per_chunk: usize,
    n_rows: usize,
    notes: Vec<String>,
}

/// Opens an Arrow file or stream with a schema in `options`.
pub(crate) fn open(
    source: Source<'static>,
    opened: Opened<'static>,
    options: &ReadOptions,
    rows_per_chunk: usize,
    ctx: &Context,
) -> Result<ArrowChunks> {
    let mut notes = Vec::new();
    let room = ctx.memory_left_bytes();
    let n_bytes_max = options.piece_bytes_max_in(room.map(|r| r / 2));
    let batches = open_in_parts(&source, opened, options, n_bytes_max, &mut notes)?;
    must_have_room(&source, &batches.messages, room)?;
    let schema = options.schema.clone().unwrap_or_default();
    if batches.columns.is_empty() {
        must_have_columns(&source, &schema, &batches.names)?;
    }
    let (batch, n_given, n_rows) = (None, 0, 0);
    Ok(ArrowChunks { source, batches, schema, batch, n_given, rows_per_chunk, n_rows, notes })
}

impl Chunks for ArrowChunks {
    fn next_tables(&mut self) -> Result<Option<Vec<Table>>> {
        if self.batch.as_ref().is_none_or(|b| self.n_given >= b.num_rows()) {
            // Given up before the next one is read.
            self.batch = None;
            self.batch = self.batches.next_batch(&self.source)?;
            self.n_given = 0;
        }
        let Some(batch) = &self.batch else { return Ok(None) };
        let n = self.rows_per_chunk.min(batch.num_rows() - self.n_given);
        let batch = batch.slice(self.n_given, n);
        self.n_given += n;
        let column = |(position, name): &(usize, String)| {
            let mut builder = Builder::new(0);
            push_array(&mut builder, batch.column(*position));
            Column { name: name.clone(), data: builder.into_data() }
        };
        let columns = self.batches.columns.iter().map(column).collect();
        let columns = conform(columns, &self.schema, self.n_rows);
        let table = columns.and_then(|columns| Table::with_rows(n, columns));
        let table = table.map_err(|e| e.at(self.source.shown()))?;
        self.n_rows += table.n_rows();
        Ok(Some(vec![table]))
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}
