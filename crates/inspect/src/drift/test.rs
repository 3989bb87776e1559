//! Whether a difference could be chance.

use modelwright_evaluate::distribution::chi_square_survival;

use super::kolmogorov;
use super::steps::Steps;

/// Values that fewer rows than this are expected to have are pooled (Cochran 1954).
const EXPECTED_MIN: f64 = 5.0;

/// The largest distance between two distribution functions, and its two-sided p-value. `None`
/// without rows on either side.
///
/// Ranks that a sketch may have wrong are given the benefit of the doubt in the p-value, never in
/// the distance; rows that belong together count as far as they are independent.
pub fn kolmogorov_smirnov(reference: &Steps, current: &Steps) -> Option<(f64, f64)> {
    if reference.n() == 0.0 || current.n() == 0.0 {
        return None;
    }
    let mut distance: f64 = 0.0;
    reference.walk(current, |_, a, b| distance = distance.max((a - b).abs()));
    let sure = (distance - reference.rank_error() - current.rank_error()).max(0.0);
    let p = kolmogorov::two_sample(sure, reference.n_independent(), current.n_independent());
    Some((distance, p))
}

/// The p-value of the counts of `current` if the shares of `reference` were the truth: Pearson's
/// goodness of fit, as Evidently computes it. `None` without rows.
pub fn chi_squared_fit(pairs: &[(f64, f64)]) -> Option<f64> {
    let (n_a, n_b): (f64, f64) = (sum(pairs, |p| p.0), sum(pairs, |p| p.1));
    if n_a == 0.0 || n_b == 0.0 || pairs.len() < 2 {
        return (n_a > 0.0 && n_b > 0.0).then_some(1.0);
    }
    let scale = n_b / n_a;
    let statistic = sum(pairs, |(a, b)| {
        let expected = a * scale;
        // A value that the reference lacks is infinitely unlikely under it.
        if expected > 0.0 {
            (b - expected).powi(2) / expected
        } else if *b > 0.0 {
            f64::INFINITY
        } else {
            0.0
        }
    });
    Some(chi_square_survival(statistic, (pairs.len() - 1) as f64))
}

/// The p-value of "both sides have the same shares": Pearson's test of a table of two rows. Rare
/// values are pooled. `None` without rows.
pub fn chi_squared_homogeneity(pairs: &[(f64, f64)]) -> Option<f64> {
    let (n_a, n_b): (f64, f64) = (sum(pairs, |p| p.0), sum(pairs, |p| p.1));
    let n = n_a + n_b;
    if n_a == 0.0 || n_b == 0.0 {
        return None;
    }
    let smaller = n_a.min(n_b) / n;
    let (mut kept, mut pooled) = (Vec::new(), (0.0, 0.0));
    for (a, b) in pairs {
        if (a + b) * smaller >= EXPECTED_MIN {
            kept.push((*a, *b));
        } else {
            pooled = (pooled.0 + a, pooled.1 + b);
        }
    }
    if pooled.0 + pooled.1 > 0.0 {
        kept.push(pooled);
    }
    if kept.len() < 2 {
        return Some(1.0);
    }
    let statistic = sum(&kept, |(a, b)| {
        let (of_a, of_b) = ((a + b) * n_a / n, (a + b) * n_b / n);
        (a - of_a).powi(2) / of_a + (b - of_b).powi(2) / of_b
    });
    Some(chi_square_survival(statistic, (kept.len() - 1) as f64))
}

/// The two-sided p-value of "both shares are the same", of `a` rows in `n_a` and `b` in `n_b`, by
/// the normal approximation with a pooled share. `None` without rows.
pub fn two_proportions(a: f64, n_a: f64, b: f64, n_b: f64) -> Option<f64> {
    if n_a == 0.0 || n_b == 0.0 {
        return None;
    }
    let pooled = (a + b) / (n_a + n_b);
    let spread = (pooled * (1.0 - pooled) * (1.0 / n_a + 1.0 / n_b)).sqrt();
    if spread == 0.0 {
        return Some(1.0);
    }
    let z = (a / n_a - b / n_b) / spread;
    Some(libm::erfc(z.abs() / std::f64::consts::SQRT_2))
}

fn sum(pairs: &[(f64, f64)], term: impl Fn(&(f64, f64)) -> f64) -> f64 {
    pairs.iter().map(term).sum()
}
