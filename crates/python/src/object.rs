//! A column of Python objects: one type of value for all of it, or an error that says where not.

use modelwright::io::Builder;
use modelwright_core::data::Column;
use modelwright_core::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Text,
    Number,
    Flag,
    Instant,
}

impl Sort {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::Instant => "a date",
        }
    }
}

/// A column that grows by objects.
pub(crate) struct ObjectColumn<'a> {
    name: &'a str,
    builder: Builder,
    /// What the first value was that was not missing, and its row.
    first: Option<(Sort, usize)>,
}

impl<'a> ObjectColumn<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        Self { name, builder: Builder::new(0), first: None }
    }

    /// Adds a value.
    pub(crate) fn push(&mut self, value: &Bound<'_, PyAny>) -> Result<()> {
        let row = self.builder.n_rows();
        if let Ok(text) = value.cast::<PyString>() {
            self.must_be(Sort::Text, value, row)?;
            let text = text.to_cow().map_err(|_| self.unusable(value, row))?;
            self.builder.push_text(&text);
        } else if value.is_none() {
            self.builder.push_missing();
        } else if value.cast::<PyBool>().is_ok() {
            self.flag(value, row)?;
        } else if let Ok(number) = value.cast::<PyFloat>() {
            self.number(number.extract().unwrap_or(f64::NAN), value, row)?;
        } else if value.cast::<PyInt>().is_ok() {
            self.integer(value, row)?;
        } else {
            self.other(value, row)?;
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Column {
        Column { name: self.name.to_owned(), data: self.builder.into_data() }
    }

    fn flag(&mut self, value: &Bound<'_, PyAny>, row: usize) -> Result<()> {
        self.must_be(Sort::Flag, value, row)?;
        let is_true = value.is_truthy().map_err(|_| self.unusable(value, row))?;
        self.builder.push_text(if is_true { "true" } else { "false" });
        Ok(())
    }

    fn number(&mut self, number: f64, value: &Bound<'_, PyAny>, row: usize) -> Result<()> {
        // A NaN is how many libraries write a missing value of any type.
        if number.is_nan() {
            self.builder.push_missing();
            return Ok(());
        }
        self.must_be(Sort::Number, value, row)?;
        self.builder.push_number(number);
        Ok(())
    }

    fn integer(&mut self, value: &Bound<'_, PyAny>, row: usize) -> Result<()> {
        self.must_be(Sort::Number, value, row)?;
        if let Ok(whole) = value.extract::<i64>() {
            self.builder.push_integer(i128::from(whole));
        } else {
            let text = value.str().map_err(|_| self.unusable(value, row))?;
            self.builder.push_text(&text.to_string_lossy());
        }
        Ok(())
    }

    /// Scalars of NumPy and pandas, dates, decimals.
    fn other(&mut self, value: &Bound<'_, PyAny>, row: usize) -> Result<()> {
        let class = value.get_type();
        let class = class.name().map_err(|_| self.unusable(value, row))?;
        match class.to_string_lossy().as_ref() {
            "NAType" | "NaTType" => self.builder.push_missing(),
            "bool" | "bool_" => self.flag(value, row)?,
            "datetime" | "date" | "Timestamp" => {
                self.must_be(Sort::Instant, value, row)?;
                let text = value
                    .call_method0("isoformat")
                    .and_then(|t| t.extract::<String>())
                    .map_err(|_| self.unusable(value, row))?;
                self.builder.push_text(&text);
            }
            "datetime64" => {
                let text = value.str().map_err(|_| self.unusable(value, row))?;
                let text = text.to_string_lossy();
                if text == "NaT" {
                    self.builder.push_missing();
                } else {
                    self.must_be(Sort::Instant, value, row)?;
                    self.builder.push_text(&text);
                }
            }
            name if name.starts_with("complex") => return Err(self.unusable(value, row)),
            _ => match value.extract::<f64>() {
                Ok(number) => self.number(number, value, row)?,
                Err(_) => return Err(self.unusable(value, row)),
            },
        }
        Ok(())
    }

    fn must_be(&mut self, sort: Sort, value: &Bound<'_, PyAny>, row: usize) -> Result<()> {
        match self.first {
            None => {
                self.first = Some((sort, row));
                Ok(())
            }
            Some((first, _)) if first == sort => Ok(()),
            Some((first, at)) => Err(Error::input("a column mixes values of different types")
                .column(self.name)
                .row(row as u64 + 1)
                .expected(format!("{}, as in row {}", first.name(), at + 1))
                .got(format!("{}: {}", sort.name(), shown(value)))
                .hint("give all of its values one type, e.g. with .astype(str)")),
        }
    }

    fn unusable(&self, value: &Bound<'_, PyAny>, row: usize) -> Error {
        let class = value.get_type();
        let class = class.name().map_or(String::new(), |n| n.to_string_lossy().into_owned());
        Error::input("a column holds values that cannot be used")
            .column(self.name)
            .row(row as u64 + 1)
            .expected("text, numbers, true or false, dates, or missing values")
            .got(format!("{class}: {}", shown(value)))
            .hint("make columns of plain values of it, or drop the column")
    }
}

fn shown(value: &Bound<'_, PyAny>) -> String {
    value.repr().map_or(String::new(), |text| text.to_string_lossy().into_owned())
}
