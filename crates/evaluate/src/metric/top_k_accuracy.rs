//! Top-k accuracy: how often the truth is among the k most probable classes.

use modelwright_core::Result;
use modelwright_core::task::Task;

use super::{MetricInput, Prepared, declare_metric};

declare_metric! {
    /// The share of rows whose true class is among the 2 most probable ones.
    Top2Accuracy {
        "top_k_accuracy", "Top-2 accuracy", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Multiclass], needs: Probabilities,
        reference: "sklearn.metrics.top_k_accuracy_score(k=2)",
    }
    prepare: |input: &MetricInput<'_>| top_k(input, 2)
}

declare_metric! {
    /// The share of rows whose true class is among the 3 most probable ones.
    Top3Accuracy {
        "top_3_accuracy", "Top-3 accuracy", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Multiclass], needs: Probabilities,
        reference: "sklearn.metrics.top_k_accuracy_score(k=3)",
    }
    prepare: |input: &MetricInput<'_>| top_k(input, 3)
}

declare_metric! {
    /// The share of rows whose true class is among the 5 most probable ones.
    Top5Accuracy {
        "top_5_accuracy", "Top-5 accuracy", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Multiclass], needs: Probabilities,
        reference: "sklearn.metrics.top_k_accuracy_score(k=5)",
    }
    prepare: |input: &MetricInput<'_>| top_k(input, 5)
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::prepare")]
fn top_k(input: &MetricInput<'_>, k: usize) -> Result<Prepared> {
    let hit = |(row, truth): (usize, &u32)| {
        let row = input.predictions.row(row);
        let own = row[*truth as usize];
        // As scikit-learn, the later of equally probable classes comes first.
        let is_before = |(c, p): (usize, &f64)| *p > own || (*p == own && c > *truth as usize);
        let n_before = row.iter().enumerate().filter(|c| is_before(*c)).count();
        f64::from(u8::from(n_before < k))
    };
    let codes = input.truth.codes().unwrap_or_default();
    Ok(Prepared::row_mean(codes.iter().enumerate().map(hit).collect()))
}
