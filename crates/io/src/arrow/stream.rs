//! An Arrow file or stream in parts: batch by batch, as it was written.

use modelwright_core::Result;
use modelwright_core::data::{Column, Schema, Table};

use super::{ArrowBatches, open as open_batches, push_array};
use crate::conform::conform;
use crate::options::ReadOptions;
use crate::source::{Opened, Source};
use crate::stream::{Chunks, no_columns};
use crate::typed::Builder;

/// See the module's text.
pub(crate) struct ArrowChunks {
    source: Source<'static>,
    batches: ArrowBatches,
    schema: Schema,
    n_rows: usize,
    notes: Vec<String>,
}

/// Opens an Arrow file or stream with a schema in `options`.
pub(crate) fn open(
    source: Source<'static>,
    opened: Opened<'static>,
    options: &ReadOptions,
) -> Result<ArrowChunks> {
    let mut notes = Vec::new();
    let batches = open_batches(&source, opened, options, &mut notes)?;
    let schema = options.schema.clone().unwrap_or_default();
    if batches.columns.is_empty() {
        return Err(no_columns(&source, &schema, &batches.names));
    }
    Ok(ArrowChunks { source, batches, schema, n_rows: 0, notes })
}

impl Chunks for ArrowChunks {
    fn next_tables(&mut self) -> Result<Option<Vec<Table>>> {
        let Some(batch) = self.batches.next_batch(&self.source)? else { return Ok(None) };
        let column = |(position, name): &(usize, String)| {
            let mut builder = Builder::new(0);
            push_array(&mut builder, batch.column(*position));
            Column { name: name.clone(), data: builder.into_data() }
        };
        let columns = self.batches.columns.iter().map(column).collect();
        let columns = conform(columns, &self.schema, self.n_rows);
        let table = columns.and_then(Table::new).map_err(|e| e.at(self.source.shown()))?;
        self.n_rows += table.n_rows();
        Ok(Some(vec![table]))
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}
