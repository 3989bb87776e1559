//! How pickle and copy make an object again: from the bytes in which it is stored.

use modelwright_core::Result;
use pyo3::PyClass;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::{Realm, raise};

/// What `__reduce__` answers: `from_bytes` of the object's class, and its bytes.
pub(crate) type Reduced<'py> = (Bound<'py, PyAny>, (Bound<'py, PyBytes>,));

/// The answer for an object of a class that has `from_bytes`.
pub(crate) fn reduced<'py, T: PyClass>(
    object: &Bound<'py, T>,
    stored: Result<impl AsRef<[u8]>>,
) -> PyResult<Reduced<'py>> {
    let py = object.py();
    let stored = stored.map_err(|e| raise(py, &e, Realm::Artifact))?;
    Ok((object.as_any().get_type().getattr("from_bytes")?, (PyBytes::new(py, stored.as_ref()),)))
}
