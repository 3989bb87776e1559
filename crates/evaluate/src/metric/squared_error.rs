//! Squared errors: mean, root mean, and of logarithms.

use modelwright_core::task::Task;
use modelwright_core::{Error, Result};

use super::{MetricInput, Prepared, declare_metric};

declare_metric! {
    /// The square root of the mean squared error, in the target's unit; large misses dominate.
    Rmse {
        "rmse", "Root mean squared error", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "target",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.root_mean_squared_error",
    }
    prepare: |input: &MetricInput<'_>| Ok(mean_square(input).map(f64::sqrt))
}

declare_metric! {
    /// The mean squared error, in the square of the target's unit.
    Mse {
        "mse", "Mean squared error", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "target²",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.mean_squared_error",
    }
    prepare: |input: &MetricInput<'_>| Ok(mean_square(input))
}

declare_metric! {
    /// The root mean squared error of log(1 + value): about the typical relative miss.
    Rmsle {
        "rmsle", "Root mean squared log error", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.root_mean_squared_log_error",
    }
    prepare: log_error
}

fn mean_square(input: &MetricInput<'_>) -> Prepared {
    let truth = input.truth.values().unwrap_or_default();
    let square = |(y, p): (&f64, &f64)| (y - p).powi(2);
    Prepared::row_mean(truth.iter().zip(&input.predictions.values).map(square).collect())
}

fn log_error(input: &MetricInput<'_>) -> Result<Prepared> {
    let truth = input.truth.values().unwrap_or_default();
    let mut squares = Vec::with_capacity(truth.len());
    for (row, (y, p)) in truth.iter().zip(&input.predictions.values).enumerate() {
        if *y <= -1.0 || *p <= -1.0 {
            return Err(Error::input("rmsle is undefined for values of -1 and below")
                .row(row as u64 + 1)
                .expected("targets and predictions greater than -1")
                .got(format!("target {y}, prediction {p}"))
                .hint("choose rmse or mae"));
        }
        squares.push((y.ln_1p() - p.ln_1p()).powi(2));
    }
    Ok(Prepared::row_mean(squares).map(f64::sqrt))
}
