//! A request that was received whole, and the answer to it, as the wire formats see them.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};

use modelwright_core::error::nearest;
use modelwright_core::task::Predictions;

use crate::drift::DriftWatch;
use crate::events::Events;
use crate::intake::{Intake, OnError, Terms};
use crate::model::Model;
use crate::problem::Problem;
use crate::reasons::{N_REASONS, N_REASONS_MAX};
use crate::request_log::RequestLog;
use crate::settings::Policy;
use crate::shadow::Shadow;

/// A request to a model.
pub(crate) struct Ask {
    pub(crate) model: Arc<Model>,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Query,
    /// Without its content encoding.
    pub(crate) body: Bytes,
    pub(crate) request_id: Arc<str>,
    pub(crate) policy: Policy,
    pub(crate) rows_max: usize,
    /// How long rows may be explained.
    pub(crate) explain_time_max: Duration,
    /// A version that is asked the same, unseen.
    pub(crate) shadow: Option<(Arc<Model>, Shadow)>,
    /// Looks whether rows are like those of training, if anybody does.
    pub(crate) drift: Option<DriftWatch>,
    /// Where rows and answers are written down, if this request is.
    pub(crate) request_log: Option<RequestLog>,
    /// Who is told of it, if anybody is.
    pub(crate) events: Option<Events>,
    /// What is predicted of the request's only row, where it was predicted with those of others.
    pub(crate) predicted: Option<Predictions>,
}

impl Ask {
    /// A request to a model that says nothing yet, and of which nobody is told.
    pub(crate) fn plain(model: Arc<Model>) -> Self {
        Self {
            model,
            headers: HeaderMap::new(),
            query: Query::default(),
            body: Bytes::new(),
            request_id: "".into(),
            policy: Policy::Warn,
            rows_max: usize::MAX,
            explain_time_max: Duration::ZERO,
            shadow: None,
            drift: None,
            request_log: None,
            events: None,
            predicted: None,
        }
    }

    /// How the rows are to be taken.
    ///
    /// # Errors
    /// Problem 400 for an unknown word in the query.
    pub(crate) fn terms(&self) -> Result<Terms, Problem> {
        let on_error = match self.query.get("on_error") {
            None | Some("fail") => OnError::Fail,
            Some("null") => OnError::Null,
            Some(other) => {
                return Err(bad_parameter("on_error", "`fail` or `null`", other));
            }
        };
        Ok(Terms { on_error, policy: self.policy, rows_max: self.rows_max })
    }

    /// Columns to be filled, for about `n_rows` rows.
    pub(crate) fn intake(&self, n_rows: usize) -> Result<Intake<'_>, Problem> {
        Ok(Intake::new(&self.model, self.terms()?, n_rows))
    }

    /// The position of the level of intervals that is asked for, among those of the model.
    pub(crate) fn level(&self) -> Result<Option<usize>, Problem> {
        let Some(wanted) = self.query.get("interval") else { return Ok(None) };
        let levels = self.model.predictor.levels();
        if levels.is_empty() {
            return Err(Problem::new(400, "no-intervals", "the model has no intervals")
                .hint("fit it with --intervals 0.9"));
        }
        if matches!(wanted, "" | "true") && levels.len() == 1 {
            return Ok(Some(0));
        }
        let of_value = |value: f64| levels.iter().position(|level| *level == value);
        wanted.parse().ok().and_then(of_value).map(Some).ok_or_else(|| {
            let known: Vec<String> = levels.iter().map(f64::to_string).collect();
            bad_parameter("interval", &format!("one of {}", known.join(", ")), wanted)
        })
    }

    /// How many reasons of each row are asked for; `None` for none.
    pub(crate) fn n_reasons(&self) -> Result<Option<usize>, Problem> {
        match self.query.get("explain") {
            None | Some("false" | "0") => Ok(None),
            Some("" | "true") => Ok(Some(N_REASONS)),
            Some(text) => match text.parse() {
                Ok(n) if n <= N_REASONS_MAX => Ok(Some(n)),
                _ => {
                    let expected = format!("a number of reasons, at most {N_REASONS_MAX}");
                    Err(bad_parameter("explain", &expected, text))
                }
            },
        }
    }

    /// Whether it is asked how unusual rows are.
    ///
    /// # Errors
    /// Problem 400 for an unknown word in the query.
    pub(crate) fn wants_unusualness(&self) -> Result<bool, Problem> {
        match self.query.get("unusual") {
            None | Some("false" | "0") => Ok(false),
            Some("" | "true" | "1") => Ok(true),
            Some(other) => Err(bad_parameter("unusual", "`true` or `false`", other)),
        }
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

fn bad_parameter(name: &str, expected: &str, got: &str) -> Problem {
    Problem::new(400, "bad-parameter", format!("the parameter `{name}` is wrong"))
        .expected(expected)
        .got(got)
}

/// The parameters behind the `?` of a URL.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what stands behind the `?`.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        };
        let pairs = text.unwrap_or_default().split('&').filter(|p| !p.is_empty());
        Self(pairs.map(pair).collect())
    }

    /// Of parameters that came in another way.
    pub(crate) fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Adds a parameter that came in another way; one of the URL goes before it.
    pub(crate) fn also(&mut self, name: &str, value: String) {
        self.0.push((name.to_owned(), value));
    }

    /// The names of all parameters.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Refuses names of parameters that do not exist: a slip would be a wish that nobody heeds.
    ///
    /// # Errors
    /// Problem 400 that names the nearest of `known`.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        let Some(other) = self.names().find(|name| !known.contains(name)) else { return Ok(()) };
        let problem = Problem::new(400, "bad-parameter", "there is no such parameter")
            .expected(format!("one of {}", known.join(", ")))
            .got(other);
        Err(match nearest(other, known) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem,
        })
    }

    /// The value of a parameter; empty where it has none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// The same as [`decoded`], owned.
pub(crate) fn decode(text: &str) -> String {
    decoded(text).into_owned()
}

/// A part of a URL with `%41` and `+` undone; what is no UTF-8 becomes replacement characters.
pub(crate) fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let (bytes, mut out) = (text.as_bytes(), Vec::with_capacity(text.len()));
    let mut i = 0;
    while i < bytes.len() {
        let digits = bytes.get(i + 1..i + 3).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|d| std::str::from_utf8(d).ok());
        match (bytes[i], digits.and_then(|d| u8::from_str_radix(d, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        i += 1;
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// Rows that were predicted.
    pub(crate) n_rows: Option<usize>,
    /// Whether the body is never compressed: files are large, and packed already.
    pub(crate) is_final: bool,
    /// A body that comes in parts, in place of `body`.
    pub(crate) parts: Option<Parts>,
}

/// A body that does not lie in memory as a whole.
#[derive(Debug)]
pub(crate) enum Parts {
    /// A file of so many bytes.
    File(std::fs::File, u64),
    /// What somebody is making just now; an error breaks the answer off.
    Made(tokio::sync::mpsc::Receiver<std::io::Result<Bytes>>),
}

impl Reply {
    /// A body of a type.
    pub(crate) fn new(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let (headers, body) = (Vec::new(), body.into());
        let (n_rows, is_final, parts) = (None, false, None);
        Self { status: 200, content_type, headers, body, n_rows, is_final, parts }
    }

    /// A body that comes in parts.
    pub(crate) fn in_parts(content_type: &'static str, parts: Parts) -> Self {
        Self { parts: Some(parts), ..Self::new(content_type, Bytes::new()).unpacked() }
    }

    /// A file, which is read while it is sent.
    ///
    /// # Errors
    /// When it cannot be opened, or is none.
    pub(crate) fn file(content_type: &'static str, path: &Path) -> std::io::Result<Self> {
        let file = std::fs::File::open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(std::io::Error::other("not a file"));
        }
        Ok(Self::in_parts(content_type, Parts::File(file, meta.len())))
    }

    /// The body is sent as it is.
    pub(crate) fn unpacked(mut self) -> Self {
        self.is_final = true;
        self
    }

    /// A document of JSON.
    pub(crate) fn json(value: &impl serde::Serialize) -> Self {
        Self::new("application/json", serde_json::to_vec(value).unwrap_or_default())
    }

    /// Says how many rows were predicted.
    pub(crate) fn of_rows(mut self, n_rows: usize) -> Self {
        self.n_rows = Some(n_rows);
        self
    }

    /// Adds a header; a value that no header can hold is left out.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_never_fails() {
        let query =
            Query::parse(Some("on_error=null&name=a%20b+c&flag&bad=%zz%4&sign=%+4&=x&é=%C3%A9"));
        assert_eq!(query.get("on_error"), Some("null"));
        assert_eq!(query.get("name"), Some("a b c"));
        assert_eq!(query.get("flag"), Some(""));
        assert_eq!(query.get("bad"), Some("%zz%4"));
        assert_eq!(query.get("sign"), Some("% 4"));
        assert_eq!(query.get("é"), Some("é"));
        assert_eq!(query.get("none"), None);
    }

    #[test]
    fn a_parameter_that_does_not_exist_is_refused_with_the_nearest_that_does() {
        let only = |text| Query::parse(Some(text)).only(&["explain", "model"]);
        assert!(only("model=a&explain").is_ok() && only("").is_ok());
        let slip = only("model=a&exlpain=3").unwrap_err();
        assert_eq!((slip.status, slip.got.as_deref()), (400, Some("exlpain")));
        assert_eq!(slip.hint.as_deref(), Some("did you mean `explain`?"));
        let other = only("policy=reject").unwrap_err();
        assert_eq!(other.hint, None);
        assert_eq!(other.expected.as_deref(), Some("one of explain, model"));
    }
}
