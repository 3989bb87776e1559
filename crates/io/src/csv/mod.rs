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
mod pass;
mod records;
mod sniff;
pub(crate) mod stream;
pub(crate) mod stripes;

use std::collections::HashMap;
use std::io::Read;

use modelwright_core::data::{
    Column, ColumnData, Field, Kind, NumberFormat, Schema, Storage, number_text,
};
use modelwright_core::error::shorten;
use modelwright_core::record::DataSource;
use modelwright_core::{Context, Error, Result};

pub(crate) use columns::push_codes;
pub(crate) use sniff::repair_names;

use self::chunk::{ColumnPlan, Job};
use self::columns::Growing;
use self::pass::{Outcome, Passed, explain, pass};
use self::records::Dialect;
use self::sniff::{Layout, first_records, sniff};
use crate::cell::decide::{Decided, Decimals, Reading, decide, decide_strings};
use crate::cell::number::{Seen, Style};
use crate::encoding::{self, Utf16Reader};
use crate::hash::Hashed;
use crate::options::{Encoding, ReadOptions};
use crate::read::{Parts, field_of};
use crate::sampling::Sampling;
use crate::source::{Opened, Source};
use crate::watch::Watch;

/// Reads a whole CSV, or as many of its rows as there is room for.
pub(crate) fn read<'a>(
    source: &Source<'a>,
    opened: Opened<'a>,
    options: &ReadOptions,
    ctx: &Context,
) -> Result<Parts> {
    let mut watch = Watch::new(options, ctx);
    let block_bytes = watch.block_bytes(options.block_bytes);
    let options = &ReadOptions { block_bytes, ..options.clone() };
    let (mut opened, mut is_utf8) = (Some(opened), true);
    loop {
        let this = match opened.take() {
            Some(opened) => opened,
            None => source.open()?,
        };
        let mut prepared = prepare(source, &this, options)?;
        if !is_utf8 {
            prepared.fall_back();
        }
        match read_as(source, this, &prepared, options, &mut watch)? {
            Outcome::Done(parts) => return Ok(parts),
            Outcome::NotUtf8 => is_utf8 = false,
            // All is found out again, so that nothing is left of rows that are not kept.
            Outcome::Again => is_utf8 = true,
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
    /// What is known about the decimal sign.
    decimals: Decimals,
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
        if options.encoding.is_none() && chunk::is_partly_utf8(raw) {
            // The pass will find the wrong byte, and say in which line.
            return String::from_utf8_lossy(raw).into_owned();
        }
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
    let (columns, decimals) =
        plan(&head, is_whole, &layout, options).map_err(|e| e.at(source.shown()))?;
    let job = Job {
        dialect: layout.dialect,
        encoding,
        n_fields: layout.names.len(),
        n_skipped: layout.n_skipped,
        columns,
        sampling: Sampling::ALL,
    };
    Ok(Prepared { layout, job, decimals, mark_bytes, encoding, notes })
}

/// Which columns are read, and as what; and what the file says about the decimal sign.
fn plan(
    head: &str,
    is_whole: bool,
    layout: &Layout,
    options: &ReadOptions,
) -> Result<(Vec<ColumnPlan>, Decimals)> {
    let names = &layout.names;
    // Names are distinct: repeated ones were given a number.
    let positions: HashMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
    let position = |name: &str| positions.get(name).copied();
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
        let sign = options.decimal_comma;
        let plan = |f: &Field| position(&f.name).map(|position| strict_plan(f, position, sign));
        let fields = schema.fields.iter().filter(|f| is_wanted(&f.name));
        return Ok((fields.filter_map(plan).collect(), Decimals::Open));
    }
    let records = first_records(head, layout.dialect, is_whole);
    let rows = records.get(layout.n_skipped..).unwrap_or_default();
    let cells =
        |position: usize| rows.iter().filter_map(move |r| r.get(position)).map(String::as_str);
    let decimals = match options.decimal_comma {
        Some(true) => Decimals::Comma,
        Some(false) => Decimals::Point,
        None => Decimals::of_columns((0..names.len()).map(cells), layout.delimiter),
    };
    let free = |(position, _): (usize, &String)| ColumnPlan {
        position,
        reading: decide(cells(position), decimals).unwrap_or(Reading::Text),
        seen: Seen::default(),
        is_strict: false,
        is_flag: false,
    };
    let plans = names.iter().enumerate().filter(|(_, n)| is_wanted(n)).map(free).collect();
    Ok((plans, decimals))
}

/// As the column was read before, but for the decimal sign where another one is said of this file.
fn strict_plan(field: &Field, position: usize, decimal_comma: Option<bool>) -> ColumnPlan {
    let known = &field.number_format;
    let decimal_comma = decimal_comma.unwrap_or(known.decimal_comma);
    let format = NumberFormat { decimal_comma, ..known.clone() };
    let reading = match field.storage {
        Storage::Number => Reading::Number(Style::of(&format)),
        Storage::Instant => Reading::Instant(field.day_first),
        Storage::String => Reading::Text,
    };
    let seen = Seen::of(&format);
    ColumnPlan { position, reading, seen, is_strict: true, is_flag: field.kind == Kind::Boolean }
}

/// Reads by what was prepared.
fn read_as<'s>(
    source: &Source<'s>,
    opened: Opened<'s>,
    prepared: &Prepared,
    options: &ReadOptions,
    watch: &mut Watch<'_>,
) -> Result<Outcome<Parts>> {
    let (hash, compression) = (opened.hash.clone(), opened.compression);
    hash.mark(watch.ctx);
    let mut job = Job { sampling: watch.sampling, ..prepared.job.clone() };
    let reading = pass::Reading { source, prepared, job: &job, options, others_bytes: None };
    let passed = match pass(&reading, opened, watch)? {
        Outcome::Done(passed) => passed,
        Outcome::NotUtf8 => return Ok(Outcome::NotUtf8),
        Outcome::Again => return Ok(Outcome::Again),
    };
    // Where reading stopped, the second pass stops too.
    job.sampling = watch.sampling;
    let again = read_again(source, prepared, &job, &passed, options, watch)?;
    let Outcome::Done(again) = again else { return Ok(Outcome::Again) };
    if passed.n_seen == 0 {
        return Err(no_rows(source, prepared));
    }
    let mut notes = prepared.notes.clone();
    notes.extend(prepared.layout.notes.iter().cloned());
    let (mut columns, mut fields) = (Vec::new(), Vec::new());
    let mut again = again.into_iter();
    for (plan, column) in job.columns.iter().zip(passed.columns) {
        let decided = match column {
            Growing::Failed => again
                .next()
                .unwrap_or_else(|| decide_strings(vec![], <_>::default(), prepared.decimals)),
            column => finish(column, plan, prepared.decimals),
        };
        let name = &prepared.layout.names[plan.position];
        fields.push(field_of(name, &decided, &mut notes));
        if !plan.is_strict && options.decimal_comma.is_none() {
            notes.extend(note_on_sign(name, &decided, prepared.decimals));
        }
        columns.push(Column { name: name.clone(), data: decided.data });
    }
    let hashed = match passed.digest {
        Some((sha256, n_bytes)) => Hashed { sha256, n_bytes: Some(n_bytes) },
        None => hash.finish(watch.deadline(), options.hash).map_err(|e| source.broken(e))?,
    };
    let source = DataSource {
        name: source.name.clone(),
        format: "csv".to_owned(),
        compression: compression.map(|c| c.name().to_owned()),
        encoding: Some(prepared.encoding.name().to_owned()),
        delimiter: prepared.layout.delimiter.map(char::from),
        sha256: hashed.sha256,
        n_bytes_hashed: hashed.n_bytes,
        n_rows: passed.n_rows,
        n_columns: columns.len(),
        notes,
        sample: watch.sample(passed.n_rows as u64, passed.n_seen as u64),
    };
    Ok(Outcome::Done(Parts { columns, schema: Schema { fields }, source }))
}

fn no_rows(source: &Source<'_>, prepared: &Prepared) -> Error {
    Error::input("the file has a header but no rows")
        .at(source.shown())
        .expected("at least one row below the header")
        .got(prepared.layout.names.join(", "))
}

/// What to say of a column whose commas or points may stand before decimals or between thousands.
fn note_on_sign(name: &str, decided: &Decided, decimals: Decimals) -> Option<String> {
    let ColumnData::Number(values) = &decided.data else { return None };
    let NumberFormat { decimal_comma, thousands, .. } = decided.format;
    let is_plain = decided.format == NumberFormat::default();
    let is_open = if is_plain {
        decimals == Decimals::LikelyComma && may_be_thousands(&values.wide())
    } else {
        decided.sign_is_open
    };
    let example = values.iter().find(|v| is_open && v.fract() != 0.0).or_else(|| {
        let large = |v: &f64| is_open && thousands && v.abs() >= 1000.0;
        values.iter().find(large)
    })?;
    let sign = if decimal_comma == thousands { '.' } else { ',' };
    let place = if thousands { "between thousands" } else { "before decimals" };
    let other = if decimal_comma { "point" } else { "comma" };
    Some(format!(
        "`{sign}` in the numbers of `{name}` could stand before decimals or between thousands; it \
         is read as {place}: {} (say --decimal {other} if that is wrong)",
        number_text(example)
    ))
}

/// Whether numbers that are written plainly have a point where others have a sign of thousands:
/// all before three digits, most of which are not round.
fn may_be_thousands(values: &[f64]) -> bool {
    let (mut n_points, mut n_exact) = (0, 0);
    for value in values.iter().filter(|v| !v.is_nan()) {
        let thousandths = value * 1000.0;
        let is_point = value.fract() != 0.0;
        if value.abs() >= 1000.0
            || (is_point && value.abs() < 1.0)
            || (thousandths - thousandths.round()).abs() > 1e-6
        {
            return false;
        }
        n_points += usize::from(is_point);
        n_exact += usize::from(is_point && thousandths.round() % 10.0 != 0.0);
    }
    n_points > 0 && 2 * n_exact >= n_points
}

fn finish(column: Growing, plan: &ColumnPlan, decimals: Decimals) -> Decided {
    let decided = column.finish(plan.reading);
    match decided.data {
        // Columns without a value in the head are read as strings and decided now; for others
        // this only confirms, at its first value that is a string.
        ColumnData::String { codes, dictionary } if !plan.is_strict => {
            decide_strings(codes, dictionary, decimals)
        }
        data => Decided { data, ..decided },
    }
}

/// Reads the columns that failed once more, as strings, and decides them by all their values.
fn read_again(
    source: &Source<'_>,
    prepared: &Prepared,
    job: &Job,
    passed: &Passed,
    options: &ReadOptions,
    watch: &mut Watch<'_>,
) -> Result<Outcome<Vec<Decided>>> {
    let failed = passed.columns.iter().zip(&job.columns).filter(|(column, _)| column.has_failed());
    let text = |(_, plan): (_, &ColumnPlan)| ColumnPlan { reading: Reading::Text, ..plan.clone() };
    let job = Job { columns: failed.map(text).collect(), ..job.clone() };
    if job.columns.is_empty() {
        return Ok(Outcome::Done(Vec::new()));
    }
    let others_bytes = Some(passed.columns.iter().map(Growing::size_bytes).sum());
    let reading = pass::Reading { source, prepared, job: &job, options, others_bytes };
    let grown = match pass(&reading, source.open()?, watch)? {
        Outcome::Done(passed) => passed.columns,
        Outcome::Again => return Ok(Outcome::Again),
        Outcome::NotUtf8 => {
            return Err(Error::input("the file changed while it was read").at(source.shown()));
        }
    };
    let finish = |(column, plan)| finish(column, plan, prepared.decimals);
    let decided = grown.into_iter().zip(&job.columns).map(finish);
    Ok(Outcome::Done(decided.collect()))
}
