//! Tables as numbers, for scikit-learn's pipelines.

use std::collections::BTreeMap;

use modelwright::automl::vectorize::{TargetEncoder, VectorizeInput, Vectorizer};
use modelwright::preprocess::EncodingSpec;
use modelwright::preprocess::catalog::transformer;
use modelwright::preprocess::transform::Encoded;
use modelwright_core::context::Settings;
use modelwright_core::data::{FeatureMatrix, Kind};
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::context::shared;
use crate::error::{Realm, raise};
use crate::pickle::{Reduced, reduced};
use crate::single::read_params;
use crate::table::Table;

/// A fitted vectorizer.
#[pyclass(frozen, module = "modelwright._modelwright")]
pub(crate) struct Vectorized(Vectorizer);

/// A fitted target encoder, and the storage of its columns.
#[pyclass(frozen, module = "modelwright._modelwright")]
pub(crate) struct TargetEncoded(TargetEncoder);

/// A matrix for Python.
type Matrix<'py> = Bound<'py, PyArray2<f32>>;

/// What is learned from besides the columns, as Python says it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Learned<'py> {
    /// The target, if there is one; class numbers for so many classes, values for 0.
    target: Option<PyReadonlyArray1<'py, f64>>,
    classes: usize,
    kinds: Vec<(String, String)>,
    seed: u64,
    threads: usize,
}

impl Learned<'_> {
    fn target(&self) -> Option<Target> {
        let values: Vec<f64> = self.target.as_ref()?.as_array().iter().copied().collect();
        Some(match self.classes {
            0 => Target::Real(values),
            n => Target::Class { codes: values.iter().map(|v| *v as u32).collect(), n_classes: n },
        })
    }

    fn kinds(&self) -> Result<BTreeMap<String, Kind>> {
        let named = |(name, kind): &(String, String)| Ok((name.clone(), kind.parse::<Kind>()?));
        self.kinds.iter().map(named).collect()
    }

    fn context(&self) -> Result<Context> {
        let (seed, threads) = (self.seed, self.threads);
        Context::new(Settings { seed, threads, ..Settings::default() })
    }
}

#[pymethods]
impl Vectorized {
    /// Learns from the rows of a table by an encoding (as JSON); the features of the rows too.
    #[staticmethod]
    fn fit<'py>(
        py: Python<'py>,
        table: &Bound<'py, Table>,
        spec: &str,
        learned: Learned<'py>,
    ) -> PyResult<(Self, Matrix<'py>)> {
        let (table, target) = (table.get(), learned.target());
        let prepared = learned.kinds().and_then(|kinds| Ok((kinds, learned.context()?)));
        let (kinds, ctx) = prepared.map_err(|e| raise(py, &e, Realm::Option))?;
        let work = || -> Result<(Vectorizer, FeatureMatrix)> {
            let spec: EncodingSpec = serde_json::from_str(spec)
                .map_err(|e| Error::input("the encoding cannot be read").because(e))?;
            let file = table.take(None, &ctx)?;
            let input = VectorizeInput {
                table: &file.table,
                schema: &file.schema,
                kinds,
                target: target.as_ref(),
                weights: None,
            };
            Vectorizer::fit(&input, &spec, &ctx)
        };
        let (vectorizer, features) = py.detach(work).map_err(|e| raise(py, &e, Realm::Data))?;
        Ok((Self(vectorizer), dense(py, &features)?))
    }

    /// The features of new rows.
    fn transform<'py>(
        &self,
        py: Python<'py>,
        table: &Bound<'_, Table>,
        threads: usize,
    ) -> PyResult<Matrix<'py>> {
        let table = table.get();
        let done = py.detach(|| {
            let ctx = shared(threads)?;
            let file = table.take(Some(self.0.schema.clone()), &ctx)?;
            self.0.transform(&file.table, &ctx)
        });
        dense(py, &done.map_err(|e: Error| raise(py, &e, Realm::Data))?)
    }

    /// The names of the features.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.names()
    }

    /// Reads stored bytes.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        Vectorizer::decode(bytes).map(Self).map_err(|e| raise(py, &e, Realm::Artifact))
    }

    /// How pickle and copy make it again: from its bytes.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        reduced(slf, slf.get().0.encode())
    }
}

#[pymethods]
impl TargetEncoded {
    /// Learns from the rows of a table; the features of the rows too.
    #[staticmethod]
    fn fit<'py>(
        py: Python<'py>,
        table: &Bound<'py, Table>,
        params: &Bound<'py, PyDict>,
        learned: Learned<'py>,
    ) -> PyResult<(Self, Matrix<'py>)> {
        let params = read_params(params)?;
        let known = transformer("target_statistics").and_then(|entry| entry.check_params(&params));
        known.map_err(|e| raise(py, &e, Realm::Option))?;
        let (table, target) = (table.get(), learned.target());
        let ctx = learned.context().map_err(|e| raise(py, &e, Realm::Option))?;
        let work = || -> Result<(TargetEncoder, Vec<Encoded>)> {
            let file = table.take(None, &ctx)?;
            let input = VectorizeInput {
                table: &file.table,
                schema: &file.schema,
                kinds: BTreeMap::new(),
                target: target.as_ref(),
                weights: None,
            };
            TargetEncoder::fit(&input, &params, &ctx)
        };
        let (encoder, written) = py.detach(work).map_err(|e| raise(py, &e, Realm::Data))?;
        let features = beside_each_other(py, &written)?;
        Ok((Self(encoder), features))
    }

    /// The features of new rows.
    fn transform<'py>(
        &self,
        py: Python<'py>,
        table: &Bound<'_, Table>,
        threads: usize,
    ) -> PyResult<Matrix<'py>> {
        let table = table.get();
        let done = py.detach(|| {
            let ctx = shared(threads)?;
            let file = table.take(None, &ctx)?;
            self.0.transform(&file.table, &ctx)
        });
        beside_each_other(py, &done.map_err(|e: Error| raise(py, &e, Realm::Data))?)
    }

    /// How many numbers each column becomes.
    #[getter]
    fn n_outputs(&self) -> usize {
        self.0.n_outputs()
    }

    /// Reads stored bytes.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        TargetEncoder::decode(bytes).map(Self).map_err(|e| raise(py, &e, Realm::Artifact))
    }

    /// How pickle and copy make it again: from its bytes.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        reduced(slf, slf.get().0.encode())
    }
}

/// The dense features as a matrix of shape `(n_rows, n_features)`.
fn dense<'py>(py: Python<'py>, features: &FeatureMatrix) -> PyResult<Matrix<'py>> {
    let columns: Vec<&[f32]> = features.columns.iter().map(|c| &c.values[..]).collect();
    matrix(py, &columns, features.n_rows)
}

fn beside_each_other<'py>(py: Python<'py>, written: &[Encoded]) -> PyResult<Matrix<'py>> {
    let columns: Vec<&[f32]> = written.iter().flat_map(|e| &e.columns).map(|c| &c[..]).collect();
    let n_rows = columns.first().map_or(0, |c| c.len());
    matrix(py, &columns, n_rows)
}

/// Columns as a matrix in NumPy's usual order.
fn matrix<'py>(py: Python<'py>, columns: &[&[f32]], n_rows: usize) -> PyResult<Matrix<'py>> {
    let mut values = vec![0.0_f32; n_rows * columns.len()];
    for (j, column) in columns.iter().enumerate() {
        for (row, value) in column.iter().enumerate() {
            values[row * columns.len() + j] = *value;
        }
    }
    PyArray1::from_vec(py, values).reshape([n_rows, columns.len()])
}
