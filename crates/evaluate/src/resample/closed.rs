//! Intervals that need no resampling, because their law is known: those hold the truth as often as
//! they say on few rows too, where a bootstrap is too narrow.
//!
//! | metric | interval |
//! |---|---|
//! | share of rows (accuracy, top-k, precision, recall) | Wilson's |
//! | area under the ROC curve | DeLong's variance on the logit scale; Newcombe's at 0 and 1 |
//! | F1 of a mix of classes that is drawn | Wilson's of the share it follows from |
//! | balanced accuracy | Wilson's of each class, their variances recovered (MOVER) |
//! | average precision of 1 | down to what one further negative row before all others would leave |
//!
//! References: Wilson, JASA 22, 1927; Qin & Hotilovac, "Comparison of non-parametric confidence
//! intervals for the area under the ROC curve", Statistical Methods in Medical Research 17, 2008;
//! Newcombe, "Confidence intervals for an effect size measure based on the Mann–Whitney statistic,
//! part 2", Statistics in Medicine 25, 2006 (method 5); Lam, Gopal & Qian, "Confidence intervals
//! for the F1 score: a comparison of four methods", 2023 (Wilson indirect); Zou & Donner,
//! "Construction of confidence limits about effect measures", Statistics in Medicine 27, 2008.

use std::collections::BTreeMap;

use modelwright_core::record::Interval;
use modelwright_core::task::Task;

use super::Mix;
use super::drawing::classes_have_rows;
use crate::compare::auc_variance;
use crate::conformal::share_held;
use crate::curve::wilson;
use crate::distribution::Z_975;
use crate::metric::{MetricEntry, MetricInput, Needs};

/// The 95 % interval of a metric whose law is known; `None` for others, and with weights.
pub(super) fn interval(
    metric: &MetricEntry,
    input: &MetricInput<'_>,
    mix: Mix,
) -> Option<Interval> {
    if input.weights.is_some() {
        return None;
    }
    let codes = input.truth.codes()?;
    let is_binary = input.truth.task() == Task::Binary;
    let decided = || input.predictions.classes(input.threshold);
    let share = |hits: usize, n: usize| (n > 0).then(|| wilson(hits as f64 / n as f64, n as f64));
    match metric.spec.name {
        "roc_auc" if is_binary => area(codes, &input.predictions.values),
        // Perfect ranks are perfect in every resample.
        "average_precision" if is_binary => {
            let n_positive = codes.iter().filter(|c| **c == 1).count();
            let is_perfect = metric.value(input).is_ok_and(|value| value >= 1.0);
            (is_perfect && n_positive > 0)
                .then(|| Interval { low: with_one_before(n_positive), high: 1.0 })
        }
        "accuracy" => {
            let right = decided().iter().zip(codes).filter(|(d, c)| d == c).count();
            share(right, codes.len())
        }
        name if name.starts_with("top_") => {
            let rows = codes.len() as f64;
            metric.value(input).ok().filter(|_| rows > 0.0).map(|value| wilson(value, rows))
        }
        "precision" if is_binary => {
            let decided = decided();
            let flagged = decided.iter().zip(codes).filter(|(d, _)| **d == 1);
            let right = flagged.clone().filter(|(_, c)| **c == 1).count();
            share(right, flagged.count())
        }
        "recall" if is_binary => {
            let decided = decided();
            let positive = decided.iter().zip(codes).filter(|(_, c)| **c == 1);
            let found = positive.clone().filter(|(d, _)| **d == 1).count();
            share(found, positive.count())
        }
        // Twice the share `right / (right + wrong)` by one more than it (Dice by Jaccard).
        "f1" if is_binary && mix == Mix::Drawn => {
            let decided = decided();
            let pairs = || decided.iter().zip(codes);
            let either = pairs().filter(|(d, c)| **d == 1 || **c == 1).count();
            let ci = share(pairs().filter(|(d, c)| **d == 1 && **c == 1).count(), either)?;
            let f1 = |share: f64| 2.0 * share / (1.0 + share);
            Some(Interval { low: f1(ci.low), high: f1(ci.high) })
        }
        "balanced_accuracy" if classes_have_rows(input.truth).is_ok() => {
            let value = metric.value(input).ok()?;
            let (below, above, _) = of_shares(input, None)?;
            Some(Interval { low: (value - below).max(0.0), high: (value + above).min(1.0) })
        }
        _ => None,
    }
}

/// The interval of a metric of classes at the best end of its range, where resamples of rows
/// without an error have none either: as far down as a share of errors would take it that shows
/// itself in none of `n` rows in one of 40 cases (the exact binomial limit, "rule of three").
/// `None` where the range has no other end, or the value is not the best one.
pub(super) fn without_errors(
    metric: &MetricEntry,
    value: f64,
    n: impl FnOnce() -> f64,
) -> Option<Interval> {
    let (least, most) = metric.spec.range;
    let larger_is_better = metric.spec.larger_is_better;
    let best = if larger_is_better { most } else { least };
    // A loss of probabilities does not count errors.
    let has_errors = larger_is_better || metric.spec.needs != Needs::Probabilities;
    if value != best || !has_errors || !(most - least).is_finite() {
        return None;
    }
    let n = n();
    if n <= 0.0 {
        return None;
    }
    let unseen = (1.0 - 0.025_f64.powf(1.0 / n)) * (most - least);
    Some(if larger_is_better {
        Interval { low: most - unseen, high: most }
    } else {
        Interval { low: least, high: least + unseen }
    })
}

/// The interval of a metric of decided classes, no narrower than the shares of each class that are
/// found leave it where resamples show none of a class: all of its rows found, or none, are in
/// every resample. The shares' intervals are Wilson's, by whole groups where rows belong together;
/// their mean has that of the recovered variances.
pub(super) fn with_unseen(
    metric: &MetricEntry,
    value: f64,
    ci95: Interval,
    input: &MetricInput<'_>,
    groups: Option<&[u32]>,
) -> Interval {
    let (least, most) = metric.spec.range;
    let has_width = ci95.high - ci95.low > 1e-9 * (most - least);
    let is_of_classes = metric.spec.needs == Needs::Labels && (most - least).is_finite();
    if !is_of_classes {
        return ci95;
    }
    let Some((below, above, is_extreme)) = of_shares(input, groups) else { return ci95 };
    let is_their_mean = metric.spec.name == "balanced_accuracy";
    if has_width && !(is_their_mean && is_extreme) {
        return ci95;
    }
    let (below, above) = (below * (most - least), above * (most - least));
    Interval {
        low: ci95.low.min((value - below).max(least)),
        high: ci95.high.max((value + above).min(most)),
    }
}

/// How far the mean of the classes' shares of rows that are found may be below and above its value:
/// by Wilson's interval of each share, and the method of recovered variances. And whether of any
/// class all rows are found, or none.
fn of_shares(input: &MetricInput<'_>, groups: Option<&[u32]>) -> Option<(f64, f64, bool)> {
    let codes = input.truth.codes()?;
    let decided = input.predictions.classes(input.threshold);
    let mut rows: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    codes.iter().enumerate().for_each(|(row, code)| rows.entry(*code).or_default().push(row));
    let (mut below, mut above, mut n_classes, mut is_extreme) = (0.0, 0.0, 0, false);
    for of_class in rows.values() {
        let found: Vec<bool> = of_class.iter().map(|row| decided[*row] == codes[*row]).collect();
        let weights: Option<Vec<f64>> =
            input.weights.map(|w| of_class.iter().map(|row| w[*row]).collect());
        let groups: Option<Vec<u32>> =
            groups.map(|g| of_class.iter().filter_map(|row| g.get(*row).copied()).collect());
        // A class without weight has no part in the mean.
        let Some((share, ci95)) = share_held(&found, weights.as_deref(), groups.as_deref()) else {
            continue;
        };
        n_classes += 1;
        is_extreme |= share <= 0.0 || share >= 1.0;
        below += (share - ci95.low).powi(2);
        above += (ci95.high - share).powi(2);
    }
    let n = f64::from(n_classes);
    (n_classes > 0).then(|| (below.sqrt() / n, above.sqrt() / n, is_extreme))
}

/// So many independent rows of the rarest class as the weights and groups leave (Kish's effective
/// number, of groups where there are some); 0 for a target that is a number.
pub(super) fn rarest_class(input: &MetricInput<'_>, groups: Option<&[u32]>) -> f64 {
    let Some(codes) = input.truth.codes() else { return 0.0 };
    let mut witnesses: BTreeMap<(u32, u32), f64> = BTreeMap::new();
    for (row, code) in codes.iter().enumerate() {
        let witness = groups.map_or(row as u32, |groups| groups[row]);
        *witnesses.entry((*code, witness)).or_default() += input.weights.map_or(1.0, |w| w[row]);
    }
    let mut sums: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for ((code, _), weight) in witnesses {
        let (sum, squares) = sums.entry(code).or_default();
        *sum += weight;
        *squares += weight * weight;
    }
    let effective = sums.values().filter(|(_, s)| *s > 0.0).map(|(sum, s)| sum * sum / s);
    effective.fold(f64::INFINITY, f64::min)
}

/// The interval of an area under the ROC curve; `None` with fewer than two rows of a class.
fn area(codes: &[u32], scores: &[f64]) -> Option<Interval> {
    let (auc, variance) = auc_variance(codes, scores).ok()?;
    let n_positive = codes.iter().filter(|c| **c == 1).count() as f64;
    if variance <= 0.0 || auc <= 0.0 || auc >= 1.0 {
        return Some(newcombe(auc, n_positive, codes.len() as f64 - n_positive));
    }
    let logit = (auc / (1.0 - auc)).ln();
    let half = Z_975 * variance.sqrt() / (auc * (1.0 - auc));
    let back = |l: f64| 1.0 / (1.0 + (-l).exp());
    Some(Interval { low: back(logit - half), high: back(logit + half) })
}

/// The average precision of so many positive rows behind one negative row.
fn with_one_before(n_positive: usize) -> f64 {
    let sum: f64 = (1..=n_positive).map(|k| k as f64 / (k + 1) as f64).sum();
    sum / n_positive as f64
}

/// The areas whose own standard error reaches just to `auc`, if scores were exponential.
fn newcombe(auc: f64, n_positive: f64, n_negative: f64) -> Interval {
    let n = f64::midpoint(n_positive, n_negative);
    let error = |area: f64| {
        let rest = 2.0 * n - 1.0 - (3.0 * n - 3.0) / ((2.0 - area) * (1.0 + area));
        (area * (1.0 - area) * rest / (n_positive * n_negative)).max(0.0).sqrt()
    };
    let end = |side: f64| {
        // Outside of the end the distance is larger than its error: bisect between.
        let (mut inside, mut outside) = (auc, if side < 0.0 { 0.0 } else { 1.0 });
        for _ in 0..60 {
            let area = f64::midpoint(inside, outside);
            if (area - auc).abs() <= Z_975 * error(area) { inside = area } else { outside = area }
        }
        inside
    };
    Interval { low: end(-1.0), high: end(1.0) }
}

#[cfg(test)]
mod tests {
    use modelwright_core::task::{Predictions, Target};

    use super::*;
    use crate::metric::metric;

    fn of(name: &str, codes: &[u32], values: &[f64]) -> Option<Interval> {
        let truth = Target::Class { codes: codes.to_vec(), n_classes: 2 };
        let p = Predictions::new(1, values.to_vec());
        interval(metric(name).unwrap(), &MetricInput::new(&truth, &p), Mix::Drawn)
    }

    #[test]
    fn shares_have_the_intervals_of_wilson() {
        // 8 of 10 right; statsmodels proportion_confint(8, 10, method="wilson").
        let codes = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1];
        let values = [0.1, 0.2, 0.3, 0.1, 0.9, 0.9, 0.8, 0.7, 0.6, 0.4];
        let found = of("accuracy", &codes, &values).unwrap();
        assert!((found.low - 0.490_162_471_536_642_4).abs() < 1e-12, "{found:?}");
        assert!((found.high - 0.943_317_848_545_624_7).abs() < 1e-12, "{found:?}");
        // 4 of 5 flagged rows are right, and 4 of 5 positive ones are found.
        assert_eq!(of("precision", &codes, &values), of("recall", &codes, &values));
        assert_eq!(of("precision", &[0, 0], &[0.1, 0.2]), None);
        assert_eq!(of("log_loss", &codes, &values), None);
    }

    #[test]
    fn f1_follows_from_a_share_and_a_mean_of_shares_from_each() {
        // 4 right of 6 that are positive or called so: F1 = 8/10.
        let codes = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1];
        let values = [0.1, 0.2, 0.3, 0.1, 0.9, 0.9, 0.8, 0.7, 0.6, 0.4];
        let found = of("f1", &codes, &values).unwrap();
        // statsmodels proportion_confint(4, 6, method="wilson"): 0.299993, 0.903229.
        let f1 = |share: f64| 2.0 * share / (1.0 + share);
        assert!((found.low - f1(0.299_993)).abs() < 1e-5, "{found:?}");
        assert!((found.high - f1(0.903_229)).abs() < 1e-5, "{found:?}");
        let truth = Target::Class { codes: codes.to_vec(), n_classes: 2 };
        let p = Predictions::new(1, values.to_vec());
        let input = MetricInput::new(&truth, &p);
        assert_eq!(interval(metric("f1").unwrap(), &input, Mix::Fixed), None);
        // 4 of 5 of either class: the interval of each, closer by the root of two.
        let one = wilson(0.8, 5.0);
        let found = of("balanced_accuracy", &codes, &values).unwrap();
        assert!((found.low - (0.8 - (0.8 - one.low) / 2.0_f64.sqrt())).abs() < 1e-12);
        assert!((found.high - (0.8 + (one.high - 0.8) / 2.0_f64.sqrt())).abs() < 1e-12);
    }

    #[test]
    fn a_perfect_area_is_not_certain_on_few_rows() {
        let few = of("roc_auc", &[0, 0, 0, 1, 1, 1], &[0.1, 0.2, 0.3, 0.7, 0.8, 0.9]).unwrap();
        assert!(few.high == 1.0 && few.low > 0.4 && few.low < 0.7, "{few:?}");
        let codes: Vec<u32> = (0..2000).map(|i| u32::from(i >= 1000)).collect();
        let values: Vec<f64> = (0..2000).map(|i| f64::from(i) / 2000.0).collect();
        let many = of("roc_auc", &codes, &values).unwrap();
        assert!(many.high == 1.0 && many.low > 0.99, "{many:?}");
        assert!(of("roc_auc", &[0, 0, 1], &[0.1, 0.2, 0.3]).is_none(), "one row of a class");
    }

    #[test]
    fn a_perfect_precision_is_not_certain_on_few_rows() {
        let few = of("average_precision", &[0, 0, 0, 0, 1, 1], &[0.1, 0.2, 0.3, 0.4, 0.8, 0.9]);
        let few = few.unwrap();
        assert!(few.high == 1.0 && (few.low - 7.0 / 12.0).abs() < 1e-12, "{few:?}");
        let codes: Vec<u32> = (0..2000).map(|i| u32::from(i >= 1000)).collect();
        let values: Vec<f64> = (0..2000).map(|i| f64::from(i) / 2000.0).collect();
        assert!(of("average_precision", &codes, &values).unwrap().low > 0.99);
        assert!(of("average_precision", &[0, 1, 0, 1], &[0.1, 0.2, 0.3, 0.4]).is_none());
    }

    #[test]
    fn a_row_without_errors_is_not_certain_on_few_rows() {
        let f1 = metric("f1").unwrap();
        // 1 - 0.025^(1/10) = 0.3085: Clopper & Pearson's limit of 0 errors of 10.
        let found = without_errors(f1, 1.0, || 10.0).unwrap();
        assert!((found.low - 0.691_5).abs() < 1e-4 && found.high == 1.0, "{found:?}");
        assert!(without_errors(f1, 0.9, || 10.0).is_none());
        assert!(without_errors(metric("log_loss").unwrap(), 0.0, || 10.0).is_none());
        let truth = Target::Class { codes: vec![0, 0, 0, 1, 1], n_classes: 2 };
        let p = Predictions::new(1, vec![0.1, 0.1, 0.1, 0.9, 0.9]);
        let plain = MetricInput::new(&truth, &p);
        assert_eq!(rarest_class(&plain, None), 2.0);
        assert_eq!(rarest_class(&plain, Some(&[0, 1, 2, 3, 3])), 1.0);
        let weighted = MetricInput { weights: Some(&[1.0, 1.0, 1.0, 3.0, 1.0]), ..plain };
        assert!((rarest_class(&weighted, None) - 1.6).abs() < 1e-12);
    }

    #[test]
    fn a_class_of_which_all_rows_err_alike_is_not_certain() {
        let truth = Target::Class { codes: vec![0, 0, 0, 0, 1, 1, 1, 1, 2], n_classes: 3 };
        let mut p = Predictions::zeros(9, 3);
        for (row, class) in [0, 0, 0, 0, 1, 1, 1, 1, 0].into_iter().enumerate() {
            p.values[row * 3 + class] = 1.0;
        }
        let input = MetricInput::new(&truth, &p);
        let point = |v| Interval { low: v, high: v };
        for name in ["balanced_accuracy", "f1_macro"] {
            let found =
                with_unseen(metric(name).unwrap(), 2.0 / 3.0, point(2.0 / 3.0), &input, None);
            assert!(found.low < 0.5 && found.high > 0.9, "{name}: {found:?}");
        }
        // Rows that belong together say less.
        let name = metric("balanced_accuracy").unwrap();
        let of = |groups| with_unseen(name, 2.0 / 3.0, point(2.0 / 3.0), &input, groups);
        assert!(of(Some(&[0, 0, 1, 1, 2, 2, 3, 3, 4])).low < of(None).low - 0.05);
        let wide = Interval { low: 0.4, high: 0.7 };
        assert_eq!(with_unseen(metric("f1_macro").unwrap(), 0.6, wide, &input, None), wide);
    }

    #[test]
    fn an_area_lies_within_its_interval_which_stays_below_one() {
        let codes: Vec<u32> = (0..60).map(|i| u32::from(i % 3 == 0)).collect();
        let score = |(i, c): (usize, &u32)| f64::from(*c) * 0.6 + ((i * 37) % 60) as f64 / 80.0;
        let values: Vec<f64> = codes.iter().enumerate().map(score).collect();
        let found = of("roc_auc", &codes, &values).unwrap();
        let (auc, variance) = auc_variance(&codes, &values).unwrap();
        assert!(found.low < auc && auc < found.high && found.high < 1.0, "{found:?} {auc}");
        assert!(found.high - auc < auc - found.low, "it reaches farther from the end");
        assert!(((found.high - found.low) / (2.0 * Z_975 * variance.sqrt()) - 1.0).abs() < 0.4);
    }
}
