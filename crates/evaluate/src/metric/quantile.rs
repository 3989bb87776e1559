//! The weighted quantile that scikit-learn uses inside its metrics.

/// The weighted quantile of ascending `values`, as scikit-learn's `_weighted_percentile` with
/// `average=True`: the inverse of the weighted distribution function, averaged where it is flat
/// (Hyndman & Fan 1996, type 2).
///
/// `weight(i)` is the weight of `values[i]`; `None` when all weights are zero.
pub fn weighted_quantile(values: &[f64], weight: impl Fn(usize) -> f64, q: f64) -> Option<f64> {
    let total: f64 = (0..values.len()).map(&weight).sum();
    if total <= 0.0 {
        return None;
    }
    let target = (q * total).max(f64::MIN_POSITIVE);
    let mut below = 0.0;
    let mut at = None;
    for i in 0..values.len() {
        below += weight(i);
        if below >= target {
            at = Some(i);
            break;
        }
    }
    // Rounding may leave the last partial sum just under the target.
    let at = at.unwrap_or(values.len() - 1);
    if below - target > f64::EPSILON {
        return Some(values[at]);
    }
    let next = (at + 1..values.len()).find(|i| weight(*i) > 0.0).unwrap_or(at);
    Some(f64::midpoint(values[at], values[next]))
}

/// Row indices by rising value; equal values in row order.
pub(crate) fn ascending(values: &[f64]) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..values.len() as u32).collect();
    rows.sort_unstable_by(|a, b| {
        values[*a as usize].total_cmp(&values[*b as usize]).then(a.cmp(b))
    });
    rows
}

/// A column sorted once, whose weighted quantiles are asked many times.
pub(crate) struct Sorted {
    rows: Vec<u32>,
    values: Vec<f64>,
}

impl Sorted {
    pub(crate) fn new(values: &[f64]) -> Self {
        let rows = ascending(values);
        let values = rows.iter().map(|r| values[*r as usize]).collect();
        Self { rows, values }
    }

    pub(crate) fn quantile(&self, weights: Option<&[f64]>, q: f64) -> Option<f64> {
        match weights {
            None => weighted_quantile(&self.values, |_| 1.0, q),
            Some(w) => weighted_quantile(&self.values, |i| w[self.rows[i] as usize], q),
        }
    }
}
