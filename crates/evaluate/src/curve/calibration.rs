//! Reliability: does what is given 30 % happen in 30 % of the rows?

use modelwright_core::record::{CalibrationBin, Interval};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Error, Result};

use crate::conformal::share_and_worth;
use crate::distribution::Z_975;
use crate::metric::{Ranked, check_pair, check_weights};

/// Bins of about equal weight by rising probability; rows of equal probability share a bin.
///
/// Binary targets: the probability of the positive class. More classes: the probability of the
/// most probable class, and whether it was the true one. At most `n_bins` bins, each of at least
/// about 20 rows. The interval is Wilson's; weighted rows count by Kish's effective number, and
/// rows that belong together (`groups`, one per row) by whole groups.
///
/// # Errors
/// Input error for a regression target, or predictions, weights or groups that do not fit.
pub fn calibration_bins(
    truth: &Target,
    probabilities: &Predictions,
    weights: Option<&[f64]>,
    groups: Option<&[u32]>,
    n_bins: usize,
) -> Result<Vec<CalibrationBin>> {
    /// Fewer rows than this say little about a share.
    const ROWS_PER_BIN: usize = 20;
    check_pair(truth, probabilities)?;
    if let Some(weights) = weights {
        check_weights(weights, truth.n_rows())?;
    }
    let Some(codes) = truth.codes() else {
        return Err(Error::input("calibration needs a classification target").got("regression"));
    };
    if groups.is_some_and(|g| g.len() != codes.len()) {
        return Err(Error::input("each row needs the group that it belongs to")
            .expected(format!("{} groups", codes.len()))
            .hint("give one group per row, or none"));
    }
    let top = probabilities.classes(0.5);
    let is_binary = probabilities.n_outputs == 1;
    let score = |row: usize| match probabilities.row(row) {
        [p] => *p,
        many => many[top[row] as usize],
    };
    let happened = |row: usize| codes[row] == if is_binary { 1 } else { top[row] };
    let ranked = Ranked::new(codes.len(), score, happened);
    let weight = |row: u32| weights.map_or(1.0, |w| w[row as usize]);
    let total: f64 = ranked.rows.iter().map(|row| weight(*row)).sum();
    let n_bins = n_bins.min(codes.len() / ROWS_PER_BIN).max(1) as f64;

    let mut bins = Vec::new();
    let (mut bin, mut seen, mut end) = (Bin::default(), 0.0, codes.len());
    // Groups are by falling score; walked backwards, bins rise.
    let starts = [0].into_iter().chain(ranked.group_ends.iter().map(|end| *end as usize));
    let starts: Vec<usize> = starts.take(ranked.group_ends.len()).collect();
    for start in starts.into_iter().rev() {
        for at in start..end {
            let (row, w) = (ranked.rows[at], weight(ranked.rows[at]));
            bin.add(w, score(row as usize), ranked.positive[at], groups.map(|g| g[row as usize]));
            seen += w;
        }
        end = start;
        let is_full = seen >= (bins.len() + 1) as f64 * total / n_bins * (1.0 - 1e-12);
        if (is_full || start == 0) && bin.weight > 0.0 {
            bins.extend(std::mem::take(&mut bin).finish());
        }
    }
    Ok(bins)
}

/// The rows of a bin.
#[derive(Default)]
struct Bin {
    n_rows: usize,
    weight: f64,
    predicted: f64,
    happened: Vec<bool>,
    weights: Vec<f64>,
    groups: Vec<u32>,
}

impl Bin {
    fn add(&mut self, weight: f64, score: f64, happened: bool, group: Option<u32>) {
        self.n_rows += usize::from(weight > 0.0);
        self.weight += weight;
        self.predicted += weight * score;
        self.happened.push(happened);
        self.weights.push(weight);
        self.groups.extend(group);
    }

    /// `None` of a bin without weight.
    fn finish(&self) -> Option<CalibrationBin> {
        let groups = (!self.groups.is_empty()).then_some(&self.groups[..]);
        let (observed, worth) = share_and_worth(&self.happened, Some(&self.weights), groups)?;
        let is_plain = (worth - self.n_rows as f64).abs() <= 1e-9 * worth;
        Some(CalibrationBin {
            predicted: self.predicted / self.weight,
            observed,
            ci95: wilson(observed, worth),
            n_rows: self.n_rows,
            n_effective: (!is_plain).then_some(worth),
        })
    }
}

/// Wilson's 95 % interval of a share seen in `n` rows (JASA 22, 1927).
pub(crate) fn wilson(share: f64, n: f64) -> Interval {
    let z2 = Z_975 * Z_975;
    let center = share + z2 / (2.0 * n);
    let half = Z_975 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    // Rounding must not part the ends from a share of nothing or of everything.
    let low = if share <= 0.0 { 0.0 } else { ((center - half) / scale).max(0.0) };
    let high = if share >= 1.0 { 1.0 } else { ((center + half) / scale).min(1.0) };
    Interval { low, high }
}
