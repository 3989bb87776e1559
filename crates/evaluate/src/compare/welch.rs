//! Welch's t-test: whether the means of two independent groups differ (Biometrika 34, 1947); of
//! weighted rows by their effective number (Kish, "Survey Sampling", 1965), of rows that belong
//! together by [`super::clusters`].

use super::clusters::clustered;
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
    between(&Moments::of(first)?, &Moments::of(second)?)
}

/// Rows in two parts.
#[derive(Debug, Clone, Copy)]
pub struct Parted<'a> {
    /// The value of each row.
    pub values: &'a [f64],
    /// Whether a row is of the first part.
    pub is_first: &'a [bool],
    /// Row weights.
    pub weights: Option<&'a [f64]>,
    /// The group of each row, where rows of a group belong together; a group may be in both parts.
    pub groups: Option<&'a [u32]>,
}

/// Compares the means of two parts of rows; as [`welch`], and `None` when either part is of one
/// group.
pub fn welch_of_rows(rows: &Parted<'_>) -> Option<Welch> {
    let weight = |row: usize| rows.weights.map_or(1.0, |w| w[row]);
    let part = |of_first: bool| -> Vec<(f64, f64)> {
        let is_in = |row: &usize| rows.is_first[*row] == of_first && weight(*row) > 0.0;
        (0..rows.values.len()).filter(is_in).map(|row| (rows.values[row], weight(row))).collect()
    };
    let (a, b) = (Moments::weighted(&part(true))?, Moments::weighted(&part(false))?);
    let Some(groups) = rows.groups else { return between(&a, &b) };
    if [true, false].iter().any(|side| is_of_one_group(rows, groups, *side)) {
        return None;
    }
    let share = |row: usize| {
        if rows.is_first[row] { weight(row) / a.total } else { -weight(row) / b.total }
    };
    let mean = |row: usize| if rows.is_first[row] { a.mean } else { b.mean };
    let certain = clustered(groups, share, |row| rows.values[row] - mean(row))?;
    if !(certain.standard_error > 0.0 && certain.standard_error.is_finite()) {
        return None;
    }
    let difference = a.mean - b.mean;
    let interval = certain.interval(difference);
    let p_greater = certain.p_greater(difference);
    Some(Welch { difference, low: interval.low, high: interval.high, p_greater })
}

fn is_of_one_group(rows: &Parted<'_>, groups: &[u32], of_first: bool) -> bool {
    let mut own = groups.iter().zip(rows.is_first).filter(|(_, side)| **side == of_first);
    let Some((first, _)) = own.next() else { return true };
    own.all(|(group, _)| group == first)
}

fn between(a: &Moments, b: &Moments) -> Option<Welch> {
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
    /// Rows, or their effective number.
    n: f64,
    /// The sum of weights.
    total: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        (values.len() >= 2).then(|| Self { n, total: n, mean, variance: squares / (n - 1.0) })
    }

    /// Of values with weights above 0.
    fn weighted(rows: &[(f64, f64)]) -> Option<Self> {
        let total: f64 = rows.iter().map(|(_, w)| w).sum();
        let n = total * total / rows.iter().map(|(_, w)| w * w).sum::<f64>();
        let mean = rows.iter().map(|(v, w)| w * v).sum::<f64>() / total;
        let squares: f64 = rows.iter().map(|(v, w)| (w * (v - mean)).powi(2)).sum();
        // So that variance / n is the variance of the mean, without bias for equal weights.
        let variance = squares / (total * total) * n * n / (n - 1.0);
        (rows.len() >= 2 && n > 1.0).then_some(Self { n, total, mean, variance })
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
    fn equal_weights_change_nothing_and_a_weight_of_nothing_is_no_row() {
        let values = [27.5, 21.0, 19.0, 23.6, 19.0, 21.7, 21.4, 20.3, 99.0];
        let is_first = [true, true, true, true, false, false, false, false, true];
        let plain = welch(&values[..4], &values[4..8]).unwrap();
        let weights = [3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 0.0];
        let rows =
            Parted { values: &values, is_first: &is_first, weights: Some(&weights), groups: None };
        let found = welch_of_rows(&rows).unwrap();
        assert!((found.difference - plain.difference).abs() < 1e-12, "{found:?}");
        assert!((found.low - plain.low).abs() < 1e-9, "{found:?} {plain:?}");
        assert!((found.p_greater - plain.p_greater).abs() < 1e-12);
    }

    #[test]
    fn a_part_of_one_group_cannot_be_told_from_its_group() {
        let rows = Parted {
            values: &[1.0, 2.0, 3.0, 5.0, 4.0, 3.0],
            is_first: &[true, true, true, false, false, false],
            weights: None,
            groups: Some(&[7, 7, 7, 1, 2, 3]),
        };
        assert_eq!(welch_of_rows(&rows), None);
        assert!(welch_of_rows(&Parted { groups: Some(&[7, 8, 8, 1, 2, 3]), ..rows }).is_some());
    }

    #[test]
    fn equal_values_cannot_be_compared() {
        assert_eq!(welch(&[1.0, 1.0], &[1.0, 1.0]), None);
        assert_eq!(welch(&[1.0], &[1.0, 2.0]), None);
    }
}
