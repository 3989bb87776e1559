//! The one error type of the workspace.
//!
//! An [`Error`] answers five questions with fields, not with prose glued together: what went
//! wrong, where (file, line, column, value), what was expected, what was found instead, and how
//! to fix it. The text is laid out here once (`Display`), so that every message has one shape;
//! exit codes are derived from [`ErrorKind`] at the rim. An `Err` always means the user's data,
//! parameters or machine: broken invariants are assertions.

use std::fmt;

/// The result of everything that can fail for a reason outside the program.
pub type Result<T> = std::result::Result<T, Error>;

/// Who has to act, which also decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The data, a flag or a parameter is wrong: exit code 2.
    Input,
    /// The work could not be done (out of memory, disk full, nothing could be fitted): exit
    /// code 1.
    Work,
    /// The user interrupted and nothing could be kept: exit code 130.
    Interrupted,
}

/// What went wrong, where, what was expected, what was found, and how to fix it.
#[derive(Debug)]
pub struct Error(Box<Fields>);

#[derive(Debug)]
struct Fields {
    kind: ErrorKind,
    what: String,
    place: Place,
    expected: Option<String>,
    got: Option<String>,
    hint: Option<String>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Where an error was found; every part is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// File, flag or part name as the user knows it.
    pub source: Option<String>,
    /// Line in a text file, counted from 1.
    pub line: Option<u64>,
    /// Data row, counted from 1 without the header.
    pub row: Option<u64>,
    /// Column name.
    pub column: Option<String>,
}

impl Error {
    /// An error of the user's data, flags or parameters.
    pub fn input(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, what)
    }

    /// An error of the work itself.
    pub fn work(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Work, what)
    }

    /// The user interrupted before anything could be kept.
    pub fn interrupted(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Interrupted, what)
    }

    fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self(Box::new(Fields {
            kind,
            what: what.into(),
            place: Place::default(),
            expected: None,
            got: None,
            hint: None,
            cause: None,
        }))
    }

    /// Names the file, flag or part.
    #[must_use]
    pub fn at(mut self, source: impl Into<String>) -> Self {
        self.0.place.source = Some(source.into());
        self
    }

    /// Names the line of a text file (from 1).
    #[must_use]
    pub fn line(mut self, line: u64) -> Self {
        self.0.place.line = Some(line);
        self
    }

    /// Names the data row (from 1, without the header).
    #[must_use]
    pub fn row(mut self, row: u64) -> Self {
        self.0.place.row = Some(row);
        self
    }

    /// Names the column.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.0.place.column = Some(column.into());
        self
    }

    /// Says what would have been right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.0.expected = Some(expected.into());
        self
    }

    /// Says what was found; long values are shortened.
    #[must_use]
    pub fn got(mut self, got: impl AsRef<str>) -> Self {
        self.0.got = Some(shorten(got.as_ref(), 80));
        self
    }

    /// Says how to fix it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds a "did you mean" hint when one of `known` is close to `name`, else lists `known`.
    #[must_use]
    pub fn suggest<'a>(self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        match nearest(name, &known) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None if known.is_empty() => self,
            None => {
                let shown: Vec<&str> = known.iter().take(12).copied().collect();
                let more = known.len().saturating_sub(shown.len());
                let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
                self.hint(format!("known: {}{tail}", shown.join(", ")))
            }
        }
    }

    /// Keeps the error that led here.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Who has to act.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What went wrong, without the other parts.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// Where it was found.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// What would have been right.
    pub fn expected_text(&self) -> Option<&str> {
        self.0.expected.as_deref()
    }

    /// What was found.
    pub fn got_text(&self) -> Option<&str> {
        self.0.got.as_deref()
    }

    /// How to fix it.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        write!(f, "{}", e.what)?;
        let p = &e.place;
        let parts: Vec<String> = [
            p.source.clone(),
            p.line.map(|l| format!("line {l}")),
            p.row.map(|r| format!("row {r}")),
            p.column.as_ref().map(|c| format!("column `{c}`")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !parts.is_empty() {
            write!(f, "\n  where:    {}", parts.join(", "))?;
        }
        if let Some(expected) = &e.expected {
            write!(f, "\n  expected: {expected}")?;
        }
        if let Some(got) = &e.got {
            write!(f, "\n  got:      {got}")?;
        }
        if let Some(cause) = &e.cause {
            write!(f, "\n  because:  {cause}")?;
        }
        if let Some(hint) = &e.hint {
            write!(f, "\n  hint:     {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|c| c as &(dyn std::error::Error + 'static))
    }
}

/// The candidate closest to `name`, if it is close enough to be a typing slip.
///
/// Distance is Levenshtein's on lower-cased letters, with two swapped neighbours as one slip; a
/// slip is at most a third of the name.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let wanted = name.trim().to_lowercase();
    known
        .iter()
        .map(|k| (edit_distance(&wanted, &k.trim().to_lowercase()), *k))
        .filter(|(distance, k)| *distance * 3 <= wanted.chars().count().max(k.chars().count()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// Shortens text to `n_chars` characters, marking the cut and escaping control characters.
pub fn shorten(text: &str, n_chars: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= n_chars {
        return clean;
    }
    let head: String = clean.chars().take(n_chars.saturating_sub(1)).collect();
    format!("{head}…")
}

/// Letters to insert, drop, change or swap with their neighbour (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut current = vec![i + 1];
        for j in 0..b.len() {
            let substitute = last[j] + usize::from(a[i] != b[j]);
            let mut least = substitute.min(last[j + 1] + 1).min(current[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before_last[j - 1] + 1);
            }
            current.push(least);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_where_expected_got_and_hint() {
        let error = Error::input("not a number")
            .at("sales.csv")
            .line(12)
            .column("price")
            .expected("a number")
            .got("twelve")
            .hint("quote the column as text with --kind price=text");
        assert_eq!(
            error.to_string(),
            "not a number\n  where:    sales.csv, line 12, column `price`\n  expected: a number\n  \
             got:      twelve\n  hint:     quote the column as text with --kind price=text"
        );
    }

    #[test]
    fn a_slip_is_suggested_and_a_stranger_is_not() {
        assert_eq!(nearest("Surived", &["Survived", "Sex"]), Some("Survived"));
        assert_eq!(nearest("gbtd", &["baseline", "gbdt"]), Some("gbdt"));
        assert_eq!(nearest("zzz", &["Survived", "Sex"]), None);
    }

    #[test]
    fn long_values_are_shortened() {
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten("a\nb", 4), "a b");
    }
}
