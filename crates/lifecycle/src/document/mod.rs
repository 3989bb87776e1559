//! Documents: the values that JSON and UBJSON files hold alike.
//!
//! A list of numbers, which is nearly all of a model, is one block of memory instead of a value
//! per number, and remembers how wide its numbers are: UBJSON says it, and some readers insist on
//! it. Whole numbers beyond 2⁵³ are rounded.

pub(crate) mod json;
pub(crate) mod node;
mod ubjson_read;
mod ubjson_write;

pub(crate) use ubjson_read::read as read_ubjson;
pub(crate) use ubjson_write::write as write_ubjson;

use std::collections::BTreeMap;

/// Lists and objects inside each other deeper than this are refused (as `serde_json` does).
const DEPTH_MAX: usize = 128;

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Flag(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    Numbers(Width, Vec<f64>),
    List(Vec<Value>),
    Object(BTreeMap<String, Value>),
}

/// How the numbers of a list are held in UBJSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    I8,
    U8,
    I16,
    I32,
    I64,
    F32,
    F64,
}

impl Width {
    /// UBJSON's mark of the type.
    fn mark(self) -> u8 {
        match self {
            Self::I8 => b'i',
            Self::U8 => b'U',
            Self::I16 => b'I',
            Self::I32 => b'l',
            Self::I64 => b'L',
            Self::F32 => b'd',
            Self::F64 => b'D',
        }
    }

    fn of_mark(mark: u8) -> Option<Self> {
        [Self::I8, Self::U8, Self::I16, Self::I32, Self::I64, Self::F32, Self::F64]
            .into_iter()
            .find(|width| width.mark() == mark)
    }

    fn size_bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }
}

impl Value {
    /// An object of the given fields.
    pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Self {
        Self::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A list of texts.
    pub(crate) fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    /// A list of whole numbers, each a value by itself.
    pub(crate) fn wholes(numbers: impl IntoIterator<Item = i64>) -> Self {
        Self::List(numbers.into_iter().map(Self::Whole).collect())
    }

    /// A list of numbers of one width.
    pub(crate) fn numbers<T: Into<f64>>(
        width: Width,
        numbers: impl IntoIterator<Item = T>,
    ) -> Self {
        Self::Numbers(width, numbers.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests;
