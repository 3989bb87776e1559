//! Stdout and stderr: results, complaints, tables of text.
//!
//! A reader that closes the pipe early (`| head`) has seen enough: that is no error, and writing
//! to a closed stderr is no reason to die.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use modelwright_core::{Error, Result};
use modelwright_lifecycle::outputs::{MODEL_FILE, RECORD_FILE, REPORT_FILE};
use modelwright_lifecycle::resolve_model;
use serde::Serialize;

/// Writes a result to stdout.
///
/// # Errors
/// Work error when stdout cannot be written to for another reason than a closed pipe.
pub(crate) fn print(text: &str) -> Result<()> {
    print_bytes(text.as_bytes())
}

/// Writes the bytes of a result to stdout; see [`print()`].
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => {
            Err(Error::work("cannot write the result").at("stdout").because(cause))
        }
        _ => Ok(()),
    }
}

/// Writes one JSON document to stdout.
///
/// # Errors
/// As [`print()`].
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|e| Error::work("cannot write the result as JSON").because(e))?;
    text.push('\n');
    print(&text)
}

/// The folder for a model that was made of `model` (its file), beside that one's: `NAME-what`.
pub(crate) fn beside(model: &Path, what: &str) -> PathBuf {
    let folder = model.parent().filter(|p| p.file_name().is_some());
    let name = folder.and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let name = if name.is_empty() { "model".into() } else { name };
    folder.and_then(Path::parent).unwrap_or(Path::new("")).join(format!("{name}-{what}"))
}

/// Refuses to write over a file that is read: nobody means it, and the rows would be gone. To be
/// asked before the work begins.
///
/// # Errors
/// Input error when `output` leads to the file of one of the inputs.
pub(crate) fn spare<'a>(
    output: Option<&Path>,
    inputs: impl IntoIterator<Item = &'a Path>,
    flag: &str,
) -> Result<()> {
    if output.is_some_and(|path| path.as_os_str() == "-") {
        return Err(Error::input("the result cannot go to stdout here")
            .at(flag)
            .expected("the name of a file")
            .got("-"));
    }
    let Some(Ok(place)) = output.map(Path::canonicalize) else { return Ok(()) };
    match inputs.into_iter().find(|i| i.canonicalize().is_ok_and(|input| input == place)) {
        None => Ok(()),
        Some(input) => Err(Error::input("the output would overwrite an input")
            .at(flag)
            .expected(format!("another file than {}", input.display()))
            .got(place.display().to_string())
            .hint(format!("choose another name with {flag}"))),
    }
}

/// Refuses to write over a model, or the account and the report that lie beside it: see
/// [`spare`].
///
/// # Errors
/// As [`spare`].
pub(crate) fn spare_model(output: Option<&Path>, model: &Path, flag: &str) -> Result<()> {
    // A model that is not there is told where it is read.
    let Ok(file) = resolve_model(model) else { return Ok(()) };
    let is_of_fit = file.file_name().is_some_and(|name| name == MODEL_FILE);
    let beside = [RECORD_FILE, REPORT_FILE].map(|name| file.with_file_name(name));
    let beside = beside.iter().filter(|_| is_of_fit).map(PathBuf::as_path);
    spare(output, beside.chain([&*file]), flag)
}

/// An output that may be `-` for stdout.
pub(crate) fn or_stdout(output: Option<PathBuf>) -> Option<PathBuf> {
    output.filter(|path| path.as_os_str() != "-")
}

/// Writes a line to stderr.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes an error to stderr.
pub(crate) fn complain(error: &Error) {
    let title = if stderr_is_styled() { "\x1b[1;31merror:\x1b[0m" } else { "error:" };
    say(&format!("{title} {error}"));
}

/// Writes a warning to stderr.
pub(crate) fn warn(text: &str) {
    let title = if stderr_is_styled() { "\x1b[1;33mwarning:\x1b[0m" } else { "warning:" };
    say(&format!("{title} {text}"));
}

/// Whether stdout may have colours.
pub(crate) fn stdout_is_styled() -> bool {
    io::stdout().is_terminal() && colours_wanted()
}

fn stderr_is_styled() -> bool {
    io::stderr().is_terminal() && colours_wanted()
}

/// The convention of <https://no-color.org>.
fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// A table of text: columns as wide as their widest cell, the first to the left and the numbers
/// to the right.
pub(crate) struct TextTable {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl TextTable {
    /// A table with these titles; a title that begins with `>` makes its column right-aligned.
    pub(crate) fn new(titles: &[&str]) -> Self {
        let right = titles.iter().map(|t| t.starts_with('>')).collect();
        let titles = titles.iter().map(|t| t.strip_prefix('>').unwrap_or(t).to_owned()).collect();
        Self { rows: vec![titles], right }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If there are not as many cells as titles.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.right.len(), "a row has a cell under every title");
        self.rows.push(cells);
    }

    /// The lines, each with two blanks before it.
    pub(crate) fn render(&self) -> String {
        self.lines(0)
    }

    /// The lines without the titles.
    pub(crate) fn body(&self) -> String {
        self.lines(1)
    }

    fn lines(&self, from: usize) -> String {
        let width =
            |column: usize| self.rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.right.len()).map(width).collect();
        let mut text = String::new();
        for row in &self.rows[from..] {
            let mut line = String::from(" ");
            for ((cell, width), right) in row.iter().zip(&widths).zip(&self.right) {
                let pad = " ".repeat(width - cell.chars().count());
                let (before, after) = if *right { (&pad[..], "") } else { ("", &pad[..]) };
                for part in [" ", before, cell, after, " "] {
                    line.push_str(part);
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A time of the store in UTC (`2026-01-31T12:00:00Z`) as a table shows it.
pub(crate) fn time(at: &str) -> String {
    at.replace('T', " ").trim_end_matches('Z').to_owned()
}

/// Text in lines of at most `width` characters, each after `indent` blanks. A longer word stays
/// whole.
pub(crate) fn wrap(text: &str, indent: usize, width: usize) -> String {
    let mut lines = vec![String::new()];
    // A number keeps its per cent sign, and a comparison its number.
    let text = text.replace(" %", "\u{a0}%").replace("< ", "<\u{a0}");
    for word in text.split([' ', '\n', '\t']).filter(|word| !word.is_empty()) {
        let line = lines.last().map_or(0, |l| l.chars().count());
        if line > 0 && indent + line + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word.replace('\u{a0}', " "));
        }
    }
    let indent = " ".repeat(indent);
    format!("{indent}{}\n", lines.join(&format!("\n{indent}")))
}

/// A whole number with thousands separators: `1,234,567`.
pub(crate) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A score or statistic with four significant digits after a short whole part.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        v if v == 0.0 || !v.is_finite() => format!("{value}"),
        v if (1000.0..1e15).contains(&v) => {
            format!("{}{}", if value < 0.0 { "-" } else { "" }, count(v.round() as usize))
        }
        v if v >= 1e15 => format!("{value:.3e}"),
        v if v >= 10.0 => format!("{value:.2}"),
        v if v >= 0.001 => format!("{value:.4}"),
        _ => format!("{value:.3e}"),
    }
}

/// A size in binary units: `1.4 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A duration as people say it: `0.8 s`, `42 s`, `3 m 05 s`.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 60.0 => format!("{s:.0} s"),
        s if s < 3600.0 => format!("{} m {:02} s", s as u64 / 60, s as u64 % 60),
        s => format!("{} h {:02} m", s as u64 / 3600, s as u64 % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
        assert_eq!(number(0.926_54), "0.9265");
        assert_eq!(number(-47_500.4), "-47,500");
        assert_eq!(number(0.000_012), "1.200e-5");
        assert_eq!(size(1_503_238_554), "1.4 GiB");
        assert_eq!(seconds(185.4), "3 m 05 s");
    }

    #[test]
    fn text_is_wrapped_between_words() {
        assert_eq!(wrap("one two  three", 2, 9), "  one two\n  three\n");
        assert_eq!(wrap("incomprehensible", 0, 5), "incomprehensible\n");
    }

    #[test]
    fn a_title_that_begins_with_the_mark_of_numbers_keeps_it() {
        let mut table = TextTable::new(&["class", ">>50K"]);
        table.row(vec!["share".to_owned(), "1".to_owned()]);
        assert_eq!(table.render(), "  class  >50K\n  share     1\n");
    }

    #[test]
    fn a_table_aligns_words_left_and_numbers_right() {
        let mut table = TextTable::new(&["name", ">n"]);
        table.row(vec!["a".to_owned(), "12".to_owned()]);
        table.row(vec!["long".to_owned(), "3".to_owned()]);
        assert_eq!(table.render(), "  name   n\n  a     12\n  long   3\n");
    }
}
