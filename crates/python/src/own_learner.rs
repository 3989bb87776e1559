//! Learners that are Python's: fitted on NumPy arrays, stored as pickles.
//!
//! `modelwright._own_learner` prepares them: it knows the user's estimator, clones it and makes
//! probabilities of what it says. What crosses here are arrays of features and numbers back, and
//! the bytes of a pickle, which nothing reads before the user said that the file is to be trusted.

use std::sync::Arc;

use modelwright::learners::own::{Named, OwnFitted, OwnLearner};
use modelwright_core::data::{FeatureView, TrainView};
use modelwright_core::record::{OwnKind, OwnPart};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Rows that are handed over at once: what they need beside the features themselves is bounded.
const ROWS_AT_ONCE: usize = 65_536;

/// A learner as Python hands it over.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct GivenLearner {
    name: String,
    encoding: String,
    text: String,
    sha256: String,
    needs: Vec<String>,
    /// Of features, target, weights, number of classes and seed to a fitted object.
    fit: Py<PyAny>,
}

impl GivenLearner {
    /// The learner as the engine wants it, and what the record says of it.
    pub(crate) fn own(self) -> (Named, OwnPart) {
        let part = OwnPart {
            kind: OwnKind::Learner,
            name: self.name.clone(),
            sha256: Some(self.sha256.clone()),
            needs: self.needs.clone(),
        };
        let Self { name, encoding, text, needs, fit, .. } = self;
        let learner = Arc::new(PythonLearner { name: name.clone(), fit });
        (Named { name, encoding, text, needs, learner }, part)
    }
}

/// Calls the estimator's `fit`.
struct PythonLearner {
    name: String,
    fit: Py<PyAny>,
}

/// A fitted object of Python's.
struct PythonFitted {
    name: String,
    object: Py<PyAny>,
}

impl OwnLearner for PythonLearner {
    fn fit(&self, train: &TrainView<'_>, seed: u64, ctx: &Context) -> Result<Arc<dyn OwnFitted>> {
        let rows = FeatureView::of(train.features, train.rows);
        let (n_rows, n_features) = (train.rows.len(), train.features.n_features());
        let bytes = (n_rows * n_features * size_of::<f64>()) as u64;
        // Replay knows how it ended: with a fitted object, or not.
        let has_room = ctx.decide("own/room", || {
            u64::from(ctx.memory_left_bytes().is_none_or(|left| left > bytes))
        });
        if has_room == 0 {
            return Err(Error::work("the memory limit has no room for the features as an array")
                .at(format!("learner {}", self.name))
                .expected(format!("{bytes} bytes")));
        }
        let features = array_of(&rows, 0..n_rows);
        let of_rows = |values: &[f64]| train.rows.iter().map(|r| values[*r as usize]).collect();
        let (target, n_classes): (Vec<f64>, usize) = match train.target {
            Target::Real(values) => (of_rows(values), 0),
            Target::Class { codes, n_classes } => {
                (train.rows.iter().map(|r| f64::from(codes[*r as usize])).collect(), *n_classes)
            }
        };
        let weights: Option<Vec<f64>> = train.weights.map(of_rows);
        let object = Python::attach(|py| -> PyResult<Py<PyAny>> {
            let features = PyArray1::from_vec(py, features).reshape([n_rows, n_features])?;
            let target = PyArray1::from_vec(py, target);
            let weights = weights.map(|w| PyArray1::from_vec(py, w));
            // What libraries take for a seed.
            let seed = seed & 0x7fff_ffff;
            self.fit.call1(py, (features, target, weights, n_classes, seed))
        });
        let object = object.map_err(|e| failed(&self.name, "fit", &e))?;
        Ok(Arc::new(PythonFitted { name: self.name.clone(), object }))
    }
}

impl OwnFitted for PythonFitted {
    fn predict(&self, x: &FeatureView<'_>, _: &Context) -> Result<Predictions> {
        let (n_rows, n_features) = (x.n_rows(), x.features.n_features());
        let mut all = Predictions { n_outputs: 1, values: Vec::new() };
        for start in (0..n_rows.max(1)).step_by(ROWS_AT_ONCE) {
            let rows = start..n_rows.min(start + ROWS_AT_ONCE);
            let n = rows.len();
            let features = array_of(x, rows);
            let said = Python::attach(|py| -> PyResult<Predictions> {
                let features = PyArray1::from_vec(py, features).reshape([n, n_features])?;
                let said = self.object.call_method1(py, "predict", (features,))?;
                let said: PyReadonlyArray2<'_, f64> = said.extract(py)?;
                let said = said.as_array();
                let values = said.iter().copied().collect();
                Ok(Predictions { n_outputs: said.ncols(), values })
            });
            let said = said.map_err(|e| failed(&self.name, "predict", &e))?;
            all.n_outputs = said.n_outputs;
            all.values.extend(said.values);
        }
        Ok(all)
    }

    fn store(&self) -> Result<Vec<u8>> {
        let pickled = Python::attach(|py| -> PyResult<Vec<u8>> {
            self.object.call_method0(py, "store")?.extract(py)
        });
        pickled.map_err(|e| failed(&self.name, "be pickled", &e))
    }
}

/// Some of the asked rows of a view, row after row.
fn array_of(x: &FeatureView<'_>, rows: std::ops::Range<usize>) -> Vec<f64> {
    let n_features = x.features.n_features();
    let mut array = vec![0.0; rows.len() * n_features];
    for (j, column) in x.features.columns.iter().enumerate() {
        for (i, row) in rows.clone().enumerate() {
            array[i * n_features + j] = f64::from(column.values[x.row(row)]);
        }
    }
    array
}

/// What Python raised, in the words of the engine.
fn failed(name: &str, to: &str, error: &PyErr) -> Error {
    Error::input(format!("the learner {name} failed to {to}"))
        .at(format!("learner {name}"))
        .got(error.to_string())
}

/// Lets the parts of a model that are Python's predict, by unpickling them.
///
/// # Errors
/// Input error when a pickle cannot be read here: its library is absent, or another version.
pub(crate) fn wake(model: &mut modelwright::Model) -> Result<()> {
    model.predictor.wake(&mut |own, bytes| {
        let read = |py: Python<'_>| -> PyResult<Py<PyAny>> {
            let module = py.import("modelwright._own_learner")?;
            Ok(module.call_method1("unpickle", (PyBytes::new(py, bytes),))?.unbind())
        };
        let object = Python::attach(read).map_err(|e| {
            Error::input(format!("the learner {} cannot be read here", own.name()))
                .at(format!("learner {}", own.name()))
                .expected(own.needs().join(", "))
                .got(e.to_string())
                .hint("install what it was made with, and import what its class is defined in")
        })?;
        Ok(Arc::new(PythonFitted { name: own.name().to_owned(), object }))
    })
}
