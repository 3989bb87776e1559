//! The rows of a body, block by block.

use std::io::{BufRead, BufReader, Read};

use modelwright_core::Context;
use modelwright_core::data::Table;
use modelwright_io::{Format, Portions, TableStream, stream_file, stream_reader};

use super::spool;
use crate::ask::Ask;
use crate::intake::{Batch, OnError};
use crate::problem::Problem;
use crate::wire::negotiate::Form;
use crate::wire::rows_json::read_lines;
use crate::wire::tabular;

/// Rows of a block.
const BLOCK_ROWS: usize = 4096;
/// Lines of JSON that are read together have about so many bytes at most.
const BLOCK_BYTES: usize = 1 << 20;
/// Bytes of lines that are taken from a client at a time, at most.
const PIECE_BYTES: usize = 256 << 10;
/// What Arrow's file format begins with; its stream does not.
const ARROW_FILE: &[u8] = b"ARROW1";

/// See the module's text.
pub(super) struct Blocks {
    source: Source,
    /// Rows that were given out.
    n_rows: usize,
}

enum Source {
    Tables(TableStream),
    Lines {
        reader: BufReader<Box<dyn Read + Send>>,
        block: Vec<u8>,
        n_lines: usize,
        /// Bytes of a line.
        line_bytes_max: usize,
    },
}

impl Blocks {
    /// Of the bytes of a body; nothing of it that must be held at once has more than
    /// `body_bytes_max` bytes, or than a block.
    ///
    /// # Errors
    /// Problems of what is at the front of them.
    pub(super) fn open(
        ask: &Ask,
        form: Form,
        reader: Box<dyn Read + Send>,
        body_bytes_max: usize,
        ctx: &Context,
    ) -> Result<Self, Problem> {
        let source = if form == Form::JsonLines {
            let reader = BufReader::with_capacity(PIECE_BYTES, reader);
            let of_columns = ask.model.predictor.schema.fields.len() * LINE_BYTES_PER_COLUMN;
            let line_bytes_max = of_columns.min(body_bytes_max).max(BLOCK_BYTES);
            Source::Lines { reader, block: Vec::new(), n_lines: 0, line_bytes_max }
        } else {
            Source::Tables(tables(ask, form, reader, body_bytes_max, ctx)?)
        };
        Ok(Self { source, n_rows: 0 })
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// Problems of these rows.
    pub(super) fn next(&mut self, ask: &Ask) -> Result<Option<Batch>, Problem> {
        let batch = match &mut self.source {
            Source::Tables(stream) => match stream.next() {
                None => return Ok(None),
                Some(table) => of_table(ask, table.map_err(Problem::of_error)?, self.n_rows)?,
            },
            Source::Lines { reader, block, n_lines, line_bytes_max } => {
                let n = read_block(reader, block, *line_bytes_max)?;
                if n == 0 {
                    return Ok(None);
                }
                let mut intake = ask.intake(BLOCK_ROWS)?;
                read_lines(block, *n_lines, &mut intake);
                *n_lines += n;
                intake.finish().map_err(|problem| problem.behind(self.n_rows))?
            }
        };
        let batch = batch.behind(self.n_rows);
        self.n_rows += batch.n_rows;
        Ok(Some(batch))
    }
}

fn tables(
    ask: &Ask,
    form: Form,
    reader: Box<dyn Read + Send>,
    body_bytes_max: usize,
    ctx: &Context,
) -> Result<TableStream, Problem> {
    let schema = &ask.model.predictor.schema;
    let texts;
    let schema = if ask.terms()?.on_error == OnError::Fail {
        schema
    } else {
        texts = tabular::as_texts(schema);
        &texts
    };
    let mut reader = BufReader::new(reader);
    let head = reader.fill_buf().map_err(|e| Problem::malformed(e.to_string()))?;
    let format = tabular::format_of(form);
    let is_file = format == Format::Parquet || head.starts_with(ARROW_FILE);
    let portions = Portions { rows: BLOCK_ROWS, bytes: body_bytes_max as u64 };
    let stream = if is_file {
        let file = spool::take(reader, body_bytes_max)?;
        stream_file("body", file, format, schema, portions, ctx)
    } else {
        stream_reader("body", Box::new(reader), format, schema, portions, ctx)
    };
    stream.map_err(Problem::of_error)
}

fn of_table(ask: &Ask, table: Table, n_before: usize) -> Result<Batch, Problem> {
    let schema = &ask.model.predictor.schema;
    if let Some((field, error)) = tabular::absent(schema, &table) {
        return Err(Problem::of_error(error.suggest(&field.name, table.names())));
    }
    let terms = ask.terms()?;
    let batch = if terms.on_error == OnError::Fail {
        Batch::of_table(tabular::complete(table, schema), &ask.model, terms)
    } else {
        tabular::of_texts(ask, &table)
    };
    batch.map_err(|problem| problem.behind(n_before))
}

/// Reads the whole lines that are there, or waits for one; how many, 0 at the end.
fn read_block(
    reader: &mut BufReader<Box<dyn Read + Send>>,
    block: &mut Vec<u8>,
    line_bytes_max: usize,
) -> Result<usize, Problem> {
    block.clear();
    let line_bytes_max = line_bytes_max as u64;
    let mut n_lines = 0;
    while n_lines < BLOCK_ROWS && block.len() < BLOCK_BYTES {
        // What has come is answered before more is waited for.
        if n_lines > 0 && !reader.buffer().contains(&b'\n') {
            break;
        }
        let n = reader.take(line_bytes_max).read_until(b'\n', block);
        let n = n.map_err(|e| Problem::malformed(e.to_string()))?;
        if n == 0 {
            break;
        }
        if n as u64 == line_bytes_max && block.last() != Some(&b'\n') {
            return Err(Problem::new(413, "body-too-large", "a line is too long")
                .expected(format!("at most {line_bytes_max} bytes")));
        }
        n_lines += 1;
    }
    Ok(n_lines)
}

/// A line has no more than this for each column, or than a block.
const LINE_BYTES_PER_COLUMN: usize = 64 << 10;
