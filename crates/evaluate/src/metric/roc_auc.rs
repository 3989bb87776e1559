//! Area under the ROC curve: the chance that a positive row scores above a negative one.
//!
//! Several classes are compared one against the rest (ovr) or pair by pair (ovo, Hand & Till).
//! scikit-learn refuses weights for ovo; here they count rows, as everywhere.

use modelwright_core::task::Task;
use modelwright_core::{Error, Result};

use super::prepared::total_weight;
use super::{MetricInput, Prepared, Ranked, declare_metric};

declare_metric! {
    /// The chance that a random positive row gets a higher probability than a random negative one;
    /// 0.5 is guessing.
    RocAuc {
        "roc_auc", "ROC AUC", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Binary], needs: Probabilities,
        reference: "sklearn.metrics.roc_auc_score",
    }
    prepare: binary
}

declare_metric! {
    /// ROC AUC of each class against the rest; the plain mean over the classes.
    RocAucOvr {
        "roc_auc_ovr", "ROC AUC, one vs rest", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Multiclass], needs: Probabilities,
        reference: "sklearn.metrics.roc_auc_score(multi_class=\"ovr\")",
    }
    prepare: |input: &MetricInput<'_>| one_vs_rest(input, false)
}

declare_metric! {
    /// ROC AUC of each class against the rest; the mean weighted by the rows of each class.
    RocAucOvrWeighted {
        "roc_auc_ovr_weighted", "ROC AUC, one vs rest, weighted", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Multiclass], needs: Probabilities,
        reference: "sklearn.metrics.roc_auc_score(multi_class=\"ovr\", average=\"weighted\")",
    }
    prepare: |input: &MetricInput<'_>| one_vs_rest(input, true)
}

declare_metric! {
    /// ROC AUC of each pair of classes that occur; the plain mean over the pairs, insensitive to
    /// how rare a class is.
    RocAucOvo {
        "roc_auc_ovo", "ROC AUC, one vs one", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Multiclass], needs: Probabilities,
        reference: "sklearn.metrics.roc_auc_score(multi_class=\"ovo\"); Hand & Till, ML 45, 2001",
    }
    prepare: |input: &MetricInput<'_>| one_vs_one(input, false)
}

declare_metric! {
    /// ROC AUC of each pair of classes that occur; the mean weighted by the rows of each pair.
    RocAucOvoWeighted {
        "roc_auc_ovo_weighted", "ROC AUC, one vs one, weighted", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: &[Task::Multiclass], needs: Probabilities,
        reference: "sklearn.metrics.roc_auc_score(multi_class=\"ovo\", average=\"weighted\")",
    }
    prepare: |input: &MetricInput<'_>| one_vs_one(input, true)
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::prepare")]
fn binary(input: &MetricInput<'_>) -> Result<Prepared> {
    let codes = input.truth.codes().unwrap_or_default();
    let scores = &input.predictions.values;
    let ranked = Ranked::new(codes.len(), |row| scores[row], |row| codes[row] == 1);
    Ok(Prepared::new(codes.len(), move |weights| {
        ranked.auc(weights).ok_or_else(|| undefined("both classes"))
    }))
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of Metric::prepare")]
fn one_vs_rest(input: &MetricInput<'_>, weighted: bool) -> Result<Prepared> {
    let codes = input.truth.codes().unwrap_or_default();
    let predictions = input.predictions;
    let classes: Vec<Ranked> = (0..predictions.n_outputs)
        .map(|class| {
            Ranked::new(
                codes.len(),
                |row| predictions.row(row)[class],
                |row| codes[row] as usize == class,
            )
        })
        .collect();
    Ok(Prepared::new(codes.len(), move |weights| {
        let (mut sum, mut total) = (0.0, 0.0);
        for class in &classes {
            let mut share = 1.0;
            if weighted {
                share = 0.0;
                class.walk(weights, |_, positive, _| share += positive);
                if share == 0.0 {
                    continue; // as scikit-learn: a class without weight does not count
                }
            }
            let auc =
                class.auc(weights).ok_or_else(|| undefined("every class, and not only one"))?;
            sum += share * auc;
            total += share;
        }
        Ok(sum / total)
    }))
}

/// Two classes: the rows of each ranked by the probability of either.
struct Pair {
    /// The rows of both classes, which index the weights.
    rows: Vec<u32>,
    by_first: Ranked,
    by_second: Ranked,
}

impl Pair {
    fn new(input: &MetricInput<'_>, first: u32, second: u32) -> Self {
        let codes = input.truth.codes().unwrap_or_default();
        let of_pair = |row: &u32| [first, second].contains(&codes[*row as usize]);
        let rows: Vec<u32> = (0..codes.len() as u32).filter(of_pair).collect();
        let ranked = |class: u32| {
            Ranked::new(
                rows.len(),
                |at| input.predictions.row(rows[at] as usize)[class as usize],
                |at| codes[rows[at] as usize] == class,
            )
        };
        Self { by_first: ranked(first), by_second: ranked(second), rows }
    }

    /// The mean of both directions and the weight of the pair's rows.
    fn auc(&self, weights: Option<&[f64]>) -> Option<(f64, f64)> {
        let own: Option<Vec<f64>> =
            weights.map(|w| self.rows.iter().map(|row| w[*row as usize]).collect());
        let own = own.as_deref();
        let auc = f64::midpoint(self.by_first.auc(own)?, self.by_second.auc(own)?);
        Some((auc, total_weight(self.rows.len(), own)))
    }
}

fn one_vs_one(input: &MetricInput<'_>, weighted: bool) -> Result<Prepared> {
    let codes = input.truth.codes().unwrap_or_default();
    let mut present = vec![false; input.predictions.n_outputs];
    for code in codes {
        present[*code as usize] = true;
    }
    let present: Vec<u32> = (0..present.len() as u32).filter(|c| present[*c as usize]).collect();
    if present.len() < 2 {
        return Err(undefined("at least two classes"));
    }
    let mut pairs = Vec::new();
    for (i, first) in present.iter().enumerate() {
        for second in &present[i + 1..] {
            pairs.push(Pair::new(input, *first, *second));
        }
    }
    Ok(Prepared::new(codes.len(), move |weights| {
        let (mut sum, mut total) = (0.0, 0.0);
        for pair in &pairs {
            let (auc, rows) = pair.auc(weights).ok_or_else(|| undefined("every class"))?;
            let share = if weighted { rows } else { 1.0 };
            sum += share * auc;
            total += share;
        }
        Ok(sum / total)
    }))
}

fn undefined(expected: &str) -> Error {
    Error::input("the area under the ROC curve is undefined on these rows")
        .expected(format!("rows of {expected}"))
        .hint("use more rows, stratify the split, or choose log_loss")
}
