//! The decision threshold that is best for a metric of decided labels.
//!
//! Rows are sorted by falling probability once; lowering the threshold past one group of equal
//! probabilities changes four sums, from which the metric is computed: O(n log n) in all.
//! Thresholds lie midway between neighbouring probabilities. Choose one on out-of-fold
//! predictions, never on the rows that the result is judged on.
//!
//! Candidates of a search have no threshold yet. Judged at 0.5, a metric of decided labels would
//! prefer overconfident models, and nobody at all where the positive class is rare; so each is
//! judged at the threshold that is best for itself: [`at_best`], [`decided`].

use std::borrow::Cow;

use modelwright_core::Result;
use modelwright_core::task::{Predictions, Target};

use crate::metric::{Confusion, MetricEntry, MetricInput, Ranked};

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

/// The metric of predictions that may still choose their threshold: at the one that is best for
/// these rows, or as it is where there is nothing to choose (see [`best_threshold`]).
///
/// Of very many rows the probabilities are counted in steps of 1/256 of their size instead of
/// sorted, so that the threshold is as good as the best to that accuracy, in `O(rows)`.
///
/// # Errors
/// As the metric's own.
pub fn at_best(metric: &MetricEntry, input: &MetricInput<'_>) -> Result<f64> {
    let MetricInput { truth, predictions, weights, .. } = *input;
    let (Some(of_confusion), Target::Class { codes, n_classes: 2 }) = (metric.of_confusion, truth)
    else {
        return metric.value(input);
    };
    // Refuses what does not fit, and is the value at 0.5.
    let even = metric.value(input);
    let scores = &predictions.values;
    if scores.len() != codes.len() || scores.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return even;
    }
    if codes.len() <= N_ROWS_SORTED {
        let threshold = best_threshold(metric, truth, predictions, weights);
        return metric.value(&MetricInput { threshold, ..*input });
    }
    let mut steps = vec![[0.0_f64; 2]; STEPS];
    for (row, (score, code)) in scores.iter().zip(codes).enumerate() {
        steps[step(*score)][*code as usize] += weights.map_or(1.0, |w| w[row]);
    }
    let total = |class: usize| -> f64 { steps.iter().map(|s| s[class]).sum() };
    let (negatives, positives) = (total(0), total(1));
    let (mut false_positive, mut true_positive) = (0.0, 0.0);
    let mut best = even;
    for [negative, positive] in std::iter::once([0.0; 2]).chain(steps.into_iter().rev()) {
        false_positive += negative;
        true_positive += positive;
        let confusion = Confusion::binary(
            negatives - false_positive,
            false_positive,
            positives - true_positive,
            true_positive,
        );
        let Some(value) = of_confusion(&confusion).ok().filter(|v| v.is_finite()) else { continue };
        if best.as_ref().is_ok_and(|best| !metric.spec.is_better(value, *best)) {
            continue;
        }
        best = Ok(value);
    }
    best
}

/// Up to so many rows sorting takes no time.
const N_ROWS_SORTED: usize = 10_000;

/// Bits of a probability as `f32` that [`step`] looks past.
const PAST: u32 = 15;

/// Steps from 0 to 1: all exponents, 256 steps each.
const STEPS: usize = (1.0_f32.to_bits() >> PAST) as usize + 1;

/// The step of a probability: in order, as fine near 0 as its size.
fn step(probability: f64) -> usize {
    ((probability.abs() as f32).to_bits() >> PAST) as usize
}

/// Predictions as they would be decided for a metric of decided labels, 0 or 1, each at its own
/// [`best_threshold`] on these rows; as they are for other metrics and other targets. What is
/// compared by the metric at 0.5 afterwards is compared at its best.
pub fn decided<'a>(
    metric: &MetricEntry,
    truth: &Target,
    predictions: &'a Predictions,
    weights: Option<&[f64]>,
) -> Cow<'a, Predictions> {
    let is_binary = matches!(truth, Target::Class { n_classes: 2, .. });
    if !is_binary || metric.of_confusion.is_none() {
        return Cow::Borrowed(predictions);
    }
    let threshold = best_threshold(metric, truth, predictions, weights);
    let label = |p: &f64| f64::from(u8::from(*p >= threshold));
    Cow::Owned(Predictions::new(1, predictions.values.iter().map(label).collect()))
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

    /// Tries every probability as a threshold through the metric itself; some of very many.
    fn best_by_trying(name: &str, truth: &Target, p: &Predictions, w: Option<&[f64]>) -> f64 {
        let metric = metric(name).unwrap();
        let every = 1 + p.values.len() / 2_000;
        let some = p.values.iter().step_by(every);
        let mut tried: Vec<f64> = some.flat_map(|p| [*p, p.next_up()]).collect();
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
    fn what_may_choose_its_threshold_is_judged_at_the_best_one() {
        let mut random = Random::new(5);
        for round in 0..40 {
            let n = if round < 36 { 30 + random.below(400) } else { N_ROWS_SORTED + 1_000 };
            let tolerance = if round < 36 { 1e-12 } else { 0.01 };
            let codes: Vec<u32> = (0..n).map(|_| u32::from(random.unit() < 0.1)).collect();
            // Rare positives: nothing is ever near one half.
            let values: Vec<f64> =
                codes.iter().map(|c| 0.1 * random.unit() + 0.03 * f64::from(*c)).collect();
            let weights: Vec<f64> = (0..n).map(|_| 0.5 + random.unit()).collect();
            let weights = (round % 2 == 0).then_some(&weights[..]);
            let (truth, p) = (Target::Class { codes, n_classes: 2 }, Predictions::new(1, values));
            for name in ["f1", "balanced_accuracy", "matthews_corrcoef", "accuracy"] {
                let entry = metric(name).unwrap();
                let input = MetricInput { weights, ..MetricInput::new(&truth, &p) };
                let own = at_best(entry, &input).unwrap_or(f64::NAN);
                let best = best_by_trying(name, &truth, &p, weights);
                assert!(own > best - tolerance && own < best + 0.01, "{name}: {own}, best {best}");
                let decided = decided(entry, &truth, &p, weights);
                let input = MetricInput { weights, ..MetricInput::new(&truth, &decided) };
                let own = entry.value(&input).unwrap();
                assert!((own - best).abs() < 0.01 && own >= best - 1e-12, "{name}: {own} {best}");
            }
        }
    }

    #[test]
    fn what_has_nothing_to_choose_is_judged_as_it_is() {
        let truth = Target::Class { codes: vec![0, 1, 1], n_classes: 2 };
        let p = Predictions::new(1, vec![0.2, 0.1, 0.3]);
        let auc = metric("roc_auc").unwrap();
        assert_eq!(at_best(auc, &MetricInput::new(&truth, &p)).unwrap(), 0.5);
        assert_eq!(decided(auc, &truth, &p, None).values, p.values);
        let three = Target::Class { codes: vec![0, 1, 2], n_classes: 3 };
        let sure = Predictions::new(3, vec![0.4, 0.3, 0.3, 0.4, 0.3, 0.3, 0.0, 0.0, 1.0]);
        let value = at_best(metric("accuracy").unwrap(), &MetricInput::new(&three, &sure));
        assert!((value.unwrap() - 2.0 / 3.0).abs() < 1e-12);
        let wrong = Predictions::new(1, vec![0.2]);
        assert!(at_best(metric("f1").unwrap(), &MetricInput::new(&truth, &wrong)).is_err());
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
