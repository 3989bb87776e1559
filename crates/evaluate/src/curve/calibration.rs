//! Reliability: does what is given 30 % happen in 30 % of the rows?

use modelwright_core::record::{CalibrationBin, Interval};
use modelwright_core::task::{Predictions, Target};
use modelwright_core::{Error, Result};

use crate::distribution::Z_975;
use crate::metric::{Ranked, check_pair, check_weights};

/// Bins of about equal weight by rising probability; rows of equal probability share a bin.
///
/// Binary targets: the probability of the positive class. More classes: the probability of the
/// most probable class, and whether it was the true one. At most `n_bins` bins, each of at least
/// about 20 rows. The interval is Wilson's; weighted rows count by Kish's effective number.
///
/// # Errors
/// Input error for a regression target or predictions that do not fit.
pub fn calibration_bins(
    truth: &Target,
    probabilities: &Predictions,
    weights: Option<&[f64]>,
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
    let (mut bin, mut seen, mut end) = (Sums::default(), 0.0, codes.len());
    // Groups are by falling score; walked backwards, bins rise.
    let starts = [0].into_iter().chain(ranked.group_ends.iter().map(|end| *end as usize));
    let starts: Vec<usize> = starts.take(ranked.group_ends.len()).collect();
    for start in starts.into_iter().rev() {
        for at in start..end {
            let (row, w) = (ranked.rows[at], weight(ranked.rows[at]));
            bin.add(w, score(row as usize), ranked.positive[at]);
            seen += w;
        }
        end = start;
        let is_full = seen >= (bins.len() + 1) as f64 * total / n_bins * (1.0 - 1e-12);
        if (is_full || start == 0) && bin.weight > 0.0 {
            bins.push(std::mem::take(&mut bin).finish());
        }
    }
    Ok(bins)
}

#[derive(Default)]
struct Sums {
    n_rows: usize,
    weight: f64,
    squares: f64,
    predicted: f64,
    observed: f64,
}

impl Sums {
    fn add(&mut self, weight: f64, score: f64, happened: bool) {
        self.n_rows += usize::from(weight > 0.0);
        self.weight += weight;
        self.squares += weight * weight;
        self.predicted += weight * score;
        self.observed += if happened { weight } else { 0.0 };
    }

    fn finish(self) -> CalibrationBin {
        let observed = self.observed / self.weight;
        CalibrationBin {
            predicted: self.predicted / self.weight,
            observed,
            ci95: wilson(observed, self.weight * self.weight / self.squares),
            n_rows: self.n_rows,
        }
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
