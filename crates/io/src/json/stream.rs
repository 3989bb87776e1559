//! JSON Lines in parts. A JSON array has no places to cut at and is held in memory.

use std::collections::HashSet;
use std::sync::Arc;

use modelwright_core::data::{Column, ColumnData, Numbers, Schema, Table};
use modelwright_core::{Context, Error, Result};

use super::rows::Rows;
use super::{parse_lines, read_array, text, wanted};
use crate::conform::conform;
use crate::csv::LINES;
use crate::csv::blocks::Blocks;
use crate::options::ReadOptions;
use crate::pipeline::Batches;
use crate::sampling::Sampling;
use crate::source::{Opened, Source};
use crate::stream::{Chunks, must_have_columns};
use crate::watch;

/// See the module's text.
pub(crate) struct JsonChunks {
    source: Source<'static>,
    schema: Schema,
    /// Its names: other keys are passed over.
    wanted: Option<Arc<HashSet<String>>>,
    ctx: Context,
    batches: Option<Batches<'static>>,
    array: Option<Rows>,
    /// Columns of the schema that some object so far had. A chunk whose objects all lack one of
    /// them still has it, all missing.
    seen: Vec<bool>,
    n_rows: usize,
    n_lines: u64,
    notes: Vec<String>,
}

/// Opens a JSON file with a schema in `options`.
pub(crate) fn open(
    source: Source<'static>,
    opened: Opened<'static>,
    options: &ReadOptions,
    ctx: &Context,
) -> Result<JsonChunks> {
    let schema = options.schema.clone().unwrap_or_default();
    let wanted = wanted(options);
    let text = text(&source, opened)?;
    let (mut array, mut batches) = (None, None);
    if text.is_array {
        let mut rows = Rows::of(wanted.clone());
        // Its table is held too, and for a while both as read and as the schema asks.
        let n_bytes_max = options.piece_bytes_max_in(ctx.memory_left_bytes().map(|left| left / 4));
        read_array(&source, text.reader, n_bytes_max, &mut rows)?;
        array = Some(rows);
    } else {
        // Small blocks: an object takes more bytes than a record of a CSV, and is slower to read.
        let room = ctx.memory_left_bytes();
        let wanted = options.block_bytes;
        let block_bytes = room.map_or(wanted, |r| watch::block_bytes(wanted, r, ctx.threads()));
        let blocks = Blocks::new(text.reader, LINES, block_bytes);
        let blocks = blocks.with_record_max(room.map(|r| r / 8)).bounded(options.piece_bytes_max);
        let blocks = Batches::new(Box::new(blocks), 2 * ctx.threads());
        batches = Some(blocks.bounded(options.piece_bytes_max));
    }
    let seen = vec![false; schema.fields.len()];
    Ok(JsonChunks {
        source,
        schema,
        wanted,
        ctx: ctx.clone(),
        batches,
        array,
        seen,
        n_rows: 0,
        n_lines: 0,
        notes: Vec::new(),
    })
}

impl JsonChunks {
    fn take(&mut self, rows: Rows) -> Result<Table> {
        let n_rows = rows.n_rows();
        let names = rows.all_names();
        let (flat, builders) = rows.into_columns(&mut self.notes);
        self.notes.sort();
        self.notes.dedup();
        let column = |(name, builder): (String, crate::typed::Builder)| Column {
            name,
            data: builder.into_data(),
        };
        let mut columns: Vec<Column> = flat.into_iter().zip(builders).map(column).collect();
        for (field, seen) in self.schema.fields.iter().zip(&mut self.seen) {
            let is_there = columns.iter().any(|c| c.name == field.name);
            *seen |= is_there;
            if *seen && !is_there {
                let missing = ColumnData::Number(Numbers::missing(n_rows));
                columns.push(Column { name: field.name.clone(), data: missing });
            }
        }
        if n_rows > 0 && !self.seen.contains(&true) {
            must_have_columns(&self.source, &self.schema, &names)?;
        }
        let columns = conform(columns, &self.schema, self.n_rows);
        let table = columns.and_then(|columns| Table::with_rows(n_rows, columns));
        let table = table.map_err(|e| e.at(self.source.shown()))?;
        self.n_rows += n_rows;
        Ok(table)
    }
}

impl Chunks for JsonChunks {
    fn next_tables(&mut self) -> Result<Option<Vec<Table>>> {
        if let Some(rows) = self.array.take() {
            return self.take(rows).map(|table| Some(vec![table]));
        }
        let Some(batches) = &mut self.batches else { return Ok(None) };
        let (source, wanted) = (&self.source, self.wanted.as_ref());
        let parsed = batches.parse_next(
            &self.ctx,
            |b| parse_lines(&b, &Sampling::ALL, wanted),
            |e| source.broken(e),
        )?;
        if parsed.is_empty() && self.n_rows == 0 {
            return Err(Error::input("the file has no objects").at(self.source.shown()));
        }
        if parsed.is_empty() {
            return Ok(None);
        }
        let mut tables = Vec::with_capacity(parsed.len());
        for part in parsed {
            let part = part.map_err(|e| e.explain(&self.source, self.n_lines))?;
            self.n_lines += part.n_lines;
            if part.rows.n_rows() > 0 {
                tables.push(self.take(part.rows)?);
            }
        }
        Ok(Some(tables))
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}
