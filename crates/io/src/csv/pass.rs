//! One pass over the text of a CSV: blocks parsed in parallel, columns grown in file order.

use modelwright_core::{Error, Result};

use super::blocks::{Block, Blocks, Feed};
use super::chunk::{self, Failure, Job};
use super::columns::Growing;
use super::sniff::Layout;
use super::stripes::{self, Stripes};
use super::{Encoding, Prepared};
use crate::hash::Progress;
use crate::options::ReadOptions;
use crate::pipeline::Batches;
use crate::source::{Opened, Source};
use crate::watch::{Done, Verdict, Watch};

/// Bytes that a column of a block takes even when the block has but one row, and the part of the
/// room that these may take in the blocks that are parsed side by side.
const BYTES_PER_PART: u64 = 256;
const PARTS_SHARE: u64 = 8;

/// What a pass reads.
pub(super) struct Reading<'a, 's> {
    pub source: &'a Source<'s>,
    pub prepared: &'a Prepared,
    pub job: &'a Job,
    pub options: &'a ReadOptions,
    /// Bytes of the columns that a first pass has read; `None` in the first pass. A second one
    /// reads the rows of the first, however long that takes.
    pub others_bytes: Option<u64>,
}

/// How a pass ended.
pub(super) enum Outcome<T> {
    Done(T),
    /// Some block is no UTF-8, and the encoding was not given by the user.
    NotUtf8,
    /// The watch wants fewer rows.
    Again,
}

/// The columns of the job.
pub(super) struct Passed {
    pub columns: Vec<Growing>,
    pub n_rows: usize,
    pub n_seen: usize,
    /// The hash of what was read, when that was not the opened stream.
    pub digest: Option<(String, u64)>,
}

/// Reads the columns of the job.
pub(super) fn pass<'s>(
    reading: &Reading<'_, 's>,
    opened: Opened<'s>,
    watch: &mut Watch<'_>,
) -> Result<Outcome<Passed>> {
    let (job, options, ctx) = (reading.job, reading.options, watch.ctx);
    let n_max = options.n_rows_max.unwrap_or(usize::MAX);
    // With a limit, how many rows a block may give depends on the blocks before it.
    let n_batch = if options.n_rows_max.is_some() {
        1
    } else {
        n_batch(job, watch.room_bytes(), ctx.threads())
    };
    let is_as_it_lies = is_as_it_lies(reading, &opened);
    let progress = Progress::of(reading.source, &opened.hash, is_as_it_lies);
    watch.can_skip = is_as_it_lies && reading.others_bytes.is_none();
    watch.begin_pass();
    let mut batches = Batches::new(feed(reading, opened, watch)?, n_batch);
    let mut columns: Vec<Growing> = job.columns.iter().map(|c| Growing::new(c.reading)).collect();
    let (mut n_rows, mut n_seen, mut n_lines) = (0, 0, 0);
    let (mut n_bytes, mut was_utf8) = (0, false);
    while n_rows < n_max {
        let n_left = n_max - n_rows;
        let parse = |block: Block| (block.bytes.len() as u64, chunk::parse(&block, job, n_left));
        let chunks = batches.parse_next(ctx, parse, |e| reading.source.broken(e))?;
        if chunks.is_empty() {
            break;
        }
        for (n, chunk) in chunks {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                // UTF-8 with a few wrong bytes is not another encoding: read as one, every name
                // with an accent would be another than in the next file.
                Err(Failure::NotText { is_partly_utf8: false, .. })
                    if options.encoding.is_none() && !was_utf8 =>
                {
                    return Ok(Outcome::NotUtf8);
                }
                Err(failure) => return Err(reading.explain(failure, n_seen, n_lines)),
            };
            for (column, part) in columns.iter_mut().zip(chunk.parts) {
                column.push(part);
            }
            n_rows += chunk.n_rows;
            n_seen += chunk.n_seen;
            n_lines += chunk.n_lines;
            was_utf8 |= chunk.has_letters && job.encoding == Encoding::Utf8;
            n_bytes += n;
        }
        let table_bytes = columns.iter().map(Growing::size_bytes).sum::<u64>();
        let verdict = watch.judge(Done {
            share: progress.share(n_bytes, job.sampling.parts),
            bytes: n_bytes,
            n_seen: n_seen as u64,
            table_bytes: table_bytes + reading.others_bytes.unwrap_or(0),
        });
        match verdict.map_err(|e| e.at(reading.source.shown()))? {
            Verdict::GoOn => {}
            Verdict::Again => return Ok(Outcome::Again),
            Verdict::Stop => {
                if let Some(end) = batches.border().filter(|_| reading.others_bytes.is_none()) {
                    watch.sampling.end = end;
                    break;
                }
            }
        }
    }
    let digest = batches.digest(watch.sampling.end);
    Ok(Outcome::Done(Passed { columns, n_rows, n_seen, digest }))
}

/// How many blocks are parsed side by side: two for each thread, fewer where a block of very many
/// columns takes more than its text.
pub(super) fn n_batch(job: &Job, room: Option<u64>, n_threads: usize) -> usize {
    let parts = job.columns.len() as u64 * BYTES_PER_PART;
    let most = room.map_or(u64::MAX, |room| room / PARTS_SHARE / parts.max(1));
    most.clamp(1, 2 * n_threads as u64) as usize
}

/// Whether the text's bytes are those of a file, so that parts of it can be passed over.
fn is_as_it_lies(reading: &Reading<'_, '_>, opened: &Opened<'_>) -> bool {
    let is_utf16 = matches!(reading.prepared.encoding, Encoding::Utf16Le | Encoding::Utf16Be);
    opened.compression.is_none() && !is_utf16 && reading.source.is_repeatable()
}

/// All of the text, or the parts of it that are in the sample.
fn feed<'s>(
    reading: &Reading<'_, 's>,
    opened: Opened<'s>,
    watch: &Watch<'_>,
) -> Result<Box<dyn Feed + 's>> {
    let (job, prepared) = (reading.job, reading.prepared);
    let block_bytes = reading.options.block_bytes;
    let sampling = job.sampling;
    if let (false, Some(file)) = (sampling.parts.is_all(), reading.source.at_any_place()) {
        let (file, n_mark) = (file?, prepared.mark_bytes as u64);
        let text = stripes::Text {
            file,
            n_mark,
            len: reading.source.n_bytes().unwrap_or(0).saturating_sub(n_mark),
            dialect: job.dialect,
            n_fields: Some(job.n_fields),
        };
        return Ok(Box::new(Stripes::new(text, sampling, block_bytes)));
    }
    let text = prepared.text(reading.source, opened)?;
    let text = Box::new(std::io::Read::take(text, sampling.end));
    let blocks = Blocks::new(text, job.dialect, block_bytes);
    Ok(Box::new(blocks.with_record_max(watch.room_bytes().map(|room| room / 8))))
}

impl Reading<'_, '_> {
    /// The error for a failure behind so many rows and lines.
    fn explain(&self, failure: Failure, n_rows: usize, n_lines: u64) -> Error {
        let (source, layout) = (self.source, &self.prepared.layout);
        let error = explain(failure, source, layout, self.job, n_rows, n_lines);
        if self.job.sampling.parts.is_all() {
            return error;
        }
        error.at(format!("{}, counted in the parts that were read", source.shown()))
    }
}

/// The error for a failure in a block that has `n_rows` rows and `n_lines` lines before it.
pub(crate) fn explain(
    failure: Failure,
    source: &Source<'_>,
    layout: &Layout,
    job: &Job,
    n_rows: usize,
    n_lines: u64,
) -> Error {
    let error =
        |what: &str, line: u64| Error::input(what).at(source.shown()).line(n_lines + line + 1);
    match failure {
        Failure::NotText { line, .. } => error("the text is not valid in its encoding", line)
            .expected(job.encoding.name())
            .got("a byte that is not, beside text that is")
            .hint("repair the line, or convert the file to UTF-8, e.g. with iconv"),
        Failure::Fields { line, got } => error("a record has the wrong number of fields", line)
            .expected(format!("{} fields, as in the header", layout.names.len()))
            .got(format!("{got} field{}", if got == 1 { "" } else { "s" }))
            .hint(hint_on_fields(got, layout)),
        Failure::OpenQuote { line } => error("a quoted field never ends", line)
            .expected("a closing quote")
            .hint("close the quote that begins here, or double it if it is part of the text"),
        Failure::Cell { line, row, column, value } => {
            let plan = &job.columns[column];
            error("a value does not fit the column", line)
                .row((n_rows + row) as u64 + 1)
                .column(&layout.names[plan.position])
                .expected(crate::conform::expectation(plan.reading, &plan.seen))
                .hint(crate::conform::remedy(plan.reading, &value))
                .got(value)
        }
    }
}

/// What may have made a record longer or shorter than the header.
fn hint_on_fields(got: usize, layout: &Layout) -> String {
    let n_fields = layout.names.len();
    match layout.delimiter {
        None => "no separator was found in the first lines".to_owned(),
        Some(_) if n_fields == 1 => "remove titles and comments above the header".to_owned(),
        Some(_) if got == n_fields + 1 => {
            "put quotes around a field that holds the separator; where all rows are longer, the \
             header lacks the name of a column (row names?)"
                .to_owned()
        }
        Some(d) => {
            format!("put quotes around a field that holds the separator {:?}", char::from(d))
        }
    }
}
