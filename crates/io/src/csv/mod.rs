//! Delimited text to a table.
//!
//! The head of the file gives separators, names and a guess of each column's reading. Then one
//! pass over the file parses blocks of records in parallel by that guess. Columns in which some
//! later value does not fit are read once more as strings and decided by all their distinct
//! values; by the argument in [`crate::cell::decide`] the result is what the whole column says,
//! whatever the guess, the block size and the number of threads.

pub(crate) mod blocks;
pub(crate) mod chunk;
mod columns;
mod records;
mod sniff;
pub(crate) mod stream;

use std::io::Read;

use modelwright_core::data::{Column, Field, Schema, Storage};
use modelwright_core::error::shorten;
use modelwright_core::record::DataSource;
use modelwright_core::{Context, Error, Result};

pub(crate) use columns::push_codes;
pub(crate) use sniff::repair_names;

use self::blocks::Blocks;
use self::chunk::{ColumnPlan, Failure, Job};
use self::columns::Growing;
use self::records::Dialect;
use self::sniff::{Layout, first_records, sniff};
use crate::cell::decide::{Decided, Reading, decide, decide_strings};
use crate::cell::number::{Seen, Style};
use crate::encoding::{self, Utf16Reader};
use crate::options::{Encoding, ReadOptions};
use crate::pipeline::Batches;
use crate::read::{Parts, field_of};
use crate::source::{Opened, Source};

/// Reads a whole CSV.
pub(crate) fn read<'a>(
    source: &Source<'a>,
    opened: Opened<'a>,
    options: &ReadOptions,
    ctx: &Context,
) -> Result<Parts> {
    let mut prepared = prepare(source, &opened, options)?;
    let mut opened = Some(opened);
    loop {
        let this = match opened.take() {
            Some(opened) => opened,
            None => source.open()?,
        };
        match read_as(source, this, &prepared, options, ctx)? {
            Some(parts) => return Ok(parts),
            None => prepared.fall_back(),
        }
    }
}

/// One record per line, without quotes.
pub(crate) const LINES: Dialect =
    Dialect { delimiter: b'\n', quote: None, newline: b'\n', skip_blanks: false };

/// Everything known before the first block is parsed.
pub(crate) struct Prepared {
    pub layout: Layout,
    pub job: Job,
    /// Length of the byte order mark.
    mark_bytes: usize,
    encoding: Encoding,
    notes: Vec<String>,
}

impl Prepared {
    /// Takes the file for Windows-1252, since it is no UTF-8.
    fn fall_back(&mut self) {
        self.encoding = Encoding::Windows1252;
        self.job.encoding = Encoding::Windows1252;
        self.notes.push(ENCODING_NOTE.to_owned());
    }

    /// The text of an opened source, behind its byte order mark and as bytes that `job` can read.
    pub(crate) fn text<'a>(
        &self,
        source: &Source<'_>,
        opened: Opened<'a>,
    ) -> Result<Box<dyn Read + Send + 'a>> {
        let mut reader = opened.reader;
        let mut mark = vec![0; self.mark_bytes];
        reader.read_exact(&mut mark).map_err(|e| source.broken(e))?;
        Ok(match self.encoding {
            Encoding::Utf16Le | Encoding::Utf16Be => {
                Box::new(Utf16Reader::new(reader, self.encoding))
            }
            _ => reader,
        })
    }
}

const ENCODING_NOTE: &str =
    "the text is not valid UTF-8 and was read as Windows-1252 (of which Latin-1 is a part)";

/// Decides encoding, layout and the reading of every column by the head of the file.
pub(crate) fn prepare(
    source: &Source<'_>,
    opened: &Opened<'_>,
    options: &ReadOptions,
) -> Result<Prepared> {
    let (found, mark_bytes) = encoding::detect(&opened.head).ok_or_else(|| {
        Error::input("this is a binary file, not text")
            .at(source.shown())
            .expected("CSV, JSON Lines, Parquet or Arrow IPC")
            .got(shorten(&String::from_utf8_lossy(&opened.head[..opened.head.len().min(40)]), 40))
    })?;
    let mut encoding = options.encoding.unwrap_or(found);
    let mark_bytes = if encoding == found { mark_bytes } else { 0 };
    let is_whole = opened.is_whole();
    let raw = &opened.head[mark_bytes..];
    let mut notes = Vec::new();
    let head = encoding::head_text(raw, encoding, is_whole).unwrap_or_else(|| {
        encoding = Encoding::Windows1252;
        notes.push(ENCODING_NOTE.to_owned());
        encoding::head_text(raw, encoding, is_whole).unwrap_or_default()
    });
    if head.trim().is_empty() {
        return Err(Error::input("the file holds only blanks")
            .at(source.shown())
            .expected("a table with a header and at least one row"));
    }
    let layout = sniff(&head, is_whole, options)?;
    let columns = plan(&head, is_whole, &layout, options).map_err(|e| e.at(source.shown()))?;
    let job = Job {
        dialect: layout.dialect,
        encoding,
        n_fields: layout.names.len(),
        n_skipped: layout.n_skipped,
        columns,
    };
    Ok(Prepared { layout, job, mark_bytes, encoding, notes })
}

/// Which columns are read, and as what.
fn plan(
    head: &str,
    is_whole: bool,
    layout: &Layout,
    options: &ReadOptions,
) -> Result<Vec<ColumnPlan>> {
    let names = &layout.names;
    let position = |name: &str| names.iter().position(|n| n == name);
    for name in options.columns.iter().flatten() {
        if position(name).is_none() {
            return Err(Error::input("no such column")
                .column(name)
                .suggest(name, names.iter().map(String::as_str)));
        }
    }
    let is_wanted =
        |name: &String| options.columns.as_ref().is_none_or(|wanted| wanted.contains(name));
    if let Some(schema) = &options.schema {
        let plan = |f: &Field| position(&f.name).map(|position| strict_plan(f, position));
        return Ok(schema.fields.iter().filter(|f| is_wanted(&f.name)).filter_map(plan).collect());
    }
    let records = first_records(head, layout.dialect, is_whole);
    let rows = records.get(layout.n_skipped..).unwrap_or_default();
    let free = |(position, _): (usize, &String)| {
        let cells = rows.iter().filter_map(|r| r.get(position)).map(String::as_str);
        let reading = decide(cells);
        ColumnPlan {
            position,
            reading: reading.unwrap_or(Reading::Text),
            seen: Seen::default(),
            is_strict: false,
        }
    };
    Ok(names.iter().enumerate().filter(|(_, n)| is_wanted(n)).map(free).collect())
}

fn strict_plan(field: &Field, position: usize) -> ColumnPlan {
    let reading = match field.storage {
        Storage::Number => Reading::Number(Style::of(&field.number_format)),
        Storage::Instant => Reading::Instant(field.day_first),
        Storage::String => Reading::Text,
    };
    ColumnPlan { position, reading, seen: Seen::of(&field.number_format), is_strict: true }
}

/// Reads by what was prepared; `None` when the text turns out to be no UTF-8.
fn read_as(
    source: &Source<'_>,
    opened: Opened<'_>,
    prepared: &Prepared,
    options: &ReadOptions,
    ctx: &Context,
) -> Result<Option<Parts>> {
    let (hash, compression) = (opened.hash.clone(), opened.compression);
    let text = prepared.text(source, opened)?;
    let Some((grown, n_rows)) = pass(source, text, prepared, &prepared.job, options, ctx)? else {
        return Ok(None);
    };
    let failed: Vec<usize> = (0..grown.len()).filter(|i| grown[*i].has_failed()).collect();
    let mut again = read_again(source, prepared, &failed, options, ctx)?.into_iter();
    if n_rows == 0 {
        return Err(no_rows(source, prepared));
    }
    let mut notes = prepared.notes.clone();
    notes.extend(prepared.layout.notes.iter().cloned());
    let (mut columns, mut fields) = (Vec::new(), Vec::new());
    for (plan, column) in prepared.job.columns.iter().zip(grown) {
        let decided = match column {
            Growing::Failed => {
                again.next().unwrap_or_else(|| decide_strings(vec![], <_>::default()))
            }
            column => finish(column, plan),
        };
        let name = &prepared.layout.names[plan.position];
        fields.push(field_of(name, &decided, &mut notes));
        columns.push(Column { name: name.clone(), data: decided.data });
    }
    let source = DataSource {
        name: source.name.clone(),
        format: "csv".to_owned(),
        compression: compression.map(|c| c.name().to_owned()),
        encoding: Some(prepared.encoding.name().to_owned()),
        delimiter: prepared.layout.delimiter.map(char::from),
        sha256: hash.finish().map_err(|e| source.broken(e))?,
        n_rows,
        n_columns: columns.len(),
        notes,
    };
    Ok(Some(Parts { columns, schema: Schema { fields }, source }))
}

fn no_rows(source: &Source<'_>, prepared: &Prepared) -> Error {
    Error::input("the file has a header but no rows")
        .at(source.shown())
        .expected("at least one row below the header")
        .got(prepared.layout.names.join(", "))
}

fn finish(column: Growing, plan: &ColumnPlan) -> Decided {
    let decided = column.finish(plan.reading);
    match decided.data {
        // Columns without a value in the head are read as strings and decided now; for others
        // this only confirms, at its first value that is a string.
        modelwright_core::data::ColumnData::String { codes, dictionary } if !plan.is_strict => {
            decide_strings(codes, dictionary)
        }
        data => Decided { data, ..decided },
    }
}

/// Reads the given columns of the plan as strings, and decides them by all their values.
fn read_again(
    source: &Source<'_>,
    prepared: &Prepared,
    failed: &[usize],
    options: &ReadOptions,
    ctx: &Context,
) -> Result<Vec<Decided>> {
    if failed.is_empty() {
        return Ok(Vec::new());
    }
    let text = prepared.text(source, source.open()?)?;
    let plan =
        |i: &usize| ColumnPlan { reading: Reading::Text, ..prepared.job.columns[*i].clone() };
    let job = Job { columns: failed.iter().map(plan).collect(), ..prepared.job.clone() };
    let grown = pass(source, text, prepared, &job, options, ctx)?;
    let changed = || Error::input("the file changed while it was read").at(source.shown());
    let (grown, _) = grown.ok_or_else(changed)?;
    Ok(grown.into_iter().zip(&job.columns).map(|(column, plan)| finish(column, plan)).collect())
}

/// One pass over the text: the columns of the job, and the number of rows; `None` when some
/// block is no UTF-8 and the encoding was not given by the user.
fn pass(
    source: &Source<'_>,
    text: Box<dyn Read + Send + '_>,
    prepared: &Prepared,
    job: &Job,
    options: &ReadOptions,
    ctx: &Context,
) -> Result<Option<(Vec<Growing>, usize)>> {
    let n_max = options.n_rows_max.unwrap_or(usize::MAX);
    // With a limit, how many rows a block may give depends on the blocks before it.
    let n_batch = if options.n_rows_max.is_some() { 1 } else { 2 * ctx.threads() };
    let blocks = Blocks::new(text, job.dialect, options.block_bytes);
    let mut batches = Batches::new(blocks, n_batch);
    let mut grown: Vec<Growing> = job.columns.iter().map(|c| Growing::new(c.reading)).collect();
    let (mut n_rows, mut n_lines) = (0, 0);
    while n_rows < n_max {
        let parse = |i, block: Vec<u8>| chunk::parse(&block, job, i == 0, n_max - n_rows);
        let chunks = batches.parse_next(ctx, parse, |e| source.broken(e))?;
        if chunks.is_empty() {
            break;
        }
        for chunk in chunks {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(Failure::NotText { .. }) if options.encoding.is_none() => return Ok(None),
                Err(failure) => {
                    return Err(explain(failure, source, &prepared.layout, job, n_rows, n_lines));
                }
            };
            for (column, part) in grown.iter_mut().zip(chunk.parts) {
                column.push(part);
            }
            n_rows += chunk.n_rows;
            n_lines += chunk.n_lines;
        }
    }
    Ok(Some((grown, n_rows)))
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
        Failure::NotText { line } => error("the text is not valid in its encoding", line)
            .expected(job.encoding.name())
            .hint("leave the encoding out, so that it is detected"),
        Failure::Fields { line, got } => error("a record has the wrong number of fields", line)
            .expected(format!("{} fields, as in the header", layout.names.len()))
            .got(format!("{got} fields"))
            .hint(match layout.delimiter {
                Some(d) => format!(
                    "put quotes around a field that holds the separator {:?}",
                    char::from(d)
                ),
                None => "no separator was found in the first lines; name it".to_owned(),
            }),
        Failure::OpenQuote { line } => error("a quoted field never ends", line)
            .expected("a closing quote")
            .hint("close the quote that begins here, or double it if it is part of the text"),
        Failure::Cell { line, row, column, value } => {
            let plan = &job.columns[column];
            error("a value does not fit the column", line)
                .row((n_rows + row) as u64 + 1)
                .column(&layout.names[plan.position])
                .expected(crate::conform::expectation(plan.reading, &plan.seen))
                .got(value)
        }
    }
}
