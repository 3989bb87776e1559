//! CSV output (RFC 4180, with `\n`).

use std::io::Write;

use modelwright_core::Result;
use modelwright_core::data::{
    Column, ColumnData, MISSING_CODE, MISSING_INSTANT, Table, instant_text,
};

use super::failed;

/// Bytes gathered before they are handed on.
const BUFFER_BYTES: usize = 256 << 10;

/// Whole numbers below this are written without a point.
const WHOLE_MAX: f64 = 9.0e15;

/// See the module's text.
pub(super) struct CsvSink<W> {
    out: W,
    buffer: Vec<u8>,
    has_header: bool,
}

impl<W: Write> CsvSink<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, buffer: Vec::with_capacity(BUFFER_BYTES + 4096), has_header: false }
    }

    pub(super) fn write(&mut self, table: &Table) -> Result<()> {
        if !self.has_header {
            self.has_header = true;
            for (i, name) in table.names().enumerate() {
                if i > 0 {
                    self.buffer.push(b',');
                }
                push_text(&mut self.buffer, name);
            }
            self.buffer.push(b'\n');
        }
        let is_single = table.n_columns() == 1;
        for row in 0..table.n_rows() {
            let start = self.buffer.len();
            for (i, column) in table.columns().iter().enumerate() {
                if i > 0 {
                    self.buffer.push(b',');
                }
                push_cell(&mut self.buffer, column, row);
            }
            if is_single && self.buffer.len() == start {
                self.buffer.extend_from_slice(b"\"\"");
            }
            self.buffer.push(b'\n');
            if self.buffer.len() >= BUFFER_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<W> {
        self.flush()?;
        self.out.flush().map_err(failed)?;
        Ok(self.out)
    }

    fn flush(&mut self) -> Result<()> {
        self.out.write_all(&self.buffer).map_err(failed)?;
        self.buffer.clear();
        Ok(())
    }
}

fn push_cell(buffer: &mut Vec<u8>, column: &Column, row: usize) {
    match &column.data {
        ColumnData::Number(values) => push_number(buffer, values.at(row)),
        ColumnData::Instant(values) if values[row] == MISSING_INSTANT => {}
        ColumnData::Instant(values) => {
            buffer.extend_from_slice(instant_text(values[row]).as_bytes());
        }
        ColumnData::String { codes, .. } if codes[row] == MISSING_CODE => {}
        ColumnData::String { codes, dictionary } => push_text(buffer, dictionary.get(codes[row])),
    }
}

fn push_number(buffer: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        return;
    }
    if value == value.trunc() && value.abs() < WHOLE_MAX {
        buffer.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else if value.is_finite() {
        buffer.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        buffer.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    }
}

fn push_text(buffer: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let needs_quotes = bytes.is_empty()
        || bytes[0] == b' '
        || bytes[bytes.len() - 1] == b' '
        || bytes.iter().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r'));
    if !needs_quotes {
        buffer.extend_from_slice(bytes);
        return;
    }
    buffer.push(b'"');
    for byte in bytes {
        if *byte == b'"' {
            buffer.push(b'"');
        }
        buffer.push(*byte);
    }
    buffer.push(b'"');
}
