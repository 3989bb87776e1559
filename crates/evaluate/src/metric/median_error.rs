//! Median absolute error.

use modelwright_core::Result;
use modelwright_core::task::Task;

use super::mean_error::absolute_errors;
use super::quantile::Sorted;
use super::{MetricInput, Prepared, declare_metric};

declare_metric! {
    /// The median absolute difference between prediction and truth, in the target's unit; blind to
    /// the worst half.
    Medae {
        "medae", "Median absolute error", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "target",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.median_absolute_error",
    }
    prepare: prepare
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::prepare")]
fn prepare(input: &MetricInput<'_>) -> Result<Prepared> {
    let sorted = Sorted::new(&absolute_errors(input));
    Ok(Prepared::new(input.truth.n_rows(), move |weights| {
        Ok(sorted.quantile(weights, 0.5).unwrap_or(0.0))
    }))
}
