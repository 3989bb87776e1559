//! Evidence that grows from batch to batch: a small shift that stays is called after some batches,
//! and a watch that never ends is wrong no oftener than its level says.
//!
//! Of every batch a few means are kept. With `D` the difference of the mean of all batches since
//! batch `k` from that of the reference, `v` its variance if nothing changed (that of the mean of
//! the reference among it, which all batches share) and `τ` the standard deviation of the shifts
//! that are looked for, the ratio of the likelihoods of "a shift of `N(0, τ²)`" and "none",
//! `√(v / (v + τ²)) · exp(D² / 2 · (1 / v − 1 / (v + τ²)))`, is at every moment on average 1 where
//! nothing changed; over the reference, too. The shift may have begun with any batch: the ratios
//! are averaged with weights `1 / (k (k + 1))`, which sum to 1, and so are those of the means that
//! are watched. By Ville's inequality the average is ever beyond `1 / α` with a chance of at most
//! `α`, however many batches come and however often they are looked at.
//!
//! The law of a mean is taken to be normal, and the variance of a row to be the larger one of the
//! reference's and the batches'. References: Robbins, "Statistical methods related to the law of
//! the iterated logarithm", Annals of Mathematical Statistics 41, 1970 (mixtures); Shin, Ramdas &
//! Rinaldo, "E-detectors", New England Journal of Statistics in Data Science 2, 2024 (a change that
//! begins at any time).

use serde::{Deserialize, Serialize};

use modelwright_evaluate::distribution::normal_cdf;

/// The standard deviation of the shifts that are looked for, in those of a row.
const SHIFT: f64 = 0.1;

/// A mean of one batch, or of the reference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct MeanOf {
    /// As many independent rows it is of.
    pub n: f64,
    /// The mean.
    pub mean: f64,
    /// The variance of a row.
    pub variance: f64,
}

/// Against what batches are held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Expected {
    pub(super) of: MeanOf,
    /// By so much the mean may be off for another reason: another model than the tested one was
    /// delivered.
    pub(super) doubt: f64,
    /// Whether only more than before is looked for.
    pub(super) is_one_sided: bool,
}

/// The evidence of a mean, and the batch (its place among those that are given) since which most
/// speaks for a shift, with the mean since then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evidence {
    pub(super) ratio: f64,
    pub(super) since: usize,
    pub(super) is: MeanOf,
}

/// The evidence of batches, of which the first is number `first` (from 1) of the watch.
pub(super) fn evidence(expected: Expected, batches: &[MeanOf], first: u64) -> Evidence {
    let rows: f64 = batches.iter().map(|batch| batch.n).sum();
    let squares: f64 = batches.iter().map(|batch| batch.n * batch.variance).sum();
    let of_batches = if rows > 0.0 { squares / rows } else { 0.0 };
    let variance = expected.of.variance.max(of_batches);
    let mut found = Evidence { ratio: 0.0, since: 0, is: MeanOf::default() };
    let (mut n, mut sum, mut most) = (0.0, 0.0, 0.0);
    for (place, batch) in batches.iter().enumerate().rev() {
        (n, sum) = (n + batch.n, sum + batch.n * batch.mean);
        if n <= 0.0 || variance <= 0.0 || expected.of.n <= 0.0 {
            continue;
        }
        let difference = beyond(sum / n - expected.of.mean, expected.doubt);
        let v = variance * (1.0 / n + 1.0 / expected.of.n);
        let number = (first.max(1) as f64) + place as f64;
        let own = ratio(difference, v, SHIFT * SHIFT * variance, expected.is_one_sided)
            / (number * (number + 1.0));
        found.ratio += own;
        if own > most {
            most = own;
            (found.since, found.is) = (place, MeanOf { n, mean: sum / n, variance });
        }
    }
    // A shift that is still to begin: what is left of the weights has a ratio of 1.
    let number = (first.max(1) as f64) + batches.len() as f64;
    found.ratio += 1.0 / number;
    found
}

/// A difference less what is doubted of it.
fn beyond(difference: f64, doubt: f64) -> f64 {
    difference.signum() * (difference.abs() - doubt).max(0.0)
}

/// The likelihood of a shift beside that of none; of a shift upwards alone, where that is asked.
fn ratio(difference: f64, v: f64, shift: f64, is_one_sided: bool) -> f64 {
    let all = v + shift;
    let log = 0.5 * (v / all).ln() + 0.5 * difference * difference * (1.0 / v - 1.0 / all);
    let two_sided = log.min(700.0).exp();
    if !is_one_sided {
        return two_sided;
    }
    // Twice the share of the shifts, after what was seen of them, that is upwards.
    2.0 * two_sided * normal_cdf(difference * (shift / (v * all)).sqrt())
}

#[cfg(test)]
mod tests {
    use modelwright_core::random::Random;

    use super::*;

    /// The first batch, from 1, at which the evidence is beyond 20; batches of `rows` rows, of
    /// which those from number 9 on have moved.
    fn called(stream: u64, rows: usize, moved: f64, is_one_sided: bool) -> Option<usize> {
        let mut random = Random::stream(8, "monitor/evidence", stream);
        let mut mean_of = |n: usize, by: f64| {
            let values: Vec<f64> = (0..n).map(|_| by + random.normal()).collect();
            let mean = values.iter().sum::<f64>() / n as f64;
            let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
            MeanOf { n: n as f64, mean, variance: squares / n as f64 }
        };
        let expected = Expected { of: mean_of(1_000, 0.0), doubt: 0.0, is_one_sided };
        let mut batches = Vec::new();
        (1..=40).find(|number| {
            batches.push(mean_of(rows, if *number > 8 { moved } else { 0.0 }));
            evidence(expected, &batches, 1).ratio >= 20.0
        })
    }

    #[test]
    fn a_watch_of_many_batches_is_wrong_as_seldom_as_its_level_says() {
        let n = 2_000;
        for (rows, is_one_sided) in [(1, false), (100, false), (100, true), (1_000, false)] {
            let of = |s: &u64| called(*s, rows, 0.0, is_one_sided).is_some();
            let wrong = (0..n).filter(of).count();
            // At most 5 %: three standard deviations of 2,000 are 29 more.
            assert!(wrong <= 129, "{wrong} of {n} watches of batches of {rows}");
        }
    }

    #[test]
    fn a_small_shift_that_stays_is_called_after_some_batches_and_only_where_it_was_asked_for() {
        let n = 200_u64;
        let delays = |moved: f64, one_sided: bool| -> Vec<usize> {
            (0..n).filter_map(|s| called(s, 300, moved, one_sided)).collect()
        };
        let mean = |all: &[usize]| all.iter().sum::<usize>() as f64 / all.len() as f64;
        let (small, large, down) = (delays(0.25, false), delays(0.6, true), delays(-0.6, true));
        println!(
            "{} after {:.1}; {} after {:.1}",
            small.len(),
            mean(&small),
            large.len(),
            mean(&large)
        );
        assert!(small.len() > 190 && (9.0..16.0).contains(&mean(&small)), "{small:?}");
        assert!(large.len() > 195 && mean(&large) < 10.5, "{large:?}");
        assert!(down.len() < 15, "{}", down.len());
    }

    #[test]
    fn nothing_known_is_no_evidence() {
        let of = MeanOf { n: 100.0, mean: 0.0, variance: 1.0 };
        let expected = Expected { of, doubt: 0.0, is_one_sided: false };
        assert_eq!(evidence(expected, &[], 1).ratio, 1.0);
        let far = MeanOf { n: 100.0, mean: 1.0, variance: 1.0 };
        assert!(evidence(expected, &[far], 1).ratio > 100.0);
        assert!(evidence(Expected { doubt: 1.0, ..expected }, &[far], 1).ratio < 1.0);
        let nothing = Expected { of: MeanOf::default(), ..expected };
        assert!(evidence(nothing, &[far], 1).ratio <= 1.0);
        assert!(evidence(expected, &[MeanOf { mean: 1e300, ..far }], 1).ratio.is_finite());
    }
}
