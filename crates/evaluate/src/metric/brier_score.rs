//! Brier score: the mean squared error of probabilities.

use modelwright_core::Result;

use super::{CLASSIFICATION, MetricInput, Prepared, declare_metric};

declare_metric! {
    /// The mean squared difference between predicted probabilities and what happened; for more than
    /// two classes summed over the classes (0 to 2).
    BrierScore {
        "brier_score", "Brier score", larger_is_better: false,
        range: (0.0, 2.0), perfect: 0.0, unit: "",
        tasks: CLASSIFICATION, needs: Probabilities,
        reference: "sklearn.metrics.brier_score_loss; Brier, Monthly Weather Review 78, 1950",
    }
    prepare: prepare
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::prepare")]
fn prepare(input: &MetricInput<'_>) -> Result<Prepared> {
    let codes = input.truth.codes().unwrap_or_default();
    let predictions = input.predictions;
    let row_score = |row: usize, truth: usize| -> f64 {
        match predictions.row(row) {
            [p] => (truth as f64 - p).powi(2),
            many => {
                let miss = |(c, p): (usize, &f64)| (f64::from(u8::from(c == truth)) - p).powi(2);
                many.iter().enumerate().map(miss).sum()
            }
        }
    };
    Ok(Prepared::row_mean(
        codes.iter().enumerate().map(|(row, truth)| row_score(row, *truth as usize)).collect(),
    ))
}
