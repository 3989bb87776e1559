//! A loss that Python computes, for a booster.
//!
//! `modelwright._own.Loss` gives a function of targets and scores that returns gradients and
//! Hessians. What it raises ends the fit and is raised again as it was.

use std::sync::{Arc, Mutex, PoisonError};

use modelwright::learners::gbdt::{Link, Objective};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

/// Newton steps towards the best constant.
const STEPS: usize = 20;
/// A step that changes less than this share of the score is the last.
const ENOUGH: f64 = 1e-9;

/// See the module's text.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct GivenLoss {
    /// What records call it.
    pub(crate) name: String,
    /// Of targets of shape `(n_rows,)` and scores of shape `(n_rows, n_outputs)` to gradients and
    /// Hessians of the latter's shape.
    derivatives: Py<PyAny>,
    /// Of the same to the loss of every row; `None` where it is not known.
    values: Option<Py<PyAny>>,
    /// `None` follows the task.
    link: Option<String>,
}

/// What the function raised first, if it did.
pub(crate) type LossRaised = Arc<Mutex<Option<PyErr>>>;

/// A loss, and what it raised.
pub(crate) struct PythonLoss {
    given: Arc<GivenLoss>,
    n_outputs: usize,
    link: Link,
    raised: LossRaised,
}

impl PythonLoss {
    /// The loss for a number of classes, which is 0 in a regression.
    pub(crate) fn new(given: Arc<GivenLoss>, n_classes: usize, raised: LossRaised) -> Self {
        let link = match (given.link.as_deref(), n_classes) {
            (Some("log"), _) => Link::Exponential,
            (Some("logit"), _) | (None, 2) => Link::Logistic,
            (Some("softmax"), _) | (None, 3..) => Link::Softmax,
            _ => Link::Identity,
        };
        Self { given, n_outputs: if n_classes > 2 { n_classes } else { 1 }, link, raised }
    }

    /// What the function raised, if it did.
    pub(crate) fn raised(&self) -> Option<PyErr> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps the first that is raised.
    fn keep(&self, error: PyErr) {
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        raised.get_or_insert(error);
    }

    fn values(of: &Py<PyAny>, targets: &[f64], scores: &[Vec<f64>]) -> PyResult<Vec<f64>> {
        Python::attach(|py| {
            let found = of.call1(py, arrays(py, targets, scores)?)?;
            let found: PyReadonlyArray1<'_, f64> = found.extract(py)?;
            Ok(found.as_array().iter().copied().collect())
        })
    }

    fn call(&self, targets: &[f64], scores: &[Vec<f64>]) -> PyResult<Vec<Vec<[f64; 2]>>> {
        Python::attach(|py| {
            let (n_rows, n_outputs) = (targets.len(), scores.len());
            let found = self.given.derivatives.call1(py, arrays(py, targets, scores)?)?;
            let (gradients, hessians): (PyReadonlyArray2<'_, f64>, PyReadonlyArray2<'_, f64>) =
                found.extract(py)?;
            let (gradients, hessians) = (gradients.as_array(), hessians.as_array());
            let of_output = |k: usize| -> Vec<[f64; 2]> {
                (0..n_rows).map(|row| [gradients[[row, k]], hessians[[row, k]]]).collect()
            };
            Ok((0..n_outputs).map(of_output).collect())
        })
    }
}

impl Objective for PythonLoss {
    fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    fn link(&self) -> Link {
        self.link
    }

    /// The constants that make the loss least, by Newton steps from 0.
    fn base_scores(&self, targets: &[f64], weights: &[f32]) -> Vec<f64> {
        let mut base = vec![0.0; self.n_outputs];
        for _ in 0..STEPS {
            let scores: Vec<Vec<f64>> = base.iter().map(|b| vec![*b; targets.len()]).collect();
            let mut has_moved = false;
            for (base, rows) in base.iter_mut().zip(self.gradients(targets, &scores)) {
                let (mut g, mut h) = (0.0, 0.0);
                for ([gradient, hessian], weight) in rows.iter().zip(weights) {
                    g += gradient * f64::from(*weight);
                    h += hessian * f64::from(*weight);
                }
                let step = if h > 0.0 { -g / h } else { 0.0 };
                if step.is_finite() && step.abs() > ENOUGH * base.abs().max(1.0) {
                    *base += step;
                    has_moved = true;
                }
            }
            if !has_moved {
                break;
            }
        }
        base
    }

    fn gradients(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<Vec<[f64; 2]>> {
        match self.call(targets, scores) {
            Ok(found) => found,
            Err(error) => {
                self.keep(error);
                // Too few: the booster ends the fit.
                vec![Vec::new(); scores.len()]
            }
        }
    }

    /// Its values; where these are not known, what a Newton step would still gain.
    fn losses(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<f64> {
        if let Some(of) = &self.given.values {
            return Self::values(of, targets, scores).unwrap_or_else(|error| {
                self.keep(error);
                // Too few: the booster ends the fit.
                Vec::new()
            });
        }
        let mut gains = vec![0.0; targets.len()];
        for rows in self.gradients(targets, scores) {
            for (gain, [gradient, hessian]) in gains.iter_mut().zip(rows) {
                *gain += 0.5 * gradient * gradient / hessian.max(f64::MIN_POSITIVE);
            }
        }
        gains
    }
}

/// One number for each row, and one for each row and output.
type Arrays<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray2<f64>>);

/// Targets, and scores of shape `(n_rows, n_outputs)`.
fn arrays<'py>(py: Python<'py>, targets: &[f64], scores: &[Vec<f64>]) -> PyResult<Arrays<'py>> {
    let (n_rows, n_outputs) = (targets.len(), scores.len());
    let mut rows = vec![0.0; n_rows * n_outputs];
    for (k, of_output) in scores.iter().enumerate() {
        for (row, score) in of_output.iter().enumerate() {
            rows[row * n_outputs + k] = *score;
        }
    }
    let scores = PyArray1::from_vec(py, rows).reshape([n_rows, n_outputs])?;
    Ok((PyArray1::from_slice(py, targets), scores))
}
