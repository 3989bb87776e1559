//! Comparing learners across data sets, by ranks: scores of different data sets have no common
//! scale.
//!
//! Friedman's test asks whether all learners are alike, Nemenyi's which pairs are not, Wilcoxon's
//! signed ranks whether two are. Reference: Demšar, "Statistical comparisons of classifiers over
//! multiple data sets", JMLR 7, 2006.

use modelwright_core::{Error, Result};

use crate::distribution::{
    chi_square_survival, f_survival, studentized_range_survival, two_sided_p,
};

/// Up to so many differences, with ties or without, Wilcoxon's distribution is counted out exactly.
const EXACT_MAX: usize = 50;

/// Learners ranked on several data sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Mean rank of each learner; 1 is best.
    pub mean_ranks: Vec<f64>,
    /// Data sets.
    pub n_sets: usize,
    /// Friedman's χ², corrected for ties, and its p-value.
    pub friedman: (f64, f64),
    /// Iman & Davenport's F, which is less conservative, and its p-value; `None` where all data
    /// sets rank the learners alike: F has no limit there, however few the data sets are.
    pub iman_davenport: Option<(f64, f64)>,
}

impl Ranking {
    /// Ranks `scores[set][learner]`; equal scores share their ranks.
    ///
    /// # Errors
    /// Input error with fewer than two data sets or two learners, rows of unequal length, a score
    /// that is not finite, or learners that are equal everywhere.
    pub fn new(scores: &[Vec<f64>], larger_is_better: bool) -> Result<Self> {
        let (n, k) = (scores.len(), scores.first().map_or(0, Vec::len));
        let whole = scores.iter().all(|s| s.len() == k && s.iter().all(|v| v.is_finite()));
        if n < 2 || k < 2 || !whole {
            return Err(Error::input("learners cannot be ranked")
                .expected("finite scores of at least two learners on at least two data sets")
                .got(format!("{n} data sets, {k} learners")));
        }
        let mut sums = vec![0.0; k];
        let mut ties = 0.0;
        for set in scores {
            let signed: Vec<f64> =
                set.iter().map(|v| if larger_is_better { -v } else { *v }).collect();
            let (ranks, tied) = ranks(&signed);
            sums.iter_mut().zip(ranks).for_each(|(sum, rank)| *sum += rank);
            ties += tied;
        }
        let (n_f, k_f) = (n as f64, k as f64);
        let squares: f64 = sums.iter().map(|s| s * s).sum();
        let plain = 12.0 / (n_f * k_f * (k_f + 1.0)) * squares - 3.0 * n_f * (k_f + 1.0);
        let correction = 1.0 - ties / (n_f * k_f * (k_f * k_f - 1.0));
        if correction <= 0.0 {
            return Err(Error::input("the learners are equal on every data set"));
        }
        let chi = plain / correction;
        let most = n_f * (k_f - 1.0);
        // Full agreement but for the rounding of sums.
        let iman_davenport = (most - chi > 1e-9 * most).then(|| {
            let f = (n_f - 1.0) * chi / (most - chi);
            (f, f_survival(f, k_f - 1.0, (k_f - 1.0) * (n_f - 1.0)))
        });
        Ok(Self {
            mean_ranks: sums.iter().map(|s| s / n_f).collect(),
            n_sets: n,
            friedman: (chi, chi_square_survival(chi, k_f - 1.0)),
            iman_davenport,
        })
    }

    /// Nemenyi's p-value of "learners `a` and `b` are alike", for all pairs looked at together.
    ///
    /// # Panics
    /// If there is no such learner.
    pub fn nemenyi(&self, a: usize, b: usize) -> f64 {
        let k = self.mean_ranks.len();
        let unit = (k as f64 * (k as f64 + 1.0) / (6.0 * self.n_sets as f64)).sqrt();
        let distance = (self.mean_ranks[a] - self.mean_ranks[b]).abs() / unit;
        studentized_range_survival(distance * std::f64::consts::SQRT_2, k)
    }
}

/// Ranks from 1, equal values sharing theirs; and Σ (t³ − t) over groups of t equal values.
fn ranks(values: &[f64]) -> (Vec<f64>, f64) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let (mut start, mut ties) = (0, 0.0);
    while start < order.len() {
        let same = order[start..].iter().take_while(|i| values[**i] == values[order[start]]);
        let n = same.count();
        let rank = start as f64 + f64::midpoint(n as f64, 1.0);
        order[start..start + n].iter().for_each(|i| ranks[*i] = rank);
        ties += (n * n * n - n) as f64;
        start += n;
    }
    (ranks, ties)
}

/// Wilcoxon's signed-rank test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignedRank {
    /// Sum of the ranks of positive differences.
    pub positive: f64,
    /// Sum of the ranks of negative differences.
    pub negative: f64,
    /// Differences that are not 0.
    pub n: usize,
    /// Two-sided p-value: exact up to 50 differences that are not 0, given their ties; beyond by
    /// the normal distribution with correction for ties.
    pub p_value: f64,
}

/// Tests whether paired differences are centred at 0; differences of 0 are left out.
///
/// # Errors
/// Input error when a difference is not finite or all are 0.
pub fn wilcoxon(differences: &[f64]) -> Result<SignedRank> {
    let used: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    if used.is_empty() || used.iter().any(|d| !d.is_finite()) {
        return Err(Error::input("the differences cannot be ranked")
            .expected("finite differences that are not all 0")
            .got(format!("{} differences, {} of them not 0", differences.len(), used.len())));
    }
    let (ranks, ties) = ranks(&used.iter().map(|d| d.abs()).collect::<Vec<_>>());
    let n = used.len();
    let of = |sign: f64| -> f64 {
        used.iter().zip(&ranks).filter(|(d, _)| **d * sign > 0.0).map(|(_, r)| r).sum()
    };
    let (positive, negative) = (of(1.0), of(-1.0));
    let p_value = if n <= EXACT_MAX {
        exact_p(&ranks, positive.min(negative))
    } else {
        let n = n as f64;
        let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - ties / 2.0) / 24.0;
        two_sided_p((positive.min(negative) - n * (n + 1.0) / 4.0) / variance.sqrt())
    };
    Ok(SignedRank { positive, negative, n, p_value })
}

/// Twice the chance of a rank sum of at most `least`, over all signs of the ranks. Tied ranks are
/// whole or halves: twice a rank is a whole number, by which sums are counted (Streitberg & Röhmel,
/// "Exact distributions for permutation and rank tests", 1986).
fn exact_p(ranks: &[f64], least: f64) -> f64 {
    let doubled: Vec<usize> = ranks.iter().map(|r| (2.0 * r).round() as usize).collect();
    let mut ways = vec![0.0; doubled.iter().sum::<usize>() + 1];
    ways[0] = 1.0;
    let mut most = 0;
    for rank in doubled {
        most += rank;
        for sum in (rank..=most).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    let below: f64 = ways[..=(2.0 * least).round() as usize].iter().sum();
    (2.0 * below / 2.0_f64.powf(ranks.len() as f64)).min(1.0)
}
