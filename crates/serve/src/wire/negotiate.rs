//! Which format a body is in, and which the answer shall be in.

use crate::ask::Ask;

/// Formats of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    JsonLines,
    Csv,
    Parquet,
    Arrow,
}

impl Form {
    /// The media type of an answer.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    fn of_media_type(text: &str) -> Option<Self> {
        const NAMES: [(Form, &[&str]); 5] = [
            (Form::Json, &["application/json", "text/json"]),
            (
                Form::JsonLines,
                &[
                    "application/x-ndjson",
                    "application/ndjson",
                    "application/jsonl",
                    "application/jsonlines",
                    "application/x-jsonlines",
                ],
            ),
            (Form::Csv, &["text/csv", "application/csv", "text/tab-separated-values"]),
            (
                Form::Parquet,
                &["application/vnd.apache.parquet", "application/parquet", "application/x-parquet"],
            ),
            (
                Form::Arrow,
                &["application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.file"],
            ),
        ];
        let kind = text.split(';').next().unwrap_or_default().trim();
        let is_of = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(kind));
        NAMES.iter().find(|(_, names)| is_of(names)).map(|(form, _)| *form)
    }

    /// The form of a body, by its declared type or, where that says nothing, by its look.
    pub(crate) fn of_body(ask: &Ask) -> Self {
        Self::declared(ask).unwrap_or_else(|| Self::of_bytes(&ask.body))
    }

    /// The form that a body is declared to have.
    pub(crate) fn declared(ask: &Ask) -> Option<Self> {
        ask.header("content-type").and_then(Self::of_media_type)
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        if bytes.starts_with(b"PAR1") {
            return Self::Parquet;
        }
        if bytes.starts_with(b"ARROW1") || bytes.starts_with(&[0xff; 4]) {
            return Self::Arrow;
        }
        let text = bytes.trim_ascii();
        match text.first() {
            None | Some(b'[') => Self::Json,
            Some(b'{') => {
                // One object per line: the first line is whole, and there are more.
                let first = text.split(|b| *b == b'\n').next().unwrap_or_default();
                let is_line = first.len() < text.len() && first.trim_ascii().ends_with(b"}");
                if is_line { Self::JsonLines } else { Self::Json }
            }
            Some(_) => Self::Csv,
        }
    }

    /// The form of the answer: what is asked for first, else that of the body.
    pub(crate) fn of_answer(ask: &Ask, body: Self) -> Self {
        let wanted = ask.header("accept").unwrap_or("*/*");
        wanted.split(',').find_map(Self::of_media_type).unwrap_or(body)
    }
}
