//! Shares of explained variation: R², explained variance, and D² of the absolute error.
//!
//! All are 1 - (loss of the predictions) / (loss of the best constant). As scikit-learn's
//! `force_finite`: where the best constant has no loss, 1 if the predictions have none either,
//! else 0.

use modelwright_core::task::Task;
use modelwright_core::{Error, Result};

use super::prepared::{total_weight, weighted_mean, weighted_sum};
use super::quantile::Sorted;
use super::{MetricInput, Prepared, declare_metric};

declare_metric! {
    /// The share of the target's variance that the predictions explain: 1 perfect, 0 as good as the
    /// mean, negative worse.
    R2 {
        "r2", "R²", larger_is_better: true,
        range: (f64::NEG_INFINITY, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.r2_score",
    }
    prepare: r2
}

declare_metric! {
    /// As R², but a constant shift of all predictions costs nothing.
    ExplainedVariance {
        "explained_variance", "Explained variance", larger_is_better: true,
        range: (f64::NEG_INFINITY, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.explained_variance_score",
    }
    prepare: explained_variance
}

declare_metric! {
    /// The share of the absolute error of the median that the predictions avoid: R² for absolute
    /// errors.
    D2AbsoluteError {
        "d2_absolute_error", "D² of the absolute error", larger_is_better: true,
        range: (f64::NEG_INFINITY, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.d2_absolute_error_score",
    }
    prepare: d2_absolute_error
}

fn r2(input: &MetricInput<'_>) -> Result<Prepared> {
    let (truth, residuals) = columns(input);
    two_rows("r2", truth.len())?;
    let squares: Vec<f64> = residuals.iter().map(|r| r * r).collect();
    let mean = weighted_mean(&truth, input.weights);
    let about_mean = truth.iter().map(|y| (y - mean).powi(2)).collect();
    let rows = squares.clone();
    let prepared = Prepared::new(truth.len(), move |weights| {
        let loss = weighted_sum(&squares, weights);
        Ok(explained(loss, squares_about_mean(&truth, weights)))
    });
    Ok(prepared.near(rows, about_mean, |ratio| 1.0 - ratio))
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::prepare")]
fn explained_variance(input: &MetricInput<'_>) -> Result<Prepared> {
    let (truth, residuals) = columns(input);
    Ok(Prepared::new(truth.len(), move |weights| {
        let loss = squares_about_mean(&residuals, weights);
        Ok(explained(loss, squares_about_mean(&truth, weights)))
    }))
}

fn d2_absolute_error(input: &MetricInput<'_>) -> Result<Prepared> {
    let (truth, residuals) = columns(input);
    two_rows("d2_absolute_error", truth.len())?;
    let errors: Vec<f64> = residuals.iter().map(|r| r.abs()).collect();
    let sorted = Sorted::new(&truth);
    Ok(Prepared::new(truth.len(), move |weights| {
        let median = sorted.quantile(weights, 0.5).unwrap_or(0.0);
        let constant = sum_of(&truth, weights, |y| (y - median).abs());
        Ok(explained(weighted_sum(&errors, weights), constant))
    }))
}

fn columns(input: &MetricInput<'_>) -> (Vec<f64>, Vec<f64>) {
    let truth = input.truth.values().unwrap_or_default().to_vec();
    let residuals = truth.iter().zip(&input.predictions.values).map(|(y, p)| y - p).collect();
    (truth, residuals)
}

fn two_rows(name: &str, n_rows: usize) -> Result<()> {
    if n_rows >= 2 {
        return Ok(());
    }
    Err(Error::input(format!("{name} is undefined on these rows"))
        .expected("at least two rows")
        .got(format!("{n_rows} row")))
}

fn explained(loss: f64, constant_loss: f64) -> f64 {
    match (loss == 0.0, constant_loss == 0.0) {
        (true, _) => 1.0,
        (false, true) => 0.0,
        (false, false) => 1.0 - loss / constant_loss,
    }
}

fn squares_about_mean(values: &[f64], weights: Option<&[f64]>) -> f64 {
    let mean = weighted_mean(values, weights);
    sum_of(values, weights, |v| (v - mean).powi(2))
}

fn sum_of(values: &[f64], weights: Option<&[f64]>, f: impl Fn(f64) -> f64) -> f64 {
    debug_assert!(total_weight(values.len(), weights) > 0.0, "weights were checked");
    match weights {
        None => values.iter().map(|v| f(*v)).sum(),
        Some(weights) => values.iter().zip(weights).map(|(v, w)| w * f(*v)).sum(),
    }
}
