//! How far apart two distributions are.

use super::steps::Steps;

/// Bins with fewer reference rows than this share count as empty for [`psi`]'s replacement.
const PSI_ZERO: f64 = 1e-4;

/// A standard deviation below this does not divide a [`wasserstein`] distance.
const STD_MIN: f64 = 1e-3;

/// The first Wasserstein distance in standard deviations of the reference: by how much values moved
/// on average. `None` without rows on either side.
///
/// Reference: Vallender, "Calculation of the Wasserstein distance between probability distributions
/// on the line", 1974: the area between the distribution functions.
pub fn wasserstein(reference: &Steps, current: &Steps) -> Option<f64> {
    if reference.n() == 0.0 || current.n() == 0.0 {
        return None;
    }
    let (mut area, mut last) = (0.0, None);
    reference.walk(current, |value, a, b| {
        if let Some((before, gap)) = last {
            let gap: f64 = gap;
            area += gap.abs() * (value - before);
        }
        last = Some((value, a - b));
    });
    Some(area / reference.std()?.max(STD_MIN))
}

/// The Jensen–Shannon distance (square root of the divergence, natural logarithm) of two lists of
/// counts: from 0 for the same shares to 0.83 for no common value. `None` without rows.
///
/// Reference: Endres & Schindelin, "A new metric for probability distributions", 2003.
pub fn jensen_shannon(pairs: &[(f64, f64)]) -> Option<f64> {
    let (n_a, n_b) = sums(pairs)?;
    let term = |p: f64, m: f64| if p > 0.0 { p * (p / m).ln() } else { 0.0 };
    let divergence: f64 = pairs
        .iter()
        .map(|(a, b)| {
            let (p, q) = (a / n_a, b / n_b);
            let m = f64::midpoint(p, q);
            term(p, m) + term(q, m)
        })
        .sum();
    Some((divergence / 2.0).max(0.0).sqrt())
}

/// The population stability index of two lists of counts over rows `n` (which may hold rows that
/// no bin holds). Empty bins get a share of 0.0001, or a millionth of the smallest one if that is
/// smaller, as in Evidently. `None` without rows.
pub fn psi(pairs: &[(f64, f64)]) -> Option<f64> {
    let (n_a, n_b) = sums(pairs)?;
    let filled = |shares: Vec<f64>| {
        let least = shares.iter().copied().filter(|s| *s > 0.0).fold(f64::INFINITY, f64::min);
        let stand_in = if least <= PSI_ZERO { least / 1e6 } else { PSI_ZERO };
        shares.into_iter().map(move |s| if s > 0.0 { s } else { stand_in }).collect::<Vec<f64>>()
    };
    let a = filled(pairs.iter().map(|(a, _)| a / n_a).collect());
    let b = filled(pairs.iter().map(|(_, b)| b / n_b).collect());
    Some(a.iter().zip(&b).map(|(a, b)| (a - b) * (a / b).ln()).sum())
}

fn sums(pairs: &[(f64, f64)]) -> Option<(f64, f64)> {
    let (a, b) = (pairs.iter().map(|p| p.0).sum(), pairs.iter().map(|p| p.1).sum());
    (a > 0.0 && b > 0.0).then_some((a, b))
}

/// The rows of both in bins of equal width over their common range, as many as Sturges' rule gives
/// for all rows (Sturges 1926; numpy's `histogram_bin_edges`).
pub fn sturges(reference: &Steps, current: &Steps) -> Vec<(f64, f64)> {
    let (Some(a), Some(b)) = (reference.range(), current.range()) else { return Vec::new() };
    let (low, high) = (a.0.min(b.0), a.1.max(b.1));
    let n = reference.n() + current.n();
    let n_bins = if high > low { (n.log2() + 1.0).ceil().max(1.0) as usize } else { 1 };
    // A range of one value is a bin around it.
    let (low, high) = if high > low { (low, high) } else { (low - 0.5, high + 0.5) };
    let step = (high - low) / n_bins as f64;
    let edge = |i: usize| if i == n_bins { high } else { low + i as f64 * step };
    let edges: Vec<f64> = (0..=n_bins).map(edge).collect();
    reference.histogram(&edges).into_iter().zip(current.histogram(&edges)).collect()
}
