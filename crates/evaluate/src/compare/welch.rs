//! Welch's t-test: whether the means of two independent groups differ (Biometrika 34, 1947).

use crate::distribution::{student_cdf, student_quantile};

/// The difference of two means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Welch {
    /// Mean of the first less mean of the second.
    pub difference: f64,
    /// Lower and upper end of its 95 % interval.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// One-sided p-value of "the first is not larger".
    pub p_greater: f64,
}

/// Compares two groups; `None` with fewer than two values in one, or no variation in both.
pub fn welch(first: &[f64], second: &[f64]) -> Option<Welch> {
    let (a, b) = (Moments::of(first)?, Moments::of(second)?);
    let (va, vb) = (a.variance / a.n, b.variance / b.n);
    let error = (va + vb).sqrt();
    if !(error > 0.0 && error.is_finite()) {
        return None;
    }
    let df = (va + vb).powi(2) / (va * va / (a.n - 1.0) + vb * vb / (b.n - 1.0));
    let difference = a.mean - b.mean;
    let half = student_quantile(0.975, df) * error;
    Some(Welch {
        difference,
        low: difference - half,
        high: difference + half,
        p_greater: student_cdf(-difference / error, df),
    })
}

struct Moments {
    n: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        (values.len() >= 2).then(|| Self { n, mean, variance: squares / (n - 1.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        // scipy.stats.ttest_ind(a, b, equal_var=False, alternative="greater"), and its
        // confidence_interval of the two-sided test.
        let a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6];
        let b = [19.0, 21.7, 21.4, 20.3, 18.5, 19.9, 15.8, 18.8, 20.0, 16.8, 17.6];
        let tested = welch(&a, &b).unwrap();
        assert!((tested.difference - 1.777_272_727).abs() < 1e-9, "{tested:?}");
        assert!((tested.p_greater - 0.054_250_099_677).abs() < 1e-9, "{tested:?}");
        assert!((tested.low + 0.433_370_624_193).abs() < 1e-9, "{tested:?}");
        assert!((tested.high - 3.987_916_078_739).abs() < 1e-9, "{tested:?}");
    }

    #[test]
    fn equal_values_cannot_be_compared() {
        assert_eq!(welch(&[1.0, 1.0], &[1.0, 1.0]), None);
        assert_eq!(welch(&[1.0], &[1.0, 2.0]), None);
    }
}
