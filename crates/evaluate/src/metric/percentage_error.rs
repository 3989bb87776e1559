//! Relative errors: as a share of the truth, or of truth and prediction together.

use modelwright_core::task::Task;

use super::{MetricInput, Prepared, declare_metric};

declare_metric! {
    /// The mean absolute error as a share of the true value (0.1 is 10 %); explodes where the truth
    /// is near 0.
    Mape {
        "mape", "Mean absolute percentage error", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "share",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.mean_absolute_percentage_error",
    }
    prepare: |input: &MetricInput<'_>| {
        Ok(relative(input, |y, p| (p - y).abs() / y.abs().max(f64::EPSILON)))
    }
}

declare_metric! {
    /// The mean of |truth - prediction| over the mean of |truth| and |prediction|, from 0 to 2;
    /// rows where both are 0 count 0.
    Smape {
        "smape", "Symmetric mean absolute percentage error", larger_is_better: false,
        range: (0.0, 2.0), perfect: 0.0, unit: "share",
        tasks: &[Task::Regression], needs: Values,
        reference: "Makridakis, Int. J. Forecasting 9, 1993 (not in scikit-learn)",
    }
    prepare: |input: &MetricInput<'_>| {
        Ok(relative(input, |y, p| {
            let scale = y.abs() / 2.0 + p.abs() / 2.0;
            if scale > 0.0 { (p - y).abs() / scale } else { 0.0 }
        }))
    }
}

fn relative(input: &MetricInput<'_>, error: fn(f64, f64) -> f64) -> Prepared {
    let truth = input.truth.values().unwrap_or_default();
    let rows = truth.iter().zip(&input.predictions.values);
    Prepared::row_mean(rows.map(|(y, p)| error(*y, *p)).collect())
}
