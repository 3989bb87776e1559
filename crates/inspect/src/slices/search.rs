//! A beam search for conjunctions of conditions with a high mean loss.

use super::condition::Condition;

/// Conjunctions that are made longer.
const BEAM: usize = 24;

/// Conjunctions that are returned: what is to be tested costs power.
const FOUND_MAX: usize = 12;

/// Two conjunctions that share more than this part of their rows are one finding.
const OVERLAP_MAX: f64 = 0.6;

/// A longer conjunction must have a mean loss higher by this factor than each shorter one.
const BETTER_THAN_PARENT: f64 = 1.1;

/// A conjunction with its rows.
struct Slice {
    conditions: Vec<usize>,
    rows: Vec<u64>,
    n: usize,
    mean: f64,
    /// Excess of the mean in standard errors.
    score: f64,
}

/// The losses that are searched, with the weights of their rows.
pub(super) struct Losses<'a> {
    weights: &'a [f64],
    /// Weight times loss.
    weighted: Vec<f64>,
    mean: f64,
    variance: f64,
}

impl<'a> Losses<'a> {
    /// As many losses as weights.
    pub(super) fn new(losses: &[f64], weights: &'a [f64]) -> Self {
        let weighted: Vec<f64> = losses.iter().zip(weights).map(|(l, w)| l * w).collect();
        let total: f64 = weights.iter().sum();
        let mean = weighted.iter().sum::<f64>() / total;
        let squares = losses.iter().zip(weights).map(|(l, w)| w * (l - mean).powi(2));
        Self { weights, mean, variance: squares.sum::<f64>() / total, weighted }
    }

    /// Rows with weight, their mean loss, and their effective number (Kish), in the order of the
    /// rows.
    fn of(&self, rows: &[u64]) -> (usize, f64, f64) {
        let (mut n, mut sum, mut total, mut squares) = (0, 0.0, 0.0, 0.0);
        for (word, bits) in rows.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let row = word * 64 + bits.trailing_zeros() as usize;
                let weight = self.weights[row];
                n += usize::from(weight > 0.0);
                sum += self.weighted[row];
                total += weight;
                squares += weight * weight;
                bits &= bits - 1;
            }
        }
        let some = if total > 0.0 { (sum / total, total * total / squares) } else { (0.0, 0.0) };
        (n, some.0, some.1)
    }
}

/// Conjunctions of one or two conditions (as positions) whose rows have a high mean loss, the most
/// certain first; each has at least `n_min` rows.
pub(super) fn beam(conditions: &[Condition], losses: &Losses<'_>, n_min: usize) -> Vec<Vec<usize>> {
    let (mean, variance) = (losses.mean, losses.variance);
    if !(variance > 0.0 && variance.is_finite()) {
        return Vec::new();
    }
    let n_all = losses.weights.iter().filter(|w| **w > 0.0).count();
    let measured = |conditions: Vec<usize>, rows: Vec<u64>| {
        let (n, own, effective) = losses.of(&rows);
        let score = (own - mean) * (effective / variance).sqrt();
        (n >= n_min && n + n_min <= n_all && own > mean).then_some(Slice {
            conditions,
            rows,
            n,
            mean: own,
            score,
        })
    };
    let mut singles: Vec<Slice> = (0..conditions.len())
        .filter_map(|c| measured(vec![c], conditions[c].rows.clone()))
        .collect();
    singles.sort_by(by_score);
    let mut all: Vec<Slice> = Vec::new();
    for parent in singles.iter().take(BEAM) {
        for (c, condition) in conditions.iter().enumerate() {
            let first = parent.conditions[0];
            if condition.column == conditions[first].column {
                continue;
            }
            let rows = parent.rows.iter().zip(&condition.rows).map(|(a, b)| a & b).collect();
            let pair = vec![first.min(c), first.max(c)];
            let is_new = all.iter().all(|s| s.conditions != pair);
            let longer = measured(pair, rows).filter(|s| {
                let (_, other, _) = losses.of(&condition.rows);
                s.mean >= BETTER_THAN_PARENT * parent.mean.max(other)
            });
            all.extend(longer.filter(|_| is_new));
        }
    }
    all.extend(singles);
    all.sort_by(by_score);
    let mut found: Vec<Slice> = Vec::new();
    for slice in all {
        if found.len() < FOUND_MAX && found.iter().all(|f| overlap(f, &slice) <= OVERLAP_MAX) {
            found.push(slice);
        }
    }
    found.into_iter().map(|s| s.conditions).collect()
}

fn by_score(a: &Slice, b: &Slice) -> std::cmp::Ordering {
    b.score.total_cmp(&a.score).then_with(|| a.conditions.cmp(&b.conditions))
}

/// Shared rows as a part of the smaller slice.
fn overlap(a: &Slice, b: &Slice) -> f64 {
    let shared: usize =
        a.rows.iter().zip(&b.rows).map(|(x, y)| (x & y).count_ones() as usize).sum();
    shared as f64 / a.n.min(b.n).max(1) as f64
}
