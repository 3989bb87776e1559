//! Pinball loss: the score of a predicted quantile.

use modelwright_core::Result;
use modelwright_core::task::Task;

use super::{MetricInput, Prepared, declare_metric};

declare_metric! {
    /// The pinball loss of predictions of the median: half the mean absolute error.
    Pinball50 {
        "pinball_loss", "Pinball loss at 0.5", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "target",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.mean_pinball_loss(alpha=0.5)",
    }
    prepare: |input: &MetricInput<'_>| pinball(input, 0.5)
}

declare_metric! {
    /// The pinball loss of predictions of the 0.1 quantile: predicting too much costs nine times as
    /// much as too little.
    Pinball10 {
        "pinball_loss_0.1", "Pinball loss at 0.1", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "target",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.mean_pinball_loss(alpha=0.1)",
    }
    prepare: |input: &MetricInput<'_>| pinball(input, 0.1)
}

declare_metric! {
    /// The pinball loss of predictions of the 0.9 quantile: predicting too little costs nine times
    /// as much as too much.
    Pinball90 {
        "pinball_loss_0.9", "Pinball loss at 0.9", larger_is_better: false,
        range: (0.0, f64::INFINITY), perfect: 0.0, unit: "target",
        tasks: &[Task::Regression], needs: Values,
        reference: "sklearn.metrics.mean_pinball_loss(alpha=0.9)",
    }
    prepare: |input: &MetricInput<'_>| pinball(input, 0.9)
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::prepare")]
fn pinball(input: &MetricInput<'_>, alpha: f64) -> Result<Prepared> {
    let truth = input.truth.values().unwrap_or_default();
    let loss = |(y, p): (&f64, &f64)| {
        let diff = y - p;
        if diff >= 0.0 { alpha * diff } else { (alpha - 1.0) * diff }
    };
    Ok(Prepared::row_mean(truth.iter().zip(&input.predictions.values).map(loss).collect()))
}
