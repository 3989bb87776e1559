//! One learner on one table, for scikit-learn's estimators.

use std::sync::Arc;

use modelwright::automl::Predictor;
use modelwright::automl::direct::{Boosting, DirectInput, fit_direct, fit_out_of_bag};
use modelwright::core::params::{ParamMap, ParamValue};
use modelwright::learners::gbdt::Objective;
use modelwright_core::context::Settings;
use modelwright_core::data::Kind;
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Context, Error, Result};
use numpy::{PyArray2, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::boosting::GivenBoosting;
use crate::context::shared;
use crate::error::{Realm, raise};
use crate::loss::{LossRaised, PythonLoss};
use crate::model::whole;
use crate::table::Table;
use crate::watch;

/// A fitted learner.
#[pyclass(frozen, module = "modelwright._modelwright")]
pub(crate) struct Single {
    predictor: Predictor,
    /// Rounds that were done.
    #[pyo3(get)]
    rounds: usize,
    /// What trees that did not draw a row say of it, where that was asked for.
    out_of_bag: Option<Predictions>,
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
        Ok(Self { predictor, rounds, out_of_bag: None })
    }

    /// One number for each training row and output, as [`Self::outputs`]; NaN for a row that
    /// every tree drew, or that has no weight. `None` unless it was asked for.
    fn out_of_bag<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray2<f64>>>> {
        let judged = self.out_of_bag.clone();
        judged.map(|judged| whole(py, judged, self.predictor.classes.len())).transpose()
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

impl Single {
    /// What was fitted.
    pub(crate) fn predictor(&self) -> &Predictor {
        &self.predictor
    }

    /// How many rounds were done.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds
    }

    /// 0 of a regression.
    pub(crate) fn n_classes(&self) -> usize {
        self.predictor.classes.len()
    }
}

impl Single {
    /// Fits a forest that says what its trees think of rows that they did not draw; the input has
    /// the given ones of `n_rows` rows.
    fn judged(
        input: &DirectInput<'_>,
        rows: Option<&[u32]>,
        n_rows: usize,
        ctx: &Context,
    ) -> Result<Self> {
        let (predictor, rounds, judged) = fit_out_of_bag(input, ctx)?;
        let out_of_bag = Some(among_all(judged, rows, n_rows));
        Ok(Self { predictor, rounds, out_of_bag })
    }
}

/// The target of a regression, or numbers of classes.
fn target_of(values: Vec<f64>, n_classes: usize) -> Target {
    match n_classes {
        0 => Target::Real(values),
        n => Target::Class { codes: values.iter().map(|v| *v as u32).collect(), n_classes: n },
    }
}

/// Fits one learner on all rows of a table. `classes` is 0 for a regression; the target then holds
/// values, else class numbers.
#[expect(clippy::too_many_arguments, reason = "Python passes them by name")]
#[pyfunction]
#[pyo3(signature = (
    learner, params, table, target, classes, weights, kinds, seed, threads, boosting,
    encoding = None, judges = false
))]
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
    boosting: Option<GivenBoosting<'_>>,
    encoding: Option<&str>,
    judges: bool,
) -> PyResult<Single> {
    let (loss, quantiles, init_scores, continued) = match boosting {
        Some(given) => (given.loss, given.quantiles, given.init_scores, given.continued),
        None => (None, None, None, None),
    };
    let loss = loss.map(|l| PythonLoss::new(Arc::new(l), classes, LossRaised::default()));
    let init_scores: Option<Vec<f64>> = init_scores.map(|s| s.as_array().iter().copied().collect());
    let continued = continued.as_ref().map(Bound::get);
    let params = read_params(params)?;
    let known = modelwright::learners::learner(learner).and_then(|e| e.check_params(&params));
    known.map_err(|e| raise(py, &e, Realm::Option))?;
    let target = target_of(target.as_array().iter().copied().collect(), classes);
    let weights: Option<Vec<f64>> = weights.map(|w| w.as_array().iter().copied().collect());
    let table = table.get();
    let work = |cancel| -> Result<Single> {
        let ctx = Context::new(Settings { seed, threads, cancel, ..Settings::default() })?;
        let mut file = table.take(None, &ctx)?;
        let n_rows = file.table.n_rows();
        let rows = with_weight(n_rows, weights.as_deref());
        let (mut target, mut weights, mut init_scores) = (target, weights, init_scores);
        if let Some(rows) = &rows {
            init_scores = init_scores.map(|s| of_rows(&s, n_rows, rows));
            target = target.select(rows);
            weights = weights.map(|w| of_rows(&w, w.len(), rows));
            file.table = std::mem::take(&mut file.table).into_selected(rows);
        }
        let named = |(name, kind): &(String, String)| Ok((name.clone(), kind.parse::<Kind>()?));
        let input = DirectInput {
            table: &file.table,
            schema: &file.schema,
            kinds: kinds.iter().map(named).collect::<Result<_>>()?,
            target: &target,
            weights: weights.as_deref(),
            learner,
            params: &params,
            encoding,
            boosting: Boosting {
                objective: loss.as_ref().map(|loss| loss as &dyn Objective),
                quantile_levels: quantiles.as_deref(),
                init_scores: init_scores.as_deref(),
                continued: continued.map(|single| &single.predictor),
            },
        };
        if judges {
            return Single::judged(&input, rows.as_deref(), n_rows, &ctx);
        }
        let (predictor, rounds) = fit_direct(&input, &ctx)?;
        Ok(Single { predictor, rounds, out_of_bag: None })
    };
    let done = watch::beside(py, work)?;
    if let Some(raised) = loss.and_then(|loss| loss.raised()) {
        return Err(raised);
    }
    done.map_err(|e| raise(py, &e, Realm::Data))
}

/// The rows that have a weight, where some have none: these are as if they were not there.
fn with_weight(n_rows: usize, weights: Option<&[f64]>) -> Option<Vec<u32>> {
    let weights = weights?;
    let counts = |row: &u32| weights.get(*row as usize).is_some_and(|w| *w != 0.0);
    let rows: Vec<u32> = (0..n_rows as u32).filter(counts).collect();
    (rows.len() < n_rows).then_some(rows)
}

/// Predictions of some rows as those of all; NaN for the others.
fn among_all(judged: Predictions, rows: Option<&[u32]>, n_rows: usize) -> Predictions {
    let Some(rows) = rows else { return judged };
    let width = judged.n_outputs;
    let mut values = vec![f64::NAN; n_rows * width];
    for (row, of_row) in rows.iter().zip(judged.values.chunks_exact(width)) {
        values[*row as usize * width..][..width].copy_from_slice(of_row);
    }
    Predictions::new(width, values)
}

/// The numbers of some rows of a row-major array.
fn of_rows(values: &[f64], n_rows: usize, rows: &[u32]) -> Vec<f64> {
    let width = values.len().checked_div(n_rows).unwrap_or(0);
    rows.iter().flat_map(|r| &values[*r as usize * width..][..width]).copied().collect()
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
