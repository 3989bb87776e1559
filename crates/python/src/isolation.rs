//! The isolation forest, for scikit-learn's estimators: it needs no target and is no learner of the
//! catalog.

use modelwright::core::params::Params;
use modelwright::learners::forest::{IsolationForest, IsolationForestParams};
use modelwright_core::context::Settings;
use modelwright_core::data::{FeatureColumn, FeatureMatrix, FeatureView, Numbers};
use modelwright_core::{Context, Error, Result};
use numpy::PyArray1;
use pyo3::prelude::*;

use crate::array::Matrix;
use crate::context::shared;
use crate::error::{Realm, raise};
use crate::pickle::{Reduced, reduced};

/// A fitted isolation forest.
#[pyclass(frozen, module = "modelwright._modelwright")]
pub(crate) struct Isolation(IsolationForest);

#[pymethods]
impl Isolation {
    /// Grows a forest on the rows of a matrix.
    #[staticmethod]
    fn fit(
        py: Python<'_>,
        matrix: &Bound<'_, PyAny>,
        n_trees: usize,
        max_samples: usize,
        seed: u64,
        threads: usize,
    ) -> PyResult<Self> {
        let columns = Matrix::of(matrix)?.columns(py);
        let grow = || -> Result<Self> {
            let ctx = Context::new(Settings { seed, threads, ..Settings::default() })?;
            let params =
                IsolationForestParams { n_trees, max_samples, ..IsolationForestParams::default() };
            let params = params.check("isolation forest")?;
            let features = features(columns);
            let rows: Vec<u32> = (0..features.n_rows as u32).collect();
            IsolationForest::fit(&features, &rows, &params, &ctx).map(Self)
        };
        py.detach(grow).map_err(|e| raise(py, &e, Realm::Option))
    }

    /// Reads stored bytes.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        let read = postcard::from_bytes::<IsolationForest>(bytes).map_err(|cause| {
            Error::input("the stored isolation forest cannot be read").because(cause)
        });
        let sound = read.and_then(|forest| forest.validate().map(|()| forest));
        sound.map(Self).map_err(|e| raise(py, &e, Realm::Artifact))
    }

    /// How pickle and copy make it again: from its bytes.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        let stored = postcard::to_stdvec(&slf.get().0);
        reduced(
            slf,
            stored.map_err(|e| Error::work("cannot encode the isolation forest").because(e)),
        )
    }

    /// How unusual each row is, from 0 to 1.
    fn scores<'py>(
        &self,
        py: Python<'py>,
        matrix: &Bound<'py, PyAny>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let columns = Matrix::of(matrix)?.columns(py);
        let score = || -> Result<Vec<f64>> {
            let ctx = shared(threads)?;
            self.0.scores(&FeatureView::all(&features(columns)), &ctx)
        };
        let scores = py.detach(score).map_err(|e| raise(py, &e, Realm::Data))?;
        Ok(PyArray1::from_vec(py, scores))
    }
}

/// Columns as features that have no names.
fn features(columns: Vec<Numbers>) -> FeatureMatrix {
    let n_rows = columns.first().map_or(0, Numbers::len);
    let column = |values: Numbers| FeatureColumn::dense("x", values.map(|v| v as f32));
    FeatureMatrix::new(n_rows, columns.into_iter().map(column).collect())
}
