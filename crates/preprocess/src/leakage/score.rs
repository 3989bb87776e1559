//! How well one column predicts the target alone, out of fold.
//!
//! The rows are in two halves. The mean target (or the commonest class) of each level is taken
//! from one half and judged on the other, both ways, so that many rare levels gain nothing by
//! chance. It costs one pass over the rows: counts per level and half are all that is needed.

use modelwright_core::task::Target;

use super::levels::Levels;

/// How strongly the mean of a level is drawn to the mean of all, in rows: enough to break ties.
const PRIOR_ROWS: f64 = 0.1;

/// The measure of several classes.
pub(super) const ACCURACY: &str = "accuracy";

/// The score of one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Score {
    /// `AUC`, `accuracy` or `R²`.
    pub measure: &'static str,
    /// The measure out of fold.
    pub value: f64,
    /// From 0 (no better than knowing nothing) to 1 (perfect).
    pub skill: f64,
}

/// The out-of-fold score of levels; `halves` says which half each row belongs to.
pub(super) fn out_of_fold(levels: &Levels, target: &Target, halves: &[bool]) -> Score {
    match target {
        Target::Class { codes, n_classes } if *n_classes > 2 => {
            accuracy(levels, codes, *n_classes, halves)
        }
        Target::Class { codes, .. } => {
            let values: Vec<f64> = codes.iter().map(|c| f64::from(*c)).collect();
            auc(&Sums::new(levels, &values, halves))
        }
        Target::Real(values) => r2(levels, values, halves),
    }
}

/// Rows and sums of the target per half and level.
struct Sums {
    rows: [Vec<f64>; 2],
    sums: [Vec<f64>; 2],
}

impl Sums {
    fn new(levels: &Levels, values: &[f64], halves: &[bool]) -> Self {
        let zeros = || [vec![0.0; levels.n], vec![0.0; levels.n]];
        let mut out = Self { rows: zeros(), sums: zeros() };
        for ((level, value), half) in levels.codes.iter().zip(values).zip(halves) {
            let (half, level) = (usize::from(*half), *level as usize);
            out.rows[half][level] += 1.0;
            out.sums[half][level] += value;
        }
        out
    }

    /// The mean of each level in one half, drawn a little to that half's mean.
    fn means(&self, half: usize) -> Vec<f64> {
        let prior = self.mean(half);
        let mean = |(n, sum): (&f64, &f64)| (sum + PRIOR_ROWS * prior) / (n + PRIOR_ROWS);
        self.rows[half].iter().zip(&self.sums[half]).map(mean).collect()
    }

    fn mean(&self, half: usize) -> f64 {
        let n: f64 = self.rows[half].iter().sum();
        self.sums[half].iter().sum::<f64>() / n.max(1.0)
    }
}

/// The area under the ROC curve, averaged over both halves; 0.5 where a half has one class.
fn auc(sums: &Sums) -> Score {
    let of_half = |half: usize| {
        let means = sums.means(1 - half);
        let mut order: Vec<usize> = (0..means.len()).collect();
        order.sort_by(|a, b| means[*a].total_cmp(&means[*b]));
        // Levels with equal means are one step of the curve.
        let (mut area, mut below) = (0.0, 0.0);
        let mut start = 0;
        while start < order.len() {
            let tie = means[order[start]];
            let end = start + order[start..].partition_point(|i| means[*i] == tie);
            let positive: f64 = order[start..end].iter().map(|i| sums.sums[half][*i]).sum();
            let rows: f64 = order[start..end].iter().map(|i| sums.rows[half][*i]).sum();
            area += positive * (below + 0.5 * (rows - positive));
            below += rows - positive;
            start = end;
        }
        let positive: f64 = sums.sums[half].iter().sum();
        if positive > 0.0 && below > 0.0 { area / (positive * below) } else { 0.5 }
    };
    let value = 0.5 * (of_half(0) + of_half(1));
    Score { measure: "AUC", value, skill: (2.0 * value - 1.0).max(0.0) }
}

/// The share of rows whose class is the commonest of their level; skill is the gain over always
/// naming the commonest class of all.
fn accuracy(levels: &Levels, classes: &[u32], n_classes: usize, halves: &[bool]) -> Score {
    let mut totals = [vec![0_usize; n_classes], vec![0_usize; n_classes]];
    let mut keys: Vec<(u32, bool, u32)> = Vec::with_capacity(classes.len());
    for ((level, class), half) in levels.codes.iter().zip(classes).zip(halves) {
        totals[usize::from(*half)][*class as usize] += 1;
        keys.push((*level, *half, *class));
    }
    keys.sort_unstable();
    let commonest = |counts: &[usize]| {
        let most = counts.iter().copied().max().unwrap_or(0);
        counts.iter().position(|n| *n == most).unwrap_or(0) as u32
    };
    let prior = [commonest(&totals[0]), commonest(&totals[1])];
    let n_right: usize =
        keys.chunk_by(|a, b| a.0 == b.0).map(|level| right_in_level(level, prior)).sum();
    let base: usize = [0, 1].map(|half| totals[half][prior[1 - half] as usize]).iter().sum();
    let n = classes.len().max(1) as f64;
    let (value, base) = (n_right as f64 / n, base as f64 / n);
    let skill = if base < 1.0 { ((value - base) / (1.0 - base)).max(0.0) } else { 0.0 };
    Score { measure: ACCURACY, value, skill }
}

/// Rows of one level (sorted by half and class) that the other half's commonest class hits.
fn right_in_level(level: &[(u32, bool, u32)], prior: [u32; 2]) -> usize {
    let split = level.partition_point(|key| !key.1);
    let halves = [&level[..split], &level[split..]];
    let mut n_right = 0;
    for half in [0, 1] {
        let runs = halves[1 - half].chunk_by(|a, b| a.2 == b.2);
        let mut best: Option<&[(u32, bool, u32)]> = None;
        for run in runs {
            if best.is_none_or(|b| run.len() > b.len()) {
                best = Some(run);
            }
        }
        let class = best.map_or(prior[1 - half], |run| run[0].2);
        n_right += halves[half].iter().filter(|key| key.2 == class).count();
    }
    n_right
}

/// The share of variance explained, over both halves.
fn r2(levels: &Levels, values: &[f64], halves: &[bool]) -> Score {
    let sums = Sums::new(levels, values, halves);
    let means = [sums.means(0), sums.means(1)];
    let grand = [sums.mean(0), sums.mean(1)];
    let (mut error, mut total) = (0.0, 0.0);
    for ((level, value), half) in levels.codes.iter().zip(values).zip(halves) {
        let other = usize::from(!*half);
        error += (value - means[other][*level as usize]).powi(2);
        total += (value - grand[other]).powi(2);
    }
    let value = if total > 0.0 && error.is_finite() { 1.0 - error / total } else { 0.0 };
    Score { measure: "R²", value, skill: value.max(0.0) }
}
