//! A block of records to typed columns: the work of one worker.
//!
//! Every column is parsed by the reading that the first rows suggest. Where a value does not fit,
//! a free column is given up for this pass ([`Part::Failed`]; it is read again as strings and
//! decided as a whole), a column of a schema is an error.

use modelwright_core::data::{MISSING_CODE, MISSING_INSTANT, Strings};

use super::blocks::Block;
use super::records::{BadRecord, Dialect, Problem, Records, split, split_record};
use crate::cell::decide::Reading;
use crate::cell::number::{Seen, Style};
use crate::cell::{instant, missing, trim};
use crate::conform::flag_of;
use crate::encoding;
use crate::interner::Interner;
use crate::options::Encoding;
use crate::sampling::Sampling;

/// How one column of the file is read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnPlan {
    /// Position in the file.
    pub position: usize,
    pub reading: Reading,
    /// The decorations that values must go with; empty for a free column.
    pub seen: Seen,
    /// A value that does not fit is an error.
    pub is_strict: bool,
    /// Whether `true` and `false` are numbers, 1 and 0: those of a column that has no others.
    pub is_flag: bool,
}

/// All that a worker must know.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub dialect: Dialect,
    pub encoding: Encoding,
    /// Fields of every record.
    pub n_fields: usize,
    /// Records to skip at the beginning of the first block.
    pub n_skipped: usize,
    pub columns: Vec<ColumnPlan>,
    /// Which rows are kept.
    pub sampling: Sampling,
}

/// The columns of a block.
pub(crate) struct Chunk {
    /// One for each planned column.
    pub parts: Vec<Part>,
    /// Rows that were kept, and rows that there were.
    pub n_rows: usize,
    pub n_seen: usize,
    pub n_lines: u64,
    /// Whether it has characters beyond ASCII.
    pub has_letters: bool,
}

/// A column of a block.
pub(crate) enum Part {
    Number {
        values: Vec<f64>,
        seen: Seen,
    },
    /// `day_first_fits`: every value could also be read day first.
    Instant {
        values: Vec<i64>,
        day_first_fits: bool,
    },
    Text {
        codes: Vec<u32>,
        strings: Strings,
    },
    Failed,
}

/// Why a block could not be parsed. Places are counted within the block, from 0.
#[derive(Debug, PartialEq)]
pub(crate) enum Failure {
    /// A byte is not of the encoding; others may be characters of several bytes in UTF-8, which
    /// no other encoding has by chance.
    NotText { line: u64, is_partly_utf8: bool },
    /// A record has the wrong number of fields.
    Fields { line: u64, got: usize },
    /// A quoted field never ends.
    OpenQuote { line: u64 },
    /// A value does not fit the schema.
    Cell { line: u64, row: usize, column: usize, value: String },
}

/// Whether more characters of several bytes are valid UTF-8 than bytes are not.
pub(crate) fn is_partly_utf8(bytes: &[u8]) -> bool {
    let (mut n_valid, mut n_wrong) = (0_usize, 0_usize);
    for part in bytes.utf8_chunks() {
        n_valid += part.valid().chars().filter(|c| !c.is_ascii()).count();
        n_wrong += part.invalid().len();
    }
    n_valid > n_wrong
}

/// Parses a block; at most `n_rows_max` of its rows.
pub(crate) fn parse(block: &Block, job: &Job, n_rows_max: usize) -> Result<Chunk, Failure> {
    let (bytes, newline) = (&block.bytes[..], job.dialect.newline);
    let n_lines = memchr::memchr_iter(newline, bytes).count() as u64;
    let Some(text) = encoding::to_text(bytes, job.encoding) else {
        let valid = std::str::from_utf8(bytes).err().map_or(0, |e| e.valid_up_to());
        let line = lines(&bytes[..valid], newline);
        return Err(Failure::NotText { line, is_partly_utf8: is_partly_utf8(bytes) });
    };
    let mut body = &*text;
    if block.start == 0 {
        body = skip_records(body, job.dialect, job.n_skipped)
            .map_err(|problem| failure(&text, newline, 0, &BadRecord { at: 0, problem }))?;
    }
    let offset = text.len() - body.len();
    let places = Places::new(block.start, &text, bytes.len());
    let records = split_kept(body, offset, job, n_rows_max, places)
        .map_err(|bad| failure(&text, newline, offset, &bad))?;
    let parts = job
        .columns
        .iter()
        .enumerate()
        .map(|(column, plan)| {
            parse_column(body, job, &records, plan).map_err(|row| {
                let span = records.spans[row * job.n_fields + plan.position];
                Failure::Cell {
                    line: lines(&text.as_bytes()[..offset + span.place()], newline),
                    row: row_in_block(body, job, span.place()),
                    column,
                    value: span.text(body, job.dialect).into_owned(),
                }
            })
        })
        .collect::<Result<_, _>>()?;
    let (n_rows, n_seen, has_letters) = (records.n_rows, records.n_seen, !bytes.is_ascii());
    Ok(Chunk { parts, n_rows, n_seen, n_lines, has_letters })
}

/// The records of a block that the sampling keeps.
fn split_kept(
    body: &str,
    offset: usize,
    job: &Job,
    n_rows_max: usize,
    mut places: Places<'_>,
) -> Result<Records, BadRecord> {
    if job.sampling.is_all() {
        return split(body, job.dialect, job.n_fields, n_rows_max, |_| true);
    }
    let keep = |at: usize| job.sampling.keeps_row(places.of(offset + at));
    split(body, job.dialect, job.n_fields, n_rows_max, keep)
}

/// Places in a block's text as bytes of the file's text, which are fewer where a character of
/// one byte became two.
struct Places<'a> {
    start: u64,
    /// The text, when its places are not those of the bytes.
    recoded: Option<&'a str>,
    last: (usize, u64),
}

impl<'a> Places<'a> {
    fn new(start: u64, text: &'a str, n_bytes: usize) -> Self {
        Self { start, recoded: (text.len() != n_bytes).then_some(text), last: (0, 0) }
    }

    /// The place of the byte `at` of the text; asked in rising order.
    fn of(&mut self, at: usize) -> u64 {
        let Some(text) = self.recoded else { return self.start + at as u64 };
        let (from, n_before) = self.last;
        self.last = (at, n_before + text[from..at].chars().count() as u64);
        self.start + self.last.1
    }
}

/// The row of a block, counted among all its rows, whose record holds the byte `at`.
fn row_in_block(body: &str, job: &Job, at: usize) -> usize {
    let before = |start: usize| start <= at;
    let all = split(body, job.dialect, job.n_fields, usize::MAX, before);
    all.map_or(0, |records| records.n_rows.saturating_sub(1))
}

fn lines(bytes: &[u8], newline: u8) -> u64 {
    memchr::memchr_iter(newline, bytes).count() as u64
}

fn failure(text: &str, newline: u8, offset: usize, bad: &BadRecord) -> Failure {
    let line = |at: usize| lines(&text.as_bytes()[..offset + at], newline);
    match bad.problem {
        Problem::Fields(got) => Failure::Fields { line: line(bad.at), got },
        Problem::OpenQuote(at) => Failure::OpenQuote { line: line(at) },
    }
}

fn skip_records(text: &str, dialect: Dialect, n: usize) -> Result<&str, Problem> {
    let (mut at, mut n_left) = (0, n);
    let mut spans = Vec::new();
    while n_left > 0 && at < text.len() {
        spans.clear();
        at = split_record(text.as_bytes(), at, dialect, &mut spans)?;
        n_left -= usize::from(!spans.is_empty());
    }
    Ok(&text[at..])
}

/// One column, or the row (in the block) whose value does not fit the schema.
fn parse_column(
    body: &str,
    job: &Job,
    records: &Records,
    plan: &ColumnPlan,
) -> Result<Part, usize> {
    let cells = records
        .spans
        .iter()
        .skip(plan.position)
        .step_by(job.n_fields)
        .map(|span| span.text(body, job.dialect));
    let part = match plan.reading {
        Reading::Number(style) => parse_numbers(cells, (style, plan), records.n_rows),
        Reading::Instant(order) => parse_instants(cells, order, records.n_rows),
        Reading::Text => Ok(parse_text(cells, records.n_rows)),
    };
    match part {
        Err(row) if plan.is_strict => Err(row),
        Err(_) => Ok(Part::Failed),
        Ok(part) => Ok(part),
    }
}

fn parse_numbers<C: AsRef<str>>(
    cells: impl Iterator<Item = C>,
    (style, plan): (Style, &ColumnPlan),
    n_rows: usize,
) -> Result<Part, usize> {
    let mut seen = plan.seen.clone();
    let mut values = Vec::with_capacity(n_rows);
    for (row, cell) in cells.enumerate() {
        let cell = trim(cell.as_ref());
        let value = match style.parse(cell, &mut seen) {
            Some(value) => value,
            None if missing::is_missing(cell) => f64::NAN,
            None => flag_of(cell).filter(|_| plan.is_flag).ok_or(row)?,
        };
        values.push(value);
    }
    Ok(Part::Number { values, seen })
}

fn parse_instants<C: AsRef<str>>(
    cells: impl Iterator<Item = C>,
    order: Option<bool>,
    n_rows: usize,
) -> Result<Part, usize> {
    let mut day_first_fits = order == Some(false);
    let mut values = Vec::with_capacity(n_rows);
    for (row, cell) in cells.enumerate() {
        let cell = trim(cell.as_ref());
        let value = match instant::parse(cell, order) {
            Some(value) => {
                day_first_fits = day_first_fits && instant::parse(cell, Some(true)).is_some();
                value
            }
            None if missing::is_missing(cell) => MISSING_INSTANT,
            None => return Err(row),
        };
        values.push(value);
    }
    Ok(Part::Instant { values, day_first_fits })
}

fn parse_text<C: AsRef<str>>(cells: impl Iterator<Item = C>, n_rows: usize) -> Part {
    let mut interner = Interner::default();
    let mut codes = Vec::with_capacity(n_rows);
    for cell in cells {
        let cell = cell.as_ref();
        codes.push(if missing::is_missing(trim(cell)) {
            MISSING_CODE
        } else {
            interner.intern(cell)
        });
    }
    Part::Text { codes, strings: interner.into_strings() }
}
