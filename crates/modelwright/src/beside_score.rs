//! What is told beside the score of a fit: what decisions cost, and what outer folds say.

use std::fmt::Write;

use modelwright_core::record::{CostRecord, Evaluation, MetricValue, Nested};
use modelwright_evaluate::evaluation::EXPECTED_COST;

use crate::output::number;

/// What a decision costs on untouched rows, where costs were given.
pub(crate) fn measured_cost(evaluation: Option<&Evaluation>) -> Option<&MetricValue> {
    evaluation?.metrics.iter().find(|m| m.name == EXPECTED_COST)
}

/// From which probability on is decided, and what that costs, where costs were given.
pub(crate) fn of_costs(
    costs: &CostRecord,
    threshold: Option<f64>,
    classes: &[String],
    evaluation: Option<&Evaluation>,
) -> String {
    let mut text = String::new();
    if let (Some(threshold), [_, positive]) = (threshold, classes) {
        let _ = writeln!(
            text,
            "by the costs, {positive} is decided from a probability of {} on",
            number(threshold)
        );
    }
    let Some((value, ci95)) = measured_cost(evaluation).and_then(|m| m.value.zip(m.ci95)) else {
        if let Some(cost) = costs.expected_cost {
            let _ = writeln!(text, "a decision costs {} on average, out of fold", number(cost));
        }
        return text;
    };
    let baseline = evaluation.and_then(|e| e.baseline.iter().find(|m| m.name == EXPECTED_COST));
    let instead = baseline.and_then(|m| m.value).map_or(String::new(), |cost| {
        format!(", {} with the same answer for every row", number(cost))
    });
    let _ = writeln!(
        text,
        "a decision costs {} on average (95 % interval {} to {}){instead}",
        number(value),
        number(ci95.low),
        number(ci95.high)
    );
    text
}

/// What the whole search reaches, judged by outer folds.
pub(crate) fn of_outer_folds(nested: &Nested, metric: &str, larger_is_better: bool) -> String {
    let interval = nested.ci95.map_or(String::new(), |ci| {
        format!(" (95 % interval {} to {})", number(ci.low), number(ci.high))
    });
    let sign = if larger_is_better { 1.0 } else { -1.0 };
    let gap = nested.corrected_gap.map_or(String::new(), |gap| match sign * gap {
        gap if gap > 0.0 => format!("; its validation promised {} too much", number(gap)),
        gap => format!("; its validation promised {} too little", number(-gap)),
    });
    format!(
        "judged by {} outer folds, the whole search reaches {} {}{interval}{gap}\n",
        nested.values.len(),
        metric,
        number(nested.mean)
    )
}

#[cfg(test)]
mod tests {
    use modelwright_core::record::Interval;

    use super::*;

    #[test]
    fn costs_and_outer_folds_are_told() {
        let cost = |value, ci95| MetricValue {
            name: EXPECTED_COST.to_owned(),
            value: Some(value),
            ci95,
            note: None,
        };
        let evaluation = Evaluation {
            metrics: vec![cost(0.27, Some(Interval { low: 0.23, high: 0.35 }))],
            baseline: vec![cost(0.84, None)],
            ..Evaluation::default()
        };
        let classes = ["no".to_owned(), "yes".to_owned()];
        let text = of_costs(&CostRecord::default(), Some(0.25), &classes, Some(&evaluation));
        assert!(text.contains("yes is decided from a probability of 0.2500 on"), "{text}");
        assert!(
            text.contains("costs 0.2700 on average (95 % interval 0.2300 to 0.3500)"),
            "{text}"
        );
        assert!(text.contains("0.8400 with the same answer"), "{text}");
        let nested = Nested {
            values: vec![0.7, 0.8],
            mean: 0.75,
            ci95: Some(Interval { low: 0.65, high: 0.85 }),
            corrected_gap: Some(0.02),
            ..Nested::default()
        };
        let text = of_outer_folds(&nested, "roc_auc", true);
        assert!(text.contains("2 outer folds, the whole search reaches roc_auc 0.7500"), "{text}");
        assert!(text.contains("promised 0.0200 too much"), "{text}");
        assert!(of_outer_folds(&nested, "rmse", false).contains("0.0200 too little"));
    }
}
