//! What kind of CSV this is: separators, quotes, names.
//!
//! The first records of the file are split by each candidate separator; the one that gives the
//! most records the same number of fields (at least two) wins. Where none does, runs of blanks
//! are tried (UCI's `.data`); a file in which these make no columns of numbers is taken for one
//! column. The first record is the header unless it clearly holds values: a number in every column
//! of numbers, and not a row of names that happen to be numbers (pixels `0, 1, 2`, years); or, in
//! a table of words, words that all occur below in their columns.

use std::collections::HashSet;

use modelwright_core::{Error, Result};

use super::records::{BLANK, Dialect, Span, split_record};
use crate::cell::decide::{Decimals, Reading, decide};
use crate::cell::{missing, number, trim};
use crate::options::ReadOptions;

/// The candidates, the more usual first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// Separators that are seen now and then, but not looked for.
const RARE: [u8; 4] = [b':', b'^', b'~', b'#'];

/// How many records decide.
const N_RECORDS: usize = 1000;

/// A table of words without a header has at least so many columns and rows …
const WORDS_COLUMNS_MIN: usize = 3;
const WORDS_ROWS_MIN: usize = 10;
/// … and fewer different words than this in each column.
const WORDS_DISTINCT_MAX: usize = 50;

/// A title above a header is told apart in so many columns at least, in so many lines at most.
const TITLE_COLUMNS_MIN: usize = 3;
const TITLES_MAX: usize = 10;

/// Records of which this share (in percent) has as many fields as the first are separated by
/// blanks, or by a rare separator.
const SURE_PERCENT: usize = 95;

/// What was found out about a CSV.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    pub dialect: Dialect,
    /// The separator; `None` for a file of one column.
    pub delimiter: Option<u8>,
    /// One name for each column, repaired where needed.
    pub names: Vec<String>,
    /// Records before the first row: the header, and Excel's `sep=` line.
    pub n_skipped: usize,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Finds out the layout by the head of a file (from its very beginning).
///
/// `is_whole` tells that the head is the whole file, so that its last record counts.
pub(crate) fn sniff(head: &str, is_whole: bool, options: &ReadOptions) -> Result<Layout> {
    let newline = if head.contains('\n') || !head.contains('\r') { b'\n' } else { b'\r' };
    let mut notes = Vec::new();
    let mut n_skipped = 0;
    let mut delimiter = options.delimiter;
    let mut body = head;
    if let Some((separator, rest)) = excel_line(head) {
        (delimiter, body, n_skipped) = (delimiter.or(Some(separator)), rest, 1);
    }
    let dialect_of = |delimiter: u8| Dialect {
        delimiter,
        quote: Some(quote_of(body, delimiter, newline)),
        newline,
        skip_blanks: false,
    };
    let split = |d| first_records(body, dialect_of(d), is_whole);
    let delimiter = delimiter.or_else(|| {
        let best = best_delimiter(body, is_whole, &dialect_of);
        // Some files of blanks have tabs here and there.
        let is_sure = best.is_some_and(|delimiter| delimiter != b'\t');
        let by_blanks = || is_by_blanks(&split(BLANK), &split(best.unwrap_or(newline)));
        if !is_sure && by_blanks() { Some(BLANK) } else { best }
    });
    let mut dialect = dialect_of(delimiter.unwrap_or(newline));
    let mut records = first_records(body, dialect, is_whole);
    if records.is_empty() {
        return Err(Error::input("no records in the first part of the file")
            .expected("lines of fields")
            .hint("a quote that is never closed swallows the lines behind it"));
    }
    if delimiter.is_none() {
        notes.extend(note_on_one_column(&split(newline), split));
    }
    dialect.skip_blanks = delimiter == Some(BLANK) || blanks_follow(&records);
    if dialect.skip_blanks {
        records = first_records(body, dialect, is_whole);
    }
    if options.header != Some(false) {
        let n_titles = n_titles(&records);
        if n_titles > 0 {
            let title = records[0].iter().find(|c| !trim(c).is_empty());
            notes.push(format!(
                "{n_titles} {} above the header {} skipped: `{}`",
                if n_titles == 1 { "line" } else { "lines" },
                if n_titles == 1 { "was" } else { "were" },
                title.map_or("", |title| trim(title))
            ));
        }
        records.drain(..n_titles);
        n_skipped += n_titles;
    }
    let has_header = has_names(&records[0], options)
        .or(options.header)
        .unwrap_or_else(|| !is_headerless(&records));
    let names = if has_header {
        n_skipped += 1;
        repair_names(&records[0], &mut notes)
    } else {
        if options.header.is_none() {
            notes.push(
                "the first line holds values, so there is no header: columns are named \
                 column_1, column_2, …"
                    .to_owned(),
            );
        }
        (1..=records[0].len()).map(|i| format!("column_{i}")).collect()
    };
    Ok(Layout { dialect, delimiter, names, n_skipped, notes })
}

/// The records of the head as text; the last one is left out unless the head is the whole file.
pub(crate) fn first_records(head: &str, dialect: Dialect, is_whole: bool) -> Vec<Vec<String>> {
    let (mut at, mut records) = (0, Vec::new());
    let mut spans: Vec<Span> = Vec::new();
    while at < head.len() && records.len() < N_RECORDS {
        spans.clear();
        let Ok(next) = split_record(head.as_bytes(), at, dialect, &mut spans) else { break };
        if next == head.len() && !is_whole && !records.is_empty() {
            break;
        }
        if !spans.is_empty() {
            records.push(spans.iter().map(|s| s.text(head, dialect).into_owned()).collect());
        }
        at = next;
    }
    records
}

/// Excel's first line `sep=;`, and the text behind it.
fn excel_line(head: &str) -> Option<(u8, &str)> {
    let (line, rest) = head.split_once('\n')?;
    let separator = line.trim_end_matches('\r').trim_matches('"').strip_prefix("sep=")?;
    match separator.as_bytes() {
        [byte] if byte.is_ascii() => Some((*byte, rest)),
        _ => None,
    }
}

/// `'` when fields are wrapped in it and `"` never occurs; else `"`.
fn quote_of(head: &str, delimiter: u8, newline: u8) -> u8 {
    if memchr::memchr(b'"', head.as_bytes()).is_some() {
        return b'"';
    }
    let (mut n_wrapped, mut n_half, mut n_fields) = (0, 0, 0);
    let cut = |b: u8| b == delimiter || b == newline;
    for field in head.as_bytes().split(|b| cut(*b)).take(20_000) {
        let field = field.trim_ascii();
        let wrapped = field.len() >= 2 && field.starts_with(b"'") && field.ends_with(b"'");
        n_wrapped += usize::from(wrapped);
        n_half += usize::from(field.starts_with(b"'") && !wrapped);
        n_fields += 1;
    }
    // A field with the separator inside its quotes counts as half, so some halves are fine.
    if n_wrapped * 5 >= n_fields && n_half * 2 <= n_wrapped { b'\'' } else { b'"' }
}

fn best_delimiter(head: &str, is_whole: bool, dialect_of: &dyn Fn(u8) -> Dialect) -> Option<u8> {
    let mut best: Option<(usize, usize, u8)> = None;
    for delimiter in DELIMITERS {
        let records = first_records(head, dialect_of(delimiter), is_whole);
        let counts: Vec<usize> = records.iter().map(Vec::len).collect();
        let Some(width) = usual(&counts) else { continue };
        let percent = 100 * counts.iter().filter(|c| **c == width).count() / counts.len();
        if width < 2 || percent < 50 {
            continue;
        }
        // More agreement first, then more fields; the earlier candidate wins a draw.
        if best.is_none_or(|(p, w, _)| (percent, width) > (p, w)) {
            best = Some((percent, width, delimiter));
        }
    }
    best.map(|(_, _, delimiter)| delimiter)
}

/// Whether runs of blanks part the records into columns, of which more hold numbers than those of
/// the best other way to part them.
fn is_by_blanks(records: &[Vec<String>], others: &[Vec<String>]) -> bool {
    let n_numbers = |records: &[Vec<String>]| {
        let width = records.first().map_or(0, Vec::len);
        let rest = records.get(1..).unwrap_or_default();
        let is_number = |i: &usize| {
            let cells = rest.iter().filter_map(|r| r.get(*i)).map(String::as_str);
            matches!(decide(cells, Decimals::Open), Some(Reading::Number(_)))
        };
        let is_instant = |i: &usize| {
            let cells = rest.iter().filter_map(|r| r.get(*i)).map(String::as_str);
            matches!(decide(cells, Decimals::Open), Some(Reading::Instant(_)))
        };
        ((0..width).filter(is_number).count(), (0..width).any(|i| is_instant(&i)))
    };
    let width = records.first().map_or(0, Vec::len);
    if records.len() < 3 || width < 2 || share_of_width(records, width) < SURE_PERCENT {
        return false;
    }
    // A column of `1 234` or `31 Jan 2024` is one.
    let (n_others, has_instants) = n_numbers(others);
    let one_column = others.first().is_some_and(|r| r.len() == 1);
    !(one_column && (n_others > 0 || has_instants)) && n_numbers(records).0 > n_others.max(1)
}

/// How many of a hundred records have so many fields.
fn share_of_width(records: &[Vec<String>], width: usize) -> usize {
    100 * records.iter().filter(|r| r.len() == width).count() / records.len().max(1)
}

/// What to say of a file in which no separator was found, but that may have a rare one.
fn note_on_one_column(
    lines: &[Vec<String>],
    split: impl Fn(u8) -> Vec<Vec<String>>,
) -> Option<String> {
    let rest = lines.get(1..)?.iter().flatten().map(String::as_str);
    if lines.len() < 3 || decide(rest, Decimals::Open) != Some(Reading::Text) {
        return None;
    }
    let parts = |separator: &u8| {
        let records = split(*separator);
        let width = records.first().map_or(0, Vec::len);
        width > 1 && share_of_width(&records, width) >= SURE_PERCENT
    };
    let separator = RARE.into_iter().chain([BLANK]).find(parts)?;
    let name = if separator == BLANK { "blank".to_owned() } else { char::from(separator).into() };
    Some(format!(
        "no separator was found, so every line is one field; if {} parts them, say \
         --separator '{name}'",
        if separator == BLANK { "a blank".to_owned() } else { format!("`{name}`") }
    ))
}

/// Whether the first record holds the names of a schema; `None` when there is no schema, or the
/// record holds some other names.
///
/// A model that learned from a file without a header knows `column_1`, `column_2`, …: a file of
/// values has none either, and one that was made by hand of these names does.
fn has_names(first: &[String], options: &ReadOptions) -> Option<bool> {
    let fields = &options.schema.as_ref().filter(|schema| !schema.fields.is_empty())?.fields;
    let given: HashSet<&str> = first.iter().map(|name| name.trim()).collect();
    if fields.iter().all(|field| given.contains(field.name.as_str())) {
        return Some(true);
    }
    let place = |name: &str| name.strip_prefix("column_").and_then(|k| k.parse::<usize>().ok());
    let is_made = |name: &str| place(name).is_some_and(|k| (1..=first.len()).contains(&k));
    let has_any = fields.iter().any(|field| given.contains(field.name.as_str()));
    (!has_any && fields.iter().all(|field| is_made(&field.name))).then_some(false)
}

/// The most frequent count; the first record's on a draw.
fn usual(counts: &[usize]) -> Option<usize> {
    let n_of = |c: usize| counts.iter().filter(|k| **k == c).count();
    let first = *counts.first()?;
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut best = (n_of(first), first);
    for count in sorted {
        best = if n_of(count) > best.0 { (n_of(count), count) } else { best };
    }
    Some(best.1)
}

/// How many records above the header are titles that a spreadsheet filled up with separators: one
/// cell or none, in a file whose next record is a full row of different words.
fn n_titles(records: &[Vec<String>]) -> usize {
    let n_filled = |record: &[String]| record.iter().filter(|c| !trim(c).is_empty()).count();
    let width = records[0].len();
    if width < TITLE_COLUMNS_MIN {
        return 0;
    }
    let is_title = |record: &&Vec<String>| n_filled(record) <= 1 && record.len() == width;
    let n = records.iter().take_while(is_title).count();
    let is_word = |cell: &String| {
        decide(std::iter::once(cell.as_str()), Decimals::Open) == Some(Reading::Text)
    };
    let is_header = records.get(n).is_some_and(|header| {
        let distinct: HashSet<&str> = header.iter().map(|cell| trim(cell)).collect();
        header.len() == width && distinct.len() == width && header.iter().all(is_word)
    });
    let rows = records.get(n + 1..).unwrap_or_default();
    let are_rows = !rows.is_empty() && rows.iter().all(|row| n_filled(row) > 1);
    if n <= TITLES_MAX && is_header && are_rows { n } else { 0 }
}

/// Whether a blank follows every separator (`a, b, c`).
fn blanks_follow(records: &[Vec<String>]) -> bool {
    let mut later = records.iter().flat_map(|r| r.iter().skip(1)).peekable();
    later.peek().is_some() && later.all(|field| field.starts_with(' ') || field.is_empty())
}

/// Whether the first record clearly holds values; see the module's text.
fn is_headerless(records: &[Vec<String>]) -> bool {
    let Some((first, rest)) = records.split_first() else { return false };
    if rest.is_empty() {
        return false;
    }
    let mut numbers = Vec::new();
    for (i, cell) in first.iter().enumerate() {
        let below = rest.iter().filter_map(|r| r.get(i)).map(String::as_str);
        let below = decide(below, Decimals::Open);
        let is_value = |cell: &str| {
            decide(std::iter::once(cell), Decimals::Open).is_some_and(|r| r != Reading::Text)
        };
        match below {
            None | Some(Reading::Text) => {}
            Some(_) if missing::is_missing(trim(cell)) && !trim(cell).is_empty() => {}
            Some(_) if is_value(cell) => {
                numbers.push(number::parse_plain(trim(cell).as_bytes()));
            }
            Some(_) => return false,
        }
    }
    if numbers.is_empty() {
        return is_row_of_words(first, rest);
    }
    let whole: Vec<f64> = numbers.iter().flatten().copied().filter(|v| v.fract() == 0.0).collect();
    let are_names = whole.len() == numbers.len() && whole.len() >= 2 && {
        let is_sequence = whole.windows(2).all(|w| w[1] == w[0] + 1.0);
        let are_years = whole.iter().all(|v| (1900.0..=2100.0).contains(v))
            && whole.windows(2).all(|w| w[1] > w[0]);
        is_sequence || are_years
    };
    !are_names
}

/// Whether every word of the first record occurs below in its own column, in rows that are not
/// just the same record again: a header is repeated as a whole, where files were joined.
fn is_row_of_words(first: &[String], rest: &[Vec<String>]) -> bool {
    if first.len() < WORDS_COLUMNS_MIN || rest.len() < WORDS_ROWS_MIN {
        return false;
    }
    let words_of = |i: usize| rest.iter().filter_map(move |r| r.get(i)).map(|cell| trim(cell));
    let occurs = |(i, word): (usize, &String)| {
        let word = trim(word);
        if word.is_empty() || missing::is_missing(word) {
            return true;
        }
        let distinct: HashSet<&str> = words_of(i).collect();
        distinct.contains(word) && distinct.len() < WORDS_DISTINCT_MAX
    };
    let is_again =
        |row: &Vec<String>| row.iter().zip(first).filter(|(a, b)| trim(a) == trim(b)).count();
    let n_words = first.iter().filter(|word| !missing::is_missing(trim(word))).count();
    n_words >= WORDS_COLUMNS_MIN
        && first.iter().enumerate().all(occurs)
        && rest.iter().any(|row| (1..first.len()).contains(&is_again(row)))
}

/// Distinct names that are not empty, from a header.
pub(crate) fn repair_names(header: &[String], notes: &mut Vec<String>) -> Vec<String> {
    let given: HashSet<&str> = header.iter().map(|n| n.trim()).collect();
    let mut taken: HashSet<String> = HashSet::new();
    let mut names = Vec::with_capacity(header.len());
    for (i, name) in header.iter().enumerate() {
        let place = i + 1;
        let wanted = name.trim();
        let name = if wanted.is_empty() {
            let name = free_name(&format!("column_{place}"), &given, &taken);
            notes.push(format!("column {place} has no name and is called `{name}`"));
            name
        } else if taken.contains(wanted) {
            let name = free_name(wanted, &given, &taken);
            notes
                .push(format!("column {place} repeats the name `{wanted}` and is called `{name}`"));
            name
        } else {
            wanted.to_owned()
        };
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

fn free_name(base: &str, given: &HashSet<&str>, taken: &HashSet<String>) -> String {
    let is_free = |name: &String| !given.contains(name.as_str()) && !taken.contains(name);
    let plain = base.to_owned();
    if is_free(&plain) {
        return plain;
    }
    // One of these is free: there are not more names than this.
    let n_names = given.len() + taken.len();
    (2..=n_names + 2).map(|k| format!("{base}_{k}")).find(is_free).unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(head: &str) -> Layout {
        sniff(head, true, &ReadOptions::default()).unwrap()
    }

    #[test]
    fn separators_are_found() {
        for (head, delimiter) in [
            ("a,b\n1,2\n", Some(b',')),
            ("a;b\n1,5;2,5\n3,5;4,5\n", Some(b';')),
            ("a\tb\n1\tx, y\n", Some(b'\t')),
            ("a|b|c\n1|2|3\n", Some(b'|')),
            ("text\nHello, world\nno comma\nnone\n", None),
            ("a,b,c\n\"x;y;z\",2,3\n", Some(b',')),
            ("a,b\n1,2\n3\n4,5\n", Some(b',')),
            ("sep=;\na;b\n1;2\n", Some(b';')),
            ("'a','b'\n'x,y','2'\n", Some(b',')),
        ] {
            assert_eq!(layout(head).delimiter, delimiter, "{head:?}");
        }
        assert_eq!(layout("'a','b'\n'x,y','2'\n").dialect.quote, Some(b'\''));
        assert_eq!(layout("a\r1\r2\r").dialect.newline, b'\r');
        assert!(layout("a, b\n1, 2\n").dialect.skip_blanks);
    }

    #[test]
    fn a_header_is_taken_for_granted_unless_the_first_line_clearly_holds_values() {
        let is_headerless = |head: &str| layout(head).names[0] == "column_1";
        assert!(is_headerless("5.1,3.5,setosa\n4.9,3.0,setosa\n"));
        assert!(is_headerless("39, State-gov, 77516\n50, Private, 83311\n"));
        assert!(is_headerless("2024-01-02,5\n2024-01-03,6\n"));
        for head in [
            "0,1,2\n5,6,7\n",
            "country,1990,1991\nA,5,6\n",
            "x,y\na,b\n",
            "a,1\n2,3\n",
            "label,0,1\nx,3,4\n",
            "5.1,3.5\n",
        ] {
            assert!(!is_headerless(head), "{head:?}");
        }
    }

    #[test]
    fn a_table_of_words_has_no_header_when_the_first_line_is_like_the_others() {
        let mushrooms = "p,x,s\ne,x,y\np,b,s\ne,s,y\np,x,w\n".repeat(4);
        let found = layout(&mushrooms);
        assert_eq!((found.names[0].as_str(), found.n_skipped), ("column_1", 0));
        let with_header = format!("class,shape,surface\n{mushrooms}");
        assert_eq!(layout(&with_header).names[0], "class");
        let joined = format!("{with_header}{with_header}");
        assert_eq!(layout(&joined).names[0], "class", "a header that is repeated is one");
        assert_eq!(layout("p,x,s\np,x,y\ne,b,s\n").names[0], "p", "too few rows to tell");
    }

    #[test]
    fn titles_that_a_spreadsheet_filled_up_with_separators_are_no_header() {
        let found = layout("Sales report 2024,,\n,,\nx,city,y\n1,Bern,2\n3,Basel,4\n");
        assert_eq!((found.names.join(" "), found.n_skipped), ("x city y".to_owned(), 3));
        assert!(found.notes[0].contains("Sales report 2024"), "{:?}", found.notes);
        // A first row with one value is one, and a header with one name is repaired.
        assert_eq!(layout("a,b,c\n1,,\n2,3,4\n").n_skipped, 1);
        assert_eq!(layout("a,,\n1,2,3\n4,5,6\n").n_skipped, 1);
    }

    #[test]
    fn blanks_separate_where_they_make_columns_of_numbers() {
        let blanks = |head: &str| layout(head).delimiter == Some(BLANK);
        assert!(blanks(" 1.0   2  a\n 3.5   4  b\n10.5  -6  c\n"));
        assert!(blanks("a b\n1 2\n3 4\n"));
        assert!(blanks("18.0  8  307.0\t\"a b\"\n15.0  8  350.0\t\"c d\"\n17 4 5\t\"e f\"\n"));
        for head in [
            "text\nHello, world\nno comma\nnone\n",
            "price\n1 234\n2 345\n",
            "when\n31 Jan 2024\n1 Feb 2024\n",
            "2024-01-02 10:00:00\n2024-01-03 11:00:00\n2024-01-03 12:00:00\n",
            "name\tn\nAda L\t1\nAlan T\t2\n",
            "a b\nx y\nz w\n",
        ] {
            assert!(!blanks(head), "{head:?}");
        }
        let notes = layout("a:b\n1:2\n3:4\n").notes;
        assert!(notes[0].contains("--separator ':'"), "{notes:?}");
        assert!(layout("text\nHello, world\nno comma\nnone\n").notes.is_empty());
    }

    #[test]
    fn the_names_of_a_schema_tell_whether_there_is_a_header() {
        use modelwright_core::data::{Field, Kind, Schema, Storage};
        let field = |name: &str| Field::new(name, Storage::Number, Kind::Number);
        let options = |names: &[&str], header| ReadOptions {
            schema: Some(Schema { fields: names.iter().map(|n| field(n)).collect() }),
            header,
            ..ReadOptions::default()
        };
        let n_skipped =
            |head: &str, options: &ReadOptions| sniff(head, true, options).unwrap().n_skipped;
        let made = ["column_1", "column_3"];
        assert_eq!(n_skipped("a,b,c\n", &options(&made, None)), 0);
        assert_eq!(
            n_skipped("column_1,column_2,column_3\n1,2,3\n", &options(&made, Some(false))),
            1
        );
        assert_eq!(n_skipped("x,y\n1,2\n", &options(&["x"], Some(false))), 1);
        assert_eq!(n_skipped("1.5,2\n3,4\n", &options(&["x"], None)), 0);
        assert_eq!(n_skipped("a,b\n1,2\n", &options(&["column_9"], None)), 1);
    }

    #[test]
    fn names_are_repaired_and_the_repair_is_told() {
        let mut notes = Vec::new();
        let header = ["a", "", "a", "a_2", " b ", "a"].map(str::to_owned);
        let names = repair_names(&header, &mut notes);
        assert_eq!(names, ["a", "column_2", "a_3", "a_2", "b", "a_4"]);
        assert_eq!(notes.len(), 3);
        assert!(notes[1].contains("column 3 repeats the name `a`"), "{notes:?}");
    }
}
