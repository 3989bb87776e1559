//! The check that every metric's input passes once, so that metrics need none of their own.

use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Error, Result};

use super::{MetricInput, MetricSpec, Needs};

/// Checks shapes, finiteness, weights and task.
pub(super) fn check(spec: &MetricSpec, input: &MetricInput<'_>) -> Result<()> {
    let task = input.truth.task();
    if !spec.tasks.contains(&task) {
        let known: Vec<&str> = spec.tasks.iter().map(|t| t.name()).collect();
        let error = Error::input(format!("metric `{}` does not fit the task", spec.name))
            .expected(format!("a {} target", known.join(" or ")))
            .got(format!("a {} target", task.name()));
        return Err(match (spec.name, task.default_metric()) {
            ("roc_auc", "log_loss") => error.hint("use roc_auc_ovr or roc_auc_ovo"),
            ("f1" | "precision" | "recall", "log_loss") => {
                error.hint(format!("use {0}_macro, {0}_micro or {0}_weighted", spec.name))
            }
            (_, default) => error.hint(format!("the default for this task is {default}")),
        });
    }
    check_pair(input.truth, input.predictions)?;
    if let Some(weights) = input.weights {
        check_weights(weights, input.truth.n_rows())?;
    }
    if spec.needs == Needs::Probabilities {
        check_probabilities(input.predictions)?;
    }
    Ok(())
}

/// Checks that truth and predictions belong together and hold usable numbers.
pub(crate) fn check_pair(truth: &Target, predictions: &Predictions) -> Result<()> {
    let n_rows = truth.n_rows();
    if n_rows == 0 {
        return Err(Error::input("there are no rows to evaluate"));
    }
    if predictions.n_rows() != n_rows || predictions.n_outputs != truth.n_outputs() {
        return Err(Error::input("predictions do not fit the target")
            .expected(format!("{n_rows} rows of {} numbers", truth.n_outputs()))
            .got(format!("{} rows of {} numbers", predictions.n_rows(), predictions.n_outputs)));
    }
    if let Some(at) = predictions.values.iter().position(|v| !v.is_finite()) {
        return Err(Error::input("a prediction is not a finite number")
            .row((at / predictions.n_outputs) as u64 + 1)
            .got(predictions.values[at].to_string()));
    }
    match truth {
        Target::Real(values) => match values.iter().position(|v| !v.is_finite()) {
            None => Ok(()),
            Some(at) => Err(Error::input("a target value is not a finite number")
                .row(at as u64 + 1)
                .got(values[at].to_string())),
        },
        Target::Class { codes, n_classes } => {
            match codes.iter().position(|c| *c as usize >= *n_classes) {
                None => Ok(()),
                Some(at) => Err(Error::input("a class index is out of range")
                    .row(at as u64 + 1)
                    .expected(format!("less than {n_classes}"))
                    .got(codes[at].to_string())),
            }
        }
    }
}

/// Checks that weights are finite, not negative, not all zero, and one per row.
pub(crate) fn check_weights(weights: &[f64], n_rows: usize) -> Result<()> {
    if weights.len() != n_rows {
        return Err(Error::input("there must be one weight per row")
            .expected(format!("{n_rows} weights"))
            .got(format!("{} weights", weights.len())));
    }
    if let Some(at) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
        return Err(Error::input("a row weight is not usable")
            .row(at as u64 + 1)
            .expected("a finite number that is not negative")
            .got(weights[at].to_string()));
    }
    if weights.iter().all(|w| *w == 0.0) {
        return Err(Error::input("all row weights are zero"));
    }
    Ok(())
}

fn check_probabilities(predictions: &Predictions) -> Result<()> {
    /// Averaging probabilities may leave them this far outside.
    const ROUNDING: f64 = 1e-9;
    let is_probability = |p: &f64| (-ROUNDING..=1.0 + ROUNDING).contains(p);
    match predictions.values.iter().position(|p| !is_probability(p)) {
        None => Ok(()),
        Some(at) => Err(Error::input("a prediction is not a probability")
            .row((at / predictions.n_outputs) as u64 + 1)
            .expected("a number from 0 to 1")
            .got(predictions.values[at].to_string())),
    }
}
