//! JSON to a table: one object per line, or one array of objects.
//!
//! Keys are columns in order of first appearance; a key that an object lacks is missing there.
//! Lines are parsed in parallel, block by block, straight into column builders without a tree
//! in between. An array has no line ends to cut at, so it is parsed in one piece.

mod lines;
mod rows;
pub(crate) mod stream;

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;

use modelwright_core::data::ColumnData;
use modelwright_core::record::DataSource;
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;
use serde_json::Deserializer;

use self::lines::{Lines, LinesRead};
use self::rows::{ArraySeed, Rows, TOO_SPARSE};
use crate::csv::blocks::Block;
use crate::csv::repair_names;
use crate::encoding::{self, Utf16Reader};
use crate::hash::Hashed;
use crate::options::{Encoding, ReadOptions};
use crate::read::{Parts, choose};
use crate::sampling::Sampling;
use crate::source::{Opened, Source};
use crate::watch::Watch;

/// Reads a whole JSON file, or as many of its lines as there is room for.
pub(crate) fn read<'a>(
    source: &Source<'a>,
    opened: Opened<'a>,
    options: &ReadOptions,
    ctx: &Context,
) -> Result<Parts> {
    let mut watch = Watch::new(options, ctx);
    let block_bytes = watch.block_bytes(options.block_bytes);
    let n_max = options.n_rows_max.unwrap_or(usize::MAX);
    let mut opened = Some(opened);
    loop {
        let this = match opened.take() {
            Some(opened) => opened,
            None => source.open()?,
        };
        let (hash, compression) = (this.hash.clone(), this.compression);
        hash.mark(ctx);
        let wanted = wanted(options);
        let (text, mut all) = (text(source, this)?, Rows::of(wanted.clone()));
        let name = text.encoding.name();
        let mut read = LinesRead::default();
        if text.is_array {
            read_array(source, text.reader, array_bytes_max(&watch), &mut all)?;
        } else {
            let hash = &hash;
            let lines = Lines { source, text, hash, compression, block_bytes, n_max, wanted };
            match lines.read(&mut all, &mut watch)? {
                Some(done) => read = done,
                None => continue,
            }
        }
        let hashed = match read.digest {
            Some((sha256, n_bytes)) => Hashed { sha256, n_bytes: Some(n_bytes) },
            None => hash.finish(watch.deadline(), options.hash).map_err(|e| source.broken(e))?,
        };
        let sample = watch.sample(all.n_rows() as u64, read.n_seen);
        return parts(source, options, ctx, all, n_max).map(|mut parts| {
            parts.source.compression = compression.map(|c| c.name().to_owned());
            parts.source.encoding = Some(name.to_owned());
            parts.source.sha256 = hashed.sha256;
            parts.source.n_bytes_hashed = hashed.n_bytes;
            parts.source.sample = sample;
            parts
        });
    }
}

/// The keys that the options' schema asks for; `None` for all.
pub(crate) fn wanted(options: &ReadOptions) -> Option<Arc<HashSet<String>>> {
    let schema = options.schema.as_ref()?;
    Some(Arc::new(schema.fields.iter().map(|field| field.name.clone()).collect()))
}

/// The bytes that an array may have: its table, which is held too, is about as large, and for a
/// while a column is held twice.
fn array_bytes_max(watch: &Watch<'_>) -> Option<u64> {
    watch.room_bytes().map(|room| room / 3)
}

fn parts(
    source: &Source<'_>,
    options: &ReadOptions,
    ctx: &Context,
    all: Rows,
    n_max: usize,
) -> Result<Parts> {
    let n_rows = all.n_rows().min(n_max);
    if n_rows == 0 {
        return Err(Error::input("the file has no objects")
            .at(source.shown())
            .expected("one JSON object per line, or an array of objects"));
    }
    let (mut notes, mut columns) = (Vec::new(), Vec::new());
    let (names, builders) = all.into_columns(&mut notes);
    let names = repair_names(&names, &mut notes);
    for wanted in options.columns.iter().flatten() {
        if !names.contains(wanted) {
            let error = Error::input("no such column").at(source.shown()).column(wanted);
            return Err(error.suggest(wanted, names.iter().map(String::as_str)));
        }
    }
    for (name, builder) in names.into_iter().zip(builders) {
        if options.columns.as_ref().is_none_or(|wanted| wanted.contains(&name)) {
            columns.push((name, builder));
        }
    }
    let decided = ctx.install(|| {
        let decide = |(name, builder): (String, crate::typed::Builder)| {
            let mut decided = builder.decide(&name, options.schema.as_ref());
            truncate(&mut decided.data, n_rows);
            (name, decided)
        };
        columns.into_par_iter().map(decide).collect()
    });
    let (columns, schema) =
        choose(decided, options, &mut notes).map_err(|e| e.at(source.shown()))?;
    let source = DataSource {
        name: source.name.clone(),
        format: "json".to_owned(),
        n_rows,
        n_columns: columns.len(),
        notes,
        ..DataSource::default()
    };
    Ok(Parts { columns, schema, source })
}

fn truncate(data: &mut ColumnData, n_rows: usize) {
    match data {
        ColumnData::Number(values) => values.truncate(n_rows),
        ColumnData::Instant(values) => values.truncate(n_rows),
        ColumnData::String { codes, .. } => codes.truncate(n_rows),
    }
}

/// The text of a JSON file.
pub(crate) struct Text<'a> {
    pub reader: Box<dyn Read + Send + 'a>,
    pub is_array: bool,
    encoding: Encoding,
    n_mark: u64,
}

/// The text of an opened source as UTF-8, and whether it is an array.
pub(crate) fn text<'a>(source: &Source<'_>, opened: Opened<'a>) -> Result<Text<'a>> {
    let (encoding, mark_bytes) = encoding::detect(&opened.head).ok_or_else(|| {
        Error::input("this is a binary file, not text").at(source.shown()).expected("JSON")
    })?;
    let head = encoding::head_text(&opened.head[mark_bytes..], encoding, opened.is_whole());
    let is_array = head.is_some_and(|h| h.trim_start().starts_with('['));
    let mut reader = opened.reader;
    reader.read_exact(&mut vec![0; mark_bytes]).map_err(|e| source.broken(e))?;
    let reader = match encoding {
        Encoding::Utf16Le | Encoding::Utf16Be => Box::new(Utf16Reader::new(reader, encoding)),
        _ => reader,
    };
    Ok(Text { reader, is_array, encoding, n_mark: mark_bytes as u64 })
}

/// Reads an array of objects.
pub(crate) fn read_array(
    source: &Source<'_>,
    reader: Box<dyn Read + Send + '_>,
    n_bytes_max: Option<u64>,
    rows: &mut Rows,
) -> Result<()> {
    let bytes = source.hold(reader, n_bytes_max)?;
    let mut json = Deserializer::from_slice(&bytes);
    let read = serde::de::DeserializeSeed::deserialize(ArraySeed(rows), &mut json);
    read.and_then(|()| json.end()).map_err(|e| {
        let line = e.line() as u64;
        Error::input("the JSON array cannot be read")
            .at(source.shown())
            .line(line)
            .expected("an array of objects: [{\"name\": value, …}, …]")
            .because(e)
    })
}

/// A line that is no JSON object; the line is counted within its block, from 0.
pub(crate) struct BadLine {
    line: u64,
    text: String,
    cause: serde_json::Error,
    is_too_sparse: bool,
}

/// The error of objects that have very many keys, each hardly ever.
pub(crate) fn too_sparse(source: &Source<'_>) -> Error {
    Error::input(TOO_SPARSE)
        .at(source.shown())
        .expected("keys that are names of columns, in most objects the same")
        .hint("where keys are values, write them as values: {\"key\": …, \"value\": …}")
}

impl BadLine {
    /// The error, when `n_lines` lines are before the block.
    pub(crate) fn explain(self, source: &Source<'_>, n_lines: u64) -> Error {
        if self.is_too_sparse {
            return too_sparse(source).line(n_lines + self.line + 1);
        }
        Error::input("a line is no JSON object")
            .at(source.shown())
            .line(n_lines + self.line + 1)
            .expected("one object per line: {\"name\": value, …}")
            .got(&self.text)
            .because(self.cause)
            .hint("an object may not be spread over lines (jq -c puts each on one line)")
    }
}

/// The rows of a block of lines.
pub(crate) struct ParsedLines {
    pub rows: Rows,
    pub n_lines: u64,
    /// Lines that hold an object, kept or not.
    pub n_seen: u64,
}

/// Parses the lines of a block that the sampling keeps.
pub(crate) fn parse_lines(
    block: &Block,
    sampling: &Sampling,
    wanted: Option<&Arc<HashSet<String>>>,
) -> std::result::Result<ParsedLines, BadLine> {
    let mut parsed = ParsedLines { rows: Rows::of(wanted.cloned()), n_lines: 0, n_seen: 0 };
    let mut place = block.start;
    for line in block.bytes.split_inclusive(|b| *b == b'\n') {
        let text = line.trim_ascii();
        if !text.is_empty() {
            parsed.n_seen += 1;
            if sampling.keeps_row(place) {
                let pushed = parsed.rows.push_object(text);
                pushed.map_err(|cause| BadLine {
                    line: parsed.n_lines,
                    text: String::from_utf8_lossy(text).into_owned(),
                    cause,
                    is_too_sparse: parsed.rows.is_too_sparse(),
                })?;
            }
        }
        parsed.n_lines += 1;
        place += line.len() as u64;
    }
    Ok(parsed)
}
