//! Expected metrics of calibrated probabilities of a binary task.
//!
//! Rows are counted in bins of the probability's logit, apart on either side of the decision
//! threshold, each bin with its rows and its expected positives. Labels drawn from the bins give
//! the interval in which a metric would fall if the probabilities are right.

use modelwright_core::Context;
use modelwright_core::random::Random;
use modelwright_core::record::MetricValue;

use super::expected;

/// Bins of the logit between −[`LOGIT_MAX`] and [`LOGIT_MAX`].
const N_BINS: usize = 2048;
const LOGIT_MAX: f64 = 16.0;

/// Draws of all labels.
const N_DRAWS: usize = 400;

/// A bin with more expected rows of either class than this is drawn by the normal law.
const NORMAL_FROM: f64 = 12.0;

/// Probabilities are kept this far from 0 and 1 in the log loss, as scikit-learn does.
const CLIP: f64 = f64::EPSILON;

/// Sums over rows with a calibrated probability each.
#[derive(Debug, Clone)]
pub struct ExpectedBinary {
    threshold: f64,
    /// For negative and positive decisions: rows and summed probabilities of each bin.
    bins: [Vec<(f64, f64)>; 2],
    n_rows: u64,
    entropy: f64,
    spread: f64,
}

/// What a set of labels, drawn or expected, comes to.
struct Labels<'a> {
    bins: &'a [Vec<(f64, f64)>; 2],
    /// Positives of each bin.
    positives: [Vec<f64>; 2],
}

impl ExpectedBinary {
    /// No rows yet; positive is decided from `threshold` on.
    pub fn new(threshold: f64) -> Self {
        let bins = [vec![(0.0, 0.0); N_BINS], vec![(0.0, 0.0); N_BINS]];
        Self { threshold, bins, n_rows: 0, entropy: 0.0, spread: 0.0 }
    }

    /// Adds the probabilities of rows.
    pub fn add(&mut self, probabilities: &[f64]) {
        for p in probabilities {
            let p = p.clamp(0.0, 1.0);
            let logit = (p.max(1e-300) / (1.0 - p).max(1e-300)).ln();
            let place = (logit + LOGIT_MAX) / (2.0 * LOGIT_MAX) * N_BINS as f64;
            let side = usize::from(p >= self.threshold);
            let bin = &mut self.bins[side][(place.max(0.0) as usize).min(N_BINS - 1)];
            bin.0 += 1.0;
            bin.1 += p;
            self.n_rows += 1;
            let clipped = p.clamp(CLIP, 1.0 - CLIP);
            self.entropy -= p * clipped.ln() + (1.0 - p) * (1.0 - clipped).ln();
            self.spread += p * (1.0 - p);
        }
    }

    /// From which probability on positive is decided.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Rows.
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// The expected metrics, each with the interval that holds 95 % of all labellings; empty
    /// without rows.
    pub fn metrics(&self, ctx: &Context) -> Vec<MetricValue> {
        if self.n_rows == 0 {
            return Vec::new();
        }
        // Most bins are empty, and would be walked through by every draw.
        let filled = |side: usize| -> Vec<(f64, f64)> {
            self.bins[side].iter().copied().filter(|bin| bin.0 > 0.0).collect()
        };
        let bins = [filled(0), filled(1)];
        let sums = |side: &[(f64, f64)]| side.iter().map(|bin| bin.1).collect();
        let positives = [sums(&bins[0]), sums(&bins[1])];
        let mut values = Labels { bins: &bins, positives }.metrics();
        // Sums over rows are exact where bins would round.
        let n = self.n_rows as f64;
        for (name, value) in &mut values {
            match *name {
                "log_loss" => *value = self.entropy / n,
                "brier_score" => *value = self.spread / n,
                _ => {}
            }
        }
        let draws = ctx.map(N_DRAWS, |draw| {
            let mut random = ctx.random("evaluate/estimate", draw as u64);
            draw_labels(&bins, &mut random).metrics()
        });
        let interval = |at: usize| {
            let mut of: Vec<f64> = draws.iter().map(|draw| draw[at].1).collect();
            of.retain(|v| v.is_finite());
            of.sort_by(f64::total_cmp);
            let quantile = |q: f64| of[((of.len() - 1) as f64 * q).round() as usize];
            (of.len() * 2 > N_DRAWS).then(|| (quantile(0.025), quantile(0.975)))
        };
        let all = values.iter().enumerate();
        all.map(|(at, (name, value))| expected(name, *value, interval(at))).collect()
    }
}

/// Labels drawn by the probabilities.
fn draw_labels<'a>(bins: &'a [Vec<(f64, f64)>; 2], random: &mut Random) -> Labels<'a> {
    let mut of = |side: usize| -> Vec<f64> {
        bins[side].iter().map(|(n, sum)| positives(*n, *sum, random)).collect()
    };
    let positives = [of(0), of(1)];
    Labels { bins, positives }
}

/// How many of `n` rows are positive when `sum` are expected.
fn positives(n: f64, sum: f64, random: &mut Random) -> f64 {
    if n == 0.0 {
        return 0.0;
    }
    let p = sum / n;
    let spread = n * p * (1.0 - p);
    if sum.min(n - sum) > NORMAL_FROM {
        return (sum + spread.sqrt() * random.normal()).round().clamp(0.0, n);
    }
    // The rarer class: a handful of rows, one after the other by their distance (geometric law).
    let rare = p.min(1.0 - p);
    if rare <= 0.0 {
        return if p > 0.5 { n } else { 0.0 };
    }
    let (mut found, mut at) = (0.0, 0.0);
    // `1 - rare` may round to 1, whose logarithm is 0: no gap would lead beyond the last row.
    let log_rest = (-rare).ln_1p();
    loop {
        at += 1.0 + (random.unit().max(1e-300).ln() / log_rest).floor();
        if at > n {
            break;
        }
        found += 1.0;
    }
    if p > 0.5 { n - found } else { found }
}

impl Labels<'_> {
    /// Each metric of these labels; NaN where it is undefined.
    fn metrics(&self) -> Vec<(&'static str, f64)> {
        let total = |side: usize| self.bins[side].iter().map(|bin| bin.0).sum::<f64>();
        let hit = |side: usize| self.positives[side].iter().sum::<f64>();
        let (missed, true_positive) = (hit(0), hit(1));
        let (true_negative, false_positive) = (total(0) - missed, total(1) - true_positive);
        let n = total(0) + total(1);
        let recall = true_positive / (true_positive + missed);
        let specificity = true_negative / (true_negative + false_positive);
        let precision = true_positive / (true_positive + false_positive);
        let errors = false_positive + missed;
        let product = (true_positive + false_positive)
            * (true_positive + missed)
            * (true_negative + false_positive)
            * (true_negative + missed);
        let correlation =
            (true_positive * true_negative - false_positive * missed) / product.sqrt();
        vec![
            ("roc_auc", self.roc_auc()),
            ("log_loss", self.mean(|p, y| if y { -p.ln() } else { -(1.0 - p).ln() })),
            ("brier_score", self.mean(|p, y| if y { (1.0 - p).powi(2) } else { p * p })),
            ("accuracy", (true_positive + true_negative) / n),
            ("balanced_accuracy", f64::midpoint(recall, specificity)),
            ("f1", 2.0 * true_positive / (2.0 * true_positive + errors)),
            ("precision", precision),
            ("recall", recall),
            ("matthews_corrcoef", correlation),
        ]
    }

    /// The mean of a loss of probability and label.
    fn mean(&self, loss: impl Fn(f64, bool) -> f64) -> f64 {
        let (mut sum, mut n_rows) = (0.0, 0.0);
        for side in 0..2 {
            for ((n, p_sum), positive) in self.bins[side].iter().zip(&self.positives[side]) {
                if *n > 0.0 {
                    let p = (p_sum / n).clamp(CLIP, 1.0 - CLIP);
                    sum += positive * loss(p, true) + (n - positive) * loss(p, false);
                    n_rows += n;
                }
            }
        }
        sum / n_rows
    }

    /// The chance that a positive row ranks above a negative one, ties counting half.
    fn roc_auc(&self) -> f64 {
        let (mut won, mut negatives_below, mut positives) = (0.0, 0.0, 0.0);
        for side in 0..2 {
            for ((n, _), positive) in self.bins[side].iter().zip(&self.positives[side]) {
                let negative = n - positive;
                won += positive * (negatives_below + 0.5 * negative);
                negatives_below += negative;
                positives += positive;
            }
        }
        won / (positives * negatives_below)
    }
}
