//! Greedy ensemble selection: which trials, with which weights.
//!
//! Starting from the best single trial, the trial whose addition (with replacement) improves the
//! validation metric of the averaged predictions most is added, for a fixed number of rounds; the
//! best prefix wins, the shorter one on ties. Weights are shares of the prefix. Reference:
//! Caruana et al., "Ensemble Selection from Libraries of Models", ICML 2004.

use modelwright_core::Context;
use modelwright_core::task::{Predictions, Target};
use modelwright_evaluate::metric::{MetricEntry, MetricInput};
use modelwright_evaluate::threshold::at_best;

/// An improvement below this share of the distance to a perfect score is noise, not worth another
/// member.
const GAIN_MIN: f64 = 5e-4;

/// What a selection needs to know.
pub(crate) struct Selection<'a> {
    pub metric: &'a MetricEntry,
    pub truth: &'a Target,
    pub weights: Option<&'a [f64]>,
    /// Out-of-fold predictions of each candidate, on the rows of `truth`.
    pub candidates: &'a [&'a Predictions],
    /// Candidates that may only stand alone: a constant changes no ranking, so that mixing it in
    /// looks free to a metric of ranks while it drowns what was learned.
    pub alone: &'a [bool],
    pub rounds: usize,
    /// The most different candidates in the result.
    pub members_max: usize,
}

/// The weight of each candidate; weights sum to 1.
pub(crate) fn select(input: &Selection<'_>, ctx: &Context) -> Vec<f64> {
    let n = input.candidates.len();
    let mut counts = vec![0_usize; n];
    let mut sum = Predictions::zeros(input.truth.n_rows(), input.truth.n_outputs());
    let mut best: Option<(f64, Vec<usize>)> = None;
    for round in 0..input.metric.rounds(input.rounds, n).max(1) {
        let n_distinct = counts.iter().filter(|c| **c > 0).count();
        let open = |i: usize| {
            (counts[i] > 0 || n_distinct < input.members_max) && (round == 0 || !input.alone[i])
        };
        let scores: Vec<Option<f64>> =
            ctx.map(n, |i| if open(i) { score_with(input, &sum, i, round) } else { None });
        let Some((chosen, score)) = argbest(&scores, input.alone) else { break };
        add(&mut sum, input.candidates[chosen]);
        counts[chosen] += 1;
        let is_alone = input.alone[chosen];
        if best.as_ref().is_none_or(|(b, _)| score > b + gain_min(input.metric, *b)) {
            best = Some((score, counts.clone()));
        }
        if is_alone {
            break;
        }
    }
    let counts = best.map_or_else(|| unjudged(input), |(_, counts)| counts);
    let total: usize = counts.iter().sum();
    counts.into_iter().map(|c| c as f64 / total as f64).collect()
}

/// Where no candidate has a score: as many as may be, those that learned something first.
fn unjudged(input: &Selection<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..input.alone.len()).collect();
    order.sort_by_key(|i| input.alone[*i]);
    let has_learned = input.alone.iter().any(|alone| !alone);
    let mut counts = vec![0; input.alone.len()];
    for i in order.into_iter().take(input.members_max.max(1)) {
        counts[i] = usize::from(!(has_learned && input.alone[i]));
    }
    counts
}

/// The weighted mean of predictions.
pub(crate) fn combine(members: &[(&Predictions, f64)]) -> Predictions {
    let mut mean = Predictions::zeros(members[0].0.n_rows(), members[0].0.n_outputs);
    for (predictions, weight) in members {
        for (m, p) in mean.values.iter_mut().zip(&predictions.values) {
            *m += weight * p;
        }
    }
    mean
}

/// The metric (larger is better) of the current sum with candidate `i` added.
fn score_with(input: &Selection<'_>, sum: &Predictions, i: usize, round: usize) -> Option<f64> {
    let scale = 1.0 / (round + 1) as f64;
    let mut mean = sum.clone();
    for (m, p) in mean.values.iter_mut().zip(&input.candidates[i].values) {
        *m = (*m + p) * scale;
    }
    let judged = MetricInput { weights: input.weights, ..MetricInput::new(input.truth, &mean) };
    let value = at_best(input.metric, &judged).ok()?;
    Some(if input.metric.spec.larger_is_better { value } else { -value })
}

/// The least by which a score (larger is better) must rise to be worth another member.
pub(crate) fn gain_min(metric: &MetricEntry, score: f64) -> f64 {
    GAIN_MIN * distance(metric, score)
}

/// How far a score (larger is better) is from perfect; its size where nobody knows what is.
fn distance(metric: &MetricEntry, score: f64) -> f64 {
    if !metric.spec.perfect.is_finite() {
        return score.abs();
    }
    let sign = if metric.spec.larger_is_better { 1.0 } else { -1.0 };
    (sign * metric.spec.perfect - score).abs()
}

/// The first of the largest, of those that are no constants where they are as good.
fn argbest(scores: &[Option<f64>], alone: &[bool]) -> Option<(usize, f64)> {
    let mut best: Option<(usize, f64)> = None;
    for (i, score) in scores.iter().enumerate() {
        if let Some(s) = score
            && s.is_finite()
            && best.is_none_or(|(k, b)| *s > b || (*s == b && alone[k] && !alone[i]))
        {
            best = Some((i, *s));
        }
    }
    best
}

fn add(sum: &mut Predictions, predictions: &Predictions) {
    for (s, p) in sum.values.iter_mut().zip(&predictions.values) {
        *s += p;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stands_alone_or_not_at_all() {
        let constant = Predictions::new(1, vec![0.3; 4]);
        let ranked = Predictions::new(1, vec![0.1, 0.6, 0.4, 0.9]);
        let truth = Target::Class { codes: vec![0, 0, 1, 1], n_classes: 2 };
        let input = Selection {
            metric: modelwright_evaluate::metric::metric("roc_auc").unwrap(),
            truth: &truth,
            weights: None,
            candidates: &[&constant, &ranked],
            alone: &[true, false],
            rounds: 25,
            members_max: 4,
        };
        assert_eq!(select(&input, &Context::unlimited(0, 1)), [0.0, 1.0]);
    }

    #[test]
    fn without_a_score_no_constant_is_mixed_in_and_the_limit_holds() {
        let guesses = [0.3, 0.2, 0.6].map(|p| Predictions::new(1, vec![p; 3]));
        let truth = Target::Class { codes: vec![1; 3], n_classes: 2 };
        let select = |alone: &[bool], members_max| {
            let input = Selection {
                metric: modelwright_evaluate::metric::metric("roc_auc").unwrap(),
                truth: &truth,
                weights: None,
                candidates: &guesses.each_ref(),
                alone,
                rounds: 5,
                members_max,
            };
            select(&input, &Context::unlimited(0, 1))
        };
        assert_eq!(select(&[true, false, false], 4), [0.0, 0.5, 0.5]);
        assert_eq!(select(&[true, false, false], 1), [0.0, 1.0, 0.0]);
        assert_eq!(select(&[true, true, true], 1), [1.0, 0.0, 0.0]);
    }

    fn weights_of(candidates: &[Vec<f64>], truth: &[f64], members_max: usize) -> Vec<f64> {
        let predictions: Vec<Predictions> =
            candidates.iter().map(|v| Predictions::new(1, v.clone())).collect();
        let refs: Vec<&Predictions> = predictions.iter().collect();
        let truth = Target::Real(truth.to_vec());
        let input = Selection {
            metric: modelwright_evaluate::metric::metric("rmse").unwrap(),
            truth: &truth,
            weights: None,
            candidates: &refs,
            alone: &vec![false; refs.len()],
            rounds: 25,
            members_max,
        };
        select(&input, &Context::unlimited(0, 2))
    }

    #[test]
    fn opposite_errors_are_averaged_away() {
        let weights = weights_of(&[vec![2.0, 3.0, 4.0], vec![0.0, 1.0, 2.0]], &[1.0, 2.0, 3.0], 5);
        assert!((weights[0] - 0.5).abs() < 1e-12, "{weights:?}");
    }

    #[test]
    fn a_perfect_candidate_stands_alone_and_the_limit_holds() {
        let weights = weights_of(&[vec![1.0, 2.0, 3.0], vec![0.0, 1.0, 2.0]], &[1.0, 2.0, 3.0], 5);
        assert_eq!(weights, [1.0, 0.0]);
        let weights = weights_of(&[vec![2.0, 3.0, 4.0], vec![0.0, 1.0, 2.0]], &[1.0, 2.0, 3.0], 1);
        assert_eq!(weights.iter().filter(|w| **w > 0.0).count(), 1);
    }
}
