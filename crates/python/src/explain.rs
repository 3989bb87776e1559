//! Why a model predicts so: Shapley values, profiles of columns, other answers.

use modelwright::automl::explain::{
    self, Background, CounterfactualOptions, Explanation, Method, Origin, ProfileKind, Reasons,
    Scale, ShapleyOptions,
};
use modelwright::{
    ExplanationDocument, PageRequest, explanation_page, other_answers, profiles, varied,
};
use modelwright_core::data::{ColumnData, MISSING_CODE, Table as Rows};
use modelwright_core::{Context, Error, Result};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::context::shared;
use crate::error::{Realm, json as to_json, raise};
use crate::model::Model;
use crate::run::{Data, Input, Limits};
use crate::watch;

/// Rows that an explanation of drawn ones takes its background from, at least.
const ROWS_MIN: usize = 30;

/// Rows that values of other answers are taken from.
const POOL: usize = 2_000;

/// Rows and what each column adds to their predictions.
#[pyclass(frozen, module = "modelwright._modelwright")]
pub(crate) struct Explained {
    model: Py<Model>,
    data: Rows,
    /// The rows of `data` that are explained, and their numbers.
    table: Rows,
    rows: Vec<u32>,
    found: Explanation,
    background: Background,
}

/// A vector of numbers for Python.
type Vector<'py> = Bound<'py, PyArray1<f64>>;

#[pymethods]
impl Explained {
    /// What each column adds: rows, columns and outputs, row-major.
    fn values<'py>(&self, py: Python<'py>) -> Vector<'py> {
        PyArray1::from_slice(py, &self.found.values)
    }

    /// Their standard errors, where they were sampled.
    fn standard_errors<'py>(&self, py: Python<'py>) -> Option<Vector<'py>> {
        self.found.standard_errors.as_ref().map(|errors| PyArray1::from_slice(py, errors))
    }

    /// What is divided: rows and outputs, row-major.
    fn predictions<'py>(&self, py: Python<'py>) -> Vector<'py> {
        PyArray1::from_slice(py, &self.found.predictions)
    }

    /// The mean over the background, one for each output.
    #[getter]
    fn base_values(&self) -> Vec<f64> {
        self.found.base_values.clone()
    }

    #[getter]
    fn columns(&self) -> Vec<String> {
        self.found.columns.clone()
    }

    #[getter]
    fn outputs(&self) -> Vec<String> {
        self.found.outputs.clone()
    }

    /// Numbers of the explained rows.
    #[getter]
    fn rows(&self) -> Vec<u32> {
        self.rows.clone()
    }

    #[getter]
    fn method(&self) -> &'static str {
        self.found.method.name()
    }

    #[getter]
    fn method_text(&self) -> &'static str {
        self.found.method.text()
    }

    #[getter]
    fn scale(&self) -> &'static str {
        self.found.scale.name()
    }

    #[getter]
    fn n_background(&self) -> usize {
        self.found.n_background
    }

    /// The raw values of a column in the explained rows: `("number" | "instant", array)`, or
    /// `("text", list)`.
    fn data<'py>(
        &self,
        py: Python<'py>,
        column: &str,
    ) -> PyResult<(&'static str, Bound<'py, PyAny>)> {
        let Some(column) = self.table.column(column) else {
            let missing = vec![f64::NAN; self.table.n_rows()];
            return Ok(("number", PyArray1::from_vec(py, missing).into_any()));
        };
        Ok(match &column.data {
            ColumnData::Number(values) => {
                ("number", PyArray1::from_slice(py, &values.wide()).into_any())
            }
            ColumnData::Instant(values) => ("instant", PyArray1::from_slice(py, values).into_any()),
            ColumnData::String { codes, dictionary } => {
                let text =
                    |code: &u32| (*code != MISSING_CODE).then(|| dictionary.get(*code).to_owned());
                ("text", PyList::new(py, codes.iter().map(text))?.into_any())
            }
        })
    }

    /// The mean size of what each column adds, largest first, as JSON.
    fn effects(&self, py: Python<'_>) -> PyResult<String> {
        to_json(py, &self.found.effects())
    }

    /// Everything, with at most `top` reasons for each row: the document of `explain --json`.
    fn document(&self, py: Python<'_>, top: usize) -> PyResult<String> {
        let reasons = Reasons::new(&self.found, &self.table, &self.background);
        let origin = self.background.origin();
        to_json(py, &ExplanationDocument::new(&self.found, &reasons, &self.rows, origin, top))
    }

    /// A page with charts.
    fn page(
        &self,
        py: Python<'_>,
        columns: Vec<String>,
        name: &str,
        shown: (bool, bool),
    ) -> PyResult<String> {
        let (with_rows, ice) = shown;
        let scale = Some(self.found.scale).filter(|scale| *scale != Scale::Value);
        let made = py.detach(|| {
            let ctx = shared(0)?;
            let reasons = Reasons::new(&self.found, &self.table, &self.background);
            let asked =
                PageRequest { name, columns: &columns, with_rows, first_row: 0, ice, scale };
            let of = (&self.found, &reasons);
            explanation_page(self.model.get().loaded(), (&self.data, &self.rows), of, &asked, &ctx)
        });
        made.map_err(|e| raise(py, &e, Realm::Data))
    }
}

/// How rows are to be explained, as Python says it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Asked {
    rows: Option<Vec<u32>>,
    sample: Option<usize>,
    method: Option<String>,
    scale: Option<String>,
    background_rows: Option<usize>,
    seed: u64,
    threads: usize,
}

/// Explains rows; with what is to be known of their columns.
#[pyfunction]
#[pyo3(signature = (model, data, background, asked, on_event))]
pub(crate) fn explain_rows(
    py: Python<'_>,
    model: Py<Model>,
    data: Data,
    background: Option<Data>,
    asked: Asked,
    on_event: Option<Py<PyAny>>,
) -> PyResult<(Explained, Option<String>)> {
    let options = options(&asked).map_err(|e| raise(py, &e, Realm::Option))?;
    let (data, background) = (Input::from(data), background.map(Input::from));
    let limits = Limits::none(asked.seed, asked.threads);
    let work = move |events, cancel| {
        let ctx = limits.context(events, cancel)?;
        let loaded = model.get();
        let (whole, warning) = loaded.rows_of(&data, &ctx)?;
        let rows = chosen(&asked, whole.n_rows(), &ctx)?;
        let n = asked.background_rows;
        let background = match &background {
            None => loaded.loaded().background(Some(&whole), n, &ctx)?,
            Some(background) => {
                let (table, _) = loaded.rows_of(background, &ctx)?;
                let predictor = &loaded.loaded().predictor;
                let n = n.unwrap_or_else(|| explain::background_rows(predictor));
                explain::background(predictor, &table, Origin::File, n, &ctx)?
            }
        };
        let table = whole.select(&rows);
        let found = explain::rows(&loaded.loaded().predictor, &table, &background, &options, &ctx)?;
        if found.n_rows < rows.len() {
            return Err(Error::interrupted("the explanation was interrupted"));
        }
        Ok((Explained { model, data: whole, table, rows, found, background }, warning))
    };
    let watched = watch::begin(work).map_err(|e| raise(py, &e, Realm::Data))?;
    Ok(watched.wait(py, on_event.as_ref(), Realm::Data)?.value)
}

fn options(asked: &Asked) -> Result<ShapleyOptions> {
    let method = asked.method.as_deref().filter(|name| *name != "auto");
    let method = method.map(|name| {
        Method::ALL.into_iter().find(|m| m.name() == name).ok_or_else(|| {
            Error::input("unknown method")
                .at("method")
                .got(name)
                .suggest(name, Method::ALL.map(Method::name))
        })
    });
    let scale = scale_of(asked.scale.as_deref())?;
    Ok(ShapleyOptions { method: method.transpose()?, scale, n_background: asked.background_rows })
}

fn scale_of(name: Option<&str>) -> Result<Option<Scale>> {
    let all = [Scale::Probability, Scale::Margin];
    let of = |name| {
        all.into_iter().find(|s| s.name() == name).ok_or_else(|| {
            Error::input("unknown scale").at("scale").got(name).suggest(name, all.map(Scale::name))
        })
    };
    name.map(of).transpose()
}

/// The numbers of the rows to explain.
fn chosen(asked: &Asked, n_rows: usize, ctx: &Context) -> Result<Vec<u32>> {
    if n_rows == 0 {
        return Err(Error::input("there is no row to explain").expected("at least one row"));
    }
    if let Some(rows) = &asked.rows {
        if let Some(row) = rows.iter().find(|row| **row as usize >= n_rows) {
            return Err(Error::input("there is no such row")
                .at("rows")
                .expected(format!("rows from 0 to {}", n_rows - 1))
                .got(row.to_string()));
        }
        return Ok(rows.clone());
    }
    Ok(match asked.sample {
        Some(n) if n < n_rows => ctx.random("explain/rows", 0).sample(n_rows, n),
        _ => (0..n_rows as u32).collect(),
    })
}

/// How predictions move along columns, as JSON.
#[pyfunction]
#[pyo3(signature = (model, data, columns, kind, scale, threads))]
pub(crate) fn dependence(
    py: Python<'_>,
    model: &Bound<'_, Model>,
    data: Data,
    columns: Vec<String>,
    kind: Option<&str>,
    scale: Option<&str>,
    threads: usize,
) -> PyResult<String> {
    let kind = kind.map(|name| match name {
        "ale" => Ok(ProfileKind::Ale),
        "partial_dependence" => Ok(ProfileKind::PartialDependence),
        other => Err(Error::input("unknown kind of profile")
            .at("kind")
            .got(other)
            .suggest(other, ["ale", "partial_dependence"])),
    });
    let asked = kind.transpose().and_then(|kind| Ok((kind, scale_of(scale)?)));
    let asked = asked.map_err(|e| raise(py, &e, Realm::Option))?;
    let model = model.get();
    let done = py.detach(|| {
        let ctx = shared(threads)?;
        let (rows, _) = model.rows(&data, &ctx)?;
        profiles(model.loaded(), &rows, &columns, asked, &ctx)
    });
    to_json(py, &done.map_err(|e: Error| raise(py, &e, Realm::Data))?)
}

/// Which columns act together, as JSON: pairs with their mean size.
#[pyfunction]
#[pyo3(signature = (model, data, threads))]
pub(crate) fn interactions(
    py: Python<'_>,
    model: &Bound<'_, Model>,
    data: Data,
    threads: usize,
) -> PyResult<String> {
    let model = model.get();
    let done = py.detach(|| {
        let ctx = shared(threads)?;
        let (rows, _) = model.rows(&data, &ctx)?;
        let loaded = model.loaded();
        let background = || loaded.background(Some(&rows), None, &ctx);
        explain::interactions(&loaded.predictor, &rows, background, &ctx)
    });
    let found = done.map_err(|e: Error| raise(py, &e, Realm::Data))?;
    to_json(py, &found.pairs())
}

/// What may change for another answer, as Python says it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Wanted {
    desired: Option<String>,
    vary: Option<Vec<String>>,
    immutable: Vec<String>,
    n_answers: usize,
    n_changes: usize,
    threads: usize,
}

/// What would have to be different for another answer, row by row, as JSON.
#[pyfunction]
#[pyo3(signature = (model, data, observed, wanted))]
pub(crate) fn counterfactuals(
    py: Python<'_>,
    model: &Bound<'_, Model>,
    data: Data,
    observed: Option<Data>,
    wanted: Wanted,
) -> PyResult<String> {
    let model = model.get();
    let done = py.detach(|| {
        let ctx = shared(wanted.threads)?;
        let (rows, _) = model.rows(&data, &ctx)?;
        let observed = match &observed {
            Some(observed) => model.rows(observed, &ctx)?.0,
            None if rows.n_rows() >= ROWS_MIN => rows.clone(),
            None => model.loaded().background(None, Some(POOL), &ctx)?.table().clone(),
        };
        let options = CounterfactualOptions {
            vary: wanted.vary.as_ref().map(|all| all.iter().map(|v| varied(v)).collect()),
            immutable: wanted.immutable.clone(),
            n_answers: wanted.n_answers,
            n_changes_max: wanted.n_changes,
        };
        let numbers: Vec<u32> = (0..rows.n_rows() as u32).collect();
        let desired = wanted.desired.as_deref();
        let of = (&rows, &numbers[..]);
        other_answers(model.loaded(), of, &observed, desired, &options, &ctx)
    });
    let found = done.map_err(|e: Error| raise(py, &e, Realm::Data))?;
    let answers: Vec<_> = found.into_iter().map(|(_, answers)| answers).collect();
    to_json(py, &answers)
}
