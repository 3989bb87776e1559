//! A CSV in parts.

use modelwright_core::data::{Column, ColumnData, Table};
use modelwright_core::{Context, Error, Result};

use super::blocks::{Block, Blocks};
use super::chunk::{self, Chunk, Failure, Job, Part};
use super::pass::n_batch;
use super::{ENCODING_NOTE, Prepared, explain, prepare};
use crate::options::{Encoding, ReadOptions};
use crate::pipeline::Batches;
use crate::source::{Opened, Source};
use crate::stream::{Chunks, must_have_columns};
use crate::watch;

/// Bounds of the block that one worker parses.
const BLOCK_BYTES_MIN: usize = 16 << 10;
const BLOCK_BYTES_MAX: usize = 4 << 20;

/// See the module's text.
pub(crate) struct CsvChunks {
    source: Source<'static>,
    prepared: Prepared,
    batches: Batches<'static>,
    ctx: Context,
    n_rows: usize,
    n_lines: u64,
    /// Whether characters beyond ASCII were read as UTF-8.
    was_utf8: bool,
}

/// A parsed block, and how its text was taken.
struct Parsed {
    result: std::result::Result<Chunk, Failure>,
    is_ascii: bool,
    is_fallback: bool,
}

/// Opens a CSV with a schema in `options`.
pub(crate) fn open(
    source: Source<'static>,
    opened: Opened<'static>,
    options: &ReadOptions,
    rows_per_chunk: usize,
    ctx: &Context,
) -> Result<CsvChunks> {
    let prepared = prepare(&source, &opened, options)?;
    if prepared.job.columns.is_empty() {
        let schema = options.schema.clone().unwrap_or_default();
        must_have_columns(&source, &schema, &prepared.layout.names)?;
    }
    // Blocks of about one chunk each, by the length of the first lines.
    let n_lines = memchr::memchr_iter(prepared.job.dialect.newline, &opened.head).count().max(1);
    let row_bytes = (opened.head.len() / n_lines).max(1);
    let block_bytes = row_bytes.saturating_mul(rows_per_chunk);
    let block_bytes = block_bytes.clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX);
    let room = ctx.memory_left_bytes();
    let block_bytes =
        room.map_or(block_bytes, |r| watch::block_bytes(block_bytes, r, ctx.threads()));
    let text = prepared.text(&source, opened)?;
    let blocks = Blocks::new(text, prepared.job.dialect, block_bytes)
        .with_record_max(room.map(|r| r / 8))
        .bounded(options.piece_bytes_max);
    let n_batch = n_batch(&prepared.job, room, ctx.threads());
    let batches = Batches::new(Box::new(blocks), n_batch).bounded(options.piece_bytes_max);
    Ok(CsvChunks {
        source,
        prepared,
        batches,
        ctx: ctx.clone(),
        n_rows: 0,
        n_lines: 0,
        was_utf8: false,
    })
}

impl CsvChunks {
    fn take(&mut self, parsed: Parsed) -> Result<Table> {
        let job = &self.prepared.job;
        if parsed.is_fallback && self.prepared.encoding == Encoding::Utf8 {
            if self.was_utf8 {
                return Err(Error::input("the text is partly UTF-8 and partly not")
                    .at(self.source.shown())
                    .line(self.n_lines + 1)
                    .expected("one encoding in the whole file")
                    .hint("convert it to UTF-8, e.g. with iconv"));
            }
            self.prepared.encoding = Encoding::Windows1252;
            self.prepared.layout.notes.push(ENCODING_NOTE.to_owned());
        }
        self.was_utf8 |= !parsed.is_ascii && !parsed.is_fallback;
        let chunk = parsed.result.map_err(|failure| {
            let (rows, lines) = (self.n_rows, self.n_lines);
            explain(failure, &self.source, &self.prepared.layout, job, rows, lines)
        })?;
        self.n_rows += chunk.n_rows;
        self.n_lines += chunk.n_lines;
        let names = &self.prepared.layout.names;
        let columns = job.columns.iter().zip(chunk.parts).map(|(plan, part)| Column {
            name: names[plan.position].clone(),
            data: match part {
                Part::Number { values, .. } => ColumnData::Number(values.into()),
                Part::Instant { values, .. } => ColumnData::Instant(values),
                Part::Text { codes, strings } => ColumnData::String { codes, dictionary: strings },
                Part::Failed => unreachable!("columns of a schema fail with an error"),
            },
        });
        Table::with_rows(chunk.n_rows, columns.collect())
    }
}

impl Chunks for CsvChunks {
    fn next_tables(&mut self) -> Result<Option<Vec<Table>>> {
        let job = self.prepared.job.clone();
        let parse = |block: Block| parse(&block, &job);
        let source = &self.source;
        let parsed = self.batches.parse_next(&self.ctx, parse, |e| source.broken(e))?;
        if parsed.is_empty() && self.n_rows == 0 {
            return Err(super::no_rows(&self.source, &self.prepared));
        }
        if parsed.is_empty() {
            return Ok(None);
        }
        parsed.into_iter().map(|p| self.take(p)).collect::<Result<_>>().map(Some)
    }

    fn notes(&self) -> &[String] {
        &self.prepared.layout.notes
    }
}

fn parse(block: &Block, job: &Job) -> Parsed {
    let is_ascii = block.bytes.is_ascii();
    let result = chunk::parse(block, job, usize::MAX);
    if !matches!(result, Err(Failure::NotText { is_partly_utf8: false, .. })) {
        return Parsed { result, is_ascii, is_fallback: job.encoding == Encoding::Windows1252 };
    }
    let job = Job { encoding: Encoding::Windows1252, ..job.clone() };
    let result = chunk::parse(block, &job, usize::MAX);
    Parsed { result, is_ascii, is_fallback: true }
}
