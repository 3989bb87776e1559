//! Parts of a fit that are Python's: a metric that is called back, a split that was made there,
//! and learners (see `own_learner`).
//!
//! `modelwright._own` prepares them: it knows the user's function and the labels in their own
//! types. What crosses here are arrays and the texts of the record.

use std::sync::{Arc, Mutex, PoisonError};

use modelwright::automl::own::LossOf;
use modelwright::automl::{Own, OwnSplit};
use modelwright::core::record::{OwnKind, OwnPart, RunRecord};
use modelwright::evaluate::metric::{MetricInput, Needs, OwnMetric, Prepared};
use modelwright_core::task::Target;
use modelwright_core::{Error, Result};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::loss::{GivenLoss, LossRaised, PythonLoss};
use crate::own_learner::GivenLearner;

/// The parts as Python hands them over.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Given<'py> {
    metric: Option<GivenMetric>,
    split: Option<GivenSplit<'py>>,
    learners: Vec<GivenLearner>,
    loss: Option<GivenLoss>,
    needs: Vec<String>,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct GivenMetric {
    name: String,
    larger_is_better: bool,
    needs_probabilities: bool,
    /// Makes of the classes of a run a function of arrays and weights.
    bind: Py<PyAny>,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct GivenSplit<'py> {
    name: String,
    sha256: String,
    n_rows: usize,
    pairs: Vec<(PyReadonlyArray1<'py, u32>, PyReadonlyArray1<'py, u32>)>,
}

impl Given<'_> {
    /// The parts as the engine wants them, and where it is written what they raised.
    ///
    /// # Errors
    /// As [`OwnSplit::new`].
    pub(crate) fn own(self) -> Result<(Own, Raised)> {
        let raised = Raised::default();
        let Self { metric, split, learners, loss, needs } = self;
        let metric = metric.map(|given| {
            let (kind, name) = (OwnKind::Metric, given.name.clone());
            let part = OwnPart { kind, name, sha256: None, needs: needs.clone() };
            let by_metric = raised.metric.clone();
            let own: Arc<dyn OwnMetric> = Arc::new(PythonMetric { given, raised: by_metric });
            (own, part)
        });
        let split = split.map(|given| {
            let rows =
                |array: &PyReadonlyArray1<'_, u32>| array.as_array().iter().copied().collect();
            let pairs = given.pairs.iter().map(|(a, b)| (rows(a), rows(b))).collect();
            let part = OwnPart {
                kind: OwnKind::Split,
                name: given.name,
                sha256: Some(given.sha256),
                needs: Vec::new(),
            };
            Ok((OwnSplit::new(pairs, given.n_rows)?, part))
        });
        let learners = learners.into_iter().map(GivenLearner::own).collect();
        let by_loss = raised.loss.clone();
        let loss = loss.map(|given| {
            let (kind, name) = (OwnKind::Loss, given.name.clone());
            let given = Arc::new(given);
            let of: LossOf = Arc::new(move |n_classes| {
                Arc::new(PythonLoss::new(given.clone(), n_classes, by_loss.clone()))
            });
            (of, OwnPart { kind, name, sha256: None, needs: needs.clone() })
        });
        let split = split.transpose()?;
        Ok((Own { metric, split, learners, loss, continued: None }, raised))
    }
}

/// The first that a metric and a loss raised.
#[derive(Clone, Default)]
pub(crate) struct Raised {
    /// Now and then that is to be expected (a resample without a class); whether it matters shows
    /// at the end.
    metric: Arc<Mutex<Option<String>>>,
    /// No booster learned by it.
    loss: LossRaised,
}

impl Raised {
    /// What the loss raised, if it did.
    pub(crate) fn by_loss(&self) -> Option<PyErr> {
        self.loss.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Refuses the account of a run whose metric has no value on the rows that it is judged by.
///
/// # Errors
/// Input error with what the metric raised.
pub(crate) fn check(record: &RunRecord, raised: &Raised) -> Result<()> {
    let raised = raised.metric.lock().unwrap_or_else(PoisonError::into_inner).take();
    let judged = record.evaluation.as_ref().and_then(|e| e.metrics.first());
    let is_judged = match judged {
        Some(metric) => metric.value.is_some(),
        None => record.trials.iter().any(|trial| trial.score.is_some()),
    };
    match raised {
        Some(text) if !is_judged => {
            let name = &record.task.metric;
            Err(Error::input(format!("the metric {name} failed")).at("metric").got(text))
        }
        _ => Ok(()),
    }
}

/// A metric that Python computes.
struct PythonMetric {
    given: GivenMetric,
    raised: Arc<Mutex<Option<String>>>,
}

impl PythonMetric {
    fn failed(name: &str, error: &PyErr, raised: &Mutex<Option<String>>) -> Error {
        let mut first = raised.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| error.to_string());
        Error::input(format!("the metric {name} failed")).at("metric").got(error.to_string())
    }
}

impl OwnMetric for PythonMetric {
    fn name(&self) -> &str {
        &self.given.name
    }

    fn larger_is_better(&self) -> bool {
        self.given.larger_is_better
    }

    fn needs(&self) -> Needs {
        if self.given.needs_probabilities { Needs::Probabilities } else { Needs::Labels }
    }

    fn prepare(&self, input: &MetricInput<'_>, classes: &[String]) -> Result<Prepared> {
        let n_rows = input.truth.n_rows();
        let measure = Python::attach(|py| -> PyResult<Py<PyAny>> {
            let truth = match input.truth {
                Target::Real(values) => PyArray1::from_slice(py, values).into_any(),
                Target::Class { codes, .. } => PyArray1::from_slice(py, codes).into_any(),
            };
            let said = if self.needs() == Needs::Labels && !classes.is_empty() {
                PyArray1::from_vec(py, input.decided()).into_any()
            } else {
                let values = PyArray1::from_slice(py, &input.predictions.values);
                values.reshape([n_rows, input.predictions.n_outputs])?.into_any()
            };
            self.given.bind.call1(py, (classes.to_vec(), truth, said))
        });
        let measure = measure.map_err(|e| Self::failed(self.name(), &e, &self.raised))?;
        let (name, raised) = (self.name().to_owned(), self.raised.clone());
        Ok(Prepared::new(n_rows, move |weights| {
            Python::attach(|py| {
                let weights = weights.map(|w| PyArray1::from_slice(py, w));
                measure.call1(py, (weights,)).and_then(|value| value.extract::<f64>(py))
            })
            .map_err(|e| Self::failed(&name, &e, &raised))
        }))
    }
}
