//! Precision, recall and F1: of the positive class, or averaged over classes.
//!
//! With true positives tp, rows decided positive d and positive rows t of a class:
//! precision = tp / d, recall = tp / t, F1 = 2 tp / (d + t); each 0 where its denominator is 0
//! (scikit-learn's `zero_division`). *Macro* is the plain mean over the labels that occur,
//! *weighted* the mean weighted by t, *micro* the ratio of sums.

use modelwright_core::Result;
use modelwright_core::task::Task;

use super::{CLASSIFICATION, Confusion, declare_metric};

/// Sums of one class (or of all).
#[derive(Clone, Copy, Default)]
struct Sums {
    hits: f64,
    decided: f64,
    true_rows: f64,
}

type Ratio = fn(Sums) -> f64;

fn precision(s: Sums) -> f64 {
    divide(s.hits, s.decided)
}

fn recall(s: Sums) -> f64 {
    divide(s.hits, s.true_rows)
}

fn f1(s: Sums) -> f64 {
    divide(2.0 * s.hits, s.decided + s.true_rows)
}

fn divide(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 { 0.0 } else { numerator / denominator }
}

fn sums(confusion: &Confusion) -> Vec<Sums> {
    let (truths, decisions) = (confusion.truths(), confusion.decisions());
    confusion
        .labels()
        .map(|class| Sums {
            hits: confusion.cell(class, class),
            decided: decisions[class],
            true_rows: truths[class],
        })
        .collect()
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::OF_CONFUSION")]
fn positive(confusion: &Confusion, ratio: Ratio) -> Result<f64> {
    Ok(ratio(Sums {
        hits: confusion.cell(1, 1),
        decided: confusion.cell(0, 1) + confusion.cell(1, 1),
        true_rows: confusion.cell(1, 0) + confusion.cell(1, 1),
    }))
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::OF_CONFUSION")]
fn macro_mean(confusion: &Confusion, ratio: Ratio) -> Result<f64> {
    let sums = sums(confusion);
    Ok(sums.iter().map(|s| ratio(*s)).sum::<f64>() / sums.len() as f64)
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::OF_CONFUSION")]
fn weighted_mean(confusion: &Confusion, ratio: Ratio) -> Result<f64> {
    let sums = sums(confusion);
    let total: f64 = sums.iter().map(|s| s.true_rows).sum();
    Ok(sums.iter().map(|s| ratio(*s) * s.true_rows).sum::<f64>() / total)
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::OF_CONFUSION")]
fn micro(confusion: &Confusion, ratio: Ratio) -> Result<f64> {
    let all = sums(confusion).into_iter().fold(Sums::default(), |a, b| Sums {
        hits: a.hits + b.hits,
        decided: a.decided + b.decided,
        true_rows: a.true_rows + b.true_rows,
    });
    Ok(ratio(all))
}

declare_metric! {
    /// Of the rows decided as a class, the share that is of it, for the positive class.
    Precision {
        "precision", "Precision", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Binary], needs: Labels,
        reference: "sklearn.metrics.precision_score(average=\"binary\")",
    }
    confusion: |confusion: &Confusion| positive(confusion, precision)
}

declare_metric! {
    /// Of the rows decided as a class, the share that is of it; the plain mean over the classes,
    /// however rare.
    PrecisionMacro {
        "precision_macro", "Precision, macro average", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.precision_score(average=\"macro\")",
    }
    confusion: |confusion: &Confusion| macro_mean(confusion, precision)
}

declare_metric! {
    /// Of the rows decided as a class, the share that is of it; the mean over the classes, weighted
    /// by their rows.
    PrecisionWeighted {
        "precision_weighted", "Precision, weighted average", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.precision_score(average=\"weighted\")",
    }
    confusion: |confusion: &Confusion| weighted_mean(confusion, precision)
}

declare_metric! {
    /// Of the rows decided as a class, the share that is of it; over all classes pooled.
    PrecisionMicro {
        "precision_micro", "Precision, micro average", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.precision_score(average=\"micro\")",
    }
    confusion: |confusion: &Confusion| micro(confusion, precision)
}

declare_metric! {
    /// Of the rows of a class, the share that was decided as it, for the positive class.
    Recall {
        "recall", "Recall", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Binary], needs: Labels,
        reference: "sklearn.metrics.recall_score(average=\"binary\")",
    }
    confusion: |confusion: &Confusion| positive(confusion, recall)
}

declare_metric! {
    /// Of the rows of a class, the share that was decided as it; the plain mean over the classes,
    /// however rare.
    RecallMacro {
        "recall_macro", "Recall, macro average", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.recall_score(average=\"macro\")",
    }
    confusion: |confusion: &Confusion| macro_mean(confusion, recall)
}

declare_metric! {
    /// Of the rows of a class, the share that was decided as it; the mean over the classes,
    /// weighted by their rows.
    RecallWeighted {
        "recall_weighted", "Recall, weighted average", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.recall_score(average=\"weighted\")",
    }
    confusion: |confusion: &Confusion| weighted_mean(confusion, recall)
}

declare_metric! {
    /// Of the rows of a class, the share that was decided as it; over all classes pooled.
    RecallMicro {
        "recall_micro", "Recall, micro average", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.recall_score(average=\"micro\")",
    }
    confusion: |confusion: &Confusion| micro(confusion, recall)
}

declare_metric! {
    /// The harmonic mean of precision and recall, for the positive class.
    F1 {
        "f1", "F1", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Binary], needs: Labels,
        reference: "sklearn.metrics.f1_score(average=\"binary\")",
    }
    confusion: |confusion: &Confusion| positive(confusion, f1)
}

declare_metric! {
    /// The harmonic mean of precision and recall; the plain mean over the classes, however rare.
    F1Macro {
        "f1_macro", "F1, macro average", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.f1_score(average=\"macro\")",
    }
    confusion: |confusion: &Confusion| macro_mean(confusion, f1)
}

declare_metric! {
    /// The harmonic mean of precision and recall; the mean over the classes, weighted by their
    /// rows.
    F1Weighted {
        "f1_weighted", "F1, weighted average", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.f1_score(average=\"weighted\")",
    }
    confusion: |confusion: &Confusion| weighted_mean(confusion, f1)
}

declare_metric! {
    /// The harmonic mean of precision and recall; over all classes pooled.
    F1Micro {
        "f1_micro", "F1, micro average", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.f1_score(average=\"micro\")",
    }
    confusion: |confusion: &Confusion| micro(confusion, f1)
}
