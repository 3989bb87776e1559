//! JSON to a table: one object per line, or one array of objects.
//!
//! Keys are columns in order of first appearance; a key that an object lacks is missing there.
//! Lines are parsed in parallel, block by block, straight into column builders without a tree
//! in between. An array has no line ends to cut at, so it is parsed in one piece.

mod rows;
pub(crate) mod stream;

use std::io::Read;

use modelwright_core::data::ColumnData;
use modelwright_core::record::DataSource;
use modelwright_core::{Context, Error, Result};
use rayon::prelude::*;
use serde_json::Deserializer;

use self::rows::{ArraySeed, Rows};
use crate::csv::blocks::Blocks;
use crate::csv::{LINES, repair_names};
use crate::encoding::{self, Utf16Reader};
use crate::options::{Encoding, ReadOptions};
use crate::pipeline::Batches;
use crate::read::{Parts, choose};
use crate::source::{Opened, Source};

/// Reads a whole JSON file.
pub(crate) fn read(
    source: &Source<'_>,
    opened: Opened<'_>,
    options: &ReadOptions,
    ctx: &Context,
) -> Result<Parts> {
    let (hash, compression) = (opened.hash.clone(), opened.compression);
    let text = text(source, opened)?;
    let (name, n_max) = (text.encoding.name(), options.n_rows_max.unwrap_or(usize::MAX));
    let mut all = Rows::default();
    if text.is_array {
        read_array(source, text.reader, &mut all)?;
    } else {
        let blocks = Blocks::new(text.reader, LINES, options.block_bytes);
        let mut batches = Batches::new(blocks, 2 * ctx.threads());
        let mut n_lines = 0;
        while all.n_rows() < n_max {
            let parts = batches.parse_next(ctx, |_, b| parse_lines(&b), |e| source.broken(e))?;
            if parts.is_empty() {
                break;
            }
            for part in parts {
                let (rows, n) = part.map_err(|e| e.explain(source, n_lines))?;
                all.append(rows);
                n_lines += n;
            }
        }
    }
    let sha256 = hash.finish().map_err(|e| source.broken(e))?;
    parts(source, options, ctx, all, n_max).map(|mut parts| {
        parts.source.compression = compression.map(|c| c.name().to_owned());
        parts.source.encoding = Some(name.to_owned());
        parts.source.sha256 = sha256;
        parts
    })
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
            let mut decided = builder.decide();
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
    Ok(Text { reader, is_array, encoding })
}

/// Reads an array of objects.
pub(crate) fn read_array(
    source: &Source<'_>,
    mut reader: Box<dyn Read + Send + '_>,
    rows: &mut Rows,
) -> Result<()> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|e| source.broken(e))?;
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
}

impl BadLine {
    /// The error, when `n_lines` lines are before the block.
    pub(crate) fn explain(self, source: &Source<'_>, n_lines: u64) -> Error {
        Error::input("a line is no JSON object")
            .at(source.shown())
            .line(n_lines + self.line + 1)
            .expected("one object per line: {\"name\": value, …}")
            .got(&self.text)
            .because(self.cause)
            .hint("an object may not be spread over lines (jq -c puts each on one line)")
    }
}

/// Parses a block of lines: the rows, and how many lines there were.
pub(crate) fn parse_lines(block: &[u8]) -> std::result::Result<(Rows, u64), BadLine> {
    let mut rows = Rows::default();
    let mut n_lines = 0;
    for line in block.split_inclusive(|b| *b == b'\n') {
        let text = line.trim_ascii();
        if !text.is_empty() {
            rows.push_object(text).map_err(|cause| BadLine {
                line: n_lines,
                text: String::from_utf8_lossy(text).into_owned(),
                cause,
            })?;
        }
        n_lines += 1;
    }
    Ok((rows, n_lines))
}
