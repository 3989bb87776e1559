//! One learner on one table, for scikit-learn's estimators.

use modelwright::automl::Predictor;
use modelwright::automl::direct::{DirectInput, fit_direct};
use modelwright::core::params::{ParamMap, ParamValue};
use modelwright::learners::gbdt::Objective;
use modelwright_core::context::Settings;
use modelwright_core::data::Kind;
use modelwright_core::task::Target;
use modelwright_core::{Context, Error, Result};
use numpy::{PyArray2, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::context::shared;
use crate::error::{Realm, raise};
use crate::loss::{GivenLoss, PythonLoss};
use crate::model::whole;
use crate::table::Table;

/// A fitted learner.
#[pyclass(frozen, module = "modelwright._modelwright")]
pub(crate) struct Single {
    predictor: Predictor,
    /// Rounds that were done.
    #[pyo3(get)]
    rounds: usize,
}

/// A callable and its arguments, as pickle wants them.
type Reduced<'py> = (Bound<'py, PyAny>, (Bound<'py, PyBytes>, usize));

#[pymethods]
impl Single {
    /// Reads stored bytes.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: Vec<u8>, rounds: usize) -> PyResult<Self> {
        let predictor = py.detach(|| Predictor::decode(&bytes));
        let predictor = predictor.map_err(|e| raise(py, &e, Realm::Artifact))?;
        Ok(Self { predictor, rounds })
    }

    /// The bytes to store.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.predictor.encode().map_err(|e| raise(py, &e, Realm::Artifact))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// How pickle and copy make it again: from its bytes.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        let of_bytes = slf.get_type().getattr("from_bytes")?;
        Ok((of_bytes, (slf.get().to_bytes(slf.py())?, slf.get().rounds)))
    }

    /// One number for each row and output: values, or the probability of every class.
    fn outputs<'py>(
        &self,
        py: Python<'py>,
        table: &Bound<'_, Table>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let table = table.get();
        let done = py.detach(|| {
            let ctx = shared(threads)?;
            let file = table.take(Some(self.predictor.schema.clone()), &ctx)?;
            ctx.install(|| self.predictor.predict(&file.table, &ctx))
        });
        let predictions = done.map_err(|e: Error| raise(py, &e, Realm::Data))?;
        whole(py, predictions, self.predictor.classes.len())
    }
}

/// Fits one learner on all rows of a table. `classes` is 0 for a regression; the target then holds
/// values, else class numbers.
#[expect(clippy::too_many_arguments, reason = "Python passes them by name")]
#[pyfunction]
#[pyo3(signature = (learner, params, table, target, classes, weights, kinds, seed, threads, loss))]
pub(crate) fn fit_single(
    py: Python<'_>,
    learner: &str,
    params: &Bound<'_, PyDict>,
    table: &Bound<'_, Table>,
    target: PyReadonlyArray1<'_, f64>,
    classes: usize,
    weights: Option<PyReadonlyArray1<'_, f64>>,
    kinds: Vec<(String, String)>,
    seed: u64,
    threads: usize,
    loss: Option<GivenLoss>,
) -> PyResult<Single> {
    let loss = loss.map(PythonLoss::new);
    let params = read_params(params)?;
    let known = modelwright::learners::learner(learner).and_then(|e| e.check_params(&params));
    known.map_err(|e| raise(py, &e, Realm::Option))?;
    let values: Vec<f64> = target.as_array().iter().copied().collect();
    let target = match classes {
        0 => Target::Real(values),
        n => Target::Class { codes: values.iter().map(|v| *v as u32).collect(), n_classes: n },
    };
    let weights: Option<Vec<f64>> = weights.map(|w| w.as_array().iter().copied().collect());
    let table = table.get();
    let work = || -> Result<Single> {
        let ctx = Context::new(Settings { seed, threads, ..Settings::default() })?;
        let mut file = table.take(None, &ctx)?;
        let (target, weights) = without_weightless(&mut file.table, target, weights);
        let named = |(name, kind): &(String, String)| Ok((name.clone(), kind.parse::<Kind>()?));
        let input = DirectInput {
            table: &file.table,
            schema: &file.schema,
            kinds: kinds.iter().map(named).collect::<Result<_>>()?,
            target: &target,
            weights: weights.as_deref(),
            learner,
            params: &params,
            objective: loss.as_ref().map(|loss| loss as &dyn Objective),
        };
        let (predictor, rounds) = fit_direct(&input, &ctx)?;
        Ok(Single { predictor, rounds })
    };
    let done = py.detach(work);
    if let Some(raised) = loss.and_then(|loss| loss.raised()) {
        return Err(raised);
    }
    done.map_err(|e| raise(py, &e, Realm::Data))
}

/// Leaves out the rows of weight zero, as if they were not there.
fn without_weightless(
    table: &mut modelwright_core::data::Table,
    target: Target,
    weights: Option<Vec<f64>>,
) -> (Target, Option<Vec<f64>>) {
    let Some(weights) = weights else { return (target, None) };
    let count = |row: &u32| weights.get(*row as usize).is_some_and(|w| *w != 0.0);
    let rows: Vec<u32> = (0..table.n_rows() as u32).filter(count).collect();
    if rows.len() == table.n_rows() {
        return (target, Some(weights));
    }
    *table = std::mem::take(table).into_selected(&rows);
    (target.select(&rows), Some(rows.iter().map(|r| weights[*r as usize]).collect()))
}

pub(crate) fn read_params(params: &Bound<'_, PyDict>) -> PyResult<ParamMap> {
    let mut map = ParamMap::new();
    for (name, value) in params {
        let name: String = name.extract()?;
        let value = if let Ok(flag) = value.cast::<pyo3::types::PyBool>() {
            ParamValue::Flag(flag.is_true())
        } else if let Ok(whole) = value.extract::<i64>() {
            ParamValue::Int(whole)
        } else if let Ok(real) = value.extract::<f64>() {
            ParamValue::Real(real)
        } else {
            ParamValue::Choice(value.str()?.to_string_lossy().into_owned())
        };
        map.insert(name, value);
    }
    Ok(map)
}
