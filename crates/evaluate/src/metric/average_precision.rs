//! Average precision: the precision–recall curve as one number.

use modelwright_core::{Error, Result};

use super::{CLASSIFICATION, MetricInput, Prepared, Ranked, declare_metric};

declare_metric! {
    /// The mean precision over the positive rows, taken in order of falling probability (the
    /// stepwise area under the precision–recall curve); for more than two classes the plain mean
    /// over classes. Guessing gives the share of positive rows.
    AveragePrecision {
        "average_precision", "Average precision", larger_is_better: true,
        range: (0.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Probabilities,
        reference: "sklearn.metrics.average_precision_score",
    }
    prepare: prepare
}

fn prepare(input: &MetricInput<'_>) -> Result<Prepared> {
    let codes = input.truth.codes().unwrap_or_default();
    let predictions = input.predictions;
    let n_outputs = predictions.n_outputs;
    let ranked = |class: usize, column: usize| {
        let is_positive = |row: usize| codes[row] as usize == class;
        Ranked::new(codes.len(), |row| predictions.row(row)[column], is_positive)
    };
    if n_outputs == 1 {
        let ranked = ranked(1, 0);
        return Ok(Prepared::new(codes.len(), move |weights| Ok(area(&ranked, weights))));
    }
    let classes: Vec<Ranked> = (0..n_outputs).map(|class| ranked(class, class)).collect();
    if let Some(missing) = classes.iter().position(|c| !c.positive.contains(&true)) {
        return Err(Error::input("average_precision is undefined: a class has no row")
            .expected("rows of every class")
            .got(format!("no row of class {missing}"))
            .hint("use more rows, stratify the split, or choose log_loss"));
    }
    Ok(Prepared::new(codes.len(), move |weights| {
        Ok(classes.iter().map(|class| area(class, weights)).sum::<f64>() / classes.len() as f64)
    }))
}

/// Σ (recall step) · precision; 0 without a positive row, as scikit-learn.
fn area(ranked: &Ranked, weights: Option<&[f64]>) -> f64 {
    let (mut hits, mut decided, mut sum) = (0.0, 0.0, 0.0);
    ranked.walk(weights, |negative, positive, _| {
        hits += positive;
        decided += negative + positive;
        if decided > 0.0 {
            sum += positive * (hits / decided);
        }
    });
    if hits > 0.0 { sum / hits } else { 0.0 }
}
