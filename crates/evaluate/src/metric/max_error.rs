//! Maximum error: the worst miss.

use modelwright_core::Result;
use modelwright_core::task::Task;

use super::mean_error::absolute_errors;
use super::{MetricInput, Prepared, declare_metric};

declare_metric! {
    /// The largest absolute difference between prediction and truth, in the target's unit.
    MaxError {
        "max_error", "Maximum error", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "target",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.max_error",
    }
    prepare: prepare
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::prepare")]
fn prepare(input: &MetricInput<'_>) -> Result<Prepared> {
    let errors = absolute_errors(input);
    Ok(Prepared::new(errors.len(), move |weights| {
        let counts = |row: &usize| weights.is_none_or(|w| w[*row] > 0.0);
        Ok((0..errors.len()).filter(counts).map(|row| errors[row]).fold(0.0, f64::max))
    }))
}
