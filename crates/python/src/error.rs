//! Our errors as Python's: the class by whose concern it is, the parts as attributes.

use modelwright_core::{Error, ErrorKind};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What was being done, which decides the class of an input error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Realm {
    /// Looking at data.
    Data,
    /// Reading what was asked.
    Option,
    /// Reading a model or a record.
    Artifact,
}

/// The Python exception for an error; see `modelwright._errors`.
pub(crate) fn raise(py: Python<'_>, error: &Error, realm: Realm) -> PyErr {
    if error.kind() == ErrorKind::Interrupted {
        return PyKeyboardInterrupt::new_err(error.to_string());
    }
    made(py, error, realm).map_or_else(|failed| failed, PyErr::from_value)
}

fn made<'py>(py: Python<'py>, error: &Error, realm: Realm) -> PyResult<Bound<'py, PyAny>> {
    let parts = PyDict::new(py);
    let kind = if error.kind() == ErrorKind::Work { "work" } else { "input" };
    let realm = match realm {
        Realm::Data => "data",
        Realm::Option => "option",
        Realm::Artifact => "artifact",
    };
    let place = error.place();
    parts.set_item("what", error.what())?;
    parts.set_item("source", place.source.as_deref())?;
    parts.set_item("line", place.line)?;
    parts.set_item("row", place.row)?;
    parts.set_item("column", place.column.as_deref())?;
    parts.set_item("expected", error.expected_text())?;
    parts.set_item("got", error.got_text())?;
    parts.set_item("hint", error.hint_text())?;
    parts.set_item("text", error.to_string())?;
    py.import("modelwright._errors")?.call_method1("make", (kind, realm, parts))
}

/// A value as JSON.
pub(crate) fn json<T: serde::Serialize>(py: Python<'_>, value: &T) -> PyResult<String> {
    serde_json::to_string(value).map_err(|cause| {
        let error = Error::work("cannot write the result as JSON").because(cause);
        raise(py, &error, Realm::Data)
    })
}
