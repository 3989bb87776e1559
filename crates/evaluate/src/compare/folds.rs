//! Comparing two learners by their scores on the same resampled splits.
//!
//! Scores of folds are not independent, because the folds share training rows: an ordinary t-test
//! finds differences where there are none. Nadeau & Bengio inflate the variance by the ratio of
//! test to training rows; the Bayesian correlated t-test says with the same variance how probable
//! it is that one learner is better by more than what matters. Dietterich's and Alpaydın's tests
//! are for five repetitions of two-fold cross-validation.
//!
//! References: Nadeau & Bengio, Machine Learning 52, 2003; Dietterich, Neural Computation 10,
//! 1998; Alpaydın, Neural Computation 11, 1999; Benavoli, Corani, Demšar & Zaffalon, JMLR 18,
//! 2017.

use modelwright_core::record::Interval;
use modelwright_core::{Error, Result};

use crate::distribution::{f_survival, student_cdf, student_quantile, student_two_sided};

/// Paired score differences of two learners, one per split, as a shifted and scaled Student's t.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FoldDifference {
    /// Mean difference, A minus B.
    pub mean: f64,
    /// Its standard error, corrected for the training rows that splits share.
    pub standard_error: f64,
    /// Splits minus 1.
    pub degrees_of_freedom: f64,
}

impl FoldDifference {
    /// From the differences (A minus B) on each split; `test_to_train` is the number of test rows
    /// over that of training rows, 1 / (k − 1) for k folds.
    ///
    /// # Errors
    /// Input error with fewer than two splits, a difference that is not finite, or a ratio that
    /// is not positive.
    pub fn new(differences: &[f64], test_to_train: f64) -> Result<Self> {
        let n = differences.len() as f64;
        if differences.len() < 2 || differences.iter().any(|d| !d.is_finite()) {
            return Err(Error::input("the test needs score differences of several splits")
                .expected("at least two finite differences")
                .got(format!("{} differences", differences.len())));
        }
        if !(test_to_train.is_finite() && test_to_train > 0.0) {
            return Err(Error::input("the ratio of test to training rows is not usable")
                .expected("a number above 0")
                .got(test_to_train.to_string()));
        }
        Ok(Self::with_variance(differences, 1.0 / n + test_to_train))
    }

    /// Of differences on data sets that share no rows: Student's paired t. `None` where there are
    /// fewer than two, or where all say the same, which tells nothing of how they vary.
    pub fn of_data_sets(differences: &[f64]) -> Option<Self> {
        /// Differences that are closer than this part of the largest one differ by rounding.
        const ROUNDING: f64 = 1e-9;
        let largest = differences.iter().fold(0.0_f64, |most, d| most.max(d.abs()));
        let is_varied = differences.iter().any(|d| (d - differences[0]).abs() > ROUNDING * largest);
        let times = 1.0 / differences.len() as f64;
        let found = is_varied.then(|| Self::with_variance(differences, times));
        found.filter(|found| found.standard_error.is_finite())
    }

    /// The mean, whose variance is so many times that of a difference.
    fn with_variance(differences: &[f64], times: f64) -> Self {
        let n = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / n;
        let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
        let variance = squares / (n - 1.0) * times;
        Self { mean, standard_error: variance.sqrt(), degrees_of_freedom: n - 1.0 }
    }

    /// Nadeau & Bengio's corrected t; infinite where all splits agree on a difference, 0 where
    /// there is none.
    pub fn statistic(&self) -> f64 {
        if self.mean == 0.0 { 0.0 } else { self.mean / self.standard_error }
    }

    /// Two-sided p-value of "both are equally good".
    pub fn p_value(&self) -> f64 {
        student_two_sided(self.statistic(), self.degrees_of_freedom)
    }

    /// 95 % interval of the difference.
    pub fn interval(&self) -> Interval {
        let half = student_quantile(0.975, self.degrees_of_freedom) * self.standard_error;
        Interval { low: self.mean - half, high: self.mean + half }
    }

    /// The probabilities that A is worse than B by more than `rope`, that they are equal for all
    /// practical purposes, and that A is better by more than `rope` (Bayesian correlated t-test).
    pub fn probabilities(&self, rope: f64) -> [f64; 3] {
        if self.standard_error == 0.0 {
            let sure = |is: bool| f64::from(u8::from(is));
            return [
                sure(self.mean < -rope),
                sure(self.mean.abs() <= rope),
                sure(self.mean > rope),
            ];
        }
        let below = |limit: f64| {
            student_cdf((limit - self.mean) / self.standard_error, self.degrees_of_freedom)
        };
        let worse = below(-rope);
        // The upper tail by symmetry, so that it is not lost in a difference from 1.
        let better = student_cdf((self.mean - rope) / self.standard_error, self.degrees_of_freedom);
        [worse, (below(rope) - worse).max(0.0), better]
    }
}

/// Five repetitions of two-fold cross-validation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FiveByTwo {
    /// Dietterich's t (5 degrees of freedom) and its two-sided p-value.
    pub t: (f64, f64),
    /// Alpaydın's F (10 and 5 degrees of freedom) and its p-value.
    pub f: (f64, f64),
}

/// Tests the differences of the two folds of each repetition.
///
/// # Errors
/// Input error when a difference is not finite, or when both folds of every repetition agree, so
/// that there is no variance to compare with.
pub fn five_by_two(differences: &[[f64; 2]; 5]) -> Result<FiveByTwo> {
    if differences.iter().flatten().any(|d| !d.is_finite()) {
        return Err(Error::input("a score difference is not a finite number"));
    }
    let variance = |[a, b]: &[f64; 2]| {
        let mean = f64::midpoint(*a, *b);
        (a - mean).powi(2) + (b - mean).powi(2)
    };
    let variances: f64 = differences.iter().map(variance).sum();
    if variances == 0.0 {
        return Err(Error::input("the folds agree throughout, so that nothing can be tested")
            .expected("score differences that vary"));
    }
    let squares: f64 = differences.iter().flatten().map(|d| d * d).sum();
    let t = differences[0][0] / (variances / 5.0).sqrt();
    let f = squares / (2.0 * variances);
    Ok(FiveByTwo { t: (t, student_two_sided(t, 5.0)), f: (f, f_survival(f, 10.0, 5.0)) })
}
