//! Matthews correlation coefficient: the correlation of truth and decision.

use super::{CLASSIFICATION, Confusion, declare_metric};

declare_metric! {
    /// The correlation between true and decided classes: 1 perfect, 0 no better than chance, -1
    /// always wrong; fair to rare classes. 0 when the decision is constant; undefined where all
    /// rows are of one class.
    MatthewsCorrcoef {
        "matthews_corrcoef", "Matthews correlation", larger_is_better: true,
        range: (-1.0, 1.0), perfect: 1.0, unit: "",
        tasks: CLASSIFICATION, needs: Labels,
        reference: "sklearn.metrics.matthews_corrcoef; Gorodkin, Comput. Biol. Chem. 28, 2004",
    }
    confusion: |confusion: &Confusion| {
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let (truths, decisions) = (confusion.truths(), confusion.decisions());
        let total: f64 = decisions.iter().sum();
        let agreement = confusion.correct() * total - dot(&truths, &decisions);
        let spread = (total * total - dot(&decisions, &decisions))
            * (total * total - dot(&truths, &truths));
        // Rounding may leave a tiny negative spread where the exact one is zero.
        Ok(if spread <= 0.0 { 0.0 } else { (agreement / spread.sqrt()).clamp(-1.0, 1.0) })
    }
}
