//! A block of whole records to the places of its fields.
//!
//! RFC 4180 with the liberties that real files take: a quote opens a field only at its start
//! (blanks before it are allowed), so `5" pipe` is text; text after a closing quote is kept;
//! a carriage return before the line's end is dropped; blank lines are skipped. Where fields are
//! separated by blanks, a run of blanks and tabs is one separator, and none at a line's ends.
//!
//! The scan looks at eight bytes at a time ("SIMD within a register"): `x = word ^ pattern` has a
//! zero byte where the pattern's byte is, and `(x - 0x01…) & !x & 0x80…` has its lowest set bit
//! in the first of them.

use std::borrow::Cow;

/// How fields and records are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Between fields. The line's end for a file of one column; [`BLANK`] for runs of blanks and
    /// tabs.
    pub delimiter: u8,
    /// Around fields that hold delimiters or line ends; `None` when no quote opens a field.
    pub quote: Option<u8>,
    /// Ends a record: `\n`, or `\r` in files of old Macs.
    pub newline: u8,
    /// Blanks follow every delimiter and are no part of the value.
    pub skip_blanks: bool,
}

/// The delimiter that stands for any run of blanks and tabs.
pub(crate) const BLANK: u8 = b' ';

impl Dialect {
    /// Whether fields are separated by runs of blanks and tabs.
    fn by_blanks(self) -> bool {
        self.delimiter == BLANK
    }

    /// Whether a byte ends a field.
    fn ends_field(self, byte: u8) -> bool {
        byte == self.delimiter || byte == self.newline || (byte == b'\t' && self.by_blanks())
    }

    /// The end of the field whose text goes on at `at`.
    #[inline]
    fn field_end(self, bytes: &[u8], at: usize) -> usize {
        if self.by_blanks() {
            let end = bytes[at..].iter().position(|b| self.ends_field(*b));
            return end.map_or(bytes.len(), |n| at + n);
        }
        next_of(bytes, at, self.delimiter, self.newline)
    }

    /// The next byte that is no blank or tab, where these separate fields.
    fn skip(self, bytes: &[u8], at: usize) -> usize {
        if !self.by_blanks() {
            return at;
        }
        let next = bytes[at..].iter().position(|b| !matches!(b, b' ' | b'\t'));
        next.map_or(bytes.len(), |n| at + n)
    }

    /// Whether a line ends at `at`.
    fn is_line_end(self, bytes: &[u8], at: usize) -> bool {
        match bytes.get(at) {
            None => true,
            Some(b'\r') => bytes.get(at + 1).is_none_or(|b| *b == self.newline),
            Some(b) => *b == self.newline,
        }
    }
}

/// The place of a field in its block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    start: u32,
    /// The end; its highest bit says that doubled quotes or text after the quote must be undone.
    end: u32,
}

const UNDO: u32 = 1 << 31;

impl Span {
    fn new(start: usize, end: usize, undo: bool) -> Self {
        Self { start: start as u32, end: end as u32 | if undo { UNDO } else { 0 } }
    }

    /// The byte of the block at which the field begins.
    pub(crate) fn place(self) -> usize {
        self.start as usize
    }

    /// The field's text.
    #[inline]
    pub(crate) fn text(self, block: &str, dialect: Dialect) -> Cow<'_, str> {
        let raw = &block[self.start as usize..(self.end & !UNDO) as usize];
        if self.end & UNDO == 0 { Cow::Borrowed(raw) } else { Cow::Owned(undo(raw, dialect)) }
    }
}

/// The fields of a block's records, row after row.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// `n_rows × n_columns` spans.
    pub spans: Vec<Span>,
    /// Rows that were kept.
    pub n_rows: usize,
    /// Rows that the block has.
    pub n_seen: usize,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadRecord {
    /// Byte in the block at which the record begins.
    pub at: usize,
    pub problem: Problem,
}

/// See [`BadRecord`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It has this many fields.
    Fields(usize),
    /// A quoted field that begins at this byte of the block never ends.
    OpenQuote(usize),
}

/// The records of a block that `keep` wants, by the byte at which they begin; every record,
/// wanted or not, must have `n_columns` fields.
///
/// Stops after `n_rows_max` rows.
pub(crate) fn split(
    block: &str,
    dialect: Dialect,
    n_columns: usize,
    n_rows_max: usize,
    mut keep: impl FnMut(usize) -> bool,
) -> Result<Records, BadRecord> {
    let mut records = Records::default();
    // A field has about six bytes with its delimiter; a guess that saves most regrowth.
    records.spans.reserve(block.len() / 6);
    let mut at = 0;
    while records.n_rows < n_rows_max && at < block.len() {
        let row_start = at;
        let row_first = records.spans.len();
        at = split_record(block.as_bytes(), at, dialect, &mut records.spans)
            .map_err(|problem| BadRecord { at: row_start, problem })?;
        let n_fields = records.spans.len() - row_first;
        if n_fields == 0 {
            continue;
        }
        if n_fields != n_columns {
            return Err(BadRecord { at: row_start, problem: Problem::Fields(n_fields) });
        }
        records.n_seen += 1;
        if keep(row_start) {
            records.n_rows += 1;
        } else {
            records.spans.truncate(row_first);
        }
    }
    Ok(records)
}

/// Adds the fields of the record that begins at `at`; returns where the next one begins.
///
/// A blank line adds none.
pub(crate) fn split_record(
    bytes: &[u8],
    mut at: usize,
    dialect: Dialect,
    spans: &mut Vec<Span>,
) -> Result<usize, Problem> {
    let first = spans.len();
    at = dialect.skip(bytes, at);
    loop {
        let (span, mut end) = field(bytes, at, dialect)?;
        spans.push(span);
        if end < bytes.len() && bytes[end] != dialect.newline {
            at = dialect.skip(bytes, end + 1);
            if !dialect.by_blanks() || !dialect.is_line_end(bytes, at) {
                continue;
            }
            // Blanks at the end of a line separate nothing.
            end = memchr::memchr(dialect.newline, &bytes[at..]).map_or(bytes.len(), |n| at + n);
        }
        // The record's last field: without the carriage return of CRLF.
        if let Some(last) = spans.last_mut()
            && last.end & UNDO == 0
            && last.end > last.start
            && last.end as usize == end
            && bytes[end - 1] == b'\r'
        {
            last.end -= 1;
        }
        let is_blank = spans.len() == first + 1 && is_blank(bytes, spans[first], dialect);
        if is_blank {
            spans.pop();
        }
        return Ok((end + 1).min(bytes.len()));
    }
}

/// Whether a line's only field holds nothing but blanks, and no quotes around them.
fn is_blank(bytes: &[u8], only: Span, dialect: Dialect) -> bool {
    let (start, end) = (only.start as usize, (only.end & !UNDO) as usize);
    bytes[start..end].iter().all(|b| matches!(b, b' ' | b'\t' | b'\r'))
        && bytes.get(end).is_none_or(|b| Some(b) != dialect.quote.as_ref())
}

/// The field that begins at `start`, and the place of the delimiter or line end behind it.
#[inline]
fn field(bytes: &[u8], start: usize, dialect: Dialect) -> Result<(Span, usize), Problem> {
    let mut first = start;
    while bytes.get(first) == Some(&b' ') {
        first += 1;
    }
    if dialect.quote.is_some() && bytes.get(first) == dialect.quote.as_ref() {
        return quoted(bytes, first, dialect);
    }
    let start = if dialect.skip_blanks { first } else { start };
    let end = dialect.field_end(bytes, start);
    Ok((Span::new(start, end, false), end))
}

fn quoted(bytes: &[u8], open: usize, dialect: Dialect) -> Result<(Span, usize), Problem> {
    let quote = bytes[open];
    let mut at = open + 1;
    let mut doubled = false;
    let close = loop {
        match memchr::memchr(quote, &bytes[at..]) {
            None => return Err(Problem::OpenQuote(open)),
            Some(n) if bytes.get(at + n + 1) == Some(&quote) => {
                doubled = true;
                at += n + 2;
            }
            Some(n) => break at + n,
        }
    };
    let end = dialect.field_end(bytes, close + 1);
    let tail = bytes[close + 1..end].trim_ascii();
    if tail.is_empty() && !doubled {
        Ok((Span::new(open + 1, close, false), end))
    } else {
        Ok((Span::new(open, end, true), end))
    }
}

/// The text of a field with doubled quotes, or with text after its closing quote.
fn undo(raw: &str, dialect: Dialect) -> String {
    let Some(quote) = dialect.quote.map(char::from) else { return raw.to_owned() };
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    chars.next(); // the opening quote
    while let Some(c) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.peek() == Some(&quote) {
            text.push(quote);
            chars.next();
        } else {
            // Behind the closing quote all is literal; blanks at the end are none of it.
            text.push_str(chars.collect::<String>().trim_end());
            break;
        }
    }
    text
}

/// The first place from `at` on that holds one of two bytes; the length when none does.
#[inline]
fn next_of(bytes: &[u8], mut at: usize, a: u8, b: u8) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (pattern_a, pattern_b) = (LOW * u64::from(a), LOW * u64::from(b));
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let (x, y) = (word ^ pattern_a, word ^ pattern_b);
        let found = ((x.wrapping_sub(LOW) & !x) | (y.wrapping_sub(LOW) & !y)) & HIGH;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while at < bytes.len() && bytes[at] != a && bytes[at] != b {
        at += 1;
    }
    at
}

/// The end of the last whole record of a part of a file that begins at a record; `None` when no
/// record ends in it.
///
/// Follows the same rules as [`split`], looking at quotes only.
pub(crate) fn last_record_end(bytes: &[u8], dialect: Dialect) -> Option<usize> {
    let newline = dialect.newline;
    let Some(quote) = dialect.quote else {
        return memchr::memrchr(newline, bytes).map(|i| i + 1);
    };
    let mut last = None;
    let mut outside = 0;
    let mut at = 0;
    while let Some(n) = memchr::memchr(quote, &bytes[at..]) {
        let open = at + n;
        if !opens_field(bytes, open, dialect) {
            at = open + 1;
            continue;
        }
        if let Some(i) = memchr::memrchr(newline, &bytes[outside..open]) {
            last = Some(outside + i + 1);
        }
        at = open + 1;
        loop {
            match memchr::memchr(quote, &bytes[at..]) {
                // An open quote, or one at the very end that may turn out to be doubled.
                None => return last,
                Some(n) if at + n + 1 == bytes.len() => return last,
                Some(n) if bytes[at + n + 1] == quote => at += n + 2,
                Some(n) => {
                    at += n + 1;
                    break;
                }
            }
        }
        outside = at;
    }
    memchr::memrchr(newline, &bytes[outside..]).map(|i| outside + i + 1).or(last)
}

/// The end of the first record that ends in bytes that may begin anywhere in one: `inside` quotes
/// or not.
pub(crate) fn first_record_end(bytes: &[u8], dialect: Dialect, inside: bool) -> Option<usize> {
    let newline = |from: usize, to: usize| {
        memchr::memchr(dialect.newline, &bytes[from..to]).map(|i| from + i + 1)
    };
    let Some(quote) = dialect.quote else { return newline(0, bytes.len()) };
    let mut outside = if inside { behind_quote(bytes, 0, quote)? } else { 0 };
    let mut at = outside;
    while let Some(n) = memchr::memchr(quote, &bytes[at..]) {
        let open = at + n;
        at = open + 1;
        if opens_field(bytes, open, dialect) {
            if let Some(end) = newline(outside, open) {
                return Some(end);
            }
            outside = behind_quote(bytes, at, quote)?;
            at = outside;
        }
    }
    newline(outside, bytes.len())
}

/// The place behind the quote that closes a field whose text goes on at `at`; `None` when that is
/// not in these bytes, or may be doubled behind them.
fn behind_quote(bytes: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    loop {
        at += memchr::memchr(quote, &bytes[at..])? + 1;
        match bytes.get(at) {
            Some(next) if *next == quote => at += 1,
            Some(_) => return Some(at),
            None => return None,
        }
    }
}

/// How many records of bytes that begin with one have the right number of fields before one has
/// not; no more than a few are looked at.
pub(crate) fn n_good_records(bytes: &[u8], dialect: Dialect, n_fields: usize) -> usize {
    const N_MAX: usize = 64;
    let (mut at, mut spans) = (0, Vec::new());
    for n_good in 0..N_MAX {
        spans.clear();
        match split_record(bytes, at, dialect, &mut spans) {
            // Cut by the end of the bytes, and no sign against it.
            Ok(next) if next == bytes.len() => return N_MAX,
            Err(Problem::OpenQuote(_)) if n_good > 0 => return N_MAX,
            Ok(next) if spans.is_empty() || spans.len() == n_fields => at = next,
            _ => return n_good,
        }
    }
    N_MAX
}

fn opens_field(bytes: &[u8], quote_at: usize, dialect: Dialect) -> bool {
    if dialect.by_blanks() {
        return quote_at == 0 || dialect.ends_field(bytes[quote_at - 1]);
    }
    let before = bytes[..quote_at].iter().rposition(|b| *b != b' ');
    before.is_none_or(|i| bytes[i] == dialect.delimiter || bytes[i] == dialect.newline)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Dialect =
        Dialect { delimiter: b',', quote: Some(b'"'), newline: b'\n', skip_blanks: false };

    fn rows(block: &str, n_columns: usize) -> Result<Vec<Vec<String>>, BadRecord> {
        let records = split(block, CSV, n_columns, usize::MAX, |_| true)?;
        let text = |s: &Span| s.text(block, CSV).into_owned();
        Ok(records.spans.chunks(n_columns).map(|r| r.iter().map(text).collect()).collect())
    }

    #[test]
    fn quotes_newlines_and_carriage_returns_follow_the_rfc() {
        let block = "a,\"b,1\"\r\n\"x\ny\",\"say \"\"hi\"\"\"\n\n,\n\"\",5\" pipe\n";
        let expected =
            [vec!["a", "b,1"], vec!["x\ny", "say \"hi\""], vec!["", ""], vec!["", "5\" pipe"]];
        assert_eq!(rows(block, 2).unwrap(), expected);
        assert_eq!(rows("a, \"b,c\" \nd,\"e\"f\n", 2).unwrap(), [["a", "b,c"], ["d", "ef"]]);
        assert_eq!(rows("last,line", 2).unwrap(), [["last", "line"]]);
    }

    #[test]
    fn blanks_separate_in_runs_and_not_at_the_ends_of_a_line() {
        let dialect = Dialect { delimiter: BLANK, skip_blanks: true, ..CSV };
        let block = "  1   2.5\t\"a b\" \r\n \n\t3 4 c\r\n5 6 d  ";
        let records = split(block, dialect, 3, usize::MAX, |_| true).unwrap();
        let texts: Vec<_> =
            records.spans.iter().map(|s| s.text(block, dialect).into_owned()).collect();
        assert_eq!(texts, ["1", "2.5", "a b", "3", "4", "c", "5", "6", "d"]);
        assert_eq!(last_record_end(b"1 \"a\nb\"\n2 c", dialect), Some(8));
        assert_eq!(last_record_end(b"5\" x\n2 c", dialect), Some(5));
    }

    #[test]
    fn a_quoted_empty_field_is_a_row_and_a_blank_line_is_none() {
        assert_eq!(rows("\"\"\n\na\n\r\n", 1).unwrap(), [[""], ["a"]]);
    }

    #[test]
    fn wrong_field_counts_and_open_quotes_are_found() {
        let error = rows("a,b\nc\n", 2).unwrap_err();
        assert_eq!(error, BadRecord { at: 4, problem: Problem::Fields(1) });
        let error = rows("a,b\nc,\"d\n", 2).unwrap_err();
        assert_eq!(error, BadRecord { at: 4, problem: Problem::OpenQuote(6) });
    }

    #[test]
    fn a_block_ends_behind_the_last_record_that_is_surely_whole() {
        let end = |text: &str| last_record_end(text.as_bytes(), CSV);
        assert_eq!(end("a,b\nc"), Some(4));
        assert_eq!(end("a,\"b\nc"), None);
        assert_eq!(end("x\na,\"b\nc"), Some(2));
        assert_eq!(end("a,\"b\nc\"\nd"), Some(8));
        assert_eq!(end("a,\"b\nc\""), None);
        assert_eq!(end("5\" pipe,x\ny"), Some(10));
        assert_eq!(end("a,\"b\"\"\n"), None);
        assert_eq!(end("abc"), None);
    }

    #[test]
    fn rows_that_are_not_wanted_are_seen_but_not_kept() {
        let records = split("a,b\nc,d\n\ne,f\n", CSV, 2, usize::MAX, |at| at != 4).unwrap();
        assert_eq!((records.n_rows, records.n_seen, records.spans.len()), (2, 3, 4));
        assert!(split("a,b\nc\n", CSV, 2, usize::MAX, |_| false).is_err(), "still checked");
    }

    #[test]
    fn the_first_record_behind_a_cut_is_found_outside_and_inside_quotes() {
        let end = |text: &str, inside| first_record_end(text.as_bytes(), CSV, inside);
        assert_eq!(end("b,c\nd", false), Some(4));
        assert_eq!(end("b,\"c\n\",d\ne", false), Some(9));
        assert_eq!(end("b\nc\",d\ne", true), Some(7));
        assert_eq!(end("b\"\"\nc\",d\ne", true), Some(9));
        assert_eq!(end("b\nc\"", true), None);
        assert_eq!(n_good_records(b"a,b\nc,d\ne\n1,2\n", CSV, 2), 2);
        assert!(n_good_records(b"a,b\nc,d\ne,", CSV, 2) > 2);
    }

    #[test]
    fn the_wide_scan_agrees_with_a_plain_one() {
        let text = b"0123456789,abc\ndef,,,\n\n0123456789012345678901234567,".repeat(3);
        for start in 0..text.len() {
            let plain = (start..text.len())
                .find(|i| matches!(text[*i], b',' | b'\n'))
                .unwrap_or(text.len());
            assert_eq!(next_of(&text, start, b',', b'\n'), plain);
        }
    }
}
