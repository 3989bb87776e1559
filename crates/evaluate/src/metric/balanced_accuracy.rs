//! Balanced accuracy: every class counts the same, however rare.

use super::{CLASSIFICATION, Confusion, declare_metric};

declare_metric! {
    /// The mean over the true classes of the share of their rows that was decided rightly; 1/k for
    /// guessing among k classes.
    BalancedAccuracy {
        "balanced_accuracy", "Balanced accuracy", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.balanced_accuracy_score",
    }
    confusion: |confusion: &Confusion| {
        // As scikit-learn, classes that no row has are left out of the mean.
        let (mut sum, mut n_classes) = (0.0, 0);
        for (class, truth) in confusion.truths().into_iter().enumerate() {
            if truth > 0.0 {
                sum += confusion.cell(class, class) / truth;
                n_classes += 1;
            }
        }
        Ok(sum / f64::from(n_classes))
    }
}
