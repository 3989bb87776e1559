//! Log loss: the negative log-likelihood of the truth.

use modelwright_core::Result;

use super::{CLASSIFICATION, MetricInput, Prepared, declare_metric};

declare_metric! {
    /// The mean negative logarithm of the probability given to the true class (cross-entropy, in
    /// nats); probabilities are clipped to [2.2e-16, 1 - 2.2e-16].
    LogLoss {
        "log_loss", "Log loss", larger_is_better: false,
        range: (0.0, 36.1), perfect: 0.0, unit: "nats",
        tasks: CLASSIFICATION, needs: Probabilities,
        reference: "sklearn.metrics.log_loss",
    }
    prepare: prepare
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::prepare")]
fn prepare(input: &MetricInput<'_>) -> Result<Prepared> {
    let codes = input.truth.codes().unwrap_or_default();
    let row_loss = |(row, truth): (usize, &u32)| {
        let p = match input.predictions.row(row) {
            [p] => [1.0 - p, *p][*truth as usize],
            many => many[*truth as usize],
        };
        -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    };
    Ok(Prepared::row_mean(codes.iter().enumerate().map(row_loss).collect()))
}
