//! Refusals: the status of HTTP, and a body by RFC 9457 ("problem details") that says what was
//! wrong, where, what was expected, what came, and how to fix it.
//!
//! One body serves all protocols: `error` is what clients of the Open Inference Protocol read, the
//! other members are RFC 9457's and ours.

use std::ops::{Deref, DerefMut};

use modelwright_core::{Error, ErrorKind};
use serde::Serialize;

/// Faults that are listed; more are counted.
const N_FAULTS_MAX: usize = 20;

/// The kinds of problems that are about what was sent.
const MALFORMED: &str = "malformed-body";
const INVALID_ROW: &str = "invalid-row";

/// A value or row that was refused.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Row of the request, from 0.
    pub(crate) row: usize,
    /// What is wrong with it.
    pub(crate) error: Error,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Problem(Box<Fields>);

/// What a problem says.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) status: u16,
    /// Names the kind of problem.
    pub(crate) kind: &'static str,
    pub(crate) detail: String,
    pub(crate) expected: Option<String>,
    pub(crate) got: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) retry_after_s: Option<u32>,
}

/// What is answered of it.
#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    error: String,
    #[serde(flatten)]
    place: Place<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Place<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n_errors: Option<usize>,
    request_id: &'a str,
}

/// Where a value was refused.
#[derive(Serialize, Default)]
pub(crate) struct Place<'a> {
    /// Row of the request, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    got: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// The place of a fault.
    pub(crate) fn of(fault: &'a Fault) -> Self {
        let error = &fault.error;
        Self {
            row: Some(fault.row + 1),
            column: error.place().column.as_deref(),
            what: Some(error.what()),
            expected: error.expected_text(),
            got: error.got_text(),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::of_error(error)
    }
}

impl Deref for Problem {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Fields {
        &mut self.0
    }
}

impl Problem {
    /// A problem with a status and a text.
    pub(crate) fn new(status: u16, kind: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Fields {
            status,
            kind,
            detail: detail.into(),
            expected: None,
            got: None,
            hint: None,
            faults: Vec::new(),
            retry_after_s: None,
        }))
    }

    /// A body that cannot be read as what it should be.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(400, MALFORMED, detail)
    }

    /// Says what would have been right.
    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Says what came; long values are shortened.
    pub(crate) fn got(mut self, got: &str) -> Self {
        self.got = Some(modelwright_core::error::shorten(got, 80));
        self
    }

    /// Says how to fix it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says when to come back.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Rows that were refused; there is at least one.
    pub(crate) fn of_faults(faults: Vec<Fault>) -> Self {
        let n_rows = {
            let mut rows: Vec<usize> = faults.iter().map(|f| f.row).collect();
            rows.dedup();
            rows.len()
        };
        let first = faults.first();
        let what = first.map_or("a row is refused", |f| f.error.what()).to_owned();
        let (hint, more) = (first.and_then(|f| f.error.hint_text()).map(str::to_owned), n_rows > 1);
        let detail = if more { format!("{what} (and {} more rows)", n_rows - 1) } else { what };
        let hint = hint
            .or_else(|| more.then(|| "with ?on_error=null the other rows are answered".to_owned()));
        let mut problem = Self::new(422, INVALID_ROW, detail);
        (problem.faults, problem.hint) = (faults, hint);
        problem
    }

    /// The same of rows that stand behind `n` others of the request.
    #[must_use]
    pub(crate) fn behind(mut self, n: usize) -> Self {
        self.faults.iter_mut().for_each(|fault| fault.row += n);
        self
    }

    /// A problem that the libraries found in what was sent, or had themselves.
    pub(crate) fn of_error(error: Error) -> Self {
        if modelwright_io::is_too_large(&error) {
            let mut problem = Self::new(413, "body-too-large", one_line(&error));
            problem.expected = error.expected_text().map(str::to_owned);
            return problem.hint("send it in smaller records or batches, or raise --max-body");
        }
        match error.kind() {
            ErrorKind::Input if error.place().column.is_some() || error.place().row.is_some() => {
                let row = error.place().row.map_or(0, |r| r.saturating_sub(1) as usize);
                Self::of_faults(vec![Fault { row, error }])
            }
            ErrorKind::Input => {
                let mut problem = Self::malformed(error.what());
                problem.detail = one_line(&error);
                problem.expected = error.expected_text().map(str::to_owned);
                problem.got = error.got_text().map(str::to_owned);
                problem.hint = error.hint_text().map(str::to_owned);
                problem
            }
            ErrorKind::Work | ErrorKind::Interrupted => {
                Self::new(500, "internal", one_line(&error))
            }
        }
    }

    /// The text in one line, as clients of other protocols show it.
    pub(crate) fn text(&self) -> String {
        let place = self.place();
        let mut parts = vec![self.detail.clone()];
        parts.extend(place.row.map(|row| format!("row {row}")));
        let named = [("column", place.column), ("expected", place.expected), ("got", place.got)];
        let named = named.into_iter().chain([("hint", self.hint.as_deref())]);
        parts.extend(named.filter_map(|(name, part)| Some(format!("{name}: {}", part?))));
        parts.join("; ")
    }

    /// The text for logs and traces, which hold no value of a row: of a body that was refused only
    /// what kind of fault it has and where, as its texts may quote it.
    pub(crate) fn told(&self) -> String {
        if !matches!(self.kind, INVALID_ROW | MALFORMED) {
            return self.text();
        }
        let place = self.place();
        let mut parts = vec![self.kind.to_owned()];
        parts.extend(place.row.map(|row| format!("row {row}")));
        let named = [("column", place.column), ("expected", place.expected)];
        parts.extend(
            named.into_iter().filter_map(|(name, part)| Some(format!("{name}: {}", part?))),
        );
        parts.join("; ")
    }

    /// The body.
    pub(crate) fn to_json(&self, request_id: &str) -> Vec<u8> {
        let errors = if self.faults.len() > 1 {
            self.faults.iter().take(N_FAULTS_MAX).map(Place::of).collect()
        } else {
            Vec::new()
        };
        let body = Body {
            r#type: format!("urn:modelwright:problem:{}", self.kind),
            title: title(self.status),
            status: self.status,
            detail: &self.detail,
            error: self.text(),
            place: Place { what: None, ..self.place() },
            hint: self.hint.as_deref(),
            n_errors: (!errors.is_empty()).then_some(self.faults.len()),
            errors,
            request_id,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    fn place(&self) -> Place<'_> {
        match self.faults.first() {
            Some(fault) => Place::of(fault),
            None => Place {
                expected: self.expected.as_deref(),
                got: self.got.as_deref(),
                ..Place::default()
            },
        }
    }
}

fn one_line(error: &Error) -> String {
    let mut parts = vec![error.what().to_owned()];
    let mut cause = std::error::Error::source(error);
    while let Some(this) = cause {
        parts.push(this.to_string());
        cause = this.source();
    }
    parts.join(": ")
}

fn title(status: u16) -> &'static str {
    let status = hyper::StatusCode::from_u16(status).ok();
    status.and_then(|s| s.canonical_reason()).unwrap_or("Problem")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_refused_body_quotes_nothing_of_it() {
        let quoted =
            || Error::input("line 3 is no JSON object: string \"Jane Doe\"").got("Jane Doe");
        let of_row = quoted().column("age").expected("a number").because("Jane Doe");
        let row = Problem::of_error(of_row);
        assert!(row.text().contains("Jane Doe"), "who sent it is told: {}", row.text());
        assert_eq!(row.told(), "invalid-row; row 1; column: age; expected: a number");
        let body = Problem::of_error(quoted());
        assert_eq!((body.status, body.told().as_str()), (400, "malformed-body"));
        let other = Problem::new(404, "no-such-model", "there is none").got("b");
        assert_eq!(other.told(), other.text());
    }
}
