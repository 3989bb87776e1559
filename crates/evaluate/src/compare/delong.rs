//! DeLong's test of two areas under the ROC curve on the same rows.
//!
//! The AUC is a mean over (positive, negative) pairs, so that its variance is that of two
//! samples of *placement values*: for each positive row the share of negative rows below it, for
//! each negative row the share of positive rows above it. One walk along the sorted rows gives
//! them all: O(n log n), as with the midranks of Sun & Xu.
//!
//! References: DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988; Sun & Xu, "Fast
//! implementation of DeLong's algorithm", IEEE Signal Processing Letters 21, 2014.

use modelwright_core::record::Interval;
use modelwright_core::{Error, Result};

use super::Tested;
use crate::distribution::{Z_975, two_sided_p};
use crate::metric::Ranked;

/// Two correlated areas under the ROC curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delong {
    /// Areas of A and B.
    pub auc: [f64; 2],
    /// Variances of the areas of A and B.
    pub variance: [f64; 2],
    /// Covariance of the two.
    pub covariance: f64,
    /// Two-sided p-value of "the areas are equal".
    pub p_value: f64,
}

/// Compares the scores of two models; `codes` is 1 for positive rows and 0 for negative ones.
///
/// # Errors
/// Input error with fewer than two rows of a class, from which no variance can be estimated.
pub fn delong(codes: &[u32], scores_a: &[f64], scores_b: &[f64]) -> Result<Delong> {
    let n_positive = check(codes, scores_a, scores_b)?;
    let n_negative = codes.len() - n_positive;
    let (a, b) = (Placements::new(codes, scores_a), Placements::new(codes, scores_b));
    let covariance = |x: &Placements, y: &Placements| x.covariance(y, n_positive, n_negative);
    let auc = [a.auc(), b.auc()];
    let variance = [covariance(&a, &a), covariance(&b, &b)];
    let between = covariance(&a, &b);
    let of_difference = difference_variance(variance, between);
    let difference = auc[0] - auc[1];
    let p_value = if difference == 0.0 {
        1.0
    } else if of_difference > 0.0 {
        two_sided_p(difference / of_difference.sqrt())
    } else {
        // Both orders are constant, such as perfect against reversed: no test can be surer than
        // the one that swaps the two models row by row.
        (2.0 * 0.5_f64.powf(codes.len() as f64)).min(1.0)
    };
    Ok(Delong { auc, variance, covariance: between, p_value })
}

/// Proves that the test is possible, and counts the positive rows.
fn check(codes: &[u32], scores_a: &[f64], scores_b: &[f64]) -> Result<usize> {
    if scores_a.len() != codes.len() || scores_b.len() != codes.len() {
        return Err(Error::input("both models must score every row")
            .expected(format!("{} scores each", codes.len()))
            .got(format!("{} and {} scores", scores_a.len(), scores_b.len())));
    }
    let n_positive = codes.iter().filter(|c| **c == 1).count();
    let n_negative = codes.len() - n_positive;
    if n_positive < 2 || n_negative < 2 {
        return Err(Error::input("DeLong's test is not possible on these rows")
            .expected("at least two rows of each class")
            .got(format!("{n_positive} positive and {n_negative} negative rows")));
    }
    Ok(n_positive)
}

/// An area under the ROC curve and its variance.
///
/// # Errors
/// As [`delong`].
pub(crate) fn auc_variance(codes: &[u32], scores: &[f64]) -> Result<(f64, f64)> {
    let n_positive = check(codes, scores, scores)?;
    let placed = Placements::new(codes, scores);
    Ok((placed.auc(), placed.covariance(&placed, n_positive, codes.len() - n_positive)))
}

impl Delong {
    /// 95 % interval of the difference, A minus B.
    pub fn interval(&self) -> Interval {
        let difference = self.auc[0] - self.auc[1];
        let half = Z_975 * difference_variance(self.variance, self.covariance).sqrt();
        Interval { low: (difference - half).max(-1.0), high: (difference + half).min(1.0) }
    }

    pub(super) fn tested(&self) -> Tested {
        Tested {
            ci95: self.interval(),
            p_value: self.p_value,
            method: "DeLong's test for two correlated ROC curves".to_owned(),
        }
    }
}

/// The variance of the difference; rounding must not make it negative.
fn difference_variance(variance: [f64; 2], covariance: f64) -> f64 {
    let sum = variance[0] + variance[1];
    let of_difference = sum - 2.0 * covariance;
    if of_difference > sum * 1e-14 { of_difference } else { 0.0 }
}

/// Placement values of the rows of either class, in row order.
struct Placements {
    positive: Vec<f64>,
    negative: Vec<f64>,
}

impl Placements {
    fn new(codes: &[u32], scores: &[f64]) -> Self {
        let ranked = Ranked::new(codes.len(), |row| scores[row], |row| codes[row] == 1);
        let mut placement = vec![0.0; codes.len()];
        let n_positive = ranked.positive.iter().filter(|p| **p).count() as f64;
        let n_negative = codes.len() as f64 - n_positive;
        let (mut positives_above, mut negatives_above, mut start) = (0.0, 0.0, 0);
        ranked.walk(None, |negative, positive, _| {
            let end = start + (negative + positive) as usize;
            // Rows of equal score count half.
            let below = n_negative - negatives_above - 0.5 * negative;
            let above = positives_above + 0.5 * positive;
            for at in start..end {
                placement[ranked.rows[at] as usize] =
                    if ranked.positive[at] { below / n_negative } else { above / n_positive };
            }
            positives_above += positive;
            negatives_above += negative;
            start = end;
        });
        let of = |class: u32| -> Vec<f64> {
            codes.iter().zip(&placement).filter(|(c, _)| **c == class).map(|(_, p)| *p).collect()
        };
        Self { positive: of(1), negative: of(0) }
    }

    /// The covariance of the areas of two scores.
    fn covariance(&self, other: &Self, n_positive: usize, n_negative: usize) -> f64 {
        sample_covariance(&self.positive, &other.positive) / n_positive as f64
            + sample_covariance(&self.negative, &other.negative) / n_negative as f64
    }

    fn auc(&self) -> f64 {
        self.positive.iter().sum::<f64>() / self.positive.len() as f64
    }
}

fn sample_covariance(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let products = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y));
    products.sum::<f64>() / (n - 1.0)
}
