//! NumPy arrays, read without the interpreter.

use modelwright::io::Builder;
use modelwright_core::data::{ColumnData, MISSING_CODE, Numbers, Strings};
use numpy::ndarray::{ArrayView1, ArrayView2};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// The largest whole number that f64 tells apart from its neighbours.
const WHOLE_MAX: u64 = 1 << 53;

/// Rows that are copied of one column before the next: they stay in the cache.
const ROWS_PER_BLOCK: usize = 512;

/// Declares the types of elements that can be read, once for vectors and matrices.
macro_rules! elements {
    ($($variant:ident $element:ty, $to_data:expr;)*) => {
        /// A vector that is held.
        pub(crate) enum Vector<'py> {
            $($variant(PyReadonlyArray1<'py, $element>),)*
        }

        /// A view of a [`Vector`], for other threads.
        #[derive(Clone, Copy)]
        pub(crate) enum View<'a> {
            $($variant(ArrayView1<'a, $element>),)*
        }

        impl<'py> Vector<'py> {
            /// Holds a one-dimensional array.
            pub(crate) fn of(array: &Bound<'py, PyAny>) -> PyResult<Self> {
                $(if let Ok(typed) = array.cast::<PyArray1<$element>>() {
                    return Ok(Self::$variant(typed.try_readonly()?));
                })*
                Err(PyTypeError::new_err("an array of numbers was expected"))
            }

            pub(crate) fn view(&self) -> View<'_> {
                match self {
                    $(Self::$variant(array) => View::$variant(array.as_array()),)*
                }
            }
        }

        impl View<'_> {
            pub(crate) fn len(self) -> usize {
                match self {
                    $(Self::$variant(view) => view.len(),)*
                }
            }

            /// The values as a column; `mask` is true where one is missing.
            pub(crate) fn data(self, mask: Option<ArrayView1<'_, bool>>) -> ColumnData {
                let is_missing = |row: usize| mask.is_some_and(|m| m[row]);
                match self {
                    $(Self::$variant(view) => $to_data(view, &is_missing),)*
                }
            }
        }
    };
}

elements! {
    F64 f64, |v: ArrayView1<'_, f64>, m: Missing<'_>| real(v.iter().copied(), m);
    F32 f32, |v: ArrayView1<'_, f32>, m: Missing<'_>| narrow(v.iter().copied(), m);
    I64 i64, |v: ArrayView1<'_, i64>, m: Missing<'_>| whole(v.iter().map(|x| i128::from(*x)), m);
    U64 u64, |v: ArrayView1<'_, u64>, m: Missing<'_>| whole(v.iter().map(|x| i128::from(*x)), m);
    I32 i32, |v: ArrayView1<'_, i32>, m: Missing<'_>| real(v.iter().map(|x| f64::from(*x)), m);
    U32 u32, |v: ArrayView1<'_, u32>, m: Missing<'_>| real(v.iter().map(|x| f64::from(*x)), m);
    I16 i16, |v: ArrayView1<'_, i16>, m: Missing<'_>| real(v.iter().map(|x| f64::from(*x)), m);
    U16 u16, |v: ArrayView1<'_, u16>, m: Missing<'_>| real(v.iter().map(|x| f64::from(*x)), m);
    I8 i8, |v: ArrayView1<'_, i8>, m: Missing<'_>| real(v.iter().map(|x| f64::from(*x)), m);
    U8 u8, |v: ArrayView1<'_, u8>, m: Missing<'_>| real(v.iter().map(|x| f64::from(*x)), m);
    Flag bool, |v: ArrayView1<'_, bool>, m: Missing<'_>| flags(v, m);
}

type Missing<'a> = &'a dyn Fn(usize) -> bool;

fn real(values: impl Iterator<Item = f64>, is_missing: Missing<'_>) -> ColumnData {
    let value = |(row, value)| if is_missing(row) { f64::NAN } else { value };
    ColumnData::Number(values.enumerate().map(value).collect())
}

/// As [`real`], in the width that they came in.
fn narrow(values: impl Iterator<Item = f32>, is_missing: Missing<'_>) -> ColumnData {
    let value = |(row, value)| if is_missing(row) { f32::NAN } else { value };
    ColumnData::Number(values.enumerate().map(value).collect())
}

/// Whole numbers; as text where f64 could not tell them apart, as in every format.
fn whole(values: impl Iterator<Item = i128> + Clone, is_missing: Missing<'_>) -> ColumnData {
    if values.clone().all(|v| v.unsigned_abs() <= u128::from(WHOLE_MAX)) {
        return real(values.map(|v| v as f64), is_missing);
    }
    let mut builder = Builder::new(0);
    for (row, value) in values.enumerate() {
        if is_missing(row) { builder.push_missing() } else { builder.push_integer(value) }
    }
    builder.into_data()
}

/// Yes and no as the words that they are in every format.
fn flags(values: ArrayView1<'_, bool>, is_missing: Missing<'_>) -> ColumnData {
    let mut dictionary = Strings::default();
    let mut known = [None, None];
    let code = |(row, value): (usize, &bool)| {
        if is_missing(row) {
            return MISSING_CODE;
        }
        let word = if *value { "true" } else { "false" };
        *known[usize::from(*value)].get_or_insert_with(|| dictionary.push(word))
    };
    let codes = values.iter().enumerate().map(code).collect();
    ColumnData::String { codes, dictionary }
}

/// The columns of a matrix, in blocks of rows.
fn columns_of_matrix<T: Copy + Sync>(matrix: ArrayView2<'_, T>) -> Vec<Numbers>
where
    Numbers: From<Vec<T>>,
{
    let (n_rows, n_columns) = matrix.dim();
    let mut columns: Vec<Vec<T>> = (0..n_columns).map(|_| Vec::with_capacity(n_rows)).collect();
    for start in (0..n_rows).step_by(ROWS_PER_BLOCK) {
        let rows = start..n_rows.min(start + ROWS_PER_BLOCK);
        for (place, column) in columns.iter_mut().enumerate() {
            column.extend(rows.clone().map(|row| matrix[(row, place)]));
        }
    }
    columns.into_iter().map(Numbers::from).collect()
}

/// A matrix that is held.
pub(crate) enum Matrix<'py> {
    F64(PyReadonlyArray2<'py, f64>),
    F32(PyReadonlyArray2<'py, f32>),
}

impl<'py> Matrix<'py> {
    /// Holds a matrix of real numbers.
    pub(crate) fn of(array: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(typed) = array.cast::<PyArray2<f64>>() {
            return Ok(Self::F64(typed.try_readonly()?));
        }
        let typed = array.cast::<PyArray2<f32>>()?;
        Ok(Self::F32(typed.try_readonly()?))
    }

    /// Its columns, copied without the interpreter, in its width.
    pub(crate) fn columns(&self, py: Python<'_>) -> Vec<Numbers> {
        match self {
            Self::F64(array) => {
                let view = array.as_array();
                py.detach(|| columns_of_matrix(view))
            }
            Self::F32(array) => {
                let view = array.as_array();
                py.detach(|| columns_of_matrix(view))
            }
        }
    }
}
