//! Cohen's kappa: agreement of truth and decision beyond chance, plain or with weights that
//! grow with the distance between ordered classes.

use modelwright_core::{Error, Result};

use super::{CLASSIFICATION, Confusion, declare_metric};

declare_metric! {
    /// Agreement between true and decided class beyond what chance would give.
    CohenKappa {
        "cohen_kappa", "Cohen's kappa", larger_is_better: true,
        range: (-1.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.cohen_kappa_score; Cohen, EPM 20, 1960",
    }
    confusion: |confusion: &Confusion| kappa(confusion, |i, j| f64::from(u8::from(i != j)))
}

declare_metric! {
    /// Cohen's kappa for ordered classes: a miss costs its distance in class order.
    CohenKappaLinear {
        "cohen_kappa_linear", "Cohen's kappa, linear weights", larger_is_better: true,
        range: (-1.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.cohen_kappa_score(weights=\"linear\")",
    }
    confusion: |confusion: &Confusion| kappa(confusion, |i, j| i.abs_diff(j) as f64)
}

declare_metric! {
    /// Cohen's kappa for ordered classes: a miss costs the square of its distance in class order.
    CohenKappaQuadratic {
        "cohen_kappa_quadratic", "Cohen's kappa, quadratic weights", larger_is_better: true,
        range: (-1.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.cohen_kappa_score(weights=\"quadratic\")",
    }
    confusion: |confusion: &Confusion| kappa(confusion, |i, j| (i.abs_diff(j) as f64).powi(2))
}

/// 1 - (observed cost) / (cost expected of independent truth and decision).
fn kappa(confusion: &Confusion, cost: fn(usize, usize) -> f64) -> Result<f64> {
    let labels: Vec<usize> = confusion.labels().collect();
    let (truths, decisions) = (confusion.truths(), confusion.decisions());
    let total = confusion.total();
    let (mut observed, mut expected) = (0.0, 0.0);
    for (i, truth) in labels.iter().enumerate() {
        for (j, predicted) in labels.iter().enumerate() {
            let cost = cost(i, j);
            observed += cost * confusion.cell(*truth, *predicted);
            expected += cost * truths[*truth] * decisions[*predicted] / total;
        }
    }
    if expected > 0.0 {
        return Ok(1.0 - observed / expected);
    }
    Err(Error::input("cohen_kappa is undefined: truth and decision are one and the same class")
        .expected("at least two classes among truth and decisions"))
}
