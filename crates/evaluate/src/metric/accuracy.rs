//! Accuracy: the share of rows decided rightly.

use super::{CLASSIFICATION, Confusion, declare_metric};

declare_metric! {
    /// The share of rows whose decided class is the true one.
    Accuracy {
        "accuracy", "Accuracy", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.accuracy_score",
    }
    confusion: |confusion: &Confusion| Ok(confusion.correct() / confusion.total())
}
