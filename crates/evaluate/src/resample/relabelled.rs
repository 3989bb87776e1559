//! Losses of labels that the rows at hand do not show: a smoothed bootstrap of losses of classes.
//!
//! A sure prediction costs a great deal when it is wrong, and that is rare: few rows mostly lack
//! such a row, and resampling them cannot bring it back, so that intervals of a log loss end too
//! low. But each row says what the other label would have cost, and the prediction itself how often
//! that happens. So a drawn row keeps its label mostly, and with the chance `λ` gets one drawn from
//! the predicted probabilities; the fewer rows there are, the larger is `λ`:
//!
//! ```text
//! λ = k / (n + k), as if k further rows had the labels that the model expects
//! ```
//!
//! Reference: the smoothed bootstrap of a discrete law, which draws from a mixture of the rows at
//! hand and a model (Davison & Hinkley, "Bootstrap methods and their application", 1997, 3.3 and
//! 7.2: the labels of a binary regression are drawn from its probabilities). `carried` says how far
//! the upper end may be.

use modelwright_core::random::Random;
use modelwright_core::task::{Predictions, Target};

use super::bootstrap::quantile_of_sorted;
use super::carried::most_of_events;
use crate::metric::{MetricEntry, MetricInput};

/// What each row would have lost with each label, and how often that is expected.
pub(super) struct Relabelled {
    /// The chance that a row's label is drawn anew.
    share: f64,
    /// For each class, the loss of each row with that label.
    losses: Vec<Vec<f64>>,
    /// For each row, the chances of the classes up to each.
    up_to: Vec<Vec<f64>>,
}

/// Rows that the expectation of the predictions counts as. Half and three times as many were tried:
/// fewer hold the log loss of sure predictions less often; more hold less where predictions are far
/// too sure of themselves.
const PRIOR_ROWS: f64 = 15.0;

/// Beyond, rows show what there is to show.
const ROWS_MAX: usize = 400;

/// A loss that so many samples of this size show counts as one that the rows may have missed.
const CHANCE: f64 = 0.025;

/// On so many rows the level of the upper end is half of what it is on very many.
const ROWS_OF_HALF_LEVEL: f64 = 10.0;

impl Relabelled {
    /// Of a metric that is a mean over rows; `None` with many rows, and where it has no such mean.
    pub(super) fn of(metric: &MetricEntry, input: &MetricInput<'_>) -> Option<Self> {
        let Target::Class { codes, n_classes } = input.truth else { return None };
        let n = codes.len();
        if n >= ROWS_MAX {
            return None;
        }
        let losses = (0..*n_classes as u32).map(|class| {
            let truth = Target::Class { codes: vec![class; n], n_classes: *n_classes };
            let prepared = metric.prepare(&MetricInput { truth: &truth, ..*input }).ok()?;
            let rows = prepared.mean()?.rows.clone();
            rows.iter().all(|v| v.is_finite()).then_some(rows)
        });
        let losses = losses.collect::<Option<Vec<Vec<f64>>>>()?;
        let up_to = (0..n).map(|row| up_to(input.predictions, row)).collect();
        Some(Self { share: PRIOR_ROWS / (n as f64 + PRIOR_ROWS), losses, up_to })
    }

    /// The mean loss of a row whose own is `own`.
    pub(super) fn mean(&self, row: usize, own: f64) -> f64 {
        let (mut expected, mut before) = (0.0, 0.0);
        for (losses, up_to) in self.losses.iter().zip(&self.up_to[row]) {
            expected += (up_to - before) * losses[row];
            before = *up_to;
        }
        (1.0 - self.share) * own + self.share * expected
    }

    /// The largest mean that rows and expectation speak for: of rows whose own losses are `own`.
    pub(super) fn most(&self, own: &[f64], weights: Option<&[f64]>) -> f64 {
        let weight = |row: usize| weights.map_or(1.0, |w| w[row]);
        let total: f64 = (0..own.len()).map(weight).sum();
        let mut events = Vec::with_capacity(own.len() * (1 + self.losses.len()));
        for (row, loss) in own.iter().enumerate() {
            let part = weight(row) / total;
            events.push((loss * part, 1.0 - self.share));
            let mut before = 0.0;
            for (losses, up_to) in self.losses.iter().zip(&self.up_to[row]) {
                events.push((losses[row] * part, self.share * (up_to - before)));
                before = *up_to;
            }
        }
        most_of_events(&events, CHANCE)
    }

    /// The distance of the upper end, from sorted distances of resamples of `n_rows` rows.
    pub(super) fn upper(sorted: &[f64], n_rows: usize) -> f64 {
        let level = 0.025 / (1.0 + ROWS_OF_HALF_LEVEL / n_rows.max(1) as f64);
        quantile_of_sorted(sorted, level)
    }

    /// The loss of a drawn row whose own is `own`.
    pub(super) fn draw(&self, row: usize, own: f64, random: &mut Random) -> f64 {
        let unit = random.unit();
        if unit >= self.share {
            return own;
        }
        let up_to = &self.up_to[row];
        let class = up_to.partition_point(|up_to| *up_to <= unit / self.share);
        self.losses[class.min(up_to.len() - 1)][row]
    }
}

/// The chances of the classes up to each.
fn up_to(predictions: &Predictions, row: usize) -> Vec<f64> {
    let chances = match predictions.row(row) {
        [p] => vec![1.0 - p, *p],
        many => many.to_vec(),
    };
    let total: f64 = chances.iter().sum();
    let mut sum = 0.0;
    let so_far = chances.iter().map(|chance| {
        sum += chance / total;
        sum
    });
    so_far.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::metric;

    fn of(name: &str, codes: &[u32], values: &[f64]) -> Option<Relabelled> {
        let truth = Target::Class { codes: codes.to_vec(), n_classes: 2 };
        let predictions = Predictions::new(1, values.to_vec());
        Relabelled::of(metric(name).unwrap(), &MetricInput::new(&truth, &predictions))
    }

    #[test]
    fn labels_are_drawn_as_often_as_they_are_expected() {
        let (codes, values) = ([0; 60], [0.1; 60]);
        let labels = of("log_loss", &codes, &values).unwrap();
        let (own, other) = (-0.9_f64.ln(), -0.1_f64.ln());
        // A fifth is drawn anew, a tenth of that with the other label.
        let mean = 0.98 * own + 0.02 * other;
        assert!((labels.mean(3, own) - mean).abs() < 1e-12);
        let mut random = Random::new(5);
        let drawn = (0..100_000).map(|_| labels.draw(3, own, &mut random)).sum::<f64>() / 1e5;
        assert!((drawn / mean - 1.0).abs() < 0.02, "{drawn} {mean}");
    }

    #[test]
    fn rows_without_an_error_may_have_missed_one() {
        let (codes, values) = ([0; 40], [0.02; 40]);
        let labels = of("log_loss", &codes, &values).unwrap();
        let own = vec![-0.98_f64.ln(); 40];
        let seen = super::super::carried::most_by_chance(&own, None);
        let most = labels.most(&own, None);
        // One row of 40 that costs -ln 0.02 adds 0.098 to the mean.
        assert!(seen < 0.04 && most > 0.098 && most < 1.0, "{seen} {most}");
    }

    #[test]
    fn many_rows_and_metrics_that_are_no_mean_have_none() {
        assert!(of("log_loss", &[0; 400], &[0.1; 400]).is_none());
        assert!(of("roc_auc", &[0, 1], &[0.1, 0.9]).is_none());
        assert!(of("brier_score", &[0, 1], &[0.1, 0.9]).is_some());
    }
}
