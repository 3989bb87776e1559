//! A loss that Python computes, for a booster.
//!
//! `modelwright._own.Loss` gives a function of targets and scores that returns gradients and
//! Hessians. What it raises ends the fit and is raised again as it was.

use std::sync::{Mutex, PoisonError};

use modelwright::learners::gbdt::{Link, Objective};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray2};
use pyo3::prelude::*;

/// Newton steps towards the best constant.
const STEPS: usize = 20;
/// A step that changes less than this share of the score is the last.
const ENOUGH: f64 = 1e-9;

/// See the module's text.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct GivenLoss {
    /// Of targets of shape `(n_rows,)` and scores of shape `(n_rows, n_outputs)` to gradients and
    /// Hessians of the latter's shape.
    derivatives: Py<PyAny>,
    n_outputs: usize,
    link: String,
}

/// A loss, and what it raised.
pub(crate) struct PythonLoss {
    given: GivenLoss,
    link: Link,
    raised: Mutex<Option<PyErr>>,
}

impl PythonLoss {
    pub(crate) fn new(given: GivenLoss) -> Self {
        let link = match given.link.as_str() {
            "log" => Link::Exponential,
            "logit" => Link::Logistic,
            "softmax" => Link::Softmax,
            _ => Link::Identity,
        };
        Self { given, link, raised: Mutex::new(None) }
    }

    /// What the function raised, if it did.
    pub(crate) fn raised(&self) -> Option<PyErr> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn call(&self, targets: &[f64], scores: &[Vec<f64>]) -> PyResult<Vec<Vec<[f64; 2]>>> {
        Python::attach(|py| {
            let (n_rows, n_outputs) = (targets.len(), scores.len());
            let mut rows = vec![0.0; n_rows * n_outputs];
            for (k, of_output) in scores.iter().enumerate() {
                for (row, score) in of_output.iter().enumerate() {
                    rows[row * n_outputs + k] = *score;
                }
            }
            let scores = PyArray1::from_vec(py, rows).reshape([n_rows, n_outputs])?;
            let targets = PyArray1::from_slice(py, targets);
            let found = self.given.derivatives.call1(py, (targets, scores))?;
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
        self.given.n_outputs
    }

    fn link(&self) -> Link {
        self.link
    }

    /// The constants that make the loss least, by Newton steps from 0.
    fn base_scores(&self, targets: &[f64], weights: &[f32]) -> Vec<f64> {
        let mut base = vec![0.0; self.given.n_outputs];
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
                let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
                raised.get_or_insert(error);
                // Too few: the booster ends the fit.
                vec![Vec::new(); scores.len()]
            }
        }
    }

    /// What a Newton step would still gain, since the loss itself is not known.
    fn losses(&self, targets: &[f64], scores: &[Vec<f64>]) -> Vec<f64> {
        let mut gains = vec![0.0; targets.len()];
        for rows in self.gradients(targets, scores) {
            for (gain, [gradient, hessian]) in gains.iter_mut().zip(rows) {
                *gain += 0.5 * gradient * gradient / hessian.max(f64::MIN_POSITIVE);
            }
        }
        gains
    }
}
