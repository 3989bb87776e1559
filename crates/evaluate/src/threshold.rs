//! The decision threshold that is best for a metric of decided labels.
//!
//! Rows are sorted by falling probability once; lowering the threshold past one group of equal
//! probabilities changes four sums, from which the metric is computed: O(n log n) in all.
//! Thresholds lie midway between neighbouring probabilities. Choose one on out-of-fold
//! predictions, never on the rows that the result is judged on.

use modelwright_core::task::{Predictions, Target};

use crate::metric::{Confusion, MetricEntry, Ranked};

/// The decision that is taken when nothing speaks for another.
const EVEN: f64 = 0.5;

/// The probability from which on to decide for the positive class so that `metric` is best.
///
/// Equally good thresholds: the one nearest to 0.5, then the smaller. 0.5 where there is nothing
/// to choose: the target is not binary, the metric does not look at decided labels, the
/// probabilities do not fit the target, or the metric is undefined throughout.
pub fn best_threshold(
    metric: &MetricEntry,
    truth: &Target,
    probabilities: &Predictions,
    weights: Option<&[f64]>,
) -> f64 {
    let (Some(of_confusion), Target::Class { codes, n_classes: 2 }) = (metric.of_confusion, truth)
    else {
        return EVEN;
    };
    let scores = &probabilities.values;
    let fits = scores.len() == codes.len() && weights.is_none_or(|w| w.len() == codes.len());
    if !fits || scores.iter().any(|p| !p.is_finite()) {
        return EVEN;
    }
    let ranked = Ranked::new(codes.len(), |row| scores[row], |row| codes[row] == 1);
    let (mut negatives, mut positives) = (0.0, 0.0);
    ranked.walk(weights, |negative, positive, _| {
        negatives += negative;
        positives += positive;
    });

    let mut best: Option<(f64, f64)> = None;
    let mut consider = |threshold: f64, false_positive: f64, true_positive: f64| {
        let confusion = Confusion::binary(
            negatives - false_positive,
            false_positive,
            positives - true_positive,
            true_positive,
        );
        let Some(value) = of_confusion(&confusion).ok().filter(|v| v.is_finite()) else { return };
        let is_better = best.is_none_or(|(best_value, best_threshold)| {
            let distance = |t: f64| (t - EVEN).abs();
            let nearer = distance(threshold) <= distance(best_threshold);
            let gain = metric.spec.gain(value, best_value);
            gain > 0.0 || (gain == 0.0 && nearer)
        });
        if is_better {
            best = Some((value, threshold));
        }
    };
    let probability =
        |group: usize| scores[ranked.rows[ranked.group_ends[group] as usize - 1] as usize];
    if let Some(first) = ranked.rows.first() {
        let highest = scores[*first as usize];
        consider(between(highest, highest.max(1.0)).max(highest.next_up()), 0.0, 0.0);
    }
    let (mut false_positive, mut true_positive, mut group) = (0.0, 0.0, 0);
    ranked.walk(weights, |negative, positive, _| {
        false_positive += negative;
        true_positive += positive;
        let own = probability(group);
        group += 1;
        let lower = if group < ranked.group_ends.len() { probability(group) } else { own.min(0.0) };
        consider(between(lower, own), false_positive, true_positive);
    });
    best.map_or(EVEN, |(_, threshold)| threshold)
}

/// Midway, but above `low` whenever `high` is.
fn between(low: f64, high: f64) -> f64 {
    let middle = f64::midpoint(low, high);
    if middle > low { middle } else { high }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{MetricInput, metric};
    use modelwright_core::random::Random;

    /// Tries every probability as a threshold through the metric itself.
    fn best_by_trying(name: &str, truth: &Target, p: &Predictions, w: Option<&[f64]>) -> f64 {
        let metric = metric(name).unwrap();
        let mut tried: Vec<f64> = p.values.iter().flat_map(|p| [*p, p.next_up()]).collect();
        tried.push(0.0);
        let input = MetricInput { weights: w, ..MetricInput::new(truth, p) };
        let value = |threshold: &f64| metric.value(&MetricInput { threshold: *threshold, ..input });
        tried.iter().filter_map(|t| value(t).ok()).fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn no_other_threshold_is_better() {
        let mut random = Random::new(3);
        for round in 0..40 {
            let n = 2 + random.below(40);
            let codes: Vec<u32> = (0..n).map(|_| u32::from(random.unit() < 0.3)).collect();
            // Few different probabilities, so that there are ties.
            let values = (0..n).map(|_| (random.unit() * 9.0).round() / 9.0).collect();
            let weights: Vec<f64> = (0..n).map(|_| 0.5 + random.unit()).collect();
            let weights = (round % 2 == 0).then_some(&weights[..]);
            let (truth, p) = (Target::Class { codes, n_classes: 2 }, Predictions::new(1, values));
            for name in ["f1", "balanced_accuracy", "matthews_corrcoef", "accuracy", "f1_macro"] {
                let entry = metric(name).unwrap();
                let threshold = best_threshold(entry, &truth, &p, weights);
                let input = MetricInput { weights, threshold, ..MetricInput::new(&truth, &p) };
                let best = best_by_trying(name, &truth, &p, weights);
                let own = entry.value(&input).unwrap();
                assert!((own - best).abs() < 1e-12, "{name}: {own} at {threshold}, best {best}");
            }
        }
    }

    #[test]
    fn a_threshold_lies_midway_and_near_one_half() {
        let truth = Target::Class { codes: vec![0, 0, 1, 1], n_classes: 2 };
        let p = Predictions::new(1, vec![0.1, 0.2, 0.6, 0.9]);
        let best = best_threshold(metric("f1").unwrap(), &truth, &p, None);
        assert!((best - 0.4).abs() < 1e-12);
        assert_eq!(best_threshold(metric("roc_auc").unwrap(), &truth, &p, None), 0.5);
        let empty = Target::Class { codes: vec![], n_classes: 2 };
        let none = Predictions::new(1, vec![]);
        assert_eq!(best_threshold(metric("f1").unwrap(), &empty, &none, None), 0.5);
    }
}
