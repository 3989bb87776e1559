//! Rows that belong together, such as the visits of one patient: how sure a mean of them is.
//!
//! Rows of one group are no independent witnesses. What each row adds to an estimate is summed over
//! its group, and the groups are the sample (the linearised variance of cluster samples, "cluster
//! robust"). With few or unequal groups the estimate of that variance is itself unsure, which a
//! t-distribution of the *effective* number of groups carries over into the interval.
//!
//! References: Liang & Zeger, Biometrika 73, 1986; Carter, Schnepel & Steigerwald, "Asymptotic
//! behavior of a t-test robust to cluster heterogeneity", Review of Economics and Statistics 99,
//! 2017 (the effective number, under the worst case that rows of a group say the same).

use modelwright_core::record::Interval;

use crate::distribution::{student_cdf, student_quantile};
use crate::resample::numbered;

/// How sure an estimate from groups of rows is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clustered {
    /// Groups.
    pub n_groups: usize,
    /// The standard error of the estimate.
    pub standard_error: f64,
    /// Degrees of freedom of its t-distribution, at least 1.
    pub df: f64,
}

/// The certainty of an estimate Σ c·x from rows with residuals `residual(row)` (x less its mean)
/// and coefficients `share(row)` (its weight over the sum of weights, negative in a part that is
/// subtracted); `groups` says of each row which group it is of. `None` with fewer than two groups.
pub fn clustered(
    groups: &[u32],
    share: impl Fn(usize) -> f64,
    residual: impl Fn(usize) -> f64,
) -> Option<Clustered> {
    let (codes, n_groups) = numbered(groups);
    let mut sums = vec![(0.0_f64, 0.0_f64); n_groups];
    for (row, code) in codes.iter().enumerate() {
        let sum = &mut sums[*code as usize];
        sum.0 += share(row) * residual(row);
        sum.1 += share(row).abs();
    }
    // Groups without any weight are no witnesses.
    sums.retain(|(_, size)| *size > 0.0);
    let n = sums.len() as f64;
    if sums.len() < 2 {
        return None;
    }
    let squares: f64 = sums.iter().map(|(sum, _)| sum * sum).sum();
    let sizes: f64 = sums.iter().map(|(_, size)| size * size).sum();
    let fourth: f64 = sums.iter().map(|(_, size)| size.powi(4)).sum();
    Some(Clustered {
        n_groups: sums.len(),
        standard_error: (squares * n / (n - 1.0)).sqrt(),
        df: (sizes * sizes / fourth - 1.0).max(1.0),
    })
}

impl Clustered {
    /// The 95 % interval of the estimate.
    pub fn interval(&self, estimate: f64) -> Interval {
        let half = student_quantile(0.975, self.df) * self.standard_error;
        Interval { low: estimate - half, high: estimate + half }
    }

    /// The two-sided p-value of "it is 0".
    pub fn p_value(&self, estimate: f64) -> f64 {
        if estimate == 0.0 {
            1.0
        } else if self.standard_error > 0.0 {
            (2.0 * student_cdf(-estimate.abs() / self.standard_error, self.df)).min(1.0)
        } else {
            // All groups say exactly the same: no test is surer than that of their signs.
            (2.0 * 0.5_f64.powf(self.n_groups as f64)).min(1.0)
        }
    }

    /// The one-sided p-value of "it is not above 0".
    pub fn p_greater(&self, estimate: f64) -> f64 {
        let half = 0.5 * self.p_value(estimate);
        if estimate > 0.0 { half } else { 1.0 - half }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_one_row_have_the_textbooks_error() {
        let values = [1.0, 2.0, 3.0, 4.0, -5.0];
        let found = clustered(&[4, 1, 0, 2, 3], |_| 0.2, |row| values[row] - 1.0).unwrap();
        let variance = values.iter().map(|v: &f64| (v - 1.0).powi(2)).sum::<f64>() / 4.0;
        assert!((found.standard_error - (variance / 5.0).sqrt()).abs() < 1e-12);
        assert!((found.df - 4.0).abs() < 1e-12);
    }

    #[test]
    fn rows_that_are_repeated_make_nothing_surer() {
        let values = [1.0, 2.0, 3.0, 4.0, -5.0];
        let once = clustered(&[0, 1, 2, 3, 4], |_| 0.2, |row| values[row] - 1.0).unwrap();
        let groups: Vec<u32> = (0..50).map(|row| row / 10).collect();
        let often = clustered(&groups, |_| 0.02, |row| values[row / 10] - 1.0).unwrap();
        assert!((once.standard_error - often.standard_error).abs() < 1e-12);
        assert!((once.df - often.df).abs() < 1e-9 && once.n_groups == often.n_groups);
    }

    #[test]
    fn one_large_group_leaves_little_freedom_and_one_alone_none() {
        let groups: Vec<u32> = (0..100).map(|row| if row < 90 { 0 } else { row }).collect();
        let found = clustered(&groups, |_| 0.01, |row| f64::from(row as u32) - 49.5).unwrap();
        assert_eq!((found.n_groups, found.df), (11, 1.0));
        assert_eq!(clustered(&[3; 9], |_| 1.0 / 9.0, |_| 0.0), None);
        let weighed = |row: usize| if row == 0 { 1.0 } else { 0.0 };
        assert_eq!(clustered(&[0, 1, 2], weighed, |_| 1.0), None, "others have no weight");
    }
}
