//! Mean absolute error.

use modelwright_core::task::Task;

use super::{MetricInput, Prepared, declare_metric};

declare_metric! {
    /// The mean absolute difference between prediction and truth, in the target's unit.
    Mae {
        "mae", "Mean absolute error", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "target",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.mean_absolute_error",
    }
    prepare: |input: &MetricInput<'_>| Ok(Prepared::row_mean(absolute_errors(input)))
}

/// |truth - prediction| of each row.
pub(super) fn absolute_errors(input: &MetricInput<'_>) -> Vec<f64> {
    let truth = input.truth.values().unwrap_or_default();
    truth.iter().zip(&input.predictions.values).map(|(y, p)| (y - p).abs()).collect()
}
