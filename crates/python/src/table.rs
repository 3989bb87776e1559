//! Columns of Python, NumPy and Arrow to a table.
//!
//! `modelwright._data` names the form of each column; what the values mean is decided below, by
//! the rules of every file format.

use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatchReader;
use arrow_array::ffi_stream::RecordBatchStreamReader;
use arrow_pyarrow::FromPyArrow;
use modelwright::Rows;
use modelwright::io::{ReadOptions, TableFile, columns_of_batches, fingerprint, table_in_memory};
use modelwright_core::data::{Column, ColumnData, MISSING_CODE, Numbers, Schema, Strings};
use modelwright_core::{Context, Error, Result};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::array::{Matrix, Vector, View};
use crate::context::shared;
use crate::error::{Realm, raise};
use crate::object::ObjectColumn;

/// Columns that are used once, by the run or the model that they are handed to.
#[pyclass(frozen, module = "modelwright._modelwright")]
pub(crate) struct Table {
    columns: Mutex<Option<Vec<Column>>>,
    #[pyo3(get)]
    names: Vec<String>,
    #[pyo3(get)]
    n_rows: usize,
    format: String,
    notes: Vec<String>,
}

#[pymethods]
impl Table {
    /// Of columns in the forms `("numbers", array, mask or None)`, `("instants", array)`,
    /// `("codes", array, levels)`, `("objects", sequence)`, `("arrow", stream)` and
    /// `("column", table, place)`.
    #[staticmethod]
    fn of_columns(
        py: Python<'_>,
        names: Vec<String>,
        forms: Vec<Bound<'_, PyTuple>>,
        format: String,
    ) -> PyResult<Self> {
        let ctx = shared(0).map_err(|e| raise(py, &e, Realm::Data))?;
        let mut held = Vec::with_capacity(names.len());
        for (name, form) in names.iter().zip(&forms) {
            held.push(hold(name, form, &ctx)?);
        }
        let views: Vec<Option<Viewed<'_>>> = held.iter().map(Held::view).collect();
        let read = py.detach(|| ctx.map(views.len(), |i| views[i].as_ref().map(Viewed::data)));
        drop(views);
        let mut columns = Vec::with_capacity(names.len());
        for ((name, held), data) in names.into_iter().zip(held).zip(read) {
            columns.push(match (held, data) {
                (Held::Done(data), _) | (_, Some(data)) => Column { name, data },
                _ => return Err(PyTypeError::new_err("a column could not be read")),
            });
        }
        Ok(Self::new(columns, format, Vec::new()))
    }

    /// Of a matrix of real numbers.
    #[staticmethod]
    fn of_matrix(
        py: Python<'_>,
        names: Vec<String>,
        matrix: &Bound<'_, PyAny>,
        format: String,
    ) -> PyResult<Self> {
        let columns = Matrix::of(matrix)?.columns(py);
        let named = names.into_iter().zip(columns);
        let columns = named.map(|(name, values)| Column::numbers(name, values)).collect();
        Ok(Self::new(columns, format, Vec::new()))
    }

    /// Of anything that gives an Arrow stream.
    #[staticmethod]
    fn of_arrow(py: Python<'_>, stream: &Bound<'_, PyAny>, format: String) -> PyResult<Self> {
        let ctx = shared(0).map_err(|e| raise(py, &e, Realm::Data))?;
        let mut notes = Vec::new();
        let columns = read_stream(stream, &mut notes, &ctx)?;
        Ok(Self::new(columns, format, notes))
    }

    /// Of a list of rows, each a dict; a key that a row lacks is missing there.
    #[staticmethod]
    fn of_rows(py: Python<'_>, rows: Vec<Bound<'_, PyDict>>, format: String) -> PyResult<Self> {
        let mut names: Vec<String> = Vec::new();
        let mut known = std::collections::HashSet::new();
        for row in &rows {
            for key in row.keys() {
                let key: String = key.extract()?;
                if known.insert(key.clone()) {
                    names.push(key);
                }
            }
        }
        let mut columns = Vec::with_capacity(names.len());
        for name in &names {
            let mut column = ObjectColumn::new(name);
            for row in &rows {
                let value = row.get_item(name)?.unwrap_or_else(|| py.None().into_bound(py));
                column.push(&value).map_err(|e| raise(py, &e, Realm::Data))?;
            }
            columns.push(column.finish());
        }
        Ok(Self { n_rows: rows.len(), ..Self::new(columns, format, Vec::new()) })
    }
}

impl Table {
    fn new(columns: Vec<Column>, format: String, notes: Vec<String>) -> Self {
        let names = columns.iter().map(|c| c.name.clone()).collect();
        let n_rows = columns.first().map_or(0, Column::n_rows);
        Self { columns: Mutex::new(Some(columns)), names, n_rows, format, notes }
    }

    /// Gives away the values of one column.
    fn give(&self, place: usize) -> Result<ColumnData> {
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        let column = columns.as_mut().and_then(|c| c.get_mut(place));
        let column = column.ok_or_else(|| Error::work("a table was used twice"))?;
        Ok(std::mem::replace(&mut column.data, ColumnData::Number(Numbers::default())))
    }

    /// The names of the columns.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The table that the columns are; it can be had once.
    pub(crate) fn take(&self, schema: Option<Schema>, ctx: &Context) -> Result<TableFile> {
        let columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner).take();
        let columns = columns.ok_or_else(|| Error::work("a table was used twice"))?;
        let options = ReadOptions { schema, ..ReadOptions::default() };
        table_in_memory(columns, ("table", &self.format), self.notes.clone(), &options, ctx)
    }

    /// The columns as they were handed over; they can be had once.
    pub(crate) fn rows(&self, name: &str) -> Result<Rows> {
        let columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner).take();
        let columns = columns.ok_or_else(|| Error::work("a table was used twice"))?;
        Ok(Rows::Table { name: name.to_owned(), format: self.format.clone(), columns })
    }

    /// As [`Self::take`], for a run, with the fingerprint in place of a file's hash.
    pub(crate) fn take_for_run(&self, schema: Option<Schema>, ctx: &Context) -> Result<TableFile> {
        if self.n_rows == 0 {
            return Err(Error::input("the table has no rows")
                .expected("at least one row")
                .got(format!("0 rows, {} columns", self.names.len())));
        }
        let mut file = self.take(schema, ctx)?;
        file.source.sha256 = fingerprint(&file.table, ctx);
        Ok(file)
    }
}

/// A column on its way: held, to be read without the interpreter, or done.
enum Held<'py> {
    Numbers(Vector<'py>, Option<PyReadonlyArray1<'py, bool>>),
    Codes(Vector<'py>, Vec<String>),
    Instants(PyReadonlyArray1<'py, i64>),
    Done(ColumnData),
}

/// What other threads see of a held column.
enum Viewed<'a> {
    Numbers(View<'a>, Option<numpy::ndarray::ArrayView1<'a, bool>>),
    Codes(View<'a>, &'a [String]),
    Instants(numpy::ndarray::ArrayView1<'a, i64>),
}

impl Held<'_> {
    fn view(&self) -> Option<Viewed<'_>> {
        match self {
            Self::Numbers(array, mask) => {
                Some(Viewed::Numbers(array.view(), mask.as_ref().map(|m| m.as_array())))
            }
            Self::Codes(array, levels) => Some(Viewed::Codes(array.view(), levels)),
            Self::Instants(array) => Some(Viewed::Instants(array.as_array())),
            Self::Done(_) => None,
        }
    }
}

impl Viewed<'_> {
    fn data(&self) -> ColumnData {
        match self {
            Self::Numbers(view, mask) => view.data(*mask),
            Self::Instants(view) => ColumnData::Instant(view.iter().copied().collect()),
            Self::Codes(view, levels) => coded(*view, levels),
        }
    }
}

/// Codes into levels as a dictionary in order of first appearance, as of every format; a blank
/// level is missing.
fn coded(codes: View<'_>, levels: &[String]) -> ColumnData {
    let ColumnData::Number(codes) = codes.data(None) else {
        return ColumnData::Number(Numbers::missing(codes.len()));
    };
    let mut dictionary = Strings::default();
    let mut own: Vec<Option<u32>> = vec![None; levels.len()];
    let own_code = |code: f64| {
        let Some(level) = levels.get(code as usize).filter(|l| code >= 0.0 && !l.trim().is_empty())
        else {
            return MISSING_CODE;
        };
        *own[code as usize].get_or_insert_with(|| dictionary.push(level))
    };
    let codes = codes.iter().map(own_code).collect();
    ColumnData::String { codes, dictionary }
}

fn hold<'py>(name: &str, form: &Bound<'py, PyTuple>, ctx: &Context) -> PyResult<Held<'py>> {
    let py = form.py();
    let tag: String = form.get_item(0)?.extract()?;
    let payload = form.get_item(1)?;
    match tag.as_str() {
        "numbers" => {
            let mask = form.get_item(2)?;
            let mask = (!mask.is_none()).then(|| mask.cast::<PyArray1<bool>>());
            let mask = mask.transpose()?.map(PyArrayMethods::try_readonly).transpose()?;
            Ok(Held::Numbers(Vector::of(&payload)?, mask))
        }
        "column" => {
            let table = payload.cast::<Table>()?.get();
            let data = table.give(form.get_item(2)?.extract()?);
            Ok(Held::Done(data.map_err(|e| raise(py, &e, Realm::Data))?))
        }
        "codes" => Ok(Held::Codes(Vector::of(&payload)?, form.get_item(2)?.extract()?)),
        "instants" => Ok(Held::Instants(payload.cast::<PyArray1<i64>>()?.try_readonly()?)),
        "objects" => {
            let mut column = ObjectColumn::new(name);
            for value in payload.try_iter()? {
                column.push(&value?).map_err(|e| raise(py, &e, Realm::Data))?;
            }
            Ok(Held::Done(column.finish().data))
        }
        "arrow" => {
            let mut notes = Vec::new();
            match read_stream(&payload, &mut notes, ctx)?.pop() {
                Some(column) => Ok(Held::Done(column.data)),
                None => Err(raise(
                    py,
                    &Error::input("a column holds nested or binary values")
                        .column(name)
                        .expected("text, numbers, true or false, dates")
                        .hint("drop the column, or make plain columns of it"),
                    Realm::Data,
                )),
            }
        }
        other => Err(PyTypeError::new_err(format!("unknown form of a column: {other}"))),
    }
}

fn read_stream(
    stream: &Bound<'_, PyAny>,
    notes: &mut Vec<String>,
    ctx: &Context,
) -> PyResult<Vec<Column>> {
    let py = stream.py();
    let reader = RecordBatchStreamReader::from_pyarrow_bound(stream)?;
    let schema = reader.schema();
    py.detach(|| columns_of_batches(&schema, reader, notes, ctx))
        .map_err(|e| raise(py, &e, Realm::Data))
}
